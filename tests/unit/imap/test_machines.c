/* SPDX-License-Identifier: ISC */
/* The two server machines by themselves: literals, lines, time, and what hostile peers try. */
#include "imap/limits.h"
#include "imap/login.h"
#include "sasl/plain.h"
#include "imap/server.h"
#include "unit.h"

/* Feeds everything, answering every command OK, every APPEND kept; returns the output. step: octets at a time. */
static void
server_run(struct slice in, size_t step, struct buf *out, struct buf *appended, bool *closed)
{
	struct imap_server_options options = { .name = SLICE("x"), .version = SLICE("1"), .append_max = 100000 };
	struct imap_server *m;
	struct imap_event ev = { 0 };

	assert_ok(imap_server_new(&options, 0, &m, &unit_error));
	*closed = false;
	for (;;) {
		size_t n = imap_server_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		imap_server_next(m, 0, &ev);
		if (ev.type == IMAP_EVENT_COMMAND &&
		    (ev.command->verb == IMAP_VERB_APPEND || ev.command->verb == IMAP_VERB_IDLE))
			imap_server_go(m);
		else if (ev.type == IMAP_EVENT_COMMAND || ev.type == IMAP_EVENT_END)
			imap_server_done(m, IMAP_OK, SLICE_EMPTY, SLICE("Done."));
		else if (ev.type == IMAP_EVENT_DATA)
			(void)buf_put_slice(appended, ev.data);
		(void)buf_put_slice(out, imap_server_ops.output(m));
		imap_server_ops.sent(m, imap_server_ops.output(m).len);
		if (ev.type == IMAP_EVENT_CLOSE)
			*closed = true;
		if (ev.type == IMAP_EVENT_CLOSE || (ev.type == IMAP_EVENT_NONE && n == 0 && in.len == 0))
			break;
	}
	imap_server_free(m);
}

static void
server_expect(const char *in, const char *want, const char *want_appended, bool want_closed)
{
	static const size_t steps[] = { 1, 2, 7, SIZE_MAX };

	for (size_t i = 0; i < 4; i++) {
		struct buf out, appended;
		bool closed;

		buf_init(&out, 1u << 20);
		buf_init(&appended, 1u << 20);
		server_run(slice_str(in), steps[i], &out, &appended, &closed);
		assert_slice(buf_slice(&out), want);
		assert_slice(buf_slice(&appended), want_appended);
		assert_int_equal(closed, want_closed);
		buf_done(&out);
		buf_done(&appended);
	}
}

static void
pipelined(void **state)
{
	(void)state;
	server_expect("a NOOP\r\nb NOOP\r\nc CAPABILITY\r\n",
	    "a OK Done.\r\nb OK Done.\r\n* CAPABILITY IMAP4rev1 LITERAL- IDLE NAMESPACE UNSELECT UIDPLUS MOVE ID "
	    "ENABLE "
	    "CHILDREN SPECIAL-USE\r\nc OK Done.\r\n",
	    "", false);
}

static void
append_forms(void **state)
{
	(void)state;
	server_expect("a APPEND INBOX {5}\r\nhello\r\nb NOOP\r\n",
	    "+ Send the message.\r\na OK Done.\r\nb OK Done.\r\n", "hello", false);
	server_expect(
	    "a APPEND {5}\r\nINBOX (\\Seen) {5+}\r\nhe\r\nl\r\n", "+ Go on.\r\na OK Done.\r\n", "he\r\nl", false);
	server_expect("a APPEND INBOX {0}\r\n\r\n", "+ Send the message.\r\na OK Done.\r\n", "", false);
	server_expect("a APPEND INBOX {2}\r\nhi (\\Seen) {3}\r\nb NOOP\r\n",
	    "+ Send the message.\r\na BAD Only one message can be appended.\r\nb OK Done.\r\n", "hi", false);
	server_expect("a APPEND INBOX {100001}\r\nb NOOP\r\n",
	    "a NO [TOOBIG] The message is too large.\r\nb OK Done.\r\n", "", false);
}

static void
idle_forms(void **state)
{
	(void)state;
	server_expect("a IDLE\r\nDONE\r\nb NOOP\r\n", "+ idling\r\na OK Done.\r\nb OK Done.\r\n", "", false);
	server_expect("a IDLE\r\nb NOOP\r\n", "+ idling\r\na BAD IDLE ends with DONE.\r\n", "", false);
}

/* "{5}" inside a quoted string that a line end breaks is no literal: both sides agree where the command ends. */
static void
literal_in_quotes_is_none(void **state)
{
	(void)state;
	server_expect("a SELECT \"x{5}\r\nb NOOP\r\n",
	    "a BAD Expected a whole quoted string at octet 10 of the command.\r\nb OK Done.\r\n", "", false);
}

static void
bare_line_ends(void **state)
{
	(void)state;
	server_expect(
	    "a NOOP\nb NOOP\r\n", "a BAD Lines end with CR LF and hold no NUL, CR or LF.\r\nb OK Done.\r\n", "", false);
	server_expect("a NO\rOP\r\nb NOOP\r\n",
	    "a BAD Lines end with CR LF and hold no NUL, CR or LF.\r\nb OK Done.\r\n", "", false);
}

