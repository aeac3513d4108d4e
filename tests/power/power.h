/* SPDX-License-Identifier: ISC */
/* What the programs in this folder share: memory that is there or ends them, whole files, chance. */
#ifndef POWER_H
#define POWER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static inline void *
power_alloc(size_t size)
{
	void *p = calloc(1, size == 0 ? 1 : size);

	if (p == NULL)
		abort();
	return p;
}

/* Twice the room of an array. */
static inline void *
power_grow(void *rows, size_t *room, size_t size)
{
	*room = *room == 0 ? 64 : *room * 2;
	rows = realloc(rows, *room * size);
	if (rows == NULL)
		abort();
	return rows;
}

static inline uint64_t
power_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static inline uint64_t
power_random(uint64_t *state)
{
	return power_mix((*state)++);
}

static inline void *
power_read(const char *path, size_t *len_out)
{
	FILE *f = fopen(path, "rbe");
	struct stat st;
	void *data;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		exit(3);
	}
	data = power_alloc((size_t)st.st_size + 1);
	*len_out = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	return data;
}

#endif
