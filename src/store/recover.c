/* SPDX-License-Identifier: ISC */
/*
 * After a power cut, rows of the last batch may be there whose octets are not:
 * the two are synced side by side, and nobody was answered before both. The
 * last segment's row says up to where it was synced before that batch. Every
 * body behind that place is read; the messages of one that does not pass are
 * expunged, so their UIDs are used up and their mailboxes' counts are right.
 *
 * A process that was killed, or that stopped because a sync failed, leaves
 * octets that can be read and are not on the disk. Nobody may see them before
 * they are, or a power cut takes back what was seen and its UIDs are given out
 * again. After a sync that failed they even count as clean, and a sync alone
 * would do nothing: so the log and the end of the last segment are written
 * again, octet by octet as they are, and then synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "store/op_queue.h"

#define LOG_HEAD 32
#define LOG_FRAME_HEAD 24 /* and a page */

struct last {
	uint32_t segment;
	uint64_t used;
	uint64_t synced;
};

static int
last_segment(struct db *db, struct last *out, struct error *e)
{
	struct query q = query_begin(db,
	    "SELECT segment, used, synced FROM segments WHERE segment < " BODY_COMPACTED_SQL
	    " ORDER BY segment DESC LIMIT 1");
	int rc = query_step(&q, e);

	*out = (struct last){ 0 };
	if (rc == 1)
		*out = (struct last){ query_col_u32(&q, 0), query_col_u64(&q, 1), query_col_u64(&q, 2) };
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
bodies_behind(struct db *db, const struct last *last, struct rows *out, struct error *e)
{
	struct query q = query_begin(db, "SELECT body, place, length FROM bodies WHERE segment = ?1 AND place >= ?2");
	struct body_place *place;
	int rc;

	query_u64(&q, last->segment);
	query_u64(&q, last->synced);
	while ((rc = query_step(&q, e)) == 1 && (place = rows_add(out)) != NULL)
		*place = (struct body_place){ query_col_u64(&q, 0), last->segment, query_col_u64(&q, 1),
			query_col_u64(&q, 2) };
	query_end(&q);
	return rc < 0 ? rc : arena_check(out->arena, e);
}

/* 1: whole, 0: not, or negative when it cannot be told. */
static int
body_is_whole(struct store *s, const struct body_place *place, struct error *e)
{
	struct buf data BUF_OWNED = { 0 };
	int rc;

	buf_init(&data, place->length == 0 ? 1 : place->length);
	rc = bodies_read(&s->bodies, place, 0, place->length, &data, e);
	if (rc == 0)
		return 1;
	return rc == ERR_INTEGRITY || rc == ERR_TRUNCATED || rc == ERR_NOT_FOUND ? 0 : rc;
}

/* ---- the messages of bodies that are not whole ---- */

struct lost {
	const uint64_t *bodies; /* ascending */
	size_t count;
	struct rows messages; /* struct store_stored */
};

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * What the last batch put into a mailbox is at its end, and has the one save
 * date of that batch: only so much is looked at, however much mail there is.
 */
static int
look_at_end(struct tx *tx, uint64_t account, uint64_t mailbox, struct lost *lost, struct error *e)
{
	struct query q = query_begin(
	    tx->db, "SELECT uid, body, save_date FROM messages WHERE account = ?1 AND mailbox = ?2 ORDER BY uid DESC");
	uint64_t saved = UINT64_MAX;
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	while ((rc = query_step(&q, e)) == 1) {
		uint64_t body = query_col_u64(&q, 1), date = query_col_u64(&q, 2);
		struct store_stored *row;

		if (saved != UINT64_MAX && date != saved)
			break;
		saved = date;
		if (bsearch(&body, lost->bodies, lost->count, sizeof body, compare_numbers) == NULL)
			continue;
		row = rows_add(&lost->messages);
		if (row == NULL)
			break;
		*row = (struct store_stored){ .account = account, .mailbox = mailbox, .uid = query_col_u32(&q, 0) };
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(lost->messages.arena, e);
}

static int
look_at_ends(struct tx *tx, struct lost *lost, struct error *e)
{
	struct query q = query_begin(tx->db, "SELECT account, mailbox FROM mailboxes WHERE messages > 0");
	int rc, looked = 0;

	while (looked == 0 && (rc = query_step(&q, e)) == 1)
		looked = look_at_end(tx, query_col_u64(&q, 0), query_col_u64(&q, 1), lost, e);
	query_end(&q);
	return looked != 0 ? looked : rc;
}

static int
forget_messages(struct tx *tx, const struct rows *messages, struct error *e)
{
	const struct store_stored *one = messages->data;
	int rc = 0;

	for (size_t i = 0; i < messages->count && rc == 0; i++) {
		struct store_range range = { one[i].uid, one[i].uid };
		struct store_expunge in = { one[i].account, one[i].mailbox, &range, 1, true };
		struct store_expunged out = { 0 };

		rc = op_expunge(tx, &in, &out, e);
	}
	return rc != 0 ? rc : arena_check(tx->arena, e);
}

static int
forget_bodies(struct tx *tx, const uint64_t *bodies, size_t count, struct error *e)
{
	struct lost lost = { bodies, count, { .arena = tx->arena, .size = sizeof(struct store_stored) } };
	int rc = count == 0 ? 0 : look_at_ends(tx, &lost, e);

	if (rc == 0)
		rc = forget_messages(tx, &lost.messages, e);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = queue_forget_body(tx, bodies[i], e);
	return rc;
}

/* ---- the files ---- */

static int
write_again(int fd, uint64_t from, uint64_t to)
{
	uint8_t part[65536];

	while (from < to) {
		ssize_t n = pread(fd, part, to - from < sizeof part ? (size_t)(to - from) : sizeof part, (off_t)from);

		if (n > 0)
			n = pwrite(fd, part, (size_t)n, (off_t)from);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			return 0;
		from += n > 0 ? (uint64_t)n : 0;
	}
	return 0;
}

/*
 * Where the frames of the log end that SQLite can believe: they have the two salts of the log's head, and those behind
 * are of earlier rounds and were checkpointed (https://sqlite.org/fileformat2.html#the_write_ahead_log).
 */
static uint64_t
log_end(int fd, uint64_t size)
{
	uint8_t head[LOG_HEAD], frame[LOG_FRAME_HEAD];
	uint64_t at = sizeof head, page;

	if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head)
		return size;
	page = (uint64_t)head[8] << 24 | (uint64_t)head[9] << 16 | (uint64_t)head[10] << 8 | head[11];
	while (at < size && pread(fd, frame, sizeof frame, (off_t)at) == (ssize_t)sizeof frame &&
	    memcmp(frame + 8, head + 16, 8) == 0)
		at += sizeof frame + page;
	return at < size ? at : size;
}

int
recover_log(const char *db_path, struct error *e)
{
	char path[FILE_PATH_MAX + 4];
	struct stat st;
	int fd, rc = 0;

	(void)snprintf(path, sizeof path, "%s-wal", db_path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) != 0 || write_again(fd, 0, log_end(fd, (uint64_t)st.st_size)) != 0 ||
	    fdatasync(fd) != 0)
		rc = error_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_IO, errno, "'%s' cannot be synced", path);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* What is there now is synced, or there is no such file. *size_out: its octets, 0 without one. */
