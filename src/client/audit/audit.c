/* SPDX-License-Identifier: ISC */
/* What all subjects use: findings, DNS, HTTPS. */
#include "client/audit/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "net/fetch.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/terminal.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX (64u << 10)
#define ANCHORS "/usr/share/dns/root.key"
#define URL_MAX 1024u
#define FOUND_MAX 1000u

/* ---- beginning and end ---- */

static int
add_resolver(struct audit *a, const struct slice *servers, size_t count, struct error *e)
{
	const struct dns_config config = {
		.servers = servers, .server_count = count, .anchors = buf_slice(&a->anchors)
	};
	struct dns *d = NULL;
	int rc = dns_new(&config, &d, e);

	if (rc != 0)
		return rc;
	a->dns[a->dns_count++] = d;
	return dns_start(d, e);
}

static int
add_resolvers(struct audit *a, struct error *e)
{
	const struct option_list *named = &a->settings->resolvers;
	struct slice servers[DNS_SERVERS_MAX];
	size_t count = 0;
	int rc = 0;

	if (named->count > AUDIT_RESOLVERS_MAX)
		return error_set(e, ERR_USAGE, "at most %u resolvers are compared", AUDIT_RESOLVERS_MAX);
	for (size_t i = 0; i < named->count && rc == 0; i++) {
		servers[0] = slice_str(named->items[i]);
		if (!dns_server_valid(servers[0]))
			return error_set(e, ERR_USAGE, "--resolver takes an address, perhaps with @PORT, not '%.60s'",
			    named->items[i]);
		rc = add_resolver(a, servers, 1, e);
	}
	if (named->count > 0)
		return rc;
	if (file_read(RESOLV_CONF, &a->resolv_conf, NULL) == 0)
		count = dns_servers_find(buf_slice(&a->resolv_conf), servers);
	return add_resolver(a, servers, count, e);
}

int
audit_begin(struct audit *a, const struct audit_settings *settings, struct error *e)
{
	const char *anchors = settings->anchors != NULL ? settings->anchors : ANCHORS;
	int rc;

	*a = (struct audit){
		.settings = settings, .now = clock_unix(), .until_ms = clock_ms() + (int64_t)settings->seconds * 1000
	};
	arena_init(&a->arena, AUDIT_BUDGET);
	buf_init(&a->resolv_conf, RESOLV_CONF_MAX);
	buf_init(&a->anchors, DNS_ANCHORS_MAX);
	rc = file_read(anchors, &a->anchors, e);
	if (rc != 0 && settings->anchors != NULL)
		return rc;
	return settings->domain.len == 0 ? 0 : add_resolvers(a, e);
}

void
audit_done(struct audit *a)
{
	for (size_t i = 0; i < a->dns_count; i++)
		dns_free(a->dns[i]);
	buf_done(&a->resolv_conf);
	buf_done(&a->anchors);
	arena_done(&a->arena);
}

bool
audit_is_over(const struct audit *a)
{
	return clock_ms() >= a->until_ms;
}

/* ---- findings ---- */

void
audit_find(
    struct audit *a, enum audit_check check, enum audit_result result, struct slice subject, const char *found, ...)
{
	char text[FOUND_MAX];
	va_list list;
	int n;

	if (a->finding_count == AUDIT_FINDINGS_MAX)
		return;
	va_start(list, found);
	n = vsnprintf(text, sizeof text, found, list);
	va_end(list);
	a->findings[a->finding_count++] = (struct audit_finding){ .check = check,
		.result = result,
		.subject = subject,
		.found = arena_copy(&a->arena, slice_of(text, n < 0 ? 0 : size_min((size_t)n, sizeof text - 1))) };
}

void
audit_progress(const struct audit *a, const char *what, struct slice whom)
{
	BUF_OWNED struct buf b = { .max = 400 };

	if (!a->settings->say)
		return;
	(void)printable_put(&b, whom, PRINTABLE_LINE, 60);
	/* One line that the next one replaces. */
	(void)fprintf(
	    stderr, "\r\033[K%s%s%.*s", what, b.len > 0 ? " " : "", (int)b.len, b.len == 0 ? "" : (const char *)b.data);
	(void)fflush(stderr);
}

/* ---- DNS ---- */

enum audit_asked
audit_ask_of(struct audit *a, size_t n, const char *prefix, struct slice name, enum dns_type type,
    struct dns_answer *out, struct error *e)
{
	struct slice whole = arena_printf(&a->arena, "%s%.*s", prefix, AUDIT_S(name));
	struct error ignored;
	int rc;

