/* SPDX-License-Identifier: ISC */
#include "os/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
message_pair(int fds_out[2], struct error *e)
{
	int size = (int)MESSAGE_MAX * 2;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds_out) != 0)
		return error_set_errno(e, ERR_IO, errno, "no pair of sockets for a process");
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fds_out[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return 0;
}

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static int
send_packet(int socket, struct slice packet, int fd, struct error *e)
{
	union {
		const uint8_t *given;
		void *wanted; /* sendmsg() does not write there */
	} data = { .given = packet.data };
	struct iovec piece = { .iov_base = data.wanted, .iov_len = packet.len };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	do
		n = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return error_set(e, ERR_CLOSED, "the process is gone");
	return error_set_errno(e, ERR_IO, errno, "no message can be sent to the process");
}

int
message_send(int socket, uint16_t type, uint64_t number, const struct codec_schema *schema, const void *message, int fd,
    struct error *e)
{
	struct buf packet;
	int rc;

	buf_init(&packet, MESSAGE_MAX);
	rc = codec_frame_put(&packet, type, number, schema, message, e);
	if (rc == 0)
		rc = send_packet(socket, buf_slice(&packet), fd, e);
	buf_wipe_done(&packet);
	return rc;
}

/* The first descriptor of a packet; others (nobody sends them) are closed. */
static int
take_descriptor(struct msghdr *m)
{
	int fd = -1, one;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof one) <= c->cmsg_len; at += sizeof one) {
			memcpy(&one, CMSG_DATA(c) + at, sizeof one);
			if (fd < 0)
				fd = one;
			else
				(void)close(one);
		}
	}
	return fd;
}

static int
receive_packet(int socket, struct message *out, struct error *e)
{
	uint8_t *room = buf_reserve(&out->in, MESSAGE_MAX);
	struct iovec piece = { .iov_base = room, .iov_len = MESSAGE_MAX };
	union control control = { 0 };
	struct msghdr m = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	ssize_t n;

	if (room == NULL)
		return error_nomem(e);
	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set_errno(e, ERR_CLOSED, errno, "the process is gone");
	if (n == 0)
		return error_set(e, ERR_CLOSED, "the process is gone");
	out->fd = take_descriptor(&m);
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return error_set(e, ERR_LIMIT, "a message is over its maximum");
	buf_commit(&out->in, (size_t)n);
	return 0;
}

int
message_receive(int socket, struct message *out, struct error *e)
{
	struct codec_frame frame;
	size_t used = 0;
	int rc;

	*out = (struct message){ .fd = -1 };
	buf_init(&out->in, MESSAGE_MAX);
	rc = receive_packet(socket, out, e);
	if (rc == 0 && (codec_frame_next(buf_slice(&out->in), &frame, &used, e) != 1 || used != out->in.len))
		rc = error_set(e, ERR_SYNTAX, "a packet that is no message");
	if (rc == 0) {
		out->type = frame.type;
		out->number = frame.ticket;
		out->body = frame.body;
		return 0;
	}
	if (out->fd >= 0)
		(void)close(out->fd);
	out->fd = -1;
	message_done(out);
	return rc;
}

void
message_done(struct message *m)
{
	buf_wipe_done(&m->in);
}
