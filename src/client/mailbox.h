/* SPDX-License-Identifier: ISC */
/*
 * The account's INBOX over IMAP, for the verbs: a blocking session in which
 * one command runs at a time. Data of the answers goes to a function.
 */
#ifndef CLIENT_MAILBOX_H
#define CLIENT_MAILBOX_H

#include "client/account.h"
#include "client/servers.h"
#include "imap/client.h"
#include "net/client.h"

struct mailbox {
	struct client *net;
	struct imap_client *imap;
	struct servers_sasl sasl;
};

/* Connects, secures, signs in, selects INBOX. mailbox_close() also after an error. ERR_PASSWORD when refused. */
int mailbox_open(struct mailbox *m, const struct account *a, struct slice password, struct error *e);
/* Only connects and signs in: whether address and password are right. */
int mailbox_sign_in(struct mailbox *m, const struct account *a, struct slice password, struct error *e);
/* Only connects and secures, to look at the server's certificate; peer_out as client_connect() fills it. */
int mailbox_see(const struct account *a, struct tls_peer *peer_out, struct error *e);
void mailbox_close(struct mailbox *m);

/*
 * Waits for the end of the command that was begun. each (NULL permitted) gets
 * every other event; a negative code from it ends the waiting with that code.
 * ERR_DENIED when the server says NO or BAD, with its words; ERR_CLOSED.
 */
typedef int mailbox_event_fn(void *ctx, const struct imap_client_event *event, struct error *e);
int mailbox_wait(struct mailbox *m, mailbox_event_fn *each, void *ctx, struct error *e);

/* A message's octets, piece by piece. ERR_NOT_FOUND when there is no such message. */
typedef int mailbox_data_fn(void *ctx, struct slice data, struct error *e);
int mailbox_fetch(struct mailbox *m, uint32_t uid, mailbox_data_fn *take, void *ctx, struct error *e);
int mailbox_mark_seen(struct mailbox *m, uint32_t uid, struct error *e);

#endif
