/* SPDX-License-Identifier: ISC */
/* Listing and unpacking a stream that somebody else made. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#define BLOCK (1u << 18)

/* ---- reading, for both ---- */

struct reading {
	const struct archive_late *lib;
	struct archive *archive;
	struct archive_entry *entry;
	struct archive_totals totals;
	uint64_t octets_max;
	/* the entry */
	struct archive_item item;
	char path[ARCHIVE_PATH_MAX]; /* cleaned */
	unsigned depth;              /* parts of it */
	unsigned up;                 /* steps that a link goes up */
};

static int
broken(struct reading *r, struct error *e)
{
	const char *text = r->lib->error_string(r->archive);

	return error_set(
	    e, ERR_SYNTAX, "this is no tar that can be read: %.150s", text == NULL ? "unknown reason" : text);
}

static int
reading_begin(struct reading *r, int fd, struct error *e)
{
	struct stat st;

	*r = (struct reading){ .lib = archive_late(e) };
	if (r->lib == NULL)
		return ERR_IO;
	r->archive = r->lib->read_new();
	if (r->archive == NULL)
		return error_nomem(e);
	if (fstat(fd, &st) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot read the archive again from its beginning");
	r->octets_max = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (__builtin_mul_overflow(r->octets_max, ARCHIVE_RATIO_MAX, &r->octets_max) ||
	    r->octets_max > ARCHIVE_TOTAL_MAX)
		r->octets_max = ARCHIVE_TOTAL_MAX;
	if (r->octets_max < ARCHIVE_TOTAL_FREE)
		r->octets_max = ARCHIVE_TOTAL_FREE;
	if (r->lib->read_support_format_tar(r->archive) < ARCHIVE_WARN ||
	    r->lib->read_support_filter_none(r->archive) < ARCHIVE_WARN)
		return error_set(e, ERR_INTERNAL, "libarchive cannot read tar");
	return r->lib->read_open_fd(r->archive, fd, BLOCK) == ARCHIVE_OK ? 0 : broken(r, e);
}

static void
reading_end(struct reading *r)
{
	if (r->archive != NULL)
		(void)r->lib->read_free(r->archive);
	r->archive = NULL;
}

static struct slice
text_of(const char *s)
{
	return s == NULL ? SLICE_EMPTY : slice_str(s);
}

/* A hard link's target must be a path that could have been unpacked. */
static const char *
check_hard_link(const char *target)
{
	char clean[ARCHIVE_PATH_MAX];
	unsigned depth;
	const char *refused = archive_path_clean(target, clean, &depth);

	return refused != NULL || clean[0] == '\0' ? "it is a hard link to something outside" : NULL;
}

static void
judge_kind(struct reading *r)
{
	struct archive_item *item = &r->item;
	const char *target = r->lib->entry_hardlink(r->entry);

	item->kind = ARCHIVE_OTHER;
	if (target != NULL) {
		item->kind = ARCHIVE_HARD_LINK;
		item->target = text_of(target);
		item->refused = item->refused != NULL ? item->refused : check_hard_link(target);
		return;
	}
	switch (r->lib->entry_filetype(r->entry)) {
	case AE_IFREG:
		item->kind = ARCHIVE_FILE;
		break;
	case AE_IFDIR:
		item->kind = ARCHIVE_FOLDER;
		break;
	case AE_IFLNK:
		item->kind = ARCHIVE_LINK;
		target = r->lib->entry_symlink(r->entry);
		item->target = text_of(target);
		if (item->refused == NULL)
			item->refused = archive_link_check(target, r->depth == 0 ? 0 : r->depth - 1, &r->up);
		break;
	default:
		if (item->refused == NULL)
			item->refused = "it is a device, a FIFO or something else that is no file";
		break;
	}
}

static int
count_entry(struct reading *r, struct error *e)
{
	if (++r->totals.entries > ARCHIVE_ENTRIES_MAX)
		return error_set(e, ERR_LIMIT, "the archive has more than %u entries", ARCHIVE_ENTRIES_MAX);
	if (r->item.size > r->octets_max - r->totals.octets)
		return error_set(e, ERR_LIMIT,
		    "the archive unpacks to more than %llu octets, far more than it is itself",
		    (unsigned long long)r->octets_max);
	r->totals.octets += r->item.size;
	return 0;
}

/* 1 with an entry, 0 at the end. */
static int
reading_next(struct reading *r, struct error *e)
{
	const char *path;
	int got = r->lib->read_next_header(r->archive, &r->entry), rc;

	if (got == ARCHIVE_EOF)
		return 0;
	if (got < ARCHIVE_WARN)
		return broken(r, e);
	path = r->lib->entry_pathname(r->entry);
	r->up = 0;
	r->item = (struct archive_item){ .mode = (uint32_t)r->lib->entry_perm(r->entry) & 07777u,
		.mtime = r->lib->entry_mtime(r->entry),
		.path = text_of(path) };
	r->item.refused = archive_path_clean(path, r->path, &r->depth);
	judge_kind(r);
	if (r->item.kind == ARCHIVE_FILE)
		r->item.size = r->lib->entry_size(r->entry) > 0 ? (uint64_t)r->lib->entry_size(r->entry) : 0;
	if (r->item.refused == NULL && r->path[0] == '\0' && r->item.kind != ARCHIVE_FOLDER)
		r->item.refused = "it has no name";
	rc = count_entry(r, e);
	return rc == 0 ? 1 : rc;
}

int
archive_list(int fd, int (*each)(void *ctx, const struct archive_item *item, struct error *e), void *ctx,
    struct archive_totals *totals_out, struct error *e)
{
	struct reading *r = mem_alloc(sizeof *r);
	struct archive_names names;
	int rc, got = 0;

	if (r == NULL)
		return error_nomem(e);
	archive_names_begin(&names);
	rc = reading_begin(r, fd, e);
	while (rc == 0 && (got = reading_next(r, e)) > 0)
		rc = each(ctx, &r->item, e);
	reading_end(r);
	archive_names_end(&names);
	*totals_out = r->totals;
	mem_free(r);
	return rc != 0 ? rc : got;
}

/* ---- unpacking ---- */

/* What is done when all files are there: links, then modes and dates of folders. */
struct note {
	uint32_t mode;
	int64_t mtime;
	uint32_t path_len, target_len; /* with their NULs; the texts follow */
};

struct unpacking {
	struct reading r;
	const struct archive_unpack *spec;
	struct tree tree;             /* the hidden folder */
	char hidden[FILE_PATH_MAX];   /* its path */
	char made[ARCHIVE_PATH_MAX];  /* the folder of the last entry */
	mode_t mask;                  /* permission bits that are kept */
	struct buf links, folders;    /* of struct note */
	bool one_top, links_leave_it; /* everything lies in the folder top; some link leads out of that */
	bool any;
	char top[ARCHIVE_NAME_MAX + 1];
};

static int
refuse(const struct unpacking *u, const char *why, struct error *e)
{
	return error_set(e, ERR_POLICY, "nothing was unpacked: '%.*s': %s", (int)size_min(u->r.item.path.len, 100),
	    u->r.item.path.len == 0 ? "" : (const char *)u->r.item.path.data, why);
}

/* The part of the path before the last slash; empty for the top. */
static void
folder_of(const char *path, char out[ARCHIVE_PATH_MAX])
{
	size_t slash = slice_find_last(slice_str(path), '/');

	if (slash == SIZE_MAX)
		slash = 0;
	memcpy(out, path, slash);
	out[slash] = '\0';
}

static int
make_folder(struct unpacking *u, const char *path, struct error *e)
{
	int rc;

	if (strcmp(path, u->made) == 0)
		return 0;
	rc = tree_make(&u->tree, path, e);
	if (rc == ERR_EXISTS)
		return refuse(u, "a file stands where it needs a folder", e);
	if (rc == 0)
		memcpy(u->made, path, strlen(path) + 1);
	return rc;
}

static int
note(struct unpacking *u, struct buf *out, struct slice target, struct error *e)
{
	struct note n = { .mode = u->r.item.mode, .mtime = u->r.item.mtime };

	n.path_len = (uint32_t)strlen(u->r.path) + 1;
	n.target_len = (uint32_t)target.len + 1;
	(void)buf_put(out, &n, sizeof n);
	(void)buf_put(out, u->r.path, n.path_len);
	(void)buf_put_slice(out, target);
	if (buf_put_u8(out, 0) != 0)
		return error_set(e, out->err, "the archive has too many folders and links");
	return 0;
}

/* The note at *at, which moves behind it. */
static struct note
note_read(const struct buf *in, size_t *at, const char **path_out, const char **target_out)
{
	struct note n;

	memcpy(&n, in->data + *at, sizeof n);
	*path_out = (const char *)in->data + *at + sizeof n;
	*target_out = *path_out + n.path_len;
	*at += sizeof n + n.path_len + n.target_len;
	return n;
}

/* ---- entries ---- */

/* Holes are left out: what is behind the last one comes from the size. */
static int
write_at(int fd, const void *data, size_t len, la_int64_t offset)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

static int
write_failed(struct error *e)
{
	int code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;

	return error_set_errno(e, code, errno, "cannot write what is unpacked");
}

static int
copy_content(struct unpacking *u, int fd, struct error *e)
{
	const void *data;
	la_int64_t offset;
	size_t len;
	int got;

	while ((got = u->r.lib->read_data_block(u->r.archive, &data, &len, &offset)) == ARCHIVE_OK) {
		if (u->spec->stopped != NULL && u->spec->stopped())
			return error_set(e, ERR_CLOSED, "interrupted");
		if (offset < 0 || (uint64_t)offset > u->r.item.size || len > u->r.item.size - (uint64_t)offset)
			return refuse(u, "it holds more than it says", e);
		if (write_at(fd, data, len, offset) != 0)
			return write_failed(e);
	}
	if (got != ARCHIVE_EOF)
		return broken(&u->r, e);
	return ftruncate(fd, (off_t)u->r.item.size) == 0 ? 0 : write_failed(e);
}

static int
unpack_file(struct unpacking *u, struct error *e)
{
	struct tree_writer w;
	int rc = tree_writer_open(&w, &u->tree, u->r.path, e);

	if (rc == ERR_EXISTS)
		return refuse(u, "the archive has it twice", e);
	if (rc != 0)
		return rc;
	rc = copy_content(u, w.fd, e);
	if (rc == 0 && fchmod(w.fd, (mode_t)u->r.item.mode & u->mask) != 0)
		rc = write_failed(e);
	if (rc == 0)
		(void)tree_writer_date(&w, u->r.item.mtime, NULL);
	tree_writer_done(&w);
	return rc;
}

/* To an earlier file: at this point there are only files and folders of ours below the tree, no link. */
static int
unpack_hard_link(struct unpacking *u, struct error *e)
{
	char target[ARCHIVE_PATH_MAX];
	struct tree_entry entry;
	unsigned depth;

	if (archive_path_clean((const char *)u->r.item.target.data, target, &depth) != NULL)
		return refuse(u, "it is a hard link to something outside", e);
	if (tree_look(&u->tree, target, &entry, NULL) != 0 || entry.kind != TREE_FILE)
		return refuse(u, "it is a hard link to no earlier file of the archive", e);
	if (linkat(u->tree.fd, target, u->tree.fd, u->r.path, 0) == 0)
		return 0;
	return errno == EEXIST ? refuse(u, "the archive has it twice", e) : write_failed(e);
}

/* Which folder everything lies in, as long as there is only one. */
static void
watch_top(struct unpacking *u)
{
	struct slice rest, top = slice_split(slice_str(u->r.path), '/', &rest);

	if (!u->any) {
		u->any = true;
		u->one_top = true;
		memcpy(u->top, top.data, top.len);
	}
	if (!slice_eq_str(top, u->top) || (rest.len == 0 && u->r.item.kind != ARCHIVE_FOLDER))
		u->one_top = false;
	if (u->r.item.kind == ARCHIVE_LINK && u->r.up >= u->r.depth - 1)
		u->links_leave_it = true;
}

static int
unpack_entry(struct unpacking *u, struct error *e)
{
	char folder[ARCHIVE_PATH_MAX];
	int rc;

	if (u->spec->stopped != NULL && u->spec->stopped())
		return error_set(e, ERR_CLOSED, "interrupted");
	if (u->r.item.refused != NULL)
		return refuse(u, u->r.item.refused, e);
	if (u->r.path[0] == '\0')
		return 0; /* "./": the top itself */
	watch_top(u);
	folder_of(u->r.path, folder);
	rc = make_folder(u, folder, e);
	if (rc != 0)
		return rc;
	switch (u->r.item.kind) {
	case ARCHIVE_FILE:
		return unpack_file(u, e);
	case ARCHIVE_FOLDER:
		rc = make_folder(u, u->r.path, e);
		return rc == 0 ? note(u, &u->folders, SLICE_EMPTY, e) : rc;
	case ARCHIVE_LINK:
		return note(u, &u->links, u->r.item.target, e);
	case ARCHIVE_HARD_LINK:
		return unpack_hard_link(u, e);
	case ARCHIVE_OTHER:
		break;
	}
	return refuse(u, "it is no file", e);
}

/* ---- the end ---- */

static int
make_links(struct unpacking *u, struct error *e)
{
	const char *path, *target;

	for (size_t at = 0; at < u->links.len;) {
		(void)note_read(&u->links, &at, &path, &target);
		u->r.item.path = slice_str(path);
		if (symlinkat(target, u->tree.fd, path) != 0)
			return errno == EEXIST || errno == ENOTDIR ? refuse(u, "the archive has it twice", e)
								   : write_failed(e);
	}
	return 0;
}

/* Its owner can always go in and out: a folder that nobody can remove helps nobody. */
static void
finish_folders(const struct unpacking *u)
{
	const char *path, *target;

	for (size_t at = 0; at < u->folders.len;) {
		struct note n = note_read(&u->folders, &at, &path, &target);
		const struct timespec times[2] = { { .tv_sec = n.mtime }, { .tv_sec = n.mtime } };
		int fd = openat(u->tree.fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			continue;
		(void)fchmod(fd, ((mode_t)n.mode & u->mask) | 0700);
		(void)futimens(fd, times);
		(void)close(fd);
	}
}

static int
give_name(struct unpacking *u, struct error *e)
{
	bool whole = !u->one_top || u->links_leave_it;
	char from[FILE_PATH_MAX], above[FILE_PATH_MAX];
	int rc = whole ? 0 : path_join(from, u->hidden, u->top, e);

	if (rc != 0)
		return rc;
	if (renameat2(AT_FDCWD, whole ? u->hidden : from, AT_FDCWD, u->spec->folder, RENAME_NOREPLACE) != 0)
		return errno == EEXIST
		    ? error_set(e, ERR_EXISTS, "%s exists already; choose another name or remove it", u->spec->folder)
		    : error_set_errno(e, ERR_IO, errno, "cannot make the folder %s", u->spec->folder);
	if (whole)
		(void)fchmod(u->tree.fd, 0777 & u->mask);
	else if (rmdir(u->hidden) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot remove %s", u->hidden);
	u->hidden[0] = '\0';
	folder_of(u->spec->folder, above);
	return dir_sync(above[0] != '\0' ? above : u->spec->folder[0] == '/' ? "/" : ".", e);
}

static void
remove_below(int at, const char *name, unsigned depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0 || depth > ARCHIVE_DEPTH_MAX + 1 || (dir = fdopendir(fd)) == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, d->d_name, 0) != 0)
			remove_below(fd, d->d_name, depth + 1);
	}
	(void)closedir(dir);
	(void)unlinkat(at, name, AT_REMOVEDIR);
}

