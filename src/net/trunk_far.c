/* SPDX-License-Identifier: ISC */
/* The far end: conns whose sockets are in another process. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/reader.h"
#include "net/conn_internal.h"
#include "net/server_internal.h"
#include "net/tls.h"
#include "net/trunk_io.h"
#include "os/clock.h"

struct far_trunk {
	struct trunk_io io;
	struct trunk_far_config config;
	struct conn_thread *thread;
	struct far_conn *touched; /* got something in this batch */
	struct loop_task task;
	int fd; /* until the first turn */
	struct server_trunk link;
};

struct far_conn {
	struct conn c;
	struct trunk_entry entry;
	struct far_trunk *trunk; /* NULL: the trunk is gone */
	struct far_conn *next_touched;
	bool touched;
	bool tls_on, can_start_tls;
	uint8_t states;  /* one enum trunk_state */
	uint32_t credit; /* octets that the near end will still take */
	uint32_t owed;   /* octets that the session took, not yet told */
	const char *version, *cipher;
	uint32_t bits;
};

static const struct far_conn *
far_of_const(const struct conn *c)
{
	return (const struct far_conn *)c;
}

static struct far_conn *
far_of(struct conn *c)
{
	return (struct far_conn *)c;
}

static struct far_conn *
far_of_entry(struct trunk_entry *entry)
{
	return (struct far_conn *)(void *)((char *)entry - offsetof(struct far_conn, entry));
}

/* ---- frames out ---- */

static void
say_close(struct far_conn *f, bool at_once)
{
	const uint8_t octet = at_once ? 1 : 0;

	if (f->trunk == NULL || f->states == TRUNK_CLOSED)
		return;
	trunk_io_put(&f->trunk->io, TRUNK_CLOSE, f->entry.number, slice_of(&octet, 1));
	f->states = TRUNK_CLOSED;
}

/*
 * What the session took gives the near end room for as much again: told when it
 * is worth waking the other process. What is not told and not taken is less than
 * the window until then, so the near end always has some room.
 */
static void
say_credit(struct far_conn *f)
{
	if (f->trunk == NULL || f->owed < TRUNK_WINDOW_IN / 2)
		return;
	trunk_io_put_u32(&f->trunk->io, TRUNK_CREDIT, f->entry.number, f->owed);
	f->owed = 0;
}

/* Octets thrown away count as taken. */
static void
drop_input(struct far_conn *f)
{
	f->owed += (uint32_t)f->c.input.len;
	buf_wipe_done(&f->c.input);
	say_credit(f);
}

/* ---- a turn ---- */

/* Sends what there is within credit, budget and the trunk's room. */
static void
send_output(struct far_conn *f, size_t *budget)
{
	struct conn *c = &f->c;
	struct slice out;

	while ((out = conn_output(c)).len > 0 && f->credit > 0 && *budget > 0 && f->states != TRUNK_CLOSED &&
	    trunk_io_room(&f->trunk->io, &f->entry)) {
		struct slice piece = slice_sub(out, 0, size_min(size_min(f->credit, TRUNK_DATA_MAX), *budget));

		trunk_io_put(&f->trunk->io, TRUNK_DATA, f->entry.number, piece);
		f->credit -= (uint32_t)piece.len;
		*budget -= piece.len;
		c->ops->sent(c->session, piece.len);
	}
}

static size_t
take_input(struct far_conn *f, int64_t now)
{
	size_t n = f->c.start_tls || f->c.close ? 0 : conn_offer_leftover(&f->c, now);

	f->owed += (uint32_t)n;
	say_credit(f);
	return n;
}

static void
begin_start_tls(struct far_conn *f, int64_t now)
{
	f->c.start_tls = false;
	trunk_io_put(&f->trunk->io, TRUNK_START_TLS, f->entry.number, SLICE_EMPTY);
	f->states = TRUNK_SHAKING;
	f->c.state = CONN_HANDSHAKE;
	f->c.limit_at = now + 2 * f->c.thread->handshake_ms; /* the near end has one; this is for one that lies */
	drop_input(f);
}

static void
turn_open(struct far_conn *f, int64_t now)
{
	struct conn *c = &f->c;
	size_t budget = CONN_TURN_MAX, before, moved;

	do {
		before = budget;
		conn_run(c, now);
		if (c->abort)
			return;
		send_output(f, &budget);
		if (c->close) {
			c->state = CONN_CLOSING;
			drop_input(f);
			conn_wake(c);
			return;
		}
		if (c->start_tls && conn_output(c).len == 0) {
			begin_start_tls(f, now);
			return;
		}
		moved = take_input(f, now);
		budget -= size_min(moved, budget);
	} while (budget != before && budget > 0);
	if (conn_is_finished(c)) {
		say_close(f, false);
		conn_die(c);
	} else if (budget == 0) {
		conn_wake(c);
	}
}

static void
turn_closing(struct far_conn *f)
{
	size_t budget = CONN_TURN_MAX;

	send_output(f, &budget);
	if (conn_output(&f->c).len == 0) {
		say_close(f, false);
		conn_die(&f->c);
	} else if (budget == 0) {
		conn_wake(&f->c);
	}
}

