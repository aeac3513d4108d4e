/* SPDX-License-Identifier: ISC */
#include "pop3/server.h"

#include <stdio.h>

#include "base/mem.h"
#include "pop3/command.h"
#include "pop3/input.h"
#include "pop3/limits.h"
#include "pop3/write.h"

#define LIST_PAGE (32u << 10) /* octets of LIST's answer that are made at once */

enum phase {
	OPENING,
	READING,
	RUNNING,  /* the service carries a command out */
	LISTING,  /* LIST's lines go out as there is room */
	UPDATING, /* QUIT: the service removes what is marked */
	CLOSING,
};

struct pop3_server {
	struct pop3_input input;
	struct buf out;
	size_t sent; /* octets in front of out that went out */
	struct pop3_server_options options;
	struct buf mechanisms;
	enum phase phase;
	unsigned bad; /* bad commands since the last good one */
	int64_t since_ms;
	uint64_t commands;
	uint32_t next; /* LISTING: the message */

	uint32_t *sizes; /* of message n at n - 1 */
	uint32_t count, room;
	uint64_t octets; /* of all */
	uint8_t *marks;  /* a bit a message; NULL: none was ever marked */
	uint32_t marked;
	uint64_t marked_octets;
};

int
pop3_server_new(const struct pop3_server_options *options, int64_t now_ms, struct pop3_server **out, struct error *e)
{
	struct pop3_server *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	pop3_input_init(&m->input);
	buf_init(&m->out, POP3_OUTPUT_MAX);
	m->options = *options;
	m->options.pending = SLICE_EMPTY;
	buf_init(&m->mechanisms, POP3_STATUS_MAX);
	m->phase = OPENING;
	m->since_ms = now_ms;
	if (buf_put_slice(&m->out, options->pending) != 0 || buf_put_slice(&m->mechanisms, options->mechanisms) != 0) {
		pop3_server_free(m);
		return error_nomem(e);
	}
	*out = m;
	return 0;
}

void
pop3_server_free(struct pop3_server *m)
{
	if (m == NULL)
		return;
	pop3_input_done(&m->input);
	buf_done(&m->out);
	buf_done(&m->mechanisms);
	mem_free(m->sizes);
	mem_free(m->marks);
	mem_free(m);
}

/* ---- the maildrop ---- */

int
pop3_server_expect(struct pop3_server *m, uint32_t messages, struct error *e)
{
	uint32_t *p;

	if (messages > POP3_MESSAGES_MAX)
		messages = POP3_MESSAGES_MAX;
	if (messages <= m->room)
		return 0;
	if ((p = mem_realloc(m->sizes, (size_t)messages * sizeof *p)) == NULL)
		return error_nomem(e);
	m->sizes = p;
	m->room = messages;
	return 0;
}

int
pop3_server_add(struct pop3_server *m, uint64_t size, struct error *e)
{
	uint32_t more = m->room < 8 ? 16 : m->room + m->room / 2;

	if (m->count == POP3_MESSAGES_MAX || size > UINT32_MAX)
		return error_set(e, ERR_LIMIT, "at most %u messages in a maildrop", POP3_MESSAGES_MAX);
	if (m->count == m->room && pop3_server_expect(m, more, e) != 0)
		return ERR_NOMEM;
	m->sizes[m->count++] = (uint32_t)size;
	m->octets += size;
	return 0;
}

static bool
is_marked(const struct pop3_server *m, uint32_t message)
{
	return m->marks != NULL && (m->marks[(message - 1) / 8] >> ((message - 1) % 8) & 1) != 0;
}

bool
pop3_server_is_listed(const struct pop3_server *m, uint32_t message)
{
	return message >= 1 && message <= m->count && !is_marked(m, message);
}

uint32_t
pop3_server_marked(const struct pop3_server *m, uint32_t from)
{
	for (uint32_t i = from < 1 ? 1 : from; m->marks != NULL && i <= m->count; i++)
		if (is_marked(m, i))
			return i;
	return 0;
}

