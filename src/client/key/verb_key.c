/* SPDX-License-Identifier: ISC */
/* `letterlock key`: new, list, show, find, import, export. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "client/account.h"
#include "client/key/keyring.h"
#include "client/verbs.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/verify.h"
#include "os/file.h"
#include "os/terminal.h"
#include "trust/lookup.h"
#include "trust/why.h"

#define DAY 86400u
#define IMPORT_MAX (64u << 20)
#define EXPORT_MAX (8u << 20)

static const char help[] =
    "letterlock key VERB\n"
    "\n"
    "  key new [ADDRESS]         make a key (--name NAME, --v6, --expires DAYS)\n"
    "  key list                  your keys and the certificates of others (--secret: only yours)\n"
    "  key show WHO              all about one: an address or a fingerprint\n"
    "  key find ADDRESS          ask the key directory of your exchange, and keep what it gives\n"
    "  key import FILE...        certificates, or secret keys (asks for their passphrase); - is standard input\n"
    "  key export WHO            the certificate; with --secret the secret key, readable by other programs\n"
    "  key verify WHO            say that you compared the fingerprint with its owner\n"
    "\n"
    "Options: --json, --output FILE, --binary, --passphrase-fd N\n"
    "\n"
    "Examples:\n"
    "  letterlock key find bob@example.org\n"
    "  letterlock key export bob@example.org --output bob.pgp\n"
    "  letterlock key export --secret alice@example.org --output alice.key\n";

struct key_command {
	struct common common;
	struct option_list arguments;
	struct keyring keyring;
	const char *name, *output;
	bool v6, secret, binary;
	uint32_t expires_days;
	struct error error;
};

/* Parses and opens the keyring. False: it is over, with *status. */
static bool
begin(struct key_command *c, int argc, char **argv, size_t least, size_t most, int *status)
{
	const struct option options[] = {
		COMMON_OPTIONS(&c->common),
		{ "name", OPTION_TEXT, &c->name },
		{ "output", OPTION_TEXT, &c->output },
		{ "v6", OPTION_FLAG, &c->v6 },
		{ "secret", OPTION_FLAG, &c->secret },
		{ "binary", OPTION_FLAG, &c->binary },
		{ "expires", OPTION_NUMBER, &c->expires_days },
	};
	int rc;

	*c = (struct key_command){ .common = COMMON_INIT };
	rc = options_parse(argc, argv, options, sizeof options / sizeof options[0], &c->arguments, &c->error);
	if (rc == 0 && c->common.help) {
		*status = client_help(help);
		return false;
	}
	if (rc == 0 && (c->arguments.count < least || c->arguments.count > most))
		rc = error_set(&c->error, ERR_USAGE,
		    c->arguments.count < least ? "something is missing; see `letterlock key "
						 "--help`"
					       : "too many words; see `letterlock key --help`");
	if (rc == 0)
		rc = keyring_open(&c->keyring, &c->error);
	if (rc != 0) {
		*status = client_fail(&c->error);
		keyring_close(&c->keyring);
		return false;
	}
	return true;
}

static int
end(struct key_command *c, int rc)
{
	keyring_close(&c->keyring);
	return rc == 0 ? EXIT_DONE : client_fail(&c->error);
}

static struct slice
argument(const struct key_command *c)
{
	return slice_str(c->arguments.count > 0 ? c->arguments.items[0] : NULL);
}

/* ---- new ---- */

