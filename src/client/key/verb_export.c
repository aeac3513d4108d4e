/* SPDX-License-Identifier: ISC */
/* `letterlock key export` */
#include <stdio.h>

#include "client/key/command.h"
#include "client/key/verbs.h"
#include "client/passphrase.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "os/file.h"
#include "trust/pages/pages.h"

static const char help[] = "letterlock key export WHO\n"
			   "\n"
			   "Writes the certificate; with --secret the secret key, readable by other programs.\n"
			   "With --web FOLDER as files for your own web page: Web Key Directories, a page with\n"
			   "fingerprint and QR code.\n"
			   "Options: --web FOLDER, --secret, --output FILE, --binary, --passphrase-fd N\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key export --secret alice@example.org --output alice.key\n";

struct export_options {
	const char *output, *web;
	bool secret, binary;
};

struct exporting {
	const struct pgp_cert *cert;
	struct buf *out;
};

/* Under the same passphrase, in the form that every OpenPGP program reads: iterated S2K for v4. */
static int
export_with(void *ctx, struct slice passphrase, struct error *e)
{
	const struct exporting *x = ctx;

	return pgp_cert_protect(x->cert, passphrase,
	    x->cert->primary->version == 4 ? PGP_PROTECT_CFB : PGP_PROTECT_AEAD, passphrase, x->out, e);
}

static int
export_secret(struct key_command *c, const struct pgp_fingerprint *f, struct buf *out)
{
	BUF_OWNED struct buf bytes = { .max = AGENT_KEY_OCTETS };
	struct pgp_cert *cert = NULL;
	struct exporting x = { .out = out };
	size_t used;
	int rc = keyring_read_secret(&c->keyring, f, &bytes, &c->error);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &cert, &used, &c->error);
	x.cert = cert;
	if (rc == 0)
		rc = client_passphrase_try(&c->common, "Passphrase of your key: ", export_with, &x, &c->error);
	pgp_cert_free(cert);
	return rc;
}

/* But what somebody said for himself only (`key certify --local`). */
static int
export_cert(struct key_command *c, const struct pgp_fingerprint *f, struct buf *out)
{
	const struct pgp_export how = { .keep_unhashed = true };
	struct pgp_cert *cert;
	int rc = trust_store_load(c->keyring.certs, f, &cert, &c->error);

	if (rc != 0)
		return rc;
	rc = pgp_cert_export(cert, &how, out, &c->error);
	pgp_cert_free(cert);
	return rc;
}

static int
export_web(struct key_command *c, const struct pgp_fingerprint *f, const char *folder)
{
	struct trust_pages p = { .policy = &c->keyring.policy };
	struct pgp_cert *cert;
	size_t addresses = 0;
	int rc = trust_store_load(c->keyring.certs, f, &cert, &c->error);

	if (rc != 0)
		return rc;
	p.cert = cert;
	rc = trust_pages_write(&p, folder, &addresses, &c->error);
	pgp_cert_free(cert);
	if (rc == 0 && !c->common.json)
		(void)printf("A page (key.html, key.asc), and Web Key Directories for %zu address%s: each folder there "
			     "has the name of\n"
			     "the host whose root it belongs to. Of the two for a domain, one is enough.\n",
		    addresses, addresses == 1 ? "" : "es");
	return rc;
}

static int
write_export(struct key_command *c, const struct export_options *o, const struct pgp_fingerprint *f, struct slice bytes)
{
	BUF_OWNED struct buf armored = { .max = 2 * KEY_EXPORT_MAX };
	const char *path = o->output == NULL ? "-" : o->output;
	struct file_writer w;
	int rc = 0;

	if (!o->binary)
		rc = pgp_armor_write(
		    o->secret ? PGP_ARMOR_PRIVATE_KEY : PGP_ARMOR_PUBLIC_KEY, f->len == 20, bytes, &armored, &c->error);
	if (rc == 0)
		rc = file_writer_open(&w, path, o->secret ? 0600 : 0644, FILE_REPLACE, &c->error);
	if (rc != 0)
		return rc;
	rc = file_writer_put(&w, o->binary ? bytes : buf_slice(&armored), &c->error);
	if (rc == 0)
		rc = file_writer_commit(&w, &c->error);
	file_writer_done(&w);
	return rc;
}

int
key_export(int argc, char **argv)
{
	BUF_OWNED struct buf bytes = { .max = KEY_EXPORT_MAX };
	const struct trust_entry *entry;
	struct export_options o = { .output = NULL };
	const struct option options[] = { { "output", OPTION_TEXT, &o.output }, { "web", OPTION_TEXT, &o.web },
		{ "secret", OPTION_FLAG, &o.secret }, { "binary", OPTION_FLAG, &o.binary } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1);
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = keyring_resolve(&c.keyring, key_argument(&c), o.secret, &entry, &c.error);
	if (rc == 0 && o.web != NULL)
		return key_end(&c, export_web(&c, &entry->fingerprint, o.web));
	if (rc == 0)
		rc = o.secret ? export_secret(&c, &entry->fingerprint, &bytes)
			      : export_cert(&c, &entry->fingerprint, &bytes);
	if (rc == 0)
		rc = write_export(&c, &o, &entry->fingerprint, buf_slice(&bytes));
	return key_end(&c, rc);
}
