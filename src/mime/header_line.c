/* SPDX-License-Identifier: ISC */
#include "mime/header_line.h"

static bool
is_name_octet(uint8_t c)
{
	return c > 32 && c < 127 && c != ':';
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static enum header_line
step_start(struct header_line_at *at, uint8_t c)
{
	if (is_space(c))
		return at->any ? LINE_CONTINUATION : LINE_OTHER;
	if (c == '\n')
		return LINE_EMPTY;
	if (c == '\r')
		return LINE_CR;
	if (!is_name_octet(c))
		return LINE_OTHER;
	at->from = c == 'F';
	return LINE_NAME;
}

static enum header_line
step_name(struct header_line_at *at, uint8_t c)
{
	static const char from[] = "From";

	if (c == ':')
		return LINE_FIELD;
	if (is_space(c))
		return at->first && at->from == 4 && at->position == 4 ? LINE_FROM_SPACE : LINE_NAME_SPACE;
	if (!is_name_octet(c))
		return LINE_OTHER;
	if (at->from == at->position && at->from < 4 && c == (uint8_t)from[at->from])
		at->from++;
	return LINE_NAME;
}

enum header_line
header_line_step(struct header_line_at *at, uint8_t c)
{
	if (at->position >= MIME_FIELD_NAME_MAX && at->state < LINE_FIELD)
		at->state = LINE_OTHER;
	if (at->state == LINE_START)
		at->state = step_start(at, c);
	else if (at->state == LINE_NAME)
		at->state = step_name(at, c);
	else if (at->state == LINE_NAME_SPACE || at->state == LINE_FROM_SPACE) {
		if (c == ':')
			at->state = LINE_FIELD;
		else if (!is_space(c))
			at->state = at->state == LINE_FROM_SPACE && c != '\n' ? LINE_MBOX : LINE_OTHER;
	} else if (at->state == LINE_CR)
		at->state = c == '\n' ? LINE_EMPTY : LINE_OTHER;
	at->position++;
	return at->state;
}

enum header_line
header_line_of(struct slice line, bool first, bool any)
{
	struct header_line_at at = { .state = LINE_START, .first = first, .any = any };

	for (size_t i = 0; i < line.len; i++) {
		if (header_line_step(&at, line.data[i]) >= LINE_FIELD)
			return at.state;
	}
	return LINE_OTHER;
}

size_t
header_line_length(struct slice in)
{
	size_t lf = slice_find(in, '\n');

	return lf == SIZE_MAX ? in.len : lf + 1;
}

size_t
header_line_eol(struct slice line)
{
	if (line.len == 0 || line.data[line.len - 1] != '\n')
		return 0;
	return line.len > 1 && line.data[line.len - 2] == '\r' ? 2 : 1;
}
