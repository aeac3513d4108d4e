/* SPDX-License-Identifier: ISC */
/* front: strangers. Their sockets, TLS, greeting and authentication; afterwards only the TLS end of a connection. */
#include <unistd.h>

#include "base/mem.h"
#include "daemon/process_behind.h"
#include "net/tls.h"
#include "os/metrics.h"
#include "service/ask.h"
#include "service/front/front.h"

#define LISTENERS_MAX ((size_t)CONFIG_PORT_COUNT * CONFIG_LIST_MAX)

#define CONNECTIONS_NUMBERED 1000000000u /* of one front, before they look as if they were the next one's */

/* What is spoken on which port. */
static const struct port_row {
	enum service_role role;
	bool implicit_tls;
	bool clear;   /* no TLS here at all */
	bool trusted; /* a program of the administrator's connects: it has no limit of its own */
} ports[CONFIG_PORT_COUNT] = {
	[CONFIG_PORT_SMTP] = { SERVICE_MX, false, false, false },
	[CONFIG_PORT_SUBMISSION] = { SERVICE_SUBMISSION, false, false, false },
	[CONFIG_PORT_SUBMISSIONS] = { SERVICE_SUBMISSION, true, false, false },
	[CONFIG_PORT_IMAP] = { SERVICE_IMAP, false, false, false },
	[CONFIG_PORT_IMAPS] = { SERVICE_IMAP, true, false, false },
	[CONFIG_PORT_POP3] = { SERVICE_POP3, false, false, false },
	[CONFIG_PORT_POP3S] = { SERVICE_POP3, true, false, false },
	[CONFIG_PORT_LMTP] = { .role = SERVICE_LMTP, .trusted = true },
	[CONFIG_PORT_HKP] = { SERVICE_DIRECTORY, false, true, false },
	[CONFIG_PORT_HTTPS] = { SERVICE_DIRECTORY, true, false, false },
	[CONFIG_PORT_HTTP] = { SERVICE_HTTP, false, true, false },
	[CONFIG_PORT_METRICS] = { SERVICE_METRICS, false, true, false },
};

enum behind_front { TO_MAIL, TO_MX, TO_WEB, TO_COUNT };

static const enum behind_front ways[] = {
	[SERVICE_MX] = TO_MX,
	[SERVICE_SUBMISSION] = TO_MAIL,
	[SERVICE_IMAP] = TO_MAIL,
	[SERVICE_POP3] = TO_MAIL,
	[SERVICE_DIRECTORY] = TO_WEB,
	[SERVICE_LMTP] = TO_MX,
	[SERVICE_METRICS] = TO_WEB,
	[SERVICE_HTTP] = TO_WEB,
};

struct front_process {
	struct server *server;
	struct tls_server *tls;
	struct port *auth;
	struct trunk *trunks[TO_COUNT];
	struct behind_peer trunk_peers[TO_COUNT], auth_peer;
	struct front front;
	struct front_listener listeners[CONFIG_PORT_COUNT];
};

static int
hand_over(void *ctx, struct conn *c, const struct trunk_open *in, struct error *e)
{
	struct front_process *f = ctx;

	return channel_open(f->trunks[ways[in->kind]], c, in, NULL, e);
}

static struct server_limits
limits_of(const struct process_setup *s)
{
	return (struct server_limits){ .threads = 1,
		.connections = s->connections,
		.connections_peer = s->connections_peer,
		.connections_prefix = s->connections_prefix,
		.connections_here = s->connections_here,
		.front = s->front,
		.handshake_ms = s->handshake_ms,
		.stall_ms = s->stall_ms };
}

/* libssl reads its configuration and loads its providers now, not in the sandbox. */
static int
front_prepare(struct process *p, struct error *e)
{
	(void)p;
	return tls_start(e);
}

