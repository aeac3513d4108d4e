/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/armor.h"

#include <string.h>

#include "base/mem.h"
#include "openpgp/frame/armor_names.h"

#define LINE_MAX_OCTETS 2048u      /* of a line outside the base64 that is looked at; longer ones are no armor line */
#define TEXT_BEFORE_MAX (1u << 20) /* octets in front of the block */
#define CHECKSUM_LENGTH 5u         /* '=' and four characters */
#define STEP (128u << 10)          /* characters decoded for one piece */
#define OUT_MAX (256u << 10)

enum state { START, MARK, BINARY, SEEK, HEADERS, BODY, CHECKSUM, TAIL, AFTER };

struct pgp_armor_reader {
	struct pgp_source in;
	struct slice piece; /* what is left of the source's last piece */
	uint64_t offset;
	enum state state;
	enum pgp_armor_kind kind;
	bool several; /* stop behind the first block instead of refusing a second */
	bool end;     /* of the source */
	bool in_line; /* of base64: its line has characters already */
	bool cut;     /* the line was longer than what is kept of it */
	uint8_t mark; /* octets of a byte order mark that were seen */
	struct base64_decoder decoder;
	struct buf line; /* an unfinished line */
	struct buf out;
};

static const uint8_t byte_order_mark[] = { 0xef, 0xbb, 0xbf };

static int
fill(struct pgp_armor_reader *r, struct error *e)
{
	int rc;

	if (r->piece.len > 0 || r->end)
		return 0;
	rc = pgp_source_next(r->in, &r->piece, e);
	r->end = rc == 0 && r->piece.len == 0;
	return rc;
}

static void
take(struct pgp_armor_reader *r, size_t len)
{
	r->piece = slice_from(r->piece, len);
	r->offset += len;
}

/*
 * Gathers one line without its end in r->line, of which only LINE_MAX_OCTETS
 * are kept. 1 when there is one, 0 at the end of the input.
 */
static int
get_line(struct pgp_armor_reader *r, struct error *e)
{
	bool any = false;
	int rc;

	buf_clear(&r->line);
	r->cut = false;
	for (;;) {
		struct slice part;
		size_t lf;

		rc = fill(r, e);
		if (rc != 0)
			return rc;
		if (r->piece.len == 0)
			return any;
		any = true;
		lf = slice_find(r->piece, '\n');
		part = lf == SIZE_MAX ? r->piece : slice_sub(r->piece, 0, lf);
		r->cut = r->cut || part.len > LINE_MAX_OCTETS - r->line.len;
		if (buf_put_slice(&r->line, slice_sub(part, 0, LINE_MAX_OCTETS - r->line.len)) != 0)
			return error_nomem(e);
		take(r, part.len + (lf == SIZE_MAX ? 0 : 1));
		/* a line without end, of what is no armor at all, is not waited for */
		if (lf != SIZE_MAX || (r->state == SEEK && r->offset > TEXT_BEFORE_MAX))
			return 1;
	}
}

/* "-----BEGIN PGP MESSAGE-----" gives its kind; anything else PGP_ARMOR_NONE. "MESSAGE, PART n" is not taken. */
static enum pgp_armor_kind
border_kind(struct slice line, const char *word)
{
	struct slice start = slice_str(word);

	line = slice_trim(line);
	if (!slice_starts(line, start) || !slice_ends(line, SLICE("-----")) || line.len < start.len + 5)
		return PGP_ARMOR_NONE;
	line = slice_sub(line, start.len, line.len - start.len - 5);
	for (int i = PGP_ARMOR_MESSAGE; i < PGP_ARMOR_COUNT; i++) {
		if (slice_eq_str(line, pgp_armor_names[i]))
			return (enum pgp_armor_kind)i;
	}
	return PGP_ARMOR_NONE;
}

/* Of a message in several mails each has its own armor (RFC 4880 section 6.2); nobody has made any for decades. */
static int
refuse_parts(struct pgp_armor_reader *r, struct error *e)
{
	struct slice line = slice_trim(buf_slice(&r->line));

	if (!slice_starts(line, SLICE("-----BEGIN PGP MESSAGE, PART ")))
		return 0;
	return error_set_at(e, ERR_UNSUPPORTED, r->offset,
	    "this is one part of a message that was split over several mails: put the parts together first");
}

static int
at_start(struct pgp_armor_reader *r, struct error *e)
{
	int rc = fill(r, e);

	if (rc != 0)
		return rc;
	if (r->piece.len > 0 && r->piece.data[0] == byte_order_mark[0])
		r->state = MARK;
	else
		r->state = r->piece.len > 0 && (r->piece.data[0] & 0x80) != 0 ? BINARY : SEEK;
	return 0;
}

