/* SPDX-License-Identifier: ISC */
#include "smtp/data.h"

#include "unit.h"

#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

/* What follows DATA; the text it stands for; what is left behind the end. Each also cut everywhere. */
static const struct row {
	const char *name;
	struct slice in, text, left;
	unsigned faults;
	bool ends;
} rows[] = {
	{ "plain", BYTES("a\r\nb\r\n.\r\nQUIT"), BYTES("a\r\nb\r\n"), BYTES("QUIT"), 0, true },
	{ "empty", BYTES(".\r\nX"), BYTES(""), BYTES("X"), 0, true },
	{ "dots", BYTES("..\r\n...\r\n..a\r\n.a\r\n.\r\n"), BYTES(".\r\n..\r\n.a\r\na\r\n"), BYTES(""), 0, true },
	{ "dot inside", BYTES("a.\r\n.b\r\n.\r\n"), BYTES("a.\r\nb\r\n"), BYTES(""), 0, true },
	{ "no end", BYTES("a\r\n.b"), BYTES("a\r\nb"), BYTES(""), 0, false },
	/* SMTP smuggling, all forms: each would end the message somewhere */
	{ "LF.LF", BYTES("a\n.\nM\r\n.\r\n"), BYTES("a\n.\nM\r\n"), BYTES(""), SMTP_DATA_BARE_LF, true },
	{ "CR.CR", BYTES("a\r.\rM\r\n.\r\n"), BYTES("a\r.\rM\r\n"), BYTES(""), SMTP_DATA_BARE_CR, true },
	{ "CRLF.LF", BYTES("a\r\n.\nM\r\n.\r\n"), BYTES("a\r\n\nM\r\n"), BYTES(""), SMTP_DATA_BARE_LF, true },
	{ "LF.CRLF", BYTES("a\n.\r\nM\r\n.\r\n"), BYTES("a\n.\r\nM\r\n"), BYTES(""), SMTP_DATA_BARE_LF, true },
	{ "CRLF.CR", BYTES("a\r\n.\rM\r\n.\r\n"), BYTES("a\r\n\rM\r\n"), BYTES(""), SMTP_DATA_BARE_CR, true },
	{ "CR.CRLF", BYTES("a\r.\r\nM\r\n.\r\n"), BYTES("a\r.\r\nM\r\n"), BYTES(""), SMTP_DATA_BARE_CR, true },
	{ "LF.CR", BYTES("a\n.\rM\r\n.\r\n"), BYTES("a\n.\rM\r\n"), BYTES(""), SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR,
	    true },
	{ "CR.LF", BYTES("a\r.\nM\r\n.\r\n"), BYTES("a\r.\nM\r\n"), BYTES(""), SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR,
	    true },
	{ "CRCRLF.CRLF", BYTES("a\r\r\n.\r\nQ"), BYTES("a\r\r\n"), BYTES("Q"), SMTP_DATA_BARE_CR, true },
	{ "CRLF.CRCRLF", BYTES("a\r\n.\r\r\nM\r\n.\r\n"), BYTES("a\r\n\r\r\nM\r\n"), BYTES(""), SMTP_DATA_BARE_CR,
	    true },
	{ "CRLF.NULCRLF", BYTES("a\r\n.\0\r\nM\r\n.\r\n"), BYTES("a\r\n\0\r\nM\r\n"), BYTES(""), SMTP_DATA_NUL, true },
	{ "CRLFNUL.CRLF", BYTES("a\r\n\0.\r\nM\r\n.\r\n"), BYTES("a\r\n\0.\r\nM\r\n"), BYTES(""), SMTP_DATA_NUL, true },
	{ "CRNULLF.CRLF", BYTES("a\r\0\n.\r\nM\r\n.\r\n"), BYTES("a\r\0\n.\r\nM\r\n"), BYTES(""),
	    SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR | SMTP_DATA_NUL, true },
	{ "LFLF", BYTES("a\n\n.\r\n.\r\n"), BYTES("a\n\n.\r\n"), BYTES(""), SMTP_DATA_BARE_LF, true },
};

struct got {
	struct buf text;
	struct smtp_data d;
	bool ended;
};

/* Reads as the machine does: what is not used is offered again with more behind it. */
static size_t
pump(struct got *g, struct slice in)
{
	size_t at = 0, used;
	struct slice chunk;
	enum smtp_data_what what;

	while (!g->ended) {
		what = smtp_data_next(&g->d, slice_from(in, at), &chunk, &used);
		at += used;
		if (what == SMTP_DATA_MORE)
			break;
		if (what == SMTP_DATA_END)
			g->ended = true;
		else
			(void)buf_put_slice(&g->text, chunk);
	}
	return at;
}

