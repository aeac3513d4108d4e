/* SPDX-License-Identifier: ISC */
/*
 * Who tries what. A lease is the recipient's own due time moved to its end:
 * nothing has to be undone when whoever has it is gone, and what is due is
 * found by one index. Destinations are served by how long they wait; of one,
 * new mail first.
 */
#include <stdlib.h>
#include <string.h>

#include "store/op_queue.h"

struct leasing {
	struct tx *tx;
	const struct store_queue_lease *in;
	struct slice *full; /* sorted */
	struct rows entries;
	uint64_t last; /* lease */
};

static int
compare_slices(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static bool
is_full(const struct leasing *l, struct slice domain)
{
	return l->in->full_count > 0 &&
	    bsearch(&domain, l->full, l->in->full_count, sizeof domain, compare_slices) != NULL;
}

/* ---- one message ---- */

static int
number_take(struct leasing *l, struct error *e)
{
	struct query q = query_begin(l->tx->db, "UPDATE queue_totals SET leases = leases + 1 RETURNING leases");
	int rc = query_one(&q, "row of the queue's sums", e);

	if (rc != 0)
		return rc;
	l->last = query_col_u64(&q, 0);
	return query_run(&q, e);
}

/* 1: found. */
static int
next_message(struct leasing *l, struct slice domain, uint64_t *queue_out, struct error *e)
{
	int rc = 0;

	for (uint64_t class = 0; class < 2 && rc == 0; class ++) {
		struct query q = query_begin(l->tx->db,
		    "SELECT queue FROM queue_recipients WHERE domain = ?1 AND class = ?2 AND due <= ?3"
		    " ORDER BY due, queue LIMIT 1");

		query_bytes(&q, domain);
		query_u64(&q, class);
		query_u64(&q, l->tx->now);
		rc = query_step(&q, e);
		if (rc == 1)
			*queue_out = query_col_u64(&q, 0);
		query_end(&q);
	}
	return rc;
}

/* 0, with *held_out: it was held while it was leased, and that lease has ended. */
static int
entry_read(struct leasing *l, uint64_t queue, struct store_queue_entry *out, bool *held_out, struct error *e)
{
	struct query q = query_begin(l->tx->db,
	    "SELECT sender, account, size, header_size, flags, ret, envid, created, expires, held FROM queue"
	    " WHERE queue = ?1");
	struct arena *a = l->tx->arena;
	int rc;

	query_u64(&q, queue);
	rc = query_one(&q, "queued message", e);
	if (rc != 0)
		return rc;
	out->queue = queue;
	out->sender = query_col_bytes(&q, 0, a);
	out->account = query_col_u64(&q, 1);
	out->size = query_col_u64(&q, 2);
	out->header_size = query_col_u32(&q, 3);
	out->flags = query_col_u32(&q, 4);
	out->ret = query_col_u32(&q, 5);
	out->envid = query_col_bytes(&q, 6, a);
	out->created = query_col_u64(&q, 7);
	out->expires = query_col_u64(&q, 8);
	*held_out = query_col_u64(&q, 9) != 0;
	query_end(&q);
	return arena_check(a, e);
}

static int
compare_positions(const void *a, const void *b)
{
	const struct store_queue_due *x = a, *y = b;

	return x->position < y->position ? -1 : x->position > y->position;
}

/* The pluses keep to the primary key: a message has few recipients, a destination any number. */
static int
recipients_lease(struct leasing *l, struct store_queue_entry *entry, struct error *e)
{
	struct query q = query_begin(l->tx->db,
	    "UPDATE queue_recipients SET lease = ?1, due = ?2, class = 1, attempts = attempts + 1"
	    " WHERE queue = ?3 AND +domain = ?4 AND +due <= ?5 RETURNING position, recipient, notify, orcpt, attempts "
	    "- 1");
	struct rows rows = { .arena = l->tx->arena, .size = sizeof(struct store_queue_due) };
	struct store_queue_due *due;
	int rc;

	query_u64(&q, entry->lease);
	query_u64(&q, l->tx->now + l->in->lease_s);
	query_u64(&q, entry->queue);
	query_bytes(&q, entry->domain);
	query_u64(&q, l->tx->now);
	while ((rc = query_step(&q, e)) == 1 && (due = rows_add(&rows)) != NULL) {
		due->position = query_col_u32(&q, 0);
		due->address = query_col_bytes(&q, 1, l->tx->arena);
		due->notify = query_col_u32(&q, 2);
		due->orcpt = query_col_bytes(&q, 3, l->tx->arena);
		due->attempts = query_col_u32(&q, 4);
	}
	query_end(&q);
	if (rows.count > 1)
		qsort(rows.data, rows.count, sizeof *due, compare_positions);
	entry->recipients = rows.data;
	entry->recipient_count = rows.count;
	return rc < 0 ? rc : arena_check(l->tx->arena, e);
}

static int
recipients_hold(struct leasing *l, uint64_t queue, struct error *e)
{
	struct query q =
	    query_begin(l->tx->db, "UPDATE queue_recipients SET lease = 0, due = ?3 WHERE queue = ?1 AND +due <= ?2");

	query_u64(&q, queue);
	query_u64(&q, l->tx->now);
	query_u64(&q, STORE_QUEUE_NEVER);
	return query_run(&q, e);
}

static int
message_lease(struct leasing *l, uint64_t queue, struct slice domain, struct error *e)
{
	struct store_queue_entry entry = { .domain = domain }, *kept;
	bool held = false;
	int rc = entry_read(l, queue, &entry, &held, e);

	if (rc == 0 && held)
		return recipients_hold(l, queue, e);
	if (rc == 0)
		rc = number_take(l, e);
	entry.lease = l->last;
	if (rc == 0)
		rc = recipients_lease(l, &entry, e);
	if (rc != 0)
		return rc;
	kept = rows_add(&l->entries);
	if (kept == NULL)
		return error_nomem(e);
	*kept = entry;
	return 0;
}

/* ---- one destination ---- */

static int
domain_lease(struct leasing *l, struct slice domain, size_t most, struct error *e)
{
	uint64_t queue, before = l->last;
	size_t from = l->entries.count;
	int rc = 1;

	while (rc == 1 && l->entries.count < l->in->messages_max && l->entries.count - from < most) {
		rc = next_message(l, domain, &queue, e);
		if (rc == 1)
			rc = message_lease(l, queue, domain, e) == 0 ? 1 : e->code;
	}
	return rc < 0 ? rc : queue_refresh(l->tx, domain, l->last > before ? l->last : 0, e);
}

/* Those that are due and not full, in the order in which they wait; not more than are wanted. */
static int
domains_due(struct leasing *l, struct rows *out, struct error *e)
{
	struct query q = query_begin(l->tx->db, "SELECT domain FROM queue_domains WHERE due <= ?1 ORDER BY due, turn");
	struct slice *domain;
	int rc;

	query_u64(&q, l->tx->now);
	while ((rc = query_step(&q, e)) == 1 && out->count < l->in->messages_max) {
		if (is_full(l, query_col_peek(&q, 0)))
			continue;
		if ((domain = rows_add(out)) == NULL)
			break;
		*domain = query_col_bytes(&q, 0, l->tx->arena);
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(l->tx->arena, e);
}

static int
next_due(struct leasing *l, uint64_t *next_out, struct error *e)
{
	struct query q =
	    query_begin(l->tx->db, "SELECT domain, due FROM queue_domains WHERE due > ?1 ORDER BY due, turn");
	int rc;

	*next_out = STORE_QUEUE_NEVER;
	query_u64(&q, l->tx->now);
	while ((rc = query_step(&q, e)) == 1) {
		if (is_full(l, query_col_peek(&q, 0)))
			continue;
		*next_out = query_col_u64(&q, 1);
		break;
	}
	query_end(&q);
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(queue_lease)
{
	const struct store_queue_lease *in = request;
	struct store_queue_leased *out = reply;
	struct leasing l = { .tx = tx,
		.in = in,
		.full = arena_array(tx->arena, in->full_count + 1, sizeof *l.full),
		.entries = { .arena = tx->arena, .size = sizeof(struct store_queue_entry) } };
	struct rows domains = { .arena = tx->arena, .size = sizeof(struct slice) };
	size_t most;
	int rc = 0;

	if (in->messages_max == 0 || in->lease_s == 0)
		return error_set(e, ERR_SYNTAX, "a lease is of at least one message and one second");
	if (l.full == NULL)
		return error_nomem(e);
	if (in->full_count > 0) {
		memcpy(l.full, in->full, in->full_count * sizeof *l.full);
		qsort(l.full, in->full_count, sizeof *l.full, compare_slices);
	}
	rc = domains_due(&l, &domains, e);
	/* Nobody gets all of it while others wait. */
	most = in->domain_messages_max != 0
	    ? in->domain_messages_max
	    : (in->messages_max + domains.count - 1) / (domains.count == 0 ? 1 : domains.count);
	for (size_t i = 0; i < domains.count && rc == 0 && l.entries.count < in->messages_max; i++)
		rc = domain_lease(&l, ((struct slice *)domains.data)[i], most, e);
	if (rc == 0 && l.entries.count == 0)
		rc = next_due(&l, &out->next, e);
	out->entries = l.entries.data;
	out->entry_count = l.entries.count;
	return rc;
}

/* ---- while it is leased ---- */

OP_WRITE_FN(queue_renew)
{
	const struct store_queue_renew *in = request;
	struct store_queue_until *out = reply;
	struct query q = query_begin(
	    tx->db, "UPDATE queue_recipients SET due = ?3 WHERE queue = ?1 AND lease = ?2 RETURNING domain");
	struct slice domain = SLICE_EMPTY;
	int rc;

	query_u64(&q, in->queue);
	query_u64(&q, in->lease);
	query_u64(&q, tx->now + in->lease_s);
	if (in->lease == 0) {
		query_end(&q);
		return error_set(e, ERR_SYNTAX, "a lease has a number");
	}
	while ((rc = query_step(&q, e)) == 1)
		domain = query_col_bytes(&q, 0, tx->arena);
	if (rc == 0 && domain.len == 0)
		rc = error_set(e, ERR_NOT_FOUND, "the lease has ended");
	out->until = tx->now + in->lease_s;
	return rc != 0 ? rc : queue_refresh(tx, domain, 0, e);
}

static int
released(struct tx *tx, uint64_t last, struct rows *domains, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE queue_recipients SET lease = 0, due = ?2, attempts = max(attempts, 1) - 1, class = attempts > 1"
	    " WHERE lease <> 0 AND lease <= ?1 AND +due > ?2 RETURNING domain");
	int rc;

	query_u64(&q, last);
	query_u64(&q, tx->now);
	while ((rc = query_step(&q, e)) == 1) {
		struct slice peek = query_col_peek(&q, 0), *one;

		/* Those of one destination mostly stand together. */
		if (domains->count > 0 && slice_eq(((struct slice *)domains->data)[domains->count - 1], peek))
			continue;
		if ((one = rows_add(domains)) == NULL)
			break;
		*one = query_col_bytes(&q, 0, tx->arena);
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(tx->arena, e);
}

OP_WRITE_FN(queue_release)
{
	const struct store_queue_release *in = request;
	struct rows domains = { .arena = tx->arena, .size = sizeof(struct slice) };
	int rc = released(tx, in->last, &domains, e);

	(void)reply;
	for (size_t i = 0; rc == 0 && i < domains.count; i++)
		rc = queue_refresh(tx, ((struct slice *)domains.data)[i], 0, e);
	return rc;
}

struct reading_what {
	uint64_t body, skip, size;
	struct slice front;
};

static int
read_find(struct rx *rx, const struct store_queue_read *in, struct reading_what *out, struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT body, skip, size, front FROM queue WHERE queue = ?1 AND (?2 = 0 OR EXISTS"
	    " (SELECT 1 FROM queue_recipients r WHERE r.queue = ?1 AND r.lease = ?2))");
	int rc;

	query_u64(&q, in->queue);
	query_u64(&q, in->lease);
	rc = query_one(&q, "leased message", e);
	if (rc != 0)
		return rc;
	out->body = query_col_u64(&q, 0);
	out->skip = query_col_u64(&q, 1);
	out->size = query_col_u64(&q, 2);
	out->front = query_col_bytes(&q, 3, rx->arena);
	query_end(&q);
	return arena_check(rx->arena, e);
}

OP_READ_FN(queue_read)
{
	const struct store_queue_read *in = request;
	struct store_body_data *out = reply;
	struct buf data BUF_OWNED = { 0 };
	struct reading_what what = { 0 };
	uint64_t at = in->offset, len = in->length;
	bool gone = false;
	int rc = read_find(rx, in, &what, e);

	buf_init(&data, STORE_PIECE_MAX);
	out->length = what.size;
	if (rc != 0 || at >= what.size || len == 0)
		return rc;
	len = len < what.size - at ? len : what.size - at;
	if (at < what.front.len) {
		struct slice part = slice_sub(what.front, (size_t)at, (size_t)len);

		(void)buf_put_slice(&data, part);
		at += part.len;
		len -= part.len;
	}
	if (len > 0)
		rc = body_read_checked(rx, what.body, what.skip + at - what.front.len, len, &data, &gone, e);
	if (rc == 0 && data.err != 0)
		rc = error_set(e, data.err, "no room for a piece of a message");
	out->data = arena_copy(rx->arena, buf_slice(&data));
	return rc != 0 ? rc : arena_check(rx->arena, e);
}
