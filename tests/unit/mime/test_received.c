/* SPDX-License-Identifier: ISC */
#include "mime/received.h"
#include "mime/limits.h"
#include "unit.h"

#define DATE "; Fri, 27 Nov 2026 10:00:00 +0100"
#define WHEN 1795770000

static const struct {
	const char *name, *in;
	const char *from, *dns, *address, *by, *with, *id, *recipient, *tls, *cipher;
	bool encrypted, authenticated, local;
} rows[] = {
	{ "the grammar of RFC 5321", "from foo.example by bar.example via TCP with ESMTP id 1 for <a@b.example>" DATE,
	    "foo.example", "", "", "bar.example", "ESMTP", "1", "a@b.example", "", "", false, false, false },
	{ "ours",
	    "from mail.example.org (mail.example.org [192.0.2.1])\r\n\tby mx.example.net with ESMTPS id 7f\r\n"
	    "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tfor <bob@example.net>;\r\n\tFri, 27 Nov 2026 09:00:00 +0000",
	    "mail.example.org", "mail.example.org", "192.0.2.1", "mx.example.net", "ESMTPS", "7f", "bob@example.net",
	    "TLS 1.3", "TLS_AES_256_GCM_SHA384", true, false, false },
	{ "ours, from one of our people", "by mx.example.net with ESMTPSA id 7f" DATE, "", "", "", "mx.example.net",
	    "ESMTPSA", "7f", "", "", "", true, true, false },
	{ "Postfix",
	    "from helo.example.org (dns.example.org [IPv6:2001:db8::1])\r\n"
	    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
	    "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
	    "\t(No client certificate requested)\r\n\tby mx.example.net (Postfix) with ESMTPS id 4ABC\r\n"
	    "\tfor <bob@example.net>; Fri, 27 Nov 2026 10:00:00 +0100 (CET)",
	    "helo.example.org", "dns.example.org", "2001:db8::1", "mx.example.net", "ESMTPS", "4ABC", "bob@example.net",
	    "TLS 1.3", "TLS_AES_256_GCM_SHA384", true, false, false },
	{ "Postfix, no name in DNS", "from x (unknown [192.0.2.1]) by y (Postfix) with SMTP id 1" DATE, "x", "",
	    "192.0.2.1", "y", "SMTP", "1", "", "", "", false, false, false },
	{ "Postfix's pickup", "by y (Postfix, from userid 1000)\n\tid 77" DATE, "", "", "", "y", "", "77", "", "", "",
	    false, false, true },
	{ "Exim",
	    "from mail.example.org ([192.0.2.1] helo=foo)\n\tby mx.example.net with esmtps  (TLS1.3) tls "
	    "TLS_AES_256_GCM_SHA384\n\t(Exim 4.96)\n\t(envelope-from <alice@example.org>)\n\tid 1abc-00\n"
	    "\tfor bob@example.net;\n\tFri, 27 Nov 2026 10:00:00 +0100",
	    "foo", "mail.example.org", "192.0.2.1", "mx.example.net", "esmtps", "1abc-00", "bob@example.net", "TLS 1.3",
	    "TLS_AES_256_GCM_SHA384", true, false, false },
	{ "Exim, no name in DNS", "from [192.0.2.1] (helo=foo) by y with esmtpa (Exim 4.96) id 1" DATE, "foo", "",
	    "192.0.2.1", "y", "esmtpa", "1", "", "", "", false, true, false },
	{ "an older Exim",
	    "from [192.0.2.1] (port=41234 helo=foo) by y with esmtps (TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim "
	    "4.90) id 1" DATE,
	    "foo", "", "192.0.2.1", "y", "esmtps", "1", "", "TLS 1.2", "ECDHE_RSA_AES_256_GCM_SHA384", true, false,
	    false },
	{ "Exim on the same machine", "from alice by y with local (Exim 4.96) id 1" DATE, "alice", "", "", "y", "local",
	    "1", "", "", "", false, false, true },
	{ "Gmail",
	    "from mail-sor-f41.example.com (mail-sor-f41.example.com. [192.0.2.41])\r\n        by mx.example.com with "
	    "SMTPS id a1sor\r\n        for <bob@example.com>\r\n        (Google Transport Security);\r\n"
	    "        Fri, 27 Nov 2026 01:00:00 -0800 (PST)",
	    "mail-sor-f41.example.com", "mail-sor-f41.example.com", "192.0.2.41", "mx.example.com", "SMTPS", "a1sor",
	    "bob@example.com", "", "", true, false, false },
	{ "Gmail, with TLS told",
	    "from a.example (a.example. [192.0.2.1]) by mx.example.com with ESMTPS id 1 for <b@example.com> "
	    "(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)" DATE,
	    "a.example", "a.example", "192.0.2.1", "mx.example.com", "ESMTPS", "1", "b@example.com", "TLS 1.3",
	    "TLS_AES_256_GCM_SHA384", true, false, false },
	{ "Gmail, inside", "by 2002:a05:7110:1::1 with SMTP id c1csp" DATE, "", "", "", "2002:a05:7110:1::1", "SMTP",
	    "c1csp", "", "", "", false, false, false },
	{ "Outlook",
	    "from A.prod.example (2001:db8::5) by\r\n B.prod.example (2001:db8::6) with Microsoft SMTP Server\r\n "
	    "(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\r\n 15.20.8093.14" DATE,
	    "A.prod.example", "", "2001:db8::5", "B.prod.example", "Microsoft SMTP Server", "15.20.8093.14", "",
	    "TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", true, false, false },
	{ "Outlook, inside", "from A (::1) by B (2001:db8::6) with mapi id 15.20.1" DATE, "A", "", "::1", "B", "mapi",
	    "15.20.1", "", "", "", false, false, false },
	{ "Sendmail",
	    "from a.example (b.example [192.0.2.1]) by c.example (8.17.1/8.17.1) with ESMTPS id 4A "
	    "(version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NOT) for <d@c.example>" DATE,
	    "a.example", "b.example", "192.0.2.1", "c.example", "ESMTPS", "4A", "d@c.example", "TLS 1.2",
	    "ECDHE-RSA-AES256-GCM-SHA384", true, false, false },
	{ "qmail", "from unknown (HELO foo.example) (192.0.2.3)\n  by mx.example with SMTP; 27 Nov 2026 09:00:00 -0000",
	    "foo.example", "", "192.0.2.3", "mx.example", "SMTP", "", "", "", "", false, false, false },
	{ "qmail with TLS",
	    "from a.example (HELO foo.example) (alice@192.0.2.3)\n  by mx.example with (ECDHE-RSA-AES256-GCM-SHA384 "
	    "encrypted) ESMTPS" DATE,
	    "foo.example", "a.example", "192.0.2.3", "mx.example", "ESMTPS", "", "", "", "ECDHE-RSA-AES256-GCM-SHA384",
	    true, false, false },
	{ "qmail on the same machine", "(qmail 123 invoked by uid 1000); 27 Nov 2026 09:00:00 -0000", "", "", "", "",
	    "", "", "", "", "", false, false, true },
	{ "qmail's second line", "(qmail 123 invoked from network); 27 Nov 2026 09:00:00 -0000", "", "", "", "", "", "",
	    "", "", "", false, false, false },
	{ "a sender's name is no TLS", "from TLSv1.3 (TLSv1.3 [192.0.2.1]) by y with ESMTP id 1" DATE, "TLSv1.3",
	    "TLSv1.3", "192.0.2.1", "y", "ESMTP", "1", "", "", "", false, false, false },
	{ "nor is it elsewhere in a comment",
	    "from x ([192.0.2.1]) by y with esmtp (envelope-from <TLS1.3@z>) id 1" DATE, "x", "", "192.0.2.1", "y",
	    "esmtp", "1", "", "", "", false, false, false },
	{ "a sender named by", "from by (by.example [192.0.2.1]) by y with ESMTP id 1" DATE, "by", "by.example",
	    "192.0.2.1", "y", "ESMTP", "1", "", "", "", false, false, false },
	{ "a second by is none", "from x by y with ESMTP by z id 1" DATE, "x", "", "", "y", "ESMTP by z", "1", "", "",
	    "", false, false, false },
	{ "a name that is nearly an address", "from x (893.0.2.3cc) by y" DATE, "x", "893.0.2.3cc", "", "y", "", "", "",
	    "", "", false, false, false },
	{ "words behind a comment", "by y (a) z with ESMTP (b) SMTP id 1 (c) 2" DATE, "", "", "", "y", "ESMTP", "1", "",
	    "", "", false, false, false },
	{ "quotes", "from \"a;b(c\" by y" DATE, "\"a;b(c\"", "", "", "y", "", "", "", "", "", false, false, false },
	{ "comments in comments", "from x (a (b (c)) [192.0.2.1]) by y" DATE, "x", "", "192.0.2.1", "y", "", "", "", "",
	    "", false, false, false },
};

