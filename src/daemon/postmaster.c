/* SPDX-License-Identifier: ISC */
#include "daemon/postmaster.h"

#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

#define ARGS(s) (int)(s).len, (const char *)(s).data

/* Where mail to this address goes, by the configuration's rules. */
int
postmaster_resolve(struct port *store, const struct config *config, struct slice address, struct arena *a,
    struct store_address_resolved *out, struct error *e)
{
	const struct store_address_resolve in = {
		.address = address, .separator = config_separator(config), .postmaster = slice_str(config->postmaster)
	};

	return store_address_resolve(store, &in, a, out, e);
}

static struct slice
postmaster_of(struct arena *a, struct slice domain)
{
	return arena_printf(a, "postmaster@%.*s", ARGS(domain));
}

static int
check_domain(struct check *c, struct port *store, struct slice domain, struct error *e)
{
	struct check_line line = { .what = "postmaster", .name = domain };
	struct store_address_resolved found;
	struct store_account account;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = postmaster_resolve(store, c->config, postmaster_of(&a, domain), &a, &found, e);
	if (rc == 0 && found.resolution == STORE_RESOLVED)
		rc = store_account_get(
		    store, &(struct store_account_get){ .account = found.accounts[0] }, &a, &account, e);
	if (rc != 0)
		return rc;
	if (found.resolution == STORE_ELSEWHERE) {
		line.result = CHECK_ADVICE;
		line.why = "The domain counts from the next start or reload on";
	} else if (found.resolution != STORE_RESOLVED) {
		line.result = CHECK_MISSING;
		line.why = "Nobody reads mail to postmaster and abuse";
	} else if (found.account_count > 1) {
		line.found = arena_printf(&a, "%zu accounts", found.account_count);
	} else if (account.address_count > 0) {
		line.found = account.addresses[0];
	}
	check_say(c, &line);
	return 0;
}

/* Whether the setting is somebody's. */
static int
check_setting(struct check *c, struct port *store, struct error *e)
{
	const struct check_line line = { .result = CHECK_DIFFERENT,
		.what = "postmaster",
		.found = slice_str(c->config->postmaster),
		.why = "The setting 'postmaster' is nobody's address here" };
	struct store_address_resolved found;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	if (c->config->postmaster == NULL)
		return 0;
	arena_init(&a, REPLY_BUDGET);
	rc = postmaster_resolve(store, c->config, slice_str(c->config->postmaster), &a, &found, e);
	if (rc == 0 && found.resolution != STORE_RESOLVED && found.resolution != STORE_NOT_FOR)
		check_say(c, &line);
	return rc;
}

int
postmaster_check(struct check *c, struct port *store, const struct slice *domains, size_t count, struct error *e)
{
	int rc = check_setting(c, store, e);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = check_domain(c, store, domains[i], e);
	return rc;
}

/* Whether it is the first of several. */
static int
is_first(struct port *store, uint64_t account, bool *out, struct error *e)
{
	struct store_account_rows rows;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_account_list(store, &(struct store_account_list){ .limit = 1 }, &a, &rows, e);
	*out = rc == 0 && rows.more && rows.row_count == 1 && rows.rows[0].account == account;
	return rc;
}

int
postmaster_may_go(struct port *store, const struct config *config, uint64_t account, struct error *e)
{
	const struct store_nothing none = { 0 };
	struct store_domains domains;
	struct store_address_resolved found;
	struct store_address_found own;
	ARENA_OWNED struct arena a = { 0 };
	bool first = false;
	int rc = is_first(store, account, &first, e);

	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = store_domain_list(store, &none, &a, &domains, e);
	for (size_t i = 0; rc == 0 && first && i < domains.domain_count; i++) {
		struct slice address = postmaster_of(&a, domains.domains[i]);

		rc = postmaster_resolve(store, config, address, &a, &found, e);
		if (rc == 0)
			rc = store_address_find(store, &(struct store_address_find){ address }, &a, &own, e);
		if (rc == 0 && own.account == 0 && found.account_count == 1 && found.accounts[0] == account)
			rc = error_set(e, ERR_ORDER,
			    "it reads mail to %.*s: say first who does, with 'postmaster' in the configuration or "
			    "letterlockd alias add",
			    ARGS(address));
	}
	return rc;
}
