/* SPDX-License-Identifier: ISC */
/* Packing folders into a stream. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/archive_internal.h"
#include "os/archive_late.h"
#include "os/file.h"
#include "os/tree.h"

#define BLOCK (1u << 20)
#define NAMES_MAX (256u << 20) /* octets of the names of one folder */

struct packing {
	const struct archive_late *lib;
	const struct archive_pack *spec;
	struct archive *archive;
	struct archive_totals totals;
	struct stat own;   /* where the stream goes */
	int failed;        /* what write() said */
	struct error *why; /* and its sentence */
	uint8_t *block;
	char path[ARCHIVE_PATH_MAX]; /* in the archive */
	char source[FILE_PATH_MAX];  /* as a person would say it */
};

static int
fail(struct packing *p, const char *what, struct error *e)
{
	int errnum = errno, code = errnum == ENOENT ? ERR_NOT_FOUND : errnum == EACCES ? ERR_DENIED : ERR_IO;

	return error_set_errno(e, code, errnum, "cannot %s '%s'", what, p->source);
}

/* libarchive's error; a sink's own goes first. */
static int
archive_failed(struct packing *p, struct error *e)
{
	const char *text = p->lib->error_string(p->archive);

	if (p->failed != 0)
		return error_set(e, p->failed, "%s", p->why->text);
	return error_set(e, ERR_IO, "cannot pack '%s': %s", p->source, text == NULL ? "unknown reason" : text);
}

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct packing *p = ctx;
	int rc = p->failed != 0 ? p->failed : p->spec->write(p->spec->ctx, slice_of(data, len), p->why);

	if (rc == 0)
		return (la_ssize_t)len;
	p->failed = rc;
	p->lib->set_error(a, EIO, "the stream cannot be written");
	return -1;
}

static void
skip(const struct packing *p, const char *why)
{
	p->spec->skipped(p->spec->ctx, p->source, why);
}

/* ---- names ---- */

/* Adds "/name" to both paths; *path_len and *source_len are what they were. */
static int
go_down(struct packing *p, const char *name, size_t *path_len, size_t *source_len, struct error *e)
{
	size_t n = strlen(name);

	*path_len = strlen(p->path);
	*source_len = strlen(p->source);
	if (*path_len + n + 2 > sizeof p->path || *source_len + n + 2 > sizeof p->source)
		return error_set(e, ERR_LIMIT, "the path %.100s... is too long", p->source);
	(void)snprintf(p->path + *path_len, sizeof p->path - *path_len, "/%s", name);
	(void)snprintf(p->source + *source_len, sizeof p->source - *source_len, "/%s", name);
	return 0;
}

static void
go_up(struct packing *p, size_t path_len, size_t source_len)
{
	p->path[path_len] = '\0';
	p->source[source_len] = '\0';
}

/* ---- entries ---- */

static int
put_header(struct packing *p, const struct stat *st, const char *target, struct error *e)
{
	struct archive_entry *entry = p->lib->entry_new2(p->archive);
	int rc;

	if (entry == NULL)
		return error_nomem(e);
	if (++p->totals.entries > ARCHIVE_ENTRIES_MAX) {
		p->lib->entry_free(entry);
		return error_set(e, ERR_LIMIT, "there are more than %u files to pack", ARCHIVE_ENTRIES_MAX);
	}
	p->lib->entry_copy_pathname(entry, p->path);
	p->lib->entry_set_filetype(entry, st->st_mode & S_IFMT);
	p->lib->entry_set_perm(entry, st->st_mode & 0777);
	p->lib->entry_set_mtime(entry, st->st_mtim.tv_sec, 0);
	p->lib->entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	if (target != NULL)
		p->lib->entry_copy_symlink(entry, target);
	rc = p->lib->write_header(p->archive, entry);
	p->lib->entry_free(entry);
	return rc >= ARCHIVE_WARN ? 0 : archive_failed(p, e);
}

static int
put_content(struct packing *p, int fd, uint64_t size, struct error *e)
{
	while (size > 0) {
		ssize_t n = read(fd, p->block, size < BLOCK ? (size_t)size : BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(p, "read", e);
		if (n == 0)
			return error_set(e, ERR_IO, "'%s' became shorter while it was read", p->source);
		if (p->lib->write_data(p->archive, p->block, (size_t)n) != n)
			return archive_failed(p, e);
		size -= (uint64_t)n;
		p->totals.octets += (uint64_t)n;
	}
	return 0;
}

/* Opened first and looked at then: a name may mean something else by now. O_NONBLOCK: a FIFO would wait. */
static int
put_file(struct packing *p, int at, const char *name, struct error *e)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return fail(p, "open", e);
	if (fstat(fd, &st) != 0)
		rc = fail(p, "look at", e);
	else if (!S_ISREG(st.st_mode))
		rc = error_set(e, ERR_IO, "'%s' changed while it was read", p->source);
	else if (p->spec->own_fd >= 0 && st.st_dev == p->own.st_dev && st.st_ino == p->own.st_ino)
		rc = 0;
	else if ((rc = put_header(p, &st, NULL, e)) == 0)
		rc = put_content(p, fd, (uint64_t)st.st_size, e);
	(void)close(fd);
	return rc;
}

