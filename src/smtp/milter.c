/* SPDX-License-Identifier: ISC */
/* What is said to a milter, step by step. Steps that it does not want are passed over; those that it is mute to need no answer. */
#include "smtp/milter_internal.h"

#include <string.h>

#include "base/mem.h"
#include "base/reader.h"

#define ARENA_BUDGET (4u << 20) /* the envelope, the header with its table, and MILTER_EDITS_OCTETS of edits */
#define FRAME 5u                /* length and command */

static const struct step {
	uint32_t unwanted, mute; /* enum milter_bit */
} steps[] = {
	[MILTER_CONNECT] = { MILTER_NO_CONNECT, MILTER_MUTE_CONNECT },
	[MILTER_HELO] = { MILTER_NO_HELO, MILTER_MUTE_HELO },
	[MILTER_MAIL] = { MILTER_NO_MAIL, MILTER_MUTE_MAIL },
	[MILTER_RCPT] = { MILTER_NO_RCPT, MILTER_MUTE_RCPT },
	[MILTER_DATA] = { MILTER_NO_DATA, MILTER_MUTE_DATA },
	[MILTER_HEADERS] = { MILTER_NO_HEADERS, MILTER_MUTE_HEADER },
	[MILTER_EOH] = { MILTER_NO_EOH, MILTER_MUTE_EOH },
	[MILTER_BODY] = { MILTER_NO_BODY, MILTER_MUTE_BODY },
	[MILTER_EOM] = { 0, 0 },
};

/* ---- life ---- */

static void
copy_envelope(struct milter *m, const struct milter_envelope *in)
{
	struct milter_envelope *to = &m->envelope;
	struct slice *recipients = arena_array(&m->arena, in->recipient_count, sizeof *recipients);

	*to = *in;
	to->host = arena_copy(&m->arena, in->host);
	to->address = arena_copy(&m->arena, in->address);
	to->hello = arena_copy(&m->arena, in->hello);
	to->sender = arena_copy(&m->arena, in->sender);
	to->hostname = arena_copy(&m->arena, in->hostname);
	to->id = arena_copy(&m->arena, in->id);
	to->tls_version = arena_copy(&m->arena, in->tls_version);
	to->tls_cipher = arena_copy(&m->arena, in->tls_cipher);
	to->account = arena_copy(&m->arena, in->account);
	for (size_t i = 0; recipients != NULL && i < in->recipient_count; i++)
		recipients[i] = arena_copy(&m->arena, in->recipients[i]);
	to->recipients = recipients;
}

int
milter_new(const struct milter_envelope *envelope, struct slice header, struct milter **m_out, struct error *e)
{
	struct milter *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	arena_init(&m->arena, ARENA_BUDGET);
	buf_init(&m->in, FRAME + MILTER_PACKET_MAX);
	buf_init(&m->out, MILTER_QUEUE_MAX);
	buf_init(&m->body, MILTER_CHUNK_MAX);
	copy_envelope(m, envelope);
	(void)mime_header_parse(arena_copy(&m->arena, header), &m->arena, &m->header, NULL);
	m->edits = arena_array(&m->arena, MILTER_EDITS_MAX, sizeof *m->edits);
	if (m->arena.err != 0) {
		milter_free(m);
		return error_nomem(e);
	}
	*m_out = m;
	return 0;
}

void
milter_free(struct milter *m)
{
	if (m == NULL)
		return;
	arena_done(&m->arena);
	buf_done(&m->in);
	buf_done(&m->out);
	buf_done(&m->body);
	mem_free(m);
}

/* ---- packets ---- */

/* The place of a packet's length, which its end fills in. */
static size_t
begin(struct milter *m, uint8_t command)
{
	size_t at = m->out.len;

	(void)buf_put_u32(&m->out, 0);
	(void)buf_put_u8(&m->out, command);
	return at;
}

static void
end(struct milter *m, size_t at)
{
	uint32_t len = (uint32_t)(m->out.len - at - 4);

	if (m->out.err != 0)
		return;
	for (size_t i = 0; i < 4; i++)
		m->out.data[at + i] = (uint8_t)(len >> (24 - 8 * i));
}

static void
plain(struct milter *m, uint8_t command)
{
	end(m, begin(m, command));
}

/* A text ends with NUL: one in the middle would begin another. */
static void
put_text(struct milter *m, struct slice text)
{
	size_t nul = slice_find(text, 0);

	(void)buf_put_slice(&m->out, slice_sub(text, 0, nul == SIZE_MAX ? text.len : nul));
	(void)buf_put_u8(&m->out, 0);
}

static void
put_angled(struct milter *m, struct slice address)
{
	(void)buf_put_u8(&m->out, '<');
	(void)buf_put_slice(&m->out, address);
	(void)buf_put(&m->out, ">", 2);
}

static void
put_macro(struct milter *m, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	put_text(m, slice_str(name));
	put_text(m, value);
}

static struct slice
domain_of(struct slice address)
{
	size_t at = slice_find_last(address, '@');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(address, at + 1);
}

