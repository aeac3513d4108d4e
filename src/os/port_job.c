/* SPDX-License-Identifier: ISC */
/*
 * The carrying-out end: jobs, and the server of sockets.
 */
#include <unistd.h>

#include "base/mem.h"
#include "os/port_internal.h"

struct port_job {
	const struct port_method *method;
	struct port_sink *sink;
	uint64_t ticket;
	size_t request_len;
	bool may_block;
	void *slot;
	void *request;
	struct arena arena;
};

static const struct codec_field error_fields[] = {
	CODEC_FIELD(struct port_error, code, CODEC_I64, 0),
	CODEC_FIELD(struct port_error, offset, CODEC_U64, 0),
	CODEC_FIELD(struct port_error, text, CODEC_BYTES, ERROR_TEXT_MAX),
};
const struct codec_schema port_error_schema = CODEC_SCHEMA(port_error, error_fields);

void
port_sink_init(struct port_sink *sink)
{
	static atomic_ullong last_peer;

	atomic_init(&sink->refs, 1);
	sink->peer = atomic_fetch_add(&last_peer, 1) + 1;
}

void
port_sink_hold(struct port_sink *sink)
{
	(void)atomic_fetch_add(&sink->refs, 1);
}

void
port_sink_release(struct port_sink *sink)
{
	if (atomic_fetch_sub(&sink->refs, 1) == 1)
		sink->free(sink);
}

const struct port_method *
port_method_find(const struct port_interface *interface, uint16_t number)
{
	for (size_t i = 0; i < interface->method_count; i++) {
		if (interface->methods[i].number == number)
			return &interface->methods[i];
	}
	return NULL;
}

static const struct port_handler *
handler_find(const struct port_service *service, uint16_t number)
{
	for (size_t i = 0; i < service->handler_count; i++) {
		if (service->handlers[i].number == number)
			return &service->handlers[i];
	}
	return NULL;
}

static void
send_error(struct port_sink *sink, uint16_t method, uint64_t ticket, size_t request_len, const struct error *e)
{
	struct port_error wire = { e->code, e->offset, slice_str(e->text) };
	struct buf frame;

	buf_init(&frame, CODEC_FRAME_MAX);
	(void)codec_frame_put(&frame, method | PORT_ERROR_BIT, ticket, &port_error_schema, &wire, NULL);
	sink->reply(sink, request_len, buf_slice(&frame));
	buf_done(&frame);
}

/* A request may hold passwords: nothing of it stays in freed memory. */
static void
job_free(struct port_job *job)
{
	port_sink_release(job->sink);
	arena_wipe_done(&job->arena);
	mem_free(job);
}

static int
job_decode(struct port_job *job, const struct codec_frame *frame, struct error *e)
{
	job->request = arena_alloc(&job->arena, job->method->request->size);
	if (job->request == NULL)
		return error_nomem(e);
	return codec_decode(job->method->request, frame->body, &job->arena, job->request, e);
}

void
port_job_start(
    const struct port_service *service, struct port_sink *sink, const struct codec_frame *frame, bool may_block)
{
	const struct port_handler *handler = handler_find(service, frame->type);
	const struct port_method *method = port_method_find(service->interface, frame->type);
	struct port_job *job;
	struct error e = { 0 };

	if (handler == NULL || method == NULL) {
		if (method == NULL)
			(void)error_set(
			    &e, ERR_UNSUPPORTED, "%s has no call number %u", service->interface->name, frame->type);
		else
			(void)error_set(&e, ERR_DENIED, "%s is not for this process", method->name);
		send_error(sink, frame->type, frame->ticket, frame->body.len, &e);
		return;
	}
	job = mem_alloc(sizeof *job);
	if (job == NULL) {
		(void)error_nomem(&e);
		send_error(sink, frame->type, frame->ticket, frame->body.len, &e);
		return;
	}
	port_sink_hold(sink);
	job->method = method;
	job->sink = sink;
	job->ticket = frame->ticket;
	job->request_len = frame->body.len;
	job->may_block = may_block;
	arena_init(&job->arena, PORT_ARENA_BUDGET);
	if (job_decode(job, frame, &e) != 0)
		port_fail(job, &e);
	else
		handler->run(service->ctx, job);
}

const void *
port_job_request(const struct port_job *job)
{
	return job->request;
}

uint16_t
port_job_method(const struct port_job *job)
{
	return job->method->number;
}

struct arena *
port_job_arena(struct port_job *job)
{
	return &job->arena;
}

