/* SPDX-License-Identifier: ISC */
/* Certificates: all bytes kept, and a view of components over them. */
#include "openpgp/cert/cert.h"

#include <string.h>

#include "base/mem.h"
#include "openpgp/cert/cert_armor.h"
#include "openpgp/frame/packet.h"

static bool
is_primary(uint8_t type)
{
	return type == PGP_PUBLIC_KEY || type == PGP_SECRET_KEY;
}

static bool
is_subkey(uint8_t type)
{
	return type == PGP_PUBLIC_SUBKEY || type == PGP_SECRET_SUBKEY;
}

/* What only accompanies a component; anything else begins one. */
static bool
accompanies(uint8_t type)
{
	return type == PGP_SIGNATURE || type == PGP_TRUST || type == PGP_MARKER || type == PGP_PADDING;
}

static enum pgp_component_kind
kind_of(uint8_t type)
{
	if (is_primary(type))
		return PGP_COMPONENT_PRIMARY;
	if (is_subkey(type))
		return PGP_COMPONENT_SUBKEY;
	if (type == PGP_USER_ID)
		return PGP_COMPONENT_USER_ID;
	return type == PGP_USER_ATTRIBUTE ? PGP_COMPONENT_USER_ATTRIBUTE : PGP_COMPONENT_UNKNOWN;
}

/* 1 when there is one, 0 at the end, or an error. */
static int
next_part(struct slice in, size_t *at, struct pgp_part *out, struct error *e)
{
	struct pgp_packet p = { 0 };
	int rc = pgp_packet_next(in, at, &p, e);

	if (rc == 1)
		*out = (struct pgp_part){ p.header.type, p.raw, p.body };
	return rc;
}

struct counts {
	size_t len, packets, components;
	uint8_t stranger; /* a type that must not stand in a certificate; 0 none */
	size_t stranger_at;
};

/* Critical, and of no kind that section 10.1 knows in a certificate. */
static bool
is_stranger(uint8_t type)
{
	return pgp_type_critical(type) && !accompanies(type) && kind_of(type) == PGP_COMPONENT_UNKNOWN;
}

/* How far this certificate goes, and what is in it. */
static int
measure(struct slice in, struct counts *n, struct error *e)
{
	struct pgp_part p = { 0 };
	size_t at = 0;
	int rc;

	*n = (struct counts){ 0 };
	while ((rc = next_part(in, &at, &p, e)) == 1) {
		if (n->packets == 0 ? !is_primary(p.type) : is_primary(p.type))
			break;
		if (is_stranger(p.type) && n->stranger == 0) {
			n->stranger = p.type;
			n->stranger_at = n->len;
		}
		if (++n->packets > PGP_CERT_PACKETS_MAX || at > PGP_CERT_MAX)
			return error_set(e, ERR_LIMIT, "this certificate is too large");
		if (!accompanies(p.type) && ++n->components > PGP_CERT_COMPONENTS_MAX)
			return error_set(e, ERR_LIMIT, "this certificate has too many keys and user IDs");
		n->len = at;
	}
	if (rc < 0)
		return rc;
	if (n->packets == 0)
		return error_set(e, ERR_SYNTAX, "this is no certificate: it does not begin with a primary key");
	return 0;
}

/* A subkey that cannot be read stays a component without key; a primary that cannot is the caller's error. */
static int
read_key(struct pgp_cert *c, struct pgp_component *k, struct error *e)
{
	struct pgp_key *key = arena_alloc(&c->arena, sizeof *key);
	int rc;

	if (key == NULL)
		return error_set(e, c->arena.err, "no room for a certificate");
	rc = pgp_key_parse(k->packet.body, k->packet.type, key, k->kind == PGP_COMPONENT_PRIMARY ? e : NULL);
	if (rc == 0)
		k->key = key;
	else if (rc == ERR_NOMEM)
		return error_nomem(e);
	else if (k->kind == PGP_COMPONENT_PRIMARY)
		return rc;
	return 0;
}

static int
fill(struct pgp_cert *c, struct pgp_component *components, struct pgp_part *parts, struct error *e)
{
	struct pgp_component *now = NULL;
	struct pgp_part p = { 0 };
	size_t at = 0, used = 0;
	int rc = 0;

	while (rc == 0 && next_part(c->raw, &at, &p, e) == 1) {
		c->secret = c->secret || p.type == PGP_SECRET_KEY || p.type == PGP_SECRET_SUBKEY;
		if (accompanies(p.type) && now != NULL) {
			parts[used++] = p;
			now->part_count++;
			continue;
		}
		now = &components[c->component_count++];
		*now = (struct pgp_component){ .kind = kind_of(p.type), .packet = p, .parts = parts + used };
		if (now->kind == PGP_COMPONENT_PRIMARY || now->kind == PGP_COMPONENT_SUBKEY)
			rc = read_key(c, now, e);
	}
	return rc;
}

