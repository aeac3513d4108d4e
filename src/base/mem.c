/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/region.h"

#define LARGE_PAGE ((size_t)2 << 20)

static atomic_long fail_after = -1;
static struct region *within; /* NULL: the system's heap */

static bool
must_fail(void)
{
	return atomic_load_explicit(&fail_after, memory_order_relaxed) >= 0 && atomic_fetch_sub(&fail_after, 1) == 0;
}

static void *
zeroed(size_t size)
{
	void *p = region_alloc(within, size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void *
mem_alloc(size_t size)
{
	if (must_fail())
		return NULL;
	return within != NULL ? zeroed(size) : calloc(1, size == 0 ? 1 : size);
}

void *
mem_array(size_t count, size_t size)
{
	if (must_fail())
		return NULL;
	if (within != NULL)
		return size != 0 && count > SIZE_MAX / size ? NULL : zeroed(count * size);
	return calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

void *
mem_realloc(void *p, size_t size)
{
	if (must_fail())
		return NULL;
	if (within != NULL && (p == NULL || region_owns(within, p)))
		return region_realloc(within, p, size);
	return realloc(p, size == 0 ? 1 : size);
}

void *
mem_alloc_large(size_t size)
{
	size_t whole = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	void *p;

	if (must_fail() || whole < size)
		return NULL;
	p = aligned_alloc(LARGE_PAGE, whole);
	if (p != NULL)
		(void)madvise(p, whole, MADV_HUGEPAGE);
	return p;
}

void
mem_free(void *p)
{
	if (within != NULL && region_owns(within, p))
		region_free(within, p);
	else
		free(p);
}

void
mem_within(struct region *r)
{
	within = r;
}

void
mem_fail_after(long n)
{
	atomic_store(&fail_after, n);
}

void
mem_free_pointer(void *pointer_to_pointer)
{
	mem_free(*(void **)pointer_to_pointer);
}
