/* SPDX-License-Identifier: ISC */
#include "client/agent/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/mem.h"
#include "client/agent/internal.h"
#include "client/agent/shield.h"
#include "client/agent/tokens.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/paths.h"

#define FRAME_MAX (AGENT_KEY_OCTETS + 8192u)
#define FIRST_ROOM 8192u /* a buffer's first size; when it moves, what it leaves is overwritten (agent/memory.h) */

int
agent_socket_path(char *out, struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc = paths_runtime(folder, e);

	if (rc == 0)
		rc = dir_make_private(folder, e);
	if (rc == 0)
		rc = dir_check_private(folder, e);
	return rc == 0 ? path_join(out, folder, "agent", e) : rc;
}

/*
 * All whole frames. What was read is wiped at once: it may have been a passphrase. One that waits for a person stays in
 * front, and is carried out again when there is an answer.
 */
static int
carry_out_all(struct agent *a, struct peer *p, int64_t now_ms)
{
	struct codec_frame f;
	size_t used;
	int rc;

	while ((rc = codec_frame_next(buf_slice(&p->in), &f, &used, NULL)) == 1) {
		rc = agent_carry_out(a, p, &f, now_ms);
		p->since_ms = now_ms;
		if (rc == AGENT_LATER)
			return 0;
		explicit_bzero(p->in.data, used);
		buf_consume(&p->in, used);
		if (rc != 0)
			break;
	}
	return rc;
}

/* ---- connections ---- */

static void
drop_peer(struct agent *a, size_t i)
{
	struct peer *p = a->peers[i];

	asking_end(a, p);
	(void)close(p->fd);
	buf_wipe_done(&p->in);
	buf_wipe_done(&p->out);
	mem_free(p);
	a->peers[i] = a->peers[--a->peer_count];
}

static bool
same_user(int fd, pid_t *pid_out)
{
	struct ucred c = { .uid = (uid_t)-1 };
	socklen_t len = sizeof c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) != 0 || c.uid != geteuid())
		return false;
	*pid_out = c.pid;
	return true;
}

