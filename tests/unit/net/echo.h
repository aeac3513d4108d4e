/* SPDX-License-Identifier: ISC */
/*
 * A small echo protocol for the tests of connections: a session that speaks
 * it, a client machine that collects lines, and bare sockets.
 *
 *   tls       starts TLS             quit   says "bye" and ends
 *   flood     sends 8 MiB            big    says 30000 octets and ends
 *   abort     ends at once           wait   says "tick" at a deadline 50 ms away
 *   who       our port, peer, and what TLS gives
 *   anything else is said again
 */
#ifndef TESTS_NET_ECHO_H
#define TESTS_NET_ECHO_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/client.h"
#include "net/server.h"
#include "os/clock.h"

#define ECHO_FLOOD (8u << 20)
#define ECHO_BIG 30000u

struct echo {
	struct buf in, out;
	struct conn *c;
	size_t flood;
	int64_t due;
	bool greeted, quit, forget;
};

static atomic_int open_sessions;
static atomic_int told_of_the_end; /* sessions */

static inline int
echo_open(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	struct echo *s = mem_alloc(sizeof *s);

	(void)ctx;
	(void)e;
	assert_non_null(s);
	buf_init(&s->in, 1000);
	buf_init(&s->out, 100000);
	s->c = c;
	s->due = MACHINE_NEVER;
	(void)atomic_fetch_add(&open_sessions, 1);
	*session_out = s;
	return 0;
}

static inline size_t
echo_feed(void *session, struct slice in, int64_t now_ms)
{
	struct echo *s = session;
	size_t n = size_min(in.len, 1000 - s->in.len);

	(void)now_ms;
	(void)buf_put(&s->in, in.data, n);
	return n;
}

static inline void
echo_start_tls(struct echo *s, const char *answer)
{
	(void)buf_put_str(&s->out, answer);
	assert_int_equal(conn_start_tls(s->c, NULL), 0);
	s->forget = true;
}

static inline void
echo_who(struct echo *s)
{
	struct conn_tls_info info = { 0 };

	(void)buf_putf(&s->out, "%u %s ", conn_port(s->c), conn_peer(s->c));
	if (conn_tls_info(s->c, &info))
		(void)buf_putf(&s->out, "%s %s %u\n", info.version, info.cipher, info.bits);
	else
		(void)buf_putf(&s->out, "clear %s\n", conn_can_start_tls(s->c) ? "can" : "cannot");
}

static inline void
echo_end(struct echo *s, bool big)
{
	for (size_t i = 0; big && i < ECHO_BIG; i++)
		(void)buf_put_u8(&s->out, 'b');
	(void)buf_put_str(&s->out, "bye\n");
	conn_close(s->c);
	s->quit = true;
}

static inline void
echo_line(struct echo *s, struct slice line, int64_t now_ms)
{
	if (slice_eq_str(line, "tls")) {
		echo_start_tls(s, "go\n");
	} else if (slice_eq_str(line, "inject")) {
		/* What somebody in the middle does: more in clear behind the answer, in the same segment. */
		echo_start_tls(s, "go\nEVIL\n");
	} else if (slice_eq_str(line, "quit") || slice_eq_str(line, "big")) {
		echo_end(s, slice_eq_str(line, "big"));
	} else if (slice_eq_str(line, "abort")) {
		conn_abort(s->c);
		s->quit = true;
	} else if (slice_eq_str(line, "who")) {
		echo_who(s);
	} else if (slice_eq_str(line, "flood")) {
		s->flood = ECHO_FLOOD;
	} else if (slice_eq_str(line, "wait")) {
		s->due = now_ms + 50;
	} else {
		(void)buf_put_slice(&s->out, line);
		(void)buf_put_str(&s->out, "\n");
	}
}

