/* SPDX-License-Identifier: ISC */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define ARENA_FIRST 448u /* what a command that waits keeps: its text, a few slices */
#define ARENA_CHUNK 4096u
#define ARENA_ALIGN 16u

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* octets in data */
	size_t used;
	size_t pad; /* keeps data aligned */
	uint8_t data[];
};

_Static_assert(sizeof(struct arena_chunk) % ARENA_ALIGN == 0, "chunk data is aligned");

void
arena_init(struct arena *a, size_t budget)
{
	*a = (struct arena){ .budget = budget };
}

void
arena_done(struct arena *a)
{
	struct arena_chunk *c = a->chunks;

	while (c != NULL) {
		struct arena_chunk *next = c->next;

		mem_free(c);
		c = next;
	}
	arena_init(a, a->budget);
}

void
arena_wipe_done(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks; c != NULL; c = c->next)
		explicit_bzero(c->data, c->size);
	arena_done(a);
}

static struct arena_chunk *
new_chunk(struct arena *a, size_t size)
{
	/* Chunks grow with the arena, so that a large parse does not make thousands of them. */
	size_t want = a->used == 0 ? ARENA_FIRST : a->used < ARENA_CHUNK ? ARENA_CHUNK : size_min(a->used, 1u << 20);
	struct arena_chunk *c;

	if (want > a->budget - a->used)
		want = a->budget - a->used;
	if (want < size)
		want = size;
	if (want > a->budget - a->used) {
		a->err = ERR_LIMIT;
		return NULL;
	}
	c = mem_alloc(sizeof *c + want);
	if (c == NULL) {
		a->err = ERR_NOMEM;
		return NULL;
	}
	c->size = want;
	c->next = a->chunks;
	a->chunks = c;
	a->used += want;
	return c;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (a->err != 0)
		return NULL;
	if (size > SIZE_MAX - ARENA_ALIGN) {
		a->err = ERR_LIMIT;
		return NULL;
	}
	size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (c == NULL || c->size - c->used < size) {
		c = new_chunk(a, size);
		if (c == NULL)
			return NULL;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (!size_mul(count, size, &total)) {
		a->err = ERR_LIMIT;
		return NULL;
	}
	return arena_alloc(a, total);
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	void *p = arena_alloc(a, s.len);

	if (p == NULL || s.len == 0)
		return SLICE_EMPTY;
	memcpy(p, s.data, s.len);
	return slice_of(p, s.len);
}

char *
arena_cstr(struct arena *a, struct slice s)
{
	char *p;

	if (slice_find(s, 0) != SIZE_MAX || s.len == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, s.len + 1);
	if (p != NULL && s.len > 0)
		memcpy(p, s.data, s.len);
	return p;
}

struct slice
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0)
		p = arena_alloc(a, (size_t)n + 1);
	if (p != NULL)
		(void)vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p == NULL ? SLICE_EMPTY : slice_of(p, (size_t)n);
}
