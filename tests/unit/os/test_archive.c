/* SPDX-License-Identifier: ISC */
#include "os/archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/archive_internal.h"
#include "os/file.h"
#include "unit.h"

static char place[] = "/tmp/letterlock-archive-XXXXXX";
static int before;

static int
set_up(void **state)
{
	(void)state;
	before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mkdtemp(place) == NULL || chdir(place) != 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "d/sub/a", "d/sub", "d/l", "d/out", "d", "e/sub/a", "e/sub", "e/l", "e",
		"f" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (unlink(names[i]) != 0)
			(void)rmdir(names[i]);
	}
	return fchdir(before) != 0 || close(before) != 0 || rmdir(place) != 0;
}

static void
paths(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
		unsigned depth;
	} rows[] = {
		{ "a", "a", 1 },
		{ "./a//b/./c/", "a/b/c", 3 },
		{ "./", "", 0 },
		{ "a..b/...", "a..b/...", 2 },
		{ "", NULL, 0 },
		{ "/a", NULL, 0 },
		{ "//a", NULL, 0 },
		{ "..", NULL, 0 },
		{ "a/..", NULL, 0 },
		{ "a/../b", NULL, 0 },
		{ "./../b", NULL, 0 },
	};
	char out[ARCHIVE_PATH_MAX];
	unsigned depth;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *refused = archive_path_clean(rows[i].in, out, &depth);

		assert_int_equal(refused == NULL, rows[i].out != NULL);
		if (refused == NULL) {
			assert_string_equal(out, rows[i].out);
			assert_int_equal(depth, rows[i].depth);
		}
	}
	assert_non_null(archive_path_clean(NULL, out, &depth));
}

static void
links(void **state)
{
	static const struct {
		const char *target;
		unsigned depth;
		bool good;
		unsigned up;
	} rows[] = {
		{ "a", 0, true, 0 },
		{ "a/b", 0, true, 0 },
		{ "./a", 0, true, 0 },
		{ ".", 0, true, 0 },
		{ "..", 1, true, 1 },
		{ "../../a", 2, true, 2 },
		{ "./../a", 1, true, 1 },
		{ "", 0, false, 0 },
		{ "/", 3, false, 0 },
		{ "..", 0, false, 0 },
		{ "../../a", 1, false, 0 },
		{ "a/..", 3, false, 0 },
		{ "../a/../b", 3, false, 0 },
	};
	unsigned up;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *refused = archive_link_check(rows[i].target, rows[i].depth, &up);

		assert_int_equal(refused == NULL, rows[i].good);
		if (refused == NULL)
			assert_int_equal(up, rows[i].up);
	}
}

/* ---- there and back ---- */

static int
put(void *ctx, struct slice data, struct error *e)
{
	(void)e;
	return write(*(const int *)ctx, data.data, data.len) == (ssize_t)data.len ? 0 : ERR_IO;
}

static void
skipped(void *ctx, const char *path, const char *why)
{
	(void)ctx;
	(void)why;
	assert_string_equal(path, "d/out");
}

static int
count_items(void *ctx, const struct archive_item *item, struct error *e)
{
	(void)e;
	assert_null(item->refused);
	++*(unsigned *)ctx;
	return 0;
}

static void
a_folder_comes_back(void **state)
{
	static const char *const paths_in[] = { "d" };
	int fd = memfd_create("archive", MFD_CLOEXEC);
	const struct archive_pack pack = {
		.paths = paths_in, .count = 1, .own_fd = fd, .write = put, .skipped = skipped, .ctx = &fd
	};
	const struct archive_unpack unpack = { .fd = fd, .folder = "e" };
	struct archive_totals totals;
	BUF_OWNED struct buf text = { .max = 100 };
	unsigned count = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_ok(mkdir("d", 0755));
	assert_ok(mkdir("d/sub", 0700));
	assert_ok(file_write_atomic("d/sub/a", SLICE("text"), 0600, &unit_error));
	assert_ok(symlink("sub/a", "d/l"));
	assert_ok(symlink("../../x", "d/out"));
	assert_ok(archive_pack(&pack, &totals, &unit_error));
	assert_int_equal(totals.entries, 4);
	assert_int_equal(totals.octets, 4);
	assert_true(archive_is_folder(fd));
	assert_ok(archive_list(fd, count_items, &count, &totals, &unit_error));
	assert_int_equal(count, 4);
	assert_ok(archive_unpack(&unpack, &totals, &unit_error));
	assert_ok(file_read("e/l", &text, &unit_error));
	assert_true(slice_eq_str(buf_slice(&text), "text"));
	assert_int_equal(archive_unpack(&unpack, &totals, &unit_error), ERR_EXISTS);
	(void)close(fd);
}

static bool
stop_now(void)
{
	return true;
}

static void
stopping_leaves_nothing(void **state)
{
	static const char *const paths_in[] = { "d" };
	int fd = memfd_create("archive", MFD_CLOEXEC);
	const struct archive_pack pack = {
		.paths = paths_in, .count = 1, .own_fd = -1, .write = put, .skipped = skipped, .ctx = &fd
	};
	const struct archive_unpack unpack = { .fd = fd, .folder = "f", .stopped = stop_now };
	struct archive_totals totals;

	(void)state;
	assert_ok(archive_pack(&pack, &totals, &unit_error));
	assert_int_equal(archive_unpack(&unpack, &totals, &unit_error), ERR_CLOSED);
	assert_false(file_exists("f"));
	(void)close(fd);
}

static void
two_of_one_name_are_refused(void **state)
{
	static const char *const paths_in[] = { "d", "./d/" };
	int fd = memfd_create("archive", MFD_CLOEXEC);
	const struct archive_pack pack = {
		.paths = paths_in, .count = 2, .own_fd = -1, .write = put, .skipped = skipped, .ctx = &fd
	};
	struct archive_totals totals;

	(void)state;
	assert_int_equal(archive_pack(&pack, &totals, &unit_error), ERR_EXISTS);
	assert_false(archive_is_folder(fd));
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(links),
		cmocka_unit_test(a_folder_comes_back),
		cmocka_unit_test(stopping_leaves_nothing),
		cmocka_unit_test(two_of_one_name_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
