/* SPDX-License-Identifier: ISC */
/*
 * The asking end: tickets for what is unanswered, and the two ways a request
 * gets to the other end.
 */
#include "os/port.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/port_internal.h"

/* A ticket's number is its slot and how often the slot was used, so that a late reply never meets a new call. */
#define SLOT_BITS 16
_Static_assert(PORT_IN_FLIGHT_MAX <= 1u << SLOT_BITS, "a slot fits its bits");

/* What port_call() waits on. */
struct waiter {
	pthread_cond_t done;
	bool answered;
	int rc;
	struct arena *arena;
	void *reply_out;
	struct error *e;
};

struct ticket {
	uint64_t number; /* 0: the slot is free */
	uint64_t uses;
	const struct port_method *method;
	size_t octets;
	struct waiter *waiter; /* or done and ctx */
	port_done_fn *done;
	void *ctx;
	uint32_t next_free;
};

struct local_sink {
	struct port_sink sink;
	pthread_mutex_t mutex;
	struct port *port; /* NULL after port_close() */
};

struct port {
	const struct port_interface *interface;
	pthread_mutex_t mutex;
	pthread_cond_t room; /* something was answered, or a callback ended */
	struct ticket *tickets;
	uint32_t ticket_count; /* slots that exist */
	uint32_t free_slot;    /* UINT32_MAX: none */
	size_t in_flight;
	size_t octets;
	unsigned running; /* callbacks and deliveries under way */
	bool closed;      /* no call is taken: for good, or until a socket is attached */
	/* local */
	const struct port_service *service;
	struct local_sink *sink;
	/* socket */
	struct port_loop *loop;
	struct port_link *link;
	void (*gone)(void *ctx, bool broken); /* may be NULL */
	void *gone_ctx;
};

static int
closed_error(const struct port *p, struct error *e)
{
	return error_set(e, ERR_CLOSED, "the connection to %s is closed", p->interface->name);
}

/* With the mutex. A free slot, or NULL without memory. */
static struct ticket *
slot_take(struct port *p)
{
	struct ticket *t;

	if (p->free_slot == UINT32_MAX) {
		uint32_t count = p->ticket_count == 0 ? 16 : p->ticket_count * 2;

		t = mem_realloc(p->tickets, count * sizeof *t);
		if (t == NULL)
			return NULL;
		p->tickets = t;
		for (uint32_t i = count; i-- > p->ticket_count;) {
			t[i] = (struct ticket){ .next_free = p->free_slot };
			p->free_slot = i;
		}
		p->ticket_count = count;
	}
	t = &p->tickets[p->free_slot];
	t->number = ++t->uses << SLOT_BITS | p->free_slot;
	p->free_slot = t->next_free;
	return t;
}

/* With the mutex. */
static void
slot_give_back(struct port *p, struct ticket *t)
{
	p->in_flight--;
	p->octets -= t->octets;
	t->number = 0;
	t->next_free = p->free_slot;
	p->free_slot = (uint32_t)(t - p->tickets);
	(void)pthread_cond_broadcast(&p->room);
}

/* With the mutex. Takes the ticket of that number out; false when there is none. */
static bool
ticket_take(struct port *p, uint64_t number, struct ticket *out)
{
	uint64_t slot = number & ((1u << SLOT_BITS) - 1);
	struct ticket *t;

	if (slot >= p->ticket_count || number == 0)
		return false;
	t = &p->tickets[slot];
	if (t->number != number)
		return false;
	*out = *t;
	slot_give_back(p, t);
	return true;
}

static bool
has_room(const struct port *p, size_t octets)
{
	if (p->in_flight == 0)
		return true;
	return p->in_flight < PORT_IN_FLIGHT_MAX && p->octets + octets <= PORT_IN_FLIGHT_OCTETS;
}

