/* SPDX-License-Identifier: ISC */
#include "daemon/records_keys.h"

#include "net/dns.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/directory/dane.h"
#include "service/keys/ca.h"
#include "store/store.h"

#define PAGE 100u
#define PAGE_BUDGET (64u << 20)
#define PEM_MAX (256u << 10)

static const char why_openpgpkey[] =
    "The OpenPGP certificate of an address. Only of use where the zone is signed (DNSSEC)";
static const char why_smimea[] = "The S/MIME certificate of an address. Only of use where the zone is signed (DNSSEC)";

struct giving {
	records_keys_fn *each;
	void *ctx;
	struct error *e;
};

/* Under the name of the address, and, when it is written with capitals, of that too. */
static int
give(const struct giving *g, struct slice address, const char *label, struct record *r)
{
	int rc = 0;

	for (int written = 0; written < (dane_is_folded(address) ? 2 : 1) && rc == 0; written++) {
		BUF_OWNED struct buf name = { 0 };

		buf_init(&name, DANE_NAME_MAX);
		rc = dane_name(address, label, written == 1, &name, g->e);
		r->name = buf_slice(&name);
		if (rc == 0)
			rc = g->each(g->ctx, r, g->e);
	}
	return rc;
}

/* An address once, however many user IDs have it. What is not alive is left out: nobody is to encrypt to it. */
static int
give_certificate(const struct giving *g, struct slice domain, const struct store_certificate *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->user_count && rc == 0; i++) {
		struct record r = {
			.type = DNS_OPENPGPKEY, .need = RECORD_ADVISED, .rule = RECORD_OR_NONE, .why = why_openpgpkey
		};
		struct slice address = c->users[i].address;
		BUF_OWNED struct buf rdata = { 0 };
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before = before || slice_ieq(c->users[k].address, address);
		buf_init(&rdata, DANE_RDATA_MAX);
		if (before || !ca_is_of(address, domain) ||
		    dane_openpgpkey(c->data, address, clock_unix(), &rdata, NULL) != 0)
			continue;
		r.rdata = buf_slice(&rdata);
		rc = give(g, address, DANE_OPENPGPKEY, &r);
	}
	return rc;
}

int
records_openpgpkey(
    struct port *store, struct slice domain, size_t limit, records_keys_fn *each, void *ctx, struct error *e)
{
	const struct giving g = { each, ctx, e };
	struct store_certificate_find request = { .by = STORE_BY_ALL, .limit = PAGE };
	uint8_t last[STORE_FINGERPRINT_MAX];
	size_t seen = 0;
	bool more = true;
	int rc = 0;

	while (more && rc == 0 && (limit == 0 || seen < limit)) {
		ARENA_OWNED struct arena a = { 0 };
		struct store_certificates found;

		arena_init(&a, PAGE_BUDGET);
		rc = store_certificate_find(store, &request, &a, &found, e);
		for (size_t i = 0; rc == 0 && i < found.certificate_count && (limit == 0 || seen < limit); i++) {
			rc = give_certificate(&g, domain, &found.certificates[i]);
			seen++;
		}
		more = rc == 0 && found.more && found.certificate_count > 0;
		if (!more)
			break;
		request.after = found.certificates[found.certificate_count - 1].fingerprint;
		for (size_t i = 0; i < request.after.len && i < sizeof last; i++)
			last[i] = request.after.data[i];
		request.after.data = last;
	}
	return rc;
}

int
records_smimea(const char *word, struct slice domain, records_keys_fn *each, void *ctx, struct error *e)
{
	const struct giving g = { each, ctx, e };
	struct record r = { .type = DNS_SMIMEA, .need = RECORD_ADVISED, .rule = RECORD_OR_NONE, .why = why_smimea };
	struct slice file, address = slice_split(slice_str(word), '=', &file);
	BUF_OWNED struct buf pem = { 0 }, rdata = { 0 };
	int rc;

	if (file.len == 0 || !ca_is_of(address, domain))
		return error_set(e, ERR_USAGE, "--smimea takes ADDRESS=FILE, an address in %.*s: %s", (int)domain.len,
		    (const char *)domain.data, word);
	buf_init(&pem, PEM_MAX);
	buf_init(&rdata, DANE_RDATA_MAX + 3);
	rc = file_read((const char *)file.data, &pem, e); /* the end of the word */
	if (rc == 0)
		rc = dane_smimea(buf_slice(&pem), address, &rdata, e);
	r.rdata = buf_slice(&rdata);
	return rc != 0 ? rc : give(&g, address, DANE_SMIMEA, &r);
}
