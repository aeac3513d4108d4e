/* SPDX-License-Identifier: ISC */
/*
 * Files, whole and in streams. What is written gets its name only when all of
 * it is on disk: a temporary name in the same folder, fsync, rename, fsync of
 * the folder. So a reader sees the old file or the new one, never half of one,
 * also after a crash.
 *
 * Paths are NUL-terminated. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED,
 * ERR_FULL, ERR_LIMIT, ERR_IO, each with the path in its sentence.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define FILE_PATH_MAX 4096u /* octets, NUL included */

/* ---- whole files ---- */

/* Appends the file's octets to out; ERR_LIMIT when it holds more than out's maximum permits. "-" is standard input. */
int file_read(const char *path, struct buf *out, struct error *e);
/* Replaces or makes path as one step. mode: 0600, or 0644 for what everyone may read. */
int file_write_atomic(const char *path, struct slice content, mode_t mode, struct error *e);
bool file_exists(const char *path);
/* By which a file or folder is seen to have been replaced or changed. */
struct file_tag {
	uint64_t inode, size;
	uint64_t changed; /* nanoseconds since 1970 */
};
int file_tag(const char *path, struct file_tag *out, struct error *e);
/* 0 also when it was not there. The folder is synced. */
int file_remove(const char *path, struct error *e);

/* ---- standard streams ---- */

/*
 * To be called before anything is opened. A standard stream that is closed keeps its number, and cannot be used: else a
 * file of ours gets the number, and what is said on standard error goes into it. False when that is not possible.
 */
bool file_keep_standard_streams(void);

/* ---- folders ---- */

/* Makes the folder and those above it as far as missing, mode 0700. 0 when it is there. */
int dir_make_private(const char *path, struct error *e);
/* ERR_DENIED when it is not a folder of this user or others may read or write it. */
int dir_check_private(const char *path, struct error *e);
/* Makes the folder, which must be no link, this user's; *taken_out: it was not. ERR_DENIED when this is not root. */
int dir_take(const char *path, bool *taken_out, struct error *e);
/* Whether nobody can write there, because of how its file system is mounted. */
bool dir_is_read_only(const char *path);
int dir_sync(const char *path, struct error *e);
/*
 * Gives the folder made the name path, which is in the same folder. What was there (but an empty folder) has made's name
 * then: *exchanged_out. At every moment path is the one or the other. ERR_UNSUPPORTED when the file system cannot do it.
 */
int dir_replace(const char *made, const char *path, bool *exchanged_out, struct error *e);
/* Calls each(ctx, name) for every entry but those that begin with a dot, in no order; stops when it returns non-zero. */
int dir_each(const char *path, int (*each)(void *ctx, const char *name), void *ctx, struct error *e);
/* dir + "/" + name into out (FILE_PATH_MAX octets). ERR_LIMIT when too long. */
int path_join(char *out, const char *dir, const char *name, struct error *e);

/* ---- streams ---- */

/* "-" is standard input. Use file_reader_done() always. */
struct file_reader {
	int fd;
	bool borrowed; /* a standard stream: not closed */
	uint64_t size; /* octets when it is a plain file, 0 when unknown */
	char path[FILE_PATH_MAX];
};

int file_reader_open(struct file_reader *r, const char *path, struct error *e);
/* From an open descriptor, which stays the caller's. */
void file_reader_fd(struct file_reader *r, int fd, const char *shown_as);
/* Octets read (at most len), 0 at the end, or a negative code. */
ssize_t file_reader_get(struct file_reader *r, void *out, size_t len, struct error *e);
void file_reader_done(struct file_reader *r);

/*
 * A file in the making. Between open and commit it has a temporary name;
 * without a commit, file_writer_done() removes it. "-" is standard output,
 * where nothing can be taken back.
 */
struct file_writer {
	int fd;
	bool borrowed;
	bool exclusive; /* commit must not replace a file of that name */
	bool unnamed;   /* it has not even a temporary name */
	char path[FILE_PATH_MAX];
	char temporary[FILE_PATH_MAX];
};

enum file_replace { FILE_REPLACE, FILE_NEW /* ERR_EXISTS when the name is taken, at open and again at commit */ };

int file_writer_open(struct file_writer *w, const char *path, mode_t mode, enum file_replace replace, struct error *e);
/*
 * The same with mode 0600, and where the file system can, without any name until commit: then a process that is killed
 * leaves nothing behind. For what must not lie around: plaintext.
 */
int file_writer_open_unnamed(struct file_writer *w, const char *path, enum file_replace replace, struct error *e);
void file_writer_fd(struct file_writer *w, int fd, const char *shown_as);
int file_writer_put(struct file_writer *w, struct slice in, struct error *e);
/* Syncs and gives it its name. */
int file_writer_commit(struct file_writer *w, struct error *e);
/* Closes; removes what was not committed. */
void file_writer_done(struct file_writer *w);

/* ---- locks ---- */

/*
 * An advisory lock on a file made for it (mode 0600, never removed), held
 * until file_unlock() or the end of the process. wait false: ERR_EXISTS when
 * another process holds it.
 */
int file_lock(const char *path, bool wait, int *lock_out, struct error *e);
/*
 * The same among those that only read: they exclude who has the lock above, and not each other. No file is made:
 * *lock_out stays as it is when there is none.
 */
int file_lock_shared(const char *path, int *lock_out, struct error *e);
void file_unlock(int lock);

#endif
