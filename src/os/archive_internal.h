/* SPDX-License-Identifier: ISC */
/* Inside os/archive: what packing and unpacking share. */
#ifndef OS_ARCHIVE_INTERNAL_H
#define OS_ARCHIVE_INTERNAL_H

#include <locale.h>

#include "os/archive.h"

#define ARCHIVE_HEAD 1024u /* octets of the pax global header with our comment */

/*
 * libarchive turns names into the locale's charset and loses what that does not have; this program has no locale. While
 * it works, names are UTF-8, or octets where they are not.
 */
struct archive_names {
	locale_t utf8, before;
};
void archive_names_begin(struct archive_names *n);
void archive_names_end(struct archive_names *n);

/*
 * A path of an archive without "." and doubled slashes, NUL-terminated: empty for the top itself. NULL when it is good,
 * else why it is refused. depth_out: its parts.
 */
const char *archive_path_clean(const char *path, char out[ARCHIVE_PATH_MAX], unsigned *depth_out);

/*
 * Whether a symbolic link may stand in a folder so many parts deep. Its target is relative, and ".." stands only at its
 * beginning, at most depth times: the folder that the link stands in is none that a link leads to, so the way up is what
 * it seems, and from there it goes only down. Then no chain of such links leads out. NULL, or why it is refused.
 * up_out: how many steps it goes up.
 */
const char *archive_link_check(const char *target, unsigned depth, unsigned *up_out);

#endif
