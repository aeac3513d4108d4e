/* SPDX-License-Identifier: ISC */
/* A message on its way out of the client machine: its envelope looked at, its text put, by DATA or by BDAT. */
#include "smtp/client_internal.h"
#include "smtp/path.h"

static void
write_mail(struct smtp_client *m)
{
	const struct smtp_client_message *msg = &m->message;

	(void)buf_put_str(&m->out, "MAIL FROM:<");
	(void)buf_put_slice(&m->out, msg->from);
	(void)buf_put_u8(&m->out, '>');
	if (m->has_size && msg->size > 0)
		(void)buf_putf(&m->out, " SIZE=%llu", (unsigned long long)msg->size);
	if (m->body_8bit && msg->body_8bit)
		(void)buf_put_str(&m->out, " BODY=8BITMIME");
	if (m->utf8)
		(void)buf_put_str(&m->out, " SMTPUTF8");
	if (msg->require_tls)
		(void)buf_put_str(&m->out, " REQUIRETLS");
	if (m->has_dsn && msg->ret != SMTP_RETURN_UNSAID)
		(void)buf_put_str(&m->out, msg->ret == SMTP_RETURN_FULL ? " RET=FULL" : " RET=HDRS");
	if (m->has_dsn && msg->envid.len > 0) {
		(void)buf_put_str(&m->out, " ENVID=");
		(void)buf_put_slice(&m->out, msg->envid);
	}
	(void)buf_put_str(&m->out, "\r\n");
}

static void
write_recipient(struct smtp_client *m, size_t n)
{
	const struct smtp_client_dsn *dsn = m->has_dsn && m->message.dsn != NULL ? &m->message.dsn[n] : NULL;

	(void)buf_put_str(&m->out, "RCPT TO:<");
	(void)buf_put_slice(&m->out, m->message.recipients[n]);
	(void)buf_put_u8(&m->out, '>');
	if (dsn != NULL && dsn->notify != 0) {
		(void)buf_put_str(&m->out, " NOTIFY=");
		(void)smtp_notify_write(dsn->notify, &m->out);
	}
	/* Without SMTPUTF8 it is read as ASCII alone, so other letters go in their form for that (RFC 6533 section 3). */
	if (dsn != NULL && smtp_orcpt_valid(dsn->orcpt, true)) {
		(void)buf_put_str(&m->out, " ORCPT=");
		if (m->utf8)
			(void)buf_put_slice(&m->out, dsn->orcpt);
		else
			(void)smtp_unitext_write(dsn->orcpt, &m->out);
	}
	(void)buf_put_str(&m->out, "\r\n");
}

void
smtp_client_write_commands(struct smtp_client *m)
{
	size_t last = m->message.recipient_count + (m->by_chunks ? 0 : 1);

	while (m->written <= last && (m->pipelining || m->written == m->answered)) {
		size_t n = m->written++;

		if (n == 0)
			write_mail(m);
		else if (n <= m->message.recipient_count)
			write_recipient(m, n - 1);
		else
			smtp_client_say(m, "DATA", SLICE_EMPTY);
	}
}

/* Whether it takes such a message. */
static int
check_server(const struct smtp_client *m, const struct smtp_client_message *message, bool utf8, struct error *e)
{
	if (m->size_max > 0 && message->size > m->size_max)
		return error_set(e, ERR_LIMIT, "the message has %llu octets, the server takes at most %llu",
		    (unsigned long long)message->size, (unsigned long long)m->size_max);
	if (message->envid.len > 0 && !smtp_envid_valid(message->envid))
		return error_set(e, ERR_USAGE, "an envelope's name has %u octets of xtext at most", SMTP_ENVID_MAX);
	if (message->require_tls && !(m->tls && m->has_require_tls))
		return error_set(e, ERR_POLICY, "the server does not promise to send on over TLS alone (REQUIRETLS)");
	if (message->body_8bit && !m->body_8bit)
		return error_set(e, ERR_UNSUPPORTED, "the server takes no 8 bit text: encode the message");
	if (utf8 && !m->has_utf8)
		return error_set(e, ERR_UNSUPPORTED,
		    "the server takes no addresses and headers with letters outside of ASCII (SMTPUTF8)");
	return 0;
}

