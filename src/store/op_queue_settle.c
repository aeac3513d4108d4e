/* SPDX-License-Identifier: ISC */
/* What became of attempts: recipients go, or wait for longer, and what happened is kept for a while. */
#include "store/op_queue.h"

#define LOG_FORGET_AT_ONCE 16u /* old entries that go with each new one: so there are never many too old */
#define DOMAIN_FAILURES_MAX 16u

struct settling {
	struct tx *tx;
	const struct store_queue_settle *in;
	uint64_t account, held;
	struct slice sender;
	struct rows domains; /* that changed */
	uint64_t gone;       /* recipients */
};

struct found {
	struct slice recipient, domain, text;
	uint64_t due, lease, attempts;
};

/* ---- what happened ---- */

static int
log_forget(struct tx *tx, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "DELETE FROM queue_log WHERE entry IN (SELECT entry FROM (SELECT entry, happened FROM queue_log ORDER BY "
	    "entry"
	    " LIMIT ?1) WHERE happened < ?2)");

	query_u64(&q, LOG_FORGET_AT_ONCE);
	query_u64(&q, tx->now > STORE_QUEUE_LOG_S ? tx->now - STORE_QUEUE_LOG_S : 0);
	return query_run(&q, e);
}

static int
log_put(struct settling *s, const struct store_queue_outcome *o, const struct found *f, struct error *e)
{
	const struct store_queue_facts *facts = &o->facts;
	struct query q = query_begin(s->tx->db,
	    "INSERT INTO queue_log (queue, position, happened, outcome, account, sender, recipient, status, text,"
	    " mx_name, mx_address, tls_version, tls_cipher, tls_verified, policy, policy_source)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
	int rc;

	query_u64(&q, s->in->queue);
	query_u64(&q, o->position);
	query_u64(&q, s->tx->now);
	query_u64(&q, o->result);
	query_u64(&q, s->account);
	query_bytes(&q, s->sender);
	query_bytes(&q, f->recipient);
	query_bytes(&q, o->status);
	query_bytes(&q, o->text);
	query_bytes(&q, facts->mx_name);
	query_bytes(&q, facts->mx_address);
	query_bytes(&q, facts->tls_version);
	query_bytes(&q, facts->tls_cipher);
	query_u64(&q, facts->tls_verified);
	query_u64(&q, facts->policy);
	query_bytes(&q, facts->policy_source);
	rc = query_run(&q, e);
	return rc != 0 ? rc : log_forget(s->tx, e);
}

/* ---- one recipient ---- */

static int
note_domain(struct settling *s, struct slice domain, struct error *e)
{
	struct slice *known = s->domains.data, *one;

	for (size_t i = 0; i < s->domains.count; i++)
		if (slice_eq(known[i], domain))
			return 0;
	if ((one = rows_add(&s->domains)) == NULL)
		return error_nomem(e);
	*one = domain;
	return 0;
}

/* ERR_NOT_FOUND unless who settles has it: an answer that came after the end of a lease counts until somebody else has it. */
static int
recipient_find(struct settling *s, uint32_t position, struct found *out, struct error *e)
{
	struct query q = query_begin(s->tx->db,
	    "SELECT recipient, domain, last_text, due, lease, attempts FROM queue_recipients WHERE queue = ?1"
	    " AND position = ?2");
	struct arena *a = s->tx->arena;
	bool free_now;
	int rc;

	query_u64(&q, s->in->queue);
	query_u64(&q, position);
	rc = query_one(&q, "recipient in the queue", e);
	if (rc != 0)
		return rc;
	out->recipient = query_col_bytes(&q, 0, a);
	out->domain = query_col_bytes(&q, 1, a);
	out->text = query_col_bytes(&q, 2, a);
	out->due = query_col_u64(&q, 3);
	out->lease = query_col_u64(&q, 4);
	out->attempts = query_col_u64(&q, 5);
	query_end(&q);
	free_now = out->lease == 0 || out->due <= s->tx->now;
	if (s->in->lease != 0 ? out->lease != s->in->lease : !free_now)
		return error_set(e, ERR_NOT_FOUND, "the recipient is leased by somebody else");
	return arena_check(a, e);
}

/* Twice as long each time; spread by the message's number, so that what failed together does not come back together. */
static uint64_t
retry_delay(uint64_t queue, uint64_t attempts)
{
	uint64_t delay = STORE_QUEUE_RETRY_FIRST_S;

	for (uint64_t i = 1; i < attempts && delay < STORE_QUEUE_RETRY_MAX_S; i++)
		delay *= 2;
	delay = delay < STORE_QUEUE_RETRY_MAX_S ? delay : STORE_QUEUE_RETRY_MAX_S;
	return delay + delay / 128 * (queue % 16);
}

static int
recipient_defer(struct settling *s, const struct store_queue_outcome *o, const struct found *f, struct error *e)
{
	struct query q = query_begin(s->tx->db,
	    "UPDATE queue_recipients SET lease = 0, due = ?3, last_time = ?4, last_status = ?5, last_text = ?6,"
	    " last_host = ?7 WHERE queue = ?1 AND position = ?2");
	uint64_t delay = o->retry_s != 0 ? o->retry_s : retry_delay(s->in->queue, f->attempts);
	int rc;

	query_u64(&q, s->in->queue);
	query_u64(&q, o->position);
	query_u64(&q, s->held != 0 ? STORE_QUEUE_NEVER : s->tx->now + delay);
	query_u64(&q, s->tx->now);
	query_bytes(&q, o->status);
	query_bytes(&q, o->text);
	query_bytes(&q, o->facts.mx_name);
	rc = query_run(&q, e);
	/* The same again and again is said once. */
	return rc != 0 || slice_eq(f->text, o->text) ? rc : log_put(s, o, f, e);
}

static int
recipient_return(struct settling *s, const struct store_queue_outcome *o, struct error *e)
{
	struct query q = query_begin(s->tx->db,
	    "UPDATE queue_recipients SET lease = 0, due = ?3, attempts = max(attempts, 1) - 1, class = attempts > 1"
	    " WHERE queue = ?1 AND position = ?2");

	query_u64(&q, s->in->queue);
	query_u64(&q, o->position);
	query_u64(&q, s->held != 0 ? STORE_QUEUE_NEVER : s->tx->now);
	return query_run(&q, e);
}

/* Whoever took a message can be reached again. */
static int
domain_is_well(struct settling *s, struct slice domain, struct error *e)
{
	struct query q = query_begin(s->tx->db,
	    "UPDATE queue_domains SET until = 0, failures = 0, reason = x'' WHERE domain = ?1 AND failures > 0");

	query_bytes(&q, domain);
	return query_run(&q, e);
}

static int
outcome_settle(struct settling *s, const struct store_queue_outcome *o, struct error *e)
{
	struct found f;
	int rc = recipient_find(s, o->position, &f, e);

	if (rc == 0)
		rc = note_domain(s, f.domain, e);
	if (rc != 0)
		return rc;
	switch ((enum store_queue_result)o->result) {
	case STORE_QUEUE_DELIVERED:
	case STORE_QUEUE_FAILED:
		s->gone++;
		rc = log_put(s, o, &f, e);
		if (rc == 0)
			rc = queue_drop_recipient(s->tx, s->in->queue, o->position, f.domain, e);
		return rc != 0 || o->result == STORE_QUEUE_FAILED ? rc : domain_is_well(s, f.domain, e);
	case STORE_QUEUE_DEFERRED:
		return recipient_defer(s, o, &f, e);
	case STORE_QUEUE_RETURNED:
		return recipient_return(s, o, e);
	}
	return error_set(e, ERR_SYNTAX, "there is no such outcome");
}

/* ---- the whole ---- */

static int
settling_begin(struct settling *s, struct error *e)
{
	struct query q = query_begin(s->tx->db, "SELECT account, sender, held FROM queue WHERE queue = ?1");
	int rc;

	query_u64(&q, s->in->queue);
	rc = query_one(&q, "queued message", e);
	if (rc != 0)
		return rc;
	s->account = query_col_u64(&q, 0);
	s->sender = query_col_bytes(&q, 1, s->tx->arena);
	s->held = query_col_u64(&q, 2);
	query_end(&q);
	return arena_check(s->tx->arena, e);
}

static int
look_set(struct settling *s, struct error *e)
{
	struct query q;

	if (s->in->look == 0 && !s->in->warned)
		return 0;
	q = query_begin(s->tx->db,
	    "UPDATE queue SET look = CASE WHEN ?2 = 0 THEN look ELSE ?2 END, warned = max(warned, ?3) WHERE queue = "
	    "?1");
	query_u64(&q, s->in->queue);
	query_u64(&q, s->in->look);
	query_u64(&q, s->in->warned);
	return query_run(&q, e);
}

static int
settle(struct tx *tx, const struct store_queue_settle *in, struct store_queue_settled *out, struct error *e)
{
	struct settling s = { .tx = tx, .in = in, .domains = { .arena = tx->arena, .size = sizeof(struct slice) } };
	int rc = settling_begin(&s, e);

	for (size_t i = 0; i < in->outcome_count && rc == 0; i++)
		rc = outcome_settle(&s, &in->outcomes[i], e);
	if (rc == 0)
		rc = look_set(&s, e);
	if (rc == 0)
		rc = queue_drop_counted(tx, in->queue, s.gone, &out->left, e);
	for (size_t i = 0; i < s.domains.count && rc == 0; i++)
		rc = queue_refresh(tx, ((struct slice *)s.domains.data)[i], 0, e);
	return rc;
}

OP_WRITE_FN(queue_settle)
{
	return settle(tx, request, reply, e);
}

OP_WRITE_FN(queue_settle_report)
{
	const struct store_queue_settle_report *in = request;
	struct store_queue_settled *out = reply;
	struct store_queue_kept kept = { 0 };
	int rc = settle(tx, &in->settle, out, e);

	if (rc == 0)
		rc = queue_keep(tx, &in->report, &kept, e);
	out->report = kept.queue;
	return rc;
}

OP_WRITE_FN(queue_defer)
{
	const struct store_queue_defer *in = request;
	struct store_queue_until *out = reply;
	uint64_t failures = 0;
	struct query q = query_begin(
	    tx->db, "UPDATE queue_domains SET failures = min(failures + 1, ?2) WHERE domain = ?1 RETURNING failures");
	int rc;

	query_bytes(&q, in->domain);
	query_u64(&q, DOMAIN_FAILURES_MAX);
	rc = query_step(&q, e);
	if (rc == 1) {
		failures = query_col_u64(&q, 0);
		rc = query_run(&q, e);
	}
	out->until = tx->now + (in->retry_s != 0 ? in->retry_s : retry_delay(0, failures));
	if (rc < 0 || failures == 0) /* nothing waits for it any more */
		return rc;
	q = query_begin(tx->db, "UPDATE queue_domains SET until = ?2, reason = ?3 WHERE domain = ?1");
	query_bytes(&q, in->domain);
	query_u64(&q, out->until);
	query_bytes(&q, in->reason);
	rc = query_run(&q, e);
	return rc != 0 ? rc : queue_refresh(tx, in->domain, 0, e);
}
