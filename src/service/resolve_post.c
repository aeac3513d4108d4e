/* SPDX-License-Identifier: ISC */
/* A report that a domain wants to have over HTTPS (RFC 8460 section 5.4). */
#include "base/arena.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "service/limits.h"
#include "service/resolve_web.h"
#include "smtp/path.h"

#define POST_ARENA_MAX (64u << 10)
#define ANSWER_MAX (64u << 10) /* octets of what the server says, which nobody reads */

struct post_job {
	struct port_job *job;
	struct arena arena;
	struct resolve_web web;
};

static void
finish(struct post_job *p, const struct resolve_posted *posted, const struct error *e)
{
	if (posted != NULL)
		port_reply(p->job, posted);
	else
		port_fail(p->job, e);
	arena_done(&p->arena);
	mem_free(p);
}

static void
failed(void *ctx, const struct error *e)
{
	finish(ctx, NULL, e);
}

static void
work(void *ctx)
{
	struct post_job *p = ctx;
	const struct resolve_post *q = port_job_request(p->job);
	struct fetch_request request = { .url = arena_cstr(&p->arena, q->url),
		.resolve = resolve_web_text(&p->web),
		.authorities = p->web.end->authorities,
		.content_type = arena_cstr(&p->arena, q->type),
		.body = q->body,
		.timeout_ms = RESOLVE_STS_FETCH_MS };
	struct resolve_posted posted = { 0 };
	struct buf answer BUF_OWNED = { 0 };
	struct error e;
	unsigned status = 0;
	int rc;

	buf_init(&answer, ANSWER_MAX);
	if (request.url == NULL || request.resolve == NULL || request.content_type == NULL)
		rc = error_nomem(&e);
	else
		rc = fetch(&request, &answer, &status, &e);
	posted.status = status;
	finish(p, rc == 0 ? &posted : NULL, &e);
}

/* Its host; empty: it is none of https, or of another port: what is behind such ports is not for strangers to choose. */
static struct slice
host_of(struct slice url)
{
	const struct slice scheme = SLICE("https://");
	struct slice host, port, rest;

	if (!slice_istarts(url, scheme))
		return SLICE_EMPTY;
	host = slice_split(slice_split(slice_split(slice_from(url, scheme.len), '/', &rest), '?', &rest), '#', &rest);
	host = slice_split(host, ':', &port);
	return smtp_domain_valid(host) && (port.len == 0 || slice_eq_str(port, "443")) ? host : SLICE_EMPTY;
}

void
resolve_post_run(struct resolver_end *end, struct port_job *job)
{
	const struct resolve_post *q = port_job_request(job);
	struct slice host = host_of(q->url);
	struct post_job *p = host.len == 0 || end->pool == NULL ? NULL : mem_alloc(sizeof *p);
	struct error e;

	if (p == NULL) {
		if (host.len == 0)
			(void)error_set(&e, ERR_SYNTAX, "reports go to https://HOST/, at port 443 only");
		else
			(void)error_set(&e, ERR_UNSUPPORTED, "this resolver speaks to no web servers");
		port_fail(job, &e);
		return;
	}
	p->job = job;
	arena_init(&p->arena, POST_ARENA_MAX);
	p->web = (struct resolve_web){
		.end = end, .arena = &p->arena, .host = host, .work = work, .failed = failed, .ctx = p
	};
	resolve_web_begin(&p->web);
}
