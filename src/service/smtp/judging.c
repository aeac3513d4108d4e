/* SPDX-License-Identifier: ISC */
#include "service/smtp/judging.h"

#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/ask.h"
#include "service/judge/judge.h"
#include "service/judge/tally.h"
#include "service/milter/filter.h"
#include "service/resolve.h"

#define TALLY_BUDGET (64u << 10) /* ASK_TALLIES_MAX rows of TALLY_ROW_MAX, and what they are made of */

/* What of the header can be shown: it has one end, and a milter's idea of what a field is. */
static void
begin_filter(struct smtp_session *s, struct slice block)
{
	const struct smtp_message *m = s->message;
	struct slice *recipients = mem_array(m->recipient_count, sizeof *recipients);
	struct filter_begin in = { .host = resolve_name_get(s->name),
		.address = slice_str(conn_peer(s->conn)),
		.hello = smtp_server_hello(s->machine),
		.sender = m->from,
		.recipients = recipients,
		.recipient_count = m->recipient_count,
		.hostname = s->service->settings.hostname,
		.id = slice_str(s->id),
		.header = block };
	struct conn_tls_info tls;

	if (conn_tls_info(s->conn, &tls)) {
		in.tls_version = slice_str(tls.version);
		in.tls_cipher = slice_str(tls.cipher);
	}
	for (size_t i = 0; recipients != NULL && i < m->recipient_count; i++)
		recipients[i] = m->recipients[i].address;
	if (recipients != NULL)
		(void)filter_call_new(s->service->ports.filter, &in, s->conn, &s->filter, NULL);
	mem_free(recipients);
}

static void
hear_header(void *ctx, struct slice block)
{
	struct smtp_session *s = ctx;

	if (s->judge != NULL)
		judge_header(s->judge, block);
	if (s->service->ports.filter != NULL)
		begin_filter(s, block);
}

static void
hear_body(void *ctx, struct slice piece)
{
	struct smtp_session *s = ctx;

	if (s->judge != NULL)
		judge_body(s->judge, piece);
	if (s->filter != NULL)
		filter_call_body(s->filter, piece);
}

static const struct smtp_message_ear ear = { .header = hear_header, .body = hear_body };

static int
begin_judge(struct smtp_session *s, struct error *e)
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
		.goes_on = s->message->send_count > 0,
		.now = clock_unix() };

	return judge_new(&in, &s->judge, e);
}

int
judging_begin(struct smtp_session *s, struct error *e)
{
	int rc = 0;

	if (s->role != SERVICE_MX)
		return 0;
	s->message->judged = true; /* also when nobody judges: what is forged in our name is taken out */
	if (!s->service->settings.judge && s->service->ports.filter == NULL)
		return 0;
	if (s->service->settings.judge)
		rc = begin_judge(s, e);
	s->message->ear = &ear;
	s->message->ear_ctx = s;
	return rc;
}

bool
judging_step(struct smtp_session *s, int64_t now_ms)
{
	bool judged = s->judge == NULL || judge_step(s->judge, now_ms);
	bool filtered = s->filter == NULL || filter_call_step(s->filter);

	return judged && filtered;
}

bool
judging_is_full(const struct smtp_session *s)
{
	return s->filter != NULL && filter_call_is_full(s->filter);
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
		judge_end(s->judge, clock_ms());
	if (s->filter != NULL)
		filter_call_end(s->filter);
}

void
judging_drop(struct smtp_session *s)
{
	judge_free(s->judge);
	filter_call_free(s->filter);
	s->judge = NULL;
	s->filter = NULL;
}

bool
judging_vouches(const struct smtp_session *s)
{
	return s->judge != NULL && s->message->from.len > 0 && strcmp(judge_verdict(s->judge)->spf, "pass") == 0;
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
	static const char *const actions[] = { "accepted", "junk", "refused", "later" };

	log_event(LOG_LEVEL_INFO, "smtp.judged", log_str("id", s->id), log_str("peer", conn_peer(s->conn)),
	    log_slice("from", s->message->from), log_slice("author", v->author), log_str("spf", v->spf),
	    log_str("dkim", v->dkim), log_str("arc", v->arc_word), log_str("dmarc", v->dmarc),
	    log_str("action", actions[v->action]), log_str("why", v->why == NULL ? "" : v->why));
}

/* ---- the milter's word ---- */

static enum smtp_reply
log_silent(const struct smtp_session *s, const struct error *e)
{
	bool defers = s->service->settings.milter_defers;

	log_event(LOG_LEVEL_WARNING, "smtp.milter_silent", log_str("id", s->id), log_error(e),
	    log_str("so", defers ? "try_later" : "accepted"));
	return defers ? SMTP_REPLY_TRY_LATER : SMTP_REPLY_NONE;
}

