/* SPDX-License-Identifier: ISC */
/* The commands of the client's machine: what is sent. */
#include <stdio.h>

#include "imap/client_internal.h"
#include "imap/mutf7.h"
#include "imap/write.h"

#define OUT_HIGH 65536u

static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == 0)
			return false;
	return true;
}

/* Begins a command line: tag, space. */
static int
begin(struct imap_client *m, enum imap_client_command command, bool needs_tls, struct error *e)
{
	if (m->phase != PHASE_READY)
		return error_set(e, ERR_ORDER, "The IMAP connection is not ready for a command.");
	if (needs_tls && !m->options.tls)
		return error_set(e, ERR_POLICY, "Without TLS nothing is asked of an IMAP server.");
	m->phase = PHASE_COMMAND;
	m->command = command;
	m->quiet = 0;
	m->counter++;
	(void)snprintf(m->tag, sizeof m->tag, "c%u", m->counter);
	(void)buf_putf(&m->out, "%s ", m->tag);
	return 0;
}

static int
end(struct imap_client *m, struct error *e)
{
	(void)buf_put_str(&m->out, "\r\n");
	return m->out.err == 0 ? 0 : error_set(e, m->out.err, "An IMAP command is too long.");
}

static void
put_mailbox(struct imap_client *m, struct slice name)
{
	(void)imap_write_mailbox(&m->out, slice_ieq_str(name, "INBOX") ? SLICE("INBOX") : name);
}

/* "WORD mailbox". */
static int
mailbox_command(
    struct imap_client *m, enum imap_client_command command, const char *word, struct slice mailbox, struct error *e)
{
	struct buf probe;
	int rc;

	buf_init(&probe, IMAP_MAILBOX_MAX * 4);
	rc = mailbox.len > IMAP_MAILBOX_MAX ? error_set(e, ERR_USAGE, "A mailbox name is too long.")
					    : imap_mutf7_write(&probe, mailbox, e);
	buf_done(&probe);
	if (rc == 0)
		rc = begin(m, command, true, e);
	if (rc != 0)
		return rc;
	(void)buf_putf(&m->out, "%s ", word);
	put_mailbox(m, mailbox);
	return 0;
}

int
imap_client_start_tls(struct imap_client *m, struct error *e)
{
	int rc;

	if (m->options.tls)
		return error_set(e, ERR_ORDER, "TLS stands already.");
	if (!imap_client_can(m, "STARTTLS"))
		return error_set(e, ERR_POLICY, "The server does not offer STARTTLS. Nothing is said in clear.");
	rc = begin(m, SENT_STARTTLS, false, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, "STARTTLS");
	return end(m, e);
}

/* The mechanisms of "AUTH=X AUTH=Y", separated by spaces. */
static void
offered(const struct imap_client *m, struct buf *out)
{
	struct slice rest = buf_slice(&m->capabilities);

	while (rest.len > 0) {
		struct slice word = slice_split(rest, ' ', &rest);

		if (!slice_istarts(word, SLICE("AUTH=")))
			continue;
		(void)buf_put_str(out, out->len > 0 ? " " : "");
		(void)buf_put_slice(out, slice_from(word, 5));
	}
}

static int
begin_sasl(struct imap_client *m, unsigned permitted, struct error *e)
{
	struct sasl_client_config config = {
		.credentials = &m->credentials, .channel = m->channel, .permitted = permitted
	};
	struct buf names;
	int rc;

	config.channel.tls = m->options.tls;
	buf_init(&names, IMAP_CLIENT_CAPABILITIES_MAX);
	offered(m, &names);
	config.offered = buf_slice(&names);
	rc = sasl_client_init(&m->sasl, &config, e);
	buf_done(&names);
	return rc;
}

/* LOGIN's first response answers a question, so it is none to begin with. */
static int
put_authenticate(struct imap_client *m, struct error *e)
{
	int rc = begin(m, SENT_LOGIN, true, e);

	if (rc != 0)
		return rc;
	(void)buf_putf(&m->out, "AUTHENTICATE %s", sasl_mechanism_name(m->sasl.mechanism));
	if (imap_client_can(m, "SASL-IR") && m->sasl.mechanism != SASL_LOGIN) {
		(void)buf_put_str(&m->out, " ");
		rc = sasl_client_respond(&m->sasl, SLICE_EMPTY, &m->out, e);
		if (rc != 0)
			return rc;
	}
	return end(m, e);
}

