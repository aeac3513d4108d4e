/* SPDX-License-Identifier: ISC */
#include "service/transfer/maildir.h"

#include "store/types.h"
#include "unit.h"

static const struct {
	const char *file, *base;
	uint32_t flags, keywords;
	bool forwarded;
	uint64_t time;
} names[] = {
	{ "1704164645.M1P2.host:2,", "1704164645.M1P2.host", 0, 0, false, 1704164645 },
	{ "1704164645.M1P2.host,S=10,W=12:2,DFPRST", "1704164645.M1P2.host,S=10,W=12", STORE_FLAGS_ALL, 0, true,
	    1704164645 },
	{ "12.x:2,Sabz", "12.x", STORE_SEEN, 1 | 2 | 1u << 25, false, 12 },
	{ "12.x:2,S,ab", "12.x", STORE_SEEN, 0, false, 12 },
	{ "12.x;2,F", "12.x", STORE_FLAGGED, 0, false, 12 },
	{ "12,x2,y:2,F", "12,x2,y", STORE_FLAGGED, 0, false, 12 },
	{ "12.x:1,S", "12.x:1,S", 0, 0, false, 12 },
	{ "x", "x", 0, 0, false, 0 },
	{ "2,S", "2,S", 0, 0, false, 2 },
	{ "", "", 0, 0, false, 0 },
};

static void
file_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice file = slice_str(names[i].file);
		struct maildir_name n;

		maildir_name_parse(file, &n);
		assert_slice(n.base, names[i].base);
		assert_int_equal(n.flags, names[i].flags);
		assert_int_equal(n.keywords, names[i].keywords);
		assert_int_equal(n.forwarded, names[i].forwarded);
		assert_int_equal(maildir_name_time(file), names[i].time);
	}
}

static void
file_names_are_written(void **state)
{
	const struct maildir_name n = { SLICE("1.L2V3U4.x"), STORE_FLAGS_ALL, 1 | 1u << 25, true };
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(maildir_name_write(&out, &n), 0);
	assert_slice(buf_slice(&out), "1.L2V3U4.x:2,DFPRSTaz");
	buf_done(&out);
}

/* Each comes before the next. */
static const char *const ordered[] = {
	"",
	"0.a",
	"00.a",
	"9.L4V1U2.x",
	"9.L4V1U10.x",
	"9.L4V1U10.x:2,S",
	"9.L4V12U1.x",
	"9.M1",
	"10",
	"10.x",
	"123456789012345678901234567890",
	"x01",
	"x1",
	"x2",
	"xx",
};

static void
names_have_an_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
		for (size_t j = 0; j < sizeof ordered / sizeof ordered[0]; j++) {
			int got = maildir_name_compare(slice_str(ordered[i]), slice_str(ordered[j]));

			if ((i < j) != (got < 0) || (i == j) != (got == 0))
				fail_msg("'%s' and '%s': %d", ordered[i], ordered[j], got);
		}
	}
}

static const struct {
	const char *folder;
	char separator;
	const char *mailbox; /* NULL: refused */
	bool repaired;
} folders[] = {
	{ "Sent", '.', "Sent", false },
	{ "A.B.C", '.', "A/B/C", false },
	{ "A/B", '/', "A/B", false },
	{ "A.B", '/', "A.B", false },
	{ "Entw&APw-rfe", '.', "Entw\xc3\xbcrfe", false },
	{ "Entw\xc3\xbcrfe", '.', "Entw\xc3\xbcrfe", false },
	{ "Q&A", '/', "Q&A", false },
	{ "A..B.", '.', "A/B", true },
	{ "A.x\xff", '.', "A/x\xef\xbf\xbd", true },
	{ "50% *new*", '.', "50_ _new_", true },
	{ "a\nb", '.', "a_b", true },
	{ "a/b", '.', "a_b", true },
	{ "a&AJs-b", '.', "a_b", true },
	{ "a\xc2\x9b\xc2\xa0", '.', "a_\xc2\xa0", true },
	{ "", '.', NULL, false },
	{ "..", '.', NULL, true },
	{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", '.', NULL, false },
};

static void
folder_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		struct buf out;
		bool repaired = false;
		int rc;

		buf_init(&out, 4000);
		rc = maildir_folder_parse(
		    slice_str(folders[i].folder), folders[i].separator, &out, &repaired, &unit_error);
		assert_int_equal(rc == 0, folders[i].mailbox != NULL);
		if (rc == 0)
			assert_slice(buf_slice(&out), folders[i].mailbox);
		assert_int_equal(repaired, folders[i].repaired);
		buf_done(&out);
	}
}

static const struct {
	const char *mailbox, *folder;
	bool repaired;
} written[] = {
	{ "INBOX", "", false },
	{ "INBOX/Old", ".INBOX.Old", false },
	{ "A/B", ".A.B", false },
	{ "Entw\xc3\xbcrfe", ".Entw&APw-rfe", false },
	{ "Q&A", ".Q&-A", false },
	{ "v1.2/x", ".v1_2.x", true },
	{ "..", ".__", true },
};

static void
folder_names_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
		struct buf out;
		bool repaired;

		buf_init(&out, 4000);
		assert_ok(maildir_folder_write(&out, slice_str(written[i].mailbox), &repaired, &unit_error));
		assert_slice(buf_slice(&out), written[i].folder);
		assert_int_equal(repaired, written[i].repaired);
		buf_done(&out);
	}
}

static void
keywords(void **state)
{
	struct maildir_keywords k;
	struct buf out;

	(void)state;
	maildir_keywords_parse(SLICE("0 $Junk\n2 two words\n26 over\nx no\n3\n4 \n25 last"), &k);
	assert_slice(k.names[0], "$Junk");
	assert_int_equal(k.names[1].len, 0);
	assert_slice(k.names[2], "two words");
	assert_int_equal(k.names[4].len, 0);
	assert_slice(k.names[25], "last");
	buf_init(&out, 1000);
	assert_int_equal(maildir_keywords_write(&out, &k), 0);
	assert_slice(buf_slice(&out), "0 $Junk\n2 two words\n25 last\n");
	buf_done(&out);
}

static void
subscriptions(void **state)
{
	struct maildir_subscriptions s;
	struct slice line;

	(void)state;
	maildir_subscriptions_init(&s, SLICE("A.B\r\n\nC"), '.');
	assert_true(maildir_subscriptions_next(&s, &line));
	assert_slice(line, "A.B");
	assert_true(maildir_subscriptions_next(&s, &line));
	assert_slice(line, "C");
	assert_false(maildir_subscriptions_next(&s, &line));
	maildir_subscriptions_init(&s, SLICE("V\t2\n\nA\tB\n"), '.');
	assert_int_equal(s.separator, '\t');
	assert_true(maildir_subscriptions_next(&s, &line));
	assert_slice(line, "A\tB");
	assert_false(maildir_subscriptions_next(&s, &line));
}

UNIT_MAIN(UNIT_TEST(file_names), UNIT_TEST(file_names_are_written), UNIT_TEST(names_have_an_order),
    UNIT_TEST(folder_names), UNIT_TEST(folder_names_are_written), UNIT_TEST(keywords), UNIT_TEST(subscriptions))
