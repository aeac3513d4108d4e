/* SPDX-License-Identifier: ISC */
/* The client machine against our server machine back to back, and against servers that lie (scripts). */
#include "smtp/client.h"

#include <stdio.h>

#include "base/base64.h"
#include "smtp/server.h"
#include "unit.h"

static const struct sasl_credentials alice = { .identity = { (const uint8_t *)"alice@example.org", 17 },
	.password = { (const uint8_t *)"secret", 6 } };

struct pair {
	struct smtp_client *client;
	struct smtp_server *server;
	struct smtp_server_config config;
	struct buf text; /* what the server received */
	bool ended;
	enum smtp_reply end_reply;
	size_t step; /* octets moved at once */
	unsigned recipients_ok, recipients_bad;
	bool sent, accepted;
	struct smtp_answer answer; /* to the text; until the next call */
};

static void
server_events(struct pair *p)
{
	static const enum smtp_reply agree[] = { [SMTP_SERVER_AUTHENTICATE] = SMTP_REPLY_AUTH_OK,
		[SMTP_SERVER_MAIL] = SMTP_REPLY_SENDER_OK,
		[SMTP_SERVER_RECIPIENT] = SMTP_REPLY_RECIPIENT_OK,
		[SMTP_SERVER_DATA] = SMTP_REPLY_DATA_GO,
		[SMTP_SERVER_END] = SMTP_REPLY_KEPT,
		[SMTP_SERVER_CLOSE] = SMTP_REPLY_NONE };
	struct smtp_server_event ev;

	while (smtp_server_next(p->server, 0, &ev) != SMTP_SERVER_NOTHING) {
		enum smtp_reply r = agree[ev.what];

		if (ev.what == SMTP_SERVER_CHUNK)
			(void)buf_put_slice(&p->text, ev.chunk);
		if (ev.what == SMTP_SERVER_RECIPIENT && slice_starts(ev.path.local, SLICE("bad")))
			r = SMTP_REPLY_RECIPIENT_UNKNOWN;
		if (ev.what == SMTP_SERVER_END) {
			p->ended = true;
			r = p->end_reply;
		}
		smtp_server_answer(p->server, r, SLICE_EMPTY, 0);
		if (r == SMTP_REPLY_AUTH_OK)
			assert_ok(smtp_server_renew(p->server, 0, &p->server, &unit_error));
	}
}

static bool
move(struct pair *p)
{
	struct slice out = slice_sub(smtp_server_output(p->server), 0, p->step);
	size_t moved = smtp_client_feed(p->client, out, 0), back;

	smtp_server_sent(p->server, moved);
	out = slice_sub(smtp_client_output(p->client), 0, p->step);
	back = smtp_server_feed(p->server, out, 0);
	smtp_client_sent(p->client, back);
	server_events(p);
	return moved + back > 0;
}

/* Until the client tells something, or nothing moves any more. */
static enum smtp_client_what
until_event(struct pair *p, struct smtp_client_event *ev)
{
	do {
		if (smtp_client_next(p->client, ev) != SMTP_CLIENT_NOTHING)
			return ev->what;
	} while (move(p));
	return SMTP_CLIENT_NOTHING;
}

static void
pair_new(struct pair *p, const struct smtp_client_config *client, const struct smtp_server_config *server, size_t step)
{
	*p = (struct pair){ .config = *server, .step = step, .end_reply = SMTP_REPLY_KEPT };
	buf_init(&p->text, 1u << 20);
	assert_ok(smtp_client_new(client, &p->client, &unit_error));
	assert_ok(smtp_server_new(server, false, 0, &p->server, &unit_error));
}

static void
pair_done(struct pair *p)
{
	smtp_client_free(p->client);
	smtp_server_free(p->server);
	buf_done(&p->text);
}

static void
put_all(struct pair *p, struct slice text)
{
	while (text.len > 0) {
		size_t took = smtp_client_put(p->client, text);

		text = slice_from(text, took);
		assert_true(took > 0 || move(p));
	}
	smtp_client_end(p->client);
}

static void
send_one(struct pair *p, const struct smtp_client_message *message, struct slice text)
{
	struct smtp_client_event ev;

	buf_clear(&p->text);
	p->sent = p->ended = p->accepted = false;
	p->recipients_ok = p->recipients_bad = 0;
	assert_ok(smtp_client_send(p->client, message, &unit_error));
	while (!p->sent) {
		switch ((int)until_event(p, &ev)) {
		case SMTP_CLIENT_RECIPIENT:
			p->recipients_ok += ev.accepted;
			p->recipients_bad += !ev.accepted;
			break;
		case SMTP_CLIENT_BODY:
			put_all(p, text);
			break;
		case SMTP_CLIENT_SENT:
			p->sent = true;
			p->accepted = ev.accepted;
			p->answer = ev.answer;
			break;
		default:
			fail_msg("event %d: %s", (int)ev.what, ev.error.text);
		}
	}
	assert_int_equal(until_event(p, &ev), SMTP_CLIENT_READY);
}

