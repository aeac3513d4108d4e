/* SPDX-License-Identifier: ISC */
/*
 * The body's canonical forms. Most octets of most mail are canonical already:
 * whole stretches go through as they are, and only around tabs, runs of white
 * space and line ends with something before them is anything done octet by
 * octet. Line ends are held back until something follows them.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "mailauth/dkim/canon.h"

#define STRETCH 128u /* octets that are looked at together */

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* ---- octet by octet ---- */

struct stage { /* few large pieces are hashed quicker than many small ones */
	uint8_t octets[512];
	size_t len;
};

static void
stage_flush(struct dkim_body_canon *c, struct stage *s)
{
	if (s->len > 0)
		c->put(c->ctx, slice_of(s->octets, s->len));
	s->len = 0;
}

static void
stage_put(struct dkim_body_canon *c, struct stage *s, uint8_t octet)
{
	if (s->len == sizeof s->octets)
		stage_flush(c, s);
	s->octets[s->len++] = octet;
}

/* What was held back stands before something: it counts. */
static void
release(struct dkim_body_canon *c, struct stage *s)
{
	for (; c->empty > 0; c->empty--) {
		stage_put(c, s, '\r');
		stage_put(c, s, '\n');
	}
	if (c->space)
		stage_put(c, s, ' ');
	c->space = false;
	c->any = true;
}

static void
step(struct dkim_body_canon *c, struct stage *s, uint8_t octet)
{
	if (c->cr) {
		c->cr = false;
		if (octet == '\n') {
			c->space = false;
			c->empty++;
			return;
		}
		release(c, s);
		stage_put(c, s, '\r');
	}
	if (octet == '\r') {
		c->cr = true;
	} else if (c->how == DKIM_RELAXED && is_wsp(octet)) {
		c->space = true;
	} else {
		release(c, s);
		stage_put(c, s, octet);
	}
}

/* ---- stretches ---- */

/* Something in p[0 .. STRETCH] that relaxing changes: a tab, or a space before white space or a CR. Reads one octet more. */
static bool
has_loose(const uint8_t *p)
{
	uint8_t found = 0;

	for (size_t i = 0; i < STRETCH; i++)
		found |= (uint8_t)((p[i] == '\t') |
		    ((p[i] == ' ') & ((p[i + 1] == ' ') | (p[i + 1] == '\r') | (p[i + 1] == '\t'))));
	return found != 0;
}

/* Where a stretch may begin or end: at an octet that nothing is held back for. */
static bool
is_plain(uint8_t octet)
{
	return octet != ' ' && octet != '\t' && octet != '\r' && octet != '\n';
}

/*
 * How many octets at the front of in, up to its last plain one, are canonical
 * as they stand when nothing is held back. Line ends inside are followed by
 * something, so they count.
 */
static size_t
stretch_length(const struct dkim_body_canon *c, struct slice in)
{
	size_t at = 0;

	if (c->how == DKIM_SIMPLE)
		at = in.len;
	else
		while (at + STRETCH < in.len && !has_loose(in.data + at))
			at += STRETCH;
	while (at > 0 && !is_plain(in.data[at - 1]))
		at--;
	return at;
}

/* Nothing is held back any more. */
static void
release_all(struct dkim_body_canon *c, struct stage *s)
{
	release(c, s);
	if (c->cr)
		stage_put(c, s, '\r');
	c->cr = false;
}

void
dkim_body_canon_feed(struct dkim_body_canon *c, struct slice piece)
{
	struct stage s = { .len = 0 };
	size_t at = 0;

	while (at < piece.len) {
		struct slice left = slice_from(piece, at);
		size_t n = is_plain(left.data[0]) ? stretch_length(c, left) : 0, stop;

		if (n > 0) {
			release_all(c, &s);
			stage_flush(c, &s);
			c->put(c->ctx, slice_sub(left, 0, n));
		}
		stop = n > 0 ? n : size_min(left.len, STRETCH);
		for (; n < stop || (n < left.len && !is_plain(left.data[n])); n++)
			step(c, &s, left.data[n]);
		at += n;
	}
	stage_flush(c, &s);
}

