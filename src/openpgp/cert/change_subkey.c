/* SPDX-License-Identifier: ISC */
/* A subkey more. */
#include "openpgp/cert/change_internal.h"
#include "openpgp/cert/subkey.h"

static int
add(struct pgp_changing *g, const struct pgp_subkey_spec *spec, const struct pgp_fresh_key *f,
    enum pgp_protection protection, struct slice passphrase, struct error *e)
{
	uint32_t created = f->key.created > g->now ? f->key.created : g->now;
	struct buf packet;
	int rc;

	buf_init(&packet, PGP_KEY_BODY_MAX);
	rc = pgp_fresh_key_write(f, protection, passphrase, &packet, e);
	if (rc == 0)
		rc = pgp_subkey_put_binding(spec, g->c->cert->primary, f, created, &g->w.subpackets, e);
	if (rc == 0)
		rc = pgp_rewrite_add_subkey(&g->w, &f->key, buf_slice(&packet), created, e);
	buf_wipe_done(&packet);
	return rc;
}

int
pgp_changing_subkey(struct pgp_changing *g, const struct pgp_subkey_spec *spec, enum pgp_protection protection,
    struct slice passphrase, struct error *e)
{
	const struct pgp_cert *c = g->c->cert;
	struct pgp_fresh_key f;
	int rc;

	if (!c->secret)
		return error_set(e, ERR_USAGE, "a public certificate cannot hold the new subkey's secret");
	if (c->primary->version == 6 && protection == PGP_PROTECT_CFB)
		return error_set(e, ERR_USAGE, "a version 6 key is protected with AEAD");
	rc = pgp_subkey_make(spec, c->primary->version, g->now, &f, e);
	if (rc != 0)
		return rc;
	rc = add(g, spec, &f, protection, passphrase, e);
	pgp_fresh_key_done(&f);
	return rc;
}

int
pgp_change_add_subkey(const struct pgp_change *c, const struct pgp_subkey_spec *spec, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e)
{
	struct pgp_changing g;
	int rc = pgp_changing_begin(&g, c, true, e);

	if (rc != 0)
		return rc;
	rc = pgp_changing_subkey(&g, spec, protection, passphrase, e);
	return pgp_changing_end(&g, rc, out, e);
}
