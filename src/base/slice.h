/* SPDX-License-Identifier: ISC */
/*
 * A slice is a borrowed range of bytes: pointer and length, passed by value.
 * It owns nothing and never assumes a terminating NUL. An empty slice may
 * have a null pointer.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const uint8_t *data;
	size_t len;
};

/* A slice over a string literal, without its NUL. */
#define SLICE(lit) ((struct slice){ (const uint8_t *)("" lit), sizeof(lit) - 1 })
#define SLICE_EMPTY ((struct slice){ NULL, 0 })

static inline struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){ data, len };
}

/* Over a NUL-terminated string from libc or a library; NULL gives an empty slice. */
struct slice slice_str(const char *s);

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_str(struct slice a, const char *s);
/* ASCII case-insensitive, as protocol keywords and header names are. */
bool slice_ieq(struct slice a, struct slice b);
bool slice_ieq_str(struct slice a, const char *s);
int slice_cmp(struct slice a, struct slice b);
bool slice_starts(struct slice a, struct slice prefix);
bool slice_istarts(struct slice a, struct slice prefix);
bool slice_ends(struct slice a, struct slice suffix);

/* Position of the first such octet or needle, or SIZE_MAX. */
size_t slice_find(struct slice a, uint8_t octet);
size_t slice_find_last(struct slice a, uint8_t octet);
size_t slice_search(struct slice a, struct slice needle);

/* From position, at most len octets; out of range is cut, never an error. */
struct slice slice_sub(struct slice a, size_t from, size_t len);
struct slice slice_from(struct slice a, size_t from);
/* Without spaces, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice a);

/*
 * Split at the first separator: the part before is returned, *rest is what
 * follows it. Without a separator the whole is returned and *rest is empty.
 * rest may point at the slice that was passed in.
 */
struct slice slice_split(struct slice a, uint8_t separator, struct slice *rest);

/* A decimal number of digits only; false when empty, not digits, or over max. */
bool slice_to_u64(struct slice a, uint64_t max, uint64_t *out);

static inline uint8_t
ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline uint8_t
ascii_upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

/* Checked length arithmetic: false on overflow, *out untouched. */
static inline bool
size_add(size_t a, size_t b, size_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

static inline bool
size_mul(size_t a, size_t b, size_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

static inline size_t
size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

#endif
