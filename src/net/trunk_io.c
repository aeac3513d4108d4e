/* SPDX-License-Identifier: ISC */
#include "net/trunk_io.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/limits.h"

#define READ_MAX ((size_t)256 << 10)
#define BUCKETS_FIRST 64u

/* ---- frames ---- */

static const struct codec_field tls_fields[] = {
	CODEC_FIELD(struct trunk_tls, on, CODEC_BOOL, 0),
	CODEC_FIELD(struct trunk_tls, version, CODEC_BYTES, 32),
	CODEC_FIELD(struct trunk_tls, cipher, CODEC_BYTES, 64),
	CODEC_FIELD(struct trunk_tls, bits, CODEC_U32, 4096),
};
const struct codec_schema trunk_tls_schema = CODEC_SCHEMA(trunk_tls, tls_fields);

static const struct codec_field open_fields[] = {
	CODEC_FIELD(struct trunk_open, id, CODEC_U64, 0),
	CODEC_FIELD(struct trunk_open, kind, CODEC_U32, 255),
	CODEC_FIELD(struct trunk_open, port, CODEC_U16, 0),
	CODEC_FIELD(struct trunk_open, can_start_tls, CODEC_BOOL, 0),
	CODEC_FIELD_STRUCT(struct trunk_open, tls, &trunk_tls_schema),
	CODEC_FIELD(struct trunk_open, peer, CODEC_BYTES, CONN_PEER_MAX - 1),
	CODEC_FIELD(struct trunk_open, tag, CODEC_BYTES, TRUNK_TEXT_MAX),
	CODEC_FIELD(struct trunk_open, hello, CODEC_BYTES, TRUNK_TEXT_MAX),
	CODEC_FIELD(struct trunk_open, esmtp, CODEC_BOOL, 0),
	CODEC_FIELD(struct trunk_open, pending, CODEC_BYTES, TRUNK_WINDOW_IN),
	CODEC_FIELD(struct trunk_open, unread, CODEC_BYTES, TRUNK_WINDOW_IN / 2),
};
const struct codec_schema trunk_open_schema = CODEC_SCHEMA(trunk_open, open_fields);

#define THERE (TRUNK_PLAIN | TRUNK_SHAKING | TRUNK_ENDED | TRUNK_CLOSED)

const struct trunk_rule trunk_rules[TRUNK_FRAMES] = {
	[TRUNK_OPEN] = { .from_near = TRUNK_ABSENT },
	/*
	 * Behind the far end's START_TLS or CLOSE come octets, END and TLS that were on their way: they are thrown away.
	 * The far end itself says nothing behind its CLOSE, and no octets behind its START_TLS.
	 */
	[TRUNK_DATA] = { .from_near = TRUNK_PLAIN | TRUNK_SHAKING | TRUNK_CLOSED, .from_far = TRUNK_PLAIN },
	[TRUNK_CREDIT] = { .from_near = THERE, .from_far = TRUNK_PLAIN | TRUNK_SHAKING },
	[TRUNK_END] = { .from_near = TRUNK_PLAIN | TRUNK_SHAKING | TRUNK_CLOSED },
	[TRUNK_TLS] = { .from_near = TRUNK_SHAKING | TRUNK_CLOSED },
	[TRUNK_GONE] = { .from_near = THERE },
	[TRUNK_START_TLS] = { .from_far = TRUNK_PLAIN },
	[TRUNK_CLOSE] = { .from_far = TRUNK_PLAIN | TRUNK_SHAKING },
};

bool
trunk_permits(unsigned frame, bool from_near, unsigned state)
{
	const struct trunk_rule *r;

	if (frame >= TRUNK_FRAMES)
		return false;
	r = &trunk_rules[frame];
	return ((from_near ? r->from_near : r->from_far) & state) != 0;
}

/* ---- the table ---- */

static void
table_grow(struct trunk_io *io)
{
	size_t count = io->bucket_count == 0 ? BUCKETS_FIRST : io->bucket_count * 2;
	struct trunk_entry **buckets = mem_array(count, sizeof(struct trunk_entry *));

	if (buckets == NULL)
		return; /* longer chains */
	for (size_t i = 0; i < io->bucket_count; i++) {
		for (struct trunk_entry *at = io->buckets[i], *next; at != NULL; at = next) {
			next = at->next;
			at->next = buckets[at->number & (count - 1)];
			buckets[at->number & (count - 1)] = at;
		}
	}
	mem_free(io->buckets);
	io->buckets = buckets;
	io->bucket_count = count;
}