static int
sync_segment(struct store *s, const struct last *last, uint64_t *size_out, struct error *e)
{
	char name[24];
	struct stat st;
	int fd, rc = 0;

	(void)snprintf(name, sizeof name, "s%08" PRIx32, last->segment);
	*size_out = 0;
	fd = openat(s->bodies.folder_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || write_again(fd, last->synced, last->used) != 0 || fdatasync(fd) != 0 ||
	    fsync(s->bodies.folder_fd) != 0 || fstat(fd, &st) != 0)
		rc = error_set_errno(e, ERR_IO, errno, "a body segment cannot be synced");
	if (fd >= 0)
		(void)close(fd);
	if (rc == 0)
		*size_out = (uint64_t)st.st_size;
	return rc;
}

static int
settle(struct tx *tx, const struct last *last, uint64_t size, struct error *e)
{
	struct query q;

	if (size == 0) {
		q = query_begin(tx->db, "DELETE FROM segments WHERE segment = ?1");
		query_u64(&q, last->segment);
		return query_run(&q, e);
	}
	q = query_begin(tx->db, "UPDATE segments SET used = ?2, synced = ?2 WHERE segment = ?1");
	query_u64(&q, last->segment);
	query_u64(&q, size < last->used ? size : last->used);
	return query_run(&q, e);
}

/* Those that are not whole, ascending; *count_out also when there is an error. */
static int
find_lost(struct tx *tx, const struct rows *places, uint64_t *bodies, size_t *count_out, struct error *e)
{
	const struct body_place *place = places->data;
	int rc = 0;

	*count_out = 0;
	for (size_t i = 0; i < places->count && rc >= 0; i++) {
		rc = body_is_whole(tx->s, &place[i], e);
		if (rc == 0)
			bodies[(*count_out)++] = place[i].body;
	}
	qsort(bodies, *count_out, sizeof *bodies, compare_numbers);
	return rc < 0 ? rc : 0;
}

static int
recover(struct tx *tx, const struct last *last, const struct rows *places, uint64_t size, size_t *lost, struct error *e)
{
	uint64_t *bodies = arena_array(tx->arena, places->count + 1, sizeof *bodies);
	int rc = bodies == NULL ? error_nomem(e) : db_run(tx->db, "BEGIN IMMEDIATE", e);

	if (rc == 0)
		rc = find_lost(tx, places, bodies, lost, e);
	if (rc == 0)
		rc = forget_bodies(tx, bodies, *lost, e);
	if (rc == 0)
		rc = settle(tx, last, size, e);
	if (rc == 0)
		rc = db_run(tx->db, "COMMIT", e);
	if (rc != 0)
		(void)db_run(tx->db, "ROLLBACK", NULL);
	return rc;
}

int
recover_last_batch(struct store *s, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct rows places = { .arena = &a, .size = sizeof(struct body_place) };
	struct tx tx = { .s = s, .db = &s->committer.db, .arena = &a };
	struct last last;
	uint64_t size = 0;
	size_t lost = 0;
	int rc = last_segment(&s->committer.db, &last, e);

	arena_init(&a, PORT_ARENA_BUDGET);
	if (rc != 0 || last.synced >= last.used)
		return rc;
	buf_init(&tx.changed, 1 << 20);
	buf_init(&tx.released, 1 << 20);
	rc = sync_segment(s, &last, &size, e);
	if (rc == 0)
		rc = bodies_behind(&s->committer.db, &last, &places, e);
	if (rc == 0)
		rc = recover(&tx, &last, &places, size, &lost, e);
	if (rc == 0 && lost > 0) {
		char line[100];

		(void)snprintf(
		    line, sizeof line, "took out %zu messages that were never acknowledged and are not whole", lost);
		store_say(s, line);
	}
	buf_done(&tx.changed);
	buf_done(&tx.released);
	return rc;
}
