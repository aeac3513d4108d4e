/* SPDX-License-Identifier: ISC */
/*
 * Connections behind a trunk: a near and a far server in one process, with
 * clients that behave and clients that do not.
 */
#include "trunk_world.h"

#include <sys/resource.h>

#include "net/conn_internal.h"
#include "net/trunk_io.h"

/* ---- what a session and a client see ---- */

static void
octets_pass_both_ways(void **state)
{
	char text[8001] = "";
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	fd = bare_socket(w.plain);
	hear(fd, "hello\n");
	say(fd, "whole\n");
	hear(fd, "whole\n");
	for (const char *at = "octet by octet\n"; *at != '\0'; at++)
		assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
	hear(fd, "octet by octet\n");
	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 8 * i, "a line.\n", 8);
	say(fd, text);
	hear(fd, text);
	say(fd, "quit\nnothing after it\n");
	hear(fd, "bye\n");
	hear_end(fd);
	world_settle(&w);
	world_stop(&w);
}

static void
a_session_knows_its_client(void **state)
{
	char want[64], got[128] = "";
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		uint16_t port = i == 0 ? w.plain : w.bare;

		fd = bare_socket(port);
		(void)snprintf(want, sizeof want, "hello\n%u 127.0.0.1 clear %s\n", port, i == 0 ? "can" : "cannot");
		say(fd, "who\n");
		hear(fd, want);
		(void)close(fd);
	}
	for (int i = 0; i < 2; i++) {
		struct client *c = world_dial(&w, i == 0);
		struct lines m;

		lines_init(&m);
		talk(c, &m, "", "hello\n");
		if (i == 1) {
			talk(c, &m, "tls\n", "go\n");
			assert_ok(client_start_tls(c, NULL, &unit_error));
		}
		(void)snprintf(want, sizeof want, "%u 127.0.0.1 TLSv1.3 TLS_", i == 0 ? w.secure : w.plain);
		(void)buf_put_str(&m.out, "who\n");
		while (slice_find(buf_slice(&m.in), '\n') == SIZE_MAX)
			assert_ok(client_step(c, &lines_ops, &m, &unit_error));
		(void)snprintf(got, sizeof got, "%.*s", (int)m.in.len, (const char *)m.in.data);
		assert_memory_equal(got, want, strlen(want));
		client_close(c);
		lines_done(&m);
	}
	world_settle(&w);
	world_stop(&w);
}