uint32_t
pop3_server_size(const struct pop3_server *m, uint32_t message)
{
	return m->sizes[message - 1];
}

uint32_t
pop3_server_count(const struct pop3_server *m)
{
	return m->count;
}

/* False: there is no memory. */
static bool
mark(struct pop3_server *m, uint32_t message)
{
	if (m->marks == NULL && (m->marks = mem_alloc((m->count + 7) / 8)) == NULL)
		return false;
	m->marks[(message - 1) / 8] |= (uint8_t)(1u << ((message - 1) % 8));
	m->marked++;
	m->marked_octets += m->sizes[message - 1];
	return true;
}

/* ---- answers ---- */

static void
ready(struct pop3_server *m)
{
	if (m->phase == CLOSING)
		return;
	m->phase = m->phase == UPDATING ? CLOSING : READING;
	pop3_input_next(&m->input, false);
}

static void
ok(struct pop3_server *m, const char *text)
{
	m->bad = 0;
	(void)pop3_write_ok(&m->out, text);
	ready(m);
}

static void
err(struct pop3_server *m, const char *code, const char *text)
{
	m->bad = 0;
	(void)pop3_write_err(&m->out, code, text);
	ready(m);
}

static void
bad(struct pop3_server *m, const char *text)
{
	unsigned before = m->bad;

	err(m, NULL, text);
	m->bad = before + 1;
	if (m->bad >= POP3_BAD_MAX)
		m->phase = CLOSING;
}

void
pop3_server_ok(struct pop3_server *m, const char *text)
{
	if (m->phase == RUNNING || m->phase == UPDATING)
		ok(m, text);
}

void
pop3_server_err(struct pop3_server *m, const char *code, const char *text)
{
	if (m->phase == RUNNING || m->phase == UPDATING)
		err(m, code, text);
}

void
pop3_server_end(struct pop3_server *m)
{
	m->bad = 0;
	if (m->phase == RUNNING)
		ready(m);
}

void
pop3_server_fail(struct pop3_server *m, const char *code, const char *text)
{
	if (m->phase == CLOSING)
		return;
	(void)pop3_write_err(&m->out, code, text);
	m->phase = CLOSING;
	pop3_input_next(&m->input, false);
}

int
pop3_server_give(struct pop3_server *m, struct buf *piece)
{
	if (m->out.err != 0 || piece->err != 0)
		return m->out.err != 0 ? m->out.err : piece->err;
	if (pop3_server_waiting(m) == 0) {
		size_t max = piece->max;

		buf_done(&m->out);
		m->out = *piece;
		m->out.max = POP3_OUTPUT_MAX;
		m->sent = 0;
		buf_init(piece, max);
		return 0;
	}
	buf_consume(&m->out, m->sent);
	m->sent = 0;
	(void)buf_put_slice(&m->out, buf_slice(piece));
	buf_clear(piece);
	return m->out.err;
}

void
pop3_server_open(struct pop3_server *m)
{
	char text[64];

	if (m->phase != OPENING)
		return;
	(void)snprintf(text, sizeof text, "maildrop has %u message%s (%llu octets)", m->count, m->count == 1 ? "" : "s",
	    (unsigned long long)m->octets);
	ok(m, text);
}

/* ---- the commands ---- */

/* Answers, and returns false, when there is no such message. */
static bool
exists(struct pop3_server *m, uint32_t message)
{
	char text[96];

	if (message < 1 || message > m->count) {
		(void)snprintf(text, sizeof text, "no such message, only %u message%s in maildrop", m->count,
		    m->count == 1 ? "" : "s");
		err(m, NULL, text);
		return false;
	}
	if (is_marked(m, message)) {
		(void)snprintf(text, sizeof text, "message %u already deleted", message);
		err(m, NULL, text);
		return false;
	}
	return true;
}

