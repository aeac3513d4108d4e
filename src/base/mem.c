/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

static atomic_long fail_after = -1;

static bool
must_fail(void)
{
	return atomic_load_explicit(&fail_after, memory_order_relaxed) >= 0 && atomic_fetch_sub(&fail_after, 1) == 0;
}

void *
mem_alloc(size_t size)
{
	return must_fail() ? NULL : calloc(1, size == 0 ? 1 : size);
}

void *
mem_array(size_t count, size_t size)
{
	return must_fail() ? NULL : calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

void *
mem_realloc(void *p, size_t size)
{
	return must_fail() ? NULL : realloc(p, size == 0 ? 1 : size);
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
	free(p);
}

void
mem_fail_after(long n)
{
	atomic_store(&fail_after, n);
}

void
mem_free_pointer(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
