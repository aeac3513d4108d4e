/* SPDX-License-Identifier: ISC */
/* The two machines by themselves: time, bounds, large maildrops, and what hostile peers try. */
#include "pop3/login.h"

#include "pop3/maildrop.h"

/* ---- before login ---- */

static struct pop3_login *
login_new(bool tls)
{
	const struct pop3_login_options options = { .offer = { .tls = tls, .mechanisms = SASL_SET_PASSWORD },
		.can_start_tls = true,
		.greeting = true,
		.name = SLICE("Letterlock") };
	struct pop3_login *m;

	assert_ok(pop3_login_new(&options, 0, &m, &unit_error));
	return m;
}

/* Feeds everything, refusing every password; whether the machine closed. Output goes to out, if that is given. */
static bool
login_run(struct pop3_login *m, struct slice in, int64_t now, struct buf *out)
{
	struct pop3_login_event ev = { 0 };

	for (;;) {
		size_t n = pop3_login_ops.feed(m, in, now);

		in = slice_from(in, n);
		pop3_login_next(m, now, &ev);
		if (ev.type == POP3_LOGIN_PASSWORD || ev.type == POP3_LOGIN_EXCHANGE)
			pop3_login_refuse(m, "AUTH", "No");
		if (out != NULL) {
			(void)buf_put_slice(out, pop3_login_ops.output(m));
			pop3_login_ops.sent(m, pop3_login_ops.output(m).len);
		}
		if (ev.type == POP3_LOGIN_CLOSE || (n == 0 && ev.type == POP3_LOGIN_NONE))
			return ev.type == POP3_LOGIN_CLOSE;
	}
}

/* RFC 1939 section 3: at least ten minutes, and then not a word. */
static void
autologout_before_login(void **state)
{
	struct pop3_login *m = login_new(true);
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_false(login_run(m, SLICE("USER a\r\n"), 0, &out));
	assert_true(pop3_login_ops.deadline(m) == 600000);
	assert_false(login_run(m, SLICE_EMPTY, 599999, &out));
	buf_clear(&out);
	assert_true(login_run(m, SLICE_EMPTY, 600000, &out));
	assert_int_equal(out.len, 0);
	assert_true(pop3_login_ops.deadline(m) == MACHINE_NEVER);
	pop3_login_free(m);
	buf_done(&out);
}

/* While the password is checked the client is not to blame, and nothing that follows is taken. */
static void
asking_stops_the_clock(void **state)
{
	struct pop3_login *m = login_new(true);
	struct pop3_login_event ev;
	struct slice in = SLICE("USER a\r\nPASS b\r\nSTAT\r\n");

	(void)state;
	for (int i = 0; i < 2; i++) {
		in = slice_from(in, pop3_login_ops.feed(m, in, 0));
		pop3_login_next(m, 0, &ev);
	}
	assert_int_equal(ev.type, POP3_LOGIN_PASSWORD);
	assert_slice(ev.user, "a");
	assert_slice(ev.password, "b");
	assert_slice(in, "STAT\r\n");
	assert_true(pop3_login_busy(m));
	assert_int_equal(pop3_login_ops.feed(m, in, 0), 0);
	assert_true(pop3_login_ops.deadline(m) == MACHINE_NEVER);
	pop3_login_next(m, 10000000, &ev);
	assert_int_equal(ev.type, POP3_LOGIN_NONE);
	assert_slice(ev.user, "");
	pop3_login_free(m);
}

/* Good commands without end are no login either: what is held for a stranger stays small. */
static void
pitfall_endless_capa(void **state)
{
	struct pop3_login *m = login_new(false);
	struct buf in;

	(void)state;
	buf_init(&in, 1u << 20);
	for (int i = 0; i < 2000; i++)
		(void)buf_put_str(&in, "CAPA\r\n");
	assert_true(login_run(m, buf_slice(&in), 0, NULL));
	assert_true(pop3_login_ops.output(m).len < POP3_OUTPUT_HIGH);
	pop3_login_free(m);
	buf_done(&in);
}

/* A line without an end holds no more than its maximum. */
static void
pitfall_endless_line(void **state)
{
	struct pop3_login *m = login_new(true);
	char many[4096];
	struct buf out;

	(void)state;
	memset(many, 'A', sizeof many);
	buf_init(&out, 4096);
	for (int i = 0; i < 1000; i++)
		assert_false(login_run(m, slice_of(many, sizeof many), 0, &out));
	assert_false(login_run(m, SLICE("\r\nAUTH "), 0, &out));
	for (int i = 0; i < 1000; i++)
		assert_false(login_run(m, slice_of(many, sizeof many), 0, &out));
	assert_false(login_run(m, SLICE("\r\nQUIT"), 0, &out));
	assert_slice(
	    buf_slice(&out), "+OK Letterlock POP3 ready\r\n-ERR The line is too long\r\n-ERR The line is too long\r\n");
	pop3_login_free(m);
	buf_done(&out);
}

