/* SPDX-License-Identifier: ISC */
/* `letterlock key`: the table of its verbs. */
#include "client/key/verbs.h"
#include "client/verbs.h"

static const char help[] =
    "letterlock key VERB\n"
    "\n"
    "  key new [ADDRESS]         make a key (--name NAME, --v6, --expires DAYS)\n"
    "  key list                  your keys and the certificates of others (--secret: only yours)\n"
    "  key show WHO              all about one: an address or a fingerprint\n"
    "  key find ADDRESS          ask the key directory of your exchange, and keep what it gives\n"
    "  key import FILE...        certificates, or secret keys (asks for their passphrase); - is standard input\n"
    "  key export WHO            the certificate; with --secret the secret key, readable by other programs\n"
    "  key verify WHO            say that you compared the fingerprint with its owner\n"
    "\n"
    "Options: --json, --output FILE, --binary, --passphrase-fd N\n"
    "\n"
    "Examples:\n"
    "  letterlock key find bob@example.org\n"
    "  letterlock key export bob@example.org --output bob.pgp\n"
    "  letterlock key export --secret alice@example.org --output alice.key\n";

int
verb_key(int argc, char **argv)
{
	static const struct subverb table[] = {
		{ "new", key_new },
		{ "list", key_list },
		{ "show", key_show },
		{ "find", key_find },
		{ "import", key_import },
		{ "export", key_export },
		{ "verify", key_verify },
	};

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
