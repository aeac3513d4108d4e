/* SPDX-License-Identifier: ISC */
/* `letterlock key new` */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "client/account.h"
#include "client/key/command.h"
#include "client/key/verbs.h"
#include "client/key/when.h"
#include "os/terminal.h"

static const char help[] =
    "letterlock key new [ADDRESS]\n"
    "\n"
    "Makes a key of yours, and its revocation certificate. Without ADDRESS it is for your account's.\n"
    "\n"
    "  --name NAME         in front of the address\n"
    "  --expires WHEN      2y (the default), 6m, 30d, 2027-06-30, never; it can be changed later\n"
    "  --for-course        a key for trying things out: expires in a month\n"
    "  --algorithm A       25519 (the default), rsa3072, rsa4096, nistp256, nistp384, nistp521, brainpoolP256r1,\n"
    "                      brainpoolP384r1, brainpoolP512r1; ed448 with --v6\n"
    "  --v6                a version 6 key (RFC 9580), which older programs cannot read\n"
    "  --passphrase-fd N, --json\n"
    "\n"
    "Example:\n"
    "  letterlock key new alice@example.org --name \"Alice Archer\"\n";

struct new_options {
	const char *name, *expires, *algorithm;
	bool v6, course;
};

struct made {
	struct pgp_fingerprint fingerprint;
	uint64_t expires; /* unix seconds, 0 never */
};

static int
read_family(const struct new_options *o, enum pgp_family *out, struct error *e)
{
	struct pgp_family_key key;

	*out = PGP_FAMILY_25519;
	if (o->algorithm == NULL)
		return 0;
	if (!pgp_family_parse(slice_str(o->algorithm), out))
		return error_set(
		    e, ERR_USAGE, "'%.40s' is no algorithm for a key; see `letterlock key new --help`", o->algorithm);
	if (pgp_family_key(*out, o->v6 ? 6 : 4, true, &key, NULL) != 0)
		return error_set(e, ERR_USAGE, "%.40s is for version 6 keys: say --v6 too", o->algorithm);
	return 0;
}

static int
read_expiry(const struct new_options *o, uint64_t now, uint64_t *out, struct error *e)
{
	if (o->course && o->expires != NULL)
		return error_set(e, ERR_USAGE, "--for-course says when it expires: leave --expires out");
	return key_when_parse(slice_str(o->course ? "1m" : o->expires != NULL ? o->expires : "2y"), now, out, e);
}

static int
prepare(struct key_command *c, const struct new_options *o, const struct account *a, struct keyring_new *spec,
    struct made *made)
{
	uint64_t now = c->keyring.policy.now;
	int rc;

	spec->address = c->arguments.count > 0 ? c->arguments.items[0] : a->address;
	spec->name = o->name != NULL ? o->name : a->name;
	spec->v6 = o->v6;
	if (strchr(spec->address, '@') == NULL)
		return error_set(&c->error, ERR_USAGE, "'%.100s' is no address", spec->address);
	rc = read_family(o, &spec->family, &c->error);
	if (rc == 0)
		rc = read_expiry(o, now, &made->expires, &c->error);
	if (rc == 0 && made->expires != 0)
		spec->expires = (uint32_t)(made->expires - now);
	return rc;
}

static int
generate(struct key_command *c, const struct new_options *o, const struct account *a, struct made *made)
{
	struct keyring_new spec = { .name = NULL };
	struct buf passphrase;
	int rc = prepare(c, o, a, &spec, made);

	if (rc != 0)
		return rc;
	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&c->common, "Passphrase for the new key: ", true, &passphrase, &c->error);
	spec.passphrase = buf_slice(&passphrase);
	if (rc == 0)
		rc = keyring_generate(&c->keyring, &spec, &made->fingerprint, &c->error);
	buf_wipe_done(&passphrase);
	return rc;
}

static void
say_made(const struct made *made, struct slice hex, struct slice expires, const char *revocation)
{
	client_say("New key ", hex, "");
	if (made->expires != 0)
		client_say("  It expires on ", slice_sub(expires, 0, 10), "; `letterlock key expire` changes that.");
	else
		(void)puts("  It never expires.");
	client_say("  Its revocation certificate lies in\n    ", slice_str(revocation),
	    "\n  With it the key is declared void when it is lost: keep a copy elsewhere.");
	(void)puts("Next:\n"
		   "  letterlock key backup WHO --paper FILE.html   a copy for the drawer, revocation included\n"
		   "  letterlock key publish                        so that others find it");
}

static int
print_new(struct key_command *c, const struct made *made)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	BUF_OWNED struct buf expires = { .max = 100 };
	char revocation[FILE_PATH_MAX];
	struct json_value *o;
	int rc = keyring_revocation_path(&made->fingerprint, revocation, &c->error);

	if (rc != 0)
		return rc;
	(void)pgp_fingerprint_write(&made->fingerprint, &hex);
	(void)date_write_rfc3339(&expires, (int64_t)made->expires);
	if (!c->common.json) {
		say_made(made, buf_slice(&hex), buf_slice(&expires), revocation);
		return 0;
	}
	o = json_value_object();
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	if (made->expires != 0)
		json_value_set_text(o, "expires", buf_slice(&expires));
	else
		json_value_set_null(o, "expires");
	json_value_set_str(o, "revocation", revocation);
	return client_print_json(o, &c->error);
}

int
key_new(int argc, char **argv)
{
	struct new_options o = { .name = NULL };
	const struct option options[] = { { "name", OPTION_TEXT, &o.name }, { "v6", OPTION_FLAG, &o.v6 },
		{ "expires", OPTION_TEXT, &o.expires }, { "for-course", OPTION_FLAG, &o.course },
		{ "algorithm", OPTION_TEXT, &o.algorithm } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 1);
	struct account a = { 0 };
	struct made made = { .expires = 0 };
	struct key_command c;
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (c.arguments.count == 0)
		rc = account_load(&a, &c.error);
	if (rc == 0)
		rc = generate(&c, &o, &a, &made);
	if (rc == 0)
		rc = print_new(&c, &made);
	return key_end(&c, rc);
}
