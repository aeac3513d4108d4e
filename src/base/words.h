/* SPDX-License-Identifier: ISC */
/*
 * The PGP word list: octets as words that are heard right over a telephone.
 * Those in even places (the first, the third, ...) are words of two syllables,
 * the others of three, so that a word left out or two exchanged are noticed.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/buf.h"
#include "base/slice.h"

extern const char *const words_table[256][2];

/* Appends a word for each octet, with spaces between. Returns out's error. */
int words_write(struct buf *out, struct slice octets);
/*
 * The octets of words, without regard to case, with spaces, hyphens or line ends between. False, and out may have some,
 * when a word is unknown or in the wrong kind of place.
 */
bool words_read(struct slice text, struct buf *out);

#endif
