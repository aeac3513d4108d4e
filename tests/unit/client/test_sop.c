/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/sop/io.h"
#include "client/sop/native.h"

/* ---- line ends of a text that is read ---- */

struct sink {
	struct buf out;
	bool committed;
};

static int
sink_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	(void)ctx;
	(void)literal;
	(void)e;
	return 0;
}

static int
sink_write(void *ctx, struct slice data, struct error *e)
{
	struct sink *s = ctx;

	(void)e;
	return buf_put_slice(&s->out, data);
}

static int
sink_commit(void *ctx, struct error *e)
{
	struct sink *s = ctx;

	(void)e;
	s->committed = true;
	return 0;
}

static void
sink_abort(void *ctx)
{
	(void)ctx;
}

/* in, in two pieces that are cut at a position, or in single octets when that is SIZE_MAX. */
static void
read_text(struct slice in, uint8_t format, size_t cut, const char *want)
{
	static const struct pgp_plain_ops ops = { sink_begin, sink_write, sink_commit, sink_abort };
	const struct pgp_literal literal = { .format = format };
	struct sink sink = { .committed = false };
	struct sop_native native;
	struct pgp_plain p = sop_native_plain(&native, (struct pgp_plain){ &ops, &sink });

	buf_init(&sink.out, 4096);
	assert_ok(p.ops->begin(p.ctx, &literal, &unit_error));
	for (size_t i = 0; cut == SIZE_MAX && i < in.len; i++)
		assert_ok(p.ops->write(p.ctx, slice_sub(in, i, 1), &unit_error));
	if (cut != SIZE_MAX) {
		assert_ok(p.ops->write(p.ctx, slice_sub(in, 0, cut), &unit_error));
		assert_ok(p.ops->write(p.ctx, slice_from(in, cut), &unit_error));
	}
	assert_ok(p.ops->commit(p.ctx, &unit_error));
	assert_true(sink.committed);
	assert_true(slice_eq_str(buf_slice(&sink.out), want));
	buf_done(&sink.out);
	sop_native_done(&native);
}

static void
a_text_has_line_feeds_wherever_it_is_cut(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = { { "", "" }, { "one", "one" }, { "one\r\ntwo\r\n", "one\ntwo\n" }, { "\r\n\r\n\r\n", "\n\n\n" },
		{ "a\rb\r", "a\rb\r" }, { "\r\r\n\n\r", "\r\n\n\r" }, { "a\nb\r\n", "a\nb\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice in = slice_str(rows[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			read_text(in, 'u', cut, rows[i].want);
			read_text(in, 't', cut, rows[i].want);
			read_text(in, 'b', cut, rows[i].in);
		}
		read_text(in, 'u', SIZE_MAX, rows[i].want);
	}
}

/* ---- whether data is text ---- */

static bool
is_text(struct slice in, size_t cut)
{
	struct sop_text_check t = { .bad = false };

	for (size_t i = 0; cut == SIZE_MAX && i < in.len; i++)
		sop_text_feed(&t, slice_sub(in, i, 1));
	if (cut != SIZE_MAX) {
		sop_text_feed(&t, slice_sub(in, 0, cut));
		sop_text_feed(&t, slice_from(in, cut));
	}
	return sop_text_good(&t);
}

static void
text_is_told_from_octets_wherever_it_is_cut(void **state)
{
	static const struct {
		const char *in;
		bool text;
	} rows[] = { { "", true }, { "plain", true },
		{ "Gr\xc3\xbc\xc3\x9f"
		  "e",
		    true },
		{ "\xe2\x82\xac", true }, { "\xf0\x9f\x98\x80 and more", true }, { "\xc3", false },
		{ "cut \xe2\x82", false }, { "\xff\xfe", false }, { "a\xc3(", false }, { "\xed\xa0\x80", false },
		{ "\xc0\x80", false }, { "\xf8\x88\x80\x80\x80", false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice in = slice_str(rows[i].in);

		for (size_t cut = 0; cut <= in.len; cut++)
			assert_int_equal(is_text(in, cut), rows[i].text);
		assert_int_equal(is_text(in, SIZE_MAX), rows[i].text);
	}
}

/* ---- dates ---- */

static void
dates_are_read(void **state)
{
	static const struct {
		const char *in;
		uint64_t want;
	} rows[] = { { NULL, 7 }, { "-", 7 }, { "2020-11-23T16:35:00Z", 1606149300 },
		{ "2020-11-23T16:35Z", 1606149300 }, { "20201123T163500Z", 1606149300 }, { "2020-11-23", 1606089600 },
		{ "2020-11-23T17:35+01:00", 1606149300 } };
	uint64_t out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(sop_date(rows[i].in, 7, &out), SOP_OK);
		assert_int_equal(out, rows[i].want);
	}
	assert_int_equal(sop_date("now", 7, &out), SOP_OK);
	assert_true(out > 1606149300);
}

UNIT_MAIN(UNIT_TEST(a_text_has_line_feeds_wherever_it_is_cut), UNIT_TEST(text_is_told_from_octets_wherever_it_is_cut),
    UNIT_TEST(dates_are_read))
