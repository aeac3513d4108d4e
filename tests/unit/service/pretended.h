/* SPDX-License-Identifier: ISC */
/*
 * A pretended connection: what net/conn.h promises, driven by hand, with no
 * socket, no TLS and no loop. It begins as a stranger's (service/front/front.h); when
 * front hands it over, service_open() of the process behind gets what would
 * have crossed the trunk, encoded and decoded, and the connection goes on with
 * that session. So one dialogue passes through both processes.
 */
#ifndef TESTS_SERVICE_PRETENDED_H
#define TESTS_SERVICE_PRETENDED_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/trunk.h"
#include "os/clock.h"
#include "service/front/front.h"
#include "unit.h"

#define PRETENDED_WAIT_MS 20000
#define PRETENDED_FN static inline __attribute__((unused))

struct conn {
	atomic_uint refs;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint64_t id;
	const char *peer;
	uint16_t port;
	bool woken;
	bool tls;
	bool can_tls;
	bool want_tls;
	bool slow_tls; /* the handshake waits for conn_shake() */
	bool no_tls;   /* conn_start_tls() fails */
	bool closing;
	bool aborted;
	bool closed_told;
	bool slow; /* takes no output */
	bool became;
	const struct conn_ops *ops;
	void *session;
	struct buf in;
	struct buf out; /* what the client has received */
	size_t high;    /* the most output that ever waited */
};

/* ---- net/conn.h ---- */

void
conn_hold(struct conn *c)
{
	(void)atomic_fetch_add(&c->refs, 1);
}

void
conn_release(struct conn *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	buf_done(&c->in);
	buf_done(&c->out);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->cond);
	mem_free(c);
}

void
conn_wake(struct conn *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->woken = true;
	(void)pthread_cond_signal(&c->cond);
	(void)pthread_mutex_unlock(&c->lock);
}

/* There is no loop to wait for: at once. */
void
conn_post(struct conn *c, struct loop_task *task)
{
	(void)c;
	task->run(task->ctx);
}

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

uint64_t
conn_origin(const struct conn *c)
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

int
conn_start_tls(struct conn *c, struct error *e)
{
	if (c->no_tls)
		return error_set(e, ERR_UNSUPPORTED, "no TLS");
	c->want_tls = true;
	return 0;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->can_tls && !c->tls;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls;
}

bool
conn_tls_bindings(const struct conn *c, struct conn_tls_bindings *out)
{
	*out = (struct conn_tls_bindings){ 0 };
	if (!c->tls)
		return false;
	memset(out->exporter, 7, sizeof out->exporter);
	out->exporter_len = sizeof out->exporter;
	return true;
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	*info_out = (struct conn_tls_info){ "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256 };
	return c->tls;
}

void
conn_become(struct conn *c, const struct conn_ops *ops, void *session)
{
	c->ops = ops;
	c->session = session;
	c->became = true;
}

void *
conn_session(struct conn *c)
{
	return c->session;
}

void
conn_close(struct conn *c)
{
	c->closing = true;
}

void
conn_abort(struct conn *c)
{
	c->aborted = true;
}

/* ---- the hand-over ---- */

/* The processes behind, as front sees them: struct front's ctx. NULL: not there. */
struct pretended_behind {
	struct service *mail, *mx;
	uint64_t front; /* its number */
	unsigned claims_refused;
};

/* A client's end when the far end has refused the connection: it is closed, and what was to be said is lost. */
PRETENDED_FN size_t
refused_feed(void *session, struct slice in, int64_t now_ms)
{
	(void)session;
	(void)now_ms;
	return in.len;
}

PRETENDED_FN void
refused_run(void *session, struct conn *c, int64_t now_ms)
{
	(void)session;
	(void)now_ms;
	conn_abort(c);
}

PRETENDED_FN struct slice
refused_output(void *session)
{
	(void)session;
	return SLICE_EMPTY;
}

PRETENDED_FN void
refused_sent(void *session, size_t len)
{
	(void)session;
	(void)len;
}

PRETENDED_FN int64_t
refused_deadline(const void *session)
{
	(void)session;
	return MACHINE_NEVER;
}

PRETENDED_FN void
refused_closed(void *session)
{
	(void)session;
}

static const struct conn_ops refused_ops __attribute__((unused)) = {
	.feed = refused_feed,
	.run = refused_run,
	.output = refused_output,
	.sent = refused_sent,
	.deadline = refused_deadline,
	.closed = refused_closed,
};

/* What is read and not used comes before what has arrived since. */
PRETENDED_FN void
put_back(struct conn *c, struct slice unread)
{
	struct buf in;

	buf_init(&in, c->in.max);
	assert_int_equal(buf_put_slice(&in, unread), 0);
	assert_int_equal(buf_put_slice(&in, buf_slice(&c->in)), 0);
	buf_done(&c->in);
	c->in = in;
}

PRETENDED_FN int
pretended_hand_over(void *ctx, struct conn *c, const struct trunk_open *in, struct error *e)
{
	struct pretended_behind *b = ctx;
	struct service *to = in->kind == SERVICE_MX || in->kind == SERVICE_LMTP ? b->mx : b->mail;
	const struct conn_ops *ops = NULL;
	void *session = NULL;
	struct trunk_open there;
	struct buf wire;
	struct arena a;

	if (to == NULL)
		return error_set(e, ERR_CLOSED, "nobody is there");
	buf_init(&wire, TRUNK_FRAME_MAX);
	arena_init(&a, (size_t)TRUNK_FRAME_MAX * 2);
	assert_ok(codec_encode(&trunk_open_schema, in, &wire, &unit_error));
	assert_ok(codec_decode(&trunk_open_schema, buf_slice(&wire), &a, &there, &unit_error));
	if (service_open(to, b->front, channel_number(c), c, &there, &ops, &session, NULL) == 0) {
		conn_become(c, ops, session);
		put_back(c, there.unread);
	} else {
		b->claims_refused++;
		conn_become(c, &refused_ops, NULL);
	}
	buf_done(&wire);
	arena_done(&a);
	return 0;
}

/* ---- driving it ---- */

PRETENDED_FN struct conn *
conn_open(struct front_listener *listener, bool tls)
{
	static uint64_t last_id;
	struct conn *c = mem_alloc(sizeof *c);

	assert_non_null(c);
	atomic_init(&c->refs, 1);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->cond, NULL);
	buf_init(&c->in, 64u << 20);
	buf_init(&c->out, 256u << 20);
	c->id = ++last_id;
	c->peer = listener->role == SERVICE_IMAP ? "192.0.2.1" : "2001:db8::1";
	c->port = listener->role == SERVICE_IMAP ? 143 : 25;
	c->tls = tls;
	c->can_tls = true;
	assert_ok(front_open(listener, c, &c->session, &unit_error));
	assert_ptr_equal(c->session, conn_session(c));
	c->woken = true;
	return c;
}

