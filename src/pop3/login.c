/* SPDX-License-Identifier: ISC */
#include "pop3/login.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "pop3/command.h"
#include "pop3/input.h"
#include "pop3/limits.h"
#include "pop3/write.h"

#define OVERHEAD 16u /* octets of a line around the names of mechanisms */

enum phase {
	READING,
	RESPONSE, /* AUTH: waiting for the client's line */
	ASKING,   /* the service checks the password */
	TLS,      /* told to start TLS; this machine has nothing more to say */
	CLOSING,
};

struct pop3_login {
	struct pop3_input input;
	struct buf out;
	struct buf user; /* of USER, until PASS */
	struct buf mechanisms;
	struct sasl_relay sasl;
	struct pop3_login_options options;
	enum phase phase;
	bool utf8;
	unsigned bad, refused, commands;
	int64_t deadline_ms;
};

int
pop3_login_new(const struct pop3_login_options *options, int64_t now_ms, struct pop3_login **out, struct error *e)
{
	struct pop3_login *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return error_nomem(e);
	pop3_input_init(&m->input);
	buf_init(&m->out, POP3_OUTPUT_HIGH);
	buf_init(&m->user, POP3_LINE_MAX);
	buf_init(&m->mechanisms, POP3_STATUS_MAX - OVERHEAD);
	(void)sasl_offer_write(&options->offer, " ", &m->mechanisms);
	sasl_relay_init(&m->sasl);
	m->options = *options;
	m->deadline_ms = now_ms + POP3_LOGIN_MS;
	if (options->greeting) {
		(void)buf_put_str(&m->out, "+OK ");
		(void)buf_put_slice(&m->out, options->name);
		(void)buf_put_str(&m->out, " POP3 ready\r\n");
	}
	*out = m;
	return 0;
}

void
pop3_login_free(struct pop3_login *m)
{
	if (m == NULL)
		return;
	pop3_input_done(&m->input);
	sasl_relay_done(&m->sasl);
	buf_wipe_done(&m->user);
	buf_done(&m->mechanisms);
	buf_done(&m->out);
	mem_free(m);
}

struct slice
pop3_login_mechanisms(const struct pop3_login *m)
{
	return slice_trim(buf_slice(&m->mechanisms));
}

bool
pop3_login_wants_tls(const struct pop3_login *m)
{
	return m->phase == TLS;
}

bool
pop3_login_is_utf8(const struct pop3_login *m)
{
	return m->utf8;
}

bool
pop3_login_busy(const struct pop3_login *m)
{
	return m->phase == ASKING;
}

/* ---- answers ---- */

/* What the command brought is overwritten, and the next is read. */
static void
next_command(struct pop3_login *m)
{
	sasl_relay_done(&m->sasl);
	sasl_relay_init(&m->sasl);
	pop3_input_next(&m->input, false);
	if (m->phase != CLOSING)
		m->phase = READING;
}

static void
close_now(struct pop3_login *m)
{
	m->phase = CLOSING;
	buf_wipe_done(&m->user);
	next_command(m);
}

static void
ok(struct pop3_login *m, const char *text)
{
	(void)pop3_write_ok(&m->out, text);
	next_command(m);
}

static void
err(struct pop3_login *m, const char *code, const char *text)
{
	(void)pop3_write_err(&m->out, code, text);
	next_command(m);
}

void
pop3_login_bye(struct pop3_login *m, const char *text)
{
	if (m->phase == CLOSING)
		return;
	(void)pop3_write_err(&m->out, "SYS/TEMP", text);
	close_now(m);
}

static void
bad(struct pop3_login *m, const char *text)
{
	err(m, NULL, text);
	if (++m->bad >= POP3_LOGIN_BAD_MAX)
		close_now(m);
}

void
pop3_login_refuse(struct pop3_login *m, const char *code, const char *text)
{
	if (m->phase != ASKING)
		return;
	buf_wipe_done(&m->user);
	err(m, code, text);
	if (++m->refused >= POP3_LOGIN_REFUSED_MAX)
		close_now(m);
}

