/* SPDX-License-Identifier: ISC */
#include "trust/why.h"

#include "base/date.h"
#include "base/printable.h"

static void
put_day(struct buf *out, uint64_t when)
{
	struct date d = date_of_unix((int64_t)when, 0);

	(void)buf_putf(out, " on %04d-%02u-%02u", d.year, d.month, d.day);
}

static void
put_from(struct buf *out, const char *before, struct slice from)
{
	if (from.len == 0)
		return;
	(void)buf_put_str(out, before);
	(void)printable_put(out, from, PRINTABLE_LINE, TRUST_FROM_MAX);
}

int
trust_why(const struct trust_entry *entry, struct buf *out)
{
	if (entry == NULL)
		return buf_put_str(out, "Nothing is known about this key.");
	if (entry->origin == TRUST_OWN)
		return buf_put_str(out, "It is your own key.");
	if (entry->verified != 0) {
		(void)buf_put_str(out, "You compared its fingerprint");
		put_day(out, entry->verified);
		return buf_put_u8(out, '.');
	}
	switch (entry->origin) {
	case TRUST_DIRECTORY:
		(void)buf_put_str(out, "The key directory");
		put_from(out, " at ", entry->from);
		(void)buf_put_str(out, " gave it for this address");
		break;
	case TRUST_KEYSERVER:
		(void)buf_put_str(out, "A directory that is not the address's own");
		put_from(out, ", ", entry->from);
		(void)buf_put_str(out, ", gave it");
		break;
	case TRUST_IMPORTED:
		(void)buf_put_str(out, "You imported it");
		put_from(out, " from ", entry->from);
		break;
	case TRUST_WKD:
		(void)buf_put_str(out, "The Web Key Directory of the address's domain");
		put_from(out, ", ", entry->from);
		(void)buf_put_str(out, ", gave it");
		break;
	case TRUST_DANE:
		(void)buf_put_str(out, "The secure DNS of the address's domain");
		put_from(out, " (", entry->from);
		(void)buf_put_str(out, entry->from.len > 0 ? ") gave it" : " gave it");
		break;
	case TRUST_CERT_D:
		(void)buf_put_str(
		    out, "It was in the certificate directory that this machine's OpenPGP programs share");
		break;
	case TRUST_AUTOCRYPT:
		(void)buf_put_str(out, "A mail's Autocrypt header");
		put_from(out, " from ", entry->from);
		(void)buf_put_str(out, " brought it");
		break;
	case TRUST_GOSSIP:
		(void)buf_put_str(out, "It came in somebody else's encrypted mail");
		put_from(out, ", from ", entry->from);
		break;
	case TRUST_FIRST_USE:
	case TRUST_CERTIFIED:
	case TRUST_VERIFIED:
	case TRUST_OWN:
		(void)buf_put_str(out, "It came with a message");
		put_from(out, " from ", entry->from);
		break;
	}
	put_day(out, entry->added);
	return buf_put_str(out, "; you have not compared its fingerprint.");
}

bool
trust_is_believed(const struct trust_entry *entry)
{
	return entry != NULL && (entry->verified != 0 || entry->origin >= TRUST_IMPORTED);
}
