/* SPDX-License-Identifier: ISC */
/*
 * The near end: a channel is the session of a conn whose real session is in
 * another process. It passes octets both ways within the credit.
 */
#include <unistd.h>

#include "base/mem.h"
#include "base/reader.h"
#include "net/server_internal.h"
#include "net/trunk_io.h"

struct trunk {
	struct trunk_io io;
	void (*gone)(void *ctx, bool broken);
	void *ctx;
};

struct channel {
	struct trunk_entry entry;
	struct trunk *trunk; /* NULL: lost */
	struct conn *conn;
	struct buf out;  /* for the client */
	uint32_t credit; /* octets that the far end will still take */
	uint32_t owed;   /* octets that went out to the client, not yet told */
	uint8_t states;  /* one enum trunk_state */
	bool can_start_tls;
	bool tls_wanted, shaking; /* asked for by the far end; the handshake has been begun */
	bool close, close_at_once;
};

static struct channel *
channel_of(struct trunk_entry *entry)
{
	return (struct channel *)(void *)((char *)entry - offsetof(struct channel, entry));
}

/* ---- the session of the conn ---- */

static size_t
channel_feed(void *session, struct slice in, int64_t now_ms)
{
	struct channel *ch = session;
	size_t taken = 0;

	(void)now_ms;
	/* Before a handshake, and behind the end, octets lead nowhere. */
	if (ch->tls_wanted || ch->close || ch->trunk == NULL)
		return in.len;
	while (taken < in.len && ch->credit > 0 && trunk_io_room(&ch->trunk->io, &ch->entry)) {
		struct slice piece = slice_sub(in, taken, size_min(ch->credit, TRUNK_DATA_MAX));

		trunk_io_put(&ch->trunk->io, TRUNK_DATA, ch->entry.number, piece);
		ch->credit -= (uint32_t)piece.len;
		taken += piece.len;
	}
	return taken;
}

static struct trunk_tls
tls_of(const struct conn *c)
{
	struct conn_tls_info info;

	if (!conn_is_tls(c) || !conn_tls_info(c, &info))
		return (struct trunk_tls){ 0 };
	return (struct trunk_tls){
		.on = true, .version = slice_str(info.version), .cipher = slice_str(info.cipher), .bits = info.bits
	};
}

static void
channel_run(void *session, struct conn *c, int64_t now_ms)
{
	struct channel *ch = session;

	(void)now_ms;
	if (ch->close && !ch->close_at_once) {
		conn_close(c); /* also when the trunk has gone meanwhile: the last words are here */
	} else if (ch->trunk == NULL || ch->close_at_once) {
		conn_abort(c);
	} else if (ch->tls_wanted && !ch->shaking) {
		ch->shaking = true;
		if (conn_start_tls(c, NULL) != 0)
			conn_abort(c);
	} else if (ch->shaking && conn_is_tls(c)) {
		struct trunk_tls t = tls_of(c);

		ch->tls_wanted = ch->shaking = ch->can_start_tls = false;
		ch->states = TRUNK_PLAIN;
		trunk_io_put_message(&ch->trunk->io, TRUNK_TLS, ch->entry.number, &trunk_tls_schema, &t);
	}
}

static struct slice
channel_output(void *session)
{
	return buf_slice(&((struct channel *)session)->out);
}

static void
channel_sent(void *session, size_t len)
{
	struct channel *ch = session;

	ch->owed += (uint32_t)len;
	if (len == ch->out.len)
		buf_done(&ch->out);
	else
		buf_consume(&ch->out, len);
	if (ch->trunk == NULL || ch->owed < TRUNK_WINDOW_OUT / 4)
		return;
	trunk_io_put_u32(&ch->trunk->io, TRUNK_CREDIT, ch->entry.number, ch->owed);
	ch->owed = 0;
}

static int64_t
channel_deadline(const void *session)
{
	(void)session;
	return MACHINE_NEVER;
}

