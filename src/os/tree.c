/* SPDX-License-Identifier: ISC */
#include "os/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
fail(struct error *e, const char *what, const char *path, const char *name)
{
	int errnum = errno, code = ERR_IO;

	if (errnum == ENOENT)
		code = ERR_NOT_FOUND;
	else if (errnum == EEXIST || errnum == ENOTDIR || errnum == ELOOP)
		code = ERR_EXISTS;
	else if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
		code = ERR_DENIED;
	else if (errnum == ENOSPC || errnum == EDQUOT)
		code = ERR_FULL;
	else if (errnum == ENAMETOOLONG)
		code = ERR_LIMIT;
	return error_set_errno(e, code, errnum, "cannot %s '%s%s%s'", what, path, name[0] == '\0' ? "" : "/", name);
}

/* ---- walking ---- */

/* The folder of name's last part, and that part. The descriptor is the tree's own when there is only one part. */
static int
walk(const struct tree *t, const char *name, const char **last_out)
{
	char part[FILE_PATH_MAX];
	int at = t->fd;

	for (const char *slash; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
		size_t n = (size_t)(slash - name);
		int next;

		if (n >= sizeof part) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			memcpy(part, name, n);
			part[n] = '\0';
			next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		if (at != t->fd) {
			int errnum = errno;

			(void)close(at);
			errno = errnum;
		}
		if (next < 0)
			return -1;
		at = next;
	}
	*last_out = name;
	return at;
}

static void
walk_done(const struct tree *t, int at)
{
	int errnum = errno;

	if (at >= 0 && at != t->fd)
		(void)close(at);
	errno = errnum;
}

