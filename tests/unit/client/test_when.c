/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/key/when.h"

#define NOW 1738556706u /* 2025-02-03T04:25:06Z */

static const struct {
	const char *text;
	uint64_t now, when; /* when 1: refused */
} rows[] = {
	{ "never", NOW, 0 },
	{ "Never", NOW, 0 },
	{ "0", NOW, 0 },
	{ "30", NOW, NOW + 30u * 86400u },
	{ "30d", NOW, NOW + 30u * 86400u },
	{ " 1 day ", NOW, NOW + 86400u },
	{ "2w", NOW, NOW + 14u * 86400u },
	{ "1m", NOW, NOW + 28u * 86400u }, /* February of 2025 */
	{ "1M", NOW, NOW + 28u * 86400u },
	{ "2 years", NOW, NOW + 730u * 86400u },
	{ "12 months", NOW, NOW + 365u * 86400u },
	{ "1m", 1738281600u, 1740700800u }, /* of 31 January: the last of February */
	{ "1y", 1709164800u, 1740700800u }, /* of 29 February 2024: 28 February 2025 */
	{ "2025-02-03", NOW, 1738627199u }, /* its end */
	{ "2025-02-02", NOW, 1 },
	{ "2025-02-30", NOW, 1 },
	{ "2025-2-3", NOW, 1 },
	{ "2106-02-08", NOW, 1 },
	{ "100y", NOW, 1 },
	{ "99999999999999999999", NOW, 1 },
	{ "60000d", NOW, 1 },
	{ "-1d", NOW, 1 },
	{ "1x", NOW, 1 },
	{ "d", NOW, 1 },
	{ "", NOW, 1 },
	{ "soon", NOW, 1 },
};

static void
times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t when = 1;
		int rc = key_when_parse(slice_str(rows[i].text), rows[i].now, &when, &unit_error);

		if (when != rows[i].when || rc != (rows[i].when == 1 ? ERR_USAGE : 0))
			fail_msg("%s: %d %llu", rows[i].text, rc, (unsigned long long)when);
	}
}

UNIT_MAIN(UNIT_TEST(times))
