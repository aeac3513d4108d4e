/* SPDX-License-Identifier: ISC */
#include "service/directory/guard.h"

#include "os/clock.h"
#include "service/grants.h"
#include "store/store.h"

/* The store itself sees to it that an account publishes nothing but its own addresses. */
static bool
may_put(const struct directory_guard *g, const struct port_job *job)
{
	const struct store_certificate *put = port_job_request(job);

	if (put->publish_free && !g->open)
		return false;
	return put->account == 0 || grants_recent(g->grants, port_job_tag(job), put->account, clock_ms());
}

static void
run_put(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;
	struct error denied;

	if (may_put(g, job)) {
		g->put(g->store_ctx, job);
		return;
	}
	(void)error_set(&denied, ERR_DENIED, "that account has not signed in here");
	port_fail(job, &denied);
}

/* Of web only who has just signed in publishes or takes back, and only addresses of his own: the store looks. */
static void
run_publish(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;
	const struct store_certificate_publish *in = port_job_request(job);
	struct error denied;

	if (in->account != 0 && (in->how == 0 || in->how == STORE_HOW_ACCOUNT) &&
	    grants_recent(g->grants, port_job_tag(job), in->account, clock_ms())) {
		g->put(g->store_ctx, job);
		return;
	}
	(void)error_set(&denied, ERR_DENIED, "that account has not signed in here");
	port_fail(job, &denied);
}

/* All other permitted calls are the store's own. */
static void
run_other(void *ctx, struct port_job *job)
{
	struct directory_guard *g = ctx;

	g->put(g->store_ctx, job);
}

static void (*runner_of(uint16_t method))(void *, struct port_job *)
{
	switch (method) {
	case STORE_METHOD_certificate_put:
		return run_put;
	case STORE_METHOD_certificate_publish:
	case STORE_METHOD_certificate_unpublish:
		return run_publish;
	default:
		return run_other;
	}
}

void
directory_guard_init(
    struct directory_guard *guard, const struct port_service *store_service, struct grants *grants, bool open)
{
	guard->grants = grants;
	guard->open = open;
	guard->store_ctx = store_service->ctx;
	permit_only(&guard->permitted, store_service, PROCESS_WEB, PROCESS_MAIL);
	/* The store carries all calls out by one function. */
	for (size_t i = 0; i < guard->permitted.service.handler_count; i++) {
		guard->put = guard->permitted.handlers[i].run;
		guard->permitted.handlers[i].run = runner_of(guard->permitted.handlers[i].number);
	}
	guard->permitted.service.ctx = guard;
	guard->permitted.service.peer_gone = NULL; /* web has nothing staged and waits for no changes */
}
