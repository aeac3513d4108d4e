/* SPDX-License-Identifier: ISC */
/* A report on a message, as a letter to its sender: into an inbox here, or into the queue. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/limits.h"
#include "service/queue/internal.h"
#include "smtp/dsn.h"

#define WHOLE_MAX (64u << 10) /* octets of a message that a report shows all of; of larger ones it shows the header */
#define ID_ROOM 64u

struct report_recipient
queue_told(const struct store_queue_recipient *r, uint32_t action)
{
	return (struct report_recipient){ .address = r->address,
		.orcpt = r->orcpt,
		.action = action,
		.status = r->last_status,
		.text = r->last_text,
		.host = r->last_host,
		.last = r->last_time };
}

/*
 * Whom the writer knows himself as: what was sent on with an address of ours (SRS) is reported to who wrote (RFC 3464
 * section 2: the return address which came with the message).
 */
static struct slice
writer_of(struct queue *q, struct slice sender, struct arena *a)
{
	struct buf back;
	struct error e;
	struct slice writer = sender;

	buf_init(&back, STORE_ADDRESS_MAX);
	if (queue_srs_reverse(q, sender, &back, &e) == 0)
		writer = arena_copy(a, buf_slice(&back));
	buf_done(&back);
	return writer;
}

static bool
has_failed(const struct queue_tale *tale)
{
	for (size_t i = 0; i < tale->recipient_count; i++)
		if (tale->recipients[i].action == REPORT_FAILED)
			return true;
	return false;
}

/* The header, or all of a small message where the sender asked for it (RFC 3461 section 4.3: only of failures). */
static int
read_original(struct queue *q, const struct queue_tale *tale, struct arena *a, struct report *r, struct error *e)
{
	const struct store_queue_message *m = tale->message;
	struct store_queue_read read = { .queue = m->queue, .length = m->header_size };
	struct store_body_data data;
	int rc;

	r->whole = m->ret == SMTP_RETURN_FULL && m->size <= WHOLE_MAX && has_failed(tale) &&
	    (m->flags & QUEUE_REQUIRE_TLS) == 0; /* RFC 8689 section 5 */
	if (r->whole)
		read.length = (uint32_t)m->size;
	else if (m->header_size > SERVICE_REPORT_HEADER_MAX)
		return 0;
	rc = store_queue_read(q->store, &read, a, &data, e);
	if (rc == 0)
		r->original = data.data;
	/* RFC 6522 section 3: message/rfc822 cannot be encoded (RFC 2046 section 5.2.1), so its header is shown, which can. */
	if (rc == 0 && r->whole && r->seven_bit && !r->utf8 && !utf8_is_ascii(r->original)) {
		r->whole = false;
		r->original = m->header_size > SERVICE_REPORT_HEADER_MAX ? SLICE_EMPTY
									 : slice_sub(r->original, 0, m->header_size);
	}
	return rc == ERR_INTEGRITY ? 0 : rc; /* a damaged disk is no reason to be silent */
}

static bool
needs_utf8(const struct queue_tale *tale)
{
	bool ascii = utf8_is_ascii(tale->message->sender);

	for (size_t i = 0; i < tale->recipient_count && ascii; i++)
		ascii = utf8_is_ascii(tale->recipients[i].address);
	return !ascii || (tale->message->flags & QUEUE_UTF8) != 0;
}

static int
write_report(struct queue *q, const struct queue_tale *tale, bool goes_out, struct arena *a, struct buf *text,
    struct queue_letter *letter, struct error *e)
{
	const struct store_queue_message *m = tale->message;
	struct report r = { .hostname = buf_slice(&q->hostname),
		.now = clock_unix(),
		.to = writer_of(q, m->sender, a),
		.seven_bit = goes_out && utf8_is_ascii(m->sender),
		.utf8 = needs_utf8(tale),
		.envid = m->envid,
		.arrival = m->created,
		.tried_s = tale->tried_s,
		.recipients = tale->recipients,
		.recipient_count = tale->recipient_count };
	char id[ID_ROOM];
	int rc = random_bytes(r.random, sizeof r.random, e);

