/* SPDX-License-Identifier: ISC */
/* Every transcript against the bare machine, in pieces and octet by octet, with a policy of a few lines. */
#include "sasl/plain.h"
#include "smtp/server.h"

#include "smtp/transcript.h"

struct bare {
	struct smtp_server *machine;
	bool submission, lmtp, tls, closed, starting_tls;
	struct buf answers;
};

static enum smtp_reply
recipient_policy(const struct bare *b, const struct smtp_path *path)
{
	static const char *const known[] = { "alice@example.org", "bob@example.org", "bob+lists@example.org",
		"postmaster", "postmaster@example.org" };
	struct buf address;
	enum smtp_reply r = SMTP_REPLY_RECIPIENT_UNKNOWN;

	buf_init(&address, SMTP_ADDRESS_MAX);
	(void)smtp_path_address(path, &address);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_ieq_str(buf_slice(&address), known[i]))
			r = SMTP_REPLY_RECIPIENT_OK;
	buf_done(&address);
	if (r != SMTP_REPLY_RECIPIENT_OK && !slice_ieq_str(path->domain, "example.org"))
		r = b->submission ? SMTP_REPLY_RECIPIENT_OK : SMTP_REPLY_RECIPIENT_ELSEWHERE;
	return r;
}

static enum smtp_reply
password_policy(struct slice message)
{
	struct sasl_credentials who;

	if (plain_parse(message, &who, NULL) != 0)
		return SMTP_REPLY_AUTH_MALFORMED;
	return slice_eq_str(who.identity, "alice@example.org") && slice_eq_str(who.password, "secret")
	    ? SMTP_REPLY_AUTH_OK
	    : SMTP_REPLY_AUTH_WRONG;
}

static enum smtp_reply
policy(const struct bare *b, const struct smtp_server_event *ev)
{
	switch ((int)ev->what) {
	case SMTP_SERVER_AUTHENTICATE:
		return password_policy(ev->message);
	case SMTP_SERVER_MAIL:
		return b->submission && !slice_eq_str(ev->path.mailbox, "alice@example.org") ? SMTP_REPLY_SENDER_FOREIGN
											     : SMTP_REPLY_SENDER_OK;
	case SMTP_SERVER_RECIPIENT:
		return recipient_policy(b, &ev->path);
	case SMTP_SERVER_DATA:
		return SMTP_REPLY_DATA_GO;
	case SMTP_SERVER_END:
		return SMTP_REPLY_KEPT;
	default:
		return SMTP_REPLY_NONE;
	}
}

static void
pump(struct bare *b)
{
	struct smtp_server_event ev;

	while (smtp_server_next(b->machine, 0, &ev) != SMTP_SERVER_NOTHING) {
		enum smtp_reply r = policy(b, &ev);

		b->closed = b->closed || ev.what == SMTP_SERVER_CLOSE;
		b->starting_tls = ev.what == SMTP_SERVER_START_TLS;
		do
			smtp_server_answer(b->machine, r, ev.what == SMTP_SERVER_END ? SLICE("1") : SLICE_EMPTY, 0);
		while (smtp_server_answers_due(b->machine) > 0);
		if (r == SMTP_REPLY_AUTH_OK)
			assert_ok(smtp_server_renew(b->machine, 0, &b->machine, &unit_error));
	}
	(void)buf_put_slice(&b->answers, smtp_server_output(b->machine));
	smtp_server_sent(b->machine, smtp_server_output(b->machine).len);
}

static void
make(struct bare *b, bool silent)
{
	const struct smtp_server_config config = {
		.role = b->lmtp     ? SMTP_SERVER_LMTP
		    : b->submission ? SMTP_SERVER_SUBMISSION
				    : SMTP_SERVER_MX,
		.hostname = SLICE("mail.example.org"),
		.size_max = 65536,
		.tls = b->tls,
		.can_start_tls = !b->tls,
		.bindings = true,
		.mechanisms = SASL_SET_PASSWORD | SASL_SET_SCRAM,
	};

	assert_ok(smtp_server_new(&config, silent, 0, &b->machine, &unit_error));
	pump(b);
}

