/* SPDX-License-Identifier: ISC */
#include "smtp/milter.h"

#include <string.h>

#include "base/reader.h"
#include "unit.h"

static const char header[] = "From: a@b\r\nSubject: one\r\n two\r\nX: 1\r\nx: 2\r\n\r\n";
static const struct slice recipients[] = { { (const uint8_t *)"c@d", 3 }, { (const uint8_t *)"e@f", 3 } };

static struct milter *
make(void)
{
	const struct milter_envelope envelope = { .address = SLICE("192.0.2.1"),
		.port = 77,
		.hello = SLICE("client.example"),
		.sender = SLICE("a@b"),
		.recipients = recipients,
		.recipient_count = 2,
		.hostname = SLICE("mx.example"),
		.id = SLICE("1.2.3") };
	struct milter *m;

	assert_ok(milter_new(&envelope, slice_str(header), &m, &unit_error));
	return m;
}

/* Feeds one packet, octet by octet. */
static void
answer(struct milter *m, char command, const void *data, size_t len)
{
	uint8_t head[5] = { 0, (uint8_t)((len + 1) >> 16), (uint8_t)((len + 1) >> 8), (uint8_t)(len + 1),
		(uint8_t)command };

	for (size_t i = 0; i < sizeof head; i++)
		assert_int_equal(milter_feed(m, slice_of(head + i, 1)), 1);
	assert_int_equal(milter_feed(m, slice_of(data, len)), len);
}

static void
negotiate(struct milter *m, uint8_t actions, uint32_t bits)
{
	uint8_t data[12] = { 0, 0, 0, 6, 0, 0, 0, actions, (uint8_t)(bits >> 24), (uint8_t)(bits >> 16),
		(uint8_t)(bits >> 8), (uint8_t)bits };

	assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
	assert_int_equal(milter_output(m).data[4], 'O');
	milter_sent(m, milter_output(m).len);
	answer(m, 'O', data, sizeof data);
	assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
}

/* The commands that are said, macros with the command that they are for; it is all sent then. */
static const char *
said(struct milter *m, char out[100])
{
	struct reader r = reader_of(milter_output(m));
	size_t n = 0;

	while (reader_left(&r) > 0 && n < 99) {
		struct slice packet = reader_get(&r, reader_get_u32(&r));

		assert_int_equal(r.err, 0);
		out[n++] = (char)packet.data[0];
	}
	out[n] = '\0';
	milter_sent(m, milter_output(m).len);
	return out;
}

/* Everything is answered with "continue" up to the end of the message. */
static void
continue_to_end(struct milter *m)
{
	char out[100];

	milter_body(m, SLICE("body\r\n"));
	milter_end(m);
	for (int i = 0; i < 30 && strchr(said(m, out), 'E') == NULL; i++) {
		answer(m, 'c', "", 0);
		assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
	}
}

static void
every_step(void **state)
{
	static const char *const steps[] = { "DC", "DH", "DM", "DR", "DR", "DT", "L", "L", "L", "L", "N", "B", "DE" };
	struct milter *m = make();
	char out[100];

	(void)state;
	milter_body(m, SLICE("body\r\n"));
	milter_end(m);
	negotiate(m, 0x31, 0);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		assert_string_equal(said(m, out), steps[i]);
		assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
		assert_int_equal(milter_output(m).len, 0);
		answer(m, 'c', "", 0);
		assert_int_equal(
		    milter_next(m, NULL), i + 1 < sizeof steps / sizeof steps[0] ? MILTER_NOTHING : MILTER_VERDICT);
	}
	assert_int_equal(milter_result(m)->verdict, MILTER_ACCEPT);
	assert_string_equal(said(m, out), "Q");
	milter_free(m);
}

/* What is not wanted is not said, and what is not answered is not waited for. */
static void
unwanted_and_mute(void **state)
{
	struct milter *m = make();
	char out[100];

	(void)state;
	/* no connection, no HELO, no recipients, no end of header, no DATA; mute: header, MAIL, body */
	negotiate(m, 0x31, 0x01 | 0x02 | 0x08 | 0x40 | 0x200 | 0x80 | 0x4000 | 0x80000);
	assert_string_equal(said(m, out), "DMLLLL");
	assert_true(milter_room(m) > 4);
	milter_body(m, SLICE("body"));
	milter_end(m);
	assert_string_equal(said(m, out), "BDE");
	answer(m, 'c', "", 0);
	assert_int_equal(milter_next(m, NULL), MILTER_VERDICT);
	milter_free(m);
}

