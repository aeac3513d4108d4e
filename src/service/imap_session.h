/* SPDX-License-Identifier: ISC */
/*
 * IMAP connections (RFC 3501): drives the machines of imap/login.h and
 * imap/server.h and carries their commands out on the store. For a listener
 * with role SERVICE_IMAP:
 *
 *   { .ops = &imap_session_ops, .open = imap_session_open, .ctx = &listener, .refusal = imap_session_refusal }
 *
 * A command is an object with a step function (service/imap_task.h) that runs
 * on the service's worker pool; what it has written goes out from the loop
 * thread. Everything about mail comes through the store's port, passwords are
 * checked through service/ask.h; after authentication everything that belonged
 * to the stranger is freed and a new object is made from the hand-over.
 */
#ifndef SERVICE_IMAP_SESSION_H
#define SERVICE_IMAP_SESSION_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops imap_session_ops;

/* ctx: a struct service_listener. ERR_NOMEM. */
int imap_session_open(void *ctx, struct conn *c, void **session_out, struct error *e);

/* Said to whom there is no room for: "* BYE ...\r\n". */
extern const struct slice imap_session_refusal;

#endif
