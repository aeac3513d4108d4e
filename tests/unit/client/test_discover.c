/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/discover.h"

#define SERVER(element, type, host, port, socket, authentication, user) \
	"<" element " type=\"" type "\"><hostname>" host "</hostname><port>" port "</port><socketType>" socket \
	"</socketType><authentication>" authentication "</authentication><username>" user "</username></" element ">"
#define IMAP(host, port, socket) \
	SERVER("incomingServer", "imap", host, port, socket, "password-cleartext", "%EMAILADDRESS%")
#define SMTP(host, port, socket) \
	SERVER("outgoingServer", "smtp", host, port, socket, "password-cleartext", "%EMAILADDRESS%")
#define CONFIG(servers) \
	"<clientConfig version=\"1.1\"><emailProvider id=\"x\">" servers "</emailProvider></clientConfig>"
#define GOOD_SMTP SMTP("smtp.example.org", "465", "SSL")

static const struct {
	const char *document;
	int rc;
	const char *imap;
	uint16_t port;
	bool start_tls;
} rows[] = {
	{ CONFIG(IMAP("imap.example.org", "993", "SSL") GOOD_SMTP), 0, "imap.example.org", 993, false },
	{ CONFIG(IMAP(" imap.example.org\n", "143", "STARTTLS") GOOD_SMTP), 0, "imap.example.org", 143, true },
	/* The first that can be used. */
	{ CONFIG(SERVER("incomingServer", "pop3", "pop", "995", "SSL", "password-cleartext", "%EMAILADDRESS%") IMAP(
	      "a", "143", "plain") SERVER("incomingServer", "imap", "b", "993", "SSL", "OAuth2", "%EMAILADDRESS%")
		  SERVER("incomingServer", "imap", "c", "993", "SSL", "password-cleartext", "%EMAILLOCALPART%")
		      IMAP("d", "0", "SSL") IMAP("e e", "993", "SSL") IMAP("good", "993", "SSL")
			  IMAP("other", "993", "SSL") GOOD_SMTP),
	    0, "good", 993, false },
	{ CONFIG(
	      "<incomingServer type=\"imap\"><x><hostname>bad</hostname></x><hostname>good</hostname><port>993</port>"
	      "<socketType>SSL</socketType><authentication>GSSAPI</authentication>"
	      "<authentication>password-cleartext</authentication></incomingServer>" GOOD_SMTP),
	    0, "good", 993, false },
	{ CONFIG(IMAP("imap.example.org", "993", "SSL")), ERR_NOT_FOUND },
	{ CONFIG(GOOD_SMTP), ERR_NOT_FOUND },
	{ CONFIG(IMAP("imap.example.org", "993", "plain") GOOD_SMTP), ERR_NOT_FOUND },
	{ CONFIG(IMAP("imap.example.org", "99999", "SSL") GOOD_SMTP), ERR_NOT_FOUND },
	{ CONFIG(""), ERR_NOT_FOUND },
	{ "<clientConfig>" IMAP("a", "993", "SSL") GOOD_SMTP "</clientConfig>", ERR_NOT_FOUND },
	{ "<html><body>404</body></html>", ERR_SYNTAX },
	{ "", ERR_SYNTAX },
	{ "<!DOCTYPE clientConfig [<!ENTITY a \"b\">]>" CONFIG(IMAP("&a;", "993", "SSL") GOOD_SMTP), ERR_POLICY },
};

static void
documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct account a = { .address = "alice@example.org" };
		int rc = discover_read(&a, slice_str(rows[i].document), &unit_error);

		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].document, rc, unit_error.text);
		if (rc != 0) {
			assert_int_equal(a.servers[ACCOUNT_IMAP].port + a.servers[ACCOUNT_SMTP].port, 0);
			continue;
		}
		assert_string_equal(a.servers[ACCOUNT_IMAP].host, rows[i].imap);
		assert_int_equal(a.servers[ACCOUNT_IMAP].port, rows[i].port);
		assert_int_equal(a.servers[ACCOUNT_IMAP].start_tls, rows[i].start_tls);
		assert_string_equal(a.servers[ACCOUNT_SMTP].host, "smtp.example.org");
		assert_string_equal(a.servers[ACCOUNT_HTTPS].host, "smtp.example.org");
		assert_int_equal(a.servers[ACCOUNT_HTTPS].port, 443);
	}
}

UNIT_MAIN(UNIT_TEST(documents))