static void
all_forms_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mime_received r;
		struct arena a;

		arena_init(&a, 1 << 16);
		print_message("# %s\n", rows[i].name);
		assert_ok(mime_received_parse(slice_str(rows[i].in), &a, &r, &unit_error));
		assert_slice(r.from, rows[i].from);
		assert_slice(r.name, rows[i].dns);
		assert_slice(r.address, rows[i].address);
		assert_slice(r.by, rows[i].by);
		assert_slice(r.with, rows[i].with);
		assert_slice(r.id, rows[i].id);
		assert_slice(r.recipient, rows[i].recipient);
		assert_slice(r.tls_version, rows[i].tls);
		assert_slice(r.tls_cipher, rows[i].cipher);
		assert_int_equal(r.encrypted, rows[i].encrypted);
		assert_int_equal(r.authenticated, rows[i].authenticated);
		assert_int_equal(r.local, rows[i].local);
		assert_true(r.dated);
		assert_int_equal(r.when, WHEN);
		arena_done(&a);
	}
}

static const struct {
	const char *name, *in;
	int rc;
} odd[] = {
	{ "nothing", "", ERR_SYNTAX },
	{ "words only", "hello world", ERR_SYNTAX },
	{ "an open comment", "from (", ERR_SYNTAX },
	{ "a keyword without a value", "from", ERR_SYNTAX },
	{ "no date", "from a by b", 0 },
	{ "a date that is none", "from a by b; yesterday", 0 },
	{ "an open quote", "from \"a by b; Fri, 27 Nov 2026 10:00:00 +0100", 0 },
	{ "a backslash at the end", "from \"\\", 0 },
	{ "in a comment too", "by x (\\", 0 },
};

