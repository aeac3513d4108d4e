/* SPDX-License-Identifier: ISC */
/*
 * A web server that the resolver is to speak to: its addresses are looked up on
 * the DNS loop's thread, and what speaks to it waits on a thread of the pool.
 * libcurl is given the addresses: it looks no name up.
 */
#ifndef SERVICE_RESOLVE_WEB_H
#define SERVICE_RESOLVE_WEB_H

#include "service/resolve_internal.h"

#define RESOLVE_WEB_ADDRESSES_MAX 8u

struct resolve_web {
	/* Set before: */
	struct resolver_end *end;
	struct arena *arena;
	struct slice host;
	void (*work)(void *ctx);                          /* on the pool's thread; then it is over */
	void (*failed)(void *ctx, const struct error *e); /* instead: on the loop's thread, or the caller's */
	void *ctx;
	/* Its own: */
	unsigned pending;
	struct slice addresses[RESOLVE_WEB_ADDRESSES_MAX];
	size_t address_count;
};

/* Looks up and goes on to work, or failed. */
void resolve_web_begin(struct resolve_web *w);
/* "HOST:443:ADDRESS,ADDRESS" for struct fetch_request, in the arena; NULL: no memory. */
const char *resolve_web_text(const struct resolve_web *w);

#endif
