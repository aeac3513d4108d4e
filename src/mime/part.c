/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/utf8.h"
#include "mime/part.h"

#define NAME_MAX_OCTETS 200u /* of a file name: with a counter and a folder it must fit file systems' 255 */

struct mime_part *
mime_part_walk(const struct mime_part *root, const struct mime_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != root) {
		if (part->next != NULL)
			return part->next;
		part = part->parent;
	}
	return NULL;
}

bool
mime_part_is(const struct mime_part *p, const char *type)
{
	struct slice t = slice_str(type);

	if (slice_ends(t, SLICE("/")))
		return slice_istarts(p->type.value, t);
	return slice_ieq(p->type.value, t);
}

/* What may stand in a file name that we make; the rest becomes '_'. */
static bool
is_name_point(uint32_t c)
{
	static const uint32_t refused[][2] = {
		{ 0, 31 },
		{ '"', '"' },
		{ '*', '*' },
		{ '/', '/' },
		{ ':', ':' },
		{ '<', '<' },
		{ '>', '?' },
		{ '\\', '\\' },
		{ '|', '|' },
		{ 127, 159 },
		{ 0x061c, 0x061c },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x2069 },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
	};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		if (c >= refused[i][0] && c <= refused[i][1])
			return false;
	}
	return true;
}

static struct slice
after_folders(struct slice name)
{
	size_t at;

	while ((at = slice_find_last(name, '/')) != SIZE_MAX || (at = slice_find_last(name, '\\')) != SIZE_MAX)
		name = slice_from(name, at + 1);
	name = slice_trim(name);
	/* Neither hidden, nor taken for an option or a home by a command that gets all files of the folder. */
	while (name.len > 0 && memchr(". -~", name.data[0], 4) != NULL)
		name = slice_from(name, 1);
	return name;
}

int
mime_part_filename(const struct mime_part *p, struct buf *out)
{
	struct slice name = SLICE_EMPTY;
	uint32_t c;

	if (!mime_value_param(&p->disposition, "filename", &name))
		(void)mime_value_param(&p->type, "name", &name);
	name = utf8_cut_octets(after_folders(name), NAME_MAX_OCTETS);
	while (name.len > 0) {
		size_t n = utf8_decode(name, &c);

		if (n == 0 || !is_name_point(c))
			(void)buf_put_u8(out, '_');
		else
			(void)buf_put_slice(out, slice_sub(name, 0, n));
		name = slice_from(name, n == 0 ? 1 : n);
	}
	return out->err;
}

bool
mime_part_is_attachment(const struct mime_part *p)
{
	if (p->kind != MIME_LEAF)
		return false;
	return slice_eq_str(p->disposition.value, "attachment") || !slice_eq_str(p->media, "text");
}
