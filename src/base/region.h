/* SPDX-License-Identifier: ISC */
/*
 * Pieces of one range of memory that somebody else provides: for a process
 * that keeps everything secret in one place. A piece is overwritten when it is
 * given back, and when it moves; between any two pieces stands a canary, and
 * one that was changed ends the process, for then somebody wrote where he must
 * not. Neighbouring free pieces become one again.
 *
 * One thread. Nothing here asks the system for memory.
 */
#ifndef BASE_REGION_H
#define BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct region;

/* size octets at start (aligned to 16, zeroed), which also hold the region's own records. NULL when it is too small. */
struct region *region_new(void *start, size_t size);

/* NULL when there is no room. Aligned to 16; not zeroed beyond what giving back zeroed: all free octets are zero. */
void *region_alloc(struct region *r, size_t size);
/* As realloc(): on failure p stays. p NULL: region_alloc(). */
void *region_realloc(struct region *r, void *p, size_t size);
/* Overwrites. NULL is permitted. */
void region_free(struct region *r, void *p);
bool region_owns(const struct region *r, const void *p);
size_t region_used(const struct region *r); /* octets in pieces, with their heads */
size_t region_size(const struct region *r);
/* Looks at every canary. Does not return when one is wrong. */
void region_check(const struct region *r);

#endif
