/* SPDX-License-Identifier: ISC */
/* Any bytes: what parses as a certificate is written back as the same bytes, and its public part parses again. */
#include <stdlib.h>

#include "openpgp/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
public_part(const struct pgp_cert *c)
{
	struct pgp_cert *again;
	struct buf b;

	buf_init(&b, 8 << 20);
	if (pgp_cert_write_public(c, &b) != 0 || pgp_cert_parse(buf_slice(&b), &again, NULL, NULL) != 0)
		abort();
	if (again->secret || !pgp_fingerprint_eq(&again->primary->fingerprint, &c->primary->fingerprint))
		if (c->primary->version != 3 && c->primary->version != 2)
			abort();
	pgp_cert_free(again);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct pgp_policy policy = pgp_policy_default(1700000000);
	struct pgp_cert_judgement j;
	struct pgp_cert *c;
	struct buf b;
	size_t used;

	if (pgp_cert_parse(in, &c, &used, NULL) != 0)
		return 0;
	buf_init(&b, 8 << 20);
	if (pgp_cert_write(c, &b) != 0 || !slice_eq(buf_slice(&b), slice_sub(in, 0, used)))
		abort();
	buf_done(&b);
	public_part(c);
	if (pgp_cert_judge(c, &policy, 1700000000, &j, NULL) == 0)
		pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	return 0;
}
