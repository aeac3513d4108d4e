/* SPDX-License-Identifier: ISC */
/*
 * An arena gives memory that is freed at once at the end of a command, a
 * message or a parse. It is born with a budget in octets; over it, or without
 * memory, arena_alloc() returns NULL and err says which (ERR_LIMIT, ERR_NOMEM;
 * sticky). Memory is zeroed and aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t budget;
	size_t used; /* octets taken from the system */
	int err;
};

void arena_init(struct arena *a, size_t budget);
void arena_done(struct arena *a);      /* frees everything; the arena may be used again */
void arena_wipe_done(struct arena *a); /* overwrites first */

#define ARENA_OWNED __attribute__((cleanup(arena_done)))

void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size);
/* Copies; an empty slice comes back when there is no memory (see err). */
struct slice arena_copy(struct arena *a, struct slice s);
/* A NUL-terminated copy for libc and libraries; NULL when there is no memory or s holds a NUL. */
char *arena_cstr(struct arena *a, struct slice s);
struct slice arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