static void
check(const struct row *r, const struct got *g, size_t used, const char *how, size_t cut)
{
	if (!slice_eq(buf_slice(&g->text), r->text) || g->ended != r->ends || g->d.faults != r->faults ||
	    (g->ended && r->in.len - used != r->left.len))
		fail_msg("%s, %s %zu: text %zu octets, ended %d, faults %u, used %zu", r->name, how, cut, g->text.len,
		    g->ended, g->d.faults, used);
}

static void
forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t cut = 0; cut <= rows[i].in.len; cut++) {
			struct got g = { .ended = false };
			size_t used;

			buf_init(&g.text, 1000);
			used = pump(&g, slice_sub(rows[i].in, 0, cut));
			used += pump(&g, slice_from(rows[i].in, used));
			check(&rows[i], &g, used, "cut at", cut);
			buf_done(&g.text);
		}
	}
}

static void
octet_by_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct got g = { .ended = false };
		size_t used = 0;

		buf_init(&g.text, 1000);
		for (size_t n = 1; n <= rows[i].in.len; n++)
			used += pump(&g, slice_sub(rows[i].in, used, n - used));
		check(&rows[i], &g, used, "octet by octet", 0);
		buf_done(&g.text);
	}
}

static const struct {
	struct slice in, out;
} stuffed[] = {
	{ BYTES(""), BYTES(".\r\n") },
	{ BYTES("a"), BYTES("a\r\n.\r\n") },
	{ BYTES("a\r\n"), BYTES("a\r\n.\r\n") },
	{ BYTES(".\r\n.a\r\n..\r\n"), BYTES("..\r\n..a\r\n...\r\n.\r\n") },
	{ BYTES("a.b\r\n"), BYTES("a.b\r\n.\r\n") },
	{ BYTES("a\n.\nb"), BYTES("a\r\n..\r\nb\r\n.\r\n") },
	{ BYTES("a\r.\rb"), BYTES("a\r\n..\r\nb\r\n.\r\n") },
	{ BYTES("a\r\n.\r\r\n\n"), BYTES("a\r\n..\r\n\r\n\r\n.\r\n") },
	{ BYTES("a\r"), BYTES("a\r\n.\r\n") },
};

static void
stuffing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof stuffed / sizeof stuffed[0]; i++) {
		for (size_t cut = 0; cut <= stuffed[i].in.len; cut++) {
			struct smtp_stuffer s = { 0 };
			struct buf b;

			buf_init(&b, 1000);
			assert_int_equal(smtp_stuffer_put(&s, slice_sub(stuffed[i].in, 0, cut), &b), 0);
			assert_int_equal(smtp_stuffer_put(&s, slice_from(stuffed[i].in, cut), &b), 0);
			assert_int_equal(smtp_stuffer_end(&s, &b), 0);
			assert_slices(buf_slice(&b), stuffed[i].out);
			buf_done(&b);
		}
	}
}

/* By BDAT: the same faults wherever the chunks are cut. */
static void
chunks(void **state)
{
	static const struct {
		const char *in;
		unsigned faults;
	} forms_cut[] = {
		{ "", 0 },
		{ "a", 0 },
		{ "a\r\n.\r\nb\r\n", 0 },
		{ "\r\n\r\n", 0 },
		{ "a\n", SMTP_DATA_BARE_LF },
		{ "\n", SMTP_DATA_BARE_LF },
		{ "a\rb", SMTP_DATA_BARE_CR },
		{ "a\r", SMTP_DATA_BARE_CR },
		{ "\r\r\n", SMTP_DATA_BARE_CR },
		{ "\r\n\n", SMTP_DATA_BARE_LF },
		{ "\n\r", SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR },
		{ "a\r\n.\rb\n", SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof forms_cut / sizeof forms_cut[0]; i++) {
		struct slice in = slice_str(forms_cut[i].in);

		for (size_t piece = 1; piece <= in.len + 1; piece++) {
			struct smtp_data d = { 0 };

			for (size_t at = 0; at < in.len; at += piece)
				smtp_data_check(&d, slice_sub(in, at, piece));
			smtp_data_check_end(&d);
			if (d.faults != forms_cut[i].faults)
				fail_msg("row %zu, pieces of %zu: %u", i, piece, d.faults);
		}
	}
	for (size_t piece = 1; piece <= 4; piece++) {
		struct smtp_data d = { 0 };
		struct slice in = slice_of("a\0\r\n", 4);

		for (size_t at = 0; at < in.len; at += piece)
			smtp_data_check(&d, slice_sub(in, at, piece));
		smtp_data_check_end(&d);
		assert_int_equal(d.faults, SMTP_DATA_NUL);
	}
}

UNIT_MAIN(UNIT_TEST(chunks), UNIT_TEST(forms), UNIT_TEST(octet_by_octet), UNIT_TEST(stuffing))
