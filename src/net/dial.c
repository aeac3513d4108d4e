/* SPDX-License-Identifier: ISC */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/socket_internal.h"
#include "os/clock.h"

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	};
	socklen_t len; /* 0: none */
};

struct dialer {
	struct conn_thread thread;
	struct dialer_config config;
	struct event *timer;
	struct loop_task end;
};

struct dialled {
	struct socket_conn s;
	const struct tls_outgoing_config *meet;
	struct tls_outgoing_facts facts;
	struct error why;
	struct address local;
	char local_text[INET6_ADDRSTRLEN];
	bool did_connect;
};

static struct dialled *
dialled_of(struct socket_conn *s)
{
	return (struct dialled *)s;
}

static const struct dialled *
dialled_of_conn(const struct conn *c)
{
	return (const struct dialled *)c;
}

/* ---- addresses ---- */

static int
address_parse(const char *text, uint16_t port, struct address *out)
{
	*out = (struct address){ .len = 0 };
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		out->len = sizeof out->v4;
	} else if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		out->len = sizeof out->v6;
	} else if (text[0] == '/' && strlen(text) < sizeof out->local.sun_path) {
		out->local.sun_family = AF_UNIX;
		memcpy(out->local.sun_path, text, strlen(text));
		out->len = sizeof out->local;
	}
	return out->len > 0 ? 0 : ERR_SYNTAX;
}

/* Whatever their ports. */
static bool
address_same(const struct address *a, const struct address *b)
{
	if (a->len == 0 || b->len == 0 || a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

/* ---- what differs from an accepted connection ---- */

static void
name_local(struct dialled *d)
{
	const void *octets = d->local.any.sa_family == AF_INET ? (const void *)&d->local.v4.sin_addr
							       : (const void *)&d->local.v6.sin6_addr;
	bool has = d->local.len > 0 && (d->local.any.sa_family == AF_INET || d->local.any.sa_family == AF_INET6);

	if (!has || inet_ntop(d->local.any.sa_family, octets, d->local_text, sizeof d->local_text) == NULL)
		d->local_text[0] = '\0';
}

static enum io_result
connected(struct socket_conn *s)
{
	struct dialled *d = dialled_of(s);
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int), peer_len = sizeof peer;
	int errnum = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0)
		errnum = errno;
	if (errnum != 0) {
		(void)error_set_errno(&d->why, ERR_NET, errnum, "no connection to %s", s->c.peer);
		return IO_ERROR;
	}
	if (getpeername(s->fd, (struct sockaddr *)&peer, &peer_len) != 0)
		return IO_WANT_WRITE;
	d->did_connect = true;
	d->local.len = sizeof d->local.v6;
	if (getsockname(s->fd, &d->local.any, &d->local.len) != 0)
		d->local.len = 0;
	name_local(d);
	return IO_OK;
}

static bool
has_tls(const struct socket_conn *s)
{
	return ((const struct dialled *)s)->meet != NULL;
}

static SSL *
tls_new(struct socket_conn *s)
{
	struct dialled *d = dialled_of(s);

	SSL *ssl = tls_outgoing_ssl(d->meet, s->fd);

	if (ssl == NULL)
		(void)error_set(&d->why, ERR_TLS, "TLS with %s cannot be begun as it must be", s->c.peer);
	return ssl;
}

static enum io_result
shaken(struct socket_conn *s, enum io_result r)
{
	struct dialled *d = dialled_of(s);

	if (r != IO_OK) {
		(void)error_set(&d->why, ERR_TLS, "no TLS with %s: %s", s->c.peer, tls_error_text());
		return IO_ERROR;
	}
	return tls_outgoing_check(d->meet, s->ssl, &d->facts, &d->why) == 0 ? IO_OK : IO_ERROR;
}

static void
lost(struct socket_conn *s)
{
	struct dialled *d = dialled_of(s);

	if (d->why.code == 0)
		(void)error_set(&d->why, ERR_CLOSED, "the connection to %s was lost", s->c.peer);
}

/* Nothing is counted; but an end that only its time had come for has a reason now. */
static void
gone(struct socket_conn *s)
{
	struct dialled *d = dialled_of(s);

	if (d->why.code != 0 || s->c.limit_at > clock_ms())
		return;
	if (!d->did_connect)
		(void)error_set(&d->why, ERR_TIMEOUT, "%s does not answer", s->c.peer);
	else if (s->ssl != NULL && !SSL_is_init_finished(s->ssl))
		(void)error_set(&d->why, ERR_TIMEOUT, "%s does not finish the TLS handshake", s->c.peer);
	else
		(void)error_set(&d->why, ERR_TIMEOUT, "%s takes nothing any more", s->c.peer);
}

static const struct socket_side dialled_side = {
	.connected = connected,
	.has_tls = has_tls,
	.tls_new = tls_new,
	.shaken = shaken,
	.lost = lost,
	.gone = gone,
};

/* ---- connecting ---- */

