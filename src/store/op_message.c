/* SPDX-License-Identifier: ISC */
/*
 * Messages coming in, and looking at them.
 */
#include <string.h>

#include "store/op_mailbox.h"

#define REPLY_OCTETS ((size_t)4 << 20) /* of caches in one reply; the frame is 8 MiB */
#define UID_LAST 0xfffffffeu           /* UIDs are 32 bits and never used again */

static const struct slice inbox = { (const uint8_t *)"INBOX", 5 };

/* ---- coming in ---- */

static int
content_check(const struct store_content *c, const struct body_place *place, struct error *e)
{
	if (c->handle != 0 && c->data.len > 0)
		return error_set(e, ERR_SYNTAX, "a message is either staged or in the request");
	if (c->handle == 0 && c->front.len > 0)
		return error_set(e, ERR_SYNTAX, "what is in front of a message in the request belongs into it");
	if (c->header_size > place->length)
		return error_set(e, ERR_SYNTAX, "a message's header cannot be longer than the message");
	return 0;
}

int
body_insert(struct tx *tx, const struct store_content *c, struct slice envelope, size_t refs, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO bodies (body, segment, place, length, refs, envelope, cache) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
	    "?7)");

	query_u64(&q, tx->place->body);
	query_u64(&q, tx->place->segment);
	query_u64(&q, tx->place->place);
	query_u64(&q, tx->place->length);
	query_u64(&q, refs);
	query_bytes(&q, envelope);
	query_bytes(&q, c->cache);
	return query_run(&q, e);
}

/* The next UID and mod-sequence of a mailbox, which counts one message more. */
static int
mailbox_take_uid(struct tx *tx, uint32_t flags, uint64_t size, struct store_stored *out, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE mailboxes SET uidnext = uidnext + 1, modseq = modseq + 1, messages = messages + 1,"
	    " unseen = unseen + ?1, deleted = deleted + ?2, size = size + ?3"
	    " WHERE account = ?4 AND mailbox = ?5 AND selectable = 1 AND uidnext <= ?6"
	    " RETURNING uidvalidity, uidnext - 1, modseq");
	int rc;

	query_u64(&q, (flags & STORE_SEEN) == 0);
	query_u64(&q, (flags & STORE_DELETED) != 0);
	query_u64(&q, size);
	query_u64(&q, out->account);
	query_u64(&q, out->mailbox);
	query_u64(&q, UID_LAST);
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	out->uidvalidity = query_col_u32(&q, 0);
	out->uid = query_col_u32(&q, 1);
	out->modseq = query_col_u64(&q, 2);
	rc = query_run(&q, e);
	return rc != 0 ? rc : tx_account_count(tx, out->account, 1, (int64_t)size, e);
}

/* out: account and mailbox set. */
static int
message_add(struct tx *tx, const struct store_content *c, uint64_t date, uint32_t flags, uint64_t keywords,
    struct store_stored *out, struct error *e)
{
	struct query q;
	int rc;