/* SMTP_REPLY_KEPT: it says that it is taken, and it is gone. */
static enum smtp_reply
reply_of(const struct filter_said *said)
{
	switch ((enum milter_verdict)said->verdict) {
	case MILTER_REJECT:
		return said->reply.len > 0 ? SMTP_REPLY_FILTER_SAYS : SMTP_REPLY_FILTER;
	case MILTER_TEMPFAIL:
		return said->reply.len > 0 ? SMTP_REPLY_FILTER_SAYS_LATER : SMTP_REPLY_TRY_LATER;
	case MILTER_DISCARD:
		return SMTP_REPLY_KEPT;
	case MILTER_ACCEPT:
		break;
	}
	return SMTP_REPLY_NONE;
}

static enum smtp_reply
hear_filter(struct smtp_session *s, const struct filter_said **said_out, struct slice *detail_out)
{
	static const char *const verdicts[] = { "accept", "tempfail", "reject", "discard" };
	const struct filter_said *said;
	struct error e;

	if (s->filter == NULL)
		return SMTP_REPLY_NONE;
	said = filter_call_said(s->filter, &e);
	if (said == NULL)
		return log_silent(s, &e);
	log_event(LOG_LEVEL_INFO, "smtp.milter", log_str("id", s->id), log_str("verdict", verdicts[said->verdict]),
	    log_slice("reply", said->reply), log_str("quarantine", said->quarantine ? "yes" : "no"),
	    log_slice("reason", said->reason), log_u64("fields", said->edit_count), log_u64("not_done", said->ignored));
	*said_out = said;
	*detail_out = said->verdict == MILTER_DISCARD ? slice_str(s->id) : said->reply;
	s->message->junk = s->message->junk || said->quarantine;
	return reply_of(said);
}

/* ---- what is kept ---- */

/* The results stand in place of those that were forged in our name; then the header is as the milter wants it. */
static enum smtp_reply
put_results(struct smtp_session *s, struct slice field, const struct filter_said *said)
{
	struct smtp_message *m = s->message;
	struct buf header BUF_OWNED = { 0 };
	int forged, rc;

	buf_init(&header, m->header.max);
	forged = judge_strip(buf_slice(&m->header), s->service->settings.hostname, &header);
	if (forged < 0 || buf_put_slice(&m->results, field) != 0)
		return SMTP_REPLY_TRY_LATER;
	if (forged > 0)
		log_event(LOG_LEVEL_WARNING, "smtp.forged_results", log_str("id", s->id),
		    log_str("peer", conn_peer(s->conn)), log_u64("fields", (uint64_t)forged));
	if (forged == 0 && said == NULL)
		return SMTP_REPLY_NONE;
	buf_clear(&m->header);
	rc = said == NULL ? buf_put_slice(&m->header, buf_slice(&header))
			  : milter_edit_apply(buf_slice(&header), said->edits, said->edit_count, &m->header);
	return rc == 0 ? SMTP_REPLY_NONE : SMTP_REPLY_TRY_LATER;
}

/* What whoever forwards it says of it (RFC 8617); borrowed from the judge, who lives as long as the message. */
static void
take_for_seal(struct smtp_message *m, const struct judge_verdict *v)
{
	if (v->arc == NULL || v->body_hash.len == 0)
		return;
	m->found = v->field;
	m->body_hash = v->body_hash;
	m->chain = v->arc;
}

static enum smtp_reply
hear_judge(struct smtp_session *s, struct slice *fields_out, struct slice *detail_out)
{
	const struct judge_verdict *v;

	if (s->judge == NULL)
		return SMTP_REPLY_NONE;
	v = judge_verdict(s->judge);
	log_verdict(s, v);
	count(s);
	*detail_out = v->author;
	*fields_out = v->field;
	take_for_seal(s->message, v);
	s->message->junk = v->action == JUDGE_JUNK;
	if (v->action == JUDGE_LATER)
		return SMTP_REPLY_TRY_LATER;
	if (v->action != JUDGE_REFUSE)
		return SMTP_REPLY_NONE;
	return v->refused_for_spf ? SMTP_REPLY_SPF : SMTP_REPLY_DMARC;
}

enum smtp_reply
judging_conclude(struct smtp_session *s, struct slice *detail_out)
{
	const struct filter_said *said = NULL;
	struct slice fields = SLICE_EMPTY;
	enum smtp_reply r = hear_judge(s, &fields, detail_out);

	if (r == SMTP_REPLY_NONE)
		r = hear_filter(s, &said, detail_out);
	return r == SMTP_REPLY_NONE ? put_results(s, fields, said) : r;
}