static void
an_end_of_input_is_answered_fully(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	fd = bare_socket(w.plain);
	say(fd, "a\nb\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	hear(fd, "hello\na\nb\n");
	hear_end(fd);
	fd = bare_socket(w.plain);
	say(fd, "flood\nlast\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	hear(fd, "hello\n");
	hear_flood(fd);
	hear(fd, "last\n");
	hear_end(fd);
	world_settle(&w);
	world_stop(&w);
}

static void
every_way_to_end_frees_the_session(void **state)
{
	struct linger reset = { .l_onoff = 1 };
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	/* A reset by the client, in the middle of output. */
	fd = bare_socket(w.plain);
	say(fd, "flood\n");
	hear(fd, "hello\n0123456\n");
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	(void)close(fd);
	world_settle(&w);
	/* The session's own end, with output that has not gone out. */
	fd = bare_socket(w.plain);
	say(fd, "big\n");
	hear(fd, "hello\n");
	for (size_t i = 0; i < ECHO_BIG; i++)
		hear(fd, "b");
	hear(fd, "bye\n");
	hear_end(fd);
	world_settle(&w);
	/* At once. */
	fd = bare_socket(w.plain);
	hear(fd, "hello\n");
	say(fd, "abort\n");
	hear_end(fd);
	world_settle(&w);
	world_stop(&w);
}

static void
a_session_that_is_refused_closes_its_client(void **state)
{
	struct world w;
	int fd, other;

	(void)state;
	world_start(&w, NULL, NULL);
	other = bare_socket(w.plain);
	hear(other, "hello\n");
	w.ports[1].kind = KIND_REFUSED;
	for (int i = 0; i < 30; i++) {
		fd = bare_socket(w.second);
		/* It may be closed before. */
		if (i % 3 > 0)
			(void)!send(fd, "a\n", 2, MSG_NOSIGNAL);
		if (i % 3 > 1)
			(void)shutdown(fd, SHUT_WR);
		hear_end(fd);
	}
	say(other, "still\n");
	hear(other, "still\n");
	(void)close(other);
	world_settle(&w);
	world_stop(&w);
	assert_int_equal(atomic_load(&w.far_broken) + atomic_load(&w.near_broken), 0);
}

static void
deadlines_of_far_sessions_come(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	fd = bare_socket(w.plain);
	say(fd, "wait\n");
	hear(fd, "hello\ntick\n");
	(void)close(fd);
	world_stop(&w);
}

/* ---- handing on ---- */

/* Hands itself on when it is told "go"; what it has to say and what it has read go with it. */
struct door {
	struct world *world;
	struct conn *c;
	struct buf in, out;
};

static size_t
door_feed(void *session, struct slice in, int64_t now_ms)
{
	struct door *d = session;
	size_t n = size_min(in.len, 1000 - d->in.len);

	(void)now_ms;
	(void)buf_put(&d->in, in.data, n);
	return n;
}

static void
door_closed(void *session)
{
	struct door *d = session;

	buf_done(&d->in);
	buf_done(&d->out);
	mem_free(d);
}

static void
door_run(void *session, struct conn *c, int64_t now_ms)
{
	static const uint8_t long_tag[TRUNK_TEXT_MAX + 1];
	struct door *d = session;
	struct trunk_open open = { .pending = SLICE("pending\n") };
	size_t at;

	(void)now_ms;
	while ((at = slice_find(buf_slice(&d->in), '\n')) != SIZE_MAX) {
		struct slice line = slice_sub(buf_slice(&d->in), 0, at);

		if (slice_eq_str(line, "number"))
			(void)buf_putf(&d->out, "%llu\n", (unsigned long long)channel_number(c));
		if (slice_eq_str(line, "too long"))
			open.tag = slice_of(long_tag, sizeof long_tag);
		if (slice_eq_str(line, "too long") || slice_eq_str(line, "go")) {
			open.unread = slice_from(buf_slice(&d->in), at + 1);
			if (channel_open(d->world->trunks[0], c, &open, NULL, NULL) == 0) {
				door_closed(d);
				return;
			}
			open.tag = SLICE_EMPTY;
			(void)buf_put_str(&d->out, "no\n");
		}
		buf_consume(&d->in, at + 1);
	}
}

static struct slice
door_output(void *session)
{
	return buf_slice(&((struct door *)session)->out);
}

static void
door_sent(void *session, size_t len)
{
	buf_consume(&((struct door *)session)->out, len);
}

static int64_t
door_deadline(const void *session)
{
	(void)session;
	return MACHINE_NEVER;
}

static const struct conn_ops door_ops = {
	.feed = door_feed,
	.run = door_run,
	.output = door_output,
	.sent = door_sent,
	.deadline = door_deadline,
	.closed = door_closed,
};

static int
door_open(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	struct door *d = mem_alloc(sizeof *d);

	if (d == NULL)
		return error_nomem(e);
	d->world = ctx;
	d->c = c;
	buf_init(&d->in, 1000);
	buf_init(&d->out, 1000);
	*session_out = d;
	return 0;
}

static uint16_t
world_start_with_doors(struct world *w)
{
	uint16_t port;

	world_prepare(w, NULL, NULL);
	port = world_listen(w, 0, &(struct listener_config){ .ops = &door_ops, .open = door_open, .ctx = w });
	world_go(w);
	return port;
}

static void
connections_are_handed_on_in_any_order(void **state)
{
	static const size_t order[] = { 3, 0, 4, 2, 1 };
	struct world w;
	uint16_t port;
	int fds[5];

	(void)state;
	port = world_start_with_doors(&w);
	for (size_t i = 0; i < 5; i++) {
		fds[i] = bare_socket(port);
		say(fds[i], "nothing\n");
	}
	for (size_t i = 0; i < 5; i++) {
		say(fds[order[i]], "go\nunread\n");
		hear(fds[order[i]], "pending\nunread\n");
		say(fds[order[i]], "more\n");
		hear(fds[order[i]], "more\n");
	}
	for (size_t i = 0; i < 5; i++) {
		say(fds[i], "still\n");
		hear(fds[i], "still\n");
		(void)close(fds[i]);
	}
	world_settle(&w);
	world_stop(&w);
	assert_int_equal(atomic_load(&w.far_broken) + atomic_load(&w.near_broken), 0);
}

static void
the_far_end_is_told_the_number_that_was_known_before(void **state)
{
	char number[32] = "";
	struct world w;
	uint16_t port;
	int fd;

	(void)state;
	port = world_start_with_doors(&w);
	for (int i = 0; i < 3; i++) {
		fd = bare_socket(port);
		say(fd, "number\n");
		assert_true(recv(fd, number, sizeof number - 1, 0) > 1);
		say(fd, "go\n");
		hear(fd, "pending\n");
		assert_int_equal(atomic_load(&w.number), strtoull(number, NULL, 10));
		(void)close(fd);
	}
	world_settle(&w);
	world_stop(&w);
}

static void
a_text_that_is_too_long_is_refused_to_one_client_only(void **state)
{
	struct world w;
	uint16_t port;
	int fd, other;

	(void)state;
	port = world_start_with_doors(&w);
	other = bare_socket(w.plain);
	hear(other, "hello\n");
	fd = bare_socket(port);
	say(fd, "too long\n");
	hear(fd, "no\n");
	say(fd, "go\na\n");
	hear(fd, "pending\na\n");
	say(other, "still\n");
	hear(other, "still\n");
	(void)close(fd);
	(void)close(other);
	world_settle(&w);
	world_stop(&w);
}

/* ---- STARTTLS ---- */

static void
nothing_in_clear_survives_starttls(void **state)
{
	char text[8001];
	struct client *c;
	struct lines m;
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	/* In the segment of the command: little, and more than the session takes in one piece. */
	for (size_t len = 9; len < sizeof text; len = len == 9 ? sizeof text - 1 : sizeof text) {
		memcpy(text, "tls\n", 4);
		for (size_t i = 4; i + 5 <= len; i += 5)
			memcpy(text + i, "EVIL\n", 6);
		c = world_dial(&w, false);
		lines_init(&m);
		talk(c, &m, "", "hello\n");
		talk(c, &m, text, "go\n");
		assert_ok(client_start_tls(c, NULL, &unit_error));
		talk(c, &m, "after\n", "after\n");
		client_close(c);
		lines_done(&m);
	}
	/* In segments of its own, before and behind the answer. */
	for (int i = 0; i < 20; i++) {
		fd = bare_socket(w.plain);
		hear(fd, "hello\n");
		say(fd, "tls\n");
		if (i % 2 == 0)
			hear(fd, "go\n");
		say(fd, "EVIL\n");
		if (i % 2 != 0)
			hear(fd, "go\n");
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		hear_end_of_tls(fd);
	}
	world_settle(&w);
	world_stop(&w);
}

/* ---- many ---- */

#define NEVER_READING 100

static void
clients_that_never_read_hold_up_nobody(void **state)
{
	int floods[NEVER_READING], slow, small = 4096;
	int64_t began, worst = 0;
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	for (int i = 0; i < NEVER_READING; i++) {
		floods[i] = bare_socket(w.plain);
		(void)setsockopt(floods[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		say(floods[i], "flood\n");
	}
	slow = bare_socket(w.plain);
	say(slow, "flood\n");
	hear(slow, "hello\n");
	fd = bare_socket(w.plain);
	hear(fd, "hello\n");
	for (int i = 0; i < 100; i++) {
		began = clock_ms();
		say(fd, "ping\n");
		hear(fd, "ping\n");
		worst = clock_ms() - began > worst ? clock_ms() - began : worst;
	}
	assert_true(worst < 2000); /* under sanitizers on a busy machine; usually a few milliseconds */
	hear_flood(slow);
	(void)close(slow);
	(void)close(fd);
	for (int i = 0; i < NEVER_READING; i++)
		(void)close(floods[i]);
	world_settle(&w);
	world_stop(&w);
}

#define MANY 2000

static void
two_thousand_connections_share_a_trunk(void **state)
{
	struct rlimit files;
	struct world w;
	int fds[MANY];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * MANY + 100) {
		print_message("# skipped: %d connections need more descriptors than are permitted\n", MANY);
		return;
	}
	world_start(&w, NULL, NULL);
	for (int i = 0; i < MANY; i++)
		fds[i] = bare_socket(w.plain);
	for (int i = 0; i < MANY; i++)
		say(fds[i], "one of many\n");
	for (int i = 0; i < MANY; i++)
		hear(fds[i], "hello\none of many\n");
	assert_int_equal(atomic_load(&open_sessions), MANY);
	for (int i = 0; i < MANY; i += 2)
		(void)close(fds[i]);
	WAIT_FOR(atomic_load(&open_sessions) == MANY / 2);
	for (int i = 1; i < MANY; i += 2) {
		say(fds[i], "still\n");
		hear(fds[i], "still\n");
		(void)close(fds[i]);
	}
	world_settle(&w);
	world_stop(&w);
}

/* ---- memory ---- */

static void
an_idle_connection_holds_no_buffer(void **state)
{
	char text[5001];
	struct conn *c;
	struct world w;
	int fd;

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 99; i < sizeof text; i += 100)
		text[i] = '\n';
	text[sizeof text - 1] = '\0';
	world_start(&w, NULL, NULL);
	fd = bare_socket(w.plain);
	hear(fd, "hello\n");
	say(fd, text); /* more than the session takes at once: the rest is kept for a while */
	hear(fd, text);
	c = atomic_load(&w.last);
	WAIT_FOR(__atomic_load_n(&c->input.cap, __ATOMIC_RELAXED) == 0);
	(void)close(fd);
	world_stop(&w);
}

/* ---- the ends of processes ---- */

static void
a_lost_trunk_ends_its_clients_and_a_new_one_serves(void **state)
{
	struct world w;
	int fd, other;

	(void)state;
	world_start(&w, NULL, NULL);
	other = bare_socket(w.second);
	hear(other, "hello\n");
	for (int i = 0; i < 3; i++) {
		int flood = bare_socket(w.plain);

		fd = bare_socket(w.plain);
		say(flood, "flood\n");
		hear(fd, "hello\n");
		hear(flood, "hello\n");
		world_cut(&w, 0);
		hear_end(fd);
		hear_any_end(flood);
		WAIT_FOR(atomic_load(&w.near_gone) == i + 1 && atomic_load(&w.far_gone) == i + 1);
		WAIT_FOR(atomic_load(&open_sessions) == 1);
		/* Nobody is there. */
		fd = bare_socket(w.plain);
		hear_end(fd);
		world_join(&w, 0);
		fd = bare_socket(w.plain);
		say(fd, "again\n");
		hear(fd, "hello\nagain\n");
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&w.near_broken) + atomic_load(&w.far_broken), 0);
	say(other, "still\n");
	hear(other, "still\n");
	(void)close(other);
	world_settle(&w);
	world_stop(&w);
}

static void
a_far_end_in_place_of_another_serves(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_start(&w, NULL, NULL);
	for (int i = 0; i < 3; i++) {
		fd = bare_socket(w.plain);
		hear(fd, "hello\n");
		world_join(&w, 0);
		hear_end(fd);
	}
	fd = bare_socket(w.plain);
	hear(fd, "hello\n");
	(void)close(fd);
	world_settle(&w);
	assert_int_equal(atomic_load(&w.near_gone), 0); /* it was we who took it away */
	WAIT_FOR(atomic_load(&w.far_gone) == 3);
	world_stop(&w);
}

static void
stopping_with_open_connections_frees_all(void **state)
{
	struct world w;
	int fds[20];

	(void)state;
	for (int near_first = 0; near_first < 2; near_first++) {
		world_start(&w, NULL, NULL);
		for (size_t i = 0; i < 20; i++) {
			fds[i] = bare_socket(i % 2 == 0 ? w.plain : w.second);
			hear(fds[i], "hello\n");
			say(fds[i], i % 3 == 0 ? "flood\n" : "line\n");
		}
		world_stop_in_order(&w, near_first != 0);
		for (size_t i = 0; i < 20; i++)
			hear_any_end(fds[i]);
	}
}

/* ---- the table ---- */

/* In words of net/trunk.h: who may send it, and in which state of the receiver. */
static void
the_table_permits_what_the_header_says(void **state)
{
	enum { ABSENT = 1, PLAIN = 2, SHAKING = 4, ENDED = 8, CLOSED = 16, ALIVE = 2 | 4 | 8 | 16 };
	static const struct {
		unsigned near, far; /* states in which it is taken from that end */
	} want[TRUNK_FRAMES + 2] = {
		[TRUNK_OPEN] = { ABSENT, 0 },
		[TRUNK_DATA] = { PLAIN | SHAKING | CLOSED, PLAIN },
		[TRUNK_CREDIT] = { ALIVE, PLAIN | SHAKING },
		[TRUNK_END] = { PLAIN | SHAKING | CLOSED, 0 },
		[TRUNK_TLS] = { SHAKING | CLOSED, 0 },
		[TRUNK_GONE] = { ALIVE, 0 },
		[TRUNK_START_TLS] = { 0, PLAIN },
		[TRUNK_CLOSE] = { 0, PLAIN | SHAKING },
	};

	(void)state;
	for (unsigned frame = 0; frame < TRUNK_FRAMES + 2; frame++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			unsigned one = 1u << bit;

			assert_int_equal(trunk_permits(frame, true, one), (want[frame].near & one) != 0);
			assert_int_equal(trunk_permits(frame, false, one), (want[frame].far & one) != 0);
		}
		assert_false(trunk_permits(frame, true, 0));
		assert_false(trunk_permits(frame, false, 0));
	}
	assert_false(trunk_permits(0x10001, true, ABSENT));
	assert_false(trunk_permits(UINT32_MAX, false, PLAIN));
}

