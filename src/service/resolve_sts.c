/* SPDX-License-Identifier: ISC */
/*
 * The policy that a domain publishes over HTTPS (RFC 8461 section 3): its TXT
 * record on the DNS loop's thread, the addresses of its web server there too,
 * and the file itself, which waits for that server, on a thread of a small pool.
 * libcurl is given the addresses and the authorities: it looks no name up and
 * opens no file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "mailauth/policy/sts.h"
#include "net/fetch.h"
#include "service/limits.h"
#include "service/resolve_web.h"

#define STS_ARENA_MAX (256u << 10)

struct sts_job {
	struct resolver_end *end;
	struct port_job *job;
	struct arena arena;
	struct slice id;
	struct resolve_web web; /* mta-sts.DOMAIN */
};

static void
finish(struct sts_job *s, const struct resolve_sts_found *found, const struct error *e)
{
	if (found != NULL)
		port_reply(s->job, found);
	else
		port_fail(s->job, e);
	arena_done(&s->arena);
	mem_free(s);
}

static void
fail(struct sts_job *s, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	finish(s, NULL, &e);
}

/* ---- the file ---- */

static int
fetch_policy(struct sts_job *s, struct buf *body, struct error *e)
{
	struct slice url = arena_printf(
	    &s->arena, "https://%.*s/.well-known/mta-sts.txt", (int)s->web.host.len, (const char *)s->web.host.data);
	struct fetch_request request = { .url = arena_cstr(&s->arena, url),
		.resolve = resolve_web_text(&s->web),
		.authorities = s->end->authorities,
		.media_type = "text/plain",
		.timeout_ms = RESOLVE_STS_FETCH_MS };
	struct sts_policy policy;
	unsigned status;
	int rc;

	if (request.url == NULL || request.resolve == NULL)
		return error_nomem(e);
	rc = fetch(&request, body, &status, e);
	if (rc == 0 && status != 200)
		return error_set(e, ERR_NET, "the web server of the MTA-STS policy says %u", status);
	return rc == 0 ? sts_policy_parse(buf_slice(body), &policy, e) : rc;
}

static void
work(void *ctx)
{
	struct sts_job *s = ctx;
	struct error e;
	struct buf body;
	int rc;

	buf_init(&body, RESOLVE_STS_POLICY_MAX);
	rc = fetch_policy(s, &body, &e);
	if (rc == 0)
		finish(s, &(struct resolve_sts_found){ .id = s->id, .policy = buf_slice(&body) }, NULL);
	else
		finish(s, NULL, &e);
	buf_done(&body);
}

static void
failed(void *ctx, const struct error *e)
{
	finish(ctx, NULL, e);
}

/* ---- names ---- */

/* The strings of a record, one behind the other. */
static struct slice
joined(struct sts_job *s, struct slice rdata)
{
	uint8_t *out = arena_alloc(&s->arena, rdata.len + 1);
	size_t len = 0;

	while (out != NULL && rdata.len > 0) {
		size_t n = size_min(rdata.data[0], rdata.len - 1);

		memcpy(out + len, rdata.data + 1, n);
		len += n;
		rdata = slice_from(rdata, n + 1);
	}
	return out == NULL ? SLICE_EMPTY : slice_of(out, len);
}

static bool
read_id(struct sts_job *s, const struct dns_answer *answer)
{
	struct slice *texts = arena_array(&s->arena, answer->record_count + 1, sizeof *texts);

	for (size_t i = 0; texts != NULL && i < answer->record_count; i++)
		texts[i] = joined(s, answer->records[i]);
	return texts != NULL && s->arena.err == 0 && sts_record_id(texts, answer->record_count, &s->id);
}

static void
on_record(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct sts_job *s = ctx;
	const struct resolve_sts *q = port_job_request(s->job);

	if (answer == NULL)
		finish(s, NULL, e);
	else if (answer->security == DNS_BOGUS)
		fail(s, ERR_NET, "the MTA-STS record is forged or wrongly signed (DNSSEC)");
	else if (!read_id(s, answer))
		fail(s, ERR_NOT_FOUND, "the domain has no MTA-STS record");
	else if (slice_eq(s->id, q->known_id))
		finish(s, &(struct resolve_sts_found){ .id = s->id }, NULL);
	else
		resolve_web_begin(&s->web);
}

void
resolve_sts_run(struct resolver_end *end, struct port_job *job)
{
	const struct resolve_sts *q = port_job_request(job);
	struct sts_job *s = mem_alloc(sizeof *s);
	struct slice name;
	struct error e;

	if (s == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	s->end = end;
	s->job = job;
	s->web = (struct resolve_web){ .end = end, .arena = &s->arena, .work = work, .failed = failed, .ctx = s };
	arena_init(&s->arena, STS_ARENA_MAX);
	name = arena_printf(&s->arena, "_mta-sts.%.*s", (int)q->domain.len, (const char *)q->domain.data);
	s->web.host = arena_printf(&s->arena, "mta-sts.%.*s", (int)q->domain.len, (const char *)q->domain.data);
	if (end->pool == NULL)
		fail(s, ERR_UNSUPPORTED, "this resolver fetches no policies");
	else if (dns_lookup(end->dns, name, DNS_TXT, on_record, s, &e) != 0)
		finish(s, NULL, &e);
}
