/* SPDX-License-Identifier: ISC */
/*
 * Any text: a tag-list that was read and is written from its parts reads the
 * same; a key record and a signature's field are read without harm, and a key
 * that was read and is written is the same key.
 */
#include <stdlib.h>

#include "mailauth/dkim/sign.h"
#include "mailauth/dkim/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_list(const struct mailauth_tags *t)
{
	struct mailauth_tags again;
	struct buf text;

	buf_init(&text, 2 * MAILAUTH_TAG_LIST_MAX);
	for (size_t i = 0; i < t->count; i++) {
		(void)buf_put_slice(&text, t->tags[i].name);
		(void)buf_put_str(&text, " = ");
		(void)buf_put_slice(&text, t->tags[i].value);
		(void)buf_put_str(&text, ";");
	}
	if (text.len <= MAILAUTH_TAG_LIST_MAX) {
		if (mailauth_tags_parse(buf_slice(&text), &again, NULL) != 0 || again.count != t->count)
			abort();
		for (size_t i = 0; i < t->count; i++)
			if (!slice_eq(again.tags[i].value, t->tags[i].value))
				abort();
	}
	buf_done(&text);
}

static void
check_key(const struct dkim_key *k)
{
	struct dkim_key again;
	struct buf text;

	if (k->revoked)
		return;
	buf_init(&text, 2 * MAILAUTH_TAG_LIST_MAX);
	if (dkim_key_write(k->ed25519, buf_slice(&k->octets), &text) != 0)
		abort();
	if (text.len <= MAILAUTH_TAG_LIST_MAX &&
	    (dkim_key_parse(buf_slice(&text), &again, NULL) != 0 || dkim_key_bits(&again) != dkim_key_bits(k)))
		abort();
	if (text.len <= MAILAUTH_TAG_LIST_MAX)
		dkim_key_done(&again);
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dkim_parse_rules rules = { .version = "1", .identity = true };
	struct slice in = slice_of(data, size);
	struct dkim_sign_claim claim;
	struct dkim_parsed parsed;
	struct mailauth_tags t;
	struct dkim_key key;

	if (mailauth_tags_parse(in, &t, NULL) == 0)
		check_list(&t);
	if (dkim_key_parse(in, &key, NULL) == 0)
		check_key(&key);
	dkim_key_done(&key);
	if (dkim_parse(in, &rules, &parsed, NULL) == 0 &&
	    (!dkim_domain_valid(parsed.domain, 2) || !dkim_domain_valid(parsed.selector, 1) || parsed.names.len == 0))
		abort();
	dkim_parsed_done(&parsed);
	if (dkim_sign_claim(in, &claim, NULL) == 0 && !dkim_domain_valid(claim.domain, 2))
		abort();
	return 0;
}
