/* SPDX-License-Identifier: ISC */
#include "smtp/client.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"
#include "smtp/client_internal.h"
#include "smtp/path.h"

#define AUTH_LINE_MAX 512u    /* RFC 4954 section 4, RFC 5321 section 4.5.3.1.4: servers may take no more */
#define OUTPUT_MAX (1u << 20) /* an envelope of SMTP_RECIPIENTS_MAX, or SMTP_PUT_MAX of text doubled */

int
smtp_client_new(const struct smtp_client_config *config, struct smtp_client **m_out, struct error *e)
{
	struct smtp_client *m;

	if (!smtp_domain_valid(config->hello) && !smtp_literal_valid(config->hello))
		return error_set(e, ERR_USAGE, "a client calls itself by a domain name or an address literal");
	if (config->tls && (config->start_tls || config->start_tls_if_offered))
		return error_set(e, ERR_USAGE, "STARTTLS on a connection that has TLS already");
	if ((m = mem_alloc(sizeof *m)) == NULL)
		return error_nomem(e);
	m->tls = config->tls;
	m->start_tls = config->start_tls;
	m->if_offered = config->start_tls_if_offered;
	m->no_chunking = config->no_chunking;
	m->credentials = config->credentials;
	buf_init(&m->hello, SMTP_DOMAIN_MAX);
	buf_init(&m->in, SMTP_INPUT_MAX);
	buf_init(&m->out, OUTPUT_MAX);
	buf_init(&m->mechanisms, 512);
	buf_init(&m->server_name, SMTP_DOMAIN_MAX);
	buf_init(&m->chunk, SMTP_CHUNK_SENT + SMTP_PUT_MAX * 2);
	buf_init(&m->refusal_text, SMTP_REPLY_TEXT_MAX);
	buf_init(&m->response, SASL_TEXT_MAX);
	smtp_answer_reader_init(&m->reader);
	if (buf_put_slice(&m->hello, config->hello) != 0) {
		smtp_client_free(m);
		return error_nomem(e);
	}
	*m_out = m;
	return 0;
}

void
smtp_client_free(struct smtp_client *m)
{
	if (m == NULL)
		return;
	sasl_client_done(&m->sasl);
	buf_done(&m->hello);
	buf_done(&m->in);
	buf_wipe_done(&m->out);
	buf_done(&m->mechanisms);
	buf_done(&m->server_name);
	buf_done(&m->chunk);
	buf_done(&m->refusal_text);
	buf_wipe_done(&m->response);
	smtp_answer_reader_done(&m->reader);
	mem_free(m);
}

size_t
smtp_client_feed(struct smtp_client *m, struct slice in, int64_t now_ms)
{
	size_t take;

	(void)now_ms;
	if (m->state == STATE_SHAKING || m->state == STATE_OVER)
		return in.len; /* sent before the handshake, or after the end: nobody reads it */
	buf_consume(&m->in, m->in_at);
	m->in_at = 0;
	take = size_min(SMTP_INPUT_MAX - m->in.len, in.len);
	return buf_put(&m->in, in.data, take) == 0 ? take : 0;
}

/* ---- saying ---- */

void
smtp_client_say(struct smtp_client *m, const char *verb, struct slice argument)
{
	(void)buf_put_str(&m->out, verb);
	(void)buf_put_slice(&m->out, argument);
	(void)buf_put_str(&m->out, "\r\n");
}

static void
fail(struct smtp_client *m, int code, const char *what, const struct smtp_answer *a)
{
	struct buf text;

	m->refusal = (struct smtp_answer){ 0 };
	if (a != NULL)
		smtp_client_note_refusal(m, a);
	buf_init(&text, ERROR_TEXT_MAX);
	if (a != NULL && a->text.len > 0)
		(void)printable_put(&text, a->text, PRINTABLE_LINE, 150);
	if (a != NULL)
		(void)error_set(
		    &m->failure, code, "%s: %u %.*s", what, a->code, (int)text.len, (const char *)text.data);
	else
		(void)error_set(&m->failure, code, "%s", what);
	buf_done(&text);
	m->state = STATE_OVER;
}