/* With the mutex. Writes the ticket's number into the encoded frame. */
static int
ticket_new(struct port *p, const struct port_method *m, struct buf *frame, const struct ticket *call,
    uint64_t *number_out, struct error *e)
{
	struct ticket *t;

	while (call->waiter != NULL && !p->closed && !has_room(p, frame->len))
		(void)pthread_cond_wait(&p->room, &p->mutex);
	if (p->closed)
		return closed_error(p, e);
	if (!has_room(p, frame->len))
		return error_set(
		    e, ERR_LIMIT, "too many calls to %s are unanswered; try again later", p->interface->name);
	t = slot_take(p);
	if (t == NULL)
		return error_nomem(e);
	t->method = m;
	t->octets = frame->len;
	t->waiter = call->waiter;
	t->done = call->done;
	t->ctx = call->ctx;
	p->in_flight++;
	p->octets += t->octets;
	for (size_t i = 0; i < 8; i++)
		frame->data[6 + i] = (uint8_t)(t->number >> (8 * (7 - i)));
	*number_out = t->number;
	return 0;
}

/* The error that an error frame tells, or what is wrong with the frame. Never 0. */
static int
error_decode(const struct codec_frame *frame, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct port_error wire;
	int rc;

	arena_init(&a, 4096);
	rc = codec_decode(&port_error_schema, frame->body, &a, &wire, e);
	if (rc != 0)
		return rc;
	if (wire.code >= 0 || wire.code < -1000)
		return error_set(e, ERR_SYNTAX, "an error without a code");
	(void)error_set(e, (int)wire.code, "%.*s", (int)wire.text.len, (const char *)wire.text.data);
	if (e != NULL)
		e->offset = wire.offset;
	return (int)wire.code;
}

static int
reply_decode(const struct ticket *t, const struct codec_frame *frame, struct arena *a, void *reply_out, struct error *e)
{
	if (frame->type == (t->method->number | PORT_ERROR_BIT))
		return error_decode(frame, e);
	if (frame->type != t->method->number)
		return error_set(e, ERR_SYNTAX, "the answer to %s is that of another call", t->method->name);
	return codec_decode(t->method->reply, frame->body, a, reply_out, e);
}

static void
waiter_answer(struct port *p, struct waiter *w, int rc)
{
	(void)pthread_mutex_lock(&p->mutex);
	w->rc = rc;
	w->answered = true;
	(void)pthread_cond_signal(&w->done);
	(void)pthread_mutex_unlock(&p->mutex);
}

static void
done_answer(const struct ticket *t, const struct codec_frame *frame)
{
	struct error e = { 0 };
	struct arena a;
	void *reply;
	int rc;

	arena_init(&a, PORT_ARENA_BUDGET);
	reply = arena_alloc(&a, t->method->reply->size);
	rc = reply == NULL ? error_nomem(&e) : reply_decode(t, frame, &a, reply, &e);
	t->done(t->ctx, rc == 0 ? reply : NULL, rc == 0 ? NULL : &e);
	arena_wipe_done(&a);
}

/* A reply frame came. One for a ticket that is not there is dropped. */
static void
port_receive(struct port *p, const struct codec_frame *frame)
{
	struct ticket t;
	bool found;

	(void)pthread_mutex_lock(&p->mutex);
	found = ticket_take(p, frame->ticket, &t);
	if (found)
		p->running++;
	(void)pthread_mutex_unlock(&p->mutex);
	if (!found)
		return;
	if (t.waiter != NULL)
		waiter_answer(p, t.waiter, reply_decode(&t, frame, t.waiter->arena, t.waiter->reply_out, t.waiter->e));
	else
		done_answer(&t, frame);
	(void)pthread_mutex_lock(&p->mutex);
	p->running--;
	(void)pthread_cond_broadcast(&p->room);
	(void)pthread_mutex_unlock(&p->mutex);
}

static void
ticket_fail(struct port *p, const struct ticket *t)
{
	struct error e = { 0 };

	(void)closed_error(p, &e);
	if (t->waiter != NULL) {
		if (t->waiter->e != NULL)
			*t->waiter->e = e;
		waiter_answer(p, t->waiter, ERR_CLOSED);
	} else {
		t->done(t->ctx, NULL, &e);
	}
}

/* No call is taken any more, and all unanswered ones fail. With the mutex. */
static void
port_fail_all(struct port *p)
{
	p->closed = true;
	for (uint32_t i = 0; i < p->ticket_count; i++) {
		struct ticket t = p->tickets[i];

		if (t.number == 0)
			continue;
		slot_give_back(p, &p->tickets[i]);
		(void)pthread_mutex_unlock(&p->mutex);
		ticket_fail(p, &t);
		(void)pthread_mutex_lock(&p->mutex);
	}
	(void)pthread_cond_broadcast(&p->room);
}

