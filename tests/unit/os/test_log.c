/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"

static char name[64];

static struct slice
logged(struct buf *b)
{
	buf_clear(b);
	assert_ok(file_read(name, b, &unit_error));
	assert_int_equal(unlink(name), 0);
	assert_ok(log_reopen(&unit_error));
	return slice_from(buf_slice(b), sizeof "2025-02-03T04:05:06Z"); /* behind the date and its space */
}

static void
lines_are_fields(void **state)
{
	struct buf b;
	char text[5000];

	(void)state;
	(void)snprintf(name, sizeof name, "/tmp/letterlock-log-%d", (int)getpid());
	buf_init(&b, 100000);
	assert_ok(log_open(LOG_LEVEL_INFO, name, &unit_error));
	log_event(LOG_LEVEL_INFO, "a.b", log_str("peer", "192.0.2.1"), log_u64("n", 7), log_i64("d", -7));
	assert_slice(logged(&b), "info a.b peer=192.0.2.1 n=7 d=-7\n");
	log_event(LOG_LEVEL_WARNING, "x", log_slice("t", slice_of("a\nb\"c\\\xff\x1b\0", 9)));
	assert_slice(logged(&b), "warning x t=\"a\\x0ab\\\"c\\\\\\xff\\x1b\\x00\"\n");
	log_event(LOG_LEVEL_INFO, "x", log_str("t", ""), log_str("u", "\xe2\x80\xae"));
	assert_slice(logged(&b), "info x t=\"\" u=\"\\u{202e}\"\n");
	log_note(LOG_LEVEL_DEBUG, "silent");
	log_note(LOG_LEVEL_ERROR, "loud");
	assert_slice(logged(&b), "error loud\n");
	memset(text, '"', sizeof text);
	log_event(LOG_LEVEL_INFO, "x", log_slice("a", slice_of(text, sizeof text)),
	    log_slice("b", slice_of(text, sizeof text)), log_slice("c", slice_of(text, sizeof text)),
	    log_slice("d", slice_of(text, sizeof text)));
	(void)logged(&b);
	assert_int_equal(b.len, LOG_LINE_MAX);
	assert_int_equal(slice_find(buf_slice(&b), '\n'), LOG_LINE_MAX - 1);
	assert_ok(log_open(LOG_LEVEL_INFO, NULL, &unit_error));
	assert_int_equal(unlink(name), 0);
	buf_done(&b);
}

/* Its own stream, by device and inode, gets priorities in front; another one does not. */
static void
the_journal_gets_priorities(void **state)
{
	struct stat st;
	struct buf b;
	char stream[64];

	(void)state;
	(void)snprintf(name, sizeof name, "/tmp/letterlock-log-%d", (int)getpid());
	buf_init(&b, 100000);
	assert_ok(log_open(LOG_LEVEL_DEBUG, name, &unit_error));
	assert_int_equal(stat(name, &st), 0);
	(void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_ok(log_open(LOG_LEVEL_DEBUG, name, &unit_error));
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_FATAL; i++)
		log_note((enum log_level)i, "x.y");
	assert_ok(file_read(name, &b, &unit_error));
	for (size_t i = 0; i < 5; i++) {
		struct slice rest = buf_slice(&b), line = SLICE_EMPTY;

		for (size_t n = 0; n <= i; n++)
			line = slice_split(rest, '\n', &rest);
		assert_true(line.len > 24 && line.data[0] == '<' && line.data[1] == "76432"[i] && line.data[2] == '>');
		assert_memory_equal(line.data + 3, "20", 2); /* then the date */
	}
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	assert_ok(log_open(LOG_LEVEL_INFO, name, &unit_error));
	(void)logged(&b);
	log_note(LOG_LEVEL_INFO, "x.y");
	assert_slice(logged(&b), "info x.y\n");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_ok(log_open(LOG_LEVEL_INFO, NULL, &unit_error));
	assert_int_equal(unlink(name), 0);
	buf_done(&b);
}

static void
levels_have_names(void **state)
{
	(void)state;
	for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_FATAL; i++)
		assert_int_equal(log_level_parse(slice_str(log_level_name((enum log_level)i))), i);
	assert_int_equal(log_level_parse(SLICE("loud")), -1);
	assert_true(log_wants(LOG_LEVEL_FATAL));
	assert_int_not_equal(log_open(LOG_LEVEL_INFO, "/nowhere/at/all", &unit_error), 0);
}

UNIT_MAIN(UNIT_TEST(lines_are_fields), UNIT_TEST(the_journal_gets_priorities), UNIT_TEST(levels_have_names))
