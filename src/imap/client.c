/* SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "imap/client_internal.h"
#include "imap/client_parse.h"

#define CHUNK_MAX 65536u
#define QUIET_MAX 100000u /* responses without meaning that one command may bring */

int
imap_client_new(const struct imap_client_options *options, struct imap_client **out, struct error *e)
{
	struct imap_client *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	m->options = *options;
	buf_init(&m->out, IMAP_OUTPUT_MAX);
	buf_init(&m->line, IMAP_CLIENT_RESPONSE_MAX);
	buf_init(&m->chunk, CHUNK_MAX);
	buf_init(&m->capabilities, IMAP_CLIENT_CAPABILITIES_MAX + 2);
	buf_init(&m->secret, SASL_IDENTITY_MAX + SASL_PASSWORD_MAX);
	arena_init(&m->arena, IMAP_CLIENT_RESPONSE_MAX * 4);
	m->phase = PHASE_GREETING;
	if (options->no_greeting) {
		m->phase = PHASE_ASKING;
		(void)buf_put_str(&m->out, "c0 CAPABILITY\r\n");
	}
	*out = m;
	return 0;
}

void
imap_client_forget_secret(struct imap_client *m)
{
	sasl_client_done(&m->sasl);
	buf_wipe_done(&m->secret);
}

void
imap_client_free(struct imap_client *m)
{
	if (m == NULL)
		return;
	imap_client_forget_secret(m);
	buf_wipe_done(&m->out);
	buf_done(&m->line);
	buf_done(&m->chunk);
	buf_done(&m->capabilities);
	arena_done(&m->arena);
	mem_free(m);
}

bool
imap_client_can(const struct imap_client *m, const char *capability)
{
	struct slice rest = buf_slice(&m->capabilities);

	while (rest.len > 0)
		if (slice_ieq_str(slice_split(rest, ' ', &rest), capability))
			return true;
	return false;
}

struct imap_client_mailbox
imap_client_mailbox(const struct imap_client *m)
{
	return m->mailbox;
}

/* ---- input ---- */

/* Status lines end in free text: "{5}" at its end is no literal. So does "+". */
static bool
is_free_text(struct slice line)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE", "PREAUTH" };
	struct slice rest;
	struct slice first = slice_split(line, ' ', &rest);
	struct slice second = slice_split(rest, ' ', &rest);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_ieq_str(second, words[i]))
			return true;
	return slice_eq_str(first, "+");
}

static bool
announces(const struct imap_client *m, uint64_t *size)
{
	struct slice line = slice_from(buf_slice(&m->line), m->line_from);
	size_t brace = slice_find_last(line, '{');

	return !m->quoted && brace != SIZE_MAX && line.data[line.len - 1] == '}' &&
	    !is_free_text(buf_slice(&m->line)) &&
	    slice_to_u64(slice_sub(line, brace + 1, line.len - brace - 2), UINT32_MAX, size);
}

static void
literal_begin(struct imap_client *m, uint64_t size)
{
	struct slice text = buf_slice(&m->line);
	size_t brace = slice_find_last(text, '{');
	struct slice before = slice_sub(text, 0, brace);

	m->literal_left = size;
	/* The first section of a body that was asked for piece by piece. */
	m->stream = size > 0 && m->command == SENT_FETCH_BODY && m->phase == PHASE_COMMAND && !m->streamed &&
	    slice_starts(text, SLICE("* ")) && (slice_ends(before, SLICE("] ")) || slice_ends(before, SLICE("> ")));
	if (m->stream) {
		m->streamed = true;
		buf_truncate(&m->line, brace);
		(void)buf_put_str(&m->line, "NIL");
	} else {
		(void)buf_put_str(&m->line, "\r\n");
		if (++m->literals > IMAP_CLIENT_LITERALS_MAX || size > IMAP_CLIENT_RESPONSE_MAX)
			m->fault = ERR_LIMIT;
	}
	m->line_from = m->line.len;
}

