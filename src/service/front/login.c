/* SPDX-License-Identifier: ISC */
#include "service/front/login.h"

#include "base/mem.h"
#include "os/clock.h"

struct login {
	struct stranger stranger;
	const struct login_protocol *protocol;
	void *machine;
};

static void
session_free(struct stranger *stranger)
{
	struct login *s = (struct login *)stranger;

	s->protocol->free(s->machine);
	mem_free(s);
}

static void
session_closed(void *session)
{
	stranger_release(&((struct login *)session)->stranger);
}

/* ---- signing in ---- */

/* False: the connection is another session's now. */
static bool
signed_in(struct login *s)
{
	struct trunk_open in = { .kind = s->protocol->role, .pending = s->protocol->ops->output(s->machine) };
	int rc;

	s->protocol->tell(s->machine, &in);
	rc = s->stranger.front->hand_over(s->stranger.front->ctx, s->stranger.conn, &in, NULL);
	if (rc == 0)
		stranger_release(&s->stranger);
	else
		s->protocol->refuse(s->machine, rc);
	return rc != 0;
}

static bool
answered(struct login *s)
{
	switch (stranger_take(&s->stranger)) {
	case STRANGER_CHALLENGE:
		s->protocol->challenge(s->machine, buf_slice(&s->stranger.challenge));
		return true;
	case STRANGER_YES:
		return signed_in(s);
	case STRANGER_NO:
		s->protocol->refuse(s->machine, s->stranger.rc);
		break;
	}
	return true;
}

/* ---- driven by the connection ---- */

static void
start_tls(struct login *s, struct conn *c)
{
	/* run() comes again when TLS stands; then a new machine is made. Nothing of the old one but its output lives on. */
	if (conn_start_tls(c, NULL) == 0)
		return;
	s->protocol->bye(s->machine, "TLS cannot begin");
	conn_close(c);
}

/* False: nothing more to do now. */
static bool
step(struct login *s, struct conn *c, int64_t now_ms)
{
	struct login_event ev = { 0 };

	if (s->stranger.asked)
		return atomic_load(&s->stranger.answered) && answered(s);
	s->protocol->next(s->machine, now_ms, &ev);
	switch (ev.what) {
	case LOGIN_PASSWORD:
		stranger_password(&s->stranger, ev.user, ev.password);
		return true;
	case LOGIN_EXCHANGE:
		if (ev.first)
			stranger_begin(&s->stranger, ev.mechanism, ev.message);
		else
			stranger_respond(&s->stranger, ev.message);
		return true;
	case LOGIN_START_TLS:
		start_tls(s, c);
		return false;
	case LOGIN_CLOSE:
		conn_close(c);
		return false;
	case LOGIN_NOTHING:
		break;
	}
	return false;
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct login *s = session;

	if (!s->stranger.asked && s->protocol->wants_tls(s->machine)) {
		void *fresh;

		if (!conn_is_tls(c))
			return;
		if (s->protocol->make(&s->stranger, false, &fresh, NULL) != 0) {
			conn_abort(c);
			return;
		}
		s->protocol->free(s->machine);
		s->machine = fresh;
	}
	while (step(s, c, now_ms))
		;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	struct login *s = session;

	/* What is unsent goes along when the connection is handed over: no more of it than a frame holds. */
	if (s->protocol->ops->output(s->machine).len >= SERVICE_FRONT_OUTPUT_HIGH)
		return 0;
	return s->protocol->ops->feed(s->machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	struct login *s = session;

	return s->protocol->ops->output(s->machine);
}

static void
session_sent(void *session, size_t len)
{
	struct login *s = session;

	s->protocol->ops->sent(s->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	const struct login *s = session;

	return s->protocol->ops->deadline(s->machine);
}

static bool
session_busy(const void *session)
{
	const struct login *s = session;

	return s->stranger.asked || s->protocol->busy(s->machine);
}

static void
session_stopping(void *session)
{
	struct login *s = session;

	if (!session_busy(s))
		s->protocol->bye(s->machine, "The server is stopping");
}

static const struct conn_ops front_login_ops = {
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
front_login_open(const struct login_protocol *p, const struct front *f, struct conn *c, struct error *e)
{
	struct login *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->protocol = p;
	stranger_init(&s->stranger, f, c, p->right, session_free);
	rc = p->make(&s->stranger, true, &s->machine, e);
	if (rc != 0) {
		stranger_release(&s->stranger);
		return rc;
	}
	conn_become(c, &front_login_ops, s);
	return 0;
}