	if ((flags & ~STORE_FLAGS_ALL) != 0)
		return error_set(e, ERR_SYNTAX, "a flag that is not known");
	rc = mailbox_take_uid(tx, flags, tx->place->length, out, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT INTO messages (account, mailbox, uid, modseq, flags, keywords, size, header_size, internal_date,"
	    " save_date, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
	query_u64(&q, out->account);
	query_u64(&q, out->mailbox);
	query_u64(&q, out->uid);
	query_u64(&q, out->modseq);
	query_u64(&q, flags);
	query_u64(&q, keywords);
	query_u64(&q, tx->place->length);
	query_u64(&q, c->header_size);
	query_u64(&q, date == 0 ? tx->now : date);
	query_u64(&q, tx->now);
	query_u64(&q, tx->place->body);
	rc = query_run(&q, e);
	return rc != 0 ? rc : tx_changed(tx, out->account, out->mailbox, e);
}

/* *mailbox: of that name (as it is kept) when it is 0. */
static int
mailbox_named(struct tx *tx, uint64_t account, struct slice name, const char *what, uint64_t *mailbox, struct error *e)
{
	struct query q;
	int rc;

	if (*mailbox != 0)
		return 0;
	q = query_begin(tx->db, "SELECT mailbox FROM mailboxes WHERE account = ?1 AND name = ?2");
	query_u64(&q, account);
	query_bytes(&q, name);
	rc = query_one(&q, what, e);
	if (rc != 0)
		return rc;
	*mailbox = query_col_u64(&q, 0);
	query_end(&q);
	return 0;
}

/* Where a delivery goes: *mailbox stays when it is not 0. */
static int
mailbox_of_target(struct tx *tx, const struct store_target *t, uint64_t *mailbox, struct error *e)
{
	struct query q;
	int rc;

	*mailbox = t->mailbox;
	if (*mailbox == 0 && t->use != 0) {
		q = query_begin(tx->db,
		    "SELECT mailbox FROM mailboxes WHERE account = ?1 AND selectable = 1 AND (special_use & ?2 != 0"
		    " OR (name = ?3 AND ?2 = ?4)) ORDER BY special_use & ?2 DESC, mailbox LIMIT 1");
		query_u64(&q, t->account);
		query_u64(&q, t->use);
		query_bytes(&q, SLICE("Junk")); /* not all programs say what their mailboxes are for */
		query_u64(&q, STORE_USE_JUNK);
		rc = query_step(&q, e);
		if (rc == 1)
			*mailbox = query_col_u64(&q, 0);
		query_end(&q);
		if (rc < 0)
			return rc;
	}
	return mailbox_named(tx, t->account, inbox, "account", mailbox, e);
}

/* The result for a mailbox that is among the first count already, or NULL. */
static const struct store_stored *
stored_before(const struct store_stored *stored, size_t count, uint64_t account, uint64_t mailbox)
{
	for (size_t i = 0; i < count; i++) {
		if (stored[i].account == account && stored[i].mailbox == mailbox)
			return &stored[i];
	}
	return NULL;
}

int
messages_deliver(struct tx *tx, const struct store_content *content, uint64_t date, const struct store_target *targets,
    size_t target_count, struct store_stored *stored, size_t *refs_out, struct error *e)
{
	int rc = content_check(content, tx->place, e);

	*refs_out = 0;
	for (size_t i = 0; i < target_count && rc == 0; i++) {
		const struct store_target *t = &targets[i];
		const struct store_stored *before;
		uint64_t mailbox;

		rc = mailbox_of_target(tx, t, &mailbox, e);
		if (rc != 0)
			break;
		before = stored_before(stored, i, t->account, mailbox);
		stored[i].account = t->account;
		stored[i].mailbox = mailbox;
		if (before != NULL) {
			stored[i] = *before;
			continue;
		}
		rc = message_add(tx, content, date, t->flags, 0, &stored[i], e);
		(*refs_out)++;
	}
	return rc;
}

OP_WRITE_FN(deliver)
{
	const struct store_deliver *in = request;
	struct store_delivered *out = reply;
	struct store_stored *stored = arena_array(tx->arena, in->target_count, sizeof *stored);
	size_t refs = 0;
	int rc;

	if (in->target_count == 0)
		return error_set(e, ERR_SYNTAX, "a delivery needs a mailbox");
	if (stored == NULL)
		return error_nomem(e);
	rc = messages_deliver(tx, &in->content, in->internal_date, in->targets, in->target_count, stored, &refs, e);
	if (rc == 0)
		rc = body_insert(tx, &in->content, in->envelope, refs, e);
	out->body = tx->place->body;
	out->stored = stored;
	out->stored_count = in->target_count;
	return rc;
}

OP_WRITE_FN(append)
{
	const struct store_append *in = request;
	struct store_appended *out = reply;
	uint64_t keywords = 0;
	int rc = content_check(&in->content, tx->place, e);

	out->body = tx->place->body;
	out->stored.account = in->account;
	out->stored.mailbox = in->mailbox;
	if (rc == 0)
		rc = mailbox_named(tx, in->account, name_kept(tx->arena, in->name), "mailbox", &out->stored.mailbox, e);
	if (rc == 0)
		rc = keyword_mask(
		    tx, in->account, out->stored.mailbox, in->keywords, in->keyword_count, true, &keywords, e);
	if (rc == 0)
		rc = message_add(tx, &in->content, in->internal_date, in->flags, keywords, &out->stored, e);
	return rc == 0 ? body_insert(tx, &in->content, SLICE_EMPTY, 1, e) : rc;
}

OP_WRITE_FN(cache_put)
{
	const struct store_cache_put *in = request;
	struct query q = query_begin(tx->db, "UPDATE bodies SET cache = ?1 WHERE body = ?2");
	int rc;

	(void)reply;
	query_bytes(&q, in->cache);
	query_u64(&q, in->body);
	rc = query_run(&q, e);
	if (rc == 0 && db_changes(tx->db) == 0)
		return error_set(e, ERR_NOT_FOUND, "no such body");
	return rc;
}

/* ---- looking ---- */

static int
body_find(struct rx *rx, struct body_place *place, struct error *e)
{
	struct query q = query_begin(rx->db, "SELECT segment, place, length FROM bodies WHERE body = ?1");
	int rc;

	query_u64(&q, place->body);
	rc = query_one(&q, "body", e);
	if (rc != 0)
		return rc;
	place->segment = query_col_u32(&q, 0);
	place->place = query_col_u64(&q, 1);
	place->length = query_col_u64(&q, 2);
	query_end(&q);
	return 0;
}

/*
 * What does not pass, or is not there, may be a body that was expunged after
 * our snapshot and whose space was given back, or one that compaction moved
 * meanwhile: a new snapshot says where it is now. Only what does not pass in
 * the place that its row names before and after is damaged.
 */
int
body_read_checked(
    struct rx *rx, uint64_t body, uint64_t offset, uint64_t len, struct buf *out, bool *gone_out, struct error *e)
{
	struct body_place place = { .body = body }, now;
	int rc = body_find(rx, &place, e);

	while (rc == 0) {
		size_t before = out->len;
		struct error why = { 0 };
		int damage = bodies_read(&rx->s->bodies, &place, offset, len, out, &why);

		if (damage == 0)
			return 0;
		buf_truncate(out, before);
		*e = why;
		if (damage != ERR_INTEGRITY && damage != ERR_TRUNCATED && damage != ERR_NOT_FOUND)
			return damage;
		now = place;
		rc = reading_anew(rx, e);
		if (rc == 0)
			rc = body_find(rx, &now, e);
		if (rc == 0 && now.segment == place.segment && now.place == place.place) {
			*e = why;
			return damage == ERR_NOT_FOUND
			    ? error_set(e, ERR_INTEGRITY, "the file of a stored body is missing")
			    : damage;
		}
		place = now;
	}
	*gone_out = rc == ERR_NOT_FOUND;
	return rc;
}

OP_READ_FN(body_read)
{
	const struct store_body_read *in = request;
	struct store_body_data *out = reply;
	struct body_place place = { .body = in->body };
	struct buf data BUF_OWNED = { 0 };
	uint64_t len = in->length;
	bool gone = false;
	int rc = body_find(rx, &place, e);

	buf_init(&data, STORE_PIECE_MAX);
	out->length = place.length;
	if (rc != 0 || in->offset >= place.length || len == 0)
		return rc;
	if (len > place.length - in->offset)
		len = place.length - in->offset;
	rc = body_read_checked(rx, in->body, in->offset, len, &data, &gone, e);
	out->data = arena_copy(rx->arena, buf_slice(&data));
	return rc;
}

struct mailbox_now {
	uint32_t uidnext;
	uint32_t messages;
	uint64_t modseq;
	uint32_t keyword_count;
};

static int
mailbox_now(struct rx *rx, uint64_t account, uint64_t mailbox, struct mailbox_now *out, struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT uidnext, messages, modseq, keyword_count FROM mailboxes WHERE account = ?1 AND mailbox = ?2");
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	*out = (struct mailbox_now){ query_col_u32(&q, 0), query_col_u32(&q, 1), query_col_u64(&q, 2),
		query_col_u32(&q, 3) };
	query_end(&q);
	return 0;
}

#define MESSAGE_COLUMNS \
	"m.uid, m.flags, m.keywords, m.modseq, m.size, m.header_size, m.internal_date, m.save_date, m.body"

static void
message_from_row(struct query *q, struct store_message *m)
{
	m->uid = query_col_u32(q, 0);
	m->flags = query_col_u32(q, 1);
	m->keywords = query_col_u64(q, 2);
	m->modseq = query_col_u64(q, 3);
	m->size = query_col_u64(q, 4);
	m->header_size = query_col_u32(q, 5);
	m->internal_date = query_col_u64(q, 6);
	m->save_date = query_col_u64(q, 7);
	m->body = query_col_u64(q, 8);
}

OP_READ_FN(message_list)
{
	const struct store_message_list *in = request;
	struct store_message_rows *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_message) };
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX), octets = 0;
	struct mailbox_now now;
	struct query q;
	int rc = mailbox_now(rx, in->account, in->mailbox, &now, e);

	if (rc != 0)
		return rc;
	if (in->with_cache)
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS ", b.cache FROM messages m JOIN bodies b ON b.body = m.body"
		    " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4 ORDER BY m.uid");
	else
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS " FROM messages m"
		    " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4 ORDER BY m.uid");
	query_u64(&q, in->account);
	query_u64(&q, in->mailbox);
	query_u64(&q, in->first);
	query_u64(&q, in->last == 0 ? UINT32_MAX : in->last);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && octets < REPLY_OCTETS) {
		struct store_message *row = rows_add(&rows);

		if (row == NULL)
			break;
		message_from_row(&q, row);
		if (in->with_cache)
			row->cache = query_col_bytes(&q, 9, rx->arena);
		octets += row->cache.len;
	}
	if (rc == 1)
		out->next = query_col_u32(&q, 0);
	query_end(&q);
	out->rows = rows.data;
	out->row_count = rows.count;
	out->uidnext = now.uidnext;
	out->messages = now.messages;
	out->highest_modseq = now.modseq;
	out->keyword_count = now.keyword_count;
	return rc < 0 ? rc : 0;
}

