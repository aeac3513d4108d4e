/* SPDX-License-Identifier: ISC */
/*
 * letterlockd domain reports: what other servers say about a domain of ours.
 * Their reports lie in somebody's mailboxes, that of postmaster unless another
 * address is named; they are looked for there, summed up, and left as they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/printable.h"
#include "daemon/place.h"
#include "daemon/postmaster.h"
#include "daemon/records.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "service/report/received.h"
#include "store/store.h"

#define REPLY_BUDGET (16u << 20)
#define NAMES_BUDGET (8u << 20)
#define HEADER_MAX (64u << 10)
#define ROWS_AT_ONCE 1000u
#define SHOWN_MAX 20u /* rows of a table that a person is shown; --json has all */
#define DAYS_DEFAULT 30u
#define DAYS_MAX 3650u

#define ARGS(s) (int)(s).len, (const char *)(s).data

struct looking {
	struct port *port;
	struct received *received;
	uint64_t account, since;
	uint64_t letters; /* that were looked at */
};

/* ---- the letters ---- */

static int
read_body(struct looking *l, uint64_t body, size_t max, struct buf *out, struct error *e)
{
	struct store_body_read ask = { .body = body };
	int rc = 0;

	while (rc == 0 && out->len < max) {
		ARENA_OWNED struct arena a = { 0 };
		struct store_body_data reply;

		arena_init(&a, STORE_PIECE_MAX * 2);
		ask.offset = out->len;
		ask.length = (uint32_t)size_min(STORE_PIECE_MAX, max - out->len);
		rc = store_body_read(l->port, &ask, &a, &reply, e);
		if (rc != 0 || reply.data.len == 0)
			break;
		rc = buf_put_slice(out, reply.data) != 0 ? error_set(e, out->err, "it is too large") : 0;
	}
	return rc;
}

static int
look_at(struct looking *l, const struct store_message *m, struct error *e)
{
	BUF_OWNED struct buf header = { 0 }, letter = { 0 };
	struct error why;
	int rc;

	if (m->internal_date < l->since || m->size > RECEIVED_LETTER_MAX)
		return 0;
	l->letters++;
	buf_init(&header, HEADER_MAX);
	buf_init(&letter, RECEIVED_LETTER_MAX);
	rc = read_body(l, m->body, size_min(m->header_size, HEADER_MAX), &header, e);
	if (rc == ERR_NOT_FOUND)
		return 0; /* removed meanwhile */
	if (rc != 0 || !received_may_be(buf_slice(&header)))
		return rc;
	rc = read_body(l, m->body, RECEIVED_LETTER_MAX, &letter, e);
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = received_add(l->received, buf_slice(&letter), &why);
	if (rc == ERR_NOMEM || rc == ERR_FULL)
		return error_set(e, rc, "%s", why.text);
	return 0; /* one that cannot be read is counted as that */
}

static int
look_into(struct looking *l, uint64_t mailbox, struct error *e)
{
	struct store_message_list ask = { .account = l->account, .mailbox = mailbox, .limit = ROWS_AT_ONCE };
	int rc = 0;

	do {
		ARENA_OWNED struct arena a = { 0 };
		struct store_message_rows rows = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_message_list(l->port, &ask, &a, &rows, e);
		for (size_t i = 0; rc == 0 && i < rows.row_count; i++)
			rc = look_at(l, &rows.rows[i], e);
		ask.first = rows.next;
	} while (rc == 0 && ask.first != 0);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
look_into_all(struct looking *l, struct error *e)
{
	struct store_mailbox_list ask = { .account = l->account };
	BUF_OWNED struct buf after = { 0 };
	bool more = true;
	int rc = 0;

	buf_init(&after, STORE_NAME_MAX);
	while (rc == 0 && more) {
		ARENA_OWNED struct arena a = { 0 };
		struct store_mailbox_rows page = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_mailbox_list(l->port, &ask, &a, &page, e);
		more = rc == 0 && page.more && page.row_count > 0;
		for (size_t i = 0; rc == 0 && i < page.row_count; i++)
			rc = page.rows[i].selectable ? look_into(l, page.rows[i].mailbox, e) : 0;
		buf_clear(&after);
		if (more && buf_put_slice(&after, page.rows[page.row_count - 1].name) != 0)
			rc = error_nomem(e);
		ask.after = buf_slice(&after);
	}
	return rc;
}

/* ---- what is said ---- */

static void
print_day(const char *before, uint64_t unix_seconds)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 64);
	(void)date_write_rfc3339(&text, (int64_t)unix_seconds);
	(void)printf("%s%.*s", before, (int)size_min(text.len, 10), (const char *)text.data);
}

#define SHOWN_TEXT 80u

/* What strangers wrote, as it can be shown. */
static const char *
shown(struct slice text, char out[SHOWN_TEXT + 1])
{
	BUF_OWNED struct buf b = { 0 };

	buf_init(&b, SHOWN_TEXT * 4);
	(void)printable_put(&b, text, PRINTABLE_LINE, SHOWN_TEXT);
	(void)snprintf(out, SHOWN_TEXT + 1, "%.*s", (int)b.len, (const char *)b.data);
	return out;
}

