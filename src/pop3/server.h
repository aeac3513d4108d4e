/* SPDX-License-Identifier: ISC */
/*
 * The server's machine behind authentication: the TRANSACTION and UPDATE
 * states (RFC 1939 sections 5 and 6). It numbers the messages, knows their
 * sizes and which of them are marked as deleted, and answers STAT, LIST, DELE,
 * RSET, NOOP, CAPA and LANG by itself; it never sees a message's octets.
 *
 * It begins busy: the service opens the maildrop, says what is in it with
 * pop3_server_add() for each message in its order, and then pop3_server_open(),
 * which answers the command that signed in; or pop3_server_fail(). What comes
 * into the mailbox later is not in this maildrop, and what others remove from
 * it keeps its number: its RETR is refused.
 *
 * pop3_server_next() gives one event:
 *   UNIQUE    UIDL: the unique-id of message, or of all that pop3_server_is_listed() from message on
 *   RETRIEVE  RETR and TOP: the message of that number, wholly or its header and lines of its body
 *   UPDATE    QUIT, and at least one message is marked: remove those (pop3_server_marked()), then pop3_server_ok() or
 *             pop3_server_err(); CLOSE follows
 *   CLOSE     end the connection when the output went out
 * Each of the first three is answered by pop3_server_ok() or pop3_server_err(), one line; or, when the answer has more
 * of them, by pop3_server_give() with octets that pop3/write.h made, as often as it takes, then pop3_server_end().
 * Until then no further command is taken. Nothing else ever asks to remove a message: not the end of the connection,
 * not a timeout.
 *
 * Memory: 4 octets a message, and a bit once one is marked: 413 KB for 100,000 messages.
 */
#ifndef POP3_SERVER_H
#define POP3_SERVER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/machine.h"

struct pop3_server;

struct pop3_server_options {
	bool tls;
	struct slice name;       /* of the program, one word; must live as long as the machine */
	struct slice mechanisms; /* as the machine before has announced them; copied */
	struct slice pending;    /* output of the machine before that has not gone out */
};

enum pop3_event_type {
	POP3_EVENT_NONE, /* feed more */
	POP3_EVENT_UNIQUE,
	POP3_EVENT_RETRIEVE,
	POP3_EVENT_UPDATE,
	POP3_EVENT_CLOSE,
};

struct pop3_event {
	enum pop3_event_type type;
	uint32_t message; /* its number, from 1 */
	uint32_t size;    /* RETRIEVE: its octets */
	bool all;         /* UNIQUE: of all; RETRIEVE: the whole message */
	uint32_t lines;   /* RETRIEVE, not all: of the body */
};

extern const struct machine_ops pop3_server_ops;

/* ERR_NOMEM. */
int
pop3_server_new(const struct pop3_server_options *options, int64_t now_ms, struct pop3_server **out, struct error *e);
void pop3_server_free(struct pop3_server *m); /* NULL is permitted */

/* ---- before it is open; any one thread ---- */

/* Room for so many messages at once; more may come. ERR_NOMEM. */
int pop3_server_expect(struct pop3_server *m, uint32_t messages, struct error *e);
/* The next message. ERR_LIMIT: POP3_MESSAGES_MAX are there, or the size is over 32 bits; ERR_NOMEM. */
int pop3_server_add(struct pop3_server *m, uint64_t size, struct error *e);
/* "+OK n messages". */
void pop3_server_open(struct pop3_server *m);
/* "-ERR [code] text", then CLOSE: also when it is open, for a shutdown or a fault of ours. */
void pop3_server_fail(struct pop3_server *m, const char *code, const char *text);

/* ---- */

void pop3_server_next(struct pop3_server *m, int64_t now_ms, struct pop3_event *out);
void pop3_server_ok(struct pop3_server *m, const char *text);
void pop3_server_err(struct pop3_server *m, const char *code, const char *text);
/* Takes what is in piece and leaves it empty; without a copy when nothing else waits to be sent. ERR_NOMEM, ERR_LIMIT. */
int pop3_server_give(struct pop3_server *m, struct buf *piece);
void pop3_server_end(struct pop3_server *m);

uint32_t pop3_server_count(const struct pop3_server *m);
/* The octets of a message that is there. */
uint32_t pop3_server_size(const struct pop3_server *m, uint32_t message);
/* Whether the message of this number is there, and is not marked. */
bool pop3_server_is_listed(const struct pop3_server *m, uint32_t message);
/* The first marked message from this number on; 0: there is none. */
uint32_t pop3_server_marked(const struct pop3_server *m, uint32_t from);
/* How many commands have been answered well, or are being carried out. */
uint64_t pop3_server_commands(const struct pop3_server *m);
/* True while a command is carried out: there will be an answer. */
bool pop3_server_busy(const struct pop3_server *m);
/* Octets that wait to be sent. */
size_t pop3_server_waiting(const struct pop3_server *m);

#endif
