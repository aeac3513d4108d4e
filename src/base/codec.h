/* SPDX-License-Identifier: ISC */
/*
 * The message codec. What crosses between two parts of the program that may
 * one day be two processes (a machine's question, a store operation, the
 * hand-over after authentication) is a plain struct with a schema: a constant
 * table of its fields. The codec turns it into length-prefixed bytes and back.
 *
 * Encoding: the fields in the schema's order; numbers in network byte order;
 * CODEC_BYTES as u32 length and octets; CODEC_LIST as u32 count and elements.
 * Decoding is total: every count is checked against the schema's maximum and
 * against what is left before anything is allocated, and left-over octets are
 * an error. Decoded slices and lists live in the arena that was passed.
 *
 * Frames for a stream: u32 length of what follows, u16 message type, u64
 * ticket (which call or which connection), then the encoded struct.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum codec_type {
	CODEC_BOOL,   /* bool, one octet 0 or 1 */
	CODEC_U8,     /* uint8_t */
	CODEC_U16,    /* uint16_t */
	CODEC_U32,    /* uint32_t; also enums, which must be declared uint32_t in the struct */
	CODEC_U64,    /* uint64_t */
	CODEC_I64,    /* int64_t */
	CODEC_BYTES,  /* struct slice */
	CODEC_STRUCT, /* a struct by value */
	CODEC_LIST,   /* a pointer to elements (const or not) beside a size_t count */
};

struct codec_schema;

struct codec_field {
	const char *name;
	enum codec_type type;
	size_t offset;       /* of the field in the struct */
	size_t count_offset; /* CODEC_LIST: of the size_t count */
	uint64_t max;        /* numbers: largest value; bytes: octets; lists: elements; 0 for the type's own */
	const struct codec_schema *of; /* CODEC_STRUCT, CODEC_LIST */
};

struct codec_schema {
	const char *name;
	size_t size; /* of the struct */
	const struct codec_field *fields;
	size_t field_count;
};

#define CODEC_FIELD(s, f, t, m) \
	{ \
		.name = #f, .type = (t), .offset = offsetof(s, f), .max = (m) \
	}
#define CODEC_FIELD_STRUCT(s, f, schema) \
	{ \
		.name = #f, .type = CODEC_STRUCT, .offset = offsetof(s, f), .of = (schema) \
	}
#define CODEC_FIELD_LIST(s, f, n, schema, m) \
	{ \
		.name = #f, .type = CODEC_LIST, .offset = offsetof(s, f), .count_offset = offsetof(s, n), .max = (m), \
		.of = (schema) \
	}
#define CODEC_SCHEMA(s, table) \
	{ \
		.name = #s, .size = sizeof(struct s), .fields = (table), \
		.field_count = sizeof(table) / sizeof((table)[0]) \
	}
/* For a message without fields: give it one unused uint8_t and this. */

extern const struct codec_schema codec_schema_u32;   /* elements of a list of uint32_t */
extern const struct codec_schema codec_schema_u64;   /* elements of a list of uint64_t */
extern const struct codec_schema codec_schema_slice; /* elements of a list of struct slice */

/* Appends the encoded struct. ERR_LIMIT over a maximum, ERR_NOMEM. */
int codec_encode(const struct codec_schema *schema, const void *message, struct buf *out, struct error *e);
/* Fills message_out (of schema->size octets). ERR_SYNTAX, ERR_LIMIT, ERR_TRUNCATED, ERR_NOMEM. */
int
codec_decode(const struct codec_schema *schema, struct slice in, struct arena *a, void *message_out, struct error *e);

struct codec_frame {
	uint16_t type;
	uint64_t ticket;
	struct slice body;
};

#define CODEC_FRAME_HEAD 14u /* octets before the body */

/* Encodes a message as one frame. */
int codec_frame_put(struct buf *out, uint16_t type, uint64_t ticket, const struct codec_schema *schema,
    const void *message, struct error *e);
/*
 * Looks for a whole frame at the front of in. Returns 1 and sets *frame_out
 * and *used_out, 0 when more octets are needed, ERR_LIMIT or ERR_SYNTAX when
 * the stream cannot be a frame.
 */
int codec_frame_next(struct slice in, struct codec_frame *frame_out, size_t *used_out, struct error *e);

#endif
