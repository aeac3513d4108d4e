/* SPDX-License-Identifier: ISC */
/*
 * Stands below a program by LD_PRELOAD and sees what it does to the files in
 * one folder: SQLite's, the body segments and the names of both. Every write,
 * every change of a name, every sync's begin and its end go to a log (log.h),
 * from which replay.c builds the disks that a power cut could have left.
 *
 *   LETTERLOCK_RECORDER_FOLDER    the folder that is watched, absolute
 *   LETTERLOCK_RECORDER_LOG       the log, outside of it; appended to
 *   LETTERLOCK_RECORDER_SUPPRESS  a sync's call site as the log has it: it says yes and does nothing
 *   LETTERLOCK_RECORDER_DELAY_US  how long a sync takes, at most
 *   LETTERLOCK_RECORDER_DIE       after so many records the process is killed, as by kill -9; with :TEXT behind the
 *                                 number, at the next sync whose call site begins so
 *   LETTERLOCK_RECORDER_FAIL      likewise, and that sync fails, once. As with Linux's file systems, the octets that
 *                                 it was for are read as written, but do not reach the disk by another sync
 *   LETTERLOCK_RECORDER_FAULTS    a file with struct faults: calls that fail, a clock that jumps
 *
 * The log is opened before main(), so a sandbox may close the file system
 * afterwards. A write and its record are one step for all threads; a sync
 * takes the time between two records. SQLite's -shm file is mapped and not
 * seen: nobody needs it after a crash.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 32768
#define NAME_MAX_HERE 200
#define EXPORT __attribute__((visibility("default")))

struct watched {
	atomic_bool on;
	bool folder;
	bool append;
	uint64_t file;
	char name[NAME_MAX_HERE]; /* under the folder; "" is the folder itself */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct watched table[FDS_MAX];
static char folder[512];
static size_t folder_len;
static int log_fd = -1;
static char suppress[256], die_at[64], fail_at[64];
static long delay_us, die_after, fail_after;
static atomic_ullong serial;
static struct faults *faults;

/* ---- the log; with the mutex ---- */

static void
put(const struct log_head *head, const char *path, const char *text, const void *data)
{
	struct log_head h = *head;
	struct iovec parts[4] = { { &h, sizeof h }, { (void *)(uintptr_t)path, 0 }, { (void *)(uintptr_t)text, 0 },
		{ (void *)(uintptr_t)data, 0 } };
	size_t all = sizeof h;

	h.path_len = path == NULL ? 0 : (uint32_t)strlen(path);
	h.text_len = text == NULL ? 0 : (uint32_t)strlen(text);
	parts[1].iov_len = h.path_len;
	parts[2].iov_len = h.text_len;
	parts[3].iov_len = data == NULL ? 0 : h.length;
	for (int i = 1; i < 4; i++)
		all += parts[i].iov_len;
	if (log_fd >= 0 && syscall(SYS_writev, log_fd, parts, 4) != (long)all)
		abort();
	/* Here nobody is between a call and its record. */
	fail_after -= fail_after > 1;
	die_after -= die_after > 1;
	if (die_after == 1 &&
	    (die_at[0] == 0 || (h.type == LOG_SYNC_BEGIN && strncmp(text, die_at, strlen(die_at)) == 0)))
		(void)kill(getpid(), SIGKILL);
}

/* What a client knows: called by who loads the store, found with dlsym(). */
EXPORT void power_mark(const char *text);

void
power_mark(const char *text)
{
	(void)pthread_mutex_lock(&mutex);
	put(&(struct log_head){ .type = LOG_MARK }, NULL, text, NULL);
	(void)pthread_mutex_unlock(&mutex);
}

