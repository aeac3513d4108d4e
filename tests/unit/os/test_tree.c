/* SPDX-License-Identifier: ISC */
#include "os/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char place[] = "/tmp/letterlock-tree-XXXXXX";
static struct tree tree;

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(place) == NULL || tree_open(&tree, place, &unit_error) != 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "a/b/file", "a/b", "a/link", "a/fifo", "a/folder", "a", "moved" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (unlinkat(tree.fd, names[i], 0) != 0)
			(void)unlinkat(tree.fd, names[i], AT_REMOVEDIR);
	}
	tree_done(&tree);
	return rmdir(place);
}

static void
put(const char *name, const char *text, int64_t mtime)
{
	struct tree_writer w;

	assert_ok(tree_writer_open(&w, &tree, name, &unit_error));
	assert_ok(tree_writer_put(&w, slice_str(text), &unit_error));
	assert_ok(tree_writer_date(&w, mtime, &unit_error));
	assert_ok(tree_writer_sync(&w, &unit_error));
	tree_writer_done(&w);
}

static void
files_and_folders(void **state)
{
	struct tree_entry entry;
	struct tree_writer w;
	struct tree_list list;
	struct tree_file f;
	char text[10];

	(void)state;
	assert_ok(tree_make(&tree, "a/b", &unit_error));
	assert_ok(tree_make(&tree, "a/b", &unit_error));
	put("a/b/file", "text", 1234567890);
	assert_int_equal(tree_writer_open(&w, &tree, "a/b/file", &unit_error), ERR_EXISTS);
	assert_int_equal(tree_make(&tree, "a/b/file", &unit_error), ERR_EXISTS);
	assert_ok(tree_look(&tree, "a/b/file", &entry, &unit_error));
	assert_int_equal(entry.kind, TREE_FILE);
	assert_int_equal(entry.mtime, 1234567890);
	assert_ok(tree_file_open(&f, &tree, "a/b/file", &unit_error));
	assert_int_equal(f.size, 4);
	assert_int_equal(tree_file_read(&f, 1, text, sizeof text, &unit_error), 3);
	assert_int_equal(tree_file_read(&f, 4, text, sizeof text, &unit_error), 0);
	tree_file_done(&f);
	assert_ok(tree_writer_open(&w, &tree, "a/b/cut", &unit_error));
	assert_ok(tree_writer_put(&w, SLICE("text"), &unit_error));
	assert_ok(tree_writer_cut(&w, 2, &unit_error));
	assert_ok(tree_writer_put(&w, SLICE("a"), &unit_error));
	tree_writer_done(&w);
	assert_ok(tree_file_open(&f, &tree, "a/b/cut", &unit_error));
	assert_int_equal(tree_file_read(&f, 0, text, sizeof text, &unit_error), 3);
	assert_memory_equal(text, "tea", 3);
	tree_file_done(&f);
	assert_ok(tree_remove(&tree, "a/b/cut", &unit_error));
	assert_ok(tree_list_open(&list, &tree, "a", &unit_error));
	assert_string_equal(tree_list_next(&list, &unit_error), "b");
	assert_null(tree_list_next(&list, &unit_error));
	assert_int_equal(unit_error.code, 0);
	tree_list_done(&list);
	assert_ok(tree_sync(&tree, "a/b", &unit_error));
	assert_ok(tree_sync(&tree, "", &unit_error));
	assert_ok(tree_sync_all(&tree, &unit_error));
	assert_int_equal(tree_file_open(&f, &tree, "a/none", &unit_error), ERR_NOT_FOUND);
	assert_int_equal(tree_look(&tree, "none/file", &entry, &unit_error), ERR_NOT_FOUND);
}

static void
nothing_is_replaced(void **state)
{
	struct tree_entry entry;

	(void)state;
	put("moved", "first", 1);
	assert_int_equal(tree_rename(&tree, "a/b/file", "moved", &unit_error), ERR_EXISTS);
	assert_ok(tree_look(&tree, "moved", &entry, &unit_error));
	assert_int_equal(entry.size, 5);
	assert_ok(tree_replace(&tree, "moved", "a/b/file", &unit_error));
	assert_ok(tree_look(&tree, "a/b/file", &entry, &unit_error));
	assert_int_equal(entry.size, 5);
	assert_ok(tree_remove(&tree, "moved", &unit_error));
	assert_ok(tree_rename(&tree, "a/b/file", "moved", &unit_error));
	assert_ok(tree_rename(&tree, "moved", "a/b/file", &unit_error));
}

