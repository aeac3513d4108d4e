/* SPDX-License-Identifier: ISC */
/* The client's machine against lines of a server, as they should be and as hostile ones send them. */
#include "base/base64.h"
#include "imap/client.h"
#include "unit.h"

/* What came out of the machine as one text: events as words. */
static void
gather(struct imap_client *m, struct slice in, size_t step, struct buf *out)
{
	struct imap_client_event ev;

	for (;;) {
		size_t n = imap_client_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		imap_client_next(m, &ev);
		switch (ev.type) {
		case IMAP_CLIENT_NONE:
			if (n == 0 && in.len == 0)
				return;
			break;
		case IMAP_CLIENT_READY:
			(void)buf_put_str(out, "ready;");
			break;
		case IMAP_CLIENT_START_TLS:
			(void)buf_put_str(out, "tls;");
			break;
		case IMAP_CLIENT_SEND:
			(void)buf_put_str(out, "send;");
			break;
		case IMAP_CLIENT_IDLING:
			(void)buf_put_str(out, "idling;");
			break;
		case IMAP_CLIENT_CHANGED:
			(void)buf_putf(out, "changed %u;", imap_client_mailbox(m).exists);
			break;
		case IMAP_CLIENT_LIST:
			(void)buf_putf(out, "list %.*s [%.*s] %c;", (int)ev.name.len, (const char *)ev.name.data,
			    (int)ev.list_flags.len, (const char *)ev.list_flags.data,
			    ev.separator == 0 ? '-' : ev.separator);
			break;
		case IMAP_CLIENT_NUMBERS:
			(void)buf_put_str(out, "numbers");
			for (size_t i = 0; i < ev.number_count; i++)
				(void)buf_putf(out, " %u", ev.numbers[i]);
			(void)buf_put_str(out, ";");
			break;
		case IMAP_CLIENT_DATA:
			(void)buf_put_slice(out, ev.data);
			break;
		case IMAP_CLIENT_FETCH:
			(void)buf_putf(out, "fetch %u uid=%u flags=%u size=%u items=%zu;", ev.sequence, ev.uid,
			    ev.flags, (unsigned)ev.size, ev.item_count);
			break;
		case IMAP_CLIENT_DONE:
			(void)buf_putf(
			    out, "done %d [%.*s];", (int)ev.result, (int)ev.code.len, (const char *)ev.code.data);
			break;
		case IMAP_CLIENT_CLOSED:
			(void)buf_putf(out, "closed %s;", error_name(ev.error.code));
			break;
		}
		if (ev.type == IMAP_CLIENT_CLOSED)
			return;
	}
}

static struct imap_client *
client(bool tls, bool ready)
{
	struct imap_client_options options = { .tls = tls };
	struct imap_client *m;
	struct buf out;

	assert_ok(imap_client_new(&options, &m, &unit_error));
	if (ready) {
		buf_init(&out, 1000);
		gather(m, SLICE("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE STARTTLS] hi\r\n"), SIZE_MAX, &out);
		assert_slice(buf_slice(&out), "ready;");
		buf_done(&out);
	}
	return m;
}

/* The answer of a ready client to server lines, whole and octet by octet; begin starts a command. */
static void
expect(int (*begin)(struct imap_client *m), const char *sent, const char *in, const char *want)
{
	static const size_t steps[] = { SIZE_MAX, 1 };

	for (size_t i = 0; i < 2; i++) {
		struct imap_client *m = client(true, true);
		struct buf out;

		buf_init(&out, 1u << 20);
		assert_int_equal(begin(m), 0);
		assert_slice(imap_client_ops.output(m), sent);
		gather(m, slice_str(in), steps[i], &out);
		assert_slice(buf_slice(&out), want);
		buf_done(&out);
		imap_client_free(m);
	}
}

static int
do_select(struct imap_client *m)
{
	return imap_client_select(m, SLICE("Entw\xc3\xbcrfe"), false, &unit_error);
}

static int
do_list(struct imap_client *m)
{
	return imap_client_list(m, SLICE("*"), &unit_error);
}

static int
do_search(struct imap_client *m)
{
	return imap_client_search(m, SLICE("ALL"), &unit_error);
}

static int
do_fetch(struct imap_client *m)
{
	return imap_client_fetch(m, SLICE("1:*"), SLICE("(UID FLAGS RFC822.SIZE)"), &unit_error);
}

static int
do_body(struct imap_client *m)
{
	return imap_client_fetch_body(m, 7, SLICE_EMPTY, 0, 100, &unit_error);
}

