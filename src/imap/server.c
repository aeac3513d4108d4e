/* SPDX-License-Identifier: ISC */
#include "imap/server.h"

#include "base/mem.h"
#include "imap/input.h"
#include "imap/limits.h"
#include "imap/write.h"

const char imap_server_capabilities[] =
    "IMAP4rev1 LITERAL- IDLE NAMESPACE UNSELECT UIDPLUS MOVE ID ENABLE CHILDREN SPECIAL-USE";

enum phase {
	READING,     /* a command is being read */
	RUNNING,     /* one is with the service */
	APPENDING,   /* its message is coming */
	APPEND_TAIL, /* its message came; the line must end */
	IDLING,      /* waiting for DONE */
	CLOSING,
};

struct imap_server {
	struct imap_input input;
	struct buf out;
	struct arena arena;
	struct imap_command command;
	enum phase phase;
	uint32_t state;
	uint64_t append_max;
	unsigned bad;                       /* BAD answers since the last good command */
	bool told;                          /* the chunk was given out as an event */
	struct imap_server_options options; /* slices in texts */
	struct buf texts;
	int64_t now_ms;
	int64_t since_ms; /* of the last whole command, or of the begin of this one */
	uint64_t taken;   /* octets of a streamed message since since_ms */
};

static void
command_forget(struct imap_server *m)
{
	arena_wipe_done(&m->arena);
	arena_init(&m->arena, IMAP_ARENA_MAX);
	m->command = (struct imap_command){ .verb = IMAP_VERB_COUNT };
}

static void
close_now(struct imap_server *m)
{
	m->phase = CLOSING;
	command_forget(m);
	imap_input_next(&m->input);
}

void
imap_server_bye(struct imap_server *m, struct slice text)
{
	if (m->phase == CLOSING)
		return;
	(void)buf_put_str(&m->out, "* BYE ");
	(void)imap_write_text(&m->out, text);
	(void)buf_put_str(&m->out, "\r\n");
	close_now(m);
}

static void
status_line(struct imap_server *m, struct slice tag, const char *word, struct slice code, struct slice text)
{
	if (tag.len > 0)
		(void)buf_put_slice(&m->out, tag);
	else
		(void)buf_put_str(&m->out, "*");
	(void)buf_putf(&m->out, " %s ", word);
	if (code.len > 0) {
		(void)buf_put_str(&m->out, "[");
		(void)buf_put_slice(&m->out, code);
		(void)buf_put_str(&m->out, "] ");
	}
	(void)imap_write_text(&m->out, text);
	(void)buf_put_str(&m->out, "\r\n");
}

/* Answers BAD; too many in a row end the connection. */
static void
bad(struct imap_server *m, struct slice code, struct slice text)
{
	status_line(m, m->command.tag, "BAD", code, text);
	if (++m->bad >= IMAP_BAD_MAX)
		imap_server_bye(m, SLICE("Too many bad commands."));
}

static void
ready(struct imap_server *m)
{
	if (m->phase == CLOSING)
		return;
	m->phase = READING;
	m->since_ms = m->now_ms;
	command_forget(m);
}

int
imap_server_new(const struct imap_server_options *options, int64_t now_ms, struct imap_server **out, struct error *e)
{
	struct imap_server *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	imap_input_init(&m->input, IMAP_LINE_MAX, IMAP_LITERALS_MAX);
	buf_init(&m->out, IMAP_OUTPUT_MAX);
	buf_init(&m->texts, 512);
	arena_init(&m->arena, IMAP_ARENA_MAX);
	m->command.verb = IMAP_VERB_COUNT;
	m->state = IMAP_STATE_AUTHENTICATED;
	m->append_max = options->append_max == 0 ? IMAP_APPEND_MAX : options->append_max;
	m->now_ms = m->since_ms = now_ms;
	(void)buf_put_slice(&m->texts, options->name);
	(void)buf_put_slice(&m->texts, options->version);
	m->options.name = slice_sub(buf_slice(&m->texts), 0, options->name.len);
	m->options.version = slice_from(buf_slice(&m->texts), options->name.len);
	(void)buf_put_slice(&m->out, options->pending);
	if (options->tag.len > 0) {
		struct buf code;

		buf_init(&code, 512);
		(void)buf_putf(&code, "CAPABILITY %s", imap_server_capabilities);
		status_line(m, options->tag, "OK", buf_slice(&code), SLICE("Logged in."));
		buf_done(&code);
	}
	*out = m;
	return 0;
}