/* owned: what in is a part of, to be taken over; NULL to copy. */
static int
build(struct pgp_cert *c, struct slice in, struct buf *owned, const struct counts *n, struct error *e)
{
	struct pgp_component *components = arena_array(&c->arena, n->components, sizeof *components);
	struct pgp_part *parts = arena_array(&c->arena, n->packets, sizeof *parts);
	int rc;

	c->raw = slice_sub(in, 0, n->len);
	if (owned == NULL)
		c->raw = arena_copy(&c->arena, c->raw);
	if (c->arena.err != 0)
		return error_set(e, c->arena.err, "no room for a certificate of %zu octets", n->len);
	rc = fill(c, components, parts, e);
	c->components = components;
	if (rc != 0)
		return rc;
	c->primary = components[0].key;
	if (owned != NULL) {
		c->owned = *owned;
		buf_init(owned, owned->max);
	}
	return 0;
}

/* Sections 4.3 and 10: what is critical and unknown, or belongs elsewhere, spoils the whole. */
static int
refuse_stranger(const struct counts *n, struct error *e)
{
	return error_set_at(e, n->stranger <= PGP_PADDING ? ERR_SYNTAX : ERR_UNSUPPORTED, n->stranger_at,
	    "a packet of type %u must not stand in a certificate", n->stranger);
}

