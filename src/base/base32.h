/* SPDX-License-Identifier: ISC */
/* Base32 (RFC 4648 section 6): capitals and digits that are typed and fit into small QR codes. Without padding. */
#ifndef BASE_BASE32_H
#define BASE_BASE32_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends. Returns out's sticky error. */
int base32_write(struct buf *out, struct slice in);
/*
 * Appends the octets of text, of either case; spaces and line ends are passed over, and 0, 1 and 8, which are no
 * digits of it, are read as the letters that they look like: O, I and B. ERR_SYNTAX with the offset, also for a number
 * of characters that nothing ends with or bits left over that are not zero; ERR_LIMIT, ERR_NOMEM.
 */
int base32_parse(struct slice text, struct buf *out, struct error *e);

#endif