/* By BDAT, which the server announces, and by DATA. */
static const struct smtp_client_config plain_client = { .hello = { (const uint8_t *)"client.example", 14 } };
static const struct smtp_client_config data_client = { .hello = { (const uint8_t *)"client.example", 14 },
	.no_chunking = true };
static const struct smtp_server_config mx = { .hostname = { (const uint8_t *)"mail.example", 12 },
	.size_max = 1 << 20 };
#define RECIPIENTS(...) \
	(const struct slice[]) \
	{ \
		__VA_ARGS__ \
	}

static void
letters(struct pair *p)
{
	const struct slice text = SLICE("Subject: x\r\n\r\n.dot\r\n..\r\nbare\ncr\r.\rend");
	struct smtp_client_message m = { .from = SLICE("a@b"),
		.recipients = RECIPIENTS(SLICE("c@d"), SLICE("bad@d")),
		.recipient_count = 2,
		.size = 100 };

	send_one(p, &m, text);
	assert_true(p->accepted && p->ended);
	assert_int_equal(p->recipients_ok, 1);
	assert_int_equal(p->recipients_bad, 1);
	assert_slice(buf_slice(&p->text), "Subject: x\r\n\r\n.dot\r\n..\r\nbare\r\ncr\r\n.\r\nend\r\n");

	m.recipients = RECIPIENTS(SLICE("bad@d"));
	m.recipient_count = 1;
	send_one(p, &m, text);
	assert_false(p->accepted || p->ended);

	p->end_reply = SMTP_REPLY_DISK_FULL;
	m.recipients = RECIPIENTS(SLICE("c@d"));
	send_one(p, &m, text);
	assert_true(p->ended && !p->accepted);
	p->end_reply = SMTP_REPLY_KEPT;
	m.from = SLICE_EMPTY;
	send_one(p, &m, SLICE(""));
	assert_true(p->accepted);
	assert_slice(buf_slice(&p->text), "");
}

static void
back_to_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16; i++) {
		size_t step = (size_t[]){ 1, 4, 13, 40, 121, 364, 1093, 3280 }[i / 2];
		struct smtp_client_event ev;
		struct pair p;

		pair_new(&p, i % 2 == 0 ? &plain_client : &data_client, &mx, step);
		assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
		assert_int_equal(smtp_client_size_max(p.client), 1 << 20);
		letters(&p);
		smtp_client_quit(p.client);
		assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_CLOSED);
		pair_done(&p);
	}
}

static void
large_text(void **state)
{
	static uint8_t text[500000];
	const struct smtp_client_message m = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1, .size = sizeof text
	};
	struct smtp_client_event ev;
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i % 70 == 68 ? '\r' : i % 70 == 69 ? '\n' : i % 70 == 0 ? '.' : 'a');
	text[sizeof text - 2] = '\r';
	text[sizeof text - 1] = '\n';
	for (int i = 0; i < 2; i++) {
		pair_new(&p, i == 0 ? &plain_client : &data_client, &mx, 4096);
		assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
		send_one(&p, &m, slice_of(text, sizeof text));
		assert_slices(buf_slice(&p.text), slice_of(text, sizeof text));
		pair_done(&p);
	}
}

/* Larger than the server takes, and SIZE was not told: it is told in the middle, or at the end, and the next goes through. */
static void
chunks_refused(void **state)
{
	static uint8_t text[300000];
	const struct smtp_client_message m = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1
	};
	struct smtp_server_config small = mx;
	struct smtp_client_event ev;
	struct pair p;

	(void)state;
	memset(text, 'a', sizeof text);
	small.size_max = 100000;
	for (size_t step = 100; step < 1000000; step *= 10) {
		pair_new(&p, &plain_client, &small, step);
		assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
		send_one(&p, &m, slice_of(text, sizeof text));
		assert_false(p.accepted || p.ended);
		assert_int_equal(p.answer.code, 552);
		assert_slice(p.answer.enhanced, "5.3.4");
		send_one(&p, &m, slice_of(text, 100002));
		assert_false(p.accepted || p.ended);
		assert_int_equal(p.answer.code, 552);
		send_one(&p, &m, slice_of(text, 1000));
		assert_true(p.accepted && p.ended);
		pair_done(&p);
	}
}

