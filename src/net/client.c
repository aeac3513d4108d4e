/* SPDX-License-Identifier: ISC */
#include "net/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/conn.h"
#include "net/tls_internal.h"
#include "os/clock.h"

#define CLIENT_TIMEOUT_MS 30000
#define CLIENT_INPUT_MAX (64u << 10)
#define CLIENT_READ (16u << 10)
#define CLIENT_HOST_MAX 256

struct client {
	int fd;
	SSL *ssl;
	struct tls_client *tls;
	int64_t timeout_ms;
	int64_t moved_at; /* when octets last went or came */
	struct buf input; /* what the machine has not taken */
	char host[CLIENT_HOST_MAX];
	uint8_t scratch[CLIENT_READ];
};

/* Waits for readiness until the deadline. */
static int
wait_for(struct client *c, short events, int64_t until, struct error *e)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = events };
		int64_t left = until - clock_ms();
		int rc = left <= 0 ? 0 : poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);

		if (rc > 0)
			return 0;
		if (rc == 0)
			return error_set(e, ERR_TIMEOUT, "%s did not answer in time", c->host);
		if (errno != EINTR)
			return error_set_errno(e, ERR_NET, errno, "waiting for %s", c->host);
	}
}

static int
connect_one(struct client *c, const struct addrinfo *info, int64_t until, struct error *e)
{
	int one = 1, problem = 0;
	socklen_t len = sizeof problem;

	c->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return error_set_errno(e, ERR_NET, errno, "no socket for %s", c->host);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, info->ai_addr, info->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			problem = errno;
		else if (wait_for(c, POLLOUT, until, e) != 0)
			return ERR_TIMEOUT;
		else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
			problem = errno;
	}
	if (problem != 0)
		return error_set_errno(e, ERR_NET, problem, "cannot connect to %s", c->host);
	return 0;
}

static int
connect_any(struct client *c, uint16_t port, struct error *e)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	int64_t until = clock_ms() + c->timeout_ms;
	struct addrinfo *list;
	char service[8];
	int rc;

	(void)snprintf(service, sizeof service, "%u", port);
	rc = getaddrinfo(c->host, service, &hints, &list);
	if (rc != 0)
		return error_set(e, ERR_NET, "no address for %s: %s", c->host, gai_strerror(rc));
	rc = ERR_NET;
	for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
		rc = connect_one(c, info, until, e);
		if (rc == 0)
			break;
		if (c->fd >= 0)
			(void)close(c->fd);
		c->fd = -1;
	}
	freeaddrinfo(list);
	return rc;
}

static short
events_of(enum io_result r)
{
	return r == IO_WANT_WRITE ? POLLOUT : POLLIN;
}

static int
handshake(struct client *c, struct tls_peer *peer_out, struct error *e)
{
	int64_t until = clock_ms() + c->timeout_ms;
	enum io_result r;

	c->ssl = tls_connect_new(c->tls, c->fd, c->host);
	if (c->ssl == NULL)
		return error_nomem(e);
	while ((r = tls_handshake(c->ssl)) != IO_OK) {
		int rc;

		if (r == IO_EOF || r == IO_ERROR)
			return error_set(e, ERR_TLS, "no TLS with %s: %s", c->host, tls_error_text());
		rc = wait_for(c, events_of(r), until, e);
		if (rc != 0)
			return rc;
	}
	return tls_check_peer(c->tls, c->ssl, c->host, peer_out, e);
}

static int
client_begin(struct client *c, const struct client_config *config, struct tls_peer *peer_out, struct error *e)
{
	const struct tls_client_config tls = { .pin = config->pin, .ca_file = config->ca_file };
	int rc = tls_client_new(&tls, &c->tls, e);

	if (rc == 0)
		rc = connect_any(c, config->port, e);
	if (rc == 0 && config->implicit_tls)
		rc = handshake(c, peer_out, e);
	return rc;
}

int
client_connect(
    const struct client_config *config, struct client **client_out, struct tls_peer *peer_out, struct error *e)
{
	size_t len = strlen(config->host);
	struct client *c;
	int rc;

	if (peer_out != NULL)
		*peer_out = (struct tls_peer){ 0 };
	if (len == 0 || len >= CLIENT_HOST_MAX)
		return error_set(e, ERR_USAGE, "this is no host name");
	c = mem_alloc(sizeof *c);
	if (c == NULL)
		return error_nomem(e);
	c->fd = -1;
	c->timeout_ms = config->timeout_ms == 0 ? CLIENT_TIMEOUT_MS : config->timeout_ms;
	buf_init(&c->input, CLIENT_INPUT_MAX);
	memcpy(c->host, config->host, len);
	rc = client_begin(c, config, peer_out, e);
	if (rc != 0)
		client_close(c);
	else
		*client_out = c;
	return rc;
}

