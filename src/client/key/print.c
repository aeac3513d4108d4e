/* SPDX-License-Identifier: ISC */
#include "client/key/print.h"

#include <stdio.h>

#include "base/date.h"
#include "openpgp/judge/verify.h"
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

static void
print_day(const char *before, uint64_t when)
{
	BUF_OWNED struct buf b = { .max = 100 };

	(void)date_write_rfc3339(&b, (int64_t)when);
	(void)printf("%s%.10s", before, (const char *)b.data);
}

static void
print_component(const struct pgp_component_judgement *j)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} uses[] = { { PGP_FLAG_CERTIFY, "certify" }, { PGP_FLAG_SIGN, "sign" }, { PGP_FLAG_ENCRYPT, "encrypt" },
		{ PGP_FLAG_AUTHENTICATE, "authenticate" } };
	const struct pgp_key *key = j->component->key;
	BUF_OWNED struct buf hex = { .max = 100 };

	if (j->component->kind == PGP_COMPONENT_USER_ID) {
		(void)printf("  user ID  %s  ", pgp_standing_name(j->standing));
		client_print(j->component->packet.body);
	} else if (key != NULL) {
		(void)pgp_fingerprint_write(&key->fingerprint, &hex);
		(void)printf("  %s  %s  %s  %.*s", key->subkey ? "subkey " : "primary", pgp_standing_name(j->standing),
		    pgp_algorithm_name(key->algorithm), (int)hex.len, (const char *)hex.data);
		for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
			if (j->flags & uses[i].flag)
				(void)printf(" %s", uses[i].word);
		}
		print_day("  made ", key->created);
		if (j->expires != 0)
			print_day("  expires ", j->expires);
	} else {
		(void)printf("  something that is not understood");
	}
	(void)fputc('\n', stdout);
}

int
key_print_cert(struct key_command *c, const struct trust_entry *entry)
{
	BUF_OWNED struct buf why = { .max = 1000 };
	struct pgp_cert_judgement j;
	struct pgp_cert *cert;
	int rc = trust_store_load(c->keyring.certs, &entry->fingerprint, &cert, &c->error);

	if (rc != 0)
		return rc;
	rc = pgp_cert_judge(cert, &c->keyring.policy, c->keyring.policy.now, &j, &c->error);
	if (rc == 0) {
		key_print_entry(c, entry);
		(void)trust_why(entry, &why);
		client_say("  ", buf_slice(&why), "");
		for (size_t i = 0; i < j.count; i++)
			print_component(&j.components[i]);
		pgp_cert_judgement_done(&j);
	}
	pgp_cert_free(cert);
	return rc;
}
