/* SPDX-License-Identifier: ISC */
/*
 * One turn of a connection: a state has one function (the table `turns`) that
 * does what can be done without waiting, and says what it waits for by setting
 * want_read, want_write and the next timer.
 */
#include "net/conn_internal.h"

#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/limits.h"
#include "net/tls_internal.h"
#include "os/clock.h"

enum conn_state {
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_CLOSING, /* output is flushed, no more input */
	CONN_LINGER,  /* our end is said; the peer may read it before the socket goes */
	CONN_DEAD,
};

struct conn {
	atomic_uint refs;
	atomic_bool woken;
	struct loop_task wake_task;
	struct conn_thread *thread;
	const struct listener *listener;
	struct conn *next, **back; /* in thread->conns */
	uint64_t id;
	void *session;
	SSL *ssl;
	int fd;
	uint16_t port;
	uint8_t state;
	bool start_tls;   /* asked for: when the output is flushed */
	bool close;       /* asked for */
	bool abort;       /* asked for: at the end of the turn */
	atomic_bool dead; /* as state, for other threads */
	bool eof;         /* nothing more will be read */
	bool want_read, want_write;
	bool read_armed, write_armed;
	struct buf input; /* what the session has not taken yet */
	struct event read_event, write_event, timer_event;
	int64_t timer_at; /* when timer_event fires, or MACHINE_NEVER */
	int64_t limit_at; /* deadline of this state: handshake, stalled output, lingering; or MACHINE_NEVER */
	struct peer_key key;
	char peer[CONN_PEER_MAX];
};

static void conn_turn(struct conn *c);

/* ---- any thread ---- */

void
conn_hold(struct conn *c)
{
	(void)atomic_fetch_add(&c->refs, 1);
}

void
conn_release(struct conn *c)
{
	if (atomic_fetch_sub(&c->refs, 1) == 1)
		mem_free(c);
}

static void
wake_task_run(void *ctx)
{
	struct conn *c = ctx;

	atomic_store(&c->woken, false);
	if (c->state != CONN_DEAD)
		conn_turn(c);
	conn_release(c);
}

void
conn_wake(struct conn *c)
{
	if (atomic_load(&c->dead) || atomic_exchange(&c->woken, true))
		return;
	conn_hold(c);
	loop_post(c->thread->loop, &c->wake_task);
}

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer;
}

uint16_t
conn_port(const struct conn *c)
{
	return c->port;
}

/* ---- end of a connection ---- */

static void
conn_die(struct conn *c)
{
	void *session = c->session;

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	atomic_store(&c->dead, true);
	c->session = NULL;
	(void)event_del(&c->read_event);
	(void)event_del(&c->write_event);
	(void)event_del(&c->timer_event);
	SSL_free(c->ssl);
	c->ssl = NULL;
	(void)close(c->fd);
	c->fd = -1;
	buf_wipe_done(&c->input);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	peers_remove(c->thread->peers, c->key);
	if (session != NULL)
		c->listener->config.ops->closed(session);
	conn_release(c);
}

/* Says our end and waits a little: closing with unread input would make the kernel take back our last words (RST). */
static void
begin_linger(struct conn *c, int64_t now)
{
	if (c->ssl != NULL)
		tls_shutdown(c->ssl);
	if (c->eof) {
		conn_die(c); /* it has said its end too: nothing unread can come any more */
		return;
	}
	(void)shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->limit_at = now + (c->thread->ending ? NET_LINGER_LAST_MS : NET_LINGER_MS);
}

/* ---- socket ---- */

static enum io_result
conn_read(struct conn *c, void *data, size_t len, size_t *got)
{
	return c->ssl != NULL ? tls_read(c->ssl, data, len, got) : fd_read(c->fd, data, len, got);
}

static enum io_result
conn_write(struct conn *c, struct slice out, size_t *put)
{
	return c->ssl != NULL ? tls_write(c->ssl, out.data, out.len, put) : fd_write(c->fd, out.data, out.len, put);
}

/* Notes what a result waits for. */
static void
note(struct conn *c, enum io_result r)
{
	if (r == IO_WANT_READ)
		c->want_read = true;
	else if (r == IO_WANT_WRITE)
		c->want_write = true;
}