/* What sendmail's and Postfix's default lists have for that command, as far as it is known. */
static void
put_macros(struct milter *m, uint8_t command, struct slice address)
{
	const struct milter_envelope *v = &m->envelope;
	size_t at = begin(m, 'D');

	(void)buf_put_u8(&m->out, command);
	if (command == 'C') {
		put_macro(m, "j", v->hostname);
		put_macro(m, "{daemon_name}", v->hostname);
		put_macro(m, "{client_addr}", v->address);
		put_macro(m, "{client_name}", v->host);
		put_macro(m, "v", SLICE("Letterlock"));
	} else if (command == 'H') {
		put_macro(m, "{tls_version}", v->tls_version);
		put_macro(m, "{cipher}", v->tls_cipher);
	} else {
		put_macro(m, "i", v->id);
	}
	if (command == 'M') {
		put_macro(m, "{auth_authen}", v->account);
		put_macro(m, "{mail_addr}", address);
		put_macro(m, "{mail_host}", domain_of(address));
	} else if (command == 'R') {
		put_macro(m, "{rcpt_addr}", address);
		put_macro(m, "{rcpt_host}", domain_of(address));
	}
	end(m, at);
}

/* ---- steps ---- */

static void
say_negotiate(struct milter *m)
{
	size_t at = begin(m, 'O');

	(void)buf_put_u32(&m->out, MILTER_VERSION);
	(void)buf_put_u32(&m->out, MILTER_MAY_ALL);
	(void)buf_put_u32(&m->out, MILTER_BITS_ALL);
	end(m, at);
}

static void
say_connect(struct milter *m)
{
	const struct milter_envelope *v = &m->envelope;
	bool six = slice_find(v->address, ':') != SIZE_MAX;
	size_t at;

	put_macros(m, 'C', SLICE_EMPTY);
	at = begin(m, 'C');
	if (v->host.len > 0 || v->address.len == 0) {
		put_text(m, v->host.len > 0 ? v->host : SLICE("localhost"));
	} else {
		(void)buf_put_u8(&m->out, '[');
		(void)buf_put_slice(&m->out, v->address);
		(void)buf_put(&m->out, "]", 2);
	}
	(void)buf_put_u8(&m->out, v->address.len == 0 ? 'U' : six ? '6' : '4');
	if (v->address.len > 0) {
		(void)buf_put_u16(&m->out, v->port);
		if (six)
			(void)buf_put_str(&m->out, "IPv6:");
		put_text(m, v->address);
	}
	end(m, at);
}

static void
say_helo(struct milter *m)
{
	size_t at;

	put_macros(m, 'H', SLICE_EMPTY);
	at = begin(m, 'H');
	put_text(m, m->envelope.hello);
	end(m, at);
}

static void
say_address(struct milter *m, uint8_t command, struct slice address)
{
	size_t at;

	put_macros(m, command, address);
	at = begin(m, command);
	put_angled(m, address);
	end(m, at);
}

/* Line ends inside are LF, as sendmail has them; without MILTER_LEADING_SPACE the first space is nobody's. */
static void
say_field(struct milter *m, const struct mime_field *f)
{
	bool leading = (m->bits & MILTER_LEADING_SPACE) != 0;
	struct slice value = f->value;
	size_t at = begin(m, 'L');

	put_text(m, f->name);
	if (!leading && value.len > 0 && value.data[0] == ' ')
		value = slice_from(value, 1);
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != 0 && (value.data[i] != '\r' || i + 1 == value.len || value.data[i + 1] != '\n'))
			(void)buf_put_u8(&m->out, value.data[i]);
	(void)buf_put_u8(&m->out, 0);
	end(m, at);
}

static void
say_body(struct milter *m)
{
	size_t at = begin(m, 'B');

	(void)buf_put_slice(&m->out, buf_slice(&m->body));
	end(m, at);
	buf_clear(&m->body);
}

/* ---- from step to step ---- */

static void
step_to(struct milter *m, enum milter_step next)
{
	m->step = next;
	m->at = 0;
}

/* Says the step's next word. False: there is none (any more). */
static bool
say(struct milter *m)
{
	const struct milter_envelope *v = &m->envelope;

	switch (m->step) {
	case MILTER_NEGOTIATE:
		say_negotiate(m);
		return true;
	case MILTER_CONNECT:
		say_connect(m);
		return true;
	case MILTER_HELO:
		if (v->hello.len == 0)
			return false;
		say_helo(m);
		return true;
	case MILTER_MAIL:
		say_address(m, 'M', v->sender);
		return true;
	case MILTER_RCPT:
		if (m->at == v->recipient_count)
			return false;
		say_address(m, 'R', v->recipients[m->at++]);
		return true;
	case MILTER_DATA:
		put_macros(m, 'T', SLICE_EMPTY);
		plain(m, 'T');
		return true;
	case MILTER_HEADERS:
		if (m->at == m->header.count)
			return false;
		say_field(m, &m->header.fields[m->at++]);
		return true;
	case MILTER_EOH:
		plain(m, 'N');
		return true;
	case MILTER_BODY:
		if (m->body.len == 0)
			return false;
		say_body(m);
		return true;
	case MILTER_EOM:
		put_macros(m, 'E', SLICE_EMPTY);
		plain(m, 'E');
		return true;
	case MILTER_OVER:
		break;
	}
	return false;
}

