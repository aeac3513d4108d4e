/* SPDX-License-Identifier: ISC */
/* Connections that a listener accepted. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket_internal.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

struct accepted {
	struct socket_conn s;
	const struct listener *listener;
	struct peer_key key;
};

static const struct listener *
listener_of(const struct socket_conn *s)
{
	return ((const struct accepted *)s)->listener;
}

static bool
has_tls(const struct socket_conn *s)
{
	return listener_of(s)->config.tls != NULL;
}

static SSL *
tls_new(struct socket_conn *s)
{
	return tls_accept_new(listener_of(s)->config.tls, s->fd);
}

static enum io_result
shaken(struct socket_conn *s, enum io_result r)
{
	if (r != IO_OK)
		metric_add(METRIC_TLS_FAILED_TOTAL + listener_of(s)->config.protocol, 1);
	else
		metric_add(METRIC_TLS_HANDSHAKES_TOTAL +
			(SSL_version(s->ssl) == TLS1_3_VERSION ? METRIC_TLS_13 : METRIC_TLS_12),
		    1);
	return r;
}

static int
open_session(struct socket_conn *s)
{
	const struct listener_config *config = &listener_of(s)->config;

	return config->open(config->ctx, &s->c, &s->c.session, NULL);
}

static void
gone(struct socket_conn *s)
{
	peers_remove(s->c.thread->peers, ((struct accepted *)s)->key);
	metric_add(METRIC_CONNECTIONS + listener_of(s)->config.protocol, -1);
}

static const struct socket_side accepted_side = {
	.has_tls = has_tls,
	.tls_new = tls_new,
	.shaken = shaken,
	.open = open_session,
	.gone = gone,
};

static void
first_turn(void *ctx)
{
	struct conn *c = ctx;

	conn_enlist(c);
	c->limit_at = clock_ms() + c->thread->handshake_ms;
	conn_turn(c);
}

void
conn_start(
    struct conn_thread *t, const struct listener *listener, int fd, const struct sockaddr *address, struct peer_key key)
{
	struct conn *c = conn_make(sizeof(struct accepted), &conn_socket_kind, t, CONN_INPUT_MAX, first_turn);
	socklen_t len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	struct accepted *a = (struct accepted *)c;

	if (c == NULL) {
		(void)close(fd);
		peers_remove(t->peers, key);
		return;
	}
	c->ops = listener->config.ops;
	c->port = listener->port;
	a->s.side = &accepted_side;
	a->s.implicit_tls = listener->config.implicit_tls;
	a->listener = listener;
	metric_add(METRIC_CONNECTIONS + listener->config.protocol, 1);
	metric_add(METRIC_CONNECTIONS_TOTAL + listener->config.protocol, 1);
	a->s.fd = fd;
	a->key = key;
	if (address->sa_family == AF_UNIX)
		memcpy(c->peer, "local", 6);
	else if (getnameinfo(address, len, c->peer, sizeof c->peer, NULL, 0, NI_NUMERICHOST) != 0)
		memcpy(c->peer, "unknown", 8);
	if (log_wants(LOG_LEVEL_DEBUG))
		log_event(LOG_LEVEL_DEBUG, "connection.opened", log_u64("connection", c->id), log_str("peer", c->peer),
		    log_u64("port", c->port));
	loop_post(t->loop, &c->wake_task);
}
