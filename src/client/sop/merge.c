/* SPDX-License-Identifier: ISC */
/* merge-certs. */
#include "client/sop/merge.h"

#include "openpgp/cert/merge.h"

int
sop_replace(struct pgp_cert **c, struct buf *out)
{
	struct pgp_cert *fresh = NULL;
	struct error e = { 0 };
	size_t used;
	int rc = pgp_cert_parse(buf_slice(out), &fresh, &used, &e);

	buf_wipe_done(out);
	if (rc != 0)
		return sop_bad(&e);
	pgp_cert_free(*c);
	*c = fresh;
	return SOP_OK;
}

int
sop_merge_into(struct pgp_cert **c, const struct pgp_certs *others)
{
	struct error e = { 0 };
	int rc = SOP_OK;

	for (size_t i = 0; rc == 0 && i < others->count; i++) {
		const struct pgp_cert *other = others->items[i];
		bool changed = false;
		struct buf out;

		if (other == *c || !pgp_fingerprint_eq(&other->primary->fingerprint, &(*c)->primary->fingerprint))
			continue;
		buf_init(&out, PGP_CERT_MAX);
		rc = pgp_merge(*c, other, &out, &changed, &e) != 0 ? sop_bad(&e) : SOP_OK;
		if (rc == 0 && changed)
			rc = sop_replace(c, &out);
		buf_wipe_done(&out);
	}
	return rc;
}

/* Whether the n-th is the first of its certificate. */
static bool
first_copy(const struct pgp_certs *certs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pgp_fingerprint_eq(&certs->items[i]->primary->fingerprint, &certs->items[n]->primary->fingerprint))
			return false;
	return true;
}

/* Each certificate of standard input once, with its other copies there and those of the arguments. */
static int
merge_all(struct pgp_certs *base, const struct pgp_certs *news, struct buf *out)
{
	int rc = SOP_OK;

	for (size_t i = 0; rc == 0 && i < base->count; i++) {
		if (!first_copy(base, i))
			continue;
		rc = sop_merge_into(&base->items[i], base);
		if (rc == 0)
			rc = sop_merge_into(&base->items[i], news);
		if (rc == 0 && pgp_cert_write(base->items[i], out) != 0)
			rc = sop_nomem();
	}
	return rc;
}

int
sop_merge_certs(int argc, char **argv)
{
	static struct sop_ring base, news;
	static struct option_list files;
	bool no_armor = false;
	const struct option options[] = { { "no-armor", OPTION_FLAG, &no_armor } };
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_options("merge-certs", argc, argv, options, 1, &files);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0)
		rc = sop_load_list(&files, 0, false, &news);
	if (rc == 0)
		rc = sop_load_input(false, &base);
	if (rc == 0)
		rc = merge_all(&base.certs, &news.certs, &out);
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&base));
	sop_ring_done(&base);
	sop_ring_done(&news);
	return rc;
}