static void
odd_ones_end_well(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		struct mime_received r;
		struct arena a;

		arena_init(&a, 1 << 16);
		if (mime_received_parse(slice_str(odd[i].in), &a, &r, &unit_error) != odd[i].rc)
			fail_msg("%s", odd[i].name);
		if (odd[i].rc == 0)
			assert_false(r.dated);
		arena_done(&a);
	}
}

static void
a_long_one_is_refused(void **state)
{
	static char text[MIME_RECEIVED_MAX + 2];
	struct mime_received r;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	memset(text, '(', sizeof text);
	memcpy(text, "by x ", 5);
	assert_ok(mime_received_parse(slice_of(text, MIME_RECEIVED_MAX), &a, &r, &unit_error));
	assert_int_equal(mime_received_parse(slice_of(text, MIME_RECEIVED_MAX + 1), &a, &r, &unit_error), ERR_LIMIT);
	arena_done(&a);
}

/* Cut anywhere it is read or refused, and never says more than was there. */
static void
cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice whole = slice_str(rows[i].in);

		for (size_t n = 0; n < whole.len; n++) {
			struct mime_received r;
			struct arena a;

			arena_init(&a, 1 << 16);
			if (mime_received_parse(slice_sub(whole, 0, n), &a, &r, &unit_error) == 0)
				assert_true(!r.encrypted || rows[i].encrypted);
			arena_done(&a);
		}
	}
}

UNIT_MAIN(UNIT_TEST(all_forms_are_read), UNIT_TEST(odd_ones_end_well), UNIT_TEST(a_long_one_is_refused),
    UNIT_TEST(cut_anywhere))
