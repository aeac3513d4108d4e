/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/date.h"

static void
moments_are_written(void **state)
{
	static const struct {
		int64_t at;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 1738555506, "2025-02-03T04:05:06Z" },
		{ 4102444799, "2099-12-31T23:59:59Z" },
		{ DATE_MIN, "0000-01-01T00:00:00Z" },
		{ DATE_MAX, "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t back;

		buf_clear(&b);
		(void)date_write_rfc3339(&b, rows[i].at);
		assert_slice(buf_slice(&b), rows[i].text);
		assert_ok(date_parse_rfc3339(buf_slice(&b), &back, &unit_error));
		assert_true(back == rows[i].at || rows[i].at > DATE_MAX);
	}
	buf_clear(&b);
	(void)date_write_mail(&b, 1738555506, -330);
	assert_slice(buf_slice(&b), "Sun, 02 Feb 2025 22:35:06 -0530");
	buf_clear(&b);
	(void)date_write_imap(&b, 1738555506, 60);
	assert_slice(buf_slice(&b), " 3-Feb-2025 05:05:06 +0100");
	buf_clear(&b);
	(void)date_write_http(&b, 784111777);
	assert_slice(buf_slice(&b), "Sun, 06 Nov 1994 08:49:37 GMT");
	buf_clear(&b);
	(void)date_write_short(&b, 784111777, 0);
	assert_slice(buf_slice(&b), "1994-11-06 08:49");
	buf_done(&b);
}

static void
days_run_one_after_the_other(void **state)
{
	struct date before = date_of_unix(DATE_MIN, 0);

	(void)state;
	for (int64_t day = DATE_MIN + DATE_DAY; day <= DATE_MAX; day += DATE_DAY) {
		struct date d = date_of_unix(day, 0);
		int64_t back;

		assert_int_equal(date_to_unix(&d, &back, NULL), 0);
		assert_true(back == day);
		assert_true(d.day == before.day + 1 || (d.day == 1 && before.day >= 28));
		assert_int_equal(d.weekday, (before.weekday + 1) % 7);
		before = d;
	}
}

static void
iso_dates_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} rows[] = {
		{ "2025-02-03T04:05:06Z", 1738555506 },
		{ "2025-02-03t04:05:06.123z", 1738555506 },
		{ "2025-02-03T05:05:06+01:00", 1738555506 },
		{ "2025-02-03 04:05:06", 1738555506 },
		{ "20250203T040506Z", 1738555506 },
		{ "20250203T030506-0100", 1738555506 },
		{ "2025-02-03T04:05Z", 1738555500 },
		{ "2025-02-03", 1738540800 },
		{ "20250203", 1738540800 },
		{ "2016-12-31T23:59:60Z", 1483228799 },
	};
	static const char *const bad[] = { "", "2025", "2025-02-30", "2025-13-01", "2025-00-01", "2025-01-00",
		"2025-02-03T24:00:00Z", "2025-02-03T04:60:00Z", "2025-02-03T04:05:61Z", "2025-02-03T04:05:06Zx",
		"2025-02-03T", "2025-02-03T04:05:06+99:00", "2025-2-3", "yesterday", "2025-02-03T04:05:06." };
	int64_t at;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_ok(date_parse_rfc3339(slice_str(rows[i].text), &at, &unit_error));
		if (at != rows[i].at)
			fail_msg("%s: %lld", rows[i].text, (long long)at);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (date_parse_rfc3339(slice_str(bad[i]), &at, NULL) == 0)
			fail_msg("taken: %s", bad[i]);
	}
}

static void
mail_dates_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
		int zone;
	} rows[] = {
		{ "Mon, 03 Feb 2025 04:05:06 +0000", 1738555506, 0 },
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
		{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
		  "(Newfoundland Time)",
		    -27723480, -210 },
		{ "Fri, 21 Nov 1997 09(comment (nested \\) )):   55  :  06 -0600", 880127706, -360 },
		{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120 },
		{ "Mon Feb  3 2025", -1, 0 },
		{ "3 Feb 2025 04:05:06", 1738555506, 0 },
		{ "3-Feb-2025 04:05:06 EST", 1738573506, -300 },
		{ "Mon, 3 February 2025 4:05:06 +0100 CET", 1738551906, 60 },
		{ "Mon, 3 Feb 125 04:05:06 +0000", 1738555506, 0 },
		{ "Mon, 3 Feb 2025 04.05.06 Z", 1738555506, 0 },
		{ "", -1, 0 },
		{ "Mon, 31 Feb 2025 04:05:06 +0000", -1, 0 },
		{ "Mon, 03 Feb 2025 04:05:06 +0000 (open", -1, 0 },
		{ "Mon, 03 Feb 2025 04:05:06 +2500", -1, 0 },
	};
	int64_t at;
	int16_t zone;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int rc = date_parse_mail(slice_str(rows[i].text), &at, &zone, &unit_error);

		if (rc != 0 ? rows[i].at != -1 : at != rows[i].at || zone != rows[i].zone)
			fail_msg(
			    "%s: %d %lld %d %s", rows[i].text, rc, (long long)at, zone, rc != 0 ? unit_error.text : "");
	}
}

static void
imap_dates_are_exact(void **state)
{
	static const char *const bad[] = { "3-Feb-2025 04:05:06 +0000", " 3-Feb-2025 04:05:06 GMT",
		"03-Feb-2025 04:05:06", "33-Feb-2025 04:05:06 +0000", " 3-Foo-2025 04:05:06 +0000",
		"03-Feb-2025  4:05:06 +0000", "" };
	int64_t at;
	int16_t zone;

	(void)state;
	assert_ok(date_parse_imap(SLICE(" 3-Feb-2025 05:05:06 +0100"), &at, &zone, &unit_error));
	assert_int_equal(at, 1738555506);
	assert_int_equal(zone, 60);
	assert_ok(date_parse_imap(SLICE("03-feb-2025 04:05:06 +0000"), &at, NULL, &unit_error));
	assert_int_equal(at, 1738555506);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (date_parse_imap(slice_str(bad[i]), &at, NULL, NULL) == 0)
			fail_msg("taken: %s", bad[i]);
	}
	assert_ok(date_parse_imap_day(SLICE("1-Feb-1994"), &at, &unit_error));
	assert_int_equal(at, 760060800);
	assert_int_equal(date_parse_imap_day(SLICE("1-Feb-94"), &at, NULL), ERR_SYNTAX);
}

UNIT_MAIN(UNIT_TEST(moments_are_written), UNIT_TEST(days_run_one_after_the_other), UNIT_TEST(iso_dates_are_read),
    UNIT_TEST(mail_dates_are_read), UNIT_TEST(imap_dates_are_exact))