struct expunge_row {
	uint64_t modseq;
	uint32_t uid;
};

/* Both lists may be one longer than limit: then there is more. */
static int
changes_gather(struct rx *rx, const struct store_changes *in, size_t limit, struct rows *rows, struct rows *expunged,
    struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT " MESSAGE_COLUMNS " FROM messages m"
	    " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.modseq > ?3 ORDER BY m.modseq LIMIT ?4");
	struct store_message *row;
	struct expunge_row *gone;
	int rc;

	query_u64(&q, in->account);
	query_u64(&q, in->mailbox);
	query_u64(&q, in->since);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(rows)) != NULL)
		message_from_row(&q, row);
	query_end(&q);
	if (rc != 0)
		return rc < 0 ? rc : error_nomem(e);
	q = query_begin(rx->db,
	    "SELECT modseq, uid FROM expunged WHERE account = ?1 AND mailbox = ?2 AND modseq > ?3 ORDER BY modseq "
	    "LIMIT ?4");
	query_u64(&q, in->account);
	query_u64(&q, in->mailbox);
	query_u64(&q, in->since);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && (gone = rows_add(expunged)) != NULL)
		*gone = (struct expunge_row){ query_col_u64(&q, 0), query_col_u32(&q, 1) };
	query_end(&q);
	return rc < 0 ? rc : 0;
}

