/* SPDX-License-Identifier: ISC */
#include "service/smtp/judging.h"

#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/ask.h"
#include "service/judge/judge.h"
#include "service/judge/tally.h"
#include "service/resolve.h"

#define TALLY_BUDGET (64u << 10) /* ASK_TALLIES_MAX rows of TALLY_ROW_MAX, and what they are made of */

static void
hear_header(void *ctx, struct slice block)
{
	judge_header(((struct smtp_session *)ctx)->judge, block);
}

static void
hear_body(void *ctx, struct slice piece)
{
	judge_body(((struct smtp_session *)ctx)->judge, piece);
}

static const struct smtp_message_ear ear = { .header = hear_header, .body = hear_body };

int
judging_begin(struct smtp_session *s, struct error *e)
{
	const struct service_settings *set = &s->service->settings;
	struct judge_in in = { .resolver = s->service->ports.resolver,
		.wake = s->conn,
		.policy = &set->policy,
		.hostname = set->hostname,
		.address = slice_str(conn_peer(s->conn)),
		.hello = smtp_server_hello(s->machine),
		.from = s->message->from,
		.name = s->name,
		.now = clock_unix(),
		.now_ms = clock_ms() };
	int rc;

	if (s->role != SERVICE_MX || !set->judge)
		return 0;
	rc = judge_new(&in, &s->judge, e);
	if (rc != 0)
		return rc;
	s->message->judged = true;
	s->message->ear = &ear;
	s->message->ear_ctx = s;
	return 0;
}

bool
judging_step(struct smtp_session *s, int64_t now_ms)
{
	return s->judge == NULL || judge_step(s->judge, now_ms);
}

int64_t
judging_deadline(const struct smtp_session *s)
{
	return s->judge == NULL ? MACHINE_NEVER : judge_deadline(s->judge);
}

void
judging_end(struct smtp_session *s)
{
	if (s->judge != NULL)
		judge_end(s->judge);
}

void
judging_drop(struct smtp_session *s)
{
	judge_free(s->judge);
	s->judge = NULL;
}

/* ---- what is counted ---- */

static void
ignore(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

static void
count(struct smtp_session *s)
{
	struct arena a ARENA_OWNED = { 0 };
	struct ask_tally_row rows[ASK_TALLIES_MAX];
	struct ask_tally q = { .rows = rows };
	struct tally row;

	arena_init(&a, TALLY_BUDGET);
	for (size_t i = 0; i < ASK_TALLIES_MAX && judge_tally(s->judge, i, &row, &rows[q.row_count].domain, &a); i++) {
		struct buf text BUF_OWNED = { 0 };

		buf_init(&text, TALLY_ROW_MAX);
		if (tally_write(&row, &text, NULL) == 0)
			rows[q.row_count++].row = arena_copy(&a, buf_slice(&text));
	}
	if (q.row_count > 0 && a.err == 0)
		(void)ask_tally_submit(s->service->ports.ask, &q, ignore, NULL, NULL);
}

/* ---- the verdict ---- */

static void
log_verdict(const struct smtp_session *s, const struct judge_verdict *v)
{
	static const char *const actions[] = { "accepted", "junk", "refused" };

	log_event(LOG_LEVEL_INFO, "smtp.judged", log_str("id", s->id), log_str("peer", conn_peer(s->conn)),
	    log_slice("from", s->message->from), log_slice("author", v->author), log_str("spf", v->spf),
	    log_str("dkim", v->dkim), log_str("arc", v->arc_word), log_str("dmarc", v->dmarc),
	    log_str("action", actions[v->action]), log_str("why", v->why == NULL ? "" : v->why));
}

/* The results stand in place of those that were forged in our name. */
static enum smtp_reply
put_results(struct smtp_session *s, struct slice field)
{
	struct smtp_message *m = s->message;
	struct buf header BUF_OWNED = { 0 };
	int forged;

	buf_init(&header, m->header.max);
	forged = judge_strip(buf_slice(&m->header), s->service->settings.hostname, &header);
	if (forged < 0 || buf_put_slice(&m->results, field) != 0)
		return SMTP_REPLY_TRY_LATER;
	if (forged == 0)
		return SMTP_REPLY_NONE;
	log_event(LOG_LEVEL_WARNING, "smtp.forged_results", log_str("id", s->id), log_str("peer", conn_peer(s->conn)),
	    log_u64("fields", (uint64_t)forged));
	buf_clear(&m->header);
	return buf_put_slice(&m->header, buf_slice(&header)) == 0 ? SMTP_REPLY_NONE : SMTP_REPLY_TRY_LATER;
}

enum smtp_reply
judging_conclude(struct smtp_session *s, struct slice *detail_out)
{
	const struct judge_verdict *v = judge_verdict(s->judge);

	log_verdict(s, v);
	count(s);
	*detail_out = v->author;
	if (v->action == JUDGE_REFUSE)
		return v->refused_for_spf ? SMTP_REPLY_SPF : SMTP_REPLY_DMARC;
	s->message->junk = v->action == JUDGE_JUNK;
	return put_results(s, v->field);
}