int
trunk_io_add(struct trunk_io *io, struct trunk_entry *entry, struct error *e)
{
	struct trunk_entry **at;

	if (io->count >= io->bucket_count)
		table_grow(io);
	if (io->bucket_count == 0)
		return error_nomem(e);
	at = &io->buckets[entry->number & (io->bucket_count - 1)];
	entry->next = *at;
	*at = entry;
	io->count++;
	io->last_number = entry->number;
	return 0;
}

struct trunk_entry *
trunk_io_find(struct trunk_io *io, uint64_t number)
{
	struct trunk_entry *at;

	if (io->bucket_count == 0)
		return NULL;
	at = io->buckets[number & (io->bucket_count - 1)];
	while (at != NULL && at->number != number)
		at = at->next;
	return at;
}

void
trunk_io_remove(struct trunk_io *io, struct trunk_entry *entry)
{
	struct trunk_entry **at = &io->buckets[entry->number & (io->bucket_count - 1)];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	io->count--;
	if (!entry->waits)
		return;
	entry->waits = false;
	for (at = &io->waiting; *at != entry; at = &(*at)->waiting) {
	}
	*at = entry->waiting;
	if (io->waiting_end == &entry->waiting)
		io->waiting_end = at;
}

struct trunk_entry *
trunk_io_any(struct trunk_io *io)
{
	for (size_t i = 0; io->count > 0 && i < io->bucket_count; i++)
		if (io->buckets[i] != NULL)
			return io->buckets[i];
	return NULL;
}

/* ---- out ---- */

/*
 * One after the other, at once: were they only woken, those whose credit comes
 * meanwhile would always be there first.
 */
static void
tell_room(struct trunk_io *io)
{
	io->full = false;
	while (io->waiting != NULL && io->out.len - io->out_at < TRUNK_OUT_HIGH && !io->full) {
		struct trunk_entry *first = io->waiting;

		io->waiting = first->waiting;
		if (io->waiting == NULL)
			io->waiting_end = &io->waiting;
		first->waits = false;
		io->ops->room(io->ctx, first);
	}
	io->full = io->waiting != NULL;
}

static void
lose(struct trunk_io *io, bool broken)
{
	if (io->fd < 0)
		return;
	trunk_io_close(io);
	io->ops->lost(io->ctx, broken);
}

static void
flush(struct trunk_io *io)
{
	while (io->fd >= 0 && io->out_at < io->out.len) {
		ssize_t n = send(io->fd, io->out.data + io->out_at, io->out.len - io->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			lose(io, false);
			return;
		}
		if (n < 0) {
			if (!io->writing)
				(void)event_add(&io->write_event, NULL);
			io->writing = true;
			break;
		}
		io->out_at += (size_t)n;
	}
	if (io->out_at == io->out.len) {
		if (io->writing)
			(void)event_del(&io->write_event);
		io->writing = false;
		io->out_at = 0;
		if (io->out.cap > TRUNK_OUT_HIGH)
			buf_done(&io->out);
		else
			buf_clear(&io->out);
	}
	if (io->full && io->out.len - io->out_at < TRUNK_OUT_LOW)
		tell_room(io);
}

static void
on_flush(evutil_socket_t fd, short what, void *ctx)
{
	struct trunk_io *io = ctx;

	(void)fd;
	(void)what;
	if (io->cut)
		lose(io, true);
	else
		flush(io);
}

static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	flush(ctx);
}

void
trunk_io_cut(struct trunk_io *io)
{
	io->cut = true;
	event_active(&io->flush_event, EV_TIMEOUT, 0);
}

void
trunk_io_put(struct trunk_io *io, enum trunk_frame type, uint64_t number, struct slice body)
{
	if (io->fd < 0)
		return;
	if (io->out.len == io->out_at)
		event_active(&io->flush_event, EV_TIMEOUT, 0);
	if (io->out_at > io->out.len / 2) {
		buf_consume(&io->out, io->out_at);
		io->out_at = 0;
	}
	(void)buf_put_u32(&io->out, (uint32_t)(CODEC_FRAME_HEAD - 4 + body.len));
	(void)buf_put_u16(&io->out, (uint16_t)type);
	(void)buf_put_u64(&io->out, number);
	if (buf_put_slice(&io->out, body) != 0)
		trunk_io_cut(io);
}

