/* SPDX-License-Identifier: ISC */
/*
 * What the process behind strangers' HTTP may put into the key directory. It
 * parses what anybody uploads, so mail does not take its word for whose a
 * certificate is. One that an account has stays that account's. Any other may
 * be put for nobody, for an account that has just signed in through that
 * process (a grant), or, when the operator's setting opens the directory, for
 * any.
 */
#ifndef SERVICE_DIRECTORY_GUARD_H
#define SERVICE_DIRECTORY_GUARD_H

#include "os/port.h"
#include "service/permit.h"

struct grants;

struct directory_guard {
	struct permit_service permitted;
	struct port *store;
	struct grants *grants;
	bool open;
	void (*put)(void *ctx, struct port_job *job); /* the store's own */
	void *store_ctx;
};

/* The store as web may use it: &guard->permitted.service. All are the caller's and must outlive what is served. */
void directory_guard_init(struct directory_guard *guard, const struct port_service *store_service, struct port *store,
    struct grants *grants, bool open);

#endif
