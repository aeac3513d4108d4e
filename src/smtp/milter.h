/* SPDX-License-Identifier: ISC */
/*
 * The mail server's side of the milter protocol, version 6, as libmilter has
 * it (mfdef.h, mfapi.h; there is no standard): another program looks at a
 * message and says what becomes of it. A machine for one message over one
 * connection:
 *
 *   milter_new(&envelope, header, &m, e)
 *   drive it (feed, output, sent); milter_body() as milter_room() permits, then milter_end()
 *   milter_next() tells:
 *     NOTHING   more input, or more of the body, is needed
 *     VERDICT   milter_result(): what it said. Nothing more is sent or read but the goodbye
 *     FAILED    *e says why: it is no milter, breaks the rules, or says too much
 *
 * It may add, insert, change and delete fields of the header, put the message
 * aside, and refuse it. What would change whom it goes to, who sent it or what
 * is signed (recipients, the envelope's sender, the body) is not offered; a
 * milter that needs that says so in the negotiation, and one that does it all
 * the same is not obeyed (milter_result.ignored).
 *
 * A recipient that it refuses refuses the message: recipients were taken
 * before it is asked. Line ends inside values are LF on the wire.
 */
#ifndef SMTP_MILTER_H
#define SMTP_MILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "smtp/limits.h"

struct milter;

struct milter_envelope {
	struct slice host;    /* the client's confirmed name, or empty */
	struct slice address; /* numeric; empty: none (a Unix socket) */
	uint16_t port;        /* of the client; 0: not known */
	struct slice hello;
	struct slice sender; /* empty: the null sender */
	const struct slice *recipients;
	size_t recipient_count;
	struct slice hostname; /* ours: macro j */
	struct slice id;       /* of the message: macro i */
	struct slice tls_version, tls_cipher;
	struct slice account; /* who signed in: macro {auth_authen}; empty: nobody */
};

enum milter_verdict { /* ordered: the graver ones last */
	MILTER_ACCEPT,
	MILTER_TEMPFAIL,
	MILTER_REJECT,
	MILTER_DISCARD, /* says 250 and keeps nothing */
};

enum milter_edit_kind {    /* numbers cross between processes */
	MILTER_ADD = 1,    /* at the end of the header */
	MILTER_INSERT = 2, /* so that it is field number index; 0: the first */
	MILTER_CHANGE = 3, /* the index-th of that name, from 1; an empty value deletes it */
};

struct milter_edit {
	uint32_t kind;
	uint32_t index;
	struct slice name;
	struct slice value; /* as behind the colon, with its first space; line ends are CRLF and spaces follow them */
};

struct milter_result {
	enum milter_verdict verdict;
	struct slice reply; /* "5.7.1 text", one line of printable ASCII; or empty */
	bool quarantine;
	struct slice reason; /* why; one line */
	const struct milter_edit *edits;
	size_t edit_count;
	unsigned ignored; /* what was asked for and is not done */
};

enum milter_what { MILTER_NOTHING, MILTER_VERDICT, MILTER_FAILED };

/* Copies. header: the block with its empty line. ERR_NOMEM. */
int milter_new(const struct milter_envelope *envelope, struct slice header, struct milter **m_out, struct error *e);
void milter_free(struct milter *m); /* NULL is permitted */

size_t milter_feed(struct milter *m, struct slice in);
enum milter_what milter_next(struct milter *m, struct error *e);
struct slice milter_output(struct milter *m);
void milter_sent(struct milter *m, size_t len);

/* Octets of the body that it takes now. */
size_t milter_room(const struct milter *m);
/* More of the body than it wants is passed over. */
void milter_body(struct milter *m, struct slice piece);
void milter_end(struct milter *m);
/* Whether it is the milter's turn to speak. */
bool milter_waits(const struct milter *m);
/* A number that grows with each word of the milter's, also when it only says that it is still at work. */
uint64_t milter_progress(const struct milter *m);
/* After VERDICT; lives as long as m. */
const struct milter_result *milter_result(const struct milter *m);

/* Appends the block with the edits done. edits that name no field of it do nothing. Returns out's sticky error. */
int milter_edit_apply(struct slice header, const struct milter_edit *edits, size_t count, struct buf *out);

#endif
