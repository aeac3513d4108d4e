/* SPDX-License-Identifier: ISC */
/*
 * Frames over sockets: one thread polls all links of a loop. Whoever sends
 * tries the socket at once and leaves the rest to the loop. Failure of a
 * socket, or a stream that cannot be frames, ends that link only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/port_internal.h"
#include "os/thread.h"

#define LINK_READ 65536u
#define LINK_OUT_MAX ((size_t)256 << 20) /* a peer that never reads ends here */
#define LINK_OUT_PAUSE ((size_t)8 << 20) /* no new calls are read above this */
#define LOOP_LINKS_MAX 4096u

struct port_link {
	atomic_uint refs;
	struct port_loop *loop;
	void *user;
	int fd;
	struct buf in; /* loop thread only */
	pthread_mutex_t mutex;
	struct buf out;
	size_t out_sent; /* octets of out that are gone already */
	size_t calls;
	size_t call_octets;
	bool dead;
};

struct port_loop {
	const struct port_link_ops *ops;
	void *ctx;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t mutex;
	struct port_link **links; /* guarded by mutex; the thread removes */
	size_t link_count;
	bool stop;
};

static void
loop_wake(struct port_loop *loop)
{
	uint64_t one = 1;

	(void)!write(loop->wake_fd, &one, sizeof one);
}

void *
port_link_user(const struct port_link *link)
{
	return link->user;
}

void
port_link_hold(struct port_link *link)
{
	(void)atomic_fetch_add(&link->refs, 1);
}

void
port_link_release(struct port_link *link)
{
	if (atomic_fetch_sub(&link->refs, 1) != 1)
		return;
	(void)close(link->fd);
	buf_wipe_done(&link->in);
	buf_wipe_done(&link->out);
	(void)pthread_mutex_destroy(&link->mutex);
	mem_free(link);
}

