/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a file: the same messages however it is cut. Any bytes as a
 * message: what is written is read again to the same octets.
 */
#include <stdlib.h>

#include "mime/mbox.h"

/* Everything that is told of a file, in one buf. */
static int
read_all(struct slice file, enum mbox_rule rule, size_t step, struct buf *out)
{
	struct mbox_reader r;
	enum mbox_event event = MBOX_NEED;
	size_t at = 0;
	int rc = 0;

	mbox_reader_init(&r, rule);
	while (rc == 0 && event != MBOX_DONE) {
		rc = mbox_reader_next(&r, out, &event, NULL);
		if (rc != 0)
			break;
		if (event == MBOX_NEED && at == file.len)
			mbox_reader_end(&r);
		else if (event == MBOX_NEED) {
			size_t n = mbox_reader_feed(&r, slice_sub(file, at, step));

			if (n == 0)
				abort();
			at += n;
		} else if (event == MBOX_ASK)
			(void)mbox_reader_answer(&r,
			    r.ask_offset < file.len ? slice_sub(file, (size_t)r.ask_offset, MBOX_PEEK) : SLICE_EMPTY);
		else if (event == MBOX_BEGIN && r.offset >= file.len)
			abort();
		else if (event == MBOX_END)
			(void)buf_putf(out, "\n[%u %.*s %d]\n", r.flags, (int)r.keywords.len,
			    (const char *)r.keywords.data, r.internal);
	}
	mbox_reader_done(&r);
	return rc;
}

static void
check_file(struct slice in)
{
	for (int rule = MBOX_RD; rule <= MBOX_CL2; rule++) {
		struct buf whole, cut;
		int rc, again;

		buf_init(&whole, 64u << 20);
		buf_init(&cut, 64u << 20);
		rc = read_all(in, (enum mbox_rule)rule, in.len + 1, &whole);
		again = read_all(in, (enum mbox_rule)rule, 1 + in.len / 100, &cut);
		if (rc != again || !slice_eq(buf_slice(&whole), buf_slice(&cut)))
			abort();
		buf_done(&whole);
		buf_done(&cut);
	}
}

/* An mbox can keep neither an LF without its CR nor a header that does not end. */
static bool
can_be_kept(struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '\n' && (i == 0 || in.data[i - 1] != '\r'))
			return false;
	}
	return slice_ends(in, SLICE("\n")) || in.len == 0 || slice_search(in, SLICE("\r\n\r\n")) != SIZE_MAX;
}

static void
check_message(struct slice in)
{
	const struct mbox_note note = { .date = 1704164645, .flags = MBOX_SEEN, .keywords = SLICE("one") };
	struct buf file, got, want;

	buf_init(&file, 64u << 20);
	buf_init(&got, 64u << 20);
	buf_init(&want, 64u << 20);
	for (size_t i = 0; i < 2; i++) {
		struct mbox_survey s = { 0 };
		struct mbox_quoter q = { 0 };
		size_t half = in.len / 3;

		mbox_survey_feed(&s, in);
		(void)mbox_write_begin(&file, &s, &note);
		(void)mbox_write_piece(&file, &q, slice_sub(in, 0, half));
		(void)mbox_write_piece(&file, &q, slice_from(in, half));
		(void)mbox_write_end(&file, &s, &q);
		(void)buf_put_slice(&want, in);
		(void)buf_put_str(&want, "\n[1 one 0]\n");
	}
	if (read_all(buf_slice(&file), MBOX_RD, file.len, &got) != 0 || !slice_eq(buf_slice(&got), buf_slice(&want)))
		abort();
	buf_done(&file);
	buf_done(&got);
	buf_done(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	check_file(in);
	if (can_be_kept(in))
		check_message(in);
	return 0;
}
