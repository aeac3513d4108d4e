/* SPDX-License-Identifier: ISC */
/* DKIM keys (RFC 6376): only under selectors that somebody names, for DNS does not list them. */
#include "client/audit/audit.h"
#include "mailauth/dkim/key.h"

#define BITS_GOOD 2048u /* RFC 8301 section 3.2 */

static void
judge_key(struct audit *a, struct slice who, const struct dkim_key *k)
{
	size_t bits = dkim_key_bits(k);

	if (k->revoked) {
		audit_find(a, CHECK_DKIM, AUDIT_NOTE, who, "the key was withdrawn: its record is there and empty");
		return;
	}
	audit_find(a, CHECK_DKIM, AUDIT_GOOD, who, "there is a key%s%s", k->testing ? ", marked as a test (t=y)" : "",
	    k->email ? "" : ", not for mail (s=)");
	if (k->ed25519)
		audit_find(a, CHECK_DKIM_KEY, AUDIT_GOOD, who,
		    "Ed25519; beside it one needs RSA, for receivers that do not know it");
	else
		audit_find(a, CHECK_DKIM_KEY,
		    bits < MAILAUTH_DKIM_RSA_BITS_MIN ? AUDIT_BAD
			: bits < BITS_GOOD            ? AUDIT_WEAK
						      : AUDIT_GOOD,
		    who, "RSA with %zu bits%s", bits, k->sha256 ? "" : ", and only for SHA-1, which nobody takes");
}

static void
look_at(struct audit *a, const char *selector)
{
	BUF_OWNED struct buf name = { .max = 600 };
	struct dns_answer answer;
	struct slice who = slice_str(selector);
	struct dkim_key key;
	struct error e;
	enum audit_asked asked;

	if (dkim_key_name(who, a->settings->domain, &name) != 0)
		return;
	asked = audit_ask(a, "", buf_slice(&name), DNS_TXT, &answer, &e);
	if (asked == ASKED_FAILED || asked == ASKED_BOGUS) {
		audit_find(a, CHECK_DKIM, asked == ASKED_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN, who, "%s", e.text);
		return;
	}
	if (asked != ASKED_FOUND) {
		audit_find(a, CHECK_DKIM, AUDIT_WEAK, who, "there is no key under this selector");
		return;
	}
	if (answer.record_count > 1)
		audit_find(a, CHECK_DKIM, AUDIT_NOTE, who, "%zu records stand under this selector; one is looked at",
		    answer.record_count);
	if (dkim_key_parse(audit_text(a, answer.records[0]), &key, &e) == 0)
		judge_key(a, who, &key);
	else
		audit_find(a, CHECK_DKIM, AUDIT_BAD, who, "the record cannot be used: %s", e.text);
	dkim_key_done(&key);
}

void
audit_dkim(struct audit *a)
{
	const struct option_list *l = &a->settings->selectors;

	for (size_t i = 0; i < l->count; i++)
		look_at(a, l->items[i]);
	if (l->count == 0)
		audit_find(a, CHECK_DKIM, AUDIT_UNKNOWN, SLICE_EMPTY,
		    "not looked at: DNS does not list selectors; name one with --selector");
}
