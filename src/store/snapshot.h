/* SPDX-License-Identifier: ISC */
/*
 * A whole store copied into another folder, as it was at one moment, while
 * others may write to it: what backup and restore do.
 *
 *   store_snapshot_open(&options, &copy, &e);     locks; whose store it is, is known from here on
 *   store_snapshot_run(copy, &e);                 the database, then the bodies that it names
 *   store_snapshot_raise(copy, ...)               when this is a restore
 *   store_snapshot_finish(copy, &copied, &e);     from here on the folder holds this copy, and before it the earlier one
 *   store_snapshot_free(copy);
 *
 * The database is copied in one read transaction to store.db.partial. A body
 * never changes, so bodies that an earlier copy in the folder has are left where
 * they are when they have the checksums that the source has of them, and so are
 * those that a copy left which was cut off: these when they pass. The others are
 * appended to segments of this folder's own, in the order in which they lie;
 * store.db.partial then says where. Nothing that the earlier copy names is
 * touched before the last step, which syncs everything and renames
 * store.db.partial to store.db. Only afterwards what nobody names goes.
 *
 * A body that does not pass in the source is told, and copied as it is.
 */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_SNAPSHOT_ID_TEXT 33u /* 32 hex digits and NUL */

struct store_snapshot_options {
	const char *from;
	const char *to; /* is made when it is not there */
	bool held; /* a running store has `from`, and a port to it holds (store_hold()); otherwise it is locked here */
	/* 0 as long as that port is there; what was read is believed only then. May be NULL. */
	int (*still)(void *ctx, struct error *e);
	/* what: "database" or "messages"; octets. May be NULL. */
	void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	/* A sentence about a message that does not pass. May be NULL. */
	void (*damaged)(void *ctx, const char *sentence);
	void *ctx;
};

struct store_snapshot_counts {
	uint64_t accounts, messages, bodies;
	uint64_t octets;  /* of the bodies */
	uint64_t copied;  /* octets that were not there yet */
	uint64_t damaged; /* bodies that do not pass, here and in the source */
};

struct store_snapshot_raised {
	uint64_t mailboxes;
	uint64_t raised; /* of them, with another UIDVALIDITY now */
	bool compared;   /* the replaced folder could be read and has the same store */
};

struct store_snapshot;

/*
 * ERR_NOT_FOUND when `from` holds no store; ERR_ORDER when another process has one of the folders, or when a power
 * cut took octets of its last batch, so that it must be opened once; ERR_UNSUPPORTED when it is of a newer program; ERR_DENIED when others may
 * read `to`; ERR_INTEGRITY, ERR_IO, ERR_FULL.
 */
int
store_snapshot_open(const struct store_snapshot_options *options, struct store_snapshot **copy_out, struct error *e);
/* Which store `from` is: hex digits, or empty when it is older than such names. Lives as long as the copy. */
const char *store_snapshot_id(const struct store_snapshot *copy);
uint32_t store_snapshot_schema(const struct store_snapshot *copy);
int store_snapshot_run(struct store_snapshot *copy, struct error *e);
/*
 * For a store that replaces another, which may have been ahead of it: every number that clients remember goes on from
 * behind what either gave out. replaced: the data folder (locked by the caller) that will go, or NULL. A mailbox keeps its
 * UIDVALIDITY when that folder shows that nothing was given out in it since.
 */
int store_snapshot_raise(
    struct store_snapshot *copy, const char *replaced, struct store_snapshot_raised *raised_out, struct error *e);
int store_snapshot_finish(struct store_snapshot *copy, struct store_snapshot_counts *copied_out, struct error *e);
/* What was copied stays for the next time. NULL is permitted. */
void store_snapshot_free(struct store_snapshot *copy);

#endif
