/* SPDX-License-Identifier: ISC */
/* The questions of a session: put on its loop's thread, answered on any. */
#include <string.h>

#include "base/mem.h"
#include "service/ask.h"
#include "service/sign/sign.h"
#include "service/smtp/session_internal.h"

static void
answer_arrived(struct smtp_session *s)
{
	struct conn *c = s->conn;

	atomic_store(&s->answered, true);
	conn_wake(c);
	smtp_session_disown(s);
	conn_release(c);
}

static void
on_verdict(void *ctx, const void *reply, const struct error *e)
{
	struct smtp_session *s = ctx;
	const struct ask_answer *a = reply;

	s->answer.code = a == NULL ? e->code : 0;
	s->answer.verdict = a == NULL ? 0 : a->verdict;
	s->answer.sends = a != NULL && a->sends;
	if (a != NULL && a->account_count > 0 && s->asking == ASKING_RECIPIENT) {
		s->answer.accounts = mem_array(a->account_count, sizeof *a->accounts);
		s->answer.account_count = a->account_count;
		if (s->answer.accounts != NULL)
			memcpy(s->answer.accounts, a->accounts, a->account_count * sizeof *a->accounts);
		else
			s->answer.code = ERR_NOMEM;
	}
	answer_arrived(s);
}

static void
on_handle(void *ctx, const void *reply, const struct error *e)
{
	struct smtp_session *s = ctx;
	const struct store_body_handle *h = reply;

	s->answer.code = h == NULL ? e->code : 0;
	s->answer.handle = h == NULL ? 0 : h->handle;
	answer_arrived(s);
}

static void
on_length(void *ctx, const void *reply, const struct error *e)
{
	struct smtp_session *s = ctx;

	s->answer.code = reply == NULL ? e->code : 0;
	answer_arrived(s);
}

static void
on_kept(void *ctx, const void *reply, const struct error *e)
{
	struct smtp_session *s = ctx;
	const struct ask_kept *k = reply;

	s->answer.code = k == NULL ? e->code : 0;
	s->answer.inboxes = k == NULL ? 0 : k->inboxes;
	s->answer.sent_on = k == NULL ? 0 : k->sent_on;
	answer_arrived(s);
}

static void
on_told(void *ctx, const void *reply, const struct error *e)
{
	struct smtp_session *s = ctx;

	s->answer.code = reply == NULL ? e->code : 0;
	answer_arrived(s);
}

static port_done_fn *const arrivals[ASKING_COUNT] = {
	[ASKING_SENDER] = on_verdict,
	[ASKING_RECIPIENT] = on_verdict,
	[ASKING_FROM] = on_verdict,
	[ASKING_STAGE] = on_handle,
	[ASKING_PIECE] = on_length,
	[ASKING_KEEP] = on_kept,
	[ASKING_REPORT] = on_kept,
	[ASKING_DELIVERED] = on_told,
};

static const uint16_t methods[ASKING_COUNT] = {
	[ASKING_SENDER] = ASK_METHOD_sender,
	[ASKING_RECIPIENT] = ASK_METHOD_recipient,
	[ASKING_FROM] = ASK_METHOD_sender,
	[ASKING_STAGE] = ASK_METHOD_body_begin,
	[ASKING_PIECE] = ASK_METHOD_body_append,
	[ASKING_KEEP] = ASK_METHOD_keep,
	[ASKING_REPORT] = ASK_METHOD_keep,
	[ASKING_DELIVERED] = ASK_METHOD_delivered,
};

static void
begin_question(struct smtp_session *s, enum asking what)
{
	s->asking = what;
	mem_free(s->answer.accounts);
	s->answer = (struct answer){ 0 };
	atomic_store(&s->answered, false);
	atomic_fetch_add(&s->owners, 1);
	conn_hold(s->conn);
}

void
smtp_session_ask(struct smtp_session *s, enum asking what, const void *request)
{
	struct error e;
	int rc;

	begin_question(s, what);
	rc = port_submit(s->service->ports.ask, methods[what], request, arrivals[what], s, &e);
	if (rc != 0) {
		s->answer.code = rc;
		answer_arrived(s);
	}
}

static void
on_signatures(void *ctx, struct slice fields, const struct error *e)
{
	struct smtp_session *s = ctx;

	buf_clear(&s->signatures);
	s->answer.code = e != NULL ? e->code : buf_put_slice(&s->signatures, fields);
	answer_arrived(s);
}

void
smtp_session_ask_signatures(struct smtp_session *s)
{
	struct error e;
	int rc;

	begin_question(s, ASKING_SIGNATURES);
	rc = sign_end(s->message->sign, buf_slice(&s->message->header), on_signatures, s, &e);
	if (rc != 0) {
		s->answer.code = rc;
		answer_arrived(s);
	}
}

/* For the domain of its From; that is theirs, or the message is refused at its end. */
void
smtp_session_begin_signing(struct smtp_session *s)
{
	struct smtp_message *m = s->message;
	struct signer *signer = s->service->ports.signer;

	m->sign_asked = true;
	if (s->role != SERVICE_SUBMISSION || signer == NULL || m->refusal != SMTP_REPLY_NONE)
		return;
	if (sign_begin(signer, m->from_domain, &m->sign, NULL) != 0) {
		m->refusal = SMTP_REPLY_TRY_LATER;
		return;
	}
	m->sign_asked = m->sign == NULL;
	sign_body(m->sign, buf_slice(&m->text));
}
