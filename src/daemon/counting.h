/* SPDX-License-Identifier: ISC */
/*
 * The parent's part of os/metrics.h: it makes a page for each child, hands the
 * pages out, and counts itself what no child can see: when each process was
 * started and how much memory it has, the disk, and the certificate's end.
 */
#ifndef DAEMON_COUNTING_H
#define DAEMON_COUNTING_H

#include "daemon/process_parent.h"

#define COUNTING_BACKUP "last-backup" /* in the data folder: written by `letterlockd backup` at its end */

typedef void counting_tell_fn(struct child *c, enum process_message type, const void *message, int fd);

/* For all children of the table; with threads in place of processes all count in one page. ERR_IO. */
int counting_open(struct parent *p, struct error *e);
void counting_close(struct parent *p);
/* Behind its setup: its own page, and if it shows numbers, everybody's. */
void counting_tell(struct parent *p, struct child *c, counting_tell_fn *tell);
void counting_started(const struct parent *p, const struct child *c);
void counting_ended(const struct parent *p, struct child *c);
/* What changes by itself: memory, disk. */
void counting_look(const struct parent *p);
/* The configuration was read, and taken or not; the certificate (PEM) is this. */
void counting_configured(bool taken, struct slice certificate);

#endif
