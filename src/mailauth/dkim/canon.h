/* SPDX-License-Identifier: ISC */
/*
 * What of a message is signed, and in which form (RFC 6376 sections 3.4, 3.7
 * and 5.4.2), for DKIM and, which took it over, ARC (RFC 8617 section 4.1):
 * the canonical forms "simple" and "relaxed", the choice of fields by h=, and
 * the body's hash. A message has lines with CR LF; a CR or LF alone is a
 * character.
 *
 * The body comes in pieces of any size. A body has one hash for each canonical
 * form, with marks in it: each l= is a place where the hash so far is noted.
 */
#ifndef MAILAUTH_DKIM_CANON_H
#define MAILAUTH_DKIM_CANON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "mailauth/limits.h"
#include "mime/header.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* "simple", "relaxed" */
const char *dkim_canon_name(enum dkim_canon how);
/* Any case; false for others. */
bool dkim_canon_of(struct slice name, enum dkim_canon *out);

/* ---- fields ---- */

/* Appends a field in its canonical form, CR LF at its end. whole: with its line end or without. Returns out's error. */
int dkim_canon_field(enum dkim_canon how, struct slice whole, struct buf *out);
/*
 * Appends the field that holds the signature itself, as it is signed: what the
 * tag b= says is gone, and there is no CR LF at the end. whole: the field, of
 * any name, with a tag-list behind the colon.
 */
int dkim_canon_signature(enum dkim_canon how, struct slice whole, struct buf *out);

/*
 * A header block made ready for choosing. It points into the block and the
 * arena. ERR_SYNTAX: a line of it is no field, so that who reads it could see
 * fields elsewhere than we do; ERR_LIMIT: it is larger than what is looked at
 * (mime/limits.h); ERR_NOMEM.
 */
struct dkim_header {
	struct mime_header mime;
	const uint32_t *hashes; /* of the names */
};
int dkim_header_parse(struct slice block, struct arena *a, struct dkim_header *out, struct error *e);

/* One walk through h=. The first of a name is the lowest field, the next one the one above it, and so on. */
struct dkim_choice {
	const struct dkim_header *header;
	uint8_t taken[MIME_FIELDS_MAX / 8u + 1];
};
void dkim_choice_init(struct dkim_choice *c, const struct dkim_header *header);
/* Takes the next field of this name; NULL: there is none (more), which adds nothing to what is signed. */
const struct mime_field *dkim_choice_take(struct dkim_choice *c, struct slice name);
/* Fields of this name that were not taken. */
size_t dkim_choice_left(const struct dkim_choice *c, struct slice name);

/* ---- the body ---- */

struct dkim_body;

#define DKIM_BODY_HASH_SIZE 32u    /* SHA-256 */
#define DKIM_BODY_WHOLE UINT64_MAX /* as a mark: all of it */

/* ERR_NOMEM, ERR_CRYPTO. */
int dkim_body_new(enum dkim_canon how, struct dkim_body **out, struct error *e);
/* Before the first piece: the hash of so many canonical octets is asked for. ERR_LIMIT over MAILAUTH_DKIM_MARKS_MAX. */
int dkim_body_mark(struct dkim_body *b, uint64_t length, struct error *e);
void dkim_body_put(struct dkim_body *b, struct slice piece);
/* No more comes. ERR_NOMEM, ERR_CRYPTO. */
int dkim_body_end(struct dkim_body *b, struct error *e);
/* Afterwards: octets of the canonical body. */
uint64_t dkim_body_length(const struct dkim_body *b);
/* The hash at a mark, DKIM_BODY_HASH_SIZE octets, or of the whole; NULL: the body is shorter, or it was not marked. */
const uint8_t *dkim_body_hash(const struct dkim_body *b, uint64_t length);
void dkim_body_free(struct dkim_body *b); /* NULL is permitted */

/*
 * The canonical octets themselves, piece by piece: what the above hashes.
 * put() is given them in the order of the body.
 */
typedef void dkim_canon_put(void *ctx, struct slice octets);
struct dkim_body_canon {
	enum dkim_canon how;
	dkim_canon_put *put;
	void *ctx;
	uint64_t empty; /* inside: line ends held back, as they may be the last ones */
	bool cr;        /* inside: a CR waits for its LF */
	bool space;     /* inside: white space waits for what follows */
	bool any;       /* inside: something was put */
};
void dkim_body_canon_feed(struct dkim_body_canon *c, struct slice piece);
void dkim_body_canon_end(struct dkim_body_canon *c);

#endif
