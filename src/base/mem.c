/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

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
