/* SPDX-License-Identifier: ISC */
/* `letterlock key confirm` */
#include <stdio.h>

#include "client/key/edit.h"
#include "client/key/verbs.h"

static const char help[] =
    "letterlock key confirm WHO on|off\n"
    "\n"
    "Whether the agent asks you before each use of a key of yours, also when it holds it: which\n"
    "program wants to do what with it. For all keys: letterlock agent start --confirm.\n"
    "The agent forgets the key, so that what you said counts at once.\n"
    "\n"
    "Example:\n"
    "  letterlock key confirm alice@example.org on\n";

static int
parse(struct key_command *c, bool *out)
{
	struct slice word = slice_str(c->arguments.items[1]);

	*out = slice_eq_str(word, "on");
	return *out || slice_eq_str(word, "off") ? 0 : error_set(&c->error, ERR_USAGE, "say on or off");
}

/* One that holds the key would go on as it was told when it got it. */
static int
let_forget(struct key_command *c, const struct pgp_fingerprint *f)
{
	struct agent_client *agent = NULL;
	int rc = agent_client_open(false, &agent, &c->error);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = agent_client_forget(agent, slice_of(f->bytes, f->len), &c->error);
	agent_client_close(agent);
	return rc;
}

static int
say(struct key_command *c, bool confirm)
{
	if (c->common.json) {
		struct json_value *o = json_value_object();

		json_value_set_bool(o, "confirm", confirm);
		return client_print_json(o, &c->error);
	}
	(void)puts(confirm ? "The agent asks you before each use of this key."
			   : "The agent uses this key without asking, unless it is told to ask for all.");
	return 0;
}

int
key_confirm_verb(int argc, char **argv)
{
	const struct key_syntax syntax = { .help = help, .least = 2, .most = 2 };
	const struct trust_entry *entry;
	struct pgp_fingerprint f = { .len = 0 };
	struct key_command c;
	bool confirm = false;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = parse(&c, &confirm);
	if (rc == 0)
		rc = key_own(&c, key_argument(&c), &entry);
	if (rc == 0) {
		f = entry->fingerprint;
		rc = keyring_set_confirms(&c.keyring, &f, confirm, &c.error);
	}
	if (rc == 0)
		rc = let_forget(&c, &f);
	if (rc == 0)
		rc = say(&c, confirm);
	return key_end(&c, rc);
}
