/* SPDX-License-Identifier: ISC */
/* A verifier's text: what is parsed is written as it was. */
#include <stdlib.h>

#include "sasl/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scram_verifier v;
	struct buf out;

	if (scram_verifier_parse(slice_of(data, size), &v, NULL) != 0)
		return 0;
	buf_init(&out, SCRAM_VERIFIER_TEXT_MAX);
	if (scram_verifier_write(&v, &out) != 0 || !slice_eq(buf_slice(&out), slice_of(data, size)) ||
	    v.iterations < SCRAM_ITERATIONS_MIN || v.iterations > SCRAM_ITERATIONS_MAX || v.salt_len == 0 ||
	    v.salt_len > SCRAM_SALT_MAX)
		abort();
	buf_done(&out);
	return 0;
}
