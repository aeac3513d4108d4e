/* SPDX-License-Identifier: ISC */
/*
 * Any bytes: what parses as a certificate is written back as the same bytes,
 * and its public part parses again. Merged with itself it learns nothing, in
 * canonical order it stays as it is, and so do a repaired and a cut-down copy.
 */
#include <stdlib.h>

#include "openpgp/cert/change.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"

#define ROOM (8u << 20)
#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pgp_policy policy;

static void
public_part(const struct pgp_cert *c)
{
	struct pgp_cert *again;
	struct buf b;

	buf_init(&b, ROOM);
	if (pgp_cert_write_public(c, &b) != 0 || pgp_cert_parse(buf_slice(&b), &again, NULL, NULL) != 0)
		abort();
	if (again->secret || !pgp_fingerprint_eq(&again->primary->fingerprint, &c->primary->fingerprint))
		if (c->primary->version != 3 && c->primary->version != 2)
			abort();
	pgp_cert_free(again);
	buf_done(&b);
}

typedef int copy_call(const struct pgp_cert *c, struct buf *out);

static int
merge_self(const struct pgp_cert *c, struct buf *out)
{
	bool changed = true;
	int rc = pgp_merge(c, c, out, &changed, NULL);

	if (rc == 0 && changed)
		abort();
	return rc;
}

static int
canonical(const struct pgp_cert *c, struct buf *out)
{
	return pgp_cert_canonical(c, out, NULL);
}

static int
export_all(const struct pgp_cert *c, struct buf *out)
{
	const struct pgp_export how = { .secret = true };

	return pgp_cert_export(c, &how, out, NULL);
}

static int
export_little(const struct pgp_cert *c, struct buf *out)
{
	const struct pgp_export how = {
		.newest_only = true, .third_party = PGP_THIRD_PARTY_APPROVED, .policy = &policy
	};

	return pgp_cert_export(c, &how, out, NULL);
}

/* Done twice it is the same as done once, and of the same certificate. */
static void
settles(const struct pgp_cert *c, copy_call *call)
{
	struct pgp_cert *again;
	struct buf one, two;
	size_t used;

	buf_init(&one, ROOM);
	buf_init(&two, ROOM);
	if (call(c, &one) != 0 || pgp_cert_parse(buf_slice(&one), &again, &used, NULL) != 0 || used != one.len)
		abort();
	if (!slice_eq(again->primary->public_body, c->primary->public_body) || call(again, &two) != 0 ||
	    !slice_eq(buf_slice(&one), buf_slice(&two)))
		abort();
	pgp_cert_free(again);
	buf_done(&one);
	buf_done(&two);
}

/* What stands behind the certificate is tried as its revocation; nothing is repaired that changes what it consists of. */
static void
other_calls(const struct pgp_cert *c, struct slice rest)
{
	struct buf b;
	bool moved;

	buf_init(&b, ROOM);
	if (pgp_cert_repair(c, &b, &moved, NULL) != 0 || b.len != c->raw.len)
		abort();
	buf_clear(&b);
	if (pgp_cert_revoke_with(c, rest, &b, NULL) == 0 && b.len <= c->raw.len)
		abort();
	buf_clear(&b);
	(void)pgp_cert_export_autocrypt(c, SLICE_EMPTY, &policy, &b, NULL);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static copy_call *const calls[] = { merge_self, canonical, export_all, export_little };
	struct slice in = slice_of(data, size);
	struct pgp_cert_judgement j;
	struct pgp_cert *c;
	struct buf b;
	size_t used;

	policy = pgp_policy_default(NOW);
	if (pgp_cert_parse(in, &c, &used, NULL) != 0)
		return 0;
	buf_init(&b, ROOM);
	if (pgp_cert_write(c, &b) != 0 || !slice_eq(buf_slice(&b), slice_sub(in, 0, used)))
		abort();
	buf_done(&b);
	public_part(c);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		settles(c, calls[i]);
	other_calls(c, slice_from(in, used));
	if (pgp_cert_judge(c, &policy, NOW, &j, NULL) == 0)
		pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	return 0;
}