int
imap_client_authenticate(struct imap_client *m, unsigned permitted, struct error *e)
{
	int rc;

	sasl_client_done(&m->sasl);
	m->sasl_error.code = 0;
	rc = begin_sasl(m, permitted, e);
	return rc == 0 ? put_authenticate(m, e) : rc;
}

static bool
quotable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] >= 0x80)
			return false;
	return s.len <= SASL_PASSWORD_MAX;
}

void
imap_client_sasl(struct imap_client *m, const struct sasl_channel *channel, unsigned permitted)
{
	m->channel = *channel;
	m->permitted = permitted;
}

static int
keep_secret(struct imap_client *m, struct slice user, struct slice password, struct error *e)
{
	buf_wipe_done(&m->secret);
	if (buf_put_slice(&m->secret, user) != 0 || buf_put_slice(&m->secret, password) != 0)
		return error_set(e, m->secret.err, "The user name or the password is too long.");
	m->credentials = (struct sasl_credentials){ .identity = slice_sub(buf_slice(&m->secret), 0, user.len),
		.password = slice_from(buf_slice(&m->secret), user.len) };
	return 0;
}

int
imap_client_login(struct imap_client *m, struct slice user, struct slice password, struct error *e)
{
	int rc;

	if (!is_plain(user) || !is_plain(password))
		return error_set(e, ERR_USAGE, "A user name or password with a line end or NUL cannot be sent.");
	if (!m->options.tls)
		return error_set(e, ERR_POLICY, "A password is not sent without TLS.");
	rc = keep_secret(m, user, password, e);
	if (rc == 0)
		rc = imap_client_authenticate(m, m->permitted, e);
	if (rc != ERR_UNSUPPORTED)
		return rc;
	if ((m->permitted != 0 && (m->permitted & SASL_BIT(SASL_LOGIN)) == 0) || imap_client_can(m, "LOGINDISABLED") ||
	    !quotable(user) || !quotable(password)) {
		imap_client_forget_secret(m);
		return rc;
	}
	rc = begin(m, SENT_LOGIN, true, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, "LOGIN ");
	(void)imap_write_string(&m->out, user);
	(void)buf_put_str(&m->out, " ");
	(void)imap_write_string(&m->out, password);
	imap_client_forget_secret(m);
	return end(m, e);
}

int
imap_client_select(struct imap_client *m, struct slice mailbox, bool read_only, struct error *e)
{
	int rc = mailbox_command(m, SENT_SELECT, read_only ? "EXAMINE" : "SELECT", mailbox, e);

	if (rc != 0)
		return rc;
	m->mailbox = (struct imap_client_mailbox){ .read_only = read_only };
	return end(m, e);
}

int
imap_client_create(struct imap_client *m, struct slice mailbox, struct error *e)
{
	int rc = mailbox_command(m, SENT_OTHER, "CREATE", mailbox, e);

	return rc != 0 ? rc : end(m, e);
}

int
imap_client_list(struct imap_client *m, struct slice pattern, struct error *e)
{
	int rc = mailbox_command(m, SENT_LIST, "LIST \"\"", pattern, e);

	return rc != 0 ? rc : end(m, e);
}

/* "WORD " and texts that the program made, separated by spaces. */
static int
text_command(struct imap_client *m, enum imap_client_command command, const char *word, const struct slice *texts,
    size_t count, struct error *e)
{
	int rc;

	for (size_t i = 0; i < count; i++)
		if (!is_plain(texts[i]) || texts[i].len == 0)
			return error_set(e, ERR_USAGE, "An empty text or a line end in an IMAP command.");
	rc = begin(m, command, true, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, word);
	for (size_t i = 0; i < count; i++) {
		(void)buf_put_str(&m->out, " ");
		(void)buf_put_slice(&m->out, texts[i]);
	}
	return 0;
}

int
imap_client_search(struct imap_client *m, struct slice keys, struct error *e)
{
	int rc = text_command(m, SENT_SEARCH, "UID SEARCH", &keys, 1, e);

	return rc != 0 ? rc : end(m, e);
}

int
imap_client_fetch(struct imap_client *m, struct slice set, struct slice items, struct error *e)
{
	struct slice texts[] = { set, items };
	int rc = text_command(m, SENT_FETCH, "UID FETCH", texts, 2, e);

	return rc != 0 ? rc : end(m, e);
}

