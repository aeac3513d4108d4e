/* SPDX-License-Identifier: ISC */
/* `letterlock key import` */
#include <stdio.h>
#include <string.h>

#include "client/key/import.h"
#include "client/key/print.h"
#include "client/key/token_import.h"
#include "client/key/verbs.h"
#include "client/passphrase.h"
#include "os/file.h"
#include "os/terminal.h"

static const char help[] =
    "letterlock key import FILE... | --from-gnupg [WHO...]\n"
    "letterlock key import --from-token ADDRESS\n"
    "\n"
    "Takes certificates, secret keys (asks for their passphrase), and revocation certificates; - is standard\n"
    "input. With --from-gnupg all certificates that GnuPG has, and whom its user trusts to introduce others.\n"
    "\n"
    "  --secret            from GnuPG: secret keys too, those that WHO names or you say yes to\n"
    "  --gnupg-home DIR    where GnuPG has its files, when that is not ~/.gnupg\n"
    "  --yes               do not ask: all of GnuPG's secret keys; the revocation of your own key\n"
    "  --from-token        a key of yours whose secrets stay in a token (PKCS#11): makes its certificate, or\n"
    "                      takes up the one that is here; asks for the PIN\n"
    "  --label LABEL       of the token or its key, where there are several\n"
    "  --name NAME         with --from-token: in front of the address\n"
    "  --json, --passphrase-fd N (a line for each secret key)\n"
    "\n"
    "Examples:\n"
    "  letterlock key import bob.pgp\n"
    "  letterlock key import --from-gnupg --secret alice@example.org\n"
    "  letterlock key import --from-token alice@example.org --name \"Alice Archer\"\n";

/* ---- one ---- */

struct opening {
	struct key_command *c;
	const struct pgp_cert *cert;
};

/* The secret key stays under the passphrase that it has, made ours. */
static int
import_with(void *ctx, struct slice passphrase, struct error *e)
{
	const struct opening *o = ctx;

	return keyring_import_secret(&o->c->keyring, o->cert, passphrase, passphrase, e);
}

static int
import_secret(struct key_command *c, const struct pgp_cert *cert)
{
	struct opening o = { c, cert };
	struct buf passphrase;
	int rc;

	for (size_t n = 0; pgp_cert_key(cert, n) != NULL; n++)
		if (pgp_key_locked(pgp_cert_key(cert, n)))
			return client_passphrase_try(
			    &c->common, "Passphrase of the secret key: ", import_with, &o, &c->error);
	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&c->common, "New passphrase for the secret key: ", true, &passphrase, &c->error);
	if (rc == 0)
		rc = import_with(&o, buf_slice(&passphrase), &c->error);
	buf_wipe_done(&passphrase);
	return rc;
}

void
import_say(struct importing *i, const struct pgp_fingerprint *f)
{
	const struct trust_entry *entry = trust_store_find(i->c->keyring.certs, f);

	if (entry == NULL)
		return;
	if (i->list != NULL)
		json_value_append(i->list, key_entry_json(i->c, entry));
	else
		key_print_entry(i->c, entry);
}

int
import_one(struct importing *i, const struct pgp_cert *cert, const char *from)
{
	struct key_command *c = i->c;
	struct trust_put put = {
		.cert = cert, .origin = TRUST_IMPORTED, .from = slice_str(from), .policy = c->keyring.policy
	};
	int rc = cert->secret ? import_secret(c, cert) : trust_store_put(c->keyring.certs, &put, NULL, &c->error);

	if (rc == 0)
		import_say(i, &cert->primary->fingerprint);
	return rc;
}

/* The certificate's own fault: the others of the file are taken none the less. */
static bool
is_its_fault(int rc)
{
	return rc == ERR_POLICY || rc == ERR_LIMIT || rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED;
}

