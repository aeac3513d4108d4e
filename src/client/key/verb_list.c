/* SPDX-License-Identifier: ISC */
/* `letterlock key list` */
#include <stdio.h>

#include "base/date.h"
#include "base/printable.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "trust/why.h"

static const char help[] =
    "letterlock key list [TEXT]\n"
    "\n"
    "Your keys first, then the certificates of others, in order of their addresses: the fingerprint, how far it\n"
    "is believed (yours; checked: you compared its fingerprint; known: you imported it, or the address's own\n"
    "directory gave it; seen: it only came along), until when it can be used, and the addresses. With TEXT only\n"
    "those that have it in an address, a user ID or the fingerprint, in any case. --secret: only yours.\n"
    "Options: --secret, --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key list\n"
    "  letterlock key list @example.org\n"
    "  letterlock key list --secret\n";

#define LINE_OCTETS_MAX (TRUST_ADDRESSES_MAX * (TRUST_ADDRESS_MAX + 2) + 200)
#define OUTPUT_OCTETS (64u << 10) /* gathered before they are written */

#define STATE_COLUMNS 18u

struct listing {
	const struct key_command *c;
	bool secret;
	struct json_value *list; /* for a program; NULL for people */
	struct buf lines;
};

static bool
is_ours(const struct listing *l, const struct trust_entry *entry)
{
	return entry->origin == TRUST_OWN && keyring_has_secret(&l->c->keyring, &entry->fingerprint);
}

static const char *
belief(const struct listing *l, const struct trust_entry *entry)
{
	if (entry->origin == TRUST_OWN)
		return is_ours(l, entry) ? "yours  " : "known  ";
	if (entry->verified != 0)
		return "checked";
	return trust_is_believed(entry) ? "known  " : "seen   ";
}

static void
put_day(struct buf *out, const char *before, uint64_t when)
{
	struct date d = date_of_unix((int64_t)when, 0);

	(void)buf_putf(out, "%s%04d-%02u-%02u", before, d.year, d.month, d.day);
}

static void
put_state(struct buf *out, const struct trust_entry *entry, uint64_t now)
{
	size_t from = out->len;

	if (entry->revoked != TRUST_NOT_REVOKED)
		(void)buf_put_str(out, "revoked");
	else if (entry->expires != 0 && entry->expires <= now)
		put_day(out, "expired ", entry->expires);
	else if (entry->created > now)
		put_day(out, "from ", entry->created);
	else if (entry->expires != 0)
		put_day(out, "until ", entry->expires);
	else
		(void)buf_put_str(out, "no expiry");
	if (out->len < from + STATE_COLUMNS)
		(void)buf_put(out, "                  ", from + STATE_COLUMNS - out->len);
}

static void
flush(struct listing *l)
{
	if (l->lines.len > 0)
		(void)fwrite(l->lines.data, 1, l->lines.len, stdout);
	buf_clear(&l->lines);
}

static void
put_line(struct listing *l, const struct trust_entry *entry)
{
	struct buf *out = &l->lines;

	(void)pgp_fingerprint_write(&entry->fingerprint, out);
	(void)buf_put(out, "  ", 2);
	(void)buf_put_str(out, belief(l, entry));
	(void)buf_put(out, "  ", 2);
	put_state(out, entry, l->c->keyring.policy.now);
	for (size_t i = 0; i < entry->address_count; i++) {
		(void)buf_put(out, i == 0 ? "  " : ", ", 2);
		if (printable_is_plain(entry->addresses[i]))
			(void)buf_put_slice(out, entry->addresses[i]);
		else
			(void)printable_put(out, entry->addresses[i], PRINTABLE_LINE, TRUST_ADDRESS_MAX);
	}
	if (entry->address_count == 0)
		(void)buf_put_str(out, "  (no address)");
	(void)buf_put_u8(out, '\n');
	if (out->max - out->len < LINE_OCTETS_MAX)
		flush(l);
}

static int
each(void *ctx, const struct trust_entry *entry)
{
	struct listing *l = ctx;

	if (l->secret && !is_ours(l, entry))
		return 0;
	if (l->list != NULL)
		json_value_append(l->list, key_entry_json(l->c, entry));
	else
		put_line(l, entry);
	return 0;
}

int
key_list(int argc, char **argv)
{
	struct listing l = { .lines = { .max = OUTPUT_OCTETS } };
	const struct option options[] = { { "secret", OPTION_FLAG, &l.secret } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 1);
	struct trust_list which;
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	which = (struct trust_list){ .text = key_argument(&c), .own = l.secret };
	l.c = &c;
	if (c.common.json)
		l.list = json_value_list();
	rc = trust_store_list(c.keyring.certs, &which, each, &l, &c.error);
	flush(&l);
	buf_done(&l.lines);
	if (rc == 0 && c.common.json)
		rc = client_print_json(l.list, &c.error);
	else
		json_value_free(l.list);
	return key_end(&c, rc);
}
