/* SPDX-License-Identifier: ISC */
/* What is permitted in an archive, and how one of ours is known again. */
#include "os/archive.h"

#include <string.h>
#include <unistd.h>

#include "os/archive_internal.h"

void
archive_names_begin(struct archive_names *n)
{
	n->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	n->before = n->utf8 != (locale_t)0 ? uselocale(n->utf8) : (locale_t)0;
}

void
archive_names_end(struct archive_names *n)
{
	if (n->utf8 == (locale_t)0)
		return;
	(void)uselocale(n->before);
	freelocale(n->utf8);
	n->utf8 = (locale_t)0;
}

/* The next part of a path, without slashes; empty at the end. */
static struct slice
next_part(const char **at)
{
	size_t n;
	struct slice part;

	while (**at == '/')
		++*at;
	n = strcspn(*at, "/");
	part = slice_of(*at, n);
	*at += n;
	return part;
}

const char *
archive_path_clean(const char *path, char out[ARCHIVE_PATH_MAX], unsigned *depth_out)
{
	struct slice part;
	size_t len = 0;

	*depth_out = 0;
	out[0] = '\0';
	if (path == NULL || path[0] == '\0')
		return "it has no name";
	if (path[0] == '/')
		return "its path is absolute";
	if (strlen(path) >= ARCHIVE_PATH_MAX)
		return "its path is too long";
	while ((part = next_part(&path)).len > 0) {
		if (slice_eq_str(part, "."))
			continue;
		if (slice_eq_str(part, ".."))
			return "its path has \"..\" in it";
		if (part.len > ARCHIVE_NAME_MAX)
			return "its name is too long";
		if (++*depth_out > ARCHIVE_DEPTH_MAX)
			return "it lies too deep";
		if (len > 0)
			out[len++] = '/';
		memcpy(out + len, part.data, part.len);
		len += part.len;
		out[len] = '\0';
	}
	return NULL;
}

const char *
archive_link_check(const char *target, unsigned depth, unsigned *up_out)
{
	bool down = false;
	struct slice part;

	*up_out = 0;
	if (target == NULL || target[0] == '\0')
		return "it is a link to nothing";
	if (target[0] == '/')
		return "it is a link to an absolute path";
	if (strlen(target) >= ARCHIVE_PATH_MAX)
		return "it is a link whose target is too long";
	while ((part = next_part(&target)).len > 0) {
		if (!slice_eq_str(part, "..")) {
			down = down || !slice_eq_str(part, ".");
			continue;
		}
		if (down)
			return "it is a link that goes down and up again, which may lead out";
		if (++*up_out > depth)
			return "it is a link that leads out of the folder";
	}
	return NULL;
}

/* ustar, POSIX.1-2017: a typeflag at 156, the magic at 257; then the pax record as archive_pack.c writes it. */
bool
archive_is_folder(int fd)
{
	uint8_t head[ARCHIVE_HEAD] = { 0 };
	struct slice s = slice_of(head, sizeof head);

	return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && slice_eq_str(slice_sub(s, 156, 1), "g") &&
	    slice_eq_str(slice_sub(s, 257, 5), "ustar") &&
	    slice_starts(slice_from(s, 512), SLICE("29 comment=letterlock folder\n"));
}
