/* SPDX-License-Identifier: ISC */
/* Message submission before authentication: everything but EHLO, STARTTLS and AUTH is refused by the machine. */
#include "base/mem.h"
#include "os/clock.h"
#include "service/front/stranger.h"
#include "smtp/server.h"

struct smtp_stranger {
	struct stranger stranger;
	struct smtp_server *machine;
	bool starting_tls;
};

static void
session_free(struct stranger *stranger)
{
	struct smtp_stranger *s = (struct smtp_stranger *)stranger;

	smtp_server_free(s->machine);
	mem_free(s);
}

static void
session_closed(void *session)
{
	stranger_release(&((struct smtp_stranger *)session)->stranger);
}

static int
machine_new(const struct smtp_stranger *s, bool silent, struct smtp_server **out, struct error *e)
{
	const struct service_settings *set = &s->stranger.front->settings;
	const struct sasl_offer offer = stranger_offer(&s->stranger);
	const struct smtp_server_config config = {
		.role = SMTP_SERVER_SUBMISSION,
		.hostname = set->hostname,
		.size_max = set->message_max,
		.recipients_max = set->recipients_max,
		.idle_ms = set->idle_ms,
		.tls = conn_is_tls(s->stranger.conn),
		.can_start_tls = conn_can_start_tls(s->stranger.conn),
		.bindings = offer.bindings,
		.mechanisms = offer.mechanisms,
	};

	return smtp_server_new(&config, silent, clock_ms(), out, e);
}

/* ---- signing in ---- */

static int
hand_over(struct smtp_stranger *s)
{
	struct trunk_open in = { .kind = SERVICE_SUBMISSION,
		.hello = smtp_server_hello(s->machine),
		.esmtp = smtp_server_is_esmtp(s->machine) };

	smtp_server_answer(s->machine, SMTP_REPLY_AUTH_OK, SLICE_EMPTY, clock_ms());
	in.pending = smtp_server_output(s->machine);
	in.unread = smtp_server_unread(s->machine);
	return s->stranger.front->hand_over(s->stranger.front->ctx, s->stranger.conn, &in, NULL);
}

static void
refuse(struct smtp_stranger *s)
{
	enum smtp_reply reply = SMTP_REPLY_TRY_LATER;

	if (s->stranger.rc == ERR_PASSWORD)
		reply = SMTP_REPLY_AUTH_WRONG;
	else if (s->stranger.rc == ERR_SYNTAX)
		reply = SMTP_REPLY_AUTH_MALFORMED;
	else if (s->stranger.rc == ERR_LIMIT)
		reply = SMTP_REPLY_AUTH_BUSY;
	smtp_server_answer(s->machine, reply, SLICE_EMPTY, clock_ms());
}

/* False: the connection is another session's now, or ends. */
static bool
answered(struct smtp_stranger *s)
{
	switch (stranger_take(&s->stranger)) {
	case STRANGER_CHALLENGE:
		smtp_server_challenge(s->machine, buf_slice(&s->stranger.challenge), clock_ms());
		return true;
	case STRANGER_NO:
		refuse(s);
		return true;
	case STRANGER_YES:
		break;
	}
	if (hand_over(s) == 0)
		stranger_release(&s->stranger);
	else
		conn_abort(s->stranger.conn); /* the machine has said yes already, and nobody is there */
	return false;
}

/* ---- driven by the connection ---- */

static void
start_tls(struct smtp_stranger *s, struct conn *c)
{
	s->starting_tls = true;
	if (conn_start_tls(c, NULL) != 0)
		conn_close(c);
}

/* False: nothing more to do now. */
static bool
step(struct smtp_stranger *s, struct conn *c, int64_t now_ms)
{
	struct smtp_server_event ev;

	if (s->stranger.asked)
		return atomic_load(&s->stranger.answered) && answered(s);
	switch ((int)smtp_server_next(s->machine, now_ms, &ev)) {
	case SMTP_SERVER_NOTHING:
		return false;
	case SMTP_SERVER_AUTHENTICATE:
		if (ev.first)
			stranger_begin(&s->stranger, ev.mechanism, ev.message);
		else
			stranger_respond(&s->stranger, ev.message);
		return true;
	case SMTP_SERVER_START_TLS:
		start_tls(s, c);
		return false;
	case SMTP_SERVER_RESET:
		return true;
	case SMTP_SERVER_CLOSE:
		conn_close(c);
		return false;
	default: /* the machine lets nothing else through before AUTH */
		conn_abort(c);
		return false;
	}
}

/* TLS stands: everything said before is forgotten. */
static bool
begin_behind_tls(struct smtp_stranger *s)
{
	struct smtp_server *fresh;

	if (machine_new(s, true, &fresh, NULL) != 0) {
		conn_abort(s->stranger.conn);
		return false;
	}
	smtp_server_free(s->machine);
	s->machine = fresh;
	s->starting_tls = false;
	return true;
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct smtp_stranger *s = session;

	if (s->starting_tls && (!conn_is_tls(c) || !begin_behind_tls(s)))
		return;
	while (step(s, c, now_ms))
		;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	return smtp_server_feed(((struct smtp_stranger *)session)->machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return smtp_server_output(((struct smtp_stranger *)session)->machine);
}

static void
session_sent(void *session, size_t len)
{
	smtp_server_sent(((struct smtp_stranger *)session)->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	const struct smtp_stranger *s = session;

	return s->stranger.asked ? MACHINE_NEVER : smtp_server_deadline(s->machine);
}

static bool
session_busy(const void *session)
{
	return ((const struct smtp_stranger *)session)->stranger.asked;
}

static void
session_stopping(void *session)
{
	smtp_server_stop(((const struct smtp_stranger *)session)->machine, SMTP_REPLY_SHUTTING_DOWN);
}

static const struct conn_ops front_smtp_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
	.busy = session_busy,
	.stopping = session_stopping,
};

int
front_smtp_open(const struct front *f, struct conn *c, struct error *e)
{
	struct smtp_stranger *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	stranger_init(&s->stranger, f, c, STORE_RIGHT_SMTP, session_free);
	rc = machine_new(s, false, &s->machine, e);
	if (rc != 0) {
		stranger_release(&s->stranger);
		return rc;
	}
	conn_become(c, &front_smtp_ops, s);
	return 0;
}
