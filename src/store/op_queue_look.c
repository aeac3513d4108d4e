/* SPDX-License-Identifier: ISC */
/* Looking at the queue: for people, and for what has waited for too long. */
#include "store/op_queue.h"
#include "os/clock.h"

#define LOOK_OCTETS ((size_t)4 << 20) /* of one reply; the frame is 8 MiB */

#define MESSAGE_COLUMNS \
	"queue, account, body, skip, size, header_size, sender, flags, ret, envid, created, expires, warned, held," \
	" recipients"

static size_t
message_from_row(struct query *q, struct arena *a, struct store_queue_message *m)
{
	m->queue = query_col_u64(q, 0);
	m->account = query_col_u64(q, 1);
	m->body = query_col_u64(q, 2);
	m->skip = query_col_u32(q, 3);
	m->size = query_col_u64(q, 4);
	m->header_size = query_col_u32(q, 5);
	m->sender = query_col_bytes(q, 6, a);
	m->flags = query_col_u32(q, 7);
	m->ret = query_col_u32(q, 8);
	m->envid = query_col_bytes(q, 9, a);
	m->created = query_col_u64(q, 10);
	m->expires = query_col_u64(q, 11);
	m->warned = query_col_bool(q, 12);
	m->held = query_col_u64(q, 13);
	m->recipient_total = query_col_u32(q, 14);
	return sizeof *m + m->sender.len + m->envid.len;
}

static void
recipient_from_row(struct query *q, struct arena *a, uint64_t now, struct store_queue_recipient *r)
{
	r->position = query_col_u32(q, 0);
	r->address = query_col_bytes(q, 1, a);
	r->domain = query_col_bytes(q, 2, a);
	r->notify = query_col_u32(q, 3);
	r->orcpt = query_col_bytes(q, 4, a);
	r->attempts = query_col_u32(q, 5);
	r->due = query_col_u64(q, 6);
	r->leased = query_col_u64(q, 7) != 0 && r->due > now;
	r->last_time = query_col_u64(q, 8);
	r->last_status = query_col_bytes(q, 9, a);
	r->last_text = query_col_bytes(q, 10, a);
	r->last_host = query_col_bytes(q, 11, a);
	r->until = query_col_u64(q, 12);
	r->reason = query_col_bytes(q, 13, a);
}

/* *octets counts. */
static int
recipients_read(struct rx *rx, struct store_queue_message *m, size_t max, size_t *octets, struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT r.position, r.recipient, r.domain, r.notify, r.orcpt, r.attempts, r.due, r.lease, r.last_time,"
	    " r.last_status, r.last_text, r.last_host, coalesce(d.until, 0), coalesce(d.reason, x'')"
	    " FROM queue_recipients r LEFT JOIN queue_domains d ON d.domain = r.domain WHERE r.queue = ?1"
	    " ORDER BY r.position LIMIT ?2");
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_queue_recipient) };
	struct store_queue_recipient *r;
	uint64_t now = clock_unix();
	int rc;

	query_u64(&q, m->queue);
	query_u64(&q, max);
	while ((rc = query_step(&q, e)) == 1 && (r = rows_add(&rows)) != NULL) {
		recipient_from_row(&q, rx->arena, now, r);
		*octets += sizeof *r + r->address.len + r->domain.len + r->last_text.len + r->reason.len;
	}
	query_end(&q);
	m->recipients = rows.data;
	m->recipient_count = rows.count;
	return rc < 0 ? rc : arena_check(rx->arena, e);
}

OP_READ_FN(queue_get)
{
	const struct store_queue_id *in = request;
	struct store_queue_message *out = reply;
	struct query q = query_begin(rx->db, "SELECT " MESSAGE_COLUMNS " FROM queue WHERE queue = ?1");
	size_t octets = 0;
	int rc;

	query_u64(&q, in->queue);
	rc = query_one(&q, "message in the queue", e);
	if (rc != 0)
		return rc;
	(void)message_from_row(&q, rx->arena, out);
	query_end(&q);
	return recipients_read(rx, out, STORE_QUEUE_RECIPIENTS_MAX, &octets, e);
}

/* ---- lists ---- */

static struct query
list_begin(struct rx *rx, const struct store_queue_list *in, struct slice value, size_t limit)
{
	struct query q;

	switch ((enum store_queue_which)in->which) {
	case STORE_QUEUE_ONE:
		q = query_begin(
		    rx->db, "SELECT " MESSAGE_COLUMNS " FROM queue WHERE queue = ?1 AND queue > ?2 LIMIT ?3");
		query_u64(&q, in->queue);
		break;
	case STORE_QUEUE_DOMAIN:
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS " FROM queue WHERE queue IN (SELECT DISTINCT queue FROM queue_recipients"
		    " WHERE domain = ?1 AND queue > ?2 ORDER BY queue LIMIT ?3) ORDER BY queue");
		query_bytes(&q, value);
		break;
	case STORE_QUEUE_SENDER:
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS " FROM queue WHERE sender = ?1 AND queue > ?2 ORDER BY queue LIMIT ?3");
		query_bytes(&q, value);
		break;
	case STORE_QUEUE_LOOK:
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS " FROM queue WHERE look <= ?1 AND ?2 = ?2 ORDER BY look, queue LIMIT ?3");
		query_u64(&q, clock_unix());
		break;
	case STORE_QUEUE_ALL:
	default:
		q = query_begin(rx->db,
		    "SELECT " MESSAGE_COLUMNS " FROM queue WHERE ?1 = ?1 AND queue > ?2 ORDER BY queue LIMIT ?3");
		query_u64(&q, 0);
		break;
	}
	query_u64(&q, in->after);
	query_u64(&q, limit);
	return q;
}