void
imap_server_free(struct imap_server *m)
{
	if (m == NULL)
		return;
	imap_input_done(&m->input);
	buf_done(&m->out);
	buf_done(&m->texts);
	arena_wipe_done(&m->arena);
	mem_free(m);
}

struct buf *
imap_server_out(struct imap_server *m)
{
	return &m->out;
}

uint32_t
imap_server_state(const struct imap_server *m)
{
	return m->state;
}

void
imap_server_set_state(struct imap_server *m, uint32_t state)
{
	m->state = state;
}

bool
imap_server_busy(const struct imap_server *m)
{
	return m->phase == RUNNING;
}

static size_t
server_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct imap_server *m = machine;
	size_t n;

	m->now_ms = now_ms;
	if (m->phase == CLOSING)
		return in.len;
	if (m->phase == RUNNING)
		return 0;
	if (m->phase == READING && !imap_input_begun(&m->input))
		m->since_ms = now_ms;
	n = imap_input_feed(&m->input, in);
	m->taken += n;
	return n;
}

static struct slice
server_output(void *machine)
{
	return buf_slice(&((struct imap_server *)machine)->out);
}

static void
server_sent(void *machine, size_t len)
{
	struct imap_server *m = machine;

	buf_consume(&m->out, len);
	if (m->out.len == 0 && m->out.err == 0)
		buf_done(&m->out);
}

static int64_t
server_deadline(const void *machine)
{
	const struct imap_server *m = machine;

	switch (m->phase) {
	case READING:
		return m->since_ms + (imap_input_begun(&m->input) ? IMAP_COMMAND_MS : IMAP_IDLE_MS);
	case APPENDING:
	case APPEND_TAIL:
		return m->since_ms + IMAP_COMMAND_MS + (int64_t)(m->taken / IMAP_LITERAL_RATE) * 1000;
	case IDLING:
		return m->since_ms + IMAP_IDLE_MS;
	case RUNNING:
	case CLOSING:
		break;
	}
	return MACHINE_NEVER;
}

const struct machine_ops imap_server_ops = {
	.feed = server_feed,
	.output = server_output,
	.sent = server_sent,
	.deadline = server_deadline,
};

/* ---- what the machine answers itself ---- */

static void
answer_id(struct imap_server *m)
{
	(void)buf_put_str(&m->out, "* ID (\"name\" ");
	(void)imap_write_string(&m->out, m->options.name);
	(void)buf_put_str(&m->out, " \"version\" ");
	(void)imap_write_string(&m->out, m->options.version);
	(void)buf_put_str(&m->out, ")\r\n");
}

/* RFC 5161: what was enabled is listed; nothing that we announce needs it. */
static void
answer_enable(struct imap_server *m)
{
	(void)buf_put_str(&m->out, "* ENABLED\r\n");
}

static void
answer_capability(struct imap_server *m)
{
	(void)buf_putf(&m->out, "* CAPABILITY %s\r\n", imap_server_capabilities);
}

