/* SPDX-License-Identifier: ISC */
/* What mail, mx and web have in common: sessions of clients that are connected to front. */
#ifndef DAEMON_PROCESS_BEHIND_H
#define DAEMON_PROCESS_BEHIND_H

#include "daemon/process.h"
#include "net/server.h"
#include "service/service.h"

#define PROCESS_STOP_WAIT_MS 3000 /* connections may finish what they say */

struct behind {
	struct process *process;
	struct server *server;
	struct service *service;
	bool stopped;
	/* Told when a front is gone; may be NULL. */
	void (*front_gone)(void *ctx, uint64_t front);
	void *ctx;
};

struct service_settings behind_settings(const struct process_setup *s);
/* With b->process set: the service and its loops. */
int behind_start(struct behind *b, const struct service_ports *ports, struct error *e);
/* The far end of a trunk; takes fd. */
int behind_link(struct behind *b, uint64_t front, int fd, struct error *e);
/* Sessions end; then the service may be freed. */
void behind_stop(struct behind *b);
void behind_free(struct behind *b);

/* For port_on_gone(): who is blamed when what the other end sends is no answer. */
struct behind_peer {
	struct process *process;
	uint64_t number;
};
void behind_port_gone(void *ctx, bool broken);
/* For port_server_on_broken(); ctx is the process. */
void behind_asker_broken(void *ctx, uint64_t tag);

#endif
