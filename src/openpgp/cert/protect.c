/* SPDX-License-Identifier: ISC */
/* Secret keys written anew: under another passphrase, and without the primary key's secret. */
#include <string.h>

#include "crypto/secret.h"
#include "openpgp/cert/generate.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/s2k.h"

struct relock {
	const struct slice *old;
	size_t old_count;
	enum pgp_protection protection;
	struct slice passphrase;
};

/* With the first passphrase that opens it; a wrong one costs one derivation. */
static int
unlock(const struct relock *r, const struct pgp_key *key, struct secret *out, struct error *e)
{
	int rc = ERR_PASSWORD;

	if (!pgp_key_locked(key) || r->old_count == 0)
		return pgp_key_unlock(key, SLICE_EMPTY, out, e);
	for (size_t i = 0; i < r->old_count && rc == ERR_PASSWORD; i++)
		rc = pgp_key_unlock(key, r->old[i], out, e);
	return rc;
}

static int
relock_key(const struct relock *r, const struct pgp_component *k, struct buf *out, struct error *e)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	struct buf body;
	int rc = unlock(r, k->key, &s, e);

	/* Stubs and kinds that we do not have stay as they are. */
	if (rc == ERR_NO_KEY || rc == ERR_UNSUPPORTED)
		return buf_put_slice(out, k->packet.raw);
	if (rc != 0)
		return rc;
	buf_init(&body, PGP_KEY_BODY_MAX);
	rc = pgp_key_write_secret(k->key, k->packet.type, secret_slice(&s), r->protection, r->passphrase, &body, e);
	if (rc == 0)
		rc = pgp_packet_write(out, k->packet.type, buf_slice(&body));
	buf_wipe_done(&body);
	return rc;
}

static int
relock(const struct pgp_cert *c, const struct relock *r, struct buf *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		if (k->key != NULL && k->key->secret)
			rc = relock_key(r, k, out, e);
		else
			rc = buf_put_slice(out, k->packet.raw);
		for (size_t n = 0; rc == 0 && n < k->part_count; n++)
			rc = buf_put_slice(out, k->parts[n].raw);
	}
	return rc;
}

int
pgp_cert_relock(const struct pgp_cert *c, const struct slice *old_passphrases, size_t old_count,
    enum pgp_protection protection, struct slice passphrase, struct buf *out, struct error *e)
{
	const struct relock r = { old_passphrases, old_count, protection, passphrase };
	size_t from = out->len;
	int rc;

	if (protection == PGP_PROTECT_CFB && c->primary->version == 6)
		return error_set(e, ERR_USAGE, "a version 6 key is protected with AEAD");
	rc = relock(c, &r, out, e);
	if (out->err != 0)
		return error_set(e, out->err, "no room for a key");
	if (rc != 0)
		buf_truncate(out, from);
	return rc;
}

int
pgp_cert_protect(const struct pgp_cert *c, struct slice old_passphrase, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e)
{
	return pgp_cert_relock(c, &old_passphrase, 1, protection, passphrase, out, e);
}

/* ---- offline primary ---- */

static bool
has_secret_subkey(const struct pgp_cert *c)
{
	for (size_t i = 1; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_SUBKEY && c->components[i].packet.type == PGP_SECRET_SUBKEY)
			return true;
	return false;
}

/*
 * GnuPG's extension: usage 255 without cipher, and a string-to-key specifier of
 * type 101 that only says "GNU" and mode 1 (doc/DETAILS there). It is what gpg
 * itself writes for an exported set of subkeys, octet for octet.
 */
static int
put_stub(const struct pgp_key *key, struct buf *out)
{
	static const uint8_t stub[] = { 255, 0, PGP_S2K_GNU, 0, 'G', 'N', 'U', 1 };
	struct buf body BUF_OWNED = { 0 };

	buf_init(&body, PGP_KEY_BODY_MAX);
	(void)buf_put_slice(&body, key->public_body);
	if (buf_put(&body, stub, sizeof stub) != 0)
		return body.err;
	return pgp_packet_write(out, PGP_SECRET_KEY, buf_slice(&body));
}

int
pgp_cert_write_offline(const struct pgp_cert *c, enum pgp_offline how, struct buf *out, struct error *e)
{
	int rc = 0;

	if (!has_secret_subkey(c))
		return error_set(
		    e, ERR_USAGE, "without its primary key this key has no secret left: it has no secret subkey");
	if (how == PGP_OFFLINE_STUB && c->primary->version != 4)
		return error_set(e, ERR_USAGE, "GnuPG's stubs are for keys of version 4 only");
	for (size_t i = 0; rc == 0 && i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		if (i > 0)
			rc = buf_put_slice(out, k->packet.raw);
		else if (how == PGP_OFFLINE_STUB)
			rc = put_stub(c->primary, out);
		else
			rc = pgp_packet_write(out, PGP_PUBLIC_KEY, c->primary->public_body);
		for (size_t n = 0; rc == 0 && n < k->part_count; n++)
			rc = buf_put_slice(out, k->parts[n].raw);
	}
	return rc != 0 ? error_set(e, rc, "no room for a key") : 0;
}
