/* SPDX-License-Identifier: ISC */
#include "smtp/server.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/server_internal.h"

static uint32_t
recipients_bound(const struct smtp_server_config *config)
{
	uint32_t most = config->role == SMTP_SERVER_LMTP ? SMTP_LMTP_RECIPIENTS_MAX : SMTP_RECIPIENTS_MAX;

	return config->recipients_max == 0 || config->recipients_max > most ? most : config->recipients_max;
}

int
smtp_server_new(
    const struct smtp_server_config *config, bool silent, int64_t now_ms, struct smtp_server **m_out, struct error *e)
{
	struct smtp_server *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	m->config = *config;
	m->config.recipients_max = recipients_bound(config);
	if (m->config.idle_ms == 0)
		m->config.idle_ms = SMTP_IDLE_MS;
	buf_init(&m->hostname, SMTP_DOMAIN_MAX);
	buf_init(&m->hello, SMTP_DOMAIN_MAX);
	buf_init(&m->in, SMTP_INPUT_MAX);
	buf_init(&m->out, SMTP_OUTPUT_MAX);
	sasl_relay_init(&m->sasl);
	m->state = STATE_START;
	m->deadline = now_ms + m->config.idle_ms;
	(void)buf_put_slice(&m->hostname, config->hostname);
	m->config.hostname = buf_slice(&m->hostname);
	if (!silent) {
		(void)smtp_reply_write(&m->out, SMTP_REPLY_GREETING, m->config.hostname);
		buf_truncate(&m->out, m->out.len - 2);
		(void)buf_put_str(&m->out, config->role == SMTP_SERVER_LMTP ? " LMTP\r\n" : " ESMTP\r\n");
	}
	if (m->hostname.err != 0 || m->out.err != 0) {
		smtp_server_free(m);
		return error_nomem(e);
	}
	*m_out = m;
	return 0;
}

int
smtp_server_renew(struct smtp_server *old, int64_t now_ms, struct smtp_server **m_out, struct error *e)
{
	struct smtp_server *m;
	int rc = smtp_server_new(&old->config, true, now_ms, &m, e);

	if (rc != 0)
		return rc;
	m->state = STATE_READY;
	m->esmtp = old->esmtp;
	m->authenticated = true;
	m->hello = old->hello;
	m->out = old->out;
	m->in = old->in;
	m->in_at = old->in_at;
	buf_init(&old->hello, 0);
	buf_init(&old->out, 0);
	buf_init(&old->in, 0);
	smtp_server_free(old);
	*m_out = m;
	return 0;
}

int
smtp_server_resume(const struct smtp_server_config *config, const struct smtp_server_resume *from, int64_t now_ms,
    struct smtp_server **m_out, struct error *e)
{
	struct smtp_server *m;
	int rc = smtp_server_new(config, true, now_ms, &m, e);

	if (rc != 0)
		return rc;
	m->state = STATE_READY;
	m->esmtp = from->esmtp;
	m->authenticated = true;
	if (buf_put_slice(&m->hello, from->hello) != 0 || buf_put_slice(&m->out, from->pending) != 0) {
		smtp_server_free(m);
		return error_set(e, ERR_LIMIT, "what was said before is too long");
	}
	*m_out = m;
	return 0;
}

bool
smtp_server_is_esmtp(const struct smtp_server *m)
{
	return m->esmtp;
}

void
smtp_server_free(struct smtp_server *m)
{
	if (m == NULL)
		return;
	sasl_relay_done(&m->sasl);
	buf_done(&m->hostname);
	buf_done(&m->hello);
	buf_wipe_done(&m->in); /* a password may have passed through it */
	buf_done(&m->out);
	mem_free(m);
}

/* ---- input ---- */

struct slice
smtp_server_unread(const struct smtp_server *m)
{
	return slice_from(buf_slice(&m->in), m->in_at);
}

static void
skip(struct smtp_server *m, size_t len)
{
	m->in_at += len;
	m->scanned = 0;
	if (m->in_at == m->in.len) {
		buf_clear(&m->in);
		m->in_at = 0;
	}
}

