/* SPDX-License-Identifier: ISC */
/* `letterlock key subkey` */
#include "client/key/edit.h"
#include "client/key/reason.h"
#include "client/key/verbs.h"
#include "client/key/when.h"
#include "client/passphrase.h"
#include "client/verbs.h"

static const char help[] =
    "letterlock key subkey add WHO | revoke WHO FINGERPRINT\n"
    "\n"
    "  key subkey add WHO --for encrypt|sign|authenticate\n"
    "                            one more subkey (--algorithm A, --expires WHEN as for `key new`)\n"
    "  key subkey revoke WHO FINGERPRINT\n"
    "                            --reason superseded|retired|compromised|unspecified, --text TEXT\n"
    "\n"
    "Options: --json, --passphrase-fd N, --yes (do not ask)\n"
    "\n"
    "Example:\n"
    "  letterlock key subkey add alice@example.org --for sign --expires 1y\n";

struct subkey_options {
	const char *use, *algorithm, *expires, *reason, *text;
	bool yes;
};

/* ---- add ---- */

struct adding {
	struct key_edit *d;
	struct pgp_subkey_spec spec;
	struct slice key; /* what the passphrase must open, so that all parts have one */
	struct buf *out;
	bool confirm;
};

static int
read_spec(
    struct key_command *c, const struct pgp_cert *cert, const struct subkey_options *o, struct pgp_subkey_spec *spec)
{
	static const struct {
		const char *word;
		uint32_t flags;
	} uses[] = { { "encrypt", PGP_FLAG_ENCRYPT }, { "sign", PGP_FLAG_SIGN },
		{ "authenticate", PGP_FLAG_AUTHENTICATE } };
	uint64_t when = 0, now = c->keyring.policy.now;
	int rc = 0;

	*spec = (struct pgp_subkey_spec){ .family =
					      cert->primary->algorithm == PGP_ED448 ? PGP_FAMILY_448 : PGP_FAMILY_25519,
		.created = (uint32_t)now };
	for (size_t i = 0; o->use != NULL && i < sizeof uses / sizeof uses[0]; i++)
		if (slice_eq_str(slice_str(o->use), uses[i].word))
			spec->flags = uses[i].flags;
	if (spec->flags == 0)
		return error_set(&c->error, ERR_USAGE, "what is it for? --for encrypt, sign or authenticate");
	if (o->algorithm != NULL && !pgp_family_parse(slice_str(o->algorithm), &spec->family))
		return error_set(&c->error, ERR_USAGE, "'%.40s' is no algorithm for a key", o->algorithm);
	if (o->expires != NULL)
		rc = key_when_parse(slice_str(o->expires), now, &when, &c->error);
	if (rc == 0 && when != 0)
		spec->expires = (uint32_t)(when - now);
	return rc;
}

/* The agent tries the passphrase; what it opens is what the new secret is encrypted by. */
static int
add_with(void *ctx, struct slice passphrase, struct error *e)
{
	struct adding *a = ctx;
	uint32_t count;
	int rc = agent_client_unlock(a->d->agent, a->key, passphrase, AGENT_SECONDS_USUAL, a->confirm, &count, e);

	return rc != 0 ? rc : pgp_change_add_subkey(&a->d->change, &a->spec, PGP_PROTECT_AEAD, passphrase, a->out, e);
}

static int
add(struct key_edit *d, const struct subkey_options *o)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	struct adding a = { .d = d, .out = &out };
	struct key_command *c = d->c;
	int rc = key_edit_not_in_token(d);

	if (rc == 0)
		rc = read_spec(c, d->cert, o, &a.spec);

	if (rc == 0)
		rc = keyring_read_secret(&c->keyring, &d->cert->primary->fingerprint, &key, &c->error);
	if (rc == 0)
		rc = keyring_confirms(&c->keyring, &d->cert->primary->fingerprint, &a.confirm, &c->error);
	if (rc == 0)
		rc = agent_client_open(true, &d->agent, &c->error);
	if (rc != 0)
		return rc;
	a.key = buf_slice(&key);
	d->change.keys = agent_keyring(d->agent);
	rc = client_passphrase_try(&c->common, "Passphrase of your key: ", add_with, &a, &c->error);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

/* ---- revoke ---- */

static int
revoke(struct key_edit *d, const struct subkey_options *o, const char *which)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	struct key_command *c = d->c;
	const struct pgp_key *key;
	struct pgp_fingerprint f;
	uint8_t reason;
	int rc = key_reason_parse(o->reason, &reason, &c->error);

	if (rc == 0)
		rc = pgp_fingerprint_parse(slice_str(which), &f, &c->error);
	if (rc != 0)
		return rc;
	key = pgp_cert_find_key(d->cert, &f);
	if (key == NULL || key == d->cert->primary)
		return error_set(
		    &c->error, ERR_NOT_FOUND, "the key has no such subkey; `letterlock key show` lists them");
	rc = key_confirm("Revoke this subkey? That cannot be undone.", o->yes, &c->error);
	if (rc == 0)
		rc = key_edit_unlock(d);
	if (rc == 0)
		rc = pgp_change_revoke_subkey(&d->change, key, reason, slice_str(o->text), &out, &c->error);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

static int
subkey(int argc, char **argv, bool revokes)
{
	struct subkey_options o = { .use = NULL };
	const struct option options[] = { { "for", OPTION_TEXT, &o.use }, { "algorithm", OPTION_TEXT, &o.algorithm },
		{ "expires", OPTION_TEXT, &o.expires }, { "reason", OPTION_TEXT, &o.reason },
		{ "text", OPTION_TEXT, &o.text }, { "yes", OPTION_FLAG, &o.yes } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, revokes ? 2 : 1, revokes ? 2 : 1);
	struct key_command c;
	struct key_edit d;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = revokes ? revoke(&d, &o, c.arguments.items[1]) : add(&d, &o);
	if (rc == 0)
		rc = key_edit_say(&d, revokes ? "The subkey is revoked." : "The subkey is added.");
	key_edit_done(&d);
	return key_end(&c, rc);
}

static int
subkey_add(int argc, char **argv)
{
	return subkey(argc, argv, false);
}

static int
subkey_revoke(int argc, char **argv)
{
	return subkey(argc, argv, true);
}

int
key_subkey(int argc, char **argv)
{
	static const struct subverb table[] = { { "add", subkey_add }, { "revoke", subkey_revoke } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
