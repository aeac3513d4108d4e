/* SPDX-License-Identifier: ISC */
/* POP3 before authentication. */
#include "base/mem.h"
#include "pop3/login.h"
#include "os/clock.h"
#include "service/front_stranger.h"

struct pop3_stranger {
	struct stranger stranger;
	struct pop3_login *machine;
};

static void
session_free(struct stranger *stranger)
{
	struct pop3_stranger *s = (struct pop3_stranger *)stranger;

	pop3_login_free(s->machine);
	mem_free(s);
}

static void
session_closed(void *session)
{
	stranger_release(&((struct pop3_stranger *)session)->stranger);
}

static int
machine_new(const struct pop3_stranger *s, bool greeting, struct pop3_login **out, struct error *e)
{
	const struct pop3_login_options options = { .offer = stranger_offer(&s->stranger),
		.can_start_tls = conn_can_start_tls(s->stranger.conn),
		.greeting = greeting,
		.name = SLICE("Letterlock") };

	return pop3_login_new(&options, clock_ms(), out, e);
}

/* ---- signing in ---- */

static void
refuse(struct pop3_stranger *s, int rc)
{
	if (rc == ERR_SYNTAX)
		pop3_login_malformed(s->machine);
	else if (rc == ERR_PASSWORD)
		pop3_login_refuse(s->machine, "AUTH", "Wrong address or password");
	else if (rc == ERR_LIMIT)
		pop3_login_refuse(
		    s->machine, "SYS/TEMP", "Too many sign in, or are signed in, at once; try again later");
	else
		pop3_login_refuse(s->machine, "SYS/TEMP", "Passwords cannot be checked now; try again later");
}

/* False: the connection is another session's now. */
static bool
signed_in(struct pop3_stranger *s)
{
	const struct trunk_open in = { .kind = SERVICE_POP3,
		.tag = pop3_login_is_utf8(s->machine) ? SLICE("UTF8") : SLICE_EMPTY,
		.hello = pop3_login_mechanisms(s->machine),
		.pending = pop3_login_ops.output(s->machine) };
	int rc = s->stranger.front->hand_over(s->stranger.front->ctx, s->stranger.conn, &in, NULL);

	if (rc == 0)
		stranger_release(&s->stranger);
	else
		refuse(s, rc);
	return rc != 0;
}

static bool
answered(struct pop3_stranger *s)
{
	switch (stranger_take(&s->stranger)) {
	case STRANGER_CHALLENGE:
		pop3_login_challenge(s->machine, buf_slice(&s->stranger.challenge));
		return true;
	case STRANGER_YES:
		return signed_in(s);
	case STRANGER_NO:
		refuse(s, s->stranger.rc);
		break;
	}
	return true;
}

/* ---- driven by the connection ---- */

static void
start_tls(struct pop3_stranger *s, struct conn *c)
{
	/* run() comes again when TLS stands; then a new machine is made. Nothing of the old one but its output lives on. */
	if (conn_start_tls(c, NULL) == 0)
		return;
	pop3_login_bye(s->machine, "TLS cannot begin");
	conn_close(c);
}

/* False: nothing more to do now. */
static bool
step(struct pop3_stranger *s, struct conn *c, int64_t now_ms)
{
	struct pop3_login_event ev;

	if (s->stranger.asked)
		return atomic_load(&s->stranger.answered) && answered(s);
	pop3_login_next(s->machine, now_ms, &ev);
	switch (ev.type) {
	case POP3_LOGIN_PASSWORD:
		stranger_password(&s->stranger, ev.user, ev.password);
		return true;
	case POP3_LOGIN_EXCHANGE:
		if (ev.first)
			stranger_begin(&s->stranger, ev.mechanism, ev.message);
		else
			stranger_respond(&s->stranger, ev.message);
		return true;
	case POP3_LOGIN_STLS:
		start_tls(s, c);
		return false;
	case POP3_LOGIN_CLOSE:
		conn_close(c);
		return false;
	case POP3_LOGIN_NONE:
		break;
	}
	return false;
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct pop3_stranger *s = session;

	if (!s->stranger.asked && pop3_login_wants_tls(s->machine)) {
		struct pop3_login *fresh;

		if (!conn_is_tls(c))
			return;
		if (machine_new(s, false, &fresh, NULL) != 0) {
			conn_abort(c);
			return;
		}
		pop3_login_free(s->machine);
		s->machine = fresh;
	}
	while (step(s, c, now_ms))
		;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	struct pop3_login *machine = ((struct pop3_stranger *)session)->machine;

	/* What is unsent goes along when the connection is handed over: no more of it than a frame holds. */
	if (pop3_login_ops.output(machine).len >= SERVICE_FRONT_OUTPUT_HIGH)
		return 0;
	return pop3_login_ops.feed(machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return pop3_login_ops.output(((struct pop3_stranger *)session)->machine);
}

static void
session_sent(void *session, size_t len)
{
	pop3_login_ops.sent(((struct pop3_stranger *)session)->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	return pop3_login_ops.deadline(((const struct pop3_stranger *)session)->machine);
}

static bool
session_busy(const void *session)
{
	const struct pop3_stranger *s = session;

	return s->stranger.asked || pop3_login_busy(s->machine);
}

static void
session_stopping(void *session)
{
	const struct pop3_stranger *s = session;

	if (!session_busy(s))
		pop3_login_bye(s->machine, "The server is stopping");
}

static const struct conn_ops front_pop3_ops = {
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
front_pop3_open(const struct front *f, struct conn *c, struct error *e)
{
	struct pop3_stranger *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	stranger_init(&s->stranger, f, c, STORE_RIGHT_POP3, session_free);
	rc = machine_new(s, true, &s->machine, e);
	if (rc != 0) {
		stranger_release(&s->stranger);
		return rc;
	}
	conn_become(c, &front_pop3_ops, s);
	return 0;
}
