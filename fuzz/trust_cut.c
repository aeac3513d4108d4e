/* SPDX-License-Identifier: ISC */
/* What is kept of a certificate is a certificate of the same key, no larger, and cutting it again leaves it. */
#include <stdlib.h>

#include "trust/cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
some_are_known(void *ctx, uint64_t key_id)
{
	(void)ctx;
	return key_id % 2 == 0;
}

static void
check(const struct pgp_cert *c)
{
	struct pgp_cert *again = NULL;
	struct buf first, second;
	bool cut;

	buf_init(&first, 1 << 16);
	buf_init(&second, 1 << 16);
	if (trust_cut(c, some_are_known, NULL, &first, &cut, NULL) == 0) {
		if (first.len > c->raw.len || pgp_cert_parse(buf_slice(&first), &again, NULL, NULL) != 0 ||
		    again->component_count != c->component_count ||
		    !pgp_fingerprint_eq(&again->primary->fingerprint, &c->primary->fingerprint))
			abort();
		if (trust_cut(again, some_are_known, NULL, &second, &cut, NULL) != 0 ||
		    !slice_eq(buf_slice(&first), buf_slice(&second)))
			abort();
	}
	pgp_cert_free(again);
	buf_done(&first);
	buf_done(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgp_cert *c;

	if (pgp_cert_parse(slice_of(data, size), &c, NULL, NULL) != 0)
		return 0;
	check(c);
	pgp_cert_free(c);
	return 0;
}
