/* SPDX-License-Identifier: ISC */
/*
 * Messages between a process and its parent: each is one packet of a
 * SOCK_SEQPACKET socket, with a type, a number and a struct of a schema
 * (base/codec.h), and at most one descriptor beside it. For what is rare and
 * small: settings, sockets to be handed over, the order to stop. Calls and
 * streams between processes use os/port.h and net/trunk.h.
 */
#ifndef OS_MESSAGE_H
#define OS_MESSAGE_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/error.h"

#define MESSAGE_MAX (128u << 10) /* octets of one message: a certificate chain with its key fits */

/* A connected pair; both ends are closed on exec. ERR_IO. */
int message_pair(int fds_out[2], struct error *e);

/*
 * Sends one message; waits when the socket is full. fd is sent along and stays
 * the caller's; -1: none. ERR_CLOSED when the other end is gone, ERR_IO, ERR_LIMIT.
 */
int message_send(int socket, uint16_t type, uint64_t number, const struct codec_schema *schema, const void *message,
    int fd, struct error *e);

struct message {
	uint16_t type;
	uint64_t number;
	struct slice body; /* in in */
	int fd;            /* the receiver's, or -1 */
	struct buf in;
};

/* Waits for one; wiped and freed by message_done(), which leaves the descriptor alone. ERR_CLOSED at the end, ERR_SYNTAX. */
int message_receive(int socket, struct message *out, struct error *e);
void message_done(struct message *m);

#endif