static int
generate(struct key_command *c, const struct account *a, struct pgp_fingerprint *f)
{
	struct keyring_new spec = { .v6 = c->v6, .expires = c->expires_days * DAY };
	struct buf passphrase;
	int rc;

	spec.address = c->arguments.count > 0 ? c->arguments.items[0] : a->address;
	spec.name = c->name != NULL ? c->name : a->name;
	if (c->expires_days > UINT32_MAX / DAY)
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

static int
key_new(int argc, char **argv)
{
	struct account a = { 0 };
	struct pgp_fingerprint f;
	struct key_command c;
	int status, rc = 0;

	if (!begin(&c, argc, argv, 0, 1, &status))
		return status;
	if (c.arguments.count == 0)
		rc = account_load(&a, &c.error);
	if (rc == 0)
		rc = generate(&c, &a, &f);
	if (rc == 0)
		rc = print_new(&c, &f);
	return end(&c, rc);
}

/* ---- list and show ---- */

static struct json_value *
entry_json(const struct key_command *c, const struct trust_entry *entry)
{
	struct json_value *o = json_value_object(), *list = json_value_list();
	BUF_OWNED struct buf text = { .max = 1000 };

	(void)pgp_fingerprint_write(&entry->fingerprint, &text);
	json_value_set_text(o, "fingerprint", buf_slice(&text));
	for (size_t i = 0; i < entry->address_count; i++)
		json_value_append_text(list, entry->addresses[i]);
	json_value_set(o, "addresses", list);
	json_value_set_str(o, "origin", trust_origin_name(entry->origin));
	json_value_set_bool(o, "secret", keyring_has_secret(&c->keyring, &entry->fingerprint));
	json_value_set_bool(o, "verified", entry->verified != 0);
	json_value_set_bool(o, "believed", trust_is_believed(entry));
	buf_clear(&text);
	(void)trust_why(entry, &text);
	json_value_set_text(o, "why", buf_slice(&text));
	return o;
}

static void
print_entry(const struct key_command *c, const struct trust_entry *entry)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(&entry->fingerprint, &hex);
	(void)printf("%.*s  %s", (int)hex.len, (const char *)hex.data,
	    keyring_has_secret(&c->keyring, &entry->fingerprint) ? "yours  "
		: entry->verified != 0                           ? "checked"
		: trust_is_believed(entry)                       ? "known  "
								 : "seen   ");
	for (size_t i = 0; i < entry->address_count; i++) {
		(void)fputs(i == 0 ? "  " : ", ", stdout);
		client_print(entry->addresses[i]);
	}
	(void)fputc('\n', stdout);
}

static int
key_list(int argc, char **argv)
{
	struct json_value *list = NULL;
	struct key_command c;
	int status, rc = 0;

	if (!begin(&c, argc, argv, 0, 0, &status))
		return status;
	if (c.common.json)
		list = json_value_list();
	for (size_t i = 0; i < trust_store_count(c.keyring.certs); i++) {
		const struct trust_entry *entry = trust_store_at(c.keyring.certs, i);

		if (c.secret && !keyring_has_secret(&c.keyring, &entry->fingerprint))
			continue;
		if (c.common.json)
			json_value_append(list, entry_json(&c, entry));
		else
			print_entry(&c, entry);
	}
	if (c.common.json)
		rc = client_print_json(list, &c.error);
	return end(&c, rc);
}

static void
print_day(const char *before, uint64_t when)
{
	BUF_OWNED struct buf b = { .max = 100 };

	(void)date_write_rfc3339(&b, (int64_t)when);
	(void)printf("%s%.10s", before, (const char *)b.data);
}

static void
print_component(const struct pgp_component_judgement *j)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} uses[] = { { PGP_FLAG_CERTIFY, "certify" }, { PGP_FLAG_SIGN, "sign" }, { PGP_FLAG_ENCRYPT, "encrypt" },
		{ PGP_FLAG_AUTHENTICATE, "authenticate" } };
	const struct pgp_key *key = j->component->key;
	BUF_OWNED struct buf hex = { .max = 100 };

	if (j->component->kind == PGP_COMPONENT_USER_ID) {
		(void)printf("  user ID  %s  ", pgp_standing_name(j->standing));
		client_print(j->component->packet.body);
	} else if (key != NULL) {
		(void)pgp_fingerprint_write(&key->fingerprint, &hex);
		(void)printf("  %s  %s  %s  %.*s", key->subkey ? "subkey " : "primary", pgp_standing_name(j->standing),
		    pgp_algorithm_name(key->algorithm), (int)hex.len, (const char *)hex.data);
		for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
			if (j->flags & uses[i].flag)
				(void)printf(" %s", uses[i].word);
		}
		print_day("  made ", key->created);
		if (j->expires != 0)
			print_day("  expires ", j->expires);
	} else {
		(void)printf("  something that is not understood");
	}
	(void)fputc('\n', stdout);
}

