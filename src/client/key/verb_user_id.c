/* SPDX-License-Identifier: ISC */
/* `letterlock key user-id` */
#include "client/key/edit.h"
#include "client/key/verbs.h"
#include "client/verbs.h"

static const char help[] =
    "letterlock key user-id add|revoke|primary WHO USER-ID\n"
    "\n"
    "  key user-id add WHO USER-ID       one more name and address of a key of yours (--primary: the first one)\n"
    "  key user-id revoke WHO USER-ID    it is not yours any more; --text TEXT says why\n"
    "  key user-id primary WHO USER-ID   the one that programs show\n"
    "\n"
    "USER-ID is \"Name <address>\" or an address. Options: --json, --passphrase-fd N\n"
    "\n"
    "Example:\n"
    "  letterlock key user-id add alice@example.org \"Alice Archer <alice@example.net>\"\n";

struct user_options {
	bool primary;
	const char *text;
};

typedef int user_change(struct key_edit *d, struct slice user_id, const struct user_options *o, struct buf *out);

static int
add(struct key_edit *d, struct slice user_id, const struct user_options *o, struct buf *out)
{
	if (slice_find(user_id, '@') == SIZE_MAX || slice_trim(user_id).len != user_id.len)
		return error_set(&d->c->error, ERR_USAGE, "a user ID is \"Name <address>\", or an address");
	return pgp_change_add_user(&d->change, user_id, o->primary, out, &d->c->error);
}

static int
revoke(struct key_edit *d, struct slice meant, const struct user_options *o, struct buf *out)
{
	struct slice user_id;
	int rc = key_user_id(d, meant, &user_id);

	return rc != 0 ? rc
		       : pgp_change_revoke_user(
			     &d->change, user_id, PGP_REASON_USER_ID_INVALID, slice_str(o->text), out, &d->c->error);
}

static int
primary(struct key_edit *d, struct slice meant, const struct user_options *o, struct buf *out)
{
	struct slice user_id;
	int rc = key_user_id(d, meant, &user_id);

	(void)o;
	return rc != 0 ? rc : pgp_change_primary_user(&d->change, user_id, out, &d->c->error);
}

static int
change_user(int argc, char **argv, user_change *change, const char *done)
{
	struct user_options o = { .primary = false };
	const struct option options[] = { { "primary", OPTION_FLAG, &o.primary }, { "text", OPTION_TEXT, &o.text } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 2, 2);
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	struct key_command c;
	struct key_edit d;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = key_edit_unlock(&d);
	if (rc == 0)
		rc = change(&d, slice_str(c.arguments.items[1]), &o, &out);
	if (rc == 0)
		rc = key_edit_keep(&d, buf_slice(&out));
	if (rc == 0)
		rc = key_edit_say(&d, done);
	key_edit_done(&d);
	return key_end(&c, rc);
}

static int
user_add(int argc, char **argv)
{
	return change_user(argc, argv, add, "The user ID is added.");
}

static int
user_revoke(int argc, char **argv)
{
	return change_user(argc, argv, revoke, "The user ID is revoked.");
}

static int
user_primary(int argc, char **argv)
{
	return change_user(argc, argv, primary, "It is the primary user ID now.");
}

int
key_user_id_verbs(int argc, char **argv)
{
	static const struct subverb table[] = { { "add", user_add }, { "revoke", user_revoke },
		{ "primary", user_primary } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
