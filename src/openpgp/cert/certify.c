/* SPDX-License-Identifier: ISC */
/* Certifications of others, and taking them back. */
#include "openpgp/cert/certify.h"

#include "base/utf8.h"
#include "openpgp/cert/rewrite.h"

static const struct pgp_component *
find_user(const struct pgp_cert *c, struct slice user_id)
{
	for (size_t i = 0; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID && slice_eq(c->components[i].packet.body, user_id))
			return &c->components[i];
	return NULL;
}

/* ---- what is said ---- */

/* A name in the namespace of users is "tag@domain" (section 5.2.3.24), and the other namespace is empty. */
static int
put_notation(struct buf *subpackets, const struct pgp_notation *n, struct error *e)
{
	size_t at = slice_find(n->name, '@');
	struct buf body BUF_OWNED = { 0 };

	if (at == SIZE_MAX || at == 0 || slice_find(slice_from(n->name, at + 1), '@') != SIZE_MAX ||
	    at + 1 == n->name.len || !utf8_valid(n->name) || n->name.len > UINT16_MAX)
		return error_set(e, ERR_USAGE, "a notation's name looks like tag@domain");
	if (n->value.len > UINT16_MAX || (n->readable && !utf8_valid(n->value)))
		return error_set(e, ERR_USAGE, "a notation's value is UTF-8 of at most 65535 octets");
	buf_init(&body, 8 + 2 * (size_t)UINT16_MAX);
	(void)buf_put_u32(&body, n->readable ? 0x80000000u : 0);
	(void)buf_put_u16(&body, (uint16_t)n->name.len);
	(void)buf_put_u16(&body, (uint16_t)n->value.len);
	(void)buf_put_slice(&body, n->name);
	if (buf_put_slice(&body, n->value) != 0)
		return error_nomem(e);
	(void)pgp_subpacket_put(subpackets, PGP_SUB_NOTATION, n->critical, buf_slice(&body));
	return 0;
}

static int
put_trust(struct buf *subpackets, const struct pgp_certify_spec *spec, struct error *e)
{
	const uint8_t trust[2] = { spec->depth, spec->amount };
	struct buf regex BUF_OWNED = { 0 };

	if (spec->depth == 0 && (spec->amount != 0 || spec->regex.len > 0))
		return error_set(e, ERR_USAGE, "an amount or a scope of trust needs a depth");
	if (spec->depth == 0)
		return 0;
	(void)pgp_subpacket_put(subpackets, PGP_SUB_TRUST, false, slice_of(trust, 2));
	if (spec->regex.len == 0)
		return 0;
	if (spec->regex.len > PGP_USER_ID_MAX || slice_find(spec->regex, 0) != SIZE_MAX || !utf8_valid(spec->regex))
		return error_set(
		    e, ERR_USAGE, "a scope is a regular expression in UTF-8 of at most %u octets", PGP_USER_ID_MAX);
	/* Section 5.2.3.22: with its zero octet, and critical: who does not understand it must not trust without limit. */
	buf_init(&regex, PGP_USER_ID_MAX + 1);
	(void)buf_put_slice(&regex, spec->regex);
	if (buf_put_u8(&regex, 0) != 0)
		return error_nomem(e);
	(void)pgp_subpacket_put(subpackets, PGP_SUB_REGEX, true, buf_slice(&regex));
	return 0;
}

static int
put_statement(struct buf *subpackets, const struct pgp_certify_spec *spec, struct error *e)
{
	int rc = 0;

	if (spec->expires != 0)
		pgp_put_number(subpackets, PGP_SUB_SIG_EXPIRES, true, spec->expires);
	/* Section 5.2.3.19: critical, so that nobody passes it on by not knowing it. */
	if (spec->local)
		pgp_put_octet(subpackets, PGP_SUB_EXPORTABLE, true, 0);
	if (spec->not_revocable)
		pgp_put_octet(subpackets, PGP_SUB_REVOCABLE, false, 0);
	rc = put_trust(subpackets, spec, e);
	if (spec->policy_uri.len > 0)
		(void)pgp_subpacket_put(subpackets, PGP_SUB_POLICY_URI, false, spec->policy_uri);
	for (size_t i = 0; rc == 0 && i < spec->notation_count; i++)
		rc = put_notation(subpackets, &spec->notations[i], e);
	return rc;
}