size_t
smtp_server_feed(struct smtp_server *m, struct slice in, int64_t now_ms)
{
	size_t room, take;

	(void)now_ms;
	if (m->state == STATE_OVER)
		return in.len; /* nobody reads it any more */
	if (m->in_at > 0) {
		buf_consume(&m->in, m->in_at);
		m->in_at = 0;
	}
	room = SMTP_INPUT_MAX - m->in.len;
	take = size_min(room, in.len);
	return buf_put(&m->in, in.data, take) == 0 ? take : 0;
}

/* ---- output ---- */

/*
 * What ends a connection when there is too much of it. Who is in front of us by
 * LMTP has one connection for the mail of everybody, and passes on what
 * strangers wrote: only what it says itself counts, and what it had in the pipe
 * behind a refusal (503) does not.
 */
static bool
counts(const struct smtp_server *m, enum smtp_reply reply)
{
	unsigned code = smtp_reply_code(reply);

	return m->config.role == SMTP_SERVER_LMTP ? code >= 500 && code <= 502 : code >= 500;
}

void
server_reply(struct smtp_server *m, enum smtp_reply reply, struct slice detail)
{
	(void)smtp_reply_write(&m->out, reply, detail);
	if (!counts(m, reply))
		return;
	if (reply == SMTP_REPLY_RECIPIENT_UNKNOWN || reply == SMTP_REPLY_RECIPIENT_ELSEWHERE)
		m->refused++;
	else
		m->errors++;
	if (reply == SMTP_REPLY_AUTH_WRONG)
		m->auth_failures++;
	if (m->errors >= SMTP_ERRORS_MAX || m->refused >= SMTP_REFUSED_MAX ||
	    m->auth_failures >= SMTP_AUTH_FAILURES_MAX)
		m->stop = SMTP_REPLY_TOO_MANY_ERRORS;
}

void
server_reply_text(struct smtp_server *m, enum smtp_reply reply)
{
	for (uint32_t i = 1; i < m->due; i++)
		(void)smtp_reply_write(&m->out, reply, SLICE_EMPTY);
	server_reply(m, reply, SLICE_EMPTY);
	m->due = 0;
}

void
server_ask(struct smtp_server *m, struct smtp_server_event *event, enum smtp_server_what what)
{
	event->what = m->asked = what;
}

struct slice
smtp_server_output(struct smtp_server *m)
{
	return buf_slice(&m->out);
}

void
smtp_server_sent(struct smtp_server *m, size_t len)
{
	buf_consume(&m->out, len);
	if (m->out.len == 0) /* an idle connection holds nothing */
		buf_done(&m->out);
	if (m->in.len == 0)
		buf_wipe_done(&m->in);
}

/* ---- lines ---- */

static bool
is_auth(struct slice line)
{
	return slice_istarts(line, SLICE("AUTH "));
}

static size_t
line_max(const struct smtp_server *m, struct slice in)
{
	return m->state == STATE_AUTH || is_auth(in) ? SMTP_AUTH_LINE_MAX : SMTP_LINE_MAX;
}

/* Octets of the line at the front with its CRLF, or 0 when its end is not there. A lone LF ends nothing. */
static size_t
line_length(struct smtp_server *m, struct slice in)
{
	size_t at = m->scanned;

	while (at < in.len) {
		const uint8_t *lf = memchr(in.data + at, '\n', in.len - at);

		if (lf == NULL)
			break;
		at = (size_t)(lf - in.data) + 1;
		if (at > 1 && in.data[at - 2] == '\r')
			return at;
	}
	m->scanned = in.len;
	return 0;
}

static void
refuse_long(struct smtp_server *m)
{
	if (m->state == STATE_AUTH) {
		sasl_relay_done(&m->sasl);
		m->state = STATE_READY;
		server_reply(m, SMTP_REPLY_AUTH_LINE_TOO_LONG, SLICE_EMPTY);
	} else {
		server_reply(m, SMTP_REPLY_LINE_TOO_LONG, SLICE_EMPTY);
	}
}

/* The rest of an over-long line. True when its end was found. */
static bool
skip_long(struct smtp_server *m)
{
	struct slice in = smtp_server_unread(m);
	size_t len = line_length(m, in);
	size_t gone = len > 0 ? len : in.len - (in.len > 0 && in.data[in.len - 1] == '\r');

	m->skipping = len == 0;
	m->skipped += gone;
	skip(m, gone);
	if (m->skipped > SMTP_SKIP_MAX)
		m->stop = SMTP_REPLY_TOO_MANY_ERRORS;
	return len > 0;
}

