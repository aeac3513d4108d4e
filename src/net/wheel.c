/* SPDX-License-Identifier: ISC */
#include "net/wheel.h"

#include <string.h>

#include "base/machine.h"

void
wheel_init(struct wheel *w, int64_t now)
{
	memset(w, 0, sizeof *w);
	w->tick = now / WHEEL_TICK_MS;
}

static void
unlink_entry(struct wheel_entry *entry)
{
	*entry->back = entry->next;
	if (entry->next != NULL)
		entry->next->back = entry->back;
	entry->back = NULL;
}

static void
push(struct wheel_entry **list, struct wheel_entry *entry)
{
	entry->next = *list;
	entry->back = list;
	if (entry->next != NULL)
		entry->next->back = &entry->next;
	*list = entry;
}

/* The first tick at which at has passed, of those that still come. Further away than a round it is one of the same slot. */
static void
link_entry(struct wheel *w, struct wheel_entry *entry)
{
	int64_t tick = entry->at / WHEEL_TICK_MS + (entry->at % WHEEL_TICK_MS > 0);
	size_t slot = (size_t)(tick > w->tick ? tick : w->tick + 1) % WHEEL_SLOTS;

	push(&w->slots[slot], entry);
	w->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void
wheel_set(struct wheel *w, struct wheel_entry *entry, int64_t at)
{
	int64_t before = entry->at;

	if (at == MACHINE_NEVER) {
		wheel_clear(entry);
		return;
	}
	entry->at = at;
	if (entry->back != NULL && at >= before)
		return; /* its slot is visited in time, and that sees the new time */
	wheel_clear(entry);
	link_entry(w, entry);
}

void
wheel_clear(struct wheel_entry *entry)
{
	if (entry->back != NULL)
		unlink_entry(entry);
}

/* The next tick from the given one on, within a round, whose slot may have entries; or -1. */
static int64_t
next_used(const struct wheel *w, int64_t from)
{
	for (int64_t tick = from, end = from + WHEEL_SLOTS; tick < end;) {
		size_t slot = (size_t)tick % WHEEL_SLOTS;
		uint64_t bits = w->used[slot / 64] >> slot % 64;

		if (bits != 0) {
			tick += __builtin_ctzll(bits);
			return tick < end ? tick : -1;
		}
		tick += 64 - (int64_t)(slot % 64);
	}
	return -1;
}

static void
forget_slot(struct wheel *w, size_t slot)
{
	w->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

int64_t
wheel_next(struct wheel *w)
{
	int64_t tick;

	while ((tick = next_used(w, w->tick + 1)) >= 0) {
		size_t slot = (size_t)tick % WHEEL_SLOTS;

		if (w->slots[slot] != NULL)
			return tick * WHEEL_TICK_MS;
		forget_slot(w, slot); /* wheel_clear() does not know the wheel */
	}
	return MACHINE_NEVER;
}

/* The list is taken off the wheel first, so that what is put back into the same slot is not met again. */
static void
visit(struct wheel *w, size_t slot, int64_t now, void (*fn)(void *ctx, struct wheel_entry *entry), void *ctx)
{
	struct wheel_entry *list = w->slots[slot], *entry;

	w->slots[slot] = NULL;
	forget_slot(w, slot);
	if (list != NULL)
		list->back = &list;
	while ((entry = list) != NULL) {
		unlink_entry(entry);
		if (entry->at <= now)
			fn(ctx, entry);
		else
			link_entry(w, entry);
	}
}

void
wheel_advance(struct wheel *w, int64_t now, void (*fn)(void *ctx, struct wheel_entry *entry), void *ctx)
{
	int64_t from = w->tick + 1, last = now / WHEEL_TICK_MS, tick;

	if (last < from)
		return;
	if (last - from >= WHEEL_SLOTS)
		from = last - WHEEL_SLOTS + 1; /* each slot once is enough */
	w->tick = last;                        /* from here on entries are put behind what is visited now */
	for (; from <= last && (tick = next_used(w, from)) >= 0 && tick <= last; from = tick + 1)
		visit(w, (size_t)tick % WHEEL_SLOTS, now, fn, ctx);
}
