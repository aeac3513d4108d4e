/* SPDX-License-Identifier: ISC */
/* The whole list is compared with another program's in tests/e2e/test_keys.py. */
#include "unit.h"

#include "base/words.h"

/* The example of the list's own description. */
static const uint8_t fingerprint[] = { 0xe5, 0x82, 0x94, 0xf2, 0xe9, 0xa2, 0x27, 0x48, 0x6e, 0x8b, 0x06, 0x1b, 0x31,
	0xcc, 0x52, 0x8f, 0xd7, 0xfa, 0x3f, 0x19 };
static const char words[] = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa "
			    "afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless";

static void
both_ways(void **state)
{
	BUF_OWNED struct buf out = { .max = 1000 }, back = { .max = 100 };

	(void)state;
	assert_ok(words_write(&out, slice_of(fingerprint, sizeof fingerprint)));
	assert_int_equal(out.len, sizeof words - 1);
	assert_true(slice_ieq(buf_slice(&out), slice_str(words)));
	assert_true(words_read(slice_str(words), &back));
	assert_slices(buf_slice(&back), slice_of(fingerprint, sizeof fingerprint));
}

static void
every_word_has_one_place(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++)
		for (unsigned j = 0; j < 256; j++) {
			assert_true(i == j || !slice_ieq_str(slice_str(words_table[i][0]), words_table[j][0]));
			assert_true(i == j || !slice_ieq_str(slice_str(words_table[i][1]), words_table[j][1]));
			assert_false(slice_ieq_str(slice_str(words_table[i][0]), words_table[j][1]));
		}
}

static void
refused(void **state)
{
	static const char *const rows[] = { "", " ", "nonsense", "topmost topmost", "Istanbul",
		"topmost Istanbul Istanbul", "topmost\tistanbul,pluto" };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf out = { .max = 100 };

		assert_false(words_read(slice_str(rows[i]), &out));
	}
}

UNIT_MAIN(UNIT_TEST(both_ways), UNIT_TEST(every_word_has_one_place), UNIT_TEST(refused))
