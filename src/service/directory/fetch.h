/* SPDX-License-Identifier: ISC */
/*
 * Look-ups on their way to the store. Those of one turn of a loop, and those
 * that come while others are under way, go together in one message: under load
 * one message, one thread woken and one snapshot serve as many look-ups as
 * there are clients, and without load none waits. Two messages are under way
 * at most, so that the store works while this process writes answers.
 */
#ifndef SERVICE_DIRECTORY_FETCH_H
#define SERVICE_DIRECTORY_FETCH_H

#include "base/error.h"
#include "store/types.h"

struct directory_fetch;
struct port;
struct web_call;

/* The port stays the caller's. ERR_NOMEM. */
int directory_fetch_new(struct port *store, struct directory_fetch **fetch_out, struct error *e);
void directory_fetch_free(struct directory_fetch *f); /* no look-up is under way any more. NULL is permitted */

/*
 * then: what is seen lives until it returns. On a thread of the port or of a loop; it must not block, and
 * has the last word about the call (service/web/call.h), or goes on with it later. When the store cannot be asked, the
 * call is finished without it. look's value must live as long as the call: in its arena.
 */
void directory_fetch(struct web_call *call, const struct store_certificate_look *look,
    void (*then)(struct web_call *call, const struct store_certificate_seen *seen));

#endif
