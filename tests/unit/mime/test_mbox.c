/* SPDX-License-Identifier: ISC */
#include "mime/mbox.h"

#include "base/arena.h"
#include "unit.h"

/*
 * Reads a whole file, step octets at a time, as text that can be compared: each message is "[date flags keywords]" and
 * its octets, CRLF shown as LF and a CR of its own as '~'.
 */
static void
show(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
			continue;
		(void)buf_put_u8(out, text.data[i] == '\r' ? '~' : text.data[i]);
	}
}

static int
read_all(struct slice file, enum mbox_rule rule, size_t step, struct buf *out, struct error *e)
{
	struct mbox_reader r;
	struct buf text;
	size_t at = 0;
	enum mbox_event event = MBOX_NEED;
	int rc = 0;

	mbox_reader_init(&r, rule);
	buf_init(&text, 1 << 20);
	while (rc == 0 && event != MBOX_DONE) {
		rc = mbox_reader_next(&r, &text, &event, e);
		if (rc != 0)
			break;
		if (event == MBOX_NEED && at == file.len)
			mbox_reader_end(&r);
		else if (event == MBOX_NEED)
			at += mbox_reader_feed(&r, slice_sub(file, at, step));
		else if (event == MBOX_ASK)
			(void)mbox_reader_answer(&r,
			    r.ask_offset < file.len ? slice_sub(file, (size_t)r.ask_offset, MBOX_PEEK) : SLICE_EMPTY);
		else if (event == MBOX_BEGIN)
			(void)buf_putf(out, "[%lld ", r.has_date ? (long long)r.date : -1LL);
		else if (event == MBOX_END) {
			(void)buf_putf(out, "%u %.*s%s]", r.flags, (int)r.keywords.len, (const char *)r.keywords.data,
			    r.internal ? " internal" : "");
			show(out, buf_slice(&text));
			buf_clear(&text);
		}
	}
	mbox_reader_done(&r);
	buf_done(&text);
	return rc;
}

#define DATE "Tue Jan  2 03:04:05 2024\n"
#define STAMP "1704164645"