static int
do_login(struct imap_client *m)
{
	return imap_client_login(m, SLICE("a"), SLICE("b"), &unit_error);
}

static int
do_append(struct imap_client *m)
{
	return imap_client_append(m, SLICE("Sent"), SLICE("\\Seen"), 3, &unit_error);
}

static int
do_idle(struct imap_client *m)
{
	return imap_client_idle(m, &unit_error);
}

static void
commands(void **state)
{
	(void)state;
	expect(do_select, "c1 SELECT Entw&APw-rfe\r\n",
	    "* 3 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* FLAGS ()\r\nc1 OK [READ-WRITE] done\r\n",
	    "done 0 [READ-WRITE];");
	expect(do_list, "c1 LIST \"\" \"*\"\r\n",
	    "* LIST (\\Noselect) \"/\" \"a b\"\r\n* LIST () NIL {2}\r\nxy\r\nc1 OK x\r\n",
	    "list a b [\\Noselect] /;list xy [] -;done 0 [];");
	expect(do_search, "c1 UID SEARCH ALL\r\n", "* SEARCH 1 5 9\r\n* SEARCH\r\nc1 OK x\r\n",
	    "numbers 1 5 9;numbers;done 0 [];");
	expect(do_fetch, "c1 UID FETCH 1:* (UID FLAGS RFC822.SIZE)\r\n",
	    "* 2 FETCH (UID 9 FLAGS (\\Seen $x) RFC822.SIZE 12 BODY (\"a\" (\"b)\" NIL)) BODY[HEADER.FIELDS (A)] "
	    "{3}\r\na\r\n)\r\nc1 OK x\r\n",
	    "fetch 2 uid=9 flags=1 size=12 items=5;done 0 [];");
	expect(do_body, "c1 UID FETCH 7 BODY.PEEK[]<0.100>\r\n",
	    "* 2 FETCH (UID 7 BODY[]<0> {5}\r\nhello)\r\nc1 OK x\r\n",
	    "hellofetch 2 uid=7 flags=0 size=0 items=2;done 0 [];");
	expect(do_body, "c1 UID FETCH 7 BODY.PEEK[]<0.100>\r\n", "* 2 FETCH (BODY[]<0> \"hello\" UID 7)\r\nc1 OK x\r\n",
	    "hellofetch 2 uid=7 flags=0 size=0 items=2;done 0 [];");
	expect(do_login, "c1 AUTHENTICATE PLAIN AGEAYg==\r\n", "c1 NO [AUTHENTICATIONFAILED] wrong {5}\r\n",
	    "done 1 [AUTHENTICATIONFAILED];");
	expect(do_append, "c1 APPEND Sent (\\Seen) {3}\r\n", "+ go {5}\r\n", "send;");
	expect(do_idle, "c1 IDLE\r\n", "+ x\r\n* 7 EXISTS\r\n* 2 EXPUNGE\r\n", "idling;changed 7;changed 6;");
}

static void
append_sends_the_message(void **state)
{
	struct imap_client *m = client(true, true);
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(do_append(m), 0);
	imap_client_ops.sent(m, imap_client_ops.output(m).len);
	gather(m, SLICE("+ x\r\n"), 1, &out);
	assert_int_equal(imap_client_put(m, SLICE("abcd")), 3);
	assert_slice(imap_client_ops.output(m), "abc\r\n");
	gather(m, SLICE("c1 OK [APPENDUID 5 77] x\r\n"), 1, &out);
	assert_slice(buf_slice(&out), "send;done 0 [APPENDUID 5 77];");
	buf_done(&out);
	imap_client_free(m);
}