/* The server has answered and waits for a command: QUIT is the last one (RFC 5321 section 4.1.1.10), whatever it answers. */
static void
leave(struct smtp_client *m, int code, const char *what, const struct smtp_answer *a)
{
	smtp_client_say(m, "QUIT", SLICE_EMPTY);
	m->goodbye = true;
	fail(m, code, what, a);
}

/* RFC 5321 section 4.3.2: codes that nobody knows are understood by their first digit. */
static bool
is_success(const struct smtp_answer *a)
{
	return a->code >= 200 && a->code < 300;
}

static void
say_ehlo(struct smtp_client *m)
{
	m->pipelining = m->has_start_tls = m->body_8bit = m->has_size = m->chunking = m->has_utf8 = m->has_dsn =
	    m->has_require_tls = false;
	m->size_max = 0;
	buf_clear(&m->mechanisms);
	smtp_client_say(m, "EHLO ", buf_slice(&m->hello));
	m->state = STATE_EHLO;
}

void
smtp_client_secured(struct smtp_client *m)
{
	if (m->state != STATE_SHAKING)
		return;
	/* What came before the handshake, and what was announced there, is forgotten. */
	buf_clear(&m->in);
	m->in_at = 0;
	smtp_answer_reader_done(&m->reader);
	m->tls = true;
	m->start_tls = m->if_offered = false;
	say_ehlo(m);
}

/* ---- what the server announces ---- */

static void
note_extension(struct smtp_client *m, struct slice line)
{
	const struct {
		const char *name;
		bool *has;
	} plain[] = {
		{ "PIPELINING", &m->pipelining },
		{ "STARTTLS", &m->has_start_tls },
		{ "8BITMIME", &m->body_8bit },
		{ "CHUNKING", &m->chunking },
		{ "SMTPUTF8", &m->has_utf8 },
		{ "DSN", &m->has_dsn },
		{ "REQUIRETLS", &m->has_require_tls },
	};
	struct slice rest, name = slice_split(line, ' ', &rest);

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (slice_ieq_str(name, plain[i].name))
			*plain[i].has = true;
	if (slice_ieq_str(name, "SIZE"))
		m->has_size = rest.len == 0 || slice_to_u64(slice_trim(rest), UINT64_MAX, &m->size_max);
	else if (slice_ieq_str(name, "AUTH"))
		(void)buf_put_slice(&m->mechanisms, rest);
}

static void
note_extensions(struct smtp_client *m, struct slice text)
{
	struct slice rest, greeting = slice_split(text, '\n', &text);

	buf_clear(&m->server_name);
	(void)buf_put_slice(&m->server_name, slice_split(greeting, ' ', &rest));
	while (text.len > 0)
		note_extension(m, slice_split(text, '\n', &text));
}

static void
become_ready(struct smtp_client *m)
{
	m->state = STATE_READY;
	m->told_ready = false;
}

void
smtp_client_sasl(struct smtp_client *m, const struct sasl_channel *channel, unsigned permitted)
{
	m->channel = *channel;
	m->permitted = permitted;
}

enum sasl_mechanism
smtp_client_signed_in(const struct smtp_client *m)
{
	return m->signed_in_by;
}

/*
 * The first response goes with the command when the line is short enough (RFC 4954 section 4), else it waits; that of
 * LOGIN answers a question, so it waits too.
 */