static const char *
passed_by(const struct received_source *s)
{
	return s->dkim > 0 && s->spf > 0 ? "DKIM and SPF" : s->dkim > 0 ? "DKIM" : s->spf > 0 ? "SPF" : "nothing";
}

static void
say_mail(const struct received_sums *s, struct slice domain)
{
	uint64_t failed = s->all.messages - s->all.passed;
	char text[SHOWN_TEXT + 1];
	size_t rows = 0;

	(void)printf("\nMail in the name of %.*s (DMARC): %llu messages, of which %llu passed and %llu did not;\n"
		     "%llu were refused and %llu put aside by who got them.\n",
	    ARGS(domain), (unsigned long long)s->all.messages, (unsigned long long)s->all.passed,
	    (unsigned long long)failed, (unsigned long long)s->all.rejected, (unsigned long long)s->all.quarantined);
	for (size_t i = 0; i < s->source_count && rows < SHOWN_MAX; i++, rows++)
		(void)printf("  %-39s %8llu messages %8llu failed   passed by %s\n", shown(s->sources[i].address, text),
		    (unsigned long long)s->sources[i].messages,
		    (unsigned long long)(s->sources[i].messages - s->sources[i].passed), passed_by(&s->sources[i]));
	if (s->source_count > rows || s->other_sources.messages > 0)
		(void)printf("  and from other addresses; --json has more\n");
	if (failed > 0)
		(void)printf(
		    "What failed is either of a server of yours that SPF does not name and that does not sign, or "
		    "of\nsomebody who forges your mail. Name or mend the first; once all of yours pass, p=reject "
		    "stops the\nsecond.\n");
}

