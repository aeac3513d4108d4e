/* SPDX-License-Identifier: ISC */
/*
 * Modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501 5.1.3).
 * Inside the program names are UTF-8.
 */
#ifndef IMAP_MUTF7_H
#define IMAP_MUTF7_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends the name in modified UTF-7. ERR_SYNTAX when in is not UTF-8; out then keeps the length it had. */
int imap_mutf7_write(struct buf *out, struct slice in, struct error *e);

/*
 * Appends the name in UTF-8. Strict, so that every name has one form: 8-bit
 * octets, superfluous or open shifts, printable ASCII in base64, wrong padding
 * bits and lone surrogates are ERR_SYNTAX with the offset; out then keeps the
 * length it had.
 */
int imap_mutf7_parse(struct buf *out, struct slice in, struct error *e);

#endif