static int
check_spec(
    const struct pgp_certify_spec *spec, const struct pgp_cert *target, const struct pgp_cert *signer, struct error *e)
{
	if (spec->type != 0 && (spec->type < PGP_SIG_CERT_GENERIC || spec->type > PGP_SIG_CERT_POSITIVE))
		return error_set(e, ERR_USAGE, "a signature of type %u is no certification", spec->type);
	if (spec->notation_count > PGP_NOTATIONS_MAX)
		return error_set(e, ERR_USAGE, "more than %u notations", PGP_NOTATIONS_MAX);
	if (slice_eq(target->primary->public_body, signer->primary->public_body))
		return error_set(e, ERR_USAGE, "this is one's own certificate: its self-signatures certify it");
	if (!target->primary->understood || !signer->primary->understood)
		return error_set(e, ERR_UNSUPPORTED, "a key of this kind cannot be certified or certify");
	return 0;
}

/* Ends what both calls begin: writes when rc is 0. */
static int
finish(struct pgp_rewrite *w, int rc, struct buf *out, struct error *e)
{
	size_t from = out->len;

	if (rc == 0)
		rc = pgp_rewrite_write(w, out, e);
	if (rc != 0)
		buf_truncate(out, from);
	pgp_rewrite_done(w);
	return rc;
}

int
pgp_certify_user(const struct pgp_certify_spec *spec, const struct pgp_cert *target, struct slice user_id,
    const struct pgp_cert *signer, struct pgp_keyring_ops keys, struct buf *out, struct error *e)
{
	const struct pgp_component *k = find_user(target, user_id);
	struct pgp_rewrite w;
	int rc = check_spec(spec, target, signer, e);

	if (rc == 0 && k == NULL)
		rc = error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
	if (rc != 0)
		return rc;
	rc = pgp_rewrite_init(&w, target, signer->primary, keys, e);
	if (rc == 0)
		rc = put_statement(&w.subpackets, spec, e);
	if (rc == 0)
		rc = pgp_rewrite_sign(&w, k, spec->type != 0 ? spec->type : PGP_SIG_CERT_GENERIC, spec->created, e);
	return finish(&w, rc, out, e);
}

/* ---- taken back ---- */

/* The newest correct certification by signer: of one there may be any number of copies, which are not checked. */
static int
find_certification(const struct pgp_cert *target, const struct pgp_component *k, const struct pgp_cert *signer,
    struct pgp_sig *out, struct error *e)
{
	struct pgp_sig_target over = pgp_component_target(target, k);
	size_t failed = 0;
	bool found = false;

	for (size_t i = 0; i < k->part_count && failed < PGP_SELF_CHECKS_MAX; i++) {
		struct pgp_sig s;
		int rc;

		if (k->parts[i].type != PGP_SIGNATURE || pgp_sig_parse(k->parts[i].body, &s, NULL) != 0 ||
		    pgp_selfsig_role(k->kind, s.type) != PGP_SELFSIG_BINDING || !pgp_selfsig_claimed(&s, signer) ||
		    (found && s.created <= out->created))
			continue;
		rc = pgp_sig_check_target(&s, &over, signer->primary, NULL);
		if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
			return error_set(e, rc, "a certification could not be checked");
		failed += rc != 0;
		if (rc == 0) {
			*out = s;
			found = true;
		}
	}
	return found ? 0
		     : error_set(e, ERR_NOT_FOUND, "there is no certification by this key that could be taken back");
}

static int
put_revocation(struct pgp_rewrite *w, const struct pgp_component *k, const struct pgp_certify_spec *spec,
    const struct pgp_sig *old, struct error *e)
{
	uint32_t created = spec->created > old->created ? spec->created : old->created + 1;
	int rc = pgp_put_reason(&w->subpackets, spec->reason, spec->reason_text, e);

	if (rc != 0)
		return rc;
	/* Of what never travelled nobody must hear. */
	if (!old->exportable || spec->local)
		pgp_put_octet(&w->subpackets, PGP_SUB_EXPORTABLE, true, 0);
	return pgp_rewrite_sign(w, k, PGP_SIG_CERT_REVOCATION, created, e);
}

int
pgp_certify_revoke(const struct pgp_certify_spec *spec, const struct pgp_cert *target, struct slice user_id,
    const struct pgp_cert *signer, struct pgp_keyring_ops keys, struct buf *out, struct error *e)
{
	const struct pgp_component *k = find_user(target, user_id);
	struct pgp_rewrite w;
	struct pgp_sig old = { .created = 0 };
	int rc = check_spec(spec, target, signer, e);

	if (rc == 0 && k == NULL)
		rc = error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
	if (rc == 0 && spec->reason != PGP_REASON_NONE && spec->reason != PGP_REASON_USER_ID_INVALID)
		rc = error_set(e, ERR_USAGE, "the reason %u is not one for a certification", spec->reason);
	if (rc == 0)
		rc = find_certification(target, k, signer, &old, e);
	if (rc != 0)
		return rc;
	rc = pgp_rewrite_init(&w, target, signer->primary, keys, e);
	if (rc == 0)
		rc = put_revocation(&w, k, spec, &old, e);
	return finish(&w, rc, out, e);
}