/* Addresses outside of ASCII: with SMTPUTF8, and never without. */
static void
utf8_addresses(void **state)
{
	const struct smtp_client_message m = {
		.from = SLICE("\xc3\xa4@b"), .recipients = RECIPIENTS(SLICE("c@\xc3\xb6.example")), .recipient_count = 1
	};
	const struct smtp_client_message header = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1, .utf8 = true
	};
	struct smtp_client_event ev;
	struct smtp_client *old;
	struct pair p;

	(void)state;
	pair_new(&p, &plain_client, &mx, 4096);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
	assert_true(smtp_client_has_utf8(p.client));
	send_one(&p, &m, SLICE("x\r\n"));
	assert_true(p.accepted);
	assert_string_equal(smtp_server_protocol(p.server), "UTF8SMTP");
	send_one(&p, &header, SLICE("Subject: \xc3\xa4\r\n"));
	assert_true(p.accepted);
	pair_done(&p);
	assert_ok(smtp_client_new(&plain_client, &old, &unit_error));
	(void)smtp_client_feed(old, SLICE("220 x\r\n250-x\r\n250 8BITMIME\r\n"), 0);
	assert_int_equal(smtp_client_next(old, &ev), SMTP_CLIENT_READY);
	assert_int_equal(smtp_client_send(old, &m, NULL), ERR_UNSUPPORTED);
	assert_int_equal(smtp_client_send(old, &header, NULL), ERR_UNSUPPORTED);
	smtp_client_free(old);
}

/* STARTTLS, a new server machine behind it, AUTH, a letter. */
static void
starttls_and_auth(void **state)
{
	const struct smtp_client_config client = {
		.hello = SLICE("[127.0.0.1]"), .start_tls = true, .credentials = &alice
	};
	struct smtp_server_config server = { .role = SMTP_SERVER_SUBMISSION,
		.hostname = SLICE("mail.example"),
		.size_max = 1 << 20,
		.can_start_tls = true,
		.mechanisms = SASL_BIT(SASL_PLAIN) };
	struct smtp_client_event ev;
	struct pair p;

	(void)state;
	pair_new(&p, &client, &server, 7);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_START_TLS);
	assert_int_equal(smtp_client_feed(p.client, SLICE("250 injected\r\n"), 0), 14);
	assert_int_equal(smtp_client_next(p.client, &ev), SMTP_CLIENT_NOTHING);
	smtp_server_free(p.server);
	server.tls = true;
	server.can_start_tls = false;
	assert_ok(smtp_server_new(&server, true, 0, &p.server, &unit_error));
	smtp_client_secured(p.client);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
	letters(&p);
	pair_done(&p);
}