PRETENDED_FN void
conn_tell_closed(struct conn *c)
{
	if (!c->closed_told)
		c->ops->closed(c->session);
	c->closed_told = true;
}

PRETENDED_FN void
conn_hang_up(struct conn *c)
{
	conn_tell_closed(c);
	conn_release(c);
}

/* As conn_run() of net/conn.c. */
PRETENDED_FN void
conn_run(struct conn *c)
{
	do {
		c->became = false;
		c->ops->run(c->session, c, clock_ms());
	} while (c->became && !c->aborted);
}

/* The handshake is done. */
PRETENDED_FN void
conn_shake(struct conn *c)
{
	assert_true(c->want_tls);
	c->want_tls = false;
	c->tls = true;
	buf_clear(&c->in); /* what came before it is dropped */
	conn_run(c);
}

/* One turn of the loop; true when something moved. */
PRETENDED_FN bool
conn_turn_once(struct conn *c)
{
	size_t taken = 0;
	struct slice out;
	bool moved;

	if (c->closed_told)
		return false;
	(void)pthread_mutex_lock(&c->lock);
	moved = c->woken;
	c->woken = false;
	(void)pthread_mutex_unlock(&c->lock);
	if (c->in.len > 0 && !c->want_tls && !c->closing)
		taken = c->ops->feed(c->session, buf_slice(&c->in), clock_ms());
	buf_consume(&c->in, taken);
	if (taken > 0 || moved)
		conn_run(c);
	if (c->aborted) {
		conn_tell_closed(c);
		return true;
	}
	out = c->ops->output(c->session);
	if (out.len > c->high)
		c->high = out.len;
	if (out.len > 0 && !c->slow) {
		assert_int_equal(buf_put_slice(&c->out, out), 0);
		c->ops->sent(c->session, out.len);
		conn_run(c);
		return true;
	}
	if (c->want_tls && !c->slow_tls && out.len == 0) {
		conn_shake(c);
		return true;
	}
	if (c->closing && out.len == 0) {
		conn_tell_closed(c);
		return true;
	}
	return taken > 0 || moved;
}

/* Waits a little for a wake. */
PRETENDED_FN void
conn_sleep(struct conn *c)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 5000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_mutex_lock(&c->lock);
	if (!c->woken)
		(void)pthread_cond_timedwait(&c->cond, &c->lock, &until);
	(void)pthread_mutex_unlock(&c->lock);
}

PRETENDED_FN void
conn_send(struct conn *c, struct slice s)
{
	while (c->want_tls && !c->slow_tls)
		(void)conn_turn_once(c);
	assert_int_equal(buf_put_slice(&c->in, s), 0);
}

/* The next line the client gets, without CR LF, in line (valid until the next call); false when none comes. */
PRETENDED_FN bool
conn_line(struct conn *c, struct buf *line)
{
	int64_t limit = clock_ms() + PRETENDED_WAIT_MS;

	for (;;) {
		size_t at = slice_search(buf_slice(&c->out), SLICE("\r\n"));

		if (at != SIZE_MAX) {
			buf_clear(line);
			(void)buf_put(line, c->out.data, at);
			buf_consume(&c->out, at + 2);
			return true;
		}
		if (c->closed_told || clock_ms() > limit)
			return false;
		if (!conn_turn_once(c))
			conn_sleep(c);
	}
}

/* Runs until nothing moves for a moment and nothing is in flight. False: in the whole time it did not come to that. */
PRETENDED_FN bool
conn_settle(struct conn *c)
{
	int64_t limit = clock_ms() + PRETENDED_WAIT_MS;

	while (!c->closed_told && clock_ms() < limit) {
		if (conn_turn_once(c))
			continue;
		if ((c->ops->busy == NULL || !c->ops->busy(c->session)) && (c->in.len == 0 || c->want_tls))
			return true;
		conn_sleep(c);
	}
	return c->closed_told;
}

#endif
