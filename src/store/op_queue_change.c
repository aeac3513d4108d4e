/* SPDX-License-Identifier: ISC */
/* What an operator does to messages of the queue, a page at a time. */
#include "store/op_queue.h"

/* Those that nobody tries now: what is leased hears of it when it is settled. */
#define NOT_LEASED " AND (lease = 0 OR +due <= ?3)"

struct changing {
	struct tx *tx;
	const struct store_queue_change *in;
	uint64_t queue;
};

static int
run_due(struct changing *c, struct query q, uint64_t due, struct error *e)
{
	query_u64(&q, c->queue);
	query_u64(&q, due);
	query_u64(&q, c->tx->now);
	return query_run(&q, e);
}

static int
hold(struct changing *c, struct error *e)
{
	int rc =
	    run_due(c, query_begin(c->tx->db, "UPDATE queue SET held = ?3, look = ?2 WHERE queue = ?1 AND held = 0"),
		STORE_QUEUE_NEVER, e);

	if (rc != 0 || db_changes(c->tx->db) == 0)
		return rc;
	return run_due(c,
	    query_begin(c->tx->db, "UPDATE queue_recipients SET due = ?2, lease = 0 WHERE queue = ?1" NOT_LEASED),
	    STORE_QUEUE_NEVER, e);
}

/* The time for which it was held does not count. It is looked at at once: then it is known when next. */
static int
release(struct changing *c, struct error *e)
{
	int rc = run_due(c,
	    query_begin(c->tx->db,
		"UPDATE queue SET expires = expires + (?3 - held), look = ?2, held = 0 WHERE queue = ?1 AND held <> 0"),
	    c->tx->now, e);

	if (rc != 0 || db_changes(c->tx->db) == 0)
		return rc;
	return run_due(c,
	    query_begin(c->tx->db, "UPDATE queue_recipients SET due = ?2 WHERE queue = ?1 AND +due > ?3 AND lease = 0"),
	    c->tx->now, e);
}

static int
retry(struct changing *c, struct error *e)
{
	int rc = run_due(c,
	    query_begin(c->tx->db,
		"UPDATE queue_recipients SET due = ?2, lease = 0 WHERE queue = ?1 AND EXISTS (SELECT 1 FROM queue q"
		" WHERE q.queue = ?1 AND q.held = 0)" NOT_LEASED),
	    c->tx->now, e);
	struct query q;

	if (rc != 0)
		return rc;
	q = query_begin(c->tx->db,
	    "UPDATE queue_domains SET until = 0 WHERE domain IN (SELECT domain FROM queue_recipients WHERE queue = ?1)"
	    " AND until > 0");
	query_u64(&q, c->queue);
	return query_run(&q, e);
}

struct recipient {
	uint64_t position;
	struct slice domain;
};

static int
recipients_of(struct changing *c, struct rows *out, struct error *e)
{
	struct query q =
	    query_begin(c->tx->db, "SELECT position, domain FROM queue_recipients WHERE queue = ?1 ORDER BY position");
	struct recipient *r;
	int rc;

	query_u64(&q, c->queue);
	while ((rc = query_step(&q, e)) == 1 && (r = rows_add(out)) != NULL) {
		r->position = query_col_u64(&q, 0);
		r->domain = query_col_bytes(&q, 1, c->tx->arena);
	}
	query_end(&q);
	return rc < 0 ? rc : arena_check(c->tx->arena, e);
}

static int
remove_all(struct changing *c, const struct rows *recipients, struct error *e)
{
	const struct recipient *r = recipients->data;
	uint32_t left;
	int rc = 0;

	for (size_t i = 0; i < recipients->count && rc == 0; i++)
		rc = queue_drop_recipient(c->tx, c->queue, r[i].position, r[i].domain, e);
	return rc != 0 ? rc : queue_drop_counted(c->tx, c->queue, recipients->count, &left, e);
}

