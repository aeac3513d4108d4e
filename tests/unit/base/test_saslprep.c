/* SPDX-License-Identifier: ISC */
#include "base/saslprep.h"

#include "unit.h"

#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

static const struct {
	const char *name;
	struct slice in;
	bool stored;
	int want;
	const char *out;
} rows[] = {
	/* RFC 4013 section 3 */
	{ "soft hyphen", BYTES("I\xc2\xadX"), true, 0, "IX" },
	{ "no change", BYTES("user"), true, 0, "user" },
	{ "case preserved", BYTES("USER"), true, 0, "USER" },
	{ "nfkc", BYTES("\xc2\xaa"), true, 0, "a" },
	{ "nfkc, like the first", BYTES("\xe2\x85\xa8"), true, 0, "IX" },
	{ "prohibited", BYTES("\x07"), true, ERR_POLICY, NULL },
	{ "bidirectional", BYTES("\xd8\xa7\x31"), true, ERR_POLICY, NULL },
	/* others */
	{ "empty", BYTES(""), true, 0, "" },
	{ "nothing left", BYTES("\xc2\xad"), true, 0, "" },
	{ "no-break space", BYTES("a\xc2\xa0z"), true, 0, "a z" },
	{ "composed", BYTES("ja\xcc\x88ger"), true, 0, "j\xc3\xa4ger" },
	{ "delete", BYTES("a\x7f"), true, ERR_POLICY, NULL },
	{ "private use", BYTES("\xee\x80\x80"), true, ERR_POLICY, NULL },
	{ "tag", BYTES("\xf3\xa0\x81\x81"), true, ERR_POLICY, NULL },
	{ "not in Unicode 3.2, stored", BYTES("\xf0\x9f\x98\x80"), true, ERR_POLICY, NULL },
	{ "not in Unicode 3.2, asked for", BYTES("\xf0\x9f\x98\x80"), false, 0, "\xf0\x9f\x98\x80" },
	{ "nul", BYTES("a\0b"), false, ERR_SYNTAX, NULL },
	{ "latin 1", BYTES("j\xe4ger"), false, ERR_SYNTAX, NULL },
	{ "surrogate", BYTES("\xed\xa0\x80"), false, ERR_SYNTAX, NULL },
	{ "cut", BYTES("a\xe2\x85"), false, ERR_SYNTAX, NULL },
};

static void
prepared(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;
		int rc;

		buf_init(&out, SASLPREP_OUTPUT_MAX);
		rc = saslprep(rows[i].in, rows[i].stored, &out, NULL);
		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].name, rc, rows[i].want);
		assert_slice(buf_slice(&out), rc == 0 ? rows[i].out : "");
		buf_done(&out);
	}
}

static void
limits(void **state)
{
	static uint8_t big[SASLPREP_INPUT_MAX + 1];
	struct buf out;

	(void)state;
	buf_init(&out, SASLPREP_OUTPUT_MAX);
	memset(big, 'a', sizeof big);
	assert_int_equal(saslprep(slice_of(big, sizeof big), true, &out, NULL), ERR_LIMIT);
	assert_ok(saslprep(slice_of(big, sizeof big - 1), true, &out, &unit_error));
	buf_done(&out);
	/* U+FDFA becomes 18 characters. */
	for (size_t i = 0; i + 3 < sizeof big; i += 3)
		memcpy(big + i, "\xef\xb7\xba", 3);
	assert_int_equal(saslprep(slice_of(big, 1023), true, &out, NULL), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(prepared), UNIT_TEST(limits))
