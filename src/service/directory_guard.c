/* SPDX-License-Identifier: ISC */
#include "service/directory_guard.h"

#include "os/clock.h"
#include "service/grants.h"
#include "store/store.h"

static void
old_found(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;
	struct directory_guard *g = *port_job_slot(job);
	const struct store_certificate *put = port_job_request(job);
	const struct store_certificates *found = reply;
	bool owner = false;
	struct error denied;

	for (size_t i = 0; found != NULL && i < found->certificate_count; i++)
		owner = owner ||
		    (found->certificates[i].account == put->account &&
			slice_eq(found->certificates[i].fingerprint, put->fingerprint));
	if (owner) {
		*port_job_slot(job) = NULL;
		g->put(g->store_ctx, job);
	} else if (found == NULL) {
		port_fail(job, e);
	} else {
		(void)error_set(&denied, ERR_DENIED, "that account has not signed in here");
		port_fail(job, &denied);
	}
}

static void
run_put(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;
	const struct store_certificate *put = port_job_request(job);
	const struct store_certificate_find by_fingerprint = {
		.by = STORE_BY_FINGERPRINT, .value = put->fingerprint, .limit = 2, .without_data = true
	};
	struct error e;

	if (put->account == 0 || g->open || grants_recent(g->grants, port_job_tag(job), put->account, clock_ms())) {
		g->put(g->store_ctx, job);
		return;
	}
	*port_job_slot(job) = g;
	if (store_certificate_find_submit(g->store, &by_fingerprint, old_found, job, &e) != 0)
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