static int
bind_source(int fd, const struct address *to, const char *source, struct error *e)
{
	const int one = 1;
	struct address from;

	if (address_parse(source, 0, &from) != 0 || from.any.sa_family != to->any.sa_family)
		return error_set(e, ERR_USAGE, "'%s' is no address to connect from", source);
	/* The port is chosen when it is known where to: so many more connections find one. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(fd, &from.any, from.len) != 0)
		return error_set_errno(e, ERR_NET, errno, "nothing can be sent from %s", source);
	return 0;
}

static int
begin_connecting(const struct dial_target *target, int *fd_out, struct error *e)
{
	const int one = 1;
	struct address to;
	int fd, rc = 0;

	if (address_parse(target->address, target->port, &to) != 0)
		return error_set(e, ERR_USAGE, "'%s' is no address", target->address);
	fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, errno == EMFILE || errno == ENFILE ? ERR_LIMIT : ERR_NET, errno, "no socket");
	if (to.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (target->source != NULL)
		rc = bind_source(fd, &to, target->source, e);
	if (rc == 0 && connect(fd, &to.any, to.len) != 0 && errno != EINPROGRESS)
		rc = error_set_errno(e, ERR_NET, errno, "no connection to %s", target->address);
	if (rc != 0)
		(void)close(fd);
	else
		*fd_out = fd;
	return rc;
}

static void
first_turn(void *ctx)
{
	struct conn *c = ctx;

	conn_enlist(c);
	conn_turn(c);
}

int
dial(struct dialer *d, const struct dial_target *target, const struct conn_ops *ops, void *session,
    struct conn **conn_out, struct error *e)
{
	int fd, rc = begin_connecting(target, &fd, e);
	struct dialled *self;
	struct conn *c;

	if (rc != 0)
		return rc;
	c = conn_make(sizeof *self, &conn_socket_kind, &d->thread, CONN_INPUT_MAX, first_turn);
	if (c == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	self = (struct dialled *)c;
	self->s.side = &dialled_side;
	self->s.fd = fd;
	self->s.connecting = true;
	c->ops = ops;
	c->session = session;
	c->port = target->port;
	c->limit_at = clock_ms() + target->connect_ms;
	(void)snprintf(c->peer, sizeof c->peer, "%s", target->address);
	loop_post(d->thread.loop, &c->wake_task);
	*conn_out = c;
	return 0;
}

void
dial_tls(struct conn *c, const struct tls_outgoing_config *meet)
{
	((struct dialled *)c)->meet = meet;
}

const struct tls_outgoing_facts *
dial_tls_facts(const struct conn *c)
{
	return &dialled_of_conn(c)->facts;
}

const struct error *
dial_why(const struct conn *c)
{
	return &dialled_of_conn(c)->why;
}

bool
dial_did_connect(const struct conn *c)
{
	return dialled_of_conn(c)->did_connect;
}

const char *
dial_local(const struct conn *c)
{
	return dialled_of_conn(c)->local_text;
}

bool
dial_is_here(const struct conn *c)
{
	struct address peer;

	return address_parse(c->peer, 0, &peer) == 0 && address_same(&peer, &dialled_of_conn(c)->local);
}

/* ---- the loop ---- */

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct dialer *d = ctx;

	(void)fd;
	(void)what;
	d->config.due(d->config.ctx, clock_ms());
}

void
dialer_wake_at(struct dialer *d, int64_t at_ms)
{
	int64_t wait = at_ms - clock_ms();

	wait = wait < 1 ? 1 : wait;
	(void)event_add(d->timer, &(struct timeval){ .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 });
}

int
dialer_new(const struct dialer_config *config, struct dialer **dialer_out, struct error *e)
{
	struct dialer *d = mem_alloc(sizeof *d);
	int rc;

	if (d == NULL)
		return error_nomem(e);
	d->config = *config;
	d->thread.handshake_ms = config->handshake_ms > 0 ? config->handshake_ms : NET_HANDSHAKE_MS;
	d->thread.stall_ms = config->stall_ms > 0 ? config->stall_ms : NET_STALL_MS;
	rc = loop_new(&d->thread.loop, e);
	if (rc == 0)
		rc = conn_thread_init(&d->thread, e);
	if (rc == 0 && (d->timer = evtimer_new(loop_base(d->thread.loop), on_timer, d)) == NULL)
		rc = error_nomem(e);
	if (rc != 0)
		dialer_free(d);
	else
		*dialer_out = d;
	return rc;
}

int
dialer_start(struct dialer *d, struct error *e)
{
	return loop_start(d->thread.loop, e);
}

struct loop *
dialer_loop(struct dialer *d)
{
	return d->thread.loop;
}

unsigned
dialer_connections(const struct dialer *d)
{
	return atomic_load(&d->thread.conn_count);
}

static void
end_all(void *ctx)
{
	struct dialer *d = ctx;

	conn_end_all(&d->thread, true);
}

void
dialer_stop(struct dialer *d)
{
	d->end = (struct loop_task){ .run = end_all, .ctx = d };
	loop_post(d->thread.loop, &d->end);
	loop_join(d->thread.loop);
}

void
dialer_free(struct dialer *d)
{
	if (d == NULL)
		return;
	if (d->timer != NULL)
		event_free(d->timer);
	conn_thread_done(&d->thread);
	loop_free(d->thread.loop);
	mem_free(d);
}
