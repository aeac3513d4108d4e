/* SPDX-License-Identifier: ISC */
/*
 * The log: one line an event, key=value, ready for grep:
 *
 *   2025-02-03T04:05:06Z info smtp.accepted peer=192.0.2.1 bytes=1234 from="o\x20x"
 *
 * Values with anything but plain characters are quoted and escaped, so text of
 * a peer cannot begin a line or a field of its own. No secrets, no message
 * text. Lines over LOG_LINE_MAX are cut. Safe from every thread; a line is one
 * write(). When it goes to systemd's journal (JOURNAL_STREAM, systemd.exec(5)),
 * "<4>" and the like stand in front of it, which journald takes for its own
 * priority: `journalctl -p warning`.
 *
 *   log_event(LOG_LEVEL_INFO, "smtp.accepted", log_slice("peer", peer), log_u64("bytes", n));
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/error.h"
#include "base/slice.h"

#define LOG_LINE_MAX 2048u /* octets, line end included: below PIPE_BUF, so that processes do not mix */

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING, /* wrong, but handled: somebody may want to look */
	LOG_LEVEL_ERROR,   /* an operation failed for our own reason: somebody should look */
	LOG_LEVEL_FATAL,   /* the process ends */
};

enum log_kind { LOG_KIND_TEXT, LOG_KIND_U64, LOG_KIND_I64 };

struct log_field {
	const char *key;
	enum log_kind kind;
	struct slice text;
	uint64_t number; /* LOG_KIND_I64: the same bits */
};

/* "debug" ... "fatal"; -1 for other words. */
int log_level_parse(struct slice word);
const char *log_level_name(enum log_level level);

/*
 * Lines below level are dropped. path: a file to append to (made with mode
 * 0600), or NULL for standard error, which is also where lines go before this
 * call, from LOG_LEVEL_INFO on. ERR_IO.
 */
int log_open(enum log_level level, const char *path, struct error *e);
/*
 * For a process that may open no files: lines of this level and above go to
 * fd, which is the log's from now on, and end with process=NAME (unless it is empty). Before threads, or with the same name.
 */
void log_use(enum log_level level, int fd, const char *name);
void log_level_set(enum log_level level);
/* The descriptor that lines go to, to be handed to another process. */
int log_descriptor(void);
/* Opens the file again by its name, after it was renamed by a log rotation. */
int log_reopen(struct error *e);
/* True when such lines are written: to spare work. */
bool log_wants(enum log_level level);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

static inline struct log_field
log_slice(const char *key, struct slice value)
{
	return (struct log_field){ .key = key, .kind = LOG_KIND_TEXT, .text = value };
}

static inline struct log_field
log_str(const char *key, const char *value)
{
	return log_slice(key, slice_str(value));
}

static inline struct log_field
log_u64(const char *key, uint64_t value)
{
	return (struct log_field){ .key = key, .kind = LOG_KIND_U64, .number = value };
}

static inline struct log_field
log_i64(const char *key, int64_t value)
{
	return (struct log_field){ .key = key, .kind = LOG_KIND_I64, .number = (uint64_t)value };
}

/* error="syntax: the sentence" */
static inline struct log_field
log_error(const struct error *e)
{
	return log_slice("error", slice_str(e == NULL ? NULL : e->text));
}

/* At least one field; log_note() for none. */
#define log_event(level, event, ...) \
	log_write((level), (event), (const struct log_field[]){ __VA_ARGS__ }, \
	    sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define log_note(level, event) log_write((level), (event), NULL, 0)

#endif