static void
refused_before_sending(void **state)
{
	struct smtp_client_event ev;
	struct pair p;
	struct smtp_client_message m = {
		.from = SLICE("a@b>\r\nRCPT TO:<x@y"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1
	};

	(void)state;
	pair_new(&p, &plain_client, &mx, 4096);
	assert_int_equal(smtp_client_send(p.client, &m, NULL), ERR_ORDER);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
	assert_int_equal(smtp_client_send(p.client, &m, NULL), ERR_USAGE);
	m.from = SLICE("a@b");
	m.recipients = RECIPIENTS(SLICE("c@d\r\nDATA"));
	assert_int_equal(smtp_client_send(p.client, &m, NULL), ERR_USAGE);
	m.recipients = RECIPIENTS(SLICE(""));
	assert_int_equal(smtp_client_send(p.client, &m, NULL), ERR_USAGE);
	m.recipients = RECIPIENTS(SLICE("c@d"));
	m.size = (1 << 20) + 1;
	assert_int_equal(smtp_client_send(p.client, &m, NULL), ERR_LIMIT);
	pair_done(&p);
}

/* ---- servers that lie: what they say at once, what the client makes of it ---- */

static const struct lie {
	const char *name, *says;
	bool start_tls, login, tls;
	enum smtp_client_what what;
	int code;
} lies[] = {
	{ "no greeting", "554 go away\r\n", false, false, false, SMTP_CLIENT_FAILED, ERR_NET },
	{ "no SMTP", "HTTP/1.1 400 Bad\r\n", false, false, false, SMTP_CLIENT_FAILED, ERR_SYNTAX },
	{ "starttls missing", "220 x\r\n250 x\r\n", true, true, false, SMTP_CLIENT_FAILED, ERR_TLS },
	{ "starttls refused", "220 x\r\n250-x\r\n250 STARTTLS\r\n454 no\r\n", true, false, false, SMTP_CLIENT_FAILED,
	    ERR_TLS },
	{ "starttls oddly answered", "220 x\r\n250-x\r\n250 STARTTLS\r\n250 fine\r\n", true, false, false,
	    SMTP_CLIENT_FAILED, ERR_TLS },
	{ "ehlo refused, no helo when tls is a must", "220 x\r\n500 what\r\n", true, false, false, SMTP_CLIENT_FAILED,
	    ERR_NET },
	{ "helo", "220 x\r\n500 what\r\n250 fine\r\n", false, false, false, SMTP_CLIENT_READY, 0 },
	{ "password in clear", "220 x\r\n250-x\r\n250 AUTH PLAIN\r\n", false, true, false, SMTP_CLIENT_FAILED,
	    ERR_POLICY },
	{ "no mechanism", "220 x\r\n250-x\r\n250 AUTH X-MINE\r\n", false, true, true, SMTP_CLIENT_FAILED,
	    ERR_UNSUPPORTED },
	{ "wrong password", "220 x\r\n250-x\r\n250 AUTH PLAIN\r\n535 5.7.8 no\r\n", false, true, true,
	    SMTP_CLIENT_FAILED, ERR_PASSWORD },
	{ "wants more than plain has", "220 x\r\n250-x\r\n250 AUTH PLAIN\r\n334 \r\n", false, true, true,
	    SMTP_CLIENT_FAILED, ERR_NET },
	{ "yes without proof", "220 x\r\n250-x\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n235 ok\r\n", false, true, true,
	    SMTP_CLIENT_FAILED, ERR_INTEGRITY },
	{ "somebody else's nonce", "220 x\r\n250-x\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n334 cj14LHM9QUFBQSxpPTQwOTY=\r\n",
	    false, true, true, SMTP_CLIENT_FAILED, ERR_INTEGRITY },
	{ "refused before the proof",
	    "220 x\r\n250-x\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n535 5.7.8 no\r\n535 5.7.8 no\r\n", false, true, true,
	    SMTP_CLIENT_FAILED, ERR_PASSWORD },
	{ "signed in", "220-a\r\n220 b\r\n250-x\r\n250 AUTH PLAIN\r\n235 ok\r\n", false, true, true, SMTP_CLIENT_READY,
	    0 },
	{ "unknown codes", "299 x\r\n299 fine\r\n", false, false, false, SMTP_CLIENT_READY, 0 },
	{ "closing", "220 x\r\n421 4.3.2 later\x1b[2J\r\n", false, false, false, SMTP_CLIENT_FAILED, ERR_CLOSED },
	{ "two codes in one answer", "220-x\r\n250 x\r\n", false, false, false, SMTP_CLIENT_FAILED, ERR_SYNTAX },
	{ "answers unasked", "220 x\r\n250 x\r\n250 x\r\n", false, false, false, SMTP_CLIENT_READY, 0 },
};

static void
liars(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		const struct lie *l = &lies[i];
		const struct smtp_client_config config = { .hello = SLICE("c"),
			.start_tls = l->start_tls,
			.tls = l->tls,
			.credentials = l->login ? &alice : NULL };
		struct smtp_client_event ev;
		struct smtp_client *m;

		assert_ok(smtp_client_new(&config, &m, &unit_error));
		assert_int_equal(smtp_client_feed(m, slice_str(l->says), 0), strlen(l->says));
		if (smtp_client_next(m, &ev) != l->what || (l->code != 0 && ev.error.code != l->code))
			fail_msg("%s: event %d, %d %s", l->name, (int)ev.what, ev.error.code, ev.error.text);
		if (l->what == SMTP_CLIENT_FAILED && slice_find(slice_str(ev.error.text), 0x1b) != SIZE_MAX)
			fail_msg("%s: an escape sequence in the error", l->name);
		/* In clear nothing went out but EHLO, STARTTLS and HELO. */
		if (!l->tls && slice_search(smtp_client_output(m), SLICE("AUTH")) != SIZE_MAX)
			fail_msg("%s: signed in without TLS", l->name);
		smtp_client_free(m);
	}
}

/* RFC 5321 section 4.1.1.10: whoever waits for a command hears QUIT; 421 ends it by itself. */
static void
goodbyes(void **state)
{
	static const struct {
		const char *says;
		bool quit;
	} rows[] = {
		{ "554 go away\r\n", true },
		{ "220 x\r\n550 no\r\n550 no\r\n", true },
		{ "220 x\r\n250 x\r\n", true },
		{ "220 x\r\n250-x\r\n250 STARTTLS\r\n454 no\r\n", true },
		{ "220 x\r\n250-x\r\n250 STARTTLS\r\n250 fine\r\n", false },
		{ "421 later\r\n", false },
		{ "HTTP/1.1 400 Bad\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct smtp_client_config config = { .hello = SLICE("c"), .start_tls = true };
		struct smtp_client_event ev;
		struct smtp_client *m = NULL;
		assert_ok(smtp_client_new(&config, &m, &unit_error));
		assert_int_equal(smtp_client_feed(m, slice_str(rows[i].says), 0), strlen(rows[i].says));
		assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_FAILED);
		assert_int_equal(smtp_client_says_goodbye(m), rows[i].quit);
		assert_int_equal(slice_search(smtp_client_output(m), SLICE("QUIT\r\n")) != SIZE_MAX, rows[i].quit);
		smtp_client_free(m);
	}
}

