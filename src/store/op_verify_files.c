/* SPDX-License-Identifier: ISC */
/*
 * Looking at the files of bodies: every record in its place, every octet
 * against its checksum, every file against its row.
 *
 * A snapshot does not cover files: space is given back and records are moved
 * while somebody looks. So what does not pass is looked at once more in a new
 * snapshot. A file without a row may be one that is just being written: who
 * asks must ask again before believing that (struct store_verified).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/op_verify.h"
#include "store/record.h"

#define OCTETS_AT_ONCE ((uint64_t)16 << 20)
#define BODIES_AT_ONCE 4096u

static const char lost[] =
    "restore this body from a backup of bodies/ (or the whole folder); its messages cannot be read until then";
static const char overlap[] = "stop the server and restore the data folder from a backup";
static const char stray[] = "stop the server; if it is there after the next start, move it out of bodies/";

/* ---- segments ---- */

struct walk {
	uint64_t live;
	uint64_t end; /* of the record before */
	uint64_t before;
};

static int
walk_segment(struct look *l, uint64_t segment, uint64_t used, struct walk *w, struct error *e)
{
	struct query q =
	    query_begin(l->rx->db, "SELECT body, place, length FROM bodies WHERE segment = ?1 ORDER BY place");
	int rc;

	query_u64(&q, segment);
	while ((rc = query_step(&q, e)) == 1) {
		uint64_t body = query_col_u64(&q, 0), place = query_col_u64(&q, 1);
		uint64_t size = record_size(query_col_u64(&q, 2));

		if (place < w->end)
			look_found(l, overlap,
			    arena_printf(l->rx->arena,
				"bodies %" PRIu64 " and %" PRIu64 " lie in the same place of segment %" PRIu64,
				w->before, body, segment));
		if (place > used || size > used - place)
			look_found(l, lost,
			    arena_printf(l->rx->arena, "body %" PRIu64 " lies behind the end of segment %" PRIu64, body,
				segment));
		w->live += size;
		w->end = place + size;
		w->before = body;
	}
	return rc;
}

/* The same row in a new snapshot: has it been there all the time? */
static int
still_there(struct look *l, const char *sql_literal, uint64_t number, bool *out, struct error *e)
{
	struct query q;
	int rc = reading_anew(l->rx, e);

	if (rc != 0)
		return rc;
	q = query_begin(l->rx->db, sql_literal);
	query_u64(&q, number);
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 1;
	return rc < 0 ? rc : 0;
}

