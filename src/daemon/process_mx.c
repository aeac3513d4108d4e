/* SPDX-License-Identifier: ISC */
/* mx: strangers' mail. It asks mail "is this address ours" and "keep this", the resolver for names, and can do nothing else. */
#include "base/mem.h"
#include "daemon/process_behind.h"
#include "service/ask.h"
#include "service/milter/filter.h"
#include "service/resolve.h"

struct mx {
	struct behind behind;
	struct port *ask, *resolver, *filter; /* filter NULL: there is no milter */
	struct behind_peer mail, names, milter;
};

static int
mx_start(struct process *p, int fd, struct error *e)
{
	struct mx *mx = p->self = mem_alloc(sizeof *mx);
	int rc;

	(void)fd;
	if (mx == NULL)
		return error_nomem(e);
	mx->behind.process = mx->mail.process = mx->names.process = mx->milter.process = p;
	rc = port_open_waiting(&ask_interface, &mx->ask, e);
	if (rc == 0)
		rc = port_open_waiting(&resolve_interface, &mx->resolver, e);
	if (rc == 0 && p->setup.milter.len > 0)
		rc = port_open_waiting(&filter_interface, &mx->filter, e);
	if (rc != 0)
		return rc;
	port_on_gone(mx->ask, behind_port_gone, &mx->mail);
	port_on_gone(mx->resolver, behind_port_gone, &mx->names);
	if (mx->filter != NULL)
		port_on_gone(mx->filter, behind_port_gone, &mx->milter);
	return behind_start(
	    &mx->behind, &(struct service_ports){ .ask = mx->ask, .resolver = mx->resolver, .filter = mx->filter }, e);
}

static int
mx_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct mx *mx = p->self;

	if (in->link == LINK_FRONT_MX)
		return behind_link(&mx->behind, in->peer, fd, e);
	if (in->link == LINK_MX_RESOLVER) {
		mx->names.number = in->peer;
		return port_attach(mx->resolver, fd, e);
	}
	if (in->link == LINK_MX_FILTER) {
		mx->milter.number = in->peer;
		return port_attach(mx->filter, fd, e);
	}
	mx->mail.number = in->peer;
	return port_attach(mx->ask, fd, e);
}

static void
mx_stop(struct process *p)
{
	struct mx *mx = p->self;

	behind_stop(&mx->behind);
	port_close(mx->ask); /* before what its answers are for */
	port_close(mx->resolver);
	port_close(mx->filter);
	behind_free(&mx->behind);
	mem_free(mx);
}

const struct process_ops process_mx_ops = {
	.profile = SANDBOX_WORKER,
	.start = mx_start,
	.link = mx_link,
	.stop = mx_stop,
};
