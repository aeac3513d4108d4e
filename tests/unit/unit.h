/* SPDX-License-Identifier: ISC */
/*
 * cmocka with what every unit test needs. A test file is a list of static
 * functions `static void name(void **state)` and one UNIT_MAIN(...) of
 * UNIT_TEST(name). Output is TAP; script/test counts its lines.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CMOCKA_DISABLE_DEPRECATION_WARNINGS /* cmocka 2 has new names for what version 1 of Debian 12 knows */
#include <cmocka.h>
#undef stop /* a macro of cmocka 2 */

#include "base/error.h"
#include "base/slice.h"

#define UNIT_TEST(name) cmocka_unit_test(name)
#define UNIT_MAIN(...) \
	int main(void) \
	{ \
		const struct CMUnitTest tests[] = { __VA_ARGS__ }; \
		cmocka_set_message_output(CM_OUTPUT_TAP); \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

#define assert_ok(call) \
	do { \
		struct error *unit_e_ = &unit_error; \
		int unit_rc_ = (call); \
		if (unit_rc_ != 0) \
			fail_msg("%s: %d %s", #call, unit_rc_, unit_e_->text); \
	} while (0)

#define assert_slice(s, text) unit_assert_slice((s), slice_str(text), __FILE__, __LINE__)
#define assert_slices(a, b) unit_assert_slice((a), (b), __FILE__, __LINE__)

/* Pass &unit_error as the struct error of a call inside assert_ok(). */
static struct error unit_error __attribute__((unused));

static inline void __attribute__((unused))
unit_assert_slice(struct slice got, struct slice want, const char *file, int line)
{
	if (slice_eq(got, want))
		return;
	print_error("got  (%zu): %.*s\nwant (%zu): %.*s\n", got.len, (int)got.len, (const char *)got.data, want.len,
	    (int)want.len, (const char *)want.data);
	_fail(file, line);
}

#endif
