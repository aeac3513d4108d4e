/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
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

UNIT_MAIN(UNIT_TEST(lines_are_fields), UNIT_TEST(levels_have_names))
