/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/port.h"

struct echo {
	uint64_t number;
	struct slice text;
	uint32_t *list;
	size_t list_count;
};

static const struct codec_field echo_fields[] = {
	CODEC_FIELD(struct echo, number, CODEC_U64, 0),
	CODEC_FIELD(struct echo, text, CODEC_BYTES, 4 << 20),
	CODEC_FIELD_LIST(struct echo, list, list_count, &codec_schema_u32, 1000),
};
static const struct codec_schema echo_schema = CODEC_SCHEMA(echo, echo_fields);

enum {
	ECHO = 1,
	REFUSE = 2,
	LATER = 3,
	NEVER = 4,
	NOT_THERE = 5,
	TOO_LARGE = 6,
};

static const struct port_method methods[] = {
	{ ECHO, "echo", &echo_schema, &echo_schema },
	{ REFUSE, "refuse", &echo_schema, &echo_schema },
	{ LATER, "later", &echo_schema, &echo_schema },
	{ NEVER, "never", &echo_schema, &echo_schema },
	{ NOT_THERE, "not_there", &echo_schema, &echo_schema },
	{ TOO_LARGE, "too_large", &echo_schema, &echo_schema },
};
static const struct port_interface interface = { "test", methods, 6 };

/* What the service remembers: jobs that are answered later, in the opposite order, and who left. */
struct keeper {
	pthread_mutex_t mutex;
	struct port_job *kept[8];
	size_t kept_count;
	struct port_job *never[PORT_IN_FLIGHT_MAX];
	size_t never_count;
	unsigned gone;
};

static void
run_echo(void *ctx, struct port_job *job)
{
	const struct echo *in = port_job_request(job);

	(void)ctx;
	assert_true(port_job_peer(job) != 0);
	assert_int_equal(port_job_method(job), ECHO);
	port_reply(job, in);
}

static void
run_refuse(void *ctx, struct port_job *job)
{
	struct error e;

	(void)ctx;
	(void)error_set_at(&e, ERR_NOT_FOUND, 7, "nothing of that name");
	port_fail(job, &e);
}

static void
run_too_large(void *ctx, struct port_job *job)
{
	struct echo out = { .list_count = 1001 };

	(void)ctx;
	out.list = arena_array(port_job_arena(job), 1001, sizeof *out.list);
	port_reply(job, &out);
}

static void *
answer_kept(void *arg)
{
	struct keeper *k = arg;

	(void)pthread_mutex_lock(&k->mutex);
	while (k->kept_count > 0) {
		struct port_job *job = k->kept[--k->kept_count];

		port_reply(job, port_job_request(job));
	}
	(void)pthread_mutex_unlock(&k->mutex);
	return NULL;
}

static void
run_later(void *ctx, struct port_job *job)
{
	struct keeper *k = ctx;
	pthread_t thread;
	bool full;

	(void)pthread_mutex_lock(&k->mutex);
	k->kept[k->kept_count++] = job;
	full = k->kept_count == 8;
	(void)pthread_mutex_unlock(&k->mutex);
	if (!full)
		return;
	assert_int_equal(pthread_create(&thread, NULL, answer_kept, k), 0);
	(void)pthread_detach(thread);
}

static void
run_never(void *ctx, struct port_job *job)
{
	struct keeper *k = ctx;

	(void)pthread_mutex_lock(&k->mutex);
	k->never[k->never_count++] = job;
	(void)pthread_mutex_unlock(&k->mutex);
}

static void
peer_gone(void *ctx, uint64_t peer)
{
	struct keeper *k = ctx;

	assert_true(peer != 0);
	(void)pthread_mutex_lock(&k->mutex);
	k->gone++;
	(void)pthread_mutex_unlock(&k->mutex);
}

static const struct port_handler handlers[] = {
	{ ECHO, run_echo },
	{ REFUSE, run_refuse },
	{ LATER, run_later },
	{ NEVER, run_never },
	{ TOO_LARGE, run_too_large },
};

struct bench {
	struct keeper keeper;
	struct port_service service;
	struct port_server *server;
	struct port *port;
};

static void
bench_init(struct bench *b, bool over_socket)
{
	int fds[2];

	memset(b, 0, sizeof *b);
	assert_int_equal(pthread_mutex_init(&b->keeper.mutex, NULL), 0);
	b->service =
	    (struct port_service){ &interface, handlers, sizeof handlers / sizeof handlers[0], &b->keeper, peer_gone };
	if (!over_socket) {
		assert_ok(port_open_local(&b->service, &b->port, &unit_error));
		return;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(&b->service, &b->server, &unit_error));
	assert_ok(port_server_add(b->server, fds[0], NULL, 0, &unit_error));
	assert_ok(port_open_socket(&interface, fds[1], &b->port, &unit_error));
}

