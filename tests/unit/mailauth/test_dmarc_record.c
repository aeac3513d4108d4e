/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/record.h"
#include "unit.h"

#define NONE DMARC_POLICY_NONE
#define QUARANTINE DMARC_POLICY_QUARANTINE
#define REJECT DMARC_POLICY_REJECT

static const struct {
	const char *text;
	bool record, settled;
	enum dmarc_policy p, sp, np;
	size_t rua;
} rows[] = {
	/* RFC 9989 appendix B.2 */
	{ "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com", true, true, NONE, NONE, NONE, 1 },
	{ "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net; t=y",
	    true, true, QUARANTINE, QUARANTINE, QUARANTINE, 2 },
	{ "v=DMARC1; p=reject; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net", true,
	    true, REJECT, REJECT, REJECT, 2 },
	{ "v=DMARC1;", true, false, NONE, NONE, NONE, 0 },
	/* the version */
	{ "v=DMARC1", true, false, NONE, NONE, NONE, 0 },
	{ " v = DMARC1 ;p=reject", true, true, REJECT, REJECT, REJECT, 0 },
	{ "V=DMARC1;P=Reject", true, true, REJECT, REJECT, REJECT, 0 },
	{ "v=dmarc1;p=reject", false },
	{ "v=DMARC1x;p=reject", false },
	{ "v=DMARC2;p=reject", false },
	{ "v=DMARC1 p=reject", false },
	{ "p=reject;v=DMARC1", false },
	{ ";v=DMARC1;p=reject", false },
	{ "", false },
	{ "v=spf1 -all", false },
	/* policies */
	{ "v=DMARC1;p=reject;sp=quarantine", true, true, REJECT, QUARANTINE, QUARANTINE, 0 },
	{ "v=DMARC1;p=reject;np=none", true, true, REJECT, REJECT, NONE, 0 },
	{ "v=DMARC1;p=none;sp=quarantine;np=reject", true, true, NONE, QUARANTINE, REJECT, 0 },
	{ "v=DMARC1;sp=reject;p=none", true, true, NONE, REJECT, REJECT, 0 },
	{ "v=DMARC1;p=rejct", true, false, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=rejct;rua=mailto:a@b", true, true, NONE, NONE, NONE, 1 },
	{ "v=DMARC1;rua=mailto:a@b", true, true, NONE, NONE, NONE, 1 },
	{ "v=DMARC1;p=reject;sp=x;rua=mailto:a@b", true, true, NONE, NONE, NONE, 1 },
	{ "v=DMARC1;p=reject;np=x", true, false, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=reject;p=none", true, false, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=", true, false, NONE, NONE, NONE, 0 },
	/* what is not understood is as if it were not there */
	{ "v=DMARC1;p=reject;garbage;=;;x=y;pct=20;rf=afrf;ri=3600", true, true, REJECT, REJECT, REJECT, 0 },
	{ "v=DMARC1;p=reject;p2=none", true, true, REJECT, REJECT, REJECT, 0 },
	/* addresses */
	{ "v=DMARC1;p=none;rua=mailto:a@b.example!10m , mailto:c@d.example!5", true, true, NONE, NONE, NONE, 2 },
	{ "v=DMARC1;p=none;rua=https://example.com/x,mailto:a@b.example", true, true, NONE, NONE, NONE, 1 },
	{ "v=DMARC1;p=none;rua=a@b.example", true, true, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=none;rua=mailto:a b@example.com", true, true, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=none;rua=mailto:a@b!x", true, true, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=x;rua=https://example.com/x", true, true, NONE, NONE, NONE, 0 },
	{ "v=DMARC1;p=x;rua=nonsense", true, false, NONE, NONE, NONE, 0 },
};

static void
records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dmarc_record r = { 0 };
		bool record = dmarc_record_parse(slice_str(rows[i].text), &r);

		if (record != rows[i].record || (record && dmarc_record_settle(&r) != rows[i].settled))
			fail_msg("%s", rows[i].text);
		if (!record)
			continue;
		if (r.p != rows[i].p || r.sp != rows[i].sp || r.np != rows[i].np || r.rua.count != rows[i].rua)
			fail_msg("%s: %d %d %d %zu", rows[i].text, (int)r.p, (int)r.sp, (int)r.np, r.rua.count);
	}
}