/* Carries out one line. False when there is none yet. */
static bool
next_line(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	enum server_state was = m->state;
	struct slice in, line;
	size_t len;

	if (m->skipping)
		return skip_long(m);
	in = smtp_server_unread(m);
	len = line_length(m, in);
	if (len > line_max(m, in) || (len == 0 && in.len >= line_max(m, in))) {
		refuse_long(m);
		if (slice_istarts(in, SLICE("BDAT")))
			m->stop = SMTP_REPLY_OUT_OF_STEP;
		m->skipping = true;
		m->skipped = m->scanned = 0;
		return true;
	}
	if (len == 0)
		return false;
	line = slice_sub(in, 0, len - 2);
	skip(m, len);
	/* The line's octets stay where they are until the next feed. */
	if (m->state == STATE_AUTH)
		server_auth_response(m, line, false, event);
	else
		server_command(m, line, event);
	if (was != STATE_CHUNKS || m->state == STATE_READY) /* between chunks it is the text's octets that count */
		m->deadline = now_ms + m->config.idle_ms;
	return true;
}

/* ---- text ---- */

static enum smtp_reply
text_fault(const struct smtp_server *m)
{
	if ((m->data.faults & SMTP_DATA_BARE_CR) != 0)
		return SMTP_REPLY_BARE_CR;
	if ((m->data.faults & SMTP_DATA_BARE_LF) != 0)
		return SMTP_REPLY_BARE_LF;
	if ((m->data.faults & SMTP_DATA_NUL) != 0)
		return SMTP_REPLY_NUL;
	return m->too_big ? SMTP_REPLY_TOO_BIG : SMTP_REPLY_NONE;
}

static void
text_ended(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	enum smtp_reply fault = text_fault(m);

	m->state = STATE_READY;
	m->recipients = 0;
	m->deadline = now_ms + m->config.idle_ms;
	event->size = m->size;
	if (fault == SMTP_REPLY_NONE) {
		server_ask(m, event, SMTP_SERVER_END);
		return;
	}
	server_reply_text(m, fault);
	event->what = SMTP_SERVER_RESET;
}

/* An octet a minute is no progress. */
static void
note_progress(struct smtp_server *m, size_t len, int64_t now_ms)
{
	m->progress += len;
	if (m->progress < SMTP_DATA_PROGRESS)
		return;
	m->progress = 0;
	m->deadline = now_ms + m->config.idle_ms;
}

/* False when more octets are needed. */
static bool
next_text(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	size_t used;
	struct slice chunk = SLICE_EMPTY;
	enum smtp_data_what what = smtp_data_next(&m->data, smtp_server_unread(m), &chunk, &used);

	/* Until the next feed the chunk's octets stay where they are. */
	skip(m, used);
	if (what == SMTP_DATA_END)
		text_ended(m, now_ms, event);
	if (what != SMTP_DATA_CHUNK)
		return what == SMTP_DATA_END;
	m->size += chunk.len;
	note_progress(m, chunk.len, now_ms);
	m->too_big = m->too_big || m->size > m->config.size_max;
	if (text_fault(m) == SMTP_REPLY_NONE) {
		event->what = SMTP_SERVER_CHUNK;
		event->chunk = chunk;
	}
	return true;
}

/* ---- chunks (RFC 3030) ---- */

/* A chunk of a transaction: more than may come is known before it does. */
static void
admit_chunk(struct smtp_server *m)
{
	m->state = STATE_CHUNK;
	m->too_big = m->too_big || m->chunk.size > m->config.size_max - m->size;
}

void
server_chunk_begin(
    struct smtp_server *m, const struct smtp_command *c, enum smtp_reply refusal, struct smtp_server_event *event)
{
	enum server_state was = m->state;

	m->chunk =
	    (struct server_chunk){ .size = c->size, .left = c->size, .last = c->last, .refusal = refusal, .back = was };
	m->progress = was == STATE_CHUNKS ? m->progress : 0;
	if (refusal != SMTP_REPLY_NONE) {
		m->due = 0;
		m->state = STATE_CHUNK;
		if (c->size > m->config.size_max) { /* no reason to read so much for nothing */
			server_reply(m, refusal, SLICE_EMPTY);
			m->stop = SMTP_REPLY_OUT_OF_STEP;
		}
	} else if (was == STATE_CHUNKS)
		admit_chunk(m);
	else
		server_ask(m, event, SMTP_SERVER_DATA);
}

