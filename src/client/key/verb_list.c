/* SPDX-License-Identifier: ISC */
/* `letterlock key list` */
#include "client/key/print.h"
#include "client/key/verbs.h"

static const char help[] = "letterlock key list\n"
			   "\n"
			   "Your keys and the certificates of others; --secret: only yours.\n"
			   "Options: --secret, --json\n"
			   "\n"
			   "Example:\n"
			   "  letterlock key list --secret\n";

int
key_list(int argc, char **argv)
{
	struct json_value *list = NULL;
	bool secret = false;
	const struct option options[] = { { "secret", OPTION_FLAG, &secret } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 0);
	struct key_command c;
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	if (c.common.json)
		list = json_value_list();
	for (size_t i = 0; i < trust_store_count(c.keyring.certs); i++) {
		const struct trust_entry *entry = trust_store_at(c.keyring.certs, i);

		if (secret && !keyring_has_secret(&c.keyring, &entry->fingerprint))
			continue;
		if (c.common.json)
			json_value_append(list, key_entry_json(&c, entry));
		else
			key_print_entry(&c, entry);
	}
	if (c.common.json)
		rc = client_print_json(list, &c.error);
	return key_end(&c, rc);
}
