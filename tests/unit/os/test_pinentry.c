/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/pinentry.h"

static struct pinentry_seat seat;

static struct pinentry_talk *
begin(enum pinentry_kind kind, const char *description)
{
	struct pinentry_question q = { .kind = kind, .description = description, .seat = &seat };
	struct pinentry_talk *t = NULL;

	assert_ok(pinentry_talk_new(&q, &t, &unit_error));
	return t;
}

/* Answers OK until the question comes; all that was said lies in said. */
static void
until(struct pinentry_talk *t, const char *question, struct buf *said)
{
	assert_int_equal(pinentry_talk_output(t).len, 0); /* it waits for the greeting */
	(void)pinentry_talk_feed(t, SLICE("OK Pleased to meet you\n"));
	for (int i = 0; i < 20; i++) {
		struct slice out = pinentry_talk_output(t);
		bool last = slice_starts(out, slice_str(question));

		(void)buf_put_slice(said, out);
		pinentry_talk_sent(t, out.len);
		if (last)
			return;
		assert_int_equal(pinentry_talk_feed(t, SLICE("OK\n")), PINENTRY_GOES_ON);
	}
	fail();
}

static void
a_passphrase_is_told(void **state)
{
	BUF_OWNED struct buf said = { .max = 10000 };
	struct pinentry_talk *t;
	static const char answer[] = "S PASSWORD_FROM_CACHE\r\n# a comment\nD 100%25 sure%0A\nOK\n";

	(void)state;
	(void)pinentry_seat_set(&seat, SEAT_TTY, SLICE("/dev/pts/7"));
	t = begin(PINENTRY_PASSPHRASE, "two\nlines 100%");
	until(t, "GETPIN", &said);
	assert_int_not_equal(slice_search(buf_slice(&said), SLICE("OPTION ttyname=/dev/pts/7\n")), SIZE_MAX);
	assert_int_not_equal(slice_search(buf_slice(&said), SLICE("SETDESC two%0Alines 100%25\n")), SIZE_MAX);
	for (size_t i = 0; i + 1 < sizeof answer; i++) /* octet by octet */
		(void)pinentry_talk_feed(t, slice_of((const uint8_t *)answer + i, 1));
	assert_int_equal(pinentry_talk_end(t), PINENTRY_ANSWERED);
	assert_slice(pinentry_talk_answer(t), "100% sure\n");
	pinentry_talk_free(t);
	pinentry_talk_free(NULL);
}

static void
an_old_program_does_not_know_every_command(void **state)
{
	struct pinentry_talk *t = begin(PINENTRY_PASSPHRASE, "x");

	(void)state;
	(void)pinentry_talk_feed(t, SLICE("OK\n"));
	for (int i = 0; i < 20 && !slice_starts(pinentry_talk_output(t), SLICE("GETPIN")); i++)
		assert_int_equal(pinentry_talk_feed(t, SLICE("ERR 536871187 Unknown IPC command\n")), PINENTRY_GOES_ON);
	assert_int_equal(pinentry_talk_feed(t, SLICE("OK\n")), PINENTRY_ANSWERED); /* an empty one */
	pinentry_talk_free(t);
}

static void
no_is_no(void **state)
{
	static const struct {
		const char *answer;
		enum pinentry_state want;
	} rows[] = { { "ERR 83886179 Operation cancelled <Pinentry>\n", PINENTRY_CANCELLED },
		{ "ERR 83886194 Not confirmed\n", PINENTRY_CANCELLED },
		{ "ERR 83886142 Timeout\n", PINENTRY_CANCELLED },
		{ "ERR 83918950 Inappropriate ioctl for device\n", PINENTRY_BROKEN }, { "ERR\n", PINENTRY_BROKEN },
		{ "INQUIRE QUALITY x\n", PINENTRY_BROKEN }, { "hello\n", PINENTRY_BROKEN },
		{ "OKAY\n", PINENTRY_BROKEN }, { "OK\n", PINENTRY_ANSWERED } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf said = { .max = 10000 };
		struct pinentry_talk *t = begin(PINENTRY_CONFIRM, "x");

		until(t, "CONFIRM", &said);
		assert_int_equal(pinentry_talk_feed(t, slice_str(rows[i].answer)), rows[i].want);
		assert_int_equal(pinentry_talk_end(t), rows[i].want);
		pinentry_talk_free(t);
	}
}

static void
what_it_says_is_bounded(void **state)
{
	struct pinentry_talk *t = begin(PINENTRY_PASSPHRASE, "x");
	BUF_OWNED struct buf said = { .max = 10000 };
	enum pinentry_state s = PINENTRY_GOES_ON;
	unsigned n = 0;

	(void)state;
	while (s == PINENTRY_GOES_ON && n++ <= PINENTRY_LINE_MAX)
		s = pinentry_talk_feed(t, SLICE("D"));
	assert_int_equal(s, PINENTRY_BROKEN);
	pinentry_talk_free(t);
	t = begin(PINENTRY_PASSPHRASE, "x");
	until(t, "GETPIN", &said);
	for (n = 0, s = PINENTRY_GOES_ON; s == PINENTRY_GOES_ON && n < 200; n++)
		s = pinentry_talk_feed(t, SLICE("D 0123456789\n"));
	assert_int_equal(s, PINENTRY_BROKEN); /* longer than a passphrase may be */
	pinentry_talk_free(t);
	t = begin(PINENTRY_PASSPHRASE, "x");
	assert_int_equal(pinentry_talk_feed(t, SLICE("D too early\n")), PINENTRY_BROKEN);
	assert_int_equal(pinentry_talk_answer(t).len, 0);
	pinentry_talk_free(t);
}

static void
a_seat_has_no_control_characters(void **state)
{
	struct pinentry_seat s = { 0 };
	char text[SEAT_TEXT_MAX + 1];

	(void)state;
	assert_false(pinentry_seat_set(&s, SEAT_TTY, SLICE("/dev/tty\nOPTION x=y")));
	assert_int_equal(s.items[SEAT_TTY][0], 0);
	memset(text, 'a', sizeof text);
	assert_false(pinentry_seat_set(&s, SEAT_DISPLAY, slice_of((const uint8_t *)text, SEAT_TEXT_MAX)));
	assert_true(pinentry_seat_set(&s, SEAT_DISPLAY, SLICE(":0")));
	assert_true(pinentry_seat_graphical(&s));
}

static void
a_program_that_others_can_change_is_not_asked(void **state)
{
	char path[] = "/tmp/letterlock-pinentry-XXXXXX", out[FILE_PATH_MAX];
	struct pinentry_seat s = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pinentry_program(path, &s, out, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_ok(pinentry_program(path, &s, out, &unit_error));
	assert_int_equal(fchmod(fd, 0775), 0);
	assert_int_equal(pinentry_program(path, &s, out, &unit_error), ERR_DENIED);
	assert_int_equal(pinentry_program("pinentry", &s, out, &unit_error), ERR_USAGE);
	(void)close(fd);
	(void)unlink(path);
}

UNIT_MAIN(UNIT_TEST(a_passphrase_is_told), UNIT_TEST(an_old_program_does_not_know_every_command), UNIT_TEST(no_is_no),
    UNIT_TEST(what_it_says_is_bounded), UNIT_TEST(a_seat_has_no_control_characters),
    UNIT_TEST(a_program_that_others_can_change_is_not_asked))
