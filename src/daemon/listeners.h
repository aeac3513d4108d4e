/* SPDX-License-Identifier: ISC */
/*
 * The ports of the exchange: which session speaks on which, with TLS from the
 * first octet or not.
 */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "base/error.h"
#include "daemon/config.h"
#include "net/server.h"
#include "service/service.h"

/*
 * Listens on every address for every port that is not off; port 0 is chosen
 * once and used on the other addresses too. ports_out: what listens, 0 for
 * none. An address family that this machine lacks is passed over as long as
 * another address works.
 */
int listeners_open(struct server *server, const struct config *config, struct service *service, struct tls_server *tls,
    uint16_t ports_out[CONFIG_PORT_COUNT], struct error *e);

#endif