static const struct {
	const char *name;
	enum mbox_rule rule;
	const char *in, *want;
} files[] = {
	{ "two", MBOX_RD, "From a@b " DATE "A: 1\n\nx\n\nFrom c " DATE "A: 2\n\ny\n\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "CRLF", MBOX_RD, "From a Tue Jan  2 03:04:05 2024\r\nA: 1\r\n\r\nx\r\n\r\nFrom c " DATE "A: 2\r\n\r\ny\r\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "empty lines stay but one", MBOX_RD, "From a " DATE "A: 1\n\nx\n\n\n\nFrom c " DATE "A: 2\n\n\n\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n\n\n[" STAMP " 0 ]A: 2\n\n\n" },
	{ "empty lines in front", MBOX_RD, "\r\n\nFrom a " DATE "A: 1\n\nx\n", "[" STAMP " 0 ]A: 1\n\nx\n" },
	{ "no empty line between", MBOX_RD, "From a " DATE "A: 1\n\nx\nFrom c " DATE "A: 2\n\ny",
	    "[" STAMP " 0 ]A: 1\n\nx\n[" STAMP " 0 ]A: 2\n\ny" },
	{ "quoted", MBOX_RD, "From a " DATE "A: 1\n\n>From x\n>>From y\n> From z\n>Frog\n",
	    "[" STAMP " 0 ]A: 1\n\nFrom x\n>From y\n> From z\n>Frog\n" },
	{ "quoted, mboxo", MBOX_O, "From a " DATE "A: 1\n\n>From x\n>>From y\n",
	    "[" STAMP " 0 ]A: 1\n\nFrom x\n>>From y\n" },
	{ "quoted, mboxcl2", MBOX_CL2, "From a " DATE "A: 1\n\n>From x\n>>From y\n",
	    "[" STAMP " 0 ]A: 1\n\n>From x\n>>From y\n" },
	{ "text that is no beginning", MBOX_RD,
	    "From a " DATE "A: 1\n\nFrom here on\nall is well\n\nFrom now on, too\nyes\n",
	    "[" STAMP " 0 ]A: 1\n\nFrom here on\nall is well\n\nFrom now on, too\nyes\n" },
	{ "a sentence above what looks like a field", MBOX_RD,
	    "From a " DATE
	    "A: 1\n\nHi\n\nFrom what I recall\nNote: text\n\nFrom a@b I heard\nNote: text\n\nFrom nine, at "
	    "10:30\nNote: text\n",
	    "[" STAMP " 0 ]A: 1\n\nHi\n\nFrom what I recall\nNote: text\n\nFrom a@b I heard\nNote: text\n\nFrom nine, "
	    "at 10:30\nNote: text\n" },
	{ "a date that is none", MBOX_RD, "From a " DATE "A: 1\n\nx\n\nFrom b@c gestern 03:04:05\nA: 2\n\ny\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n[-1 0 ]A: 2\n\ny\n" },
	{ "no date", MBOX_RD, "From a\nA: 1\n\nx\n\nFrom -\nA: 2\n\ny\n\nFrom b@c\r\nA: 3\n\nz\n",
	    "[-1 0 ]A: 1\n\nx\n[-1 0 ]A: 2\n\ny\n[-1 0 ]A: 3\n\nz\n" },
	{ "Thunderbird", MBOX_RD,
	    "From - " DATE
	    "X-Mozilla-Status: 0005\nX-Mozilla-Status2: 02000000\nX-Mozilla-Keys: work $label2      \nA: 1\n\n"
	    "x\n\nFrom \nX-Mozilla-Status: 1008\nA: 2\n\ny\n",
	    "[" STAMP " 5 $label1 work $label2]A: 1\n\nx\n[-1 8 $Forwarded]A: 2\n\ny\n" },
	{ "Gmail", MBOX_RD, "From 1787@xxx Tue Jan 02 03:04:05 +0000 2024\nX-Gmail-Labels: Inbox\n\nx\n",
	    "[" STAMP " 0 ]X-Gmail-Labels: Inbox\n\nx\n" },
	{ "flags", MBOX_RD, "From a " DATE "A: 1\nStatus: RO\nX-Status: AFDT\nX-Keywords: one two\n three\nB: 2\n\nx\n",
	    "[" STAMP " 31 one two three]A: 1\nB: 2\n\nx\n" },
	{ "only the first note is one", MBOX_RD, "From a " DATE "Status: O\nA: 1\nStatus: RO\nX-UID: 7\n\nStatus: RO\n",
	    "[" STAMP " 0 ]A: 1\nStatus: RO\n\nStatus: RO\n" },
	{ "somebody's own status", MBOX_RD, "From a " DATE "Status: Resolved\nContent-Length: none\nStatus: R\n\nx\n",
	    "[" STAMP " 1 ]Status: Resolved\nContent-Length: none\n\nx\n" },
	{ "a length that leads on", MBOX_RD,
	    "From a " DATE "Content-Length: 32\nA: 1\n\nFrom x " DATE "\nFrom b " DATE "A: 2\n\ny\n",
	    "[" STAMP " 0 ]A: 1\n\nFrom x Tue Jan  2 03:04:05 2024\n[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "a length to the end", MBOX_CL2, "From a " DATE "Content-Length: 39\nA: 1\n\nx\n\nFrom x " DATE "A: 2",
	    "[" STAMP " 0 ]A: 1\n\nx\n\nFrom x Tue Jan  2 03:04:05 2024\nA: 2" },
	{ "a length of nothing", MBOX_RD, "From a " DATE "Content-Length: 0\nA: 1\n\n\nFrom b " DATE "A: 2\n\ny\n",
	    "[" STAMP " 0 ]A: 1\n\n[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "a body without its last line end", MBOX_RD,
	    "From a " DATE "Content-Length: 1\nA: 1\n\nx\n\nFrom b " DATE "A: 2\n\ny\n",
	    "[" STAMP " 0 ]A: 1\n\nx[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "a length that lies", MBOX_RD, "From a " DATE "Content-Length: 5\nA: 1\n\nx\n\nFrom b " DATE "A: 2\n\ny\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n[" STAMP " 0 ]A: 2\n\ny\n" },
	{ "a length behind the end", MBOX_RD, "From a " DATE "Content-Length: 99999999999999\nA: 1\n\nx\n",
	    "[" STAMP " 0 ]A: 1\n\nx\n" },
	{ "a CR of its own", MBOX_RD, "From a " DATE "A: 1\n\na\rb\r\r\nc\r\n", "[" STAMP " 0 ]A: 1\n\na~b~\nc\n" },
	{ "UW IMAP's own", MBOX_RD,
	    "From MAILER-DAEMON " DATE
	    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\nStatus: RO\n\nt\n\nFrom a " DATE
	    "A: 1\n\nx\n",
	    "[" STAMP
	    " 1  internal]Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nt\n[" STAMP
	    " 0 ]A: 1\n\nx\n" },
	{ "UUCP", MBOX_RD, "From a " DATE ">From b " DATE "A: 1\n\nx\n",
	    "[" STAMP " 0 ]From b Tue Jan  2 03:04:05 2024\nA: 1\n\nx\n" },
	{ "no header", MBOX_RD, "From a " DATE "\nx\n", "[" STAMP " 0 ]\nx\n" },
	{ "nothing behind it", MBOX_RD, "From a " DATE, "[" STAMP " 0 ]" },
};

static void
files_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct slice in = slice_str(files[i].in);

		for (size_t step = 1; step <= in.len; step = step * 3 + 1) {
			struct buf out;

			buf_init(&out, 1 << 16);
			if (read_all(in, files[i].rule, step, &out, &unit_error) != 0 ||
			    !slice_eq_str(buf_slice(&out), files[i].want))
				fail_msg("%s, %zu at a time:\n%.*s", files[i].name, step, (int)out.len,
				    (const char *)out.data);
			buf_done(&out);
		}
	}
}

