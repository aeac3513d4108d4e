/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/mem.h"
#include "service/web/autoconfig.h"

static const struct slice domains[] = { { (const uint8_t *)"example.org", 11 },
	{ (const uint8_t *)"beispiel.example", 16 }, { (const uint8_t *)"xn--bcher-kva.example", 21 } };

static const struct autoconfig here = { .hostname = { (const uint8_t *)"mail.example.org", 16 },
	.domain = { (const uint8_t *)"example.org", 11 },
	.domains = domains,
	.domain_count = 3,
	.ports = { .imap = 143, .imaps = 993, .submission = 587, .submissions = 465, .https = 443 } };

static const struct {
	const char *address, *host, *domain;
} asked[] = {
	{ "alice@example.org", "autoconfig.example.net", "example.org" },
	{ "ALICE@BEISPIEL.example", "example.org", "beispiel.example" },
	{ "a@b@example.org", "", "example.org" },
	{ "alice@b\xc3\xbc"
	  "cher.example",
	    "", "xn--bcher-kva.example" },
	{ "alice@XN--bcher-kva.example", "", "xn--bcher-kva.example" },
	{ "", "autoconfig.xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "alice@\xff.example", "example.org", "" },
	{ "alice@example.net", "example.org", "" },
	{ "alice", "example.org", "" },
	{ "alice@", "example.org", "" },
	{ "", "example.org", "example.org" },
	{ "", "AutoConfig.Example.Org", "example.org" },
	{ "", "autodiscover.beispiel.example:443", "beispiel.example" },
	{ "", "openpgpkey.example.org.", "example.org" },
	{ "", "mail.example.org", "example.org" },
	{ "", "autoconfig.autoconfig.example.org", "" },
	{ "", "autoconfig.", "" },
	{ "", "autoconfigxexample.org", "" },
	{ "", "www.example.org", "" },
	{ "", "[::1]:443", "" },
	{ "", "", "" },
};

static void
the_domain_that_is_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		assert_slice(
		    autoconfig_domain(&here, slice_str(asked[i].address), slice_str(asked[i].host)), asked[i].domain);
	assert_true(autoconfig_is_our_name(&here, SLICE("openpgpkey.beispiel.example")));
	assert_true(autoconfig_is_our_name(&here, SLICE("Mail.example.org")));
	assert_false(autoconfig_is_our_name(&here, SLICE("org")));
	assert_false(autoconfig_is_our_name(&here, SLICE("")));
}

#define REQUEST(inside) "<Autodiscover xmlns=\"urn:x\"><Request>" inside "</Request></Autodiscover>"

static const struct {
	const char *document;
	int rc;
	const char *address;
	bool other_schema;
} requests[] = {
	{ REQUEST("<EMailAddress> alice@example.org\n</EMailAddress>"), 0, "alice@example.org", false },
	{ REQUEST("<EMailAddress>a&amp;b@example.org</EMailAddress><AcceptableResponseSchema>"
		  "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
		  "</AcceptableResponseSchema>"),
	    0, "a&b@example.org", false },
	{ REQUEST("<AcceptableResponseSchema>urn:other</AcceptableResponseSchema><EMailAddress>a@b</EMailAddress>"), 0,
	    "a@b", true },
	{ REQUEST("<LegacyDN>/o=x</LegacyDN><x><EMailAddress>no@no</EMailAddress></x><EMailAddress>a@b</EMailAddress>"),
	    0, "a@b", false },
	{ REQUEST(""), ERR_SYNTAX },
	{ REQUEST("<EMailAddress/>"), ERR_SYNTAX },
	{ REQUEST("<EMailAddress>alice</EMailAddress>"), ERR_SYNTAX },
	{ REQUEST("<EMailAddress>a b@c</EMailAddress>"), ERR_SYNTAX },
	{ REQUEST("<EMailAddress>a@b</EMailAddress><EMailAddress>c@d</EMailAddress>"), ERR_SYNTAX },
	{ "<EMailAddress>a@b</EMailAddress>", ERR_SYNTAX },
	{ "<a><b><EMailAddress>a@b</EMailAddress></b></a>", ERR_SYNTAX },
	{ "", ERR_SYNTAX },
	{ "<!DOCTYPE Autodiscover>" REQUEST("<EMailAddress>a@b</EMailAddress>"), ERR_POLICY },
};

