/* SPDX-License-Identifier: ISC */
/* The queue: how a letter comes into it, and what its rows count. */
#include "store/op_queue.h"

#define HOUR_S 3600u

/* ---- checks ---- */

static int
out_check(const struct store_queue_letter *in, uint64_t length, struct error *e)
{
	const struct store_queue_out *out = &in->out;

	if (in->target_count == 0 && out->recipient_count == 0)
		return error_set(e, ERR_SYNTAX, "a letter needs somebody who gets it");
	if (out->skip > in->content.header_size || out->skip > length)
		return error_set(e, ERR_SYNTAX, "what is not sent is part of the header");
	if (out->recipient_count > 0 && out->lifetime_s == 0)
		return error_set(e, ERR_SYNTAX, "a queued message has a lifetime");
	for (size_t i = 0; i < out->recipient_count; i++)
		if (out->recipients[i].address.len == 0 || out->recipients[i].domain.len == 0)
			return error_set(e, ERR_SYNTAX, "a recipient has an address and a destination");
	return 0;
}

/* Who sends too much in an hour is likely not who the account belongs to. */
static int
hour_count(struct tx *tx, const struct store_queue_out *out, struct error *e)
{
	struct query q;
	uint64_t sent = 0;
	int rc;

	if (out->account == 0 || out->hour_max == 0)
		return 0;
	q = query_begin(tx->db,
	    "INSERT INTO account_hours (account, hour, messages) VALUES (?1, ?2, 1) ON CONFLICT (account) DO UPDATE"
	    " SET messages = CASE WHEN hour = excluded.hour THEN messages + 1 ELSE 1 END, hour = excluded.hour"
	    " RETURNING messages");
	query_u64(&q, out->account);
	query_u64(&q, tx->now / HOUR_S);
	rc = query_step(&q, e);
	if (rc == 1)
		sent = query_col_u64(&q, 0);
	if (rc == 1)
		rc = query_run(&q, e);
	if (rc == 0 && sent > out->hour_max)
		rc =
		    error_set(e, ERR_POLICY, "the account sent %u messages to others this hour already", out->hour_max);
	return rc;
}

static int
totals_add(struct tx *tx, uint64_t recipients, uint64_t octets, uint64_t octets_max, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE queue_totals SET messages = messages + 1, recipients = recipients + ?1, octets = octets + ?2"
	    " RETURNING octets");
	uint64_t all = 0;
	int rc;

	query_u64(&q, recipients);
	query_u64(&q, octets);
	rc = query_one(&q, "row of the queue's sums", e);
	if (rc != 0)
		return rc;
	all = query_col_u64(&q, 0);
	rc = query_run(&q, e);
	if (rc == 0 && octets_max != 0 && all > octets_max)
		rc = error_set(e, ERR_LIMIT, "too much mail waits for other servers; the queue is full");
	return rc;
}

/* ---- coming in ---- */