/* With the link's mutex. False: the socket is broken. */
static bool
flush_out(struct port_link *link)
{
	while (link->out_sent < link->out.len) {
		ssize_t n = send(link->fd, link->out.data + link->out_sent, link->out.len - link->out_sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		link->out_sent += (size_t)n;
	}
	link->out_sent = 0;
	if (link->out.cap > LINK_OUT_PAUSE)
		buf_done(&link->out);
	else
		buf_clear(&link->out);
	return true;
}

int
port_link_send(struct port_link *link, struct slice frame, struct error *e)
{
	bool was_dead, broken;

	(void)pthread_mutex_lock(&link->mutex);
	was_dead = link->dead;
	if (!was_dead) {
		if (link->out_sent > link->out.len / 2) {
			buf_consume(&link->out, link->out_sent);
			link->out_sent = 0;
		}
		if (buf_put_slice(&link->out, frame) != 0 || !flush_out(link))
			link->dead = true;
	}
	broken = link->dead;
	/* Once dead, the loop may be gone. */
	if (!was_dead && (broken || link->out.len > 0))
		loop_wake(link->loop);
	(void)pthread_mutex_unlock(&link->mutex);
	return broken ? error_set(e, ERR_CLOSED, "the other process is gone") : 0;
}

void
port_link_cut(struct port_link *link)
{
	(void)pthread_mutex_lock(&link->mutex);
	if (!link->dead)
		loop_wake(link->loop);
	link->dead = true;
	(void)pthread_mutex_unlock(&link->mutex);
}

void
port_link_charge(struct port_link *link, size_t octets)
{
	(void)pthread_mutex_lock(&link->mutex);
	link->calls++;
	link->call_octets += octets;
	(void)pthread_mutex_unlock(&link->mutex);
}

static bool
link_paused(const struct port_link *link)
{
	return link->calls >= PORT_IN_FLIGHT_MAX || link->call_octets >= PORT_IN_FLIGHT_OCTETS ||
	    link->out.len - link->out_sent >= LINK_OUT_PAUSE;
}

void
port_link_credit(struct port_link *link, size_t octets)
{
	bool paused;

	(void)pthread_mutex_lock(&link->mutex);
	paused = link_paused(link);
	link->calls--;
	link->call_octets -= octets;
	if (paused && !link->dead)
		loop_wake(link->loop);
	(void)pthread_mutex_unlock(&link->mutex);
}

int
port_link_add(struct port_loop *loop, int fd, void *user, struct port_link **link_out, struct error *e)
{
	struct port_link *link = mem_alloc(sizeof *link), **links = NULL;

	if (link == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		int rc = link == NULL ? error_nomem(e) : error_set_errno(e, ERR_IO, errno, "not a usable socket");

		mem_free(link);
		(void)close(fd);
		return rc;
	}
	link->fd = fd;
	link->loop = loop;
	link->user = user;
	buf_init(&link->in, CODEC_FRAME_MAX + 4 + LINK_READ);
	buf_init(&link->out, LINK_OUT_MAX);
	(void)pthread_mutex_init(&link->mutex, NULL);
	atomic_init(&link->refs, 2);
	*link_out = link;
	(void)pthread_mutex_lock(&loop->mutex);
	if (loop->link_count < LOOP_LINKS_MAX)
		links = mem_realloc(loop->links, (loop->link_count + 1) * sizeof(struct port_link *));
	if (links != NULL) {
		loop->links = links;
		links[loop->link_count++] = link;
	}
	(void)pthread_mutex_unlock(&loop->mutex);
	if (links == NULL) {
		port_link_release(link);
		port_link_release(link);
		return error_set(e, ERR_LIMIT, "too many processes are connected");
	}
	loop_wake(loop);
	return 0;
}

static void
link_end(struct port_loop *loop, struct port_link *link, bool broken)
{
	(void)pthread_mutex_lock(&link->mutex);
	link->dead = true;
	(void)pthread_mutex_unlock(&link->mutex);
	(void)shutdown(link->fd, SHUT_RDWR);
	loop->ops->gone(loop->ctx, link, broken);
	port_link_release(link);
}

/* 0, or negative when the link must end. */
static int
link_frames(struct port_loop *loop, struct port_link *link)
{
	size_t used = 0, n;
	struct codec_frame frame;
	int rc;

	for (;;) {
		rc = codec_frame_next(slice_from(buf_slice(&link->in), used), &frame, &n, NULL);
		if (rc <= 0)
			break;
		used += n;
		rc = loop->ops->frame(loop->ctx, link, &frame);
		if (rc != 0)
			break;
	}
	buf_consume(&link->in, used);
	return rc;
}

static int
link_read(struct port_loop *loop, struct port_link *link)
{
	uint8_t *room = buf_reserve(&link->in, LINK_READ);
	ssize_t n;

	if (room == NULL)
		return link->in.err;
	n = recv(link->fd, room, LINK_READ, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_CLOSED;
	if (n == 0)
		return ERR_CLOSED;
	buf_commit(&link->in, (size_t)n);
	return link_frames(loop, link);
}

static short
link_events(struct port_link *link)
{
	int events = 0;

	(void)pthread_mutex_lock(&link->mutex);
	if (link->dead)
		events = -1;
	else
		events = (link_paused(link) ? 0 : POLLIN) | (link->out.len > 0 ? POLLOUT : 0);
	(void)pthread_mutex_unlock(&link->mutex);
	return (short)events;
}

static int
link_run(struct port_loop *loop, struct port_link *link, short revents)
{
	bool well = true;

	if ((revents & POLLOUT) != 0) {
		(void)pthread_mutex_lock(&link->mutex);
		well = flush_out(link);
		(void)pthread_mutex_unlock(&link->mutex);
	}
	if (!well || (revents & (POLLERR | POLLNVAL)) != 0)
		return ERR_CLOSED;
	if ((revents & POLLIN) != 0)
		return link_read(loop, link);
	return (revents & POLLHUP) != 0 ? ERR_CLOSED : 0;
}

/* A copy of the list to poll; only this thread removes links, so the pointers stay good. */
static size_t
loop_snapshot(struct port_loop *loop, struct port_link **links, struct pollfd *fds, bool *stop)
{
	size_t n;

	(void)pthread_mutex_lock(&loop->mutex);
	n = loop->link_count;
	for (size_t i = 0; i < n; i++)
		links[i] = loop->links[i];
	*stop = loop->stop;
	(void)pthread_mutex_unlock(&loop->mutex);
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = links[i]->fd, .events = link_events(links[i]) };
	fds[n] = (struct pollfd){ .fd = loop->wake_fd, .events = POLLIN };
	return n;
}

static void
loop_remove(struct port_loop *loop, struct port_link *link, bool broken)
{
	(void)pthread_mutex_lock(&loop->mutex);
	for (size_t i = 0; i < loop->link_count; i++) {
		if (loop->links[i] == link) {
			loop->links[i] = loop->links[--loop->link_count];
			break;
		}
	}
	(void)pthread_mutex_unlock(&loop->mutex);
	link_end(loop, link, broken);
}

static void
loop_turn(struct port_loop *loop, struct port_link **links, struct pollfd *fds, size_t n)
{
	uint64_t count;

	for (size_t i = 0; i < n; i++) {
		if (fds[i].events < 0) {
			loop_remove(loop, links[i], false);
			fds[i].fd = -1;
		}
	}
	if (poll(fds, (nfds_t)n + 1, -1) < 0)
		return;
	if (fds[n].revents != 0)
		(void)!read(loop->wake_fd, &count, sizeof count);
	for (size_t i = 0; i < n; i++) {
		int rc = fds[i].fd < 0 || fds[i].revents == 0 ? 0 : link_run(loop, links[i], fds[i].revents);

		if (rc != 0)
			loop_remove(loop, links[i], rc != ERR_CLOSED);
	}
}

static void *
loop_main(void *arg)
{
	struct port_loop *loop = arg;
	struct port_link **links = mem_array(LOOP_LINKS_MAX, sizeof(struct port_link *));
	struct pollfd *fds = mem_array(LOOP_LINKS_MAX + 1, sizeof *fds);
	bool stop = links == NULL || fds == NULL;

	while (!stop) {
		size_t n = loop_snapshot(loop, links, fds, &stop);

		if (!stop)
			loop_turn(loop, links, fds, n);
	}
	mem_free(links);
	mem_free(fds);
	return NULL;
}

int
port_loop_new(const struct port_link_ops *ops, void *ctx, struct port_loop **loop_out, struct error *e)
{
	struct port_loop *loop = mem_alloc(sizeof *loop);
	int rc;

	if (loop == NULL)
		return error_nomem(e);
	loop->ops = ops;
	loop->ctx = ctx;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		rc = error_set_errno(e, ERR_IO, errno, "no event descriptor");
		mem_free(loop);
		return rc;
	}
	(void)pthread_mutex_init(&loop->mutex, NULL);
	rc = thread_start(&loop->thread, "port", loop_main, loop, e);
	if (rc != 0) {
		(void)close(loop->wake_fd);
		mem_free(loop);
		return rc;
	}
	*loop_out = loop;
	return 0;
}

void
port_loop_free(struct port_loop *loop)
{
	if (loop == NULL)
		return;
	(void)pthread_mutex_lock(&loop->mutex);
	loop->stop = true;
	(void)pthread_mutex_unlock(&loop->mutex);
	loop_wake(loop);
	(void)pthread_join(loop->thread, NULL);
	for (size_t i = 0; i < loop->link_count; i++)
		link_end(loop, loop->links[i], false);
	mem_free(loop->links);
	(void)close(loop->wake_fd);
	(void)pthread_mutex_destroy(&loop->mutex);
	mem_free(loop);
}
