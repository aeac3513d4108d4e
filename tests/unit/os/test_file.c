/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

static char folder[64];

static const char *
in_folder(const char *name)
{
	static char path[FILE_PATH_MAX];

	assert_ok(path_join(path, folder, name, &unit_error));
	return path;
}

static int
count_entry(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return 0;
}

static int
count_files(void)
{
	int n = 0;

	assert_ok(dir_each(folder, count_entry, &n, &unit_error));
	return n;
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/letterlock-test-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
remove_entry(void *ctx, const char *name)
{
	(void)ctx;
	return remove(in_folder(name));
}

static int
tear_down(void **state)
{
	(void)state;
	(void)dir_each(folder, remove_entry, NULL, NULL);
	return rmdir(folder);
}

static void
a_written_file_is_read_back(void **state)
{
	struct buf b;
	struct stat st;

	(void)state;
	buf_init(&b, 5);
	assert_false(file_exists(in_folder("a")));
	assert_int_equal(file_read(in_folder("a"), &b, &unit_error), ERR_NOT_FOUND);
	assert_ok(file_write_atomic(in_folder("a"), SLICE("first"), 0600, &unit_error));
	assert_ok(file_read(in_folder("a"), &b, &unit_error));
	assert_slice(buf_slice(&b), "first");
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(file_write_atomic(in_folder("a"), SLICE("other"), 0644, &unit_error));
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	buf_clear(&b);
	assert_ok(file_read(in_folder("a"), &b, &unit_error));
	assert_slice(buf_slice(&b), "other");
	assert_ok(file_write_atomic(in_folder("a"), SLICE("longer"), 0600, &unit_error));
	buf_clear(&b);
	assert_int_equal(file_read(in_folder("a"), &b, &unit_error), ERR_LIMIT);
	assert_int_equal(file_read(folder, &b, &unit_error), ERR_IO);
	assert_ok(file_remove(in_folder("a"), &unit_error));
	assert_ok(file_remove(in_folder("a"), &unit_error));
	assert_int_equal(count_files(), 0);
	buf_done(&b);
}

static void
without_commit_there_is_no_file(void **state)
{
	struct file_writer w;

	(void)state;
	assert_ok(file_writer_open(&w, in_folder("half"), 0600, FILE_REPLACE, &unit_error));
	assert_ok(file_writer_put(&w, SLICE("half of it"), &unit_error));
	assert_false(file_exists(in_folder("half")));
	file_writer_done(&w);
	assert_int_equal(count_files(), 0);
}

static void
a_new_file_replaces_nothing(void **state)
{
	struct file_writer w;
	struct buf b;

	(void)state;
	assert_ok(file_writer_open(&w, in_folder("new"), 0600, FILE_NEW, &unit_error));
	assert_ok(file_writer_put(&w, SLICE("mine"), &unit_error));
	assert_ok(file_write_atomic(in_folder("new"), SLICE("theirs"), 0600, &unit_error));
	assert_int_equal(file_writer_commit(&w, &unit_error), ERR_EXISTS);
	file_writer_done(&w);
	assert_int_equal(file_writer_open(&w, in_folder("new"), 0600, FILE_NEW, &unit_error), ERR_EXISTS);
	file_writer_done(&w);
	buf_init(&b, 100);
	assert_ok(file_read(in_folder("new"), &b, &unit_error));
	assert_slice(buf_slice(&b), "theirs");
	buf_done(&b);
	assert_ok(file_remove(in_folder("new"), &unit_error));
	assert_ok(file_writer_open(&w, in_folder("new"), 0600, FILE_NEW, &unit_error));
	assert_ok(file_writer_commit(&w, &unit_error));
	file_writer_done(&w);
	assert_int_equal(count_files(), 1);
	assert_ok(file_remove(in_folder("new"), &unit_error));
}

static void
a_file_without_a_name_gets_one_at_the_end(void **state)
{
	BUF_OWNED struct buf text = { .max = 10 };
	int before = count_files();
	struct file_writer w;

	(void)state;
	assert_ok(file_writer_open_unnamed(&w, in_folder("unnamed"), FILE_NEW, &unit_error));
	assert_ok(file_writer_put(&w, SLICE("text"), &unit_error));
	assert_false(file_exists(in_folder("unnamed")));
	file_writer_done(&w);
	assert_int_equal(count_files(), before);
	for (int round = 0; round < 2; round++) {
		assert_ok(file_writer_open_unnamed(
		    &w, in_folder("unnamed"), round == 0 ? FILE_NEW : FILE_REPLACE, &unit_error));
		assert_ok(file_writer_put(&w, round == 0 ? SLICE("one") : SLICE("two"), &unit_error));
		assert_ok(file_writer_commit(&w, &unit_error));
		file_writer_done(&w);
	}
	assert_ok(file_read(in_folder("unnamed"), &text, &unit_error));
	assert_slice(buf_slice(&text), "two");
	assert_int_equal(count_files(), before + 1);
	assert_int_equal(file_writer_open_unnamed(&w, in_folder("unnamed"), FILE_NEW, &unit_error), ERR_EXISTS);
	assert_int_equal(file_writer_open_unnamed(&w, in_folder("no/such"), FILE_NEW, &unit_error), ERR_NOT_FOUND);
	/* the name was taken in the meantime */
	assert_ok(file_writer_open_unnamed(&w, in_folder("taken"), FILE_NEW, &unit_error));
	assert_ok(file_write_atomic(in_folder("taken"), SLICE("mine"), 0600, &unit_error));
	assert_int_equal(file_writer_commit(&w, &unit_error), ERR_EXISTS);
	file_writer_done(&w);
	assert_int_equal(count_files(), before + 2);
}

static void
folders_are_private(void **state)
{
	(void)state;
	assert_ok(dir_make_private(in_folder("x/y"), &unit_error));
	assert_ok(dir_make_private(in_folder("x/y"), &unit_error));
	assert_ok(dir_check_private(in_folder("x/y"), &unit_error));
	assert_int_equal(chmod(in_folder("x/y"), 0750), 0);
	assert_int_equal(dir_check_private(in_folder("x/y"), &unit_error), ERR_DENIED);
	assert_int_equal(rmdir(in_folder("x/y")), 0);
	assert_ok(file_write_atomic(in_folder("f"), SLICE(""), 0600, &unit_error));
	assert_int_equal(dir_make_private(in_folder("f"), &unit_error), ERR_EXISTS);
	assert_int_equal(dir_check_private(in_folder("f"), &unit_error), ERR_DENIED);
	assert_int_equal(dir_check_private(in_folder("none"), &unit_error), ERR_NOT_FOUND);
}

static void
put_file(const char *name)
{
	assert_ok(file_write_atomic(in_folder(name), SLICE("x"), 0600, &unit_error));
}

static void
a_folder_replaces_another(void **state)
{
	char made[FILE_PATH_MAX], path[FILE_PATH_MAX];
	bool exchanged = true;

	(void)state;
	assert_ok(path_join(made, folder, "made", &unit_error));
	assert_ok(path_join(path, folder, "path", &unit_error));
	assert_ok(dir_make_private(made, &unit_error));
	put_file("made/new");
	assert_ok(dir_replace(made, path, &exchanged, &unit_error)); /* nothing there */
	assert_true(!exchanged && file_exists(in_folder("path/new")) && !file_exists(made));
	assert_ok(dir_make_private(made, &unit_error));
	assert_ok(dir_replace(path, made, &exchanged, &unit_error)); /* an empty one */
	assert_true(!exchanged && file_exists(in_folder("made/new")) && !file_exists(path));
	assert_ok(dir_make_private(path, &unit_error));
	put_file("path/old");
	assert_ok(dir_replace(made, path, &exchanged, &unit_error));
	assert_true(exchanged && file_exists(in_folder("path/new")) && file_exists(in_folder("made/old")));
	assert_ok(file_remove(in_folder("path/new"), &unit_error));
	assert_ok(file_remove(in_folder("made/old"), &unit_error));
	put_file("file");
	assert_int_not_equal(dir_replace(made, in_folder("file"), &exchanged, NULL), 0);
	assert_true(file_exists(made) && file_exists(in_folder("file")));
	assert_int_equal(dir_replace(in_folder("none"), path, &exchanged, NULL), ERR_NOT_FOUND);
	assert_int_equal(rmdir(made) + rmdir(path), 0);
	assert_ok(file_remove(in_folder("file"), &unit_error));
}

static void
a_lock_is_held_once(void **state)
{
	int a, b, none = -1;

	(void)state;
	assert_ok(file_lock_shared(in_folder("lock"), &none, &unit_error));
	assert_int_equal(none, -1);
	assert_false(file_exists(in_folder("lock")));
	assert_ok(file_lock(in_folder("lock"), false, &a, &unit_error));
	assert_int_equal(file_lock(in_folder("lock"), false, &b, &unit_error), ERR_EXISTS);
	assert_int_equal(file_lock_shared(in_folder("lock"), &b, &unit_error), ERR_EXISTS);
	file_unlock(a);
	assert_ok(file_lock_shared(in_folder("lock"), &a, &unit_error));
	assert_ok(file_lock_shared(in_folder("lock"), &b, &unit_error));
	assert_int_equal(file_lock(in_folder("lock"), false, &none, &unit_error), ERR_EXISTS);
	file_unlock(a);
	file_unlock(b);
	assert_ok(file_lock(in_folder("lock"), true, &b, &unit_error));
	file_unlock(b);
}

static void
long_paths_are_refused(void **state)
{
	char name[FILE_PATH_MAX + 10], out[FILE_PATH_MAX];
	struct buf b;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	buf_init(&b, 10);
	assert_int_equal(file_read(name, &b, NULL), ERR_LIMIT);
	assert_int_equal(file_write_atomic(name, SLICE_EMPTY, 0600, NULL), ERR_LIMIT);
	assert_int_equal(dir_make_private(name, NULL), ERR_LIMIT);
	assert_int_equal(path_join(out, "/tmp", name, NULL), ERR_LIMIT);
	assert_ok(path_join(out, "/tmp/", "x", &unit_error));
	assert_string_equal(out, "/tmp/x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(a_written_file_is_read_back),
		UNIT_TEST(without_commit_there_is_no_file), UNIT_TEST(a_new_file_replaces_nothing),
		UNIT_TEST(a_file_without_a_name_gets_one_at_the_end), UNIT_TEST(folders_are_private),
		UNIT_TEST(a_folder_replaces_another), UNIT_TEST(a_lock_is_held_once),
		UNIT_TEST(long_paths_are_refused) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
