/* SPDX-License-Identifier: ISC */
/*
 * libarchive, loaded when the first folder is packed or unpacked (os/late.h says
 * why): it brings some ten libraries along.
 */
#ifndef OS_ARCHIVE_LATE_H
#define OS_ARCHIVE_LATE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

/* The functions that are used, without their "archive_". The formatter would indent each line further. */
/* clang-format off */
#define ARCHIVE_LATE_FUNCTIONS(F) \
	F(entry_copy_pathname) F(entry_copy_symlink) F(entry_filetype) F(entry_free) F(entry_hardlink) \
	F(entry_mtime) F(entry_new2) F(entry_pathname) F(entry_perm) F(entry_set_filetype) \
	F(entry_set_mtime) F(entry_set_perm) F(entry_set_size) F(entry_size) F(entry_symlink) \
	F(error_string) F(read_data_block) F(read_free) F(read_new) F(read_next_header) \
	F(read_open_fd) F(read_support_filter_none) F(read_support_format_tar) F(set_error) \
	F(write_close) F(write_data) F(write_free) F(write_header) F(write_new) \
	F(write_open) F(write_set_bytes_in_last_block) F(write_set_bytes_per_block) \
	F(write_set_format_pax_restricted)
/* clang-format on */

struct archive_late {
#define ARCHIVE_LATE_FIELD(name) __typeof__(&archive_##name) name;
	ARCHIVE_LATE_FUNCTIONS(ARCHIVE_LATE_FIELD)
#undef ARCHIVE_LATE_FIELD
};

/* The functions, the same for all threads; NULL with ERR_IO when libarchive is not there. */
const struct archive_late *archive_late(struct error *e);

#endif
