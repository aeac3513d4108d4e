/* SPDX-License-Identifier: ISC */
#include "imap/limits.h"
#include "imap/set.h"
#include "unit.h"

static const struct {
	const char *text;
	uint32_t star;
	const char *resolved; /* NULL: refused */
} rows[] = {
	{ "1", 10, "1" },
	{ "4:2", 10, "2:4" },
	{ "1,3:5,2", 10, "1:5" },
	{ "*", 10, "10" },
	{ "8:*", 10, "8:10" },
	{ "3291:*", 10, "10:3291" },
	{ "*:3", 10, "3:10" },
	{ "1:*,1:*,1:*", 10, "1:10" },
	{ "5,5,5", 10, "5" },
	{ "4294967295,1", 10, "1,4294967295" },
	{ "1:4294967295,2", 10, "1:4294967295" },
	{ "", 10, NULL },
	{ "0", 10, NULL },
	{ "1:0", 10, NULL },
	{ "1,", 10, NULL },
	{ ",1", 10, NULL },
	{ "1:2:3", 10, NULL },
	{ "4294967296", 10, NULL },
	{ "1-2", 10, NULL },
	{ "**", 10, NULL },
};

static void
parse_and_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct imap_set set;
		struct arena a;
		struct buf b;
		int rc;

		arena_init(&a, 1u << 20);
		buf_init(&b, 1000);
		rc = imap_set_parse(slice_str(rows[i].text), &a, &set, &unit_error);
		if ((rc == 0) != (rows[i].resolved != NULL))
			fail_msg("%s: %d", rows[i].text, rc);
		if (rc == 0) {
			imap_set_resolve(&set, rows[i].star);
			assert_ok(imap_set_write(&b, &set));
			assert_slice(buf_slice(&b), rows[i].resolved);
		}
		arena_done(&a);
		buf_done(&b);
	}
}

static void
membership(void **state)
{
	struct imap_set set;
	struct arena a;

	(void)state;
	arena_init(&a, 1u << 20);
	assert_ok(imap_set_parse(SLICE("10:20,5,30:*"), &a, &set, &unit_error));
	imap_set_resolve(&set, 40);
	assert_true(
	    imap_set_has(&set, 5) && imap_set_has(&set, 10) && imap_set_has(&set, 20) && imap_set_has(&set, 40));
	assert_false(
	    imap_set_has(&set, 0) || imap_set_has(&set, 6) || imap_set_has(&set, 21) || imap_set_has(&set, 41));
	assert_int_equal(imap_set_next(&set, 0), 5);
	assert_int_equal(imap_set_next(&set, 6), 10);
	assert_int_equal(imap_set_next(&set, 15), 15);
	assert_int_equal(imap_set_next(&set, 41), 0);
	assert_int_equal(imap_set_size(&set), 23);
	arena_done(&a);
}

static void
copyuid_numbers(void **state)
{
	static const uint32_t numbers[] = { 304, 319, 320, 5, 4, 3, 4 };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_ok(imap_numbers_write(&b, numbers, 7));
	assert_slice(buf_slice(&b), "304,319:320,5,4,3:4");
	buf_done(&b);
}

/* Pitfall, quadratic work: a line full of "1:*" costs one sort. */
static void
pitfall_quadratic_uid_set(void **state)
{
	struct imap_set set;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 4u << 20);
	buf_init(&b, 1u << 20);
	for (unsigned i = 0; i < IMAP_RANGES_MAX; i++)
		(void)buf_put_str(&b, i == 0 ? "1:*" : ",1:*");
	assert_ok(imap_set_parse(buf_slice(&b), &a, &set, &unit_error));
	imap_set_resolve(&set, 4000000000u);
	assert_int_equal(set.count, 1);
	(void)buf_put_str(&b, ",1");
	assert_int_equal(imap_set_parse(buf_slice(&b), &a, &set, &unit_error), ERR_LIMIT);
	buf_done(&b);
	arena_done(&a);
}

UNIT_MAIN(UNIT_TEST(parse_and_resolve), UNIT_TEST(membership), UNIT_TEST(copyuid_numbers),
    UNIT_TEST(pitfall_quadratic_uid_set))
