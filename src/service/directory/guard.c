/* SPDX-License-Identifier: ISC */
#include "service/directory/guard.h"

#include "os/clock.h"
#include "service/grants.h"
#include "store/store.h"

/* owner: whose the certificate of that name is; 0: nobody's, or there is none. */
static bool
may_put(const struct directory_guard *g, const struct port_job *job, uint64_t owner)
{
	uint64_t account = ((const struct store_certificate *)port_job_request(job))->account;

	if (owner != 0)
		return account == owner;
	return account == 0 || g->open || grants_recent(g->grants, port_job_tag(job), account, clock_ms());
}

static void
old_found(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;
	struct directory_guard *g = *port_job_slot(job);
	const struct store_certificates *found = reply;
	struct error denied;

	if (found == NULL) {
		port_fail(job, e);
	} else if (may_put(g, job, found->certificate_count > 0 ? found->certificates[0].account : 0)) {
		*port_job_slot(job) = NULL;
		g->put(g->store_ctx, job);
	} else {
		(void)error_set(&denied, ERR_DENIED, "that account has not signed in here, or another has this key");
		port_fail(job, &denied);
	}
}

static void
run_put(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;
	const struct store_certificate *put = port_job_request(job);
	const struct store_certificate_find by_name = {
		.by = STORE_BY_NAME, .value = put->fingerprint, .limit = 1, .without_data = true
	};
	struct error e;

	*port_job_slot(job) = g;
	if (store_certificate_find_submit(g->store, &by_name, old_found, job, &e) != 0)
		port_fail(job, &e);
}

/* All other permitted calls are the store's own. */
static void
run_other(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;

	g->put(g->store_ctx, job);
}

void
directory_guard_init(struct directory_guard *guard, const struct port_service *store_service, struct port *store,
    struct grants *grants, bool open)
{
	guard->store = store;
	guard->grants = grants;
	guard->open = open;
	guard->store_ctx = store_service->ctx;
	permit_only(&guard->permitted, store_service, PROCESS_WEB, PROCESS_MAIL);
	/* The store carries all calls out by one function. */
	for (size_t i = 0; i < guard->permitted.service.handler_count; i++) {
		guard->put = guard->permitted.handlers[i].run;
		guard->permitted.handlers[i].run =
		    guard->permitted.handlers[i].number == STORE_METHOD_certificate_put ? run_put : run_other;
	}
	guard->permitted.service.ctx = guard;
	guard->permitted.service.peer_gone = NULL; /* web has nothing staged and waits for no changes */
}
