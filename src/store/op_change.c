/* SPDX-License-Identifier: ISC */
/*
 * Flags, expunge, copy. Each gathers the messages it is about, at most so
 * many as its limit, then changes them one by one: every message gets a
 * mod-sequence of its own.
 */
#include <string.h>

#include "store/op_mailbox.h"

struct item {
	uint32_t uid;
	uint32_t flags;
	uint64_t keywords;
	uint64_t modseq;
	uint64_t size;
	uint64_t body;
};

/* A mailbox's counters as they change; written back once. */
struct counters {
	uint64_t account;
	uint64_t mailbox;
	uint32_t uidvalidity;
	uint64_t uidnext;
	uint64_t modseq;
	int64_t messages;
	int64_t unseen;
	int64_t deleted;
	int64_t size;
	int64_t messages_before; /* what the account counts */
	int64_t size_before;
};

int
ranges_check(const struct store_range *ranges, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].first > ranges[i].last || (i > 0 && ranges[i].first <= ranges[i - 1].last))
			return error_set_at(e, ERR_SYNTAX, i, "UID ranges must ascend and not overlap");
	}
	return 0;
}

static int
counters_get(struct tx *tx, uint64_t account, uint64_t mailbox, struct counters *out, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "SELECT uidvalidity, uidnext, modseq, messages, unseen, deleted, size FROM mailboxes"
	    " WHERE account = ?1 AND mailbox = ?2 AND selectable = 1");
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	*out = (struct counters){ account, mailbox, query_col_u32(&q, 0), query_col_u64(&q, 1), query_col_u64(&q, 2),
		(int64_t)query_col_u64(&q, 3), (int64_t)query_col_u64(&q, 4), (int64_t)query_col_u64(&q, 5),
		(int64_t)query_col_u64(&q, 6), (int64_t)query_col_u64(&q, 3), (int64_t)query_col_u64(&q, 6) };
	query_end(&q);
	return 0;
}

static int
counters_put(struct tx *tx, const struct counters *c, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE mailboxes SET uidnext = ?1, modseq = ?2, messages = ?3, unseen = ?4, deleted = ?5, size = ?6"
	    " WHERE account = ?7 AND mailbox = ?8");
	int rc;

	query_u64(&q, c->uidnext);
	query_u64(&q, c->modseq);
	query_u64(&q, (uint64_t)c->messages);
	query_u64(&q, (uint64_t)c->unseen);
	query_u64(&q, (uint64_t)c->deleted);
	query_u64(&q, (uint64_t)c->size);
	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	rc = query_run(&q, e);
	if (rc == 0)
		rc = tx_account_count(tx, c->account, c->messages - c->messages_before, c->size - c->size_before, e);
	return rc != 0 ? rc : tx_changed(tx, c->account, c->mailbox, e);
}

/* One message comes (1) or goes (-1). */
static void
counters_move(struct counters *c, const struct item *m, int64_t by)
{
	c->messages += by;
	c->unseen += (m->flags & STORE_SEEN) == 0 ? by : 0;
	c->deleted += (m->flags & STORE_DELETED) != 0 ? by : 0;
	c->size += by * (int64_t)m->size;
}

static int
gather_range(struct tx *tx, const struct counters *c, struct store_range range, uint32_t with_flag, size_t limit,
    struct rows *items, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "SELECT uid, flags, keywords, modseq, size, body FROM messages WHERE account = ?1 AND mailbox = ?2"
	    " AND uid BETWEEN ?3 AND ?4 AND (flags & ?5) = ?5 ORDER BY uid");
	int rc;

	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	query_u64(&q, range.first);
	query_u64(&q, range.last);
	query_u64(&q, with_flag);
	while ((rc = query_step(&q, e)) == 1 && items->count <= limit) {
		struct item *m = rows_add(items);

		if (m == NULL)
			break;
		*m = (struct item){ query_col_u32(&q, 0), query_col_u32(&q, 1), query_col_u64(&q, 2),
			query_col_u64(&q, 3), query_col_u64(&q, 4), query_col_u64(&q, 5) };
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(items->arena, e);
}

