/* SPDX-License-Identifier: ISC */
/* Is it this key's signature: the arithmetic, and what the RFC forbids. */
#include <string.h>

#include "openpgp/key/pk.h"
#include "openpgp/sig/sig_internal.h"

/* What has to hold before any arithmetic (sections 5.2.3 and 5.2.5). */
static int
check_form(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_key *key, struct error *e)
{
	if (s->invalid != NULL)
		return error_set(e, ERR_POLICY, "the signature is invalid: %s", s->invalid);
	/* RFC 9580 section 10.3.2.2; LibrePGP's version 5 likewise. */
	if ((s->version > 4 || key->version > 4) && s->version != key->version)
		return error_set(e, ERR_POLICY, "a version %u signature by a version %u key", s->version, key->version);
	if (!pgp_key_can_verify(key))
		return pgp_pk_refuse(key, "signatures by a key", e);
	if (!pgp_pk_same(s->algorithm, key->algorithm))
		return error_set(e, ERR_SIGNATURE, "a signature of another algorithm than the key's");
	if (!pgp_hash_is(h, s->hash, s->type, s->salt))
		return error_set(e, ERR_SIGNATURE, "the signature does not belong to what was announced");
	return 0;
}

static int
check_digest(const struct pgp_sig *s, const struct pgp_key *key, struct slice digest, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_of(key);
	struct slice fields[PGP_PK_FIELDS_MAX];
	int rc;

	if (digest.len < pgp_key_digest_min(key))
		return error_set(e, ERR_POLICY, "a digest of %zu octets is too short for this key", digest.len);
	if (!pgp_pk_split(&pk->signature, s->material, fields))
		return error_set(e, ERR_SIGNATURE, "malformed %s signature", pgp_algorithm_name(key->algorithm));
	rc = pk->verify(key, s->hash, digest, fields, e);
	/* Whatever is malformed about it, it is not this key's signature. */
	return rc == ERR_SYNTAX ? ERR_SIGNATURE : rc;
}

int
pgp_sig_check(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_key *key, struct error *e)
{
	uint8_t digest[PGP_DIGEST_MAX];
	int rc = check_form(s, h, key, e);

	if (rc != 0)
		return rc;
	rc = pgp_hash_finish(h, s->version, s->prefix, digest, e);
	if (rc != 0)
		return rc;
	if (s->version == 6 && memcmp(digest, s->left16, 2) != 0)
		return error_set(e, ERR_SIGNATURE, "the signature's digest prefix is wrong");
	return check_digest(s, key, slice_of(digest, pgp_hash_size(s->hash)), e);
}

int
pgp_sig_check_target(
    const struct pgp_sig *s, const struct pgp_sig_target *target, const struct pgp_key *key, struct error *e)
{
	struct pgp_hash *h PGP_HASH_OWNED = NULL;
	int rc;

	if (s->invalid != NULL)
		return error_set(e, ERR_POLICY, "the signature is invalid: %s", s->invalid);
	rc = pgp_hash_new(&h, s->hash, s->type, s->salt, e);
	if (rc == 0)
		rc = pgp_hash_target(h, s->type, s->version, target, e);
	return rc != 0 ? rc : pgp_sig_check(s, h, key, e);
}
