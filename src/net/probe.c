/* SPDX-License-Identifier: ISC */
/* The connection: sockets and lines. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/probe_internal.h"
#include "os/clock.h"

#define READ_OCTETS 4096u

int64_t
probe_deadline(const struct probe *p)
{
	int64_t until = clock_ms() + p->wait_ms;

	return p->until_ms != 0 && p->until_ms < until ? p->until_ms : until;
}

int
probe_wait(struct probe *p, short events, int64_t until, struct error *e)
{
	for (;;) {
		struct pollfd w = { .fd = p->fd, .events = events };
		int64_t left = until - clock_ms();
		int rc = left <= 0 ? 0 : poll(&w, 1, left > INT32_MAX ? INT32_MAX : (int)left);

		if (rc > 0)
			return 0;
		if (rc == 0)
			return error_set(e, ERR_TIMEOUT, "%s did not answer in time", p->address);
		if (errno != EINTR)
			return error_set_errno(e, ERR_NET, errno, "waiting for %s", p->address);
	}
}

/* ---- connecting ---- */

static int
connect_one(struct probe *p, const struct addrinfo *info, struct error *e)
{
	int problem = 0;
	socklen_t len = sizeof problem;

	(void)getnameinfo(info->ai_addr, info->ai_addrlen, p->address, sizeof p->address, NULL, 0, NI_NUMERICHOST);
	p->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return error_set_errno(e, ERR_NET, errno, "no socket for %s", p->address);
	if (connect(p->fd, info->ai_addr, info->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			problem = errno;
		else if (probe_wait(p, POLLOUT, probe_deadline(p), e) != 0)
			return ERR_TIMEOUT;
		else if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
			problem = errno;
	}
	return problem == 0 ? 0 : error_set_errno(e, ERR_NET, problem, "cannot connect to %s", p->address);
}

static int
connect_any(struct probe *p, const struct probe_where *where, struct error *e)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char service[8];
	int rc;

	(void)snprintf(service, sizeof service, "%u", where->port);
	rc = getaddrinfo(where->address, service, &hints, &list);
	if (rc != 0)
		return error_set(e, ERR_NET, "no address for %s: %s", where->address, gai_strerror(rc));
	rc = ERR_NET;
	for (const struct addrinfo *info = list; info != NULL && rc != 0; info = info->ai_next) {
		rc = connect_one(p, info, e);
		if (rc != 0 && p->fd >= 0)
			(void)close(p->fd);
		if (rc != 0)
			p->fd = -1;
	}
	freeaddrinfo(list);
	return rc;
}

int
probe_open(const struct probe_where *where, struct probe **out, struct error *e)
{
	struct probe *p = mem_alloc(sizeof *p);
	int rc;

	if (p == NULL)
		return error_nomem(e);
	p->fd = -1;
	p->wait_ms = where->wait_ms;
	p->until_ms = where->until_ms;
	buf_init(&p->input, PROBE_ANSWER_MAX + READ_OCTETS);
	(void)snprintf(p->address, sizeof p->address, "%s", where->address);
	rc = connect_any(p, where, e);
	if (rc != 0)
		probe_close(p);
	else
		*out = p;
	return rc;
}

const char *
probe_address(const struct probe *p)
{
	return p->address;
}

void
probe_close(struct probe *p)
{
	if (p == NULL)
		return;
	if (p->ssl != NULL)
		tls_shutdown(p->ssl);
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	if (p->fd >= 0)
		(void)close(p->fd);
	buf_done(&p->input);
	mem_free(p);
}

/* ---- octets ---- */

static short
events_of(enum io_result r)
{
	return r == IO_WANT_WRITE ? POLLOUT : POLLIN;
}

/* Waits for octets until the deadline and takes what there is. */
static int
receive(struct probe *p, int64_t until, struct error *e)
{
	uint8_t octets[READ_OCTETS];
	size_t got = 0;

	for (;;) {
		enum io_result r = p->ssl != NULL ? tls_read(p->ssl, octets, sizeof octets, &got)
						  : fd_read(p->fd, octets, sizeof octets, &got);
		int rc;

		if (r == IO_OK)
			return buf_put(&p->input, octets, got) == 0
			    ? 0
			    : error_set(e, ERR_LIMIT, "%s sends more than is read", p->address);
		if (r == IO_EOF || r == IO_ERROR)
			return error_set(e, ERR_CLOSED, "%s closed the connection", p->address);
		rc = probe_wait(p, events_of(r), until, e);
		if (rc != 0)
			return rc;
	}
}

int
probe_line(struct probe *p, struct slice *line_out, struct error *e)
{
	int64_t until = probe_deadline(p);
	int rc = 0;

	buf_consume(&p->input, p->taken);
	p->taken = 0;
	while (rc == 0) {
		size_t end = slice_find(buf_slice(&p->input), '\n');

		if (end != SIZE_MAX && end <= PROBE_LINE_MAX) {
			p->taken = end + 1;
			*line_out = slice_sub(buf_slice(&p->input), 0, end);
			if (line_out->len > 0 && line_out->data[line_out->len - 1] == '\r')
				line_out->len--;
			return 0;
		}
		if (p->input.len > PROBE_LINE_MAX)
			return error_set(
			    e, ERR_LIMIT, "%s sends a line longer than %u octets", p->address, PROBE_LINE_MAX);
		rc = receive(p, until, e);
	}
	return rc;
}

bool
probe_has_more(const struct probe *p)
{
	return p->input.len > p->taken;
}

int
probe_write(struct probe *p, struct slice octets, struct error *e)
{
	int64_t until = probe_deadline(p);

	while (octets.len > 0) {
		size_t put = 0;
		enum io_result r = p->ssl != NULL ? tls_write(p->ssl, octets.data, octets.len, &put)
						  : fd_write(p->fd, octets.data, octets.len, &put);
		int rc;

		if (r == IO_EOF || r == IO_ERROR)
			return error_set(e, ERR_CLOSED, "%s closed the connection", p->address);
		octets = slice_from(octets, r == IO_OK ? put : 0);
		rc = r == IO_OK ? 0 : probe_wait(p, events_of(r), until, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
probe_hello(struct probe *p, const struct probe_hello *hello, struct probe_answer *answer, struct error *e)
{
	BUF_OWNED struct buf out = { .max = PROBE_ANSWER_MAX };
	int64_t until = probe_deadline(p);
	int rc;

	buf_clear(&p->input);
	p->taken = 0;
	rc = probe_hello_write(hello, &out);
	if (rc == 0)
		rc = probe_write(p, buf_slice(&out), e);
	do {
		if (rc == 0)
			rc = receive(p, until, e);
		if (rc == ERR_CLOSED) { /* some close where others send an alert */
			*answer = (struct probe_answer){ .what = PROBE_REFUSED };
			return 0;
		}
		if (rc == 0)
			rc = probe_answer_read(buf_slice(&p->input), answer, e);
	} while (rc == 0 && answer->what == PROBE_MORE);
	return rc;
}
