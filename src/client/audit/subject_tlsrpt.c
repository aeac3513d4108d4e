/* SPDX-License-Identifier: ISC */
/* Where others tell what failed (RFC 8460 section 3): one TXT record with addresses. */
#include "client/audit/audit.h"

#define VERSION "v=TLSRPTv1"

/* The addresses, commas between; empty: there is no rua. */
static struct slice
addresses(struct slice record)
{
	while (record.len > 0) {
		struct slice field = slice_trim(slice_split(record, ';', &record)), value, name;

		name = slice_trim(slice_split(field, '=', &value));
		if (slice_ieq_str(name, "rua"))
			return slice_trim(value);
	}
	return SLICE_EMPTY;
}

/* Only these two kinds are ever used. */
static bool
all_usable(struct slice list)
{
	bool good = list.len > 0;

	while (list.len > 0) {
		struct slice uri = slice_trim(slice_split(list, ',', &list));

		good &= (slice_istarts(uri, SLICE("mailto:")) && slice_find(uri, '@') != SIZE_MAX) ||
		    (slice_istarts(uri, SLICE("https://")) && uri.len > sizeof "https://" - 1);
	}
	return good;
}

void
audit_tlsrpt(struct audit *a)
{
	struct dns_answer answer = { 0 };
	struct slice record = SLICE_EMPTY, to;
	struct error e;
	enum audit_asked asked = audit_ask(a, "_smtp._tls.", a->settings->domain, DNS_TXT, &answer, &e);
	size_t count = asked == ASKED_FOUND ? audit_records(a, &answer, VERSION, &record) : 0;

	if (a->state.null_mx)
		return;
	if (asked == ASKED_FAILED || asked == ASKED_BOGUS) {
		audit_find(
		    a, CHECK_TLSRPT, asked == ASKED_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN, SLICE_EMPTY, "%s", e.text);
		return;
	}
	to = addresses(record);
	if (count == 0)
		audit_find(a, CHECK_TLSRPT, AUDIT_NOTE, SLICE_EMPTY, "there is no record");
	else if (count > 1)
		audit_find(
		    a, CHECK_TLSRPT, AUDIT_WEAK, SLICE_EMPTY, "there are %zu records, which is as good as none", count);
	else if (!all_usable(to))
		audit_find(a, CHECK_TLSRPT, AUDIT_WEAK, SLICE_EMPTY,
		    "it has no address that reports can be sent to: %.*s", AUDIT_S(record));
	else
		audit_find(a, CHECK_TLSRPT, AUDIT_GOOD, SLICE_EMPTY, "they go to %.*s", AUDIT_S(to));
}
