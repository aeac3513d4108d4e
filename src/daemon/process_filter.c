/* SPDX-License-Identifier: ISC */
/* filter: talks to the operator's milter about strangers' mail. It opens no file; mx asks it. */
#include <unistd.h>

#include "base/mem.h"
#include "daemon/process_behind.h"
#include "service/milter/filter.h"

struct filter_process {
	struct filter *filter;
	struct permit_service mx;
	struct port_server *server;
};

static int
filter_process_start(struct process *p, int fd, struct error *e)
{
	struct filter_process *f = p->self = mem_alloc(sizeof *f);
	struct filter_place place;
	int rc;

	if (fd >= 0) /* authorities: a milter is not met by TLS */
		(void)close(fd);
	if (f == NULL)
		return error_nomem(e);
	if (!filter_place_parse(p->setup.milter, &place))
		return error_set(e, ERR_USAGE, "there is no such place of a milter");
	rc = filter_new(&place, &f->filter, e);
	if (rc != 0)
		return rc;
	permit_only(&f->mx, filter_service(f->filter), PROCESS_MX, PROCESS_FILTER);
	rc = port_server_new(filter_service(f->filter), &f->server, e);
	if (rc != 0)
		return rc;
	port_server_on_broken(f->server, behind_asker_broken, p);
	return filter_start(f->filter, e);
}

static int
filter_process_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct filter_process *f = p->self;

	return port_server_add(f->server, fd, &f->mx.service, in->peer, e);
}

static void
filter_process_stop(struct process *p)
{
	struct filter_process *f = p->self;

	port_server_free(f->server);
	filter_free(f->filter);
	mem_free(f);
}

const struct process_ops process_filter_ops = {
	.profile = SANDBOX_FILTER,
	.start = filter_process_start,
	.link = filter_process_link,
	.stop = filter_process_stop,
};
