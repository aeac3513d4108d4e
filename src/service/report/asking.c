/* SPDX-License-Identifier: ISC */
/* Who wants which reports, and at which addresses: what the domains say in DNS. */
#include "mailauth/dmarc/destination.h"
#include "mailauth/dmarc/record.h"
#include "service/judge/lookup.h"
#include "service/report/internal.h"
#include "service/resolve.h"

#define LOOKUPS_MAX 64u /* of one domain: a record, and each address's host twice */

/* Waits. What nobody knows is MAILAUTH_FAILED. */
static struct mailauth_answer
look_up(struct port *resolver, enum mailauth_rr type, struct slice name, struct arena *a)
{
	const struct resolve_lookup in = { .name = name, .type = type };
	struct dns_answer answer = { 0 };
	struct error e;
	int rc = resolve_lookup(resolver, &in, a, &answer, &e);

	if (rc == ERR_NOT_FOUND)
		return (struct mailauth_answer){ .found = MAILAUTH_NO_NAME };
	return lookup_read(type, rc == 0 ? &answer : NULL, a);
}

/* 1: there are texts; 0: none; or nobody can say. */
static int
texts_at(struct port *resolver, const char *label, struct slice domain, struct arena *a, struct mailauth_answer *out,
    struct error *e)
{
	struct slice name = arena_printf(a, "%s.%.*s", label, (int)domain.len, (const char *)domain.data);

	*out = look_up(resolver, MAILAUTH_TXT, name, a);
	if (a->err != 0 || out->found == MAILAUTH_FAILED)
		return error_set(e, ERR_TIMEOUT,
		    "whether it asks for reports cannot be found out: DNS does not answer, or its answer is forged");
	return out->found == MAILAUTH_FOUND;
}

int
report_ask_tls(struct port *resolver, struct slice domain, struct arena *a, struct report_where *out, struct error *e)
{
	struct mailauth_answer answer;
	struct tlsrpt_record record;
	int rc = texts_at(resolver, "_smtp._tls", domain, a, &answer, e);

	if (rc <= 0)
		return rc;
	if (!tlsrpt_record_find(answer.records, answer.record_count, &record))
		return 0;
	for (size_t i = 0; i < record.count; i++) {
		struct buf address BUF_OWNED = { 0 };

		buf_init(&address, MAILAUTH_ADDRESS_MAX);
		if (record.uris[i].scheme == TLSRPT_MAILTO &&
		    dmarc_uri_address(record.uris[i].text, &address, NULL) == 0)
			out->to[out->to_count++] = arena_copy(a, buf_slice(&address));
		else if (record.uris[i].scheme == TLSRPT_HTTPS)
			out->urls[out->url_count++] = arena_copy(a, record.uris[i].text);
	}
	return 1;
}

/* One DMARC record alone counts (RFC 9989 section 4.10.1). */
static bool
find_dmarc(const struct mailauth_answer *answer, struct dmarc_record *out)
{
	struct dmarc_record one;
	size_t n = 0;

	for (size_t i = 0; i < answer->record_count; i++)
		if (dmarc_record_parse(answer->records[i], &one)) {
			*out = one;
			n++;
		}
	return n == 1;
}

int
report_ask_dmarc(struct port *resolver, struct slice domain, struct arena *a, struct report_where *out, struct error *e)
{
	struct mailauth_answer answer;
	struct mailauth_question question;
	struct dmarc_destination *d;
	struct dmarc_record record;
	unsigned asked = 0;
	int rc = texts_at(resolver, "_dmarc", domain, a, &answer, e);

	if (rc <= 0 || !find_dmarc(&answer, &record) || record.rua.seen == 0)
		return rc < 0 ? rc : 0;
	rc = dmarc_destination_new(domain, &record.rua, &d, e);
	if (rc != 0)
		return rc;
	while (dmarc_destination_next(d, &question) == DMARC_DESTINATION_LOOKUP) {
		answer = asked++ < LOOKUPS_MAX ? look_up(resolver, question.type, question.name, a)
					       : (struct mailauth_answer){ .found = MAILAUTH_FAILED };
		dmarc_destination_answer(d, &answer);
	}
	for (size_t i = 0; i < dmarc_destination_count(d) && out->to_count < REPORT_ADDRESSES_MAX; i++)
		out->to[out->to_count++] = arena_copy(a, dmarc_destination_address(d, i));
	/* Those that can be asked about are not kept waiting for the others. */
	rc = out->to_count == 0 && dmarc_destination_temporary(d)
	    ? error_set(e, ERR_TIMEOUT, "whether its addresses for reports want them cannot be found out now")
	    : 1;
	dmarc_destination_free(d);
	return a->err != 0 ? error_nomem(e) : rc;
}
