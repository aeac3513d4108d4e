/* SPDX-License-Identifier: ISC */
#include "tls_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>
#include <openssl/err.h>

#define EVENTS_MAX 256
#define SOURCE_BASE 0x7f200001u    /* 127.32.0.1 */
#define SOURCE_COUNT (0x5fu << 16) /* to 127.126.255.255 */
#define READ_MAX 16384

void
tls_lines_fail(const char *what)
{
	int number = errno;

	(void)fprintf(stderr, "bench: %s (%s)\n", what, strerror(number));
	ERR_print_errors_fp(stderr);
	exit(1);
}

unsigned
tls_lines_number(const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < least || n > most) {
		(void)fprintf(stderr, "bench: '%s' is not a number from %u to %u\n", text, least, most);
		exit(2);
	}
	return (unsigned)n;
}

void
tls_lines_descriptors(unsigned count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		tls_lines_fail("no limit of descriptors");
	if (limit.rlim_cur >= count)
		return;
	limit.rlim_cur = count;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		tls_lines_fail("so many descriptors are not permitted to one process");
}

void
tls_lines_start(struct tls_lines *t, unsigned port)
{
	*t = (struct tls_lines){ .epoll = epoll_create1(EPOLL_CLOEXEC), .ctx = SSL_CTX_new(TLS_client_method()) };
	if (t->epoll < 0 || t->ctx == NULL || SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION) != 1)
		tls_lines_fail("no TLS 1.3");
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	t->server.sin_family = AF_INET;
	t->server.sin_port = htons((uint16_t)port);
	t->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

void
tls_lines_watch_input(struct tls_lines *t)
{
	struct epoll_event want = { .events = EPOLLIN, .data = { .ptr = NULL } };

	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &want) != 0)
		tls_lines_fail("standard input cannot be watched");
}

/* Which port it comes from is chosen by connect(): then a port may serve once for each source. */
static int
socket_from(uint32_t source)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	from.sin_addr.s_addr = htonl(SOURCE_BASE + source % SOURCE_COUNT);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
		tls_lines_fail("no socket");
	return fd;
}

void
tls_lines_open(struct tls_lines *t, struct tls_conn *c, uint32_t source)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = c } };

	c->fd = socket_from(source);
	c->ssl = SSL_new(t->ctx);
	c->life++;
	c->up = false;
	c->step = 0;
	c->length = 0;
	if (connect(c->fd, (struct sockaddr *)&t->server, sizeof t->server) != 0 && errno != EINPROGRESS)
		tls_lines_fail("no connection");
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		tls_lines_fail("no TLS object");
	SSL_set_connect_state(c->ssl);
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &want) != 0)
		tls_lines_fail("no event");
}

void
tls_lines_close(struct tls_conn *c)
{
	if (c->ssl == NULL)
		return;
	if (c->up) {
		ERR_clear_error();
		(void)SSL_shutdown(c->ssl); /* says goodbye, does not wait for an answer */
	}
	ERR_clear_error();
	SSL_free(c->ssl);
	(void)close(c->fd);
	c->life++;
	c->ssl = NULL;
	c->fd = -1;
}

void
tls_lines_say(struct tls_lines *t, struct tls_conn *c, const char *text)
{
	int rc;

	ERR_clear_error();
	rc = SSL_write(c->ssl, text, (int)strlen(text));
	if (rc > 0)
		return;
	tls_lines_close(c);
	t->on_end(t, c);
}

static void
ended(struct tls_lines *t, struct tls_conn *c)
{
	tls_lines_close(c);
	t->on_end(t, c);
}

static void
take(struct tls_lines *t, struct tls_conn *c, const char *data, size_t len)
{
	const uint32_t life = c->life;

	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			if (c->length < TLS_LINES_KEPT)
				c->line[c->length++] = data[i];
			continue;
		}
		if (c->length > 0 && c->line[c->length - 1] == '\r')
			c->length--;
		c->line[c->length] = '\0';
		c->length = 0;
		t->on_line(t, c);
		if (c->life != life)
			return; /* closed, perhaps opened anew */
	}
}

/* Edge-triggered: goes on until there is nothing more. */
static void
run(struct tls_lines *t, struct tls_conn *c)
{
	static char data[READ_MAX];
	const uint32_t life = c->life;

	while (c->life == life) {
		int rc, why;

		ERR_clear_error();
		rc = c->up ? SSL_read(c->ssl, data, sizeof data) : SSL_do_handshake(c->ssl);
		why = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, rc);
		if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
			return;
		if (why != SSL_ERROR_NONE) {
			ended(t, c);
			return;
		}
		if (c->up)
			take(t, c, data, (size_t)rc);
		else
			c->up = true;
	}
}

void
tls_lines_turn(struct tls_lines *t, int wait_ms)
{
	struct epoll_event got[EVENTS_MAX];
	int n = epoll_wait(t->epoll, got, EVENTS_MAX, wait_ms);

	for (int i = 0; i < n; i++) {
		struct tls_conn *c = got[i].data.ptr;

		if (c == NULL)
			t->on_input(t);
		else if (c->ssl != NULL)
			run(t, c);
	}
}