static void
bare_begin(void *ctx, const char *listener)
{
	struct bare *b = ctx;

	*b = (struct bare){ 0 };
	buf_init(&b->answers, 1u << 20);
	b->submission = strncmp(listener, "submission", 10) == 0;
	b->lmtp = strcmp(listener, "lmtp") == 0;
	b->tls = strcmp(listener, "submissions") == 0;
	make(b, false);
}

static void
bare_send(void *ctx, struct slice in)
{
	struct bare *b = ctx;

	while (in.len > 0) {
		size_t took = smtp_server_feed(b->machine, in, 0);

		pump(b);
		in = slice_from(in, took);
		assert_true(took > 0 || smtp_server_feed(b->machine, in, 0) > 0 || in.len == 0);
	}
}

static struct buf *
bare_answers(void *ctx)
{
	return &((struct bare *)ctx)->answers;
}

static void
bare_start_tls(void *ctx)
{
	struct bare *b = ctx;

	assert_true(b->starting_tls);
	smtp_server_free(b->machine);
	b->tls = true;
	make(b, true);
}

static bool
bare_closed(void *ctx)
{
	return ((struct bare *)ctx)->closed;
}

static void
bare_end(void *ctx)
{
	struct bare *b = ctx;

	smtp_server_free(b->machine);
	buf_done(&b->answers);
}

static struct bare bare;
static const struct transcript_peer peer = { bare_begin, bare_send, bare_answers, bare_start_tls, bare_closed, bare_end,
	&bare };

static void
in_pieces(void **state)
{
	(void)state;
	transcript_run_all(&peer, false);
}

static void
octet_by_octet(void **state)
{
	(void)state;
	transcript_run_all(&peer, true);
}

/* ---- time ---- */

static struct smtp_server *
timed(void)
{
	const struct smtp_server_config config = { .hostname = SLICE("h"), .size_max = 1 << 20, .idle_ms = 1000 };
	struct smtp_server *m;

	assert_ok(smtp_server_new(&config, false, 0, &m, &unit_error));
	smtp_server_sent(m, smtp_server_output(m).len);
	return m;
}

/* An octet now and then is no command: the time is that of the last whole one. */
static void
slow_line(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;

	(void)state;
	for (int64_t now = 0; now < 1000; now += 100) {
		assert_int_equal(smtp_server_feed(m, SLICE("N"), now), 1);
		assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_NOTHING);
		assert_int_equal(smtp_server_deadline(m), 1000);
	}
	assert_int_equal(smtp_server_next(m, 1000, &ev), SMTP_SERVER_CLOSE);
	assert_true(slice_starts(smtp_server_output(m), SLICE("421 4.4.2 ")));
	assert_true(smtp_server_deadline(m) == MACHINE_NEVER);
	smtp_server_free(m);
}

static void
say(struct smtp_server *m, const char *line, enum smtp_reply r, int64_t now)
{
	struct smtp_server_event ev;

	assert_int_equal(smtp_server_feed(m, slice_str(line), now), strlen(line));
	(void)smtp_server_next(m, now, &ev);
	smtp_server_answer(m, r, SLICE_EMPTY, now);
}

/* An octet a minute in the text is no progress either. */
static void
slow_text(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;
	int64_t now = 0;

	(void)state;
	say(m, "HELO x\r\n", SMTP_REPLY_NONE, 0);
	say(m, "MAIL FROM:<>\r\n", SMTP_REPLY_SENDER_OK, 0);
	say(m, "RCPT TO:<a@b>\r\n", SMTP_REPLY_RECIPIENT_OK, 0);
	say(m, "DATA\r\n", SMTP_REPLY_DATA_GO, 0);
	for (; now < 1000; now += 100) {
		assert_int_equal(smtp_server_feed(m, SLICE("a"), now), 1);
		assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_CHUNK);
	}
	assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_CLOSE);
	smtp_server_free(m);
}