static int
say_auth(struct smtp_client *m, struct error *e)
{
	const char *name = sasl_mechanism_name(m->sasl.mechanism);
	int rc = sasl_client_respond(&m->sasl, SLICE_EMPTY, &m->response, e);

	if (rc != 0)
		return rc;
	if (m->sasl.mechanism == SASL_LOGIN || m->response.len + 32 > AUTH_LINE_MAX) {
		smtp_client_say(m, "AUTH ", slice_str(name));
		return 0;
	}
	(void)buf_putf(&m->out, "AUTH %s ", name);
	smtp_client_say(m, "", buf_slice(&m->response));
	buf_wipe_done(&m->response);
	return 0;
}

static void
begin_auth(struct smtp_client *m, unsigned permitted)
{
	struct sasl_client_config config = { .offered = buf_slice(&m->mechanisms),
		.credentials = m->credentials,
		.channel = m->channel,
		.permitted = permitted };
	struct error e;

	sasl_client_done(&m->sasl);
	config.channel.tls = m->tls;
	if (sasl_client_init(&m->sasl, &config, &e) != 0 || say_auth(m, &e) != 0) {
		fail(m, e.code, e.text, NULL);
		return;
	}
	m->state = STATE_AUTH;
}

/* ---- answers, one function a state ---- */

typedef void answer_fn(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event);

static void
at_greeting(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	(void)event;
	if (is_success(a))
		say_ehlo(m);
	else
		leave(m, ERR_NET, "the server does not take mail now", a);
}

static void
at_ehlo(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	(void)event;
	if (a->code >= 500 && m->state == STATE_EHLO && !m->start_tls && m->credentials == NULL) {
		smtp_client_say(m, "HELO ", buf_slice(&m->hello));
		m->state = STATE_HELO;
		return;
	}
	if (!is_success(a)) {
		leave(m, ERR_NET, "the server does not want to speak with us", a);
		return;
	}
	if (m->state == STATE_EHLO)
		note_extensions(m, a->text);
	m->offered_tls = m->offered_tls || (m->has_start_tls && !m->tls);
	m->start_tls = m->start_tls || (m->if_offered && m->has_start_tls);
	if (m->start_tls && !m->has_start_tls) {
		leave(m, ERR_TLS, "the server offers no STARTTLS; nothing was sent", NULL);
	} else if (m->start_tls) {
		smtp_client_say(m, "STARTTLS", SLICE_EMPTY);
		m->state = STATE_STARTTLS;
	} else if (m->credentials != NULL) {
		begin_auth(m, m->permitted);
	} else {
		become_ready(m);
	}
}

static void
at_starttls(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	if (a->code !=
	    220) { /* another yes leaves open whether it waits for a handshake or a command: nothing is said */
		(is_success(a) ? fail : leave)(m, ERR_TLS, "the server refuses STARTTLS; nothing was sent", a);
		return;
	}
	m->state = STATE_SHAKING;
	event->what = SMTP_CLIENT_START_TLS;
}

static void
answer_challenge(struct smtp_client *m, struct slice challenge)
{
	struct error e = { 0 };

	if (m->response.len > 0) { /* the first one, which waited */
		smtp_client_say(m, "", buf_slice(&m->response));
		buf_wipe_done(&m->response);
		return;
	}
	switch (sasl_client_respond(&m->sasl, challenge, &m->out, &e)) {
	case 0:
		smtp_client_say(m, "", SLICE_EMPTY);
		break;
	case ERR_PASSWORD: /* it will say no, and then there may be another way */
		smtp_client_say(m, "*", SLICE_EMPTY);
		break;
	case ERR_ORDER:
		fail(m, ERR_NET, "signing in was refused: the server goes on asking", NULL);
		break;
	default:
		fail(m, e.code, e.text, NULL);
	}
}

static void
signed_in(struct smtp_client *m)
{
	m->signed_in_by = m->sasl.mechanism;
	sasl_client_done(&m->sasl);
	m->credentials = NULL;
	become_ready(m);
}