uint64_t
port_job_peer(const struct port_job *job)
{
	return job->sink->peer;
}

uint64_t
port_job_tag(const struct port_job *job)
{
	return job->sink->tag;
}

bool
port_job_may_block(const struct port_job *job)
{
	return job->may_block;
}

void **
port_job_slot(struct port_job *job)
{
	return &job->slot;
}

void
port_reply(struct port_job *job, const void *reply)
{
	struct error e = { 0 };
	struct buf frame;

	buf_init(&frame, CODEC_FRAME_MAX + 4);
	if (codec_frame_put(&frame, job->method->number, job->ticket, job->method->reply, reply, &e) != 0) {
		buf_wipe_done(&frame);
		port_fail(job, &e);
		return;
	}
	job->sink->reply(job->sink, job->request_len, buf_slice(&frame));
	buf_wipe_done(&frame);
	job_free(job);
}

void
port_fail(struct port_job *job, const struct error *e)
{
	send_error(job->sink, job->method->number, job->ticket, job->request_len, e);
	job_free(job);
}

/* ---- the server ---- */

struct port_server {
	const struct port_service *service;
	struct port_loop *loop;
	atomic_size_t count;
	void (*broken)(void *ctx, uint64_t tag); /* may be NULL */
	void *broken_ctx;
};

/* One connected peer. */
struct socket_sink {
	struct port_sink sink;
	const struct port_service *service;
	struct port_link *link; /* set by the loop thread with the first frame, before any job */
};

static void
socket_reply(struct port_sink *sink, size_t request_len, struct slice frame)
{
	struct socket_sink *s = (struct socket_sink *)sink;

	(void)port_link_send(s->link, frame, NULL);
	port_link_credit(s->link, request_len);
}

static void
socket_free(struct port_sink *sink)
{
	struct socket_sink *s = (struct socket_sink *)sink;

	if (s->link != NULL)
		port_link_release(s->link);
	mem_free(s);
}

static int
server_frame(void *ctx, struct port_link *link, const struct codec_frame *frame)
{
	struct socket_sink *s = port_link_user(link);

	(void)ctx;
	if (s->link == NULL) {
		port_link_hold(link);
		s->link = link;
	}
	port_link_charge(link, frame->body.len);
	port_job_start(s->service, &s->sink, frame, false);
	return 0;
}

static void
server_gone(void *ctx, struct port_link *link, bool broken)
{
	struct port_server *server = ctx;
	struct socket_sink *s = port_link_user(link);

	if (broken && server->broken != NULL)
		server->broken(server->broken_ctx, s->sink.tag);
	if (s->service->peer_gone != NULL)
		s->service->peer_gone(s->service->ctx, s->sink.peer);
	(void)atomic_fetch_sub(&server->count, 1);
	port_sink_release(&s->sink);
}

int
port_server_new(const struct port_service *service, struct port_server **server_out, struct error *e)
{
	static const struct port_link_ops ops = { server_frame, server_gone };
	struct port_server *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->service = service;
	rc = port_loop_new(&ops, s, &s->loop, e);
	if (rc != 0) {
		mem_free(s);
		return rc;
	}
	*server_out = s;
	return 0;
}

void
port_server_on_broken(struct port_server *s, void (*broken)(void *ctx, uint64_t tag), void *ctx)
{
	s->broken = broken;
	s->broken_ctx = ctx;
}

int
port_server_add(struct port_server *s, int fd, const struct port_service *service, uint64_t tag, struct error *e)
{
	struct socket_sink *sink = mem_alloc(sizeof *sink);
	struct port_link *link;
	int rc;

	if (sink == NULL) {
		(void)close(fd);
		return error_nomem(e);
	}
	port_sink_init(&sink->sink);
	sink->sink.reply = socket_reply;
	sink->sink.free = socket_free;
	sink->sink.tag = tag;
	sink->service = service == NULL ? s->service : service;
	(void)atomic_fetch_add(&s->count, 1);
	rc = port_link_add(s->loop, fd, sink, &link, e);
	if (rc != 0) {
		(void)atomic_fetch_sub(&s->count, 1);
		port_sink_release(&sink->sink);
		return rc;
	}
	port_link_release(link);
	return 0;
}

size_t
port_server_count(struct port_server *s)
{
	return atomic_load(&s->count);
}

void
port_server_free(struct port_server *s)
{
	if (s == NULL)
		return;
	port_loop_free(s->loop);
	mem_free(s);
}
