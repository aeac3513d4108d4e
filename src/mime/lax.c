/* SPDX-License-Identifier: ISC */
#include "mime/lax.h"

struct slice
mime_lax_take(struct slice *rest)
{
	struct slice in = *rest;
	size_t at = 0;

	do {
		size_t lf = slice_find(slice_from(in, at), '\n');

		at = lf == SIZE_MAX ? in.len : at + lf + 1;
	} while (at < in.len && (in.data[at] == ' ' || in.data[at] == '\t'));
	*rest = slice_from(in, at);
	return slice_sub(in, 0, at);
}

bool
mime_lax_named(struct slice field, const char *name, struct slice *value_out)
{
	for (size_t i = 0; i < field.len; i++) {
		uint8_t c = field.data[i];

		if (c == ':' && *name == '\0') {
			*value_out = slice_trim(slice_from(field, i + 1));
			return true;
		}
		if (c <= ' ' || c > 126)
			continue;
		if (*name == '\0' || ascii_lower(c) != ascii_lower((uint8_t)*name))
			return false;
		name++;
	}
	return false;
}
