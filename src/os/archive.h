/* SPDX-License-Identifier: ISC */
/*
 * Folders as one stream of octets, and back: tar in the pax interchange format
 * (POSIX.1-2017, pax), read and written through libarchive, whose only owner
 * this is. Every tar reads what is written here, and GNU's and other pax, ustar
 * and GNU archives are read. Compressed ones are not.
 *
 * Packing sorts the names, so that one folder always gives one stream; it keeps
 * modes, dates, and links that stay inside, and leaves out owners, devices,
 * sockets and links that lead out. The stream begins with a comment of ours, by
 * which archive_is_folder() knows it again: a person who seals a folder gets a
 * folder back, and a person who seals a file named x.tar gets that file back.
 *
 * Unpacking takes an archive for an attack until the opposite is shown. It
 * makes a new folder, all or nothing: everything is written into a hidden
 * folder of this user (mode 0700) beside it, which gets the name when all is
 * there and synced, and is removed otherwise. Refused, and with it the whole
 * archive: absolute paths, "..", links that lead out (also by way of other
 * links), hard links to anything but an earlier file of the archive, devices,
 * FIFOs and sockets, two entries of one name, and what passes limits.h. Nothing
 * is written through a link: symbolic links are made when all files are there.
 * Bits for set-user-ID, set-group-ID and sticky are dropped; the umask counts.
 *
 * When everything lies in one folder at the archive's top (as packing one
 * folder makes it), the new folder is that one, under the name that was asked
 * for: names out of an archive are never used outside of it.
 */
#ifndef OS_ARCHIVE_H
#define OS_ARCHIVE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/slice.h"
#include "os/limits.h"

struct archive_totals {
	uint64_t entries; /* files, folders, links */
	uint64_t octets;  /* of all files */
};

/* ---- packing ---- */

struct archive_pack {
	const char *const *paths; /* files and folders; each stands at the archive's top by its last part */
	size_t count;
	int own_fd; /* where the stream ends up, or -1: that file is not packed into itself */
	/* Takes a piece of the stream. 0, or an error that ends the packing. */
	int (*write)(void *ctx, struct slice data, struct error *e);
	/* Something is left out, and why. */
	void (*skipped)(void *ctx, const char *path, const char *why);
	void *ctx;
};

/*
 * ERR_EXISTS when two paths have one name, ERR_LIMIT, ERR_IO when a file
 * changes while it is read, file errors, and what write() says.
 */
int archive_pack(const struct archive_pack *spec, struct archive_totals *totals_out, struct error *e);

/* ---- reading ---- */

/* Whether this plain file begins as a stream that archive_pack() made. */
bool archive_is_folder(int fd);

enum archive_kind { ARCHIVE_FILE, ARCHIVE_FOLDER, ARCHIVE_LINK, ARCHIVE_HARD_LINK, ARCHIVE_OTHER };

struct archive_item {
	enum archive_kind kind;
	uint32_t mode; /* permission bits */
	uint64_t size;
	int64_t mtime;       /* unix seconds */
	struct slice path;   /* as it stands in the archive: peer text */
	struct slice target; /* of a link: peer text */
	const char *refused; /* NULL, or why unpacking refuses it */
};

/* fd: a plain file, from its beginning. each() returns 0 or an error that ends it. ERR_SYNTAX, ERR_LIMIT, ERR_IO. */
int archive_list(int fd, int (*each)(void *ctx, const struct archive_item *item, struct error *e), void *ctx,
    struct archive_totals *totals_out, struct error *e);

struct archive_unpack {
	int fd;             /* a plain file, from its beginning */
	const char *folder; /* that must not exist */
	/* Asked between pieces: true ends it with ERR_CLOSED. NULL: never. */
	bool (*stopped)(void);
};

/* ERR_EXISTS, ERR_POLICY with what was refused, ERR_SYNTAX, ERR_LIMIT, ERR_CLOSED, file errors. */
int archive_unpack(const struct archive_unpack *spec, struct archive_totals *totals_out, struct error *e);

#endif
