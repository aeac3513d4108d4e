/* SPDX-License-Identifier: ISC */
/* lint: a session's events and the answers to its questions, read side by side. */
/*
 * One SMTP connection: events of the machine on one side, questions through
 * the ask port on the other. At most one question is under way; its answer
 * comes on some other thread, is laid down in the session, and the connection
 * is woken. Everything else happens on the loop thread.
 */
#include "service/smtp/session.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/ask.h"
#include "service/grants.h"
#include "service/resolve.h"
#include "service/sign/sign.h"
#include "service/smtp/count.h"
#include "service/smtp/judging.h"
#include "service/smtp/message.h"
#include "service/smtp/report.h"
#include "service/smtp/sending.h"
#include "service/smtp/session_internal.h"
#include "smtp/server.h"

/* ---- life ---- */

static enum smtp_server_role
machine_role(const struct smtp_session *s)
{
	if (s->role == SERVICE_LMTP)
		return SMTP_SERVER_LMTP;
	return s->role == SERVICE_SUBMISSION ? SMTP_SERVER_SUBMISSION : SMTP_SERVER_MX;
}

static struct smtp_server_config
machine_config(const struct smtp_session *s)
{
	const struct service_settings *set = &s->service->settings;

	return (struct smtp_server_config){
		.role = machine_role(s),
		.hostname = set->hostname,
		.size_max = set->message_max,
		.recipients_max = set->recipients_max,
		.idle_ms = set->idle_ms,
		.tls = conn_is_tls(s->conn),
		.can_start_tls = conn_can_start_tls(s->conn),
	};
}

static struct smtp_session *
session_new(struct service *service, struct conn *c, enum service_role role, struct error *e)
{
	struct smtp_session *s = mem_alloc(sizeof *s);

	if (s == NULL) {
		(void)error_nomem(e);
		return NULL;
	}
	s->service = service;
	s->role = role;
	s->conn = c;
	atomic_init(&s->owners, 1);
	buf_init(&s->pending, SMTP_ADDRESS_MAX + 2);
	buf_init(&s->orcpt, SMTP_ORCPT_MAX);
	buf_init(&s->signatures, SIGN_FIELDS_MAX);
	return s;
}

int
smtp_session_open(struct service *service, struct conn *c, enum service_role role, void **session_out, struct error *e)
{
	struct smtp_session *s = session_new(service, c, role, e);
	struct smtp_server_config config;
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	config = machine_config(s);
	if ((rc = smtp_server_new(&config, false, clock_ms(), &s->machine, e)) != 0) {
		mem_free(s);
		return rc;
	}
	if (role == SERVICE_MX) /* who is in front of us by LMTP is known */
		s->name = resolve_name_begin(service->ports.resolver, conn_peer(c));
	service_session_begun(service);
	*session_out = s;
	return 0;
}

int
smtp_session_open_account(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e)
{
	const struct smtp_server_resume from = { .hello = in->hello, .esmtp = in->esmtp, .pending = in->pending };
	struct smtp_session *s = session_new(service, c, SERVICE_SUBMISSION, e);
	struct smtp_server_config config;
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	s->account = account;
	config = machine_config(s);
	if ((rc = smtp_server_resume(&config, &from, clock_ms(), &s->machine, e)) != 0) {
		mem_free(s);
		return rc;
	}
	log_event(LOG_LEVEL_INFO, "smtp.authenticated", log_u64("connection", conn_origin(c)),
	    log_str("peer", conn_peer(c)), log_u64("account", account));
	service_session_begun(service);
	*session_out = s;
	return 0;
}