static void
names_of_another_process_are_names(void **state)
{
	static const struct {
		struct slice name;
		const char *kept;
	} rows[] = {
		{ { (const uint8_t *)"\0and a rest that would stay behind the name that comes next", 59 }, "other" },
		{ { (const uint8_t *)"TLSv9", 5 }, "TLSv9" },
		{ { (const uint8_t *)"TLSv9\0x", 7 }, "other" },
		{ { (const uint8_t *)"TLSv9\r\nSubject:x", 16 }, "other" },
		{ { (const uint8_t *)"", 0 }, "other" },
		{ { (const uint8_t *)"TLSv9", 5 }, "TLSv9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(tls_name_keep(rows[i].name), rows[i].kept);
}

UNIT_MAIN(UNIT_TEST(octets_pass_both_ways), UNIT_TEST(a_session_knows_its_client),
    UNIT_TEST(an_end_of_input_is_answered_fully), UNIT_TEST(every_way_to_end_frees_the_session),
    UNIT_TEST(a_session_that_is_refused_closes_its_client), UNIT_TEST(deadlines_of_far_sessions_come),
    UNIT_TEST(connections_are_handed_on_in_any_order), UNIT_TEST(the_far_end_is_told_the_number_that_was_known_before),
    UNIT_TEST(a_text_that_is_too_long_is_refused_to_one_client_only), UNIT_TEST(nothing_in_clear_survives_starttls),
    UNIT_TEST(clients_that_never_read_hold_up_nobody), UNIT_TEST(two_thousand_connections_share_a_trunk),
    UNIT_TEST(an_idle_connection_holds_no_buffer), UNIT_TEST(a_lost_trunk_ends_its_clients_and_a_new_one_serves),
    UNIT_TEST(a_far_end_in_place_of_another_serves), UNIT_TEST(stopping_with_open_connections_frees_all),
    UNIT_TEST(the_table_permits_what_the_header_says), UNIT_TEST(names_of_another_process_are_names))
