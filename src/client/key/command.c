/* SPDX-License-Identifier: ISC */
#include "client/key/command.h"

#include <string.h>

static int
parse(struct key_command *c, int argc, char **argv, const struct key_syntax *syntax)
{
	const struct option common[] = { COMMON_OPTIONS(&c->common) };
	const size_t count = sizeof common / sizeof common[0];
	struct option options[sizeof common / sizeof common[0] + KEY_OPTIONS_MAX];
	int rc;

	memcpy(options, common, sizeof common);
	if (syntax->option_count > KEY_OPTIONS_MAX)
		return error_set(&c->error, ERR_INTERNAL, "a verb has too many options");
	if (syntax->option_count > 0)
		memcpy(options + count, syntax->options, syntax->option_count * sizeof options[0]);
	rc = options_parse(argc, argv, options, count + syntax->option_count, &c->arguments, &c->error);
	if (rc != 0 || c->common.help)
		return rc;
	if (c->arguments.count < syntax->least)
		return error_set(&c->error, ERR_USAGE, "something is missing; see `letterlock key --help`");
	if (c->arguments.count > syntax->most)
		return error_set(&c->error, ERR_USAGE, "too many words; see `letterlock key --help`");
	return 0;
}

bool
key_begin(struct key_command *c, int argc, char **argv, const struct key_syntax *syntax, int *status)
{
	int rc;

	*c = (struct key_command){ .common = COMMON_INIT };
	rc = parse(c, argc, argv, syntax);
	if (rc == 0 && c->common.help) {
		*status = client_help(syntax->help);
		return false;
	}
	if (rc == 0)
		rc = keyring_open(&c->keyring, &c->error);
	if (rc != 0) {
		*status = key_end(c, rc);
		return false;
	}
	return true;
}

int
key_end(struct key_command *c, int rc)
{
	keyring_close(&c->keyring);
	return rc == 0 ? EXIT_DONE : client_fail(&c->error);
}

struct slice
key_argument(const struct key_command *c)
{
	return slice_str(c->arguments.count > 0 ? c->arguments.items[0] : NULL);
}
