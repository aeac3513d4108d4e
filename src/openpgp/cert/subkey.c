/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/subkey.h"

#include "openpgp/frame/packet.h"
#include "openpgp/cert/selfsig.h"

/* Authentication is a signature over a challenge. */
#define FLAGS_SIGNING (PGP_FLAG_SIGN | PGP_FLAG_AUTHENTICATE)

int
pgp_fresh_key_make(enum pgp_family family, bool signs, uint8_t version, bool subkey, uint32_t created,
    struct pgp_fresh_key *out, struct error *e)
{
	struct pgp_key_spec spec = { .version = version, .subkey = subkey, .created = created };
	struct pgp_family_key k;
	int rc = pgp_family_key(family, version, signs, &k, e);

	if (rc != 0)
		return rc;
	spec.algorithm = k.algorithm;
	spec.curve = k.curve;
	spec.bits = k.bits;
	return pgp_key_make(&spec, out, e);
}

int
pgp_fresh_key_write(const struct pgp_fresh_key *f, enum pgp_protection protection, struct slice passphrase,
    struct buf *out, struct error *e)
{
	uint8_t type = f->key.subkey ? PGP_SECRET_SUBKEY : PGP_SECRET_KEY;
	struct buf body;
	int rc;

	buf_init(&body, PGP_KEY_BODY_MAX);
	rc = pgp_key_write_secret(&f->key, type, secret_slice(&f->secret), protection, passphrase, &body, e);
	if (rc == 0 && pgp_packet_write(out, type, buf_slice(&body)) != 0)
		rc = error_set(e, out->err, "no room for a new key");
	buf_wipe_done(&body);
	return rc;
}

int
pgp_subkey_check(const struct pgp_subkey_spec *spec, uint8_t version, struct error *e)
{
	bool signs = (spec->flags & FLAGS_SIGNING) != 0, encrypts = (spec->flags & PGP_FLAG_ENCRYPT) != 0;
	struct pgp_family_key k;
	int rc;

	if ((spec->flags & ~(FLAGS_SIGNING | PGP_FLAG_ENCRYPT)) != 0 || (!signs && !encrypts))
		return error_set(e, ERR_USAGE, "a subkey signs, authenticates or decrypts");
	rc = pgp_family_key(spec->family, version, signs, &k, e);
	/* RSA alone can do both. */
	if (rc == 0 && signs && encrypts && k.algorithm != PGP_RSA)
		rc = error_set(e, ERR_USAGE, "one %s key cannot both sign and decrypt", pgp_family_name(spec->family));
	return rc;
}

int
pgp_subkey_make(
    const struct pgp_subkey_spec *spec, uint8_t version, uint32_t now, struct pgp_fresh_key *out, struct error *e)
{
	int rc = pgp_subkey_check(spec, version, e);

	if (rc != 0)
		return rc;
	return pgp_fresh_key_make(spec->family, (spec->flags & FLAGS_SIGNING) != 0, version, true,
	    spec->created != 0 ? spec->created : now, out, e);
}

/* The signing subkey agrees to be this primary's (section 5.2.1.9). */
static int
put_back_signature(const struct pgp_key *primary, const struct pgp_fresh_key *f, uint32_t created,
    struct buf *subpackets, struct error *e)
{
	struct pgp_sig_target target = { .primary = primary, .subkey = &f->key };
	struct pgp_sig_spec spec = { .type = PGP_SIG_PRIMARY_BINDING, .created = created };
	struct pgp_memory_keys *memory;
	struct buf body BUF_OWNED = { 0 };
	int rc = pgp_memory_keys_new(&memory, e);

	if (rc != 0)
		return rc;
	buf_init(&body, PGP_SIG_BODY_MAX / 4);
	rc = pgp_memory_keys_add(memory, &f->key, secret_slice(&f->secret), e);
	if (rc == 0)
		rc = pgp_sig_make_target(&spec, &target, &f->key, pgp_memory_keys_ops(memory), &body, e);
	if (rc == 0 && pgp_subpacket_put(subpackets, PGP_SUB_EMBEDDED, false, buf_slice(&body)) != 0)
		rc = error_set(e, subpackets->err, "no room for a back signature");
	pgp_memory_keys_free(memory);
	return rc;
}

int
pgp_subkey_put_binding(const struct pgp_subkey_spec *spec, const struct pgp_key *primary, const struct pgp_fresh_key *f,
    uint32_t created, struct buf *subpackets, struct error *e)
{
	pgp_put_flags(subpackets, PGP_SUB_KEY_FLAGS, true, spec->flags);
	if (spec->expires != 0)
		pgp_put_number(subpackets, PGP_SUB_KEY_EXPIRES, true, spec->expires);
	return spec->flags & PGP_FLAG_SIGN ? put_back_signature(primary, f, created, subpackets, e) : 0;
}