static void
channel_closed(void *session)
{
	struct channel *ch = session;

	if (ch->trunk != NULL) {
		trunk_io_put(&ch->trunk->io, TRUNK_GONE, ch->entry.number, SLICE_EMPTY);
		trunk_io_remove(&ch->trunk->io, &ch->entry);
	}
	buf_done(&ch->out);
	mem_free(ch);
}

/* The far end decides when all is answered. */
static bool
channel_busy(const void *session)
{
	const struct channel *ch = session;

	return ch->trunk != NULL && !ch->close;
}

static void
channel_ended(void *session)
{
	struct channel *ch = session;

	if (ch->trunk != NULL)
		trunk_io_put(&ch->trunk->io, TRUNK_END, ch->entry.number, SLICE_EMPTY);
}

const struct conn_ops channel_ops = {
	.feed = channel_feed,
	.run = channel_run,
	.output = channel_output,
	.sent = channel_sent,
	.deadline = channel_deadline,
	.closed = channel_closed,
	.busy = channel_busy,
	.ended = channel_ended,
};

static struct channel *
channel_new(struct trunk *t, struct conn *c, size_t unread)
{
	struct channel *ch = mem_alloc(sizeof *ch);

	if (ch == NULL)
		return NULL;
	ch->entry.number = t->io.last_number + 1;
	ch->trunk = t;
	ch->conn = c;
	ch->credit = TRUNK_WINDOW_IN - (uint32_t)unread;
	ch->states = TRUNK_PLAIN;
	ch->can_start_tls = conn_can_start_tls(c);
	buf_init(&ch->out, TRUNK_WINDOW_OUT);
	return ch;
}

int
channel_open(struct trunk *t, struct conn *c, const struct trunk_open *open, void **session_out, struct error *e)
{
	struct trunk_open o = *open;
	struct channel *ch;
	struct buf body;
	int rc;

	if (t->io.fd < 0 || t->io.cut)
		return error_set(e, ERR_CLOSED, "the process behind is not there");
	o.id = channel_number(c);
	o.port = conn_port(c);
	o.peer = slice_str(conn_peer(c));
	o.tls = tls_of(c);
	o.can_start_tls = conn_can_start_tls(c);
	/* Texts of clients are in it: what is too long is this client's fault and not the trunk's. */
	buf_init(&body, TRUNK_FRAME_MAX);
	rc = codec_encode(&trunk_open_schema, &o, &body, e);
	ch = rc != 0 ? NULL : channel_new(t, c, o.unread.len);
	if (rc == 0)
		rc = ch == NULL ? error_nomem(e) : trunk_io_add(&t->io, &ch->entry, e);
	if (rc == 0)
		trunk_io_put(&t->io, TRUNK_OPEN, ch->entry.number, buf_slice(&body));
	else
		mem_free(ch);
	buf_wipe_done(&body);
	if (rc != 0)
		return rc;
	if (session_out != NULL)
		*session_out = ch;
	else
		conn_become(c, &channel_ops, ch);
	return 0;
}

/* ---- frames ---- */

static int
frame_data(struct channel *ch, struct slice octets)
{
	if (octets.len > TRUNK_DATA_MAX || octets.len + ch->out.len + ch->owed > TRUNK_WINDOW_OUT ||
	    buf_put_slice(&ch->out, octets) != 0)
		return ERR_LIMIT;
	return 0;
}

static int
frame_credit(struct channel *ch, struct slice body)
{
	struct reader r = reader_of(body);
	uint32_t more = reader_get_u32(&r);

	if (r.err != 0 || reader_left(&r) > 0 || more > TRUNK_WINDOW_IN || ch->credit + more > TRUNK_WINDOW_IN)
		return ERR_LIMIT;
	ch->credit += more;
	return 0;
}

static int
frame_start_tls(struct channel *ch, struct slice body)
{
	if (body.len > 0)
		return ERR_SYNTAX;
	if (!ch->can_start_tls)
		return ERR_ORDER;
	ch->tls_wanted = true;
	ch->states = TRUNK_SHAKING;
	return 0;
}

