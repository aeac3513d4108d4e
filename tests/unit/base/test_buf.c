/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/reader.h"

static void
the_maximum_is_kept_and_the_error_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_int_equal(buf_put_str(&b, "12345678"), 0);
	assert_int_equal(buf_put_u8(&b, '9'), ERR_LIMIT);
	buf_truncate(&b, 0);
	assert_int_equal(buf_put_u8(&b, '9'), ERR_LIMIT);
	buf_clear(&b);
	assert_int_equal(buf_put_u8(&b, '9'), 0);
	assert_slice(buf_slice(&b), "9");
	buf_done(&b);
}

static void
numbers_go_out_and_come_back(void **state)
{
	struct buf b;
	struct reader r;

	(void)state;
	buf_init(&b, 100);
	(void)buf_put_u8(&b, 0xfe);
	(void)buf_put_u16(&b, 0xfedc);
	(void)buf_put_u32(&b, 0xfedcba98u);
	(void)buf_put_u64(&b, 0xfedcba9876543210u);
	r = reader_of(buf_slice(&b));
	assert_int_equal(reader_get_u8(&r), 0xfe);
	assert_int_equal(reader_get_u16(&r), 0xfedc);
	assert_int_equal(reader_get_u32(&r), 0xfedcba98u);
	assert_true(reader_get_u64(&r) == 0xfedcba9876543210u);
	assert_int_equal(r.err, 0);
	assert_int_equal(reader_get_u8(&r), 0);
	assert_int_equal(r.err, ERR_TRUNCATED);
	buf_done(&b);
}

static void
a_failed_allocation_is_an_error(void **state)
{
	struct buf b;
	struct arena a;

	(void)state;
	buf_init(&b, 100);
	mem_fail_after(0);
	assert_int_equal(buf_put_u8(&b, 1), ERR_NOMEM);
	buf_done(&b);
	arena_init(&a, 1000);
	mem_fail_after(0);
	assert_null(arena_alloc(&a, 10));
	assert_int_equal(a.err, ERR_NOMEM);
	mem_fail_after(-1);
	arena_done(&a);
}

static void
an_arena_keeps_its_budget(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 10000);
	assert_non_null(arena_alloc(&a, 9000));
	assert_null(arena_alloc(&a, 2000));
	assert_int_equal(a.err, ERR_LIMIT);
	assert_null(arena_alloc(&a, 1));
	arena_done(&a);
	assert_slice(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	arena_done(&a);
	assert_null(arena_cstr(&a, slice_of("a\0b", 3)));
	arena_done(&a);
}

UNIT_MAIN(UNIT_TEST(the_maximum_is_kept_and_the_error_sticks), UNIT_TEST(numbers_go_out_and_come_back),
    UNIT_TEST(a_failed_allocation_is_an_error), UNIT_TEST(an_arena_keeps_its_budget))