static void
turn(struct conn *c, int64_t now)
{
	struct far_conn *f = far_of(c);

	if (f->trunk == NULL || c->session == NULL) /* none: it was refused */
		c->abort = true;
	else if (c->state == CONN_OPEN)
		turn_open(f, now);
	else if (c->state == CONN_CLOSING)
		turn_closing(f);
	if (c->state == CONN_DEAD || c->state == CONN_HANDSHAKE || c->abort)
		return;
	/* A client that takes nothing: the near end, which sees it, has a limit; this one is for a near end that lies. */
	if (f->credit > 0 || conn_output(c).len == 0)
		c->limit_at = MACHINE_NEVER;
	else if (c->limit_at == MACHINE_NEVER)
		c->limit_at = now + 2 * c->thread->stall_ms;
}

/* The struct stays in the trunk's table until the near end says GONE: what is on its way finds its number. */
static void
let_go(struct conn *c)
{
	say_close(far_of(c), true);
	far_of(c)->owed += (uint32_t)c->input.len; /* wiped next: it still counts for the credit */
}

static bool
can_start_tls(const struct conn *c)
{
	return far_of_const(c)->can_start_tls && !far_of_const(c)->tls_on;
}

static bool
is_tls(const struct conn *c)
{
	return far_of_const(c)->tls_on && c->state != CONN_HANDSHAKE;
}

static bool
tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	const struct far_conn *f = far_of_const(c);

	if (f->tls_on)
		*info_out = (struct conn_tls_info){ .version = f->version, .cipher = f->cipher, .bits = f->bits };
	return f->tls_on;
}

static const struct conn_kind far_kind = {
	.turn = turn,
	.let_go = let_go,
	.can_start_tls = can_start_tls,
	.is_tls = is_tls,
	.tls_info = tls_info,
};

/* ---- frames in ---- */

static void
touch(struct far_conn *f)
{
	if (f->touched || f->c.state == CONN_DEAD)
		return;
	f->touched = true;
	conn_hold(&f->c);
	f->next_touched = f->trunk->touched;
	f->trunk->touched = f;
}

static void
take_tls(struct far_conn *f, const struct trunk_tls *t)
{
	f->tls_on = t->on;
	f->version = tls_name_keep(t->version);
	f->cipher = tls_name_keep(t->cipher);
	f->bits = t->bits;
}

static int
decode(const struct codec_frame *frame, const struct codec_schema *schema, struct arena *a, void *out)
{
	arena_init(a, TRUNK_FRAME_MAX * 2);
	return codec_decode(schema, frame->body, a, out, NULL);
}

static void
open_session(struct far_trunk *t, struct far_conn *f, const struct trunk_open *in)
{
	struct conn *c = &f->c;
	struct error e;

	c->origin = in->id;
	if (t->thread->ending ||
	    t->config.open(t->config.ctx, t->config.tag, in->id, c, in, &c->ops, &c->session, &e) != 0) {
		c->abort = true;
		touch(f);
		return;
	}
	if (buf_put_slice(&c->input, in->unread) != 0)
		c->abort = true;
	touch(f);
}

static int
frame_open(struct far_trunk *t, const struct codec_frame *frame)
{
	struct arena a ARENA_OWNED = { 0 };
	struct trunk_open in;
	struct far_conn *f;
	struct conn *c;
	int rc = t->io.count >= NET_CONNECTIONS ? ERR_LIMIT : decode(frame, &trunk_open_schema, &a, &in);

	if (rc != 0)
		return rc;
	c = conn_make(sizeof *f, &far_kind, t->thread, TRUNK_WINDOW_IN, NULL);
	if (c == NULL)
		return ERR_NOMEM;
	f = far_of(c);
	f->entry.number = frame->ticket;
	f->trunk = t;
	f->states = TRUNK_PLAIN;
	f->credit = TRUNK_WINDOW_OUT;
	f->can_start_tls = in.can_start_tls;
	c->state = CONN_OPEN;
	c->port = in.port;
	(void)snprintf(c->peer, sizeof c->peer, "%.*s", (int)in.peer.len, (const char *)in.peer.data);
	take_tls(f, &in.tls);
	if (trunk_io_add(&t->io, &f->entry, NULL) != 0) {
		conn_release(c);
		return ERR_NOMEM;
	}
	conn_hold(c); /* the table's */
	conn_enlist(c);
	open_session(t, f, &in);
	return 0;
}

static int
frame_data(struct far_conn *f, struct slice octets)
{
	if (octets.len > TRUNK_DATA_MAX)
		return ERR_LIMIT;
	if (f->states != TRUNK_PLAIN || f->c.close) {
		/* Before a handshake, or behind our own end: thrown away. The dead give no more credit. */
		if (octets.len + f->owed > TRUNK_WINDOW_IN)
			return ERR_LIMIT;
		f->owed += (uint32_t)octets.len;
		if (f->c.state != CONN_DEAD)
			say_credit(f);
		return 0;
	}
	if (octets.len + f->c.input.len + f->owed > TRUNK_WINDOW_IN || buf_put_slice(&f->c.input, octets) != 0)
		return ERR_LIMIT;
	touch(f);
	return 0;
}

