/* SPDX-License-Identifier: ISC */
/*
 * The machine interface. A protocol is a machine: it knows its grammar and
 * its states, and nothing of sockets, TLS, threads, the store or the clock.
 *
 *   feed    "here is input": it takes octets, as many as it has room for
 *   next    one typed event or question (each protocol's own function and types)
 *   answer  continues after a question (each protocol's own)
 *   output  "send this"; sent() says how much of it went out
 *
 * Feeding octet by octet gives the same events as feeding all at once. Time
 * is milliseconds of a monotonic clock, passed in; deadline() says when the
 * machine wants to be run again at the latest even if nothing arrives.
 *
 * net/ drives every machine through this table; next and answer are called by
 * service/ (servers) or client/ (clients).
 */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdint.h>

#include "base/slice.h"

#define MACHINE_NEVER INT64_MAX

struct machine_ops {
	/* Takes octets from the front of in and returns how many. Fewer than in.len: full until events are taken. */
	size_t (*feed)(void *machine, struct slice in, int64_t now_ms);
	/* What should be sent now; valid until the next call on this machine. */
	struct slice (*output)(void *machine);
	void (*sent)(void *machine, size_t len);
	/* Absolute time in ms, or MACHINE_NEVER. */
	int64_t (*deadline)(const void *machine);
};

#endif