/* The client's nonce out of "... <base64>\r\n" in its output, which is then gone; and a first message of a server. */
static void
scram_challenge(struct smtp_client *m, const char *command, struct buf *out)
{
	struct slice line = smtp_client_output(m), text;
	struct buf first, reply;

	buf_init(&first, 1000);
	buf_init(&reply, 1000);
	assert_true(slice_starts(line, slice_str(command)));
	text = slice_trim(slice_from(line, strlen(command)));
	assert_ok(base64_parse(text, &first, &unit_error));
	text = slice_from(buf_slice(&first), slice_search(buf_slice(&first), SLICE("r=")));
	smtp_client_sent(m, line.len);
	(void)buf_put_slice(&reply, text);
	(void)buf_put_str(&reply, "server,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096");
	buf_clear(out);
	(void)buf_put_str(out, "334 ");
	(void)base64_write(out, buf_slice(&reply));
	(void)buf_put_str(out, "\r\n");
	buf_done(&first);
	buf_done(&reply);
}

static void
tell(struct smtp_client *m, struct slice line, enum smtp_client_what want)
{
	struct smtp_client_event ev;

	assert_int_equal(smtp_client_feed(m, line, 0), line.len);
	if (smtp_client_next(m, &ev) != want)
		fail_msg("%.*s: event %d %s", (int)line.len, line.data, (int)ev.what, ev.error.text);
}

/* An account without a verifier for SCRAM: PLAIN is tried, once; and not when only SCRAM is permitted. */
static void
scram_then_plain(void **state)
{
	const struct smtp_client_config config = { .hello = SLICE("c"), .tls = true, .credentials = &alice };
	const struct sasl_channel channel = { .tls = true };

	(void)state;
	for (unsigned pass = 0; pass < 3; pass++) {
		struct smtp_client *m;
		struct buf challenge;

		buf_init(&challenge, 1000);
		assert_ok(smtp_client_new(&config, &m, &unit_error));
		smtp_client_sasl(m, &channel, pass == 2 ? SASL_SET_SCRAM : 0);
		tell(m, SLICE("220 x\r\n"), SMTP_CLIENT_NOTHING);
		smtp_client_sent(m, smtp_client_output(m).len);
		tell(m, SLICE("250-x\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"), SMTP_CLIENT_NOTHING);
		scram_challenge(m, "AUTH SCRAM-SHA-256 ", &challenge);
		tell(m, buf_slice(&challenge), SMTP_CLIENT_NOTHING);
		smtp_client_sent(m, smtp_client_output(m).len);
		tell(m, SLICE("535 5.7.8 no\r\n"), pass == 2 ? SMTP_CLIENT_FAILED : SMTP_CLIENT_NOTHING);
		if (pass < 2) {
			assert_true(slice_starts(smtp_client_output(m), SLICE("AUTH PLAIN ")));
			tell(m, pass == 0 ? SLICE("235 yes\r\n") : SLICE("535 no\r\n"),
			    pass == 0 ? SMTP_CLIENT_READY : SMTP_CLIENT_FAILED);
			assert_int_equal(smtp_client_signed_in(m), pass == 0 ? SASL_PLAIN : SASL_NONE);
		} else {
			assert_int_equal(smtp_client_output(m).len, 0);
		}
		smtp_client_free(m);
		buf_done(&challenge);
	}
}

