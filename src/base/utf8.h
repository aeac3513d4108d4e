/* SPDX-License-Identifier: ISC */
/*
 * UTF-8 (RFC 3629): strict decoding (no overlong forms, no surrogates, nothing
 * over U+10FFFF), repair of what is broken, comparison without regard to case,
 * and the columns that text takes on a terminal.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/slice.h"

#define UTF8_REPLACEMENT 0xfffdu

bool utf8_valid(struct slice in);
bool utf8_is_ascii(struct slice in);

/*
 * The code point at the front of in: returns its length, 1 to 4 octets, and
 * sets *point_out. 0 when in is empty or the front is malformed.
 */
size_t utf8_decode(struct slice in, uint32_t *point_out);

/* How many octets of a malformed front one replacement character stands for (Unicode 3.9, maximal subpart): at least 1. */
size_t utf8_malformed_length(struct slice in);

/* Appends a code point; what is no scalar value becomes U+FFFD. Returns out's sticky error. */
int utf8_put(struct buf *out, uint32_t point);
/* Appends in with U+FFFD in place of what is malformed. */
int utf8_put_repaired(struct buf *out, struct slice in);

/*
 * Appends in folded for comparison: each code point becomes the lower case of
 * its upper case (simple mappings of Unicode, one point to one point), so that
 * e.g. the two Greek small sigmas agree. Malformed octets stay as they are.
 */
int utf8_fold(struct buf *out, struct slice in);
/* True when needle occurs in hay, both as they come from utf8_fold(). */
bool utf8_fold_contains(struct slice hay, struct slice needle_folded);

/*
 * Appends in in Normalization Form C: what is the same character however it is
 * put together becomes the same octets. ERR_SYNTAX: in is not UTF-8.
 */
int utf8_normalize(struct buf *out, struct slice in);

/* Columns on a terminal: 0 for combining marks, 2 for wide characters. Malformed octets and controls count 1. */
size_t utf8_columns(struct slice in);
/* The longest front of in that is whole characters and takes at most so many columns. */
struct slice utf8_cut_columns(struct slice in, size_t columns);
/* The longest front of at most len octets that does not end inside a character. */
struct slice utf8_cut_octets(struct slice in, size_t len);

#endif