static void
bench_done(struct bench *b)
{
	struct error e;

	(void)error_set(&e, ERR_ORDER, "too late");
	port_close(b->port);
	port_server_free(b->server);
	for (size_t i = 0; i < b->keeper.never_count; i++)
		port_fail(b->keeper.never[i], &e);
	assert_int_equal(b->keeper.gone, 1);
	(void)pthread_mutex_destroy(&b->keeper.mutex);
}

static void
check_call(struct port *p)
{
	uint32_t list[3] = { 1, 2, 0xffffffffu };
	struct echo in = { 42, SLICE("hello"), list, 3 }, out;
	struct arena a ARENA_OWNED = { 0 };
	struct error e = { 0 };

	arena_init(&a, 1 << 20);
	assert_ok(port_call(p, ECHO, &in, &a, &out, &unit_error));
	assert_int_equal(out.number, 42);
	assert_slice(out.text, "hello");
	assert_int_equal(out.list_count, 3);
	assert_true(out.list[2] == 0xffffffffu);
	assert_int_equal(port_call(p, REFUSE, &in, &a, &out, &e), ERR_NOT_FOUND);
	assert_string_equal(e.text, "nothing of that name");
	assert_int_equal(e.offset, 7);
	assert_int_equal(port_call(p, NOT_THERE, &in, &a, &out, &e), ERR_DENIED);
	assert_int_equal(port_call(p, 99, &in, &a, &out, &e), ERR_UNSUPPORTED);
	assert_int_equal(port_call(p, TOO_LARGE, &in, &a, &out, &e), ERR_LIMIT);
	in.list_count = 1001;
	assert_int_equal(port_call(p, ECHO, &in, &a, &out, &e), ERR_LIMIT);
}

static void
calls(void **state)
{
	struct bench b;

	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		bench_init(&b, socket != 0);
		check_call(b.port);
		bench_done(&b);
	}
}

static void
large_call(void **state)
{
	struct bench b;
	struct arena a ARENA_OWNED = { 0 };
	struct echo in = { 0 }, out;
	static uint8_t data[4 << 20];

	(void)state;
	arena_init(&a, 64 << 20);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 >> 3);
	for (int socket = 0; socket < 2; socket++) {
		bench_init(&b, socket != 0);
		in.text = slice_of(data, sizeof data);
		for (int i = 0; i < 3; i++) {
			assert_ok(port_call(b.port, ECHO, &in, &a, &out, &unit_error));
			assert_true(slice_eq(in.text, out.text));
		}
		bench_done(&b);
	}
}

struct counter {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned answers;
	unsigned failures;
	int code;
	uint64_t sum;
};

static void
count_done(void *ctx, const void *reply, const struct error *e)
{
	struct counter *c = ctx;
	const struct echo *out = reply;

	(void)pthread_mutex_lock(&c->mutex);
	if (reply != NULL)
		c->sum += out->number;
	else
		c->code = e->code;
	c->failures += reply == NULL;
	c->answers++;
	(void)pthread_cond_signal(&c->changed);
	(void)pthread_mutex_unlock(&c->mutex);
}

static void
count_wait(struct counter *c, unsigned answers)
{
	(void)pthread_mutex_lock(&c->mutex);
	while (c->answers < answers)
		(void)pthread_cond_wait(&c->changed, &c->mutex);
	(void)pthread_mutex_unlock(&c->mutex);
}

#define COUNTER \
	{ \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
	}

static void
answers_out_of_order(void **state)
{
	struct bench b;

	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		struct counter c = COUNTER;

		bench_init(&b, socket != 0);
		for (uint64_t i = 1; i <= 800; i++) {
			struct echo in = { .number = i };

			assert_ok(port_submit(b.port, LATER, &in, count_done, &c, &unit_error));
			if (i % 8 == 0)
				count_wait(&c, (unsigned)i);
		}
		assert_int_equal(c.failures, 0);
		assert_int_equal(c.sum, 800 * 801 / 2);
		bench_done(&b);
	}
}

static void
in_flight_is_bounded(void **state)
{
	struct bench b;

	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		struct counter c = COUNTER;
		struct echo in = { 0 };
		struct error e = { 0 };

		bench_init(&b, socket != 0);
		for (unsigned i = 0; i < PORT_IN_FLIGHT_MAX; i++)
			assert_ok(port_submit(b.port, NEVER, &in, count_done, &c, &unit_error));
		assert_int_equal(port_submit(b.port, NEVER, &in, count_done, &c, &e), ERR_LIMIT);
		assert_int_equal(c.answers, 0);
		port_close(b.port);
		b.port = NULL;
		assert_int_equal(c.failures, PORT_IN_FLIGHT_MAX);
		assert_int_equal(c.code, ERR_CLOSED);
		bench_done(&b);
	}
}

