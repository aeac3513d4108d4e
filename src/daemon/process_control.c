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
#include "os/file.h"
#include "os/thread.h"
#include "service/permit.h"
#include "service/status/status.h"
#include "store/store.h"

#define SOCKET_NAME "control.sock"
#define PEERS_MAX 16u
#define METHODS_MAX 256u

struct control {
	struct permit_service permitted;
	struct port_method methods[METHODS_MAX]; /* of the store, and the status */
	struct port_interface interface;
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
bind_there(int folder, int fd, const char *data_folder, struct error *e)
{
	struct sockaddr_un name = socket_name(folder);
	char lock_path[FILE_PATH_MAX];
	mode_t before;
	int lock, rc;

	if (folder < 0 || fd < 0)
		return error_set_errno(e, ERR_IO, errno, "no control socket in '%s'", data_folder);
	/* Nobody's who serves: it is replaced only while the folder is ours. */
	rc = path_join(lock_path, data_folder, "lock", e);
	if (rc == 0)
		rc = file_lock(lock_path, false, &lock, e);
	if (rc != 0)
		return rc == ERR_EXISTS ? error_set(e, ERR_ORDER, "%s is in use by another process", data_folder) : rc;
	(void)unlinkat(folder, SOCKET_NAME, 0);
	before = umask(0177); /* no thread is there yet */
	rc = bind(fd, (const struct sockaddr *)&name, sizeof name) == 0 ? listen(fd, (int)PEERS_MAX) : -1;
	(void)umask(before);
	file_unlock(lock);
	return rc == 0 ? 0 : error_set_errno(e, ERR_IO, errno, "no control socket in '%s'", data_folder);
}

int
control_listen(const char *data_folder, int *fd_out, struct error *e)
{
	int folder = open(data_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = bind_there(folder, fd, data_folder, e);

	if (folder >= 0)
		(void)close(folder);
	if (rc == 0)
		*fd_out = fd;
	else if (fd >= 0)
		(void)close(fd);
	return rc;
}

static void
control_free(struct control *c)
{
	port_server_free(c->server);
	(void)close(c->fd);
	if (c->folder >= 0) {
		(void)unlinkat(c->folder, SOCKET_NAME, 0);
		(void)close(c->folder);
	}
	mem_free(c);
}

/* What is left of the store's service for this socket, and the status beside it. */
static int
gather(struct control *c, const struct port_service *store, struct error *e)
{
	struct permit_service *p = &c->permitted;
	size_t n = store->interface->method_count;

	if (n >= METHODS_MAX)
		return error_set(e, ERR_INTERNAL, "the control socket has no room for so many calls");
	permit_only(p, store, PROCESS_CONTROL, PROCESS_MAIL);
	memcpy(c->methods, store->interface->methods, n * sizeof c->methods[0]);
	c->methods[n] = status_interface.methods[0];
	c->interface = (struct port_interface){ "control", c->methods, n + 1 };
	p->service.interface = &c->interface;
	if (p->service.handler_count < PERMIT_HANDLERS_MAX &&
	    permit_call(PROCESS_CONTROL, PROCESS_MAIL, &status_interface, status_handler.number))
		p->handlers[p->service.handler_count++] = status_handler;
	return 0;
}

int
control_open(
    int fd, const char *data_folder, const struct port_service *service, struct control **control_out, struct error *e)
{
	struct control *c = mem_alloc(sizeof *c);
	int rc;

	if (c == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	c->fd = fd;
	c->folder = open(data_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = gather(c, service, e);
	if (rc == 0)
		rc = port_server_new(&c->permitted.service, &c->server, e);
	if (rc == 0)
		rc = thread_start(&c->thread, "control", accept_all, c, e);
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

static int
connect_as(const char *data_folder, const struct port_interface *interface, struct port **port_out, struct error *e)
{
	int folder = open(data_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = socket_name(folder);
	bool there = folder >= 0 && fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof name) == 0;
	bool denied = !there && (errno == EACCES || errno == EPERM);

	if (folder >= 0)
		(void)close(folder);
	if (there)
		return port_open_socket(interface, fd, port_out, e);
	if (fd >= 0)
		(void)close(fd);
	if (denied)
		return error_set(e, ERR_DENIED,
		    "'%s' is closed to this user: be the user who has it (runuser -u USER -- letterlockd ...), or root",
		    data_folder);
	return error_set(e, ERR_NET, "no letterlockd runs on '%s'", data_folder);
}

int
control_connect(const char *data_folder, struct port **port_out, struct error *e)
{
	return connect_as(data_folder, &store_interface, port_out, e);
}

int
control_connect_status(const char *data_folder, struct port **port_out, struct error *e)
{
	return connect_as(data_folder, &status_interface, port_out, e);
}
