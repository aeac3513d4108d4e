/* SPDX-License-Identifier: ISC */
/*
 * The owner's approval of others' certifications. Each digest is that of a
 * certification as a signature over it would hash it (RFC 9580 section 5.2.4):
 * 0x88, its length, its body with an empty unhashed area, so that a changed
 * unhashed area changes nothing; by the approval's own hash, in ascending order.
 */
#include <stdlib.h>
#include <string.h>

#include "openpgp/cert/cert_draft.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/change_internal.h"
#include "openpgp/sig/sig_internal.h"

#define APPROVAL_HASH PGP_SHA512

static int
digest_of(uint8_t hash, struct slice body, uint8_t digest[PGP_DIGEST_MAX], struct error *e)
{
	static const uint8_t empty[4] = { 0 };
	struct hash *h HASH_OWNED = NULL;
	struct slice prefix, unhashed, tail;
	enum hash_id id;
	size_t counter, len;
	int rc;

	if (!pgp_sig_core(body, &prefix, &unhashed, &tail))
		return error_set(e, ERR_UNSUPPORTED, "a certification of a version that cannot be approved");
	counter = body.data[0] == 6 ? 4 : 2;
	len = prefix.len + counter + tail.len;
	rc = pgp_hash_crypto_id(hash, &id, e);
	if (rc == 0)
		rc = hash_new(id, &h, e);
	if (rc != 0)
		return rc;
	hash_update(h,
	    slice_of((const uint8_t[]){ 0x88, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			 (uint8_t)len },
		5));
	hash_update(h, prefix);
	hash_update(h, slice_of(empty, counter));
	hash_update(h, tail);
	return hash_finish(h, digest, e);
}

/* ---- making ---- */

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, PGP_DIGEST_MAX);
}

static int
put_digests(struct pgp_changing *g, const struct pgp_component *k, pgp_approve_choice *choose, void *ctx,
    struct buf *digests, struct error *e)
{
	const struct pgp_cert *c = g->c->cert;

	for (size_t i = 0; i < k->part_count; i++) {
		uint8_t digest[PGP_DIGEST_MAX];
		struct pgp_sig s;
		int rc;

		if (k->parts[i].type != PGP_SIGNATURE || pgp_sig_parse(k->parts[i].body, &s, NULL) != 0 ||
		    pgp_selfsig_role(k->kind, s.type) != PGP_SELFSIG_BINDING || pgp_selfsig_claimed(&s, c) ||
		    (s.version != 4 && s.version != 6) || !s.exportable)
			continue;
		if (choose != NULL && !choose(ctx, &s))
			continue;
		rc = digest_of(APPROVAL_HASH, k->parts[i].body, digest, e);
		if (rc != 0)
			return rc;
		if (buf_put(digests, digest, PGP_DIGEST_MAX) != 0)
			return error_set(e, digests->err, "more than %u certifications to approve", PGP_APPROVALS_MAX);
	}
	if (digests->len > 0)
		qsort(digests->data, digests->len / PGP_DIGEST_MAX, PGP_DIGEST_MAX, compare_digests);
	return 0;
}

static int
approve(struct pgp_changing *g, const struct pgp_component *k, pgp_approve_choice *choose, void *ctx, struct error *e)
{
	struct buf digests BUF_OWNED = { 0 };
	struct pgp_sig old = { .created = 0 };
	int rc;

	buf_init(&digests, (size_t)PGP_APPROVALS_MAX * PGP_DIGEST_MAX);
	rc = put_digests(g, k, choose, ctx, &digests, e);
	if (rc == 0)
		rc = pgp_selfsig_newest(g->c->cert, k, PGP_SELFSIG_APPROVAL, g->latest, &old, e);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	(void)pgp_subpacket_put(&g->w.subpackets, PGP_SUB_ATTESTED, false, buf_slice(&digests));
	return pgp_rewrite_sign(&g->w, k, PGP_SIG_ATTESTATION, pgp_changing_time(g, &old), e);
}

int
pgp_change_approve(const struct pgp_change *c, struct slice user_id, pgp_approve_choice *choose, void *ctx,
    struct buf *out, struct error *e)
{
	const struct pgp_component *k;
	struct pgp_changing g;
	int rc = pgp_changing_begin(&g, c, true, e);

	if (rc != 0)
		return rc;
	k = pgp_changing_user(&g, user_id);
	if (k == NULL)
		rc = error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
	else
		rc = approve(&g, k, choose, ctx, e);
	return pgp_changing_end(&g, rc, out, e);
}

/* ---- reading ---- */

static bool
in_order(struct slice digests, size_t size)
{
	for (size_t at = size; at < digests.len; at += size)
		if (memcmp(digests.data + at - size, digests.data + at, size) > 0)
			return false;
	return true;
}

int
pgp_approval_find(const struct pgp_cert *c, const struct pgp_component *k, const struct pgp_policy *policy,
    struct pgp_approval *out, struct error *e)
{
	struct pgp_approval a = { .hash = 0 };
	struct pgp_sig s;
	int rc = pgp_selfsig_newest(c, k, PGP_SELFSIG_APPROVAL, policy->now + policy->clock_skew, &s, e);
	size_t size;

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	size = rc == 0 ? pgp_hash_size(s.hash) : 0;
	if (size != 0 && s.attested.len % size == 0 && pgp_policy_hash(policy, s.hash, PGP_USE_DATA, NULL) == 0 &&
	    (s.expires == 0 || (uint64_t)s.created + s.expires > policy->now)) {
		a = (struct pgp_approval){ .hash = s.hash, .digests = s.attested };
		a.ordered = in_order(a.digests, size);
	}
	*out = a;
	return 0;
}

static bool
search_ordered(struct slice digests, size_t size, const uint8_t *digest)
{
	size_t low = 0, high = digests.len / size;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = memcmp(digests.data + mid * size, digest, size);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

int
pgp_approval_has(const struct pgp_approval *a, struct slice certification, bool *out, struct error *e)
{
	uint8_t digest[PGP_DIGEST_MAX];
	size_t size = pgp_hash_size(a->hash);
	int rc;

	*out = false;
	if (a->digests.len == 0)
		return 0;
	rc = digest_of(a->hash, certification, digest, e);
	if (rc != 0)
		return rc;
	if (a->ordered)
		*out = search_ordered(a->digests, size, digest);
	for (size_t at = 0; !a->ordered && !*out && at < a->digests.len; at += size)
		*out = memcmp(a->digests.data + at, digest, size) == 0;
	return 0;
}