static int
frame_credit(struct far_conn *f, struct slice body)
{
	struct reader r = reader_of(body);
	uint32_t more = reader_get_u32(&r);

	if (r.err != 0 || reader_left(&r) > 0 || more > TRUNK_WINDOW_OUT || f->credit + more > TRUNK_WINDOW_OUT)
		return ERR_LIMIT;
	f->credit += more;
	touch(f);
	return 0;
}

static int
frame_tls(struct far_conn *f, const struct codec_frame *frame)
{
	struct arena a ARENA_OWNED = { 0 };
	struct trunk_tls in;
	int rc = decode(frame, &trunk_tls_schema, &a, &in);

	if (rc != 0 || !in.on)
		return rc != 0 ? rc : ERR_SYNTAX;
	if (f->states != TRUNK_SHAKING)
		return 0;
	take_tls(f, &in);
	f->states = TRUNK_PLAIN;
	f->c.state = CONN_OPEN;
	touch(f);
	return 0;
}

static void
forget(struct far_trunk *t, struct far_conn *f)
{
	trunk_io_remove(&t->io, &f->entry);
	f->states = TRUNK_CLOSED;
	conn_die(&f->c);
	f->trunk = NULL;
	conn_release(&f->c);
}

static int
frame_end(struct far_conn *f)
{
	if (f->states == TRUNK_CLOSED)
		return 0;
	f->states = TRUNK_ENDED;
	f->c.eof = true;
	if (f->c.session != NULL && f->c.ops->ended != NULL)
		f->c.ops->ended(f->c.session);
	touch(f);
	return 0;
}

static int
on_frame(void *ctx, const struct codec_frame *frame)
{
	struct far_trunk *t = ctx;
	struct trunk_entry *entry = trunk_io_find(&t->io, frame->ticket);
	struct far_conn *f = entry == NULL ? NULL : far_of_entry(entry);
	unsigned state = f != NULL ? f->states : frame->ticket > t->io.last_number ? TRUNK_ABSENT : 0;

	if (!trunk_permits(frame->type, true, state))
		return ERR_ORDER;
	if ((frame->type == TRUNK_END || frame->type == TRUNK_GONE) && frame->body.len > 0)
		return ERR_SYNTAX;
	if (f == NULL)
		return frame_open(t, frame);
	switch (frame->type) {
	case TRUNK_DATA:
		return frame_data(f, frame->body);
	case TRUNK_CREDIT:
		return frame_credit(f, frame->body);
	case TRUNK_TLS:
		return frame_tls(f, frame);
	case TRUNK_END:
		return frame_end(f);
	default:
		forget(t, f);
		return 0;
	}
}

static void
on_batch(void *ctx)
{
	struct far_trunk *t = ctx;

	while (t->touched != NULL) {
		struct far_conn *f = t->touched;

		t->touched = f->next_touched;
		f->touched = false;
		if (f->c.state != CONN_DEAD)
			conn_turn(&f->c);
		conn_release(&f->c);
	}
}

static void
on_room(void *ctx, struct trunk_entry *entry)
{
	(void)ctx;
	if (far_of_entry(entry)->c.state != CONN_DEAD)
		conn_turn(&far_of_entry(entry)->c);
}

/* ---- life of the trunk ---- */

static void
trunk_end(struct far_trunk *t)
{
	struct trunk_entry *entry;

	on_batch(t); /* nothing touched is left behind */
	while ((entry = trunk_io_any(&t->io)) != NULL)
		forget(t, far_of_entry(entry));
	trunk_io_done(&t->io);
	server_trunk_unlink(&t->link);
}

static void
on_lost(void *ctx, bool broken)
{
	struct far_trunk *t = ctx;
	struct trunk_far_config config = t->config;

	trunk_end(t);
	mem_free(t);
	config.gone(config.gone_ctx, config.tag, broken);
}

static const struct trunk_io_ops io_ops = { on_frame, on_batch, on_room, on_lost };

static void
first_turn(void *ctx)
{
	struct far_trunk *t = ctx;
	int fd = t->fd;

	t->fd = -1;
	if (trunk_io_open(&t->io, fd, NULL) != 0)
		on_lost(t, false);
}

/* The server ends: its conns have had their closed(). */
static void
link_free(struct server_trunk *link)
{
	struct far_trunk *t = (struct far_trunk *)(void *)((char *)link - offsetof(struct far_trunk, link));

	if (t->fd >= 0)
		(void)close(t->fd);
	trunk_end(t);
	mem_free(t);
}

int
server_add_trunk(struct server *s, int fd, const struct trunk_far_config *config, struct error *e)
{
	struct far_trunk *t = mem_alloc(sizeof *t);

	if (t == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	t->config = *config;
	t->fd = fd;
	t->thread = server_next_thread(s);
	t->task = (struct loop_task){ .run = first_turn, .ctx = t };
	t->link.free = link_free;
	trunk_io_init(&t->io, t->thread->loop, &io_ops, t);
	server_trunk_link(s, &t->link);
	loop_post(t->thread->loop, &t->task);
	return 0;
}
