/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/key/pieces.h"

static uint8_t octets[PIECES_OCTETS_MAX];
static const size_t lengths[] = { 1, 24, 25, 26, 249, 250, 251, 1200, PIECES_OCTETS_MAX };

static void
fill(void)
{
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (uint8_t)(i * i + (i >> 8));
}

/* In the other order, and each of them twice. */
static void
codes(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct slice whole = slice_of(octets, lengths[i]);
		BUF_OWNED struct buf out = { .max = PIECES_OCTETS_MAX };
		struct pieces p = { .begun = false };
		size_t total = pieces_count(whole.len);
		bool taken;

		for (size_t n = 2 * total; n > 0; n--) {
			BUF_OWNED struct buf text = { .max = 1000 };

			assert_ok(pieces_write(whole, (n + 1) / 2, &text));
			assert_true(text.len <= 440);
			if (n <= 2)
				assert_int_equal(pieces_finish(&p, &out, &unit_error), ERR_TRUNCATED);
			assert_ok(pieces_take(&p, buf_slice(&text), &taken, &unit_error));
			assert_true(taken);
			if (n == 2)
				break;
		}
		assert_ok(pieces_finish(&p, &out, &unit_error));
		assert_slices(buf_slice(&out), whole);
		pieces_done(&p);
	}
	assert_int_equal(pieces_count(PIECES_OCTETS_MAX), PIECES_MAX);
	assert_int_equal(pieces_count(PIECES_OCTETS_MAX + 1), 0);
}

/* Takes every line but the one left out, with one octet changed at `at`. */
static int
take_lines(struct pieces *p, struct slice text, size_t left_out)
{
	bool taken;

	for (size_t n = 0; text.len > 0; n++) {
		struct slice line = slice_split(text, '\n', &text);
		int rc = n == left_out ? 0 : pieces_take_line(p, line, &taken, &unit_error);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static void
lines(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct slice whole = slice_of(octets, lengths[i]);
		BUF_OWNED struct buf text = { .max = 4u << 20 }, out = { .max = PIECES_OCTETS_MAX };
		struct pieces p = { .begun = false };

		assert_ok(pieces_write_lines(whole, &text));
		assert_int_equal(take_lines(&p, buf_slice(&text), 1), 0);
		assert_int_equal(pieces_finish(&p, &out, &unit_error), ERR_TRUNCATED);
		assert_ok(take_lines(&p, buf_slice(&text), SIZE_MAX));
		assert_ok(pieces_finish(&p, &out, &unit_error));
		assert_slices(buf_slice(&out), whole);
		pieces_done(&p);
	}
}

/* Every single character of a line that is mistyped is noticed, but one in about a thousand; never does anything wrong come out. */
static void
mistyped(void **state)
{
	struct slice whole = slice_of(octets, 60);
	BUF_OWNED struct buf text = { .max = 4000 };
	size_t unnoticed = 0;

	(void)state;
	fill();
	assert_ok(pieces_write_lines(whole, &text));
	for (size_t at = 0; at < text.len; at++) {
		BUF_OWNED struct buf out = { .max = 100 };
		struct pieces p = { .begun = false };
		uint8_t was = text.data[at];

		if (was == ' ' || was == '\n')
			continue;
		text.data[at] = was == 'Q' ? 'R' : 'Q';
		if (take_lines(&p, buf_slice(&text), SIZE_MAX) == 0) {
			unnoticed++;
			assert_int_not_equal(pieces_finish(&p, &out, &unit_error), 0);
		}
		text.data[at] = was;
		pieces_done(&p);
	}
	assert_true(unnoticed <=
	    4 * 9 + 1); /* four lines whose number or CHECK is none any more: they are passed over, and missed */
}

static const struct {
	const char *text;
	bool taken;
	int rc;
} rows[] = {
	{ "https://example.org/", false, 0 }, { "", false, 0 }, { "LLBACKUP2/00000000/1/1/AA", false, 0 },
	{ "LLBACKUP1/", true, ERR_SYNTAX }, { "LLBACKUP1/0000000/1/1/AA", true, ERR_SYNTAX },
	{ "LLBACKUP1/00000000/1/1/", true, ERR_SYNTAX }, { "LLBACKUP1/00000000/1/2/AA", true, ERR_SYNTAX },
	{ "LLBACKUP1/00000000/1/0/AA", true, ERR_SYNTAX }, { "LLBACKUP1/00000000/100/1/AA", true, ERR_SYNTAX },
	{ "LLBACKUP1/00000000/99999999999999999999/1/AA", true, ERR_SYNTAX },
	{ "LLBACKUP1/00000000/1/1/A", true, ERR_SYNTAX }, { "LLBACKUP1/00000000/1/1/AA", true, 0 },
	{ "LLBACKUP1/00000001/1/1/AA", true, ERR_USAGE }, /* another backup */
	{ "LLBACKUP1/00000000/2/1/AA", true, ERR_SYNTAX },
	{ "LLBACKUP1/00000000/1/1/AE", true, ERR_SYNTAX }, /* the same piece, and yet not */
};

static void
damaged(void **state)
{
	struct pieces p = { .begun = false };
	BUF_OWNED struct buf out = { .max = 100 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool taken;
		int rc = pieces_take(&p, slice_str(rows[i].text), &taken, &unit_error);

		if (rc != rows[i].rc || taken != rows[i].taken)
			fail_msg("%s: %d", rows[i].text, rc);
	}
	assert_int_equal(pieces_finish(&p, &out, &unit_error), ERR_INTEGRITY);
	assert_int_equal(out.len, 0);
	pieces_done(&p);
}

UNIT_MAIN(UNIT_TEST(codes), UNIT_TEST(lines), UNIT_TEST(mistyped), UNIT_TEST(damaged))
