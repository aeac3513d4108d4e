/* SPDX-License-Identifier: ISC */
/*
 * For mime and mailauth: the lexical tokens that structured fields share (RFC 5322
 * section 3.2), as a cursor over a value that is still folded. Comments are
 * counted, not recursed into; an open comment or quote reaches to the end.
 */
#ifndef MIME_LEX_H
#define MIME_LEX_H

#include "base/buf.h"
#include "base/slice.h"

struct mime_lex {
	struct slice in;
	size_t at;
	struct slice comment; /* the last comment that was passed over, without its parentheses */
	bool broken;          /* an open comment or quote */
};

/* The next octet, or -1 at the end. */
static inline int
mime_lex_peek(const struct mime_lex *l)
{
	return l->at < l->in.len ? l->in.data[l->at] : -1;
}

static inline bool
mime_is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Passes over spaces, line ends and comments; true when there were any. */
bool mime_lex_skip(struct mime_lex *l);
/* Appends the content of the quoted string that begins here ('"' is next), line ends dropped. */
void mime_lex_quoted(struct mime_lex *l, struct buf *out);
/* Appends s with quoted pairs undone and line ends dropped. */
void mime_lex_unescape(struct slice s, struct buf *out);

/* RFC 2045 token and RFC 5322 atext; octets above 127 count as atext only. */
bool mime_is_token(int c);
bool mime_is_atext(int c);
/* Appends s in quotes, '"' and '\' escaped, controls as spaces. */
void mime_put_quoted(struct slice s, struct buf *out);

#endif
