/* SPDX-License-Identifier: ISC */
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/printable.h"
#include "os/clock.h"
#include "os/file.h"

#define VALUE_MAX 600u /* octets of one value as it is written */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards fd and path */
static int fd = STDERR_FILENO;
static char path[FILE_PATH_MAX];
static char process[24]; /* " process=front1"; set before threads */
static _Atomic int lowest = LOG_LEVEL_INFO;
static bool to_journal; /* with lock */

#define PRIORITY_LENGTH 3u /* "<4>", as syslog(3) numbers them */
static const char priorities[] = "76432";
static const char *const names[] = { "debug", "info", "warning", "error", "fatal" };

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level < sizeof names / sizeof names[0] ? names[level] : "unknown";
}

int
log_level_parse(struct slice word)
{
	for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
		if (slice_ieq_str(word, names[i]))
			return i;
	}
	return -1;
}

static int
open_file(const char *name, int *fd_out, struct error *e)
{
	int f = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (f < 0)
		return error_set_errno(e, ERR_IO, errno, "cannot open the log %s", name);
	*fd_out = f;
	return 0;
}

/* Whether that is the stream which the service manager connected with the journal, "DEVICE:INODE". */
static bool
is_journal(int f)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[48];
	struct stat st;

	if (stream == NULL || fstat(f, &st) != 0)
		return false;
	(void)snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

static void
replace_fd(int f)
{
	bool journal = is_journal(f);

	(void)pthread_mutex_lock(&lock);
	to_journal = journal;
	if (fd != STDERR_FILENO)
		(void)close(fd);
	fd = f;
	(void)pthread_mutex_unlock(&lock);
}

int
log_open(enum log_level level, const char *name, struct error *e)
{
	int f = STDERR_FILENO, rc;

	if (name != NULL) {
		if (strlen(name) >= sizeof path)
			return error_set(e, ERR_LIMIT, "the log's path is too long");
		rc = open_file(name, &f, e);
		if (rc != 0)
			return rc;
	}
	(void)snprintf(path, sizeof path, "%s", name == NULL ? "" : name);
	atomic_store(&lowest, (int)level);
	replace_fd(f);
	return 0;
}

void
log_use(enum log_level level, int f, const char *name)
{
	path[0] = '\0';
	(void)snprintf(process, sizeof process, "%s%.*s", name[0] == '\0' ? "" : " process=", 12, name);
	atomic_store(&lowest, (int)level);
	replace_fd(f);
}

void
log_level_set(enum log_level level)
{
	atomic_store(&lowest, (int)level);
}

int
log_descriptor(void)
{
	int f;

	(void)pthread_mutex_lock(&lock);
	f = fd;
	(void)pthread_mutex_unlock(&lock);
	return f;
}

int
log_reopen(struct error *e)
{
	int f = -1, rc;

	if (path[0] == '\0')
		return 0;
	rc = open_file(path, &f, e);
	if (rc == 0)
		replace_fd(f);
	return rc;
}

bool
log_wants(enum log_level level)
{
	return (int)level >= atomic_load(&lowest);
}

static void
put_value(struct buf *b, struct slice text)
{
	if (printable_is_plain(text)) {
		(void)printable_put(b, text, PRINTABLE_LOG, VALUE_MAX);
		return;
	}
	(void)buf_put_u8(b, '"');
	(void)printable_put(b, text, PRINTABLE_LOG, VALUE_MAX);
	(void)buf_put_u8(b, '"');
}

static void
put_field(struct buf *b, const struct log_field *f)
{
	(void)buf_putf(b, " %s=", f->key);
	switch (f->kind) {
	case LOG_KIND_TEXT:
		put_value(b, f->text);
		break;
	case LOG_KIND_U64:
		(void)buf_putf(b, "%" PRIu64, f->number);
		break;
	case LOG_KIND_I64:
		(void)buf_putf(b, "%" PRId64, (int64_t)f->number);
		break;
	}
}

/* The line begins with PRIORITY, which only the journal is to see. */
static void
send_line(const struct buf *b)
{
	size_t at;
	ssize_t n;

	(void)pthread_mutex_lock(&lock);
	at = to_journal ? 0 : PRIORITY_LENGTH;
	while (at < b->len) {
		n = write(fd, b->data + at, b->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* nowhere to say it */
		at += (size_t)n;
	}
	(void)pthread_mutex_unlock(&lock);
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	int saved = errno;
	struct buf b;

	if (!log_wants(level))
		return;
	buf_init(&b, (size_t)LOG_LINE_MAX * 8);
	(void)buf_putf(&b, "<%c>", level >= LOG_LEVEL_DEBUG && level <= LOG_LEVEL_FATAL ? priorities[level] : '3');
	(void)date_write_rfc3339(&b, (int64_t)clock_unix());
	(void)buf_putf(&b, " %s %s", log_level_name(level), event);
	for (size_t i = 0; i < count; i++)
		put_field(&b, &fields[i]);
	(void)buf_put_str(&b, process);
	b.err = 0;
	buf_truncate(&b, PRIORITY_LENGTH + LOG_LINE_MAX - 1);
	(void)buf_put_u8(&b, '\n');
	send_line(&b);
	buf_done(&b);
	errno = saved;
}
