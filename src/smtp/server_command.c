/* SPDX-License-Identifier: ISC */
/*
 * The commands of the server machine: one table. Parsing is total and without
 * effects: it gives a struct smtp_command or the reply that refuses. Acting
 * comes after, and only in the states that the table permits.
 */
#include "smtp/server_internal.h"

#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"

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

/* RFC 1870 section 5: up to 20 digits. What they say beyond 2^64 is too large (552), and no error of syntax. */
static enum smtp_reply
parameter_size(struct smtp_command *c, struct slice value)
{
	if (value.len == 0 || value.len > 20)
		return SMTP_REPLY_PARAMETER_BAD;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < '0' || value.data[i] > '9')
			return SMTP_REPLY_PARAMETER_BAD;
	if (!slice_to_u64(value, UINT64_MAX, &c->size))
		c->size = UINT64_MAX;
	return SMTP_REPLY_NONE;
}

/* RFC 6152 section 2; BINARYMIME is not offered. */
static enum smtp_reply
parameter_body(struct smtp_command *c, struct slice value)
{
	c->body_8bit = slice_ieq_str(value, "8BITMIME");
	return c->body_8bit || slice_ieq_str(value, "7BIT") ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

/*
 * RFC 4954 section 5: who sent it first, as the client says. We believe nobody, so it is read and forgotten, when it is
 * xtext (section 8, whose hexadecimal digits have no case) for what a mailbox can hold.
 */
static enum smtp_reply
parameter_auth(struct smtp_command *c, struct slice value)
{
	(void)c;
	if (value.len == 0 || value.len > 500)
		return SMTP_REPLY_PARAMETER_BAD;
	for (size_t i = 0; i < value.len; i++) {
		int high, low;

		if (value.data[i] != '+')
			continue;
		if (value.len - i < 3 || (high = hex_digit(value.data[i + 1])) < 0 ||
		    (low = hex_digit(value.data[i + 2])) < 0)
			return SMTP_REPLY_PARAMETER_BAD;
		if (high < 2 || (high == 7 && low == 15)) /* a control character */
			return SMTP_REPLY_PARAMETER_BAD;
	}
	return SMTP_REPLY_NONE;
}

/* RFC 6531 section 3.4 */
static enum smtp_reply
parameter_utf8(struct smtp_command *c, struct slice value)
{
	(void)value;
	c->utf8 = true;
	return SMTP_REPLY_NONE;
}

/* RFC 8689 section 2; that TLS stands is looked at when it is acted on. */
static enum smtp_reply
parameter_require_tls(struct smtp_command *c, struct slice value)
{
	(void)value;
	c->require_tls = true;
	return SMTP_REPLY_NONE;
}

static enum smtp_reply
parameter_ret(struct smtp_command *c, struct slice value)
{
	return smtp_return_parse(value, &c->ret) ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

static enum smtp_reply
parameter_envid(struct smtp_command *c, struct slice value)
{
	c->envid = value;
	return smtp_envid_valid(value) ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

static enum smtp_reply
parameter_notify(struct smtp_command *c, struct slice value)
{
	return smtp_notify_parse(value, &c->notify) ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

static enum smtp_reply
parameter_orcpt(struct smtp_command *c, struct slice value)
{
	c->orcpt = value;
	return smtp_orcpt_valid(value, c->utf8) ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

struct parameter {
	const char *name;
	bool bare; /* it takes no value; the others must have one */
	enum smtp_reply (*parse)(struct smtp_command *c, struct slice value);
};

static const struct parameter mail_parameters[] = {
	{ "SIZE", false, parameter_size },
	{ "BODY", false, parameter_body },
	{ "AUTH", false, parameter_auth },
	{ "SMTPUTF8", true, parameter_utf8 },
	{ "REQUIRETLS", true, parameter_require_tls },
	{ "RET", false, parameter_ret },
	{ "ENVID", false, parameter_envid },
	{ NULL, false, NULL },
};

static const struct parameter recipient_parameters[] = {
	{ "NOTIFY", false, parameter_notify },
	{ "ORCPT", false, parameter_orcpt },
	{ NULL, false, NULL },
};

/* esmtp-value: no "=", space or control; with SMTPUTF8 also UTF-8. */
static bool
value_valid(struct slice value, bool utf8)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < 33 || value.data[i] == 127 || value.data[i] == '=' ||
		    (value.data[i] > 127 && !utf8))
			return false;
	return true;
}

static enum smtp_reply
parse_parameter(struct smtp_command *c, const struct parameter *known, struct slice in, unsigned *seen)
{
	bool bare = slice_find(in, '=') == SIZE_MAX;
	struct slice value, name = slice_split(in, '=', &value);

	for (size_t i = 0; known[i].name != NULL; i++) {
		if (!slice_ieq_str(name, known[i].name))
			continue;
		if ((*seen & 1u << i) != 0 || bare != known[i].bare || !value_valid(value, c->utf8))
			return SMTP_REPLY_PARAMETER_BAD;
		*seen |= 1u << i;
		return known[i].parse(c, value);
	}
	return SMTP_REPLY_PARAMETER_UNKNOWN;
}

static enum smtp_reply
parse_parameters(struct smtp_command *c, const struct parameter *known, struct slice rest)
{
	unsigned seen = 0;

	while (rest.len > 0) {
		struct slice one = slice_split(rest, ' ', &rest);
		enum smtp_reply bad = one.len == 0 ? SMTP_REPLY_NONE : parse_parameter(c, known, one, &seen);

		if (bad != SMTP_REPLY_NONE)
			return bad;
	}
	return SMTP_REPLY_NONE;
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
	enum smtp_reply bad;
	struct slice rest;

	c->utf8 = false;
	if (!split_path(in, "FROM:", &c->path, &rest) || (c->path.mailbox.len > 0 && c->path.domain.len == 0))
		return SMTP_REPLY_SENDER_SYNTAX;
	if ((bad = parse_parameters(c, mail_parameters, rest)) != SMTP_REPLY_NONE)
		return bad;
	return c->path.utf8 && !c->utf8 ? SMTP_REPLY_SENDER_ASCII : SMTP_REPLY_NONE;
}

static enum smtp_reply
parse_recipient(struct smtp_command *c, struct slice in)
{
	struct slice rest;

	if (!split_path(in, "TO:", &c->path, &rest) || c->path.mailbox.len == 0)
		return SMTP_REPLY_RECIPIENT_SYNTAX;
	if (c->path.utf8 && !c->utf8)
		return SMTP_REPLY_RECIPIENT_ASCII;
	return parse_parameters(c, recipient_parameters, rest);
}

/* VRFY, EXPN (RFC 6531 section 3.7.4.2): what they name is not looked at; the answer holds none of it. */
static enum smtp_reply
parse_string(struct smtp_command *c, struct slice in)
{
	c->argument = slice_trim(in);
	return c->argument.len > 0 && utf8_valid(c->argument) ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_ARGUMENT;
}

/* RFC 3030 section 2: BDAT SP 1*DIGIT [ SP LAST ] */
static enum smtp_reply
parse_chunk(struct smtp_command *c, struct slice in)
{
	struct slice last, number = slice_split(slice_trim(in), ' ', &last);

	last = slice_trim(last);
	c->last = last.len > 0;
	return number.len <= SMTP_CHUNK_DIGITS_MAX && slice_to_u64(number, UINT64_MAX, &c->size) &&
		(!c->last || slice_ieq_str(last, "LAST"))
	    ? SMTP_REPLY_NONE
	    : SMTP_REPLY_CHUNK_SIZE;
}

/* ---- acting ---- */

static void
forget_transaction(struct smtp_server *m, struct smtp_server_event *event)
{
	if (m->state == STATE_MAIL || m->state == STATE_RECIPIENT || m->state == STATE_CHUNKS)
		event->what = SMTP_SERVER_RESET;
	m->state = STATE_READY;
	m->recipients = m->due = 0;
}

static struct sasl_offer
offer_of(const struct smtp_server *m)
{
	return (struct sasl_offer){
		.tls = m->config.tls, .bindings = m->config.bindings, .mechanisms = m->config.mechanisms
	};
}

static void
say_extensions(struct smtp_server *m)
{
	const struct sasl_offer offer = offer_of(m);

	(void)buf_put_str(&m->out, "250-");
	(void)buf_put_slice(&m->out, buf_slice(&m->hostname));
	(void)buf_put_str(&m->out, "\r\n250-PIPELINING\r\n");
	(void)buf_putf(&m->out, "250-SIZE %llu\r\n", (unsigned long long)m->config.size_max);
	if (m->config.can_start_tls && !m->config.tls)
		(void)buf_put_str(&m->out, "250-STARTTLS\r\n");
	if (m->config.role == SMTP_SERVER_SUBMISSION && m->config.tls && !m->authenticated) {
		(void)buf_put_str(&m->out, "250-AUTH");
		(void)sasl_offer_write(&offer, " ", &m->out);
		(void)buf_put_str(&m->out, "\r\n");
	}
	(void)buf_put_str(&m->out, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n");
	if (m->config.role != SMTP_SERVER_LMTP)
		(void)buf_put_str(&m->out, "250-DSN\r\n");
	if (m->config.role != SMTP_SERVER_LMTP && m->config.tls)
		(void)buf_put_str(&m->out, "250-REQUIRETLS\r\n");
	(void)buf_putf(
	    &m->out, "250-LIMITS RCPTMAX=%lu\r\n250 ENHANCEDSTATUSCODES\r\n", (unsigned long)m->config.recipients_max);
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
	const struct sasl_offer offer = offer_of(m);
	enum smtp_reply refusal = auth_refusal(m);

	if (refusal == SMTP_REPLY_NONE && sasl_relay_begin(&m->sasl, c->argument, &offer, NULL) != 0)
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
	(void)sasl_relay_first(&m->sasl, &m->out);
	(void)buf_put_str(&m->out, "\r\n");
}

void
server_auth_response(struct smtp_server *m, struct slice line, bool initial, struct smtp_server_event *event)
{
	int rc = sasl_relay_response(&m->sasl, line, initial, NULL);

	m->state = STATE_READY;
	if (rc == 0) {
		event->mechanism = m->sasl.mechanism;
		event->first = m->sasl.rounds == 1;
		event->message = buf_slice(&m->sasl.message);
		server_ask(m, event, SMTP_SERVER_AUTHENTICATE);
		return;
	}
	sasl_relay_done(&m->sasl);
	server_reply(m, rc == ERR_DENIED ? SMTP_REPLY_AUTH_CANCELLED : SMTP_REPLY_AUTH_MALFORMED, SLICE_EMPTY);
}

static enum smtp_reply
mail_refusal(const struct smtp_server *m, const struct smtp_command *c)
{
	if (m->config.role == SMTP_SERVER_SUBMISSION && !m->authenticated)
		return m->config.tls || !m->config.can_start_tls ? SMTP_REPLY_AUTH_FIRST : SMTP_REPLY_TLS_FIRST;
	if (c->size > m->config.size_max)
		return SMTP_REPLY_SIZE_TOO_BIG;
	return c->require_tls && (!m->config.tls || m->config.role == SMTP_SERVER_LMTP) ? SMTP_REPLY_PARAMETER_UNKNOWN
											: SMTP_REPLY_NONE;
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
	event->utf8 = m->utf8 = c->utf8;
	event->require_tls = c->require_tls;
	event->ret = c->ret;
	event->envid = c->envid;
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
	event->notify = c->notify;
	event->orcpt = c->orcpt;
	server_ask(m, event, SMTP_SERVER_RECIPIENT);
}

static void
act_data(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	m->chunk = (struct server_chunk){ 0 };
	server_ask(m, event, SMTP_SERVER_DATA);
}

static enum smtp_reply
hello_first(const struct smtp_server *m)
{
	return m->config.role == SMTP_SERVER_LMTP ? SMTP_REPLY_LHLO_FIRST : SMTP_REPLY_HELLO_FIRST;
}

static enum smtp_reply
no_recipients(const struct smtp_server *m)
{
	return m->config.role == SMTP_SERVER_LMTP ? SMTP_REPLY_NO_RECIPIENTS_LMTP : SMTP_REPLY_NO_RECIPIENTS;
}

/* Its octets are behind it in any case. */
static void
act_chunk(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	enum smtp_reply refusal = SMTP_REPLY_NONE;

	if (m->state == STATE_START)
		refusal = hello_first(m);
	else if (m->state == STATE_READY)
		refusal = SMTP_REPLY_MAIL_FIRST;
	else if (m->state == STATE_MAIL)
		refusal = no_recipients(m);
	server_chunk_begin(m, c, refusal, event);
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
	(void)c;
	(void)event;
	server_reply(m, SMTP_REPLY_VERIFY, SLICE_EMPTY);
}

/* RFC 5321 section 7.3: where nothing is told, 252. */
static void
act_expand(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event)
{
	(void)c;
	(void)event;
	server_reply(m, SMTP_REPLY_EXPAND, SLICE_EMPTY);
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

enum dialect { ANY, SMTP, LMTP };

static const struct command {
	const char *name;
	enum dialect dialect;
	unsigned states;       /* where it may come */
	enum smtp_reply else_; /* said in other states, once EHLO was said */
	enum smtp_reply (*parse)(struct smtp_command *c, struct slice in);
	void (*act)(struct smtp_server *m, const struct smtp_command *c, struct smtp_server_event *event);
} commands[] = {
	{ "EHLO", SMTP, STATE_COMMANDS, SMTP_REPLY_NONE, parse_hello, act_ehlo },
	{ "HELO", SMTP, STATE_COMMANDS, SMTP_REPLY_NONE, parse_hello, act_helo },
	{ "LHLO", LMTP, STATE_COMMANDS, SMTP_REPLY_NONE, parse_hello, act_ehlo },
	{ "STARTTLS", ANY, STATE_READY, SMTP_REPLY_MAIL_ALREADY, parse_nothing, act_start_tls },
	{ "AUTH", ANY, STATE_READY, SMTP_REPLY_AUTH_IN_MAIL, parse_auth, act_auth },
	{ "MAIL", ANY, STATE_READY, SMTP_REPLY_MAIL_ALREADY, parse_mail, act_mail },
	{ "RCPT", ANY, STATE_MAIL | STATE_RECIPIENT, SMTP_REPLY_MAIL_FIRST, parse_recipient, act_recipient },
	{ "DATA", ANY, STATE_RECIPIENT, SMTP_REPLY_RECIPIENT_FIRST, parse_nothing, act_data },
	{ "BDAT", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_chunk, act_chunk },
	{ "RSET", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_nothing, act_reset },
	{ "NOOP", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_anything, act_noop },
	{ "VRFY", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_string, act_verify },
	{ "EXPN", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_string, act_expand },
	{ "HELP", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_anything, act_help },
	{ "QUIT", ANY, STATE_COMMANDS, SMTP_REPLY_NONE, parse_nothing, act_quit },
	{ "TURN", ANY, 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "ETRN", ANY, 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SEND", ANY, 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SOML", ANY, 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
	{ "SAML", ANY, 0, SMTP_REPLY_NOT_DONE_HERE, NULL, NULL },
};

static const struct command *
find(const struct smtp_server *m, struct slice name)
{
	enum dialect other = m->config.role == SMTP_SERVER_LMTP ? SMTP : LMTP;

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (slice_ieq_str(name, commands[i].name) && commands[i].dialect != other)
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
		return hello_first(m);
	if (m->state == STATE_CHUNKS)
		return SMTP_REPLY_CHUNKS_BEGUN;
	if (m->state == STATE_MAIL && known->states == STATE_RECIPIENT)
		return no_recipients(m);
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
	struct smtp_command c = { .utf8 = m->utf8 };
	const struct command *known = find(m, slice_trim(name));
	enum smtp_reply bad;

	if (!line_valid(line))
		bad = SMTP_REPLY_BAD_LINE;
	else if (known == NULL)
		bad = SMTP_REPLY_UNKNOWN_COMMAND;
	else if ((known->states & m->state) == 0)
		bad = order_refusal(m, known);
	else
		bad = known->parse(&c, rest);
	if (bad != SMTP_REPLY_NONE) {
		server_reply(m, bad, SLICE_EMPTY);
		if (slice_istarts(line, SLICE("BDAT"))) /* octets follow, and nobody knows how many */
			m->stop = SMTP_REPLY_OUT_OF_STEP;
	} else if (known != NULL) {
		known->act(m, &c, event);
	}
}