static inline void
echo_run(void *session, struct conn *c, int64_t now_ms)
{
	struct echo *s = session;
	size_t at;

	(void)c;
	if (!s->greeted)
		(void)buf_put_str(&s->out, "hello\n");
	s->greeted = true;
	if (s->due <= now_ms) {
		(void)buf_put_str(&s->out, "tick\n");
		s->due = MACHINE_NEVER;
	}
	while (!s->quit && s->out.len < 40000) {
		if (s->flood > 0) {
			(void)buf_put_str(&s->out, "0123456\n");
			s->flood -= 8;
			continue;
		}
		at = slice_find(buf_slice(&s->in), '\n');
		if (at == SIZE_MAX)
			break;
		echo_line(s, slice_sub(buf_slice(&s->in), 0, at), now_ms);
		buf_consume(&s->in, s->forget ? s->in.len : at + 1);
		s->forget = false;
	}
}

static inline struct slice
echo_output(void *session)
{
	return buf_slice(&((struct echo *)session)->out);
}

static inline void
echo_sent(void *session, size_t n)
{
	buf_consume(&((struct echo *)session)->out, n);
}

static inline int64_t
echo_deadline(const void *session)
{
	return ((const struct echo *)session)->due;
}

static inline void
echo_closed(void *session)
{
	struct echo *s = session;

	buf_done(&s->in);
	buf_done(&s->out);
	mem_free(s);
	(void)atomic_fetch_sub(&open_sessions, 1);
}

static inline void
echo_stopping(void *session)
{
	(void)session;
	(void)atomic_fetch_add(&told_of_the_end, 1);
}

static const struct conn_ops echo_ops __attribute__((unused)) = {
	.feed = echo_feed,
	.run = echo_run,
	.output = echo_output,
	.sent = echo_sent,
	.deadline = echo_deadline,
	.closed = echo_closed,
	.stopping = echo_stopping,
};

/* ---- the other side: a machine that collects lines ---- */

struct lines {
	struct buf in, out;
};

static inline size_t
lines_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct lines *m = machine;

	(void)now_ms;
	return buf_put_slice(&m->in, in) == 0 ? in.len : 0;
}

static inline struct slice
lines_output(void *machine)
{
	return buf_slice(&((struct lines *)machine)->out);
}

static inline void
lines_sent(void *machine, size_t n)
{
	buf_consume(&((struct lines *)machine)->out, n);
}

static inline int64_t
lines_deadline(const void *machine)
{
	(void)machine;
	return MACHINE_NEVER;
}

static const struct machine_ops lines_ops __attribute__((unused)) = {
	.feed = lines_feed,
	.output = lines_output,
	.sent = lines_sent,
	.deadline = lines_deadline,
};

static inline void
lines_init(struct lines *m)
{
	buf_init(&m->in, 16u << 20);
	buf_init(&m->out, 16u << 20);
}

static inline void
lines_done(struct lines *m)
{
	buf_done(&m->in);
	buf_done(&m->out);
}

/* Says a line and waits until the answer is this. */
static inline void
talk(struct client *c, struct lines *m, const char *say, const char *answer)
{
	(void)buf_put_str(&m->out, say);
	while (m->in.len < strlen(answer))
		assert_ok(client_step(c, &lines_ops, m, &unit_error));
	assert_slice(buf_slice(&m->in), answer);
	buf_clear(&m->in);
}

/* A certificate that signs itself. */
struct identity {
	struct tls_server *tls;
	uint8_t pin[TLS_PIN_SIZE];
	struct buf pem;
};

static inline void
identity_make(struct identity *id)
{
	const char *names[] = { "localhost", "mail.example.org" };
	struct buf key;

	*id = (struct identity){ 0 };
	buf_init(&id->pem, 10000);
	buf_init(&key, 10000);
	assert_ok(tls_self_signed(names, 2, (uint64_t)time(NULL), &id->pem, &key, &unit_error));
	assert_ok(tls_certificate_pin(buf_slice(&id->pem), id->pin, &unit_error));
	assert_ok(tls_server_new_pem(buf_slice(&id->pem), buf_slice(&key), &id->tls, &unit_error));
	buf_wipe_done(&key);
}

static inline void
identity_done(struct identity *id)
{
	tls_server_free(id->tls);
	buf_done(&id->pem);
}

static inline int
bare_socket(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval wait = { .tv_sec = 10 };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return fd;
}

#endif
