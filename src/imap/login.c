/* SPDX-License-Identifier: ISC */
#include "imap/login.h"

#include "base/mem.h"
#include "imap/command.h"
#include "imap/input.h"
#include "imap/limits.h"
#include "imap/write.h"

#define ARENA_MAX 65536u
#define REFUSALS_MAX 5u

enum phase {
	READING,
	RESPONSE, /* AUTHENTICATE: waiting for the client's base64 line */
	ASKING,   /* the service checks the password */
	TLS,      /* told to start TLS; this machine has nothing more to say */
	CLOSING,
};

struct imap_login {
	struct imap_input input;
	struct buf out;
	struct arena arena;
	struct imap_command command;
	struct sasl_relay sasl;
	struct imap_login_options options;
	enum phase phase;
	unsigned bad;
	unsigned refused;
	int64_t deadline_ms;
};

static void
put_capabilities(struct imap_login *m)
{
	(void)buf_put_str(&m->out, "CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE");
	if (!m->options.offer.tls && m->options.can_start_tls)
		(void)buf_put_str(&m->out, " STARTTLS");
	if (!m->options.offer.tls)
		(void)buf_put_str(&m->out, " LOGINDISABLED");
	(void)sasl_offer_write(&m->options.offer, " AUTH=", &m->out);
}

static void
forget(struct imap_login *m)
{
	arena_wipe_done(&m->arena);
	arena_init(&m->arena, ARENA_MAX);
	sasl_relay_done(&m->sasl);
	imap_input_next(&m->input);
	m->command = (struct imap_command){ .verb = IMAP_VERB_COUNT };
}

void
imap_login_bye(struct imap_login *m, struct slice text)
{
	if (m->phase == CLOSING)
		return;
	(void)buf_put_str(&m->out, "* BYE ");
	(void)imap_write_text(&m->out, text);
	(void)buf_put_str(&m->out, "\r\n");
	m->phase = CLOSING;
	forget(m);
}

/* One tagged answer (untagged without a tag), and the next command. */
static void
answer(struct imap_login *m, const char *word, struct slice code, const char *text)
{
	if (m->command.tag.len > 0)
		(void)buf_put_slice(&m->out, m->command.tag);
	else
		(void)buf_put_str(&m->out, "*");
	(void)buf_putf(&m->out, " %s ", word);
	if (code.len > 0) {
		(void)buf_put_str(&m->out, "[");
		(void)buf_put_slice(&m->out, code);
		(void)buf_put_str(&m->out, "] ");
	}
	(void)imap_write_text(&m->out, slice_str(text));
	(void)buf_put_str(&m->out, "\r\n");
	m->phase = READING;
	forget(m);
}

static void
bad(struct imap_login *m, const char *text)
{
	answer(m, "BAD", SLICE_EMPTY, text);
	if (++m->bad >= IMAP_LOGIN_BAD_MAX)
		imap_login_bye(m, SLICE("Too many bad commands."));
}

int
imap_login_new(const struct imap_login_options *options, int64_t now_ms, struct imap_login **out, struct error *e)
{
	struct imap_login *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	imap_input_init(&m->input, IMAP_LOGIN_LINE_MAX, IMAP_LOGIN_LITERALS_MAX);
	buf_init(&m->out, IMAP_OUTPUT_HIGH);
	sasl_relay_init(&m->sasl);
	arena_init(&m->arena, ARENA_MAX);
	m->command.verb = IMAP_VERB_COUNT;
	m->options = *options;
	m->deadline_ms = now_ms + IMAP_LOGIN_MS;
	if (options->greeting) {
		(void)buf_put_str(&m->out, "* OK [");
		put_capabilities(m);
		(void)buf_put_str(&m->out, "] ");
		(void)imap_write_text(&m->out, options->name);
		(void)buf_put_str(&m->out, " ready.\r\n");
	}
	*out = m;
	return 0;
}

void
imap_login_free(struct imap_login *m)
{
	if (m == NULL)
		return;
	forget(m);
	imap_input_done(&m->input);
	arena_done(&m->arena);
	buf_done(&m->out);
	mem_free(m);
}

bool
imap_login_busy(const struct imap_login *m)
{
	return m->phase == ASKING;
}

bool
imap_login_wants_tls(const struct imap_login *m)
{
	return m->phase == TLS;
}

struct slice
imap_login_tag(const struct imap_login *m)
{
	return m->command.tag;
}