static void
do_stat(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	char text[64];

	(void)c;
	(void)out;
	(void)snprintf(
	    text, sizeof text, "%u %llu", m->count - m->marked, (unsigned long long)(m->octets - m->marked_octets));
	ok(m, text);
}

static void
do_list(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	char text[64];

	(void)out;
	if (!c->has_message) {
		(void)snprintf(text, sizeof text, "%u messages (%llu octets)", m->count - m->marked,
		    (unsigned long long)(m->octets - m->marked_octets));
		(void)pop3_write_ok(&m->out, text);
		m->bad = 0;
		m->next = 1;
		m->phase = LISTING;
	} else if (exists(m, c->message)) {
		(void)snprintf(text, sizeof text, "%u %u", c->message, m->sizes[c->message - 1]);
		ok(m, text);
	}
}

static void
list_more(struct pop3_server *m)
{
	size_t page = m->out.len + LIST_PAGE;

	if (pop3_server_waiting(m) >= POP3_OUTPUT_HIGH)
		return;
	for (; m->next <= m->count && m->out.len < page; m->next++)
		if (!is_marked(m, m->next))
			(void)buf_putf(&m->out, "%u %u\r\n", m->next, m->sizes[m->next - 1]);
	if (m->next <= m->count)
		return;
	(void)buf_put_str(&m->out, ".\r\n");
	ready(m);
}

static void
do_uidl(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	if (c->has_message && !exists(m, c->message))
		return;
	m->phase = RUNNING;
	*out = (struct pop3_event){
		.type = POP3_EVENT_UNIQUE, .all = !c->has_message, .message = c->has_message ? c->message : 1
	};
}

static void
do_retr(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	if (!exists(m, c->message))
		return;
	m->phase = RUNNING;
	*out = (struct pop3_event){ .type = POP3_EVENT_RETRIEVE,
		.message = c->message,
		.size = m->sizes[c->message - 1],
		.all = c->verb == POP3_RETR,
		.lines = c->lines };
}

static void
do_dele(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	char text[64];

	(void)out;
	if (!exists(m, c->message))
		return;
	(void)snprintf(text, sizeof text, "message %u deleted", c->message);
	if (mark(m, c->message))
		ok(m, text);
	else
		err(m, "SYS/TEMP", "There is no memory");
}

static void
do_rset(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	(void)c;
	(void)out;
	mem_free(m->marks);
	m->marks = NULL;
	m->marked = 0;
	m->marked_octets = 0;
	m->phase = OPENING;
	pop3_server_open(m);
}

static void
do_noop(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	(void)c;
	(void)out;
	ok(m, "Done");
}

static void
do_quit(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	(void)c;
	m->phase = UPDATING;
	if (m->marked == 0)
		ok(m, "Bye");
	else
		*out = (struct pop3_event){ .type = POP3_EVENT_UPDATE };
}

static void
do_capa(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	const struct pop3_capabilities capabilities = {
		.tls = m->options.tls, .mechanisms = buf_slice(&m->mechanisms), .name = m->options.name
	};

	(void)c;
	(void)out;
	(void)pop3_write_capabilities(&m->out, &capabilities);
	m->bad = 0;
	ready(m);
}

static void
do_lang(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out)
{
	(void)out;
	(void)pop3_write_language(&m->out, c->text);
	m->bad = 0;
	ready(m);
}

static const struct {
	enum pop3_verb verb;
	void (*act)(struct pop3_server *m, const struct pop3_command *c, struct pop3_event *out);
} acts[] = {
	{ POP3_STAT, do_stat },
	{ POP3_LIST, do_list },
	{ POP3_UIDL, do_uidl },
	{ POP3_RETR, do_retr },
	{ POP3_TOP, do_retr },
	{ POP3_DELE, do_dele },
	{ POP3_RSET, do_rset },
	{ POP3_NOOP, do_noop },
	{ POP3_QUIT, do_quit },
	{ POP3_CAPA, do_capa },
	{ POP3_LANG, do_lang },
};

