/* SPDX-License-Identifier: ISC */
#include "client/agent/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/logind.h"
#include "os/paths.h"
#include "os/sandbox.h"
#include "os/spawn.h"

#define WIRE 3             /* its end of the socket to the agent */
#define RECONNECT_MS 30000 /* logind may be started again */
#define VARIABLES_MAX 32u  /* of a program's environment */
#define VARIABLE_MAX 600u  /* octets of one */

struct launcher {
	const struct agent_config *config;
	char self[FILE_PATH_MAX];
	struct logind *logind; /* NULL: there is none */
};

/* ---- messages ---- */

int
launcher_send(int launcher, const struct launcher_message *m, int fd, struct error *e)
{
	union {
		char octets[CMSG_SPACE(sizeof fd)];
		struct cmsghdr align;
	} control = { { 0 } };
	union {
		const struct launcher_message *in;
		void *out;
	} u = { m };
	struct iovec v = { .iov_base = u.out, .iov_len = sizeof *m };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		h.msg_control = control.octets;
		h.msg_controllen = sizeof control.octets;
		CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof fd);
	}
	if (launcher < 0 || sendmsg(launcher, &h, MSG_NOSIGNAL) != (ssize_t)sizeof *m)
		return error_set(e, ERR_CLOSED, "the agent's launcher does not answer: `letterlock agent stop`");
	return 0;
}

static int
receive(int wire, struct launcher_message *out, int *fd_out)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec v = { .iov_base = out, .iov_len = sizeof *out };
	struct msghdr h = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof control.octets
	};
	ssize_t n = recvmsg(wire, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&h);

	*fd_out = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd_out, CMSG_DATA(c), sizeof *fd_out);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	out->text[LAUNCHER_TEXT_MAX - 1] = '\0';
	return n == (ssize_t)sizeof *out ? 1 : ERR_CLOSED;
}

