/* SPDX-License-Identifier: ISC */
#include "client/mailbox.h"

#include <stdio.h>

#include "base/printable.h"
#include "client/servers.h"

#define WORDS_MAX 120u /* octets of a server's words that are shown */

static int
server_said(int code, const char *what, struct slice words, struct error *e)
{
	BUF_OWNED struct buf b = { .max = WORDS_MAX };

	(void)printable_put(&b, words, PRINTABLE_LINE, WORDS_MAX);
	return error_set(
	    e, code, "%s; the server says: %.*s", what, (int)b.len, b.len == 0 ? "" : (const char *)b.data);
}

/* The next event that is not NONE. */
static int
next_event(struct mailbox *m, struct imap_client_event *event, struct error *e)
{
	int rc = 0;

	for (;;) {
		imap_client_next(m->imap, event);
		if (event->type != IMAP_CLIENT_NONE || rc != 0)
			break;
		rc = client_step(m->net, &imap_client_ops, m->imap, e);
	}
	if (event->type != IMAP_CLIENT_CLOSED)
		return rc;
	if (event->text.len > 0)
		return server_said(ERR_CLOSED, "the IMAP server ended the connection", event->text, e);
	if (e != NULL)
		*e = event->error;
	return event->error.code == 0 ? ERR_CLOSED : event->error.code;
}

static int
wait_until(struct mailbox *m, enum imap_client_event_type type, struct imap_client_event *event, struct error *e)
{
	int rc;

	do {
		rc = next_event(m, event, e);
	} while (rc == 0 && event->type != type);
	return rc;
}

int
mailbox_wait(struct mailbox *m, mailbox_event_fn *each, void *ctx, struct error *e)
{
	struct imap_client_event event;
	int rc;

	while ((rc = next_event(m, &event, e)) == 0 && event.type != IMAP_CLIENT_DONE) {
		rc = each == NULL ? 0 : each(ctx, &event, e);
		if (rc != 0)
			return rc;
	}
	if (rc == 0 && event.result != IMAP_CLIENT_OK)
		return server_said(ERR_DENIED, "the IMAP server refused", event.text, e);
	return rc;
}

/* ---- opening ---- */

static int
greet(struct mailbox *m, bool tls, bool no_greeting, struct error *e)
{
	struct imap_client_options options = { .tls = tls, .no_greeting = no_greeting };
	struct imap_client_event event;
	int rc;

	imap_client_free(m->imap);
	m->imap = NULL;
	rc = imap_client_new(&options, &m->imap, e);
	return rc == 0 ? wait_until(m, IMAP_CLIENT_READY, &event, e) : rc;
}

static int
secure(struct mailbox *m, struct tls_peer *peer_out, struct error *e)
{
	struct imap_client_event event;
	int rc = imap_client_start_tls(m->imap, e);

	if (rc == 0)
		rc = wait_until(m, IMAP_CLIENT_START_TLS, &event, e);
	if (rc == 0)
		rc = client_start_tls(m->net, peer_out, e);
	return rc == 0 ? greet(m, true, true, e) : rc;
}

static int
sign_in(struct mailbox *m, const struct account *a, struct slice password, struct error *e)
{
	struct imap_client_event event;
	int rc;

	servers_sasl(a, ACCOUNT_IMAP, m->net, &m->sasl);
	imap_client_sasl(m->imap, &m->sasl.channel, m->sasl.permitted);
	rc = imap_client_login(m->imap, slice_str(a->address), password, e);
	if (rc == 0)
		rc = wait_until(m, IMAP_CLIENT_DONE, &event, e);
	if (rc == 0 && event.result != IMAP_CLIENT_OK)
		return server_said(ERR_PASSWORD,
		    m->sasl.permitted == SASL_SET_ALL ? "the IMAP server does not accept the address and password"
						      : "the IMAP server does not accept the address and password "
							"(with another password than at first, "
							"run `letterlock setup` again)",
		    event.text, e);
	return rc;
}

/* Up to where TLS stands. */
static int
reach(struct mailbox *m, const struct account *a, struct tls_peer *peer_out, struct error *e)
{
	int rc;

	*m = (struct mailbox){ 0 };
	rc = servers_connect(a, ACCOUNT_IMAP, &m->net, peer_out, e);
	if (rc == 0)
		rc = greet(m, client_is_tls(m->net), false, e);
	if (rc == 0 && !client_is_tls(m->net))
		rc = secure(m, peer_out, e);
	if (rc != 0) { /* nothing more is said on this connection */
		imap_client_free(m->imap);
		m->imap = NULL;
	}
	return rc;
}

int
mailbox_see(const struct account *a, struct tls_peer *peer_out, struct error *e)
{
	struct mailbox m;
	int rc = reach(&m, a, peer_out, e);

	mailbox_close(&m);
	return rc;
}

int
mailbox_sign_in(struct mailbox *m, const struct account *a, struct slice password, struct error *e)
{
	int rc = reach(m, a, NULL, e);

	return rc == 0 ? sign_in(m, a, password, e) : rc;
}

int
mailbox_open(struct mailbox *m, const struct account *a, struct slice password, struct error *e)
{
	int rc = mailbox_sign_in(m, a, password, e);

	if (rc == 0)
		rc = imap_client_select(m->imap, SLICE("INBOX"), false, e);
	return rc == 0 ? mailbox_wait(m, NULL, NULL, e) : rc;
}

void
mailbox_close(struct mailbox *m)
{
	if (m->imap != NULL && imap_client_logout(m->imap, NULL) == 0)
		(void)client_flush(m->net, &imap_client_ops, m->imap, NULL);
	imap_client_free(m->imap);
	client_close(m->net);
	*m = (struct mailbox){ 0 };
}

/* ---- a message ---- */

struct fetching {
	mailbox_data_fn *take;
	void *ctx;
	bool found;
};

static int
fetch_event(void *ctx, const struct imap_client_event *event, struct error *e)
{
	struct fetching *f = ctx;

	f->found = f->found || event->type == IMAP_CLIENT_FETCH || event->type == IMAP_CLIENT_DATA;
	return event->type == IMAP_CLIENT_DATA ? f->take(f->ctx, event->data, e) : 0;
}

int
mailbox_fetch(struct mailbox *m, uint32_t uid, mailbox_data_fn *take, void *ctx, struct error *e)
{
	struct fetching f = { .take = take, .ctx = ctx };
	int rc = imap_client_fetch_body(m->imap, uid, SLICE_EMPTY, 0, 0, e);

	if (rc == 0)
		rc = mailbox_wait(m, fetch_event, &f, e);
	if (rc == 0 && !f.found)
		return error_set(e, ERR_NOT_FOUND, "there is no message %u in the inbox", uid);
	return rc;
}

int
mailbox_mark_seen(struct mailbox *m, uint32_t uid, struct error *e)
{
	char set[16];
	int rc;

	(void)snprintf(set, sizeof set, "%u", uid);
	rc = imap_client_store(m->imap, slice_str(set), IMAP_STORE_ADD, SLICE("\\Seen"), e);
	return rc == 0 ? mailbox_wait(m, NULL, NULL, e) : rc;
}