/* An exchange of several rounds: each message is asked about, each challenge is base64 behind "+ ". */
static void
exchange_of_several_rounds(void **state)
{
	struct pop3_login *m = login_new(true);
	struct pop3_login_event ev;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_false(login_run(m, SLICE("AUTH LOGIN\r\n"), 0, &out));
	assert_slice(buf_slice(&out), "+OK Letterlock POP3 ready\r\n+ VXNlcm5hbWU6\r\n");
	assert_int_equal(pop3_login_ops.feed(m, SLICE("YWxpY2U=\r\nc2VjcmV0\r\n"), 0), 10);
	pop3_login_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_LOGIN_EXCHANGE);
	assert_int_equal(ev.mechanism, SASL_LOGIN);
	assert_true(ev.first);
	assert_slice(ev.message, "alice");
	assert_true(pop3_login_busy(m));
	pop3_login_challenge(m, SLICE("Password:"));
	assert_slice(pop3_login_ops.output(m), "+ UGFzc3dvcmQ6\r\n");
	assert_int_equal(pop3_login_ops.feed(m, SLICE("c2VjcmV0\r\n"), 0), 10);
	pop3_login_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_LOGIN_EXCHANGE);
	assert_false(ev.first);
	assert_slice(ev.message, "secret");
	pop3_login_malformed(m);
	assert_slice(pop3_login_ops.output(m), "+ UGFzc3dvcmQ6\r\n-ERR That is no message of this mechanism\r\n");
	assert_false(pop3_login_busy(m));
	assert_slice(pop3_login_mechanisms(m), "PLAIN LOGIN");
	pop3_login_free(m);
	buf_done(&out);
}

/* An initial response over 255 octets is taken: OAuth's tokens are. */
static void
long_initial_response(void **state)
{
	struct pop3_login *m = login_new(true);
	struct buf in, out;

	(void)state;
	buf_init(&in, 1u << 16);
	buf_init(&out, 4096);
	(void)buf_put_str(&in, "auth PLAIN AGFA");
	for (int i = 0; i < 1000; i++)
		(void)buf_put_str(&in, "QUFB");
	(void)buf_put_str(&in, "\r\n");
	assert_false(login_run(m, buf_slice(&in), 0, &out));
	assert_true(slice_search(buf_slice(&out), SLICE("too long")) == SIZE_MAX);
	assert_true(slice_search(buf_slice(&out), SLICE("-ERR ")) != SIZE_MAX);
	pop3_login_free(m);
	buf_done(&in);
	buf_done(&out);
}

/* ---- behind login ---- */

static struct pop3_server *
server_new(uint32_t copies)
{
	const struct pop3_server_options options = {
		.tls = true, .name = SLICE("x"), .pending = SLICE("+OK Send PASS\r\n")
	};
	struct pop3_server *m;

	assert_ok(pop3_server_new(&options, 0, &m, &unit_error));
	maildrop_open(m, copies);
	return m;
}

/* As a connection: output goes out when nothing more happens; whether the machine closed. */
static bool
server_run(struct pop3_server *m, struct slice in, int64_t now, struct buf *out)
{
	struct pop3_event ev;

	for (;;) {
		size_t n = pop3_server_ops.feed(m, in, now), waiting;

		in = slice_from(in, n);
		pop3_server_next(m, now, &ev);
		(void)maildrop_answer(m, &ev);
		waiting = pop3_server_waiting(m);
		(void)buf_put_slice(out, pop3_server_ops.output(m));
		pop3_server_ops.sent(m, waiting);
		if (ev.type == POP3_EVENT_CLOSE || (n == 0 && ev.type == POP3_EVENT_NONE && waiting == 0))
			return ev.type == POP3_EVENT_CLOSE;
	}
}

static void
server_expect(const char *in, const char *want, bool want_closed)
{
	struct pop3_server *m = server_new(1);
	struct buf out;

	buf_init(&out, 1u << 20);
	assert_int_equal(server_run(m, slice_str(in), 0, &out), want_closed);
	assert_slice(
	    slice_from(buf_slice(&out), strlen("+OK Send PASS\r\n+OK maildrop has 2 messages (320 octets)\r\n")), want);
	pop3_server_free(m);
	buf_done(&out);
}

