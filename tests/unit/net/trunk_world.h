/* SPDX-License-Identifier: ISC */
/*
 * For the tests of trunks: a near server with clients' ports and a far server
 * with echo sessions, joined by socket pairs, all in one process.
 */
#ifndef TESTS_NET_TRUNK_WORLD_H
#define TESTS_NET_TRUNK_WORLD_H

#include "echo.h"

#include "net/trunk.h"

#define TRUNKS 2
enum { KIND_ECHO, KIND_REFUSED };

#define WAIT_FOR(condition) \
	do { \
		int64_t until_ = clock_ms() + 20000; \
		while (!(condition) && clock_ms() < until_) \
			(void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL); \
		assert_true(condition); \
	} while (0)

struct near_port {
	struct trunk *trunk;
	atomic_uint kind;
};

struct world {
	struct identity id;
	struct server *near, *far;
	struct trunk *trunks[TRUNKS];
	struct near_port ports[TRUNKS];
	int held[TRUNKS];             /* a second descriptor of the far end's socket, to cut it */
	uint16_t plain, secure, bare; /* trunk 0: with STARTTLS, TLS, without any TLS */
	uint16_t second;              /* trunk 1, without TLS */
	uint64_t next_tag;
	atomic_int near_gone, near_broken, far_gone, far_broken;
	_Atomic(struct conn *) last; /* the far conn opened last */
	atomic_uint_fast64_t number; /* what the far end was told of it */
};

static inline int
world_open_near(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	struct near_port *p = ctx;

	return channel_open(p->trunk, c, &(struct trunk_open){ .kind = atomic_load(&p->kind) }, session_out, e);
}

static inline int
world_open_far(void *ctx, uint64_t tag, uint64_t number, struct conn *c, const struct trunk_open *in,
    const struct conn_ops **ops_out, void **session_out, struct error *e)
{
	struct world *w = ctx;
	struct echo *s;

	(void)tag;
	atomic_store(&w->last, c);
	atomic_store(&w->number, number);
	if (in->kind == KIND_REFUSED)
		return error_set(e, ERR_DENIED, "not here");
	(void)echo_open(NULL, c, session_out, e);
	s = *session_out;
	s->greeted = in->pending.len > 0;
	(void)buf_put_slice(&s->out, in->pending);
	*ops_out = &echo_ops;
	return 0;
}

static inline void
world_near_gone(void *ctx, bool broken)
{
	struct world *w = ctx;

	(void)atomic_fetch_add(&w->near_broken, broken);
	(void)atomic_fetch_add(&w->near_gone, 1);
}

static inline void
world_far_gone(void *ctx, uint64_t tag, bool broken)
{
	struct world *w = ctx;

	(void)tag;
	(void)atomic_fetch_add(&w->far_broken, broken);
	(void)atomic_fetch_add(&w->far_gone, 1);
}

/* A far end on the far server; the near end of its socket is the caller's. */
static inline int
world_add_far(struct world *w, int *held_out)
{
	const struct trunk_far_config config = {
		.tag = ++w->next_tag, .open = world_open_far, .gone = world_far_gone, .ctx = w, .gone_ctx = w
	};
	struct timeval wait = { .tv_sec = 5 };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (held_out != NULL)
		*held_out = dup(pair[0]);
	assert_ok(server_add_trunk(w->far, pair[0], &config, &unit_error));
	return pair[1];
}

/* Trunk i gets a new far end. */
static inline void
world_join(struct world *w, size_t i)
{
	if (w->held[i] >= 0)
		(void)close(w->held[i]);
	assert_ok(trunk_attach(w->trunks[i], world_add_far(w, &w->held[i]), &unit_error));
}

/* As if either process had ended. */
static inline void
world_cut(struct world *w, size_t i)
{
	(void)shutdown(w->held[i], SHUT_RDWR);
}

static inline uint16_t
world_listen(struct world *w, size_t trunk, const struct listener_config *how)
{
	struct listener_config config = *how;
	uint16_t port = 0;

	config.address = "127.0.0.1";
	if (config.ops == NULL) {
		config.ops = &channel_ops;
		config.open = world_open_near;
		config.ctx = &w->ports[trunk];
	}
	assert_ok(server_listen(w->near, &config, &port, &unit_error));
	return port;
}

