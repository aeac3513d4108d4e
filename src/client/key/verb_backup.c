/* SPDX-License-Identifier: ISC */
/* `letterlock key backup` */
#include <stdio.h>

#include "client/key/backup.h"
#include "client/key/backup_page.h"
#include "client/key/edit.h"
#include "client/key/verbs.h"
#include "client/passphrase.h"
#include "crypto/secret.h"
#include "openpgp/frame/armor.h"
#include "os/file.h"

static const char help[] =
    "letterlock key backup WHO --output FILE | --paper FILE.html\n"
    "\n"
    "Copies a key of yours, with its revocation certificate, under a backup code that is shown once: write\n"
    "it down and keep it elsewhere than the copy. Neither the key's passphrase nor this program is needed\n"
    "to get it back, only the code (letterlock key restore).\n"
    "\n"
    "  --output FILE       as one file\n"
    "  --paper FILE.html   as a page to print: QR codes, lines to type, what to do\n"
    "  --json, --passphrase-fd N\n"
    "\n"
    "Example:\n"
    "  letterlock key backup alice@example.org --paper alice.html\n";

struct backup_options {
	const char *output, *paper;
};

struct backing_up {
	struct key_edit *d;
	const struct backup_options *o;
	char code[BACKUP_CODE_OCTETS];
	struct buf revocation;
	struct buf file, page; /* what is written when all is made */
};

/* The one that lies here, else a new one. */
static int
get_revocation(struct backing_up *b, struct slice passphrase, struct error *e)
{
	char path[FILE_PATH_MAX];
	const struct pgp_fingerprint *f = &b->d->cert->primary->fingerprint;
	int rc = keyring_revocation_path(f, path, e);

	if (rc == 0)
		rc = file_read(path, &b->revocation, e);
	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = keyring_make_revocation(&b->d->c->keyring, b->d->cert, passphrase, &b->revocation, e);
	return rc == 0 ? keyring_keep_revocation(f, buf_slice(&b->revocation), e) : rc;
}

static int
make_file(struct backing_up *b, struct backup_spec *spec, struct error *e)
{
	BUF_OWNED struct buf message = { .max = BACKUP_TEXT_MAX };
	int rc = backup_make(spec, &message, e);

	if (rc != 0)
		return rc;
	(void)buf_put_str(&b->file, "Backup of the OpenPGP key\n\n    ");
	(void)pgp_fingerprint_write(&spec->key->primary->fingerprint, &b->file);
	(void)buf_put_str(&b->file,
	    "\n\nIts backup code opens it: `letterlock key restore FILE`, or any OpenPGP program's decryption with a\n"
	    "password (gpg --decrypt FILE | gpg --import). The code is 36 digits with a hyphen after every four.\n\n");
	return pgp_armor_write(PGP_ARMOR_MESSAGE, spec->key->primary->version == 4, buf_slice(&message), &b->file, e);
}

static int
make_page(struct backing_up *b, struct backup_spec *spec, struct error *e)
{
	BUF_OWNED struct buf message = { .max = BACKUP_TEXT_MAX };
	struct backup_page page = { .cert = spec->key, .revocation = spec->revocation, .now = spec->policy->now };
	int rc;

	spec->small = true;
	rc = backup_make(spec, &message, e);
	page.message = buf_slice(&message);
	return rc == 0 ? backup_page_write(&page, &b->page, e) : rc;
}

static int
make(void *ctx, struct slice passphrase, struct error *e)
{
	struct backing_up *b = ctx;
	struct backup_spec spec = {
		.key = b->d->cert, .passphrase = passphrase, .code = b->code, .policy = &b->d->c->keyring.policy
	};
	int rc = get_revocation(b, passphrase, e);

	spec.revocation = buf_slice(&b->revocation);
	if (rc == 0 && b->o->output != NULL)
		rc = make_file(b, &spec, e);
	if (rc == 0 && b->o->paper != NULL)
		rc = make_page(b, &spec, e);
	return rc;
}

static int
say(const struct backing_up *b)
{
	struct key_command *c = b->d->c;
	struct json_value *o;

	if (!c->common.json) {
		(void)printf("The backup code is\n\n  %s\n\n", b->code);
		(void)puts("Write it down now and keep it elsewhere than the backup: it is shown only this once, and "
			   "without it\n"
			   "the backup is worth nothing. Then try it: letterlock key restore FILE --check");
		return 0;
	}
	o = json_value_object();
	json_value_set_str(o, "code", b->code);
	return client_print_json(o, &c->error);
}

/* What is not asked for again comes last: the code is shown when the files are on disk. */
static int
back_up(struct backing_up *b)
{
	struct key_command *c = b->d->c;
	int rc = backup_code_make(b->code, &c->error);

	if (rc == 0)
		rc = client_passphrase_try(&c->common, "Passphrase of your key: ", make, b, &c->error);
	if (rc == 0 && b->o->output != NULL)
		rc = file_write_atomic(b->o->output, buf_slice(&b->file), 0600, &c->error);
	if (rc == 0 && b->o->paper != NULL)
		rc = file_write_atomic(b->o->paper, buf_slice(&b->page), 0600, &c->error);
	return rc == 0 ? say(b) : rc;
}

int
key_backup(int argc, char **argv)
{
	struct backup_options o = { .output = NULL };
	const struct option options[] = { { "output", OPTION_TEXT, &o.output }, { "paper", OPTION_TEXT, &o.paper } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1);
	struct key_command c;
	struct key_edit d = { .c = NULL };
	struct backing_up b = { .d = &d,
		.o = &o,
		.revocation = { .max = BACKUP_TEXT_MAX },
		.file = { .max = BACKUP_FILE_MAX },
		.page = { .max = BACKUP_FILE_MAX } };
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (o.output == NULL && o.paper == NULL)
		rc = error_set(&c.error, ERR_USAGE, "where to? --output FILE, or --paper FILE.html");
	if (rc == 0)
		rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = back_up(&b);
	buf_done(&b.revocation);
	buf_done(&b.file);
	buf_done(&b.page);
	secret_wipe(b.code, sizeof b.code);
	key_edit_done(&d);
	return key_end(&c, rc);
}
