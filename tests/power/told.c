/* SPDX-License-Identifier: ISC */
/*
 * Whether a data folder, whatever else came into it, still has all that a text
 * says of it (tests/data/store): each of its lines is found, in their order.
 *
 *   power_told FOLDER TEXT
 *
 * Status 0: all is there. Otherwise standard output has what is not.
 */
#include "store/folder.h"

#include "os/file.h"

static struct slice
line_take(struct slice *text)
{
	size_t end = slice_find(*text, '\n');
	struct slice line = slice_sub(*text, 0, end);

	*text = end < text->len ? slice_from(*text, end + 1) : SLICE_EMPTY;
	return line;
}

static bool
is_found(struct slice line, struct slice *rest)
{
	while (rest->len > 0) {
		if (slice_eq(line_take(rest), line))
			return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct buf told BUF_OWNED = { 0 }, wanted BUF_OWNED = { 0 };
	struct box b = { .options = { .segment_size = FOLDER_SEGMENT, .readers = 1 } };
	struct slice want, rest;
	int status = 0;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: power_told FOLDER TEXT\n");
		return 2;
	}
	(void)snprintf(b.folder, sizeof b.folder, "%s", argv[1]);
	arena_init(&b.arena, (size_t)256 << 20);
	buf_init(&told, 16 << 20);
	buf_init(&wanted, 16 << 20);
	assert_ok(file_read(argv[2], &wanted, &unit_error));
	box_open(&b);
	folder_tell(&b, &told);
	box_close(&b);
	arena_done(&b.arena);
	want = buf_slice(&wanted);
	rest = buf_slice(&told);
	while (want.len > 0 && status == 0) {
		struct slice line = line_take(&want);

		if (is_found(line, &rest))
			continue;
		(void)printf("what the folder had before its migration is not there: %.*s\n", SLICE_ARGS(line));
		status = 1;
	}
	return status;
}
