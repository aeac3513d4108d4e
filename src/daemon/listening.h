/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets of the exchange: bound by the parent, or given by the
 * service manager, and handed to every front.
 */
#ifndef DAEMON_LISTENING_H
#define DAEMON_LISTENING_H

#include "base/error.h"
#include "daemon/config.h"

#define LISTENING_MAX ((size_t)CONFIG_PORT_COUNT * CONFIG_LIST_MAX)

struct listening {
	struct listening_socket {
		enum config_port port;
		int fd;
	} sockets[LISTENING_MAX];
	size_t count;
	uint16_t ports[CONFIG_PORT_COUNT]; /* what listens, 0 for none */
};

/*
 * A port for which the service manager gave sockets uses those, and nothing
 * else; their names are config_port_names. Others are bound on every address
 * of the configuration; port 0 is chosen once and used on the other addresses
 * too. An address family that this machine lacks is passed over as long as
 * another address works. Before the first thread. ERR_NET, ERR_USAGE.
 */
int listening_open(const struct config *config, struct listening *out, struct error *e);
void listening_close(struct listening *l);

#endif