static void
line_end(struct imap_client *m)
{
	uint64_t size = 0;

	if (m->line.len > m->line_from && m->line.data[m->line.len - 1] == '\r')
		buf_truncate(&m->line, m->line.len - 1);
	if (announces(m, &size))
		literal_begin(m, size);
	else
		m->whole = true;
	m->quoted = false;
	m->escaped = false;
}

static void
quote_state(struct imap_client *m, uint8_t c)
{
	if (m->escaped)
		m->escaped = false;
	else if (c == '"')
		m->quoted = !m->quoted;
	else if (c == '\\' && m->quoted)
		m->escaped = true;
}

static size_t
line_feed(struct imap_client *m, struct slice in)
{
	size_t at = slice_find(in, '\n');
	size_t n = at != SIZE_MAX ? at : in.len;

	for (size_t i = 0; i < n; i++)
		quote_state(m, in.data[i]);
	if (slice_find(slice_sub(in, 0, n), 0) != SIZE_MAX)
		m->fault = ERR_SYNTAX;
	else if (buf_put(&m->line, in.data, n) != 0)
		m->fault = m->line.err;
	/* What is at fault is over, whatever else would be wrong with it. */
	if (at == SIZE_MAX || m->fault != 0)
		return n;
	line_end(m);
	return n + 1;
}

static size_t
literal_feed(struct imap_client *m, struct slice in)
{
	size_t n = m->literal_left < in.len ? (size_t)m->literal_left : in.len;
	struct buf *to = m->stream ? &m->chunk : &m->line;

	if (m->stream)
		n = size_min(n, CHUNK_MAX);
	if (buf_put(to, in.data, n) != 0)
		m->fault = to->err;
	m->chunk_out = m->stream;
	m->literal_left -= n;
	if (m->literal_left == 0) {
		m->stream = false;
		m->line_from = m->line.len;
	}
	return n;
}

static size_t
client_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct imap_client *m = machine;
	size_t n = 0;

	(void)now_ms;
	/* What comes in clear behind the answer to STARTTLS is nobody's. */
	if (m->phase == PHASE_SHAKING || m->phase == PHASE_CLOSED)
		return in.len;
	while (n < in.len && !m->whole && !m->chunk_out && m->fault == 0) {
		struct slice rest = slice_from(in, n);

		n += m->literal_left > 0 ? literal_feed(m, rest) : line_feed(m, rest);
	}
	return n;
}

static struct slice
client_output(void *machine)
{
	return buf_slice(&((struct imap_client *)machine)->out);
}

static void
client_sent(void *machine, size_t len)
{
	struct imap_client *m = machine;

	buf_consume(&m->out, len);
	if (m->out.len == 0 && m->out.err == 0)
		buf_wipe_done(&m->out);
}

static int64_t
client_deadline(const void *machine)
{
	(void)machine;
	return MACHINE_NEVER;
}

const struct machine_ops imap_client_ops = {
	.feed = client_feed,
	.output = client_output,
	.sent = client_sent,
	.deadline = client_deadline,
};

/* ---- responses ---- */

static void
closed(struct imap_client *m, struct imap_client_event *ev, int code, const char *text)
{
	ev->type = IMAP_CLIENT_CLOSED;
	(void)error_set(&ev->error, code, "%s", text);
	m->phase = PHASE_CLOSED;
	imap_client_forget_secret(m);
}

static void
set_capabilities(struct imap_client *m, struct slice list)
{
	buf_clear(&m->capabilities);
	(void)buf_put_slice(&m->capabilities, list);
}

/* What a response code says by the way. */
static void
take_code(struct imap_client *m, struct slice code)
{
	struct slice rest;
	struct slice word = slice_split(code, ' ', &rest);
	uint32_t n;

	if (slice_ieq_str(word, "CAPABILITY"))
		set_capabilities(m, rest);
	else if (slice_ieq_str(word, "READ-ONLY"))
		m->mailbox.read_only = true;
	n = imap_parse_code_number(code, "UIDVALIDITY");
	if (n != 0)
		m->mailbox.uidvalidity = n;
	n = imap_parse_code_number(code, "UIDNEXT");
	if (n != 0)
		m->mailbox.uidnext = n;
}

