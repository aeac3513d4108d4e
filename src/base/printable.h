/* SPDX-License-Identifier: ISC */
/*
 * Text of strangers, made harmless before a person or a log sees it. Controls,
 * escape sequences, direction overrides, invisible characters and malformed
 * UTF-8 come out as \xNN or \u{NNNN}; a backslash comes out as \\ where the
 * result must be unambiguous (PRINTABLE_LOG).
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/buf.h"
#include "base/slice.h"

enum printable_use {
	PRINTABLE_LINE, /* one line on a terminal: UTF-8 stays; tabs and line ends become spaces */
	PRINTABLE_TEXT, /* running text on a terminal: LF and tab stay, CR LF becomes LF */
	PRINTABLE_LOG,  /* inside double quotes in a log: ASCII only, '"' and '\' escaped */
};

/* Appends in; at most max octets of result, then "..." (within max). Returns out's sticky error. */
int printable_put(struct buf *out, struct slice in, enum printable_use use, size_t max);

/* True when the text needs no escape and no quotes in a log: letters, digits and ._:/@+-=[]<>, not empty. */
bool printable_is_plain(struct slice in);

#endif