/* LMTP, BDAT LAST and nobody to send to: no replies at all (RFC 2033 section 4.3). */
static bool
refused_silently(const struct smtp_server *m)
{
	return m->chunk.refusal == SMTP_REPLY_NO_RECIPIENTS_LMTP && m->chunk.last;
}

/* All octets of the chunk are here. */
static void
chunk_ended(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	char size[24];

	if (m->chunk.refusal != SMTP_REPLY_NONE) {
		m->state = m->chunk.back;
		if (!m->chunk.last)
			m->due = 0;
		if (!refused_silently(m))
			server_reply_text(m, m->chunk.refusal);
		return;
	}
	if (m->chunk.last)
		smtp_data_check_end(&m->data);
	if (m->chunk.last || text_fault(m) != SMTP_REPLY_NONE) {
		if (!m->chunk.last) /* one reply, as to any BDAT without LAST */
			m->due = 0;
		text_ended(m, now_ms, event);
		return;
	}
	m->state = STATE_CHUNKS;
	(void)snprintf(size, sizeof size, "%llu", (unsigned long long)m->chunk.size);
	server_reply(m, SMTP_REPLY_CHUNK, slice_str(size));
}

/* False when more octets are needed. */
static bool
next_chunk(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	struct slice in = smtp_server_unread(m);

	if (m->chunk.left == 0) {
		chunk_ended(m, now_ms, event);
		return true;
	}
	if (in.len == 0)
		return false;
	if (in.len > m->chunk.left)
		in = slice_sub(in, 0, (size_t)m->chunk.left);
	skip(m, in.len);
	m->chunk.left -= in.len;
	note_progress(m, in.len, now_ms);
	if (m->chunk.refusal != SMTP_REPLY_NONE || m->too_big)
		return true;
	m->size += in.len;
	smtp_data_check(&m->data, in);
	if (text_fault(m) == SMTP_REPLY_NONE) {
		event->what = SMTP_SERVER_CHUNK;
		event->chunk = in;
	}
	return true;
}

/* ---- events ---- */

static void
say_stop(struct smtp_server *m, struct smtp_server_event *event)
{
	(void)smtp_reply_write(&m->out, m->stop, SLICE_EMPTY);
	m->state = STATE_OVER;
	event->what = SMTP_SERVER_CLOSE;
}

/* False when more are needed. */
static bool
next_octets(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event)
{
	if (m->state == STATE_DATA)
		return next_text(m, now_ms, event);
	return m->state == STATE_CHUNK ? next_chunk(m, now_ms, event) : next_line(m, now_ms, event);
}

enum smtp_server_what
smtp_server_next(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event_out)
{
	*event_out = (struct smtp_server_event){ .what = SMTP_SERVER_NOTHING };
	while (event_out->what == SMTP_SERVER_NOTHING) {
		if (m->state == STATE_OVER || m->asked != SMTP_SERVER_NOTHING)
			break;
		if (m->out.err != 0) { /* no memory: better no words than half of them */
			m->state = STATE_OVER;
			event_out->what = SMTP_SERVER_CLOSE;
			break;
		}
		if (m->stop == SMTP_REPLY_NONE && now_ms >= m->deadline)
			m->stop = SMTP_REPLY_TIMEOUT;
		if (m->stop != SMTP_REPLY_NONE) {
			say_stop(m, event_out);
			break;
		}
		if (m->out.len >= SMTP_OUTPUT_HIGH)
			break;
		if (!next_octets(m, now_ms, event_out))
			break;
	}
	return event_out->what;
}

static void
begin_text(struct smtp_server *m)
{
	m->data = (struct smtp_data){ 0 };
	m->size = m->progress = 0;
	m->too_big = false;
	m->due = m->config.role == SMTP_SERVER_LMTP ? m->recipients : 1;
}

