/* SPDX-License-Identifier: ISC */
/* The signals that the parent takes: SIGTERM and SIGINT end it, SIGHUP reads the configuration again. */
#ifndef DAEMON_PROCESS_SIGNALS_H
#define DAEMON_PROCESS_SIGNALS_H

#include "base/error.h"

/* From now on they arrive at a descriptor that can be waited for. Before any thread: they inherit the mask. ERR_IO. */
int signals_open(int *fd_out, struct error *e);
/* The number of the next one, or 0. */
int signals_next(int fd);

#endif
