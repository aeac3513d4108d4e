/* SPDX-License-Identifier: ISC */
/*
 * Any request of Outlook's, any Host field and any address: an address that is taken is one, what is answered is XML
 * that gives the address back, and a domain that is found is in the list.
 */
#include <stdlib.h>

#include "base/xml.h"
#include "service/web/autoconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice domains[] = { { (const uint8_t *)"example.org", 11 },
	{ (const uint8_t *)"beispiel.example", 16 } };

struct login {
	struct buf text;
	bool inside;
};

static int
begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct login *l = ctx;

	(void)e;
	l->inside = slice_eq_str(element->name, "LoginName");
	if (l->inside)
		buf_clear(&l->text);
	return 0;
}

static int
text(void *ctx, struct slice piece, struct error *e)
{
	struct login *l = ctx;

	(void)e;
	return l->inside ? buf_put_slice(&l->text, piece) : 0;
}

static int
end(void *ctx, struct error *e)
{
	(void)e;
	((struct login *)ctx)->inside = false;
	return 0;
}

static const struct xml_handler handler = { begin, text, end };

static void
answered(const struct autoconfig *a, struct slice address)
{
	struct login l = { .inside = false };
	struct buf out;

	buf_init(&out, AUTOCONFIG_DOCUMENT_MAX);
	buf_init(&l.text, AUTOCONFIG_ADDRESS_MAX * 2);
	if (autoconfig_write_outlook(a, address, &out) != 0 || xml_read(buf_slice(&out), &handler, &l, NULL) != 0)
		abort();
	if (l.text.len == 0 ||
	    (slice_search(address, SLICE("\xef\xbf")) == SIZE_MAX && !slice_eq(address, buf_slice(&l.text)) &&
		slice_search(buf_slice(&l.text), SLICE("\xef\xbf\xbd")) == SIZE_MAX))
		abort();
	buf_clear(&out);
	if (autoconfig_write_apple(a, address, &out, NULL) != 0)
		abort();
	buf_done(&l.text);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct autoconfig a = { .hostname = SLICE("mail.example.org"),
		.domains = domains,
		.domain_count = 2,
		.ports = { .imaps = 993, .submissions = 465, .https = 443 } };
	struct autoconfig_outlook asked;
	struct slice in = slice_of(data, size), host, address = slice_split(in, '\n', &host), found;
	struct buf words;

	found = autoconfig_domain(&a, address, host);
	if (found.len > 0 && found.data != domains[0].data && found.data != domains[1].data)
		abort();
	if (found.len > 0 && address.len == 0 && !autoconfig_is_our_name(&a, autoconfig_host_name(host)))
		abort();
	a.domain = domains[0];
	buf_init(&words, AUTOCONFIG_ADDRESS_MAX + 100);
	if (autoconfig_read_outlook(in, &words, &asked, NULL) == 0) {
		if (!autoconfig_is_address(asked.address) || asked.address.len > AUTOCONFIG_ADDRESS_MAX)
			abort();
		answered(&a, asked.address);
	}
	buf_done(&words);
	return 0;
}
