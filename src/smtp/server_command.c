/* SPDX-License-Identifier: ISC */
/*
 * The commands of the server machine: one table. Parsing is total and without
 * effects: it gives a struct smtp_command or the reply that refuses. Acting
 * comes after, and only in the states that the table permits.
 */
#include "smtp/server_internal.h"

#include <string.h>

/* ---- parsing ---- */

static enum smtp_reply
parse_nothing(struct smtp_command *c, struct slice in)
{
	(void)c;
	return slice_trim(in).len == 0 ? SMTP_REPLY_NONE : SMTP_REPLY_NO_ARGUMENT;
}

static enum smtp_reply
parse_anything(struct smtp_command *c, struct slice in)
{
	c->argument = slice_trim(in);
	return SMTP_REPLY_NONE;
}

/* A name, or what a client takes for one: a token of printable ASCII. Many have no proper name. */
static enum smtp_reply
parse_hello(struct smtp_command *c, struct slice in)
{
	c->argument = slice_trim(in);
	if (c->argument.len == 0 || c->argument.len > SMTP_DOMAIN_MAX)
		return SMTP_REPLY_BAD_ARGUMENT;
	for (size_t i = 0; i < c->argument.len; i++)
		if (c->argument.data[i] <= ' ' || c->argument.data[i] >= 127)
			return SMTP_REPLY_BAD_ARGUMENT;
	return SMTP_REPLY_NONE;
}

static enum smtp_reply
parse_auth(struct smtp_command *c, struct slice in)
{
	in = slice_trim(in);
	c->has_response = slice_find(in, ' ') != SIZE_MAX;
	c->argument = slice_split(in, ' ', &c->response);
	return c->argument.len == 0 ? SMTP_REPLY_BAD_ARGUMENT : SMTP_REPLY_NONE;
}

/* RFC 1870 section 3: up to 20 digits. */
static enum smtp_reply
parameter_size(struct smtp_command *c, struct slice value)
{
	return value.len <= 20 && slice_to_u64(value, UINT64_MAX, &c->size) ? SMTP_REPLY_NONE
									    : SMTP_REPLY_PARAMETER_BAD;
}

