/* SPDX-License-Identifier: ISC */
#include "service/front/front.h"

#include "base/mem.h"
#include "os/metrics.h"

#define TEXT(lit) \
	{ \
		(const uint8_t *)(lit), sizeof(lit) - 1 \
	}

#define UNAVAILABLE(seconds) \
	TEXT("HTTP/1.1 503 Service Unavailable\r\nRetry-After: " seconds \
	     "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

static const struct slice refusals[] = {
	[SERVICE_MX] = TEXT("421 4.3.2 Too many connections; try again later\r\n"),
	[SERVICE_SUBMISSION] = TEXT("421 4.3.2 Too many connections; try again later\r\n"),
	[SERVICE_IMAP] = TEXT("* BYE [UNAVAILABLE] Too many connections.\r\n"),
	[SERVICE_POP3] = TEXT("-ERR [SYS/TEMP] Too many connections\r\n"),
	[SERVICE_LMTP] = TEXT("421 4.3.2 Too many connections; try again later\r\n"),
	[SERVICE_DIRECTORY] = UNAVAILABLE("60"),
	[SERVICE_METRICS] = UNAVAILABLE("60"),
	[SERVICE_HTTP] = UNAVAILABLE("60"),
};

static const struct slice absences[] = {
	[SERVICE_MX] = TEXT("421 4.3.0 The service is starting; try again in a minute\r\n"),
	[SERVICE_LMTP] = TEXT("421 4.3.0 The service is starting; try again in a minute\r\n"),
	[SERVICE_DIRECTORY] = UNAVAILABLE("5"),
	[SERVICE_METRICS] = UNAVAILABLE("5"),
	[SERVICE_HTTP] = UNAVAILABLE("5"),
};

struct slice
front_refusal(enum service_role role)
{
	return refusals[role];
}

/* ---- a session that says one thing and closes ---- */

struct farewell {
	struct slice text; /* constant */
	size_t said;
};

static size_t
farewell_feed(void *session, struct slice in, int64_t now_ms)
{
	(void)session;
	(void)now_ms;
	return in.len;
}

static void
farewell_run(void *session, struct conn *c, int64_t now_ms)
{
	(void)session;
	(void)now_ms;
	conn_close(c);
}

static struct slice
farewell_output(void *session)
{
	const struct farewell *f = session;

	return slice_from(f->text, f->said);
}

static void
farewell_sent(void *session, size_t len)
{
	((struct farewell *)session)->said += len;
}

static int64_t
farewell_deadline(const void *session)
{
	(void)session;
	return MACHINE_NEVER;
}

static void
farewell_closed(void *session)
{
	mem_free(session);
}

static const struct conn_ops farewell_ops = {
	.feed = farewell_feed,
	.run = farewell_run,
	.output = farewell_output,
	.sent = farewell_sent,
	.deadline = farewell_deadline,
	.closed = farewell_closed,
};

static int
farewell_open(struct conn *c, struct slice text, struct error *e)
{
	struct farewell *f = mem_alloc(sizeof *f);

	if (f == NULL)
		return error_nomem(e);
	f->text = text;
	conn_become(c, &farewell_ops, f);
	return 0;
}

/* ---- */

static int
open_at_once(const struct front *f, enum service_role role, struct conn *c, struct error *e)
{
	const struct trunk_open in = { .kind = role };

	if (f->hand_over(f->ctx, c, &in, e) == 0)
		return 0;
	metric_add(METRIC_CONNECTIONS_REFUSED_TOTAL + METRIC_PAIR((unsigned)role - 1, REASON, METRIC_REASON_ABSENT), 1);
	return farewell_open(c, absences[role], e);
}

int
front_open(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	const struct front_listener *l = ctx;
	int rc;

	if (l->role == SERVICE_IMAP)
		rc = front_imap_open(l->front, c, e);
	else if (l->role == SERVICE_POP3)
		rc = front_pop3_open(l->front, c, e);
	else if (l->role == SERVICE_SUBMISSION)
		rc = front_smtp_open(l->front, c, e);
	else
		rc = open_at_once(l->front, l->role, c, e);
	if (rc == 0)
		*session_out = conn_session(c);
	return rc;
}
