/* SPDX-License-Identifier: ISC */
/*
 * The bodies of a copy: which are there already, and copying the others.
 *
 * What an earlier whole copy names was checked when it was copied, and synced.
 * It is believed segment by segment, when the file is as long as it was and
 * its last record passes. What a copy left that was cut off stands in segments
 * that nobody names: they are read from their beginning as far as records
 * pass, and synced. A file whose sync failed is removed, so that nothing in it
 * is ever taken for synced.
 *
 * A body's number and length do not say that it is the same one: a source that
 * was put back to an earlier state, as a snapshot of a disk or of a machine
 * is, gives its numbers out once more. So the checksums that its record has
 * there are compared with those that it has here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/snapshot_internal.h"
#include "os/clock.h"
#include "store/internal.h"
#include "store/limits.h"
#include "store/record.h"

#define SEGMENT_MAX_OCTETS ((uint64_t)256 << 20)
#define PENDING_FLUSH ((size_t)4 << 20)
#define PENDING_MAX ((size_t)128 << 20)
#define PAGE 512u
#define CHECKS_MAX ((size_t)(STORE_MESSAGE_MAX / RECORD_BLOCK + 1) * RECORD_CHECK)
#define TURN_MS 10
#define TURN_MAX_MS 1000
#define PAGE_ARENA (1u << 20)

static int
run_with(struct db *db, const char *sql_literal, uint64_t value, struct error *e)
{
	struct query q = query_begin(db, sql_literal);

	query_u64(&q, value);
	return query_run(&q, e);
}

static int
is_named(struct db *db, const char *sql_literal, uint64_t number, bool *out, struct error *e)
{
	struct query q = query_begin(db, sql_literal);
	int rc;

	query_u64(&q, number);
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 1;
	return rc < 0 ? rc : 0;
}

static int
sync_or_remove(struct store_snapshot *c, int fd, const struct body_place *place, struct error *e)
{
	char path[FILE_PATH_MAX + 32];

	if (fdatasync(fd) == 0)
		return 0;
	(void)error_set_errno(e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, errno,
	    "messages cannot be synced in '%s'", c->to_bodies);
	(void)snprintf(path, sizeof path, "%s/s%08" PRIx32, c->to_bodies, place->segment);
	(void)unlink(path);
	return e->code;
}

/* ---- is it the same? ---- */

/* Beside a server that is at work: as long as this one has copied, it then lets the others. */
static void
take_turns(struct store_snapshot *c)
{
	int64_t used = clock_ms() - c->turn_ms;

	if (!c->o.held || used < TURN_MS)
		return;
	(void)usleep((useconds_t)(used < TURN_MAX_MS ? used : TURN_MAX_MS) * 1000);
	c->turn_ms = clock_ms();
}

static bool
is_damage(int rc)
{
	return rc == ERR_INTEGRITY || rc == ERR_TRUNCATED || rc == ERR_NOT_FOUND || rc == ERR_IO;
}

