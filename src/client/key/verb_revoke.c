/* SPDX-License-Identifier: ISC */
/* `letterlock key revoke` */
#include <stdio.h>

#include "client/key/edit.h"
#include "client/key/reason.h"
#include "client/key/verbs.h"

static const char help[] =
    "letterlock key revoke WHO\n"
    "\n"
    "Declares a key of yours void, for good. What it signed before stays good only when the reason is\n"
    "superseded or retired; after compromised or unspecified nothing that it ever signed counts.\n"
    "\n"
    "  --reason superseded|retired|compromised|unspecified\n"
    "  --text TEXT         for others to read\n"
    "  --yes               do not ask whether it shall be so\n"
    "  --passphrase-fd N, --json\n"
    "\n"
    "Without the key or its passphrase: letterlock key import with its revocation certificate.\n"
    "\n"
    "Example:\n"
    "  letterlock key revoke alice@example.org --reason superseded --text \"I have a new one\"\n";

struct revoke_options {
	const char *reason, *text;
	bool yes;
};

static int
confirm(struct key_edit *d, const struct revoke_options *o)
{
	BUF_OWNED struct buf question = { .max = 300 };

	(void)buf_put_str(&question, "Revoke your key ");
	(void)pgp_fingerprint_write(&d->cert->primary->fingerprint, &question);
	(void)buf_put(&question, "? That cannot be undone.", sizeof "? That cannot be undone.");
	return question.err != 0 ? error_nomem(&d->c->error)
				 : key_confirm((const char *)question.data, o->yes, &d->c->error);
}

static int
revoke(struct key_edit *d, const struct revoke_options *o)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	uint8_t reason;
	int rc = key_reason_parse(o->reason, &reason, &d->c->error);

	if (rc == 0)
		rc = confirm(d, o);
	if (rc == 0)
		rc = key_edit_unlock(d);
	if (rc == 0)
		rc = pgp_change_revoke(&d->change, reason, slice_str(o->text), &out, &d->c->error);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

static int
say(struct key_edit *d)
{
	int rc = key_edit_say(d, "The key is revoked.");

	if (rc == 0 && !d->c->common.json)
		(void)puts(
		    "Until then nobody knows, and they go on encrypting to it. Tell those who write to you, too.\n"
		    "You can still read what was encrypted to it.");
	return rc;
}

int
key_revoke(int argc, char **argv)
{
	struct revoke_options o = { .reason = NULL };
	const struct option options[] = { { "reason", OPTION_TEXT, &o.reason }, { "text", OPTION_TEXT, &o.text },
		{ "yes", OPTION_FLAG, &o.yes } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1);
	struct key_command c;
	struct key_edit d;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = revoke(&d, &o);
	if (rc == 0)
		rc = say(&d);
	key_edit_done(&d);
	return key_end(&c, rc);
}
