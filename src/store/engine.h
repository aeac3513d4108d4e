/* SPDX-License-Identifier: ISC */
/*
 * The store behind store/store.h: one data folder, opened by one process.
 *
 *   struct store *s;
 *   store_open(&(struct store_options){ .folder = "/var/lib/letterlock" }, &s, &e);
 *   port_open_local(store_service(s), &port, &e);      or port_server_new(store_service(s), ...)
 *   ...
 *   port_close(port);
 *   store_close(s);
 *
 * The folder holds lock, store.db (with -wal and -shm) and bodies/. It is
 * made, readable by its owner only, when it is not there.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdbool.h>

#include "base/error.h"
#include "os/port.h"

struct store;

struct store_options {
	const char *folder;
	unsigned readers;      /* reading threads; 0: 2 */
	uint64_t segment_size; /* octets after which a new body segment is begun; 0: 256 MiB */
	/*
	 * Nothing in the folder is made, changed, cleaned or brought to another schema; whoever else only looks may too.
	 * Operations that write are refused.
	 */
	bool look_only;
	uint64_t compact_rate; /* octets a second that compaction copies; 0: 8 MiB */
	/* One line about the start (what a crash left and was cleaned) or a fault; may be NULL; from any thread. */
	void (*say)(void *ctx, const char *line);
	/* The disk failed a sync: the store answers no write any more, restart the process. May be NULL. */
	void (*stopped)(void *ctx, const char *why);
	void *ctx;
};

/*
 * ERR_ORDER when another process has the folder open, or when it is only to be
 * looked at and has an older schema; ERR_UNSUPPORTED when
 * its schema is newer than this program; ERR_INTEGRITY when what is there is
 * no store; ERR_IO, ERR_FULL, ERR_NOMEM.
 */
int store_open(const struct store_options *options, struct store **store_out, struct error *e);

/* Valid until store_close(). */
const struct port_service *store_service(struct store *s);

/* Finishes the writes that were taken, closes everything. All ports to it must be closed. NULL is permitted. */
void store_close(struct store *s);

#endif
