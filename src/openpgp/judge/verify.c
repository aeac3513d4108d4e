/* SPDX-License-Identifier: ISC */
/* What one data signature is worth. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "openpgp/limits.h"
#include "openpgp/key/pk.h"
#include "openpgp/judge/verify.h"

static void __attribute__((format(printf, 4, 5)))
say(struct pgp_verdict *v, enum pgp_verdict_kind kind, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	v->kind = kind;
	v->code = code;
	(void)vsnprintf(v->reason, sizeof v->reason, fmt, ap);
	va_end(ap);
}

/* The signature's own times and algorithms, whoever made it. */
static bool
sig_acceptable(const struct pgp_sig *s, const struct pgp_key *key, const struct pgp_policy *p, struct pgp_verdict *v)
{
	struct error e = { 0 };

	if (s->created > p->now + p->clock_skew) {
		v->standing = PGP_STANDING_NOT_YET;
		say(v, PGP_VERDICT_INVALID, ERR_POLICY, "The signature comes from the future.");
	} else if (s->expires != 0 && (uint64_t)s->created + s->expires <= p->now) {
		v->standing = PGP_STANDING_EXPIRED;
		say(v, PGP_VERDICT_INVALID, ERR_POLICY, "The signature is expired.");
	} else if (pgp_policy_sig_version(p, s->version, PGP_USE_DATA, &e) != 0 ||
	    pgp_policy_hash(p, s->hash, PGP_USE_DATA, &e) != 0 || pgp_policy_key(p, key, PGP_USE_DATA, &e) != 0) {
		v->standing = PGP_STANDING_POLICY;
		say(v, PGP_VERDICT_INVALID, e.code, "Refused by policy: %.160s.", e.text);
	} else
		return true;
	return false;
}

/* The user ID that the signature names, when it is one of the certificate's and stands; else empty. */
static struct slice
believed_user_id(const struct pgp_cert_judgement *j, struct slice claimed)
{
	for (size_t i = 0; claimed.len > 0 && i < j->count; i++) {
		const struct pgp_component *k = j->components[i].component;

		if (k->kind == PGP_COMPONENT_USER_ID && j->components[i].standing == PGP_STANDING_GOOD &&
		    slice_eq(k->packet.body, claimed))
			return k->packet.body;
	}
	return SLICE_EMPTY;
}

static int
judge_signer(const struct pgp_sig *s, const struct pgp_cert *c, const struct pgp_key *key,
    const struct pgp_certs *certs, const struct pgp_policy *policy, struct pgp_verdict *v, struct error *e)
{
	const struct pgp_component_judgement *k;
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge_among(c, certs, policy, s->created, &j, e);

	if (rc != 0)
		return rc;
	k = pgp_judged_key(&j, key);
	if (j.standing != PGP_STANDING_GOOD) {
		v->standing = j.standing;
		say(v, PGP_VERDICT_INVALID, ERR_POLICY, "The certificate does not stand: %s.", j.components[0].reason);
	} else if (k->standing != PGP_STANDING_GOOD) {
		v->standing = k->standing;
		say(v, PGP_VERDICT_INVALID, ERR_POLICY, "The signing subkey does not stand: %s.", k->reason);
	} else if ((k->flags & PGP_FLAG_SIGN) == 0) {
		v->standing = PGP_STANDING_POLICY;
		say(v, PGP_VERDICT_INVALID, ERR_POLICY, "The key is not meant to sign data%s.",
		    c->primary == key && !j.says_flags ? " (rule no-flags)" : "");
	} else {
		v->kind = PGP_VERDICT_GOOD;
		v->standing = PGP_STANDING_GOOD;
		v->code = 0;
		v->reason[0] = 0;
		v->signer_user_id = believed_user_id(&j, s->signer_user_id);
	}
	pgp_cert_judgement_done(&j);
	return 0;
}

/* One candidate key. certs: where designated revokers are looked for. */
static int
try_key(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_cert *c, const struct pgp_key *key,
    const struct pgp_certs *certs, const struct pgp_policy *policy, struct pgp_verdict *v, struct error *e)
{
	struct error why = { 0 };
	int rc = pgp_sig_check(s, h, key, &why);

	v->cert = c;
	v->key = key;
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return error_set(e, rc, "%s", why.text);
	if (rc == ERR_SIGNATURE)
		say(v, PGP_VERDICT_BAD, rc, "The signature does not fit: it or the text was changed.");
	else if (rc != 0)
		say(v, PGP_VERDICT_INVALID, s->invalid != NULL ? ERR_SYNTAX : rc, "The signature cannot count: %.150s.",
		    why.text);
	else if (sig_acceptable(s, key, policy, v))
		return judge_signer(s, c, key, certs, policy, v, e);
	return 0;
}

/* Better means nearer to good; of two that fit, the first. */
static bool
better(const struct pgp_verdict *a, const struct pgp_verdict *b)
{
	static const int rank[] = {
		[PGP_VERDICT_GOOD] = 3, [PGP_VERDICT_INVALID] = 2, [PGP_VERDICT_BAD] = 1, [PGP_VERDICT_NO_KEY] = 0
	};

	return rank[a->kind] > rank[b->kind];
}

/* tries: left, of keys that the signature may be from; one that names nobody may be from all of a keyring. */
static int
try_cert(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_cert *c, const struct pgp_certs *certs,
    const struct pgp_policy *policy, unsigned *tries, struct pgp_verdict *best, struct error *e)
{
	for (size_t i = 0; i<c->component_count && * tries> 0; i++) {
		const struct pgp_key *key = c->components[i].key;
		struct pgp_verdict v = *best;
		int rc;

		if (key == NULL || !pgp_sig_may_be_from(s, key))
			continue;
		*tries -= pgp_pk_same(s->algorithm, key->algorithm); /* others cost nothing */
		rc = try_key(s, h, c, key, certs, policy, &v, e);
		if (rc != 0)
			return rc;
		if (better(&v, best))
			*best = v;
	}
	return 0;
}

int
pgp_verify_data(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_certs *certs,
    const struct pgp_policy *policy, struct pgp_verdict *out, struct error *e)
{
	struct pgp_verdict v = { .kind = PGP_VERDICT_NO_KEY,
		.sig_type = s->type,
		.hash = s->hash,
		.created = s->created,
		.issuer = s->issuer,
		.issuer_fpr = s->issuer_fpr,
		.recipients_named = s->recipient_count > 0 };
	unsigned tries = PGP_SIGNER_TRIES_MAX;
	int rc = 0;

	if (v.issuer == 0)
		v.issuer = pgp_fingerprint_key_id(&v.issuer_fpr);
	say(&v, PGP_VERDICT_NO_KEY, ERR_NO_KEY, "None of the certificates made this signature.");
	if (!pgp_sig_is_data(s))
		say(&v, PGP_VERDICT_INVALID, ERR_SYNTAX, "A %s is no signature over data.", pgp_sig_type_name(s->type));
	else
		for (size_t i = 0; rc == 0 && i < certs->count && v.kind != PGP_VERDICT_GOOD; i++)
			rc = try_cert(s, h, certs->items[i], certs, policy, &tries, &v, e);
	if (rc == 0)
		*out = v;
	return rc;
}
