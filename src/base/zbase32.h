/* SPDX-License-Identifier: ISC */
/* z-base-32 as RFC 6189 section 5.1.6 describes it: the Web Key Directory names keys by it. */
#ifndef BASE_ZBASE32_H
#define BASE_ZBASE32_H

#include "base/buf.h"
#include "base/slice.h"

/* Appends one character for every five bits, the last filled with zeros, no padding. Returns out's sticky error. */
int zbase32_write(struct buf *out, struct slice in);

#endif
