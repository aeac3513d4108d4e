/* SPDX-License-Identifier: ISC */
/*
 * The only callers of malloc. Everything above uses these, arenas or bufs.
 * They return NULL when there is no memory; callers turn that into ERR_NOMEM.
 *
 * mem_fail_after() is for tests: the n-th allocation from now on (0 is the
 * next) fails, and all after it succeed again. A negative n switches it off.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);               /* zeroed; size 0 gives a unique pointer */
void *mem_array(size_t count, size_t size); /* zeroed; NULL on overflow */
void *mem_realloc(void *p, size_t size);    /* new octets are not zeroed; on failure p stays */
void mem_free(void *p);                     /* NULL is permitted */
/*
 * For a few large pieces that are read and written at random: on large pages, where the system has them, which spares
 * the processor most of its look-ups of addresses. Not zeroed; given back by mem_free().
 */
void *mem_alloc_large(size_t size);

/*
 * From now on all pieces but the large ones lie in this region, for good (the agent's, client/agent/memory.h). What was
 * had before is still given back to where it came from. For a process with one thread.
 */
struct region;
void mem_within(struct region *r);

void mem_fail_after(long n);

/* A local owner that frees itself: MEM_OWNED char *p = mem_alloc(10); */
void mem_free_pointer(void *pointer_to_pointer);
#define MEM_OWNED __attribute__((cleanup(mem_free_pointer)))

#endif