static void
answer_namespace(struct imap_server *m)
{
	(void)buf_put_str(&m->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
}

static const struct {
	enum imap_verb verb;
	void (*answer)(struct imap_server *m);
} own[] = {
	{ IMAP_VERB_CAPABILITY, answer_capability },
	{ IMAP_VERB_ID, answer_id },
	{ IMAP_VERB_ENABLE, answer_enable },
	{ IMAP_VERB_NAMESPACE, answer_namespace },
};

void
imap_server_done(struct imap_server *m, enum imap_result result, struct slice code, struct slice text)
{
	static const char *const words[] = { "OK", "NO", "BAD" };
	bool logout = m->command.verb == IMAP_VERB_LOGOUT;

	if (m->phase != RUNNING)
		return;
	if (logout)
		(void)buf_put_str(&m->out, "* BYE Logging out.\r\n");
	if (result == IMAP_BAD) {
		bad(m, code, text);
	} else {
		m->bad = 0;
		status_line(m, m->command.tag, words[result], code, text);
	}
	if (logout) {
		close_now(m);
		return;
	}
	/* A refused APPEND whose message comes anyway: it is passed over. */
	if (m->phase == RUNNING && m->input.what == IMAP_INPUT_LITERAL && !m->input.literal_sync)
		imap_input_skip(&m->input);
	else if (m->phase == RUNNING)
		imap_input_next(&m->input);
	ready(m);
}

/* What comes now overwrites the line that the command points into: it is read again from a copy. */
static void
keep_command(struct imap_server *m)
{
	struct slice text = arena_copy(&m->arena, buf_slice(&m->input.text));
	struct imap_append append = m->command.append;
	bool is_append = false;

	(void)imap_command_peek(text, m->state, &m->arena, &m->command, &is_append, NULL);
	m->command.append.size = append.size;
	m->command.append.sync = append.sync;
}

void
imap_server_go(struct imap_server *m)
{
	if (m->phase != RUNNING)
		return;
	m->since_ms = m->now_ms;
	m->taken = 0;
	keep_command(m);
	if (m->command.verb == IMAP_VERB_IDLE) {
		(void)buf_put_str(&m->out, "+ idling\r\n");
		imap_input_next(&m->input);
		m->phase = IDLING;
		return;
	}
	if (m->command.append.sync)
		(void)buf_put_str(&m->out, "+ Send the message.\r\n");
	imap_input_stream(&m->input);
	m->phase = m->command.append.size == 0 ? APPEND_TAIL : APPENDING;
}

/* ---- events ---- */

static void
run(struct imap_server *m, struct imap_event *out)
{
	m->phase = RUNNING;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (own[i].verb == m->command.verb) {
			own[i].answer(m);
			imap_server_done(m, IMAP_OK, SLICE_EMPTY, SLICE("Done."));
			return;
		}
	}
	*out = (struct imap_event){ .type = IMAP_EVENT_COMMAND, .command = &m->command };
}

static void
whole_command(struct imap_server *m, struct imap_event *out)
{
	struct error e;

	if (imap_command_parse(buf_slice(&m->input.text), m->state, &m->arena, &m->command, &e) == 0) {
		run(m, out);
		return;
	}
	bad(m, SLICE_EMPTY, slice_str(e.text));
	imap_input_next(&m->input);
	ready(m);
}

/* The tag of a message that is too large must be answered; RFC 7888 section 5 wants TOOBIG. */
static void
refuse_literal(struct imap_server *m, enum imap_result result, const char *text)
{
	bool sync = m->input.literal_sync;

	if (result == IMAP_NO && sync)
		status_line(m, m->command.tag, "NO", SLICE("TOOBIG"), slice_str(text));
	else
		bad(m, SLICE("TOOBIG"), slice_str(text));
	if (!sync) {
		imap_server_bye(m, slice_str(text));
		return;
	}
	imap_input_next(&m->input);
	ready(m);
}

static void
announced(struct imap_server *m, struct imap_event *out)
{
	struct imap_input *in = &m->input;
	bool append = false;
	struct error e;
	int rc = imap_command_peek(buf_slice(&in->text), m->state, &m->arena, &m->command, &append, &e);

	m->command.append.size = in->literal_size;
	m->command.append.sync = in->literal_sync;
	if (rc != 0) {
		bad(m, SLICE_EMPTY, slice_str(e.text));
		if (in->literal_sync)
			imap_input_next(in);
		else if (in->literal_size <= IMAP_NONSYNC_MAX)
			imap_input_skip(in);
		else
			imap_server_bye(m, SLICE("A literal that was not asked for is too large."));
		ready(m);
	} else if (append && in->literal_size <= m->append_max &&
	    (in->literal_sync || in->literal_size <= IMAP_NONSYNC_MAX)) {
		run(m, out);
	} else if (append) {
		refuse_literal(m, IMAP_NO, "The message is too large.");
	} else if (!imap_input_fits(in)) {
		refuse_literal(m, IMAP_BAD, "The literals of this command are too large.");
	} else {
		if (in->literal_sync)
			(void)buf_put_str(&m->out, "+ Go on.\r\n");
		imap_input_take(in);
		command_forget(m);
	}
}

/* A line that cannot be read: its tag, if there is one, is answered. */
static void
unreadable(struct imap_server *m, const char *text)
{
	/* Parsed only for the tag: the begin of an over-long line is no command. */
	(void)imap_command_parse(buf_slice(&m->input.text), m->state, &m->arena, &m->command, NULL);
	bad(m, SLICE_EMPTY, slice_str(text));
	imap_input_next(&m->input);
	ready(m);
}