/* Pitfall, IMAP literals: the sum over one command is bounded, however small each is. */
static void
pitfall_literals_are_summed(void **state)
{
	struct buf in, out, appended;
	bool closed;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_init(&out, 1u << 20);
	buf_init(&appended, 100);
	(void)buf_put_str(&in, "a SELECT");
	for (int i = 0; i < 40; i++) {
		(void)buf_put_str(&in, " {4000+}\r\n");
		for (int k = 0; k < 4000; k++)
			(void)buf_put_str(&in, "x");
	}
	server_run(buf_slice(&in), SIZE_MAX, &out, &appended, &closed);
	assert_true(closed);
	assert_true(slice_search(buf_slice(&out), SLICE("a BAD [TOOBIG]")) != SIZE_MAX);
	buf_clear(&in);
	buf_clear(&out);
	(void)buf_put_str(&in, "a SELECT");
	for (int i = 0; i < 2000; i++)
		(void)buf_put_str(&in, " {0+}\r\n");
	server_run(buf_slice(&in), SIZE_MAX, &out, &appended, &closed);
	assert_true(closed);
	buf_done(&in);
	buf_done(&out);
	buf_done(&appended);
}

/* Pitfall: too large a non-synchronizing literal ends the connection; a synchronizing one is only refused. */
static void
pitfall_large_nonsync_literal_ends_the_connection(void **state)
{
	(void)state;
	server_expect("a APPEND INBOX {4097+}\r\nxxx",
	    "a BAD [TOOBIG] The message is too large.\r\n* BYE The message is "
	    "too large.\r\n",
	    "", true);
	server_expect("a SELECT {70000}\r\nb NOOP\r\n",
	    "a BAD [TOOBIG] The literals of this command are too large.\r\nb OK Done.\r\n", "", false);
	server_expect(
	    "a XYZZY {3+}\r\nabc\r\nb NOOP\r\n", "a BAD There is no such command.\r\nb OK Done.\r\n", "", false);
	server_expect("a XYZZY {5000+}\r\nabc",
	    "a BAD There is no such command.\r\n* BYE A literal that was not asked for "
	    "is too large.\r\n",
	    "", true);
}

static void
long_line(void **state)
{
	struct buf in, out, appended;
	bool closed;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_init(&out, 1u << 20);
	buf_init(&appended, 100);
	(void)buf_put_str(&in, "a SELECT ");
	for (int i = 0; i < 100000; i++)
		(void)buf_put_str(&in, "x");
	(void)buf_put_str(&in, "\r\nb NOOP\r\n");
	server_run(buf_slice(&in), SIZE_MAX, &out, &appended, &closed);
	assert_slice(buf_slice(&out), "a BAD The line is too long.\r\nb OK Done.\r\n");
	buf_done(&in);
	buf_done(&out);
	buf_done(&appended);
}

static void
too_many_bad_commands(void **state)
{
	struct buf in, out, appended;
	bool closed;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_init(&out, 1u << 20);
	buf_init(&appended, 100);
	for (int i = 0; i < 100; i++)
		(void)buf_put_str(&in, "GET / HTTP/1.1\r\n");
	server_run(buf_slice(&in), SIZE_MAX, &out, &appended, &closed);
	assert_true(closed);
	buf_done(&in);
	buf_done(&out);
	buf_done(&appended);
}

static void
deadlines(void **state)
{
	struct imap_server_options options = { .name = SLICE("x") };
	struct imap_server *m;
	struct imap_event ev;

	(void)state;
	assert_ok(imap_server_new(&options, 1000, &m, &unit_error));
	/* RFC 3501 5.4: at least 30 minutes. */
	assert_true(imap_server_ops.deadline(m) >= 1000 + 30 * 60000);
	/* An octet a minute does not keep a command open. */
	(void)imap_server_ops.feed(m, SLICE("a"), 2000);
	(void)imap_server_ops.feed(m, SLICE(" "), 62000);
	assert_int_equal(imap_server_ops.deadline(m), 2000 + IMAP_COMMAND_MS);
	imap_server_next(m, 2000 + IMAP_COMMAND_MS, &ev);
	assert_int_equal(ev.type, IMAP_EVENT_CLOSE);
	assert_true(slice_starts(imap_server_ops.output(m), SLICE("* BYE ")));
	imap_server_free(m);
}

/* ---- before login ---- */

static void
login_run(struct slice in, bool tls, struct buf *out, enum imap_login_event_type *last)
{
	struct imap_login_options options = {
		.offer = { .tls = tls, .mechanisms = SASL_BIT(SASL_PLAIN) }, .can_start_tls = true, .name = SLICE("x")
	};
	struct imap_login *m;
	struct imap_login_event ev = { 0 };
	struct sasl_credentials who;
	size_t n;

	assert_ok(imap_login_new(&options, 0, &m, &unit_error));
	*last = IMAP_LOGIN_NONE;
	do {
		n = imap_login_ops.feed(m, slice_sub(in, 0, 1), 0);
		in = slice_from(in, n);
		imap_login_next(m, 0, &ev);
		/* What is no message of PLAIN is found where the mechanism stands. */
		if (ev.type == IMAP_LOGIN_EXCHANGE && plain_parse(ev.message, &who, NULL) != 0) {
			imap_login_malformed(m);
			ev.type = IMAP_LOGIN_NONE;
		}
		if (ev.type != IMAP_LOGIN_NONE)
			*last = ev.type;
	} while (n > 0 && ev.type == IMAP_LOGIN_NONE);
	(void)buf_put_slice(out, imap_login_ops.output(m));
	imap_login_free(m);
}

