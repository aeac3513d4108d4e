/* SPDX-License-Identifier: ISC */
#include "net/dns_packet.h"

#include <string.h>

#include "base/reader.h"

#define HEADER_SIZE 12u
#define FLAG_RESPONSE 0x8000u
#define POINTER 0xc0u
#define CLASS_IN 1u

/* An uncompressed name. */
struct name {
	uint8_t octets[DNS_NAME_MAX];
	size_t len;
};

struct record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t at, len; /* of its RDATA in the packet */
};

static int
broken(struct error *e)
{
	return error_set(e, ERR_SYNTAX, "the answer is no DNS packet");
}

/* Where a name is being read. Pointers must lead back, each further than the last: no chain of them is endless. */
struct cursor {
	size_t at, limit;
	size_t after; /* the first pointer; 0: none yet */
};

static int
follow(struct slice packet, struct cursor *c)
{
	size_t to;

	if (packet.len - c->at < 2)
		return ERR_SYNTAX;
	to = (size_t)(packet.data[c->at] & ~POINTER) << 8 | packet.data[c->at + 1];
	if (to >= c->limit)
		return ERR_SYNTAX;
	if (c->after == 0)
		c->after = c->at + 2;
	c->at = c->limit = to;
	return 0;
}

/* The name at *at, which moves behind it. */
static int
read_name(struct slice packet, size_t *at, struct name *out)
{
	struct cursor c = { .at = *at, .limit = *at };
	uint8_t len;

	out->len = 0;
	do {
		if (c.at >= packet.len)
			return ERR_SYNTAX;
		len = packet.data[c.at];
		if ((len & POINTER) == POINTER) {
			if (follow(packet, &c) != 0)
				return ERR_SYNTAX;
			continue;
		}
		if ((len & POINTER) != 0 || packet.len - c.at < 1u + len || out->len + 1u + len > DNS_NAME_MAX)
			return ERR_SYNTAX;
		memcpy(out->octets + out->len, packet.data + c.at, 1u + len);
		out->len += 1u + len;
		c.at += 1u + len;
	} while (len != 0);
	*at = c.after != 0 ? c.after : c.at;
	return 0;
}

/* RFC 4343: ASCII case is ignored. Lengths are below 64, so that no case changes them. */
static bool
names_equal(const struct name *a, const struct name *b)
{
	return slice_ieq(slice_of(a->octets, a->len), slice_of(b->octets, b->len));
}

static int
read_record(struct slice packet, size_t *at, struct record *out)
{
	struct reader r;

	if (read_name(packet, at, &out->owner) != 0)
		return ERR_SYNTAX;
	r = reader_of(slice_from(packet, *at));
	out->type = reader_get_u16(&r);
	out->class = reader_get_u16(&r);
	out->ttl = reader_get_u32(&r);
	out->len = reader_get_u16(&r);
	if (r.err != 0 || reader_left(&r) < out->len)
		return ERR_SYNTAX;
	out->at = *at + 10;
	*at = out->at + out->len;
	return 0;
}

/* ---- RDATA ---- */

/* The types whose names may be compressed (RFC 3597 section 4, with SRV, which receivers must bear). */
static const struct shape {
	uint16_t type;
	uint8_t before, names; /* octets, then names; what is behind is copied */
} shapes[] = { { 2, 0, 1 }, { DNS_CNAME, 0, 1 }, { 6, 0, 2 }, { DNS_PTR, 0, 1 }, { DNS_MX, 2, 1 }, { DNS_SRV, 6, 1 } };

static int
put_rdata(struct slice packet, const struct record *r, const struct shape *shape, struct buf *out)
{
	size_t at = r->at + shape->before, end = r->at + r->len;
	struct slice whole = slice_sub(packet, 0, end);

	if (shape->before > r->len)
		return ERR_SYNTAX;
	(void)buf_put(out, packet.data + r->at, shape->before);
	for (unsigned i = 0; i < shape->names; i++) {
		struct name name;

		if (read_name(whole, &at, &name) != 0)
			return ERR_SYNTAX;
		(void)buf_put(out, name.octets, name.len);
	}
	(void)buf_put_slice(out, slice_from(whole, at));
	return shape->names == 1 && at != end ? ERR_SYNTAX : 0;
}

static const struct shape *
shape_of(uint16_t type)
{
	static const struct shape plain = { 0, 0, 0 };

	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return &plain;
}

/* ---- the answer section ---- */

struct section {
	struct slice packet;
	size_t at;
	unsigned count;
	struct name name; /* whose records are looked for */
	uint32_t ttl;
};

