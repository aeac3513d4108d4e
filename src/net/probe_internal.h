/* SPDX-License-Identifier: ISC */
/* What probe.c (the connection) and probe_tls.c (what is seen) share. */
#ifndef NET_PROBE_INTERNAL_H
#define NET_PROBE_INTERNAL_H

#include "net/probe.h"
#include "net/tls_internal.h"

struct probe {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int64_t wait_ms, until_ms;
	struct buf input; /* what came and was not read */
	size_t taken;     /* octets of it that the last line had */
	char address[CONN_PEER_MAX];
};

/* Until when the next thing must have happened. */
int64_t probe_deadline(const struct probe *p);
int probe_wait(struct probe *p, short events, int64_t until, struct error *e);

#endif