static void
take_peer(struct agent *a, int64_t now_ms)
{
	int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	pid_t pid = 0;
	struct peer *p =
	    fd < 0 || a->peer_count == AGENT_PEERS_MAX || !same_user(fd, &pid) ? NULL : mem_alloc(sizeof *p);

	if (p == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	p->fd = fd;
	p->pid = pid;
	p->since_ms = now_ms;
	buf_init(&p->in, FRAME_MAX);
	buf_init(&p->out, FRAME_MAX);
	a->peers[a->peer_count++] = p;
	if (buf_reserve(&p->in, FIRST_ROOM) == NULL || buf_reserve(&p->out, FIRST_ROOM) == NULL)
		drop_peer(a, a->peer_count - 1);
}

static int
read_peer(struct agent *a, struct peer *p, int64_t now_ms)
{
	size_t room = size_min(p->in.max - p->in.len, FIRST_ROOM);
	uint8_t *to = room == 0 ? NULL : buf_reserve(&p->in, room);
	ssize_t n = to == NULL ? 0 : recv(p->fd, to, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return ERR_CLOSED;
	buf_commit(&p->in, (size_t)n);
	p->since_ms = now_ms;
	return carry_out_all(a, p, now_ms);
}

static int
write_peer(struct peer *p, int64_t now_ms)
{
	ssize_t n = p->out.len == 0 ? 0 : send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return ERR_CLOSED;
	if (n > 0) {
		explicit_bzero(p->out.data, (size_t)n);
		buf_consume(&p->out, (size_t)n);
		p->since_ms = now_ms;
	}
	return 0;
}

/* Its question is over, or its turn has come. */
static bool
may_go_on(const struct agent *a, const struct peer *p)
{
	return (p->wait == WAITS_FOR_ANSWER && asking_is_over(a, p)) ||
	    (p->wait == WAITS_ITS_TURN && a->asking.peer == NULL);
}

static int
serve_peer(struct agent *a, struct peer *p, short ready, int64_t now_ms)
{
	int rc = 0;

	if (p->wait != WAITS_NOT && (ready & (POLLHUP | POLLERR)) != 0)
		return ERR_CLOSED;
	if (p->wait == WAITS_NOT && (ready & (POLLIN | POLLHUP | POLLERR)) != 0)
		rc = read_peer(a, p, now_ms);
	if (rc == 0 && may_go_on(a, p))
		rc = carry_out_all(a, p, now_ms);
	return rc == 0 && p->out.len > 0 ? write_peer(p, now_ms) : rc;
}

static bool
is_too_slow(const struct peer *p, int64_t now_ms)
{
	return p->wait == WAITS_NOT && (p->in.len > 0 || p->out.len > 0) && now_ms - p->since_ms > AGENT_PEER_MS;
}

/* From the last to the first, for a dropped one is replaced by the last. */
static void
serve_peers(struct agent *a, const struct pollfd *ready, int64_t now_ms)
{
	for (size_t i = a->peer_count; i-- > 0;) {
		if (serve_peer(a, a->peers[i], ready[i].revents, now_ms) != 0 || is_too_slow(a->peers[i], now_ms))
			drop_peer(a, i);
	}
}

/* ---- what makes it forget ---- */

static void
forget_all(struct agent *a, enum agent_why why)
{
	(void)agent_vault_forget(a->vault, SLICE_EMPTY, why);
	tokens_stop(&a->tokens);
}

static void
hear_launcher(struct agent *a)
{
	struct launcher_message m, done = { .type = LAUNCHER_FORGOT };
	int rc;

	while ((rc = launcher_receive(a->launcher, &m)) == 1) {
		if (m.type == LAUNCHER_STARTED)
			asking_started(a, &m);
		else if (m.type == LAUNCHER_LOGIND)
			a->logind = m.code == 1;
		else if (m.type == LAUNCHER_LOCKED)
			forget_all(a, AGENT_SESSION_LOCK);
		else if (m.type == LAUNCHER_SUSPEND) {
			forget_all(a, AGENT_SUSPEND);
			(void)launcher_send(a->launcher, &done, -1, NULL);
		}
	}
	if (rc == ERR_CLOSED) {
		(void)close(a->launcher);
		a->launcher = -1;
		a->logind = false;
	}
}

bool
agent_slept(int64_t *ahead_ms, int64_t boot_ms, int64_t ms)
{
	int64_t before = *ahead_ms;

	*ahead_ms = boot_ms - ms;
	return *ahead_ms - before > AGENT_SLEPT_MS;
}

/* Before anything else is done after sleep. */
static void
notice_sleep(struct agent *a)
{
	if (agent_slept(&a->ahead_ms, clock_boot_ms(), clock_ms()))
		forget_all(a, AGENT_SLEPT);
}

/* ---- the process ---- */

static bool
socket_is_ours(const struct agent *a)
{
	struct stat st;

	return lstat(a->path, &st) == 0 && st.st_ino == a->inode;
}

static bool
should_end(struct agent *a, int64_t next_ms, int64_t now_ms)
{
	if (next_ms != MACHINE_NEVER || a->peer_count > 0)
		a->idle_since_ms = now_ms;
	return a->stopping || now_ms - a->idle_since_ms > AGENT_IDLE_MS || !socket_is_ours(a);
}

static void
flush_peers(struct agent *a)
{
	for (size_t i = 0; i < a->peer_count; i++)
		(void)write_peer(a->peers[i], 0);
}

/* With the last key of a token the PIN is forgotten too. */
static void
leave_tokens(struct agent *a)
{
	if (a->asking.peer == NULL && !agent_vault_uses_elsewhere(a->vault))
		tokens_stop(&a->tokens);
}

enum { OF_LISTENER, OF_LAUNCHER, OF_ASKING, OF_OTHERS };

static size_t
fill(const struct agent *a, struct pollfd *ready)
{
	size_t n = 0;

	for (; n < a->peer_count; n++)
		ready[n] = (struct pollfd){ .fd = a->peers[n]->fd,
			.events = (short)((a->peers[n]->wait == WAITS_NOT ? POLLIN : 0) |
			    (a->peers[n]->out.len > 0 ? POLLOUT : 0)) };
	ready[n + OF_LISTENER] = (struct pollfd){ .fd = a->listener, .events = POLLIN };
	ready[n + OF_LAUNCHER] = (struct pollfd){ .fd = a->launcher, .events = POLLIN };
	ready[n + OF_ASKING] = (struct pollfd){ .fd = a->asking.fd,
		.events = (short)(POLLIN |
		    (a->asking.talk != NULL && pinentry_talk_output(a->asking.talk).len > 0 ? POLLOUT : 0)) };
	return n;
}

/* What was asked for while nobody waits any more is carried out at once: another turn may be due. */
static int
patience(const struct agent *a, int64_t next_ms, int64_t now_ms)
{
	for (size_t i = 0; i < a->peer_count; i++) {
		if (may_go_on(a, a->peers[i]))
			return 0;
	}
	return next_ms - now_ms < AGENT_LOOK_MS ? (int)(next_ms - now_ms) : AGENT_LOOK_MS;
}

static void
serve(struct agent *a)
{
	struct pollfd ready[AGENT_PEERS_MAX + OF_OTHERS];
	int64_t now = clock_boot_ms(), next;
	size_t count;

	a->idle_since_ms = now;
	a->ahead_ms = now - clock_ms();
	while (next = agent_vault_expire(a->vault, now), !should_end(a, next, now)) {
		leave_tokens(a);
		count = fill(a, ready);
		if (poll(ready, (nfds_t)count + OF_OTHERS, patience(a, next, now)) < 0)
			memset(ready, 0, sizeof ready);
		notice_sleep(a);
		now = clock_boot_ms();
		if (ready[count + OF_LAUNCHER].revents != 0)
			hear_launcher(a);
		asking_run(a, ready[count + OF_ASKING].revents & (POLLIN | POLLHUP | POLLERR), now);
		serve_peers(a, ready, now);
		if (ready[count + OF_LISTENER].revents != 0)
			take_peer(a, now);
	}
	flush_peers(a);
}

static int
bind_socket(struct agent *a, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	if (strlen(a->path) >= sizeof address.sun_path)
		return error_set(e, ERR_LIMIT, "the path %s is too long for a socket: set XDG_RUNTIME_DIR", a->path);
	memcpy(address.sun_path, a->path, strlen(a->path));
	a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->listener < 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	(void)unlink(a->path); /* the lock says that nobody serves there */
	if (bind(a->listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(a->listener, 16) != 0 ||
	    lstat(a->path, &st) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot listen on %s", a->path);
	a->inode = st.st_ino;
	return 0;
}

static void
harden(void)
{
	struct rlimit none = { 0 };

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NAME, "letterlock-agent");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(0077);
	if (chdir("/") != 0)
		return; /* then it keeps the folder that it was started in busy, no more */
}

/* The folder of the socket: all of the file system that is left. */
static int
enter_sandbox(struct agent *a, struct error *e)
{
	char folder[FILE_PATH_MAX];
	const char *const write[] = { folder };
	const struct sandbox_paths paths = { .write = write, .write_count = 1 };
	char *slash;

	(void)snprintf(folder, sizeof folder, "%s", a->path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return error_set(e, ERR_INTERNAL, "the socket lies nowhere");
	*slash = '\0';
	return sandbox_enter(SANDBOX_AGENT, &paths, &a->sandbox, e);
}

static void
end(struct agent *a)
{
	if (a->inode != 0 && socket_is_ours(a))
		(void)unlink(a->path);
	while (a->peer_count > 0)
		drop_peer(a, a->peer_count - 1);
	tokens_stop(&a->tokens);
	if (a->listener >= 0)
		(void)close(a->listener);
	if (a->launcher >= 0)
		(void)close(a->launcher);
	agent_vault_free(a->vault);
}

static int
run(struct agent *a, struct error *e)
{
	int rc;

	a->tokens.agent = a;
	a->elsewhere = tokens_elsewhere(&a->tokens);
	rc = agent_vault_new(&a->elsewhere, &a->vault, e);
	if (rc == 0)
		rc = bind_socket(a, e);
	if (rc == 0 && !a->setup.alone)
		rc = enter_sandbox(a, e);
	if (rc == 0)
		serve(a);
	end(a);
	return rc;
}

int
agent_server_run(const char *socket_path, const struct agent_setup *setup, struct error *e)
{
	char lock_path[FILE_PATH_MAX + 8];
	struct agent a = { .listener = -1,
		.launcher = setup->launcher,
		.path = socket_path,
		.setup = *setup,
		.asking.fd = -1,
		.tokens.fd = -1 };
	int lock, rc;

	harden();
	agent_shield_hold(setup->hold_ms);
	(void)snprintf(lock_path, sizeof lock_path, "%s.lock", socket_path);
	rc = file_lock(lock_path, false, &lock, e);
	if (rc != 0)
		return rc;
	rc = run(&a, e);
	file_unlock(lock);
	return rc;
}