static int
message_insert(struct tx *tx, const struct store_queue_letter *in, uint64_t *queue_out, struct error *e)
{
	const struct store_queue_out *out = &in->out;
	uint64_t size = out->front.len + tx->place->length - out->skip;
	uint32_t look = out->warn_s != 0 && out->warn_s < out->lifetime_s ? out->warn_s : out->lifetime_s;
	struct query q;
	int rc = totals_add(tx, out->recipient_count, size, out->octets_max, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT INTO queue (account, body, skip, size, header_size, front, sender, flags, ret, envid, created,"
	    " expires, look, warned, held, recipients)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0, ?14)");
	query_u64(&q, out->account);
	query_u64(&q, tx->place->body);
	query_u64(&q, out->skip);
	query_u64(&q, size);
	query_u64(&q, out->front.len + in->content.header_size - out->skip);
	query_bytes(&q, out->front);
	query_bytes(&q, out->sender);
	query_u64(&q, out->flags);
	query_u64(&q, out->ret);
	query_bytes(&q, out->envid);
	query_u64(&q, tx->now);
	query_u64(&q, tx->now + out->lifetime_s);
	query_u64(&q, tx->now + look);
	query_u64(&q, out->recipient_count);
	rc = query_run(&q, e);
	*queue_out = db_last_rowid(tx->db);
	return rc;
}

static int
recipient_insert(struct tx *tx, uint64_t queue, uint64_t position, const struct store_queue_to *to, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO queue_recipients (queue, position, recipient, domain, class, due, attempts, lease, notify, "
	    "orcpt,"
	    " last_time, last_status, last_text, last_host)"
	    " VALUES (?1, ?2, ?3, ?4, 0, ?5, 0, 0, ?6, ?7, 0, x'', x'', x'')");
	int rc;

	query_u64(&q, queue);
	query_u64(&q, position);
	query_bytes(&q, to->address);
	query_bytes(&q, to->domain);
	query_u64(&q, tx->now);
	query_u64(&q, to->notify);
	query_bytes(&q, to->orcpt);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	/* Later than others of this destination: what is due there already stays the least. */
	q = query_begin(tx->db,
	    "INSERT INTO queue_domains (domain, due, turn, until, failures, reason, recipients)"
	    " VALUES (?1, ?2, 0, 0, 0, x'', 1) ON CONFLICT (domain) DO UPDATE SET recipients = recipients + 1,"
	    " due = min(due, max(until, excluded.due))");
	query_bytes(&q, to->domain);
	query_u64(&q, tx->now);
	return query_run(&q, e);
}

int
queue_keep(struct tx *tx, const struct store_queue_letter *in, struct store_queue_kept *out, struct error *e)
{
	struct store_stored *stored = arena_array(tx->arena, in->target_count + 1, sizeof *stored);
	size_t refs = 0;
	int rc = out_check(in, tx->place->length, e);

	if (rc == 0 && stored == NULL)
		rc = error_nomem(e);
	if (rc == 0)
		rc = messages_deliver(
		    tx, &in->content, in->internal_date, in->targets, in->target_count, stored, &refs, e);
	*out = (struct store_queue_kept){ .body = tx->place->body, .inboxes = (uint32_t)refs };
	if (rc == 0 && in->out.recipient_count > 0) {
		rc = hour_count(tx, &in->out, e);
		if (rc == 0)
			rc = message_insert(tx, in, &out->queue, e);
		for (size_t i = 0; i < in->out.recipient_count && rc == 0; i++)
			rc = recipient_insert(tx, out->queue, i, &in->out.recipients[i], e);
		refs++;
	}
	return rc == 0 ? body_insert(tx, &in->content, in->envelope, refs, e) : rc;
}

OP_WRITE_FN(queue_put)
{
	return queue_keep(tx, request, reply, e);
}

/* ---- what rows count ---- */

/* The least time at which something of the destination is due, new mail or old. 1: there is something. */
static int
least_due(struct tx *tx, struct slice domain, uint64_t *due_out, struct error *e)
{
	int found = 0;

	*due_out = STORE_QUEUE_NEVER;
	for (uint64_t class = 0; class < 2; class ++) {
		struct query q = query_begin(
		    tx->db, "SELECT due FROM queue_recipients WHERE domain = ?1 AND class = ?2 ORDER BY due LIMIT 1");
		uint64_t due;
		int rc;

		query_bytes(&q, domain);
		query_u64(&q, class);
		rc = query_step(&q, e);
		if (rc == 1) {
			due = query_col_u64(&q, 0);
			*due_out = due < *due_out ? due : *due_out;
			found = 1;
		}
		query_end(&q);
		if (rc < 0)
			return rc;
	}
	return found;
}

int
queue_refresh(struct tx *tx, struct slice domain, uint64_t turn, struct error *e)
{
	struct query q;
	uint64_t due;
	int rc = least_due(tx, domain, &due, e);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		q = query_begin(tx->db, "DELETE FROM queue_domains WHERE domain = ?1");
		query_bytes(&q, domain);
		return query_run(&q, e);
	}
	/* Not before now: who was served goes behind those who wait. */
	q = query_begin(
	    tx->db, "UPDATE queue_domains SET due = max(?2, until), turn = max(turn, ?3) WHERE domain = ?1");
	query_bytes(&q, domain);
	query_u64(&q, due > tx->now ? due : tx->now);
	query_u64(&q, turn);
	return query_run(&q, e);
}

int
queue_drop_recipient(struct tx *tx, uint64_t queue, uint64_t position, struct slice domain, struct error *e)
{
	struct query q = query_begin(tx->db, "DELETE FROM queue_recipients WHERE queue = ?1 AND position = ?2");
	int rc;

	query_u64(&q, queue);
	query_u64(&q, position);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "UPDATE queue_domains SET recipients = recipients - 1 WHERE domain = ?1");
	query_bytes(&q, domain);
	return query_run(&q, e);
}

static int
message_drop(struct tx *tx, uint64_t queue, uint64_t body, uint64_t size, struct error *e)
{
	struct query q = query_begin(tx->db, "DELETE FROM queue WHERE queue = ?1");
	int rc;

	query_u64(&q, queue);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "UPDATE queue_totals SET messages = messages - 1, octets = octets - ?1");
	query_u64(&q, size);
	rc = query_run(&q, e);
	return rc != 0 ? rc : tx_body_drop(tx, body, e);
}

int
queue_drop_counted(struct tx *tx, uint64_t queue, uint64_t recipients, uint32_t *left_out, struct error *e)
{
	struct query q = query_begin(
	    tx->db, "UPDATE queue SET recipients = recipients - ?2 WHERE queue = ?1 RETURNING recipients, body, size");
	uint64_t body, size;
	int rc;

	query_u64(&q, queue);
	query_u64(&q, recipients);
	rc = query_one(&q, "queued message", e);
	if (rc != 0)
		return rc;
	*left_out = query_col_u32(&q, 0);
	body = query_col_u64(&q, 1);
	size = query_col_u64(&q, 2);
	rc = query_run(&q, e);
	if (rc != 0 || recipients == 0)
		return rc;
	q = query_begin(tx->db, "UPDATE queue_totals SET recipients = recipients - ?1");
	query_u64(&q, recipients);
	rc = query_run(&q, e);
	return rc != 0 || *left_out > 0 ? rc : message_drop(tx, queue, body, size, e);
}
