/* SPDX-License-Identifier: ISC */
#include "base/slice.h"

#include <string.h>

struct slice
slice_str(const char *s)
{
	return s == NULL ? SLICE_EMPTY : slice_of(s, strlen(s));
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

bool
slice_ieq(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	}
	return true;
}

bool
slice_ieq_str(struct slice a, const char *s)
{
	return slice_ieq(a, slice_str(s));
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = size_min(a.len, b.len);
	int c = n == 0 ? 0 : memcmp(a.data, b.data, n);

	if (c != 0)
		return c < 0 ? -1 : 1;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool
slice_starts(struct slice a, struct slice prefix)
{
	return a.len >= prefix.len && slice_eq(slice_sub(a, 0, prefix.len), prefix);
}

bool
slice_istarts(struct slice a, struct slice prefix)
{
	return a.len >= prefix.len && slice_ieq(slice_sub(a, 0, prefix.len), prefix);
}

bool
slice_ends(struct slice a, struct slice suffix)
{
	return a.len >= suffix.len && slice_eq(slice_from(a, a.len - suffix.len), suffix);
}

size_t
slice_find(struct slice a, uint8_t octet)
{
	const uint8_t *p = a.len == 0 ? NULL : memchr(a.data, octet, a.len);

	return p == NULL ? SIZE_MAX : (size_t)(p - a.data);
}

size_t
slice_find_last(struct slice a, uint8_t octet)
{
	const uint8_t *p = a.len == 0 ? NULL : memrchr(a.data, octet, a.len);

	return p == NULL ? SIZE_MAX : (size_t)(p - a.data);
}

size_t
slice_search(struct slice a, struct slice needle)
{
	const uint8_t *p;

	if (needle.len == 0)
		return 0;
	if (a.len < needle.len)
		return SIZE_MAX;
	p = memmem(a.data, a.len, needle.data, needle.len);
	return p == NULL ? SIZE_MAX : (size_t)(p - a.data);
}

struct slice
slice_sub(struct slice a, size_t from, size_t len)
{
	if (from >= a.len)
		return SLICE_EMPTY;
	return slice_of(a.data + from, size_min(len, a.len - from));
}

struct slice
slice_from(struct slice a, size_t from)
{
	return slice_sub(a, from, SIZE_MAX);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice a)
{
	while (a.len > 0 && is_space(a.data[0]))
		a = slice_from(a, 1);
	while (a.len > 0 && is_space(a.data[a.len - 1]))
		a.len--;
	return a;
}

struct slice
slice_split(struct slice a, uint8_t separator, struct slice *rest)
{
	size_t at = slice_find(a, separator);

	if (at == SIZE_MAX) {
		*rest = SLICE_EMPTY;
		return a;
	}
	*rest = slice_from(a, at + 1);
	return slice_sub(a, 0, at);
}

bool
slice_to_u64(struct slice a, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (a.len == 0)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (a.data[i] < '0' || a.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(a.data[i] - '0'), &v) || v > max)
			return false;
	}
	*out = v;
	return true;
}
