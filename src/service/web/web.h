/* SPDX-License-Identifier: ISC */
/*
 * HTTP sessions: which part answers is decided by the listener, the Host field
 * and the path, in one table (web.c). The parts are the key directory
 * (directory.h) and the settings for mail clients (autoconfig_call.h).
 *
 *                                    over TLS   port hkp   port http
 *   key directory, its front page      x          x
 *   Web Key Directory                  x
 *   config-v1.1.xml, Autodiscover's
 *   address, page of settings          x                     x (config-v1.1.xml only)
 *
 * Over port http, GET and HEAD of anything else go to the same place over TLS,
 * when the name is one of ours. Its sessions are made by service_open() for
 * SERVICE_DIRECTORY and SERVICE_HTTP.
 */
#ifndef SERVICE_WEB_WEB_H
#define SERVICE_WEB_WEB_H

#include "net/conn.h"
#include "service/service.h"

extern const struct conn_ops web_session_ops;

/* role: SERVICE_DIRECTORY or SERVICE_HTTP. ERR_NOMEM. */
int web_session_open(struct service *service, struct conn *c, uint32_t role, void **session_out, struct error *e);

#endif
