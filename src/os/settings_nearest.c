/* SPDX-License-Identifier: ISC */
/* The distance of Damerau and Levenshtein, with neighbours exchanged at most once. */
#include "os/settings_nearest.h"

#include <string.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Octets of at most SETTINGS_NAME_MAX; b is in small letters, as all settings. */
static size_t
distance(struct slice a, struct slice b)
{
	size_t rows[3][SETTINGS_NAME_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		before[j] = last[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t other = ascii_lower(a.data[i - 1]) == b.data[j - 1] ? 0 : 1;

			now[j] = least(last[j - 1] + other, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && ascii_lower(a.data[i - 1]) == b.data[j - 2] &&
			    ascii_lower(a.data[i - 2]) == b.data[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

const char *
settings_nearest(const struct setting *table, size_t count, struct slice name)
{
	const char *nearest = NULL;
	size_t best = name.len / 3 + 1;

	if (name.len > SETTINGS_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct slice other = slice_str(table[i].name);
		size_t d = other.len > SETTINGS_NAME_MAX ? best : distance(name, other);

		if (d < best) {
			best = d;
			nearest = table[i].name;
		}
	}
	return nearest;
}
