/* SPDX-License-Identifier: ISC */
#include "service/report/internal.h"

#include <pthread.h>
#include <time.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/utf8.h"
#include "mailauth/dmarc/record.h"
#include "mailauth/name.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/thread.h"
#include "service/resolve.h"
#include "smtp/dsn.h"
#include "store/store.h"

#define AFTER_MIDNIGHT_S 600u /* sessions of the day before are counted by then */
#define SPREAD_S 7200u
#define LOOK_S 300u /* clocks are set, and a name server that was away is back */
#define RETRY_S 10u /* when a domain could not be served; longer each time */
#define RETRY_MAX_S 3600u
#define LETTER_LIFETIME_S 86400u /* RFC 8460 section 5.5 */
#define PAGE_ARENA (8u << 20)    /* STORE_TALLY_PAGE_MAX rows */
#define DAYS_TRIED 3u            /* from the day that is told: it is over on the next, and has a day and more */
#define DNS_ARENA (256u << 10)

struct reporter {
	struct reporter_options options;
	struct buf hostname;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping, put_done, woken;
	int put_code;
	/* the thread's */
	uint64_t reported; /* days before this one were looked at */
	bool again;        /* and not all could be served */
	uint32_t retry_s;
};

uint64_t
reporter_before(struct slice hostname, uint64_t unix_seconds)
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = { 0 }; /* nobody is to be surprised by it */
	uint64_t begin = AFTER_MIDNIGHT_S + siphash(key, hostname) % SPREAD_S, day = unix_seconds / DATE_DAY;

	return unix_seconds % DATE_DAY >= begin || day == 0 ? day : day - 1;
}

static bool
is_stopping(struct reporter *r)
{
	bool stopping;

	(void)pthread_mutex_lock(&r->lock);
	stopping = r->stopping;
	(void)pthread_mutex_unlock(&r->lock);
	return stopping;
}

/* ---- sending ---- */

static void
on_put(void *ctx, const struct queue_kept *kept, const struct error *e)
{
	struct reporter *r = ctx;

	(void)pthread_mutex_lock(&r->lock);
	r->put_done = true;
	r->put_code = kept != NULL ? 0 : e->code;
	(void)pthread_cond_broadcast(&r->wake);
	(void)pthread_mutex_unlock(&r->lock);
}

static int
put_and_wait(struct reporter *r, const struct queue_letter *letter, struct error *e)
{
	int rc;

	r->put_done = false;
	rc = queue_put(r->options.queue, letter, on_put, r, e);
	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&r->lock);
	while (!r->put_done)
		(void)pthread_cond_wait(&r->wake, &r->lock);
	rc = r->put_code;
	(void)pthread_mutex_unlock(&r->lock);
	return rc == 0 ? 0 : error_set(e, rc, "the letter with a report is not kept");
}

static uint32_t
header_size(struct slice letter)
{
	return (uint32_t)(slice_search(letter, SLICE("\r\n\r\n")) + 4);
}

/* One domain's counts of one day, and whom the reports on them go to. */
struct sending {
	struct reporter *reporter;
	const struct report_kind *kind;
	void *gather;
	struct slice domain;
	struct report_where where;
	struct buf text, fields;
};

static int
put_letter(struct sending *s, struct error *e)
{
	const struct slice text = buf_slice(&s->text);
	struct queue_put_recipient recipients[REPORT_ADDRESSES_MAX];
	const struct queue_letter letter = { .content = { .data = text, .header_size = header_size(text) },
		.skip = REPORT_LETTER_SKIP,
		.front = buf_slice(&s->fields),
		.flags = s->kind->flags,
		.lifetime_s = LETTER_LIFETIME_S,
		.recipients = recipients,
		.recipient_count = s->where.to_count };

	for (size_t i = 0; i < s->where.to_count; i++)
		recipients[i] = (struct queue_put_recipient){ .address = s->where.to[i], .notify = SMTP_NOTIFY_NEVER };
	return put_and_wait(s->reporter, &letter, e);
}

/* Whole, or with less in it when that is too long. */
static int
write_letter(struct sending *s, size_t i, struct slice submitter, struct error *e)
{
	int rc = ERR_LIMIT;

	for (unsigned cut = 0; rc == ERR_LIMIT && cut <= REPORT_CUTS_MAX; cut++) {
		struct report_letter letter = { .submitter = submitter,
			.domain = s->domain,
			.to = s->where.to,
			.to_count = s->where.to_count,
			.now = clock_unix() };

		buf_done(&s->text);
		buf_init(&s->text, REPORT_LETTER_MAX);
		report_letter_init(&letter);
		rc = s->kind->compose(s->gather, i, cut, &letter, e);
		if (rc == 0)
			rc = report_letter_write(&letter, &s->text, e);
		report_letter_done(&letter);
	}
	return rc;
}