static void
at_auth(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	unsigned fallback = sasl_client_fallback(&m->sasl);
	struct error e;

	(void)event;
	if (a->code == 334)
		answer_challenge(m, a->text);
	else if (a->code == 235 && sasl_client_finish(&m->sasl, &e) != 0)
		fail(m, e.code, e.text, NULL);
	else if (a->code == 235)
		signed_in(m);
	else if (a->code >= 500 && fallback != 0)
		begin_auth(m, fallback);
	else
		fail(m, a->code >= 500 ? ERR_PASSWORD : ERR_NET, "signing in was refused", a);
}

static void
outcome(struct smtp_client *m, const struct smtp_answer *a, bool accepted, struct smtp_client_event *event)
{
	event->what = SMTP_CLIENT_SENT;
	event->answer = *a;
	event->accepted = accepted;
	become_ready(m);
}

/* Nothing more of this transaction: the server is to forget it. */
static void
give_up(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	outcome(m, a, false, event);
	smtp_client_say(m, "RSET", SLICE_EMPTY);
	m->state = STATE_RESET;
}

static void
answered_data(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	if (a->code < 300 || a->code >= 400) {
		give_up(m, m->mail_refused ? &m->refusal : a, event);
	} else if (m->accepted == 0) { /* RFC 2920 section 3.1: it waits for a text that nobody gets */
		(void)smtp_stuffer_end(&m->stuffer, &m->out);
		m->only_end = true;
		m->state = STATE_END;
	} else {
		m->state = STATE_TEXT;
		event->what = SMTP_CLIENT_BODY;
	}
}

static void
at_envelope(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	size_t n = m->answered++;
	bool ok = is_success(a);

	if (n == 0) {
		m->mail_refused = !ok;
		if (!ok)
			smtp_client_note_refusal(m, a);
		if (!ok && !m->pipelining) {
			give_up(m, a, event);
			return;
		}
	} else if (n <= m->message.recipient_count) {
		event->what = SMTP_CLIENT_RECIPIENT;
		event->recipient = n - 1;
		event->accepted = ok && !m->mail_refused;
		event->answer = m->mail_refused ? m->refusal : *a; /* "MAIL first" is no reason */
		m->accepted += event->accepted;
		if (m->by_chunks && n == m->message.recipient_count) {
			m->envelope_answered = true;
			return;
		}
	} else {
		answered_data(m, a, event);
		return;
	}
	smtp_client_write_commands(m);
}

/* BDAT: the last RCPT was answered. The answer is told already, so what follows from it is an event of its own. */
static void
envelope_ended(struct smtp_client *m, struct smtp_client_event *event)
{
	const struct smtp_answer nobody = { .code = 554, .text = SLICE("no recipient was taken") };

	m->envelope_answered = false;
	if (m->accepted == 0) {
		give_up(m, m->mail_refused ? &m->refusal : &nobody, event);
		return;
	}
	m->state = STATE_TEXT;
	event->what = SMTP_CLIENT_BODY;
}

void
smtp_client_note_refusal(struct smtp_client *m, const struct smtp_answer *a)
{
	buf_clear(&m->refusal_text);
	m->refusal.code = a->code;
	(void)buf_put_slice(&m->refusal_text, a->enhanced);
	(void)buf_put_slice(&m->refusal_text, a->text);
	m->refusal.enhanced = slice_sub(buf_slice(&m->refusal_text), 0, a->enhanced.len);
	m->refusal.text = slice_from(buf_slice(&m->refusal_text), m->refusal.enhanced.len);
}

/* The first refusal is the outcome; what was in the pipe behind it is refused too. */
static void
chunk_answered(struct smtp_client *m, const struct smtp_answer *a)
{
	m->chunks_answered++;
	if (m->refusal.code == 0 && !is_success(a))
		smtp_client_note_refusal(m, a);
}

static void
at_last_chunk(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	if (m->chunks_answered < m->chunks_sent)
		chunk_answered(m, a);
	else
		m->reset_said = false; /* that was RSET's */
	if (m->chunks_answered < m->chunks_sent || m->reset_said)
		return;
	outcome(m, m->refusal.code == 0 ? a : &m->refusal, m->refusal.code == 0, event);
}