static void
quit_without_marks(void **state)
{
	(void)state;
	server_expect("QUIT\r\nNOOP\r\n", "+OK Bye\r\n", true);
}

static void
marks(void **state)
{
	(void)state;
	server_expect("DELE 1\r\nDELE 2\r\nSTAT\r\nLIST\r\nUIDL\r\nRSET\r\nSTAT\r\n",
	    "+OK message 1 deleted\r\n+OK message 2 deleted\r\n+OK 0 0\r\n+OK 0 messages (0 octets)\r\n.\r\n"
	    "+OK follows\r\n.\r\n+OK maildrop has 2 messages (320 octets)\r\n+OK 2 320\r\n",
	    false);
}

static void
an_empty_maildrop(void **state)
{
	struct pop3_server *m = server_new(0);
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(server_run(m, SLICE("STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nQUIT\r\n"), 0, &out));
	assert_slice(buf_slice(&out),
	    "+OK Send PASS\r\n+OK maildrop has 0 messages (0 octets)\r\n+OK 0 0\r\n+OK 0 messages (0 octets)\r\n.\r\n"
	    "+OK follows\r\n.\r\n-ERR no such message, only 0 messages in maildrop\r\n+OK Bye\r\n");
	pop3_server_free(m);
	buf_done(&out);
}

/* The end of time and of the connection: no event but the end, so nothing is removed. */
static void
pitfall_autologout_removes_nothing(void **state)
{
	struct pop3_server *m = server_new(1);
	struct pop3_event ev;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_false(server_run(m, SLICE("DELE 1\r\nQUI"), 1000, &out));
	assert_true(pop3_server_ops.deadline(m) == 601000);
	buf_clear(&out);
	assert_false(server_run(m, SLICE_EMPTY, 600999, &out));
	pop3_server_next(m, 601000, &ev);
	assert_int_equal(ev.type, POP3_EVENT_CLOSE);
	assert_int_equal(pop3_server_waiting(m), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(pop3_server_marked(m, 1), 1);
	pop3_server_free(m);
	buf_done(&out);
}

static void
every_command_resets_the_timer(void **state)
{
	struct pop3_server *m = server_new(1);
	struct buf out;

	(void)state;
	buf_init(&out, 1u << 16);
	for (int64_t now = 0; now < 6000000; now += 599999)
		assert_false(server_run(m, SLICE("NOOP\r\n"), now, &out));
	assert_true(server_run(m, SLICE_EMPTY, pop3_server_ops.deadline(m), &out));
	pop3_server_free(m);
	buf_done(&out);
}

/* The store has failed in the middle: it is said, and the session ends. */
static void
update_that_fails(void **state)
{
	struct pop3_server *m = server_new(1);
	struct pop3_event ev;

	(void)state;
	(void)pop3_server_ops.feed(m, SLICE("DELE 2\r\n"), 0);
	pop3_server_next(m, 0, &ev);
	(void)pop3_server_ops.feed(m, SLICE("QUIT\r\n"), 0);
	pop3_server_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_EVENT_UPDATE);
	assert_true(pop3_server_busy(m));
	assert_int_equal(pop3_server_marked(m, 1), 2);
	assert_int_equal(pop3_server_marked(m, 3), 0);
	pop3_server_err(m, "SYS/TEMP", "some deleted messages not removed");
	assert_true(
	    slice_ends(pop3_server_ops.output(m), SLICE("-ERR [SYS/TEMP] some deleted messages not removed\r\n")));
	pop3_server_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_EVENT_CLOSE);
	pop3_server_free(m);
}

static void
maildrop_that_cannot_be_opened(void **state)
{
	const struct pop3_server_options options = { .tls = true, .name = SLICE("x") };
	struct pop3_server *m;
	struct pop3_event ev;

	(void)state;
	assert_ok(pop3_server_new(&options, 0, &m, &unit_error));
	assert_true(pop3_server_busy(m));
	assert_int_equal(pop3_server_ops.feed(m, SLICE("STAT\r\n"), 0), 0);
	pop3_server_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_EVENT_NONE);
	pop3_server_fail(m, "SYS/TEMP", "Not now");
	pop3_server_next(m, 0, &ev);
	assert_int_equal(ev.type, POP3_EVENT_CLOSE);
	assert_slice(pop3_server_ops.output(m), "-ERR [SYS/TEMP] Not now\r\n");
	pop3_server_free(m);
}