static void
reading(struct imap_server *m, struct imap_event *out)
{
	switch (m->input.what) {
	case IMAP_INPUT_COMMAND:
		whole_command(m, out);
		break;
	case IMAP_INPUT_LITERAL:
		announced(m, out);
		break;
	case IMAP_INPUT_LONG:
		unreadable(m, "The line is too long.");
		break;
	case IMAP_INPUT_BARE:
		unreadable(m, "Lines end with CR LF and hold no NUL, CR or LF.");
		break;
	case IMAP_INPUT_NO_ROOM:
		imap_server_bye(m, SLICE("No memory."));
		break;
	case IMAP_INPUT_MORE:
	case IMAP_INPUT_CHUNK:
		break;
	}
}

static void
broken(struct imap_server *m, const char *text, struct imap_event *out)
{
	bad(m, SLICE_EMPTY, slice_str(text));
	*out = (struct imap_event){ .type = IMAP_EVENT_BROKEN, .command = NULL };
	imap_input_next(&m->input);
	ready(m);
}

/* Behind the message there is only the end of the line: MULTIAPPEND is not offered. */
static void
append_tail(struct imap_server *m, struct imap_event *out)
{
	if (m->input.what == IMAP_INPUT_COMMAND && m->input.text.len == 0) {
		imap_input_next(&m->input);
		m->phase = RUNNING;
		*out = (struct imap_event){ .type = IMAP_EVENT_END, .command = &m->command };
	} else if (m->input.what == IMAP_INPUT_LITERAL && !m->input.literal_sync) {
		broken(m, "Only one message can be appended.", out);
		imap_server_bye(m, SLICE("A literal that was not asked for."));
	} else {
		broken(m, "Only one message can be appended.", out);
	}
}

static void
appending(struct imap_server *m, struct imap_event *out)
{
	if (m->input.what == IMAP_INPUT_NO_ROOM) {
		imap_server_bye(m, SLICE("No memory."));
		*out = (struct imap_event){ .type = IMAP_EVENT_BROKEN };
		return;
	}
	*out =
	    (struct imap_event){ .type = IMAP_EVENT_DATA, .command = &m->command, .data = buf_slice(&m->input.chunk) };
}

static void
idling(struct imap_server *m, struct imap_event *out)
{
	bool done = m->input.what == IMAP_INPUT_COMMAND && slice_ieq_str(buf_slice(&m->input.text), "DONE");

	imap_input_next(&m->input);
	m->phase = RUNNING;
	*out = (struct imap_event){ .type = IMAP_EVENT_END, .command = &m->command };
	if (done)
		return;
	/* Anything else than DONE ends IDLE too, as an error (RFC 2177 leaves it open). */
	bad(m, SLICE_EMPTY, SLICE("IDLE ends with DONE."));
	out->type = IMAP_EVENT_BROKEN;
	ready(m);
}

static void
check_time(struct imap_server *m, int64_t now_ms)
{
	m->now_ms = now_ms;
	if (now_ms >= server_deadline(m))
		imap_server_bye(m, SLICE("Too long without a command."));
}

void
imap_server_next(struct imap_server *m, int64_t now_ms, struct imap_event *out)
{
	*out = (struct imap_event){ .type = IMAP_EVENT_NONE };
	if (m->phase == APPENDING && m->input.what == IMAP_INPUT_CHUNK && m->told) {
		m->told = false;
		imap_input_chunk_done(&m->input);
		if (!m->input.streaming)
			m->phase = APPEND_TAIL;
	}
	check_time(m, now_ms);
	if (m->phase == CLOSING) {
		out->type = IMAP_EVENT_CLOSE;
		return;
	}
	if (m->phase == RUNNING || m->input.what == IMAP_INPUT_MORE)
		return;
	if (m->phase == READING)
		reading(m, out);
	else if (m->phase == APPENDING)
		appending(m, out);
	else if (m->phase == APPEND_TAIL)
		append_tail(m, out);
	else
		idling(m, out);
	m->told = out->type == IMAP_EVENT_DATA;
	if (m->phase == CLOSING && out->type == IMAP_EVENT_NONE)
		out->type = IMAP_EVENT_CLOSE;
}
