/* SPDX-License-Identifier: ISC */
/*
 * The numbers of os/metrics.h for who runs the exchange: as Prometheus's text
 * format 0.0.4 on the port of SERVICE_METRICS, and one by one for
 * `letterlockd status`.
 *
 *   GET /metrics
 *
 * Nothing is asked of anybody for it: the pages of all processes are mapped
 * here. An answer has at most METRICS_TEXT_MAX octets, whatever is in them.
 */
#ifndef SERVICE_STATUS_METRICS_H
#define SERVICE_STATUS_METRICS_H

#include "base/buf.h"
#include "net/conn.h"
#include "service/service.h"

#define METRICS_TEXT_MAX (256u << 10)
#define METRICS_NAME_MAX 160u /* octets of one number's name with its labels, NUL included */
#define METRICS_PREFIX "letterlock_"

extern const struct conn_ops metrics_session_ops;

/* ERR_NOMEM. */
int metrics_session_open(struct service *service, struct conn *c, void **session_out, struct error *e);

/* All of it, appended. ERR_LIMIT, ERR_NOMEM. */
int metrics_write(struct buf *out);
/* Each number with its name and labels, as in the text: "letterlock_connections{protocol=\"imap\"}". */
void metrics_each(void (*each)(void *ctx, const char *name, double value), void *ctx);

#endif
