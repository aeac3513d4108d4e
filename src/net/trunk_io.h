/* SPDX-License-Identifier: ISC */
/*
 * The socket of a trunk, the same at both ends: frames in, frames out, and the
 * table of its connections by number. Loop thread only.
 */
#ifndef NET_TRUNK_IO_H
#define NET_TRUNK_IO_H

#include <event2/event_struct.h>

#include "net/loop.h"
#include "net/trunk.h"

#define TRUNK_OUT_HIGH ((size_t)1 << 20) /* with so much waiting no more octets of clients are put on it */
#define TRUNK_OUT_LOW ((size_t)256 << 10)
#define TRUNK_OUT_MAX ((size_t)64 << 20)

/* One connection in a trunk's table: the first member of what each end has of it. */
struct trunk_entry {
	uint64_t number;
	struct trunk_entry *next;    /* of its bucket */
	struct trunk_entry *waiting; /* the next that wants to be told when there is room */
	bool waits;
};

struct trunk_io_ops {
	/* Not 0: it cannot come; the trunk is lost. */
	int (*frame)(void *ctx, const struct codec_frame *frame);
	/* After all frames of one read. */
	void (*batch)(void *ctx);
	/* There is room again for who waited; it puts what it has now. */
	void (*room)(void *ctx, struct trunk_entry *entry);
	/* Once; the socket is closed already. */
	void (*lost)(void *ctx, bool broken);
};

struct trunk_io {
	const struct trunk_io_ops *ops;
	void *ctx;
	struct loop *loop;
	int fd; /* -1: not attached */
	bool writing, full;
	bool cut;
	struct event read_event, write_event, flush_event;
	struct buf in, out;
	size_t out_at;
	uint64_t last_number; /* the highest that was opened */
	struct trunk_entry **buckets;
	size_t bucket_count, count;
	struct trunk_entry *waiting, **waiting_end; /* who asked first is told first */
};

void trunk_io_init(struct trunk_io *io, struct loop *loop, const struct trunk_io_ops *ops, void *ctx);
/* Takes fd, also on failure. */
int trunk_io_open(struct trunk_io *io, int fd, struct error *e);
/* Closes the socket without lost(). The table must be empty when it is done for good. */
void trunk_io_close(struct trunk_io *io);
void trunk_io_done(struct trunk_io *io);
/* lost() comes at the end of the current event. */
void trunk_io_cut(struct trunk_io *io);

/* It goes out at the end of the current event. A trunk that cannot hold it is lost. */
void trunk_io_put(struct trunk_io *io, enum trunk_frame type, uint64_t number, struct slice body);
void trunk_io_put_u32(struct trunk_io *io, enum trunk_frame type, uint64_t number, uint32_t value);
void trunk_io_put_message(struct trunk_io *io, enum trunk_frame type, uint64_t number,
    const struct codec_schema *schema, const void *message);
/* False: wait; room() will be called. */
bool trunk_io_room(struct trunk_io *io, struct trunk_entry *entry);

/* A number above all before. ERR_NOMEM. */
int trunk_io_add(struct trunk_io *io, struct trunk_entry *entry, struct error *e);
struct trunk_entry *trunk_io_find(struct trunk_io *io, uint64_t number);
void trunk_io_remove(struct trunk_io *io, struct trunk_entry *entry);
/* Any one, or NULL. */
struct trunk_entry *trunk_io_any(struct trunk_io *io);

#endif
