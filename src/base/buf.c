/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define BUF_FIRST 256

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_done(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_wipe_done(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap;
	uint8_t *p;

	if (b->err != 0)
		return NULL;
	if (!size_add(b->len, len, &need) || need > b->max) {
		b->err = ERR_LIMIT;
		return NULL;
	}
	if (need <= b->cap && b->data != NULL)
		return b->data + b->len;
	cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max)
		cap = b->max;
	p = mem_realloc(b->data, cap);
	if (p == NULL) {
		b->err = ERR_NOMEM;
		return NULL;
	}
	b->data = p;
	b->cap = cap;
	return b->data + b->len;
}

void
buf_commit(struct buf *b, size_t len)
{
	b->len += size_min(len, b->cap - b->len);
}

int
buf_put(struct buf *b, const void *data, size_t len)
{
	uint8_t *p = buf_reserve(b, len);

	if (p == NULL)
		return b->err;
	if (len > 0)
		memcpy(p, data, len);
	b->len += len;
	return 0;
}

int
buf_put_slice(struct buf *b, struct slice s)
{
	return buf_put(b, s.data, s.len);
}

int
buf_put_str(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_put(b, &v, 1);
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t w[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, w, sizeof w);
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	uint8_t w[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	return buf_put(b, w, sizeof w);
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	(void)buf_put_u32(b, (uint32_t)(v >> 32));
	return buf_put_u32(b, (uint32_t)v);
}

int
buf_putf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->err != 0 || b->data == NULL ? 0 : b->cap - b->len;
	va_list ap, again;
	uint8_t *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(room > 0 ? (char *)b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room) { /* mostly it fits: once is enough */
		va_end(again);
		b->len += (size_t)n;
		return 0;
	}
	p = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (p != NULL) {
		(void)vsnprintf((char *)p, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else if (b->err == 0) {
		b->err = ERR_SYNTAX;
	}
	va_end(again);
	return b->err;
}

void
buf_consume(struct buf *b, size_t len)
{
	len = size_min(len, b->len);
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

void
buf_truncate(struct buf *b, size_t len)
{
	b->len = size_min(len, b->len);
}
