/* SPDX-License-Identifier: ISC */
/* Opening a session key with a secret in hand (RFC 9580 sections 5.1.3 to 5.1.6 and 11.5). */
#include "base/reader.h"
#include "crypto/rsa.h"
#include "openpgp/mpi.h"
#include "openpgp/session.h"
#include "openpgp/sig_internal.h"

/* Whatever was wrong, something comes out: who asks must not learn what it was (section 13.5). */
static int
open_rsa(const struct pgp_key *key, struct slice secret, const struct pgp_pkesk_fields *p, uint8_t *cipher_out,
    struct secret *out, struct error *e)
{
	size_t head = p->version == 3 ? 3 : 2;
	const size_t lengths[] = { 16 + head, 24 + head, 32 + head };
	struct reader r = reader_of(p->fields);
	struct slice value = pgp_mpi_take(&r);
	struct secret m SECRET_OWNED = SECRET_EMPTY;
	struct rsa_secret rsa;
	int rc;

	if (r.err != 0 || reader_left(&r) != 0 || !pgp_secret_rsa(key, secret, &rsa))
		return error_set(e, ERR_INTEGRITY, "malformed RSA session key packet");
	rc = rsa_decrypt(&rsa, value, lengths, 3, &m, e);
	if (rc != 0)
		return rc;
	if (pgp_session_split(p->version, secret_slice(&m), cipher_out, out, NULL) == 0)
		return 0;
	*cipher_out = p->version == 3 ? PGP_AES256 : 0;
	return secret_random(out, 32, e);
}

int
pgp_secret_open(const struct pgp_key *key, struct slice secret, const struct pgp_pkesk_fields *pkesk,
    uint8_t *cipher_out, struct secret *session_key_out, struct error *e)
{
	bool rsa = key->algorithm == PGP_RSA || key->algorithm == PGP_RSA_ENCRYPT;
	int rc;

	if (pkesk->algorithm != key->algorithm && !(rsa && pkesk->algorithm <= PGP_RSA_ENCRYPT))
		return error_set(e, ERR_INTEGRITY, "the session key is for another kind of key");
	if (rsa)
		rc = open_rsa(key, secret, pkesk, cipher_out, session_key_out, e);
	else if (key->algorithm == PGP_X25519)
		rc = pgp_session_open_x25519(pkesk, pgp_key_native(key), secret, cipher_out, session_key_out, e);
	else if (key->algorithm == PGP_ECDH && key->curve == PGP_CURVE_25519_LEGACY)
		rc = pgp_session_open_ecdh(pkesk, key, secret, cipher_out, session_key_out, e);
	else
		return error_set(
		    e, ERR_UNSUPPORTED, "decryption with %s is not supported", pgp_algorithm_name(key->algorithm));
	return rc == ERR_SYNTAX ? ERR_INTEGRITY : rc;
}