void
imap_login_refuse(struct imap_login *m, struct slice code, struct slice text)
{
	if (m->phase != ASKING)
		return;
	/* The text is ours; it needs no bound. */
	(void)buf_put_slice(&m->out, m->command.tag);
	(void)buf_put_str(&m->out, " NO [");
	(void)buf_put_slice(&m->out, code);
	(void)buf_put_str(&m->out, "] ");
	(void)imap_write_text(&m->out, text);
	(void)buf_put_str(&m->out, "\r\n");
	m->phase = READING;
	forget(m);
	if (++m->refused >= REFUSALS_MAX)
		imap_login_bye(m, SLICE("Too many failed logins."));
}

static size_t
login_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct imap_login *m = machine;

	(void)now_ms;
	if (m->phase == CLOSING)
		return in.len;
	if (m->phase == ASKING || m->phase == TLS)
		return 0;
	return imap_input_feed(&m->input, in);
}

static struct slice
login_output(void *machine)
{
	return buf_slice(&((struct imap_login *)machine)->out);
}

static void
login_sent(void *machine, size_t len)
{
	struct imap_login *m = machine;

	buf_consume(&m->out, len);
	if (m->out.len == 0 && m->out.err == 0)
		buf_done(&m->out);
}

static int64_t
login_deadline(const void *machine)
{
	const struct imap_login *m = machine;

	return m->phase == READING || m->phase == RESPONSE ? m->deadline_ms : MACHINE_NEVER;
}

const struct machine_ops imap_login_ops = {
	.feed = login_feed,
	.output = login_output,
	.sent = login_sent,
	.deadline = login_deadline,
};

/* ---- the commands ---- */

static void
do_capability(struct imap_login *m, struct imap_login_event *out)
{
	(void)out;
	(void)buf_put_str(&m->out, "* ");
	put_capabilities(m);
	(void)buf_put_str(&m->out, "\r\n");
	answer(m, "OK", SLICE_EMPTY, "Done.");
}

static void
do_noop(struct imap_login *m, struct imap_login_event *out)
{
	(void)out;
	answer(m, "OK", SLICE_EMPTY, "Done.");
}

/* A stranger gets no version. */
static void
do_id(struct imap_login *m, struct imap_login_event *out)
{
	(void)out;
	(void)buf_put_str(&m->out, "* ID (\"name\" ");
	(void)imap_write_string(&m->out, m->options.name);
	(void)buf_put_str(&m->out, ")\r\n");
	answer(m, "OK", SLICE_EMPTY, "Done.");
}

static void
do_logout(struct imap_login *m, struct imap_login_event *out)
{
	(void)out;
	(void)buf_put_str(&m->out, "* BYE Logging out.\r\n");
	answer(m, "OK", SLICE_EMPTY, "Done.");
	m->phase = CLOSING;
}

static void
do_starttls(struct imap_login *m, struct imap_login_event *out)
{
	if (m->options.offer.tls) {
		bad(m, "TLS stands already.");
	} else if (!m->options.can_start_tls) {
		bad(m, "There is no TLS here.");
	} else {
		answer(m, "OK", SLICE_EMPTY, "Begin TLS negotiation now.");
		m->phase = TLS;
		out->type = IMAP_LOGIN_STARTTLS;
	}
}

static void
do_login(struct imap_login *m, struct imap_login_event *out)
{
	if (!m->options.offer.tls) {
		answer(m, "NO", SLICE("PRIVACYREQUIRED"), "A password is taken only under TLS.");
		return;
	}
	out->type = IMAP_LOGIN_PASSWORD;
	out->user = m->command.user;
	out->password = m->command.password;
	m->phase = ASKING;
}

/* "+ " and what was written behind it. */
static void
continue_line(struct imap_login *m)
{
	(void)buf_put_str(&m->out, "\r\n");
	imap_input_next(&m->input);
	m->phase = RESPONSE;
}

/* One response of the client, in base64. */
static void
response(struct imap_login *m, struct slice text, bool initial, struct imap_login_event *out)
{
	struct error e = { 0 };
	int rc = sasl_relay_response(&m->sasl, text, initial, &e);

	if (rc != 0) {
		bad(m, rc == ERR_DENIED ? "Authentication cancelled." : e.text);
		return;
	}
	out->type = IMAP_LOGIN_EXCHANGE;
	out->mechanism = m->sasl.mechanism;
	out->first = m->sasl.rounds == 1;
	out->message = buf_slice(&m->sasl.message);
	m->phase = ASKING;
}

