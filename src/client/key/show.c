/* SPDX-License-Identifier: ISC */
#include "client/key/show.h"

#include <stdio.h>

#include "base/date.h"
#include "os/file.h"

#define LINE_MAX_OCTETS 2000u

/* ---- pieces ---- */

void
key_put_day(uint64_t when, struct buf *out)
{
	BUF_OWNED struct buf b = { .max = 100 };

	(void)date_write_rfc3339(&b, (int64_t)when);
	(void)buf_put_slice(out, slice_sub(buf_slice(&b), 0, 10));
}

void
key_put_flags(uint32_t flags, struct buf *out)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} uses[] = { { PGP_FLAG_CERTIFY, "certify" }, { PGP_FLAG_SIGN, "sign" }, { PGP_FLAG_ENCRYPT, "encrypt" },
		{ PGP_FLAG_AUTHENTICATE, "authenticate" } };
	const char *between = "";

	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
		if ((flags & uses[i].flag) == 0)
			continue;
		(void)buf_putf(out, "%s%s", between, uses[i].word);
		between = ", ";
	}
	if (between[0] == '\0')
		(void)buf_put_str(out, "nothing");
}

void
key_put_groups(const struct pgp_fingerprint *f, struct buf *out)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(f, &hex);
	for (size_t i = 0; i < hex.len; i += 4) {
		if (i > 0)
			(void)buf_put_str(out, i == hex.len / 2 ? "  " : " ");
		(void)buf_put_slice(out, slice_sub(buf_slice(&hex), i, 4));
	}
}

/* ---- the certificate ---- */

int
key_shown_load(struct key_shown *s, struct key_command *c, const struct pgp_fingerprint *f)
{
	int rc;

	*s = (struct key_shown){ .cert = NULL };
	rc = trust_store_load(c->keyring.certs, f, &s->cert, &c->error);
	if (rc == 0)
		rc = pgp_cert_judge(s->cert, &c->keyring.policy, c->keyring.policy.now, &s->j, &c->error);
	return rc;
}

void
key_shown_done(struct key_shown *s)
{
	if (s->j.cert != NULL)
		pgp_cert_judgement_done(&s->j);
	pgp_cert_free(s->cert);
	*s = (struct key_shown){ .cert = NULL };
}

/* ---- in words ---- */

static void
put_key(const struct pgp_component_judgement *j, struct buf *out)
{
	const struct pgp_key *key = j->component->key;
	unsigned bits = pgp_key_bits(key);

	(void)buf_put_str(out, pgp_algorithm_name(key->algorithm));
	if (bits != 0)
		(void)buf_putf(out, " of %u bits", bits);
	(void)buf_put_str(out, ", made ");
	key_put_day(key->created, out);
	(void)buf_put_str(out, ", to ");
	key_put_flags(j->flags, out);
	if (j->expires != 0) {
		(void)buf_put_str(out, j->standing == PGP_STANDING_EXPIRED ? ", expired " : ", expires ");
		key_put_day(j->expires, out);
	}
}

static void
say_standing(const struct pgp_component_judgement *j)
{
	if (j->reason[0] != '\0')
		client_say("           ", slice_str(j->reason), "");
}

static void
say_component(const struct pgp_component_judgement *j)
{
	BUF_OWNED struct buf line = { .max = LINE_MAX_OCTETS };
	const struct pgp_key *key = j->component->key;

	if (j->component->kind == PGP_COMPONENT_USER_ID) {
		(void)printf(
		    "  user ID  %s%s  ", pgp_standing_name(j->standing), j->primary_user_id ? ", the primary one" : "");
		client_say("", j->component->packet.body, "");
	} else if (j->component->kind == PGP_COMPONENT_USER_ATTRIBUTE) {
		(void)printf(
		    "  picture  %s  of %zu octets\n", pgp_standing_name(j->standing), j->component->packet.body.len);
	} else if (key == NULL) {
		(void)puts("  something that is not understood");
		return;
	} else {
		(void)pgp_fingerprint_write(&key->fingerprint, &line);
		(void)buf_put_str(&line, "\n           ");
		put_key(j, &line);
		(void)printf("  %s  %s  %.*s\n", key->subkey ? "subkey " : "primary", pgp_standing_name(j->standing),
		    (int)line.len, (const char *)line.data);
	}
	say_standing(j);
}

static void
say_notations(const struct pgp_component_judgement *j)
{
	struct pgp_notation n;

	if (j->sig.len == 0)
		return;
	for (size_t i = 0; pgp_sig_notation(&j->parsed, i, &n); i++) {
		client_say("           says ", n.name, "");
		client_say("                ", n.readable ? n.value : SLICE("(not for people)"), "");
	}
}

void
key_show_words(struct key_command *c, const struct key_shown *s)
{
	char path[FILE_PATH_MAX];

	for (size_t i = 0; i < s->j.count; i++) {
		say_component(&s->j.components[i]);
		say_notations(&s->j.components[i]);
	}
	if (s->j.cut_short)
		(void)puts("  It has more signatures than could be checked.");
	if (s->j.unverified_revocation)
		(void)puts("  Somebody whom it names as its revoker has revoked it, and that certificate is not here.");
	if (keyring_has_secret(&c->keyring, &s->cert->primary->fingerprint) &&
	    keyring_revocation_path(&s->cert->primary->fingerprint, path, NULL) == 0 && file_exists(path))
		client_say("  Its revocation certificate lies in ", slice_str(path), "");
}
