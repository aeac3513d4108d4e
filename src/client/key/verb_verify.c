/* SPDX-License-Identifier: ISC */
/* `letterlock key verify` */
#include "client/key/print.h"
#include "client/key/verbs.h"

static const char help[] = "letterlock key verify WHO\n"
			   "\n"
			   "Says that you compared the fingerprint with its owner.\n"
			   "Options: --json\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key verify bob@example.org\n";

int
key_verify(int argc, char **argv)
{
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	const struct key_syntax syntax = { .help = help, .least = 1, .most = 1 };
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = keyring_resolve(&c.keyring, key_argument(&c), false, &entry, &c.error);
	if (rc == 0) {
		f = entry->fingerprint;
		rc = trust_store_verify(c.keyring.certs, &f, c.keyring.policy.now, &c.error);
	}
	if (rc == 0)
		rc = key_say_entry(&c, trust_store_find(c.keyring.certs, &f));
	return key_end(&c, rc);
}