static void
at_text(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	(void)event;
	if (m->by_chunks && m->chunks_answered < m->chunks_sent)
		chunk_answered(m, a);
	else
		fail(m, ERR_SYNTAX, "the server answers what was not asked", a);
}

static void
at_end(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	if (m->by_chunks)
		at_last_chunk(m, a, event);
	else
		outcome(m, a, is_success(a) && !m->only_end, event);
}

static void
at_reset(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	(void)a;
	(void)event;
	become_ready(m);
}

static void
at_quit(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	(void)a;
	m->state = STATE_OVER;
	event->what = SMTP_CLIENT_CLOSED;
}

static answer_fn *const on_answer[] = {
	[STATE_GREETING] = at_greeting,
	[STATE_EHLO] = at_ehlo,
	[STATE_HELO] = at_ehlo,
	[STATE_STARTTLS] = at_starttls,
	[STATE_AUTH] = at_auth,
	[STATE_ENVELOPE] = at_envelope,
	[STATE_TEXT] = at_text,
	[STATE_END] = at_end,
	[STATE_RESET] = at_reset,
	[STATE_QUIT] = at_quit,
	[STATE_OVER] = NULL,
};

/* ---- lines ---- */

/* Servers end lines with CR LF; a lone LF is taken too, for nothing of ours hangs on where a reply line ends. */
bool
smtp_client_take_line(struct smtp_client *m, struct slice *line)
{
	struct slice in = slice_from(buf_slice(&m->in), m->in_at);
	size_t lf = slice_find(in, '\n');

	if (lf == SIZE_MAX) {
		if (in.len >= SMTP_REPLY_LINE_MAX)
			fail(m, ERR_LIMIT, "the server's answer has a line too long", NULL);
		return false;
	}
	m->in_at += lf + 1;
	*line = slice_sub(in, 0, lf > 0 && in.data[lf - 1] == '\r' ? lf - 1 : lf);
	return true;
}

void
smtp_client_answer_came(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event)
{
	m->answers++;
	if (a->code == 421 && m->state != STATE_QUIT) {
		fail(m, ERR_CLOSED, "the server ends the connection", a);
		return;
	}
	if (on_answer[m->state] == NULL) { /* an answer to nothing: READY, SHAKING */
		fail(m, ERR_SYNTAX, "the server answers what was not asked", a);
		return;
	}
	on_answer[m->state](m, a, event);
}

enum smtp_client_what
smtp_client_next(struct smtp_client *m, struct smtp_client_event *event_out)
{
	struct smtp_answer a;
	struct slice line;

	*event_out = (struct smtp_client_event){ .what = SMTP_CLIENT_NOTHING };
	while (event_out->what == SMTP_CLIENT_NOTHING) {
		if (m->out.err != 0 && m->failure.code == 0)
			fail(m, ERR_NOMEM, "no memory for what is to be sent", NULL);
		if (m->failure.code != 0) {
			event_out->what = SMTP_CLIENT_FAILED;
			event_out->error = m->failure;
			event_out->answer = m->refusal;
			break;
		}
		if (m->envelope_answered) {
			envelope_ended(m, event_out);
			break;
		}
		if (m->state == STATE_READY && !m->told_ready) {
			m->told_ready = true;
			event_out->what = SMTP_CLIENT_READY;
			break;
		}
		if (m->state == STATE_OVER || m->state == STATE_SHAKING)
			break;
		if (!smtp_client_take_line(m, &line)) {
			if (m->failure.code == 0)
				break;
			continue;
		}
		switch (smtp_answer_line(&m->reader, line, &a, &m->failure)) {
		case 0:
			break;
		case 1:
			smtp_client_answer_came(m, &a, event_out);
			break;
		default:
			m->state = STATE_OVER;
		}
	}
	return event_out->what;
}