static int
open_there(const struct tree *t, const char *name, int flags)
{
	const char *last;
	int at = walk(t, name, &last), fd = -1;

	if (at >= 0)
		fd = openat(at, last[0] == '\0' ? "." : last, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	walk_done(t, at);
	return fd;
}

int
tree_open(struct tree *t, const char *path, struct error *e)
{
	t->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(t->path, sizeof t->path, "%s", path);
	return t->fd < 0 ? fail(e, "open the folder", path, "") : 0;
}

void
tree_done(struct tree *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
}

static struct tree_entry
entry_of(const struct stat *st)
{
	return (struct tree_entry){
		.kind = S_ISREG(st->st_mode) ? TREE_FILE
		    : S_ISDIR(st->st_mode)   ? TREE_FOLDER
		    : S_ISLNK(st->st_mode)   ? TREE_LINK
					     : TREE_OTHER,
		.size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtim.tv_sec,
	};
}

int
tree_look(const struct tree *t, const char *name, struct tree_entry *out, struct error *e)
{
	const char *last;
	struct stat st;
	int at = walk(t, name, &last), rc = -1;

	if (at >= 0)
		rc = fstatat(at, last, &st, AT_SYMLINK_NOFOLLOW);
	walk_done(t, at);
	if (rc != 0)
		return fail(e, "look at", t->path, name);
	*out = entry_of(&st);
	return 0;
}

int
tree_look_at(const char *path, struct tree_entry *out, struct error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(e, "look at", path, "");
	*out = entry_of(&st);
	return 0;
}

/* ---- listing ---- */

int
tree_list_open(struct tree_list *l, const struct tree *t, const char *name, struct error *e)
{
	int fd = open_there(t, name, O_RDONLY | O_DIRECTORY);

	l->dir = fd < 0 ? NULL : fdopendir(fd);
	if (l->dir != NULL)
		return 0;
	if (fd >= 0)
		(void)close(fd);
	return fail(e, "open the folder", t->path, name);
}

const char *
tree_list_next(struct tree_list *l, struct error *e)
{
	struct dirent *d;

	e->code = 0;
	do {
		errno = 0;
		d = readdir(l->dir);
	} while (d != NULL && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
	if (d != NULL)
		return d->d_name;
	if (errno != 0)
		(void)error_set_errno(e, ERR_IO, errno, "a folder cannot be read to its end");
	return NULL;
}

void
tree_list_done(struct tree_list *l)
{
	if (l->dir != NULL)
		(void)closedir(l->dir);
	l->dir = NULL;
}

/* ---- reading ---- */

static int
take_file(struct tree_file *f, int fd, const char *path, const char *name, struct error *e)
{
	struct stat st;

	f->fd = -1;
	if (fd < 0 && errno == ELOOP)
		return error_set(e, ERR_DENIED, "'%s%s%s' is a symbolic link, and none is followed", path,
		    name[0] == '\0' ? "" : "/", name);
	if (fd < 0)
		return fail(e, "open", path, name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return error_set(e, ERR_DENIED, "'%s%s%s' is no plain file", path, name[0] == '\0' ? "" : "/", name);
	}
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	f->mtime = st.st_mtim.tv_sec;
	return 0;
}

/* O_NONBLOCK: opening a FIFO would wait for its writer. */
int
tree_file_open(struct tree_file *f, const struct tree *t, const char *name, struct error *e)
{
	return take_file(f, open_there(t, name, O_RDONLY | O_NONBLOCK | O_NOCTTY), t->path, name, e);
}

int
tree_file_open_at(struct tree_file *f, const char *path, struct error *e)
{
	return take_file(f, open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), path, "", e);
}

ssize_t
tree_file_read(const struct tree_file *f, uint64_t offset, void *out, size_t len, struct error *e)
{
	ssize_t n;

	do
		n = pread(f->fd, out, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : error_set_errno(e, ERR_IO, errno, "cannot read at octet %llu", (unsigned long long)offset);
}

void
tree_file_done(struct tree_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

/* ---- writing ---- */

static int
make_part(const struct tree *t, const char *name)
{
	const char *last;
	int at = walk(t, name, &last), rc = -1;

	if (at >= 0)
		rc = mkdirat(at, last, 0700);
	walk_done(t, at);
	return rc == 0 || errno == EEXIST ? 0 : -1;
}

int
tree_make(const struct tree *t, const char *name, struct error *e)
{
	char part[FILE_PATH_MAX];
	struct tree_entry entry;
	size_t len = strlen(name);
	int rc = 0;

	if (len == 0)
		return 0;
	if (len >= sizeof part)
		return error_set(e, ERR_LIMIT, "a path is too long");
	for (size_t i = 1; i <= len && rc == 0; i++) {
		if (name[i] != '/' && name[i] != '\0')
			continue;
		memcpy(part, name, i);
		part[i] = '\0';
		rc = make_part(t, part);
	}
	if (rc != 0)
		return fail(e, "make the folder", t->path, name);
	rc = tree_look(t, name, &entry, e);
	if (rc == 0 && entry.kind != TREE_FOLDER)
		return error_set(e, ERR_EXISTS, "'%s/%s' is in the way: it is no folder", t->path, name);
	return rc;
}

int
tree_sync(const struct tree *t, const char *name, struct error *e)
{
	int fd = open_there(t, name, O_RDONLY | O_DIRECTORY), rc = 0;

	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		rc = fail(e, "sync the folder", t->path, name);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int
tree_sync_all(const struct tree *t, struct error *e)
{
	return syncfs(t->fd) != 0 ? fail(e, "sync the file system of", t->path, "") : 0;
}

int
tree_writer_open(struct tree_writer *w, const struct tree *t, const char *name, struct error *e)
{
	w->fd = open_there(t, name, O_WRONLY | O_CREAT | O_EXCL);
	return w->fd < 0 ? fail(e, "make", t->path, name) : 0;
}

int
tree_writer_put(struct tree_writer *w, struct slice in, struct error *e)
{
	while (in.len > 0) {
		ssize_t n = write(w->fd, in.data, in.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, "write", "a file", "");
		in = slice_from(in, (size_t)n);
	}
	return 0;
}

int
tree_writer_cut(struct tree_writer *w, uint64_t octets, struct error *e)
{
	if (ftruncate(w->fd, (off_t)octets) != 0 || lseek(w->fd, (off_t)octets, SEEK_SET) < 0)
		return fail(e, "cut", "a file", "");
	return 0;
}

int
tree_writer_date(struct tree_writer *w, int64_t mtime, struct error *e)
{
	const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

	return futimens(w->fd, times) != 0 ? fail(e, "date", "a file", "") : 0;
}

int
tree_writer_sync(struct tree_writer *w, struct error *e)
{
	return fsync(w->fd) != 0 ? fail(e, "sync", "a file", "") : 0;
}

void
tree_writer_done(struct tree_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

static int
rename_there(const struct tree *t, const char *from, const char *to, unsigned flags, struct error *e)
{
	const char *last_from, *last_to;
	int at_from = walk(t, from, &last_from), at_to = walk(t, to, &last_to), rc = -1;

	if (at_from >= 0 && at_to >= 0)
		rc = renameat2(at_from, last_from, at_to, last_to, flags);
	if (rc != 0 && errno == EINVAL && flags != 0) { /* a file system that knows no flags: NFS */
		rc = linkat(at_from, last_from, at_to, last_to, 0);
		if (rc == 0)
			(void)unlinkat(at_from, last_from, 0);
	}
	walk_done(t, at_from);
	walk_done(t, at_to);
	return rc == 0 ? 0 : fail(e, "give its name to", t->path, to);
}

int
tree_rename(const struct tree *t, const char *from, const char *to, struct error *e)
{
	return rename_there(t, from, to, RENAME_NOREPLACE, e);
}

int
tree_replace(const struct tree *t, const char *from, const char *to, struct error *e)
{
	return rename_there(t, from, to, 0, e);
}

int
tree_remove(const struct tree *t, const char *name, struct error *e)
{
	const char *last;
	int at = walk(t, name, &last), rc = -1;

	if (at >= 0)
		rc = unlinkat(at, last, 0);
	walk_done(t, at);
	return rc == 0 || errno == ENOENT ? 0 : fail(e, "remove", t->path, name);
}

static int
remove_folder(const struct tree *t, const char *name, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct tree_list l;
	const char *last, *entry;
	struct error why = { 0 };
	int at, rc = tree_list_open(&l, t, name, e);

	while (rc == 0 && (entry = tree_list_next(&l, &why)) != NULL) {
		rc = path_join(path, name, entry, e);
		if (rc == 0)
			rc = tree_remove(t, path, e);
	}
	tree_list_done(&l);
	if (rc == 0 && why.code != 0)
		rc = error_set(e, why.code, "%s", why.text);
	if (rc != 0)
		return rc;
	at = walk(t, name, &last);
	if (at < 0 || unlinkat(at, last, AT_REMOVEDIR) != 0)
		rc = fail(e, "remove the folder", t->path, name);
	walk_done(t, at);
	return rc;
}

int
tree_remove_all(const struct tree *t, const char *name, struct error *e)
{
	struct error why = { 0 };
	struct tree_entry entry;
	int rc = tree_look(t, name, &entry, &why);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0)
		return error_set(e, rc, "%s", why.text);
	return entry.kind == TREE_FOLDER ? remove_folder(t, name, e) : tree_remove(t, name, e);
}

/* ---- whose they are ---- */

int
tree_give(const struct tree *t, const char *name, uid_t user, gid_t group, struct error *e)
{
	int fd = open_there(t, name, O_RDONLY | O_NONBLOCK | O_NOCTTY), rc = 0;
	struct stat st;

	if (fd < 0)
		return fail(e, "open", t->path, name);
	if (fstat(fd, &st) != 0 || !(S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1)))
		rc = error_set(e, ERR_DENIED, "'%s/%s' is no folder and no plain file with one name", t->path, name);
	else if (fchown(fd, user, group) != 0)
		rc = fail(e, "give another user", t->path, name);
	(void)close(fd);
	return rc;
}
