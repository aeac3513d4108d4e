/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/region.h"

#define SIZE 65536u
#define PIECES 64u

static _Alignas(16) uint8_t memory[SIZE];

static struct region *
fresh(void)
{
	memset(memory, 0, sizeof memory);
	return region_new(memory, sizeof memory);
}

/* Nothing of what was written is left anywhere. */
static bool
forgot(uint8_t octet, size_t run)
{
	size_t n = 0;

	for (size_t i = 0; i < SIZE; i++) {
		n = memory[i] == octet ? n + 1 : 0;
		if (n == run)
			return false;
	}
	return true;
}

static void
what_is_given_back_is_overwritten_and_joined(void **state)
{
	struct region *r = fresh();
	uint8_t *p[PIECES];
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < PIECES; i++) {
			size_t size = (seed = seed * 1103515245u + 12345u) / 65536u % 700u;

			p[i] = region_alloc(r, size);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], 0xa5, size);
		}
		region_check(r);
		assert_false(forgot(0xa5, 100));
		for (unsigned i = 0; i < PIECES; i++)
			region_free(r, p[(i * 29 + round) % PIECES]);
		region_check(r);
		assert_int_equal(region_used(r), 0);
	}
	assert_true(forgot(0xa5, 1));
	p[0] = region_alloc(r, region_size(r) - 64); /* it is one piece again */
	assert_non_null(p[0]);
	assert_null(region_alloc(r, 100));
	assert_null(region_alloc(r, SIZE_MAX));
	region_free(r, p[0]);
}

static void
what_moves_leaves_nothing_behind(void **state)
{
	struct region *r = fresh();
	uint8_t *a = region_alloc(r, 100), *b = region_alloc(r, 16), *moved;

	(void)state;
	memset(a, 0x5a, 100);
	moved = region_realloc(r, a, 5000);
	assert_ptr_not_equal(moved, a);
	assert_int_equal(moved[99], 0x5a);
	moved = region_realloc(r, moved, 10);
	for (size_t i = 10; i < 5000; i++)
		assert_int_equal(moved[i], 0);
	region_free(r, moved);
	assert_true(forgot(0x5a, 1));
	region_free(r, b);
	assert_null(region_new(memory, 64));
}

static void
ends_by(int wanted, void (*wrong)(struct region *))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		wrong(fresh());
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == wanted);
}

static void
write_too_far(struct region *r)
{
	uint8_t *p = region_alloc(r, 32);

	memset(p, 1, 48);
	region_free(r, p);
}

static void
give_back_twice(struct region *r)
{
	uint8_t *p = region_alloc(r, 32), *q = region_alloc(r, 32);

	region_free(r, p);
	region_free(r, p);
	region_free(r, q);
}

static void
a_wrong_canary_ends_the_process(void **state)
{
	(void)state;
	ends_by(SIGABRT, write_too_far);
	ends_by(SIGABRT, give_back_twice);
}

static void
all_memory_can_lie_in_it(void **state)
{
	uint8_t *before = mem_alloc(10), *p;
	struct region *r = fresh();

	(void)state;
	mem_within(r);
	p = mem_alloc(100);
	assert_true(region_owns(r, p));
	p = mem_realloc(p, 2000);
	assert_true(region_owns(r, p));
	assert_null(mem_array(SIZE_MAX / 2, 3));
	assert_null(mem_alloc(SIZE));
	mem_free(p);
	mem_free(before); /* it came from elsewhere */
	assert_int_equal(region_used(r), 0);
	mem_within(NULL);
}

UNIT_MAIN(UNIT_TEST(what_is_given_back_is_overwritten_and_joined), UNIT_TEST(what_moves_leaves_nothing_behind),
    UNIT_TEST(a_wrong_canary_ends_the_process), UNIT_TEST(all_memory_can_lie_in_it))