/* A process that serves, and is killed while calls are unanswered. */
static void
dead_peer_fails_all(void **state)
{
	struct counter c = COUNTER;
	struct echo in = { .number = 5 }, out;
	struct arena a ARENA_OWNED = { 0 };
	struct error e = { 0 };
	struct port *p;
	int fds[2];
	pid_t child;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static struct keeper k = { .mutex = PTHREAD_MUTEX_INITIALIZER };
		struct port_service service = { &interface, handlers, sizeof handlers / sizeof handlers[0], &k, NULL };
		struct port_server *server;

		(void)close(fds[1]);
		if (port_server_new(&service, &server, NULL) != 0 ||
		    port_server_add(server, fds[0], NULL, 0, NULL) != 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(fds[0]);
	assert_ok(port_open_socket(&interface, fds[1], &p, &unit_error));
	check_call(p);
	for (int i = 0; i < 100; i++)
		assert_ok(port_submit(p, NEVER, &in, count_done, &c, &unit_error));
	assert_int_equal(kill(child, SIGKILL), 0);
	count_wait(&c, 100);
	assert_int_equal(c.failures, 100);
	assert_int_equal(c.code, ERR_CLOSED);
	assert_int_equal(port_call(p, ECHO, &in, &a, &out, &e), ERR_CLOSED);
	assert_int_equal(port_submit(p, ECHO, &in, count_done, &c, &e), ERR_CLOSED);
	port_close(p);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Octets that are no frames, no calls, or no requests end or fail that peer only. */
static void
hostile_octets(void **state)
{
	const struct {
		struct slice octets;
		bool answered;
	} rows[] = {
		{ SLICE("\xff\xff\xff\xff"), false },       /* too long */
		{ SLICE("\0\0\0\1x"), false },              /* too short */
		{ SLICE("GET / HTTP/1.1\r\n\r\n"), false }, /* not a frame */
		{ SLICE("\0\0\0\x0a\0\x63"
			"12345678"),
		    true }, /* no such call */
		{ SLICE("\0\0\0\x0a\0\1"
			"12345678"),
		    true }, /* cut short */
		{ SLICE("\0\0\0\x1a\0\1"
			"12345678"
			"87654321"
			"\xff\xff\xff\xff"
			"\xff\xff\xff\xff"),
		    true }, /* counts */
		{ SLICE("\0\0\0\x1b\0\1"
			"12345678"
			"87654321"
			"\0\0\0\0"
			"\0\0\0\0"
			"x"),
		    true }, /* left over */
	};
	struct bench b;

	(void)state;
	bench_init(&b, true);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t answer[1024];
		int fds[2];
		ssize_t n;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_ok(port_server_add(b.server, fds[0], NULL, 0, &unit_error));
		assert_int_equal(
		    send(fds[1], rows[i].octets.data, rows[i].octets.len, MSG_NOSIGNAL), rows[i].octets.len);
		n = recv(fds[1], answer, sizeof answer, 0);
		if (rows[i].answered) {
			assert_true(n > 14);
			assert_true((answer[4] & 0x80) != 0);
			assert_memory_equal(answer + 6, "12345678", 8);
		} else {
			assert_true(n <= 0);
		}
		(void)close(fds[1]);
		check_call(b.port);
	}
	while (port_server_count(b.server) > 1)
		(void)usleep(1000);
	b.keeper.gone = 0;
	bench_done(&b);
}

/* The server's answers must not be able to hurt the asking end either. */
static void
hostile_answers(void **state)
{
	const struct slice rows[] = {
		SLICE("\0\0\0\x0a\0\1"
		      "\xff\xff\xff\xff\xff\xff\xff\xff"), /* a ticket that is not there */
		SLICE("\0\0\0\x0a\0\1"
		      "\0\0\0\0\0\1\0\0"), /* ours, cut short */
		SLICE("\0\0\0\x0a\0\2"
		      "\0\0\0\0\0\1\0\0"), /* ours, but of another call */
		SLICE("\0\0\0\x0a\x80\1"
		      "\0\0\0\0\0\1\0\0"), /* an error without text */
		SLICE("\xff\xff\xff\xff"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct counter c = COUNTER;
		struct echo in = { 0 };
		struct port *p;
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_ok(port_open_socket(&interface, fds[1], &p, &unit_error));
		assert_ok(port_submit(p, ECHO, &in, count_done, &c, &unit_error));
		assert_int_equal(send(fds[0], rows[i].data, rows[i].len, MSG_NOSIGNAL), rows[i].len);
		(void)close(fds[0]);
		count_wait(&c, 1);
		assert_int_equal(c.failures, 1);
		port_close(p);
	}
}

UNIT_MAIN(UNIT_TEST(calls), UNIT_TEST(large_call), UNIT_TEST(answers_out_of_order), UNIT_TEST(in_flight_is_bounded),
    UNIT_TEST(dead_peer_fails_all), UNIT_TEST(hostile_octets), UNIT_TEST(hostile_answers))
