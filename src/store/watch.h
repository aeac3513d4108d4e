/* SPDX-License-Identifier: ISC */
/*
 * Tells sessions that a mailbox changed, for IDLE and NOOP. One watcher a
 * process keeps one changes_wait call open at the store (so it works over
 * every transport) and tells whoever watches the mailboxes in the answer,
 * after the change was committed. It says only that something changed;
 * store_changes() says what.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include <stdint.h>

#include "base/error.h"
#include "os/port.h"

struct store_watcher;
struct store_watch;

/*
 * Called on some thread; must not block, may be called once too often. Do not
 * call store_watch_end() from it: wake the session (conn_wake) and return.
 */
typedef void store_changed_fn(void *ctx);

int store_watcher_new(struct port *p, struct store_watcher **watcher_out, struct error *e);
/* After all watches ended and before port_close() of its port. NULL is permitted. */
void store_watcher_free(struct store_watcher *w);

/* mailbox 0: every mailbox of that account. */
int store_watch_begin(struct store_watcher *w, uint64_t account, uint64_t mailbox, store_changed_fn *changed, void *ctx,
    struct store_watch **watch_out, struct error *e);
/* After it returned, changed() does not run any more. NULL is permitted. */
void store_watch_end(struct store_watch *watch);

#endif