OP_READ_FN(changes)
{
	const struct store_changes *in = request;
	struct store_changed *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_message) };
	struct rows expunged = { .arena = rx->arena, .size = sizeof(struct expunge_row) };
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX);
	const struct expunge_row *gone;
	struct mailbox_now now;
	int rc;

	if (in->since > INT64_MAX)
		return error_set(e, ERR_SYNTAX, "a mod-sequence has 63 bits");
	rc = mailbox_now(rx, in->account, in->mailbox, &now, e);
	if (rc == 0)
		rc = changes_gather(rx, in, limit, &rows, &expunged, e);
	if (rc != 0)
		return rc;
	out->rows = rows.data;
	gone = expunged.data;
	out->upto = now.modseq;
	if (rows.count > limit)
		out->upto = out->rows[limit - 1].modseq;
	if (expunged.count > limit && gone[limit - 1].modseq < out->upto)
		out->upto = gone[limit - 1].modseq;
	while (rows.count > 0 && out->rows[rows.count - 1].modseq > out->upto)
		rows.count--;
	while (expunged.count > 0 && gone[expunged.count - 1].modseq > out->upto)
		expunged.count--;
	out->expunged = arena_array(rx->arena, expunged.count, sizeof *out->expunged);
	for (size_t i = 0; i < expunged.count && out->expunged != NULL; i++)
		out->expunged[i] = gone[i].uid;
	out->row_count = rows.count;
	out->expunged_count = out->expunged == NULL ? 0 : expunged.count;
	out->more = out->upto < now.modseq;
	out->uidnext = now.uidnext;
	out->messages = now.messages;
	out->keyword_count = now.keyword_count;
	return 0;
}
