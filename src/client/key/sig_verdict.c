/* SPDX-License-Identifier: ISC */
#include "client/key/sig_verdict.h"

#include <stdio.h>

static void
say(struct key_sig *s, const char *verdict)
{
	(void)snprintf(s->verdict, sizeof s->verdict, "%s", verdict);
}

static struct pgp_sig_target
target_of(const struct pgp_cert *c, const struct pgp_component *k)
{
	struct pgp_sig_target t = { .primary = c->primary };

	if (k->kind == PGP_COMPONENT_SUBKEY)
		t.subkey = k->key;
	if (k->kind == PGP_COMPONENT_USER_ID || k->kind == PGP_COMPONENT_USER_ATTRIBUTE) {
		t.user_type = k->packet.type;
		t.user = k->packet.body;
	}
	return t;
}

/* 0 when the key made it; else the sentence is said. */
static int
check(struct key_sig *s, const struct pgp_cert *c, const struct pgp_component *k, const struct pgp_key *by)
{
	struct pgp_sig_target target = target_of(c, k);
	struct error e;
	int rc = pgp_sig_check_target(&s->sig, &target, by, &e);

	if (rc == ERR_SIGNATURE)
		say(s, "it does not fit");
	else if (rc != 0)
		say(s, e.text);
	return rc;
}

static bool
is_over(const struct key_sig *s, uint64_t now)
{
	return s->sig.expires != 0 && (uint64_t)s->sig.created + s->sig.expires <= now;
}

static void
judge_own(struct key_sig *s, const struct pgp_cert_judgement *j, const struct pgp_component_judgement *of)
{
	s->own = true;
	if (check(s, j->cert, of->component, j->cert->primary) != 0)
		return;
	s->counts = of->sig.len > 0 && slice_eq(of->sig, s->sig.body);
	if (s->counts)
		say(s, "good, and the one that counts");
	else if (is_over(s, j->at))
		say(s, "good, but expired");
	else
		say(s, "good");
}

/* Every certificate here that could have made it is tried: key IDs collide. */
static void
judge_other(struct key_command *c, struct key_sig *s, const struct pgp_cert_judgement *j, const struct pgp_component *k)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	const struct pgp_fingerprint *f = s->sig.issuer_fpr.len > 0 ? &s->sig.issuer_fpr : NULL;
	size_t n = trust_store_find_key(c->keyring.certs, f, s->sig.issuer, found, TRUST_CANDIDATES_MAX);

	say(s, "its maker's certificate is not here");
	for (size_t i = 0; i < n; i++) {
		struct pgp_cert *by;
		int rc;

		if (trust_store_load(c->keyring.certs, &found[i]->fingerprint, &by, NULL) != 0)
			continue;
		rc = check(s, j->cert, k, by->primary);
		pgp_cert_free(by);
		if (rc != 0)
			continue;
		s->issuer = found[i];
		say(s, is_over(s, j->at) ? "good, but expired" : "good");
		return;
	}
}

void
key_sig_judge(struct key_command *c, const struct pgp_cert_judgement *j, const struct pgp_component_judgement *of,
    const struct pgp_part *part, struct key_sig *out)
{
	*out = (struct key_sig){ .readable = false };
	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &out->sig, NULL) != 0) {
		say(out, "not understood");
		return;
	}
	out->readable = true;
	if (out->sig.invalid != NULL)
		say(out, out->sig.invalid);
	else if (pgp_sig_may_be_from(&out->sig, j->cert->primary))
		judge_own(out, j, of);
	else
		judge_other(c, out, j, of->component);
}
