/* SPDX-License-Identifier: ISC */
/*
 * Transfer encodings undone (RFC 2045 section 6) in a stream, and text parts
 * as UTF-8. Tolerant: what does not belong is skipped and counted.
 */
#ifndef MIME_DECODE_H
#define MIME_DECODE_H

#include "base/base64.h"
#include "base/quoted.h"
#include "mime/part.h"

struct mime_decoder {
	enum mime_encoding encoding;
	struct base64_decoder base64;
	struct quoted_decoder quoted;
};

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding);
/* Octets that did not belong, so far. */
uint64_t mime_decoder_faults(const struct mime_decoder *d);
/* Appends decoded octets. Returns out's sticky error. */
int mime_decoder_feed(struct mime_decoder *d, struct slice in, struct buf *out);
int mime_decoder_end(struct mime_decoder *d, struct buf *out);

/* "base64" and so on; MIME_7BIT for an empty name. */
enum mime_encoding mime_encoding_of(struct slice name);

/* A part's body octets in the message; cut when the message is shorter than the tree says. */
struct slice mime_part_body(struct slice message, const struct mime_part *p);
/* Appends a part's decoded body. Returns out's sticky error. */
int mime_part_decode(struct slice message, const struct mime_part *p, struct buf *out);
/*
 * Appends a text part's body decoded and in UTF-8, line ends as LF. An unknown
 * charset is read as UTF-8 when it is that, else as Windows-1252.
 */
int mime_part_text(struct slice message, const struct mime_part *p, struct buf *out);

/*
 * Appends in, text of that charset, as UTF-8. An empty or unknown name: as
 * UTF-8 when it is that, else as Windows-1252.
 */
int mime_charset_text(struct slice charset, struct slice in, struct buf *out);

#endif