/* Line ends inside a value are LF; the first space goes unless it was asked for. */
static void
fields_as_sendmail_says_them(void **state)
{
	static const struct {
		uint32_t bits;
		const char *value;
		size_t len;
	} rows[] = { { 0, "Subject\0one\n two", 16 }, { 0x100000, "Subject\0 one\n two", 17 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct milter *m = make();

		negotiate(m, 0x31, rows[i].bits | 0x80 | 0x01 | 0x02 | 0x04 | 0x08 | 0x200);
		assert_true(slice_search(milter_output(m), slice_of(rows[i].value, rows[i].len + 1)) != SIZE_MAX);
		milter_free(m);
	}
}

static void
verdicts(void **state)
{
	static const struct {
		char command;
		const char *data;
		size_t len;
		enum milter_verdict verdict;
		const char *reply;
	} rows[] = {
		{ 'a', "", 0, MILTER_ACCEPT, "" },
		{ 'r', "", 0, MILTER_REJECT, "" },
		{ 't', "", 0, MILTER_TEMPFAIL, "" },
		{ 'd', "", 0, MILTER_DISCARD, "" },
		{ 'y', "550 5.7.1 no", 13, MILTER_REJECT, "5.7.1 no" },
		{ 'y', "451 4.7.1 later\r\n451 4.7.1 still", 33, MILTER_TEMPFAIL, "4.7.1 later" },
		{ 'y', "550 a\x01\xff", 8, MILTER_REJECT, "a??" },
		{ 'y', "421", 4, MILTER_TEMPFAIL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int late = 0; late < 2; late++) {
			struct milter *m = make();
			char out[100];

			negotiate(m, 0x31, 0);
			if (late)
				continue_to_end(m);
			else
				(void)said(m, out);
			answer(m, rows[i].command, rows[i].data, rows[i].len);
			assert_int_equal(milter_next(m, NULL), MILTER_VERDICT);
			assert_int_equal(milter_result(m)->verdict, rows[i].verdict);
			assert_true(slice_eq(milter_result(m)->reply, slice_str(rows[i].reply)));
			assert_string_equal(said(m, out), "Q");
			milter_free(m);
		}
	}
}

static void
breaks_the_rules(void **state)
{
	static const struct {
		bool late;
		char command;
		const char *data;
		size_t len;
	} rows[] = {
		{ false, 'h', "A\0b", 4 }, /* not yet */
		{ false, 's', "", 0 },     /* nothing was shown */
		{ false, 'X', "", 0 },
		{ true, 'y', "250 fine", 9 },    /* a refusal that is none */
		{ true, 'y', "550 no end", 10 }, /* without NUL */
		{ true, 'y', "", 1 },
		{ true, 'h', "A b\0c", 6 },
		{ true, 'h', "A:\0c", 5 },
		{ true, 'h', "A\r\nB\0c", 7 },
		{ true, 'h', "\0c", 3 },
		{ true, 'h', "A\0c", 3 },
		{ true, 'i', "\0\0\0", 3 },
		{ true, 'm', "\0\0\0\1A", 5 },
		{ true, 'O', "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct milter *m = make();
		char out[100];

		negotiate(m, 0x31, 0);
		if (rows[i].late)
			continue_to_end(m);
		else
			(void)said(m, out);
		answer(m, rows[i].command, rows[i].data, rows[i].len);
		assert_int_equal(milter_next(m, &unit_error), MILTER_FAILED);
		assert_int_equal(unit_error.code, ERR_SYNTAX);
		milter_free(m);
	}
}

static void
no_milter(void **state)
{
	static const struct {
		const char *in;
		size_t len;
	} rows[] = { { "220 hi\r\n", 8 }, { "\0\0\0\0", 4 }, { "\0\0\0\1c", 5 },
		{ "\0\0\0\15O\0\0\0\1\0\0\0\0\0\0\0\0", 17 }, { "\0\0\0\15O\0\0\0\7\0\0\0\0\0\0\0\0", 17 },
		{ "\0\0\0\5O\0\0\0\6", 9 }, { "\0\0\0\15O\0\0\0\6\0\0\0\0\200\0\0\0", 17 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct milter *m = make();

		assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
		assert_int_equal(milter_feed(m, slice_of(rows[i].in, rows[i].len)), rows[i].len);
		assert_int_equal(milter_next(m, &unit_error), MILTER_FAILED);
		milter_free(m);
	}
}

static void
edits(void **state)
{
	struct milter *m = make();
	const struct milter_result *r = milter_result(m);
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	negotiate(m, 0x31, 0);
	continue_to_end(m);
	answer(m, 'p', "", 0);
	answer(m, 'h', "Added\0one\n\ttwo\nthree\n\nFrom: evil\n \n", 36);
	answer(m, 'h', "CRs\0one\n\rFrom: evil\n\r\r\n\r \n\rtwo", 31);
	answer(m, 'i', "\0\0\0\0First\0v", 12);
	answer(m, 'm', "\0\0\0\2X\0changed", 14);
	answer(m, 'm', "\0\0\0\1X\0", 7);
	answer(m, 'm', "\0\0\0\7X\0more", 11);
	answer(m, 'm', "\0\0\0\7Y\0", 7);
	answer(m, '-', "<c@d>", 6);
	answer(m, 'b', "another", 7);
	answer(m, 'q', "looks bad\r\nSubject: x", 22);
	answer(m, 'c', "", 0);
	assert_int_equal(milter_next(m, NULL), MILTER_VERDICT);
	assert_int_equal(r->verdict, MILTER_ACCEPT);
	assert_true(r->quarantine && slice_eq(r->reason, SLICE("looks bad")));
	assert_int_equal(r->ignored, 2);
	assert_ok(milter_edit_apply(slice_str(header), r->edits, r->edit_count, &out));
	assert_true(slice_eq(buf_slice(&out),
	    SLICE("First: v\r\nFrom: a@b\r\nSubject: one\r\n two\r\nx: changed\r\n"
		  "Added: one\r\n\ttwo\r\n\tthree\r\n\tFrom: evil\r\nCRs: one\r\n\tFrom: evil\r\n\ttwo\r\n"
		  "X: more\r\n\r\n")));
	buf_done(&out);
	milter_free(m);
}

/* What was not agreed on is not done; and there is an end to what is. */
static void
edits_bounded(void **state)
{
	struct milter *m = make();
	static uint8_t big[60000] = "A";

	(void)state;
	negotiate(m, 0x01, 0);
	continue_to_end(m);
	answer(m, 'm', "\0\0\0\1X\0", 7);
	assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
	assert_int_equal(milter_result(m)->ignored, 1);
	memset(big + 2, 'x', sizeof big - 3);
	for (size_t i = 0; i < 5; i++) {
		answer(m, 'h', big, sizeof big);
		assert_int_equal(milter_next(m, &unit_error), i < 4 ? MILTER_NOTHING : MILTER_FAILED);
	}
	assert_int_equal(unit_error.code, ERR_LIMIT);
	milter_free(m);
}

/* A body of any size goes in chunks, each answered, until the milter has seen enough. */
static void
large_body(void **state)
{
	struct milter *m = make();
	static uint8_t body[100000];
	char out[100];

	(void)state;
	negotiate(m, 0x31, 0x400 | 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x200);
	assert_int_equal(milter_room(m), 65535);
	milter_body(m, slice_of(body, 65535));
	assert_string_equal(said(m, out), "B");
	milter_body(m, slice_of(body, 65535));
	assert_int_equal(milter_room(m), 0);
	assert_string_equal(said(m, out), "");
	answer(m, 'c', "", 0);
	assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
	assert_string_equal(said(m, out), "B");
	answer(m, 's', "", 0);
	assert_int_equal(milter_next(m, NULL), MILTER_NOTHING);
	assert_true(milter_room(m) == SIZE_MAX);
	milter_body(m, slice_of(body, sizeof body));
	milter_end(m);
	assert_string_equal(said(m, out), "DE");
	answer(m, 'a', "", 0);
	assert_int_equal(milter_next(m, NULL), MILTER_VERDICT);
	milter_free(m);
}

UNIT_MAIN(UNIT_TEST(every_step), UNIT_TEST(unwanted_and_mute), UNIT_TEST(fields_as_sendmail_says_them),
    UNIT_TEST(verdicts), UNIT_TEST(breaks_the_rules), UNIT_TEST(no_milter), UNIT_TEST(edits), UNIT_TEST(edits_bounded),
    UNIT_TEST(large_body))