void
imap_login_malformed(struct imap_login *m)
{
	if (m->phase == ASKING)
		bad(m, "That is no message of this mechanism.");
}

void
imap_login_challenge(struct imap_login *m, struct slice challenge)
{
	if (m->phase != ASKING)
		return;
	(void)buf_put_str(&m->out, "+ ");
	(void)sasl_relay_challenge(challenge, &m->out);
	continue_line(m);
}

static void
do_authenticate(struct imap_login *m, struct imap_login_event *out)
{
	struct error e = { 0 };
	int rc = sasl_relay_begin(&m->sasl, m->command.mechanism, &m->options.offer, &e);

	/* The tag must outlive the line it came in. */
	m->command.tag = arena_copy(&m->arena, m->command.tag);
	if (rc == ERR_POLICY) {
		answer(m, "NO", SLICE("PRIVACYREQUIRED"), "A password is taken only under TLS.");
	} else if (rc != 0) {
		answer(m, "NO", SLICE("CANNOT"), e.text);
	} else if (m->command.has_initial) {
		response(m, m->command.initial, true, out);
	} else {
		(void)buf_put_str(&m->out, "+ ");
		(void)sasl_relay_first(&m->sasl, &m->out);
		continue_line(m);
	}
}

static const struct {
	enum imap_verb verb;
	void (*act)(struct imap_login *m, struct imap_login_event *out);
} acts[] = {
	{ IMAP_VERB_CAPABILITY, do_capability },
	{ IMAP_VERB_NOOP, do_noop },
	{ IMAP_VERB_ID, do_id },
	{ IMAP_VERB_LOGOUT, do_logout },
	{ IMAP_VERB_STARTTLS, do_starttls },
	{ IMAP_VERB_LOGIN, do_login },
	{ IMAP_VERB_AUTHENTICATE, do_authenticate },
};

static void
whole_command(struct imap_login *m, struct imap_login_event *out)
{
	struct error e;

	if (imap_command_parse(buf_slice(&m->input.text), IMAP_STATE_START, &m->arena, &m->command, &e) != 0) {
		bad(m, e.text);
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (acts[i].verb == m->command.verb)
			acts[i].act(m, out);
}

static void
announced(struct imap_login *m)
{
	bool append = false;
	struct error e;

	if (imap_command_peek(buf_slice(&m->input.text), IMAP_STATE_START, &m->arena, &m->command, &append, &e) != 0 ||
	    !imap_input_fits(&m->input)) {
		bool sync = m->input.literal_sync;

		bad(m, "That is no command that takes such a literal here.");
		if (!sync)
			imap_login_bye(m, SLICE("A literal that is not wanted."));
		return;
	}
	if (m->input.literal_sync)
		(void)buf_put_str(&m->out, "+ Go on.\r\n");
	/* What comes moves the line that the tag points into; it is parsed again when it is whole. */
	arena_wipe_done(&m->arena);
	m->command = (struct imap_command){ .verb = IMAP_VERB_COUNT };
	imap_input_take(&m->input);
}

/* A line that cannot be read: its tag, if there is one, is answered. */
static void
unreadable(struct imap_login *m)
{
	if (m->phase == READING)
		(void)imap_command_parse(buf_slice(&m->input.text), IMAP_STATE_START, &m->arena, &m->command, NULL);
	bad(m, "Lines end with CR LF and hold no NUL, CR or LF.");
}

void
imap_login_next(struct imap_login *m, int64_t now_ms, struct imap_login_event *out)
{
	*out = (struct imap_login_event){ .type = IMAP_LOGIN_NONE };
	if (now_ms >= login_deadline(m))
		imap_login_bye(m, SLICE("Too long without a login."));
	if (m->input.what == IMAP_INPUT_LONG || m->input.what == IMAP_INPUT_NO_ROOM)
		imap_login_bye(m, SLICE("The line is too long."));
	else if (m->input.what == IMAP_INPUT_BARE)
		unreadable(m);
	else if (m->phase == READING && m->input.what == IMAP_INPUT_COMMAND)
		whole_command(m, out);
	else if (m->phase == READING && m->input.what == IMAP_INPUT_LITERAL)
		announced(m);
	else if (m->phase == RESPONSE && m->input.what == IMAP_INPUT_COMMAND)
		response(m, buf_slice(&m->input.text), false, out);
	else if (m->phase == RESPONSE && m->input.what == IMAP_INPUT_LITERAL)
		bad(m, "A response is one line of base64.");
	if (m->phase == CLOSING)
		out->type = IMAP_LOGIN_CLOSE;
}