static void
ask_capabilities(struct imap_client *m)
{
	m->phase = PHASE_ASKING;
	(void)buf_put_str(&m->out, "c0 CAPABILITY\r\n");
}

static void
greeting(struct imap_client *m, struct slice word, struct slice rest, struct imap_client_event *ev)
{
	struct slice code;

	imap_parse_text(rest, &code, &ev->text);
	if (slice_ieq_str(word, "PREAUTH")) {
		closed(m, ev, ERR_POLICY, "The server claims that we are signed in already. That is not believed.");
		return;
	}
	if (!slice_ieq_str(word, "OK")) {
		closed(m, ev, slice_ieq_str(word, "BYE") ? ERR_CLOSED : ERR_SYNTAX,
		    "The server does not want to talk IMAP.");
		return;
	}
	take_code(m, code);
	if (m->capabilities.len == 0) {
		ask_capabilities(m);
		return;
	}
	m->phase = PHASE_READY;
	ev->type = IMAP_CLIENT_READY;
}

static int
untagged_number(struct imap_client *m, struct imap_lex *l, struct imap_client_event *ev)
{
	uint32_t n = 0;
	int rc = imap_lex_number(l, &n);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc != 0)
		return rc;
	if (imap_lex_try_word(l, "EXISTS")) {
		m->mailbox.exists = n;
		ev->type = IMAP_CLIENT_CHANGED;
	} else if (imap_lex_try_word(l, "RECENT")) {
		m->mailbox.recent = n;
		ev->type = IMAP_CLIENT_CHANGED;
	} else if (imap_lex_try_word(l, "EXPUNGE")) {
		m->mailbox.exists -= m->mailbox.exists > 0;
		ev->type = IMAP_CLIENT_CHANGED;
	} else if (imap_lex_try_word(l, "FETCH")) {
		rc = imap_lex_space(l);
		ev->sequence = n;
		if (rc == 0)
			rc = imap_parse_fetch(l, m->streamed, ev);
		ev->type = IMAP_CLIENT_FETCH;
	}
	/* The numbers of SELECT come with its DONE. */
	if (ev->type == IMAP_CLIENT_CHANGED && m->command == SENT_SELECT)
		ev->type = IMAP_CLIENT_NONE;
	return rc;
}

static int
untagged_data(struct imap_client *m, struct imap_lex *l, struct imap_client_event *ev)
{
	int c = imap_lex_peek(l);
	int rc;

	if (imap_lex_try_word(l, "CAPABILITY")) {
		set_capabilities(m, slice_trim(slice_from(l->in, l->at)));
		return 0;
	}
	/* In clear nothing else is believed. */
	if (!m->options.tls)
		return 0;
	if (c >= '0' && c <= '9')
		return untagged_number(m, l, ev);
	if (m->command == SENT_SEARCH && imap_lex_try_word(l, "SEARCH")) {
		ev->type = IMAP_CLIENT_NUMBERS;
		return imap_parse_numbers(l, ev);
	}
	if (m->command == SENT_LIST && imap_lex_try_word(l, "LIST")) {
		ev->type = IMAP_CLIENT_LIST;
		rc = imap_lex_space(l);
		return rc != 0 ? rc : imap_parse_list(l, ev);
	}
	return 0;
}

static void
untagged(struct imap_client *m, struct imap_lex *l, struct imap_client_event *ev)
{
	struct slice rest;
	struct slice word = slice_split(slice_from(l->in, l->at), ' ', &rest);
	struct slice code;
	struct error e = { 0 };

	if (m->phase == PHASE_GREETING) {
		greeting(m, word, rest, ev);
		return;
	}
	if (slice_ieq_str(word, "BYE")) {
		imap_parse_text(rest, &code, &ev->text);
		if (m->command != SENT_LOGOUT)
			closed(m, ev, ERR_CLOSED, "The server ended the connection.");
		return;
	}
	if (slice_ieq_str(word, "OK") || slice_ieq_str(word, "NO") || slice_ieq_str(word, "BAD")) {
		imap_parse_text(rest, &code, &ev->text);
		take_code(m, code);
		return;
	}
	l->e = &e;
	if (untagged_data(m, l, ev) != 0) {
		closed(m, ev, e.code, e.text);
		(void)error_context(&ev->error, "The server's response cannot be read");
	}
}

