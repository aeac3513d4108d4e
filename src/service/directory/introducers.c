/* SPDX-License-Identifier: ISC */
#include "service/directory/introducers.h"

#include "service/keys/ca.h"
#include "store/store.h"

static bool
by_operator(const struct store_certificate *c, struct slice address)
{
	for (size_t i = 0; i < c->user_count; i++)
		if (c->users[i].state == STORE_USER_PUBLISHED && c->users[i].how == STORE_HOW_OPERATOR &&
		    slice_ieq(c->users[i].address, address))
			return true;
	return false;
}

static int
add_ca(struct port *store, struct arena *a, struct slice domain, struct directory_introducers *in, struct error *e)
{
	struct store_certificate_find request = { .by = STORE_BY_ADDRESS, .limit = DIRECTORY_INTRODUCERS_MAX };
	struct store_certificates found;
	size_t used;
	int rc;

	if (domain.len > STORE_ADDRESS_MAX - sizeof CA_LOCAL_PART)
		return 0;
	request.value = arena_printf(a, CA_LOCAL_PART "@%.*s", (int)domain.len, (const char *)domain.data);
	if (request.value.len == 0)
		return error_nomem(e);
	rc = store_certificate_find(store, &request, a, &found, e);
	for (size_t i = 0; rc == 0 && i < found.certificate_count && in->count < DIRECTORY_INTRODUCERS_MAX; i++) {
		if (!by_operator(&found.certificates[i], request.value))
			continue;
		rc = pgp_cert_parse(found.certificates[i].data, &in->certs[in->count], &used, e);
		in->count += rc == 0;
	}
	return rc;
}

static bool
is_new(const struct directory_introducers *in, struct slice domain)
{
	for (size_t i = 0; i < in->domain_count; i++)
		if (slice_ieq(in->domains[i], domain))
			return false;
	return domain.len > 0 && in->domain_count < DIRECTORY_INTRODUCER_DOMAINS_MAX;
}

int
directory_introducers_add(
    struct port *store, struct arena *a, const struct pgp_cert *cert, struct directory_introducers *in, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; cert != NULL && rc == 0 && i < cert->component_count; i++) {
		const struct pgp_component *c = &cert->components[i];
		struct slice domain = SLICE_EMPTY;

		if (c->kind == PGP_COMPONENT_USER_ID)
			(void)slice_split(pgp_user_id_address(c->packet.body), '@', &domain);
		if (!is_new(in, domain))
			continue;
		in->domains[in->domain_count++] = domain;
		rc = add_ca(store, a, domain, in, e);
	}
	return rc;
}

void
directory_introducers_done(struct directory_introducers *in)
{
	for (size_t i = 0; i < in->count; i++)
		pgp_cert_free(in->certs[i]);
	*in = (struct directory_introducers){ 0 };
}
