/* SPDX-License-Identifier: ISC */
#include "os/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static uint16_t
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} a = { .any.sa_family = AF_UNSPEC };
	socklen_t length = sizeof a;

	if (getsockname(fd, &a.any, &length) != 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.any.sa_family == AF_INET6 ? a.v6.sin6_port : 0);
}

static int
take_socket(int fd, const char *name, struct systemd_socket *out, struct error *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return error_set(e, ERR_USAGE,
		    "descriptor %d (%s) of the service manager is no listening stream socket: "
		    "use ListenStream= and Accept=no",
		    fd, name);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return error_set_errno(e, ERR_IO, errno, "descriptor %d (%s) cannot be prepared", fd, name);
	*out = (struct systemd_socket){ .fd = fd, .port = port_of(fd) };
	(void)snprintf(out->name, sizeof out->name, "%s", name);
	return 0;
}

/* libsystemd's list is the caller's to free, by free(): which is what mem_free() is. */
static void
free_names(char **names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		mem_free(names[i]);
	mem_free(names);
}

int
systemd_sockets(struct systemd_socket out[SYSTEMD_SOCKETS_MAX], size_t *count_out, struct error *e)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), rc = 0;

	*count_out = 0;
	if (n < 0)
		return error_set_errno(e, ERR_USAGE, -n, "the service manager's list of sockets cannot be understood");
	if ((unsigned)n > SYSTEMD_SOCKETS_MAX)
		rc = error_set(
		    e, ERR_LIMIT, "the service manager gave %d sockets, more than %u", n, SYSTEMD_SOCKETS_MAX);
	for (int i = 0; i < n && rc == 0; i++)
		rc = take_socket(SD_LISTEN_FDS_START + i, names[i], &out[i], e);
	for (int i = 0; i < n && rc != 0; i++)
		(void)close(SD_LISTEN_FDS_START + i);
	free_names(names);
	if (rc == 0)
		*count_out = (size_t)n;
	return rc;
}

/* Each line is a field of the message: a text must not bring its own. */
static void
one_line(char out[SYSTEMD_STATUS_MAX], const char *text)
{
	(void)snprintf(out, SYSTEMD_STATUS_MAX, "%s", text);
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
}

void
systemd_ready(const char *status)
{
	char line[SYSTEMD_STATUS_MAX];

	one_line(line, status);
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", line);
}

void
systemd_reloading(void)
{
	struct timespec now;

	/* The time tells the manager which of several reloads this is. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the settings again",
	    (unsigned long long)now.tv_sec * 1000000u + (unsigned long long)now.tv_nsec / 1000u);
}

void
systemd_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}

void
systemd_alive(void)
{
	uint64_t within;

	if (sd_watchdog_enabled(0, &within) > 0)
		(void)sd_notify(0, "WATCHDOG=1");
}

void
systemd_status(const char *status)
{
	char line[SYSTEMD_STATUS_MAX];

	one_line(line, status);
	(void)sd_notifyf(0, "STATUS=%s", line);
}