/* What the server sends may be of no server that knows us: then it gets nothing more but the end of the exchange. */
static void
put_response(struct imap_client *m, struct slice challenge, struct imap_client_event *ev)
{
	struct error e = { 0 };
	int rc = m->sasl_error.code;

	if (rc == 0)
		rc = sasl_client_respond(&m->sasl, challenge, &m->out, &e);
	if (rc != 0) {
		(void)buf_put_str(&m->out, "*");
		m->sasl_error = m->sasl_error.code != 0 ? m->sasl_error : e;
	}
	(void)buf_put_str(&m->out, "\r\n");
	ev->type = IMAP_CLIENT_NONE;
}

static void
continuation(struct imap_client *m, struct slice text, struct imap_client_event *ev)
{
	if (m->phase == PHASE_COMMAND && m->command == SENT_LOGIN && m->sasl.mechanism != SASL_NONE) {
		put_response(m, text, ev);
	} else if (m->phase == PHASE_COMMAND && m->command == SENT_APPEND) {
		m->phase = PHASE_SENDING;
		ev->type = IMAP_CLIENT_SEND;
		if (m->append_left == 0)
			(void)imap_client_put(m, SLICE_EMPTY);
	} else if (m->phase == PHASE_COMMAND && m->command == SENT_IDLE) {
		m->phase = PHASE_IDLING;
		ev->type = IMAP_CLIENT_IDLING;
	} else {
		closed(m, ev, ERR_SYNTAX, "The server asked for more where nothing was to come.");
	}
}

/* The server's answer to an exchange. True when that is not the end of it: another try, or it is not believed. */
static bool
sasl_answered(struct imap_client *m, struct imap_client_event *ev)
{
	unsigned fallback = sasl_client_fallback(&m->sasl);
	struct error e = m->sasl_error;

	/* What stopped us, and not that the server then refused: the password was not what was wrong. */
	if ((e.code != 0 && e.code != ERR_PASSWORD) ||
	    (ev->result == IMAP_CLIENT_OK && sasl_client_finish(&m->sasl, &e) != 0)) {
		closed(m, ev, e.code, e.text);
		(void)error_context(&ev->error, "Signing in failed");
		return true;
	}
	if (ev->result == IMAP_CLIENT_OK) {
		m->signed_in_by = m->sasl.mechanism;
		return false;
	}
	if (ev->result != IMAP_CLIENT_NO || fallback == 0)
		return false;
	m->phase = PHASE_READY;
	if (imap_client_authenticate(m, fallback, &e) != 0) {
		closed(m, ev, e.code, e.text);
		return true;
	}
	ev->type = IMAP_CLIENT_NONE;
	return true;
}

enum sasl_mechanism
imap_client_signed_in(const struct imap_client *m)
{
	return m->signed_in_by;
}

static void
command_done(struct imap_client *m, struct imap_client_event *ev)
{
	if (m->command == SENT_LOGIN && m->sasl.mechanism != SASL_NONE && sasl_answered(m, ev))
		return;
	ev->type = IMAP_CLIENT_DONE;
	imap_client_forget_secret(m);
	if (m->command == SENT_STARTTLS && ev->result == IMAP_CLIENT_OK) {
		ev->type = IMAP_CLIENT_START_TLS;
		m->phase = PHASE_SHAKING;
		return;
	}
	if (m->command == SENT_STARTTLS) {
		closed(m, ev, ERR_POLICY, "The server refuses TLS. Nothing is said in clear.");
		return;
	}
	if (m->command == SENT_APPEND) {
		struct slice rest;

		ev->uidvalidity = imap_parse_code_number(ev->code, "APPENDUID");
		(void)slice_split(ev->code, ' ', &rest);
		(void)slice_split(rest, ' ', &rest);
		if (ev->uidvalidity != 0) {
			uint64_t uid = 0;

			(void)slice_to_u64(rest, UINT32_MAX, &uid);
			ev->appended_uid = (uint32_t)uid;
		}
	}
	m->phase = m->command == SENT_LOGOUT ? PHASE_CLOSED : PHASE_READY;
	m->command = SENT_NOTHING;
}

