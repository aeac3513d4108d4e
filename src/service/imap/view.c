/* SPDX-License-Identifier: ISC */
#include "service/imap/view.h"

#include "base/mem.h"

void
imap_view_done(struct imap_view *v)
{
	mem_free(v->runs);
	*v = (struct imap_view){ 0 };
}

static int
make_room(struct imap_view *v, size_t count, struct error *e)
{
	size_t room = v->room < 4 ? 4 : v->room;
	struct imap_run *p;

	if (count <= v->room)
		return 0;
	while (room < count)
		room *= 2;
	p = mem_realloc(v->runs, room * sizeof *p);
	if (p == NULL)
		return error_nomem(e);
	v->runs = p;
	v->room = room;
	return 0;
}

uint32_t
imap_view_last(const struct imap_view *v)
{
	return v->count == 0 ? 0 : v->runs[v->count - 1].last;
}

int
imap_view_add(struct imap_view *v, uint32_t first, uint32_t last, struct error *e)
{
	uint32_t end = imap_view_last(v);
	int rc;

	if (last <= end || first > last)
		return 0;
	if (first <= end)
		first = end + 1;
	if (v->count > 0 && first == end + 1) {
		v->runs[v->count - 1].last = last;
	} else {
		rc = make_room(v, v->count + 1, e);
		if (rc != 0)
			return rc;
		v->runs[v->count++] = (struct imap_run){ first, last, v->messages };
	}
	v->messages += last - first + 1;
	return 0;
}

/* The run that holds the UID, or the first one behind it. */
static size_t
run_of(const struct imap_view *v, uint32_t uid)
{
	size_t low = 0;
	size_t high = v->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t
imap_view_seq(const struct imap_view *v, uint32_t uid)
{
	size_t i = run_of(v, uid);

	if (i == v->count || v->runs[i].first > uid)
		return 0;
	return v->runs[i].before + (uid - v->runs[i].first) + 1;
}

uint32_t
imap_view_uid(const struct imap_view *v, uint32_t seq)
{
	size_t low = 0;
	size_t high = v->count;

	if (seq == 0 || seq > v->messages)
		return 0;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].before < seq)
			low = mid;
		else
			high = mid;
	}
	return v->runs[low].first + (seq - v->runs[low].before - 1);
}

/* One run without some UIDs, added to the new view. */
static int
add_without(struct imap_view *to, struct imap_run run, const uint32_t *uids, size_t count, size_t *at, struct error *e)
{
	uint32_t from = run.first;
	int rc = 0;

	while (*at < count && uids[*at] < run.first)
		*at += 1;
	for (; rc == 0 && *at < count && uids[*at] <= run.last; *at += 1) {
		if (uids[*at] > from)
			rc = imap_view_add(to, from, uids[*at] - 1, e);
		if (uids[*at] == UINT32_MAX)
			return rc;
		from = uids[*at] + 1;
	}
	return rc != 0 || from > run.last ? rc : imap_view_add(to, from, run.last, e);
}

int
imap_view_remove(struct imap_view *v, const uint32_t *uids, size_t count, struct error *e)
{
	struct imap_view left = { 0 };
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->count; i++)
		rc = add_without(&left, v->runs[i], uids, count, &at, e);
	if (rc != 0) {
		imap_view_done(&left);
		return rc;
	}
	imap_view_done(v);
	*v = left;
	return 0;
}

/* Where the two overlap, in the coordinate of set (message numbers or UIDs), as UIDs. */
static struct imap_range
overlap(struct imap_run run, struct imap_range want, bool by_uid)
{
	uint32_t first = by_uid ? run.first : run.before + 1;
	uint32_t last = first + (run.last - run.first);
	uint32_t a = want.first > first ? want.first : first;
	uint32_t b = want.last < last ? want.last : last;

	if (a > b)
		return (struct imap_range){ 0, 0 };
	return (struct imap_range){ run.first + (a - first), run.first + (b - first) };
}

int
imap_view_select(const struct imap_view *v, const struct imap_set *set, bool by_uid, struct arena *a,
    struct imap_set *out, struct error *e)
{
	struct imap_range *r = arena_array(a, v->count + set->count + 1, sizeof *r);
	size_t n = 0;
	size_t i = 0;
	size_t k = 0;

	if (r == NULL)
		return error_set(e, a->err, "No room for a set of messages.");
	/* Both ascend: one pass over the two, each step drops one range. */
	while (i < v->count && k < set->count) {
		struct imap_run run = v->runs[i];
		uint32_t run_last = by_uid ? run.last : run.before + (run.last - run.first) + 1;
		struct imap_range hit = overlap(run, set->ranges[k], by_uid);

		if (hit.first != 0)
			r[n++] = hit;
		if (run_last < set->ranges[k].last)
			i++;
		else
			k++;
	}
	*out = (struct imap_set){ .ranges = r, .count = n };
	return 0;
}
