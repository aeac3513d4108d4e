/* SPDX-License-Identifier: ISC */
#include "crypto/random.h"

#include <limits.h>

#include <openssl/rand.h>

#include "crypto/fail.h"

int
random_bytes(void *out, size_t len, struct error *e)
{
	uint8_t *p = out;

	while (len > 0) {
		int n = len > INT_MAX ? INT_MAX : (int)len;

		if (RAND_bytes(p, n) != 1)
			return crypto_fail(e, "random octets");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
