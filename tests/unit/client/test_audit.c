/* SPDX-License-Identifier: ISC */
#include "client/audit/checks.h"
#include "client/audit/talk.h"
#include "unit.h"

static const struct {
	const char *line;
	bool masked;
} lines[] = {
	{ "XXXXXXXX", true },
	{ "XXXXXXXA", true }, /* Cisco's ASA leaves the last letter */
	{ "xxxxxxxx", true },
	{ "********", true },
	{ "XXXX 1234", true },
	{ "STARTTLS", false },
	{ "XXX", false },
	{ "X", false },
	{ "", false },
	{ "XCLIENT NAME ADDR", false },
	{ "XFORWARD", false },
	{ "XEXCH50", false },
	{ "X-EXPS GSSAPI", false },
	{ "XXXXAXXX", false },
	{ "8BITMIME", false },
};

static void
masked_lines_are_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (talk_is_masked(slice_str(lines[i].line)) != lines[i].masked)
			fail_msg("%s", lines[i].line);
}

/* Every check has its words, and a name of its own. */
static void
every_check_has_its_row(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		const struct audit_row *r = &audit_rows[i];

		assert_non_null(r->id);
		assert_true(r->group < AUDIT_GROUPS && strlen(r->title) > 2 && strlen(r->advice) > 20);
		assert_int_equal(r->advice[strlen(r->advice) - 1], '.');
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(r->id, audit_rows[k].id);
	}
	for (unsigned i = 0; i < AUDIT_GROUPS; i++)
		assert_non_null(audit_group_titles[i]);
}

UNIT_MAIN(UNIT_TEST(masked_lines_are_seen), UNIT_TEST(every_check_has_its_row))
