/* SPDX-License-Identifier: ISC */
/*
 * Quoted-printable (RFC 2045 section 6.7), streaming both ways in constant
 * memory.
 *
 * The encoder makes lines of at most 76 characters with CR LF. Text that will
 * be signed must come through mail unchanged (RFC 3156 section 3), so blanks
 * at the end of a line, "From " and a dot at its beginning are encoded too.
 *
 * The decoder takes real mail: lower-case digits, bare LF, blanks behind a
 * soft break, "=" followed by anything. What is no encoding stays as it is and
 * is counted.
 */
#ifndef BASE_QUOTED_H
#define BASE_QUOTED_H

#include "base/buf.h"
#include "base/slice.h"

#define QUOTED_LINE_MAX 76u     /* characters, the soft break's '=' included */
#define QUOTED_BLANKS_MAX 1000u /* blanks at a line's end that are dropped; more of them are taken for text */

enum quoted_content {
	QUOTED_TEXT,   /* CR LF and bare LF are line ends */
	QUOTED_BINARY, /* every octet counts: CR and LF are encoded */
};

struct quoted_encoder {
	enum quoted_content content;
	bool cr;      /* a CR that may become a line end */
	uint8_t len;  /* of line */
	uint8_t last; /* where the last character's text begins in line */
	uint8_t line[QUOTED_LINE_MAX + 4];
};

void quoted_encoder_init(struct quoted_encoder *c, enum quoted_content content);
/* Both return out's sticky error. The end puts no line end of its own; the encoder is then new again. */
int quoted_encoder_put(struct quoted_encoder *c, struct slice in, struct buf *out);
int quoted_encoder_end(struct quoted_encoder *c, struct buf *out);

struct quoted_decoder {
	uint8_t state;
	uint8_t digit;   /* the octet behind '=' */
	uint16_t blanks; /* in pending: they count only when text follows */
	uint64_t faults; /* things that are no quoted-printable */
	uint8_t pending[QUOTED_BLANKS_MAX];
};

void quoted_decoder_init(struct quoted_decoder *c);
/* Line ends come out as they went in. Both return out's sticky error. */
int quoted_decoder_put(struct quoted_decoder *c, struct slice in, struct buf *out);
int quoted_decoder_end(struct quoted_decoder *c, struct buf *out);

#endif