static struct slice
output_of(struct conn *c)
{
	return c->session == NULL ? SLICE_EMPTY : c->listener->config.ops->output(c->session);
}

/* Sends what there is, within the budget. False when the connection is lost. */
static bool
flush(struct conn *c, size_t *budget, int64_t now)
{
	const struct conn_ops *ops = c->listener->config.ops;
	struct slice out;
	size_t put;

	while ((out = output_of(c)).len > 0 && *budget > 0) {
		enum io_result r = conn_write(c, slice_sub(out, 0, CONN_OUTPUT_HIGH), &put);

		if (r == IO_ERROR || r == IO_EOF)
			return false;
		if (r != IO_OK) {
			note(c, r);
			if (c->limit_at == MACHINE_NEVER)
				c->limit_at = now + c->thread->stall_ms;
			return true;
		}
		c->limit_at = MACHINE_NEVER; /* progress: the peer has its whole time again */
		*budget -= size_min(put, *budget);
		ops->sent(c->session, put);
	}
	return true;
}

/* ---- input ---- */

/* Offers what the session left before. Returns how many octets it took. */
static size_t
offer_leftover(struct conn *c, int64_t now)
{
	size_t n;

	if (c->input.len == 0)
		return 0;
	n = size_min(c->listener->config.ops->feed(c->session, buf_slice(&c->input), now), c->input.len);
	if (n == c->input.len)
		buf_done(&c->input); /* given back: an idle connection holds no buffer */
	else
		buf_consume(&c->input, n);
	return n;
}

/* Reads once and offers it. Returns octets read; 0 when there is nothing now. */
static size_t
read_once(struct conn *c, int64_t now)
{
	uint8_t *scratch = c->thread->scratch;
	size_t got, taken;
	enum io_result r = conn_read(c, scratch, CONN_INPUT_MAX, &got);

	if (r == IO_EOF)
		c->eof = true;
	else if (r == IO_ERROR)
		conn_die(c);
	else
		note(c, r);
	if (r != IO_OK)
		return 0;
	taken = size_min(c->listener->config.ops->feed(c->session, slice_of(scratch, got), now), got);
	if (taken < got && buf_put(&c->input, scratch + taken, got - taken) != 0)
		conn_die(c);
	explicit_bzero(scratch, got); /* passwords pass here */
	return got;
}

static bool
may_read(struct conn *c)
{
	return c->state == CONN_OPEN && !c->eof && !c->close && !c->start_tls && c->input.len == 0 &&
	    output_of(c).len < CONN_OUTPUT_HIGH;
}

/* ---- states ---- */

static void
begin_start_tls(struct conn *c, int64_t now)
{
	c->start_tls = false;
	buf_wipe_done(&c->input);
	c->ssl = tls_accept_new(c->listener->config.tls, c->fd);
	if (c->ssl == NULL) {
		conn_die(c);
		return;
	}
	c->state = CONN_HANDSHAKE;
	c->limit_at = now + c->thread->handshake_ms;
	conn_wake(c);
}

/* After the session ran and output went: what was asked for meanwhile. True when the state changed. */
static bool
carry_out_wishes(struct conn *c, int64_t now)
{
	if (c->close) {
		c->state = CONN_CLOSING;
		conn_wake(c);
		return true;
	}
	if (c->start_tls && output_of(c).len == 0) {
		begin_start_tls(c, now);
		return true;
	}
	return false;
}

static bool
is_finished(struct conn *c)
{
	const struct conn_ops *ops = c->listener->config.ops;

	return c->eof && c->input.len == 0 && output_of(c).len == 0 && (ops->busy == NULL || !ops->busy(c->session));
}

/* Runs the session and sends what it says. False when the state changed: the turn is over. */
static bool
run_and_flush(struct conn *c, size_t *budget, int64_t now)
{
	c->listener->config.ops->run(c->session, c, now);
	if (c->abort)
		return false;
	if (!flush(c, budget, now)) {
		conn_die(c);
		return false;
	}
	return !c->abort && !carry_out_wishes(c, now);
}

