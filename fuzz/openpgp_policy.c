/* SPDX-License-Identifier: ISC */
/* Overrides of the policy: what is refused changes nothing, and what is taken twice comes to the same. */
#include <stdlib.h>
#include <string.h>

#include "openpgp/judge/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pgp_policy before = pgp_policy_default(1800000000);
	struct pgp_policy p = before, once;

	if (pgp_policy_override(&p, slice_of(data, size), NULL) != 0) {
		if (memcmp(p.until, before.until, sizeof p.until) != 0)
			abort();
		return 0;
	}
	once = p;
	if (pgp_policy_override(&p, slice_of(data, size), NULL) != 0 ||
	    memcmp(p.until, once.until, sizeof p.until) != 0 || p.now != before.now)
		abort();
	return 0;
}