static int
next_look(struct rx *rx, uint64_t *next_out, struct error *e)
{
	struct query q = query_begin(rx->db, "SELECT look FROM queue ORDER BY look LIMIT 1");
	int rc = query_step(&q, e);

	*next_out = rc == 1 ? query_col_u64(&q, 0) : STORE_QUEUE_NEVER;
	query_end(&q);
	return rc < 0 ? rc : 0;
}

/* Domains are compared in one form, senders as they are. */
static int
which_value(struct arena *a, uint32_t which, struct slice value, struct slice *out, struct error *e)
{
	*out = value;
	return which == STORE_QUEUE_DOMAIN ? domain_key(a, value, out, e) : 0;
}

OP_READ_FN(queue_list)
{
	const struct store_queue_list *in = request;
	struct store_queue_messages *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_queue_message) };
	size_t limit = page_limit(in->limit, STORE_QUEUE_PAGE_MAX), octets = 0, i = 0,
	       each = page_limit(in->recipients_max, STORE_QUEUE_RECIPIENTS_MAX);
	struct store_queue_message *m;
	struct slice value;
	struct query q;
	int rc = which_value(rx->arena, in->which, in->value, &value, e);

	if (rc != 0)
		return rc;
	q = list_begin(rx, in, value, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && (m = rows_add(&rows)) != NULL)
		octets += message_from_row(&q, rx->arena, m);
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	for (; i < rows.count && rc >= 0 && octets < LOOK_OCTETS; i++)
		rc = recipients_read(rx, &out->rows[i], each, &octets, e);
	out->more = out->more || i < rows.count;
	out->row_count = i;
	if (rc >= 0 && in->which == STORE_QUEUE_LOOK)
		rc = next_look(rx, &out->next, e);
	return rc < 0 ? rc : arena_check(rx->arena, e);
}

OP_READ_FN(queue_domains)
{
	const struct store_queue_domain_list *in = request;
	struct store_queue_domains *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_queue_domain) };
	size_t limit = page_limit(in->limit, STORE_QUEUE_PAGE_MAX);
	struct query q = query_begin(rx->db,
	    "SELECT domain, recipients, due, until, reason FROM queue_domains WHERE domain > ?1 ORDER BY domain LIMIT "
	    "?2");
	struct store_queue_domain *d;
	int rc;

	query_bytes(&q, in->after);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && (d = rows_add(&rows)) != NULL) {
		d->domain = query_col_bytes(&q, 0, rx->arena);
		d->recipients = query_col_u64(&q, 1);
		d->due = query_col_u64(&q, 2);
		d->until = query_col_u64(&q, 3);
		d->reason = query_col_bytes(&q, 4, rx->arena);
	}
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	out->row_count = rows.count;
	return rc < 0 ? rc : arena_check(rx->arena, e);
}

static void
event_from_row(struct query *q, struct arena *a, struct store_queue_event *v)
{
	v->entry = query_col_u64(q, 0);
	v->position = query_col_u32(q, 1);
	v->happened = query_col_u64(q, 2);
	v->result = query_col_u32(q, 3);
	v->sender = query_col_bytes(q, 4, a);
	v->recipient = query_col_bytes(q, 5, a);
	v->status = query_col_bytes(q, 6, a);
	v->text = query_col_bytes(q, 7, a);
	v->facts.mx_name = query_col_bytes(q, 8, a);
	v->facts.mx_address = query_col_bytes(q, 9, a);
	v->facts.tls_version = query_col_bytes(q, 10, a);
	v->facts.tls_cipher = query_col_bytes(q, 11, a);
	v->facts.tls_verified = query_col_u32(q, 12);
	v->facts.policy = query_col_u32(q, 13);
	v->facts.policy_source = query_col_bytes(q, 14, a);
}

OP_READ_FN(queue_log)
{
	const struct store_queue_log *in = request;
	struct store_queue_events *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_queue_event) };
	struct query q = query_begin(rx->db,
	    "SELECT entry, position, happened, outcome, sender, recipient, status, text, mx_name, mx_address, "
	    "tls_version,"
	    " tls_cipher, tls_verified, policy, policy_source FROM queue_log WHERE queue = ?1 AND entry > ?2"
	    " ORDER BY entry");
	struct store_queue_event *v;
	size_t octets = 0;
	int rc;

	query_u64(&q, in->queue);
	query_u64(&q, in->after);
	while ((rc = query_step(&q, e)) == 1 && rows.count < STORE_QUEUE_EVENTS_MAX && octets < LOOK_OCTETS &&
	    (v = rows_add(&rows)) != NULL) {
		event_from_row(&q, rx->arena, v);
		octets += sizeof *v + v->sender.len + v->recipient.len + v->text.len;
	}
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	out->row_count = rows.count;
	return rc < 0 ? rc : arena_check(rx->arena, e);
}

OP_READ_FN(queue_totals)
{
	struct store_queue_totals *out = reply;
	struct query q = query_begin(rx->db,
	    "SELECT messages, recipients, octets, coalesce((SELECT created FROM queue ORDER BY queue LIMIT 1), 0)"
	    " FROM queue_totals");
	int rc = query_one(&q, "row of the queue's sums", e);

	(void)request;
	if (rc != 0)
		return rc;
	out->messages = query_col_u64(&q, 0);
	out->recipients = query_col_u64(&q, 1);
	out->octets = query_col_u64(&q, 2);
	out->oldest = query_col_u64(&q, 3);
	query_end(&q);
	return 0;
}
