/* SPDX-License-Identifier: ISC */
/* Whatever is read as a date is written and read again as the same moment. */
#include <stdlib.h>

#include "base/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(int64_t at, int16_t zone)
{
	int64_t back = 0;
	int16_t zone_back = 0;
	struct buf b;

	if (at < DATE_MIN + DATE_DAY || at > DATE_MAX - DATE_DAY)
		return;
	buf_init(&b, 100);
	(void)date_write_mail(&b, at, zone);
	if (at >= -30610224000 &&
	    (date_parse_mail(buf_slice(&b), &back, &zone_back, NULL) != 0 || back != at || zone_back != zone))
		abort();
	buf_clear(&b);
	(void)date_write_imap(&b, at, zone);
	if (date_parse_imap(buf_slice(&b), &back, &zone_back, NULL) != 0 || back != at || zone_back != zone)
		abort();
	buf_clear(&b);
	(void)date_write_rfc3339(&b, at);
	if (date_parse_rfc3339(buf_slice(&b), &back, NULL) != 0 || back != at)
		abort();
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	int64_t at;
	int16_t zone;

	if (date_parse_mail(in, &at, &zone, NULL) == 0)
		again(at, zone);
	if (date_parse_imap(in, &at, &zone, NULL) == 0)
		again(at, zone);
	if (date_parse_rfc3339(in, &at, NULL) == 0)
		again(at, 0);
	if (date_parse_imap_day(in, &at, NULL) == 0)
		again(at, 0);
	return 0;
}