/* ---- the whole ---- */

static int
begin(struct unpacking *u, struct error *e)
{
	char above[FILE_PATH_MAX];
	mode_t mask = umask(077);
	int n;

	(void)umask(mask);
	u->mask = 0777 & ~mask;
	buf_init(&u->links, ARCHIVE_NOTES_MAX);
	buf_init(&u->folders, ARCHIVE_NOTES_MAX);
	u->tree.fd = -1;
	if (strlen(u->spec->folder) >= sizeof above)
		return error_set(e, ERR_LIMIT, "a path is longer than %u octets", FILE_PATH_MAX - 1);
	if (file_exists(u->spec->folder))
		return error_set(e, ERR_EXISTS, "%s exists already; choose another name or remove it", u->spec->folder);
	folder_of(u->spec->folder, above);
	n = snprintf(u->hidden, sizeof u->hidden, "%s%s.letterlock-XXXXXX", above,
	    slice_find_last(slice_str(u->spec->folder), '/') == SIZE_MAX ? "" : "/");
	if (n < 0 || (size_t)n >= sizeof u->hidden) {
		u->hidden[0] = '\0';
		return error_set(e, ERR_LIMIT, "the path %.100s... is too long", u->spec->folder);
	}
	if (mkdtemp(u->hidden) == NULL) {
		n = error_set_errno(
		    e, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "cannot make a folder beside %s", u->spec->folder);
		u->hidden[0] = '\0';
		return n;
	}
	return tree_open(&u->tree, u->hidden, e);
}