int
client_start_tls(struct client *c, struct tls_peer *peer_out, struct error *e)
{
	if (peer_out != NULL)
		*peer_out = (struct tls_peer){ 0 };
	if (c->ssl != NULL)
		return error_set(e, ERR_ORDER, "TLS stands already");
	buf_wipe_done(&c->input);
	return handshake(c, peer_out, e);
}

bool
client_is_tls(const struct client *c)
{
	return c->ssl != NULL;
}

void
client_tls_bindings(const struct client *c, struct conn_tls_bindings *out)
{
	*out = (struct conn_tls_bindings){ 0 };
	if (c->ssl == NULL)
		return;
	out->exporter_len = tls_exporter(c->ssl, out->exporter);
	out->end_point_len = tls_end_point(c->ssl, out->end_point);
}

/* ---- driving a machine ---- */

static int
result_error(struct client *c, enum io_result r, struct error *e)
{
	if (r == IO_EOF || c->ssl == NULL)
		return error_set(e, ERR_CLOSED, "%s closed the connection", c->host);
	return error_set(e, ERR_TLS, "the TLS connection with %s broke: %s", c->host, tls_error_text());
}

static size_t
offer_leftover(struct client *c, const struct machine_ops *ops, void *machine)
{
	size_t n;

	if (c->input.len == 0)
		return 0;
	n = size_min(ops->feed(machine, buf_slice(&c->input), clock_ms()), c->input.len);
	buf_consume(&c->input, n);
	return n;
}

/* What one direction says: moved octets, or what it waits for, or an error. */
static int
send_some(struct client *c, const struct machine_ops *ops, void *machine, short *events, struct error *e)
{
	struct slice out;
	size_t put;

	while ((out = ops->output(machine)).len > 0) {
		enum io_result r = c->ssl != NULL ? tls_write(c->ssl, out.data, out.len, &put)
						  : fd_write(c->fd, out.data, out.len, &put);

		if (r == IO_EOF || r == IO_ERROR)
			return result_error(c, r, e);
		if (r != IO_OK) {
			*events = (short)(*events | events_of(r));
			return 0;
		}
		ops->sent(machine, put);
		c->moved_at = clock_ms();
	}
	return 0;
}

static int
receive_some(
    struct client *c, const struct machine_ops *ops, void *machine, size_t *got_out, short *events, struct error *e)
{
	size_t taken;
	enum io_result r = c->ssl != NULL ? tls_read(c->ssl, c->scratch, sizeof c->scratch, got_out)
					  : fd_read(c->fd, c->scratch, sizeof c->scratch, got_out);

	if (r == IO_EOF || r == IO_ERROR)
		return result_error(c, r, e);
	if (r != IO_OK) {
		*events = (short)(*events | events_of(r));
		return 0;
	}
	taken = size_min(ops->feed(machine, slice_of(c->scratch, *got_out), clock_ms()), *got_out);
	if (taken == *got_out)
		return 0;
	if (buf_put(&c->input, c->scratch + taken, *got_out - taken) != 0)
		return error_set(e, ERR_LIMIT, "%s sends more than can be taken", c->host);
	return 0;
}

int
client_step(struct client *c, const struct machine_ops *ops, void *machine, struct error *e)
{
	size_t got = 0;

	if (offer_leftover(c, ops, machine) > 0)
		return 0;
	c->moved_at = clock_ms();
	for (;;) {
		bool had_output = ops->output(machine).len > 0;
		short events = 0;
		int rc = send_some(c, ops, machine, &events, e);

		if (rc == 0 && c->input.len == 0)
			rc = receive_some(c, ops, machine, &got, &events, e);
		if (rc != 0 || got > 0)
			return rc;
		if (had_output && ops->output(machine).len == 0)
			return 0;
		rc = wait_for(c, events == 0 ? POLLIN : events, c->moved_at + c->timeout_ms, e);
		if (rc != 0)
			return rc;
	}
}

int
client_flush(struct client *c, const struct machine_ops *ops, void *machine, struct error *e)
{
	int rc = 0;

	while (rc == 0 && ops->output(machine).len > 0)
		rc = client_step(c, ops, machine, e);
	return rc;
}

void
client_close(struct client *c)
{
	if (c == NULL)
		return;
	if (c->ssl != NULL)
		tls_shutdown(c->ssl);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		(void)close(c->fd);
	tls_client_free(c->tls);
	buf_wipe_done(&c->input);
	explicit_bzero(c->scratch, sizeof c->scratch);
	mem_free(c);
}
