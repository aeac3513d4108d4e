/* SPDX-License-Identifier: ISC */
/* resolver: speaks DNS. It is told whom to ask and what to trust, and opens no file; mx asks it to look names up. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/process_behind.h"
#include "daemon/relaying.h"
#include "os/file.h"
#include "os/log.h"
#include "service/resolve.h"

struct resolver {
	struct dns *dns;
	struct resolver_end *end;
	struct port_service service;
	struct permit_service mx, relay;
	struct port_server *server;
};

/* Without them no policy is fetched, which is said; the rest goes on. */
static void
read_authorities(const struct process *p, struct buf *out)
{
	char path[PATH_MAX];
	struct error e;

	if (p->setup.authorities.len == 0 || p->setup.authorities.len >= sizeof path)
		return;
	memcpy(path, p->setup.authorities.data, p->setup.authorities.len);
	path[p->setup.authorities.len] = '\0';
	if (file_read(path, out, &e) != 0) {
		buf_clear(out);
		log_event(LOG_LEVEL_WARNING, "resolver.no_authorities", log_error(&e),
		    log_str("do", "install ca-certificates, or set authorities: no MTA-STS policy can be fetched"));
	}
}

static int
resolver_prepare(struct process *p, struct error *e)
{
	const struct dns_config config = {
		.servers = p->setup.resolvers, .server_count = p->setup.resolver_count, .anchors = p->setup.anchors
	};
	struct resolver *r = p->self = mem_alloc(sizeof *r);
	struct buf authorities BUF_OWNED = { .max = RELAYING_AUTHORITIES_MAX };
	int rc;

	if (r == NULL)
		return error_nomem(e);
	read_authorities(p, &authorities);
	rc = dns_new(&config, &r->dns, e);
	return rc == 0 ? resolver_end_new(r->dns, buf_slice(&authorities), &r->end, e) : rc;
}

static int
resolver_start(struct process *p, int fd, struct error *e)
{
	struct resolver *r = p->self;
	int rc;

	(void)fd;
	r->service = resolve_service(r->end);
	permit_only(&r->mx, &r->service, PROCESS_MX, PROCESS_RESOLVER);
	permit_only(&r->relay, &r->service, PROCESS_RELAY, PROCESS_RESOLVER);
	rc = port_server_new(&r->service, &r->server, e);
	if (rc != 0)
		return rc;
	port_server_on_broken(r->server, behind_asker_broken, p);
	rc = dns_start(r->dns, e);
	return rc == 0 ? resolver_end_start(r->end, e) : rc;
}

static int
resolver_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct resolver *r = p->self;

	struct permit_service *who = in->link == LINK_RELAY_RESOLVER ? &r->relay : &r->mx;

	return port_server_add(r->server, fd, &who->service, in->peer, e);
}

static void
resolver_stop(struct process *p)
{
	struct resolver *r = p->self;

	port_server_free(r->server);
	dns_free(r->dns);
	resolver_end_free(r->end);
	mem_free(r);
}

const struct process_ops process_resolver_ops = {
	.profile = SANDBOX_RESOLVER,
	.prepare = resolver_prepare,
	.start = resolver_start,
	.link = resolver_link,
	.stop = resolver_stop,
};
