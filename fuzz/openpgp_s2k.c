/* SPDX-License-Identifier: ISC */
/* Any octets: a specifier that parses writes the same octets again; cheap ones give a key, dear ones are refused at once. */
#include <stdlib.h>

#include "openpgp/key/s2k.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(slice_of(data, size));
	struct pgp_s2k s;
	struct secret key;
	struct buf b;
	bool cheap;

	if (pgp_s2k_parse(&r, &s, NULL) != 0)
		return 0;
	buf_init(&b, 100);
	if (pgp_s2k_write(&s, &b) != 0 || !slice_eq(buf_slice(&b), slice_of(data, r.at)))
		abort();
	buf_done(&b);
	cheap = s.type == PGP_S2K_ARGON2 ? s.memory_code < 12 && s.passes < 4 : s.count < 160;
	if ((cheap || s.memory_code > 24) && pgp_s2k_derive(&s, SLICE("passphrase"), 32, &key, NULL) == 0)
		secret_done(&key);
	return 0;
}