/* What the session left, or new octets. Returns how many moved. */
static size_t
more_input(struct conn *c, size_t budget, int64_t now)
{
	size_t taken = c->start_tls ? 0 : offer_leftover(c, now);

	return taken == 0 && budget > 0 && may_read(c) ? read_once(c, now) : taken;
}

static void
turn_open(struct conn *c, int64_t now)
{
	size_t budget = CONN_TURN_MAX, before, moved;

	do {
		before = budget;
		if (!run_and_flush(c, &budget, now))
			return;
		moved = more_input(c, budget, now);
		budget -= size_min(moved, budget);
		if (c->state == CONN_DEAD)
			return;
	} while (budget != before && budget > 0);
	if (is_finished(c))
		begin_linger(c, now);
	else if (budget == 0)
		conn_wake(c); /* its share is used: behind the others */
	if (c->state == CONN_LINGER || may_read(c))
		c->want_read = true;
}

static int
open_session(struct conn *c)
{
	const struct listener_config *config = &c->listener->config;

	return config->open(config->ctx, c, &c->session, NULL);
}

static void
turn_handshake(struct conn *c, int64_t now)
{
	if (c->ssl == NULL && c->listener->config.implicit_tls) {
		c->ssl = tls_accept_new(c->listener->config.tls, c->fd);
		if (c->ssl == NULL) {
			conn_die(c);
			return;
		}
	}
	if (c->ssl != NULL) {
		enum io_result r = tls_handshake(c->ssl);

		if (r == IO_WANT_READ || r == IO_WANT_WRITE) {
			note(c, r);
			return;
		}
		if (r != IO_OK) {
			conn_die(c);
			return;
		}
	}
	c->state = CONN_OPEN; /* before open: it may ask whether TLS stands */
	if (c->session == NULL && open_session(c) != 0) {
		conn_die(c);
		return;
	}
	c->limit_at = MACHINE_NEVER;
	turn_open(c, now);
}

static void
turn_closing(struct conn *c, int64_t now)
{
	size_t budget = CONN_TURN_MAX;

	if (!flush(c, &budget, now))
		conn_die(c);
	else if (output_of(c).len == 0)
		begin_linger(c, now);
	else if (budget == 0)
		conn_wake(c);
	if (c->state == CONN_LINGER)
		c->want_read = true;
}

static void
turn_linger(struct conn *c, int64_t now)
{
	size_t got;
	enum io_result r;

	(void)now;
	/* Below TLS on purpose: what still comes is thrown away. */
	do
		r = fd_read(c->fd, c->thread->scratch, sizeof c->thread->scratch, &got);
	while (r == IO_OK && got == sizeof c->thread->scratch);
	if (r == IO_EOF || r == IO_ERROR)
		conn_die(c);
	else
		c->want_read = true;
}

static void (*const turns[])(struct conn *c, int64_t now) = {
	[CONN_HANDSHAKE] = turn_handshake,
	[CONN_OPEN] = turn_open,
	[CONN_CLOSING] = turn_closing,
	[CONN_LINGER] = turn_linger,
};

/* ---- readiness and timers ---- */

static void
arm(struct event *event, bool want, bool *armed)
{
	if (want == *armed)
		return;
	*armed = want;
	if (want)
		(void)event_add(event, NULL);
	else
		(void)event_del(event);
}

static void
arm_timer(struct conn *c, int64_t now)
{
	int64_t at = c->limit_at, wait;

	if (c->state == CONN_OPEN) {
		int64_t deadline = c->listener->config.ops->deadline(c->session);

		at = deadline < at ? deadline : at;
	}
	if (at >= c->timer_at)
		return; /* it fires earlier and looks again then: cheaper than moving it each time */
	wait = at <= now ? 1 : at - now;
	c->timer_at = at;
	(void)event_add(&c->timer_event, &(struct timeval){ .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 });
}

static void
conn_turn(struct conn *c)
{
	int64_t now = clock_ms();

	conn_hold(c);
	c->want_read = c->want_write = false;
	turns[c->state](c, now);
	if (c->abort)
		conn_die(c);
	if (c->state != CONN_DEAD) {
		/* Somebody who goes away while we write is noticed by reading; level-triggered, so only when we would read. */
		arm(&c->read_event, c->want_read, &c->read_armed);
		arm(&c->write_event, c->want_write, &c->write_armed);
		arm_timer(c, now);
	}
	conn_release(c);
}