static __attribute__((constructor)) void
begin(void)
{
	const char *watch = getenv("LETTERLOCK_RECORDER_FOLDER"), *path = getenv("LETTERLOCK_RECORDER_LOG"),
		   *no = getenv("LETTERLOCK_RECORDER_SUPPRESS"), *delay = getenv("LETTERLOCK_RECORDER_DELAY_US"),
		   *fault = getenv("LETTERLOCK_RECORDER_FAULTS"), *die = getenv("LETTERLOCK_RECORDER_DIE"),
		   *fail = getenv("LETTERLOCK_RECORDER_FAIL");
	int fd;

	(void)snprintf(folder, sizeof folder, "%s", watch == NULL ? "" : watch);
	folder_len = strlen(folder);
	(void)snprintf(suppress, sizeof suppress, "%s", no == NULL ? "" : no);
	delay_us = delay == NULL ? 0 : strtol(delay, NULL, 10);
	die_after = die == NULL ? 0 : strtol(die, NULL, 10);
	(void)snprintf(
	    die_at, sizeof die_at, "%s", die == NULL || strchr(die, ':') == NULL ? "" : strchr(die, ':') + 1);
	fail_after = fail == NULL ? 0 : strtol(fail, NULL, 10);
	(void)snprintf(
	    fail_at, sizeof fail_at, "%s", fail == NULL || strchr(fail, ':') == NULL ? "" : strchr(fail, ':') + 1);
	if (folder_len > 0 && path != NULL)
		log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd >= 0 && log_fd < 1000) { /* out of the way of numbers that a program counts on */
		fd = (int)syscall(SYS_fcntl, log_fd, F_DUPFD_CLOEXEC, 1000);
		(void)syscall(SYS_close, log_fd);
		log_fd = fd;
	}
	put(&(struct log_head){ .type = LOG_START, .file = (uint64_t)getpid() }, NULL, NULL, NULL);
	fd = fault == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, fault, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		void *at = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		faults = at == MAP_FAILED ? NULL : at;
		(void)syscall(SYS_close, fd);
	}
}

/* ---- names ---- */

static struct watched *
watched(int fd)
{
	return fd >= 0 && fd < FDS_MAX && atomic_load(&table[fd].on) ? &table[fd] : NULL;
}

/* Its name under the folder, or NULL: not ours. */
static const char *
name_at(int at, const char *path, char *out)
{
	const struct watched *w = at == AT_FDCWD ? NULL : watched(at);

	if (folder_len == 0)
		return NULL;
	if (path[0] == '/') {
		if (strncmp(path, folder, folder_len) != 0 || (path[folder_len] != '/' && path[folder_len] != 0))
			return NULL;
		for (path += folder_len; *path == '/';)
			path++;
		(void)snprintf(out, NAME_MAX_HERE, "%s", path);
		return out;
	}
	if (w == NULL || !w->folder)
		return NULL;
	(void)snprintf(out, NAME_MAX_HERE, "%.90s%s%.100s", w->name, w->name[0] == 0 ? "" : "/", path);
	return out;
}

static enum file_kind
kind_of(const char *name, bool is_folder)
{
	if (is_folder)
		return name[0] == 0 ? KIND_FOLDER : strcmp(name, "bodies") == 0 ? KIND_BODIES : KIND_OTHER;
	if (strcmp(name, "store.db") == 0)
		return KIND_DATABASE;
	if (strcmp(name, "store.db-wal") == 0)
		return KIND_LOG;
	if (strncmp(name, "bodies/s", 8) == 0)
		return KIND_SEGMENT;
	return strncmp(name, "bodies/b", 8) == 0 ? KIND_BODY : KIND_OTHER;
}

static const char *
kind_text(enum file_kind kind)
{
	switch (kind) {
	case KIND_DATABASE:
		return "database";
	case KIND_LOG:
		return "log";
	case KIND_SEGMENT:
		return "segment";
	case KIND_BODY:
		return "body";
	case KIND_BODIES:
		return "bodies";
	case KIND_FOLDER:
		return "folder";
	case KIND_OTHER:
		break;
	}
	return "other";
}

/* ---- faults ---- */

static bool
faulty(enum fault_call call, const char *name, bool is_folder)
{
	for (int i = 0; faults != NULL && i < FAULTS_MAX; i++) {
		struct fault *f = &faults->faults[i];

		if ((f->calls & call) == 0 || (f->kinds & kind_of(name, is_folder)) == 0 || f->count == 0)
			continue;
		if (f->count > 0)
			(void)__atomic_fetch_sub(&f->count, 1, __ATOMIC_SEQ_CST);
		(void)__atomic_fetch_add(&f->hits, 1, __ATOMIC_SEQ_CST);
		errno = f->error;
		return true;
	}
	return false;
}