/* Not yet started: more ports may be added. */
static inline void
world_prepare(struct world *w, const struct server_limits *near, const struct server_limits *far)
{
	struct server_limits near_limits = near == NULL ? (struct server_limits){ 0 } : *near;
	struct server_limits far_limits = far == NULL ? (struct server_limits){ 0 } : *far;

	memset(w, 0, sizeof *w);
	identity_make(&w->id);
	near_limits.threads = 1;
	near_limits.connections_peer = 5000;
	far_limits.threads = 2;
	assert_ok(server_new(&near_limits, &w->near, &unit_error));
	assert_ok(server_new(&far_limits, &w->far, &unit_error));
	for (size_t i = 0; i < TRUNKS; i++) {
		assert_ok(trunk_new(w->near, world_near_gone, w, &w->trunks[i], &unit_error));
		w->ports[i].trunk = w->trunks[i];
		w->held[i] = -1;
	}
	w->plain = world_listen(w, 0, &(struct listener_config){ .tls = w->id.tls });
	w->secure = world_listen(w, 0, &(struct listener_config){ .tls = w->id.tls, .implicit_tls = true });
	w->bare = world_listen(w, 0, &(struct listener_config){ 0 });
	w->second = world_listen(w, 1, &(struct listener_config){ 0 });
}

static inline void
world_go(struct world *w)
{
	assert_ok(server_start(w->near, &unit_error));
	assert_ok(server_start(w->far, &unit_error));
	for (size_t i = 0; i < TRUNKS; i++)
		world_join(w, i);
}

static inline void
world_start(struct world *w, const struct server_limits *near, const struct server_limits *far)
{
	world_prepare(w, near, far);
	world_go(w);
}

/* Nothing is open any more. */
static inline void
world_settle(struct world *w)
{
	WAIT_FOR(atomic_load(&open_sessions) == 0 && server_connections(w->near) == 0);
}

/* Both have been stopped. */
static inline void
world_free(struct world *w)
{
	assert_int_equal(atomic_load(&open_sessions), 0);
	assert_int_equal(server_connections(w->near), 0);
	for (size_t i = 0; i < TRUNKS; i++) {
		trunk_free(w->trunks[i]);
		if (w->held[i] >= 0)
			(void)close(w->held[i]);
	}
	server_free(w->near);
	server_free(w->far);
	identity_done(&w->id);
}

static inline void
world_stop_in_order(struct world *w, bool near_first)
{
	server_stop(near_first ? w->near : w->far, 500);
	server_stop(near_first ? w->far : w->near, 500);
	world_free(w);
}

static inline void
world_stop(struct world *w)
{
	world_stop_in_order(w, true);
}

static inline struct client *
world_dial(const struct world *w, bool secure)
{
	struct client_config config = { .host = "localhost",
		.port = secure ? w->secure : w->plain,
		.implicit_tls = secure,
		.pin = slice_of(w->id.pin, TLS_PIN_SIZE) };
	struct client *c = NULL;

	assert_ok(client_connect(&config, &c, NULL, &unit_error));
	return c;
}

/* ---- bare clients ---- */

static inline void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void
hear(int fd, const char *want)
{
	size_t len = strlen(want), n = 0;
	char got[10000];

	assert_true(len < sizeof got);
	while (n < len) {
		ssize_t more = recv(fd, got + n, len - n, 0);

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	assert_slice(slice_of((const uint8_t *)got, n), want);
}

static inline void
hear_flood(int fd)
{
	static char got[65536];
	size_t n = 0;

	while (n < ECHO_FLOOD) {
		ssize_t more = recv(fd, got, size_min(sizeof got, ECHO_FLOOD - n), 0);

		assert_true(more > 0);
		for (size_t i = 0; i < (size_t)more; i++)
			assert_int_equal(got[i], "0123456\n"[(n + i) % 8]);
		n += (size_t)more;
	}
}

/* The end and nothing before it. */
static inline void
hear_end(int fd)
{
	char octet;
	ssize_t n = recv(fd, &octet, 1, 0);

	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	(void)close(fd);
}

/* The end, whatever came before it. */
static inline void
hear_any_end(int fd)
{
	static char got[65536];
	ssize_t n;

	do
		n = recv(fd, got, sizeof got, 0);
	while (n > 0);
	assert_true(n == 0 || errno == ECONNRESET);
	(void)close(fd);
}

/* The end, before it at most a TLS alert. */
static inline void
hear_end_of_tls(int fd)
{
	uint8_t got[64];
	size_t n = 0;
	ssize_t more;

	while (n < sizeof got && (more = recv(fd, got + n, sizeof got - n, 0)) > 0)
		n += (size_t)more;
	assert_true(n == 0 || got[0] == 0x15);
	(void)close(fd);
}

#endif
