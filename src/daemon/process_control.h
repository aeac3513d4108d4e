/* SPDX-License-Identifier: ISC */
/*
 * The control socket: a unix socket in the data folder, which only its owner
 * can reach. It carries those operations of the store that `letterlockd
 * account` needs, as the messages of os/port, and refuses all others.
 */
#ifndef DAEMON_PROCESS_CONTROL_H
#define DAEMON_PROCESS_CONTROL_H

#include "base/error.h"
#include "os/port.h"

struct control;

/* Serves data_folder/control.sock for the store behind service, with a thread of its own. */
int control_open(
    const char *data_folder, const struct port_service *service, struct control **control_out, struct error *e);
/* Ends it and removes the socket. NULL is permitted. */
void control_close(struct control *c);

/* ERR_NET: no server runs on this folder. */
int control_connect(const char *data_folder, struct port **port_out, struct error *e);

#endif