/* RFC 6152 section 2; BINARYMIME is not offered. */
static enum smtp_reply
parameter_body(struct smtp_command *c, struct slice value)
{
	c->body_8bit = slice_ieq_str(value, "8BITMIME");
	return c->body_8bit || slice_ieq_str(value, "7BIT") ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

/* RFC 4954 section 5: who sent it first, as the client says. We believe nobody, so it is read and forgotten. */
static enum smtp_reply
parameter_auth(struct smtp_command *c, struct slice value)
{
	(void)c;
	return value.len > 0 && value.len <= 500 ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

static const struct parameter {
	const char *name;
	enum smtp_reply (*parse)(struct smtp_command *c, struct slice value);
} mail_parameters[] = {
	{ "SIZE", parameter_size },
	{ "BODY", parameter_body },
	{ "AUTH", parameter_auth },
};
#define MAIL_PARAMETERS (sizeof mail_parameters / sizeof mail_parameters[0])

/* esmtp-value: no "=", space or control */
static bool
value_valid(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < 33 || value.data[i] > 126 || value.data[i] == '=')
			return false;
	return true;
}

static enum smtp_reply
parse_parameter(struct smtp_command *c, struct slice in, unsigned *seen)
{
	struct slice value, name = slice_split(in, '=', &value);

	if (!value_valid(value))
		return SMTP_REPLY_PARAMETER_BAD;
	for (size_t i = 0; i < MAIL_PARAMETERS; i++) {
		if (!slice_ieq_str(name, mail_parameters[i].name))
			continue;
		if ((*seen & 1u << i) != 0)
			return SMTP_REPLY_PARAMETER_BAD;
		*seen |= 1u << i;
		return mail_parameters[i].parse(c, value);
	}
	return SMTP_REPLY_PARAMETER_UNKNOWN;
}

/* What stands behind the path: nothing, or a space and something. The path must end there. */
static bool
split_path(struct slice in, const char *word, struct smtp_path *path, struct slice *rest)
{
	struct slice prefix = slice_str(word);

	if (!slice_istarts(in, prefix))
		return false;
	in = slice_from(in, prefix.len);
	while (in.len > 0 && in.data[0] == ' ') /* many clients put one here */
		in = slice_from(in, 1);
	return smtp_path_parse(in, path, rest, NULL) == 0 && (rest->len == 0 || rest->data[0] == ' ');
}

static enum smtp_reply
parse_mail(struct smtp_command *c, struct slice in)
{
	struct slice rest;
	unsigned seen = 0;

	if (!split_path(in, "FROM:", &c->path, &rest) || (c->path.mailbox.len > 0 && c->path.domain.len == 0))
		return SMTP_REPLY_SENDER_SYNTAX;
	while (rest.len > 0) {
		struct slice one = slice_split(rest, ' ', &rest);
		enum smtp_reply bad = one.len == 0 ? SMTP_REPLY_NONE : parse_parameter(c, one, &seen);

		if (bad != SMTP_REPLY_NONE)
			return bad;
	}
	return SMTP_REPLY_NONE;
}

static enum smtp_reply
parse_recipient(struct smtp_command *c, struct slice in)
{
	struct slice rest;

	if (!split_path(in, "TO:", &c->path, &rest) || c->path.mailbox.len == 0)
		return SMTP_REPLY_RECIPIENT_SYNTAX;
	return slice_trim(rest).len == 0 ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_UNKNOWN;
}

/* ---- acting ---- */

static void
forget_transaction(struct smtp_server *m, struct smtp_server_event *event)
{
	if (m->state == STATE_MAIL || m->state == STATE_RECIPIENT)
		event->what = SMTP_SERVER_RESET;
	m->state = STATE_READY;
	m->recipients = 0;
}

static void
say_extensions(struct smtp_server *m)
{
	(void)buf_put_str(&m->out, "250-");
	(void)buf_put_slice(&m->out, buf_slice(&m->hostname));
	(void)buf_put_str(&m->out, "\r\n250-PIPELINING\r\n");
	(void)buf_putf(&m->out, "250-SIZE %llu\r\n", (unsigned long long)m->config.size_max);
	if (m->config.can_start_tls && !m->config.tls)
		(void)buf_put_str(&m->out, "250-STARTTLS\r\n");
	if (m->config.role == SMTP_SERVER_SUBMISSION && m->config.tls && !m->authenticated) {
		(void)buf_put_str(&m->out, "250-AUTH ");
		(void)sasl_offer(&m->out, m->config.tls);
		(void)buf_put_str(&m->out, "\r\n");
	}
	(void)buf_put_str(&m->out, "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
}

static void
act_hello(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event, bool esmtp)
{
	buf_clear(&m->hello);
	(void)buf_put_slice(&m->hello, c->argument);
	m->esmtp = esmtp;
	forget_transaction(m, event);
	if (esmtp) {
		say_extensions(m);
	} else {
		(void)buf_put_str(&m->out, "250 ");
		(void)buf_put_slice(&m->out, buf_slice(&m->hostname));
		(void)buf_put_str(&m->out, "\r\n");
	}
}

static void
act_ehlo(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	act_hello(m, c, event, true);
}

static void
act_helo(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	act_hello(m, c, event, false);
}

static void
act_start_tls(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	if (m->config.tls) {
		server_reply(m, SMTP_REPLY_TLS_ALREADY, SLICE_EMPTY);
	} else if (!m->config.can_start_tls) {
		server_reply(m, SMTP_REPLY_TLS_UNAVAILABLE, SLICE_EMPTY);
	} else {
		server_reply(m, SMTP_REPLY_TLS_READY, SLICE_EMPTY);
		buf_done(&m->in); /* what came before the handshake must not survive it */
		m->in_at = m->scanned = 0;
		m->state = STATE_OVER;
		event->what = SMTP_SERVER_START_TLS;
	}
}

static enum smtp_reply
auth_refusal(const struct smtp_server *m)
{
	if (m->config.role != SMTP_SERVER_SUBMISSION || !m->esmtp)
		return SMTP_REPLY_NOT_DONE_HERE;
	if (m->authenticated)
		return SMTP_REPLY_AUTH_ALREADY;
	if (!m->config.tls)
		return SMTP_REPLY_AUTH_TLS_FIRST;
	return SMTP_REPLY_NONE;
}

static void
act_auth(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	enum smtp_reply refusal = auth_refusal(m);

	if (refusal == SMTP_REPLY_NONE && sasl_server_begin(&m->sasl, c->argument, m->config.tls, NULL) != 0)
		refusal = SMTP_REPLY_AUTH_MECHANISM;
	if (refusal != SMTP_REPLY_NONE) {
		server_reply(m, refusal, SLICE_EMPTY);
		return;
	}
	m->state = STATE_AUTH;
	if (c->has_response) {
		server_auth_response(m, c->response, true, event);
		return;
	}
	(void)buf_put_str(&m->out, "334 ");
	(void)sasl_server_challenge(&m->sasl, &m->out);
	(void)buf_put_str(&m->out, "\r\n");
}

void
server_auth_response(struct smtp_server *m, struct slice line, bool initial, struct smtp_server_event *event)
{
	int step = sasl_server_response(&m->sasl, line, initial, NULL);

	if (step == SASL_STEP_CHALLENGE) {
		(void)buf_put_str(&m->out, "334 ");
		(void)sasl_server_challenge(&m->sasl, &m->out);
		(void)buf_put_str(&m->out, "\r\n");
		return;
	}
	m->state = STATE_READY;
	if (step == SASL_STEP_CHECK) {
		event->credentials = &m->sasl.credentials;
		server_ask(m, event, SMTP_SERVER_AUTHENTICATE);
		return;
	}
	sasl_server_done(&m->sasl);
	server_reply(m, step == ERR_DENIED ? SMTP_REPLY_AUTH_CANCELLED : SMTP_REPLY_AUTH_MALFORMED, SLICE_EMPTY);
}

static enum smtp_reply
mail_refusal(const struct smtp_server *m, const struct smtp_command *c)
{
	if (m->config.role == SMTP_SERVER_SUBMISSION && !m->authenticated)
		return m->config.tls || !m->config.can_start_tls ? SMTP_REPLY_AUTH_FIRST : SMTP_REPLY_TLS_FIRST;
	if (c->size > m->config.size_max)
		return SMTP_REPLY_SIZE_TOO_BIG;
	return SMTP_REPLY_NONE;
}

static void
act_mail(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	enum smtp_reply refusal = mail_refusal(m, c);

	if (refusal != SMTP_REPLY_NONE) {
		server_reply(m, refusal, SLICE_EMPTY);
		return;
	}
	event->path = c->path;
	event->size = c->size;
	event->body_8bit = c->body_8bit;
	server_ask(m, event, SMTP_SERVER_MAIL);
}

static void
act_recipient(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	if (m->recipients >= m->config.recipients_max) {
		server_reply(m, SMTP_REPLY_RECIPIENTS_TOO_MANY, SLICE_EMPTY);
		return;
	}
	event->path = c->path;
	server_ask(m, event, SMTP_SERVER_RECIPIENT);
}

static void
act_data(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	server_ask(m, event, SMTP_SERVER_DATA);
}

static void
act_reset(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	if (m->state != STATE_START)
		forget_transaction(m, event);
	server_reply(m, SMTP_REPLY_RESET, SLICE_EMPTY);
}

static void
act_noop(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	(void)event;
	server_reply(m, SMTP_REPLY_OK, SLICE_EMPTY);
}

static void
act_verify(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)event;
	server_reply(m, c->argument.len == 0 ? SMTP_REPLY_BAD_ARGUMENT : SMTP_REPLY_VERIFY, SLICE_EMPTY);
}

static void
act_help(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	(void)event;
	server_reply(m, SMTP_REPLY_HELP, SLICE_EMPTY);
}

static void
act_quit(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	server_reply(m, SMTP_REPLY_BYE, SLICE_EMPTY);
	m->state = STATE_OVER;
	event->what = SMTP_SERVER_CLOSE;
}

/* ---- the table ---- */

static const struct command {
	const char *name;
	unsigned states;       /* where it may come */
	enum smtp_reply else_; /* said in other states, once EHLO was said */
	enum smtp_reply (*parse)(struct smtp_command *c, struct slice in);
	void (*act)(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event);
} commands[] = {
	{ "EHLO", STATE_COMMANDS, SMTP_REPLY_NONE, parse_hello, act_ehlo },
	{ "HELO", STATE_COMMANDS, SMTP_REPLY_NONE, parse_hello, act_helo },
	{ "STARTTLS", STATE_READY, SMTP_REPLY_MAIL_ALREADY, parse_nothing, act_start_tls },
	{ "AUTH", STATE_READY, SMTP_REPLY_AUTH_IN_MAIL, parse_auth, act_auth },
	{ "MAIL", STATE_READY, SMTP_REPLY_MAIL_ALREADY, parse_mail, act_mail },
	{ "RCPT", STATE_MAIL | STATE_RECIPIENT, SMTP_REPLY_MAIL_FIRST, parse_recipient, act_recipient },
	{ "DATA", STATE_RECIPIENT, SMTP_REPLY_RECIPIENT_FIRST, parse_nothing, act_data },
	{ "RSET", STATE_COMMANDS, SMTP_REPLY_NONE, parse_nothing, act_reset },
	{ "NOOP", STATE_COMMANDS, SMTP_REPLY_NONE, parse_anything, act_noop },
	{ "VRFY", STATE_COMMANDS, SMTP_REPLY_NONE, parse_anything, act_verify },
	{ "HELP", STATE_COMMANDS, SMTP_REPLY_NONE, parse_anything, act_help },
	{ "QUIT", STATE_COMMANDS, SMTP_REPLY_NONE, parse_nothing, act_quit },
	{ "EXPN", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "BDAT", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "TURN", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "ETRN", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SEND", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SOML", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SAML", 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
};

static const struct command *
find(struct slice name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (slice_ieq_str(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* DATA after a MAIL whose recipients were all refused: the client pipelined (RFC 2920 3.1). */
static enum smtp_reply
order_refusal(const struct smtp_server *m, const struct command *known)
{
	if (known->states == 0)
		return known->else_;
	if (m->state == STATE_START)
		return SMTP_REPLY_HELLO_FIRST;
	if (m->state == STATE_MAIL && known->states == STATE_RECIPIENT)
		return SMTP_REPLY_NO_RECIPIENTS;
	if (m->state == STATE_READY && known->states == STATE_RECIPIENT)
		return SMTP_REPLY_MAIL_FIRST;
	return known->else_;
}

static bool
line_valid(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 127)
			return false;
	return true;
}

void
server_command(struct smtp_server *m, struct slice line, struct smtp_server_event *event)
{
	struct slice rest, name = slice_split(line, ' ', &rest);
	struct smtp_command c = { 0 };
	const struct command *known = find(slice_trim(name));
	enum smtp_reply bad;

	if (!line_valid(line))
		bad = SMTP_REPLY_BAD_LINE;
	else if (known == NULL)
		bad = SMTP_REPLY_UNKNOWN_COMMAND;
	else if ((known->states & m->state) == 0)
		bad = order_refusal(m, known);
	else
		bad = known->parse(&c, rest);
	if (bad != SMTP_REPLY_NONE)
		server_reply(m, bad, SLICE_EMPTY);
	else if (known != NULL)
		known->act(m, &c, event);
}