static const char *const no_files[] = {
	"",
	"\n\n",
	"Return-Path: <a@b>\nSubject: a letter\n\nx\n",
	"From here to there\nthe way is long\n",
	"From what I recall\nNote: this is text\n",
	"From",
	"PK\003\004",
	"<html>",
};

static void
what_is_no_mbox_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof no_files / sizeof no_files[0]; i++) {
		struct buf out;

		buf_init(&out, 1000);
		assert_false(mbox_begins(slice_str(no_files[i])));
		assert_int_equal(read_all(slice_str(no_files[i]), MBOX_RD, 100, &out, &unit_error), ERR_SYNTAX);
		buf_done(&out);
	}
}

static const struct {
	const char *line;
	int64_t want; /* 0: none */
} dates[] = {
	{ "From a@b Tue Jan  2 03:04:05 2024", 1704164645 },
	{ "From a@b Tue Jan 02 03:04:05 2024\r\n", 1704164645 },
	{ "From a b c Tue Jan 2 03:04:05 2024 remote from x", 1704164645 },
	{ "From a@b Tue Jan  2 03:04 2024", 1704164640 },
	{ "From a@b Tue Jan  2 04:04:05 2024 +0100", 1704164645 },
	{ "From a@b Tue Jan  2 04:04:05 +0100 2024", 1704164645 },
	{ "From a@b Mon Jan  1 22:04:05 EST 2024", 1704164645 },
	{ "From a@b Tue, 2 Jan 2024 04:04:05 +0100", 1704164645 },
	{ "From Jan@May Tue Jan  2 03:04:05 2024", 1704164645 },
	{ "From a@b Tue Jan 32 03:04:05 2024", 0 },
	{ "From a@b Tue Jan", 0 },
	{ "From a@b", 0 },
	{ "From ", 0 },
	{ "from a@b Tue Jan  2 03:04:05 2024", 0 },
};

static void
dates_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		int64_t got = 0;

		if (mbox_from_date(slice_str(dates[i].line), &got) != (dates[i].want != 0) || got != dates[i].want)
			fail_msg("%s: %lld", dates[i].line, (long long)got);
	}
}

/* ---- writing ---- */

static void
write_message(struct buf *out, struct slice message, size_t step, const struct mbox_note *note)
{
	struct mbox_survey s = { 0 };
	struct mbox_quoter q = { 0 };

	for (size_t at = 0; at < message.len; at += at == 0 && step < 400 ? 400 : step)
		mbox_survey_feed(&s, slice_sub(message, at, at == 0 && step < 400 ? 400 : step));
	(void)mbox_write_begin(out, &s, note);
	for (size_t at = 0; at < message.len; at += step)
		(void)mbox_write_piece(out, &q, slice_sub(message, at, step));
	(void)mbox_write_end(out, &s, &q);
}

static void
a_message_is_written(void **state)
{
	const struct mbox_note note = { .date = 1704164645,
		.flags = MBOX_SEEN | MBOX_FLAGGED | MBOX_DRAFT,
		.keywords = SLICE("one two"),
		.uid = 7,
		.base = SLICE("99 8 one two") };
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	write_message(&out, SLICE("A: 1\r\nFrom b\r\n\r\nFrom x\r\n>>From y\r\nFrog\r\n"), 1000, &note);
	assert_slice(buf_slice(&out),
	    "From MAILER-DAEMON " DATE "X-IMAPbase: 99 8 one two\nX-UID: 7\nX-Keywords: one two\nX-Status: FT\nStatus: "
	    "RO\nA: 1\n>From b\n\n>From x\n>>>From y\n"
	    "Frog\n\n");
	buf_clear(&out);
	write_message(&out, SLICE("Status: Mine\r\nCONTENT-length: 3\r\n\r\nFrom x"), 1000, &(struct mbox_note){ 0 });
	assert_slice(buf_slice(&out),
	    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nContent-Length: 7\nStatus: O\nStatus: Mine\nCONTENT-length: "
	    "3\n\n"
	    ">From x\n\n");
	buf_done(&out);
}

