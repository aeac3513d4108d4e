/* SPDX-License-Identifier: ISC */
/*
 * Dates as text, without libc's time and its locale. Inside the program a
 * moment is seconds since 1970-01-01 00:00:00 UTC (int64_t: old mail may be
 * older), a zone is minutes east of UTC. The calendar is the Gregorian one,
 * years 0 to 9999; leap seconds are read as the second before.
 *
 * Forms: RFC 3339 (and the ISO 8601 that people type), mail (RFC 5322 section
 * 3.3, read with section 4.3's old forms), IMAP (RFC 9051 date-time and date),
 * HTTP (RFC 9110 section 5.6.7).
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define DATE_MIN (-62167219200) /* 0000-01-01T00:00:00Z */
#define DATE_MAX 253402300799   /* 9999-12-31T23:59:59Z */
#define DATE_DAY 86400          /* seconds */

struct date {
	int32_t year;
	uint8_t month; /* 1 to 12 */
	uint8_t day;   /* 1 to 31 */
	uint8_t hour, minute, second;
	uint8_t weekday; /* 0 is Sunday; not read by date_to_unix() */
	int16_t zone;    /* minutes east of UTC */
};

/* A moment seen in a zone. Moments outside of DATE_MIN and DATE_MAX are cut to these. */
struct date date_of_unix(int64_t unix_seconds, int16_t zone);
/* ERR_SYNTAX when there is no such day or time. */
int date_to_unix(const struct date *d, int64_t *unix_out, struct error *e);

/* Each returns out's sticky error. */
int date_write_rfc3339(struct buf *out, int64_t unix_seconds);            /* 2025-02-03T04:05:06Z */
int date_write_mail(struct buf *out, int64_t unix_seconds, int16_t zone); /* Mon, 03 Feb 2025 04:05:06 +0000 */
int date_write_imap(struct buf *out, int64_t unix_seconds, int16_t zone); /* " 3-Feb-2025 04:05:06 +0000", no quotes */
int date_write_http(struct buf *out, int64_t unix_seconds);               /* Mon, 03 Feb 2025 04:05:06 GMT */
/* For people: "2025-02-03 04:05" in the zone. */
int date_write_short(struct buf *out, int64_t unix_seconds, int16_t zone);

/*
 * 2025-02-03T04:05:06Z, with fractions (dropped), with "+01:00"; also a space
 * for the T, 20250203T040506Z, without seconds, and a bare date (midnight
 * UTC). Nothing may follow. A time without zone is UTC.
 */
int date_parse_rfc3339(struct slice in, int64_t *unix_out, struct error *e);

/*
 * A Date field's value, with comments, folding, obsolete zones, two-digit
 * years, and the slips of real mail (no weekday, no seconds, no zone).
 * zone_out may be NULL.
 */
int date_parse_mail(struct slice in, int64_t *unix_out, int16_t *zone_out, struct error *e);

/* RFC 9051 date-time without its quotes: exactly "dd-Mon-yyyy hh:mm:ss +zzzz". zone_out may be NULL. */
int date_parse_imap(struct slice in, int64_t *unix_out, int16_t *zone_out, struct error *e);
/* RFC 9051 date ("1-Feb-1994"), as SEARCH has it: midnight UTC of that day. */
int date_parse_imap_day(struct slice in, int64_t *unix_out, struct error *e);

#endif
