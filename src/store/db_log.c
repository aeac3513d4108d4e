/* SPDX-License-Identifier: ISC */
#include "store/db_log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define GATHER_MAX 126976 /* SQLite's file takes less than 128 KiB at once: it looks at the lower 17 bits of a length */
#define FRAME_HEAD 24     /* page number, size of the database after a commit (0: none), salts, checksums */

struct log_file {
	struct sqlite3_file as_file;
	uint8_t *gathered; /* GATHER_MAX; NULL until the first write */
	int len;
	sqlite3_int64 at; /* where in the file it belongs */
	bool commits;     /* the page that comes next is a commit's last */
};

static sqlite3_vfs *real_vfs, log_vfs;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)((struct log_file *)f + 1);
}

static int
flush(sqlite3_file *f)
{
	struct log_file *l = (struct log_file *)f;
	sqlite3_file *real = real_of(f);
	int len = l->len;

	l->len = 0;
	return len == 0 ? SQLITE_OK : real->pMethods->xWrite(real, l->gathered, len, l->at);
}

static int
log_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
	struct log_file *l = (struct log_file *)f;
	sqlite3_file *real = real_of(f);
	static const uint8_t no_commit[4];
	bool last = l->commits && len != FRAME_HEAD;
	int rc = SQLITE_OK;

	if (l->gathered == NULL)
		l->gathered = mem_alloc(GATHER_MAX);
	if (l->len > 0 && (at != l->at + l->len || len > GATHER_MAX - l->len))
		rc = flush(f);
	if (rc != SQLITE_OK)
		return rc;
	l->commits = len == FRAME_HEAD && memcmp((const uint8_t *)data + 4, no_commit, sizeof no_commit) != 0;
	if (l->gathered == NULL || len > GATHER_MAX)
		return real->pMethods->xWrite(real, data, len, at);
	if (l->len == 0)
		l->at = at;
	memcpy(l->gathered + l->len, data, (size_t)len);
	l->len += len;
	return last ? flush(f) : SQLITE_OK;
}

static int
log_close(sqlite3_file *f)
{
	struct log_file *l = (struct log_file *)f;
	sqlite3_file *real = real_of(f);
	int flushed = flush(f), closed = real->pMethods->xClose(real);

	mem_free(l->gathered);
	l->gathered = NULL;
	return flushed != SQLITE_OK ? flushed : closed;
}

static int
log_read(sqlite3_file *f, void *data, int len, sqlite3_int64 at)
{
	sqlite3_file *real = real_of(f);
	int rc = flush(f);

	return rc != SQLITE_OK ? rc : real->pMethods->xRead(real, data, len, at);
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_file *real = real_of(f);
	int rc = flush(f);

	return rc != SQLITE_OK ? rc : real->pMethods->xTruncate(real, size);
}

static int
log_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *real = real_of(f);
	int rc = flush(f);

	return rc != SQLITE_OK ? rc : real->pMethods->xSync(real, flags);
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	sqlite3_file *real = real_of(f);
	int rc = flush(f);

	return rc != SQLITE_OK ? rc : real->pMethods->xFileSize(real, size);
}

static int
log_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
log_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
log_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
log_control(sqlite3_file *f, int what, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), what, arg);
}

static int
log_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
log_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_device,
};

static int
log_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *flags_out)
{
	struct log_file *l = (struct log_file *)f;
	int rc;

	(void)vfs;
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return real_vfs->xOpen(real_vfs, name, f, flags, flags_out);
	memset(l, 0, sizeof *l);
	rc = real_vfs->xOpen(real_vfs, name, real_of(f), flags, flags_out);
	/* SQLite closes what has methods, also when opening failed. */
	if (real_of(f)->pMethods != NULL)
		f->pMethods = &log_methods;
	return rc;
}

int
db_log_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	if (real_vfs == NULL)
		return SQLITE_ERROR;
	log_vfs = *real_vfs;
	log_vfs.pNext = NULL;
	log_vfs.zName = DB_LOG_VFS;
	log_vfs.szOsFile = (int)sizeof(struct log_file) + real_vfs->szOsFile;
	log_vfs.xOpen = log_open;
	return sqlite3_vfs_register(&log_vfs, 0);
}