/* A long token does not go with the command (RFC 4954 section 4); LOGIN answers questions. */
static void
first_responses_that_wait(void **state)
{
	static uint8_t token[600];
	const struct sasl_credentials who = { .identity = SLICE("a"), .token = slice_of(token, sizeof token) };
	struct smtp_client_config config = { .hello = SLICE("c"), .tls = true, .credentials = &who };
	struct smtp_client *m;

	(void)state;
	memset(token, 't', sizeof token);
	for (unsigned pass = 0; pass < 2; pass++) {
		config.credentials = pass == 0 ? &who : &alice;
		assert_ok(smtp_client_new(&config, &m, &unit_error));
		tell(m, SLICE("220 x\r\n"), SMTP_CLIENT_NOTHING);
		smtp_client_sent(m, smtp_client_output(m).len);
		tell(m, SLICE("250-x\r\n250 AUTH LOGIN OAUTHBEARER\r\n"), SMTP_CLIENT_NOTHING);
		assert_slice(smtp_client_output(m), pass == 0 ? "AUTH OAUTHBEARER\r\n" : "AUTH LOGIN\r\n");
		smtp_client_sent(m, smtp_client_output(m).len);
		tell(m, pass == 0 ? SLICE("334 \r\n") : SLICE("334 VXNlcm5hbWU6\r\n"), SMTP_CLIENT_NOTHING);
		assert_true(pass == 1 || smtp_client_output(m).len > sizeof token);
		if (pass == 1) {
			assert_slice(smtp_client_output(m), "YWxpY2VAZXhhbXBsZS5vcmc=\r\n");
			smtp_client_sent(m, smtp_client_output(m).len);
			tell(m, SLICE("334 UGFzc3dvcmQ6\r\n"), SMTP_CLIENT_NOTHING);
		}
		tell(m, SLICE("235 yes\r\n"), SMTP_CLIENT_READY);
		assert_int_equal(smtp_client_signed_in(m), pass == 0 ? SASL_OAUTHBEARER : SASL_LOGIN);
		smtp_client_free(m);
	}
}

/* What comes next is told; what was said meanwhile is checked, and gone. */
static void
dialogue(struct smtp_client *m, const char *server, const char *client, enum smtp_client_what want)
{
	tell(m, slice_str(server), want);
	assert_slice(smtp_client_output(m), client);
	smtp_client_sent(m, smtp_client_output(m).len);
}

/* The parameters of DSN, REQUIRETLS and their kin: where the server has them, and nowhere else. */
static void
parameters(void **state)
{
	const struct smtp_client_config config = { .hello = SLICE("c"), .tls = true };
	const struct smtp_client_dsn dsn[] = {
		{ .notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY, .orcpt = SLICE("rfc822;x+2By@z") },
		{ .notify = SMTP_NOTIFY_NEVER },
		{ .orcpt = SLICE("no type") },
	};
	struct smtp_client_message message = { .from = SLICE("a@b"),
		.recipients = RECIPIENTS(SLICE("c@d"), SLICE("e@f"), SLICE("g@h")),
		.recipient_count = 3,
		.size = 7,
		.body_8bit = true,
		.require_tls = true,
		.dsn = dsn,
		.ret = SMTP_RETURN_HEADERS,
		.envid = SLICE("QQ+3D1") };
	struct smtp_client *m;

	(void)state;
	assert_ok(smtp_client_new(&config, &m, &unit_error));
	dialogue(m, "220 x\r\n", "EHLO c\r\n", SMTP_CLIENT_NOTHING);
	dialogue(m, "250-x\r\n250-DSN\r\n250-PIPELINING\r\n250-8bitmime\r\n250-SIZE\r\n250 REQUIRETLS\r\n", "",
	    SMTP_CLIENT_READY);
	assert_true(smtp_client_has_dsn(m) && smtp_client_has_require_tls(m));
	assert_ok(smtp_client_send(m, &message, &unit_error));
	assert_slice(smtp_client_output(m),
	    "MAIL FROM:<a@b> SIZE=7 BODY=8BITMIME REQUIRETLS RET=HDRS ENVID=QQ+3D1\r\n"
	    "RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z\r\n"
	    "RCPT TO:<e@f> NOTIFY=NEVER\r\n"
	    "RCPT TO:<g@h>\r\nDATA\r\n");
	smtp_client_free(m);

	assert_ok(smtp_client_new(&config, &m, &unit_error));
	dialogue(m, "220 x\r\n", "EHLO c\r\n", SMTP_CLIENT_NOTHING);
	dialogue(m, "250-x\r\n250 8BITMIME\r\n", "", SMTP_CLIENT_READY);
	assert_int_equal(smtp_client_send(m, &message, NULL), ERR_POLICY);
	message.require_tls = false;
	message.envid = SLICE("a b");
	assert_int_equal(smtp_client_send(m, &message, NULL), ERR_USAGE);
	message.envid = SLICE_EMPTY;
	assert_ok(smtp_client_send(m, &message, &unit_error));
	assert_slice(smtp_client_output(m), "MAIL FROM:<a@b> BODY=8BITMIME\r\n");
	smtp_client_sent(m, smtp_client_output(m).len);
	dialogue(m, "250 ok\r\n", "RCPT TO:<c@d>\r\n", SMTP_CLIENT_NOTHING);
	smtp_client_free(m);
}

