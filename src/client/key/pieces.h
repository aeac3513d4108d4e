/* SPDX-License-Identifier: ISC */
/*
 * Octets on paper. As pieces, each the text of one QR code, in any order:
 *
 *	LLBACKUP1/CHECK/TOTAL/N/DATA
 *
 * and as lines that a person can type, in any order too:
 *
 *	N CHECK DATA.. DATA.. ...  LINECHECK		(line 0: TOTAL in place of DATA)
 *
 * DATA is base32, PIECE_OCTETS or LINE_OCTETS of the whole but for the last; N
 * counts from 1. CHECK is the CRC-32C of the whole as eight hexadecimal digits:
 * pieces of two papers are never mixed, and nothing comes out that is not what
 * went in. LINECHECK, two characters of base32 of the line's CRC-32C, says in
 * which line something was mistyped.
 *
 * Limits: PIECES_OCTETS_MAX of the whole.
 */
#ifndef CLIENT_KEY_PIECES_H
#define CLIENT_KEY_PIECES_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define PIECE_OCTETS 250u /* makes QR codes of version 13 at level M: 69 modules, which a bad scanner reads */
#define PIECES_MAX 99u
#define PIECES_OCTETS_MAX (PIECE_OCTETS * PIECES_MAX)
#define PIECES_LINE_OCTETS 25u
#define PIECES_LINES_MAX (PIECES_OCTETS_MAX / PIECES_LINE_OCTETS + 1)

/* ---- writing ---- */

size_t pieces_count(size_t octets); /* 0 when that is too much for paper */
/* Appends the n-th piece's text, from 1. Returns out's error. */
int pieces_write(struct slice whole, size_t n, struct buf *out);
/* Appends all lines. Returns out's error. */
int pieces_write_lines(struct slice whole, struct buf *out);

/* ---- reading ---- */

/* Begins as zeros. */
struct pieces {
	bool begun;
	bool typed; /* lines, not codes */
	uint32_t check;
	size_t total; /* pieces, or lines but for line 0; 0: not known yet */
	size_t have;
	struct buf data[PIECES_LINES_MAX + 1]; /* by number */
};

/*
 * Takes one code's text. One that is none of a backup's is passed over
 * (*taken_out false). ERR_SYNTAX when it is damaged, ERR_USAGE when it is of another
 * backup than those before, ERR_LIMIT, ERR_NOMEM.
 */
int pieces_take(struct pieces *p, struct slice text, bool *taken_out, struct error *e);
/* Takes one typed line likewise; the sentence says which line it was. */
int pieces_take_line(struct pieces *p, struct slice line, bool *taken_out, struct error *e);
/* Appends the whole. ERR_TRUNCATED with what is missing, ERR_INTEGRITY when it is not what was written. */
int pieces_finish(const struct pieces *p, struct buf *out, struct error *e);
void pieces_done(struct pieces *p);

#endif