	(void)snprintf(id, sizeof id, "%llx.q%llx", (unsigned long long)r.now, (unsigned long long)m->queue);
	r.id = slice_str(id);
	if (rc == 0)
		rc = read_original(q, tale, a, &r, e);
	if (rc != 0)
		return rc;
	letter->flags = m->flags & QUEUE_REQUIRE_TLS; /* the same: what is said of it is as private */
	if (report_is_8bit(&r))
		letter->flags |= QUEUE_8BIT | (r.utf8 ? QUEUE_UTF8 : 0);
	rc = report_write(&r, text, &letter->skip, &letter->content.header_size);
	return rc == 0 ? 0 : error_set(e, rc, "a report became too long");
}

int
queue_sign(struct queue *q, struct slice sent, struct arena *a, struct slice *front_out, struct error *e)
{
	struct buf fields;
	int rc;

	if (q->sign == NULL)
		return 0;
	buf_init(&fields, QUEUE_FRONT_MAX);
	rc = q->sign(q->sign_ctx, buf_slice(&q->hostname), sent, &fields, e);
	*front_out = arena_copy(a, buf_slice(&fields));
	buf_done(&fields);
	return rc != 0 ? rc : a->err != 0 ? error_nomem(e) : 0;
}

int
queue_tell(
    struct queue *q, const struct queue_tale *tale, struct arena *a, struct store_queue_letter *out, struct error *e)
{
	const struct queue_rules rules = queue_rules_now(q);
	const struct queue_put_recipient to = { .address = tale->message->sender, .notify = SMTP_NOTIFY_NEVER };
	struct queue_letter letter = { .recipients = &to, .recipient_count = 1 };
	struct buf text BUF_OWNED = { 0 };
	int rc;

	if (tale->message->sender.len == 0)
		return 0;
	buf_init(&text, REPORT_MAX);
	rc = queue_resolve(q, &rules, &letter, a, out, NULL, e); /* who gets it: what it looks like goes by that */
	if (rc == 0)
		rc = write_report(q, tale, out->out.recipient_count > 0, a, &text, &letter, e);
	letter.content.data = arena_copy(a, buf_slice(&text));
	if (rc == 0)
		rc = queue_sign(q, slice_from(letter.content.data, letter.skip), a, &letter.front, e);
	if (rc == 0)
		rc = queue_resolve(q, &rules, &letter, a, out, NULL, e);
	if (rc == 0)
		return 1;
	if (rc != ERR_NOT_FOUND && rc != ERR_SYNTAX && rc != ERR_DENIED)
		return rc;
	log_event(LOG_LEVEL_INFO, "queue.report_unsent", log_u64("queue", tale->message->queue),
	    log_slice("to", tale->message->sender), log_error(e));
	return 0;
}

int
queue_tell_of(struct queue *q, struct report *r, queue_put_fn *done, void *ctx, struct error *e)
{
	const struct queue_put_recipient to = { .address = r->to, .notify = SMTP_NOTIFY_NEVER };
	struct queue_letter letter = { .own = true, .recipients = &to, .recipient_count = 1 };
	struct buf text BUF_OWNED = { 0 };
	char id[ID_ROOM];
	int rc = random_bytes(r->random, sizeof r->random, e);

	if (rc != 0)
		return rc;
	r->hostname = buf_slice(&q->hostname);
	r->now = r->arrival = clock_unix();
	r->seven_bit = utf8_is_ascii(r->to);
	(void)snprintf(id, sizeof id, "%llx.t%02x%02x%02x%02x", (unsigned long long)r->now, r->random[0], r->random[1],
	    r->random[2], r->random[3]);
	r->id = slice_str(id);
	buf_init(&text, REPORT_MAX);
	if (report_is_8bit(r))
		letter.flags |= QUEUE_8BIT | (r->utf8 ? QUEUE_UTF8 : 0);
	if (report_write(r, &text, &letter.skip, &letter.content.header_size) != 0)
		return error_set(e, text.err, "a report became too long");
	letter.content.data = buf_slice(&text);
	return queue_put(q, &letter, done, ctx, e);
}
