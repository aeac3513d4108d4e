/* SPDX-License-Identifier: ISC */
/*
 * Compaction: what is alive in a segment that is mostly dead is copied to a
 * new one, and the old file goes. (Space that is given back is punched out at
 * once, but only in whole blocks of the file system.) In steps:
 *
 *   1 some bodies are read, checked, and appended to a segment that only
 *     compaction writes to; it is synced, its name too
 *   2 one transaction of the committer says where they are now
 *   3 when nothing is left in the old segment its row goes with that
 *     transaction, and then its file, once nobody holds it (aside.c)
 *
 * Whatever happens in between, every row names synced octets: before 2 the old
 * ones; after 2 the new ones, and what is left behind has no row, which the
 * next start removes. That is why moved bodies never need recover.c, which
 * would expunge what is not whole. A reader that still has the old place looks
 * where the body is now (body_read_checked() in op_message.c).
 *
 * The segment that the committer appends to is never touched. A body that
 * cannot be read or does not pass its checksum stays where it is, for
 * verification to find, and keeps its segment.
 */
#include <semaphore.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/record.h"

#define STEP_BODIES 256u
#define STEP_OCTETS ((uint64_t)4 << 20)
#define BUSY_WAITS 50 /* of BUSY_WAIT_US, while others' writes are waiting */
#define BUSY_WAIT_US 2000u

struct move {
	struct body_place from;
	struct body_place to;
};

struct moves {
	uint32_t from, to;
	uint64_t used; /* of the new segment, with these */
	const struct move *moves;
	size_t count;
	bool emptied; /* set when the old segment's row went */
};

void
compact_init(struct store *s)
{
	struct compaction *c = &s->aside.compaction;

	*c = (struct compaction){ .wanted = true, .fd = -1, .next_to = s->bodies.first_compacted };
}

/* The segment that is being filled is full, or not to be gone on with. */
static void
end_filling(struct compaction *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->to = 0;
}

void
compact_done(struct store *s)
{
	end_filling(&s->aside.compaction);
}

void
compact_freed(struct store *s, const struct body_place *place)
{
	struct compaction *c = &s->aside.compaction;

	if (place->segment == BODY_OWN_FILE)
		return;
	c->freed += record_size(place->length);
	if (!c->wanted && c->freed > s->options.segment_size / 4) {
		c->wanted = true;
		c->segment = 0;
		c->emptying = false;
	}
}

/* ---- 2: where they are now, in the committer ---- */

static int
move_one(struct tx *tx, const struct move *m, struct error *e)
{
	struct query q = query_begin(
	    tx->db, "UPDATE bodies SET segment = ?1, place = ?2 WHERE body = ?3 AND segment = ?4 AND place = ?5");
	int rc;

	query_u64(&q, m->to.segment);
	query_u64(&q, m->to.place);
	query_u64(&q, m->to.body);
	query_u64(&q, m->from.segment);
	query_u64(&q, m->from.place);
	rc = query_run(&q, e);
	/* It was expunged meanwhile: its copy is nobody's. */
	if (rc == 0 && db_changes(tx->db) == 0)
		(void)buf_put(&tx->released, &m->to, sizeof m->to);
	return rc;
}

static int
segment_row_put(struct tx *tx, const struct moves *in, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO segments (segment, used, synced) VALUES (?1, ?2, ?2)"
	    " ON CONFLICT (segment) DO UPDATE SET used = excluded.used, synced = excluded.synced");

	query_u64(&q, in->to);
	query_u64(&q, in->used);
	return query_run(&q, e);
}

static int
segment_row_remove(struct tx *tx, struct moves *in, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "DELETE FROM segments WHERE segment = ?1 AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.segment = ?1)");
	int rc;

	query_u64(&q, in->from);
	rc = query_run(&q, e);
	in->emptied = rc == 0 && db_changes(tx->db) > 0;
	return rc;
}