/* 1: it is signed; 0: this domain has no key. */
static int
write_signed(struct sending *s, size_t i, struct slice submitter, struct error *e)
{
	const struct reporter_options *o = &s->reporter->options;
	int rc =
	    mailauth_name_can_be(submitter) && utf8_is_ascii(submitter) ? write_letter(s, i, submitter, e) : ERR_USAGE;

	if (rc == ERR_USAGE || o->sign == NULL)
		return 0;
	buf_clear(&s->fields);
	if (rc == 0)
		rc =
		    o->sign(o->sign_ctx, submitter, slice_from(buf_slice(&s->text), REPORT_LETTER_SKIP), &s->fields, e);
	return rc != 0 ? rc : s->fields.len > 0;
}

/* From our hostname, or the first of our domains that has a key: without a signature nobody may believe it. */
static int
send_letter(struct sending *s, size_t i, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct store_domains ours = { 0 };
	int rc = write_signed(s, i, buf_slice(&s->reporter->hostname), e);

	arena_init(&a, PAGE_ARENA);
	if (rc == 0 && store_domain_list(s->reporter->options.store, &(struct store_nothing){ 0 }, &a, &ours, e) != 0)
		return e->code;
	for (size_t k = 0; rc == 0 && k < ours.domain_count; k++)
		rc = write_signed(s, i, ours.domains[k], e);
	if (rc == 0)
		return error_set(e, ERR_NO_KEY, "none of our domains has a DKIM key, so nobody would believe a report");
	return rc < 0 ? rc : put_letter(s, e);
}

/* ---- over HTTPS ---- */

static int
post_to(struct sending *s, struct slice url, struct slice body, struct error *e)
{
	const struct resolve_post in = { .url = url, .type = SLICE("application/tlsrpt+gzip"), .body = body };
	struct arena a ARENA_OWNED = { 0 };
	struct resolve_posted posted = { 0 };
	int rc;

	arena_init(&a, 4096);
	rc = resolve_post(s->reporter->options.resolver, &in, &a, &posted, e);
	if (rc == 0 && posted.status / 100 != 2)
		rc = error_set(e, ERR_NET, "the web server for reports says %u", (unsigned)posted.status);
	if (rc != 0)
		log_event(LOG_LEVEL_INFO, "report.post_failed", log_slice("domain", s->domain), log_slice("to", url),
		    log_error(e));
	return rc;
}

/* To each; 0: one of them has it (RFC 8460 section 3). Nobody's signature is wanted there: TLS says whose server it is. */
static int
post_report(struct sending *s, size_t i, struct error *e)
{
	struct report_letter letter = {
		.submitter = buf_slice(&s->reporter->hostname), .domain = s->domain, .now = clock_unix()
	};
	struct buf packed BUF_OWNED = { 0 };
	bool taken = false;
	int rc;

	buf_init(&packed, RESOLVE_POST_MAX);
	report_letter_init(&letter);
	rc = s->kind->compose(s->gather, i, 0, &letter, e);
	if (rc == 0)
		rc = report_pack(buf_slice(&letter.document), &packed, e);
	for (size_t k = 0; rc == 0 && k < s->where.url_count; k++)
		taken = post_to(s, s->where.urls[k], buf_slice(&packed), e) == 0 || taken;
	report_letter_done(&letter);
	return rc != 0 ? rc : taken ? 0 : e->code;
}

/* By letter and over HTTPS, as it is wanted: it is sent when one of them is. */
static int
send_report(struct sending *s, size_t i, struct error *e)
{
	int posted = s->where.url_count == 0 ? ERR_NOT_FOUND : post_report(s, i, e);
	int rc = s->where.to_count == 0 ? posted : send_letter(s, i, e);

	return posted == 0 ? 0 : rc;
}

/* What was counted of one domain on one day. */
struct counted {
	const struct report_kind *kind;
	enum store_tally_kind number;
	void *gather; /* NULL: there is none yet */
	uint64_t day;
	struct buf domain;
};

