/* SPDX-License-Identifier: ISC */
#include "daemon/listening.h"

#include <string.h>
#include <unistd.h>

#include "net/server.h"
#include "os/systemd.h"

#define PATIENCE_MS 2000
#define PATIENCE_STEP_MS 50
#define PORT_TRIES 20

static int
add(struct listening *l, enum config_port port, int fd, struct error *e)
{
	if (l->count == LISTENING_MAX) {
		(void)close(fd);
		return error_set(e, ERR_LIMIT, "at most %zu listening sockets", LISTENING_MAX);
	}
	l->sockets[l->count++] = (struct listening_socket){ .port = port, .fd = fd };
	if (l->ports[port] == 0)
		l->ports[port] = server_port_of(fd);
	return 0;
}

static int
take_given(struct listening *l, struct error *e)
{
	static struct systemd_socket given[SYSTEMD_SOCKETS_MAX];
	size_t count = 0;
	int rc = systemd_sockets(given, &count, e);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		int port = 0;

		while (port < CONFIG_PORT_COUNT && strcmp(given[i].name, config_port_names[port]) != 0)
			port++;
		if (port == CONFIG_PORT_COUNT)
			rc = error_set(e, ERR_USAGE,
			    "the service manager gave a socket with the name '%s'; names are %s", given[i].name,
			    config_port_list);
		else
			rc = add(l, (enum config_port)port, given[i].fd, e);
	}
	return rc;
}

/* A server that was killed leaves processes that are about to end: they still have the port for a moment. */
static int
bind_patiently(const char *address, uint16_t port, int *fd_out, struct error *e)
{
	int rc = server_bind(address, port, fd_out, e);

	for (int i = 0; rc == ERR_NET && port != 0 && i < PATIENCE_MS / PATIENCE_STEP_MS; i++) {
		(void)usleep(PATIENCE_STEP_MS * 1000);
		rc = server_bind(address, port, fd_out, e);
	}
	return rc;
}

static int
bind_addresses(struct listening *l, enum config_port which, const struct config *config, struct error *e)
{
	uint16_t port = (uint16_t)config->ports[which];
	size_t before = l->count, count;
	const char *const *addresses = config_addresses(config, which, &count);

	for (size_t i = 0; i < count; i++) {
		/* With port 0 the first address says which; nobody is about to leave it. */
		bool any = config->ports[which] == 0;
		int fd, rc;

		rc = any ? server_bind(addresses[i], port, &fd, e) : bind_patiently(addresses[i], port, &fd, e);
		if (rc == ERR_UNSUPPORTED && count > 1)
			continue;
		if (rc == 0)
			rc = add(l, which, fd, e);
		if (rc != 0)
			return error_context(e, "%s", config_port_names[which]);
		port = l->ports[which];
	}
	return l->count > before ? 0
				 : error_set(e, ERR_USAGE, "none of the addresses in 'listen' is one of this machine");
}

/* Where a mail server in front of us finds LMTP; patiently, as above. */
static int
bind_socket(struct listening *l, const char *path, struct error *e)
{
	int fd, rc = server_bind_unix(path, &fd, e);

	for (int i = 0; rc == ERR_NET && i < PATIENCE_MS / PATIENCE_STEP_MS; i++) {
		(void)usleep(PATIENCE_STEP_MS * 1000);
		rc = server_bind_unix(path, &fd, e);
	}
	return rc != 0 ? error_context(e, "lmtp_socket") : add(l, CONFIG_PORT_LMTP, fd, e);
}

/* Port 0, any that is free: what is free at one address may be taken at the next, and then it is another. */
static int
bind_everywhere(struct listening *l, enum config_port which, const struct config *config, struct error *e)
{
	size_t before = l->count;
	int rc = bind_addresses(l, which, config, e);

	for (int i = 0; rc == ERR_NET && config->ports[which] == 0 && i < PORT_TRIES; i++) {
		while (l->count > before)
			(void)close(l->sockets[--l->count].fd);
		l->ports[which] = 0;
		rc = bind_addresses(l, which, config, e);
	}
	return rc;
}

int
listening_open(const struct config *config, struct listening *out, struct error *e)
{
	int rc;

	*out = (struct listening){ 0 };
	rc = take_given(out, e);
	for (int i = 0; rc == 0 && i < CONFIG_PORT_COUNT; i++)
		if (out->ports[i] == 0 && config->ports[i] != CONFIG_PORT_OFF)
			rc = bind_everywhere(out, (enum config_port)i, config, e);
	if (rc == 0 && config->lmtp_socket != NULL)
		rc = bind_socket(out, config->lmtp_socket, e);
	if (rc != 0)
		listening_close(out);
	return rc;
}

void
listening_close(struct listening *l)
{
	for (size_t i = 0; i < l->count; i++)
		(void)close(l->sockets[i].fd);
	l->count = 0;
}
