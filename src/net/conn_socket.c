/* SPDX-License-Identifier: ISC */
/*
 * A connection with its own socket, accepted or made by us. One turn: a state has one function (the
 * table `turns`) that does what can be done without waiting, and says what it
 * waits for by setting want_read and want_write.
 */
#include "net/socket_internal.h"

#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "os/log.h"
#include "os/metrics.h"

static const struct socket_conn *
socket_of_const(const struct conn *c)
{
	return (const struct socket_conn *)c;
}

static struct socket_conn *
socket_of(struct conn *c)
{
	return (struct socket_conn *)c;
}

static void
let_go(struct conn *c)
{
	struct socket_conn *s = socket_of(c);

	if (s->armed != 0)
		(void)event_del(&s->event);
	s->side->gone(s);
	SSL_free(s->ssl);
	s->ssl = NULL;
	(void)close(s->fd);
	s->fd = -1;
	if (log_wants(LOG_LEVEL_DEBUG))
		log_event(LOG_LEVEL_DEBUG, "connection.closed", log_u64("connection", c->id));
}

/* Says our end and waits a little: closing with unread input would make the kernel take back our last words (RST). */
static void
begin_linger(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;

	if (s->ssl != NULL)
		tls_shutdown(s->ssl);
	if (c->eof) {
		conn_die(c); /* it has said its end too: nothing unread can come any more */
		return;
	}
	(void)shutdown(s->fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->limit_at = now + (c->thread->ending ? NET_LINGER_LAST_MS : NET_LINGER_MS);
}

/* ---- socket ---- */

static enum io_result
socket_read(struct socket_conn *s, void *data, size_t len, size_t *got)
{
	return s->ssl != NULL ? tls_read(s->ssl, data, len, got) : fd_read(s->fd, data, len, got);
}

static enum io_result
socket_write(struct socket_conn *s, struct slice out, size_t *put)
{
	return s->ssl != NULL ? tls_write(s->ssl, out.data, out.len, put) : fd_write(s->fd, out.data, out.len, put);
}

static void
lost(struct socket_conn *s)
{
	if (s->side->lost != NULL)
		s->side->lost(s);
	conn_die(&s->c);
}

/* Notes what a result waits for. */
static void
note(struct socket_conn *s, enum io_result r)
{
	if (r == IO_WANT_READ)
		s->want_read = true;
	else if (r == IO_WANT_WRITE)
		s->want_write = true;
}

/* Sends what there is, within the budget. False when the connection is lost. */
static bool
flush(struct socket_conn *s, size_t *budget, int64_t now)
{
	struct conn *c = &s->c;
	struct slice out;
	size_t put;

	while ((out = conn_output(c)).len > 0 && *budget > 0) {
		enum io_result r = socket_write(s, slice_sub(out, 0, CONN_OUTPUT_HIGH), &put);

		if (r == IO_ERROR || r == IO_EOF)
			return false;
		if (r != IO_OK) {
			note(s, r);
			if (c->limit_at == MACHINE_NEVER)
				c->limit_at = now + c->thread->stall_ms;
			return true;
		}
		c->limit_at = MACHINE_NEVER; /* progress: the peer has its whole time again */
		*budget -= size_min(put, *budget);
		c->ops->sent(c->session, put);
	}
	return true;
}

/* ---- input ---- */

static void
end_of_input(struct conn *c)
{
	c->eof = true;
	if (c->ops->ended != NULL)
		c->ops->ended(c->session);
}

/* Reads once and offers it. Returns octets read; 0 when there is nothing now. */
static size_t
read_once(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;
	uint8_t *scratch = c->thread->scratch;
	size_t got, taken;
	enum io_result r = socket_read(s, scratch, CONN_INPUT_MAX, &got);

	if (r == IO_EOF)
		end_of_input(c);
	else if (r == IO_ERROR)
		lost(s);
	else
		note(s, r);
	/* An end behind what came makes the socket ready again. */
	s->drained = r == IO_WANT_READ || (r == IO_OK && s->ssl == NULL && got < CONN_INPUT_MAX);
	if (r != IO_OK)
		return 0;
	taken = size_min(c->ops->feed(c->session, slice_of(scratch, got), now), got);
	if (taken < got && buf_put(&c->input, scratch + taken, got - taken) != 0)
		conn_die(c);
	explicit_bzero(scratch, got); /* passwords pass here */
	return got;
}

static bool
may_read(struct conn *c)
{
	return c->state == CONN_OPEN && !c->eof && !c->close && !c->start_tls && c->input.len == 0 &&
	    conn_output(c).len < CONN_OUTPUT_HIGH;
}

/* ---- states ---- */

static void
begin_start_tls(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;

	c->start_tls = false;
	buf_wipe_done(&c->input);
	s->drained = false;
	s->ssl = s->side->tls_new(s);
	if (s->ssl == NULL) {
		conn_die(c);
		return;
	}
	c->state = CONN_HANDSHAKE;
	c->limit_at = now + c->thread->handshake_ms;
	conn_wake(c);
}

/* After the session ran and output went: what was asked for meanwhile. True when the state changed. */
static bool
carry_out_wishes(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;

	if (c->close) {
		c->state = CONN_CLOSING;
		conn_wake(c);
		return true;
	}
	if (c->start_tls && conn_output(c).len == 0) {
		begin_start_tls(s, now);
		return true;
	}
	return false;
}

/* Runs the session and sends what it says. False when the state changed: the turn is over. */
static bool
run_and_flush(struct socket_conn *s, size_t *budget, int64_t now)
{
	struct conn *c = &s->c;

	conn_run(c, now);
	if (c->abort)
		return false;
	if (!flush(s, budget, now)) {
		lost(s);
		return false;
	}
	return !c->abort && !carry_out_wishes(s, now);
}

/* What the session left, or new octets. Returns how many moved. */
static size_t
more_input(struct socket_conn *s, size_t budget, int64_t now)
{
	size_t taken = s->c.start_tls ? 0 : conn_offer_leftover(&s->c, now);

	return taken == 0 && budget > 0 && !s->drained && may_read(&s->c) ? read_once(s, now) : taken;
}

static void
turn_open(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;
	size_t budget = CONN_TURN_MAX, before, moved;

	do {
		before = budget;
		if (!run_and_flush(s, &budget, now))
			return;
		moved = more_input(s, budget, now);
		budget -= size_min(moved, budget);
		if (c->state == CONN_DEAD)
			return;
	} while (budget != before && budget > 0);
	if (conn_is_finished(c))
		begin_linger(s, now);
	else if (budget == 0)
		conn_wake(c); /* its share is used: behind the others */
	if (c->state == CONN_LINGER || may_read(c))
		s->want_read = true;
}

/* What stands between the socket and the session. IO_OK: it may begin. */
static enum io_result
shake_hands(struct socket_conn *s)
{
	enum io_result r = IO_OK;

	if (s->connecting) {
		r = s->side->connected(s);
		s->connecting = r == IO_WANT_WRITE;
	}
	if (r == IO_OK && s->ssl == NULL && s->implicit_tls && (s->ssl = s->side->tls_new(s)) == NULL)
		r = IO_ERROR;
	if (r == IO_OK && s->ssl != NULL) {
		r = tls_handshake(s->ssl);
		if (r != IO_WANT_READ && r != IO_WANT_WRITE)
			r = s->side->shaken(s, r);
	}
	return r;
}

static void
turn_handshake(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;
	enum io_result r = shake_hands(s);

	if (r == IO_WANT_READ || r == IO_WANT_WRITE) {
		note(s, r);
		return;
	}
	if (r != IO_OK) {
		conn_die(c);
		return;
	}
	c->state = CONN_OPEN; /* before open: it may ask whether TLS stands */
	c->limit_at = MACHINE_NEVER;
	if (c->session == NULL && s->side->open(s) != 0) {
		conn_die(c);
		return;
	}
	turn_open(s, now);
}

static void
turn_closing(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;
	size_t budget = CONN_TURN_MAX;

	if (!flush(s, &budget, now))
		lost(s);
	else if (conn_output(c).len == 0)
		begin_linger(s, now);
	else if (budget == 0)
		conn_wake(c);
	if (c->state == CONN_LINGER)
		s->want_read = true;
}

static void
turn_linger(struct socket_conn *s, int64_t now)
{
	struct conn *c = &s->c;
	size_t got;
	enum io_result r;

	(void)now;
	/* Below TLS on purpose: what still comes is thrown away. */
	do
		r = fd_read(s->fd, c->thread->scratch, sizeof c->thread->scratch, &got);
	while (r == IO_OK && got == sizeof c->thread->scratch);
	if (r == IO_EOF || r == IO_ERROR)
		conn_die(c);
	else
		s->want_read = true;
}

static void (*const turns[])(struct socket_conn *s, int64_t now) = {
	[CONN_HANDSHAKE] = turn_handshake,
	[CONN_OPEN] = turn_open,
	[CONN_CLOSING] = turn_closing,
	[CONN_LINGER] = turn_linger,
};

/* ---- readiness ---- */

static void
shake_run(void *ctx)
{
	struct socket_conn *s = ctx;

	s->shaking = false;
	if (s->c.state != CONN_DEAD)
		conn_turn(&s->c);
	conn_release(&s->c);
}

static void
on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct socket_conn *s = ctx;

	(void)fd;
	if ((what & EV_READ) != 0)
		s->drained = false;
	if (s->c.state != CONN_HANDSHAKE) {
		conn_turn(&s->c);
		return;
	}
	/* A handshake is much work for somebody who is nobody yet: behind the others (net/loop.h). */
	(void)event_del(&s->event);
	s->armed = 0;
	if (s->shaking)
		return;
	s->shaking = true;
	s->shake = (struct loop_task){ .run = shake_run, .ctx = s };
	conn_hold(&s->c);
	loop_defer(s->c.thread->loop, &s->shake);
}

