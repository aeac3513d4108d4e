/* SPDX-License-Identifier: ISC */
/*
 * Deadlines without a timer each: a hashed timer wheel. Nearly every deadline
 * of a connection is moved on long before it comes, and there are a hundred
 * thousand of them, so setting one must cost next to nothing.
 *
 * The wheel is a ring of WHEEL_SLOTS lists, one for each tick of WHEEL_TICK_MS.
 * An entry stands in a slot that is visited at its deadline or sooner; a visit
 * that finds it not due puts it where it belongs by now. So moving a deadline
 * on only notes the number, and one further away than a round (65 s) is looked
 * at once a round: 100,000 entries cost 1,500 looks a second, each below a
 * microsecond.
 *
 * Nothing fires early; what is due fires with the first wheel_advance() at or
 * after wheel_next(), that is at most one tick late plus the timer's own delay.
 *
 * Pure: times are milliseconds of a monotonic clock, passed in. One thread.
 */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS 512u
#define WHEEL_TICK_MS 128

/* Part of what has the deadline; zeroed means not set. Must not move or be freed while it is set. */
struct wheel_entry {
	struct wheel_entry *next;
	struct wheel_entry **back; /* what points at this entry; NULL: not set */
	int64_t at;
};

struct wheel {
	struct wheel_entry *slots[WHEEL_SLOTS];
	uint64_t used[WHEEL_SLOTS / 64]; /* a bit for each slot that may have entries */
	int64_t tick;                    /* the last one visited */
};

/* Nothing needs to be freed; entries that are still set are simply forgotten with the wheel. */
void wheel_init(struct wheel *w, int64_t now);

/*
 * Sets or moves the entry's deadline. MACHINE_NEVER clears it. A time that has
 * passed fires with the next tick. An entry belongs to one wheel at a time.
 */
void wheel_set(struct wheel *w, struct wheel_entry *entry, int64_t at);
/* Also when it is not set. */
void wheel_clear(struct wheel_entry *entry);

static inline bool
wheel_is_set(const struct wheel_entry *entry)
{
	return entry->back != NULL;
}

/*
 * When wheel_advance() should be called next, or MACHINE_NEVER without entries.
 * Nothing fires before; it may be that nothing fires then.
 */
int64_t wheel_next(struct wheel *w);

/*
 * Calls fn for each entry that is due. The entry is not set any more then; fn
 * may set and clear this and any other entry and free its memory, but not call
 * wheel_advance(). A clock that stands still or goes back fires nothing.
 */
void wheel_advance(struct wheel *w, int64_t now, void (*fn)(void *ctx, struct wheel_entry *entry), void *ctx);

#endif
