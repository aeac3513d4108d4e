/* SPDX-License-Identifier: ISC */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/limits.h"
#include "net/server_internal.h"
#include "os/clock.h"
#include "os/metrics.h"

#define THREADS_MAX 64u
#define ACCEPT_TURN 16      /* connections accepted before others have their turn */
#define ACCEPT_PAUSE_MS 100 /* when no descriptor is left */
#define BACKLOG 512
#define STOP_LOOK_MS 10 /* how often server_stop() looks whether all are gone */

struct server {
	struct peers *peers;
	struct conn_thread **threads;
	unsigned thread_count, next_thread;
	struct listener *listeners;
	struct event *resume; /* accepting again after the descriptors ran out */
	bool started;
	struct loop_task stop_task;
	pthread_mutex_t trunk_lock;
	struct server_trunk *trunks; /* far ends */
	atomic_uint trunk_turn;
	uint32_t here_max; /* 0: none */
};

static unsigned
core_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > (long)THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static int
add_threads(struct server *s, const struct server_limits *limits, struct error *e)
{
	unsigned count = limits->threads == 0 ? core_count() : limits->threads;

	if (count > THREADS_MAX)
		return error_set(e, ERR_LIMIT, "at most %u event loops", THREADS_MAX);
	s->threads = mem_array(count, sizeof(struct conn_thread *));
	if (s->threads == NULL)
		return error_nomem(e);
	for (; s->thread_count < count; s->thread_count++) {
		struct conn_thread *t = mem_alloc(sizeof *t);

		if (t == NULL)
			return error_nomem(e);
		s->threads[s->thread_count] = t;
		t->peers = s->peers;
		t->handshake_ms = limits->handshake_ms == 0 ? NET_HANDSHAKE_MS : limits->handshake_ms;
		t->stall_ms = limits->stall_ms == 0 ? NET_STALL_MS : limits->stall_ms;
		if (loop_new(&t->loop, e) != 0) {
			s->threads[s->thread_count] = NULL;
			mem_free(t);
			return ERR_IO;
		}
		if (conn_thread_init(t, e) != 0) {
			s->thread_count++;
			return ERR_NOMEM;
		}
	}
	return 0;
}

static struct peers_limits
counted(const struct server_limits *l)
{
	uint32_t each = l->connections_peer == 0 ? NET_CONNECTIONS_PEER : l->connections_peer;
	uint32_t prefix = each > UINT32_MAX / NET_PREFIX_PEERS ? UINT32_MAX : each * NET_PREFIX_PEERS;

	return (struct peers_limits){ .total = l->connections == 0 ? NET_CONNECTIONS : l->connections,
		.each = each,
		.prefix = l->connections_prefix == 0 ? prefix : l->connections_prefix };
}

int
server_new(const struct server_limits *limits, struct server **server_out, struct error *e)
{
	struct server *s = mem_alloc(sizeof *s);
	const struct peers_limits peers = counted(limits);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&s->trunk_lock, NULL);
	s->here_max = limits->connections_here;
	rc = limits->peers_fd == 0 ? peers_new(&peers, &s->peers, e)
				   : peers_open(limits->peers_fd - 1, limits->front, &peers, &s->peers, e);
	if (rc == 0)
		rc = add_threads(s, limits, e);
	if (rc != 0)
		server_free(s);
	else
		*server_out = s;
	return rc;
}

/* ---- accepting ---- */

static void
resume_accepting(evutil_socket_t fd, short what, void *ctx)
{
	struct server *s = ctx;

	(void)fd;
	(void)what;
	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		(void)event_add(l->event, NULL);
}

/* Out of descriptors the socket would stay readable and the loop would spin. */
static void
pause_accepting(struct server *s)
{
	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		(void)event_del(l->event);
	(void)event_add(s->resume, &(struct timeval){ .tv_usec = ACCEPT_PAUSE_MS * 1000 });
}

static void
count_refusal(const struct listener *l)
{
	struct server *s = l->server;
	enum metric_reason reason = peers_are_all(s->peers) ? METRIC_REASON_TOTAL : METRIC_REASON_PEER;

	metric_add(METRIC_CONNECTIONS_REFUSED_TOTAL + METRIC_PAIR(l->config.protocol, REASON, reason), 1);
}

