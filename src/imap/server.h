/* SPDX-License-Identifier: ISC */
/*
 * The server's machine after authentication (RFC 3501): commands in, answers
 * out. Before authentication there is another one (imap/login.h) that knows
 * none of this; a new one is made for each authenticated connection.
 *
 * imap_server_next() gives one event:
 *   COMMAND      a parsed command. Write untagged data into imap_server_out(),
 *                then imap_server_done(). Until then nothing more is taken.
 *                APPEND: it comes when its message is announced; either
 *                imap_server_done() refuses it, or imap_server_go() asks for it,
 *                and DATA events follow, then END (now store it, then done())
 *                or BROKEN (forget it: the machine has answered BAD itself).
 *                IDLE: imap_server_go() tells the client to begin; END comes
 *                with its DONE.
 *   CLOSE        end the connection when the output went out
 * CAPABILITY, ID, NAMESPACE, ENABLE and everything malformed are answered by
 * the machine. LOGOUT is a COMMAND, so that the service can let go of things;
 * imap_server_done() then says BYE and CLOSE follows.
 *
 * Hostile input: imap/limits.h. Too large a synchronizing literal is answered
 * NO [TOOBIG]... and the connection lives; a non-synchronizing one that is not
 * wanted would have to be read to its end, so it ends the connection.
 */
#ifndef IMAP_SERVER_H
#define IMAP_SERVER_H

#include "base/machine.h"
#include "imap/command.h"

struct imap_server;

struct imap_server_options {
	uint64_t append_max;  /* octets; 0: IMAP_APPEND_MAX */
	struct slice pending; /* output of the machine before that has not gone out */
	struct slice tag;     /* of the command that authenticated: it is answered OK first; empty: nothing is */
	struct slice name;    /* for ID */
	struct slice version;
};

enum imap_event_type {
	IMAP_EVENT_NONE, /* feed more */
	IMAP_EVENT_COMMAND,
	IMAP_EVENT_DATA,
	IMAP_EVENT_END,
	IMAP_EVENT_BROKEN,
	IMAP_EVENT_CLOSE,
};

struct imap_event {
	enum imap_event_type type;
	const struct imap_command *command; /* lives until imap_server_done(); also set with DATA, END, BROKEN */
	struct slice data;                  /* DATA: lives until the next call of imap_server_next() */
};

enum imap_result { IMAP_OK, IMAP_NO, IMAP_BAD };

extern const struct machine_ops imap_server_ops;

/* ERR_NOMEM. */
int
imap_server_new(const struct imap_server_options *options, int64_t now_ms, struct imap_server **out, struct error *e);
void imap_server_free(struct imap_server *m); /* NULL is permitted */

void imap_server_next(struct imap_server *m, int64_t now_ms, struct imap_event *out);
/* APPEND: send the message. IDLE: begun. */
void imap_server_go(struct imap_server *m);
/* For untagged responses, whole lines. Larger than IMAP_OUTPUT_HIGH: wait until it drained. */
struct buf *imap_server_out(struct imap_server *m);
/* Answers the command. code: a response code without its brackets ("READ-WRITE"), or empty; text for people. */
void imap_server_done(struct imap_server *m, enum imap_result result, struct slice code, struct slice text);
/* Where the connection is from now on: one enum imap_state bit. Call before done(). */
void imap_server_set_state(struct imap_server *m, uint32_t state);
uint32_t imap_server_state(const struct imap_server *m);
/* "* BYE text", then CLOSE: a shutdown, an autologout, a fault of ours. */
void imap_server_bye(struct imap_server *m, struct slice text);
/* True while a command is carried out: there will be an answer. */
bool imap_server_busy(const struct imap_server *m);

/* The capabilities after authentication, as the CAPABILITY response lists them. */
extern const char imap_server_capabilities[];

#endif