static int
open_ways(struct front_process *f, struct process *p, struct error *e)
{
	int rc = port_open_waiting(&ask_interface, &f->auth, e);

	if (rc != 0)
		return rc;
	f->auth_peer.process = p;
	port_on_gone(f->auth, behind_port_gone, &f->auth_peer);
	for (int i = 0; rc == 0 && i < TO_COUNT; i++) {
		f->trunk_peers[i].process = p;
		rc = trunk_new(f->server, behind_port_gone, &f->trunk_peers[i], &f->trunks[i], e);
	}
	return rc;
}

static int
front_start(struct process *p, int fd, struct error *e)
{
	struct front_process *f = p->self = mem_alloc(sizeof *f);
	struct server_limits limits = limits_of(&p->setup);
	int rc;

	if (f == NULL)
		return error_nomem(e);
	limits.peers_fd = fd + 1;
	conn_ids_from((p->setup.number >> 8) * CONNECTIONS_NUMBERED); /* no other process has had the same in the log */
	rc = server_new(&limits, &f->server, e);
	(void)close(fd);
	if (rc == 0)
		rc = open_ways(f, p, e);
	f->front =
	    (struct front){ .settings = behind_settings(&p->setup), .auth = f->auth, .hand_over = hand_over, .ctx = f };
	return rc;
}

static int
front_certificate(struct process *p, const struct process_certificate *in, struct error *e)
{
	struct front_process *f = p->self;

	if (f->tls == NULL)
		return tls_server_new_pem(in->certificate, in->key, &f->tls, e);
	return tls_server_replace(f->tls, in->certificate, in->key, e);
}

/* One more kind of port without a metric of its own would count in its neighbour's. */
_Static_assert((int)SERVICE_HTTP == (int)METRIC_N_PROTOCOL, "enum metric_protocol is enum service_role less one");

static int
front_listener(struct process *p, const struct process_listener *in, int fd, struct error *e)
{
	struct front_process *f = p->self;
	const struct port_row *row = &ports[in->port];
	struct listener_config config = { .fd = fd + 1,
		.tls = row->clear ? NULL : f->tls,
		.implicit_tls = row->implicit_tls,
		.trusted = row->trusted,
		.ops = &channel_ops,
		.open = front_open,
		.ctx = &f->listeners[in->port],
		.protocol = (unsigned)row->role - 1, /* enum metric_protocol has the same order */
		.refusal = front_refusal(row->role) };

	f->listeners[in->port] = (struct front_listener){ .front = &f->front, .role = row->role };
	return server_listen(f->server, &config, NULL, e);
}

static int
front_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct front_process *f = p->self;
	enum behind_front way = in->link == LINK_FRONT_MAIL ? TO_MAIL : in->link == LINK_FRONT_MX ? TO_MX : TO_WEB;

	if (in->link == LINK_FRONT_AUTH) {
		f->auth_peer.number = in->peer;
		return port_attach(f->auth, fd, e);
	}
	f->trunk_peers[way].number = in->peer;
	return trunk_attach(f->trunks[way], fd, e);
}

static int
front_go(struct process *p, struct error *e)
{
	return server_start(((struct front_process *)p->self)->server, e);
}

static void
front_settings(struct process *p, const struct process_setup *fresh)
{
	const struct server_limits limits = limits_of(fresh);

	server_set_limits(((struct front_process *)p->self)->server, &limits);
}

static void
front_stop(struct process *p)
{
	struct front_process *f = p->self;

	if (f->server != NULL)
		server_stop(f->server, PROCESS_STOP_WAIT_MS);
	port_close(f->auth); /* its answers are for sessions that may hold conns */
	for (int i = 0; i < TO_COUNT; i++)
		trunk_free(f->trunks[i]);
	server_free(f->server);
	tls_server_free(f->tls);
	mem_free(f);
}

const struct process_ops process_front_ops = {
	.profile = SANDBOX_FRONT,
	.prepare = front_prepare,
	.start = front_start,
	.certificate = front_certificate,
	.listener = front_listener,
	.link = front_link,
	.go = front_go,
	.settings = front_settings,
	.stop = front_stop,
};