static unsigned
depth_of_folder(const char *path)
{
	unsigned depth = 0;

	for (; *path != '\0'; path++)
		depth += *path == '/';
	return depth;
}

static int
put_link(struct packing *p, int at, const char *name, const struct stat *st, struct error *e)
{
	char target[ARCHIVE_PATH_MAX];
	ssize_t n = readlinkat(at, name, target, sizeof target - 1);
	unsigned up;
	const char *refused;

	if (n < 0)
		return fail(p, "read the link", e);
	target[n] = '\0';
	refused = archive_link_check(target, depth_of_folder(p->path), &up);
	if (refused == NULL)
		return put_header(p, st, target, e);
	skip(p, refused);
	return 0;
}

/* ---- folders ---- */

struct names {
	struct buf text; /* each with its NUL */
	const char **items;
	size_t count;
};

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
read_names(struct packing *p, const struct tree *t, struct names *n, struct error *e)
{
	struct error why = { 0 };
	struct tree_list l;
	const char *name;
	size_t count = 0;
	int rc = tree_list_open(&l, t, "", e);

	buf_init(&n->text, NAMES_MAX);
	while (rc == 0 && (name = tree_list_next(&l, &why)) != NULL) {
		(void)buf_put(&n->text, name, strlen(name) + 1);
		count++;
	}
	tree_list_done(&l);
	if (rc == 0 && (why.code != 0 || n->text.err != 0))
		rc = error_set(e, ERR_IO, "the folder '%s' cannot be read", p->source);
	if (rc != 0)
		return rc;
	n->items = mem_array(count + 1, sizeof *n->items);
	if (n->items == NULL)
		return error_nomem(e);
	for (size_t at = 0; n->count < count; at += strlen(n->items[n->count - 1]) + 1)
		n->items[n->count++] = (const char *)n->text.data + at;
	qsort(n->items, n->count, sizeof *n->items, compare_names);
	return 0;
}

static int put(struct packing *p, int at, const char *name, bool follow, struct error *e);

static int
put_names(struct packing *p, const struct tree *t, const struct names *n, struct error *e)
{
	size_t path_len, source_len;
	int rc = 0;

	for (size_t i = 0; i < n->count && rc == 0; i++) {
		rc = go_down(p, n->items[i], &path_len, &source_len, e);
		if (rc != 0)
			break;
		rc = put(p, t->fd, n->items[i], false, e);
		go_up(p, path_len, source_len);
	}
	return rc;
}

static int
put_folder(struct packing *p, int at, const char *name, bool follow, struct error *e)
{
	struct tree t = { .fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)) };
	struct names n = { 0 };
	struct stat st;
	int rc = 0;

	if (t.fd < 0)
		return fail(p, "open the folder", e);
	(void)snprintf(t.path, sizeof t.path, "%s", p->source);
	if (depth_of_folder(p->path) + 1 > ARCHIVE_DEPTH_MAX)
		rc =
		    error_set(e, ERR_LIMIT, "'%.100s...' lies more than %u folders deep", p->source, ARCHIVE_DEPTH_MAX);
	else if (fstat(t.fd, &st) != 0)
		rc = fail(p, "look at", e);
	if (rc == 0)
		rc = put_header(p, &st, NULL, e);
	if (rc == 0)
		rc = read_names(p, &t, &n, e);
	if (rc == 0)
		rc = put_names(p, &t, &n, e);
	mem_free(n.items);
	buf_done(&n.text);
	tree_done(&t);
	return rc;
}

