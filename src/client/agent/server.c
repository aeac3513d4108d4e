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
#include "client/agent/vault.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/paths.h"

#define FRAME_MAX (AGENT_KEY_OCTETS + 8192u)
#define FIRST_ROOM 65536u /* a buffer's first size: it does not move while a passphrase is in it, usual keys fit */
#define ARENA_BUDGET (4u << 20)

struct peer {
	int fd;
	int64_t since_ms; /* of the octets that wait */
	struct buf in, out;
};

struct agent {
	int listener;
	const char *path;
	ino_t inode;
	int64_t idle_since_ms;
	bool stopping;
	struct agent_vault *vault;
	struct peer *peers[AGENT_PEERS_MAX];
	size_t peer_count;
};

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

/* ---- operations: each fills its reply ---- */

union reply {
	struct agent_nothing nothing;
	struct agent_hello hello;
	struct agent_count count;
	struct agent_octets octets;
	struct agent_opened opened;
	struct agent_list list;
};

union request {
	struct agent_nothing nothing;
	struct agent_hello hello;
	struct agent_unlock unlock;
	struct agent_key key;
	struct agent_sign sign;
	struct agent_open open;
	struct agent_password password;
	struct agent_account account;
};

struct call {
	struct agent *agent;
	const void *request;
	struct arena *arena;
	union reply *reply;
	int64_t now_ms;
};

static int
do_hello(struct call *c, struct error *e)
{
	const struct agent_hello *r = c->request;

	c->reply->hello = (struct agent_hello){ .version = AGENT_VERSION, .pid = (uint64_t)getpid() };
	if (r->version != AGENT_VERSION)
		return error_set(e, ERR_UNSUPPORTED, "the agent speaks version %u: stop it, it starts again by itself",
		    AGENT_VERSION);
	return 0;
}

static int
do_unlock(struct call *c, struct error *e)
{
	const struct agent_unlock *r = c->request;

	return agent_vault_unlock(
	    c->agent->vault, r->key, r->passphrase, r->seconds, c->now_ms, &c->reply->count.count, e);
}

static int
do_holds(struct call *c, struct error *e)
{
	const struct agent_key *r = c->request;

	(void)e;
	c->reply->count.count = agent_vault_holds(c->agent->vault, r->fingerprint, c->now_ms);
	return 0;
}

static int
do_sign(struct call *c, struct error *e)
{
	const struct agent_sign *r = c->request;
	BUF_OWNED struct buf fields = { .max = 1 << 16 };
	int rc = agent_vault_sign(c->agent->vault, r->fingerprint, r->hash, r->digest, c->now_ms, &fields, e);

	c->reply->octets.octets = rc == 0 ? arena_copy(c->arena, buf_slice(&fields)) : SLICE_EMPTY;
	return rc;
}

static int
do_open(struct call *c, struct error *e)
{
	const struct agent_open *r = c->request;
	struct pgp_pkesk_fields p = { .version = r->version, .algorithm = r->algorithm, .fields = r->fields };
	SECRET_OWNED struct secret key = SECRET_EMPTY;
	uint8_t cipher = 0;
	int rc = agent_vault_open(c->agent->vault, r->fingerprint, &p, c->now_ms, &cipher, &key, e);

	if (rc == 0)
		c->reply->opened =
		    (struct agent_opened){ .cipher = cipher, .key = arena_copy(c->arena, secret_slice(&key)) };
	return rc;
}

static int
do_list(struct call *c, struct error *e)
{
	struct agent_held *items = arena_array(c->arena, AGENT_KEYS_MAX, sizeof *items);

	if (items == NULL)
		return error_nomem(e);
	c->reply->list.items = items;
	c->reply->list.item_count = agent_vault_list(c->agent->vault, c->now_ms, items, AGENT_KEYS_MAX);
	return 0;
}

static int
do_forget(struct call *c, struct error *e)
{
	const struct agent_key *r = c->request;

	(void)e;
	c->reply->count.count = agent_vault_forget(c->agent->vault, r->fingerprint);
	return 0;
}

static int
do_password_put(struct call *c, struct error *e)
{
	const struct agent_password *r = c->request;

	c->reply->count.count = 1;
	return agent_vault_password_put(c->agent->vault, r->account, r->password, r->seconds, c->now_ms, e);
}

static int
do_password_get(struct call *c, struct error *e)
{
	const struct agent_account *r = c->request;
	SECRET_OWNED struct secret password = SECRET_EMPTY;
	int rc = agent_vault_password_get(c->agent->vault, r->account, c->now_ms, &password, e);

	if (rc == 0)
		c->reply->octets.octets = arena_copy(c->arena, secret_slice(&password));
	return rc;
}

static int
do_stop(struct call *c, struct error *e)
{
	(void)e;
	(void)agent_vault_forget(c->agent->vault, SLICE_EMPTY);
	c->agent->stopping = true;
	return 0;
}

static int (*const operations[AGENT_TYPE_COUNT])(struct call *, struct error *) = {
	[AGENT_HELLO] = do_hello,
	[AGENT_UNLOCK] = do_unlock,
	[AGENT_HOLDS] = do_holds,
	[AGENT_SIGN] = do_sign,
	[AGENT_OPEN] = do_open,
	[AGENT_LIST] = do_list,
	[AGENT_FORGET] = do_forget,
	[AGENT_PASSWORD_PUT] = do_password_put,
	[AGENT_PASSWORD_GET] = do_password_get,
	[AGENT_STOP] = do_stop,
};

