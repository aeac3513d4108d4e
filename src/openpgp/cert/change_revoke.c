/* SPDX-License-Identifier: ISC */
/* Revocations: of the certificate, of subkeys and user IDs, and those that were made ahead. */
#include "openpgp/cert/change_internal.h"
#include "openpgp/frame/packet.h"

static bool
key_reason(uint8_t reason)
{
	/* 100 to 110 are for private use. */
	return reason <= PGP_REASON_RETIRED || (reason >= 100 && reason <= 110);
}

static bool
user_reason(uint8_t reason)
{
	return reason == PGP_REASON_NONE || reason == PGP_REASON_USER_ID_INVALID || (reason >= 100 && reason <= 110);
}

static int
wrong_reason(uint8_t reason, struct error *e)
{
	return error_set(e, ERR_USAGE, "the reason %u is not one for this revocation", reason);
}

static int
revoke(struct pgp_changing *g, const struct pgp_component *k, uint8_t type, uint8_t reason, struct slice text,
    struct error *e)
{
	struct pgp_sig old = { .created = 0 };
	int rc = pgp_changing_binding(g, k, &old, e);

	/* What is not bound can be revoked as well. */
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	rc = pgp_put_reason(&g->w.subpackets, reason, text, e);
	return rc != 0 ? rc : pgp_rewrite_sign(&g->w, k, type, pgp_changing_time(g, &old), e);
}

int
pgp_change_revoke(const struct pgp_change *c, uint8_t reason, struct slice text, struct buf *out, struct error *e)
{
	struct pgp_changing g;
	int rc;

	if (!key_reason(reason))
		return wrong_reason(reason, e);
	rc = pgp_changing_begin(&g, c, false, e);
	if (rc != 0)
		return rc;
	rc = revoke(&g, &c->cert->components[0], PGP_SIG_KEY_REVOCATION, reason, text, e);
	return pgp_changing_end(&g, rc, out, e);
}

int
pgp_change_revoke_subkey(const struct pgp_change *c, const struct pgp_key *subkey, uint8_t reason, struct slice text,
    struct buf *out, struct error *e)
{
	const struct pgp_component *k = pgp_cert_component_of(c->cert, subkey);
	struct pgp_changing g;
	int rc;

	if (k == NULL || k->kind != PGP_COMPONENT_SUBKEY)
		return error_set(e, ERR_USAGE, "this key is no subkey of the certificate");
	if (!key_reason(reason))
		return wrong_reason(reason, e);
	rc = pgp_changing_begin(&g, c, false, e);
	if (rc != 0)
		return rc;
	rc = revoke(&g, k, PGP_SIG_SUBKEY_REVOCATION, reason, text, e);
	return pgp_changing_end(&g, rc, out, e);
}

int
pgp_change_revoke_user(const struct pgp_change *c, struct slice user_id, uint8_t reason, struct slice text,
    struct buf *out, struct error *e)
{
	const struct pgp_component *k;
	struct pgp_changing g;
	int rc;

	if (!user_reason(reason))
		return wrong_reason(reason, e);
	rc = pgp_changing_begin(&g, c, false, e);
	if (rc != 0)
		return rc;
	k = pgp_changing_user(&g, user_id);
	if (k == NULL)
		rc = error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
	else
		rc = revoke(&g, k, PGP_SIG_CERT_REVOCATION, reason, text, e);
	return pgp_changing_end(&g, rc, out, e);
}

/* ---- made ahead ---- */

int
pgp_generate_revocation(const struct pgp_cert *c, struct pgp_keyring_ops keys, uint8_t reason, struct slice text,
    uint32_t created, struct buf *out, struct error *e)
{
	struct pgp_sig_target target = { .primary = c->primary };
	struct buf subpackets BUF_OWNED = { 0 }, body BUF_OWNED = { 0 };
	struct pgp_sig_spec spec = { .type = PGP_SIG_KEY_REVOCATION, .created = created };
	int rc;

	if (!key_reason(reason))
		return wrong_reason(reason, e);
	buf_init(&subpackets, PGP_SIG_BODY_MAX / 4);
	buf_init(&body, PGP_SIG_BODY_MAX);
	rc = pgp_put_reason(&subpackets, reason, text, e);
	if (rc != 0)
		return rc;
	spec.extra_hashed = buf_slice(&subpackets);
	rc = pgp_sig_make_target(&spec, &target, c->primary, keys, &body, e);
	if (rc != 0)
		return rc;
	if (c->primary->version == 6)
		(void)pgp_packet_write(out, PGP_PUBLIC_KEY, c->primary->public_body);
	(void)pgp_packet_write(out, PGP_SIGNATURE, buf_slice(&body));
	return out->err != 0 ? error_set(e, out->err, "no room for a revocation") : 0;
}

/* One packet of a revocation certificate. */
static int
take_revocation(struct pgp_rewrite *w, const struct pgp_packet *p, struct error *e)
{
	struct pgp_sig_target target = { .primary = w->cert->primary };
	struct pgp_sig s;
	int rc;

	if (p->header.type == PGP_MARKER || p->header.type == PGP_PADDING)
		return 0;
	if (p->header.type == PGP_PUBLIC_KEY) {
		if (slice_eq(p->body, w->cert->primary->public_body))
			return 0;
		return error_set(e, ERR_SIGNATURE, "this is the revocation of another certificate");
	}
	if (p->header.type != PGP_SIGNATURE)
		return error_set(
		    e, ERR_SYNTAX, "a packet of type %u does not belong into a revocation", p->header.type);
	rc = pgp_sig_parse(p->body, &s, e);
	if (rc != 0)
		return rc;
	if (s.type != PGP_SIG_KEY_REVOCATION)
		return error_set(e, ERR_SYNTAX, "a %s is no revocation of a key", pgp_sig_type_name(s.type));
	rc = pgp_sig_check_target(&s, &target, w->cert->primary, e);
	return rc != 0 ? rc : pgp_rewrite_insert(w, &w->cert->components[0], s.type, p->body, e);
}

int
pgp_cert_revoke_with(const struct pgp_cert *c, struct slice revocation, struct buf *out, struct error *e)
{
	struct pgp_rewrite w;
	struct pgp_packet p;
	size_t at = 0;
	int rc = pgp_rewrite_init(&w, c, c->primary, (struct pgp_keyring_ops){ NULL, NULL }, e);

	while (rc == 0 && (rc = pgp_packet_next(revocation, &at, &p, e)) == 1)
		rc = take_revocation(&w, &p, e);
	if (rc == 0 && !pgp_rewrite_changed(&w))
		rc = error_set(e, ERR_SYNTAX, "there is no revocation in it");
	if (rc == 0)
		rc = pgp_rewrite_write(&w, out, e);
	pgp_rewrite_done(&w);
	return rc;
}