static int
check_message(const struct smtp_client *m, const struct smtp_client_message *message, bool *utf8_out, struct error *e)
{
	struct smtp_path path = { 0 };

	*utf8_out = message->utf8;

	if (message->recipient_count == 0 || message->recipient_count > SMTP_RECIPIENTS_MAX)
		return error_set(e, ERR_USAGE, "a message has 1 to %u recipients", SMTP_RECIPIENTS_MAX);
	if (message->from.len > 0 && smtp_mailbox_parse(message->from, &path, e) != 0) {
		(void)error_context(e, "the sender's address");
		return ERR_USAGE;
	}
	*utf8_out = *utf8_out || path.utf8;
	for (size_t i = 0; i < message->recipient_count; i++) {
		if (smtp_mailbox_parse(message->recipients[i], &path, e) != 0) {
			(void)error_context(e, "the address of recipient %zu", i + 1);
			return ERR_USAGE;
		}
		*utf8_out = *utf8_out || path.utf8;
	}
	return check_server(m, message, *utf8_out, e);
}

int
smtp_client_send(struct smtp_client *m, const struct smtp_client_message *message, struct error *e)
{
	bool utf8;
	int rc;

	if (m->state != STATE_READY)
		return error_set(e, ERR_ORDER, "a message is under way or the connection is not ready");
	if (m->in.len > m->in_at)
		return error_set(e, ERR_SYNTAX, "the server answers what was not asked");
	if ((rc = check_message(m, message, &utf8, e)) != 0)
		return rc;
	m->utf8 = utf8;
	/* Without pipelining each chunk would wait for an answer. */
	m->by_chunks = m->chunking && m->pipelining && !m->no_chunking;
	m->reset_said = m->envelope_answered = false;
	m->chunks_sent = m->chunks_answered = 0;
	m->refusal = (struct smtp_answer){ 0 };
	buf_clear(&m->chunk);
	buf_clear(&m->refusal_text);
	m->message = *message;
	m->written = m->answered = m->accepted = 0;
	m->mail_refused = m->only_end = false;
	m->stuffer = (struct smtp_stuffer){ .plain = m->by_chunks };
	m->told_ready = true;
	m->state = STATE_ENVELOPE;
	smtp_client_write_commands(m);
	return 0;
}

static void
say_chunk(struct smtp_client *m, const char *last)
{
	(void)buf_putf(&m->out, "BDAT %zu%s\r\n", m->chunk.len, last);
	(void)buf_put_slice(&m->out, buf_slice(&m->chunk));
	buf_clear(&m->chunk);
	m->chunks_sent++;
}

/* Answers to chunks are read here too: who puts a long text may not look for events in between. */
static bool
is_text_refused(struct smtp_client *m)
{
	struct smtp_client_event none = { 0 };
	struct smtp_answer a;
	struct slice line;

	while (m->state == STATE_TEXT && m->failure.code == 0 && smtp_client_take_line(m, &line))
		if (smtp_answer_line(&m->reader, line, &a, &m->failure) == 1)
			smtp_client_answer_came(m, &a, &none);
	return m->failure.code != 0 || m->refusal.code != 0;
}

static size_t
put_chunks(struct smtp_client *m, struct slice in)
{
	if (is_text_refused(m))
		return in.len; /* the outcome is told after the end */
	if (smtp_stuffer_put(&m->stuffer, in, &m->chunk) != 0)
		return 0;
	if (m->chunk.len >= SMTP_CHUNK_SENT)
		say_chunk(m, "");
	return in.len;
}

size_t
smtp_client_put(struct smtp_client *m, struct slice in)
{
	size_t room = m->out.len < SMTP_PUT_MAX ? SMTP_PUT_MAX - m->out.len : 0;

	if (m->state != STATE_TEXT)
		return m->failure.code != 0 ? in.len : 0;
	in = slice_sub(in, 0, room);
	if (m->by_chunks && in.len > 0)
		return put_chunks(m, in);
	return smtp_stuffer_put(&m->stuffer, in, &m->out) == 0 ? in.len : 0;
}

void
smtp_client_end(struct smtp_client *m)
{
	if (m->state != STATE_TEXT)
		return;
	if (!m->by_chunks) {
		(void)smtp_stuffer_end(&m->stuffer, &m->out);
	} else if (is_text_refused(m)) { /* RFC 3030 section 2: no more of it, and RSET */
		smtp_client_say(m, "RSET", SLICE_EMPTY);
		m->reset_said = true;
	} else {
		(void)smtp_stuffer_end(&m->stuffer, &m->chunk);
		say_chunk(m, " LAST");
	}
	if (m->failure.code == 0)
		m->state = STATE_END;
}

void
smtp_client_quit(struct smtp_client *m)
{
	bool text_next = m->state == STATE_ENVELOPE && m->written > m->message.recipient_count + 1;

	if (m->state == STATE_OVER || m->state == STATE_SHAKING)
		return;
	if (m->state == STATE_TEXT || text_next) {
		/* The server may take the next octets for text: say nothing, so that it never ends, and just go. */
		m->state = STATE_OVER;
		return;
	}
	smtp_client_say(m, "QUIT", SLICE_EMPTY);
	m->state = STATE_QUIT;
}
