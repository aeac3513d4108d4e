/* SPDX-License-Identifier: ISC */
/* relay: sends on to other servers. It leases messages from mail, asks the resolver for names, and opens no file. */
#include <unistd.h>

#include "base/mem.h"
#include "daemon/process_authorities.h"
#include "daemon/process_behind.h"
#include "net/tls_outgoing.h"
#include "service/queue/queue.h"
#include "service/relay/relay.h"
#include "service/resolve.h"

#define STOP_MS 6000 /* the parent gives 8 s */

struct relay_process {
	struct port *queue, *resolver;
	struct behind_peer mail, names;
	struct tls_outgoing *tls;
	struct relay *relay; /* NULL: nothing is sent */
};

/* Takes fd. */
static int
make_tls(struct relay_process *r, int fd, struct error *e)
{
	struct buf text BUF_OWNED = { .max = AUTHORITIES_MAX };

	authorities_read(fd, &text);
	if (fd >= 0)
		(void)close(fd);
	return tls_outgoing_new_pem(buf_slice(&text), &r->tls, e);
}

static int
open_ports(struct relay_process *r, struct process *p, struct error *e)
{
	int rc = port_open_waiting(&queue_interface, &r->queue, e);

	if (rc == 0)
		rc = port_open_waiting(&resolve_interface, &r->resolver, e);
	if (rc != 0)
		return rc;
	r->mail.process = r->names.process = p;
	port_on_gone(r->queue, behind_port_gone, &r->mail);
	port_on_gone(r->resolver, behind_port_gone, &r->names);
	return 0;
}

static int
open_relay(struct relay_process *r, const struct process_setup *set, struct error *e)
{
	const struct process_relay *in = &set->relay;
	struct relay_rule rules[CONFIG_LIST_MAX];
	struct relay_tls_rule tls[CONFIG_LIST_MAX];
	struct relay_options options = { .queue = r->queue,
		.resolver = r->resolver,
		.tls = r->tls,
		.hostname = set->hostname,
		.rules = rules,
		.tls_rules = tls,
		.user = in->user,
		.password = in->password,
		.here = in->here,
		.here_count = in->here_count,
		.here_port = (uint16_t)in->here_port,
		.port = (uint16_t)in->port,
		.connections = in->connections,
		.connections_destination = in->connections_destination };
	int rc;

	for (size_t i = 0; i < in->route_count; i++)
		options.rule_count += relay_rule_parse(in->routes[i], &rules[options.rule_count]);
	for (size_t i = 0; i < in->tls_count; i++)
		options.tls_rule_count += relay_tls_rule_parse(in->tls[i], &tls[options.tls_rule_count]);
	if (in->smarthost.len > 0 && !relay_hop_parse(in->smarthost, &options.smarthost))
		return error_set(e, ERR_USAGE, "the smarthost is none");
	for (size_t i = 0; i < in->source_count; i++)
		*(slice_find(in->sources[i], ':') != SIZE_MAX ? &options.source6 : &options.source4) = in->sources[i];
	rc = relay_new(&options, &r->relay, e);
	return rc != 0 ? rc : relay_start(r->relay, e);
}

static int
relay_process_start(struct process *p, int fd, struct error *e)
{
	struct relay_process *r = p->self = mem_alloc(sizeof *r);
	int rc;

	if (r == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return error_nomem(e);
	}
	rc = make_tls(r, fd, e);
	if (rc == 0)
		rc = open_ports(r, p, e);
	return rc != 0 || !p->setup.relay.on ? rc : open_relay(r, &p->setup, e);
}

static int
relay_process_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct relay_process *r = p->self;
	struct behind_peer *peer = in->link == LINK_RELAY_MAIL ? &r->mail : &r->names;

	peer->number = in->peer;
	return port_attach(in->link == LINK_RELAY_MAIL ? r->queue : r->resolver, fd, e);
}

static void
relay_process_stop(struct process *p)
{
	struct relay_process *r = p->self;

	if (r->relay != NULL)
		relay_stop(r->relay, STOP_MS);
	port_close(r->queue);
	port_close(r->resolver);
	relay_free(r->relay);
	tls_outgoing_free(r->tls);
	mem_free(r);
}

const struct process_ops process_relay_ops = {
	.profile = SANDBOX_RELAY,
	.start = relay_process_start,
	.link = relay_process_link,
	.stop = relay_process_stop,
};