static int
move_rows(struct tx *tx, const void *request, void *reply, struct error *e)
{
	struct moves *in = *(struct moves *const *)request;
	int rc = in->count == 0 ? 0 : segment_row_put(tx, in, e);

	(void)reply;
	for (size_t i = 0; i < in->count && rc == 0; i++)
		rc = move_one(tx, &in->moves[i], e);
	return rc == 0 ? segment_row_remove(tx, in, e) : rc;
}

struct move_work {
	struct work work;
	sem_t done;
};

static void
move_done(struct work *w)
{
	(void)sem_post(&((struct move_work *)(void *)w)->done);
}

static int
commit_moves(struct store *s, struct moves *moves, struct arena *a, struct error *e)
{
	static const struct op op = { .kind = OP_WRITE, .write = move_rows };
	struct move_work w = {
		.work = { .op = &op, .request = &moves, .arena = a, .done = move_done },
	};

	(void)sem_init(&w.done, 0, 0);
	committer_push(s, &w.work);
	while (sem_wait(&w.done) != 0)
		;
	(void)sem_destroy(&w.done);
	if (w.work.rc != 0)
		*e = w.work.error;
	return w.work.rc;
}

/* ---- 1: copies ---- */

static int
begin_filling(struct store *s, struct error *e)
{
	struct compaction *c = &s->aside.compaction;
	int rc;

	if (c->to != 0 && c->used < s->options.segment_size)
		return 0;
	end_filling(c);
	if (c->next_to < BODY_COMPACTED)
		return error_set(e, ERR_LIMIT, "the numbers of body segments are used up");
	rc = bodies_compacted_new(&s->bodies, c->next_to, &c->fd, e);
	c->to = rc == 0 ? c->next_to : 0;
	c->next_to++;
	c->used = 0;
	return rc;
}

/* The next bodies of the segment, behind c->place. */
static int
gather_bodies(struct store *s, struct arena *a, struct rows *out, struct error *e)
{
	struct compaction *c = &s->aside.compaction;
	struct query q = query_begin(&s->aside.db,
	    "SELECT body, place, length FROM bodies WHERE segment = ?1 AND place >= ?2 ORDER BY place LIMIT ?3");
	uint64_t octets = 0;
	struct move *m;
	int rc = 0;

	*out = (struct rows){ .arena = a, .size = sizeof(struct move) };
	query_u64(&q, c->segment);
	query_u64(&q, c->place);
	query_u64(&q, STEP_BODIES);
	while (octets < STEP_OCTETS && (rc = query_step(&q, e)) == 1 && (m = rows_add(out)) != NULL) {
		m->from =
		    (struct body_place){ query_col_u64(&q, 0), c->segment, query_col_u64(&q, 1), query_col_u64(&q, 2) };
		octets += record_size(m->from.length);
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(a, e);
}

/* Those that pass, as records into out; the others stay: gone meanwhile, damaged, or not to be read now. Moves the good
 * ones to the front. */
static int
copy_bodies(struct store *s, struct rows *rows, struct buf *out, struct error *e)
{
	struct compaction *c = &s->aside.compaction;
	struct move *moves = rows->data;
	size_t good = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct buf data BUF_OWNED = { 0 };
		const struct body_place from = moves[i].from;
		int rc;

		buf_init(&data, from.length + 1);
		rc = bodies_read(&s->bodies, &from, 0, from.length, &data, e);
		c->place = from.place + 1;
		if (rc == ERR_INTEGRITY || rc == ERR_TRUNCATED || rc == ERR_NOT_FOUND || rc == ERR_IO)
			continue;
		if (rc != 0)
			return rc;
		moves[good].from = from;
		moves[good].to = (struct body_place){ from.body, c->to, c->used + out->len, from.length };
		good++;
		record_put(out, from.body, buf_slice(&data));
	}
	rows->count = good;
	return out->err == 0 ? 0 : error_set(e, out->err, "no memory for moving messages");
}