static void
requests_of_outlook(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct autoconfig_outlook got;
		struct buf text;
		int rc;

		buf_init(&text, AUTOCONFIG_ADDRESS_MAX + 100);
		rc = autoconfig_read_outlook(slice_str(requests[i].document), &text, &got, &unit_error);
		if (rc != requests[i].rc)
			fail_msg("%s: %d %s", requests[i].document, rc, unit_error.text);
		if (rc == 0) {
			assert_slice(got.address, requests[i].address);
			assert_int_equal(got.other_schema, requests[i].other_schema);
		}
		buf_done(&text);
	}
}

static void
an_address_that_is_too_long_is_refused(void **state)
{
	struct autoconfig_outlook got;
	struct buf text, document;

	(void)state;
	buf_init(&text, AUTOCONFIG_ADDRESS_MAX + 100);
	buf_init(&document, 10000);
	(void)buf_put_str(&document, "<Autodiscover><Request><EMailAddress>");
	for (int i = 0; i < 500; i++)
		(void)buf_put_str(&document, "a");
	(void)buf_put_str(&document, "@example.org</EMailAddress></Request></Autodiscover>");
	assert_int_equal(autoconfig_read_outlook(buf_slice(&document), &text, &got, NULL), ERR_LIMIT);
	buf_done(&text);
	buf_done(&document);
}

static int
write_all(struct buf *out)
{
	int rc = autoconfig_write_thunderbird(&here, out);

	rc = rc != 0 ? rc : autoconfig_write_outlook(&here, SLICE("alice@example.org"), out);
	rc = rc != 0 ? rc : autoconfig_write_page(&here, out);
	return rc != 0 ? rc : autoconfig_write_apple(&here, SLICE("alice@example.org"), out, NULL);
}

static void
without_memory_nothing_is_written_half(void **state)
{
	int rc = ERR_NOMEM;
	long n;

	(void)state;
	for (n = 0; rc != 0 && n < 1000; n++) {
		struct buf out;

		buf_init(&out, AUTOCONFIG_DOCUMENT_MAX);
		mem_fail_after(n);
		rc = write_all(&out);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		buf_done(&out);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 3);
}

static void
a_server_without_a_way_to_send_is_of_no_use(void **state)
{
	struct autoconfig_ports ports = { .imaps = 993 };

	(void)state;
	assert_false(autoconfig_is_useful(&ports));
	ports.submission = 587;
	assert_true(autoconfig_is_useful(&ports));
	ports.imaps = 0;
	assert_false(autoconfig_is_useful(&ports));
	ports.pop3 = 110;
	assert_true(autoconfig_is_useful(&ports));
}

static void
oauth_is_named_behind_the_password(void **state)
{
	struct autoconfig a = here;
	struct buf out;

	(void)state;
	a.oauth2 = true;
	buf_init(&out, AUTOCONFIG_DOCUMENT_MAX);
	assert_ok(autoconfig_write_thunderbird(&a, &out));
	assert_true(slice_search(buf_slice(&out),
			SLICE("<authentication>password-cleartext</authentication>\n"
			      "      <authentication>OAuth2</authentication>\n")) != SIZE_MAX);
	buf_clear(&out);
	assert_ok(autoconfig_write_thunderbird(&here, &out));
	assert_true(slice_search(buf_slice(&out), SLICE("OAuth2")) == SIZE_MAX);
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(the_domain_that_is_asked_for), UNIT_TEST(requests_of_outlook),
    UNIT_TEST(an_address_that_is_too_long_is_refused), UNIT_TEST(without_memory_nothing_is_written_half),
    UNIT_TEST(a_server_without_a_way_to_send_is_of_no_use), UNIT_TEST(oauth_is_named_behind_the_password))