/* REQUIRETLS was announced, but TLS does not stand. */
static void
require_tls_in_clear(void **state)
{
	const struct smtp_client_message message = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1, .require_tls = true
	};
	struct smtp_client *m;

	(void)state;
	assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
	tell(m, SLICE("220 x\r\n250-x\r\n250 REQUIRETLS\r\n"), SMTP_CLIENT_READY);
	assert_false(smtp_client_has_require_tls(m));
	assert_int_equal(smtp_client_send(m, &message, NULL), ERR_POLICY);
	smtp_client_free(m);
}

static void
tls_if_offered(void **state)
{
	static const struct {
		const char *says;
		enum smtp_client_what what;
		bool offered;
	} rows[] = {
		{ "220 x\r\n250 x\r\n", SMTP_CLIENT_READY, false },
		{ "220 x\r\n500 x\r\n250 x\r\n", SMTP_CLIENT_READY, false },
		{ "220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n", SMTP_CLIENT_START_TLS, true },
		{ "220 x\r\n250-x\r\n250 STARTTLS\r\n454 no\r\n", SMTP_CLIENT_FAILED, true },
	};
	const struct smtp_client_config config = { .hello = SLICE("c"), .start_tls_if_offered = true };
	struct smtp_client *m;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_ok(smtp_client_new(&config, &m, &unit_error));
		tell(m, slice_str(rows[i].says), rows[i].what);
		assert_int_equal(smtp_client_has_start_tls(m), rows[i].offered);
		smtp_client_free(m);
	}
	/* What was announced in clear is forgotten, and TLS is not asked for twice. */
	assert_ok(smtp_client_new(&config, &m, &unit_error));
	tell(m, SLICE("220 x\r\n250-x\r\n250-DSN\r\n250 STARTTLS\r\n220 go\r\n"), SMTP_CLIENT_START_TLS);
	smtp_client_sent(m, smtp_client_output(m).len);
	smtp_client_secured(m);
	dialogue(m, "", "EHLO c\r\n", SMTP_CLIENT_NOTHING);
	dialogue(m, "250-x\r\n250 STARTTLS\r\n", "", SMTP_CLIENT_READY);
	assert_false(smtp_client_has_dsn(m));
	smtp_client_free(m);
}

/* Refused for what MAIL said, though RCPT and DATA are answered by "MAIL first" then. */
static void
reason_of_a_pipeline(void **state)
{
	const struct smtp_client_message message = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d"), SLICE("e@f")), .recipient_count = 2
	};

	(void)state;
	for (int chunking = 0; chunking < 2; chunking++) {
		struct smtp_client_event ev;
		struct smtp_client *m;

		assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
		tell(m, SLICE("220 x\r\n"), SMTP_CLIENT_NOTHING);
		tell(m,
		    chunking ? SLICE("250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n")
			     : SLICE("250-x\r\n250 PIPELINING\r\n"),
		    SMTP_CLIENT_READY);
		assert_ok(smtp_client_send(m, &message, &unit_error));
		tell(m, SLICE("451 4.7.1 not now\r\n503 MAIL first\r\n"), SMTP_CLIENT_RECIPIENT);
		tell(m, SLICE("503 MAIL first\r\n503 MAIL first\r\n"), SMTP_CLIENT_RECIPIENT);
		assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_SENT);
		assert_false(ev.accepted);
		assert_int_equal(ev.answer.code, 451);
		assert_slice(ev.answer.enhanced, "4.7.1");
		smtp_client_free(m);
	}
}

/* Who answers before it is asked could answer for what comes later. */
static void
answers_in_advance(void **state)
{
	const struct smtp_client_message message = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1
	};
	struct smtp_client_event ev;
	struct smtp_client *m;

	(void)state;
	assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
	tell(m, SLICE("220 x\r\n250 x\r\n250 ok\r\n"), SMTP_CLIENT_READY);
	assert_int_equal(smtp_client_send(m, &message, NULL), ERR_SYNTAX);
	assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_FAILED);
	smtp_client_free(m);
}

