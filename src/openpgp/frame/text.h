/* SPDX-License-Identifier: ISC */
/*
 * Text with CR LF line ends, as text signatures hash it (RFC 9580 section
 * 5.2.1.2) and literal packets of text hold it (section 5.9). A line feed that
 * has no carriage return before it gets one; all else stays.
 */
#ifndef OPENPGP_TEXT_H
#define OPENPGP_TEXT_H

#include "base/slice.h"

/* Between pieces; zeros at the beginning. */
struct pgp_text {
	bool after_cr; /* the last octet was a carriage return */
};

/*
 * Takes octets off the front of *in and writes them with CR LF to out, which has
 * room for at least two. Returns how many octets it wrote; *in is empty when all
 * were taken.
 */
size_t pgp_text_convert(struct pgp_text *t, struct slice *in, uint8_t *out, size_t room);

#endif
