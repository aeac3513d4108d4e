/* SPDX-License-Identifier: ISC */
/*
 * IMAP connections behind authentication (RFC 3501): drives the machine of
 * imap/server.h and carries its commands out on the store. The machine before
 * it, imap/login.h, is in another process (service/front/imap.c).
 *
 * A command is an object with a step function (service/imap/task.h) that runs
 * on the service's worker pool; what it has written goes out from the loop
 * thread. Everything about mail comes through the store's port.
 */
#ifndef SERVICE_IMAP_SESSION_H
#define SERVICE_IMAP_SESSION_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops imap_session_ops;

/* in: the tag of the command that signed in, which is answered OK, and what is still to be said before. ERR_NOMEM. */
int imap_session_open(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e);

#endif
