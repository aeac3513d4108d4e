/* SPDX-License-Identifier: ISC */
/*
 * The service manager: sockets that it opened for us (socket activation), and
 * what it is told about our state (sd_notify). Without systemd there are no
 * sockets and nobody is told, and nothing else is different.
 *
 * A socket has the name that FileDescriptorName= of its unit gives it; several
 * may have the same. The protocol is sd_listen_fds(3), sd_notify(3).
 */
#ifndef OS_SYSTEMD_H
#define OS_SYSTEMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SYSTEMD_NAME_MAX 256u /* octets, NUL included: FileDescriptorName= has at most 255 */
#define SYSTEMD_SOCKETS_MAX 64u
#define SYSTEMD_STATUS_MAX 256u /* octets of a status text; longer ones are cut */

struct systemd_socket {
	int fd; /* listening; not blocking, closed on exec */
	char name[SYSTEMD_NAME_MAX];
	uint16_t port; /* the local port, 0 for a unix socket */
};

/*
 * The sockets given to this process, at most SYSTEMD_SOCKETS_MAX; the caller
 * owns them. Only the first call sees them: the environment is cleared, so
 * that no child takes them for its own. Before the first thread. ERR_USAGE for
 * a descriptor that is no listening stream socket, ERR_LIMIT for too many,
 * ERR_IO; then all are closed.
 */
int systemd_sockets(struct systemd_socket out[SYSTEMD_SOCKETS_MAX], size_t *count_out, struct error *e);

/* Ready to serve (Type=notify waits for it); also the end of reloading. status: one line for `systemctl status`. */
void systemd_ready(const char *status);
/* The settings are being read again; systemd_ready() follows. */
void systemd_reloading(void);
void systemd_stopping(void);
/* All is well: for WatchdogSec=, when it is set for this process. */
void systemd_alive(void);
void systemd_status(const char *status);

#endif