/* Nor is a chunk of an octet, or of none, now and then. */
static void
slow_chunks(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;
	int64_t now = 0;

	(void)state;
	say(m, "HELO x\r\n", SMTP_REPLY_NONE, 0);
	say(m, "MAIL FROM:<>\r\n", SMTP_REPLY_SENDER_OK, 0);
	say(m, "RCPT TO:<a@b>\r\n", SMTP_REPLY_RECIPIENT_OK, 0);
	say(m, "BDAT 1\r\na", SMTP_REPLY_DATA_GO, 0);
	assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_CHUNK);
	for (now = 100; now < 1000; now += 100) {
		assert_int_equal(smtp_server_feed(m, SLICE("BDAT 0\r\nBDAT 1\r\na"), now), 17);
		assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_CHUNK);
		assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_NOTHING);
	}
	assert_int_equal(smtp_server_next(m, now, &ev), SMTP_SERVER_CLOSE);
	smtp_server_free(m);
}

/* Pitfall 3: a hundred thousand chunks leave behind what one does. */
static void
pitfall_3_tiny_chunks_cost_nothing(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;
	uint64_t got = 0;

	(void)state;
	say(m, "HELO x\r\n", SMTP_REPLY_NONE, 0);
	say(m, "MAIL FROM:<>\r\n", SMTP_REPLY_SENDER_OK, 0);
	say(m, "RCPT TO:<a@b>\r\n", SMTP_REPLY_RECIPIENT_OK, 0);
	say(m, "BDAT 0\r\n", SMTP_REPLY_DATA_GO, 0);
	smtp_server_sent(m, smtp_server_output(m).len);
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(smtp_server_feed(m, SLICE("BDAT 1\r\na"), 0), 9);
		while (smtp_server_next(m, 0, &ev) != SMTP_SERVER_NOTHING) {
			assert_int_equal(ev.what, SMTP_SERVER_CHUNK);
			got += ev.chunk.len;
		}
		assert_true(smtp_server_output(m).len < 64);
		smtp_server_sent(m, smtp_server_output(m).len);
		assert_int_equal(smtp_server_unread(m).len, 0);
	}
	assert_int_equal(got, 100000);
	assert_int_equal(smtp_server_feed(m, SLICE("BDAT 0 LAST\r\n"), 0), 13);
	assert_int_equal(smtp_server_next(m, 0, &ev), SMTP_SERVER_END);
	assert_int_equal(ev.size, got);
	smtp_server_free(m);
}

/* RFC 2034 section 4: in every 2xx, 4xx and 5xx but the greeting, of the same class. */
static void
enhanced_codes(void **state)
{
	(void)state;
	for (int r = 1; r < SMTP_REPLY_COUNT; r++) {
		unsigned code = smtp_reply_code((enum smtp_reply)r);
		struct smtp_answer_reader reader;
		struct smtp_answer a;
		struct buf text;
		/* What a filter says has a code of its own, which whoever asked it sees to. */
		bool says = r == SMTP_REPLY_FILTER_SAYS || r == SMTP_REPLY_FILTER_SAYS_LATER;
		struct slice detail = !says ? SLICE("x") : code / 100 == 4 ? SLICE("4.7.1 x") : SLICE("5.7.1 x");

		buf_init(&text, 1000);
		smtp_answer_reader_init(&reader);
		assert_int_equal(smtp_reply_write(&text, (enum smtp_reply)r, detail), 0);
		assert_int_equal(
		    smtp_answer_line(&reader, slice_sub(buf_slice(&text), 0, text.len - 2), &a, &unit_error), 1);
		assert_int_equal(a.code, code);
		if (r == SMTP_REPLY_GREETING || code / 100 == 3)
			assert_int_equal(a.enhanced.len, 0);
		else if (a.enhanced.len == 0 || a.enhanced.data[0] != '0' + code / 100)
			fail_msg("reply %d: %.*s", r, (int)text.len, (const char *)text.data);
		smtp_answer_reader_done(&reader);
		buf_done(&text);
	}
}

