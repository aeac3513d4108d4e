/* SPDX-License-Identifier: ISC */
#include "store/box.h"

static void
add(struct box *b, uint64_t day, const char *domain, const char *result, uint64_t count)
{
	const struct store_tally in = { STORE_TALLY_DMARC, day, slice_str(domain), slice_str(result), count };
	struct store_nothing out;

	assert_ok(store_tally_add(b->port, &in, &b->arena, &out, &unit_error));
}

static struct store_tallies
list(struct box *b, uint64_t before)
{
	const struct store_tally_list in = { .kind = STORE_TALLY_DMARC, .before = before };
	struct store_tallies out;

	assert_ok(store_tally_list(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
counted_by_day_and_domain(void **state)
{
	struct store_tally_day gone = { .kind = STORE_TALLY_DMARC, .day = 1, .domain = SLICE("a.example") };
	struct store_tallies rows;
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	add(&b, 1, "b.example", "x", 1);
	add(&b, 1, "a.example", "x", 1);
	add(&b, 1, "a.example", "x", 2);
	add(&b, 1, "a.example", "y", 1);
	add(&b, 2, "a.example", "x", 1);
	rows = list(&b, 2);
	assert_int_equal(rows.row_count, 3);
	assert_slice(rows.rows[0].domain, "a.example");
	assert_slice(rows.rows[0].result, "x");
	assert_int_equal(rows.rows[0].count, 3);
	assert_slice(rows.rows[2].domain, "b.example");
	assert_ok(store_tally_remove(b.port, &gone, &b.arena, &none, &unit_error));
	assert_int_equal(list(&b, 3).row_count, 2);
	gone = (struct store_tally_day){ .kind = STORE_TALLY_DMARC, .day = 2 };
	assert_ok(store_tally_remove(b.port, &gone, &b.arena, &none, &unit_error));
	rows = list(&b, 3);
	assert_int_equal(rows.row_count, 1);
	assert_int_equal(rows.rows[0].day, 2);
	box_free(&b);
}

/* What a stranger can make different is bounded; and pages go on behind the last row. */
static void
bounded_and_in_pages(void **state)
{
	struct store_tally_list in = { .kind = STORE_TALLY_DMARC, .before = 9 };
	struct store_tallies rows;
	size_t seen = 0;
	char result[16];
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (unsigned i = 0; i < STORE_TALLY_ROWS_MAX + 5; i++) {
		(void)snprintf(result, sizeof result, "%08u", i);
		add(&b, 1, "a.example", result, 1);
	}
	add(&b, 1, "a.example", "00000000", 1);
	do {
		assert_ok(store_tally_list(b.port, &in, &b.arena, &rows, &unit_error));
		assert_true(rows.row_count <= STORE_TALLY_PAGE_MAX);
		seen += rows.row_count;
		if (rows.row_count > 0) {
			in.after_day = rows.rows[rows.row_count - 1].day;
			in.after_domain = rows.rows[rows.row_count - 1].domain;
			in.after_result = rows.rows[rows.row_count - 1].result;
		}
	} while (rows.more);
	assert_int_equal(seen, STORE_TALLY_ROWS_MAX);
	assert_int_equal(list(&b, 9).rows[0].count, 2);
	box_free(&b);
}

static void
refused(void **state)
{
	const struct store_tally rows[] = { { 0, 1, SLICE("a"), SLICE("x"), 1 }, { 2, 1, SLICE_EMPTY, SLICE("x"), 1 },
		{ 2, 1, SLICE("a"), SLICE_EMPTY, 1 }, { 2, 1, SLICE("a"), SLICE("x"), 0 } };
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(store_tally_add(b.port, &rows[i], &b.arena, &none, NULL), ERR_SYNTAX);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(counted_by_day_and_domain), UNIT_TEST(bounded_and_in_pages), UNIT_TEST(refused))