void
dkim_body_canon_end(struct dkim_body_canon *c)
{
	struct stage s = { .len = 0 };

	if (c->cr)
		release_all(c, &s);
	stage_flush(c, &s);
	if (c->any || c->how == DKIM_SIMPLE)
		c->put(c->ctx, SLICE("\r\n"));
}

/* ---- hashes ---- */

struct mark {
	uint64_t length;
	bool reached;
	uint8_t hash[DKIM_BODY_HASH_SIZE];
};

struct dkim_body {
	struct dkim_body_canon canon;
	struct hash *hash;
	uint64_t length;
	struct mark marks[MAILAUTH_DKIM_MARKS_MAX]; /* ascending */
	size_t mark_count, reached;
	uint8_t whole[DKIM_BODY_HASH_SIZE];
	struct error error; /* of a hash on the way */
};

static void
reach(struct dkim_body *b, struct mark *m)
{
	HASH_OWNED struct hash *here = NULL;

	if (hash_copy(b->hash, &here, &b->error) != 0 || hash_finish(here, m->hash, &b->error) != 0)
		return;
	m->reached = true;
}

/* Canonical octets: up to each mark in turn. */
static void
body_hash_put(void *ctx, struct slice octets)
{
	struct dkim_body *b = ctx;

	while (b->reached < b->mark_count && b->marks[b->reached].length - b->length <= octets.len) {
		size_t to_mark = (size_t)(b->marks[b->reached].length - b->length);

		hash_update(b->hash, slice_sub(octets, 0, to_mark));
		octets = slice_from(octets, to_mark);
		b->length += to_mark;
		reach(b, &b->marks[b->reached++]);
	}
	hash_update(b->hash, octets);
	b->length += octets.len;
}

int
dkim_body_new(enum dkim_canon how, struct dkim_body **out, struct error *e)
{
	struct dkim_body *b = mem_alloc(sizeof *b);
	int rc;

	if (b == NULL)
		return error_nomem(e);
	b->canon = (struct dkim_body_canon){ .how = how, .put = body_hash_put, .ctx = b };
	if ((rc = hash_new(HASH_SHA256, &b->hash, e)) != 0)
		mem_free(b);
	else
		*out = b;
	return rc;
}

int
dkim_body_mark(struct dkim_body *b, uint64_t length, struct error *e)
{
	size_t at = b->mark_count;

	while (at > 0 && b->marks[at - 1].length >= length)
		at--;
	if (at < b->mark_count && b->marks[at].length == length)
		return 0;
	if (b->mark_count == MAILAUTH_DKIM_MARKS_MAX)
		return error_set(e, ERR_LIMIT, "More than %u different lengths are signed.", MAILAUTH_DKIM_MARKS_MAX);
	memmove(&b->marks[at + 1], &b->marks[at], (b->mark_count - at) * sizeof b->marks[0]);
	b->marks[at] = (struct mark){ .length = length };
	b->mark_count++;
	return 0;
}

void
dkim_body_put(struct dkim_body *b, struct slice piece)
{
	dkim_body_canon_feed(&b->canon, piece);
}

int
dkim_body_end(struct dkim_body *b, struct error *e)
{
	dkim_body_canon_end(&b->canon);
	body_hash_put(b, SLICE_EMPTY); /* l=0 of a body without octets */
	if (b->error.code != 0) {
		if (e != NULL)
			*e = b->error;
		return b->error.code;
	}
	return hash_finish(b->hash, b->whole, e);
}

uint64_t
dkim_body_length(const struct dkim_body *b)
{
	return b->length;
}

const uint8_t *
dkim_body_hash(const struct dkim_body *b, uint64_t length)
{
	if (length == DKIM_BODY_WHOLE)
		return b->whole;
	for (size_t i = 0; i < b->mark_count; i++)
		if (b->marks[i].length == length)
			return b->marks[i].reached ? b->marks[i].hash : NULL;
	return NULL;
}

void
dkim_body_free(struct dkim_body *b)
{
	if (b == NULL)
		return;
	hash_free(b->hash);
	mem_free(b);
}
