/* SPDX-License-Identifier: ISC */
/*
 * Inside header and part: what one line of a header block is, decided octet by
 * octet and at the latest after MIME_FIELD_NAME_MAX of them.
 */
#ifndef MIME_HEADER_LINE_H
#define MIME_HEADER_LINE_H

#include "base/slice.h"
#include "mime/limits.h"

enum header_line {
	LINE_START,
	LINE_NAME,
	LINE_NAME_SPACE, /* obs-optional: spaces before the colon */
	LINE_FROM_SPACE, /* a first line "From ": a field or mbox, the next octet says */
	LINE_CR,
	/* decided: */
	LINE_FIELD,
	LINE_CONTINUATION,
	LINE_MBOX,
	LINE_EMPTY,
	LINE_OTHER, /* the block ended before it */
};

struct header_line_at {
	enum header_line state;
	uint64_t position; /* of the next octet in the line */
	unsigned from;     /* how much of "From" matched */
	bool first;        /* it is the block's first line */
	bool any;          /* a field stands before it */
};

/* The state after octet c; decided states stay. */
enum header_line header_line_step(struct header_line_at *at, uint8_t c);
/* The whole line, with or without its line end; decided always. */
enum header_line header_line_of(struct slice line, bool first, bool any);
/* Octets of the line at the front of in, its LF included; all of in when there is none. */
size_t header_line_length(struct slice in);
/* 2 for CRLF at the line's end, 1 for LF, 0 without. */
size_t header_line_eol(struct slice line);

#endif