/* LMTP: the longest answers of the most recipients fit into the output, whatever stands there already. */
static void
many_answers(void **state)
{
	const struct smtp_server_config config = {
		.role = SMTP_SERVER_LMTP, .hostname = SLICE("h"), .size_max = 1 << 20
	};
	struct smtp_server *m;
	struct smtp_server_event ev;
	size_t longest = 0;

	(void)state;
	for (int r = 1; r < SMTP_REPLY_COUNT; r++) {
		struct buf text;

		buf_init(&text, 1000);
		assert_int_equal(
		    smtp_reply_write(&text, (enum smtp_reply)r, SLICE("0123456789abcdef0123456789abcdef")), 0);
		longest = text.len > longest ? text.len : longest;
		buf_done(&text);
	}
	assert_true(SMTP_OUTPUT_HIGH + SMTP_LMTP_RECIPIENTS_MAX * longest <= SMTP_OUTPUT_MAX);
	assert_ok(smtp_server_new(&config, false, 0, &m, &unit_error));
	say(m, "LHLO x\r\n", SMTP_REPLY_NONE, 0);
	say(m, "MAIL FROM:<>\r\n", SMTP_REPLY_SENDER_OK, 0);
	for (unsigned i = 0; i < SMTP_LMTP_RECIPIENTS_MAX; i++)
		say(m, "RCPT TO:<a@b>\r\n", SMTP_REPLY_RECIPIENT_OK, 0);
	smtp_server_sent(m, smtp_server_output(m).len);
	assert_int_equal(smtp_server_feed(m, SLICE("RCPT TO:<a@b>\r\nDATA\r\n"), 0), 21);
	assert_int_equal(smtp_server_next(m, 0, &ev), SMTP_SERVER_DATA);
	assert_true(slice_starts(smtp_server_output(m), SLICE("452 4.5.3 ")));
	smtp_server_answer(m, SMTP_REPLY_DATA_GO, SLICE_EMPTY, 0);
	assert_int_equal(smtp_server_feed(m, SLICE("a\nb\r\n.\r\n"), 0), 8);
	assert_int_equal(smtp_server_next(m, 0, &ev), SMTP_SERVER_RESET);
	assert_int_equal(smtp_server_next(m, 0, &ev), SMTP_SERVER_NOTHING);
	assert_true(smtp_server_output(m).len > SMTP_LMTP_RECIPIENTS_MAX * 60);
	smtp_server_free(m);
}

/* While a question is open the client is not to blame. */
static void
question_stops_the_clock(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;

	(void)state;
	say(m, "HELO x\r\n", SMTP_REPLY_NONE, 0);
	assert_int_equal(smtp_server_feed(m, SLICE("MAIL FROM:<>\r\n"), 0), 14);
	assert_int_equal(smtp_server_next(m, 0, &ev), SMTP_SERVER_MAIL);
	assert_true(smtp_server_waits(m));
	assert_true(smtp_server_deadline(m) == MACHINE_NEVER);
	assert_int_equal(smtp_server_next(m, 5000, &ev), SMTP_SERVER_NOTHING);
	smtp_server_answer(m, SMTP_REPLY_SENDER_OK, SLICE_EMPTY, 5000);
	assert_int_equal(smtp_server_deadline(m), 6000);
	smtp_server_free(m);
}

/* Who takes no answers gets no more commands done, and holds no more of our memory. */
static void
never_reads(void **state)
{
	struct smtp_server *m = timed();
	struct smtp_server_event ev;
	size_t took, total = 0;

	(void)state;
	do {
		took = smtp_server_feed(m, SLICE("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"), 0);
		total += took;
		(void)smtp_server_next(m, 0, &ev);
	} while (took > 0 && total < 1u << 20);
	assert_true(total < 32768);
	assert_true(smtp_server_output(m).len <= SMTP_OUTPUT_MAX);
	smtp_server_free(m);
}

UNIT_MAIN(UNIT_TEST(in_pieces), UNIT_TEST(octet_by_octet), UNIT_TEST(slow_line), UNIT_TEST(slow_text),
    UNIT_TEST(slow_chunks), UNIT_TEST(pitfall_3_tiny_chunks_cost_nothing), UNIT_TEST(enhanced_codes),
    UNIT_TEST(many_answers), UNIT_TEST(question_stops_the_clock), UNIT_TEST(never_reads))