static void
pitfall_too_many_bad_commands(void **state)
{
	struct pop3_server *m = server_new(1);
	struct buf in, out;
	size_t count = 0, at;
	struct slice rest;

	(void)state;
	buf_init(&in, 1u << 16);
	buf_init(&out, 1u << 16);
	for (int i = 0; i < 100; i++)
		(void)buf_put_str(&in, i == 10 ? "NOOP\r\n" : "XYZZY\r\n");
	assert_true(server_run(m, buf_slice(&in), 0, &out));
	for (rest = buf_slice(&out); (at = slice_search(rest, SLICE("-ERR"))) != SIZE_MAX; count++)
		rest = slice_from(rest, at + 4);
	/* A good one begins the count anew. */
	assert_int_equal(count, 10 + POP3_BAD_MAX);
	pop3_server_free(m);
	buf_done(&in);
	buf_done(&out);
}

/* 100,000 messages: LIST goes out in pages, with little waiting at any time, and is whole. */
static void
large_listing(void **state)
{
	struct pop3_server *m = server_new(50000);
	struct pop3_event ev;
	size_t most = 0, lines = 0, total = 0;

	(void)state;
	pop3_server_ops.sent(m, pop3_server_waiting(m));
	assert_int_equal(pop3_server_ops.feed(m, SLICE("LIST\r\n"), 0), 6);
	do {
		struct slice out;

		pop3_server_next(m, 0, &ev);
		out = pop3_server_ops.output(m);
		most = out.len > most ? out.len : most;
		for (size_t i = 0; i < out.len; i++)
			lines += out.data[i] == '\n';
		total += out.len;
		pop3_server_ops.sent(m, out.len);
		assert_int_equal(pop3_server_ops.feed(m, SLICE("N"), 0), pop3_server_busy(m) ? 0 : 1);
	} while (pop3_server_busy(m));
	assert_int_equal(lines, 100002);
	assert_true(total > 1000000 && most < POP3_OUTPUT_HIGH);
	pop3_server_free(m);
}

static void
maxima(void **state)
{
	const struct pop3_server_options options = { .name = SLICE("x") };
	struct pop3_server *m;

	(void)state;
	assert_ok(pop3_server_new(&options, 0, &m, &unit_error));
	assert_ok(pop3_server_expect(m, UINT32_MAX, &unit_error));
	assert_int_equal(pop3_server_add(m, 1ull << 32, &unit_error), ERR_LIMIT);
	for (uint32_t i = 0; i < POP3_MESSAGES_MAX; i++)
		assert_ok(pop3_server_add(m, UINT32_MAX, &unit_error));
	assert_int_equal(pop3_server_add(m, 1, &unit_error), ERR_LIMIT);
	pop3_server_open(m);
	/* A sum is not one of 32 bits. */
	assert_slice(pop3_server_ops.output(m), "+OK maildrop has 1000000 messages (4294967295000000 octets)\r\n");
	pop3_server_free(m);
}

/* A client that always leaves something unread: what it has read is held no longer. */
static void
output_that_never_ends(void **state)
{
	struct pop3_server_options options = { .name = SLICE("Letterlock") };
	struct pop3_server *m;
	struct pop3_event ev;
	uint64_t total = 0;

	(void)state;
	assert_ok(pop3_server_new(&options, 0, &m, &unit_error));
	maildrop_open(m, 1);
	while (total < 2ull * POP3_OUTPUT_MAX) {
		size_t waiting;

		(void)pop3_server_ops.feed(m, SLICE("LIST 99999999\r\n"), 0);
		pop3_server_next(m, 0, &ev);
		assert_int_equal(ev.type, POP3_EVENT_NONE);
		waiting = pop3_server_waiting(m);
		assert_true(waiting > 0 && waiting < POP3_OUTPUT_HIGH);
		total += waiting - 1;
		pop3_server_ops.sent(m, waiting - 1);
	}
	pop3_server_free(m);
}

UNIT_MAIN(UNIT_TEST(autologout_before_login), UNIT_TEST(asking_stops_the_clock), UNIT_TEST(pitfall_endless_capa),
    UNIT_TEST(pitfall_endless_line), UNIT_TEST(exchange_of_several_rounds), UNIT_TEST(long_initial_response),
    UNIT_TEST(quit_without_marks), UNIT_TEST(marks), UNIT_TEST(an_empty_maildrop),
    UNIT_TEST(pitfall_autologout_removes_nothing), UNIT_TEST(every_command_resets_the_timer),
    UNIT_TEST(update_that_fails), UNIT_TEST(maildrop_that_cannot_be_opened), UNIT_TEST(pitfall_too_many_bad_commands),
    UNIT_TEST(large_listing), UNIT_TEST(output_that_never_ends), UNIT_TEST(maxima))
