/* SPDX-License-Identifier: ISC */
/* The readers of base/date.h: one cursor with a sticky refusal, one function a form. */
#include "base/date.h"

struct cursor {
	struct slice in;
	size_t at;
	bool bad;
};

static uint8_t
peek(const struct cursor *c)
{
	return c->at < c->in.len ? c->in.data[c->at] : 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(uint8_t c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

/* Between least and most digits; wrong otherwise. */
static uint32_t
number(struct cursor *c, size_t least, size_t most)
{
	uint32_t v = 0;
	size_t n = 0;

	for (; n < most && is_digit(peek(c)); n++)
		v = v * 10 + (uint32_t)(c->in.data[c->at++] - '0');
	if (n < least)
		c->bad = true;
	return v;
}

static bool
skip(struct cursor *c, uint8_t octet)
{
	if (c->at >= c->in.len || c->in.data[c->at] != octet)
		return false;
	c->at++;
	return true;
}

static void
expect(struct cursor *c, uint8_t octet)
{
	if (!skip(c, octet))
		c->bad = true;
}

static struct slice
word(struct cursor *c)
{
	size_t from = c->at;

	while (is_letter(peek(c)))
		c->at++;
	return slice_sub(c->in, from, c->at - from);
}

/* Letters of a month's name, at least three ("Sept", "February" too): 1 to 12, or wrong. */
static uint8_t
month(struct cursor *c)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct slice w = word(c);

	for (uint8_t m = 0; w.len >= 3 && m < 12; m++) {
		if (slice_ieq(slice_sub(w, 0, 3), slice_of(names + 3 * m, 3)))
			return (uint8_t)(m + 1);
	}
	c->bad = true;
	return 1;
}

/* +hhmm or +hh:mm, in minutes. */
static int16_t
numeric_zone(struct cursor *c, bool colon_permitted)
{
	bool west = peek(c) == '-';
	uint32_t hours, minutes;

	c->at++;
	hours = number(c, 2, 2);
	if (colon_permitted)
		(void)skip(c, ':');
	minutes = number(c, colon_permitted ? 0 : 2, 2);
	if (hours > 23 || minutes > 59) {
		c->bad = true;
		return 0;
	}
	return (int16_t)(west ? -(int)(hours * 60 + minutes) : (int)(hours * 60 + minutes));
}

static int
finish(const struct cursor *c, const struct date *d, int64_t *unix_out, const char *what, struct error *e)
{
	if (c->bad || c->at != c->in.len)
		return error_set_at(e, ERR_SYNTAX, c->at, "this is not %s", what);
	return date_to_unix(d, unix_out, e);
}

/* ---- RFC 3339 and ISO 8601 ---- */

static void
iso_time(struct cursor *c, struct date *d)
{
	d->hour = (uint8_t)number(c, 2, 2);
	(void)skip(c, ':');
	d->minute = (uint8_t)number(c, 2, 2);
	if (skip(c, ':') || is_digit(peek(c)))
		d->second = (uint8_t)number(c, 2, 2);
	if (skip(c, '.') || skip(c, ',')) {
		(void)number(c, 1, 9);
		while (is_digit(peek(c)))
			c->at++;
	}
	if (peek(c) == '+' || peek(c) == '-')
		d->zone = numeric_zone(c, true);
	else if (!skip(c, 'Z'))
		(void)skip(c, 'z');
}

int
date_parse_rfc3339(struct slice in, int64_t *unix_out, struct error *e)
{
	struct cursor c = { .in = in };
	struct date d = { .month = 1 };

	d.year = (int32_t)number(&c, 4, 4);
	if (skip(&c, '-')) {
		d.month = (uint8_t)number(&c, 2, 2);
		expect(&c, '-');
	} else {
		d.month = (uint8_t)number(&c, 2, 2);
	}
	d.day = (uint8_t)number(&c, 2, 2);
	if (skip(&c, 'T') || skip(&c, 't') || skip(&c, ' '))
		iso_time(&c, &d);
	return finish(&c, &d, unix_out, "a date like 2025-02-03T04:05:06Z", e);
}

/* ---- IMAP ---- */

static void
imap_day(struct cursor *c, struct date *d)
{
	d->day = (uint8_t)number(c, 1, 2);
	expect(c, '-');
	d->month = month(c);
	expect(c, '-');
	d->year = (int32_t)number(c, 4, 4);
}

int
date_parse_imap_day(struct slice in, int64_t *unix_out, struct error *e)
{
	struct cursor c = { .in = in };
	struct date d = { 0 };

	imap_day(&c, &d);
	return finish(&c, &d, unix_out, "a date like 3-Feb-2025", e);
}

int
date_parse_imap(struct slice in, int64_t *unix_out, int16_t *zone_out, struct error *e)
{
	struct cursor c = { .in = in };
	struct date d = { 0 };

	(void)skip(&c, ' ');
	imap_day(&c, &d);
	expect(&c, ' ');
	d.hour = (uint8_t)number(&c, 2, 2);
	expect(&c, ':');
	d.minute = (uint8_t)number(&c, 2, 2);
	expect(&c, ':');
	d.second = (uint8_t)number(&c, 2, 2);
	expect(&c, ' ');
	if (peek(&c) == '+' || peek(&c) == '-')
		d.zone = numeric_zone(&c, false);
	else
		c.bad = true;
	if (in.len != 26)
		c.bad = true;
	if (zone_out != NULL)
		*zone_out = d.zone;
	return finish(&c, &d, unix_out, "a date and time like \" 3-Feb-2025 04:05:06 +0000\"", e);
}

/* ---- mail ---- */

/* Spaces, line ends and comments, which nest (RFC 5322 section 3.2.2). */
static void
skip_cfws(struct cursor *c)
{
	unsigned depth = 0;

	for (; c->at < c->in.len; c->at++) {
		uint8_t o = c->in.data[c->at];

		if (o == '(')
			depth++;
		else if (o == ')' && depth > 0)
			depth--;
		else if (o == '\\' && depth > 0)
			c->at += c->at + 1 < c->in.len;
		else if (depth == 0 && o != ' ' && o != '\t' && o != '\r' && o != '\n')
			return;
	}
	if (depth > 0)
		c->bad = true;
}

/* RFC 5322 section 4.3: the old names; military letters and unknown words mean nothing about the place. */
static int16_t
named_zone(struct slice w)
{
	static const struct {
		char name[4];
		int16_t hours;
	} zones[] = { { "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 }, { "MDT", -6 }, { "MST", -7 },
		{ "PDT", -7 }, { "PST", -8 } };

	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		if (slice_ieq_str(w, zones[i].name))
			return (int16_t)(zones[i].hours * 60);
	}
	return 0;
}

static int32_t
mail_year(struct cursor *c)
{
	size_t from = c->at;
	uint32_t year = number(c, 2, 4);

	if (c->at - from == 2)
		return (int32_t)(year < 50 ? year + 2000 : year + 1900);
	return (int32_t)(c->at - from == 3 ? year + 1900 : year);
}

/* hh:mm[:ss]; some write dots. */
static void
mail_time(struct cursor *c, struct date *d)
{
	d->hour = (uint8_t)number(c, 1, 2);
	skip_cfws(c);
	if (!skip(c, ':') && !skip(c, '.'))
		c->bad = true;
	skip_cfws(c);
	d->minute = (uint8_t)number(c, 2, 2);
	skip_cfws(c);
	if (skip(c, ':') || skip(c, '.')) {
		skip_cfws(c);
		d->second = (uint8_t)number(c, 2, 2);
	}
}

static void
mail_zone(struct cursor *c, struct date *d)
{
	skip_cfws(c);
	if (peek(c) == '+' || peek(c) == '-') {
		d->zone = numeric_zone(c, true);
		skip_cfws(c);
		(void)word(c); /* "+0100 CET" without its parentheses */
	} else {
		d->zone = named_zone(word(c));
	}
	skip_cfws(c);
}

int
date_parse_mail(struct slice in, int64_t *unix_out, int16_t *zone_out, struct error *e)
{
	struct cursor c = { .in = in };
	struct date d = { 0 };
	int rc;

	skip_cfws(&c);
	(void)word(&c); /* the weekday, which nobody checks */
	skip_cfws(&c);
	(void)skip(&c, ',');
	skip_cfws(&c);
	d.day = (uint8_t)number(&c, 1, 2);
	skip_cfws(&c);
	(void)skip(&c, '-');
	d.month = month(&c);
	skip_cfws(&c);
	(void)skip(&c, '-');
	d.year = mail_year(&c);
	skip_cfws(&c);
	if (c.at < in.len)
		mail_time(&c, &d);
	mail_zone(&c, &d);
	rc = finish(&c, &d, unix_out, "a mail date like \"Mon, 03 Feb 2025 04:05:06 +0000\"", e);
	if (rc == 0 && zone_out != NULL)
		*zone_out = d.zone;
	return rc;
}