static int
unpack_all(struct unpacking *u, struct error *e)
{
	int got = 0, rc = begin(u, e);

	if (rc == 0)
		rc = reading_begin(&u->r, u->spec->fd, e);
	while (rc == 0 && (got = reading_next(&u->r, e)) > 0)
		rc = unpack_entry(u, e);
	if (rc == 0)
		rc = got;
	if (rc == 0)
		rc = make_links(u, e);
	if (rc != 0)
		return rc;
	finish_folders(u);
	rc = tree_sync_all(&u->tree, e);
	return rc == 0 ? give_name(u, e) : rc;
}

int
archive_unpack(const struct archive_unpack *spec, struct archive_totals *totals_out, struct error *e)
{
	struct unpacking *u = mem_alloc(sizeof *u);
	struct archive_names names;
	int rc;

	if (u == NULL)
		return error_nomem(e);
	u->spec = spec;
	archive_names_begin(&names);
	rc = unpack_all(u, e);
	reading_end(&u->r);
	archive_names_end(&names);
	tree_done(&u->tree);
	if (u->hidden[0] != '\0')
		remove_below(AT_FDCWD, u->hidden, 0);
	*totals_out = u->r.totals;
	buf_done(&u->links);
	buf_done(&u->folders);
	mem_free(u);
	return rc;
}