static int
import_each(struct importing *i, const struct pgp_certs *certs, const char *path)
{
	struct key_command *c = i->c;
	size_t passed = 0;
	int rc = 0;

	for (size_t n = 0; n < certs->count && rc == 0; n++) {
		BUF_OWNED struct buf hex = { .max = 100 };

		rc = import_one(i, certs->items[n], path);
		if (!is_its_fault(rc) || certs->count == 1)
			continue;
		(void)pgp_fingerprint_write(&certs->items[n]->primary->fingerprint, &hex);
		(void)fprintf(stderr, "letterlock: %.*s: %s\n", (int)hex.len, (const char *)hex.data, c->error.text);
		passed++;
		rc = 0;
	}
	return rc != 0 || passed == 0
	    ? rc
	    : error_set(&c->error, ERR_POLICY, "%zu of %zu certificates were not taken", passed, certs->count);
}

/* Synced once for all, unless somebody is asked for a passphrase meanwhile. What came before a failure stays. */
static int
import_all(struct importing *i, const struct pgp_certs *certs, const char *path)
{
	struct key_command *c = i->c;
	bool together = true;
	int rc = 0;

	for (size_t n = 0; n < certs->count; n++)
		together = together && !certs->items[n]->secret;
	if (together)
		rc = trust_store_begin(c->keyring.certs, &c->error);
	if (rc != 0)
		return rc;
	rc = import_each(i, certs, path);
	if (together) {
		struct error e;
		int ended = trust_store_end(c->keyring.certs, true, &e);

		if (rc == 0 && ended != 0) {
			c->error = e;
			rc = ended;
		}
	}
	return rc;
}

static int
import_file(struct importing *i, const char *path)
{
	BUF_OWNED struct buf bytes = { .max = KEY_IMPORT_MAX };
	struct pgp_certs certs = { 0 };
	struct error *e = &i->c->error;
	int rc = file_read(path, &bytes, e);

	if (rc == 0)
		rc = pgp_certs_parse(buf_slice(&bytes), &certs, e);
	if (rc == 0)
		rc = import_all(i, &certs, path);
	else if (rc == ERR_SYNTAX)
		rc = import_revocation(i, buf_slice(&bytes));
	pgp_certs_done(&certs);
	return rc == 0 ? 0 : error_context(e, "%s", path);
}

static int
import_files(struct importing *i)
{
	int rc = 0;

	if (i->c->arguments.count == 0)
		return error_set(&i->c->error, ERR_USAGE, "what? name a file, or say --from-gnupg");
	if (i->secret || i->gnupg_home != NULL)
		return error_set(&i->c->error, ERR_USAGE, "--secret and --gnupg-home go with --from-gnupg");
	for (size_t n = 0; n < i->c->arguments.count && rc == 0; n++)
		rc = import_file(i, i->c->arguments.items[n]);
	return rc;
}

static int
import_from_token(struct importing *i, struct token_import *spec)
{
	struct key_command *c = i->c;
	struct pgp_fingerprint f;
	int rc;

	if (c->arguments.count != 1 || strchr(c->arguments.items[0], '@') == NULL)
		return error_set(&c->error, ERR_USAGE, "say whose key it is: one address");
	spec->address = c->arguments.items[0];
	rc = token_import(c, spec, &f, &c->error);
	if (rc == 0)
		import_say(i, &f);
	return rc;
}

int
key_import(int argc, char **argv)
{
	struct key_command c;
	struct importing i = { .c = &c };
	struct token_import token = { .label = NULL };
	bool gnupg = false, from_token = false;
	const struct option options[] = { { "from-gnupg", OPTION_FLAG, &gnupg }, { "secret", OPTION_FLAG, &i.secret },
		{ "gnupg-home", OPTION_TEXT, &i.gnupg_home }, { "yes", OPTION_FLAG, &i.yes },
		{ "from-token", OPTION_FLAG, &from_token }, { "label", OPTION_TEXT, &token.label },
		{ "name", OPTION_TEXT, &token.name } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, OPTIONS_LIST_MAX);
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (c.common.json)
		i.list = json_value_list();
	rc = from_token ? import_from_token(&i, &token) : gnupg ? import_gnupg(&i, &c.arguments) : import_files(&i);
	if (rc == 0 && c.common.json)
		return key_end(&c, client_print_json(i.list, &c.error));
	json_value_free(i.list);
	return key_end(&c, rc);
}