/*
 * The messages in the ranges (none: all) that have with_flag (0: whatever
 * they have): at most limit, and *next_out is the UID of the first that was
 * left out, or 0.
 */
static int
gather(struct tx *tx, const struct counters *c, const struct store_range *ranges, size_t range_count,
    uint32_t with_flag, size_t limit, struct rows *items, uint32_t *next_out, struct error *e)
{
	static const struct store_range all = { 1, UINT32_MAX };
	int rc = ranges_check(ranges, range_count, e);

	items->arena = tx->arena;
	items->size = sizeof(struct item);
	if (range_count == 0) {
		ranges = &all;
		range_count = 1;
	}
	for (size_t i = 0; i < range_count && rc == 0 && items->count <= limit; i++)
		rc = gather_range(tx, c, ranges[i], with_flag, limit, items, e);
	*next_out = 0;
	if (rc == 0 && items->count > limit) {
		*next_out = ((const struct item *)items->data)[limit].uid;
		items->count = limit;
	}
	return rc;
}

/* ---- flags ---- */

static void
apply(const struct store_flags *in, uint64_t keywords, const struct item *m, uint32_t *flags, uint64_t *words)
{
	*flags = in->flags;
	*words = keywords;
	if (in->mode == STORE_FLAGS_ADD) {
		*flags |= m->flags;
		*words |= m->keywords;
	} else if (in->mode == STORE_FLAGS_REMOVE) {
		*flags = m->flags & ~in->flags;
		*words = m->keywords & ~keywords;
	}
}

static int
message_set(struct tx *tx, struct counters *c, struct item *m, uint32_t flags, uint64_t keywords, struct error *e)
{
	struct query q;

	if (flags == m->flags && keywords == m->keywords)
		return 0;
	counters_move(c, m, -1);
	m->flags = flags;
	m->keywords = keywords;
	m->modseq = ++c->modseq;
	counters_move(c, m, 1);
	q = query_begin(tx->db,
	    "UPDATE messages SET flags = ?1, keywords = ?2, modseq = ?3 WHERE account = ?4 AND mailbox = ?5 AND uid = "
	    "?6");
	query_u64(&q, flags);
	query_u64(&q, keywords);
	query_u64(&q, m->modseq);
	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	query_u64(&q, m->uid);
	return query_run(&q, e);
}

static int
flags_apply(struct tx *tx, const struct store_flags *in, uint64_t keywords, struct counters *c, struct rows *items,
    struct store_flags_done *out, struct error *e)
{
	struct item *item = items->data;
	int rc = 0;

	out->rows = arena_array(tx->arena, items->count, sizeof *out->rows);
	out->modified = arena_array(tx->arena, items->count, sizeof *out->modified);
	if (out->rows == NULL || out->modified == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < items->count && rc == 0; i++) {
		struct item *m = &item[i];
		uint32_t flags;
		uint64_t words;

		if (in->conditional && m->modseq > in->unchanged_since) {
			out->modified[out->modified_count++] = m->uid;
			continue;
		}
		apply(in, keywords, m, &flags, &words);
		rc = message_set(tx, c, m, flags, words, e);
		out->rows[out->row_count++] = (struct store_flags_row){ m->uid, m->flags, m->keywords, m->modseq };
	}
	return rc;
}

static int
keyword_count(struct tx *tx, const struct counters *c, uint32_t *out, struct error *e)
{
	struct query q = query_begin(tx->db, "SELECT keyword_count FROM mailboxes WHERE account = ?1 AND mailbox = ?2");
	int rc;

	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	rc = query_one(&q, "mailbox", e);
	if (rc == 0)
		*out = query_col_u32(&q, 0);
	query_end(&q);
	return rc;
}

