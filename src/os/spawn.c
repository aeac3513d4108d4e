/* SPDX-License-Identifier: ISC */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"

extern char **environ;

#define READ_STEP 65536u

struct child {
	pid_t pid;
	int in, out; /* our ends, -1 when closed */
};

/* posix_spawn wants char *const *, and keeps the strings as they are. */
static char *const *
argv_of(const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} u = { argv };

	return u.out;
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The child starts with the usual signals, whatever this process ignores or blocks. */
static int
start(const char *const argv[], const char *const environment[], int in, int out, int err, pid_t *pid_out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	int rc;

	(void)sigemptyset(&none);
	(void)sigemptyset(&usual);
	(void)sigaddset(&usual, SIGPIPE);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &usual);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (err >= 0)
		(void)posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	/* Descriptors that came from our own caller (--passphrase-fd) are not marked to be closed. */
	(void)posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	rc = posix_spawnp(
	    pid_out, argv[0], &actions, &attr, argv_of(argv), environment == NULL ? environ : argv_of(environment));
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int
start_child(const char *const argv[], struct child *c, struct error *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = 0;

	*c = (struct child){ .pid = -1, .in = -1, .out = -1 };
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		rc = errno;
	else
		rc = start(argv, NULL, in[0], out[1], -1, &c->pid);
	close_end(&in[0]);
	close_end(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (rc != 0)
		return error_set_errno(e, rc == ENOENT ? ERR_NOT_FOUND : ERR_IO, rc, "cannot start %s", argv[0]);
	(void)fcntl(c->in, F_SETFL, O_NONBLOCK);
	return 0;
}

static void
feed_child(struct child *c, struct slice *in)
{
	ssize_t n = in->len == 0 ? 0 : write(c->in, in->data, in->len);

	if (n > 0)
		*in = slice_from(*in, (size_t)n);
	if (in->len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_end(&c->in);
}

static int
drain_child(struct child *c, struct buf *out, struct error *e)
{
	uint8_t dropped[4096];
	size_t room = out == NULL ? sizeof dropped : size_min(out->max - out->len, READ_STEP);
	uint8_t *p = out == NULL ? dropped : room == 0 ? NULL : buf_reserve(out, room);
	ssize_t n;

	if (p == NULL)
		return error_set(e, ERR_LIMIT, "a program wrote more than %zu octets", out->max);
	n = read(c->out, p, room);
	if (n > 0 && out != NULL)
		buf_commit(out, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR))
		close_end(&c->out);
	return 0;
}

static int
exchange(struct child *c, struct slice in, struct buf *out, int64_t deadline, const char *name, struct error *e)
{
	int rc = 0;

	/* A program that stops reading must not end this one by SIGPIPE. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

	(void)sigaction(SIGPIPE, &ignore, &before);
	while (rc == 0 && c->out >= 0) {
		struct pollfd p[2] = { { .fd = c->out, .events = POLLIN }, { .fd = c->in, .events = POLLOUT } };
		int64_t left = deadline - clock_ms();

		if (left <= 0)
			rc = error_set(e, ERR_TIMEOUT, "%s did not end in time", name);
		else if (poll(p, 2, (int)left) > 0 && p[1].revents != 0)
			feed_child(c, &in);
		else if (p[0].revents != 0)
			rc = drain_child(c, out, e);
	}
	(void)sigaction(SIGPIPE, &before, NULL);
	return rc;
}

static int
reap(struct child *c, int64_t deadline, const char *name, struct spawn_result *result, struct error *e)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(c->pid, &status, WNOHANG)) == 0 && clock_ms() < deadline)
		(void)poll(NULL, 0, 2);
	if (got == 0) {
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, &status, 0);
		return error_set(e, ERR_TIMEOUT, "%s did not end in time", name);
	}
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

int
spawn_run(const char *const argv[], struct slice in, struct buf *out, int timeout_ms, struct spawn_result *result,
    struct error *e)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct child c;
	int rc = start_child(argv, &c, e);

	if (rc == 0)
		rc = exchange(&c, in, out, deadline, argv[0], e);
	close_end(&c.in);
	close_end(&c.out);
	if (c.pid < 0)
		return rc;
	if (rc != 0) {
		(void)kill(c.pid, SIGKILL);
		(void)waitpid(c.pid, NULL, 0);
		return rc;
	}
	return reap(&c, deadline, argv[0], result, e);
}

int
spawn_detached(const char *const argv[], struct error *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = 0, rc;
	pid_t middle, pid;

	if (null < 0)
		return error_set_errno(e, ERR_IO, errno, "cannot open /dev/null");
	/* A process between, which ends at once: its child is adopted by init. */
	middle = fork();
	if (middle == 0) {
		(void)setsid();
		(void)dup2(null, STDERR_FILENO);
		_exit(start(argv, NULL, null, null, -1, &pid) == 0 ? 0 : 1);
	}
	(void)close(null);
	if (middle < 0)
		return error_set_errno(e, ERR_IO, errno, "cannot start %s", argv[0]);
	do {
		rc = waitpid(middle, &status, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(e, ERR_NOT_FOUND, "cannot start %s", argv[0]);
	return 0;
}

int
spawn_on(const char *const argv[], const char *const environment[], int fd, pid_t *pid_out, struct error *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;

	rc = start(argv, environment, fd, fd, null, pid_out);
	if (null >= 0)
		(void)close(null);
	return rc == 0 ? 0 : error_set_errno(e, rc == ENOENT ? ERR_NOT_FOUND : ERR_IO, rc, "cannot start %s", argv[0]);
}

void
spawn_end(pid_t pid, int timeout_ms)
{
	struct child c = { .pid = pid, .in = -1, .out = -1 };
	struct spawn_result result;

	(void)reap(&c, clock_ms() + timeout_ms, "", &result, NULL);
}