static void
ignore_reply(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

static void
drop_message(struct smtp_session *s)
{
	if (s->message != NULL && s->message->handle != 0) {
		const struct store_body_handle staged = { .handle = s->message->handle };

		(void)ask_body_abort_submit(s->service->ports.ask, &staged, ignore_reply, NULL, NULL);
	}
	judging_drop(s);
	s->judging = false;
	smtp_message_free(s->message);
	s->message = NULL;
	if (s->counted)
		atomic_fetch_sub(&s->service->receiving, 1);
	s->counted = false;
}

/* Any thread: the last owner frees. */
void
smtp_session_disown(struct smtp_session *s)
{
	struct service *service = s->service;

	if (atomic_fetch_sub(&s->owners, 1) != 1)
		return;
	if (s->asking == ASKING_KEEP && s->answer.code == 0 && s->message != NULL)
		s->message->handle = 0; /* used up */
	if (s->asking == ASKING_STAGE && s->answer.code == 0 && s->message != NULL)
		s->message->handle = s->answer.handle;
	drop_message(s);
	smtp_server_free(s->machine);
	resolve_name_release(s->name);
	buf_done(&s->pending);
	buf_done(&s->orcpt);
	buf_done(&s->signatures);
	mem_free(s->answer.accounts);
	mem_free(s);
	service_session_ended(service);
}

static void
session_closed(void *session)
{
	struct smtp_session *s = session;

	if (s->account != 0)
		grants_leave(s->service->ports.grants, s->account);
	smtp_session_disown(s);
}

/* ---- events ---- */

static void
reply(struct smtp_session *s, enum smtp_reply r)
{
	smtp_count_reply(r);
	smtp_server_answer(s->machine, r, SLICE_EMPTY, clock_ms());
}

/* To the end of the text: in LMTP every recipient has an answer, and all fare alike. */
static void
reply_to_end(struct smtp_session *s, enum smtp_reply r, struct slice detail)
{
	smtp_count_reply(r);
	do
		smtp_server_answer(s->machine, r, detail, clock_ms());
	while (smtp_server_answers_due(s->machine) > 0);
}

static struct smtp_trace
trace_of(struct smtp_session *s)
{
	struct conn_tls_info info;
	struct smtp_trace t = {
		.hello = smtp_server_hello(s->machine),
		.peer = conn_peer(s->conn),
		.name = resolve_name_get(s->name),
		.protocol = smtp_server_protocol(s->machine),
		.hostname = s->service->settings.hostname,
		.id = slice_str(s->id),
		.now = clock_unix(),
	};

	if (conn_tls_info(s->conn, &info)) {
		(void)snprintf(s->tls, sizeof s->tls, "%s %s", info.version, info.cipher);
		t.tls = s->tls;
	}
	memcpy(t.random, s->random, sizeof t.random);
	return t;
}

/* The event's address in its plain form, kept until the answer. */
static struct slice
keep_address(struct smtp_session *s, const struct smtp_path *path)
{
	buf_clear(&s->pending);
	if (path->mailbox.len > 0)
		(void)smtp_path_address(path, &s->pending);
	return buf_slice(&s->pending);
}

static void
on_mail(struct smtp_session *s, const struct smtp_server_event *ev)
{
	const struct smtp_message_envelope envelope = {
		.from = keep_address(s, &ev->path),
		.submission = s->role == SERVICE_SUBMISSION,
		.utf8 = ev->utf8,
		.require_tls = ev->require_tls,
		.ret = ev->ret,
		.envid = ev->envid,
	};

	drop_message(s);
	if ((s->message = smtp_message_new(&envelope)) == NULL)
		reply(s, SMTP_REPLY_TRY_LATER);
	else if (s->role == SERVICE_SUBMISSION && envelope.from.len > 0)
		smtp_session_ask(
		    s, ASKING_SENDER, &(struct ask_sender){ .account = s->account, .address = envelope.from });
	else
		reply(s, SMTP_REPLY_SENDER_OK);
}

static void
on_recipient(struct smtp_session *s, const struct smtp_server_event *ev)
{
	const struct ask_recipient q = { .address = keep_address(s, &ev->path), .account = s->account };

	/* A large group that is named again and again makes no larger message, but as much work each time. */
	if (s->message->named >= SERVICE_NAMED_MAX) {
		reply(s, SMTP_REPLY_RECIPIENTS_TOO_MANY);
		return;
	}
	s->notify = ev->notify;
	buf_clear(&s->orcpt);
	(void)buf_put_slice(&s->orcpt, ev->orcpt);
	smtp_session_ask(s, ASKING_RECIPIENT, &q);
}

static void
on_data(struct smtp_session *s, const struct smtp_server_event *ev)
{
	(void)ev;
	if (atomic_fetch_add(&s->service->receiving, 1) >= SERVICE_RECEIVING_MAX ||
	    random_bytes(s->random, sizeof s->random, NULL) != 0 || judging_begin(s, NULL) != 0) {
		atomic_fetch_sub(&s->service->receiving, 1);
		drop_message(s);
		reply(s, SMTP_REPLY_TRY_LATER);
		return;
	}
	s->counted = true;
	(void)snprintf(s->id, sizeof s->id, "%llx.%llx.%x", (unsigned long long)clock_unix(),
	    (unsigned long long)conn_id(s->conn), ++s->messages);
	reply(s, SMTP_REPLY_DATA_GO);
}

/* A text that is staged before anything can be put in front of it is copied for that: so only where something will be. */
static void
send_piece(struct smtp_session *s)
{
	struct smtp_message *m = s->message;

	if (m->handle == 0 && m->sign_asked && (!m->judged || m->settled))
		smtp_message_close(m);

	if (m->handle == 0) {
		smtp_session_ask(s, ASKING_STAGE, &(struct store_nothing){ 0 });
		return;
	}
	smtp_session_ask(s, ASKING_PIECE,
	    &(struct store_body_append){ m->handle, slice_sub(buf_slice(&m->text), 0, STORE_PIECE_MAX) });
}

static void
on_chunk(struct smtp_session *s, const struct smtp_server_event *ev)
{
	struct smtp_trace t;

	if (s->message->header_whole) {
		smtp_message_put(s->message, ev->chunk, NULL);
		sign_body(s->message->sign, ev->chunk);
	} else {
		t = trace_of(s);
		smtp_message_put(s->message, ev->chunk, &t);
		if (s->message->header_whole)
			smtp_session_begin_signing(s);
	}
	smtp_count_octets(s->role, ev->chunk.len);
	if (s->message->text.len > SERVICE_INLINE_MAX)
		send_piece(s);
}

/* The transaction ends without a message kept. */
static void
refuse_message(struct smtp_session *s, enum smtp_reply r)
{
	drop_message(s);
	reply_to_end(s, r, SLICE_EMPTY);
}

static void go_on_after_end(struct smtp_session *s);

static void
keep(struct smtp_session *s)
{
	struct smtp_message *m = s->message;
	struct ask_keep q = {
		.content = { .handle = m->handle }, .from = m->from, .account = s->account, .junk = m->junk
	};
	BUF_OWNED struct buf front = { 0 };

	buf_init(&front, SMTP_MESSAGE_FRONT_MAX);
	if (m->handle == 0)
		smtp_message_close(m);
	else if (m->header_size == 0 && smtp_message_front(m, &front) != 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
	if (m->refusal == SMTP_REPLY_NONE && smtp_sending_fill(m, &q) != 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
	if (m->refusal != SMTP_REPLY_NONE) {
		refuse_message(s, m->refusal);
		return;
	}
	q.content.front = buf_slice(&front);
	q.content.header_size = m->header_size != 0 ? m->header_size : (uint32_t)front.len;
	q.accounts = m->accounts;
	q.account_count = m->account_count;
	if (m->handle == 0)
		q.content.data = buf_slice(&m->text);
	smtp_session_ask(s, ASKING_KEEP, &q); /* it is encoded before this returns */
}

/* It is judged. */
static void
go_on_behind_judge(struct smtp_session *s)
{
	struct slice detail = SLICE_EMPTY;
	enum smtp_reply r = judging_conclude(s, &detail);

	s->judging = false;
	s->message->settled = true;
	if (r == SMTP_REPLY_NONE) {
		go_on_after_end(s);
		return;
	}
	reply_to_end(s, r, detail);
	drop_message(s);
}

/* The text is whole: the From field's addresses first, the rest of a staged text, the judge, the signatures, then keep. */
static void
go_on_after_end(struct smtp_session *s)
{
	struct smtp_message *m = s->message;

	if (m->refusal != SMTP_REPLY_NONE) {
		refuse_message(s, m->refusal);
	} else if (s->from_checked < m->from_count) {
		smtp_session_ask(
		    s, ASKING_FROM, &(struct ask_sender){ s->account, m->from_addresses[s->from_checked++] });
	} else if (m->handle != 0 && m->text.len > 0) {
		send_piece(s);
	} else if (m->judged && !m->settled) {
		s->judging = true;
	} else if (!m->sign_asked) {
		m->sign_asked = true;
		smtp_session_ask_signatures(s);
	} else {
		keep(s);
	}
}

static void
on_end(struct smtp_session *s, const struct smtp_server_event *ev)
{
	struct smtp_trace t = trace_of(s);
	bool whole;

	(void)ev;
	whole = s->message->header_whole;
	smtp_message_end(s->message, &t);
	if (!whole)
		smtp_session_begin_signing(s);
	judging_end(s);
	s->from_checked = 0;
	go_on_after_end(s);
}

static void
on_reset(struct smtp_session *s, const struct smtp_server_event *ev)
{
	(void)ev;
	drop_message(s);
}

static void
on_start_tls(struct smtp_session *s, const struct smtp_server_event *ev)
{
	struct error e;

	(void)ev;
	drop_message(s);
	s->starting_tls = true;
	if (conn_start_tls(s->conn, &e) != 0)
		conn_close(s->conn);
}

static void
on_close(struct smtp_session *s, const struct smtp_server_event *ev)
{
	(void)ev;
	drop_message(s);
	conn_close(s->conn);
}

static void (*const on_event[])(struct smtp_session *s, const struct smtp_server_event *ev) = {
	[SMTP_SERVER_START_TLS] = on_start_tls,
	[SMTP_SERVER_MAIL] = on_mail,
	[SMTP_SERVER_RECIPIENT] = on_recipient,
	[SMTP_SERVER_DATA] = on_data,
	[SMTP_SERVER_CHUNK] = on_chunk,
	[SMTP_SERVER_END] = on_end,
	[SMTP_SERVER_RESET] = on_reset,
	[SMTP_SERVER_CLOSE] = on_close,
};

/* ---- answers ---- */

static enum smtp_reply
fault_reply(int code)
{
	return code == ERR_FULL ? SMTP_REPLY_DISK_FULL : SMTP_REPLY_TRY_LATER;
}

static void
log_fault(const struct smtp_session *s, int code)
{
	log_event(LOG_LEVEL_ERROR, "smtp.fault", log_u64("connection", conn_origin(s->conn)),
	    log_str("error", error_name(code)));
}

static void
answered_sender(struct smtp_session *s, const struct answer *a)
{
	if (a->code == 0 && a->verdict == ASK_OK) {
		reply(s, SMTP_REPLY_SENDER_OK);
		return;
	}
	drop_message(s);
	reply(s, a->code != 0 ? fault_reply(a->code) : SMTP_REPLY_SENDER_FOREIGN);
}

static enum smtp_reply
take_recipient(struct smtp_session *s, const struct answer *a, bool sends)
{
	int rc = smtp_message_recipient(s->message, buf_slice(&s->pending), a->accounts, a->account_count);

	if (rc == 0)
		rc = smtp_message_recipient_reports(s->message, s->notify, buf_slice(&s->orcpt));
	if (rc == ERR_LIMIT)
		return SMTP_REPLY_RECIPIENTS_TOO_MANY;
	if (rc == 0 && sends)
		smtp_message_recipient_sends(s->message);
	return rc == 0 ? SMTP_REPLY_RECIPIENT_OK : SMTP_REPLY_TRY_LATER;
}

static void
answered_recipient(struct smtp_session *s, const struct answer *a)
{
	bool own = s->role == SERVICE_SUBMISSION && s->account != 0;

	if (a->code != 0)
		reply(s, fault_reply(a->code));
	else if (a->verdict == ASK_OK || (a->verdict == ASK_ELSEWHERE && own))
		reply(s, take_recipient(s, a, a->sends || a->verdict == ASK_ELSEWHERE));
	else if (a->verdict == ASK_DENIED)
		reply(s, SMTP_REPLY_RECIPIENT_DENIED);
	else
		reply(s, a->verdict == ASK_ELSEWHERE ? SMTP_REPLY_RECIPIENT_ELSEWHERE : SMTP_REPLY_RECIPIENT_UNKNOWN);
}

static void
answered_from(struct smtp_session *s, const struct answer *a)
{
	if (a->code != 0)
		refuse_message(s, fault_reply(a->code));
	else if (a->verdict != ASK_OK)
		refuse_message(s, SMTP_REPLY_FROM_FOREIGN);
	else
		go_on_after_end(s);
}

/* A piece is staged, or a place for it: on with the next, or back to reading. */
static void
answered_piece(struct smtp_session *s, const struct answer *a)
{
	struct smtp_message *m = s->message;

	if (s->asking == ASKING_STAGE && a->code == 0)
		m->handle = a->handle;
	if (s->asking == ASKING_PIECE && a->code == 0)
		buf_consume(&m->text, STORE_PIECE_MAX);
	s->asking = ASKING_NOTHING;
	if (a->code != 0) {
		m->refusal = fault_reply(a->code);
		buf_done(&m->text);
	}
	if (smtp_server_waits(s->machine)) /* the end was read already */
		go_on_after_end(s);
	else if (m->text.len > SERVICE_INLINE_MAX)
		send_piece(s);
}

/* Unsigned it does not go out: others would take it for forged. A header that cannot be signed never can. */
static void
answered_signatures(struct smtp_session *s, const struct answer *a)
{
	if (a->code == 0)
		(void)buf_put_slice(&s->message->added, buf_slice(&s->signatures));
	if (a->code == ERR_SYNTAX) {
		refuse_message(s, SMTP_REPLY_HEADER_BROKEN);
	} else if (a->code != 0) {
		log_event(LOG_LEVEL_ERROR, "smtp.not_signed", log_u64("connection", conn_origin(s->conn)),
		    log_str("id", s->id), log_str("error", error_name(a->code)));
		refuse_message(s, fault_reply(a->code));
	} else {
		go_on_after_end(s);
	}
}

static void
say_kept(struct smtp_session *s)
{
	drop_message(s);
	reply_to_end(s, SMTP_REPLY_KEPT, slice_str(s->id));
}

/*
 * A stranger is told when SPF vouches for the sender's address (RFC 3461
 * section 5.2.2): any other address proves nothing, and a report to it might be
 * backscatter; then it is only logged. False: nothing was asked.
 */
static bool
report_to_stranger(struct smtp_session *s)
{
	struct smtp_message *m = s->message;
	struct ask_told *to = arena_array(&m->arena, m->recipient_count + 1, sizeof *to);
	struct ask_delivered q = { .from = m->from,
		.envid = m->envid,
		.original = buf_slice(&m->original),
		.utf8 = m->utf8,
		.recipients = to };

	for (size_t i = 0; to != NULL && i < m->recipient_count; i++) {
		const struct smtp_recipient *one = &m->recipients[i];

		/* What goes on to others is reported when it is there. */
		if ((one->notify & SMTP_NOTIFY_SUCCESS) != 0 && one->inboxes > 0)
			to[q.recipient_count++] = (struct ask_told){ one->address, one->orcpt };
	}
	if (s->role != SERVICE_MX || !judging_vouches(s) || q.recipient_count == 0) {
		log_event(LOG_LEVEL_INFO, "smtp.report_unsent", log_str("id", s->id), log_slice("to", m->from));
		return false;
	}
	smtp_session_ask(s, ASKING_DELIVERED, &q);
	return true;
}

/* A report that the message is delivered, to who signed in: the sender's address is that account's. False: nothing was asked. */
static bool
report(struct smtp_session *s)
{
	struct smtp_trace trace = { .hostname = s->service->settings.hostname, .now = clock_unix() };
	struct ask_keep q = { .accounts = &s->account, .account_count = 1 };
	struct buf text;
	char id[sizeof s->id + 2];

	if (s->account == 0)
		return report_to_stranger(s);
	(void)snprintf(id, sizeof id, "%s.r", s->id);
	trace.id = slice_str(id);
	buf_init(&text, SMTP_REPORT_MAX);
	if (random_bytes(trace.random, sizeof trace.random, NULL) != 0 ||
	    smtp_report_write(s->message, &trace, &text, &q.content.header_size) != 0) {
		log_fault(s, ERR_LIMIT);
		buf_done(&text);
		return false;
	}
	q.content.data = buf_slice(&text);
	smtp_session_ask(s, ASKING_REPORT, &q); /* it is encoded before this returns */
	buf_done(&text);
	return true;
}

/* What queue_put() says. */
static enum smtp_reply
unkept_reply(const struct smtp_session *s, int code)
{
	if (s->message->send_count > 0 && code == ERR_POLICY)
		return SMTP_REPLY_HOUR_FULL;
	return s->message->send_count > 0 && code == ERR_LIMIT ? SMTP_REPLY_QUEUE_FULL : fault_reply(code);
}

static void
answered_keep(struct smtp_session *s, const struct answer *a)
{
	struct smtp_message *m = s->message;

	if (a->code != 0) {
		log_fault(s, a->code);
		refuse_message(s, unkept_reply(s, a->code));
		return;
	}
	m->handle = 0;
	log_event(LOG_LEVEL_INFO, "smtp.kept", log_u64("connection", conn_origin(s->conn)), log_str("id", s->id),
	    log_str("peer", conn_peer(s->conn)), log_slice("from", m->from), log_u64("inboxes", a->inboxes),
	    log_u64("sent_on", a->sent_on));
	smtp_count_kept(s->role, a->inboxes);
	if (!smtp_message_wants_report(m) || !report(s))
		say_kept(s);
}

/* The message is there, whatever became of the report on it. */
static void
answered_report(struct smtp_session *s, const struct answer *a)
{
	if (a->code != 0)
		log_fault(s, a->code);
	else
		log_event(LOG_LEVEL_INFO, "smtp.reported", log_str("id", s->id), log_slice("to", s->message->from));
	say_kept(s);
}

static void (*const on_answer[ASKING_COUNT])(struct smtp_session *s, const struct answer *a) = {
	[ASKING_SENDER] = answered_sender,
	[ASKING_RECIPIENT] = answered_recipient,
	[ASKING_FROM] = answered_from,
	[ASKING_STAGE] = answered_piece,
	[ASKING_PIECE] = answered_piece,
	[ASKING_SIGNATURES] = answered_signatures,
	[ASKING_KEEP] = answered_keep,
	[ASKING_REPORT] = answered_report,
	[ASKING_DELIVERED] = answered_report,
};

/* ---- driven by the connection ---- */

/* TLS stands: everything said before is forgotten. */
static bool
begin_behind_tls(struct smtp_session *s, int64_t now_ms)
{
	struct smtp_server_config config = machine_config(s);
	struct smtp_server *fresh;

	if (smtp_server_new(&config, true, now_ms, &fresh, NULL) != 0) {
		conn_abort(s->conn);
		return false;
	}
	smtp_server_free(s->machine);
	s->machine = fresh;
	s->starting_tls = false;
	return true;
}

static bool
take_answer(struct smtp_session *s)
{
	struct answer a;
	enum asking was = s->asking;

	if (!atomic_load(&s->answered))
		return false;
	a = s->answer;
	if (was != ASKING_STAGE && was != ASKING_PIECE)
		s->asking = ASKING_NOTHING;
	on_answer[was](s, &a);
	return true;
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct smtp_session *s = session;
	struct smtp_server_event ev;

	if (s->starting_tls && (!conn_is_tls(c) || !begin_behind_tls(s, now_ms)))
		return;
	(void)judging_step(s, now_ms); /* so that it takes more, when it was full */
	for (;;) {
		if (s->asking != ASKING_NOTHING) {
			if (!take_answer(s))
				return;
			continue;
		}
		if (s->judging) {
			if (!judging_step(s, now_ms))
				return;
			go_on_behind_judge(s);
			continue;
		}
		if (judging_is_full(s) || smtp_server_next(s->machine, now_ms, &ev) == SMTP_SERVER_NOTHING)
			return;
		if (on_event[ev.what] != NULL)
			on_event[ev.what](s, &ev);
		else
			reply(s, SMTP_REPLY_TRY_LATER); /* no password is asked for here */
		if (ev.what == SMTP_SERVER_CLOSE || ev.what == SMTP_SERVER_START_TLS)
			return;
	}
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	return smtp_server_feed(((struct smtp_session *)session)->machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return smtp_server_output(((struct smtp_session *)session)->machine);
}

static void
session_sent(void *session, size_t len)
{
	smtp_server_sent(((struct smtp_session *)session)->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	const struct smtp_session *s = session;

	if (s->judging)
		return judging_deadline(s);
	return s->asking != ASKING_NOTHING ? MACHINE_NEVER : smtp_server_deadline(s->machine);
}

static bool
session_busy(const void *session)
{
	const struct smtp_session *s = session;

	return s->asking != ASKING_NOTHING || s->judging;
}

static void
session_stopping(void *session)
{
	smtp_server_stop(((const struct smtp_session *)session)->machine, SMTP_REPLY_SHUTTING_DOWN);
}

const struct conn_ops smtp_session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
	.busy = session_busy,
	.stopping = session_stopping,
};
