/* SPDX-License-Identifier: ISC */
/*
 * A buf is bytes that grow, born with a maximum. The error is sticky: after
 * the first failure (ERR_LIMIT over the maximum, ERR_NOMEM) nothing more is
 * added and every call returns that code, so a writer of many fields checks
 * once at its end. Numbers are written in network byte order.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max; /* octets it may hold at most */
	int err;    /* 0, ERR_LIMIT or ERR_NOMEM */
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);      /* frees; the buf may be used again as empty */
void buf_wipe_done(struct buf *b); /* overwrites what it held, then frees */
void buf_clear(struct buf *b);     /* empty and without error; keeps its memory */

#define BUF_OWNED __attribute__((cleanup(buf_done)))

int buf_put(struct buf *b, const void *data, size_t len);
int buf_put_slice(struct buf *b, struct slice s);
int buf_put_str(struct buf *b, const char *s); /* without its NUL */
int buf_put_u8(struct buf *b, uint8_t v);
int buf_put_u16(struct buf *b, uint16_t v);
int buf_put_u32(struct buf *b, uint32_t v);
int buf_put_u64(struct buf *b, uint64_t v);
int buf_putf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for len octets at the end, not yet counted: write there, then buf_commit() what was written. NULL on failure. */
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* Removes octets from the front or the end; len is cut to what is there. */
void buf_consume(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}

#endif
