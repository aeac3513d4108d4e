/* SPDX-License-Identifier: ISC */
/* mx: strangers' mail. It asks mail "is this address ours" and "keep this", and can do nothing else. */
#include "base/mem.h"
#include "daemon/process_behind.h"
#include "service/ask.h"

struct mx {
	struct behind behind;
	struct port *ask;
	struct behind_peer mail;
};

static int
mx_start(struct process *p, int fd, struct error *e)
{
	struct mx *mx = p->self = mem_alloc(sizeof *mx);
	int rc;

	(void)fd;
	if (mx == NULL)
		return error_nomem(e);
	mx->behind.process = mx->mail.process = p;
	rc = port_open_waiting(&ask_interface, &mx->ask, e);
	if (rc != 0)
		return rc;
	port_on_gone(mx->ask, behind_port_gone, &mx->mail);
	return behind_start(&mx->behind, &(struct service_ports){ .ask = mx->ask }, e);
}

static int
mx_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct mx *mx = p->self;

	if (in->link == LINK_FRONT_MX)
		return behind_link(&mx->behind, in->peer, fd, e);
	mx->mail.number = in->peer;
	return port_attach(mx->ask, fd, e);
}

static void
mx_stop(struct process *p)
{
	struct mx *mx = p->self;

	behind_stop(&mx->behind);
	port_close(mx->ask); /* before what its answers are for */
	behind_free(&mx->behind);
	mem_free(mx);
}

const struct process_ops process_mx_ops = {
	.profile = SANDBOX_WORKER,
	.start = mx_start,
	.link = mx_link,
	.stop = mx_stop,
};