/* Pitfall, STARTTLS injection: nothing behind STARTTLS is taken by the machine that heard it. */
static void
pitfall_starttls_injection(void **state)
{
	enum imap_login_event_type last;
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	login_run(SLICE("a STARTTLS\r\nb LOGIN x y\r\n"), false, &out, &last);
	assert_int_equal(last, IMAP_LOGIN_STARTTLS);
	assert_slice(buf_slice(&out), "a OK Begin TLS negotiation now.\r\n");
	buf_done(&out);
}

/* Pitfall, authentication: base64 with tabs, NUL, wrong padding is refused. */
static void
pitfall_authentication_base64(void **state)
{
	static const char *const bad[] = { "a AUTHENTICATE PLAIN\r\nAGEA\tYg==\r\n",
		"a AUTHENTICATE PLAIN\r\nAGEAYg=\r\n", "a AUTHENTICATE PLAIN\r\nAGEAYh==\r\n",
		"a AUTHENTICATE PLAIN\r\n=\r\n", "a AUTHENTICATE PLAIN =AAA\r\n",
		"a AUTHENTICATE PLAIN\r\nAGEAYgBj\r\n" };
	enum imap_login_event_type last;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf out;

		buf_init(&out, 65536);
		login_run(slice_str(bad[i]), true, &out, &last);
		if (last != IMAP_LOGIN_NONE || slice_search(buf_slice(&out), SLICE("a BAD ")) == SIZE_MAX)
			fail_msg("%s: %.*s", bad[i], (int)out.len, (const char *)out.data);
		buf_done(&out);
	}
}

/* Pitfall, literals and parentheses before login: small bounds, then the end. */
static void
pitfall_before_login(void **state)
{
	enum imap_login_event_type last;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_init(&out, 65536);
	login_run(SLICE("a LOGIN {5000}\r\n"), true, &out, &last);
	assert_true(slice_starts(buf_slice(&out), SLICE("a BAD ")));
	buf_clear(&out);
	login_run(SLICE("a LOGIN {4097+}\r\n"), true, &out, &last);
	assert_int_equal(last, IMAP_LOGIN_CLOSE);
	buf_clear(&out);
	login_run(SLICE("a APPEND INBOX {10}\r\n"), true, &out, &last);
	assert_true(slice_starts(buf_slice(&out), SLICE("a BAD ")));
	for (int i = 0; i < 9000; i++)
		(void)buf_put_str(&in, "(");
	buf_clear(&out);
	login_run(buf_slice(&in), true, &out, &last);
	assert_int_equal(last, IMAP_LOGIN_NONE);
	(void)buf_put_str(&in, "\r\n");
	buf_clear(&out);
	login_run(buf_slice(&in), true, &out, &last);
	assert_int_equal(last, IMAP_LOGIN_CLOSE);
	buf_done(&in);
	buf_done(&out);
}

/* What a literal holds may be refused; the answer's tag is the one that was said, not what lies where it was. */
static void
pitfall_tag_outlives_its_line(void **state)
{
	enum imap_login_event_type last;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1u << 20);
	buf_init(&out, 65536);
	(void)buf_put_str(&in, "tag1 LOGIN {4000+}\r\n");
	for (int i = 0; i < 4000; i++)
		(void)buf_put_u8(&in, i == 3000 ? 0 : 'x');
	(void)buf_put_str(&in, " y\r\n");
	login_run(buf_slice(&in), true, &out, &last);
	assert_slice(buf_slice(&out), "tag1 BAD Lines end with CR LF and hold no NUL, CR or LF.\r\n");
	buf_clear(&out);
	login_run(SLICE("tag2 AUTHENTICATE PLAIN\r\nAGE\0AYg==\r\n"), true, &out, &last);
	assert_slice(buf_slice(&out), "+ \r\ntag2 BAD Lines end with CR LF and hold no NUL, CR or LF.\r\n");
	buf_done(&in);
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(pipelined), UNIT_TEST(append_forms), UNIT_TEST(idle_forms), UNIT_TEST(literal_in_quotes_is_none),
    UNIT_TEST(bare_line_ends), UNIT_TEST(pitfall_literals_are_summed),
    UNIT_TEST(pitfall_large_nonsync_literal_ends_the_connection), UNIT_TEST(long_line),
    UNIT_TEST(too_many_bad_commands), UNIT_TEST(deadlines), UNIT_TEST(pitfall_starttls_injection),
    UNIT_TEST(pitfall_authentication_base64), UNIT_TEST(pitfall_before_login), UNIT_TEST(pitfall_tag_outlives_its_line))
