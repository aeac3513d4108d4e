/* SPDX-License-Identifier: ISC */
/* What the trunks know of the server whose loops they use. */
#ifndef NET_SERVER_INTERNAL_H
#define NET_SERVER_INTERNAL_H

#include "net/conn_internal.h"

/* A far end in the server's list. free: the loops have ended. */
struct server_trunk {
	struct server *server;
	struct server_trunk *next, **back;
	void (*free)(struct server_trunk *link);
};

/* Any thread: the loops in turn; the first. */
struct conn_thread *server_next_thread(struct server *s);
struct conn_thread *server_first_thread(struct server *s);
void server_trunk_link(struct server *s, struct server_trunk *link);
void server_trunk_unlink(struct server_trunk *link);

#endif