static void
take(struct listener *l, int fd, const struct sockaddr *address)
{
	struct server *s = l->server;
	struct peer_key key = l->config.trusted ? (struct peer_key){ .family = PEERS_TRUSTED } : peer_key_of(address);
	int one = 1;

	if (peers_add(s->peers, key, NULL) != 0) {
		count_refusal(l);
		if (!l->config.implicit_tls && l->config.refusal.len > 0)
			(void)!send(fd, l->config.refusal.data, l->config.refusal.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	conn_start(s->threads[s->next_thread++ % s->thread_count], l, fd, address, key);
}

static void
on_accept(evutil_socket_t listening, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)what;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t len = sizeof address;
		int fd;

		if (l->server->here_max > 0 && server_connections(l->server) >= l->server->here_max) {
			pause_accepting(l->server);
			return;
		}
		fd = accept4(listening, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			take(l, fd, (const struct sockaddr *)&address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(l->server);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* ---- listening ---- */

static int
bind_socket(const struct addrinfo *info, const char *address, uint16_t port, int *rc, struct error *e)
{
	int one = 1, fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    (info->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	*rc = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL ? ERR_UNSUPPORTED : ERR_NET;
	(void)error_set_errno(e, *rc, errno, "cannot listen on %s port %u%s", address, port,
	    errno == EACCES && port < 1024
		? " (root, the service manager or CAP_NET_BIND_SERVICE gives ports below 1024)"
		: "");
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int
server_bind(const char *address, uint16_t port, int *fd_out, struct error *e)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	char service[8];
	int rc = 0;

	(void)snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(address, service, &hints, &info) != 0)
		return error_set(e, ERR_USAGE, "'%s' is no numeric address to listen on", address);
	*fd_out = bind_socket(info, address, port, &rc, e);
	freeaddrinfo(info);
	return rc;
}

/* A server that ended left its socket behind: nobody answers there. */
static bool
is_abandoned(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, rc;

	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	(void)close(fd);
	return rc != 0 && errno == ECONNREFUSED;
}

int
server_bind_unix(const char *path, int *fd_out, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, rc, saved;

	if (path[0] != '/' || strlen(path) >= sizeof address.sun_path)
		return error_set(e, ERR_USAGE, "a socket's path begins with / and has at most %zu octets: %s",
		    sizeof address.sun_path - 1, path);
	memcpy(address.sun_path, path, strlen(path));
	if (is_abandoned(&address))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Made with its mode: whoever else may write to the folder could lead a chmod() to another file. */
	before = umask(0111);
	rc = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0;
	saved = errno;
	(void)umask(before);
	if (rc != 0) {
		if (fd >= 0)
			(void)close(fd);
		return error_set_errno(e, ERR_NET, saved, "cannot listen on %s", path);
	}
	*fd_out = fd;
	return 0;
}

bool
server_address_of(int fd, char out[SERVER_ADDRESS_MAX])
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof address;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return false;
	memcpy(&v4, &address, sizeof v4);
	memcpy(&v6, &address, sizeof v6);
	if (address.ss_family == AF_INET)
		return inet_ntop(AF_INET, &v4.sin_addr, out, SERVER_ADDRESS_MAX) != NULL;
	return address.ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6.sin6_addr, out, SERVER_ADDRESS_MAX) != NULL;
}

uint16_t
server_port_of(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof address;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 || address.ss_family == AF_UNIX)
		return 0;
	if (address.ss_family == AF_INET6) {
		memcpy(&v6, &address, sizeof v6);
		return ntohs(v6.sin6_port);
	}
	memcpy(&v4, &address, sizeof v4);
	return ntohs(v4.sin_port);
}

int
server_listen(struct server *s, const struct listener_config *config, uint16_t *port_out, struct error *e)
{
	struct listener *l;
	int rc, fd;

	if (s->started || (config->implicit_tls && config->tls == NULL))
		return error_set(e, ERR_ORDER, "listeners need their certificate, and come before the start");
	fd = config->fd - 1;
	rc = config->fd > 0 ? 0 : server_bind(config->address, config->port, &fd, e);
	if (rc != 0)
		return rc;
	l = mem_alloc(sizeof *l);
	if (l != NULL)
		l->event = event_new(loop_base(s->threads[0]->loop), fd, EV_READ | EV_PERSIST, on_accept, l);
	if (l == NULL || l->event == NULL) {
		mem_free(l);
		(void)close(fd);
		return error_nomem(e);
	}
	l->config = *config;
	l->server = s;
	l->fd = fd;
	l->port = server_port_of(fd);
	l->next = s->listeners;
	s->listeners = l;
	if (port_out != NULL)
		*port_out = l->port;
	return 0;
}

int
server_start(struct server *s, struct error *e)
{
	s->resume = evtimer_new(loop_base(s->threads[0]->loop), resume_accepting, s);
	if (s->resume == NULL)
		return error_nomem(e);
	for (struct listener *l = s->listeners; l != NULL; l = l->next)
		(void)event_add(l->event, NULL);
	s->started = true;
	for (unsigned i = 0; i < s->thread_count; i++) {
		int rc = loop_start(s->threads[i]->loop, e);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- the end ---- */

struct end_task {
	struct loop_task task;
	struct conn_thread *thread;
	bool at_once;
};

static void
end_conns(void *ctx)
{
	struct end_task *end = ctx;

	conn_end_all(end->thread, end->at_once);
	mem_free(end);
}

static void
post_end(struct server *s, bool at_once)
{
	for (unsigned i = 0; i < s->thread_count; i++) {
		struct end_task *end = mem_alloc(sizeof *end);

		if (end == NULL)
			return;
		*end = (struct end_task){
			.task = { .run = end_conns, .ctx = end }, .thread = s->threads[i], .at_once = at_once
		};
		loop_post(s->threads[i]->loop, &end->task);
	}
}

static void
stop_accepting(void *ctx)
{
	struct server *s = ctx;

	(void)event_del(s->resume);
	for (struct listener *l = s->listeners; l != NULL; l = l->next) {
		(void)event_del(l->event);
		(void)close(l->fd);
		l->fd = -1;
	}
	post_end(s, false);
}

/* Those with a socket, from the accept on, and those behind trunks. */
static bool
any_left(struct server *s)
{
	for (unsigned i = 0; i < s->thread_count; i++)
		if (atomic_load(&s->threads[i]->conn_count) > 0)
			return true;
	return peers_total(s->peers) > 0;
}

void
server_stop(struct server *s, int64_t wait_ms)
{
	int64_t until = clock_ms() + wait_ms;

	if (!s->started)
		return;
	s->stop_task = (struct loop_task){ .run = stop_accepting, .ctx = s };
	loop_post(s->threads[0]->loop, &s->stop_task);
	while (any_left(s) && clock_ms() < until)
		(void)nanosleep(&(struct timespec){ .tv_nsec = STOP_LOOK_MS * 1000000L }, NULL);
	post_end(s, true);
	for (unsigned i = 0; i < s->thread_count; i++)
		loop_stop(s->threads[i]->loop);
	for (unsigned i = 0; i < s->thread_count; i++)
		loop_join(s->threads[i]->loop);
}

/* ---- trunks ---- */

struct conn_thread *
server_next_thread(struct server *s)
{
	return s->threads[atomic_fetch_add(&s->trunk_turn, 1) % s->thread_count];
}

struct conn_thread *
server_first_thread(struct server *s)
{
	return s->threads[0];
}

void
server_trunk_link(struct server *s, struct server_trunk *link)
{
	(void)pthread_mutex_lock(&s->trunk_lock);
	link->server = s;
	link->next = s->trunks;
	link->back = &s->trunks;
	if (link->next != NULL)
		link->next->back = &link->next;
	s->trunks = link;
	(void)pthread_mutex_unlock(&s->trunk_lock);
}

void
server_trunk_unlink(struct server_trunk *link)
{
	(void)pthread_mutex_lock(&link->server->trunk_lock);
	*link->back = link->next;
	if (link->next != NULL)
		link->next->back = link->back;
	(void)pthread_mutex_unlock(&link->server->trunk_lock);
}

uint32_t
server_connections(struct server *s)
{
	return peers_mine(s->peers);
}

void
server_set_limits(struct server *s, const struct server_limits *limits)
{
	const struct peers_limits peers = counted(limits);

	peers_limits_set(s->peers, &peers);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	for (struct listener *l = s->listeners, *next; l != NULL; l = next) {
		next = l->next;
		event_free(l->event);
		if (l->fd >= 0)
			(void)close(l->fd);
		mem_free(l);
	}
	if (s->resume != NULL)
		event_free(s->resume);
	for (unsigned i = 0; i < s->thread_count; i++)
		loop_join(s->threads[i]->loop);
	while (s->trunks != NULL)
		s->trunks->free(s->trunks);
	for (unsigned i = 0; i < s->thread_count; i++) {
		conn_thread_done(s->threads[i]);
		loop_free(s->threads[i]->loop);
		mem_free(s->threads[i]);
	}
	mem_free(s->threads);
	peers_free(s->peers);
	(void)pthread_mutex_destroy(&s->trunk_lock);
	mem_free(s);
}
