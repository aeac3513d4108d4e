/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/packet.h"

#include <string.h>

#define PARTIAL_FIRST_MIN 512u /* RFC 9580 section 4.2.1.4 */
#define DATA_TYPES \
	(1ull << PGP_COMPRESSED | 1ull << PGP_SED | 1ull << PGP_LITERAL | 1ull << PGP_SEIPD | 1ull << PGP_AEAD_LIBRE)

static bool
is_data(uint8_t type)
{
	return (DATA_TYPES >> type & 1) != 0;
}

/* A length of the OpenPGP format. Returns its octets, 0 when in is cut. */
static size_t
get_length(struct slice in, enum pgp_length *way, uint32_t *len)
{
	uint8_t first = in.len == 0 ? 0 : in.data[0];

	if (in.len == 0)
		return 0;
	*way = first >= 224 && first < 255 ? PGP_LENGTH_PARTIAL : PGP_LENGTH_FIXED;
	if (first < 192) {
		*len = first;
		return 1;
	}
	if (first < 224) {
		if (in.len < 2)
			return 0;
		*len = ((uint32_t)(first - 192) << 8) + in.data[1] + 192;
		return 2;
	}
	if (first < 255) {
		*len = 1u << (first & 0x1f);
		return 1;
	}
	if (in.len < 5)
		return 0;
	*len = (uint32_t)in.data[1] << 24 | (uint32_t)in.data[2] << 16 | (uint32_t)in.data[3] << 8 | in.data[4];
	return 5;
}

static size_t
get_legacy_length(struct slice in, uint8_t kind, uint32_t *len)
{
	size_t size = (size_t)1 << kind;

	if (in.len < size)
		return 0;
	*len = 0;
	for (size_t i = 0; i < size; i++)
		*len = *len << 8 | in.data[i];
	return size;
}

static int
check_length(const struct pgp_header *h, struct error *e)
{
	if (h->length == PGP_LENGTH_PARTIAL && (!is_data(h->type) || h->body < PARTIAL_FIRST_MIN))
		return error_set(
		    e, ERR_SYNTAX, "a packet of type %u begins with a partial length of %u octets", h->type, h->body);
	if (h->length == PGP_LENGTH_INDETERMINATE && !is_data(h->type))
		return error_set(e, ERR_SYNTAX, "a packet of type %u has no length", h->type);
	return 1;
}

int
pgp_header_parse(struct slice in, struct pgp_header *out, struct error *e)
{
	struct pgp_header h = { .length = PGP_LENGTH_FIXED };
	size_t n = 0;
	int rc;

	if (in.len == 0)
		return 0;
	if ((in.data[0] & 0x80) == 0)
		return error_set(e, ERR_SYNTAX, "this is no OpenPGP packet: its first octet is %02x", in.data[0]);
	h.legacy = (in.data[0] & 0x40) == 0;
	h.type = h.legacy ? in.data[0] >> 2 & 15 : in.data[0] & 63;
	if (h.legacy && (in.data[0] & 3) == 3) {
		h.length = PGP_LENGTH_INDETERMINATE;
	} else {
		n = h.legacy ? get_legacy_length(slice_from(in, 1), in.data[0] & 3, &h.body)
			     : get_length(slice_from(in, 1), &h.length, &h.body);
		if (n == 0)
			return 0;
	}
	h.size = (uint8_t)(1 + n);
	rc = check_length(&h, e);
	if (rc > 0)
		*out = h;
	return rc;
}

size_t
pgp_length_put(uint8_t *out, uint32_t len)
{
	if (len < 192) {
		out[0] = (uint8_t)len;
		return 1;
	}
	if (len < 8384) {
		out[0] = (uint8_t)(((len - 192) >> 8) + 192);
		out[1] = (uint8_t)(len - 192);
		return 2;
	}
	out[0] = 255;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(len >> (24 - 8 * i));
	return 5;
}

size_t
pgp_header_put(uint8_t *out, uint8_t type, uint32_t body)
{
	out[0] = 0xc0 | type;
	return 1 + pgp_length_put(out + 1, body);
}

int
pgp_header_write(struct buf *out, uint8_t type, uint32_t body)
{
	uint8_t header[PGP_HEADER_MAX];

	return buf_put(out, header, pgp_header_put(header, type, body));
}

int
pgp_packet_write(struct buf *out, uint8_t type, struct slice body)
{
	(void)pgp_header_write(out, type, (uint32_t)body.len);
	return buf_put_slice(out, body);
}

int
pgp_packet_next(struct slice in, size_t *at, struct pgp_packet *out, struct error *e)
{
	struct slice rest = slice_from(in, *at);
	struct pgp_packet p;
	int rc;

	if (rest.len == 0)
		return 0;
	rc = pgp_header_parse(rest, &p.header, e);
	if (rc < 0)
		return error_set_at(e, rc, *at, "there is no OpenPGP packet at octet %zu", *at);
	if (rc > 0 && p.header.length != PGP_LENGTH_FIXED)
		return error_set_at(
		    e, ERR_SYNTAX, *at, "a packet of type %u stands where only whole packets may", p.header.type);
	if (rc == 0 || rest.len - p.header.size < p.header.body)
		return error_set_at(e, ERR_TRUNCATED, *at, "the packet at octet %zu is cut short", *at);
	p.raw = slice_sub(rest, 0, p.header.size + (size_t)p.header.body);
	p.body = slice_from(p.raw, p.header.size);
	*at += p.raw.len;
	*out = p;
	return 1;
}