/* ---- opening and closing ---- */

static void
watch(int fd, const char *name, int flags, bool existed)
{
	struct watched *w;
	struct stat st;

	if (fd >= FDS_MAX || fstat(fd, &st) != 0)
		abort();
	w = &table[fd];
	w->folder = S_ISDIR(st.st_mode);
	w->append = (flags & O_APPEND) != 0;
	w->file = st.st_ino;
	(void)snprintf(w->name, sizeof w->name, "%s", name);
	atomic_store(&w->on, true);
	if (w->folder || strstr(name, "-shm") != NULL)
		return;
	if (existed && (flags & O_ACCMODE) == O_RDONLY)
		return;
	put(&(struct log_head){ .type = existed ? LOG_OPEN : LOG_CREATE, .file = w->file }, name, NULL, NULL);
	if (existed && (flags & O_TRUNC) != 0)
		put(&(struct log_head){ .type = LOG_SIZE, .file = w->file }, NULL, NULL, NULL);
}

static int
do_open(int at, const char *path, int flags, mode_t mode)
{
	char name[NAME_MAX_HERE];
	struct stat st;
	bool existed;
	int fd;

	if (name_at(at, path, name) == NULL)
		return (int)syscall(SYS_openat, at, path, flags, mode);
	if (faulty(FAULT_OPEN, name, (flags & O_DIRECTORY) != 0))
		return -1;
	(void)pthread_mutex_lock(&mutex);
	existed = fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	fd = (int)syscall(SYS_openat, at, path, flags, mode);
	if (fd >= 0)
		watch(fd, name, flags, existed);
	(void)pthread_mutex_unlock(&mutex);
	return fd;
}

static mode_t
mode_of(int flags, va_list *list)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(*list, mode_t) : 0;
}

#define OPEN_BODY(at) \
	va_list list; \
	mode_t mode; \
\
	va_start(list, flags); \
	mode = mode_of(flags, &list); \
	va_end(list); \
	return do_open(at, path, flags, mode)

