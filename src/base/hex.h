/* SPDX-License-Identifier: ISC */
/*
 * Hexadecimal text (RFC 4648 section 8): two digits an octet, as fingerprints
 * and pins are shown.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends 2 * in.len digits. Returns out's sticky error (0, ERR_LIMIT, ERR_NOMEM). */
int hex_write(struct buf *out, struct slice in);       /* 0-9a-f */
int hex_write_upper(struct buf *out, struct slice in); /* 0-9A-F */

/* The value of one digit of either case, or -1. */
int hex_digit(uint8_t c);

/*
 * Appends the octets that text stands for. Strict: digits of either case and
 * nothing else, an even number of them. ERR_SYNTAX with the offset of the first
 * wrong character; out then keeps the length it had. ERR_LIMIT, ERR_NOMEM.
 */
int hex_parse(struct slice text, struct buf *out, struct error *e);

/*
 * The same for fingerprints and pins that people type or copy: spaces, tabs,
 * colons and a leading "0x" are skipped.
 */
int hex_parse_loose(struct slice text, struct buf *out, struct error *e);

#endif