/* ---- the commands ---- */

static void
do_capa(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	const struct pop3_capabilities capabilities = { .authorization = true,
		.tls = m->options.offer.tls,
		/* RFC 6856 2.1: STLS must not follow UTF8. */
		.can_start_tls = m->options.can_start_tls && !m->utf8,
		.mechanisms = pop3_login_mechanisms(m),
		.name = m->options.name };

	(void)c;
	(void)out;
	(void)pop3_write_capabilities(&m->out, &capabilities);
	next_command(m);
}

static void
do_stls(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)c;
	if (m->options.offer.tls) {
		bad(m, "TLS stands already");
	} else if (!m->options.can_start_tls) {
		bad(m, "There is no TLS here");
	} else if (m->utf8) {
		bad(m, "STLS comes before UTF8");
	} else {
		ok(m, "Begin TLS negotiation");
		m->phase = TLS;
		out->type = POP3_LOGIN_STLS;
	}
}

/* RFC 3206 section 5: an attempt against policy is one of the credentials. */
static bool
refuse_clear(struct pop3_login *m)
{
	if (m->options.offer.tls)
		return false;
	err(m, "AUTH", "A password is taken only under TLS: STLS first");
	return true;
}

/* The answer is the same for every name: who has an account here is nobody's business (RFC 1939 13). */
static void
do_user(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)out;
	buf_wipe_done(&m->user);
	if (refuse_clear(m))
		return;
	if (!utf8_valid(c->text)) {
		bad(m, "A name is UTF-8");
	} else if (buf_put_slice(&m->user, c->text) != 0) {
		pop3_login_bye(m, "There is no memory");
	} else {
		ok(m, "Send PASS");
	}
}

static void
do_pass(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	if (refuse_clear(m))
		return;
	if (m->user.len == 0) {
		bad(m, "USER comes before PASS");
	} else if (!utf8_valid(c->text)) {
		err(m, "AUTH", "A password is UTF-8");
	} else {
		m->phase = ASKING;
		out->type = POP3_LOGIN_PASSWORD;
		out->user = buf_slice(&m->user);
		out->password = c->text;
	}
}

/* "+ " and what was written behind it. */
static void
continue_line(struct pop3_login *m)
{
	(void)buf_put_str(&m->out, "\r\n");
	pop3_input_next(&m->input, true);
	m->phase = RESPONSE;
}

/* One response of the client, in base64. */
static void
response(struct pop3_login *m, struct slice text, bool initial, struct pop3_login_event *out)
{
	struct error e = { 0 };
	int rc = sasl_relay_response(&m->sasl, text, initial, &e);

	if (rc != 0) {
		bad(m, rc == ERR_DENIED ? "Authentication cancelled" : e.text);
		return;
	}
	m->phase = ASKING;
	out->type = POP3_LOGIN_EXCHANGE;
	out->mechanism = m->sasl.mechanism;
	out->first = m->sasl.rounds == 1;
	out->message = buf_slice(&m->sasl.message);
}

void
pop3_login_challenge(struct pop3_login *m, struct slice challenge)
{
	if (m->phase != ASKING)
		return;
	(void)buf_put_str(&m->out, "+ ");
	(void)sasl_relay_challenge(challenge, &m->out);
	continue_line(m);
}

void
pop3_login_malformed(struct pop3_login *m)
{
	if (m->phase == ASKING)
		bad(m, "That is no message of this mechanism");
}

static void
do_auth(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	struct error e = { 0 };
	int rc = sasl_relay_begin(&m->sasl, c->text, &m->options.offer, &e);

	buf_wipe_done(&m->user);
	if (rc == ERR_POLICY) {
		(void)refuse_clear(m);
	} else if (rc != 0) {
		bad(m, e.text);
	} else if (c->has_initial) {
		response(m, c->initial, true, out);
	} else {
		(void)buf_put_str(&m->out, "+ ");
		(void)sasl_relay_first(&m->sasl, &m->out);
		continue_line(m);
	}
}

