/* SPDX-License-Identifier: ISC */
#include "daemon/process_control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

#define SOCKET_NAME "control.sock"
#define PEERS_MAX 16u

static const uint16_t permitted[] = {
	STORE_METHOD_account_create,
	STORE_METHOD_account_remove,
	STORE_METHOD_account_set_verifier,
	STORE_METHOD_account_get,
	STORE_METHOD_account_list,
	STORE_METHOD_address_find,
	STORE_METHOD_domain_list,
	STORE_METHOD_info,
};
#define PERMITTED_COUNT (sizeof permitted / sizeof permitted[0])

struct control {
	struct port_handler handlers[PERMITTED_COUNT];
	struct port_service service;
	struct port_server *server;
	pthread_t thread;
	int folder; /* O_PATH */
	int fd;
};

/* A socket's name holds 108 octets and a folder's path may be longer: it is named through the folder's descriptor. */
static struct sockaddr_un
socket_name(int folder)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	(void)snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d/" SOCKET_NAME, folder);
	return name;
}

static void
permit(struct control *c, const struct port_service *service)
{
	size_t n = 0;

	for (size_t i = 0; i < service->handler_count; i++)
		for (size_t k = 0; k < PERMITTED_COUNT; k++)
			if (service->handlers[i].number == permitted[k])
				c->handlers[n++] = service->handlers[i];
	c->service = *service;
	c->service.handlers = c->handlers;
	c->service.handler_count = n;
}

static void *
accept_all(void *ctx)
{
	struct control *c = ctx;

	for (;;) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
			(void)usleep(100000);
			continue;
		}
		if (fd < 0)
			return NULL; /* control_close() has shut it down */
		if (port_server_count(c->server) >= PEERS_MAX)
			(void)close(fd);
		else
			(void)port_server_add(c->server, fd, NULL, 0, NULL);
	}
}

static int
listen_there(struct control *c, const char *data_folder, struct error *e)
{
	struct sockaddr_un name;

	c->folder = open(data_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->folder >= 0 && c->fd >= 0) {
		name = socket_name(c->folder);
		/* The store's lock is held: what lies there is left from a server that was killed. */
		(void)unlinkat(c->folder, SOCKET_NAME, 0);
		if (bind(c->fd, (const struct sockaddr *)&name, sizeof name) == 0 &&
		    fchmodat(c->folder, SOCKET_NAME, 0600, 0) == 0 && listen(c->fd, (int)PEERS_MAX) == 0)
			return 0;
	}
	return error_set_errno(e, ERR_IO, errno, "no control socket in '%s'", data_folder);
}

static void
control_free(struct control *c)
{
	port_server_free(c->server);
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->folder >= 0) {
		(void)unlinkat(c->folder, SOCKET_NAME, 0);
		(void)close(c->folder);
	}
	mem_free(c);
}

int
control_open(const char *data_folder, const struct port_service *service, struct control **control_out, struct error *e)
{
	struct control *c = mem_alloc(sizeof *c);
	int rc;

	if (c == NULL)
		return error_nomem(e);
	c->fd = c->folder = -1;
	permit(c, service);
	rc = port_server_new(&c->service, &c->server, e);
	if (rc == 0)
		rc = listen_there(c, data_folder, e);
	if (rc == 0 && pthread_create(&c->thread, NULL, accept_all, c) != 0)
		rc = error_set(e, ERR_IO, "no thread for the control socket");
	if (rc != 0)
		control_free(c);
	else
		*control_out = c;
	return rc;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	(void)shutdown(c->fd, SHUT_RDWR);
	(void)pthread_join(c->thread, NULL);
	control_free(c);
}

int
control_connect(const char *data_folder, struct port **port_out, struct error *e)
{
	int folder = open(data_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = socket_name(folder);
	bool there = folder >= 0 && fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) == 0;

	if (folder >= 0)
		(void)close(folder);
	if (there)
		return port_open_socket(&store_interface, fd, port_out, e);
	if (fd >= 0)
		(void)close(fd);
	return error_set(e, ERR_NET, "no letterlockd runs on '%s'", data_folder);
}
