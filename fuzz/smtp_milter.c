/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags; the rest is what a milter says. It ends, and whatever it
 * adds or changes leaves a header that is one: the same fields are seen in it,
 * and no empty line before its end.
 */
#include <stdlib.h>

#include "mime/header.h"
#include "smtp/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice recipient = { (const uint8_t *)"a@b", 3 };
static const char header[] = "From: a@b\r\nX: 1\r\n y\r\nX: 2\r\n\r\n";

static void
check_edits(const struct milter_result *r)
{
	struct arena a ARENA_OWNED = { 0 };
	struct mime_header before = { 0 }, after = { 0 };
	struct buf out BUF_OWNED = { 0 };
	size_t most;

	arena_init(&a, 1u << 20);
	buf_init(&out, 1u << 20);
	if (milter_edit_apply(slice_str(header), r->edits, r->edit_count, &out) != 0)
		abort();
	if (mime_header_parse(slice_str(header), &a, &before, NULL) != 0 ||
	    mime_header_parse(buf_slice(&out), &a, &after, NULL) != 0)
		abort();
	most = before.count + r->edit_count;
	if (after.length != out.len || after.count > most || after.no_blank)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct milter_envelope envelope = { .sender = recipient, .recipients = &recipient, .recipient_count = 1 };
	struct milter *m;
	struct slice in;

	if (size < 1)
		return 0;
	in = slice_of(data + 1, size - 1);
	if (milter_new(&envelope, slice_str(header), &m, NULL) != 0)
		abort();
	milter_body(m, SLICE("body"));
	milter_end(m);
	while (milter_next(m, NULL) == MILTER_NOTHING) {
		size_t took = milter_feed(m, slice_sub(in, 0, (data[0] & 1) != 0 ? 1 : in.len));

		milter_sent(m, milter_output(m).len);
		in = slice_from(in, took);
		if (took == 0)
			break;
	}
	check_edits(milter_result(m));
	milter_free(m);
	return 0;
}
