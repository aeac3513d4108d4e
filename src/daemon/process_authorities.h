/* SPDX-License-Identifier: ISC */
/*
 * The certificates of the authorities that other servers' certificates may come
 * from. Those processes that connect open no file, and are shut in an empty
 * root before they read anything: the parent opens it, and hands them the descriptor.
 */
#ifndef DAEMON_PROCESS_AUTHORITIES_H
#define DAEMON_PROCESS_AUTHORITIES_H

#include "base/buf.h"
#include "daemon/config.h"

#define AUTHORITIES_MAX (4u << 20) /* octets of PEM; Debian's have 220 KiB */

/* A descriptor, or -1: none are set, or it cannot be opened, which is logged. */
int authorities_open(const struct config *config);
/* Appends what there is of it; fd -1: nothing. It stays the caller's. Of a process: its name is in what is logged. */
void authorities_read(int fd, struct buf *out);

#endif