/* *size_out: octets, *disk_out: of them on the disk. 0 for both when there is no such file. */
static int
file_sizes(const struct look *l, const char *name, uint64_t *size_out, uint64_t *disk_out, struct error *e)
{
	struct stat st;

	*size_out = *disk_out = 0;
	if (fstatat(l->rx->s->bodies.folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*size_out = (uint64_t)st.st_size;
		*disk_out = (uint64_t)st.st_blocks * 512;
		return 0;
	}
	return errno == ENOENT ? 0 : error_set_errno(e, ERR_IO, errno, "a file of bodies cannot be looked at");
}

static int
check_segment(struct look *l, uint64_t segment, uint64_t used, struct error *e)
{
	struct walk w = { 0 };
	char name[24];
	uint64_t size, disk;
	bool there = true;
	int rc = walk_segment(l, segment, used, &w, e);

	(void)snprintf(name, sizeof name, "s%08" PRIx64, segment);
	if (rc == 0)
		rc = file_sizes(l, name, &size, &disk, e);
	if (rc == 0 && size < used)
		rc = still_there(l, "SELECT 1 FROM segments WHERE segment = ?1", segment, &there, e);
	if (rc == 0 && size < used && there)
		look_found(l, lost,
		    arena_printf(l->rx->arena, "body segment %s should have %" PRIu64 " octets, and has %" PRIu64, name,
			used, size));
	if (rc == 0) {
		l->out->live += w.live;
		l->out->dead += used > w.live ? used - w.live : 0;
		l->out->disk += disk;
	}
	return rc;
}

int
look_segments(struct look *l, struct error *e)
{
	struct query q =
	    query_begin(l->rx->db, "SELECT segment, used FROM segments WHERE segment > ?1 ORDER BY segment LIMIT 1");
	uint64_t segment = 0, used = 0;
	int rc;

	query_u64(&q, l->in->after);
	rc = query_step(&q, e);
	if (rc == 1) {
		segment = query_col_u64(&q, 0);
		used = query_col_u64(&q, 1);
	}
	query_end(&q);
	if (rc != 1)
		return rc;
	l->out->after = segment;
	l->out->more = true;
	return check_segment(l, segment, used, e);
}

/* ---- files ---- */

static int
check_file(struct look *l, const char *name, struct error *e)
{
	uint64_t number = 0;
	bool there = false;
	int rc = 0;

	if (bodies_name_number(name, 's', 8, &number))
		rc = still_there(l, "SELECT 1 FROM segments WHERE segment = ?1", number, &there, e);
	else if (bodies_name_number(name, 'b', 16, &number) && number <= INT64_MAX)
		rc = still_there(l, "SELECT 1 FROM bodies WHERE body = ?1 AND segment = 0", number, &there, e);
	/* What is just being received has no row yet, and what a backup holds has none any more. */
	if (rc == 0 && !there && number != 0 && bodies_is_young(&l->rx->s->bodies, name[0], number))
		there = true;
	if (rc == 0 && !there && number != 0 && aside_has_more(l->rx->s))
		there = true;
	if (rc == 0 && !there)
		look_found(l, stray, arena_printf(l->rx->arena, "bodies/%s is nobody's", name));
	return rc;
}

int
look_files(struct look *l, struct error *e)
{
	int fd = openat(l->rx->s->bodies.folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		rc = error_set_errno(e, ERR_IO, errno, "the folder of bodies cannot be read");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			rc = check_file(l, entry->d_name, e);
	}
	(void)closedir(dir);
	return rc;
}

/* ---- octets ---- */

static int
check_octets(struct look *l, const struct body_place *place, struct error *e)
{
	struct error why = { 0 };
	struct slice who = SLICE_EMPTY;
	uint64_t at = 0;
	bool gone = false;
	int rc = 0;

	do {
		struct buf data BUF_OWNED = { 0 };
		uint64_t left = place->length - at, n = left < STORE_PIECE_MAX ? left : STORE_PIECE_MAX;

		buf_init(&data, STORE_PIECE_MAX + 1);
		rc = body_read_checked(l->rx, place->body, at, n, &data, &gone, &why);
		at += n;
	} while (rc == 0 && !gone && at < place->length);
	l->out->octets += place->length;
	if (rc == 0 || gone)
		return 0;
	if (rc != ERR_INTEGRITY && rc != ERR_TRUNCATED && rc != ERR_NOT_FOUND) {
		*e = why;
		return rc;
	}
	rc = body_name_message(l->rx->db, place->body, l->rx->arena, &who, e);
	if (rc == 0)
		look_found(l, lost,
		    arena_printf(l->rx->arena, "body %" PRIu64 " (%.*s): %s", place->body, (int)who.len,
			(const char *)who.data, why.text));
	return rc;
}

int
look_octets(struct look *l, struct error *e)
{
	struct rows places = { .arena = l->rx->arena, .size = sizeof(struct body_place) };
	struct query q = query_begin(
	    l->rx->db, "SELECT body, segment, place, length FROM bodies WHERE body > ?1 ORDER BY body LIMIT ?2");
	uint64_t octets = 0;
	struct body_place *place;
	int rc = 0;

	query_u64(&q, l->in->after);
	query_u64(&q, BODIES_AT_ONCE);
	while (octets < OCTETS_AT_ONCE && (rc = query_step(&q, e)) == 1 && (place = rows_add(&places)) != NULL) {
		*place = (struct body_place){ query_col_u64(&q, 0), query_col_u32(&q, 1), query_col_u64(&q, 2),
			query_col_u64(&q, 3) };
		octets += place->length;
	}
	query_end(&q);
	rc = rc < 0 ? rc : arena_check(l->rx->arena, e);
	place = places.data;
	for (size_t i = 0; i < places.count && rc == 0; i++) {
		rc = check_octets(l, &place[i], e);
		l->out->after = place[i].body;
	}
	l->out->more = rc == 0 && places.count > 0;
	return rc;
}
