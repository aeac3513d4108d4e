/* SPDX-License-Identifier: ISC */
#include "base/date.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekday_names[] = "SunMonTueWedThuFriSat";

/* Days from 1970-01-01: years begin in March here, so that the leap day is the last (Hinnant, chrono algorithms). */
static int64_t
days_of_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void
civil_of_days(int64_t days, struct date *d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t m = (5 * day_of_year + 2) / 153;

	d->day = (uint8_t)(day_of_year - (153 * m + 2) / 5 + 1);
	d->month = (uint8_t)(m < 10 ? m + 3 : m - 9);
	d->year = (int32_t)(year_of_era + era * 400 + (d->month <= 2));
	d->weekday = (uint8_t)(((days + 4) % 7 + 7) % 7);
}

struct date
date_of_unix(int64_t unix_seconds, int16_t zone)
{
	struct date d = { .zone = zone };
	int64_t local, days, rest;

	if (unix_seconds < DATE_MIN)
		unix_seconds = DATE_MIN;
	if (unix_seconds > DATE_MAX)
		unix_seconds = DATE_MAX;
	local = unix_seconds + (int64_t)zone * 60;
	if (local < DATE_MIN || local > DATE_MAX) {
		local = unix_seconds;
		d.zone = 0;
	}
	rest = (local % DATE_DAY + DATE_DAY) % DATE_DAY;
	days = (local - rest) / DATE_DAY;
	civil_of_days(days, &d);
	d.hour = (uint8_t)(rest / 3600);
	d.minute = (uint8_t)(rest / 60 % 60);
	d.second = (uint8_t)(rest % 60);
	return d;
}

static unsigned
days_in_month(int32_t year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

int
date_to_unix(const struct date *d, int64_t *unix_out, struct error *e)
{
	unsigned second = d->second == 60 ? 59 : d->second; /* a leap second */

	if (d->year < 0 || d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1 ||
	    d->day > days_in_month(d->year, d->month))
		return error_set(e, ERR_SYNTAX, "there is no such day in the calendar");
	if (d->hour > 23 || d->minute > 59 || second > 59)
		return error_set(e, ERR_SYNTAX, "there is no such time of day");
	*unix_out = days_of_civil(d->year, d->month, d->day) * DATE_DAY + d->hour * 3600 + d->minute * 60 +
	    (int64_t)second - (int64_t)d->zone * 60;
	return 0;
}

/* ---- writing ---- */

static int
zone_number(int16_t zone)
{
	int z = zone < 0 ? -zone : zone;

	z = z / 60 * 100 + z % 60;
	return zone < 0 ? -z : z;
}

int
date_write_rfc3339(struct buf *out, int64_t unix_seconds)
{
	struct date d = date_of_unix(unix_seconds, 0);

	return buf_putf(out, "%04d-%02u-%02uT%02u:%02u:%02uZ", d.year, d.month, d.day, d.hour, d.minute, d.second);
}

int
date_write_mail(struct buf *out, int64_t unix_seconds, int16_t zone)
{
	struct date d = date_of_unix(unix_seconds, zone);

	return buf_putf(out, "%.3s, %02u %.3s %04d %02u:%02u:%02u %+05d", weekday_names + 3 * d.weekday, d.day,
	    month_names + 3 * (d.month - 1), d.year, d.hour, d.minute, d.second, zone_number(d.zone));
}

int
date_write_imap(struct buf *out, int64_t unix_seconds, int16_t zone)
{
	struct date d = date_of_unix(unix_seconds, zone);

	return buf_putf(out, "%2u-%.3s-%04d %02u:%02u:%02u %+05d", d.day, month_names + 3 * (d.month - 1), d.year,
	    d.hour, d.minute, d.second, zone_number(d.zone));
}

int
date_write_http(struct buf *out, int64_t unix_seconds)
{
	struct date d = date_of_unix(unix_seconds, 0);

	return buf_putf(out, "%.3s, %02u %.3s %04d %02u:%02u:%02u GMT", weekday_names + 3 * d.weekday, d.day,
	    month_names + 3 * (d.month - 1), d.year, d.hour, d.minute, d.second);
}

int
date_write_short(struct buf *out, int64_t unix_seconds, int16_t zone)
{
	struct date d = date_of_unix(unix_seconds, zone);

	return buf_putf(out, "%04d-%02u-%02u %02u:%02u", d.year, d.month, d.day, d.hour, d.minute);
}
