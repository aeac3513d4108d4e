/* SPDX-License-Identifier: ISC */
/*
 * First octet: bit 0 says which end is tried, the rest in how many pieces the
 * stream comes. What follows is what the other end of the trunk sends.
 *
 * Far end: a session that echoes. Near end: three clients that send, one of
 * them more than the credit. Whatever comes, no end sends over the credit that
 * the stream gave, gives more than the stream used, or sends what trunk_rules
 * does not know or more behind a number's last frame; each session gets one
 * closed(); the trunk one gone(); and then nothing is left.
 *
 * There are no threads: the server is never started, and its loop is turned
 * from here between the pieces (loop_base() is open to others until then).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/server_internal.h"
#include "net/trunk.h"

#define CLIENTS 3
#define NUMBERS 64u /* connections that are counted: those with numbers below */
#define FLOOD 100000u
#define TURNS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server *server;
static struct trunk *near;
static struct tls_server *tls;
static int sessions, gone;

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
turn(void)
{
	for (int i = 0; i < TURNS; i++)
		(void)event_base_loop(loop_base(server_first_thread(server)->loop), EVLOOP_NONBLOCK);
}

/* ---- a session: T starts TLS, Q closes, A aborts, F floods; the rest is said again ---- */

struct session {
	struct conn *c;
	struct buf in, out;
	bool closed;
};

static size_t
session_feed(void *ctx, struct slice in, int64_t now_ms)
{
	struct session *s = ctx;
	size_t n = size_min(in.len, 1000 - s->in.len);

	(void)now_ms;
	check(!s->closed);
	(void)buf_put(&s->in, in.data, n);
	return n;
}

static void
session_run(void *ctx, struct conn *c, int64_t now_ms)
{
	struct session *s = ctx;
	static const uint8_t flood[FLOOD];

	(void)now_ms;
	for (size_t i = 0; i < s->in.len && s->out.len < FLOOD; i++) {
		uint8_t octet = s->in.data[i];

		if (octet == 'T')
			(void)conn_start_tls(c, NULL);
		else if (octet == 'Q')
			conn_close(c);
		else if (octet == 'A')
			conn_abort(c);
		else if (octet == 'F')
			(void)buf_put(&s->out, flood, sizeof flood);
		else
			(void)buf_put_u8(&s->out, octet);
	}
	buf_clear(&s->in);
}

static struct slice
session_output(void *ctx)
{
	return buf_slice(&((struct session *)ctx)->out);
}

static void
session_sent(void *ctx, size_t len)
{
	buf_consume(&((struct session *)ctx)->out, len);
}

static int64_t
session_deadline(const void *ctx)
{
	(void)ctx;
	return MACHINE_NEVER;
}

static void
session_closed(void *ctx)
{
	struct session *s = ctx;

	check(!s->closed);
	s->closed = true;
	buf_done(&s->in);
	buf_done(&s->out);
	mem_free(s);
	sessions--;
}

static const struct conn_ops session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
};

static int
open_far(void *ctx, uint64_t tag, uint64_t number, struct conn *c, const struct trunk_open *in,
    const struct conn_ops **ops_out, void **session_out, struct error *e)
{
	struct session *s;

	(void)ctx;
	(void)tag;
	(void)number;
	if (in->kind == 13)
		return error_set(e, ERR_DENIED, "not this one");
	s = mem_alloc(sizeof *s);
	check(s != NULL);
	s->c = c;
	buf_init(&s->in, 1000);
	buf_init(&s->out, 3 * FLOOD);
	(void)buf_put_slice(&s->out, in->pending);
	*ops_out = &session_ops;
	*session_out = s;
	sessions++;
	return 0;
}

static void
far_gone(void *ctx, uint64_t tag, bool broken)
{
	(void)ctx;
	(void)tag;
	(void)broken;
	gone++;
}

static void
near_gone(void *ctx, bool broken)
{
	(void)ctx;
	(void)broken;
	gone++;
}

static int
open_near(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	(void)ctx;
	return channel_open(near, c, &(struct trunk_open){ .kind = 1 }, session_out, e);
}

static void
set_up(void)
{
	const char *name = "localhost";
	struct buf certificate, key;

	buf_init(&certificate, 10000);
	buf_init(&key, 10000);
	check(tls_self_signed(&name, 1, 1700000000, &certificate, &key, NULL) == 0);
	check(tls_server_new_pem(buf_slice(&certificate), buf_slice(&key), &tls, NULL) == 0);
	check(server_new(&(struct server_limits){ .threads = 1 }, &server, NULL) == 0);
	check(trunk_new(server, near_gone, NULL, &near, NULL) == 0);
	buf_done(&certificate);
	buf_done(&key);
}

/* ---- what was said, counted ---- */

struct count {
	uint64_t data, credit, unread;
	bool last;
};

