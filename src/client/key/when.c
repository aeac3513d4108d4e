/* SPDX-License-Identifier: ISC */
#include "client/key/when.h"

#include "base/date.h"

#define NUMBER_MAX 50000u
#define OPENPGP_END UINT32_MAX /* the last moment that a v4 key can name, in 2106 */

static unsigned
days_of_month(int year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* The same day of a later month, or that month's last. */
static int
add_months(uint64_t now, uint64_t months, uint64_t *out, struct error *e)
{
	struct date d = date_of_unix((int64_t)now, 0);
	uint64_t month = d.month - 1u + months;
	int64_t when = 0;
	int rc;

	d.year += (int32_t)(month / 12);
	d.month = (uint8_t)(month % 12 + 1);
	if (d.day > days_of_month(d.year, d.month))
		d.day = (uint8_t)days_of_month(d.year, d.month);
	rc = date_to_unix(&d, &when, e);
	if (rc == 0)
		*out = (uint64_t)when;
	return rc;
}

/* The number in front and the word behind it. */
static bool
split(struct slice text, uint64_t *number, struct slice *unit)
{
	size_t n = 0;

	while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9')
		n++;
	*unit = slice_trim(slice_from(text, n));
	return slice_to_u64(slice_sub(text, 0, n), NUMBER_MAX, number);
}

static int
from_now(uint64_t number, struct slice unit, uint64_t now, uint64_t *out, struct error *e)
{
	static const struct {
		const char *word, *words;
		char letter;
		unsigned days, months;
	} units[] = { { "day", "days", 'd', 1, 0 }, { "week", "weeks", 'w', 7, 0 }, { "month", "months", 'm', 0, 1 },
		{ "year", "years", 'y', 0, 12 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!(unit.len == 1 && ascii_lower(unit.data[0]) == (uint8_t)units[i].letter) &&
		    !slice_ieq_str(unit, units[i].word) && !slice_ieq_str(unit, units[i].words) &&
		    !(unit.len == 0 && i == 0))
			continue;
		if (units[i].months != 0)
			return add_months(now, number * units[i].months, out, e);
		*out = now + number * units[i].days * DATE_DAY;
		return 0;
	}
	return ERR_USAGE;
}

static int
parse(struct slice text, uint64_t now, uint64_t *out)
{
	uint64_t number;
	struct slice unit;
	int64_t day;

	if (split(text, &number, &unit) && slice_find(text, '-') == SIZE_MAX)
		return from_now(number, unit, now, out, NULL);
	if (text.len != 10 || date_parse_rfc3339(text, &day, NULL) != 0 || day < 0)
		return ERR_USAGE;
	*out = (uint64_t)day + DATE_DAY - 1;
	return 0;
}

int
key_when_parse(struct slice text, uint64_t now, uint64_t *when_out, struct error *e)
{
	uint64_t when;

	text = slice_trim(text);
	if (slice_ieq_str(text, "never") || slice_eq_str(text, "0")) {
		*when_out = 0;
		return 0;
	}
	if (parse(text, now, &when) != 0)
		return error_set(e, ERR_USAGE,
		    "'%.*s' is no time: say \"never\", a day as 2027-06-30, or how long: 2y, 6m, 4w, 30d",
		    (int)size_min(text.len, 60), (const char *)text.data);
	if (when <= now || when > OPENPGP_END)
		return error_set(e, ERR_USAGE, "a key expires in the future, and before the year 2106");
	*when_out = when;
	return 0;
}
