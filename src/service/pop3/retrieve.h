/* SPDX-License-Identifier: ISC */
/*
 * One message on its way out, for RETR and TOP: octets of a stored body become
 * the lines of a multi-line answer, in pieces. Works on a worker thread, one
 * piece a step; the session sends a piece while the next is made.
 *
 *   pop3_retrieve_init(&r, store, account, mailbox, utf8)   once
 *   pop3_retrieve_begin(&r, uid, size, all, lines)
 *   do pop3_retrieve_step(&r) ... while (r.state == POP3_RETRIEVE_MORE), taking r.piece each time
 */
#ifndef SERVICE_POP3_RETRIEVE_H
#define SERVICE_POP3_RETRIEVE_H

#include "base/buf.h"
#include "os/port.h"
#include "pop3/write.h"
#include "store/types.h"

#define POP3_RETRIEVE_READ (128u << 10)     /* octets read from the store in one go */
#define POP3_RETRIEVE_BUDGET (4u << 20)     /* memory of one step */
#define POP3_RETRIEVE_HEADER_MAX (1u << 20) /* octets of a header that is rewritten for a client without UTF-8 mode */

enum pop3_retrieve_state {
	POP3_RETRIEVE_MORE,    /* another step; the piece goes out */
	POP3_RETRIEVE_DONE,    /* the piece is the last */
	POP3_RETRIEVE_REFUSED, /* nothing of it was told: code and text */
	POP3_RETRIEVE_BROKEN,  /* something was: the answer cannot be ended well */
};

struct pop3_retrieve {
	struct port *store;
	uint64_t account, mailbox;
	bool utf8;

	enum pop3_retrieve_state state;
	struct buf piece;
	const char *code, *text; /* static; code may be NULL */
	struct error fault;      /* REFUSED, BROKEN: with its code when it is a fault of ours */

	uint32_t uid, size;
	bool all;
	uint32_t lines; /* still wanted of the body */
	bool found;     /* the two below are known */
	bool begun;
	uint64_t body, header_end;
	uint64_t at;
	struct pop3_lines out;
};

void pop3_retrieve_init(struct pop3_retrieve *r, struct port *store, uint64_t account, uint64_t mailbox, bool utf8);
void pop3_retrieve_done(struct pop3_retrieve *r);
void pop3_retrieve_begin(struct pop3_retrieve *r, uint32_t uid, uint32_t size, bool all, uint32_t lines);
/* Whoever has the message's row may give it: then it is not looked for. ERR_INTERNAL. */
int pop3_retrieve_row(struct pop3_retrieve *r, const struct store_message *row, struct error *e);
/* Makes the next piece, or says why not. */
void pop3_retrieve_step(struct pop3_retrieve *r);

#endif
