/* SPDX-License-Identifier: ISC */
/*
 * What the process behind strangers' HTTP may put into the key directory. It
 * parses what anybody uploads, so mail does not take its word for whose a
 * certificate is. It may put any for nobody: then its new user IDs are held.
 * For an account only that has just signed in through that process (a grant);
 * which addresses are that account's the store knows. That the first user ID
 * of an address is published without that, only when the operator's setting
 * opens the directory.
 */
#ifndef SERVICE_DIRECTORY_GUARD_H
#define SERVICE_DIRECTORY_GUARD_H

#include "os/port.h"
#include "service/permit.h"

struct grants;

struct directory_guard {
	struct permit_service permitted;
	struct grants *grants;
	bool open;
	void (*put)(void *ctx, struct port_job *job); /* the store's own */
	void *store_ctx;
};

/* The store as web may use it: &guard->permitted.service. All are the caller's and must outlive what is served. */
void directory_guard_init(
    struct directory_guard *guard, const struct port_service *store_service, struct grants *grants, bool open);

#endif