static int
show(struct key_command *c, const struct trust_entry *entry)
{
	BUF_OWNED struct buf why = { .max = 1000 };
	struct pgp_cert_judgement j;
	struct pgp_cert *cert;
	int rc = trust_store_load(c->keyring.certs, &entry->fingerprint, &cert, &c->error);

	if (rc != 0)
		return rc;
	rc = pgp_cert_judge(cert, &c->keyring.policy, c->keyring.policy.now, &j, &c->error);
	if (rc == 0) {
		print_entry(c, entry);
		(void)trust_why(entry, &why);
		client_say("  ", buf_slice(&why), "");
		for (size_t i = 0; i < j.count; i++)
			print_component(&j.components[i]);
		pgp_cert_judgement_done(&j);
	}
	pgp_cert_free(cert);
	return rc;
}

static int
key_show(int argc, char **argv)
{
	const struct trust_entry *entry;
	struct key_command c;
	int status, rc;

	if (!begin(&c, argc, argv, 1, 1, &status))
		return status;
	rc = keyring_resolve(&c.keyring, argument(&c), c.secret, &entry, &c.error);
	if (rc == 0)
		rc = c.common.json ? client_print_json(entry_json(&c, entry), &c.error) : show(&c, entry);
	return end(&c, rc);
}

static int
say_entry(struct key_command *c, const struct trust_entry *entry)
{
	if (c->common.json)
		return client_print_json(entry_json(c, entry), &c->error);
	print_entry(c, entry);
	return 0;
}

/* ---- find, verify ---- */

static int
key_find(int argc, char **argv)
{
	struct account a;
	struct trust_directory d;
	const struct trust_entry *entry;
	struct key_command c;
	int status, rc;

	if (!begin(&c, argc, argv, 1, 1, &status))
		return status;
	rc = account_load(&a, &c.error);
	d = account_directory(&a);
	if (rc == 0)
		rc = trust_lookup(c.keyring.certs, &d, argument(&c), true, &c.keyring.policy, &entry, &c.error);
	if (rc == 0)
		rc = c.common.json ? client_print_json(entry_json(&c, entry), &c.error) : show(&c, entry);
	return end(&c, rc);
}

static int
key_verify(int argc, char **argv)
{
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	struct key_command c;
	int status, rc;

	if (!begin(&c, argc, argv, 1, 1, &status))
		return status;
	rc = keyring_resolve(&c.keyring, argument(&c), false, &entry, &c.error);
	if (rc == 0) {
		f = entry->fingerprint;
		rc = trust_store_verify(c.keyring.certs, &f, c.keyring.policy.now, &c.error);
	}
	if (rc == 0)
		rc = say_entry(&c, trust_store_find(c.keyring.certs, &f));
	return end(&c, rc);
}

/* ---- import ---- */

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
		json_value_append(list, entry_json(c, entry));
	else
		print_entry(c, entry);
	return 0;
}

static int
import_file(struct key_command *c, const char *path, struct json_value *list)
{
	BUF_OWNED struct buf bytes = { .max = IMPORT_MAX };
	struct pgp_certs certs = { 0 };
	int rc = file_read(path, &bytes, &c->error);

	if (rc == 0)
		rc = pgp_certs_parse(buf_slice(&bytes), &certs, &c->error);
	for (size_t i = 0; i < certs.count && rc == 0; i++)
		rc = import_one(c, certs.items[i], path, list);
	pgp_certs_done(&certs);
	return rc == 0 ? 0 : error_context(&c->error, "%s", path);
}

