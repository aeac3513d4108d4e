/* SPDX-License-Identifier: ISC */
#include "service/directory/mirror_keep.h"

#include <stdio.h>

#include "openpgp/cert/cert.h"
#include "service/directory/describe.h"
#include "service/directory/directory.h"
#include "service/directory/filter.h"
#include "service/directory/introducers.h"
#include "store/store.h"

#define BUDGET (32u << 20)
#define TRIES 5u /* when somebody else puts the same certificate meanwhile */

struct keeping {
	struct mirror_keep *k;
	struct arena *a;
	const struct store_certificate *old; /* NULL: none */
	bool user_ids;
};

static bool
is_ours(struct keeping *w, struct slice address)
{
	const struct store_address_find request = { .address = address };
	struct store_address_found found;

	return store_address_find(w->k->store, &request, w->a, &found, NULL) != 0 || found.domain_known;
}

/* Those that are here already stay by the filter's merge; of new ones those of other domains. */
static bool
permit(void *ctx, struct slice user_id)
{
	struct keeping *w = ctx;
	struct slice address = pgp_user_id_address(user_id);

	for (size_t i = 0; w->old != NULL && i < w->old->user_count; i++)
		if (slice_eq(w->old->users[i].user_id, user_id))
			return true;
	return w->user_ids && user_id.len <= STORE_USER_ID_MAX && address.len > 0 && address.len <= STORE_ADDRESS_MAX &&
	    !is_ours(w, address);
}

static int
find_old(struct keeping *w, const struct pgp_fingerprint *f, struct pgp_cert **old_out, struct error *e)
{
	const struct store_certificate_find request = {
		.by = STORE_BY_NAME, .value = slice_of(f->bytes, f->len), .limit = 1, .held = true
	};
	struct store_certificates *found = arena_alloc(w->a, sizeof *found);
	size_t used;
	int rc = found == NULL ? error_nomem(e) : store_certificate_find(w->k->store, &request, w->a, found, e);

	w->old = rc == 0 && found->certificate_count > 0 ? &found->certificates[0] : NULL;
	*old_out = NULL;
	return w->old == NULL ? rc : pgp_cert_parse(w->old->data, old_out, &used, e);
}

static int
put(struct keeping *w, struct slice data, struct error *e)
{
	struct store_certificate in = { .revision = w->old != NULL ? w->old->revision : 0 };
	struct store_certificate_kept kept;
	int rc;

	if (w->old != NULL && slice_eq(w->old->data, data))
		return 0;
	rc = directory_describe(data, w->a, &in, e);
	if (rc == 0)
		rc = store_certificate_put(w->k->store, &in, w->a, &kept, e);
	if (rc == 0)
		w->k->result->changed++;
	return rc;
}

/* What the owner took away here stays away (ERR_POLICY), and what is shown already needs nothing. */
static int
publish(struct keeping *w, const struct pgp_cert *cert, struct error *e)
{
	const struct pgp_fingerprint *f = &cert->primary->fingerprint;
	int rc = 0;

	for (size_t i = 0; i < cert->component_count && rc == 0; i++) {
		struct store_certificate_publish in = { .fingerprint = slice_of(f->bytes, f->len),
			.how = STORE_HOW_MIRROR };
		struct store_certificate_kept kept;

		if (cert->components[i].kind != PGP_COMPONENT_USER_ID)
			continue;
		in.address = pgp_user_id_address(cert->components[i].packet.body);
		if (in.address.len == 0 || in.address.len > STORE_ADDRESS_MAX || is_ours(w, in.address))
			continue;
		rc = store_certificate_publish(w->k->store, &in, w->a, &kept, e);
		if (rc == 0 && kept.changed)
			w->k->result->published++;
		if (rc == ERR_POLICY || rc == ERR_NOT_FOUND)
			rc = 0;
	}
	return rc;
}

static int
keep(struct keeping *w, const struct pgp_cert *fresh, struct error *e)
{
	const struct directory_filter_input in = { .fresh = fresh, .permit = permit, .ctx = w };
	struct directory_filter_input with_old = in;
	struct directory_introducers introducers = { 0 };
	struct pgp_cert *old;
	BUF_OWNED struct buf kept = { 0 };
	size_t users;
	int rc = find_old(w, &fresh->primary->fingerprint, &old, e);

	if (rc != 0)
		return rc;
	buf_init(&kept, DIRECTORY_CERTIFICATE_MAX);
	with_old.old = old;
	/* What our CA certified is not taken away by what comes back from elsewhere. */
	rc = directory_introducers_add(w->k->store, w->a, old, &introducers, e);
	with_old.introducers = (const struct pgp_cert *const *)introducers.certs;
	with_old.introducer_count = introducers.count;
	if (rc == 0 && directory_filter(&with_old, &kept, &users, NULL) != 0)
		w->k->result->refused++;
	else if (rc == 0)
		rc = put(w, buf_slice(&kept), e);
	directory_introducers_done(&introducers);
	pgp_cert_free(old);
	return rc;
}

static int
keep_one(struct mirror_keep *k, struct slice certificate, bool user_ids, struct error *e)
{
	struct pgp_cert *fresh;
	size_t used;
	int rc = ERR_ORDER;

	if (pgp_cert_parse(certificate, &fresh, &used, NULL) != 0 ||
	    (fresh->primary->fingerprint.len != 20 && fresh->primary->fingerprint.len != 32)) {
		k->result->refused++;
		return 0;
	}
	for (unsigned i = 0; i < TRIES && rc == ERR_ORDER; i++) {
		ARENA_OWNED struct arena a = { 0 };
		struct keeping w = { .k = k, .a = &a, .user_ids = user_ids };

		arena_init(&a, BUDGET);
		rc = keep(&w, fresh, e);
		if (rc == 0 && user_ids)
			rc = publish(&w, fresh, e);
	}
	pgp_cert_free(fresh);
	return rc;
}

int
mirror_keep_bare(struct mirror_keep *k, struct slice certificate, struct error *e)
{
	k->result->fetched++;
	return keep_one(k, certificate, false, e);
}

int
mirror_keep_users(struct mirror_keep *k, struct slice certificate, struct error *e)
{
	return keep_one(k, certificate, true, e);
}

int
mirror_keep_path(struct slice certificate, char *out, size_t size, struct error *e)
{
	BUF_OWNED struct buf digits = { 0 };
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(certificate, &cert, &used, e);

	if (rc != 0)
		return rc;
	buf_init(&digits, 2 * PGP_FINGERPRINT_MAX);
	(void)pgp_fingerprint_write(&cert->primary->fingerprint, &digits);
	(void)snprintf(out, size, "/pks/v2/certs/by-vfingerprint/%02u%.*s", cert->primary->version, (int)digits.len,
	    (const char *)digits.data);
	pgp_cert_free(cert);
	return 0;
}
