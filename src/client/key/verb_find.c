/* SPDX-License-Identifier: ISC */
/* `letterlock key find` */
#include "client/account.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "trust/lookup.h"

static const char help[] = "letterlock key find ADDRESS\n"
			   "\n"
			   "Asks the key directory of your exchange, and keeps what it gives.\n"
			   "Options: --json\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key find bob@example.org\n";

int
key_find(int argc, char **argv)
{
	struct account a;
	struct trust_directory d;
	const struct trust_entry *entry;
	const struct key_syntax syntax = { .help = help, .least = 1, .most = 1 };
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = account_load(&a, &c.error);
	d = account_directory(&a);
	if (rc == 0)
		rc = trust_lookup(c.keyring.certs, &d, key_argument(&c), true, &c.keyring.policy, &entry, &c.error);
	if (rc == 0)
		rc = c.common.json ? client_print_json(key_entry_json(&c, entry), &c.error) : key_print_cert(&c, entry);
	return key_end(&c, rc);
}
