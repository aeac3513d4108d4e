/* SPDX-License-Identifier: ISC */
#include "mime/lax.h"

#include "unit.h"

static void
names(void **state)
{
	static const struct {
		const char *field, *value; /* NULL: not of that name */
	} rows[] = {
		{ "From: a\r\n", "a" },
		{ "fROM:a", "a" },
		{ "From \t :\r\n a\r\n b\r\n", "a\r\n b" },
		{ "From\r\n : a\r\n", "a" },
		{ " From: a\r\n", "a" },
		{ "Fr\001om\177: a: b\r\n", "a: b" },
		{ "\357\273\277From: a\r\n", "a" },
		{ "From:\r\n", "" },
		{ "From\r\n", NULL },
		{ "From a: b\r\n", NULL },
		{ "Fro: a\r\n", NULL },
		{ "Froms: a\r\n", NULL },
		{ "X-From: a\r\n", NULL },
		{ "no field\r\n From: a\r\n", NULL },
		{ ": a\r\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice value;

		if (mime_lax_named(slice_str(rows[i].field), "From", &value) != (rows[i].value != NULL))
			fail_msg("%s", rows[i].field);
		if (rows[i].value != NULL)
			assert_slice(value, rows[i].value);
	}
}

static void
fields_one_after_another(void **state)
{
	static const char *const wanted[] = { " first\r\n", "no field\r\n", "A: b\r\n\tc\r\n \r\n", "\r\n", "B:" };
	struct slice rest = SLICE(" first\r\nno field\r\nA: b\r\n\tc\r\n \r\n\r\nB:");

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_slice(mime_lax_take(&rest), wanted[i]);
	assert_int_equal(rest.len, 0);
	assert_int_equal(mime_lax_take(&rest).len, 0);
}

UNIT_MAIN(UNIT_TEST(names), UNIT_TEST(fields_one_after_another))
