/* SPDX-License-Identifier: ISC */
/* Subject, text and a file of any bytes: refused, or composed so that parsing gives them back. */
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/compose.h"
#include "mime/decode.h"
#include "mime/word.h"

static void
check_lines(struct slice s)
{
	while (s.len > 0) {
		struct slice line = slice_split(s, '\n', &s);

		if (line.len == 0 || line.len > MIME_MESSAGE_LINE_MAX + 1 || slice_find(line, '\r') != line.len - 1)
			abort();
	}
}

static void
check(struct slice message, const struct mime_letter *l)
{
	struct mime_part *root;
	struct buf got;
	struct arena a;

	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&got, 1 << 24);
	check_lines(message);
	if (mime_parse(message, &a, &root, NULL) != 0 || root->kind != MIME_MULTIPART || !root->closed)
		abort();
	if (root->child == NULL || root->child->next == NULL || root->child->next->next != NULL)
		abort();
	if (mime_header_count(&root->fields, "Bcc") != 0 || root->fields.count != 7)
		abort();
	if (utf8_valid(l->subject) &&
	    (mime_text_decode(mime_header_value(&root->fields, "Subject"), &got) != 0 ||
		!slice_eq(slice_trim(buf_slice(&got)), slice_trim(l->subject))))
		abort();
	buf_clear(&got);
	if (mime_part_decode(message, root->child->next, &got) != 0 ||
	    !slice_eq(buf_slice(&got), l->attachments[0].data))
		abort();
	buf_done(&got);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size);
	struct mime_address who = { .local = slice_str("a"), .domain = slice_str("b.test") };
	struct mime_attachment file = { .type = slice_str("image/png") };
	struct mime_letter l = { .from = { .items = &who, .count = 1 },
		.to = { .items = &who, .count = 1 },
		.message_id = slice_str("<1@b.test>"),
		.attachments = &file,
		.attachment_count = 1 };
	struct buf b;

	l.subject = slice_split(rest, '|', &rest);
	file.name = slice_split(rest, '|', &rest);
	who.name = slice_split(rest, '|', &rest);
	l.text = rest;
	file.data = rest;
	buf_init(&b, 1 << 24);
	if (mime_compose(&l, mime_sink_buf(&b), NULL) == 0)
		check(buf_slice(&b), &l);
	buf_done(&b);
	return 0;
}
