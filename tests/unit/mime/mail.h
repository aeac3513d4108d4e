/* SPDX-License-Identifier: ISC */
/* For the tests of parts: parsing, and a check that a tree's offsets hold together. */
#ifndef TESTS_MIME_MAIL_H
#define TESTS_MIME_MAIL_H

#include "mime/part.h"
#include "unit.h"

/* Children lie inside their parent's body, in order; header and body meet. */
static inline void
check_tree(const struct mime_part *root, uint64_t length)
{
	assert_int_equal(root->header, 0);
	assert_int_equal(root->header_len + root->body_len, length);
	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p)) {
		uint64_t at = p->body;
		uint32_t number = 1;

		assert_int_equal(p->body, p->header + p->header_len);
		assert_true(p->depth <= MIME_DEPTH_MAX);
		assert_true(p->kind != MIME_LEAF || p->child == NULL);
		assert_true(p->kind != MIME_MESSAGE || (p->child != NULL && p->child->next == NULL));
		for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
			assert_ptr_equal(c->parent, p);
			assert_int_equal(c->number, number++);
			assert_true(c->header >= at);
			at = c->body + c->body_len;
		}
		/* A child's header may take the line end that its parent's delimiter owns. */
		assert_true(at <= p->body + p->body_len + 2);
	}
}

/* The same tree? */
static inline void
check_same(const struct mime_part *a, const struct mime_part *b)
{
	const struct mime_part *p = a, *q = b;

	for (; p != NULL && q != NULL; p = mime_part_walk(a, p), q = mime_part_walk(b, q)) {
		assert_int_equal(p->header, q->header);
		assert_int_equal(p->header_len, q->header_len);
		assert_int_equal(p->body_len, q->body_len);
		assert_int_equal(p->body_lines, q->body_lines);
		assert_int_equal(p->kind, q->kind);
		assert_int_equal(p->cut, q->cut);
		unit_assert_slice(p->type.value, q->type.value, __FILE__, __LINE__);
	}
	assert_true(p == NULL && q == NULL);
}

#endif
