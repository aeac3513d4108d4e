/* SPDX-License-Identifier: ISC */
/*
 * The tree of a message's parts (RFC 2046) with offsets into its raw octets.
 *
 * The parser is fed the message in pieces of any size and holds only header
 * blocks and the front of one line, so a mail of any size costs bounded memory:
 *
 *	mime_parser_init(&p, &arena);
 *	while (more) mime_parser_feed(&p, piece);
 *	mime_parser_end(&p, &root, &e);
 *	mime_parser_done(&p);
 *
 * or mime_parse() for a message in memory. The same octets give the same tree
 * however they are cut. What lives in the tree lives in the arena. Depth,
 * number of parts and header octets are bounded (limits.h): a part over a bound
 * is a leaf "application/octet-stream" with `cut` set, and its octets are those
 * of the body, nothing is lost.
 *
 * Delimiter lines must match a boundary as a whole, but for trailing spaces
 * (RFC 2046 5.1.1), the innermost open multipart first: boundaries that are
 * prefixes of each other do not confuse. A multipart without its last
 * delimiter ends where its parent does. The line end before a delimiter
 * belongs to the delimiter.
 */
#ifndef MIME_PART_H
#define MIME_PART_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mime/header.h"
#include "mime/limits.h"
#include "mime/param.h"

enum mime_encoding {
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_ENCODING_OTHER, /* read as it is, shown as a file */
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* children: its parts, perhaps none */
	MIME_MESSAGE,   /* message/rfc822 or message/global: one child, the message's own root */
};

struct mime_part {
	struct mime_part *parent;
	struct mime_part *child; /* first */
	struct mime_part *next;  /* sister */
	enum mime_kind kind;
	uint32_t number; /* 1, 2, ... among its sisters; 1 for a root */
	uint32_t depth;  /* 0 for the root */
	bool cut;        /* over a bound: a leaf though it says otherwise */
	bool closed;     /* multipart: the last delimiter was there */

	uint64_t header;     /* offset of the header block */
	uint64_t header_len; /* octets, the empty line included */
	uint64_t body;       /* = header + header_len */
	uint64_t body_len;
	uint64_t body_lines; /* line ends in the body, and one for a last line without */

	struct mime_header fields;     /* of this block; slices into the arena */
	struct slice block;            /* the block's octets (at most MIME_HEADER_MAX of them), in the arena */
	struct mime_value type;        /* Content-Type; value as it counts: defaults and cuts applied */
	struct slice media;            /* "text" of type.value */
	struct slice subtype;          /* "plain" */
	bool type_given;               /* a Content-Type was there and could be read */
	struct mime_value disposition; /* value empty when not given */
	enum mime_encoding encoding;
	struct slice encoding_name; /* as written, trimmed; empty when not given */
};

struct mime_parser_state;

struct mime_parser {
	struct mime_parser_state *state; /* NULL when there was no memory */
	int err;
};

/* The arena needs a budget of MIME_ARENA_MAX to hold any message; a smaller one gives ERR_LIMIT with large messages. */
void mime_parser_init(struct mime_parser *p, struct arena *a);
/* Returns 0 or the sticky error (ERR_NOMEM, ERR_LIMIT of the arena). */
int mime_parser_feed(struct mime_parser *p, struct slice piece);
int mime_parser_end(struct mime_parser *p, struct mime_part **root_out, struct error *e);
void mime_parser_done(struct mime_parser *p); /* the tree stays in the arena */

int mime_parse(struct slice message, struct arena *a, struct mime_part **root_out, struct error *e);

/* The part after this one, parents before children; NULL after the last. */
struct mime_part *mime_part_walk(const struct mime_part *root, const struct mime_part *part);

/* type/subtype in any case, e.g. "text/plain"; "text/" followed by nothing matches all of text. */
bool mime_part_is(const struct mime_part *p, const char *type);

/*
 * The name for saving: filename of Content-Disposition, else name of
 * Content-Type; UTF-8, without folders, controls and leading dots, at most 200
 * octets. Appends nothing when there is none. Returns out's sticky error.
 */
int mime_part_filename(const struct mime_part *p, struct buf *out);

/* True when a person should see it as a file: disposition attachment, or a leaf that is no text. */
bool mime_part_is_attachment(const struct mime_part *p);

#endif