OP_WRITE_FN(flags)
{
	const struct store_flags *in = request;
	struct store_flags_done *out = reply;
	struct counters c = { 0 };
	struct rows items = { 0 };
	uint64_t keywords = 0, modseq;
	int rc = 0;

	if (in->mode > STORE_FLAGS_REMOVE || (in->flags & ~STORE_FLAGS_ALL) != 0)
		return error_set(e, ERR_SYNTAX, "a flag or mode that is not known");
	if (in->range_count == 0)
		return error_set(e, ERR_SYNTAX, "flags need a range of UIDs");
	rc = counters_get(tx, in->account, in->mailbox, &c, e);
	modseq = c.modseq;
	if (rc == 0)
		rc = gather(tx, &c, in->ranges, in->range_count, 0, STORE_TOUCH_MAX, &items, &out->next, e);
	if (rc == 0)
		rc = keyword_mask(tx, in->account, in->mailbox, in->keywords, in->keyword_count,
		    in->mode != STORE_FLAGS_REMOVE, &keywords, e);
	if (rc == 0)
		rc = flags_apply(tx, in, keywords, &c, &items, out, e);
	if (rc == 0 && c.modseq != modseq)
		rc = counters_put(tx, &c, e);
	if (rc == 0)
		rc = keyword_count(tx, &c, &out->keyword_count, e);
	out->highest_modseq = c.modseq;
	return rc;
}

/* ---- expunge ---- */

static int
message_remove(struct tx *tx, struct counters *c, const struct item *m, struct error *e)
{
	struct query q = query_begin(tx->db, "DELETE FROM messages WHERE account = ?1 AND mailbox = ?2 AND uid = ?3");
	int rc;

	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	query_u64(&q, m->uid);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	counters_move(c, m, -1);
	q = query_begin(tx->db, "INSERT INTO expunged (account, mailbox, modseq, uid) VALUES (?1, ?2, ?3, ?4)");
	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	query_u64(&q, ++c->modseq);
	query_u64(&q, m->uid);
	return query_run(&q, e);
}

OP_WRITE_FN(expunge)
{
	const struct store_expunge *in = request;
	struct store_expunged *out = reply;
	struct counters c = { 0 };
	struct rows items = { 0 };
	const struct item *item;
	int rc = counters_get(tx, in->account, in->mailbox, &c, e);

	if (rc == 0)
		rc = gather(tx, &c, in->ranges, in->range_count, in->even_undeleted ? 0 : STORE_DELETED,
		    STORE_TOUCH_MAX, &items, &out->next, e);
	if (rc != 0)
		return rc;
	item = items.data;
	out->uids = arena_array(tx->arena, items.count, sizeof *out->uids);
	if (out->uids == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < items.count && rc == 0; i++) {
		rc = message_remove(tx, &c, &item[i], e);
		if (rc == 0)
			rc = tx_body_drop(tx, item[i].body, e);
		out->uids[out->uid_count++] = item[i].uid;
	}
	if (rc == 0 && items.count > 0)
		rc = counters_put(tx, &c, e);
	out->highest_modseq = c.modseq;
	return rc;
}

/* ---- copy ---- */

/* Keyword numbers of one mailbox in terms of another, made as they are met. */
struct keyword_map {
	uint64_t known;
	uint32_t to[STORE_KEYWORDS_MAX];
};

static int
keyword_name(struct tx *tx, const struct counters *c, uint32_t number, struct slice *out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT name FROM keywords WHERE account = ?1 AND mailbox = ?2 AND number = ?3");
	int rc;

	query_u64(&q, c->account);
	query_u64(&q, c->mailbox);
	query_u64(&q, number);
	rc = query_one(&q, "keyword", e);
	if (rc == 0)
		*out = query_col_bytes(&q, 0, tx->arena);
	query_end(&q);
	return rc;
}

static int
map_keywords(struct tx *tx, const struct counters *from, const struct counters *to, struct keyword_map *map,
    uint64_t *keywords, struct error *e)
{
	uint64_t mapped = 0;

	for (uint32_t i = 0; i < STORE_KEYWORDS_MAX && from->mailbox != to->mailbox; i++) {
		struct slice name;
		int rc = 0;

		if ((*keywords >> i & 1) == 0)
			continue;
		if ((map->known >> i & 1) == 0) {
			rc = keyword_name(tx, from, i, &name, e);
			if (rc == 0)
				rc = keyword_number(tx, to->account, to->mailbox, name, true, &map->to[i], e);
		}
		if (rc != 0)
			return rc;
		map->known |= 1ull << i;
		mapped |= 1ull << map->to[i];
	}
	if (from->mailbox != to->mailbox)
		*keywords = mapped;
	return 0;
}