/* 0: it was sent, or nobody wants it. */
static int
report_on(struct reporter *r, const struct counted *c, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct sending s = { .reporter = r, .kind = c->kind, .gather = c->gather, .domain = buf_slice(&c->domain) };
	size_t count = c->kind->count(c->gather);
	int rc;

	if (count == 0)
		return 0;
	arena_init(&a, DNS_ARENA);
	rc = c->kind->ask(r->options.resolver, s.domain, &a, &s.where, e);
	if (rc <= 0)
		return rc;
	if (s.where.to_count + s.where.url_count == 0) {
		log_event(
		    LOG_LEVEL_INFO, "report.no_address", log_slice("domain", s.domain), log_str("of", c->kind->name));
		return 0;
	}
	buf_init(&s.fields, QUEUE_FRONT_MAX);
	rc = 0;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = send_report(&s, i, e);
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "report.sent", log_slice("domain", s.domain), log_str("of", c->kind->name),
		    log_u64("day", c->day), log_slice("to", s.where.to_count > 0 ? s.where.to[0] : s.where.urls[0]));
	buf_done(&s.text);
	buf_done(&s.fields);
	return rc;
}

/* ---- what was counted ---- */

/* What never changes by waiting: an address that cannot be, or that nobody here has. */
static bool
is_for_good_code(int code)
{
	return code == ERR_NOT_FOUND || code == ERR_SYNTAX || code == ERR_DENIED || code == ERR_USAGE ||
	    code == ERR_LIMIT || code == ERR_NO_KEY;
}

/* Reports are tried for at least 24 hours (RFC 8460 section 5.5), and not for ever. */
static bool
is_for_good(int code, uint64_t day)
{
	return is_for_good_code(code) || clock_unix() / DATE_DAY > day + DAYS_TRIED;
}

static void
finish(struct reporter *r, struct counted *c)
{
	struct arena a ARENA_OWNED = { 0 };
	const struct store_tally_day in = { .kind = c->number, .day = c->day, .domain = buf_slice(&c->domain) };
	struct store_nothing none;
	struct error e;
	int rc;

	if (c->gather == NULL)
		return;
	rc = is_stopping(r) ? ERR_CLOSED : report_on(r, c, &e);
	if (rc != 0 && !is_stopping(r))
		log_event(is_for_good(rc, c->day) ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "report.not_sent",
		    log_slice("domain", in.domain), log_str("of", c->kind->name), log_error(&e),
		    log_str("so", is_for_good(rc, c->day) ? "it is left out" : "later"));
	arena_init(&a, 4096);
	if (rc != 0 && !is_for_good(rc, c->day))
		r->again = true;
	else if (store_tally_remove(r->options.store, &in, &a, &none, &e) != 0)
		log_event(LOG_LEVEL_WARNING, "report.counts", log_error(&e));
	c->kind->done(c->gather);
	c->gather = NULL;
}

static int
take_row(struct reporter *r, struct counted *c, const struct store_tally *row, struct error *e)
{
	int rc = 0;

	if (c->gather != NULL && (c->day != row->day || !slice_eq(buf_slice(&c->domain), row->domain)))
		finish(r, c);
	if (c->gather == NULL) {
		buf_clear(&c->domain);
		c->day = row->day;
		rc = buf_put_slice(&c->domain, row->domain) != 0 ? error_nomem(e)
								 : c->kind->begin(row->day, row->domain, &c->gather, e);
	}
	if (rc == 0)
		rc = c->kind->add(c->gather, row->result, row->count, e);
	return rc == ERR_LIMIT ? 0 : rc; /* the first rows are reported */
}

static int
take_page(struct reporter *r, struct counted *c, const struct store_tallies *page, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < page->row_count && !is_stopping(r); i++)
		rc = take_row(r, c, &page->rows[i], e);
	return rc;
}

/* A copy of where the page ends, for the next one. */
static void
go_on_behind(struct store_tally_list *in, const struct store_tallies *page, struct buf *keep)
{
	const struct store_tally *last = &page->rows[page->row_count - 1];

	buf_clear(keep);
	(void)buf_put_slice(keep, last->domain);
	(void)buf_put_slice(keep, last->result);
	in->after_day = last->day;
	in->after_domain = slice_sub(buf_slice(keep), 0, last->domain.len);
	in->after_result = slice_from(buf_slice(keep), last->domain.len);
}

static int
report_before(
    struct reporter *r, const struct report_kind *kind, enum store_tally_kind number, uint64_t day, struct error *e)
{
	struct store_tally_list in = { .kind = number, .before = day };
	struct counted c = { .kind = kind, .number = number };
	struct buf keep BUF_OWNED = { 0 };
	bool more = true;
	int rc = 0;