static int
open_source(struct store_snapshot *c, const struct body_place *place, struct error *e)
{
	if (c->open_fd >= 0 && place->segment != BODY_OWN_FILE && c->open_segment == place->segment)
		return 0;
	if (c->open_fd >= 0)
		(void)close(c->open_fd);
	c->open_segment = place->segment;
	c->open_fd = snapshot_open_file(c->from_bodies, place, O_RDONLY);
	if (c->open_fd >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(e, ERR_NOT_FOUND, "its file is gone");
	/* For want of rights or descriptors, say, nothing is known about the octets. */
	return error_set_errno(
	    e, errno == EIO ? ERR_IO : ERR_DENIED, errno, "a file of '%s' cannot be opened", c->from_bodies);
}

/*
 * Of a body whose number and length there_fd has. A source that does not pass says nothing: what was copied from it
 * once is better then.
 */
static int
is_same(struct store_snapshot *c, const struct body_place *from, int there_fd, const struct body_place *there,
    bool *out, struct error *e)
{
	struct buf in_source BUF_OWNED = { 0 }, here BUF_OWNED = { 0 };
	struct error why = { 0 };
	int rc;

	*out = false;
	buf_init(&in_source, CHECKS_MAX);
	buf_init(&here, CHECKS_MAX);
	take_turns(c);
	if (snapshot_record_checks(there_fd, there, &here, NULL) != 0)
		return 0;
	rc = open_source(c, from, &why);
	if (rc == 0)
		rc = snapshot_record_checks(c->open_fd, from, &in_source, &why);
	if (rc == 0 && slice_eq(buf_slice(&in_source), buf_slice(&here)))
		*out = true;
	else if (rc == 0)
		rc = snapshot_record(c->open_fd, from, NULL, NULL, &why);
	if (is_damage(rc)) {
		*out = true;
		return 0;
	}
	if (rc != 0)
		*e = why;
	return rc;
}

/* ---- what an earlier copy has ---- */

/* Its file is as long as it was, and the last record that passed still does. */
static int
segment_is_there(struct store_snapshot *c, uint32_t segment, uint64_t used, bool *out, struct error *e)
{
	struct query q = query_begin(&c->made,
	    "SELECT body, place, length FROM earlier.bodies WHERE segment = ?1 AND body NOT IN"
	    " (SELECT body FROM earlier.backup_damaged) ORDER BY place DESC LIMIT 1");
	struct body_place last = { .segment = segment };
	struct stat st;
	int fd, rc;

	*out = false;
	query_u64(&q, segment);
	rc = query_step(&q, e);
	if (rc == 1) {
		last.body = query_col_u64(&q, 0);
		last.place = query_col_u64(&q, 1);
		last.length = query_col_u64(&q, 2);
	}
	query_end(&q);
	if (rc != 1)
		return rc;
	fd = snapshot_open_file(c->to_bodies, &last, O_RDONLY);
	if (fd < 0)
		return 0;
	*out = fstat(fd, &st) == 0 && (uint64_t)st.st_size >= used && snapshot_record(fd, &last, NULL, NULL, NULL) == 0;
	(void)close(fd);
	return 0;
}

/* Segments of the earlier copy that are to be believed, into the table temp.there. */
static int
find_segments(struct store_snapshot *c, struct error *e)
{
	uint64_t segment = 0, used = 0;
	int rc = db_run(&c->made, "CREATE TEMP TABLE there (segment INTEGER PRIMARY KEY)", e);

	while (rc == 0) {
		struct query q = query_begin(
		    &c->made, "SELECT segment, used FROM earlier.segments WHERE segment > ?1 ORDER BY segment LIMIT 1");
		bool there = false;

		query_u64(&q, segment);
		rc = query_step(&q, e);
		if (rc == 1) {
			segment = query_col_u64(&q, 0);
			used = query_col_u64(&q, 1);
		}
		query_end(&q);
		if (rc != 1)
			return rc;
		rc = segment_is_there(c, (uint32_t)segment, used, &there, e);
		if (rc == 0 && there)
			rc = run_with(&c->made, "INSERT INTO temp.there VALUES (?1)", segment, e);
	}
	return rc;
}

/* Bodies of the earlier copy that are others in the source now, into the table temp.others. */
static int
find_others(struct store_snapshot *c, struct error *e)
{
	struct query q;
	struct body_place there = { 0 };
	uint32_t open_segment = 0;
	int rc = db_run(&c->made, "CREATE TEMP TABLE others (body INTEGER PRIMARY KEY)", e), row, fd = -1;

	if (rc != 0)
		return rc;
	q = query_begin(&c->made,
	    "SELECT n.body, n.segment, n.place, n.length, o.segment, o.place FROM main.bodies n JOIN earlier.bodies o"
	    " ON o.body = n.body AND o.length = n.length WHERE n.segment >= 0 AND n.body <= ?1 AND o.segment IN (SELECT"
	    " segment FROM temp.there) ORDER BY n.segment, n.place");
	query_u64(&q, c->last_body);
	while (rc == 0 && (row = query_step(&q, e)) == 1) {
		const struct body_place from = { query_col_u64(&q, 0), query_col_u32(&q, 1), query_col_u64(&q, 2),
			query_col_u64(&q, 3) };
		bool same = false;

		there = (struct body_place){ from.body, query_col_u32(&q, 4), query_col_u64(&q, 5), from.length };
		if (there.segment != open_segment) {
			if (fd >= 0)
				(void)close(fd);
			fd = snapshot_open_file(c->to_bodies, &there, O_RDONLY);
			open_segment = there.segment;
		}
		if (fd >= 0)
			rc = is_same(c, &from, fd, &there, &same, e);
		if (rc == 0 && !same)
			rc = run_with(&c->made, "INSERT INTO temp.others VALUES (?1)", from.body, e);
	}
	if (rc == 0)
		rc = row;
	query_end(&q);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
keep_earlier(struct store_snapshot *c, struct error *e)
{
	struct query q;
	int rc = find_segments(c, e);

	if (rc == 0)
		rc = find_others(c, e);
	if (rc != 0)
		return rc;
	q = query_begin(&c->made,
	    "UPDATE main.bodies SET segment = -o.segment, place = o.place FROM earlier.bodies o"
	    " WHERE o.body = bodies.body AND o.length = bodies.length AND o.segment IN (SELECT segment FROM temp.there)"
	    " AND bodies.segment >= 0 AND bodies.body <= ?1 AND bodies.body NOT IN (SELECT body FROM "
	    "earlier.backup_damaged) AND bodies.body NOT IN (SELECT body FROM temp.others)");
	query_u64(&q, c->last_body);
	return query_run(&q, e);
}

/* ---- what was left by a copy that was cut off ---- */

/* A record that passes: is it what the source has under its number? */
static int
keep_record(struct store_snapshot *c, int fd, uint32_t segment, const struct body_place *there, struct error *e)
{
	struct query q = query_begin(
	    &c->made, "SELECT segment, place FROM main.bodies WHERE body = ?1 AND length = ?2 AND segment >= 0");
	struct body_place from = { .body = there->body, .length = there->length };
	bool same = false;
	int rc;

	query_u64(&q, there->body);
	query_u64(&q, there->length);
	rc = query_step(&q, e);
	if (rc == 1) {
		from.segment = query_col_u32(&q, 0);
		from.place = query_col_u64(&q, 1);
	}
	query_end(&q);
	if (rc == 1)
		rc = is_same(c, &from, fd, there, &same, e);
	if (rc != 0 || !same)
		return rc;
	q = query_begin(&c->made, "UPDATE main.bodies SET segment = ?1, place = ?2 WHERE body = ?3");
	query_u64(&q, (uint64_t)0 - segment);
	query_u64(&q, there->place);
	query_u64(&q, there->body);
	return query_run(&q, e);
}

static int
scan_records(struct store_snapshot *c, int fd, uint32_t segment, uint64_t *end_out, struct error *e)
{
	struct body_place place;
	int rc = 0;

	*end_out = 0;
	while (rc == 0 && snapshot_record_head(fd, *end_out, &place, NULL) == 0 &&
	    snapshot_record(fd, &place, NULL, NULL, NULL) == 0) {
		rc = keep_record(c, fd, segment, &place, e);
		*end_out += record_size(place.length);
	}
	return rc;
}

static int
scan_segment(struct store_snapshot *c, uint32_t segment, struct error *e)
{
	const struct body_place place = { .segment = segment };
	uint64_t end = 0;
	int fd = snapshot_open_file(c->to_bodies, &place, O_RDWR), rc;

	if (fd < 0)
		return 0;
	rc = db_run(&c->made, "BEGIN", e);
	if (rc == 0)
		rc = scan_records(c, fd, segment, &end, e);
	if (rc == 0)
		rc = db_run(&c->made, "COMMIT", e);
	if (rc == 0 && end > 0)
		rc = sync_or_remove(c, fd, &place, e);
	(void)close(fd);
	return rc;
}

struct scan {
	struct store_snapshot *c;
	struct error *e;
	struct buf unnamed; /* uint32_t: segments without a row in the earlier copy */
};

static int
note_segment(void *ctx, const char *name)
{
	struct scan *s = ctx;
	uint64_t segment;
	uint32_t number;
	struct query q;
	int rc;

	if (!bodies_name_number(name, 's', 8, &segment))
		return 0;
	number = (uint32_t)segment;
	if (number < BODY_COMPACTED && number >= s->c->filling.next)
		s->c->filling.next = number + 1;
	q = query_begin(&s->c->made, "SELECT 1 FROM earlier.segments WHERE segment = ?1");
	query_u64(&q, segment);
	rc = query_step(&q, s->e);
	query_end(&q);
	if (rc == 0)
		(void)buf_put(&s->unnamed, &number, sizeof number);
	return rc < 0 ? rc : s->unnamed.err;
}

/* Also finds the number of the next segment: a file that is there is never written to. */
static int
keep_unfinished(struct store_snapshot *c, struct error *e)
{
	struct scan s = { .c = c, .e = e };
	const uint32_t *unnamed;
	uint64_t last = 0;
	int rc;

	rc = db_number(
	    &c->made, "SELECT max(segment) FROM earlier.segments WHERE segment < " BODY_COMPACTED_SQL, &last, e);
	if (rc != 0)
		return rc;
	c->filling.next = (uint32_t)last + 1;
	buf_init(&s.unnamed, 1 << 22);
	rc = dir_each(c->to_bodies, note_segment, &s, e);
	unnamed = (const void *)s.unnamed.data;
	for (size_t i = 0; i < s.unnamed.len / sizeof *unnamed && rc == 0; i++)
		rc = scan_segment(c, unnamed[i], e);
	buf_done(&s.unnamed);
	return rc;
}

/* ---- copying ---- */

/* Octets stood in the source that are not there: is it still held? Then it is damage, and told; otherwise nothing is known. */
static int
is_damaged(struct store_snapshot *c, const struct body_place *place, const struct error *why, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct slice who = SLICE_EMPTY;
	char text[ERROR_TEXT_MAX * 2];
	int rc = c->o.still == NULL ? 0 : c->o.still(c->o.ctx, e);

	arena_init(&a, 1 << 16);
	if (rc == 0)
		rc = body_name_message(&c->made, place->body, &a, &who, e);
	if (rc == 0)
		rc = run_with(&c->made, "INSERT OR IGNORE INTO main.backup_damaged VALUES (?1)", place->body, e);
	if (rc != 0)
		return rc;
	c->damaged++;
	(void)snprintf(text, sizeof text, "body %" PRIu64 " (%.*s): %s", place->body, (int)who.len,
	    (const char *)who.data, why->text);
	if (c->o.damaged != NULL)
		c->o.damaged(c->o.ctx, text);
	return 0;
}

static int
flush_filling(struct store_snapshot *c, struct error *e)
{
	struct filling *f = &c->filling;
	int rc = f->pending.len == 0 ? 0 : snapshot_write(f->fd, buf_slice(&f->pending), f->used, e);

	if (rc != 0)
		return rc;
	/* So that the sync at its end has little left, and nobody else's waits for it. */
	(void)sync_file_range(f->fd, (off_t)f->used, (off_t)f->pending.len, SYNC_FILE_RANGE_WRITE);
	f->used += f->pending.len;
	buf_clear(&f->pending);
	return 0;
}

static int
end_filling(struct store_snapshot *c, struct error *e)
{
	struct filling *f = &c->filling;
	int rc = flush_filling(c, e);

	if (rc == 0 && f->fd >= 0)
		rc = sync_or_remove(c, f->fd, &(struct body_place){ .segment = f->segment }, e);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	return rc;
}

static int
begin_filling(struct store_snapshot *c, struct error *e)
{
	struct filling *f = &c->filling;
	int rc;

	if (f->fd >= 0 && f->used + f->pending.len < SEGMENT_MAX_OCTETS)
		return f->pending.len < PENDING_FLUSH ? 0 : flush_filling(c, e);
	rc = end_filling(c, e);
	if (rc != 0)
		return rc;
	if (f->next >= BODY_COMPACTED)
		return error_set(e, ERR_LIMIT, "the numbers of body segments are used up");
	f->segment = f->next++;
	f->used = 0;
	f->fd = snapshot_open_file(
	    c->to_bodies, &(struct body_place){ .segment = f->segment }, O_WRONLY | O_CREAT | O_EXCL);
	if (f->fd < 0)
		return error_set_errno(e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, errno,
		    "a body segment cannot be made in '%s'", c->to_bodies);
	return 0;
}

static int
put_pending(void *ctx, struct slice raw, struct error *e)
{
	struct store_snapshot *c = ctx;
	struct filling *f = &c->filling;

	if (buf_put_slice(&f->pending, raw) != 0)
		return error_set(e, f->pending.err, "no memory for a message");
	f->failed = f->pending.len >= PENDING_FLUSH && flush_filling(c, e) != 0;
	return f->failed ? e->code : 0;
}

/* Also when some of what stands behind it is written already: nobody names that yet. */
static void
take_back(struct filling *f, uint64_t at)
{
	if (f->used > at)
		buf_clear(&f->pending);
	else
		buf_truncate(&f->pending, (size_t)(at - f->used));
	f->used = f->used > at ? at : f->used;
}

static int
place_body(struct store_snapshot *c, uint64_t body, uint64_t at, struct error *e)
{
	struct query q = query_begin(&c->made, "UPDATE main.bodies SET segment = ?1, place = ?2 WHERE body = ?3");

	query_u64(&q, (uint64_t)0 - c->filling.segment);
	query_u64(&q, at);
	query_u64(&q, body);
	return query_run(&q, e);
}

static int
copy_to_segment(struct store_snapshot *c, const struct body_place *from, struct error *e)
{
	struct filling *f = &c->filling;
	struct error why = { 0 };
	uint64_t at;
	int rc = begin_filling(c, e);

	if (rc != 0)
		return rc;
	at = f->used + f->pending.len;
	rc = open_source(c, from, &why);
	if (rc == 0)
		rc = snapshot_record(c->open_fd, from, put_pending, c, &why);
	if (is_damage(rc) && !f->failed) {
		take_back(f, at);
		rc = is_damaged(c, from, &why, e);
		if (rc == 0)
			rc = snapshot_record_raw(c->open_fd, from, put_pending, c, e);
	} else if (rc != 0) {
		*e = why;
	}
	return rc != 0 ? rc : place_body(c, from->body, at, e);
}

static int
gather(struct query *q, struct rows *out, struct error *e)
{
	struct body_place *place;
	int rc;

	while ((rc = query_step(q, e)) == 1 && (place = rows_add(out)) != NULL)
		*place = (struct body_place){ query_col_u64(q, 0), query_col_u32(q, 1), query_col_u64(q, 2),
			query_col_u64(q, 3) };
	query_end(q);
	return rc < 0 ? rc : arena_check(out->arena, e);
}

static int
copy_segments_page(struct store_snapshot *c, bool *more_out, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct rows rows = { .arena = &a, .size = sizeof(struct body_place) };
	struct query q = query_begin(&c->made,
	    "SELECT body, segment, place, length FROM main.bodies WHERE segment > 0 ORDER BY segment, place LIMIT ?1");
	const struct body_place *place;
	int rc;

	arena_init(&a, PAGE_ARENA);
	query_u64(&q, PAGE);
	rc = gather(&q, &rows, e);
	if (rc == 0)
		rc = db_run(&c->made, "BEGIN", e);
	place = rows.data;
	for (size_t i = 0; i < rows.count && rc == 0; i++) {
		rc = copy_to_segment(c, &place[i], e);
		take_turns(c);
		c->done += place[i].length;
		snapshot_progress(c, "messages", c->done, c->total);
	}
	if (rc == 0)
		rc = db_run(&c->made, "COMMIT", e);
	*more_out = rows.count > 0;
	return rc;
}

/* ---- large bodies, each in a file of its own ---- */

struct copying {
	struct store_snapshot *c;
	struct file_writer w;
	bool failed; /* to write: what is wrong is not the source */
};

static int
put_file(void *ctx, struct slice raw, struct error *e)
{
	struct copying *f = ctx;
	int rc = file_writer_put(&f->w, raw, e);

	take_turns(f->c);
	f->failed = rc != 0;
	return rc;
}

/* As it is, in the place of one that was begun. */
static int
copy_damaged_file(struct store_snapshot *c, const struct body_place *place, const char *path, struct copying *f,
    const struct error *why, struct error *e)
{
	int rc = is_damaged(c, place, why, e);

	file_writer_done(&f->w);
	if (rc == 0)
		rc = file_writer_open(&f->w, path, 0600, FILE_REPLACE, e);
	return rc != 0 ? rc : snapshot_record_raw(c->open_fd, place, put_file, f, e);
}

static int
copy_file(struct store_snapshot *c, const struct body_place *place, struct error *e)
{
	struct copying f = { .c = c, .w.fd = -1 };
	char path[FILE_PATH_MAX + 32];
	struct error why = { 0 };
	int rc;

	(void)snprintf(path, sizeof path, "%s/b%016" PRIx64, c->to_bodies, place->body);
	rc = file_writer_open(&f.w, path, 0600, FILE_REPLACE, e);
	if (rc != 0)
		return rc;
	rc = open_source(c, place, &why);
	if (rc == 0)
		rc = snapshot_record(c->open_fd, place, put_file, &f, &why);
	if (rc != 0 && is_damage(rc) && !f.failed)
		rc = copy_damaged_file(c, place, path, &f, &why, e);
	else if (rc != 0)
		*e = why;
	if (rc == 0)
		rc = file_writer_commit(&f.w, e);
	file_writer_done(&f.w);
	return rc;
}

/* It was whole once, or it is now, to be sure; and it is the same. */
static int
file_is_there(struct store_snapshot *c, const struct body_place *place, bool trusted, bool *out, struct error *e)
{
	struct stat st;
	int fd = snapshot_open_file(c->to_bodies, place, O_RDONLY), rc = 0;

	*out = false;
	if (fd < 0)
		return 0;
	if (trusted)
		*out = fstat(fd, &st) == 0 && (uint64_t)st.st_size == record_size(place->length);
	else
		*out = snapshot_record(fd, place, NULL, NULL, NULL) == 0 && fdatasync(fd) == 0;
	if (*out)
		rc = is_same(c, place, fd, place, out, e);
	(void)close(fd);
	return rc;
}

/* What an earlier copy names stays as it is: then it gets a place in a segment. */
static int
copy_large(struct store_snapshot *c, const struct body_place *place, struct error *e)
{
	bool named = false;
	int rc =
	    is_named(&c->made, "SELECT 1 FROM earlier.bodies WHERE body = ?1 AND segment = 0", place->body, &named, e);

	if (rc != 0)
		return rc;
	return named ? copy_to_segment(c, place, e) : copy_file(c, place, e);
}

static int
copy_files_page(struct store_snapshot *c, uint64_t *after, bool *more_out, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct rows rows = { .arena = &a, .size = sizeof(struct body_place) };
	/* The place, which is always 0, says whether an earlier copy has it. */
	struct query q = query_begin(&c->made,
	    "SELECT n.body, 0, n.body <= ?1 AND o.length IS NOT NULL AND d.body IS NULL, n.length FROM main.bodies n"
	    " LEFT JOIN earlier.bodies o ON o.body = n.body AND o.segment = 0 AND o.length = n.length"
	    " LEFT JOIN earlier.backup_damaged d ON d.body = n.body"
	    " WHERE n.segment = 0 AND n.body > ?2 ORDER BY n.body LIMIT ?3");
	const struct body_place *row;
	int rc;

	arena_init(&a, PAGE_ARENA);
	query_u64(&q, c->last_body);
	query_u64(&q, *after);
	query_u64(&q, PAGE);
	rc = gather(&q, &rows, e);
	row = rows.data;
	for (size_t i = 0; i < rows.count && rc == 0; i++) {
		const struct body_place place = { .body = row[i].body, .length = row[i].length };
		bool there = false;

		rc = file_is_there(c, &place, row[i].place != 0, &there, e);
		if (rc == 0 && !there)
			rc = copy_large(c, &place, e);
		c->total -= there ? place.length : 0;
		c->done += there ? 0 : place.length;
		*after = place.body;
		snapshot_progress(c, "messages", c->done, c->total);
	}
	*more_out = rows.count > 0;
	return rc;
}

int
snapshot_bodies(struct store_snapshot *c, struct error *e)
{
	uint64_t after = 0;
	bool more = true;
	int rc;

	c->turn_ms = clock_ms();
	rc = keep_earlier(c, e);
	if (rc == 0)
		rc = keep_unfinished(c, e);
	if (rc == 0)
		rc = db_number(
		    &c->made, "SELECT coalesce(sum(length), 0) FROM main.bodies WHERE segment >= 0", &c->total, e);
	buf_init(&c->filling.pending, PENDING_MAX);
	while (rc == 0 && more)
		rc = copy_segments_page(c, &more, e);
	more = true;
	while (rc == 0 && more)
		rc = copy_files_page(c, &after, &more, e);
	if (rc == 0)
		rc = end_filling(c, e);
	return rc == 0 ? dir_sync(c->to_bodies, e) : rc;
}

/* ---- what nobody names any more ---- */

static void
punch(int fd, uint64_t from, uint64_t to)
{
	if (to > from)
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
}

static int
prune_segment(struct store_snapshot *c, uint32_t segment, struct error *e)
{
	struct query q = query_begin(&c->made, "SELECT place, length FROM bodies WHERE segment = ?1 ORDER BY place");
	int fd = snapshot_open_file(c->to_bodies, &(struct body_place){ .segment = segment }, O_WRONLY), rc;
	uint64_t end = 0;

	query_u64(&q, segment);
	while ((rc = query_step(&q, e)) == 1) {
		punch(fd, end, query_col_u64(&q, 0));
		end = query_col_u64(&q, 0) + record_size(query_col_u64(&q, 1));
	}
	if (rc == 0)
		(void)!ftruncate(fd, (off_t)end);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
prune_entry(struct store_snapshot *c, int folder, const char *name, struct error *e)
{
	bool named = false;
	uint64_t number;
	int rc = 0;

	if (bodies_name_number(name, 's', 8, &number))
		rc = is_named(&c->made, "SELECT 1 FROM segments WHERE segment = ?1", number, &named, e);
	else if (bodies_name_number(name, 'b', 16, &number) && number <= INT64_MAX)
		rc = is_named(&c->made, "SELECT 1 FROM bodies WHERE body = ?1 AND segment = 0", number, &named, e);
	else if (!slice_starts(slice_str(name), SLICE(".letterlock-"))) /* os/file.h, when it was killed */
		return 0;
	if (rc != 0)
		return rc;
	if (!named)
		(void)unlinkat(folder, name, 0);
	else if (name[0] == 's')
		rc = prune_segment(c, (uint32_t)number, e);
	return rc;
}

int
snapshot_prune(struct store_snapshot *c, struct error *e)
{
	DIR *dir = opendir(c->to_bodies);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return error_set_errno(e, ERR_IO, errno, "'%s' cannot be read", c->to_bodies);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = prune_entry(c, dirfd(dir), entry->d_name, e);
	(void)closedir(dir);
	return rc;
}