/* A link leads nowhere, also as a folder on the way; what is no file is not opened, and nobody waits for a FIFO's writer. */
static void
links_and_pipes(void **state)
{
	struct tree_entry entry;
	struct tree_list list;
	struct tree_writer w;
	struct tree_file f;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", tree.fd, "a/link"), 0);
	assert_int_equal(symlinkat("/etc", tree.fd, "a/folder"), 0);
	assert_int_equal(mkfifoat(tree.fd, "a/fifo", 0600), 0);
	assert_int_equal(tree_file_open(&f, &tree, "a/link", &unit_error), ERR_DENIED);
	assert_int_equal(tree_file_open(&f, &tree, "a/fifo", &unit_error), ERR_DENIED);
	assert_int_equal(tree_file_open(&f, &tree, "a/b", &unit_error), ERR_DENIED);
	assert_int_not_equal(tree_file_open(&f, &tree, "a/folder/passwd", &unit_error), 0);
	assert_int_not_equal(tree_look(&tree, "a/folder/passwd", &entry, &unit_error), 0);
	assert_int_not_equal(tree_list_open(&list, &tree, "a/folder", &unit_error), 0);
	assert_int_not_equal(tree_writer_open(&w, &tree, "a/folder/new", &unit_error), 0);
	assert_int_equal(tree_writer_open(&w, &tree, "a/link", &unit_error), ERR_EXISTS);
	assert_int_equal(tree_make(&tree, "a/folder/new", &unit_error), ERR_EXISTS);
	assert_int_equal(tree_make(&tree, "a/fifo/new", &unit_error), ERR_EXISTS);
	assert_ok(tree_look(&tree, "a/link", &entry, &unit_error));
	assert_int_equal(entry.kind, TREE_LINK);
	assert_ok(tree_look(&tree, "a/fifo", &entry, &unit_error));
	assert_int_equal(entry.kind, TREE_OTHER);
}

static void
what_is_given_and_removed(void **state)
{
	struct tree_entry entry;

	(void)state;
	assert_ok(tree_make(&tree, "given", &unit_error));
	put("given/one", "1", 0);
	assert_int_equal(linkat(tree.fd, "given/one", tree.fd, "given/two", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", tree.fd, "given/link"), 0);
	assert_int_equal(symlinkat("/etc", tree.fd, "given/folder"), 0);
	assert_int_equal(mkfifoat(tree.fd, "given/fifo", 0600), 0);
	assert_int_equal(tree_give(&tree, "given/one", getuid(), getgid(), &unit_error), ERR_DENIED);
	assert_int_not_equal(tree_give(&tree, "given/link", getuid(), getgid(), &unit_error), 0);
	assert_int_not_equal(tree_give(&tree, "given/folder", getuid(), getgid(), &unit_error), 0);
	assert_int_equal(tree_give(&tree, "given/fifo", getuid(), getgid(), &unit_error), ERR_DENIED);
	assert_ok(tree_remove(&tree, "given/two", &unit_error));
	assert_ok(tree_give(&tree, "given/one", getuid(), getgid(), &unit_error));
	assert_ok(tree_give(&tree, "given", getuid(), getgid(), &unit_error));
	assert_ok(tree_give(&tree, "", getuid(), getgid(), &unit_error));
	assert_ok(tree_remove_all(&tree, "given/folder", &unit_error));
	assert_ok(tree_remove_all(&tree, "given", &unit_error));
	assert_int_equal(tree_look(&tree, "given", &entry, &unit_error), ERR_NOT_FOUND);
	assert_ok(tree_remove_all(&tree, "given", &unit_error));
	/* Only one floor: what is deeper is not ours. */
	assert_ok(tree_make(&tree, "a/b", &unit_error));
	assert_int_not_equal(tree_remove_all(&tree, "a", &unit_error), 0);
	assert_ok(tree_look(&tree, "a/b", &entry, &unit_error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(files_and_folders), UNIT_TEST(nothing_is_replaced),
		UNIT_TEST(links_and_pipes), UNIT_TEST(what_is_given_and_removed) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