	buf_init(&c.domain, STORE_DOMAIN_MAX);
	buf_init(&keep, STORE_TALLY_MAX + STORE_DOMAIN_MAX);
	while (rc == 0 && more && !is_stopping(r)) {
		struct arena a ARENA_OWNED = { 0 };
		struct store_tallies page = { 0 };

		arena_init(&a, PAGE_ARENA);
		rc = store_tally_list(r->options.store, &in, &a, &page, e);
		more = rc == 0 && page.more && page.row_count > 0;
		if (rc == 0)
			rc = take_page(r, &c, &page, e);
		if (more)
			go_on_behind(&in, &page, &keep);
	}
	if (rc == 0)
		finish(r, &c);
	if (c.gather != NULL)
		kind->done(c.gather);
	buf_done(&c.domain);
	return rc;
}

/* Counts whose reports the operator does not want sent are forgotten. */
static void
report_kind_before(
    struct reporter *r, const struct report_kind *kind, enum store_tally_kind number, bool wanted, uint64_t day)
{
	struct arena a ARENA_OWNED = { 0 };
	const struct store_tally_day all = { .kind = number, .day = day };
	struct store_nothing none;
	struct error e;
	int rc;

	arena_init(&a, 4096);
	rc = wanted ? report_before(r, kind, number, day, &e)
		    : store_tally_remove(r->options.store, &all, &a, &none, &e);
	if (rc != 0 && !is_stopping(r)) {
		log_event(LOG_LEVEL_WARNING, "report.counts", log_error(&e));
		r->again = true;
	}
}

/* ---- the thread ---- */

/* False: it is to end. */
static bool
wait_for(struct reporter *r, uint32_t seconds)
{
	struct timespec until;
	bool stopping;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	(void)pthread_mutex_lock(&r->lock);
	while (!r->stopping && !r->woken && rc == 0)
		rc = pthread_cond_timedwait(&r->wake, &r->lock, &until);
	stopping = r->stopping;
	r->woken = false;
	(void)pthread_mutex_unlock(&r->lock);
	return !stopping;
}

static void
look(struct reporter *r)
{
	uint64_t before = reporter_before(buf_slice(&r->hostname), clock_unix());

	if (before == r->reported && !r->again)
		return;
	r->again = false;
	report_kind_before(r, &report_tls, STORE_TALLY_TLS, r->options.tls, before);
	report_kind_before(r, &report_dmarc, STORE_TALLY_DMARC, r->options.dmarc, before);
	r->reported = before;
	r->retry_s = !r->again ? 0 : r->retry_s == 0 ? RETRY_S : (uint32_t)size_min(r->retry_s * 2, RETRY_MAX_S);
}

/* First when it is woken: before, nobody can be asked. */
static void *
run(void *ctx)
{
	struct reporter *r = ctx;

	while (wait_for(r, r->again ? r->retry_s : LOOK_S))
		look(r);
	return NULL;
}

void
reporter_wake(struct reporter *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->woken = true;
	(void)pthread_cond_broadcast(&r->wake);
	(void)pthread_mutex_unlock(&r->lock);
}

int
reporter_new(const struct reporter_options *options, struct reporter **out, struct error *e)
{
	struct reporter *r;
	pthread_condattr_t attr;

	if (!mailauth_name_can_be(options->hostname))
		return error_set(e, ERR_USAGE, "reports are from a host, and this is none");
	r = mem_alloc(sizeof *r);
	if (r == NULL)
		return error_nomem(e);
	r->options = *options;
	buf_init(&r->hostname, MAILAUTH_NAME_MAX);
	(void)buf_put_slice(&r->hostname, options->hostname);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&r->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	*out = r;
	return 0;
}

int
reporter_start(struct reporter *r, struct error *e)
{
	int rc = thread_start(&r->thread, "reports", run, r, e);

	r->started = rc == 0;
	return rc;
}

void
reporter_stop(struct reporter *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->stopping = true;
	(void)pthread_cond_broadcast(&r->wake);
	(void)pthread_mutex_unlock(&r->lock);
}

void
reporter_free(struct reporter *r)
{
	if (r == NULL)
		return;
	if (r->started)
		(void)pthread_join(r->thread, NULL);
	(void)pthread_cond_destroy(&r->wake);
	(void)pthread_mutex_destroy(&r->lock);
	buf_done(&r->hostname);
	mem_free(r);
}