/* Somebody who goes away while we write is noticed by reading; level-triggered, so only when we would read. */
static void
arm(struct socket_conn *s)
{
	short want = (short)((s->want_read ? EV_READ : 0) | (s->want_write ? EV_WRITE : 0));

	if (want == s->armed)
		return;
	if (s->armed != 0)
		(void)event_del(&s->event);
	s->armed = want;
	if (want == 0)
		return;
	(void)event_assign(&s->event, loop_base(s->c.thread->loop), s->fd, (short)(want | EV_PERSIST), on_ready, s);
	(void)event_add(&s->event, NULL);
}

static void
turn(struct conn *c, int64_t now)
{
	struct socket_conn *s = socket_of(c);

	s->want_read = s->want_write = false;
	turns[c->state](s, now);
	if (c->state == CONN_DEAD || c->abort)
		return;
	arm(s);
}

/* ---- TLS ---- */

static bool
can_start_tls(const struct conn *c)
{
	return socket_of_const(c)->ssl == NULL && socket_of_const(c)->side->has_tls(socket_of_const(c));
}

static bool
is_tls(const struct conn *c)
{
	return socket_of_const(c)->ssl != NULL && c->state != CONN_HANDSHAKE;
}

static bool
tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	const struct socket_conn *s = socket_of_const(c);
	const SSL_CIPHER *cipher;

	if (s->ssl == NULL)
		return false;
	cipher = SSL_get_current_cipher(s->ssl);
	*info_out = (struct conn_tls_info){
		.version = SSL_get_version(s->ssl),
		.cipher = cipher == NULL ? "none" : SSL_CIPHER_get_name(cipher),
		.bits = cipher == NULL ? 0 : (uint32_t)SSL_CIPHER_get_bits(cipher, NULL),
	};
	return true;
}

static bool
tls_bindings_of(const struct conn *c, struct conn_tls_bindings *out)
{
	const struct socket_conn *s = socket_of_const(c);

	if (s->ssl == NULL || c->state == CONN_HANDSHAKE)
		return false;
	out->exporter_len = tls_exporter(s->ssl, out->exporter);
	out->end_point_len = tls_end_point(s->ssl, out->end_point);
	return out->exporter_len > 0 || out->end_point_len > 0;
}

const struct conn_kind conn_socket_kind = {
	.turn = turn,
	.let_go = let_go,
	.can_start_tls = can_start_tls,
	.is_tls = is_tls,
	.tls_info = tls_info,
	.tls_bindings = tls_bindings_of,
};