/* Some editors put U+FEFF in front of text. Its first octet could be a packet, too: then it is given out. */
static int
at_mark(struct pgp_armor_reader *r, struct error *e)
{
	int rc = fill(r, e);

	if (rc != 0)
		return rc;
	if (r->piece.len > 0 && r->piece.data[0] == byte_order_mark[r->mark]) {
		take(r, 1);
		if (++r->mark == sizeof byte_order_mark)
			r->state = SEEK;
		return 0;
	}
	r->state = BINARY;
	return buf_put(&r->out, byte_order_mark, r->mark) == 0 ? 0 : error_nomem(e);
}

static int
at_seek(struct pgp_armor_reader *r, struct error *e)
{
	int rc = get_line(r, e);

	if (rc < 0)
		return rc;
	r->kind = border_kind(buf_slice(&r->line), "-----BEGIN PGP ");
	if (r->kind != PGP_ARMOR_NONE)
		r->state = HEADERS;
	else if (refuse_parts(r, e) != 0)
		return ERR_UNSUPPORTED;
	else if (rc == 0 || r->offset > TEXT_BEFORE_MAX)
		return error_set_at(e, ERR_SYNTAX, 0, "this is neither an OpenPGP object nor armor that holds one");
	return 0;
}

/* A header has a colon, base64 has none: a line without one begins the body even where the blank line is missing. */
static int
at_headers(struct pgp_armor_reader *r, struct error *e)
{
	int rc = get_line(r, e);
	struct slice line = slice_trim(buf_slice(&r->line));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set_at(e, ERR_TRUNCATED, r->offset, "the armor ends behind its header line");
	if (line.len == 0) {
		r->state = BODY;
	} else if (line.data[0] == '-') {
		return error_set_at(e, ERR_SYNTAX, r->offset, "the armor is empty");
	} else if (slice_find(line, ':') == SIZE_MAX) {
		r->state = BODY;
		if (r->cut || base64_decoder_feed(&r->decoder, line, &r->out) < line.len)
			return error_set_at(
			    e, ERR_SYNTAX, r->offset, "the armor has a line that is neither header nor base64");
	}
	return 0;
}

/* Keeps account of whether the line that the decoder is in has characters. */
static void
note_line(struct pgp_armor_reader *r, struct slice taken)
{
	while (taken.len > 0) {
		uint8_t c = taken.data[--taken.len];

		if (c != ' ' && c != '\t' && c != '\r') {
			r->in_line = c != '\n';
			return;
		}
	}
}

/* What stopped the decoder in the middle of a piece. */
static int
after_body(struct pgp_armor_reader *r, struct error *e)
{
	uint8_t c = r->piece.data[0];

	if ((c != '=' && c != '-') || !base64_decoder_whole(&r->decoder))
		return error_set_at(
		    e, ERR_SYNTAX, r->offset, "the armor is damaged: it has an octet %02x that is no base64", c);
	r->state = c == '=' ? CHECKSUM : TAIL;
	return 0;
}

static int
at_body(struct pgp_armor_reader *r, struct error *e)
{
	struct slice part;
	size_t n;
	int rc = fill(r, e);

	if (rc != 0)
		return rc;
	if (r->piece.len == 0)
		return error_set_at(e, ERR_TRUNCATED, r->offset, "the armor is cut short: its last line is missing");
	part = slice_sub(r->piece, 0, STEP);
	n = base64_decoder_feed(&r->decoder, part, &r->out);
	note_line(r, slice_sub(part, 0, n));
	take(r, n);
	if (r->out.err != 0)
		return error_set(e, r->out.err, "there is no memory for armor");
	return n < part.len ? after_body(r, e) : 0;
}

static int
at_checksum(struct pgp_armor_reader *r, struct error *e)
{
	uint64_t at = r->offset;
	int rc = get_line(r, e); /* RFC 9580 section 6.1: present, missing, malformed or wrong, it decides nothing */

	/* Behind base64 in the same line it must at least look like one: a lone '=' is padding that is too long. */
	if (rc >= 0 && r->in_line && slice_trim(buf_slice(&r->line)).len != CHECKSUM_LENGTH)
		return error_set_at(e, ERR_SYNTAX, at, "the armor is damaged: its base64 ends in too many '='");
	r->state = TAIL;
	return rc < 0 ? rc : 0;
}