/* Whether the step has more than one word. */
static bool
repeats(enum milter_step step)
{
	return step == MILTER_RCPT || step == MILTER_HEADERS || step == MILTER_BODY;
}

static bool
body_is_due(const struct milter *m)
{
	return m->ended || m->body.len == MILTER_CHUNK_MAX;
}

/* Nothing is said before there is an answer, or room, or the body. */
static bool
may_speak(const struct milter *m)
{
	if (m->waits || m->step == MILTER_OVER || m->error.code != 0)
		return false;
	if (m->step == MILTER_HEADERS && m->out.len > MILTER_QUEUE_MAX / 2)
		return false;
	if (m->step == MILTER_BODY)
		return body_is_due(m) && m->out.len < MILTER_QUEUE_MAX / 2;
	return m->step != MILTER_EOM || m->ended;
}

static bool
is_unwanted(const struct milter *m)
{
	return m->step != MILTER_NEGOTIATE && (m->bits & steps[m->step].unwanted) != 0;
}

/* The step has no (more) word. False: the body's next one is waited for. */
static bool
pass_over(struct milter *m)
{
	if (m->step == MILTER_BODY && !m->ended)
		return false;
	step_to(m, m->step + 1);
	return true;
}

static void
go_on(struct milter *m)
{
	while (may_speak(m)) {
		bool first = m->step == MILTER_NEGOTIATE;
		bool mute = !first && (m->bits & steps[m->step].mute) != 0;

		if (m->step == MILTER_BODY && (m->skips || is_unwanted(m)))
			buf_clear(&m->body);
		if (is_unwanted(m) || !say(m)) {
			if (!pass_over(m))
				return;
		} else if (!mute) {
			m->waits = true;
		} else if (!repeats(m->step)) {
			step_to(m, m->step + 1);
		}
	}
	if (m->out.err != 0 && m->error.code == 0)
		(void)error_set(&m->error, m->out.err, "there is no room for what a milter is to be told");
}

void
milter_over(struct milter *m, enum milter_verdict verdict)
{
	m->result.verdict = verdict;
	m->waits = false;
	step_to(m, MILTER_OVER);
	buf_done(&m->body);
	plain(m, 'Q');
}

/* ---- the interface ---- */

size_t
milter_feed(struct milter *m, struct slice in)
{
	size_t take = size_min(in.len, m->in.max - m->in.len);

	if (m->step == MILTER_OVER || m->error.code != 0)
		return in.len;
	return buf_put(&m->in, in.data, take) == 0 ? take : 0;
}

/* One whole packet from the input; false: there is none. */
static bool
take_packet(struct milter *m)
{
	struct reader r = reader_of(buf_slice(&m->in));
	uint32_t len = reader_get_u32(&r);
	uint8_t command;

	if (r.err != 0)
		return false;
	if (len == 0 || len > MILTER_PACKET_MAX) {
		(void)error_set(&m->error, ERR_SYNTAX, "what answers is no milter");
		return false;
	}
	if (reader_left(&r) < len)
		return false;
	command = reader_get_u8(&r);
	m->progress++;
	milter_heard(m, command, reader_get(&r, len - 1));
	buf_consume(&m->in, 4u + len);
	if (!m->waits && m->step != MILTER_OVER && !repeats(m->step))
		step_to(m, m->step + 1);
	return true;
}

enum milter_what
milter_next(struct milter *m, struct error *e)
{
	do
		go_on(m);
	while (m->error.code == 0 && m->step != MILTER_OVER && take_packet(m));
	if (m->error.code != 0) {
		if (e != NULL)
			*e = m->error;
		return MILTER_FAILED;
	}
	return m->step == MILTER_OVER ? MILTER_VERDICT : MILTER_NOTHING;
}

struct slice
milter_output(struct milter *m)
{
	return buf_slice(&m->out);
}

void
milter_sent(struct milter *m, size_t len)
{
	buf_consume(&m->out, len);
}

size_t
milter_room(const struct milter *m)
{
	if (m->step == MILTER_OVER || m->skips || (m->step > MILTER_NEGOTIATE && (m->bits & MILTER_NO_BODY) != 0))
		return SIZE_MAX;
	return MILTER_CHUNK_MAX - m->body.len;
}

void
milter_body(struct milter *m, struct slice piece)
{
	if (milter_room(m) != SIZE_MAX)
		(void)buf_put_slice(&m->body, slice_sub(piece, 0, milter_room(m)));
	go_on(m);
}

void
milter_end(struct milter *m)
{
	m->ended = true;
	go_on(m);
}

bool
milter_waits(const struct milter *m)
{
	return m->waits;
}

uint64_t
milter_progress(const struct milter *m)
{
	return m->progress;
}

const struct milter_result *
milter_result(const struct milter *m)
{
	return &m->result;
}
