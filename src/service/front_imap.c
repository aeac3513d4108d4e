/* SPDX-License-Identifier: ISC */
/* IMAP before authentication. */
#include "base/mem.h"
#include "imap/login.h"
#include "os/clock.h"
#include "service/front_stranger.h"

struct imap_stranger {
	struct stranger stranger;
	struct imap_login *machine;
};

static void
session_free(struct stranger *stranger)
{
	struct imap_stranger *s = (struct imap_stranger *)stranger;

	imap_login_free(s->machine);
	mem_free(s);
}

static void
session_closed(void *session)
{
	stranger_release(&((struct imap_stranger *)session)->stranger);
}

static int
machine_new(const struct imap_stranger *s, bool greeting, struct imap_login **out, struct error *e)
{
	const struct imap_login_options options = { .offer = stranger_offer(&s->stranger),
		.can_start_tls = conn_can_start_tls(s->stranger.conn),
		.greeting = greeting,
		.name = SLICE("Letterlock") };

	return imap_login_new(&options, clock_ms(), out, e);
}

/* ---- signing in ---- */

static void
refuse(struct imap_stranger *s, int rc)
{
	if (rc == ERR_SYNTAX)
		imap_login_malformed(s->machine);
	else if (rc == ERR_PASSWORD)
		imap_login_refuse(s->machine, SLICE("AUTHENTICATIONFAILED"), SLICE("Wrong address or password."));
	else if (rc == ERR_LIMIT)
		imap_login_refuse(
		    s->machine, SLICE("LIMIT"), SLICE("Too many sign in, or are signed in, at once. Try again later."));
	else
		imap_login_refuse(
		    s->machine, SLICE("UNAVAILABLE"), SLICE("Passwords cannot be checked now. Try again later."));
}

/* False: the connection is another session's now. */
static bool
signed_in(struct imap_stranger *s)
{
	const struct trunk_open in = {
		.kind = SERVICE_IMAP, .tag = imap_login_tag(s->machine), .pending = imap_login_ops.output(s->machine)
	};
	int rc = s->stranger.front->hand_over(s->stranger.front->ctx, s->stranger.conn, &in, NULL);

	if (rc == 0)
		stranger_release(&s->stranger);
	else
		refuse(s, rc);
	return rc != 0;
}

static bool
answered(struct imap_stranger *s)
{
	switch (stranger_take(&s->stranger)) {
	case STRANGER_CHALLENGE:
		imap_login_challenge(s->machine, buf_slice(&s->stranger.challenge));
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
start_tls(struct imap_stranger *s, struct conn *c)
{
	/* run() comes again when TLS stands; then a new machine is made. Nothing of the old one but its output lives on. */
	if (conn_start_tls(c, NULL) == 0)
		return;
	imap_login_bye(s->machine, SLICE("TLS cannot begin."));
	conn_close(c);
}

/* False: nothing more to do now. */
static bool
step(struct imap_stranger *s, struct conn *c, int64_t now_ms)
{
	struct imap_login_event ev;

	if (s->stranger.asked)
		return atomic_load(&s->stranger.answered) && answered(s);
	imap_login_next(s->machine, now_ms, &ev);
	switch (ev.type) {
	case IMAP_LOGIN_PASSWORD:
		stranger_password(&s->stranger, ev.user, ev.password);
		return true;
	case IMAP_LOGIN_EXCHANGE:
		if (ev.first)
			stranger_begin(&s->stranger, ev.mechanism, ev.message);
		else
			stranger_respond(&s->stranger, ev.message);
		return true;
	case IMAP_LOGIN_STARTTLS:
		start_tls(s, c);
		return false;
	case IMAP_LOGIN_CLOSE:
		conn_close(c);
		return false;
	case IMAP_LOGIN_NONE:
		break;
	}
	return false;
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct imap_stranger *s = session;

	if (!s->stranger.asked && imap_login_wants_tls(s->machine)) {
		struct imap_login *fresh;

		if (!conn_is_tls(c))
			return;
		if (machine_new(s, false, &fresh, NULL) != 0) {
			conn_abort(c);
			return;
		}
		imap_login_free(s->machine);
		s->machine = fresh;
	}
	while (step(s, c, now_ms))
		;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	struct imap_login *machine = ((struct imap_stranger *)session)->machine;

	/* What is unsent goes along when the connection is handed over: no more of it than a frame holds. */
	if (imap_login_ops.output(machine).len >= SERVICE_FRONT_OUTPUT_HIGH)
		return 0;
	return imap_login_ops.feed(machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return imap_login_ops.output(((struct imap_stranger *)session)->machine);
}

static void
session_sent(void *session, size_t len)
{
	imap_login_ops.sent(((struct imap_stranger *)session)->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	return imap_login_ops.deadline(((const struct imap_stranger *)session)->machine);
}

static bool
session_busy(const void *session)
{
	const struct imap_stranger *s = session;

	return s->stranger.asked || imap_login_busy(s->machine);
}

static void
session_stopping(void *session)
{
	const struct imap_stranger *s = session;

	if (!session_busy(s))
		imap_login_bye(s->machine, SLICE("The server is stopping."));
}

static const struct conn_ops front_imap_ops = {
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
front_imap_open(const struct front *f, struct conn *c, struct error *e)
{
	struct imap_stranger *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	stranger_init(&s->stranger, f, c, STORE_RIGHT_IMAP, session_free);
	rc = machine_new(s, true, &s->machine, e);
	if (rc != 0) {
		stranger_release(&s->stranger);
		return rc;
	}
	conn_become(c, &front_imap_ops, s);
	return 0;
}
