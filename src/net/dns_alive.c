/* SPDX-License-Identifier: ISC */
#include "net/dns_alive.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "net/limits.h"
#include "os/clock.h"

#define DNS_PORT 53u
#define HEADER_SIZE 12u
#define ANSWER_BIT 0x80u /* of the third octet */

struct server {
	struct dns_alive *alive;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	int fd; /* -1: it is not being asked */
	struct event *event;
	uint8_t id[2];
};

struct dns_alive {
	struct loop *loop;
	struct event *timer;
	dns_alive_fn *changed;
	void *ctx;
	bool asking, silent;
	bool blind;       /* one of them cannot be asked: it may be the one that is there */
	unsigned rounds;  /* that nobody answered */
	int64_t heard_ms; /* when they were last; 0: never */
	size_t count;
	struct server servers[DNS_SERVERS_MAX];
};

/* ---- one server ---- */

/* False: it is none that we can ask: an address with a zone, which only libunbound reads. */
static bool
server_init(struct server *s, struct dns_alive *a, struct slice text)
{
	struct slice port, address = slice_split(text, '@', &port);
	char name[INET6_ADDRSTRLEN] = "";
	uint16_t number = DNS_PORT;

	if (port.len > 0)
		number = 0;
	for (size_t i = 0; i < port.len; i++)
		number = (uint16_t)(number * 10 + (port.data[i] - '0'));
	if (address.len >= sizeof name)
		return false;
	memcpy(name, address.data, address.len);
	*s = (struct server){ .alive = a, .fd = -1 };
	if (inet_pton(AF_INET, name, &s->to.v4.sin_addr) == 1) {
		s->to.v4.sin_family = AF_INET;
		s->to.v4.sin_port = htons(number);
		s->to_len = sizeof s->to.v4;
	} else if (inet_pton(AF_INET6, name, &s->to.v6.sin6_addr) == 1) {
		s->to.v6.sin6_family = AF_INET6;
		s->to.v6.sin6_port = htons(number);
		s->to_len = sizeof s->to.v6;
	}
	return s->to_len > 0;
}

static void
server_close(struct server *s)
{
	if (s->event != NULL)
		event_free(s->event);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->event = NULL;
	s->fd = -1;
}

/* Only the server itself is heard: the socket is connected, and its number is one that nobody knows. */
static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct server *s = ctx;
	uint8_t packet[HEADER_SIZE];
	ssize_t got = recv(fd, packet, sizeof packet, MSG_DONTWAIT); /* the rest of it is dropped */

	(void)what;
	if (got == (ssize_t)sizeof packet && memcmp(packet, s->id, sizeof s->id) == 0 && (packet[2] & ANSWER_BIT) != 0)
		dns_alive_heard(s->alive);
}

/* A socket for each question: its port is another one. */
static void
server_ask(struct server *s)
{
	/* The number; recursion is desired; one question: the root, NS, IN. */
	uint8_t question[HEADER_SIZE + 5] = { 0, 0, 1, 0, 0, 1, [HEADER_SIZE + 2] = 2, [HEADER_SIZE + 4] = 1 };

	server_close(s);
	if (random_bytes(s->id, sizeof s->id, NULL) != 0)
		return;
	memcpy(question, s->id, sizeof s->id);
	s->fd = socket(s->to.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, &s->to.any, s->to_len) != 0 ||
	    send(s->fd, question, sizeof question, MSG_NOSIGNAL) != (ssize_t)sizeof question)
		return;
	s->event = event_new(loop_base(s->alive->loop), s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->event != NULL)
		(void)event_add(s->event, NULL);
}

/* ---- all of them ---- */

static void
arm(struct dns_alive *a)
{
	int64_t ms = a->silent ? DNS_ALIVE_AGAIN_MS : DNS_ALIVE_ROUND_MS;
	const struct timeval in = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	for (size_t i = 0; i < a->count; i++)
		server_ask(&a->servers[i]);
	(void)evtimer_add(a->timer, &in);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_alive *a = ctx;
	bool now_silent = !a->silent && ++a->rounds == DNS_ALIVE_ROUNDS;

	(void)fd;
	(void)what;
	a->silent = a->silent || now_silent;
	arm(a);
	if (now_silent)
		a->changed(a->ctx, true);
}

void
dns_alive_suspect(struct dns_alive *a)
{
	if (a == NULL || a->blind || a->asking || (a->heard_ms != 0 && clock_ms() - a->heard_ms < DNS_ALIVE_FRESH_MS))
		return;
	if (a->timer == NULL && (a->timer = evtimer_new(loop_base(a->loop), on_timer, a)) == NULL)
		return;
	a->asking = true;
	a->rounds = 0;
	arm(a);
}

void
dns_alive_heard(struct dns_alive *a)
{
	bool was_silent;

	if (a == NULL)
		return;
	was_silent = a->silent;
	a->heard_ms = clock_ms();
	a->asking = a->silent = false;
	if (a->timer != NULL)
		(void)evtimer_del(a->timer);
	for (size_t i = 0; i < a->count; i++)
		server_close(&a->servers[i]);
	if (was_silent)
		a->changed(a->ctx, false);
}

bool
dns_alive_silent(const struct dns_alive *a)
{
	return a != NULL && a->silent;
}

int
dns_alive_new(struct loop *l, const struct slice *servers, size_t count, dns_alive_fn *changed, void *ctx,
    struct dns_alive **out, struct error *e)
{
	struct dns_alive *a = mem_alloc(sizeof *a);

	if (a == NULL)
		return error_nomem(e);
	*a = (struct dns_alive){ .loop = l, .changed = changed, .ctx = ctx };
	for (; a->count < count && a->count < DNS_SERVERS_MAX; a->count++)
		a->blind = !server_init(&a->servers[a->count], a, servers[a->count]) || a->blind;
	*out = a;
	return 0;
}

void
dns_alive_free(struct dns_alive *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->count; i++)
		server_close(&a->servers[i]);
	if (a->timer != NULL)
		event_free(a->timer);
	mem_free(a);
}