/* BDAT says 250 behind its chunk, not 354 before it. */
static void
answered_data(struct smtp_server *m, enum smtp_reply reply, bool chunks, struct slice detail)
{
	bool agreed = smtp_reply_code(reply) < 400;

	begin_text(m);
	if (chunks && agreed) {
		admit_chunk(m);
	} else if (chunks) {
		m->chunk.refusal = reply;
		m->chunk.back = STATE_READY;
		m->state = STATE_CHUNK;
	} else {
		m->state = agreed ? STATE_DATA : STATE_READY;
		server_reply(m, reply, detail);
	}
	if (!agreed)
		m->recipients = 0;
}

static void
answered_end(struct smtp_server *m, enum smtp_reply reply, struct slice detail)
{
	if (m->due > 1)
		m->asked = SMTP_SERVER_END; /* for the next recipient */
	m->due -= m->due > 0;
	server_reply(m, reply, detail);
}

void
smtp_server_answer(struct smtp_server *m, enum smtp_reply reply, struct slice detail, int64_t now_ms)
{
	enum smtp_server_what asked = m->asked;
	bool agreed = smtp_reply_code(reply) < 400;

	if (asked == SMTP_SERVER_NOTHING)
		return;
	m->asked = SMTP_SERVER_NOTHING;
	m->deadline = now_ms + m->config.idle_ms;
	if (asked == SMTP_SERVER_AUTHENTICATE)
		sasl_relay_done(&m->sasl);
	if (asked == SMTP_SERVER_MAIL && agreed)
		m->state = STATE_MAIL;
	if (asked == SMTP_SERVER_RECIPIENT && agreed) {
		m->state = STATE_RECIPIENT;
		m->recipients++;
	}
	if (asked == SMTP_SERVER_DATA)
		answered_data(m, reply, m->chunk.back == STATE_RECIPIENT, detail);
	else if (asked == SMTP_SERVER_END)
		answered_end(m, reply, detail);
	else
		server_reply(m, reply, detail);
}

uint32_t
smtp_server_answers_due(const struct smtp_server *m)
{
	return m->asked == SMTP_SERVER_END ? m->due : m->asked != SMTP_SERVER_NOTHING;
}

void
smtp_server_challenge(struct smtp_server *m, struct slice challenge, int64_t now_ms)
{
	if (m->asked != SMTP_SERVER_AUTHENTICATE)
		return;
	m->asked = SMTP_SERVER_NOTHING;
	m->deadline = now_ms + m->config.idle_ms;
	m->state = STATE_AUTH;
	(void)buf_put_str(&m->out, "334 ");
	(void)sasl_relay_challenge(challenge, &m->out);
	(void)buf_put_str(&m->out, "\r\n");
}

void
smtp_server_stop(struct smtp_server *m, enum smtp_reply reply)
{
	if (m->stop == SMTP_REPLY_NONE)
		m->stop = reply;
}

int64_t
smtp_server_deadline(const struct smtp_server *m)
{
	return m->state == STATE_OVER || m->asked != SMTP_SERVER_NOTHING ? MACHINE_NEVER : m->deadline;
}

bool
smtp_server_waits(const struct smtp_server *m)
{
	return m->asked != SMTP_SERVER_NOTHING;
}

struct slice
smtp_server_hello(const struct smtp_server *m)
{
	return buf_slice(&m->hello);
}

const char *
smtp_server_protocol(const struct smtp_server *m)
{
	/* RFC 3848 and RFC 6531 section 4.3; [LMTP][UTF8][TLS, authenticated] */
	static const char *const names[2][2][4] = {
		{ { "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA" }, { "UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA" } },
		{ { "LMTP", "LMTPS", "LMTPA", "LMTPSA" }, { "UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA" } },
	};

	if (!m->esmtp)
		return "SMTP";
	return names[m->config.role == SMTP_SERVER_LMTP][m->utf8][m->config.tls + 2 * m->authenticated];
}

static size_t
ops_feed(void *m, struct slice in, int64_t now_ms)
{
	return smtp_server_feed(m, in, now_ms);
}

static struct slice
ops_output(void *m)
{
	return smtp_server_output(m);
}

static void
ops_sent(void *m, size_t len)
{
	smtp_server_sent(m, len);
}

static int64_t
ops_deadline(const void *m)
{
	return smtp_server_deadline(m);
}

const struct machine_ops smtp_server_ops = {
	.feed = ops_feed,
	.output = ops_output,
	.sent = ops_sent,
	.deadline = ops_deadline,
};
