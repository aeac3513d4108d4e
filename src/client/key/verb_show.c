/* SPDX-License-Identifier: ISC */
/* `letterlock key show` */
#include "client/key/print.h"
#include "client/key/verbs.h"

static const char help[] = "letterlock key show WHO\n"
			   "\n"
			   "All about one: an address or a fingerprint. --secret: only keys of yours.\n"
			   "Options: --secret, --json\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key show bob@example.org\n";

int
key_show(int argc, char **argv)
{
	const struct trust_entry *entry;
	bool secret = false;
	const struct option options[] = { { "secret", OPTION_FLAG, &secret } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1);
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = keyring_resolve(&c.keyring, key_argument(&c), secret, &entry, &c.error);
	if (rc == 0)
		rc = c.common.json ? client_print_json(key_entry_json(&c, entry), &c.error) : key_print_cert(&c, entry);
	return key_end(&c, rc);
}