static int
at_tail(struct pgp_armor_reader *r, struct error *e)
{
	int rc = get_line(r, e);

	if (rc < 0)
		return rc;
	if (rc > 0 && slice_trim(buf_slice(&r->line)).len == 0)
		return 0;
	if (rc == 0)
		return error_set_at(e, ERR_TRUNCATED, r->offset, "the armor is cut short: its last line is missing");
	if (border_kind(buf_slice(&r->line), "-----END PGP ") != r->kind)
		return error_set_at(e, ERR_SYNTAX, r->offset, "the armor does not end as it began");
	r->state = AFTER;
	r->end = r->end || r->several;
	return 0;
}

static int
at_after(struct pgp_armor_reader *r, struct error *e)
{
	int rc = get_line(r, e);

	if (rc > 0 && slice_starts(slice_trim(buf_slice(&r->line)), SLICE("-----BEGIN PGP ")))
		return error_set_at(
		    e, ERR_SYNTAX, r->offset, "a second armored block follows the first: give one at a time");
	return rc < 0 ? rc : 0;
}

static int
at_binary(struct pgp_armor_reader *r, struct error *e)
{
	return fill(r, e);
}

static int (*const steps[])(struct pgp_armor_reader *, struct error *) = {
	[START] = at_start,
	[MARK] = at_mark,
	[BINARY] = at_binary,
	[SEEK] = at_seek,
	[HEADERS] = at_headers,
	[BODY] = at_body,
	[CHECKSUM] = at_checksum,
	[TAIL] = at_tail,
	[AFTER] = at_after,
};

static int
reader_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pgp_armor_reader *r = ctx;
	int rc;

	*piece_out = SLICE_EMPTY;
	buf_clear(&r->out);
	while (r->out.len == 0) {
		if (r->state == AFTER && r->end)
			return 0;
		rc = steps[r->state](r, e);
		if (rc != 0)
			return rc;
		if (r->state == BINARY && r->out.len == 0) {
			*piece_out = r->piece;
			take(r, r->piece.len);
			if (piece_out->len > 0 || r->end)
				return 0;
		}
	}
	*piece_out = buf_slice(&r->out);
	return 0;
}

static void
reader_init(struct pgp_armor_reader *r, struct pgp_source in)
{
	*r = (struct pgp_armor_reader){ .in = in };
	buf_init(&r->line, LINE_MAX_OCTETS);
	buf_init(&r->out, OUT_MAX);
	base64_decoder_init(&r->decoder, BASE64_LINES);
}

int
pgp_armor_reader_new(struct pgp_source in, struct pgp_armor_reader **out, struct error *e)
{
	struct pgp_armor_reader *r = mem_alloc(sizeof *r);

	if (r == NULL)
		return error_nomem(e);
	reader_init(r, in);
	*out = r;
	return 0;
}

static void
reader_done(struct pgp_armor_reader *r)
{
	buf_done(&r->line);
	buf_done(&r->out);
}

void
pgp_armor_reader_free(struct pgp_armor_reader *r)
{
	if (r == NULL)
		return;
	reader_done(r);
	mem_free(r);
}

struct pgp_source
pgp_armor_reader_source(struct pgp_armor_reader *r)
{
	return (struct pgp_source){ reader_next, r };
}

enum pgp_armor_kind
pgp_armor_reader_kind(const struct pgp_armor_reader *r)
{
	return r->kind;
}

/* Whether a further block begins at all, so that text behind the last one is no error. */
static bool
block_begins(struct slice text)
{
	while (text.len > 0) {
		struct slice line = slice_split(text, '\n', &text);

		if (border_kind(slice_sub(line, 0, LINE_MAX_OCTETS), "-----BEGIN PGP ") != PGP_ARMOR_NONE)
			return true;
	}
	return false;
}

int
pgp_armor_parse(struct slice text, size_t *at, enum pgp_armor_kind *kind_out, struct buf *out, struct error *e)
{
	struct slice rest = slice_from(text, *at), piece;
	struct pgp_armor_reader r;
	int rc;

	if (!block_begins(rest))
		return 0;
	reader_init(&r, pgp_source_slice(&rest));
	r.state = SEEK;
	r.several = true;
	do {
		rc = reader_next(&r, &piece, e);
		if (rc == 0 && buf_put_slice(out, piece) != 0)
			rc = error_set(e, out->err, "there is no room for what the armor holds");
	} while (rc == 0 && piece.len > 0);
	if (rc == 0) {
		*at += (size_t)r.offset;
		*kind_out = r.kind;
	}
	reader_done(&r);
	return rc == 0 ? 1 : rc;
}

bool
pgp_armor_looks_armored(struct slice in)
{
	in = slice_trim(in);
	return in.len > 0 && (in.data[0] & 0x80) == 0;
}
