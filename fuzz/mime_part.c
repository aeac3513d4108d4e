/* SPDX-License-Identifier: ISC */
/*
 * Any bytes: a tree whose parts lie inside each other, the same however the
 * message is cut, every part reachable by its section, its structure written.
 */
#include <stdlib.h>

#include "mime/bodystructure.h"
#include "mime/decode.h"
#include "mime/section.h"

static void
check_part(struct slice message, const struct mime_part *root, const struct mime_part *p)
{
	struct buf text;

	if (p->body != p->header + p->header_len || p->body + p->body_len > message.len)
		abort();
	if (p != root && p->header < p->parent->body)
		abort();
	if (p != root && p->body_len > 0 && p->body + p->body_len > p->parent->body + p->parent->body_len)
		abort();
	buf_init(&text, 1 << 24);
	if (mime_part_text(message, p, &text) != 0)
		abort();
	buf_clear(&text);
	if (mime_part_filename(p, &text) != 0 || text.len > 255)
		abort();
	buf_done(&text);
}

static void
check_sections(const struct mime_part *root)
{
	struct mime_range r;

	for (const struct mime_part *c = root->child; c != NULL && root->kind == MIME_MULTIPART; c = c->next) {
		if (mime_section_part(root, &c->number, 1) != c ||
		    mime_section_find(root, &c->number, 1, MIME_SECTION_ALL, &r, NULL) != 0 || r.offset != c->body)
			abort();
	}
}

static void
check_pieces(struct slice in, const struct mime_part *root, struct arena *a)
{
	const struct mime_part *p = root, *q;
	struct mime_part *other;
	struct mime_parser m;

	mime_parser_init(&m, a);
	for (size_t at = 0; at < in.len; at += 5)
		(void)mime_parser_feed(&m, slice_sub(in, at, 5));
	if (mime_parser_end(&m, &other, NULL) != 0)
		abort();
	mime_parser_done(&m);
	q = other;
	while (p != NULL && q != NULL) {
		if (p->header != q->header || p->body != q->body || p->body_len != q->body_len || p->kind != q->kind)
			abort();
		p = mime_part_walk(root, p);
		q = mime_part_walk(other, q);
	}
	if (p != NULL || q != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct mime_part *root;
	struct arena a;
	struct buf b;

	arena_init(&a, 2 * MIME_ARENA_MAX);
	buf_init(&b, 64 << 20);
	if (mime_parse(in, &a, &root, NULL) != 0 || root->header_len + root->body_len != size)
		abort();
	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p))
		check_part(in, root, p);
	check_sections(root);
	check_pieces(in, root, &a);
	if (mime_bodystructure_write(&b, root, false, NULL) != 0 || mime_bodystructure_write(&b, root, true, NULL) != 0)
		abort();
	buf_done(&b);
	arena_done(&a);
	return 0;
}
