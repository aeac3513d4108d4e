/* SPDX-License-Identifier: ISC */
/* Hard maxima of the os floor: what an archive of somebody else may cost. */
#ifndef OS_LIMITS_H
#define OS_LIMITS_H

#define ARCHIVE_ENTRIES_MAX (1u << 20) /* files and folders of one archive: more are no folder that a person sealed */
#define ARCHIVE_PATH_MAX 4096u         /* octets of a path or of a link's target, NUL included, as the system has it */
#define ARCHIVE_NAME_MAX 255u          /* octets of one part of a path, as file systems have it */
#define ARCHIVE_DEPTH_MAX 128u         /* parts of a path: each may cost a descriptor */
#define ARCHIVE_TOTAL_MAX (1ull << 42) /* octets of all files together: 4 TiB */
/*
 * Octets of files for each octet of tar. A tar does not compress: only files with holes pass 1, and a few octets of
 * those can claim to be any size. Disk images with holes seldom pass 100; a small archive may have such as well.
 */
#define ARCHIVE_RATIO_MAX 1000u
#define ARCHIVE_TOTAL_FREE (1ull << 30) /* octets that any archive may unpack to */
#define ARCHIVE_NOTES_MAX (256u << 20)  /* octets that are kept about folders and links until all files are there */

#endif