static void
whole_line(struct pop3_server *m, struct pop3_event *out)
{
	struct pop3_command c;
	struct error e;

	if (pop3_command_parse(pop3_input_line(&m->input), POP3_STATE_TRANSACTION, &c, &e) != 0) {
		bad(m, e.text);
		return;
	}
	m->commands++;
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (acts[i].verb == c.verb)
			acts[i].act(m, &c, out);
}

static void
reading(struct pop3_server *m, int64_t now_ms, struct pop3_event *out)
{
	if (m->input.what != POP3_INPUT_MORE)
		m->since_ms = now_ms;
	switch (m->input.what) {
	case POP3_INPUT_MORE:
		break;
	case POP3_INPUT_LINE:
		whole_line(m, out);
		break;
	case POP3_INPUT_LONG:
		bad(m, "The line is too long");
		break;
	case POP3_INPUT_BARE:
		bad(m, "Lines end with CR LF and hold no NUL, CR or LF");
		break;
	case POP3_INPUT_NO_ROOM:
		pop3_server_fail(m, "SYS/TEMP", "There is no memory");
		break;
	}
}

/* ---- driven from outside ---- */

uint64_t
pop3_server_commands(const struct pop3_server *m)
{
	return m->commands;
}

bool
pop3_server_busy(const struct pop3_server *m)
{
	return m->phase != READING && m->phase != CLOSING;
}

size_t
pop3_server_waiting(const struct pop3_server *m)
{
	return m->out.len - m->sent;
}

/* While an answer is made or goes out nobody is idle: a client that does not take it is the connection's matter. */
static int64_t
server_deadline(const void *machine)
{
	const struct pop3_server *m = machine;

	return m->phase == READING && pop3_server_waiting(m) == 0 ? m->since_ms + POP3_IDLE_MS : MACHINE_NEVER;
}

/* What went out is let go of before more is put behind the rest of it: a client may never take all there is. */
static void
drop_sent(struct pop3_server *m)
{
	if (m->sent < POP3_OUTPUT_HIGH || pop3_server_waiting(m) >= POP3_OUTPUT_HIGH)
		return;
	buf_consume(&m->out, m->sent);
	m->sent = 0;
}

void
pop3_server_next(struct pop3_server *m, int64_t now_ms, struct pop3_event *out)
{
	*out = (struct pop3_event){ .type = POP3_EVENT_NONE };
	drop_sent(m);
	if (m->phase != READING || pop3_server_waiting(m) > 0)
		m->since_ms = now_ms;
	/* RFC 1939 section 3: an autologout says nothing and removes nothing. Nor does an answer with a hole. */
	else if (now_ms >= server_deadline(m))
		m->phase = CLOSING;
	if (m->out.err != 0)
		m->phase = CLOSING;
	if (m->phase == READING && pop3_server_waiting(m) < POP3_OUTPUT_HIGH)
		reading(m, now_ms, out);
	if (m->phase == LISTING)
		list_more(m);
	if (m->phase == CLOSING)
		out->type = POP3_EVENT_CLOSE;
}

static size_t
server_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct pop3_server *m = machine;

	(void)now_ms;
	if (m->phase == CLOSING)
		return in.len;
	return m->phase == READING ? pop3_input_feed(&m->input, in) : 0;
}

static struct slice
server_output(void *machine)
{
	const struct pop3_server *m = machine;

	return slice_from(buf_slice(&m->out), m->sent);
}

static void
server_sent(void *machine, size_t len)
{
	struct pop3_server *m = machine;

	m->sent += size_min(len, pop3_server_waiting(m));
	if (pop3_server_waiting(m) > 0 || m->out.err != 0)
		return;
	buf_done(&m->out);
	m->out.max = POP3_OUTPUT_MAX;
	m->sent = 0;
}

const struct machine_ops pop3_server_ops = {
	.feed = server_feed,
	.output = server_output,
	.sent = server_sent,
	.deadline = server_deadline,
};
