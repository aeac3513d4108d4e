/* SPDX-License-Identifier: ISC */
#include "client/file_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/file_command.h"

int
file_source_open(struct file_source *s, const char *path, const char *label, struct error *e)
{
	int rc;

	*s = (struct file_source){ .progress = { .label = label } };
	rc = file_reader_open(&s->r, path, e);
	if (rc != 0)
		return rc;
	s->progress.total = s->r.size;
	s->block = mem_alloc(FILE_BLOCK);
	return s->block == NULL ? error_nomem(e) : 0;
}

static int
next_block(void *ctx, struct slice *piece_out, struct error *e)
{
	struct file_source *s = ctx;
	ssize_t n;
	int rc = file_check_stopped(e);

	if (rc != 0)
		return rc;
	n = file_reader_get(&s->r, s->block, FILE_BLOCK, e);
	if (n < 0)
		return (int)n;
	s->done += (uint64_t)n;
	if (s->progress.label != NULL)
		progress_show(&s->progress, s->done);
	*piece_out = slice_of(s->block, (size_t)n);
	return 0;
}

struct pgp_source
file_source_source(struct file_source *s)
{
	return (struct pgp_source){ next_block, s };
}

void
file_source_done(struct file_source *s)
{
	progress_done(&s->progress);
	file_reader_done(&s->r);
	mem_free(s->block);
	s->block = NULL;
}

int
file_source_again(struct file_source *s, struct error *e)
{
	if (s->r.borrowed || lseek(s->r.fd, 0, SEEK_SET) != 0)
		return error_set(e, ERR_IO, "%s cannot be read a second time", s->r.path);
	s->done = 0;
	return 0;
}

uint64_t
file_source_size(const struct file_source *s)
{
	struct stat st;

	if (fstat(s->r.fd, &st) != 0 || !S_ISREG(st.st_mode) || s->r.borrowed)
		return UINT64_MAX;
	return (uint64_t)st.st_size;
}

int
file_output_open(struct file_writer *w, const char *path, bool force, struct error *e)
{
	struct stat st;

	if (force && strcmp(path, "-") != 0 && lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(e, ERR_EXISTS, "%s is no plain file, and such is never replaced", path);
	return file_writer_open_unnamed(w, path, force ? FILE_REPLACE : FILE_NEW, e);
}

static int
write_out(void *ctx, struct slice data, struct error *e)
{
	int rc = file_check_stopped(e);

	return rc == 0 ? file_writer_put(ctx, data, e) : rc;
}

struct pgp_sink
file_sink(struct file_writer *w)
{
	return (struct pgp_sink){ write_out, w };
}

static int
plain_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	(void)ctx;
	(void)literal;
	(void)e;
	return 0;
}

static int
plain_commit(void *ctx, struct error *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void
plain_abort(void *ctx)
{
	(void)ctx;
}

struct pgp_plain
file_plain(struct file_writer *w)
{
	static const struct pgp_plain_ops ops = { plain_begin, write_out, plain_commit, plain_abort };

	return (struct pgp_plain){ &ops, w };
}

int
file_finish(struct file_writer *w, enum file_mode mode, struct error *e)
{
	mode_t mask;

	if (mode == FILE_USUAL && !w->borrowed) {
		mask = umask(077);
		(void)umask(mask);
		if (fchmod(w->fd, 0666 & ~mask) != 0)
			return error_set_errno(e, ERR_IO, errno, "cannot set the mode of %s", w->path);
	}
	return file_writer_commit(w, e);
}

/* ---- names ---- */

int
file_name_add(const char *path, const char *suffix, char out[FILE_PATH_MAX], struct error *e)
{
	size_t len = strlen(path), n = strlen(suffix);
	struct slice last;

	while (len > 1 && path[len - 1] == '/')
		len--;
	last = slice_of(path, len);
	last = slice_from(last, slice_find_last(last, '/') == SIZE_MAX ? 0 : slice_find_last(last, '/') + 1);
	if (last.len == 0 || slice_eq_str(last, ".") || slice_eq_str(last, ".."))
		return error_set(e, ERR_USAGE, "'%.100s' has no name of its own: say where to with --output", path);
	if (len + n >= FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
	memcpy(out, path, len);
	memcpy(out + len, suffix, n + 1);
	return 0;
}

bool
file_name_cut(const char *path, const char *const *suffixes, char out[FILE_PATH_MAX])
{
	struct slice name = slice_str(path);

	for (; *suffixes != NULL; suffixes++) {
		struct slice suffix = slice_str(*suffixes), rest;

		if (name.len <= suffix.len || name.len >= FILE_PATH_MAX)
			continue;
		rest = slice_sub(name, 0, name.len - suffix.len);
		if (!slice_ieq(slice_from(name, rest.len), suffix) || rest.data[rest.len - 1] == '/')
			continue;
		memcpy(out, rest.data, rest.len);
		out[rest.len] = '\0';
		return true;
	}
	return false;
}
