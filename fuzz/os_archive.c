/* SPDX-License-Identifier: ISC */
/*
 * A tar of anybody: what is unpacked has no link that leads out, no device, no
 * bit that gives rights; what is refused leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/archive.h"
#include "os/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int root; /* of what was unpacked */
static size_t root_len;

static int
check(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH };

	(void)type;
	(void)ftw;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode))
		abort();
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07000) != 0)
		abort();
	if (S_ISLNK(st->st_mode)) {
		int fd = (int)syscall(SYS_openat2, root, path + root_len + 1, &how, sizeof how);

		if (fd < 0 && errno == EXDEV)
			abort();
		if (fd >= 0)
			(void)close(fd);
	}
	return 0;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
look(void *ctx, const struct archive_item *item, struct error *e)
{
	(void)e;
	if (item->path.len > 0 && item->path.data[0] == '/' && item->refused == NULL)
		abort();
	*(size_t *)ctx += item->refused != NULL;
	return 0;
}

static void
unpack(int fd, size_t refused)
{
	char place[] = "/dev/shm/letterlock-fuzz-XXXXXX", folder[64];
	struct archive_totals totals;
	int rc;

	if (mkdtemp(place) == NULL)
		return;
	(void)snprintf(folder, sizeof folder, "%s/x", place);
	rc = archive_unpack(&(struct archive_unpack){ .fd = fd, .folder = folder }, &totals, NULL);
	if (rc == 0) {
		if (refused > 0)
			abort();
		root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		root_len = strlen(folder);
		(void)nftw(folder, check, 32, FTW_PHYS);
		(void)close(root);
		(void)nftw(folder, drop, 32, FTW_PHYS | FTW_DEPTH);
	}
	if (rmdir(place) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct archive_totals totals;
	size_t refused = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)archive_is_folder(fd);
	(void)archive_list(fd, look, &refused, &totals, NULL);
	unpack(fd, refused);
	(void)close(fd);
	return 0;
}