static void
tagged(struct imap_client *m, struct slice line, struct imap_client_event *ev)
{
	static const char *const words[] = { "OK", "NO", "BAD" };
	struct slice rest;
	struct slice tag = slice_split(line, ' ', &rest);
	struct slice word = slice_split(rest, ' ', &rest);
	size_t i = 0;

	while (i < 3 && !slice_ieq_str(word, words[i]))
		i++;
	if (i == 3 || !slice_eq_str(tag, m->phase == PHASE_ASKING ? "c0" : m->tag) || m->phase == PHASE_GREETING ||
	    m->phase == PHASE_READY) {
		closed(m, ev, ERR_SYNTAX, "The server answered what was not asked.");
		return;
	}
	ev->result = (enum imap_result_word)i;
	imap_parse_text(rest, &ev->code, &ev->text);
	take_code(m, ev->code);
	if (m->phase != PHASE_ASKING) {
		command_done(m, ev);
	} else if (ev->result != IMAP_CLIENT_OK) {
		closed(m, ev, ERR_SYNTAX, "The server does not say what it can.");
	} else {
		m->phase = PHASE_READY;
		ev->type = IMAP_CLIENT_READY;
	}
}

static void
response(struct imap_client *m, struct imap_client_event *ev)
{
	struct imap_lex l = { .in = buf_slice(&m->line), .arena = &m->arena };

	if (imap_lex_try(&l, '*')) {
		if (imap_lex_try(&l, ' '))
			untagged(m, &l, ev);
		else
			closed(m, ev, ERR_SYNTAX, "The server does not speak IMAP.");
	} else if (imap_lex_try(&l, '+')) {
		(void)imap_lex_try(&l, ' ');
		continuation(m, slice_from(l.in, l.at), ev);
	} else {
		tagged(m, l.in, ev);
	}
	if (ev->type == IMAP_CLIENT_NONE && ++m->quiet > QUIET_MAX)
		closed(m, ev, ERR_LIMIT, "The server talks without end.");
}

static void
forget_told(struct imap_client *m)
{
	m->told = false;
	if (m->chunk_out) {
		m->chunk_out = false;
		buf_clear(&m->chunk);
		return;
	}
	m->whole = false;
	m->streamed = false;
	m->literals = 0;
	m->line_from = 0;
	buf_done(&m->line);
	arena_done(&m->arena);
	arena_init(&m->arena, IMAP_CLIENT_RESPONSE_MAX * 4);
}

/* A section may come as a quoted string: its octets are DATA all the same, before the FETCH. */
static void
hold_fetch(struct imap_client *m, struct imap_client_event *ev)
{
	if (ev->type != IMAP_CLIENT_FETCH || m->command != SENT_FETCH_BODY)
		return;
	for (size_t i = 0; i < ev->item_count; i++) {
		const struct imap_client_item *item = &ev->items[i];

		if (item->nil || item->value.len == 0 || !slice_istarts(item->name, SLICE("BODY[")))
			continue;
		m->held_event = *ev;
		m->held = true;
		*ev = (struct imap_client_event){ .type = IMAP_CLIENT_DATA, .data = item->value };
		return;
	}
}

void
imap_client_next(struct imap_client *m, struct imap_client_event *ev)
{
	*ev = (struct imap_client_event){ .type = IMAP_CLIENT_NONE };
	if (m->held) {
		*ev = m->held_event;
		m->held = false;
		return;
	}
	if (m->told)
		forget_told(m);
	if (m->phase == PHASE_CLOSED)
		return;
	if (m->fault != 0) {
		closed(m, ev, m->fault, "The server's response is larger than permitted, or malformed.");
	} else if (m->chunk_out) {
		ev->type = IMAP_CLIENT_DATA;
		ev->data = buf_slice(&m->chunk);
		m->told = true;
	} else if (m->whole) {
		response(m, ev);
		hold_fetch(m, ev);
		m->told = true;
		if (ev->type == IMAP_CLIENT_NONE)
			forget_told(m);
	}
}