static int
frame_close(struct channel *ch, struct slice body)
{
	if (body.len != 1 || body.data[0] > 1)
		return ERR_SYNTAX;
	ch->close = true;
	ch->close_at_once = body.data[0] != 0;
	ch->states = TRUNK_CLOSED;
	if (ch->close_at_once)
		conn_abort(ch->conn); /* in a handshake it is not run */
	return 0;
}

static int
on_frame(void *ctx, const struct codec_frame *frame)
{
	struct trunk *t = ctx;
	struct trunk_entry *entry = trunk_io_find(&t->io, frame->ticket);
	struct channel *ch = entry == NULL ? NULL : channel_of(entry);
	int rc;

	/* GONE and this have crossed: any frame of a far end's. Or it was never opened. */
	if (ch == NULL)
		return frame->ticket <= t->io.last_number && trunk_permits(frame->type, false, TRUNK_PLAIN) ? 0
													    : ERR_ORDER;
	if (!trunk_permits(frame->type, false, ch->states))
		return ERR_ORDER;
	switch (frame->type) {
	case TRUNK_DATA:
		rc = frame_data(ch, frame->body);
		break;
	case TRUNK_CREDIT:
		rc = frame_credit(ch, frame->body);
		break;
	case TRUNK_START_TLS:
		rc = frame_start_tls(ch, frame->body);
		break;
	default:
		rc = frame_close(ch, frame->body);
	}
	if (rc == 0)
		conn_wake(ch->conn);
	return rc;
}

static void
on_batch(void *ctx)
{
	(void)ctx; /* conn_wake() gathers already */
}

static void
on_room(void *ctx, struct trunk_entry *entry)
{
	(void)ctx;
	conn_turn(channel_of(entry)->conn);
}

static void
leave_all(struct trunk *t)
{
	struct trunk_entry *entry;

	while ((entry = trunk_io_any(&t->io)) != NULL) {
		struct channel *ch = channel_of(entry);

		trunk_io_remove(&t->io, entry);
		ch->trunk = NULL;
		if (!ch->close)
			conn_abort(ch->conn);
		conn_wake(ch->conn);
	}
}

static void
on_lost(void *ctx, bool broken)
{
	struct trunk *t = ctx;

	leave_all(t);
	if (t->gone != NULL)
		t->gone(t->ctx, broken);
}

/* ---- life ---- */

int
trunk_new(struct server *s, void (*gone)(void *ctx, bool broken), void *ctx, struct trunk **trunk_out, struct error *e)
{
	static const struct trunk_io_ops ops = { on_frame, on_batch, on_room, on_lost };
	struct trunk *t = mem_alloc(sizeof *t);

	if (t == NULL)
		return error_nomem(e);
	t->gone = gone;
	t->ctx = ctx;
	trunk_io_init(&t->io, server_first_thread(s)->loop, &ops, t);
	*trunk_out = t;
	return 0;
}

struct attach_task {
	struct loop_task task;
	struct trunk *trunk;
	int fd;
};

static void
attach(void *ctx)
{
	struct attach_task *a = ctx;

	if (a->trunk->io.fd >= 0) {
		trunk_io_close(&a->trunk->io);
		leave_all(a->trunk);
	}
	(void)trunk_io_open(&a->trunk->io, a->fd, NULL);
	mem_free(a);
}

int
trunk_attach(struct trunk *t, int fd, struct error *e)
{
	struct attach_task *a = mem_alloc(sizeof *a);

	if (a == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	*a = (struct attach_task){ .task = { .run = attach, .ctx = a }, .trunk = t, .fd = fd };
	loop_post(t->io.loop, &a->task);
	return 0;
}

bool
trunk_is_attached(const struct trunk *t)
{
	return t->io.fd >= 0;
}

void
trunk_free(struct trunk *t)
{
	if (t == NULL)
		return;
	leave_all(t);
	trunk_io_done(&t->io);
	mem_free(t);
}
