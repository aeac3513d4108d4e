/* SPDX-License-Identifier: ISC */
/*
 * POP3 connections behind authentication (RFC 1939): drives the machine of
 * pop3/server.h and carries out on the store what it asks for. The machine
 * before it, pop3/login.h, is in another process (service/front/pop3.c).
 *
 * The maildrop is the account's INBOX as it was when the session began: UIDs
 * and sizes are read once, and numbers and sums stay whatever others do. New
 * mail is seen by the next session; what an IMAP session has expunged
 * meanwhile keeps its number, and its RETR is refused. A unique-id is
 * "UIDVALIDITY.UID": it is the same in every session as long as the message is
 * in the mailbox, and never another message's, for IMAP promises that of the
 * two numbers (RFC 3501 2.3.1.1), also through a restore (store/snapshot.h).
 *
 * There is no lock on the maildrop (RFC 1939 section 4 has one "as necessary
 * to prevent messages from being modified or removed"). Messages here are
 * never modified, IMAP sessions and deliveries go on beside POP3 anyway, and
 * each session has its own numbers, so a lock would protect nothing; but a
 * client whose network went away would keep its own next session out, with
 * [IN-USE], until the server notices. Two sessions that delete the same
 * message both succeed: it is gone.
 *
 * Marks are carried out at QUIT only, in portions of SESSION_EXPUNGE messages;
 * whatever else ends the session removes nothing. When the store fails in the
 * middle, the answer is -ERR and the portions before it are done (RFC 1939
 * section 6 permits both). Flags of messages are left alone.
 *
 * Memory of a session: the machine's 4 octets a message, 12 for each run of
 * UIDs without a hole, and while a message goes out two pieces of it, at most
 * 512 KiB. So 100,000 messages cost 0.4 MB, or 1.6 MB when every second UID is
 * missing.
 */
#ifndef SERVICE_POP3_SESSION_H
#define SERVICE_POP3_SESSION_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops pop3_session_ops;

/* in: the tag says whether the client is in UTF-8 mode; and what is still to be said before. ERR_NOMEM. */
int pop3_session_open(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e);

#endif
