/* SPDX-License-Identifier: ISC */
#include "client/submit.h"

#include "base/printable.h"
#include "client/servers.h"
#include "os/terminal.h"
#include "sasl/sasl.h"
#include "smtp/client.h"

#define STEP 65536u
#define WORDS_MAX 160u

struct submission {
	struct client *net;
	struct smtp_client *smtp;
	const struct account *account;
	struct servers_sasl sasl;
	struct error *error;
};

/* The next event that is something. */
static int
next_event(struct submission *s, struct smtp_client_event *event)
{
	int rc = 0;

	while (smtp_client_next(s->smtp, event) == SMTP_CLIENT_NOTHING && rc == 0)
		rc = client_step(s->net, &smtp_client_ops, s->smtp, s->error);
	if (event->what != SMTP_CLIENT_FAILED)
		return rc;
	if (s->error != NULL)
		*s->error = event->error;
	return event->error.code;
}

static int
refused(struct submission *s, const struct smtp_answer *answer, const char *what, struct slice who)
{
	BUF_OWNED struct buf b = { .max = 2 * WORDS_MAX };

	(void)printable_put(&b, who, PRINTABLE_LINE, WORDS_MAX);
	(void)buf_put_str(&b, b.len > 0 ? ": " : "");
	(void)printable_put(&b, answer->text, PRINTABLE_LINE, WORDS_MAX);
	return error_set(s->error, ERR_DENIED, "%s; %.*s", what, (int)b.len, b.len == 0 ? "" : (const char *)b.data);
}

static void
may_sign_in(struct submission *s)
{
	servers_sasl(s->account, ACCOUNT_SMTP, s->net, &s->sasl);
	smtp_client_sasl(s->smtp, &s->sasl.channel, s->sasl.permitted);
}

/* Greeting, TLS, signing in: up to READY. */
static int
become_ready(struct submission *s)
{
	struct smtp_client_event event;
	int rc;

	for (;;) {
		rc = next_event(s, &event);
		if (rc != 0)
			return rc;
		if (event.what == SMTP_CLIENT_READY)
			return 0;
		if (event.what != SMTP_CLIENT_START_TLS)
			return error_set(s->error, ERR_INTERNAL, "the mail server's dialogue went astray");
		rc = client_start_tls(s->net, NULL, s->error);
		if (rc != 0)
			return rc;
		may_sign_in(s);
		smtp_client_secured(s->smtp);
	}
}

static int
open_submission(struct submission *s, const struct account *a, const struct sasl_credentials *credentials)
{
	struct smtp_client_config config = { .hello = SLICE("[127.0.0.1]"), .credentials = credentials };
	int rc = servers_connect(a, ACCOUNT_SMTP, &s->net, NULL, s->error);

	if (rc != 0)
		return rc;
	config.tls = client_is_tls(s->net);
	config.start_tls = !config.tls;
	rc = smtp_client_new(&config, &s->smtp, s->error);
	if (rc != 0)
		return rc;
	if (config.tls)
		may_sign_in(s);
	return become_ready(s);
}

/* All of a piece, however little the machine takes at a time. */
static int
put_piece(struct submission *s, struct slice piece)
{
	int rc = 0;

	while (piece.len > 0 && rc == 0) {
		size_t n = smtp_client_put(s->smtp, piece);

		piece = slice_from(piece, n);
		if (n == 0)
			rc = client_step(s->net, &smtp_client_ops, s->smtp, s->error);
	}
	return rc;
}

static int
put_file(struct submission *s, struct file_reader *file)
{
	uint8_t piece[STEP];
	struct progress progress = { .label = "Sending", .total = file->size };
	uint64_t done = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = file_reader_get(file, piece, sizeof piece, s->error)) != 0) {
		rc = n < 0 ? (int)n : put_piece(s, slice_of(piece, (size_t)n));
		done += n < 0 ? 0 : (uint64_t)n;
		progress_show(&progress, done);
	}
	progress_done(&progress);
	return rc;
}

/* One refused recipient is enough: a letter goes to all for whom it was written, or the person decides anew. */
static int
send_text(struct submission *s, const struct submit_letter *letter, struct file_reader *file)
{
	struct smtp_client_event event;
	int rc;

	for (;;) {
		rc = next_event(s, &event);
		if (rc != 0)
			return rc;
		if (event.what == SMTP_CLIENT_RECIPIENT && !event.accepted)
			return refused(s, &event.answer, "the mail server refuses a recipient",
			    event.recipient < letter->recipient_count ? letter->recipients[event.recipient]
								      : SLICE_EMPTY);
		if (event.what == SMTP_CLIENT_SENT)
			return event.accepted
			    ? 0
			    : refused(s, &event.answer, "the mail server refuses the letter", SLICE_EMPTY);
		if (event.what == SMTP_CLIENT_BODY) {
			rc = put_file(s, file);
			if (rc != 0)
				return rc;
			smtp_client_end(s->smtp);
		}
	}
}

static int
send_letter(struct submission *s, const struct account *a, const struct submit_letter *letter)
{
	struct smtp_client_message message = { .from = slice_str(a->address),
		.recipients = letter->recipients,
		.recipient_count = letter->recipient_count };
	struct file_reader file;
	int rc = file_reader_open(&file, letter->path, s->error);

	if (rc != 0)
		return rc;
	message.size = file.size;
	rc = smtp_client_send(s->smtp, &message, s->error);
	if (rc == 0)
		rc = send_text(s, letter, &file);
	file_reader_done(&file);
	return rc;
}

static void
quit(struct submission *s)
{
	if (s->smtp != NULL) {
		smtp_client_quit(s->smtp);
		(void)client_flush(s->net, &smtp_client_ops, s->smtp, NULL);
	}
	smtp_client_free(s->smtp);
	client_close(s->net);
}

/* A server that once took SCRAM is not shown the password later (client/account.h). */
static bool
learn(struct account *a, enum sasl_mechanism by)
{
	enum account_sign_in how = account_sign_in_of(by);

	if (a->servers[ACCOUNT_SMTP].sign_in != ACCOUNT_SIGN_IN_ANY || how == ACCOUNT_SIGN_IN_PASSWORD)
		return false;
	a->servers[ACCOUNT_SMTP].sign_in = how;
	return true;
}

int
submit(struct account *a, struct slice password, const struct submit_letter *letters, size_t count, size_t *sent_out,
    bool *learnt_out, struct error *e)
{
	struct sasl_credentials credentials = { .identity = slice_str(a->address), .password = password };
	struct submission s = { .account = a, .error = e };
	struct smtp_client_event event;
	int rc = open_submission(&s, a, &credentials);

	*sent_out = 0;
	*learnt_out = rc == 0 && learn(a, smtp_client_signed_in(s.smtp));
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (i > 0)
			rc = next_event(&s, &event); /* READY again */
		if (rc == 0)
			rc = send_letter(&s, a, &letters[i]);
		*sent_out += rc == 0;
	}
	quit(&s);
	return rc;
}
