/* SPDX-License-Identifier: ISC */
/*
 * Cuts what a client sends into lines that end with CRLF, bounded. One line is
 * held at a time: pop3_input_feed() takes octets up to its end, then nothing
 * until pop3_input_next(), so that what was pipelined behind it stays where it
 * is. A line over its maximum, and one with NUL or a CR or LF alone, is passed
 * over to its end and told as a fault.
 */
#ifndef POP3_INPUT_H
#define POP3_INPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum pop3_input_what {
	POP3_INPUT_MORE, /* nothing yet */
	POP3_INPUT_LINE, /* a whole line: pop3_input_line() */
	POP3_INPUT_LONG,
	POP3_INPUT_BARE,
	POP3_INPUT_NO_ROOM, /* no memory */
};

struct pop3_input {
	struct buf text;
	enum pop3_input_what what;
	enum pop3_input_what fault; /* of the line that is coming, told at its end */
	bool response;              /* a response of an AUTH exchange is expected: long lines are in order */
	bool cr;                    /* the octet before was CR */
};

void pop3_input_init(struct pop3_input *i);
/* Overwrites what it held (passwords), frees. */
void pop3_input_done(struct pop3_input *i);
/* How many octets of in were taken; fewer than in.len when there is something to tell. */
size_t pop3_input_feed(struct pop3_input *i, struct slice in);
/* The line without its CRLF; lives until pop3_input_next(). */
struct slice pop3_input_line(const struct pop3_input *i);
/* Whether octets of an unfinished line are held. */
bool pop3_input_begun(const struct pop3_input *i);
/* The next line: a command, or a response of an AUTH exchange. Memory is overwritten and given back. */
void pop3_input_next(struct pop3_input *i, bool response);

#endif