/* Every whole frame; from our own end each must be one that the table knows. */
static void
count_frames(struct slice in, bool ours, bool from_near, struct count *counts)
{
	struct codec_frame frame;
	uint64_t opened = 0;
	size_t used;
	int rc;

	while ((rc = codec_frame_next(in, &frame, &used, NULL)) > 0) {
		struct count *n = &counts[frame.ticket % NUMBERS];

		in = slice_from(in, used);
		if (ours) {
			check(trunk_permits(frame.type, from_near, ~0u));
			check(!n->last || frame.ticket >= NUMBERS);
			check(frame.type != TRUNK_DATA || (frame.body.len > 0 && frame.body.len <= TRUNK_DATA_MAX));
			n->last = frame.type == TRUNK_GONE || frame.type == TRUNK_CLOSE;
		}
		if (ours && frame.type == TRUNK_OPEN) {
			check(frame.ticket > opened);
			opened = frame.ticket;
		}
		if (frame.type == TRUNK_DATA)
			n->data += frame.body.len;
		if (frame.type == TRUNK_OPEN)
			n->unread += frame.body.len; /* and a little more */
		if (frame.type == TRUNK_CREDIT && frame.body.len == 4)
			n->credit += (uint64_t)frame.body.data[0] << 24 | (uint64_t)frame.body.data[1] << 16 |
			    (uint64_t)frame.body.data[2] << 8 | frame.body.data[3];
	}
	check(!ours || rc == 0);
}

static void
compare(struct slice said, struct slice heard, bool near_is_ours)
{
	struct count theirs[NUMBERS] = { 0 }, ours[NUMBERS] = { 0 };
	uint64_t window = near_is_ours ? TRUNK_WINDOW_IN : TRUNK_WINDOW_OUT;

	count_frames(said, false, !near_is_ours, theirs);
	count_frames(heard, true, near_is_ours, ours);
	for (size_t i = 0; i < NUMBERS; i++) {
		check(ours[i].data <= window + theirs[i].credit);
		check(ours[i].credit <= theirs[i].data + theirs[i].unread);
	}
}

/* ---- the runs ---- */

struct peer {
	int fd;
	struct buf heard;
};

static void
pair_make(int pair[2])
{
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
}

static void
hear(struct peer *p)
{
	uint8_t piece[65536];
	ssize_t n;

	while ((n = recv(p->fd, piece, sizeof piece, 0)) > 0)
		(void)buf_put(&p->heard, piece, (size_t)n);
}

/* False: the other end has gone. */
static bool
say(struct peer *p, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = send(p->fd, s.data, s.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0)
			s = slice_from(s, (size_t)n);
		turn();
		hear(p);
	}
	return true;
}

static void
stream(struct peer *p, struct slice s, size_t pieces, struct peer *clients)
{
	size_t piece = s.len / pieces + 1;

	for (; s.len > 0; s = slice_from(s, piece)) {
		if (!say(p, slice_sub(s, 0, piece)))
			break;
		for (size_t i = 0; clients != NULL && i < CLIENTS; i++)
			hear(&clients[i]);
	}
	turn();
	hear(p);
}

static void
run_far(struct slice in, size_t pieces)
{
	const struct trunk_far_config config = { .tag = 1, .open = open_far, .gone = far_gone };
	struct peer p = { 0 };
	int pair[2];

	pair_make(pair);
	p.fd = pair[1];
	buf_init(&p.heard, 64u << 20);
	check(server_add_trunk(server, pair[0], &config, NULL) == 0);
	turn();
	stream(&p, in, pieces, NULL);
	compare(in, buf_slice(&p.heard), false);
	(void)close(p.fd);
	turn();
	check(gone == 1 && sessions == 0);
	buf_done(&p.heard);
}

static void
client_start(struct peer *client, const struct listener *l)
{
	const struct sockaddr_in address = { .sin_family = AF_INET };
	struct conn_thread *t = server_first_thread(server);
	struct peer_key key = peer_key_of((const struct sockaddr *)&address);
	int pair[2];

	pair_make(pair);
	client->fd = pair[1];
	buf_init(&client->heard, 64u << 20);
	check(peers_add(t->peers, key, NULL) == 0);
	conn_start(t, l, pair[0], (const struct sockaddr *)&address, key);
}

static void
run_near(struct slice in, size_t pieces)
{
	static const uint8_t much[2 * TRUNK_WINDOW_IN];
	struct listener plain = { .config = { .ops = &channel_ops, .open = open_near }, .server = server, .fd = -1 };
	struct listener secure = plain;
	struct peer p = { 0 }, clients[CLIENTS] = { 0 };
	int pair[2];

	secure.config.tls = tls;
	pair_make(pair);
	p.fd = pair[1];
	buf_init(&p.heard, 64u << 20);
	check(trunk_attach(near, pair[0], NULL) == 0);
	for (size_t i = 0; i < CLIENTS; i++)
		client_start(&clients[i], i == 0 ? &plain : &secure);
	turn();
	for (size_t i = 0; i < CLIENTS; i++)
		(void)send(clients[i].fd, much, i == 0 ? sizeof much : 10, MSG_NOSIGNAL);
	(void)shutdown(clients[2].fd, SHUT_WR);
	turn();
	stream(&p, in, pieces, clients);
	compare(in, buf_slice(&p.heard), true);
	(void)close(p.fd);
	turn();
	for (size_t i = 0; i < CLIENTS; i++) {
		(void)close(clients[i].fd);
		buf_done(&clients[i].heard);
	}
	turn();
	check(gone == 1 && server_connections(server) == 0);
	check(!trunk_is_attached(near));
	buf_done(&p.heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	if (size < 1 || size > 300000)
		return 0;
	if (server == NULL)
		set_up();
	gone = 0;
	if ((data[0] & 1) != 0)
		run_near(slice_from(in, 1), 1 + data[0] / 16u);
	else
		run_far(slice_from(in, 1), 1 + data[0] / 16u);
	return 0;
}
