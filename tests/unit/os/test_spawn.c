/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/paths.h"
#include "os/spawn.h"
#include "os/terminal.h"

static void
a_program_gets_and_gives(void **state)
{
	const char *const cat[] = { "cat", NULL }, *const none[] = { "/no/such/program", NULL };
	const char *const fails[] = { "false", NULL };
	struct spawn_result r;
	struct buf b;
	uint8_t *big = mem_alloc(1 << 20);

	(void)state;
	buf_init(&b, 2 << 20);
	assert_ok(spawn_run(cat, slice_of(big, 1 << 20), &b, 10000, &r, &unit_error));
	assert_int_equal(r.status, 0);
	assert_int_equal(b.len, 1 << 20);
	assert_ok(spawn_run(fails, slice_of(big, 1 << 20), NULL, 10000, &r, &unit_error));
	assert_int_equal(r.status, 1);
	assert_int_equal(spawn_run(none, SLICE_EMPTY, NULL, 1000, &r, &unit_error), ERR_NOT_FOUND);
	mem_free(big);
	buf_done(&b);
}

static void
bounds_are_kept(void **state)
{
	const char *const sleeps[] = { "sleep", "100", NULL }, *const endless[] = { "yes", NULL };
	struct spawn_result r;
	struct buf b;
	int64_t from = clock_ms();

	(void)state;
	assert_int_equal(spawn_run(sleeps, SLICE_EMPTY, NULL, 100, &r, &unit_error), ERR_TIMEOUT);
	assert_true(clock_ms() - from < 50000);
	buf_init(&b, 100000);
	assert_int_equal(spawn_run(endless, SLICE_EMPTY, &b, 60000, &r, &unit_error), ERR_LIMIT);
	assert_int_equal(b.len, 100000);
	buf_done(&b);
}

static void
a_detached_program_lives_by_itself(void **state)
{
	const char *const ends[] = { "true", NULL }, *const none[] = { "/no/such/program", NULL };

	(void)state;
	assert_ok(spawn_detached(ends, &unit_error));
	assert_int_equal(spawn_detached(none, &unit_error), ERR_NOT_FOUND);
}

static void
places_follow_xdg(void **state)
{
	char path[FILE_PATH_MAX];

	(void)state;
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/etc/xyz", 1), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
	assert_int_equal(setenv("HOME", "/home/u", 1), 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_ok(paths_config(path, &unit_error));
	assert_string_equal(path, "/etc/xyz/letterlock");
	assert_ok(paths_data(path, &unit_error));
	assert_string_equal(path, "/home/u/.local/share/letterlock");
	assert_ok(paths_runtime(path, &unit_error));
	assert_non_null(strstr(path, "/tmp/letterlock-"));
	assert_ok(paths_self(path, &unit_error));
	assert_non_null(strstr(path, "spawn"));
}

static void
a_secret_is_one_line(void **state)
{
	struct buf b;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "first one\r\nsecond", 17), 17);
	(void)close(fd[1]);
	buf_init(&b, TERMINAL_SECRET_MAX);
	assert_ok(secret_from_fd(fd[0], &b, &unit_error));
	assert_slice(buf_slice(&b), "first one");
	buf_clear(&b);
	assert_ok(secret_from_fd(fd[0], &b, &unit_error));
	assert_slice(buf_slice(&b), "second");
	buf_clear(&b);
	assert_int_equal(secret_from_fd(fd[0], &b, &unit_error), ERR_CLOSED);
	(void)close(fd[0]);
	buf_wipe_done(&b);
	assert_false(terminal_is(fd[0]));
}

UNIT_MAIN(UNIT_TEST(a_program_gets_and_gives), UNIT_TEST(bounds_are_kept),
    UNIT_TEST(a_detached_program_lives_by_itself), UNIT_TEST(places_follow_xdg), UNIT_TEST(a_secret_is_one_line))