static int
open_packet(struct slice packet, struct section *out, uint32_t *rcode_out)
{
	struct reader r = reader_of(packet);
	uint16_t flags, questions;

	(void)reader_get_u16(&r);
	flags = reader_get_u16(&r);
	questions = reader_get_u16(&r);
	out->count = reader_get_u16(&r);
	if (r.err != 0 || packet.len < HEADER_SIZE || (flags & FLAG_RESPONSE) == 0 || questions != 1)
		return ERR_SYNTAX;
	*rcode_out = flags & 15u;
	out->packet = packet;
	out->at = HEADER_SIZE;
	if (read_name(packet, &out->at, &out->name) != 0 || packet.len - out->at < 4)
		return ERR_SYNTAX;
	out->at += 4;
	out->ttl = UINT32_MAX;
	return 0;
}

/* 1: the name is another's alias, which it is now; 0: it is not. */
static int
find_alias(struct section *s)
{
	size_t at = s->at;

	for (unsigned i = 0; i < s->count; i++) {
		struct record r;

		if (read_record(s->packet, &at, &r) != 0)
			return ERR_SYNTAX;
		if (r.type != DNS_CNAME || r.class != CLASS_IN || !names_equal(&r.owner, &s->name))
			continue;
		if (r.ttl < s->ttl)
			s->ttl = r.ttl;
		return read_name(slice_sub(s->packet, 0, r.at + r.len), &r.at, &s->name) != 0 ? ERR_SYNTAX : 1;
	}
	return 0;
}

static int
follow_aliases(struct section *s, uint16_t type, struct error *e)
{
	int rc = type == DNS_CNAME ? 0 : 1;

	for (unsigned i = 0; rc == 1; i++) {
		if (i > DNS_ALIASES_MAX)
			return error_set(
			    e, ERR_LIMIT, "the name is an alias of an alias, over %u times", DNS_ALIASES_MAX);
		rc = find_alias(s);
	}
	return rc < 0 ? broken(e) : 0;
}

/* Each record's RDATA behind the other in octets; ends has where each ends. */
static int
collect(struct section *s, uint16_t type, struct buf *octets, size_t ends[DNS_RECORDS_MAX], size_t *count_out)
{
	size_t at = s->at, n = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct record r;

		if (read_record(s->packet, &at, &r) != 0)
			return ERR_SYNTAX;
		if (r.type != type || r.class != CLASS_IN || !names_equal(&r.owner, &s->name))
			continue;
		if (n == DNS_RECORDS_MAX)
			return ERR_LIMIT;
		if (put_rdata(s->packet, &r, shape_of(type), octets) != 0)
			return ERR_SYNTAX;
		ends[n++] = octets->len;
		if (r.ttl < s->ttl)
			s->ttl = r.ttl;
	}
	*count_out = n;
	return octets->err;
}

static int
put_records(struct section *s, uint16_t type, struct arena *a, struct dns_answer *out, struct error *e)
{
	size_t ends[DNS_RECORDS_MAX], from = 0;
	struct buf octets BUF_OWNED = { 0 };
	struct slice all;
	int rc;

	buf_init(&octets, DNS_RECORDS_OCTETS);
	rc = collect(s, type, &octets, ends, &out->record_count);
	if (rc == ERR_SYNTAX)
		return broken(e);
	if (rc != 0)
		return error_set(
		    e, rc, "the answer holds more than %u records or %u octets", DNS_RECORDS_MAX, DNS_RECORDS_OCTETS);
	all = arena_copy(a, buf_slice(&octets));
	out->records = arena_array(a, out->record_count, sizeof *out->records);
	if (a->err != 0)
		return error_nomem(e);
	for (size_t i = 0; i < out->record_count; from = ends[i++])
		out->records[i] = slice_sub(all, from, ends[i] - from);
	return 0;
}

int
dns_packet_read(struct slice packet, uint16_t type, struct arena *a, struct dns_answer *out, struct error *e)
{
	struct buf text BUF_OWNED = { 0 };
	struct section s;
	int rc;

	if (open_packet(packet, &s, &out->rcode) != 0)
		return broken(e);
	buf_init(&text, DNS_TEXT_MAX);
	rc = follow_aliases(&s, type, e);
	if (rc == 0)
		rc = put_records(&s, type, a, out, e);
	if (rc == 0)
		rc = dns_name_text(slice_of(s.name.octets, s.name.len), &text, e);
	if (rc != 0)
		return rc;
	out->canonical = arena_copy(a, buf_slice(&text));
	out->ttl = s.ttl == UINT32_MAX ? 0 : s.ttl;
	return a->err != 0 ? error_nomem(e) : 0;
}
