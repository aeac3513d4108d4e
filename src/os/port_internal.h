/* SPDX-License-Identifier: ISC */
/*
 * What os/port's own files share. A link is one connected socket with its
 * two buffers, driven by a loop (one thread, any number of links). A sink is
 * where a job's reply goes: a link, or the port of the same process.
 */
#ifndef OS_PORT_INTERNAL_H
#define OS_PORT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "os/port.h"

#define PORT_ERROR_BIT 0x8000u /* in a reply's frame type: the body is a port_error */

struct port_error {
	int64_t code;
	uint64_t offset;
	struct slice text;
};

extern const struct codec_schema port_error_schema;

const struct port_method *port_method_find(const struct port_interface *interface, uint16_t number);

/* ---- sinks and jobs (port_job.c) ---- */

struct port_sink {
	atomic_uint refs;
	uint64_t peer, tag;
	void (*reply)(struct port_sink *sink, size_t request_len, struct slice frame);
	void (*free)(struct port_sink *sink);
};

void port_sink_init(struct port_sink *sink);
void port_sink_hold(struct port_sink *sink);
void port_sink_release(struct port_sink *sink);

/* Decodes the request and runs its handler; answers itself when that cannot be. */
void port_job_start(
    const struct port_service *service, struct port_sink *sink, const struct codec_frame *frame, bool may_block);

/* ---- links and loops (port_link.c) ---- */

struct port_link;
struct port_loop;

struct port_link_ops {
	/* On the loop thread. Not 0: the stream cannot be right, the link ends. */
	int (*frame)(void *ctx, struct port_link *link, const struct codec_frame *frame);
	/*
	 * On the loop thread, or the one that frees the loop; once, the last call for this link. broken: what came
	 * cannot be a stream of frames, or frame() said so.
	 */
	void (*gone)(void *ctx, struct port_link *link, bool broken);
};

int port_loop_new(const struct port_link_ops *ops, void *ctx, struct port_loop **loop_out, struct error *e);
void port_loop_free(struct port_loop *loop); /* ends all links */

/* Takes fd, also on failure. The caller gets one reference in *link_out. */
int port_link_add(struct port_loop *loop, int fd, void *user, struct port_link **link_out, struct error *e);
void *port_link_user(const struct port_link *link);
void port_link_hold(struct port_link *link);
void port_link_release(struct port_link *link);
/* From any thread: the loop ends it soon. */
void port_link_cut(struct port_link *link);
/* From any thread; keeps what the socket does not take now. ERR_CLOSED. */
int port_link_send(struct port_link *link, struct slice frame, struct error *e);
/* Calls being carried out for this link and their octets: over the bounds nothing is read. */
void port_link_charge(struct port_link *link, size_t octets);
void port_link_credit(struct port_link *link, size_t octets);

#endif
