/* SPDX-License-Identifier: ISC */
/*
 * Boundary tags: each piece has a head that says how long it is and how long
 * the one before it is, so that a piece finds its neighbours. Free pieces stand
 * in lists by the power of two of their length.
 */
#include "base/region.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16u
#define CANARY 0x6c6f636b2d63616eu /* mixed with the head's own address */
#define BINS 40u

struct head {
	uint64_t canary;
	uint32_t size;   /* of the whole piece, head included, in units of ALIGN */
	uint32_t before; /* the same of the piece in front; 0: the first */
	uint64_t used;
	uint64_t asked; /* octets of a used piece */
};

struct links {
	struct head *next, *last;
};

struct region {
	uint8_t *first, *end;
	size_t used;
	struct head *bins[BINS];
};

#define HEAD sizeof(struct head)
#define PIECE_MIN (HEAD + ALIGN)

_Static_assert(HEAD % ALIGN == 0, "pieces are aligned");
_Static_assert(sizeof(struct links) <= ALIGN, "a free piece has room for its links");

static uint64_t
canary_of(const struct head *h)
{
	return CANARY ^ (uint64_t)(uintptr_t)h;
}

static void
check(const struct head *h)
{
	if (h->canary != canary_of(h))
		abort();
}

static size_t
size_of(const struct head *h)
{
	return (size_t)h->size * ALIGN;
}

static uint8_t *
body_of(struct head *h)
{
	return (uint8_t *)h + HEAD;
}

static struct links *
links_of(struct head *h)
{
	return (struct links *)(void *)body_of(h);
}

static struct head *
head_of(void *p)
{
	return (struct head *)(void *)((uint8_t *)p - HEAD);
}

/* The piece behind; at the end stands a head without size. */
static struct head *
after(struct head *h)
{
	return (struct head *)(void *)((uint8_t *)h + size_of(h));
}

static unsigned
bin_of(size_t size)
{
	unsigned bin = 0;

	while (bin + 1 < BINS && size >> (bin + 1) != 0)
		bin++;
	return bin;
}

static void
link_free(struct region *r, struct head *h)
{
	struct head **bin = &r->bins[bin_of(size_of(h))];

	*links_of(h) = (struct links){ .next = *bin };
	if (*bin != NULL)
		links_of(*bin)->last = h;
	*bin = h;
}

static void
unlink_free(struct region *r, struct head *h)
{
	struct links l = *links_of(h);

	if (l.last != NULL)
		links_of(l.last)->next = l.next;
	else
		r->bins[bin_of(size_of(h))] = l.next;
	if (l.next != NULL)
		links_of(l.next)->last = l.last;
	memset(links_of(h), 0, sizeof l);
}

static struct head *
make_head(uint8_t *at, size_t size, size_t before)
{
	struct head *h = (struct head *)(void *)at;

	*h = (struct head){ .size = (uint32_t)(size / ALIGN), .before = (uint32_t)(before / ALIGN) };
	h->canary = canary_of(h);
	return h;
}

struct region *
region_new(void *start, size_t size)
{
	struct region *r = start;
	size_t own = (sizeof *r + ALIGN - 1) / ALIGN * ALIGN, room;

	if (size < own + 2 * PIECE_MIN || size / ALIGN > UINT32_MAX)
		return NULL;
	memset(r, 0, sizeof *r);
	r->first = (uint8_t *)start + own;
	room = (size - own - HEAD) / ALIGN * ALIGN;
	r->end = r->first + room;
	link_free(r, make_head(r->first, room, 0));
	make_head(r->end, 0, room)->used = 1;
	return r;
}

/* The first that fits: those of the size's own bin may not, those of every later one do. */
static struct head *
find(const struct region *r, size_t size)
{
	for (unsigned bin = bin_of(size); bin < BINS; bin++) {
		for (struct head *h = r->bins[bin]; h != NULL; h = links_of(h)->next) {
			if (size_of(h) >= size)
				return h;
		}
	}
	return NULL;
}

/* What is left over of a piece becomes one of its own. */
static void
split(struct region *r, struct head *h, size_t size)
{
	size_t rest = size_of(h) - size;
	struct head *next = after(h);

	if (rest < PIECE_MIN)
		return;
	h->size = (uint32_t)(size / ALIGN);
	link_free(r, make_head((uint8_t *)h + size, rest, size));
	next->before = (uint32_t)(rest / ALIGN);
}

void *
region_alloc(struct region *r, size_t size)
{
	size_t whole = size > SIZE_MAX / 2 ? 0 : (size + HEAD + ALIGN - 1) / ALIGN * ALIGN;
	struct head *h = whole == 0 ? NULL : find(r, whole < PIECE_MIN ? PIECE_MIN : whole);

	if (h == NULL)
		return NULL;
	check(h);
	check(after(h));
	unlink_free(r, h);
	split(r, h, whole < PIECE_MIN ? PIECE_MIN : whole);
	h->used = 1;
	h->asked = size;
	r->used += size_of(h);
	return body_of(h);
}

/* h takes the piece behind it in. Its head is overwritten: free octets are zero. */
static void
join(struct head *h, struct head *next)
{
	h->size += next->size;
	memset(next, 0, HEAD);
	after(h)->before = h->size;
}

void
region_free(struct region *r, void *p)
{
	struct head *h, *next;

	if (p == NULL)
		return;
	h = head_of(p);
	check(h);
	next = after(h);
	check(next);
	if (h->used == 0)
		abort(); /* given back twice */
	explicit_bzero(p, size_of(h) - HEAD);
	r->used -= size_of(h);
	h->used = 0;
	h->asked = 0;
	if (next->used == 0) {
		unlink_free(r, next);
		join(h, next);
	}
	if (h->before != 0) {
		struct head *before = (struct head *)(void *)((uint8_t *)h - (size_t)h->before * ALIGN);

		check(before);
		if (before->used == 0) {
			unlink_free(r, before);
			join(before, h);
			h = before;
		}
	}
	link_free(r, h);
}

void *
region_realloc(struct region *r, void *p, size_t size)
{
	size_t had = p == NULL ? 0 : head_of(p)->asked;
	void *q;

	if (p != NULL && size <= size_of(head_of(p)) - HEAD) {
		check(head_of(p));
		if (size < had)
			explicit_bzero((uint8_t *)p + size, had - size);
		head_of(p)->asked = size;
		return p;
	}
	q = region_alloc(r, size);
	if (q == NULL || p == NULL)
		return q;
	memcpy(q, p, had);
	region_free(r, p);
	return q;
}

bool
region_owns(const struct region *r, const void *p)
{
	return (uintptr_t)p >= (uintptr_t)r->first && (uintptr_t)p < (uintptr_t)r->end;
}

size_t
region_used(const struct region *r)
{
	return r->used;
}

size_t
region_size(const struct region *r)
{
	return (size_t)(r->end - r->first);
}

void
region_check(const struct region *r)
{
	struct head *h = (struct head *)(void *)r->first;

	while ((uint8_t *)h < r->end) {
		check(h);
		if (h->size == 0)
			abort();
		h = after(h);
	}
	check(h);
}