static int
message_duplicate(struct tx *tx, const struct counters *from, struct counters *to, const struct item *m,
    uint64_t keywords, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO messages (account, mailbox, uid, modseq, flags, keywords, size, header_size, internal_date,"
	    " save_date, body) SELECT account, ?1, ?2, ?3, flags, ?4, size, header_size, internal_date, ?5, body"
	    " FROM messages WHERE account = ?6 AND mailbox = ?7 AND uid = ?8");
	int rc;

	query_u64(&q, to->mailbox);
	query_u64(&q, to->uidnext++);
	query_u64(&q, ++to->modseq);
	query_u64(&q, keywords);
	query_u64(&q, tx->now);
	query_u64(&q, from->account);
	query_u64(&q, from->mailbox);
	query_u64(&q, m->uid);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	counters_move(to, m, 1);
	q = query_begin(tx->db, "UPDATE bodies SET refs = refs + 1 WHERE body = ?1");
	query_u64(&q, m->body);
	return query_run(&q, e);
}

static int
copy_items(struct tx *tx, const struct rows *items, struct counters *from, struct counters *to, bool move,
    struct store_copied *out, struct error *e)
{
	const struct item *item = items->data;
	struct keyword_map map = { 0 };
	int rc = 0;

	for (size_t i = 0; i < items->count && rc == 0; i++) {
		uint64_t keywords = item[i].keywords;

		out->from[i] = item[i].uid;
		out->to[i] = (uint32_t)to->uidnext;
		rc = map_keywords(tx, from, to, &map, &keywords, e);
		if (rc == 0)
			rc = message_duplicate(tx, from, to, &item[i], keywords, e);
		if (rc == 0 && move)
			rc = message_remove(tx, from, &item[i], e);
		if (rc == 0 && move)
			rc = tx_body_drop(tx, item[i].body, e);
	}
	out->from_count = out->to_count = items->count;
	return rc;
}

int
messages_copy(struct tx *tx, const struct store_copy *in, struct store_copied *out, struct error *e)
{
	struct counters from = { 0 }, other = { 0 }, *to = &other;
	struct rows items = { 0 };
	uint32_t next;
	int rc = counters_get(tx, in->account, in->mailbox, &from, e);

	if (rc == 0)
		rc = counters_get(tx, in->account, in->target, &other, e);
	if (rc == 0)
		rc = gather(tx, &from, in->ranges, in->range_count, 0, STORE_COPY_MAX, &items, &next, e);
	if (rc != 0)
		return rc;
	if (in->mailbox == in->target)
		to = &from;
	if (next != 0 || to->uidnext + items.count >= UINT32_MAX)
		return error_set(e, ERR_LIMIT, "too many messages at once; copy fewer");
	out->from = arena_array(tx->arena, items.count, sizeof *out->from);
	out->to = arena_array(tx->arena, items.count, sizeof *out->to);
	if (out->from == NULL || out->to == NULL)
		return error_nomem(e);
	rc = copy_items(tx, &items, &from, to, in->move, out, e);
	if (rc == 0 && items.count > 0)
		rc = counters_put(tx, to, e);
	if (rc == 0 && items.count > 0 && in->move && to != &from)
		rc = counters_put(tx, &from, e);
	out->uidvalidity = to->uidvalidity;
	out->highest_modseq = from.modseq;
	return rc;
}

OP_WRITE_FN(copy)
{
	const struct store_copy *in = request;

	if (in->range_count == 0)
		return error_set(e, ERR_SYNTAX, "a copy needs a range of UIDs");
	return messages_copy(tx, in, reply, e);
}
