/* SPDX-License-Identifier: ISC */
/*
 * Cuts what a client sends into commands (RFC 3501 2.2.1): lines that end with
 * CR LF, joined by literals. Holds one command, bounded: the line, the sum of
 * its literals and their number (hostile peers send thousands of small ones).
 * Where a line ends inside a quoted string, "{3}" before that end is no
 * literal. A message that is appended does not stay here: it goes out in
 * chunks.
 *
 * imap_input_feed() takes octets until there is something to tell; then it
 * takes nothing until one of the calls below it went on.
 */
#ifndef IMAP_INPUT_H
#define IMAP_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum imap_input_what {
	IMAP_INPUT_MORE,    /* nothing yet */
	IMAP_INPUT_COMMAND, /* a whole command: text without its last CRLF */
	IMAP_INPUT_LITERAL, /* text ends with "{n}" or "{n+}"; its octets have not been taken */
	IMAP_INPUT_CHUNK,   /* octets of a streamed literal */
	IMAP_INPUT_LONG,    /* a line over the maximum; it was skipped to its end, text is its begin */
	IMAP_INPUT_BARE,    /* a line with NUL, or CR or LF alone; skipped to its end */
	IMAP_INPUT_NO_ROOM, /* no memory */
};

struct imap_input {
	struct buf text;  /* the command so far, literals in place */
	struct buf chunk; /* IMAP_INPUT_CHUNK */
	enum imap_input_what what;
	size_t line_max;
	size_t literals_max;
	size_t line_from; /* in text: where the current line begins */
	size_t literals;  /* octets of this command's literals so far */
	unsigned literal_count;
	uint64_t literal_left; /* octets still to come of the current one */
	uint64_t literal_size; /* IMAP_INPUT_LITERAL: announced */
	bool literal_sync;
	bool quoted;
	bool escaped;
	bool streaming;
	bool skipping;              /* the rest of this command is dropped without a word */
	enum imap_input_what fault; /* of the current line, told at its end */
};

void imap_input_init(struct imap_input *i, size_t line_max, size_t literals_max);
/* Overwrites what it held (passwords), frees. */
void imap_input_done(struct imap_input *i);
/* Takes octets from the front of in; fewer than in.len when there is something to tell. */
size_t imap_input_feed(struct imap_input *i, struct slice in);
/* Whether octets of an unfinished command are held. */
bool imap_input_begun(const struct imap_input *i);

/* After COMMAND, LONG, BARE, or a refused synchronizing LITERAL: the next command. Its memory is given back. */
void imap_input_next(struct imap_input *i);
/* After LITERAL: does it fit into what this command may hold? */
bool imap_input_fits(const struct imap_input *i);
/* After LITERAL: take it into text. */
void imap_input_take(struct imap_input *i);
/* After LITERAL: give it out as chunks. */
void imap_input_stream(struct imap_input *i);
/* After CHUNK: the next one. When none is left, text begins anew behind the literal. */
void imap_input_chunk_done(struct imap_input *i);
/* After a refused non-synchronizing LITERAL or in the middle of a stream: drop the rest of this command. */
void imap_input_skip(struct imap_input *i);

#endif
