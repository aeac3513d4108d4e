/* SPDX-License-Identifier: ISC */
/* `letterlock key passphrase` */
#include <stdio.h>

#include "client/key/edit.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "client/passphrase.h"
#include "os/terminal.h"

static const char help[] = "letterlock key passphrase WHO\n"
			   "\n"
			   "Changes the passphrase of a key of yours. Copies and backups keep the one that they have.\n"
			   "--passphrase-fd N gives the old one in its first line, the new one in its second.\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key passphrase alice@example.org\n";

struct changing {
	struct key_edit *d;
	struct buf *old;
};

/* Only a passphrase that opens the key is kept for the second step. */
static int
try_old(void *ctx, struct slice passphrase, struct error *e)
{
	BUF_OWNED struct buf opened = { .max = KEY_EXPORT_MAX };
	struct changing *g = ctx;
	int rc = pgp_cert_protect(g->d->cert, passphrase, PGP_PROTECT_AEAD, passphrase, &opened, e);

	if (rc == 0 && buf_put_slice(g->old, passphrase) != 0)
		rc = error_nomem(e);
	return rc;
}

static int
change(struct key_edit *d, struct buf *old, struct buf *new)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	struct key_command *c = d->c;
	struct changing g = { .d = d, .old = old };
	int rc = client_passphrase_try(&c->common, "Old passphrase: ", try_old, &g, &c->error);

	if (rc == 0)
		rc = client_passphrase(&c->common, "New passphrase: ", true, new, &c->error);
	if (rc == 0)
		rc = pgp_cert_protect(d->cert, buf_slice(old), PGP_PROTECT_AEAD, buf_slice(new), &out, &c->error);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

static int
change_asking(struct key_edit *d)
{
	struct buf old, new;
	int rc;

	buf_init(&old, TERMINAL_SECRET_MAX);
	buf_init(&new, TERMINAL_SECRET_MAX);
	rc = change(d, &old, &new);
	buf_wipe_done(&old);
	buf_wipe_done(&new);
	return rc;
}

int
key_passphrase(int argc, char **argv)
{
	const struct key_syntax syntax = { .help = help, .least = 1, .most = 1 };
	struct key_command c;
	struct key_edit d;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = key_edit_not_in_token(&d);
	if (rc == 0)
		rc = change_asking(&d);
	if (rc == 0 && !c.common.json)
		(void)puts("The passphrase is changed.");
	else if (rc == 0)
		rc = key_say_entry(&c, trust_store_find(c.keyring.certs, &d.cert->primary->fingerprint));
	key_edit_done(&d);
	return key_end(&c, rc);
}