/* ---- one request ---- */

static int
put_failure(struct peer *p, const struct codec_frame *f, const struct error *error)
{
	struct agent_error reply = { .code = (uint32_t)-error->code, .text = slice_str(error->text) };

	return codec_frame_put(&p->out, f->type | AGENT_FAILED, f->ticket, &agent_error_schema, &reply, NULL);
}

static int
carry_out(struct agent *a, struct peer *p, const struct codec_frame *f, int64_t now_ms)
{
	const struct agent_schemas *s = agent_schemas(f->type);
	struct error error = { 0 };
	union request request = { 0 };
	union reply reply = { 0 };
	struct arena arena;
	struct call c = { .agent = a, .request = &request, .arena = &arena, .reply = &reply, .now_ms = now_ms };
	int rc;

	if (s == NULL)
		return error_set(NULL, ERR_SYNTAX, "no such operation");
	arena_init(&arena, ARENA_BUDGET);
	rc = codec_decode(s->request, f->body, &arena, &request, &error);
	if (rc == 0)
		rc = operations[f->type](&c, &error);
	rc = rc == 0 ? codec_frame_put(&p->out, f->type, f->ticket, s->reply, &reply, NULL) : put_failure(p, f, &error);
	arena_wipe_done(&arena);
	return rc;
}

/* All whole frames. What was read is wiped at once: it may have been a passphrase. */
static int
carry_out_all(struct agent *a, struct peer *p, int64_t now_ms)
{
	struct codec_frame f;
	size_t used;
	int rc;

	while ((rc = codec_frame_next(buf_slice(&p->in), &f, &used, NULL)) == 1) {
		rc = carry_out(a, p, &f, now_ms);
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

	(void)close(p->fd);
	buf_wipe_done(&p->in);
	buf_wipe_done(&p->out);
	mem_free(p);
	a->peers[i] = a->peers[--a->peer_count];
}

static bool
same_user(int fd)
{
	struct ucred c = { .uid = (uid_t)-1 };
	socklen_t len = sizeof c;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && c.uid == geteuid();
}

static void
take_peer(struct agent *a, int64_t now_ms)
{
	int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peer *p = fd < 0 || a->peer_count == AGENT_PEERS_MAX || !same_user(fd) ? NULL : mem_alloc(sizeof *p);

	if (p == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	p->fd = fd;
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

/* From the last to the first, for a dropped one is replaced by the last. */
static void
serve_peers(struct agent *a, const struct pollfd *ready, int64_t now_ms)
{
	for (size_t i = a->peer_count; i-- > 0;) {
		struct peer *p = a->peers[i];
		bool waits = p->in.len > 0 || p->out.len > 0;
		int rc = 0;

		if (ready[i].revents & (POLLIN | POLLHUP | POLLERR))
			rc = read_peer(a, p, now_ms);
		if (rc == 0 && p->out.len > 0)
			rc = write_peer(p, now_ms);
		if (rc != 0 || (waits && now_ms - p->since_ms > AGENT_PEER_MS))
			drop_peer(a, i);
	}
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

static void
serve(struct agent *a)
{
	struct pollfd ready[AGENT_PEERS_MAX + 1];
	int64_t now = clock_boot_ms(), next;
	size_t count;

	a->idle_since_ms = now;
	while (next = agent_vault_expire(a->vault, now), !should_end(a, next, now)) {
		count = a->peer_count;
		for (size_t i = 0; i < count; i++)
			ready[i] = (struct pollfd){ .fd = a->peers[i]->fd,
				.events = (short)(POLLIN | (a->peers[i]->out.len > 0 ? POLLOUT : 0)) };
		ready[count] = (struct pollfd){ .fd = a->listener, .events = POLLIN };
		if (poll(ready, (nfds_t)count + 1, next - now < AGENT_LOOK_MS ? (int)(next - now) : AGENT_LOOK_MS) < 0)
			ready[count].revents = 0;
		now = clock_boot_ms();
		serve_peers(a, ready, now);
		if (ready[count].revents != 0)
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
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(0077);
	if (chdir("/") != 0)
		return; /* then it keeps the folder that it was started in busy, no more */
}

static int
run(struct agent *a, struct error *e)
{
	int rc = agent_vault_new(&a->vault, e);

	if (rc == 0)
		rc = bind_socket(a, e);
	if (rc == 0)
		serve(a);
	if (a->inode != 0 && socket_is_ours(a))
		(void)unlink(a->path);
	while (a->peer_count > 0)
		drop_peer(a, a->peer_count - 1);
	if (a->listener >= 0)
		(void)close(a->listener);
	agent_vault_free(a->vault);
	return rc;
}

int
agent_server_run(const char *socket_path, struct error *e)
{
	char lock_path[FILE_PATH_MAX + 8];
	struct agent a = { .listener = -1, .path = socket_path };
	int lock, rc;

	harden();
	(void)snprintf(lock_path, sizeof lock_path, "%s.lock", socket_path);
	rc = file_lock(lock_path, false, &lock, e);
	if (rc != 0)
		return rc;
	rc = run(&a, e);
	file_unlock(lock);
	return rc;
}
