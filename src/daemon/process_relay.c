/* SPDX-License-Identifier: ISC */
/* relay: sends on to other servers. It leases messages from mail, asks the resolver for names, and opens no file. */
#include <unistd.h>

#include "base/mem.h"
#include "daemon/process_behind.h"
#include "service/resolve.h"

struct relay_process {
	struct port *resolver;
	struct behind_peer names;
};

static int
relay_start(struct process *p, int fd, struct error *e)
{
	struct relay_process *r = p->self = mem_alloc(sizeof *r);
	int rc;

	(void)fd;
	if (r == NULL)
		return error_nomem(e);
	r->names.process = p;
	rc = port_open_waiting(&resolve_interface, &r->resolver, e);
	if (rc == 0)
		port_on_gone(r->resolver, behind_port_gone, &r->names);
	return rc;
}

static int
relay_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct relay_process *r = p->self;

	if (in->link == LINK_RELAY_RESOLVER) {
		r->names.number = in->peer;
		return port_attach(r->resolver, fd, e);
	}
	(void)close(fd);
	return 0;
}

static void
relay_stop(struct process *p)
{
	struct relay_process *r = p->self;

	port_close(r->resolver);
	mem_free(r);
}

const struct process_ops process_relay_ops = {
	.profile = SANDBOX_RELAY,
	.start = relay_start,
	.link = relay_link,
	.stop = relay_stop,
};
