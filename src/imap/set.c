/* SPDX-License-Identifier: ISC */
#include "imap/set.h"

#include <stdlib.h>
#include <string.h>

#include "imap/limits.h"

/* One seq-number from *at on; 0 is "*". False when there is none. */
static bool
number_get(struct slice text, size_t *at, uint32_t *out)
{
	uint64_t v = 0;
	size_t i = *at;

	if (i < text.len && text.data[i] == '*') {
		*out = 0;
		*at = i + 1;
		return true;
	}
	for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
		v = v * 10 + (uint64_t)(text.data[i] - '0');
		if (v > UINT32_MAX)
			return false;
	}
	if (i == *at || v == 0)
		return false;
	*out = (uint32_t)v;
	*at = i;
	return true;
}

static size_t
count_items(struct slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == ',';
	return n;
}

int
imap_set_parse(struct slice text, struct arena *a, struct imap_set *set_out, struct error *e)
{
	size_t count = count_items(text);
	struct imap_range *r;
	size_t at = 0;

	if (count > IMAP_RANGES_MAX)
		return error_set(e, ERR_LIMIT, "More than %u ranges in one sequence set.", IMAP_RANGES_MAX);
	r = arena_array(a, count, sizeof *r);
	if (r == NULL)
		return error_set(e, a->err, "No room for a sequence set.");
	for (size_t i = 0; i < count; i++) {
		bool ok = number_get(text, &at, &r[i].first);

		r[i].last = r[i].first;
		if (ok && at < text.len && text.data[at] == ':') {
			at++;
			ok = number_get(text, &at, &r[i].last);
		}
		if (!ok || (i + 1 < count ? at >= text.len || text.data[at++] != ',' : at != text.len))
			return error_set_at(e, ERR_SYNTAX, at, "Not a sequence set.");
	}
	*set_out = (struct imap_set){ .ranges = r, .count = count };
	return 0;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct imap_range *x = a;
	const struct imap_range *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
imap_set_resolve(struct imap_set *set, uint32_t star)
{
	struct imap_range *r = set->ranges;
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		uint32_t a = r[i].first == 0 ? star : r[i].first;
		uint32_t b = r[i].last == 0 ? star : r[i].last;

		r[i] = a <= b ? (struct imap_range){ a, b } : (struct imap_range){ b, a };
	}
	if (set->count > 1)
		qsort(r, set->count, sizeof *r, range_cmp);
	for (size_t i = 0; i < set->count; i++) {
		if (n > 0 && (r[n - 1].last == UINT32_MAX || r[i].first <= r[n - 1].last + 1)) {
			if (r[i].last > r[n - 1].last)
				r[n - 1].last = r[i].last;
		} else {
			r[n++] = r[i];
		}
	}
	set->count = n;
}

uint32_t
imap_set_next(const struct imap_set *set, uint32_t number)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->ranges[mid].last < number)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == set->count)
		return 0;
	return number > set->ranges[low].first ? number : set->ranges[low].first;
}

bool
imap_set_has(const struct imap_set *set, uint32_t number)
{
	return number != 0 && imap_set_next(set, number) == number;
}

uint64_t
imap_set_size(const struct imap_set *set)
{
	uint64_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
	return n;
}

static void
range_write(struct buf *out, bool comma, uint32_t first, uint32_t last)
{
	if (first == last)
		(void)buf_putf(out, "%s%u", comma ? "," : "", first);
	else
		(void)buf_putf(out, "%s%u:%u", comma ? "," : "", first, last);
}

int
imap_set_write(struct buf *out, const struct imap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		range_write(out, i > 0, set->ranges[i].first, set->ranges[i].last);
	return out->err;
}

int
imap_numbers_write(struct buf *out, const uint32_t *numbers, size_t count)
{
	size_t i = 0;

	while (i < count) {
		size_t j = i;

		while (j + 1 < count && numbers[j] != UINT32_MAX && numbers[j + 1] == numbers[j] + 1)
			j++;
		range_write(out, i > 0, numbers[i], numbers[j]);
		i = j + 1;
	}
	return out->err;
}