static int
parse(struct slice in, struct buf *owned, const struct counts *n, struct pgp_cert **out, struct error *e)
{
	struct pgp_cert *c;
	int rc;

	if (n->stranger != 0)
		return refuse_stranger(n, e);
	c = mem_alloc(sizeof *c);
	if (c == NULL)
		return error_nomem(e);
	arena_init(&c->arena, 4 * (size_t)PGP_CERT_MAX);
	rc = build(c, in, owned, n, e);
	if (rc != 0) {
		pgp_cert_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
pgp_cert_parse(struct slice in, struct pgp_cert **out, size_t *used_out, struct error *e)
{
	struct counts n;
	int rc = measure(in, &n, e);

	if (rc != 0)
		return rc;
	/* Also with an error, so that a keyring's reader can pass over it. */
	if (used_out != NULL)
		*used_out = n.len;
	return parse(in, NULL, &n, out, e);
}

/* Wipes what it holds, not all of its room: half of that may never have been touched. */
static void
wipe_buf(struct buf *b)
{
	if (b->len > 0)
		explicit_bzero(b->data, b->len);
	buf_done(b);
}

void
pgp_cert_free(struct pgp_cert *c)
{
	if (c == NULL)
		return;
	if (c->secret) {
		arena_wipe_done(&c->arena);
		wipe_buf(&c->owned);
	}
	arena_done(&c->arena);
	buf_done(&c->owned);
	mem_free(c);
}

static int
keep(struct pgp_certs *out, struct pgp_cert *c, struct error *e)
{
	size_t n = out->count;

	if (n >= PGP_CERTS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u certificates in one file", PGP_CERTS_MAX);
	/* Grows at powers of two. */
	if ((n & (n - 1)) == 0) {
		struct pgp_cert **items = mem_realloc(out->items, sizeof(struct pgp_cert *) * (n == 0 ? 1 : 2 * n));

		if (items == NULL)
			return error_nomem(e);
		out->items = items;
	}
	out->items[out->count++] = c;
	return 0;
}

static int
parse_binary(struct slice in, struct pgp_certs *out, struct error *e)
{
	while (in.len > 0) {
		struct pgp_cert *c = NULL;
		struct pgp_part p = { 0 };
		size_t used = 0;
		int rc = next_part(in, &used, &p, e);

		if (rc < 0)
			return rc;
		rc = 0;
		if (is_primary(p.type)) {
			rc = pgp_cert_parse(in, &c, &used, e);
			if (rc != 0 && rc != ERR_UNSUPPORTED)
				return rc;
		}
		rc = c == NULL ? 0 : keep(out, c, e);
		if (rc != 0) {
			pgp_cert_free(c);
			return rc;
		}
		in = slice_from(in, used);
	}
	return 0;
}

static int
none_found(struct error *e)
{
	return error_set(e, ERR_SYNTAX, "there is no OpenPGP certificate in it");
}

static bool
armored(struct slice in)
{
	return in.len > 0 && (in.data[0] & 0x80) == 0;
}

/* The binary octets of one certificate and nothing else go into it as they are. */
static int
take_binary(struct buf *in, struct pgp_certs *out, struct error *e)
{
	struct pgp_cert *c = NULL;
	struct counts n;
	int rc;

	if (measure(buf_slice(in), &n, NULL) != 0 || n.len != in->len)
		return parse_binary(buf_slice(in), out, e);
	rc = parse(buf_slice(in), in, &n, &c, e);
	if (rc != 0)
		return rc == ERR_UNSUPPORTED ? 0 : rc;
	rc = keep(out, c, e);
	if (rc != 0)
		pgp_cert_free(c);
	return rc;
}

/* Out of armor, and the armored text is gone before anything is made of what was in it. */
static int
dearmor(struct buf *in, struct error *e)
{
	struct buf binary;
	int rc;

	buf_init(&binary, 4 * (size_t)PGP_CERT_MAX);
	rc = pgp_certs_dearmor(buf_slice(in), &binary, e);
	wipe_buf(in);
	*in = binary;
	return rc;
}

int
pgp_certs_take(struct buf *in, struct pgp_certs *out, struct error *e)
{
	size_t before = out->count;
	int rc = armored(buf_slice(in)) ? dearmor(in, e) : 0;

	if (rc == 0)
		rc = take_binary(in, out, e);
	wipe_buf(in);
	return rc == 0 && out->count == before ? none_found(e) : rc;
}

int
pgp_certs_parse(struct slice in, struct pgp_certs *out, struct error *e)
{
	size_t before = out->count;
	struct buf binary;
	int rc;

	if (!armored(in)) {
		rc = parse_binary(in, out, e);
		return rc == 0 && out->count == before ? none_found(e) : rc;
	}
	buf_init(&binary, 4 * (size_t)PGP_CERT_MAX);
	rc = pgp_certs_dearmor(in, &binary, e);
	if (rc == 0)
		rc = take_binary(&binary, out, e);
	wipe_buf(&binary);
	return rc == 0 && out->count == before ? none_found(e) : rc;
}

void
pgp_certs_done(struct pgp_certs *c)
{
	for (size_t i = 0; i < c->count; i++)
		pgp_cert_free(c->items[i]);
	mem_free(c->items);
	*c = (struct pgp_certs){ 0 };
}

int
pgp_cert_write(const struct pgp_cert *c, struct buf *out)
{
	return buf_put_slice(out, c->raw);
}

int
pgp_cert_write_public(const struct pgp_cert *c, struct buf *out)
{
	for (size_t i = 0; i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];
		bool is_secret = k->packet.type == PGP_SECRET_KEY || k->packet.type == PGP_SECRET_SUBKEY;

		/* Nobody knows where the public part of an unreadable secret key ends: it stays at home. */
		if (is_secret && k->key == NULL)
			continue;
		if (is_secret)
			(void)pgp_packet_write(out,
			    k->kind == PGP_COMPONENT_PRIMARY ? PGP_PUBLIC_KEY : PGP_PUBLIC_SUBKEY, k->key->public_body);
		else
			(void)buf_put_slice(out, k->packet.raw);
		for (size_t n = 0; n < k->part_count; n++)
			if (k->parts[n].type != PGP_TRUST) /* local to its keyring (section 5.10) */
				(void)buf_put_slice(out, k->parts[n].raw);
	}
	return out->err;
}

const struct pgp_key *
pgp_cert_key(const struct pgp_cert *c, size_t n)
{
	for (size_t i = 0; i < c->component_count; i++)
		if (c->components[i].key != NULL && n-- == 0)
			return c->components[i].key;
	return NULL;
}

const struct pgp_key *
pgp_cert_find_key(const struct pgp_cert *c, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < c->component_count; i++)
		if (c->components[i].key != NULL && pgp_fingerprint_eq(&c->components[i].key->fingerprint, f))
			return c->components[i].key;
	return NULL;
}

const struct pgp_component *
pgp_cert_component_of(const struct pgp_cert *c, const struct pgp_key *key)
{
	for (size_t i = 0; i < c->component_count; i++)
		if (c->components[i].key == key)
			return &c->components[i];
	return NULL;
}

struct slice
pgp_user_id_address(struct slice user_id)
{
	struct slice s = slice_trim(user_id);
	size_t open = slice_find_last(s, '<');

	if (s.len > 0 && s.data[s.len - 1] == '>' && open != SIZE_MAX)
		s = slice_sub(s, open + 1, s.len - open - 2);
	if (slice_find(s, '@') == SIZE_MAX || slice_find(s, ' ') != SIZE_MAX || slice_find(s, '<') != SIZE_MAX ||
	    slice_find(s, '>') != SIZE_MAX)
		return SLICE_EMPTY;
	return s;
}
