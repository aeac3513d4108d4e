/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 section 4), as OpenPGP's armor (RFC 9580 section 6), MIME
 * (RFC 2045 section 6.8) and SASL use it. Whole strings by base64_write() and
 * base64_parse(); streams by an encoder, which makes lines, and a decoder,
 * which has three manners of taking what does not belong. Vectorized where the
 * processor can, with tables elsewhere; the results are the same.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define BASE64_LINE_MIME 76u  /* characters; RFC 2045 section 6.8 */
#define BASE64_LINE_ARMOR 64u /* characters; RFC 9580 section 6.2 permits 76, everyone writes 64 */

/* Characters for len octets, padded, without line ends. SIZE_MAX when that overflows. */
size_t base64_length(size_t len);

/* Appends the padded encoding in one line. Returns out's sticky error. */
int base64_write(struct buf *out, struct slice in);

/*
 * Appends the octets of one strict string: no spaces or line ends, padding
 * exactly as it must be, its unused bits zero. ERR_SYNTAX or ERR_TRUNCATED
 * with the offset, ERR_LIMIT, ERR_NOMEM; out then keeps the length it had.
 */
int base64_parse(struct slice text, struct buf *out, struct error *e);

struct base64_encoder {
	const char *eol;     /* "\n" or "\r\n"; static storage */
	uint32_t line_max;   /* characters a line, a multiple of 4; 0 for one endless line */
	uint32_t column;     /* characters in the line now */
	uint8_t pending[3];  /* octets that wait for their group */
	uint8_t pending_len; /* 0, 1, 2 */
};

void base64_encoder_init(struct base64_encoder *c, uint32_t line_max, const char *eol);
/* Appends characters for all whole groups. Returns out's sticky error. */
int base64_encoder_put(struct base64_encoder *c, struct slice in, struct buf *out);
/* The last group, padded, and the last line's end (none when nothing was put). The encoder is then new again. */
int base64_encoder_end(struct base64_encoder *c, struct buf *out);

enum base64_manner {
	BASE64_STRICT,   /* only the alphabet and right padding; anything else stops */
	BASE64_LINES,    /* spaces, tabs, CR and LF are skipped too; armor, PEM */
	BASE64_TOLERANT, /* everything else is skipped and counted (RFC 2045 6.8); padding may stand in the middle */
};

struct base64_decoder {
	enum base64_manner manner;
	uint32_t bits;   /* of the open group */
	uint8_t have;    /* characters in the open group: 0 to 3 */
	uint8_t padding; /* how many '=' must still come */
	bool ended;      /* padding was seen: nothing more can come (not BASE64_TOLERANT) */
	uint64_t faults; /* BASE64_TOLERANT: octets that did not belong, and broken groups */
};

void base64_decoder_init(struct base64_decoder *c, enum base64_manner manner);
/*
 * Appends decoded octets; returns how many octets of in were taken. Fewer than
 * in.len: the next one cannot belong here (for armor: a '=' that starts the
 * checksum line, a '-' of the tail), or out is full (out->err).
 */
size_t base64_decoder_feed(struct base64_decoder *c, struct slice in, struct buf *out);
/* True between groups: what was taken so far is whole. */
bool base64_decoder_whole(const struct base64_decoder *c);
/* ERR_TRUNCATED when a group is open (BASE64_TOLERANT then appends what it holds and returns 0), or out's error. */
int base64_decoder_end(struct base64_decoder *c, struct buf *out, struct error *e);

#endif