static int
key_import(int argc, char **argv)
{
	struct json_value *list = NULL;
	struct key_command c;
	int status, rc = 0;

	if (!begin(&c, argc, argv, 1, OPTIONS_LIST_MAX, &status))
		return status;
	if (c.common.json)
		list = json_value_list();
	for (size_t i = 0; i < c.arguments.count && rc == 0; i++)
		rc = import_file(&c, c.arguments.items[i], list);
	if (rc == 0 && c.common.json)
		return end(&c, client_print_json(list, &c.error));
	json_value_free(list);
	return end(&c, rc);
}

/* ---- export ---- */

/* Under the same passphrase, in the form that every OpenPGP program reads: iterated S2K for v4. */
static int
export_secret(struct key_command *c, const struct pgp_fingerprint *f, struct buf *out)
{
	BUF_OWNED struct buf bytes = { .max = AGENT_KEY_OCTETS };
	struct pgp_cert *cert = NULL;
	struct buf passphrase;
	size_t used;
	int rc = keyring_read_secret(&c->keyring, f, &bytes, &c->error);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &cert, &used, &c->error);
	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	if (rc == 0)
		rc = client_passphrase(&c->common, "Passphrase of your key: ", false, &passphrase, &c->error);
	if (rc == 0)
		rc = pgp_cert_protect(cert, buf_slice(&passphrase),
		    cert->primary->version == 4 ? PGP_PROTECT_CFB : PGP_PROTECT_AEAD, buf_slice(&passphrase), out,
		    &c->error);
	buf_wipe_done(&passphrase);
	pgp_cert_free(cert);
	return rc;
}

static int
export_cert(struct key_command *c, const struct pgp_fingerprint *f, struct buf *out)
{
	struct pgp_cert *cert;
	int rc = trust_store_load(c->keyring.certs, f, &cert, &c->error);

	if (rc != 0)
		return rc;
	rc = pgp_cert_write(cert, out);
	pgp_cert_free(cert);
	return rc == 0 ? 0 : error_nomem(&c->error);
}

static int
write_export(struct key_command *c, const struct pgp_fingerprint *f, struct slice bytes)
{
	BUF_OWNED struct buf armored = { .max = 2 * EXPORT_MAX };
	const char *path = c->output == NULL ? "-" : c->output;
	struct file_writer w;
	int rc = 0;

	if (!c->binary)
		rc = pgp_armor_write(
		    c->secret ? PGP_ARMOR_PRIVATE_KEY : PGP_ARMOR_PUBLIC_KEY, f->len == 20, bytes, &armored, &c->error);
	if (rc == 0)
		rc = file_writer_open(&w, path, c->secret ? 0600 : 0644, FILE_REPLACE, &c->error);
	if (rc != 0)
		return rc;
	rc = file_writer_put(&w, c->binary ? bytes : buf_slice(&armored), &c->error);
	if (rc == 0)
		rc = file_writer_commit(&w, &c->error);
	file_writer_done(&w);
	return rc;
}

static int
key_export(int argc, char **argv)
{
	BUF_OWNED struct buf bytes = { .max = EXPORT_MAX };
	const struct trust_entry *entry;
	struct key_command c;
	int status, rc;

	if (!begin(&c, argc, argv, 1, 1, &status))
		return status;
	rc = keyring_resolve(&c.keyring, argument(&c), c.secret, &entry, &c.error);
	if (rc == 0)
		rc = c.secret ? export_secret(&c, &entry->fingerprint, &bytes)
			      : export_cert(&c, &entry->fingerprint, &bytes);
	if (rc == 0)
		rc = write_export(&c, &entry->fingerprint, buf_slice(&bytes));
	return end(&c, rc);
}

int
verb_key(int argc, char **argv)
{
	static const struct subverb table[] = { { "new", key_new }, { "list", key_list }, { "show", key_show },
		{ "find", key_find }, { "import", key_import }, { "export", key_export }, { "verify", key_verify } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
