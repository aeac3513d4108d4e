/* SPDX-License-Identifier: ISC */
#include "mailauth/name.h"
#include "unit.h"

static bool
below(const char *name, const char *domain)
{
	return mailauth_name_below(slice_str(name), slice_str(domain));
}

static void
case_and_the_last_dot_do_not_count(void **state)
{
	(void)state;
	assert_true(mailauth_name_is(slice_str("Example.ORG."), slice_str("example.org")));
	assert_true(mailauth_name_is(slice_str(""), slice_str(".")));
	assert_false(mailauth_name_is(slice_str("example.org.."), slice_str("example.org")));
	assert_false(mailauth_name_is(slice_str("example.or"), slice_str("example.org")));
}

static void
below_is_at_a_dot(void **state)
{
	(void)state;
	assert_true(below("example.org", "example.org."));
	assert_true(below("a.b.EXAMPLE.org.", "example.org"));
	assert_false(below("badexample.org", "example.org"));
	assert_false(below("org", "example.org"));
	assert_false(below(".example.org", "a.example.org"));
}

UNIT_MAIN(UNIT_TEST(case_and_the_last_dot_do_not_count), UNIT_TEST(below_is_at_a_dot))