EXPORT int
open(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

EXPORT int
open64(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

EXPORT int
openat(int at, const char *path, int flags, ...)
{
	OPEN_BODY(at);
}

EXPORT int
openat64(int at, const char *path, int flags, ...)
{
	OPEN_BODY(at);
}

EXPORT int
creat(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* What glibc makes of open() with _FORTIFY_SOURCE. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat_2(int at, const char *path, int flags);
EXPORT int __openat64_2(int at, const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}

int
__openat64_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}

EXPORT int
mkostemp64(char *path, int flags)
{
	static atomic_uint count;
	size_t len = strlen(path);
	int fd = -1;

	if (len < 6) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 0; i < 100 && fd < 0; i++) {
		static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
		unsigned n = (unsigned)getpid() * 2654435761u + atomic_fetch_add(&count, 1) * 40503u;

		for (size_t k = len - 6; k < len; k++, n >>= 5)
			path[k] = digits[n & 31];
		fd = do_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

EXPORT int
mkostemp(char *path, int flags)
{
	return mkostemp64(path, flags);
}

EXPORT int
mkstemp64(char *path)
{
	return mkostemp64(path, 0);
}

EXPORT int
mkstemp(char *path)
{
	return mkostemp64(path, 0);
}

EXPORT int
close(int fd)
{
	if (watched(fd) != NULL)
		atomic_store(&table[fd].on, false);
	return (int)syscall(SYS_close, fd);
}

/* ---- octets ---- */

static struct watched *
watched_file(int fd)
{
	struct watched *w = watched(fd);

	return w != NULL && !w->folder && strstr(w->name, "-shm") == NULL ? w : NULL;
}

static ssize_t
write_at(const struct watched *w, int fd, const void *data, size_t len, off_t at)
{
	ssize_t n;

	if (faulty(FAULT_WRITE, w->name, false))
		return -1;
	(void)pthread_mutex_lock(&mutex);
	n = syscall(SYS_pwrite64, fd, data, len, at);
	if (n > 0)
		put(
		    &(struct log_head){
			.type = LOG_WRITE, .file = w->file, .offset = (uint64_t)at, .length = (uint64_t)n },
		    NULL, NULL, data);
	(void)pthread_mutex_unlock(&mutex);
	return n;
}

EXPORT ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	const struct watched *w = watched_file(fd);

	return w == NULL ? syscall(SYS_pwrite64, fd, data, len, at) : write_at(w, fd, data, len, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return pwrite(fd, data, len, at);
}

EXPORT ssize_t
write(int fd, const void *data, size_t len)
{
	const struct watched *w = watched_file(fd);
	struct stat st = { 0 };
	off_t at;
	ssize_t n;

	if (w == NULL)
		return syscall(SYS_write, fd, data, len);
	at = lseek(fd, 0, SEEK_CUR);
	if (w->append && fstat(fd, &st) == 0)
		at = st.st_size;
	n = write_at(w, fd, data, len, at);
	if (n > 0)
		(void)lseek(fd, at + n, SEEK_SET);
	return n;
}

EXPORT ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	ssize_t all = 0;

	if (watched_file(fd) == NULL)
		return syscall(SYS_writev, fd, parts, count);
	for (int i = 0; i < count; i++) {
		ssize_t n = write(fd, parts[i].iov_base, parts[i].iov_len);

		if (n < 0)
			return all > 0 ? all : -1;
		all += n;
	}
	return all;
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	ssize_t all = 0;

	for (int i = 0; i < count; i++) {
		ssize_t n = pwrite(fd, parts[i].iov_base, parts[i].iov_len, at + all);

		if (n < 0)
			return all > 0 ? all : -1;
		all += n;
	}
	return all;
}

EXPORT ssize_t
pread(int fd, void *out, size_t len, off_t at)
{
	const struct watched *w = watched_file(fd);

	if (w != NULL && faulty(FAULT_READ, w->name, false))
		return -1;
	return syscall(SYS_pread64, fd, out, len, at);
}

EXPORT ssize_t
pread64(int fd, void *out, size_t len, off64_t at)
{
	return pread(fd, out, len, at);
}

EXPORT int
ftruncate(int fd, off_t size)
{
	const struct watched *w = watched_file(fd);
	int rc;

	if (w == NULL)
		return (int)syscall(SYS_ftruncate, fd, size);
	if (faulty(FAULT_SIZE, w->name, false))
		return -1;
	(void)pthread_mutex_lock(&mutex);
	rc = (int)syscall(SYS_ftruncate, fd, size);
	if (rc == 0)
		put(&(struct log_head){ .type = LOG_SIZE, .file = w->file, .length = (uint64_t)size }, NULL, NULL,
		    NULL);
	(void)pthread_mutex_unlock(&mutex);
	return rc;
}

EXPORT int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

EXPORT int
fallocate(int fd, int mode, off_t at, off_t len)
{
	const struct watched *w = watched_file(fd);
	int rc;

	(void)pthread_mutex_lock(&mutex);
	rc = (int)syscall(SYS_fallocate, fd, mode, at, len);
	if (rc == 0 && w != NULL && (mode & FALLOC_FL_PUNCH_HOLE) != 0)
		put(
		    &(struct log_head){
			.type = LOG_PUNCH, .file = w->file, .offset = (uint64_t)at, .length = (uint64_t)len },
		    NULL, NULL, NULL);
	else if (rc == 0 && w != NULL && (mode & FALLOC_FL_KEEP_SIZE) == 0)
		abort(); /* nobody does this; it would have to be recorded */
	(void)pthread_mutex_unlock(&mutex);
	return rc;
}

EXPORT int
fallocate64(int fd, int mode, off64_t at, off64_t len)
{
	return fallocate(fd, mode, at, len);
}

/* ---- names that change ---- */

static int
name_call(enum log_type type, const char *from, const char *to, long rc)
{
	if (rc == 0 && from != NULL)
		put(&(struct log_head){ .type = type }, from, to, NULL);
	return (int)rc;
}

#define NAMED(type, from, to, call) \
	do { \
		int rc_; \
\
		(void)pthread_mutex_lock(&mutex); \
		rc_ = name_call(type, from, to, call); \
		(void)pthread_mutex_unlock(&mutex); \
		return rc_; \
	} while (0)

EXPORT int
mkdirat(int at, const char *path, mode_t mode)
{
	char name[NAME_MAX_HERE];

	NAMED(LOG_MKDIR, name_at(at, path, name), NULL, syscall(SYS_mkdirat, at, path, mode));
}

EXPORT int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int
unlinkat(int at, const char *path, int flags)
{
	char name[NAME_MAX_HERE];

	NAMED(LOG_UNLINK, name_at(at, path, name), NULL, syscall(SYS_unlinkat, at, path, flags));
}

EXPORT int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int
renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char one[NAME_MAX_HERE], two[NAME_MAX_HERE];

	NAMED(LOG_RENAME, name_at(from_at, from, one), name_at(to_at, to, two),
	    syscall(SYS_renameat2, from_at, from, to_at, to, flags));
}

EXPORT int
renameat(int from_at, const char *from, int to_at, const char *to)
{
	return renameat2(from_at, from, to_at, to, 0);
}

EXPORT int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int
link(const char *from, const char *to)
{
	char one[NAME_MAX_HERE], two[NAME_MAX_HERE];

	NAMED(LOG_LINK, name_at(AT_FDCWD, from, one), name_at(AT_FDCWD, to, two),
	    syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

/* ---- syncs ---- */

/* KIND:THREAD:PROGRAM+OFFSET, which is the same in every run of one build. */
static void
site_of(const struct watched *w, const void *caller, char *out, size_t size)
{
	char thread[17] = "";
	const char *program = "";
	Dl_info info;
	size_t offset = 0;

	if (prctl(PR_GET_NAME, thread, 0, 0, 0) != 0)
		thread[0] = 0;
	if (dladdr(caller, &info) != 0 && info.dli_fname != NULL) {
		program = strrchr(info.dli_fname, '/') == NULL ? info.dli_fname : strrchr(info.dli_fname, '/') + 1;
		offset = (uintptr_t)caller - (uintptr_t)info.dli_fbase;
	}
	if (getpid() == gettid())
		(void)snprintf(thread, sizeof thread, "main");
	(void)snprintf(out, size, "%s:%s:%s+%zx", kind_text(kind_of(w->name, w->folder)), thread, program, offset);
}

static void
wait_a_little(uint64_t number)
{
	long us = delay_us == 0 ? 0 : (long)(number * 7919 % (uint64_t)delay_us);

	if (us > 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static int
do_sync(int fd, long call, const void *caller)
{
	const struct watched *w = watched(fd);
	struct log_head head = { .type = LOG_SYNC_BEGIN };
	char site[256];
	bool fails;
	int rc;

	if (w == NULL)
		return (int)syscall(call, fd);
	if (faulty(FAULT_SYNC, w->name, w->folder))
		return -1;
	site_of(w, caller, site, sizeof site);
	if (suppress[0] != 0 && strcmp(site, suppress) == 0)
		return 0;
	head.flags = w->folder ? LOG_FOLDER : 0;
	head.file = w->file;
	head.offset = (uint64_t)getpid() << 32 | atomic_fetch_add(&serial, 1);
	(void)pthread_mutex_lock(&mutex);
	fails = fail_after == 1 && strncmp(site, fail_at, strlen(fail_at)) == 0;
	fail_after = fails ? 0 : fail_after;
	put(&head, w->name, site, NULL);
	(void)pthread_mutex_unlock(&mutex);
	rc = fails ? -1 : (int)syscall(call, fd);
	wait_a_little(head.offset);
	head.type = fails ? LOG_SYNC_FAIL : LOG_SYNC_END;
	(void)pthread_mutex_lock(&mutex);
	if (rc == 0 || fails)
		put(&head, w->name, NULL, NULL);
	(void)pthread_mutex_unlock(&mutex);
	errno = fails ? EIO : errno;
	return rc;
}

EXPORT int
fsync(int fd)
{
	return do_sync(fd, SYS_fsync, __builtin_return_address(0));
}

EXPORT int
fdatasync(int fd)
{
	return do_sync(fd, SYS_fdatasync, __builtin_return_address(0));
}

/* ---- the wall clock ---- */

EXPORT int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	if (rc == 0 && clock == CLOCK_REALTIME && faults != NULL)
		out->tv_sec += faults->clock_seconds;
	return rc;
}

EXPORT time_t
time(time_t *out)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

EXPORT int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec now = { 0 };
	int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return rc;
}