/* ---- from a source ---- */

void
pgp_packets_init(struct pgp_packets *p, struct pgp_source in)
{
	*p = (struct pgp_packets){ .in = in };
}

/* Makes sure that piece holds something, or ended is set. */
static int
fill(struct pgp_packets *p, struct error *e)
{
	int rc;

	if (p->piece.len > 0 || p->ended)
		return 0;
	rc = pgp_source_next(p->in, &p->piece, e);
	if (rc == 0 && p->piece.len == 0)
		p->ended = true;
	return rc;
}

static struct slice
take(struct pgp_packets *p, size_t len)
{
	struct slice s = slice_sub(p->piece, 0, len);

	p->piece = slice_from(p->piece, s.len);
	p->offset += s.len;
	return s;
}

static int
cut_short(struct pgp_packets *p, struct error *e)
{
	return error_set_at(e, ERR_TRUNCATED, p->offset, "the data ends in the middle of a packet");
}

/* One octet; 0 when there was one, 1 at the end. */
static int
get_octet(struct pgp_packets *p, uint8_t *out, struct error *e)
{
	int rc = fill(p, e);

	if (rc != 0)
		return rc;
	if (p->piece.len == 0)
		return 1;
	*out = take(p, 1).data[0];
	return 0;
}

int
pgp_packets_next(struct pgp_packets *p, struct pgp_header *out, struct error *e)
{
	uint8_t header[PGP_HEADER_MAX];
	struct slice piece;
	size_t n = 0;
	int rc;

	while (p->open) {
		rc = pgp_packets_body(p, &piece, e);
		if (rc != 0)
			return rc;
	}
	do {
		rc = get_octet(p, &header[n], e);
		if (rc < 0)
			return rc;
		if (rc > 0)
			return n == 0 ? 0 : cut_short(p, e);
		rc = pgp_header_parse(slice_of(header, ++n), out, e);
	} while (rc == 0 && n < sizeof header);
	if (rc <= 0)
		return rc;
	p->open = true;
	p->way = out->length;
	p->left = out->body;
	return 1;
}

/* The length of the next part, behind a part of partial length. */
static int
next_part(struct pgp_packets *p, struct error *e)
{
	uint8_t octets[5];
	uint32_t len;
	size_t n = 0;
	int rc;

	do {
		rc = get_octet(p, &octets[n], e);
		if (rc != 0)
			return rc < 0 ? rc : cut_short(p, e);
		n++;
	} while (get_length(slice_of(octets, n), &p->way, &len) == 0);
	p->left = len;
	return 0;
}

int
pgp_packets_body(struct pgp_packets *p, struct slice *piece_out, struct error *e)
{
	int rc;

	*piece_out = SLICE_EMPTY;
	while (p->open && p->way == PGP_LENGTH_PARTIAL && p->left == 0) {
		rc = next_part(p, e);
		if (rc != 0)
			return rc;
	}
	if (p->open && p->way == PGP_LENGTH_FIXED && p->left == 0)
		p->open = false;
	if (!p->open)
		return 0;
	rc = fill(p, e);
	if (rc != 0)
		return rc;
	if (p->way == PGP_LENGTH_INDETERMINATE) {
		*piece_out = take(p, p->piece.len);
		p->open = piece_out->len > 0;
		return 0;
	}
	if (p->piece.len == 0)
		return cut_short(p, e);
	*piece_out = take(p, size_min(p->piece.len, p->left));
	p->left -= piece_out->len;
	return 0;
}

void
pgp_packets_unget(struct pgp_packets *p, struct slice piece, size_t n)
{
	if (n == 0)
		return;
	p->piece = slice_of(piece.data + piece.len - n, p->piece.len + n);
	p->offset -= n;
	if (p->way != PGP_LENGTH_INDETERMINATE)
		p->left += n;
	p->open = true;
}

int
pgp_packets_get(struct pgp_packets *p, void *out, size_t len, struct error *e)
{
	uint8_t *at = out;
	struct slice piece;
	int rc;

	while (len > 0) {
		rc = pgp_packets_body(p, &piece, e);
		if (rc != 0)
			return rc;
		if (piece.len == 0)
			return error_set_at(e, ERR_TRUNCATED, p->offset, "a packet is shorter than its fields");
		if (piece.len > len) {
			pgp_packets_unget(p, piece, piece.len - len);
			piece.len = len;
		}
		memcpy(at, piece.data, piece.len);
		at += piece.len;
		len -= piece.len;
	}
	return 0;
}

int
pgp_packets_whole(struct pgp_packets *p, size_t max, struct buf *out, struct error *e)
{
	size_t had = out->len;
	struct slice piece;
	int rc;

	for (;;) {
		rc = pgp_packets_body(p, &piece, e);
		if (rc != 0 || piece.len == 0)
			return rc;
		if (piece.len > max - (out->len - had))
			return error_set_at(
			    e, ERR_LIMIT, p->offset, "a packet is larger than the %zu octets that it may have", max);
		if (buf_put_slice(out, piece) != 0)
			return error_set(e, out->err, "there is no room for a packet");
	}
}

static int
body_next(void *ctx, struct slice *piece_out, struct error *e)
{
	return pgp_packets_body(ctx, piece_out, e);
}

struct pgp_source
pgp_packets_source(struct pgp_packets *p)
{
	return (struct pgp_source){ body_next, p };
}