/* ---- calls ---- */

static int
port_send(struct port *p, const struct buf *frame, uint64_t number, bool may_block, struct error *e)
{
	struct codec_frame parsed;
	struct port_link *link;
	struct ticket t;
	size_t used;
	int rc;

	if (p->service != NULL) {
		(void)codec_frame_next(buf_slice(frame), &parsed, &used, NULL);
		port_job_start(p->service, &p->sink->sink, &parsed, may_block);
		return 0;
	}
	(void)pthread_mutex_lock(&p->mutex);
	link = p->link;
	if (link != NULL)
		port_link_hold(link);
	(void)pthread_mutex_unlock(&p->mutex);
	rc = link == NULL ? ERR_CLOSED : port_link_send(link, buf_slice(frame), NULL);
	if (link != NULL)
		port_link_release(link);
	if (rc == 0)
		return 0;
	/* The loop fails all tickets: this one is ours to report only when it did not get there first. */
	(void)pthread_mutex_lock(&p->mutex);
	rc = ticket_take(p, number, &t) ? closed_error(p, e) : 0;
	(void)pthread_mutex_unlock(&p->mutex);
	return rc;
}

static int
port_ask(struct port *p, uint16_t number, const void *request, const struct ticket *call, struct error *e)
{
	const struct port_method *m = port_method_find(p->interface, number);
	struct buf frame;
	uint64_t ticket = 0;
	int rc;

	if (m == NULL)
		return error_set(e, ERR_UNSUPPORTED, "%s has no call number %u", p->interface->name, number);
	buf_init(&frame, CODEC_FRAME_MAX + 4);
	rc = codec_frame_put(&frame, number, 0, m->request, request, e);
	if (rc == 0) {
		(void)pthread_mutex_lock(&p->mutex);
		rc = ticket_new(p, m, &frame, call, &ticket, e);
		(void)pthread_mutex_unlock(&p->mutex);
	}
	if (rc == 0)
		rc = port_send(p, &frame, ticket, call->waiter != NULL, e);
	buf_wipe_done(&frame);
	return rc;
}

int
port_submit(struct port *p, uint16_t method, const void *request, port_done_fn *done, void *ctx, struct error *e)
{
	struct ticket call = { .done = done, .ctx = ctx };

	return port_ask(p, method, request, &call, e);
}

int
port_call(struct port *p, uint16_t method, const void *request, struct arena *a, void *reply_out, struct error *e)
{
	struct waiter w = { .arena = a, .reply_out = reply_out, .e = e };
	struct ticket call = { .waiter = &w };
	int rc;

	(void)pthread_cond_init(&w.done, NULL);
	rc = port_ask(p, method, request, &call, e);
	if (rc == 0) {
		(void)pthread_mutex_lock(&p->mutex);
		while (!w.answered)
			(void)pthread_cond_wait(&w.done, &p->mutex);
		(void)pthread_mutex_unlock(&p->mutex);
		rc = w.rc;
	}
	(void)pthread_cond_destroy(&w.done);
	return rc;
}

/* ---- opening and closing ---- */

static struct port *
port_new(const struct port_interface *interface, struct error *e)
{
	struct port *p = mem_alloc(sizeof *p);

	if (p == NULL) {
		(void)error_nomem(e);
		return NULL;
	}
	p->interface = interface;
	p->free_slot = UINT32_MAX;
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_cond_init(&p->room, NULL);
	return p;
}

static void
port_free(struct port *p)
{
	(void)pthread_cond_destroy(&p->room);
	(void)pthread_mutex_destroy(&p->mutex);
	mem_free(p->tickets);
	mem_free(p);
}

