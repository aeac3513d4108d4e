/* SPDX-License-Identifier: ISC */
#include "mime/section.h"

/*
 * Part `number` inside p. A message's parts are its multipart's, or, when it is
 * no multipart, part 1 alone, which is its body (RFC 3501 6.4.5).
 */
static const struct mime_part *
step(const struct mime_part *p, uint32_t number, bool is_root)
{
	bool message = is_root || p->kind == MIME_MESSAGE;
	const struct mime_part *in = !is_root && p->kind == MIME_MESSAGE ? p->child : p;

	if (in->kind != MIME_MULTIPART)
		return message && number == 1 ? in : NULL;
	for (const struct mime_part *c = in->child; c != NULL; c = c->next) {
		if (c->number == number)
			return c;
	}
	return NULL;
}

const struct mime_part *
mime_section_part(const struct mime_part *root, const uint32_t *numbers, size_t count)
{
	const struct mime_part *p = root;

	for (size_t i = 0; i < count && p != NULL; i++)
		p = step(p, numbers[i], i == 0);
	return p;
}

static int
missing(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "The message has no such section.");
}

int
mime_section_find(const struct mime_part *root, const uint32_t *numbers, size_t count, enum mime_section_kind kind,
    struct mime_range *out, struct error *e)
{
	const struct mime_part *p = mime_section_part(root, numbers, count), *m;

	if (p == NULL || (kind == MIME_SECTION_MIME && count == 0))
		return missing(e);
	m = p;
	if (count > 0 && (kind == MIME_SECTION_HEADER || kind == MIME_SECTION_TEXT)) {
		if (p->kind != MIME_MESSAGE)
			return missing(e);
		m = p->child;
	}
	if (kind == MIME_SECTION_HEADER || kind == MIME_SECTION_MIME)
		*out = (struct mime_range){ m->header, m->header_len };
	else if (kind == MIME_SECTION_ALL && count == 0)
		*out = (struct mime_range){ m->header, m->header_len + m->body_len };
	else
		*out = (struct mime_range){ m->body, m->body_len };
	return 0;
}
