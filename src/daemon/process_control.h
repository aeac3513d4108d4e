/* SPDX-License-Identifier: ISC */
/*
 * The control socket: a unix socket in the data folder, which only its owner
 * can reach. It carries those operations of the store that `letterlockd
 * account` and the like need, and the status (service/status/status.h), as the
 * messages of os/port, and refuses all others.
 */
#ifndef DAEMON_PROCESS_CONTROL_H
#define DAEMON_PROCESS_CONTROL_H

#include "base/error.h"
#include "os/port.h"

struct control;

/*
 * Binds data_folder/control.sock, which only this user can reach; one that a
 * killed server left is replaced. ERR_ORDER: a server runs on this folder; ERR_IO.
 */
int control_listen(const char *data_folder, int *fd_out, struct error *e);
/* Serves it for the store behind service, with a thread of its own. Takes fd, also on failure. */
int control_open(
    int fd, const char *data_folder, const struct port_service *service, struct control **control_out, struct error *e);
/* Ends it and removes the socket. NULL is permitted. */
void control_close(struct control *c);

/* ERR_NET: no server runs on this folder. */
int control_connect(const char *data_folder, struct port **port_out, struct error *e);
/* The same for service/status/status.h. */
int control_connect_status(const char *data_folder, struct port **port_out, struct error *e);

#endif
