/* SPDX-License-Identifier: ISC */
#include "client/key/print.h"

#include <stdio.h>

#include "client/key/show.h"
#include "trust/why.h"

struct json_value *
key_entry_json(const struct key_command *c, const struct trust_entry *entry)
{
	struct json_value *o = json_value_object(), *list = json_value_list();
	BUF_OWNED struct buf text = { .max = 1000 };

	(void)pgp_fingerprint_write(&entry->fingerprint, &text);
	json_value_set_text(o, "fingerprint", buf_slice(&text));
	for (size_t i = 0; i < entry->address_count; i++)
		json_value_append_text(list, entry->addresses[i]);
	json_value_set(o, "addresses", list);
	json_value_set_str(o, "origin", trust_origin_name(entry->origin));
	json_value_set_bool(o, "secret", keyring_has_secret(&c->keyring, &entry->fingerprint));
	json_value_set_bool(o, "verified", entry->verified != 0);
	json_value_set_bool(o, "believed", trust_is_believed(entry));
	json_value_set_i64(o, "created", (int64_t)entry->created);
	json_value_set_i64(o, "expires", (int64_t)entry->expires);
	json_value_set_bool(o, "revoked", entry->revoked != TRUST_NOT_REVOKED);
	json_value_set_bool(o, "usable", trust_entry_dead(entry, c->keyring.policy.now) == NULL);
	buf_clear(&text);
	(void)trust_why(entry, &text);
	json_value_set_text(o, "why", buf_slice(&text));
	return o;
}

void
key_print_entry(const struct key_command *c, const struct trust_entry *entry)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(&entry->fingerprint, &hex);
	(void)printf("%.*s  %s", (int)hex.len, (const char *)hex.data,
	    keyring_has_secret(&c->keyring, &entry->fingerprint) ? "yours  "
		: entry->verified != 0                           ? "checked"
		: trust_is_believed(entry)                       ? "known  "
								 : "seen   ");
	for (size_t i = 0; i < entry->address_count; i++) {
		(void)fputs(i == 0 ? "  " : ", ", stdout);
		client_print(entry->addresses[i]);
	}
	(void)fputc('\n', stdout);
}

int
key_say_entry(struct key_command *c, const struct trust_entry *entry)
{
	if (c->common.json)
		return client_print_json(key_entry_json(c, entry), &c->error);
	key_print_entry(c, entry);
	return 0;
}

void
key_print_head(const struct key_command *c, const struct trust_entry *entry)
{
	BUF_OWNED struct buf why = { .max = 1000 };

	key_print_entry(c, entry);
	(void)trust_why(entry, &why);
	client_say("  ", buf_slice(&why), "");
}

int
key_print_cert(struct key_command *c, const struct trust_entry *entry)
{
	struct key_shown s;
	int rc = key_shown_load(&s, c, &entry->fingerprint);

	if (rc == 0) {
		key_print_head(c, entry);
		key_show_words(c, &s);
	}
	key_shown_done(&s);
	return rc;
}