static void
on_ready(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	conn_turn(ctx);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	(void)fd;
	(void)what;
	c->timer_at = MACHINE_NEVER;
	if (c->limit_at <= clock_ms())
		conn_die(c); /* half a handshake, a peer that never reads, the end of lingering */
	else
		conn_turn(c);
}

/* ---- wishes of the session ---- */

bool
conn_can_start_tls(const struct conn *c)
{
	return c->listener->config.tls != NULL && c->ssl == NULL;
}

int
conn_start_tls(struct conn *c, struct error *e)
{
	if (c->ssl != NULL || c->start_tls)
		return error_set(e, ERR_ORDER, "TLS stands already");
	if (c->listener->config.tls == NULL)
		return error_set(e, ERR_UNSUPPORTED, "this port has no certificate");
	c->start_tls = true;
	return 0;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->ssl != NULL && c->state != CONN_HANDSHAKE;
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	const SSL_CIPHER *cipher;

	if (c->ssl == NULL)
		return false;
	cipher = SSL_get_current_cipher(c->ssl);
	*info_out = (struct conn_tls_info){
		.version = SSL_get_version(c->ssl),
		.cipher = cipher == NULL ? "none" : SSL_CIPHER_get_name(cipher),
		.bits = cipher == NULL ? 0 : (uint32_t)SSL_CIPHER_get_bits(cipher, NULL),
	};
	return true;
}

void
conn_close(struct conn *c)
{
	c->close = true;
}

void
conn_abort(struct conn *c)
{
	c->abort = true; /* the session is in the middle of a call: at the end of the turn */
}

/* ---- birth ---- */

static void
first_turn(void *ctx)
{
	struct conn *c = ctx;
	struct event_base *base = loop_base(c->thread->loop);

	c->wake_task.run = wake_task_run;
	atomic_store(&c->woken, false);
	c->next = c->thread->conns;
	c->back = &c->thread->conns;
	if (c->next != NULL)
		c->next->back = &c->next;
	c->thread->conns = c;
	(void)event_assign(&c->read_event, base, c->fd, EV_READ | EV_PERSIST, on_ready, c);
	(void)event_assign(&c->write_event, base, c->fd, EV_WRITE | EV_PERSIST, on_ready, c);
	(void)evtimer_assign(&c->timer_event, base, on_timer, c);
	c->limit_at = clock_ms() + c->thread->handshake_ms;
	conn_turn(c);
}

void
conn_start(
    struct conn_thread *t, const struct listener *listener, int fd, const struct sockaddr *address, struct peer_key key)
{
	static atomic_uint_fast64_t last_id;
	struct conn *c = mem_alloc(sizeof *c);
	socklen_t len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (c == NULL) {
		(void)close(fd);
		peers_remove(t->peers, key);
		return;
	}
	atomic_init(&c->refs, 1);
	atomic_init(&c->woken, true);
	c->wake_task = (struct loop_task){ .run = first_turn, .ctx = c };
	c->thread = t;
	c->listener = listener;
	c->id = atomic_fetch_add(&last_id, 1) + 1;
	c->fd = fd;
	c->port = listener->port;
	c->key = key;
	c->timer_at = MACHINE_NEVER;
	buf_init(&c->input, CONN_INPUT_MAX);
	if (getnameinfo(address, len, c->peer, sizeof c->peer, NULL, 0, NI_NUMERICHOST) != 0)
		memcpy(c->peer, "unknown", 8);
	loop_post(t->loop, &c->wake_task);
}

void
conn_end_all(struct conn_thread *t, bool at_once)
{
	t->ending = true;
	for (struct conn *c = t->conns, *next; c != NULL; c = next) {
		next = c->next;
		if (at_once || c->state == CONN_HANDSHAKE || c->state == CONN_LINGER) {
			conn_die(c);
		} else {
			c->close = true;
			conn_wake(c);
		}
	}
}