	if (e == NULL)
		e = &ignored;
	*e = (struct error){ 0 };
	if (n >= a->dns_count || audit_is_over(a)) {
		(void)error_set(e, ERR_TIMEOUT, "not asked: the time is over");
		return ASKED_FAILED;
	}
	rc = dns_ask(a->dns[n], whole, (uint16_t)type, &a->arena, out, e);
	if (rc != 0)
		return ASKED_FAILED;
	if (out->security == DNS_BOGUS) {
		(void)error_set(e, ERR_INTEGRITY, "its DNSSEC signatures are wrong: %.*s", AUDIT_S(out->reason));
		return ASKED_BOGUS;
	}
	if (out->rcode != DNS_NOERROR && out->rcode != DNS_NXDOMAIN) {
		(void)error_set(e, ERR_NET, "the name servers answer with error %u", out->rcode);
		return ASKED_FAILED;
	}
	a->state.asked = true;
	return out->record_count > 0 ? ASKED_FOUND : out->rcode == DNS_NXDOMAIN ? ASKED_NO_NAME : ASKED_NONE;
}

enum audit_asked
audit_ask(
    struct audit *a, const char *prefix, struct slice name, enum dns_type type, struct dns_answer *out, struct error *e)
{
	return audit_ask_of(a, 0, prefix, name, type, out, e);
}

struct slice
audit_text(struct audit *a, struct slice rdata)
{
	uint8_t *text = arena_alloc(&a->arena, rdata.len + 1);
	size_t n = 0;

	if (text == NULL)
		return SLICE_EMPTY;
	while (rdata.len > 0) {
		struct slice one = slice_sub(rdata, 1, rdata.data[0]);

		if (one.len > 0)
			memcpy(text + n, one.data, one.len);
		n += one.len;
		rdata = slice_from(rdata, 1 + one.len);
	}
	return slice_of(text, n);
}

size_t
audit_records(struct audit *a, const struct dns_answer *answer, const char *begin, struct slice *out)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->record_count; i++) {
		struct slice text = audit_text(a, answer->records[i]);

		if (slice_istarts(text, slice_str(begin)) && count++ == 0)
			*out = text;
	}
	return count;
}

/* ---- HTTPS ---- */

/* "host:443:address", by our own look-up, so that the person's resolver is the one that is asked. */
static int
resolve(struct audit *a, struct slice host, struct buf *out, struct error *e)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	bool any = false;

	(void)buf_putf(out, "%.*s:443:", AUDIT_S(host));
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct dns_answer answer;

		if (audit_ask(a, "", host, types[i], &answer, e) != ASKED_FOUND)
			continue;
		for (size_t k = 0; k < answer.record_count && k < AUDIT_ADDRESSES_MAX; k++) {
			(void)buf_put_str(out, any ? "," : "");
			(void)buf_put_str(out, types[i] == DNS_AAAA ? "[" : "");
			(void)dns_record_text((uint16_t)types[i], answer.records[k], out, NULL);
			(void)buf_put_str(out, types[i] == DNS_AAAA ? "]" : "");
			any = true;
		}
	}
	(void)buf_put_u8(out, 0);
	if (!any && e->code == 0)
		return error_set(e, ERR_NOT_FOUND, "there is no host %.*s", AUDIT_S(host));
	return any ? 0 : e->code;
}

int
audit_get(struct audit *a, struct slice host, const char *path, struct buf *body, unsigned *status, struct error *e)
{
	BUF_OWNED struct buf where = { .max = URL_MAX }, url = { .max = URL_MAX };
	struct fetch_request r = { .ca_file = a->settings->ca_file };
	int rc;

	audit_progress(a, "Asking", host);
	*e = (struct error){ 0 };
	rc = resolve(a, host, &where, e);
	if (rc != 0)
		return rc;
	(void)buf_putf(&url, "https://%.*s%s", AUDIT_S(host), path);
	(void)buf_put_u8(&url, 0);
	if (where.err != 0 || url.err != 0)
		return error_set(e, ERR_LIMIT, "the name is too long");
	r.timeout_ms = a->until_ms - clock_ms();
	if (r.timeout_ms <= 0)
		return error_set(e, ERR_TIMEOUT, "not asked: the time is over");
	if (r.timeout_ms > AUDIT_WAIT_MS)
		r.timeout_ms = AUDIT_WAIT_MS;
	r.url = (const char *)url.data;
	r.resolve = (const char *)where.data;
	return fetch(&r, body, status, e);
}
