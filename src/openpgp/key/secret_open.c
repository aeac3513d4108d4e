/* SPDX-License-Identifier: ISC */
/* Opening a session key with a secret in hand: what a PKESK says, against what the key is. */
#include "openpgp/key/pk.h"
#include "openpgp/message/session.h"

int
pgp_secret_open(const struct pgp_key *key, struct slice secret, const struct pgp_pkesk_fields *pkesk,
    uint8_t *cipher_out, struct secret *session_key_out, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_of(key);
	struct slice fields[PGP_PK_FIELDS_MAX];
	int rc;

	if (!pgp_pk_same(pkesk->algorithm, key->algorithm))
		return error_set(e, ERR_INTEGRITY, "the session key is for another kind of key");
	if (pk == NULL || pk->unwrap == NULL)
		return pgp_pk_refuse(key, "decryption with a key", e);
	if (!pgp_pk_split(&pk->pkesk, pkesk->fields, fields))
		return error_set(e, ERR_INTEGRITY, "an encrypted session key for %s is malformed",
		    pgp_algorithm_name(key->algorithm));
	rc = pk->unwrap(pkesk->version, key, secret, fields, cipher_out, session_key_out, e);
	return rc == ERR_SYNTAX ? ERR_INTEGRITY : rc;
}
