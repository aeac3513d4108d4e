/* SPDX-License-Identifier: ISC */
/* `letterlock key import` */
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "os/file.h"
#include "os/terminal.h"

static const char help[] = "letterlock key import FILE...\n"
			   "\n"
			   "Takes certificates, or secret keys (asks for their passphrase); - is standard input.\n"
			   "Options: --json, --passphrase-fd N\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key import bob.pgp\n";

/* The secret key stays under the passphrase that it has, made ours. */
static int
import_secret(struct key_command *c, const struct pgp_cert *cert)
{
	struct buf passphrase;
	int rc;

	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&c->common,
	    pgp_key_locked(cert->primary) ? "Passphrase of the secret key: " : "New passphrase for the secret key: ",
	    !pgp_key_locked(cert->primary), &passphrase, &c->error);
	if (rc == 0)
		rc =
		    keyring_import_secret(&c->keyring, cert, buf_slice(&passphrase), buf_slice(&passphrase), &c->error);
	buf_wipe_done(&passphrase);
	return rc;
}

/* list: of the answers for a program, NULL for people. */
static int
import_one(struct key_command *c, const struct pgp_cert *cert, const char *from, struct json_value *list)
{
	const struct trust_entry *entry;
	struct trust_put put = {
		.cert = cert, .origin = TRUST_IMPORTED, .from = slice_str(from), .policy = c->keyring.policy
	};
	int rc = cert->secret ? import_secret(c, cert) : trust_store_put(c->keyring.certs, &put, NULL, &c->error);

	if (rc != 0)
		return rc;
	entry = trust_store_find(c->keyring.certs, &cert->primary->fingerprint);
	if (list != NULL)
		json_value_append(list, key_entry_json(c, entry));
	else
		key_print_entry(c, entry);
	return 0;
}

/* Synced once for all, unless somebody is asked for a passphrase meanwhile. What came before a failure stays. */
static int
import_all(struct key_command *c, const struct pgp_certs *certs, const char *path, struct json_value *list)
{
	bool together = true;
	int rc = 0;

	for (size_t i = 0; i < certs->count; i++)
		together = together && !certs->items[i]->secret;
	if (together)
		rc = trust_store_begin(c->keyring.certs, &c->error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < certs->count && rc == 0; i++)
		rc = import_one(c, certs->items[i], path, list);
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
import_file(struct key_command *c, const char *path, struct json_value *list)
{
	BUF_OWNED struct buf bytes = { .max = KEY_IMPORT_MAX };
	struct pgp_certs certs = { 0 };
	int rc = file_read(path, &bytes, &c->error);

	if (rc == 0)
		rc = pgp_certs_parse(buf_slice(&bytes), &certs, &c->error);
	if (rc == 0)
		rc = import_all(c, &certs, path, list);
	pgp_certs_done(&certs);
	return rc == 0 ? 0 : error_context(&c->error, "%s", path);
}

int
key_import(int argc, char **argv)
{
	struct json_value *list = NULL;
	const struct key_syntax syntax = { .help = help, .least = 1, .most = OPTIONS_LIST_MAX };
	struct key_command c;
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (c.common.json)
		list = json_value_list();
	for (size_t i = 0; i < c.arguments.count && rc == 0; i++)
		rc = import_file(&c, c.arguments.items[i], list);
	if (rc == 0 && c.common.json)
		return key_end(&c, client_print_json(list, &c.error));
	json_value_free(list);
	return key_end(&c, rc);
}
