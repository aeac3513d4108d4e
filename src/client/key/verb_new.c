/* SPDX-License-Identifier: ISC */
/* `letterlock key new` */
#include <stdio.h>
#include <string.h>

#include "client/account.h"
#include "client/key/command.h"
#include "client/key/verbs.h"
#include "os/terminal.h"

#define DAY 86400u

static const char help[] = "letterlock key new [ADDRESS]\n"
			   "\n"
			   "Makes a key of yours. Without ADDRESS it is for your account's.\n"
			   "Options: --name NAME, --v6, --expires DAYS, --json, --passphrase-fd N\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key new alice@example.org --name Alice\n";

struct new_options {
	const char *name;
	bool v6;
	uint32_t expires_days;
};

static int
generate(struct key_command *c, const struct new_options *o, const struct account *a, struct pgp_fingerprint *f)
{
	struct keyring_new spec = { .v6 = o->v6, .expires = o->expires_days * DAY };
	struct buf passphrase;
	int rc;

	spec.address = c->arguments.count > 0 ? c->arguments.items[0] : a->address;
	spec.name = o->name != NULL ? o->name : a->name;
	if (o->expires_days > UINT32_MAX / DAY)
		return error_set(&c->error, ERR_USAGE, "--expires is at most %u days", UINT32_MAX / DAY);
	if (strchr(spec.address, '@') == NULL)
		return error_set(&c->error, ERR_USAGE, "'%.100s' is no address", spec.address);
	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&c->common, "Passphrase for the new key: ", true, &passphrase, &c->error);
	spec.passphrase = buf_slice(&passphrase);
	if (rc == 0)
		rc = keyring_generate(&c->keyring, &spec, f, &c->error);
	buf_wipe_done(&passphrase);
	return rc;
}

static int
print_new(struct key_command *c, const struct pgp_fingerprint *f)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	struct json_value *o;

	(void)pgp_fingerprint_write(f, &hex);
	if (!c->common.json) {
		client_say("New key ", buf_slice(&hex), "");
		return 0;
	}
	o = json_value_object();
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	return client_print_json(o, &c->error);
}

int
key_new(int argc, char **argv)
{
	struct account a = { 0 };
	struct pgp_fingerprint f;
	struct new_options o = { .name = NULL };
	const struct option options[] = { { "name", OPTION_TEXT, &o.name }, { "v6", OPTION_FLAG, &o.v6 },
		{ "expires", OPTION_NUMBER, &o.expires_days } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 1);
	struct key_command c;
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (c.arguments.count == 0)
		rc = account_load(&a, &c.error);
	if (rc == 0)
		rc = generate(&c, &o, &a, &f);
	if (rc == 0)
		rc = print_new(&c, &f);
	return key_end(&c, rc);
}
