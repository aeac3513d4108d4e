/* SPDX-License-Identifier: ISC */
/*
 * SMTP connections (RFC 5321, submission RFC 6409, LMTP RFC 2033): drives the server machine
 * of smtp/server.h, answers its questions through service/ask.h, and keeps
 * what was received. What of submission comes before authentication is in
 * another process (service/front/smtp.c).
 */
#ifndef SERVICE_SMTP_SESSION_H
#define SERVICE_SMTP_SESSION_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops smtp_session_ops;

/* A stranger's, from its greeting on: SERVICE_MX; or that of the mail server in front of us: SERVICE_LMTP. ERR_NOMEM. */
int
smtp_session_open(struct service *service, struct conn *c, enum service_role role, void **session_out, struct error *e);
/* Somebody's who has signed in: SERVICE_SUBMISSION. in: hello, esmtp, pending. ERR_NOMEM, ERR_LIMIT. */
int smtp_session_open_account(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e);

#endif