/* The families of "NO STARTTLS": PREAUTH, no STARTTLS, refused, data before the handshake, secrets in clear. */
static void
pitfall_client_side_of_starttls(void **state)
{
	struct imap_client *m = client(false, false);
	struct error e;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	gather(m, SLICE("* PREAUTH welcome\r\n"), 1, &out);
	assert_slice(buf_slice(&out), "closed policy;");
	imap_client_free(m);

	m = client(false, false);
	buf_clear(&out);
	gather(m, SLICE("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n"), 1, &out);
	assert_slice(buf_slice(&out), "ready;");
	assert_int_equal(imap_client_start_tls(m, &e), ERR_POLICY);
	assert_int_equal(imap_client_login(m, SLICE("a"), SLICE("b"), &e), ERR_POLICY);
	assert_int_equal(imap_client_select(m, SLICE("INBOX"), true, &e), ERR_POLICY);
	imap_client_free(m);

	m = client(false, true);
	buf_clear(&out);
	assert_ok(imap_client_start_tls(m, &unit_error));
	gather(m, SLICE("c1 NO not today\r\n"), 1, &out);
	assert_slice(buf_slice(&out), "closed policy;");
	imap_client_free(m);

	m = client(false, true);
	buf_clear(&out);
	assert_ok(imap_client_start_tls(m, &unit_error));
	gather(m, SLICE("* 1 EXISTS\r\n* LIST () \"/\" x\r\n* 1 FETCH (UID 1)\r\nc1 OK go\r\n* OK more\r\n"), SIZE_MAX,
	    &out);
	assert_slice(buf_slice(&out), "tls;");
	assert_int_equal(imap_client_mailbox(m).exists, 0);
	imap_client_free(m);
	buf_done(&out);
}