static int
change_one(struct changing *c, struct error *e)
{
	struct rows recipients = { .arena = c->tx->arena, .size = sizeof(struct recipient) };
	const struct recipient *r;
	int rc = recipients_of(c, &recipients, e);

	if (rc != 0)
		return rc;
	switch ((enum store_queue_action)c->in->action) {
	case STORE_QUEUE_HOLD:
		rc = hold(c, e);
		break;
	case STORE_QUEUE_RELEASE:
		rc = release(c, e);
		break;
	case STORE_QUEUE_RETRY:
		rc = retry(c, e);
		break;
	case STORE_QUEUE_REMOVE:
		rc = remove_all(c, &recipients, e);
		break;
	default:
		return error_set(e, ERR_SYNTAX, "there is no such change");
	}
	r = recipients.data;
	for (size_t i = 0; i < recipients.count && rc == 0; i++)
		if (i == 0 || !slice_eq(r[i].domain, r[i - 1].domain))
			rc = queue_refresh(c->tx, r[i].domain, 0, e);
	return rc;
}

int
queue_forget_body(struct tx *tx, uint64_t body, struct error *e)
{
	const struct store_queue_change in = { .action = STORE_QUEUE_REMOVE };
	struct rows queues = { .arena = tx->arena, .size = sizeof(uint64_t) };
	struct query q = query_begin(tx->db, "SELECT queue FROM queue WHERE body = ?1");
	struct changing c = { .tx = tx, .in = &in };
	uint64_t *one;
	int rc;

	query_u64(&q, body);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(&queues)) != NULL)
		*one = query_col_u64(&q, 0);
	query_end(&q);
	for (size_t i = 0; i < queues.count && rc >= 0; i++) {
		c.queue = ((uint64_t *)queues.data)[i];
		rc = change_one(&c, e);
	}
	return rc < 0 ? rc : arena_check(tx->arena, e);
}

static int
choose(struct tx *tx, const struct store_queue_change *in, struct rows *out, struct error *e)
{
	struct slice domain = SLICE_EMPTY;
	uint64_t *one;
	struct query q;
	int rc = in->which == STORE_QUEUE_DOMAIN ? domain_key(tx->arena, in->value, &domain, e) : 0;

	if (rc != 0)
		return rc;
	switch (in->which) {
	case STORE_QUEUE_ONE:
		q = query_begin(tx->db, "SELECT queue FROM queue WHERE queue = ?1 AND queue > ?2 LIMIT ?3");
		query_u64(&q, in->queue);
		break;
	case STORE_QUEUE_DOMAIN:
		q = query_begin(tx->db,
		    "SELECT DISTINCT queue FROM queue_recipients WHERE domain = ?1 AND queue > ?2 ORDER BY queue LIMIT "
		    "?3");
		query_bytes(&q, domain);
		break;
	case STORE_QUEUE_SENDER:
		q = query_begin(
		    tx->db, "SELECT queue FROM queue WHERE sender = ?1 AND queue > ?2 ORDER BY queue LIMIT ?3");
		query_bytes(&q, in->value);
		break;
	default:
		q = query_begin(tx->db, "SELECT queue FROM queue WHERE ?1 = ?1 AND queue > ?2 ORDER BY queue LIMIT ?3");
		query_u64(&q, 0);
		break;
	}
	query_u64(&q, in->after);
	query_u64(&q, STORE_QUEUE_CHANGE_MAX);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(out)) != NULL)
		*one = query_col_u64(&q, 0);
	query_end(&q);
	return rc < 0 ? rc : arena_check(tx->arena, e);
}

OP_WRITE_FN(queue_change)
{
	const struct store_queue_change *in = request;
	struct store_queue_changed *out = reply;
	struct rows chosen = { .arena = tx->arena, .size = sizeof(uint64_t) };
	struct changing c = { .tx = tx, .in = in };
	int rc = choose(tx, in, &chosen, e);

	for (size_t i = 0; i < chosen.count && rc == 0; i++) {
		c.queue = ((uint64_t *)chosen.data)[i];
		rc = change_one(&c, e);
	}
	if (rc == 0 && in->which == STORE_QUEUE_ONE && chosen.count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "no such message is in the queue");
	out->changed = (uint32_t)chosen.count;
	out->after = c.queue;
	out->more = chosen.count == STORE_QUEUE_CHANGE_MAX;
	return rc;
}