static void
other_tags(void **state)
{
	struct dmarc_record r;

	(void)state;
	assert_true(dmarc_record_parse(SLICE("v=DMARC1;p=none"), &r));
	assert_false(r.strict_dkim || r.strict_spf || r.testing || r.has_sp || r.has_np);
	assert_int_equal(r.psd, DMARC_PSD_UNKNOWN);
	assert_int_equal(r.failure, DMARC_FAILURE_ALL);
	assert_true(dmarc_record_parse(
	    SLICE("v=DMARC1;p=none;adkim=S;aspf=s;t=Y;psd=y;fo=1:d:s;ruf=mailto:x@example.org"), &r));
	assert_true(r.strict_dkim && r.strict_spf && r.testing);
	assert_int_equal(r.psd, DMARC_PSD_YES);
	assert_int_equal(r.failure, DMARC_FAILURE_ANY | DMARC_FAILURE_DKIM | DMARC_FAILURE_SPF);
	assert_int_equal(r.ruf.count, 1);
	assert_slice(r.ruf.mailto[0], "mailto:x@example.org");
	assert_true(dmarc_record_parse(SLICE("v=DMARC1;p=none;psd=n;adkim=x;fo=1:y;t=yes"), &r));
	assert_int_equal(r.psd, DMARC_PSD_NO);
	assert_int_equal(r.failure, DMARC_FAILURE_ALL);
	assert_false(r.strict_dkim || r.testing);
}

static const struct {
	const char *uri;
	const char *address, *host; /* NULL: none */
} uris[] = {
	{ "mailto:a@example.com", "a@example.com", "example.com" },
	{ "MAILTO:A.b+c@EXAMPLE.com", "A.b+c@example.com", "example.com" },
	{ "mailto:a%2Bb@example.com?subject=x", "a+b@example.com", "example.com" },
	{ "mailto:a%21b@example.com", "a!b@example.com", "example.com" },
	{ "mailto:a@m%C3%BCller.example", "a@xn--mller-kva.example", "xn--mller-kva.example" },
	{ "mailto:a@@example.com", NULL, NULL },
	{ "mailto:a%0d%0aBcc:x@example.com", NULL, NULL },
	{ "mailto:a%00@example.com", NULL, NULL },
	{ "mailto:a%2@example.com", NULL, NULL },
	{ "mailto:a%zz@example.com", NULL, NULL },
	{ "mailto:a,b@example.com", NULL, NULL },
	{ "mailto:a%2Cb@example.com", NULL, NULL },
	{ "mailto:%22a b%22@example.com", NULL, NULL },
	{ "mailto:a%FF@example.com", NULL, NULL },
	{ "mailto:a@exa_mple..com", NULL, NULL },
	{ "mailto:a@[192.0.2.1]", NULL, NULL },
	{ "mailto:a", NULL, NULL },
	{ "mailto:@example.com", NULL, NULL },
	{ "mailto:", NULL, NULL },
	{ "https://example.com", NULL, NULL },
};

static void
addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct slice uri = slice_str(uris[i].uri);
		struct buf out;

		buf_init(&out, 1000);
		if (dmarc_uri_is_mailto(uri) != (uris[i].address != NULL))
			fail_msg("%s", uris[i].uri);
		if (uris[i].address != NULL) {
			assert_ok(dmarc_uri_address(uri, &out, &unit_error));
			assert_slice(buf_slice(&out), uris[i].address);
			buf_clear(&out);
			assert_ok(dmarc_uri_host(uri, &out, &unit_error));
			assert_slice(buf_slice(&out), uris[i].host);
		} else {
			assert_int_equal(dmarc_uri_address(uri, &out, NULL), ERR_SYNTAX);
			assert_int_equal(dmarc_uri_host(uri, &out, NULL), ERR_SYNTAX);
			assert_int_equal(out.len, 0);
		}
		buf_done(&out);
	}
}

static void
no_more_than_is_heeded(void **state)
{
	struct dmarc_record r;
	struct buf text;

	(void)state;
	buf_init(&text, 100000);
	(void)buf_put_str(&text, "v=DMARC1;p=none;rua=");
	for (size_t i = 0; i <= MAILAUTH_DMARC_URIS_MAX; i++)
		(void)buf_putf(&text, "mailto:a%zu@example.com,", i);
	assert_true(dmarc_record_parse(buf_slice(&text), &r));
	assert_int_equal(r.rua.count, MAILAUTH_DMARC_URIS_MAX);
	assert_int_equal(r.rua.seen, MAILAUTH_DMARC_URIS_MAX + 1);
	while (text.len < MAILAUTH_DMARC_RECORD_MAX)
		(void)buf_put_u8(&text, ' ');
	assert_true(dmarc_record_parse(buf_slice(&text), &r));
	(void)buf_put_u8(&text, ' ');
	assert_false(dmarc_record_parse(buf_slice(&text), &r));
	buf_done(&text);
}

UNIT_MAIN(UNIT_TEST(records), UNIT_TEST(other_tags), UNIT_TEST(addresses), UNIT_TEST(no_more_than_is_heeded))