/* What its owner can do about a kind of failure (RFC 8460 section 4.3). */
static const char *
remedy_of(struct slice result)
{
	static const struct {
		const char *result, *what;
	} rows[] = {
		{ "starttls-not-supported", "STARTTLS was not offered: is something between them and port 25?" },
		{ "certificate-host-mismatch", "the certificate does not name the server that MX names" },
		{ "certificate-expired", "the certificate had ended" },
		{ "certificate-not-trusted", "it is of no authority that they know" },
		{ "validation-failure", "it could not be validated" },
		{ "tlsa-invalid", "the TLSA record does not fit: letterlockd check --certificate" },
		{ "dnssec-invalid", "the zone's signatures are wrong" },
		{ "dane-required", "they want DANE, and there is no usable TLSA record" },
		{ "sts-policy-fetch-error", "the MTA-STS policy could not be fetched: is mta-sts.DOMAIN there?" },
		{ "sts-policy-invalid", "the MTA-STS policy is malformed" },
		{ "sts-webpki-invalid", "mta-sts.DOMAIN has no valid certificate" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (slice_ieq_str(result, rows[i].result))
			return rows[i].what;
	return "see RFC 8460 section 4.3";
}

static void
say_tls(const struct received_sums *s)
{
	char text[SHOWN_TEXT + 1], server[SHOWN_TEXT + 1];

	(void)printf("\nConnections to its mail servers (TLS): %llu, of which %llu failed.\n",
	    (unsigned long long)s->sessions, (unsigned long long)s->failed);
	for (size_t i = 0; i < s->failure_count && i < SHOWN_MAX; i++)
		(void)printf("  %-28s %8llu at %s\n    %s\n", shown(s->failures[i].result, text),
		    (unsigned long long)s->failures[i].sessions, shown(s->failures[i].server, server),
		    remedy_of(s->failures[i].result));
}

static void
say(const struct received_sums *s, struct slice domain, uint64_t letters, uint64_t days)
{
	char text[SHOWN_TEXT + 1];

	if (s->dmarc_reports + s->tls_reports == 0) {
		(void)printf("No report on %.*s in %llu days; %llu letters were looked at.\n"
			     "They come when rua= in its records names this address: letterlockd domain records.\n",
		    ARGS(domain), (unsigned long long)days, (unsigned long long)letters);
	} else {
		(void)printf("%llu DMARC and %llu TLS reports on %.*s", (unsigned long long)s->dmarc_reports,
		    (unsigned long long)s->tls_reports, ARGS(domain));
		print_day(", of ", s->first);
		print_day(" to ", s->last);
		(void)printf(".\n");
		for (size_t i = 0; i < s->reporter_count && i < SHOWN_MAX; i++)
			(void)printf("  %-39s %6llu\n", shown(s->reporters[i].name, text),
			    (unsigned long long)s->reporters[i].reports);
	}
	if (s->unreadable > 0)
		(void)printf("%llu could not be read.\n", (unsigned long long)s->unreadable);
	if (s->dmarc_reports > 0)
		say_mail(s, domain);
	if (s->tls_reports > 0)
		say_tls(s);
}

static void
set_source(struct json_value *o, const struct received_source *s)
{
	json_value_set_i64(o, "messages", (int64_t)s->messages);
	json_value_set_i64(o, "passed", (int64_t)s->passed);
	json_value_set_i64(o, "dkim", (int64_t)s->dkim);
	json_value_set_i64(o, "spf", (int64_t)s->spf);
	json_value_set_i64(o, "quarantined", (int64_t)s->quarantined);
	json_value_set_i64(o, "rejected", (int64_t)s->rejected);
}

static void
say_json_rows(const struct received_sums *s)
{
	for (size_t i = 0; i < s->source_count; i++) {
		struct json_value *o = json_value_object();

		json_value_set_text(o, "source", s->sources[i].address);
		set_source(o, &s->sources[i]);
		verb_print_json(o);
	}
	if (s->other_sources.messages > 0) {
		struct json_value *o = json_value_object();

		json_value_set_bool(o, "other_sources", true); /* all that had no row of their own */
		set_source(o, &s->other_sources);
		verb_print_json(o);
	}
	for (size_t i = 0; i < s->reporter_count; i++) {
		struct json_value *o = json_value_object();

		json_value_set_text(o, "reporter", s->reporters[i].name);
		json_value_set_i64(o, "reports", (int64_t)s->reporters[i].reports);
		json_value_set_i64(o, "messages", (int64_t)s->reporters[i].messages);
		json_value_set_i64(o, "passed", (int64_t)s->reporters[i].passed);
		json_value_set_i64(o, "sessions", (int64_t)s->reporters[i].sessions);
		json_value_set_i64(o, "failed", (int64_t)s->reporters[i].failed);
		verb_print_json(o);
	}
	for (size_t i = 0; i < s->failure_count; i++) {
		struct json_value *o = json_value_object();

		json_value_set_text(o, "failure", s->failures[i].result);
		json_value_set_text(o, "server", s->failures[i].server);
		json_value_set_i64(o, "sessions", (int64_t)s->failures[i].sessions);
		verb_print_json(o);
	}
}

static void
say_json(const struct received_sums *s, struct slice domain)
{
	struct json_value *o = json_value_object();

	json_value_set_text(o, "domain", domain);
	json_value_set_i64(o, "first", (int64_t)s->first);
	json_value_set_i64(o, "last", (int64_t)s->last);
	json_value_set_i64(o, "dmarc_reports", (int64_t)s->dmarc_reports);
	json_value_set_i64(o, "tls_reports", (int64_t)s->tls_reports);
	json_value_set_i64(o, "unreadable", (int64_t)s->unreadable);
	set_source(o, &s->all);
	json_value_set_i64(o, "sessions", (int64_t)s->sessions);
	json_value_set_i64(o, "failed_sessions", (int64_t)s->failed);
	verb_print_json(o);
	say_json_rows(s);
}

/* ---- the verb ---- */

static int
take_days(const char *text, uint64_t *out, struct error *e)
{
	*out = DAYS_DEFAULT;
	if (text != NULL && (!slice_to_u64(slice_str(text), DAYS_MAX, out) || *out == 0))
		return error_set(e, ERR_USAGE, "--days is a number from 1 to %u, not %s", DAYS_MAX, text);
	return 0;
}

/* In which domain, and whose mailboxes. */
static int
take_words(struct place *p, const struct verb_input *in, struct arena *a, struct slice *domain,
    struct store_address_resolved *who, struct error *e)
{
	struct slice *domains, address;
	size_t count;
	int rc = records_domains(p, in->config, a, &domains, &count, e);

	if (rc != 0)
		return rc;
	*domain = records_find(domains, count, in->words[1]);
	if (domain->len == 0)
		return error_set(e, ERR_NOT_FOUND, "%s is none of our domains", in->words[1]);
	address = in->word_count > 2 ? slice_str(in->words[2]) : arena_printf(a, "postmaster@%.*s", ARGS(*domain));
	rc = postmaster_resolve(p->port, in->config, address, a, who, e);
	if (rc == 0 && who->account_count == 0)
		rc = error_set(
		    e, ERR_NOT_FOUND, "mail to %.*s is in no mailbox here; name an address that is", ARGS(address));
	return rc;
}

int
domain_reports(struct place *p, const struct verb_input *in, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct store_address_resolved who = { 0 };
	struct looking l = { .port = p->port };
	struct slice domain;
	uint64_t days = 0;
	int rc = take_days(in->days, &days, e);

	arena_init(&a, NAMES_BUDGET);
	if (rc == 0)
		rc = take_words(p, in, &a, &domain, &who, e);
	if (rc == 0)
		rc = received_new(domain, &l.received, e);
	l.since = clock_unix() - days * DATE_DAY;
	for (size_t i = 0; rc == 0 && i < who.account_count; i++) {
		l.account = who.accounts[i];
		rc = look_into_all(&l, e);
	}
	if (rc == 0 && in->json)
		say_json(received_sums(l.received), domain);
	else if (rc == 0)
		say(received_sums(l.received), domain, l.letters, days);
	received_free(l.received);
	return rc;
}
