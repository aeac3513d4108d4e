/* SPDX-License-Identifier: ISC */
/*
 * The data folder in use: its store, opened here or reached in the running
 * server, and its certificate.
 *
 *   DATA/store.db, DATA/bodies/    the store (store/engine.h)
 *   DATA/tls/certificate.pem       made when the configuration names none; key.pem beside it
 *   DATA/control.sock              while the server runs (daemon/process_control.h)
 *   DATA/ports.json                while the server runs: {"smtp": 25, ..., "pin": "64 hex digits"}
 */
#ifndef DAEMON_PLACE_H
#define DAEMON_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/config.h"
#include "net/tls.h"
#include "os/port.h"
#include "store/engine.h"

struct place {
	struct store *store; /* NULL: it is the running server's */
	struct port *port;   /* to the store */
	const struct config *config;
};

/* Makes the folder if need be and opens the store in this process, with the domains of the configuration in it. */
int place_open(const struct config *config, struct place *place_out, struct error *e);
/* Asks the running server when there is one; otherwise place_open(). */
int place_reach(const struct config *config, struct place *place_out, struct error *e);
/* True after the disk failed a sync: nothing is written any more, the process is to be started anew. */
bool place_failed(void);
/* Closes the port and the store. */
void place_close(struct place *p);

/* Whether place_tls() would find one and make none. */
bool place_has_tls(const struct config *config);
/* The configured certificate, or the one in the folder, which is made (at now, unix seconds) when it is not there. */
int place_tls(const struct config *config, uint64_t now, struct tls_server **tls_out, struct error *e);

/* ports[i]: the port that listens, 0 for none. */
int place_write_ports(const struct config *config, const uint16_t ports[CONFIG_PORT_COUNT],
    const uint8_t pin[TLS_PIN_SIZE], struct error *e);
void place_remove_ports(const struct config *config);

#endif