int
imap_client_fetch_body(
    struct imap_client *m, uint32_t uid, struct slice section, uint32_t offset, uint32_t length, struct error *e)
{
	int rc;

	if (!is_plain(section))
		return error_set(e, ERR_USAGE, "A line end in an IMAP section.");
	rc = text_command(m, SENT_FETCH_BODY, "UID FETCH", NULL, 0, e);
	if (rc != 0)
		return rc;
	(void)buf_putf(&m->out, " %u BODY.PEEK[", uid);
	(void)buf_put_slice(&m->out, section);
	(void)buf_put_str(&m->out, "]");
	if (length > 0 || offset > 0)
		(void)buf_putf(&m->out, "<%u.%u>", offset, length > 0 ? length : UINT32_MAX);
	return end(m, e);
}

int
imap_client_store(
    struct imap_client *m, struct slice set, enum imap_store_mode mode, struct slice flags, struct error *e)
{
	static const char *const words[] = { "FLAGS.SILENT (", "+FLAGS.SILENT (", "-FLAGS.SILENT (" };
	int rc = is_plain(flags) ? text_command(m, SENT_OTHER, "UID STORE", &set, 1, e)
				 : error_set(e, ERR_USAGE, "A line end in an IMAP flag.");

	if (rc != 0)
		return rc;
	(void)buf_putf(&m->out, " %s", words[mode]);
	(void)buf_put_slice(&m->out, flags);
	(void)buf_put_str(&m->out, ")");
	return end(m, e);
}

int
imap_client_copy(struct imap_client *m, struct slice set, struct slice mailbox, struct error *e)
{
	int rc = mailbox.len > IMAP_MAILBOX_MAX ? error_set(e, ERR_USAGE, "A mailbox name is too long.")
						: text_command(m, SENT_OTHER, "UID COPY", &set, 1, e);

	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, " ");
	put_mailbox(m, mailbox);
	return end(m, e);
}

int
imap_client_expunge(struct imap_client *m, struct error *e)
{
	int rc = text_command(m, SENT_OTHER, "EXPUNGE", NULL, 0, e);

	return rc != 0 ? rc : end(m, e);
}

int
imap_client_append(struct imap_client *m, struct slice mailbox, struct slice flags, uint64_t size, struct error *e)
{
	int rc = is_plain(flags) ? mailbox_command(m, SENT_APPEND, "APPEND", mailbox, e)
				 : error_set(e, ERR_USAGE, "A line end in an IMAP flag.");

	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, " (");
	(void)buf_put_slice(&m->out, flags);
	(void)buf_putf(&m->out, ") {%llu}", (unsigned long long)size);
	m->append_left = size;
	return end(m, e);
}

size_t
imap_client_put(struct imap_client *m, struct slice data)
{
	size_t room = m->out.len < OUT_HIGH ? OUT_HIGH - m->out.len : 0;
	size_t n = size_min(room, data.len);

	if (m->phase != PHASE_SENDING)
		return 0;
	if (n > m->append_left)
		n = (size_t)m->append_left;
	(void)buf_put(&m->out, data.data, n);
	m->append_left -= n;
	if (m->append_left == 0) {
		(void)buf_put_str(&m->out, "\r\n");
		m->phase = PHASE_COMMAND;
	}
	return n;
}

int
imap_client_noop(struct imap_client *m, struct error *e)
{
	int rc = text_command(m, SENT_OTHER, "NOOP", NULL, 0, e);

	return rc != 0 ? rc : end(m, e);
}

int
imap_client_idle(struct imap_client *m, struct error *e)
{
	int rc = text_command(m, SENT_IDLE, "IDLE", NULL, 0, e);

	return rc != 0 ? rc : end(m, e);
}

void
imap_client_idle_end(struct imap_client *m)
{
	if (m->phase != PHASE_IDLING)
		return;
	(void)buf_put_str(&m->out, "DONE\r\n");
	m->phase = PHASE_COMMAND;
}

int
imap_client_logout(struct imap_client *m, struct error *e)
{
	int rc = begin(m, SENT_LOGOUT, false, e);

	if (rc != 0)
		return rc;
	(void)buf_put_str(&m->out, "LOGOUT");
	return end(m, e);
}
