/* SPDX-License-Identifier: ISC */
/*
 * SMTP connections (RFC 5321, submission RFC 6409): drives the server machine
 * of smtp/server.h, answers its questions through service/ask.h, and keeps
 * what was received. For a listener with role SERVICE_MX or SERVICE_SUBMISSION:
 *
 *   { .ops = &smtp_session_ops, .open = smtp_session_open, .ctx = &listener, .refusal = smtp_session_refusal }
 */
#ifndef SERVICE_SMTP_SESSION_H
#define SERVICE_SMTP_SESSION_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops smtp_session_ops;

/* ctx: a struct service_listener. ERR_NOMEM. */
int smtp_session_open(void *ctx, struct conn *c, void **session_out, struct error *e);

/* Said to who there is no room for: "421 ...\r\n". */
extern const struct slice smtp_session_refusal;

#endif