/* follow: what the person named may be a link; what lies in it is packed as the link that it is. */
static int
put(struct packing *p, int at, const char *name, bool follow, struct error *e)
{
	struct stat st;

	if (fstatat(at, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
		return fail(p, "look at", e);
	if (S_ISDIR(st.st_mode))
		return put_folder(p, at, name, follow, e);
	if (S_ISREG(st.st_mode) && !follow)
		return put_file(p, at, name, e);
	if (S_ISLNK(st.st_mode))
		return put_link(p, at, name, &st, e);
	if (S_ISREG(st.st_mode)) { /* named by the person, perhaps through a link */
		char real[PATH_MAX];

		return realpath(name, real) == NULL ? fail(p, "find", e) : put_file(p, AT_FDCWD, real, e);
	}
	if (follow) /* what was asked for by its name is not left out */
		return error_set(e, ERR_POLICY, "'%s' is no file or folder: it cannot be packed", p->source);
	skip(p, "it is no file, folder or link");
	return 0;
}

/* ---- the whole ---- */

/* The name that a path has in the archive: its last part, or that of where it really is (".", "..", "/"). */
static int
name_of(const char *path, char out[ARCHIVE_PATH_MAX], struct error *e)
{
	char real[PATH_MAX];
	struct slice s = slice_str(path);

	while (s.len > 1 && s.data[s.len - 1] == '/')
		s.len--;
	s = slice_from(s, slice_find_last(s, '/') == SIZE_MAX ? 0 : slice_find_last(s, '/') + 1);
	if (s.len == 0 || slice_eq_str(s, ".") || slice_eq_str(s, "..")) {
		if (realpath(path, real) == NULL)
			return error_set_errno(e, ERR_NOT_FOUND, errno, "cannot find '%s'", path);
		s = slice_str(strrchr(real, '/') + 1);
	}
	if (s.len == 0 || s.len > ARCHIVE_NAME_MAX)
		return error_set(e, ERR_USAGE, "'%.100s' has no name of its own to pack it under", path);
	memcpy(out, s.data, s.len);
	out[s.len] = '\0';
	return 0;
}

static int
check_doubles(const struct archive_pack *spec, struct error *e)
{
	char a[ARCHIVE_PATH_MAX], b[ARCHIVE_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < spec->count && rc == 0; i++) {
		rc = name_of(spec->paths[i], a, e);
		for (size_t j = 0; j < i && rc == 0; j++) {
			rc = name_of(spec->paths[j], b, e);
			if (rc == 0 && strcmp(a, b) == 0)
				rc = error_set(e, ERR_EXISTS, "two of the things to pack are named '%.100s'", a);
		}
	}
	return rc;
}

/* The pax global header with our comment: ustar, POSIX.1-2017. Other programs pass over it. */
static int
put_mark(struct packing *p, struct error *e)
{
	uint8_t head[ARCHIVE_HEAD] = { 0 };
	char *h = (char *)head;
	unsigned sum = 0;

	memcpy(h, "letterlock", 10);
	memcpy(h + 100, "0000644", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	memcpy(h + 124, "00000000035", 11); /* 29 octets of records */
	memcpy(h + 136, "00000000000", 11);
	memcpy(h + 148, "        ", 8);
	h[156] = 'g';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < 512; i++)
		sum += head[i];
	(void)snprintf(h + 148, 8, "%06o", sum);
	h[155] = ' ';
	memcpy(h + 512, "29 comment=letterlock folder\n", 29);
	return p->spec->write(p->spec->ctx, slice_of(head, sizeof head), e);
}

static int
begin(struct packing *p, struct error *e)
{
	p->lib = archive_late(e);
	if (p->lib == NULL)
		return ERR_IO;
	p->archive = p->lib->write_new();
	p->block = mem_alloc(BLOCK);
	if (p->archive == NULL || p->block == NULL)
		return error_nomem(e);
	if (p->spec->own_fd >= 0 && fstat(p->spec->own_fd, &p->own) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot look at the output");
	if (p->lib->write_set_format_pax_restricted(p->archive) != ARCHIVE_OK ||
	    p->lib->write_set_bytes_per_block(p->archive, BLOCK) != ARCHIVE_OK ||
	    p->lib->write_set_bytes_in_last_block(p->archive, 512) != ARCHIVE_OK ||
	    p->lib->write_open(p->archive, p, NULL, on_write, NULL) != ARCHIVE_OK)
		return error_set(e, ERR_INTERNAL, "libarchive cannot write tar");
	return put_mark(p, e);
}

static int
pack_all(struct packing *p, struct error *e)
{
	int rc = begin(p, e);

	for (size_t i = 0; i < p->spec->count && rc == 0; i++) {
		rc = name_of(p->spec->paths[i], p->path, e);
		if (rc == 0 && strlen(p->spec->paths[i]) >= sizeof p->source)
			rc = error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
		if (rc != 0)
			break;
		(void)snprintf(p->source, sizeof p->source, "%s", p->spec->paths[i]);
		rc = put(p, AT_FDCWD, p->spec->paths[i], true, e);
	}
	if (rc == 0 && p->lib->write_close(p->archive) != ARCHIVE_OK)
		rc = archive_failed(p, e);
	return rc;
}

int
archive_pack(const struct archive_pack *spec, struct archive_totals *totals_out, struct error *e)
{
	struct error why = { 0 };
	struct packing *p;
	struct archive_names names;
	int rc = check_doubles(spec, e);

	if (rc != 0)
		return rc;
	p = mem_alloc(sizeof *p);
	if (p == NULL)
		return error_nomem(e);
	*p = (struct packing){ .spec = spec, .why = &why };
	archive_names_begin(&names);
	rc = pack_all(p, e);
	if (rc != 0 && p->failed == 0)
		p->failed = rc; /* free() must not write what would look like an end */
	if (p->archive != NULL)
		(void)p->lib->write_free(p->archive);
	archive_names_end(&names);
	*totals_out = p->totals;
	mem_free(p->block);
	mem_free(p);
	return rc;
}
