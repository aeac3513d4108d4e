/* SPDX-License-Identifier: ISC */
/* RFC 3501 5.1.3. */
#include "imap/mutf7.h"
#include "unit.h"

static const struct {
	const char *utf8;
	const char *mutf7;
} both[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "a&b", "a&-b" },
	{ "&", "&-" },
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	    "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "\xe5\x8f\xb0\xe5\x8c\x97\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&U,BTF2XlZyyKng-" },
	{ "\xe2\x98\xba!", "&Jjo-!" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "\xf0\x9f\x98\x80", "&2D3eAA-" },
	{ "\xc3\xa9&\xc3\xa9", "&AOk-&-&AOk-" },
	{ "a\x7f", "a&AH8-" },
};

static void
both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
		struct buf b;

		buf_init(&b, 1000);
		assert_ok(imap_mutf7_write(&b, slice_str(both[i].utf8), &unit_error));
		assert_slice(buf_slice(&b), both[i].mutf7);
		buf_clear(&b);
		assert_ok(imap_mutf7_parse(&b, slice_str(both[i].mutf7), &unit_error));
		assert_slice(buf_slice(&b), both[i].utf8);
		buf_done(&b);
	}
}

static void
refused(void **state)
{
	/* no shift back; superfluous shift; ASCII in base64; bits left over; a whole digit too many; lone surrogates */
	static const char *const bad[] = { "&Jjo!", "&U,BTFw-&ZeVnLIqe-", "&AGE-", "&AOl-", "&AOkA-", "&AOkAA-",
		"&2D0-", "&3gA-", "&", "a&", "&AOk", "&A/k-", "caf\xc3\xa9", "a\x01", "&AAA-", "&-&AOk" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf b;

		buf_init(&b, 1000);
		(void)buf_put_str(&b, "x");
		if (imap_mutf7_parse(&b, slice_str(bad[i]), &unit_error) != ERR_SYNTAX)
			fail_msg("taken: %s", bad[i]);
		assert_slice(buf_slice(&b), "x");
		buf_done(&b);
	}
	{
		struct buf b;

		buf_init(&b, 1000);
		assert_int_equal(imap_mutf7_write(&b, SLICE("\xff"), NULL), ERR_SYNTAX);
		assert_int_equal(imap_mutf7_write(&b, SLICE("\xed\xa0\x80"), NULL), ERR_SYNTAX);
		buf_done(&b);
	}
}

UNIT_MAIN(UNIT_TEST(both_ways), UNIT_TEST(refused))
