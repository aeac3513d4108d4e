/* SPDX-License-Identifier: ISC */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 65536u

static int
errno_code(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case ELOOP:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	case ENAMETOOLONG:
		return ERR_LIMIT;
	default:
		return ERR_IO;
	}
}

static int
fail(struct error *e, const char *what, const char *path)
{
	int errnum = errno;

	return error_set_errno(e, errno_code(errnum), errnum, "cannot %s %s", what, path);
}

static int
copy_path(char *out, const char *path, struct error *e)
{
	size_t n = strlen(path);

	if (n >= FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
	memcpy(out, path, n + 1);
	return 0;
}

/* ---- reading ---- */

int
file_reader_open(struct file_reader *r, const char *path, struct error *e)
{
	struct stat st;
	int rc;

	*r = (struct file_reader){ .fd = -1 };
	if (strcmp(path, "-") == 0) {
		file_reader_fd(r, STDIN_FILENO, "standard input");
		return 0;
	}
	rc = copy_path(r->path, path, e);
	if (rc != 0)
		return rc;
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (r->fd < 0)
		return fail(e, "open", path);
	if (fstat(r->fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		file_reader_done(r);
		return error_set(e, ERR_IO, "%s is a folder, not a file", path);
	}
	r->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

void
file_reader_fd(struct file_reader *r, int fd, const char *shown_as)
{
	*r = (struct file_reader){ .fd = fd, .borrowed = true };
	(void)snprintf(r->path, sizeof r->path, "%s", shown_as);
}

ssize_t
file_reader_get(struct file_reader *r, void *out, size_t len, struct error *e)
{
	ssize_t n;

	do {
		n = read(r->fd, out, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? fail(e, "read", r->path) : n;
}

void
file_reader_done(struct file_reader *r)
{
	if (r->fd >= 0 && !r->borrowed)
		(void)close(r->fd);
	r->fd = -1;
}

static int
read_all(struct file_reader *r, struct buf *out, struct error *e)
{
	uint8_t probe;
	ssize_t n;

	for (;;) {
		size_t room = size_min(out->max - out->len, READ_STEP);
		uint8_t *p = room == 0 ? &probe : buf_reserve(out, room);

		if (p == NULL)
			return error_nomem(e);
		n = file_reader_get(r, p, room == 0 ? 1 : room, e);
		if (n <= 0)
			return (int)n;
		if (room == 0)
			return error_set(
			    e, ERR_LIMIT, "%s is longer than the %zu octets permitted here", r->path, out->max);
		buf_commit(out, (size_t)n);
	}
}

int
file_read(const char *path, struct buf *out, struct error *e)
{
	struct file_reader r;
	int rc = file_reader_open(&r, path, e);

	if (rc == 0)
		rc = read_all(&r, out, e);
	file_reader_done(&r);
	return rc;
}

/* ---- writing ---- */

static int
write_all(int fd, struct slice in, const char *path, struct error *e)
{
	while (in.len > 0) {
		ssize_t n = write(fd, in.data, in.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, "write", path);
		in = slice_from(in, (size_t)n);
	}
	return 0;
}

/* The folder of a path: its part before the last slash, "/" or ".". */
static void
folder_of(const char *path, char out[FILE_PATH_MAX])
{
	size_t slash = slice_find_last(slice_str(path), '/');

	if (slash == SIZE_MAX)
		slash = (size_t)snprintf(out, FILE_PATH_MAX, ".");
	else if (slash == 0)
		slash = (size_t)snprintf(out, FILE_PATH_MAX, "/");
	else
		memcpy(out, path, slash);
	out[slash] = '\0';
}

static int
make_temporary(struct file_writer *w, mode_t mode, struct error *e)
{
	size_t slash = slice_find_last(slice_str(w->path), '/');
	int folder_len = slash == SIZE_MAX ? 0 : (int)slash + 1;
	int n = snprintf(w->temporary, sizeof w->temporary, "%.*s.letterlock-XXXXXX", folder_len, w->path);

	if (n < 0 || (size_t)n >= sizeof w->temporary)
		return error_set(e, ERR_LIMIT, "the path %.100s... is too long", w->path);
	w->fd = mkostemp(w->temporary, O_CLOEXEC);
	if (w->fd < 0) {
		w->temporary[0] = '\0';
		return fail(e, "make a file beside", w->path);
	}
	/* mkostemp() made it 0600; the umask is not asked, for it cannot be read without a race between threads. */
	if (mode != 0600 && fchmod(w->fd, mode) != 0)
		return fail(e, "set the mode of", w->path);
	return 0;
}

static int
writer_open(
    struct file_writer *w, const char *path, mode_t mode, enum file_replace replace, bool unnamed, struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc;

	*w = (struct file_writer){ .fd = -1, .exclusive = replace == FILE_NEW };
	if (strcmp(path, "-") == 0) {
		file_writer_fd(w, STDOUT_FILENO, "standard output");
		return 0;
	}
	rc = copy_path(w->path, path, e);
	if (rc == 0 && w->exclusive && file_exists(path))
		rc = error_set(e, ERR_EXISTS, "%s exists already; choose another name or remove it", path);
	if (rc == 0 && unnamed && file_exists("/proc/self/fd")) { /* the way to a name */
		folder_of(path, folder);
		w->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		w->unnamed = w->fd >= 0;
	}
	if (rc == 0 && !w->unnamed)
		rc = make_temporary(w, mode, e);
	if (rc != 0)
		file_writer_done(w);
	return rc;
}

int
file_writer_open(struct file_writer *w, const char *path, mode_t mode, enum file_replace replace, struct error *e)
{
	return writer_open(w, path, mode, replace, false, e);
}

int
file_writer_open_unnamed(struct file_writer *w, const char *path, enum file_replace replace, struct error *e)
{
	return writer_open(w, path, 0600, replace, true, e);
}

void
file_writer_fd(struct file_writer *w, int fd, const char *shown_as)
{
	*w = (struct file_writer){ .fd = fd, .borrowed = true };
	(void)snprintf(w->path, sizeof w->path, "%s", shown_as);
}

int
file_writer_put(struct file_writer *w, struct slice in, struct error *e)
{
	return write_all(w->fd, in, w->path, e);
}

/* A name for what has none: the temporary one, so that the rest is as always. */
static int
link_unnamed(struct file_writer *w, struct error *e)
{
	char self[40];
	struct file_writer name = { .fd = -1 };
	int rc;

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
	memcpy(name.path, w->path, sizeof name.path);
	rc = make_temporary(&name, 0600, e); /* one that nobody else has; the file that holds it gives way */
	if (rc != 0)
		return rc;
	(void)close(name.fd);
	if (unlink(name.temporary) != 0 || linkat(AT_FDCWD, self, AT_FDCWD, name.temporary, AT_SYMLINK_FOLLOW) != 0)
		return fail(e, "make", w->path);
	memcpy(w->temporary, name.temporary, sizeof w->temporary);
	w->unnamed = false;
	return 0;
}

static int
give_name(struct file_writer *w, struct error *e)
{
	if (!w->exclusive)
		return rename(w->temporary, w->path) == 0 ? 0 : fail(e, "replace", w->path);
	if (renameat2(AT_FDCWD, w->temporary, AT_FDCWD, w->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return error_set(e, ERR_EXISTS, "%s exists already; choose another name or remove it", w->path);
	/* a file system without that flag */
	if (link(w->temporary, w->path) != 0)
		return fail(e, "make", w->path);
	return unlink(w->temporary) == 0 ? 0 : fail(e, "remove", w->temporary);
}

int
file_writer_commit(struct file_writer *w, struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc;

	if (w->borrowed)
		return 0;
	if (fsync(w->fd) != 0)
		return fail(e, "sync", w->path);
	rc = w->unnamed ? link_unnamed(w, e) : 0;
	if (rc == 0)
		rc = give_name(w, e);
	if (rc != 0)
		return rc;
	w->temporary[0] = '\0';
	rc = close(w->fd) == 0 ? 0 : fail(e, "close", w->path);
	w->fd = -1;
	folder_of(w->path, folder);
	return rc == 0 ? dir_sync(folder, e) : rc;
}

void
file_writer_done(struct file_writer *w)
{
	if (w->fd >= 0 && !w->borrowed)
		(void)close(w->fd);
	w->fd = -1;
	if (w->temporary[0] != '\0')
		(void)unlink(w->temporary);
	w->temporary[0] = '\0';
}

int
file_write_atomic(const char *path, struct slice content, mode_t mode, struct error *e)
{
	struct file_writer w;
	int rc = file_writer_open(&w, path, mode, FILE_REPLACE, e);

	if (rc == 0)
		rc = file_writer_put(&w, content, e);
	if (rc == 0)
		rc = file_writer_commit(&w, e);
	file_writer_done(&w);
	return rc;
}

bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int
file_tag(const char *path, struct file_tag *out, struct error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(e, "look at", path);
	*out = (struct file_tag){ .inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.changed = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec };
	return 0;
}

int
file_remove(const char *path, struct error *e)
{
	char folder[FILE_PATH_MAX];

	if (strlen(path) >= sizeof folder)
		return error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
	if (unlink(path) != 0)
		return errno == ENOENT ? 0 : fail(e, "remove", path);
	folder_of(path, folder);
	return dir_sync(folder, e);
}

/* ---- standard streams ---- */

bool
file_keep_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* the wrong way round, so that reading and writing fail as they would have */
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY) != fd)
			return false;
	}
	return true;
}

/* ---- locks ---- */

static int
lock_opened(const char *path, int fd, int how, int *lock_out, struct error *e)
{
	int rc = 0;

	if (fd < 0)
		return fail(e, "open the lock", path);
	while (flock(fd, how) != 0 && rc == 0) {
		if (errno == EWOULDBLOCK)
			rc = error_set(e, ERR_EXISTS, "%s is locked: another program of ours is running there", path);
		else if (errno != EINTR)
			rc = fail(e, "lock", path);
	}
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	*lock_out = fd;
	return 0;
}

int
file_lock(const char *path, bool wait, int *lock_out, struct error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);

	return lock_opened(path, fd, LOCK_EX | (wait ? 0 : LOCK_NB), lock_out, e);
}

int
file_lock_shared(const char *path, int *lock_out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

	return fd < 0 && errno == ENOENT ? 0 : lock_opened(path, fd, LOCK_SH | LOCK_NB, lock_out, e);
}

void
file_unlock(int lock)
{
	if (lock >= 0)
		(void)close(lock);
}