/* Others' writes go first, but not for ever. */
static void
let_others_write(struct store *s)
{
	struct committer *c = &s->committer;

	for (int i = 0; i < BUSY_WAITS; i++) {
		bool busy;

		(void)pthread_mutex_lock(&c->mutex);
		busy = c->first != NULL;
		(void)pthread_mutex_unlock(&c->mutex);
		if (!busy)
			return;
		(void)usleep(BUSY_WAIT_US);
	}
}

static int
move_some(struct store *s, struct arena *a, uint64_t *octets_out, struct error *e)
{
	struct compaction *c = &s->aside.compaction;
	struct buf records BUF_OWNED = { 0 };
	struct moves moves = { .from = c->segment };
	struct rows rows;
	int rc = gather_bodies(s, a, &rows, e);
	bool last = rc == 0 && rows.count == 0;

	buf_init(&records, (size_t)64 << 20);
	if (rc == 0 && rows.count > 0)
		rc = begin_filling(s, e);
	if (rc == 0)
		rc = copy_bodies(s, &rows, &records, e);
	if (rc == 0 && rows.count > 0) {
		rc = bodies_compacted_put(&s->bodies, c->fd, buf_slice(&records), c->used, e);
		if (rc == ERR_IO) /* it may have been the sync */
			store_stop(s, e->text);
	}
	let_others_write(s);
	moves.to = c->to;
	moves.used = c->used + records.len;
	moves.moves = rows.data;
	moves.count = rows.count;
	if (rc == 0 && (rows.count > 0 || last))
		rc = commit_moves(s, &moves, a, e);
	if (rc != 0) {
		end_filling(c);
		return rc;
	}
	c->used = moves.used;
	*octets_out = records.len;
	if (moves.emptied)
		aside_release_segment(s, c->segment);
	c->emptying = !moves.emptied && !last;
	return 0;
}

/* ---- which ---- */

/* Mostly dead; or left half-filled by an earlier run while there is one to fill up. */
static bool
is_worth_it(const struct store *s, uint32_t segment, uint64_t used, uint64_t live)
{
	const struct compaction *c = &s->aside.compaction;
	bool small = segment >= BODY_COMPACTED && used < s->options.segment_size / 4;

	return live <= used / 2 || (small && c->to != 0 && c->to != segment);
}

/* The next segment; false: none any more. */
static bool
next_segment(struct store *s, struct error *e)
{
	struct compaction *c = &s->aside.compaction;
	struct query q = query_begin(&s->aside.db,
	    "SELECT segment, used, (SELECT coalesce(sum(32 + b.length + (b.length + 16383) / 16384 * 4), 0) FROM "
	    "bodies b"
	    " WHERE b.segment = s.segment) FROM segments s WHERE segment > ?1 AND segment !="
	    " (SELECT coalesce(max(x.segment), 0) FROM segments x WHERE x.segment < " BODY_COMPACTED_SQL
	    ") ORDER BY segment LIMIT 1");
	bool found = false;

	query_u64(&q, c->segment);
	if (query_step(&q, e) == 1) {
		uint64_t used = query_col_u64(&q, 1), live = query_col_u64(&q, 2);

		found = true;
		c->segment = query_col_u32(&q, 0);
		c->place = 0;
		c->emptying = is_worth_it(s, c->segment, used, live);
		if (c->emptying && c->segment == c->to)
			end_filling(c);
	}
	query_end(&q);
	return found;
}

bool
compact_step(struct store *s, uint64_t *octets_out)
{
	struct compaction *c = &s->aside.compaction;
	struct arena a ARENA_OWNED = { 0 };
	struct error e = { 0 };

	*octets_out = 0;
	if (atomic_load(&s->stopped))
		return false;
	if (c->segment == 0)
		c->freed = 0;
	if (!c->emptying && !next_segment(s, &e)) {
		c->segment = 0;
		return c->freed > s->options.segment_size / 4;
	}
	if (!c->emptying)
		return true;
	arena_init(&a, (size_t)16 << 20);
	if (move_some(s, &a, octets_out, &e) == 0)
		return true;
	store_say(s, e.text);
	c->emptying = false;
	c->segment = 0;
	return false;
}