static void
do_apop(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)c;
	(void)out;
	bad(m, "There is no APOP here: see CAPA");
}

static void
do_utf8(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)c;
	(void)out;
	m->utf8 = true;
	ok(m, "UTF-8 mode");
}

static void
do_lang(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)out;
	(void)pop3_write_language(&m->out, c->text);
	next_command(m);
}

static void
do_quit(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out)
{
	(void)c;
	(void)out;
	ok(m, "Bye");
	close_now(m);
}

static const struct {
	enum pop3_verb verb;
	void (*act)(struct pop3_login *m, const struct pop3_command *c, struct pop3_login_event *out);
} acts[] = {
	{ POP3_CAPA, do_capa },
	{ POP3_STLS, do_stls },
	{ POP3_USER, do_user },
	{ POP3_PASS, do_pass },
	{ POP3_AUTH, do_auth },
	{ POP3_APOP, do_apop },
	{ POP3_UTF8, do_utf8 },
	{ POP3_LANG, do_lang },
	{ POP3_QUIT, do_quit },
};

static void
whole_line(struct pop3_login *m, struct pop3_login_event *out)
{
	struct pop3_command c;
	struct error e;

	if (++m->commands > POP3_LOGIN_COMMANDS_MAX) {
		pop3_login_bye(m, "Too many commands without signing in");
		return;
	}
	if (pop3_command_parse(pop3_input_line(&m->input), POP3_STATE_AUTHORIZATION, &c, &e) != 0) {
		bad(m, e.text);
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (acts[i].verb == c.verb)
			acts[i].act(m, &c, out);
}

/* ---- driven from outside ---- */

static int64_t
login_deadline(const void *machine)
{
	const struct pop3_login *m = machine;

	return m->phase == READING || m->phase == RESPONSE ? m->deadline_ms : MACHINE_NEVER;
}

void
pop3_login_next(struct pop3_login *m, int64_t now_ms, struct pop3_login_event *out)
{
	*out = (struct pop3_login_event){ .type = POP3_LOGIN_NONE };
	/* RFC 1939 section 3: an autologout says nothing. */
	if (now_ms >= login_deadline(m) || m->out.err != 0)
		close_now(m);
	if (m->phase == READING || m->phase == RESPONSE) {
		switch (m->input.what) {
		case POP3_INPUT_MORE:
			break;
		case POP3_INPUT_LINE:
			if (m->phase == READING)
				whole_line(m, out);
			else
				response(m, pop3_input_line(&m->input), false, out);
			break;
		case POP3_INPUT_LONG:
			bad(m, "The line is too long");
			break;
		case POP3_INPUT_BARE:
			bad(m, "Lines end with CR LF and hold no NUL, CR or LF");
			break;
		case POP3_INPUT_NO_ROOM:
			pop3_login_bye(m, "There is no memory");
			break;
		}
	}
	if (m->phase == CLOSING)
		out->type = POP3_LOGIN_CLOSE;
}

static size_t
login_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct pop3_login *m = machine;

	(void)now_ms;
	if (m->phase == CLOSING)
		return in.len;
	if (m->phase == ASKING || m->phase == TLS)
		return 0;
	return pop3_input_feed(&m->input, in);
}

static struct slice
login_output(void *machine)
{
	return buf_slice(&((struct pop3_login *)machine)->out);
}

static void
login_sent(void *machine, size_t len)
{
	struct pop3_login *m = machine;

	buf_consume(&m->out, len);
	if (m->out.len == 0 && m->out.err == 0)
		buf_done(&m->out);
}

const struct machine_ops pop3_login_ops = {
	.feed = login_feed,
	.output = login_output,
	.sent = login_sent,
	.deadline = login_deadline,
};
