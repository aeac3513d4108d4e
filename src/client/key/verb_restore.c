/* SPDX-License-Identifier: ISC */
/* `letterlock key restore` */
#include <stdio.h>

#include "client/key/backup.h"
#include "client/key/pieces.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "client/passphrase.h"
#include "crypto/secret.h"
#include "os/file.h"
#include "os/picture.h"
#include "os/terminal.h"

static const char help[] =
    "letterlock key restore FILE...\n"
    "\n"
    "Takes a key out of its backup: the file that `key backup` wrote, scans or photographs (PNG, JPEG) of the\n"
    "printed page, or the lines of that page typed into a file. Asks for the backup code, and for a new\n"
    "passphrase.\n"
    "\n"
    "  --check             only see whether the backup is good: nothing is changed\n"
    "  --passphrase-fd N   gives the code in its first line, the new passphrase in its second\n"
    "  --json\n"
    "\n"
    "Example:\n"
    "  letterlock key restore page1.png page2.png\n";

struct restoring {
	struct key_command *c;
	struct pieces pieces;
	struct buf message; /* of a file, or of the pieces */
	struct backup backup;
};

/* ---- reading ---- */

static int
take_code(void *ctx, struct slice text, struct error *e)
{
	struct restoring *r = ctx;
	bool taken;

	return pieces_take(&r->pieces, text, &taken, e);
}

static int
take_picture(struct restoring *r, struct slice file)
{
	struct picture p;
	size_t count;
	int rc = picture_read(file, &p, &r->c->error);

	if (rc != 0)
		return rc;
	rc = picture_codes(&p, take_code, r, &count, &r->c->error);
	picture_done(&p);
	return rc;
}

/* Whatever else is in the file is passed over. */
static int
take_lines(struct restoring *r, struct slice file)
{
	bool taken;
	int rc = 0;

	while (rc == 0 && file.len > 0) {
		struct slice line = slice_split(file, '\n', &file);

		rc = pieces_take(&r->pieces, line, &taken, &r->c->error);
		if (rc == 0 && !taken)
			rc = pieces_take_line(&r->pieces, line, &taken, &r->c->error);
	}
	return rc;
}

static int
take_file(struct restoring *r, const char *path)
{
	BUF_OWNED struct buf file = { .max = PICTURE_FILE_MAX };
	struct slice s;
	int rc = file_read(path, &file, &r->c->error);

	if (rc != 0)
		return rc;
	s = buf_slice(&file);
	if (slice_starts(s, SLICE("\x89PNG")) || slice_starts(s, SLICE("\xff\xd8\xff")))
		rc = take_picture(r, s);
	else if (slice_search(s, SLICE("-----BEGIN PGP MESSAGE-----")) == SIZE_MAX)
		rc = take_lines(r, s);
	else if (r->message.len > 0)
		rc = error_set(&r->c->error, ERR_USAGE, "one backup after the other");
	else if (buf_put_slice(&r->message, s) != 0)
		rc = error_set(&r->c->error, ERR_LIMIT, "it is too large to be a backup");
	return rc == 0 ? 0 : error_context(&r->c->error, "%s", path);
}

static int
read_all(struct restoring *r)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->c->arguments.count; i++)
		rc = take_file(r, r->c->arguments.items[i]);
	if (rc == 0 && r->message.len == 0)
		rc = pieces_finish(&r->pieces, &r->message, &r->c->error);
	return rc;
}

/* ---- opening ---- */

static int
open_with(void *ctx, struct slice typed, struct error *e)
{
	struct restoring *r = ctx;
	char code[BACKUP_CODE_OCTETS];
	int rc = backup_code_read(typed, code, e);

	if (rc == 0) {
		backup_done(&r->backup);
		rc = backup_open(buf_slice(&r->message), code, &r->backup, e);
	}
	secret_wipe(code, sizeof code);
	return rc;
}

static int
keep(struct restoring *r, const struct pgp_cert *key)
{
	struct key_command *c = r->c;
	struct buf passphrase;
	int rc;

	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&c->common, "New passphrase for the key: ", true, &passphrase, &c->error);
	if (rc == 0 && r->backup.revocation.len > 0)
		rc = keyring_keep_revocation(&key->primary->fingerprint, r->backup.revocation, &c->error);
	if (rc == 0)
		rc = keyring_restore_secret(&c->keyring, key, buf_slice(&passphrase), &c->error);
	buf_wipe_done(&passphrase);
	return rc;
}

static int
say_checked(struct restoring *r, const struct pgp_cert *key)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	struct json_value *o;

	(void)pgp_fingerprint_write(&key->primary->fingerprint, &hex);
	if (!r->c->common.json) {
		client_say("The backup is good: it has the key ", buf_slice(&hex),
		    r->backup.revocation.len > 0 ? " and its revocation certificate."
						 : ", but no revocation certificate.");
		return 0;
	}
	o = json_value_object();
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	json_value_set_bool(o, "revocation", r->backup.revocation.len > 0);
	return client_print_json(o, &r->c->error);
}

static int
restore(struct restoring *r, bool check)
{
	struct key_command *c = r->c;
	const struct pgp_cert *key;
	int rc = read_all(r);

	if (rc == 0)
		rc = client_passphrase_try(&c->common, "Backup code: ", open_with, r, &c->error);
	if (rc != 0)
		return rc;
	key = r->backup.certs.items[0];
	if (check)
		return say_checked(r, key);
	rc = keep(r, key);
	return rc == 0 ? key_say_entry(c, trust_store_find(c->keyring.certs, &key->primary->fingerprint)) : rc;
}

int
key_restore(int argc, char **argv)
{
	bool check = false;
	const struct option options[] = { { "check", OPTION_FLAG, &check } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, OPTIONS_LIST_MAX);
	struct key_command c;
	struct restoring r = { .c = &c, .message = { .max = BACKUP_FILE_MAX } };
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = restore(&r, check);
	backup_done(&r.backup);
	pieces_done(&r.pieces);
	buf_done(&r.message);
	return key_end(&c, rc);
}
