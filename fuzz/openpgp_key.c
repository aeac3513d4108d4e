/* SPDX-License-Identifier: ISC */
/*
 * The first octet chooses the packet type, the rest is the body. What parses
 * splits into its public and secret part; a secret that opens without
 * passphrase and is written again without one opens to the same octets. One
 * that is locked the old way, which costs little, is tried with a passphrase.
 */
#include <stdlib.h>

#include "crypto/secret.h"
#include "openpgp/key/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_again(const struct pgp_key *k, uint8_t type, const struct secret *s)
{
	struct secret again = SECRET_EMPTY;
	struct pgp_key copy;
	struct buf b;

	buf_init(&b, PGP_KEY_BODY_MAX);
	if (pgp_key_write_secret(k, type, secret_slice(s), PGP_PROTECT_NONE, SLICE_EMPTY, &b, NULL) == 0) {
		if (pgp_key_parse(buf_slice(&b), type, &copy, NULL) != 0 ||
		    pgp_key_unlock(&copy, SLICE_EMPTY, &again, NULL) != 0 ||
		    !slice_eq(secret_slice(&again), secret_slice(s)))
			abort();
		secret_done(&again);
	}
	buf_wipe_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t types[] = { PGP_PUBLIC_KEY, PGP_SECRET_KEY, PGP_PUBLIC_SUBKEY, PGP_SECRET_SUBKEY };
	struct secret s = SECRET_EMPTY;
	struct pgp_key k;
	uint8_t type;

	if (size == 0)
		return 0;
	type = types[data[0] & 3];
	if (pgp_key_parse(slice_of(data + 1, size - 1), type, &k, NULL) != 0)
		return 0;
	if (k.public_body.len + k.secret_part.len != size - 1 && k.version > 3)
		abort();
	(void)pgp_key_bits(&k);
	if (k.secret && k.s2k_usage != 0 && k.s2k_usage < 253 && pgp_key_unlock(&k, SLICE("x"), &s, NULL) == 0)
		secret_done(&s);
	if (k.secret && k.s2k_usage == 0 && pgp_key_unlock(&k, SLICE_EMPTY, &s, NULL) == 0) {
		write_again(&k, type, &s);
		secret_done(&s);
	}
	return 0;
}