void
trunk_io_put_u32(struct trunk_io *io, enum trunk_frame type, uint64_t number, uint32_t value)
{
	const uint8_t wire[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value };

	trunk_io_put(io, type, number, slice_of(wire, sizeof wire));
}

void
trunk_io_put_message(
    struct trunk_io *io, enum trunk_frame type, uint64_t number, const struct codec_schema *schema, const void *message)
{
	struct buf body;

	buf_init(&body, TRUNK_FRAME_MAX);
	if (codec_encode(schema, message, &body, NULL) == 0)
		trunk_io_put(io, type, number, buf_slice(&body));
	else
		trunk_io_cut(io);
	buf_wipe_done(&body);
}

bool
trunk_io_room(struct trunk_io *io, struct trunk_entry *entry)
{
	if (io->out.len - io->out_at < TRUNK_OUT_HIGH && !io->full)
		return true;
	io->full = true;
	if (!entry->waits) {
		entry->waits = true;
		entry->waiting = NULL;
		*io->waiting_end = entry;
		io->waiting_end = &entry->waiting;
	}
	return false;
}

/* ---- in ---- */

/* 0, or negative: what came is no frame of ours. */
static int
take_frames(struct trunk_io *io)
{
	size_t used = 0, n;
	struct codec_frame frame;
	int rc = 0;

	while (rc == 0 && io->fd >= 0) {
		struct slice rest = slice_from(buf_slice(&io->in), used);

		/* Before it is whole: an over-long one is not waited for. */
		if (rest.len >= 4 &&
		    ((size_t)rest.data[0] << 24 | (size_t)rest.data[1] << 16 | (size_t)rest.data[2] << 8 |
			rest.data[3]) > TRUNK_FRAME_MAX + CODEC_FRAME_HEAD - 4)
			return ERR_LIMIT;
		rc = codec_frame_next(rest, &frame, &n, NULL);
		if (rc <= 0)
			break;
		used += n;
		rc = io->ops->frame(io->ctx, &frame);
	}
	buf_consume(&io->in, used);
	return rc;
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct trunk_io *io = ctx;
	uint8_t *room = buf_reserve(&io->in, READ_MAX);
	ssize_t n;

	(void)what;
	n = room == NULL ? 0 : recv(fd, room, READ_MAX, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(io, false);
		return;
	}
	buf_commit(&io->in, (size_t)n);
	if (take_frames(io) < 0) {
		lose(io, true);
		return;
	}
	if (io->in.len == 0 && io->in.cap > READ_MAX * 2)
		buf_done(&io->in);
	io->ops->batch(io->ctx);
}

/* ---- life ---- */

void
trunk_io_init(struct trunk_io *io, struct loop *loop, const struct trunk_io_ops *ops, void *ctx)
{
	*io = (struct trunk_io){ .ops = ops, .ctx = ctx, .loop = loop, .fd = -1 };
	io->waiting_end = &io->waiting;
	buf_init(&io->in, TRUNK_FRAME_MAX + READ_MAX * 2);
	buf_init(&io->out, TRUNK_OUT_MAX);
}

int
trunk_io_open(struct trunk_io *io, int fd, struct error *e)
{
	struct event_base *base = loop_base(io->loop);

	if (evutil_make_socket_nonblocking(fd) != 0) {
		(void)close(fd);
		return error_set_errno(e, ERR_IO, errno, "not a usable socket");
	}
	io->fd = fd;
	io->cut = io->writing = io->full = false;
	io->out_at = 0;
	io->last_number = 0;
	(void)event_assign(&io->read_event, base, fd, EV_READ | EV_PERSIST, on_readable, io);
	(void)event_assign(&io->write_event, base, fd, EV_WRITE | EV_PERSIST, on_writable, io);
	(void)event_assign(&io->flush_event, base, -1, 0, on_flush, io);
	(void)event_add(&io->read_event, NULL);
	return 0;
}

void
trunk_io_close(struct trunk_io *io)
{
	if (io->fd < 0)
		return;
	(void)event_del(&io->read_event);
	(void)event_del(&io->write_event);
	(void)event_del(&io->flush_event);
	(void)close(io->fd);
	io->fd = -1;
	io->out_at = 0;
	buf_wipe_done(&io->in);
	buf_wipe_done(&io->out);
}

void
trunk_io_done(struct trunk_io *io)
{
	trunk_io_close(io);
	mem_free(io->buckets);
	io->buckets = NULL;
	io->bucket_count = 0;
}
