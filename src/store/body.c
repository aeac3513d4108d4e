/* SPDX-License-Identifier: ISC */
#include "store/body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/limits.h"
#include "store/record.h"

#define FOLDER "bodies"
#define PENDING_MAX ((size_t)256 << 20)
#define FILE_FLUSH (1u << 20) /* octets after which the kernel begins to write a large body out */
#define NAME_SIZE 24
#define COPY_BLOCKS 16u /* that are read and written at once when a large body is copied */

static int
file_error(struct error *e, const char *what)
{
	int code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;

	return error_set_errno(e, code, errno, "%s", what);
}

static void
segment_name(char *out, uint32_t segment)
{
	(void)snprintf(out, NAME_SIZE, "s%08" PRIx32, segment);
}

static void
body_name(char *out, uint64_t body)
{
	(void)snprintf(out, NAME_SIZE, "b%016" PRIx64, body);
}

static int
write_at(int fd, struct slice data, uint64_t at, struct error *e)
{
	while (data.len > 0) {
		ssize_t n = pwrite(fd, data.data, data.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return file_error(e, "a message cannot be written");
		data = slice_from(data, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

static int
read_at(int fd, uint8_t *out, size_t len, uint64_t at, struct error *e)
{
	while (len > 0) {
		ssize_t n = pread(fd, out, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error(e, "a message cannot be read");
		if (n == 0)
			return error_set(e, ERR_TRUNCATED, "a stored body is cut short on disk");
		out += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* ---- start ---- */

struct cleaning {
	struct bodies *b;
	struct db *db;
	body_say_fn *say;
	void *ctx;
};

static void cleaning_say(struct cleaning *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
cleaning_say(struct cleaning *c, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (c->say != NULL)
		c->say(c->ctx, line);
}

bool
bodies_name_number(const char *name, char first, size_t digits, uint64_t *out)
{
	uint64_t v = 0;

	if (name[0] != first || strlen(name) != digits + 1)
		return false;
	for (const char *p = name + 1; *p != 0; p++) {
		const char *hex = "0123456789abcdef", *at = strchr(hex, *p);

		if (at == NULL)
			return false;
		v = v << 4 | (uint64_t)(at - hex);
	}
	*out = v;
	return true;
}

/* *used_out: what its row counts, 0 without a row. synced_out may be NULL. */
static int
segment_used(struct db *db, uint64_t segment, uint64_t *used_out, uint64_t *synced_out, struct error *e)
{
	struct query q = query_begin(db, "SELECT used, synced FROM segments WHERE segment = ?1");
	int rc;

	query_u64(&q, segment);
	rc = query_step(&q, e);
	*used_out = rc == 1 ? query_col_u64(&q, 0) : 0;
	if (synced_out != NULL)
		*synced_out = rc == 1 ? query_col_u64(&q, 1) : 0;
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
clean_segment(struct cleaning *c, const char *name, uint64_t segment, struct error *e)
{
	struct stat st;
	uint64_t used, synced;
	int rc = segment_used(c->db, segment, &used, &synced, e);

	if (rc != 0)
		return rc;
	if (fstatat(c->b->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return file_error(e, "a body segment cannot be looked at");
	if (used == 0) {
		cleaning_say(c, "removed body segment %s: nothing in it was committed", name);
		return unlinkat(c->b->folder_fd, name, 0) == 0 ? 0 : file_error(e, "a body segment cannot be removed");
	}
	if ((uint64_t)st.st_size < synced)
		cleaning_say(c,
		    "body segment %s is damaged: %" PRIu64 " octets are missing at its end; restore a backup", name,
		    used - (uint64_t)st.st_size);
	if ((uint64_t)st.st_size > used) {
		int fd = openat(c->b->folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0 || ftruncate(fd, (off_t)used) != 0)
			rc = file_error(e, "a body segment cannot be cut");
		if (fd >= 0)
			(void)close(fd);
		cleaning_say(
		    c, "cut %" PRIu64 " unfinished octets off body segment %s", (uint64_t)st.st_size - used, name);
	}
	return rc;
}

static int
clean_file(struct cleaning *c, const char *name, uint64_t body, struct error *e)
{
	struct query q = query_begin(c->db, "SELECT 1 FROM bodies WHERE body = ?1 AND segment = 0");
	int rc;

	query_u64(&q, body);
	rc = query_step(&q, e);
	query_end(&q);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	cleaning_say(c, "removed unfinished body file %s", name);
	return unlinkat(c->b->folder_fd, name, 0) == 0 ? 0 : file_error(e, "an unfinished body file cannot be removed");
}

static int
clean_entry(struct cleaning *c, const char *name, struct error *e)
{
	uint64_t number;

	if (bodies_name_number(name, 's', 8, &number))
		return clean_segment(c, name, number, e);
	if (bodies_name_number(name, 'b', 16, &number))
		return clean_file(c, name, number, e);
	return 0;
}

static int
clean_folder(struct cleaning *c, struct error *e)
{
	int fd = dup(c->b->folder_fd), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return file_error(e, "the folder of bodies cannot be read");
	}
	rewinddir(dir);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = clean_entry(c, entry->d_name, e);
	(void)closedir(dir);
	return rc;
}

/* Goes on in the last segment, unless octets are missing in it. */
static int
open_last(struct bodies *b, struct db *db, struct error *e)
{
	char name[NAME_SIZE];
	struct stat st;
	uint64_t last;
	int rc = db_number(db, "SELECT max(segment) FROM segments WHERE segment < " BODY_COMPACTED_SQL, &last, e);

	b->segment = (uint32_t)last;
	if (rc != 0 || last == 0)
		return rc;
	rc = segment_used(db, last, &b->used, NULL, e);
	if (rc != 0)
		return rc;
	segment_name(name, b->segment);
	b->segment_fd = openat(b->folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (b->segment_fd >= 0 && fstat(b->segment_fd, &st) == 0 && (uint64_t)st.st_size >= b->used)
		return 0;
	if (b->segment_fd >= 0)
		(void)close(b->segment_fd);
	b->segment_fd = -1;
	return 0;
}

int
bodies_open(struct bodies *b, const char *folder, uint64_t segment_size, struct db *db, body_say_fn *say, void *ctx,
    struct error *e)
{
	struct cleaning c = { b, db, say, ctx };
	int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	memset(b, 0, sizeof *b);
	b->folder_fd = b->segment_fd = -1;
	b->segment_size = segment_size;
	buf_init(&b->pending, PENDING_MAX);
	if (parent < 0 || (mkdirat(parent, FOLDER, 0700) != 0 && errno != EEXIST) || fsync(parent) != 0)
		rc = file_error(e, "the folder of bodies cannot be made");
	if (rc == 0)
		b->folder_fd = openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (rc == 0 && b->folder_fd < 0)
		rc = file_error(e, "the folder of bodies cannot be opened");
	if (parent >= 0)
		(void)close(parent);
	if (rc == 0)
		rc = clean_folder(&c, e);
	if (rc != 0)
		bodies_close(b);
	return rc;
}

/* No number is the first that was given out since: nobody's are what a copy left that will be gone on with. */
int
bodies_look(struct bodies *b, const char *folder, struct error *e)
{
	int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(b, 0, sizeof *b);
	b->segment_fd = -1;
	b->folder_fd = parent < 0 ? -1 : openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (parent >= 0)
		(void)close(parent);
	return b->folder_fd < 0 ? file_error(e, "the folder of bodies cannot be opened") : 0;
}

int
bodies_resume(struct bodies *b, struct db *db, struct error *e)
{
	uint64_t last = 0;
	int rc = open_last(b, db, e);

	if (rc == 0)
		rc = db_number(db, "SELECT seq FROM sqlite_sequence WHERE name = 'bodies'", &last, e);
	atomic_init(&b->next_body, last + 1);
	b->first_body = last + 1;
	b->first_segment = b->segment + 1;
	if (rc == 0)
		rc = db_number(db, "SELECT max(segment) FROM segments WHERE segment >= " BODY_COMPACTED_SQL, &last, e);
	b->first_compacted = rc != 0 || last == 0 ? BODY_COMPACTED : (uint32_t)last + 1;
	return rc;
}

bool
bodies_is_young(const struct bodies *b, char first, uint64_t number)
{
	if (first == 's' && number >= BODY_COMPACTED)
		return number >= b->first_compacted;
	return number >= (first == 's' ? b->first_segment : b->first_body);
}

void
bodies_close(struct bodies *b)
{
	if (b->segment_fd >= 0)
		(void)close(b->segment_fd);
	if (b->folder_fd >= 0)
		(void)close(b->folder_fd);
	b->folder_fd = b->segment_fd = -1;
	buf_done(&b->pending);
}

/* ---- the committer's ---- */

static int
segment_begin(struct bodies *b, struct error *e)
{
	char name[NAME_SIZE];
	int fd;

	segment_name(name, b->segment + 1);
	fd = openat(b->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return file_error(e, "a body segment cannot be made");
	if (b->segment_fd >= 0)
		(void)close(b->segment_fd);
	b->segment_fd = fd;
	b->segment++;
	b->used = 0;
	b->new_segment = true;
	return 0;
}

int
bodies_put(struct bodies *b, struct slice data, struct body_place *place_out, struct error *e)
{
	bool full = b->segment_fd < 0 || (b->used > 0 && b->used + record_size(data.len) > b->segment_size);
	size_t before = b->pending.len;

	if (before == 0 && full) {
		int rc = segment_begin(b, e);

		if (rc != 0)
			return rc;
	}
	place_out->body = atomic_fetch_add(&b->next_body, 1);
	place_out->segment = b->segment;
	place_out->place = b->used + before;
	place_out->length = data.len;
	record_put(&b->pending, place_out->body, data);
	if (b->pending.err != 0) {
		int rc = error_set(e, b->pending.err, "too many messages at once");

		b->pending.err = 0;
		buf_truncate(&b->pending, before);
		return rc;
	}
	return 0;
}

int
bodies_write(struct bodies *b, struct error *e)
{
	return b->pending.len == 0 ? 0 : write_at(b->segment_fd, buf_slice(&b->pending), b->used, e);
}

int
bodies_sync(struct bodies *b, struct error *e)
{
	if (b->pending.len == 0)
		return 0;
	if (fdatasync(b->segment_fd) == 0 && (!b->new_segment || fsync(b->folder_fd) == 0))
		return 0;
	(void)file_error(e, "messages cannot be synced to disk");
	return ERR_IO;
}

int
bodies_count(struct bodies *b, struct db *db, struct error *e)
{
	struct query q;

	if (b->pending.len == 0 && !b->unmarked)
		return 0;
	b->unmarked = false;
	q = query_begin(db,
	    "INSERT INTO segments (segment, used, synced) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT (segment) DO UPDATE SET used = excluded.used, synced = excluded.synced");
	query_u64(&q, b->segment);
	query_u64(&q, b->used + b->pending.len);
	query_u64(&q, b->used);
	return query_run(&q, e);
}

void
bodies_keep(struct bodies *b)
{
	if (b->pending.len > 0) {
		b->new_segment = false;
		b->unmarked = true;
	}
	b->used += b->pending.len;
	buf_clear(&b->pending);
	if (b->pending.cap > PENDING_MAX / 16)
		buf_done(&b->pending);
}

void
bodies_drop(struct bodies *b)
{
	if (b->pending.len > 0)
		(void)!ftruncate(b->segment_fd, (off_t)b->used);
	buf_clear(&b->pending);
}

/* ---- large bodies ---- */

int
body_file_new(struct bodies *b, struct body_file *f, struct error *e)
{
	char name[NAME_SIZE];

	memset(f, 0, sizeof *f);
	f->body = atomic_fetch_add(&b->next_body, 1);
	body_name(name, f->body);
	f->fd = openat(b->folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return file_error(e, "a file for a large message cannot be made");
	buf_init(&f->tail, STORE_PIECE_MAX + 2 * RECORD_BLOCK);
	return 0;
}

static int
file_flush(struct body_file *f, size_t octets, struct error *e)
{
	struct buf out BUF_OWNED = { 0 };
	uint64_t at = RECORD_HEAD + f->flushed / RECORD_BLOCK * RECORD_STEP;
	int rc;

	buf_init(&out, (size_t)record_size(octets));
	for (size_t done = 0; done < octets; done += RECORD_BLOCK)
		record_put_block(&out, f->body, (f->flushed + done) / RECORD_BLOCK,
		    slice_sub(slice_sub(buf_slice(&f->tail), 0, octets), done, RECORD_BLOCK));
	if (out.err != 0)
		return error_set(e, out.err, "no memory for a large message");
	rc = write_at(f->fd, buf_slice(&out), at, e);
	if (rc != 0)
		return rc;
	if (at / FILE_FLUSH != (at + out.len) / FILE_FLUSH)
		(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	f->flushed += octets;
	buf_consume(&f->tail, octets);
	return 0;
}

int
body_file_append(struct body_file *f, struct slice data, struct error *e)
{
	if (buf_put_slice(&f->tail, data) != 0)
		return error_set(e, f->tail.err, "a piece of a message is too large");
	f->length += data.len;
	return file_flush(f, f->tail.len - f->tail.len % RECORD_BLOCK, e);
}

/* Whole blocks that are in one file, appended to the other. */
static int
copy_flushed(const struct body_file *from, struct body_file *to, struct error *e)
{
	struct buf raw BUF_OWNED = { 0 }, data BUF_OWNED = { 0 };
	int rc = 0;

	buf_init(&raw, COPY_BLOCKS * RECORD_STEP);
	buf_init(&data, COPY_BLOCKS * RECORD_BLOCK);
	for (uint64_t at = 0; at < from->flushed && rc == 0; at += data.len) {
		uint64_t len = from->flushed - at;
		struct record_range range;
		uint8_t *room;

		if (len > COPY_BLOCKS * RECORD_BLOCK)
			len = COPY_BLOCKS * RECORD_BLOCK;
		range = record_range(from->flushed, at, len);
		buf_clear(&raw);
		buf_clear(&data);
		if ((room = buf_reserve(&raw, range.octets)) == NULL)
			return error_nomem(e);
		rc = read_at(from->fd, room, range.octets, range.from, e);
		if (rc != 0)
			return rc;
		buf_commit(&raw, range.octets);
		rc = record_get_range(buf_slice(&raw), from->body, from->flushed, at, len, &data, e);
		if (rc == 0)
			rc = body_file_append(to, buf_slice(&data), e);
	}
	return rc;
}

int
body_file_prepend(struct bodies *b, struct body_file *f, struct slice front, struct error *e)
{
	struct body_file fresh;
	int rc = body_file_new(b, &fresh, e);

	if (rc != 0)
		return rc;
	rc = body_file_append(&fresh, front, e);
	if (rc == 0)
		rc = copy_flushed(f, &fresh, e);
	if (rc == 0)
		rc = body_file_append(&fresh, buf_slice(&f->tail), e);
	if (rc != 0) {
		body_file_close(&fresh);
		bodies_release(b, &(struct body_place){ .body = fresh.body });
		return rc;
	}
	body_file_close(f);
	bodies_release(b, &(struct body_place){ .body = f->body });
	*f = fresh;
	return 0;
}

int
body_file_finish(struct bodies *b, struct body_file *f, bool *sync_failed_out, struct error *e)
{
	struct buf head BUF_OWNED = { 0 };
	int rc = file_flush(f, f->tail.len, e);

	*sync_failed_out = false;
	if (rc != 0)
		return rc;
	buf_init(&head, RECORD_HEAD);
	record_put_head(&head, f->body, f->length);
	rc = write_at(f->fd, buf_slice(&head), 0, e);
	if (rc != 0)
		return rc;
	if (fdatasync(f->fd) == 0 && fsync(b->folder_fd) == 0)
		return 0;
	*sync_failed_out = true;
	return file_error(e, "a large message cannot be synced to disk");
}

void
body_file_close(struct body_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	buf_done(&f->tail);
}

/* ---- reading and releasing ---- */

static int
place_open(struct bodies *b, const struct body_place *place, int flags)
{
	char name[NAME_SIZE];

	if (place->segment == BODY_OWN_FILE)
		body_name(name, place->body);
	else
		segment_name(name, place->segment);
	return openat(b->folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

static int
check_head(int fd, const struct body_place *place, struct error *e)
{
	uint8_t head[RECORD_HEAD];
	uint64_t body, length;
	int rc = read_at(fd, head, sizeof head, place->place, e);

	if (rc == 0)
		rc = record_get_head(slice_of(head, sizeof head), &body, &length, e);
	if (rc == 0 && (body != place->body || length != place->length))
		rc = error_set(e, ERR_INTEGRITY, "a stored body is not where its row says");
	return rc;
}

int
bodies_read(
    struct bodies *b, const struct body_place *place, uint64_t offset, uint64_t len, struct buf *out, struct error *e)
{
	struct record_range range = record_range(place->length, offset, len);
	struct buf raw BUF_OWNED = { 0 };
	int fd = place_open(b, place, O_RDONLY), rc;
	uint8_t *room;

	buf_init(&raw, range.octets);
	if (fd < 0 && errno == ENOENT)
		return error_set(e, ERR_NOT_FOUND, "the body is gone");
	if (fd < 0)
		return file_error(e, "a message cannot be opened");
	room = buf_reserve(&raw, range.octets);
	rc = offset == 0 ? check_head(fd, place, e) : 0;
	if (rc == 0 && room == NULL)
		rc = error_nomem(e);
	if (rc == 0)
		rc = read_at(fd, room, range.octets, place->place + range.from, e);
	(void)close(fd);
	if (rc != 0)
		return rc;
	buf_commit(&raw, range.octets);
	return record_get_range(buf_slice(&raw), place->body, place->length, offset, len, out, e);
}

/* A file of its own is removed; in a segment the space is punched out, which also takes the octets off the disk. */
void
bodies_release(struct bodies *b, const struct body_place *place)
{
	char name[NAME_SIZE];
	int fd;

	if (place->segment == BODY_OWN_FILE) {
		body_name(name, place->body);
		(void)unlinkat(b->folder_fd, name, 0);
		return;
	}
	fd = place_open(b, place, O_WRONLY);
	if (fd < 0)
		return;
	(void)fallocate(
	    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place->place, (off_t)record_size(place->length));
	(void)close(fd);
}

/* ---- compaction's ---- */

int
bodies_compacted_new(struct bodies *b, uint32_t segment, int *fd_out, struct error *e)
{
	char name[NAME_SIZE];

	segment_name(name, segment);
	*fd_out = openat(b->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd_out >= 0 ? 0 : file_error(e, "a body segment cannot be made");
}

int
bodies_compacted_put(struct bodies *b, int fd, struct slice records, uint64_t at, struct error *e)
{
	int rc = write_at(fd, records, at, e);

	if (rc != 0)
		return rc;
	if (fdatasync(fd) == 0 && (at > 0 || fsync(b->folder_fd) == 0))
		return 0;
	(void)file_error(e, "moved messages cannot be synced to disk");
	return ERR_IO;
}

void
bodies_segment_remove(struct bodies *b, uint32_t segment)
{
	char name[NAME_SIZE];

	segment_name(name, segment);
	(void)unlinkat(b->folder_fd, name, 0);
}