int
launcher_receive(int launcher, struct launcher_message *out)
{
	int fd, rc = receive(launcher, out, &fd);

	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static void
say(enum launcher_type type, int code, const char *text)
{
	struct launcher_message m = { .type = type, .code = code };

	(void)snprintf(m.text, sizeof m.text, "%s", text);
	(void)launcher_send(WIRE, &m, -1, NULL);
}

/* ---- programs ---- */

struct environment {
	char texts[VARIABLES_MAX][VARIABLE_MAX];
	const char *list[VARIABLES_MAX + 1];
	size_t count;
};

static void
put_variable(struct environment *v, const char *name, const char *value)
{
	char *out = v->texts[v->count < VARIABLES_MAX ? v->count : 0];
	size_t n = name == NULL ? 0 : strlen(name), m = value == NULL ? 0 : strlen(value);

	if (n == 0 || m == 0 || v->count == VARIABLES_MAX || n + m + 2 > VARIABLE_MAX)
		return;
	memcpy(out, name, n);
	out[n] = '=';
	memcpy(out + n + 1, value, m + 1);
	v->list[v->count++] = out;
}

/* Only what it needs: a fixed PATH, and what the seat says. */
static void
put_seat(struct environment *v, const struct pinentry_seat *seat)
{
	put_variable(v, "PATH", "/usr/bin:/bin");
	put_variable(v, "HOME", getenv("HOME"));
	put_variable(v, "LANG", getenv("LANG"));
	for (int i = 0; i < SEAT_ITEMS; i++)
		put_variable(v, pinentry_seat_variable((enum seat_item)i), seat->items[i]);
}

static int
start_pinentry(const struct launcher *l, struct launcher_message *m, int fd, struct error *e)
{
	char program[FILE_PATH_MAX];
	const char *const argv[] = { program, NULL };
	struct environment v = { .count = 0 };
	pid_t pid;
	int rc;

	for (int i = 0; i < SEAT_ITEMS; i++)
		m->seat.items[i][SEAT_TEXT_MAX - 1] = '\0';
	put_seat(&v, &m->seat);
	rc = pinentry_program(l->config->pinentry, &m->seat, program, e);
	return rc == 0 ? spawn_on(argv, v.list, fd, &pid, e) : rc;
}

/* Modules look for their settings where the user's environment says. */
static int
start_tokens(const struct launcher *l, int fd, struct error *e)
{
	const char *const argv[] = { l->self, "agent", "run-tokens", NULL };
	pid_t pid;

	return spawn_on(argv, NULL, fd, &pid, e);
}

static void
obey(struct launcher *l, struct launcher_message *m, int fd)
{
	struct error error = { 0 };
	int rc = 0;

	if (m->type == LAUNCHER_FORGOT) {
		logind_release(l->logind);
		return;
	}
	if (fd < 0)
		rc = error_set(&error, ERR_IO, "no descriptor came");
	else
		rc = m->type == LAUNCHER_PINENTRY ? start_pinentry(l, m, fd, &error) : start_tokens(l, fd, &error);
	say(LAUNCHER_STARTED, rc, error.text);
}

/* ---- its life ---- */

static void
listen_to_logind(struct launcher *l)
{
	enum logind_event event;

	while ((event = logind_next(l->logind)) != LOGIND_NOTHING) {
		if (event == LOGIND_SUSPEND)
			say(LAUNCHER_SUSPEND, 0, "");
		else if (event == LOGIND_LOCK && l->config->lock)
			say(LAUNCHER_LOCKED, 0, "");
		else if (event == LOGIND_GONE) {
			logind_close(l->logind);
			l->logind = NULL;
			say(LAUNCHER_LOGIND, 0, "");
			return;
		}
	}
}

static void
look_for_logind(struct launcher *l)
{
	if (l->logind == NULL && logind_open(&l->logind, NULL) == 0)
		say(LAUNCHER_LOGIND, 1, "");
}

static void
serve(struct launcher *l)
{
	struct launcher_message m;
	int fd, rc;

	for (;;) {
		struct pollfd p[2] = { { .fd = WIRE, .events = POLLIN },
			{ .fd = logind_fd(l->logind), .events = logind_events(l->logind) } };

		if (poll(p, 2, l->logind == NULL ? RECONNECT_MS : logind_timeout_ms(l->logind)) < 0 && errno != EINTR)
			return;
		listen_to_logind(l);
		look_for_logind(l);
		while ((rc = receive(WIRE, &m, &fd)) == 1) {
			obey(l, &m, fd);
			if (fd >= 0)
				(void)close(fd);
		}
		if (rc == ERR_CLOSED)
			return;
	}
}

static void
be_launcher(const struct agent_config *config, int fd)
{
	struct launcher l = { .config = config };
	struct sandbox_state state;

	/* Of the agent's descriptors it keeps this one. */
	if (fd != WIRE && dup2(fd, WIRE) < 0)
		_exit(1);
	(void)fcntl(WIRE, F_SETFD, FD_CLOEXEC);
	(void)close_range(WIRE + 1, ~0u, 0);
	(void)prctl(PR_SET_NAME, "agent-launcher");
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for what it starts */
	(void)signal(SIGINT, SIG_IGN);  /* Ctrl-C at the agent's terminal is the agent's */
	if (paths_self(l.self, NULL) != 0 || sandbox_enter(SANDBOX_LAUNCHER, NULL, &state, NULL) != 0)
		_exit(1);
	look_for_logind(&l);
	if (l.logind == NULL)
		say(LAUNCHER_LOGIND, 0, "");
	serve(&l);
	_exit(0);
}

int
launcher_start(const struct agent_config *config, int *fd_out, struct error *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	pid = fork();
	if (pid == 0)
		be_launcher(config, pair[1]);
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return error_set_errno(e, ERR_IO, errno, "cannot start the launcher");
	}
	*fd_out = pair[0];
	return 0;
}
