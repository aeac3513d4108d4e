/* SPDX-License-Identifier: ISC */
#include "client/agent/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/agent/server.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/paths.h"
#include "os/pinentry.h"
#include "os/spawn.h"

#define REPLY_MAX (1u << 20)
#define ROOM 65536u
#define CALL_ARENA (1u << 20)

struct agent_client {
	int fd;
	uint64_t ticket;
	struct buf in, out;
};

/* ---- connecting ---- */

static int
same_user(int fd, struct error *e)
{
	struct ucred c = { .uid = (uid_t)-1 };
	socklen_t len = sizeof c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && c.uid == geteuid())
		return 0;
	return error_set(e, ERR_DENIED, "the agent's socket belongs to another user's process");
}

static int
connect_to(const char *path, int *fd_out, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	if (strlen(path) >= sizeof address.sun_path)
		return error_set(e, ERR_LIMIT, "the path %s is too long for a socket: set XDG_RUNTIME_DIR", path);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		rc = error_set(e, ERR_NOT_FOUND, "no agent is running");
	else
		rc = same_user(fd, e);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

static int
wait_for_agent(const char *path, int *fd_out, struct error *e)
{
	int64_t until = clock_ms() + AGENT_START_MS;
	int rc;

	do {
		(void)poll(NULL, 0, 10);
		rc = connect_to(path, fd_out, e);
	} while (rc == ERR_NOT_FOUND && clock_ms() < until);
	return rc == ERR_NOT_FOUND ? error_set(e, ERR_TIMEOUT, "the agent does not start: try `letterlock agent run`")
				   : rc;
}

static int
start_agent(const char *path, int *fd_out, struct error *e)
{
	char self[FILE_PATH_MAX];
	const char *const argv[] = { self, "agent", "run", NULL };
	int rc = paths_self(self, e);

	if (rc == 0)
		rc = spawn_detached(argv, e);
	return rc == 0 ? wait_for_agent(path, fd_out, e) : rc;
}

static int
greet(struct agent_client *c, struct error *e)
{
	struct agent_hello ours = { .version = AGENT_VERSION, .pid = (uint64_t)getpid() }, theirs;
	struct arena a;
	int rc;

	arena_init(&a, CALL_ARENA);
	rc = agent_client_call(c, AGENT_HELLO, &ours, &a, &theirs, e);
	arena_done(&a);
	return rc;
}

/* So that questions come to where the person sits. */
static int
tell_seat(struct agent_client *c, struct error *e)
{
	struct pinentry_seat seat;
	struct slice items[SEAT_ITEMS];
	struct agent_seat request = { .items = items, .item_count = SEAT_ITEMS };
	struct agent_nothing reply;
	struct arena a;
	int rc;

	pinentry_seat_mine(&seat);
	for (size_t i = 0; i < SEAT_ITEMS; i++)
		items[i] = slice_str(seat.items[i]);
	arena_init(&a, CALL_ARENA);
	rc = agent_client_call(c, AGENT_SEAT, &request, &a, &reply, e);
	arena_done(&a);
	return rc;
}

/* Takes the descriptor. */
static int
begin(int fd, struct agent_client **out, struct error *e)
{
	struct agent_client *c = mem_alloc(sizeof *c);
	int rc;

	if (c == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	c->fd = fd;
	buf_init(&c->in, REPLY_MAX);
	buf_init(&c->out, AGENT_KEY_OCTETS + ROOM);
	rc = greet(c, e);
	if (rc == 0)
		rc = tell_seat(c, e);
	if (rc != 0) {
		agent_client_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
agent_client_open(bool start, struct agent_client **out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int fd, rc = agent_socket_path(path, e);

	if (rc == 0)
		rc = connect_to(path, &fd, e);
	if (rc == ERR_NOT_FOUND && start)
		rc = start_agent(path, &fd, e);
	return rc == 0 ? begin(fd, out, e) : rc;
}

int
agent_client_wait(struct agent_client **out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int fd, rc = agent_socket_path(path, e);

	if (rc == 0)
		rc = wait_for_agent(path, &fd, e);
	return rc == 0 ? begin(fd, out, e) : rc;
}

void
agent_client_close(struct agent_client *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	buf_wipe_done(&c->in);
	buf_wipe_done(&c->out);
	mem_free(c);
}

/* ---- calling ---- */

static int
lost(struct error *e)
{
	return error_set(e, ERR_CLOSED, "the agent does not answer");
}

static int
send_all(struct agent_client *c, struct error *e)
{
	struct slice left = buf_slice(&c->out);

	while (left.len > 0) {
		ssize_t n = send(c->fd, left.data, left.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(e);
		left = slice_from(left, (size_t)n);
	}
	return 0;
}

static int
receive(struct agent_client *c, struct codec_frame *f, struct error *e)
{
	size_t used;
	int rc;

	while ((rc = codec_frame_next(buf_slice(&c->in), f, &used, e)) == 0) {
		uint8_t *to = buf_reserve(&c->in, size_min(ROOM, c->in.max - c->in.len));
		ssize_t n = to == NULL ? 0 : recv(c->fd, to, size_min(ROOM, c->in.max - c->in.len), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(e);
		buf_commit(&c->in, (size_t)n);
	}
	return rc < 0 ? rc : 0;
}

static int
failure(const struct codec_frame *f, struct arena *a, struct error *e)
{
	struct agent_error reply;
	int rc = codec_decode(&agent_error_schema, f->body, a, &reply, e);

	if (rc != 0)
		return rc;
	return error_set(e, reply.code == 0 ? ERR_INTERNAL : -(int)reply.code, "%.*s", (int)reply.text.len,
	    reply.text.len == 0 ? "" : (const char *)reply.text.data);
}

static int
read_reply(struct agent_client *c, enum agent_type type, struct arena *a, void *reply_out, struct error *e)
{
	struct codec_frame f;
	int rc = receive(c, &f, e);

	if (rc != 0)
		return rc;
	if (f.ticket != c->ticket || (f.type & ~AGENT_FAILED) != (uint16_t)type)
		return error_set(e, ERR_SYNTAX, "the agent answered something else");
	if (f.type & AGENT_FAILED)
		return failure(&f, a, e);
	return codec_decode(agent_schemas((uint16_t)type)->reply, f.body, a, reply_out, e);
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_clear(b);
}

/* Only where a person may be asked it takes long. */
static void
set_patience(const struct agent_client *c, enum agent_type type)
{
	bool asks = type == AGENT_ASK || type == AGENT_SIGN || type == AGENT_OPEN || type == AGENT_TOKENS;
	struct timeval wait = { .tv_sec = (asks ? AGENT_ASK_MS : AGENT_CALL_MS) / 1000 };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

int
agent_client_call(struct agent_client *c, enum agent_type type, const void *request, struct arena *a, void *reply_out,
    struct error *e)
{
	int rc;

	set_patience(c, type);
	wipe(&c->out);
	wipe(&c->in);
	if (buf_reserve(&c->out, ROOM) == NULL) /* so that a passphrase is not moved */
		return error_nomem(e);
	rc = codec_frame_put(&c->out, (uint16_t)type, ++c->ticket, agent_schemas((uint16_t)type)->request, request, e);
	if (rc == 0)
		rc = send_all(c, e);
	if (rc == 0)
		rc = read_reply(c, type, a, reply_out, e);
	wipe(&c->out);
	wipe(&c->in);
	return rc;
}

/* ---- the operations ---- */

/* Most replies are read at once: their arena is wiped here. take may be NULL. */
static int
call(
    struct agent_client *c, enum agent_type type, const void *request, void *reply, struct buf *octets, struct error *e)
{
	struct arena a;
	int rc;

	arena_init(&a, CALL_ARENA);
	rc = agent_client_call(c, type, request, &a, reply, e);
	if (rc == 0 && octets != NULL && buf_put_slice(octets, ((struct agent_octets *)reply)->octets) != 0)
		rc = error_set(e, octets->err, "the agent's answer is longer than permitted here");
	arena_wipe_done(&a);
	return rc;
}

int
agent_client_unlock(struct agent_client *c, struct slice key, struct slice passphrase, uint32_t seconds, bool confirm,
    uint32_t *count_out, struct error *e)
{
	struct agent_unlock request = { .passphrase = passphrase, .key = key, .seconds = seconds, .confirm = confirm };
	struct agent_count reply = { 0 };
	int rc = call(c, AGENT_UNLOCK, &request, &reply, NULL, e);

	*count_out = reply.count;
	return rc;
}

int
agent_client_ask(
    struct agent_client *c, struct slice key, uint32_t seconds, bool confirm, uint32_t *count_out, struct error *e)
{
	struct agent_ask request = { .key = key, .seconds = seconds, .confirm = confirm };
	struct agent_count reply = { 0 };
	int rc = call(c, AGENT_ASK, &request, &reply, NULL, e);

	*count_out = reply.count;
	return rc;
}

int
agent_client_forget(struct agent_client *c, struct slice fingerprint, struct error *e)
{
	struct agent_key request = { .fingerprint = fingerprint };
	struct agent_count reply = { 0 };

	return call(c, AGENT_FORGET, &request, &reply, NULL, e);
}

bool
agent_client_holds(struct agent_client *c, const struct pgp_fingerprint *f)
{
	struct agent_key request = { .fingerprint = slice_of(f->bytes, f->len) };
	struct agent_count reply = { 0 };

	return call(c, AGENT_HOLDS, &request, &reply, NULL, NULL) == 0 && reply.count > 0;
}

int
agent_client_password_put(
    struct agent_client *c, struct slice account, struct slice password, uint32_t seconds, struct error *e)
{
	struct agent_password request = { .account = account, .password = password, .seconds = seconds };
	struct agent_count reply;

	return call(c, AGENT_PASSWORD_PUT, &request, &reply, NULL, e);
}

int
agent_client_password_get(struct agent_client *c, struct slice account, struct buf *out, struct error *e)
{
	struct agent_account request = { .account = account };
	struct agent_octets reply;

	return call(c, AGENT_PASSWORD_GET, &request, &reply, out, e);
}

/* ---- openpgp/keyops.h ---- */

static int
keyops_sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	struct agent_sign request = {
		.fingerprint = slice_of(key->fingerprint.bytes, key->fingerprint.len), .hash = hash, .digest = digest
	};
	struct agent_octets reply;

	return call(ctx, AGENT_SIGN, &request, &reply, out, e);
}

static int
keyops_open(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
    struct secret *session_key_out, struct error *e)
{
	struct agent_open request = { .fingerprint = slice_of(key->fingerprint.bytes, key->fingerprint.len),
		.version = pkesk->version,
		.algorithm = pkesk->algorithm,
		.fields = pkesk->fields };
	struct agent_opened reply;
	struct arena a;
	int rc;

	arena_init(&a, CALL_ARENA);
	rc = agent_client_call(ctx, AGENT_OPEN, &request, &a, &reply, e);
	if (rc == 0)
		rc = secret_copy(session_key_out, reply.key, e);
	if (rc == 0)
		*cipher_out = reply.cipher;
	arena_wipe_done(&a);
	return rc;
}

static bool
keyops_holds(void *ctx, const struct pgp_key *key)
{
	return agent_client_holds(ctx, &key->fingerprint);
}

struct pgp_keyring_ops
agent_keyring(struct agent_client *c)
{
	static const struct pgp_keyops ops = { .sign = keyops_sign, .open = keyops_open, .holds = keyops_holds };

	return (struct pgp_keyring_ops){ .ops = &ops, .ctx = c };
}