/* The last words are known to who gets FAILED; patience is what RFC 5321 says. */
static void
last_words_and_patience(void **state)
{
	const struct smtp_client_message message = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("c@d")), .recipient_count = 1
	};
	struct smtp_client_event ev;
	struct smtp_client *m;
	uint64_t steps;

	(void)state;
	assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
	assert_int_equal(smtp_client_patience_ms(m), 300000);
	tell(m, SLICE("220-x\r\n"), SMTP_CLIENT_NOTHING);
	assert_int_equal(smtp_client_steps(m), 0);
	tell(m, SLICE("220 x\r\n250 x\r\n"), SMTP_CLIENT_READY);
	assert_int_equal(smtp_client_steps(m), 2);
	assert_int_equal(smtp_client_patience_ms(m), 300000); /* our EHLO is still to be taken */
	smtp_client_sent(m, smtp_client_output(m).len);
	assert_true(smtp_client_patience_ms(m) == MACHINE_NEVER);
	assert_ok(smtp_client_send(m, &message, &unit_error));
	tell(m, SLICE("250 ok\r\n"), SMTP_CLIENT_NOTHING);
	assert_int_equal(smtp_client_patience_ms(m), 300000);
	tell(m, SLICE("250 ok\r\n"), SMTP_CLIENT_RECIPIENT);
	assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_NOTHING);
	assert_int_equal(smtp_client_patience_ms(m), 120000);
	tell(m, SLICE("354 go\r\n"), SMTP_CLIENT_BODY);
	assert_int_equal(smtp_client_patience_ms(m), 180000);
	smtp_client_sent(m, smtp_client_output(m).len);
	steps = smtp_client_steps(m);
	for (int i = 0; i < 40; i++)
		(void)smtp_client_put(m, SLICE("sixty-four octets of a line, sixty-four octets of a line, of..\r\n"));
	assert_int_equal(smtp_client_steps(m), steps);
	smtp_client_sent(m, 2100);
	assert_int_equal(smtp_client_steps(m), steps + 2);
	assert_false(smtp_client_is_in_doubt(m));
	smtp_client_end(m);
	assert_int_equal(smtp_client_patience_ms(m), 180000);
	smtp_client_sent(m, smtp_client_output(m).len);
	assert_int_equal(smtp_client_patience_ms(m), 600000);
	assert_true(smtp_client_is_in_doubt(m));
	tell(m, SLICE("421 4.3.2 bye\r\n"), SMTP_CLIENT_FAILED);
	assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_FAILED);
	assert_int_equal(ev.answer.code, 421);
	assert_slice(ev.answer.enhanced, "4.3.2");
	assert_slice(ev.answer.text, "bye");
	smtp_client_free(m);
}

static void
endless_answer(void **state)
{
	struct smtp_client_event ev;
	struct smtp_client *m;
	unsigned lines = 0;

	(void)state;
	assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
	do {
		assert_int_equal(smtp_client_feed(m, SLICE("220-x\r\n"), 0), 7);
	} while (smtp_client_next(m, &ev) == SMTP_CLIENT_NOTHING && ++lines < 1000);
	assert_int_equal(ev.what, SMTP_CLIENT_FAILED);
	assert_int_equal(ev.error.code, ERR_LIMIT);
	smtp_client_free(m);
	assert_ok(smtp_client_new(&plain_client, &m, &unit_error));
	for (lines = 0; lines < 3000; lines++)
		(void)smtp_client_feed(m, SLICE("2"), 0);
	assert_int_equal(smtp_client_next(m, &ev), SMTP_CLIENT_FAILED);
	smtp_client_free(m);
}

/* Giving up after a refused recipient, when DATA is on its way already: nothing that follows may become a letter. */
static void
quit_in_the_envelope(void **state)
{
	const struct smtp_client_message m = {
		.from = SLICE("a@b"), .recipients = RECIPIENTS(SLICE("bad@d"), SLICE("c@d")), .recipient_count = 2
	};
	struct smtp_client_event ev;
	struct pair p;

	(void)state;
	pair_new(&p, &data_client, &mx, 4096);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_READY);
	assert_ok(smtp_client_send(p.client, &m, &unit_error));
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_RECIPIENT);
	assert_false(ev.accepted);
	smtp_client_quit(p.client);
	assert_int_equal(until_event(&p, &ev), SMTP_CLIENT_NOTHING);
	assert_int_equal(p.text.len, 0);
	assert_false(p.ended);
	pair_done(&p);
}

UNIT_MAIN(UNIT_TEST(quit_in_the_envelope), UNIT_TEST(back_to_back), UNIT_TEST(large_text), UNIT_TEST(chunks_refused),
    UNIT_TEST(utf8_addresses), UNIT_TEST(starttls_and_auth), UNIT_TEST(refused_before_sending), UNIT_TEST(liars),
    UNIT_TEST(goodbyes), UNIT_TEST(parameters), UNIT_TEST(require_tls_in_clear), UNIT_TEST(tls_if_offered),
    UNIT_TEST(reason_of_a_pipeline), UNIT_TEST(answers_in_advance), UNIT_TEST(last_words_and_patience),
    UNIT_TEST(scram_then_plain), UNIT_TEST(first_responses_that_wait), UNIT_TEST(endless_answer))
