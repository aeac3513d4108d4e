/* SPDX-License-Identifier: ISC */
/* resolver: speaks DNS. It is told whom to ask and what to trust, and opens no file; mx asks it to look names up. */
#include <unistd.h>

#include "base/mem.h"
#include "daemon/own_tlsa.h"
#include "daemon/process_authorities.h"
#include "daemon/process_behind.h"
#include "net/curl_late.h"
#include "os/log.h"
#include "service/resolve.h"

struct resolver {
	struct dns *dns;
	struct resolver_end *end;
	struct port_service service;
	struct permit_service mx, relay, mail;
	struct port_server *server;
};

static int
resolver_load(struct error *e)
{
	return curl_late(e) == NULL ? e->code : 0;
}

/* What is asked meanwhile fails at once, and mail waits at those who send it. */
static void
resolver_silence(void *ctx, bool silent)
{
	(void)ctx;
	if (silent)
		log_event(LOG_LEVEL_ERROR, "resolver.silent",
		    log_str("error", "none of the name servers answers anything"),
		    log_str("so", "mail that cannot be judged or sent without DNS waits"),
		    log_str("do", "see whether they run, or set others in 'resolvers'"));
	else
		log_event(LOG_LEVEL_INFO, "resolver.answered", log_str("so", "names are looked up again"));
}

static int
resolver_prepare(struct process *p, struct error *e)
{
	const struct dns_config config = { .servers = p->setup.resolvers,
		.server_count = p->setup.resolver_count,
		.anchors = p->setup.anchors,
		.on_silence = resolver_silence };
	struct resolver *r = p->self = mem_alloc(sizeof *r);
	struct buf authorities BUF_OWNED = { .max = AUTHORITIES_MAX };
	int rc;

	if (r == NULL)
		return error_nomem(e);
	authorities_read(p->setup_fd, &authorities);
	rc = dns_new(&config, &r->dns, e);
	return rc == 0 ? resolver_end_new(r->dns, buf_slice(&authorities), &r->end, e) : rc;
}

static int
resolver_start(struct process *p, int fd, struct error *e)
{
	struct resolver *r = p->self;
	int rc;

	if (fd >= 0)
		(void)close(fd);
	r->service = resolve_service(r->end);
	permit_only(&r->mx, &r->service, PROCESS_MX, PROCESS_RESOLVER);
	permit_only(&r->mail, &r->service, PROCESS_MAIL, PROCESS_RESOLVER);
	permit_only(&r->relay, &r->service, PROCESS_RELAY, PROCESS_RESOLVER);
	rc = port_server_new(&r->service, &r->server, e);
	if (rc != 0)
		return rc;
	port_server_on_broken(r->server, behind_asker_broken, p);
	rc = dns_start(r->dns, e);
	if (rc == 0)
		rc = resolver_end_start(r->end, e);
	if (rc == 0)
		own_tlsa_look(r->dns, p->setup.hostname, p->setup.chain);
	return rc;
}

static void
resolver_settings(struct process *p, const struct process_setup *fresh)
{
	struct resolver *r = p->self;

	own_tlsa_look(r->dns, p->setup.hostname, fresh->chain);
}

static int
resolver_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct resolver *r = p->self;

	struct permit_service *who = in->link == LINK_RELAY_RESOLVER ? &r->relay
	    : in->link == LINK_MAIL_RESOLVER                         ? &r->mail
								     : &r->mx;

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
	.load = resolver_load,
	.prepare = resolver_prepare,
	.start = resolver_start,
	.link = resolver_link,
	.settings = resolver_settings,
	.stop = resolver_stop,
};
