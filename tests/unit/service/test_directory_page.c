/* SPDX-License-Identifier: ISC */
/* Pages: what others wrote comes out as text, and a certificate is told in words. */
#include "openpgp_helpers.h"

#include "service/directory/page_show.h"
#include "service/web/html.h"

static const struct {
	const char *in, *out;
} texts[] = {
	{ "<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" },
	{ "\"onload='x' &amp;", "<bdi>&quot;onload=&#39;x&#39; &amp;amp;</bdi>" },
	{ "\xe2\x80\xae"
	  "evil\xff\x01",
	    "<bdi>\xe2\x80\xae"
	    "evil\xef\xbf\xbd\xef\xbf\xbd</bdi>" },
	{ "", "<bdi></bdi>" },
};

static void
text_of_others(void **state)
{
	BUF_OWNED struct buf long_in = { 0 }, long_out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		BUF_OWNED struct buf out = { 0 };

		buf_init(&out, 1000);
		assert_int_equal(html_foreign(&out, slice_str(texts[i].in)), 0);
		assert_true(slice_eq_str(buf_slice(&out), texts[i].out));
	}
	/* Cut between characters, and it says so. */
	buf_init(&long_in, 1 << 12);
	buf_init(&long_out, 1 << 12);
	(void)buf_put_str(&long_in, "x");
	for (unsigned i = 0; i < HTML_SHOWN_MAX; i++)
		(void)buf_put_str(&long_in, "\xc3\xa9");
	assert_int_equal(html_foreign(&long_out, buf_slice(&long_in)), 0);
	assert_true(slice_ends(buf_slice(&long_out), SLICE("\xc3\xa9\xe2\x80\xa6</bdi>")));
	assert_true(slice_search(buf_slice(&long_out), SLICE("\xef\xbf\xbd")) == SIZE_MAX);
}

static bool
has(const struct buf *page, const char *text)
{
	return slice_search(buf_slice(page), slice_str(text)) != SIZE_MAX;
}

static void
a_certificate_in_words(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		BUF_OWNED struct buf public = { 0 }, page = { 0 }, list = { 0 };
		struct fixture f;

		fixture_new(&f, version, 1700000000, false);
		buf_init(&public, 1 << 16);
		buf_init(&page, 1 << 20);
		buf_init(&list, 1 << 20);
		assert_int_equal(pgp_cert_write_public(f.cert, &public), 0);
		assert_ok(page_put_certificate(&page, buf_slice(&public), 1700000100, &unit_error));
		assert_true(has(&page, "This key is good; it does not expire."));
		assert_true(has(&page, "<bdi>Alice &lt;alice@example.org&gt;</bdi>"));
		assert_true(has(&page, "<svg ") && has(&page, "receiving encrypted mail"));
		assert_true(has(&page, version == 4 ? "/pks/lookup?op=get" : "/pks/v2/certs/by-vfingerprint/06"));
		assert_int_equal(page_put_result(&list, buf_slice(&public), 1700000100), 0);
		assert_true(has(&list, "href=\"/certificate/") && !has(&list, "<svg"));
		assert_int_not_equal(page_put_certificate(&page, SLICE("no certificate"), 1, &unit_error), 0);
		fixture_done(&f);
	}
}

UNIT_MAIN(UNIT_TEST(text_of_others), UNIT_TEST(a_certificate_in_words))