static void
local_reply(struct port_sink *sink, size_t request_len, struct slice bytes)
{
	struct local_sink *s = (struct local_sink *)sink;
	struct codec_frame frame;
	struct port *p;
	size_t used;

	(void)request_len;
	(void)pthread_mutex_lock(&s->mutex);
	p = s->port;
	if (p != NULL) {
		(void)pthread_mutex_lock(&p->mutex);
		p->running++;
		(void)pthread_mutex_unlock(&p->mutex);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	if (p == NULL)
		return;
	(void)codec_frame_next(bytes, &frame, &used, NULL);
	port_receive(p, &frame);
	(void)pthread_mutex_lock(&p->mutex);
	p->running--;
	(void)pthread_cond_broadcast(&p->room);
	(void)pthread_mutex_unlock(&p->mutex);
}

static void
local_free(struct port_sink *sink)
{
	struct local_sink *s = (struct local_sink *)sink;

	(void)pthread_mutex_destroy(&s->mutex);
	mem_free(s);
}

int
port_open_local(const struct port_service *service, struct port **port_out, struct error *e)
{
	struct port *p = port_new(service->interface, e);
	struct local_sink *s = p == NULL ? NULL : mem_alloc(sizeof *s);

	if (p == NULL)
		return ERR_NOMEM;
	if (s == NULL) {
		port_free(p);
		return error_nomem(e);
	}
	port_sink_init(&s->sink);
	s->sink.reply = local_reply;
	s->sink.free = local_free;
	(void)pthread_mutex_init(&s->mutex, NULL);
	s->port = p;
	p->sink = s;
	p->service = service;
	*port_out = p;
	return 0;
}

static int
client_frame(void *ctx, struct port_link *link, const struct codec_frame *frame)
{
	(void)link;
	port_receive(ctx, frame);
	return 0;
}

/* What was asked over a socket that has been replaced meanwhile has failed already (port_attach()). */
static void
client_gone(void *ctx, struct port_link *link, bool broken)
{
	struct port *p = ctx;
	bool current;

	(void)pthread_mutex_lock(&p->mutex);
	current = p->link == link;
	if (current) {
		p->link = NULL;
		port_fail_all(p);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	if (!current)
		return;
	port_link_release(link);
	if (p->gone != NULL)
		p->gone(p->gone_ctx, broken);
}

void
port_on_gone(struct port *p, void (*gone)(void *ctx, bool broken), void *ctx)
{
	p->gone = gone;
	p->gone_ctx = ctx;
}

int
port_open_waiting(const struct port_interface *interface, struct port **port_out, struct error *e)
{
	static const struct port_link_ops ops = { client_frame, client_gone };
	struct port *p = port_new(interface, e);
	int rc;

	if (p == NULL)
		return ERR_NOMEM;
	p->closed = true;
	rc = port_loop_new(&ops, p, &p->loop, e);
	if (rc != 0)
		port_free(p);
	else
		*port_out = p;
	return rc;
}

int
port_attach(struct port *p, int fd, struct error *e)
{
	struct port_link *fresh, *old;
	int rc = port_link_add(p->loop, fd, p, &fresh, e);

	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&p->mutex);
	port_fail_all(p);
	old = p->link;
	p->link = fresh;
	p->closed = false;
	(void)pthread_mutex_unlock(&p->mutex);
	if (old != NULL) {
		port_link_cut(old);
		port_link_release(old);
	}
	return 0;
}

int
port_open_socket(const struct port_interface *interface, int fd, struct port **port_out, struct error *e)
{
	int rc = port_open_waiting(interface, port_out, e);

	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	rc = port_attach(*port_out, fd, e);
	if (rc != 0)
		port_close(*port_out);
	return rc;
}

static void
local_close(struct port *p)
{
	(void)pthread_mutex_lock(&p->sink->mutex);
	p->sink->port = NULL;
	(void)pthread_mutex_unlock(&p->sink->mutex);
	if (p->service->peer_gone != NULL)
		p->service->peer_gone(p->service->ctx, p->sink->sink.peer);
	port_sink_release(&p->sink->sink);
}

void
port_close(struct port *p)
{
	if (p == NULL)
		return;
	if (p->sink != NULL)
		local_close(p);
	port_loop_free(p->loop);
	(void)pthread_mutex_lock(&p->mutex);
	port_fail_all(p);
	while (p->running > 0)
		(void)pthread_cond_wait(&p->room, &p->mutex);
	(void)pthread_mutex_unlock(&p->mutex);
	if (p->link != NULL)
		port_link_release(p->link);
	port_free(p);
}