static void
hostile_servers(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} rows[] = {
		{ "* 2 FETCH (UID 0)\r\n", "closed syntax;" },
		{ "* 2 FETCH (UID 1\r\n", "closed syntax;" },
		{ "* 2 FETCH (BODY ((((\r\n", "closed syntax;" },
		{ "* 2 FETCH (X {4294967295}\r\n", "closed limit;" },
		{ "c2 OK x\r\n", "closed syntax;" },
		{ "+ more\r\n", "closed syntax;" },
		{ "hello\r\n", "closed syntax;" },
		{ "*\r\n", "closed syntax;" },
		{ "* BYE gone\r\n", "closed closed;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		expect(do_fetch, "c1 UID FETCH 1:* (UID FLAGS RFC822.SIZE)\r\n", rows[i].in, rows[i].want);
}

static void
no_injection(void **state)
{
	struct imap_client *m = client(true, true);
	struct error e;

	(void)state;
	assert_int_equal(imap_client_search(m, SLICE("ALL\r\nx LOGOUT"), &e), ERR_USAGE);
	assert_int_equal(imap_client_login(m, SLICE("a\r\n"), SLICE("b"), &e), ERR_USAGE);
	assert_int_equal(imap_client_append(m, SLICE("x"), SLICE("\r\n"), 3, &e), ERR_USAGE);
	assert_ok(imap_client_select(m, SLICE("a\r\nb"), false, &unit_error));
	assert_slice(imap_client_ops.output(m), "c1 SELECT a&AA0ACg-b\r\n");
	imap_client_free(m);
}

static struct imap_client *
scram_client(unsigned permitted, const char *capabilities)
{
	const struct sasl_channel channel = { .tls = true };
	const struct imap_client_options options = { .tls = true };
	struct imap_client *m;
	struct buf line;

	buf_init(&line, 1000);
	assert_ok(imap_client_new(&options, &m, &unit_error));
	(void)buf_putf(&line, "* OK [CAPABILITY IMAP4rev1 %s] hi\r\n", capabilities);
	assert_int_equal(imap_client_ops.feed(m, buf_slice(&line), 0), line.len);
	buf_clear(&line);
	gather(m, SLICE_EMPTY, SIZE_MAX, &line);
	assert_slice(buf_slice(&line), "ready;");
	imap_client_sasl(m, &channel, permitted);
	assert_ok(imap_client_login(m, SLICE("a"), SLICE("b"), &unit_error));
	buf_done(&line);
	return m;
}

/* Takes the output, which ends in base64 with "r=NONCE"; leaves the line with which a server would go on. */
static void
scram_challenge(struct imap_client *m, const char *command, struct buf *line)
{
	struct slice out = imap_client_ops.output(m), text = slice_from(out, strlen(command));
	struct buf first, reply;

	buf_init(&first, 1000);
	buf_init(&reply, 1000);
	assert_true(slice_starts(out, slice_str(command)));
	assert_ok(base64_parse(slice_trim(text), &first, &unit_error));
	(void)buf_put_slice(&reply, slice_from(buf_slice(&first), slice_search(buf_slice(&first), SLICE("r="))));
	(void)buf_put_str(&reply, "server,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096");
	imap_client_ops.sent(m, out.len);
	buf_clear(line);
	(void)buf_put_str(line, "+ ");
	(void)base64_write(line, buf_slice(&reply));
	(void)buf_put_str(line, "\r\n");
	buf_done(&first);
	buf_done(&reply);
}

static void
answered(struct imap_client *m, const char *line, const char *want)
{
	struct buf out;

	buf_init(&out, 1000);
	gather(m, slice_str(line), SIZE_MAX, &out);
	assert_slice(buf_slice(&out), want);
	buf_done(&out);
}

/* An account without a verifier for SCRAM: PLAIN is tried, once; and not when only SCRAM is permitted. */
static void
scram_then_plain(void **state)
{
	(void)state;
	for (unsigned pass = 0; pass < 3; pass++) {
		struct imap_client *m =
		    scram_client(pass == 2 ? SASL_SET_SCRAM : 0, "AUTH=PLAIN AUTH=SCRAM-SHA-256 SASL-IR");
		struct buf line, out;

		buf_init(&line, 1000);
		buf_init(&out, 1000);
		scram_challenge(m, "c1 AUTHENTICATE SCRAM-SHA-256 ", &line);
		gather(m, buf_slice(&line), SIZE_MAX, &out);
		assert_slice(buf_slice(&out), "");
		imap_client_ops.sent(m, imap_client_ops.output(m).len);
		answered(m, "c1 NO [AUTHENTICATIONFAILED] no\r\n", pass == 2 ? "done 1 [AUTHENTICATIONFAILED];" : "");
		if (pass < 2)
			assert_slice(imap_client_ops.output(m), "c2 AUTHENTICATE PLAIN AGEAYg==\r\n");
		else
			assert_int_equal(imap_client_ops.output(m).len, 0);
		if (pass == 0)
			answered(m, "c2 OK yes\r\n", "done 0 [];");
		if (pass == 1)
			answered(m, "c2 NO no\r\n", "done 1 [];");
		assert_int_equal(imap_client_signed_in(m), pass == 0 ? SASL_PLAIN : SASL_NONE);
		imap_client_free(m);
		buf_done(&line);
		buf_done(&out);
	}
}

/* A server that says yes without proof, one that answers with another's nonce, and one that refuses at once. */
static void
scram_impostors(void **state)
{
	static const struct {
		const char *says, *want;
	} rows[] = {
		{ "c1 OK yes\r\n", "closed integrity;" },
		{ "+ cj14LHM9QUFBQSxpPTQwOTY=\r\nc1 NO no\r\n", "closed integrity;" },
		{ "+ cj14LHM9QUFBQSxpPTQwOTY=\r\nc1 OK yes\r\n", "closed integrity;" },
		{ "+ !\r\nc1 NO no\r\n", "closed syntax;" },
		{ "+ !\r\nc1 BAD no\r\n", "closed syntax;" },
		{ "c1 NO no\r\nc2 NO no\r\n", "done 1 [];" },
		{ "c1 BAD what\r\n", "done 2 [];" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct imap_client *m = scram_client(0, "AUTH=PLAIN AUTH=SCRAM-SHA-256 SASL-IR");

		answered(m, rows[i].says, rows[i].want);
		/* Where SCRAM was refused and nothing else was wrong, PLAIN was tried. */
		assert_int_equal(slice_search(imap_client_ops.output(m), SLICE("PLAIN")) != SIZE_MAX,
		    strstr(rows[i].says, "c2") != NULL);
		imap_client_free(m);
	}
}

/* Without SASL-IR the first response waits; LOGIN's always does. */
static void
first_responses_that_wait(void **state)
{
	struct imap_client *m = scram_client(0, "AUTH=LOGIN SASL-IR");

	(void)state;
	assert_slice(imap_client_ops.output(m), "c1 AUTHENTICATE LOGIN\r\n");
	imap_client_ops.sent(m, imap_client_ops.output(m).len);
	answered(m, "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n", "");
	assert_slice(imap_client_ops.output(m), "YQ==\r\nYg==\r\n");
	imap_client_free(m);
	m = scram_client(0, "AUTH=PLAIN");
	assert_slice(imap_client_ops.output(m), "c1 AUTHENTICATE PLAIN\r\n");
	imap_client_ops.sent(m, imap_client_ops.output(m).len);
	answered(m, "+ \r\n", "");
	assert_slice(imap_client_ops.output(m), "AGEAYg==\r\n");
	imap_client_free(m);
}

UNIT_MAIN(UNIT_TEST(commands), UNIT_TEST(append_sends_the_message), UNIT_TEST(pitfall_client_side_of_starttls),
    UNIT_TEST(hostile_servers), UNIT_TEST(no_injection), UNIT_TEST(scram_then_plain), UNIT_TEST(scram_impostors),
    UNIT_TEST(first_responses_that_wait))