/* What is written is read again to the same octets, whatever it is and however it comes. */
static const char *const messages[] = {
	"",
	"\r\n",
	"\r\n\r\n\r\n",
	"A: 1\r\n",
	"A: 1\r\n\r\n",
	"A: 1\r\n\r\nx",
	"A: 1\r\n\r\nx\r\n\r\n\r\n",
	"A: 1\r\n\r\nFrom ",
	"A: 1\r\n\r\n>>>From \r\n>From x\r\n>\r\n>Fro",
	"A: 1\r\n\r\nx\r\r\n\r\r\nFrom y\r\n",
	"A: 1\r\n\r\nx\r",
	"A: 1\r\n\r\n\r",
	"Status: RO\r\nStatus: O\r\nX-Status: D\r\nX-Keywords: a\r\n b\r\nX-UID: 3\r\nX-IMAPbase: 1 2 c\r\n\r\nx\r\n",
	"X-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 0e000000\r\nX-Mozilla-Keys: a\r\nContent-Length: 3\r\n\r\nx",
	"Content-Length: 3\r\n",
	" folded from nothing\r\nA: 1\r\n\r\nx\r\n",
	"no header at all\r\nFrom x Tue Jan  2 03:04:05 2024\r\nA: 1\r\n",
	"From x Tue Jan  2 03:04:05 2024\r\nA: 1\r\n\r\nFrom x Tue Jan  2 03:04:05 2024\r\nA: 2\r\n\r\n",
	"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\nX-IMAP: 1 2\r\nStatus: RO\r\n\r\nx\r\n",
};

static void
what_is_written_is_read(void **state)
{
	const struct mbox_note note = { .date = 1704164645, .flags = MBOX_ANSWERED, .keywords = SLICE("one two") };

	(void)state;
	for (size_t step = 1; step < 50; step = step * 3 + 1) {
		struct buf file, want, got;

		buf_init(&file, 1 << 20);
		buf_init(&want, 1 << 20);
		buf_init(&got, 1 << 20);
		for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
			write_message(&file, slice_str(messages[i]), step, &note);
			(void)buf_put_str(&want, "[" STAMP " 2 one two]");
			show(&want, slice_str(messages[i]));
		}
		assert_ok(read_all(buf_slice(&file), MBOX_RD, step, &got, &unit_error));
		assert_slices(buf_slice(&got), buf_slice(&want));
		buf_done(&file);
		buf_done(&want);
		buf_done(&got);
	}
}

/* A line without an end, quotes without an end, a header line without an end: bounded memory, nothing lost. */
static void
long_lines(void **state)
{
	static uint8_t line[400000];
	static const char marks[] = { 'x', '>', ':', ' ', '\r' };

	(void)state;
	for (size_t i = 0; i < sizeof marks; i++) {
		const struct mbox_note note = { .date = 1704164645 };
		struct buf message, file, want, got;

		memset(line, marks[i], sizeof line);
		buf_init(&message, 1 << 20);
		buf_init(&file, 1 << 21);
		buf_init(&want, 1 << 21);
		buf_init(&got, 1 << 21);
		(void)buf_put(&message, line, sizeof line);
		(void)buf_put_str(&message, "From x\r\n\r\n");
		(void)buf_put(&message, line, sizeof line);
		(void)buf_put_str(&message, "\r\n");
		write_message(&file, buf_slice(&message), 1 << 20, &note);
		(void)buf_put_str(&want, "[" STAMP " 0 ]");
		show(&want, buf_slice(&message));
		assert_ok(read_all(buf_slice(&file), MBOX_RD, 1 << 20, &got, &unit_error));
		assert_true(slice_eq(buf_slice(&got), buf_slice(&want)));
		buf_done(&message);
		buf_done(&file);
		buf_done(&want);
		buf_done(&got);
	}
}

UNIT_MAIN(UNIT_TEST(files_are_read), UNIT_TEST(what_is_no_mbox_is_refused), UNIT_TEST(dates_are_read),
    UNIT_TEST(a_message_is_written), UNIT_TEST(what_is_written_is_read), UNIT_TEST(long_lines))
