/* SPDX-License-Identifier: ISC */
/*
 * Writing mail (RFC 5322, RFC 2045 to 2047, RFC 2231). The body goes to a sink
 * piece by piece, so attachments of any size pass through in bounded memory.
 * All lines end with CR LF, have at most 998 octets, and 76 where they are
 * encoded; everything is ASCII, as what will be signed must be (RFC 3156
 * section 3). Time and random octets come from the caller.
 *
 * Nothing from outside can add a field or a line to the header: line ends and
 * other controls in values are refused (ERR_USAGE), in file names replaced.
 */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include "mime/address.h"

struct mime_sink {
	int (*write)(void *ctx, struct slice piece, struct error *e); /* 0 or an error that ends the writing */
	void *ctx;
};

/* A sink that appends to a buf. */
struct mime_sink mime_sink_buf(struct buf *b);

struct mime_attachment {
	struct slice name; /* UTF-8 file name; empty for none */
	struct slice
	    type; /* "image/png"; empty, malformed, multipart and message ones become application/octet-stream */
	struct slice data; /* its octets, when read is NULL */
	/* Reads on: at most room octets into to; *got_out 0 at the end. */
	int (*read)(void *ctx, uint8_t *to, size_t room, size_t *got_out, struct error *e);
	void *ctx;
};

/* A field that the composer does not know. */
struct mime_extra {
	const char *name;   /* a token; not Content-* or MIME-Version */
	struct slice value; /* UTF-8 text; encoded when it must be */
};

#define MIME_RANDOM_LEN 16u /* octets of randomness for boundaries and message-ids */

struct mime_letter {
	struct mime_addresses from, reply_to, to, cc; /* names may be UTF-8 or encoded; groups are refused */
	struct slice subject;                         /* UTF-8 */
	int64_t date;                                 /* unix seconds */
	int16_t zone;                                 /* minutes east of UTC */
	struct slice message_id;                      /* "<...>" */
	const struct slice *in_reply_to;              /* "<...>" each */
	size_t in_reply_to_count;
	const struct slice *references;
	size_t reference_count;
	const struct mime_extra *extra;
	size_t extra_count;
	struct slice text; /* UTF-8; lines end with LF or CRLF */
	const struct mime_attachment *attachments;
	size_t attachment_count;
	uint8_t random[MIME_RANDOM_LEN]; /* boundaries are made of it */
};

/* Appends "<hex of random@domain>". ERR_USAGE when domain cannot stand in one. */
int mime_message_id(struct slice random, struct slice domain, struct buf *out, struct error *e);

/* One header field of a list: name and value as they are written, folded, without the last line end. */
struct mime_written_field {
	struct slice name;
	struct slice value;
};

#define MIME_WRITTEN_MAX 64u

/* The fields of a letter but MIME-Version and Content-*, in their order. */
struct mime_written {
	struct mime_written_field fields[MIME_WRITTEN_MAX];
	size_t count;
};

/*
 * Writes the header fields into the arena, for whoever must repeat them (header
 * protection). ERR_USAGE when something cannot be written, ERR_LIMIT, ERR_NOMEM.
 */
int mime_compose_fields(const struct mime_letter *l, struct arena *a, struct mime_written *out, struct error *e);
/* Appends "Name: value" CRLF for each. */
int mime_written_put(const struct mime_written *w, struct buf *out);

/* What a protected payload has beside the letter's own. */
struct mime_payload {
	struct slice fields; /* header lines that go into the payload's root part, each ended with CRLF */
	struct slice params; /* of its Content-Type: "; hp=\"clear\"", ASCII, folded where it must be */
};

/*
 * Writes the payload: Content-Type and its friends (and p's fields before
 * them), an empty line, the body. No MIME-Version. p may be NULL. Ends with
 * CRLF.
 */
int
mime_compose_payload(const struct mime_letter *l, const struct mime_payload *p, struct mime_sink sink, struct error *e);

/* The whole letter, unprotected. */
int mime_compose(const struct mime_letter *l, struct mime_sink sink, struct error *e);

/* A boundary that no encoded text can hold: "=_" and hex of the random octets and number; appended. */
int mime_boundary_put(struct buf *out, const uint8_t random[MIME_RANDOM_LEN], unsigned number);

#endif
