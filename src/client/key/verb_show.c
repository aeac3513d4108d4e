/* SPDX-License-Identifier: ISC */
/* `letterlock key show` */
#include "client/key/code.h"
#include "client/key/print.h"
#include "client/key/show.h"
#include "client/key/verbs.h"

static const char help[] =
    "letterlock key show WHO\n"
    "\n"
    "All about one: an address or a fingerprint.\n"
    "\n"
    "  --tree          with every signature: who made it, when, what it says, whether it is good\n"
    "  --words         its fingerprint in groups, and as words to be read aloud\n"
    "  --qr            its fingerprint as a QR code, to be read by another's telephone\n"
    "  --output FILE   with --qr: a picture (.svg or .png) instead\n"
    "  --secret        only keys of yours\n"
    "  --json\n"
    "\n"
    "Example:\n"
    "  letterlock key show bob@example.org --tree\n";

struct show_options {
	bool secret, tree, words, qr;
	const char *output;
};

static int
show(struct key_command *c, const struct show_options *o, const struct trust_entry *entry)
{
	struct key_shown s;
	struct json_value *object;
	int rc = key_shown_load(&s, c, &entry->fingerprint);

	if (rc == 0 && c->common.json) {
		object = key_entry_json(c, entry);
		key_show_json(c, &s, object);
		rc = client_print_json(object, &c->error);
	} else if (rc == 0 && o->tree) {
		key_print_head(c, entry);
		key_show_tree(c, &s);
	} else if (rc == 0) {
		key_print_head(c, entry);
		key_show_words(c, &s);
	}
	key_shown_done(&s);
	return rc;
}

static int
show_one(struct key_command *c, const struct show_options *o, const struct trust_entry *entry)
{
	int rc = 0;

	if (o->output != NULL && !o->qr)
		return error_set(&c->error, ERR_USAGE, "--output is for the picture that --qr makes");
	if (!o->qr && !o->words)
		return show(c, o, entry);
	if (o->qr)
		rc = key_code_show(&entry->fingerprint, o->output, &c->error);
	if (rc == 0 && (o->words || o->output == NULL))
		key_code_say(&entry->fingerprint, o->words);
	return rc;
}

int
key_show(int argc, char **argv)
{
	struct show_options o = { .secret = false };
	const struct option options[] = { { "secret", OPTION_FLAG, &o.secret }, { "tree", OPTION_FLAG, &o.tree },
		{ "words", OPTION_FLAG, &o.words }, { "qr", OPTION_FLAG, &o.qr },
		{ "output", OPTION_TEXT, &o.output } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1);
	const struct trust_entry *entry;
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = keyring_resolve(&c.keyring, key_argument(&c), o.secret, &entry, &c.error);
	if (rc == 0)
		rc = show_one(&c, &o, entry);
	return key_end(&c, rc);
}
