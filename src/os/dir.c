/* SPDX-License-Identifier: ISC */
/* The folders of os/file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static int
fail(struct error *e, const char *what, const char *path)
{
	int errnum = errno;
	int code = errnum == ENOENT ? ERR_NOT_FOUND : errnum == EACCES || errnum == EPERM ? ERR_DENIED : ERR_IO;

	return error_set_errno(e, errnum == ENOSPC ? ERR_FULL : code, errnum, "cannot %s %s", what, path);
}

int
path_join(char *out, const char *dir, const char *name, struct error *e)
{
	size_t dir_len = strlen(dir);
	bool slash = dir_len > 0 && dir[dir_len - 1] != '/';
	int n = snprintf(out, FILE_PATH_MAX, "%s%s%s", dir, slash ? "/" : "", name);

	if (n < 0 || (size_t)n >= FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
	return 0;
}

static int
make_one(const char *path, struct error *e)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return fail(e, "make the folder", path);
	if (stat(path, &st) != 0)
		return fail(e, "look at", path);
	return S_ISDIR(st.st_mode) ? 0 : error_set(e, ERR_EXISTS, "%s is in the way: it is no folder", path);
}

int
dir_make_private(const char *path, struct error *e)
{
	char part[FILE_PATH_MAX];
	size_t len = strlen(path);
	int rc = 0;

	if (len == 0 || len >= sizeof part)
		return error_set(e, ERR_LIMIT, "a folder's path is empty or too long");
	memcpy(part, path, len + 1);
	for (size_t i = 1; i < len && rc == 0; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		rc = make_one(part, e);
		part[i] = '/';
	}
	return rc == 0 ? make_one(part, e) : rc;
}

int
dir_check_private(const char *path, struct error *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return fail(e, "look at", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(e, ERR_DENIED, "%s is no folder", path);
	if (st.st_uid != geteuid())
		return error_set(e, ERR_DENIED, "%s belongs to another user", path);
	if ((st.st_mode & 077) != 0)
		return error_set(e, ERR_DENIED, "%s can be entered by others: chmod 700 it", path);
	return 0;
}

bool
dir_is_read_only(const char *path)
{
	return access(path, W_OK) != 0 && errno == EROFS;
}

int
dir_take(const char *path, bool *taken_out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	struct stat st;

	*taken_out = false;
	if (fd < 0)
		return fail(e, "open the folder", path);
	if (fstat(fd, &st) != 0)
		rc = fail(e, "look at", path);
	else if (st.st_uid != geteuid() && fchown(fd, geteuid(), getegid()) != 0)
		rc = error_set(e, ERR_DENIED, "%s belongs to another user", path);
	else
		*taken_out = st.st_uid != geteuid();
	(void)close(fd);
	return rc;
}

int
dir_sync(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return fail(e, "open the folder", path);
	if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that has nothing to sync */
		rc = fail(e, "sync the folder", path);
	(void)close(fd);
	return rc;
}

static int
replace_failed(const char *path, struct error *e)
{
	if (errno == EBUSY)
		return error_set(e, ERR_UNSUPPORTED,
		    "%s cannot be renamed: is a file system mounted there? Name a folder in it", path);
	if (errno == EINVAL || errno == ENOSYS || errno == EXDEV)
		return error_set(
		    e, ERR_UNSUPPORTED, "the file system cannot exchange %s; move it away and try again", path);
	return fail(e, "replace", path);
}

int
dir_replace(const char *made, const char *path, bool *exchanged_out, struct error *e)
{
	char parent[FILE_PATH_MAX];
	int rc = path_join(parent, path, "..", e);

	*exchanged_out = false;
	if (rc != 0)
		return rc;
	if (rename(made, path) == 0)
		return dir_sync(parent, e);
	if (errno != ENOTEMPTY && errno != EEXIST)
		return replace_failed(path, e);
	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
		return replace_failed(path, e);
	*exchanged_out = true;
	return dir_sync(parent, e);
}

int
dir_each(const char *path, int (*each)(void *ctx, const char *name), void *ctx, struct error *e)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return fail(e, "open the folder", path);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.')
			rc = each(ctx, entry->d_name);
	}
	(void)closedir(d);
	return rc;
}
