/* SPDX-License-Identifier: ISC */
/*
 * Where imported messages go: the mailboxes of one account. Many messages are on
 * their way to the disk at once, so that they share its syncs.
 *
 * What is in a mailbox before the import is remembered as a table of size, date
 * and body (64 octets a message). A message is there already when one of the same
 * size and date has the same octets (all of these are read and hashed once); each of those in the
 * mailbox stands for one in the source, so that what a source has twice stays
 * twice, and an import that was stopped can be run again.
 */
#ifndef SERVICE_TRANSFER_KEEP_H
#define SERVICE_TRANSFER_KEEP_H

#include "service/transfer/transfer.h"
#include "store/store.h"

#define KEEP_WINDOW 128u               /* messages on their way */
#define KEEP_WINDOW_OCTETS (32u << 20) /* of them */
#define KEEP_WHERE_MAX 512u            /* octets of a file's name that are remembered for a sentence */
#define KEEP_DIGEST 32u                /* octets of SHA-256 */

struct keep;

/* again: store also what is there already. */
int keep_new(struct transfer *t, bool again, struct keep **out, struct error *e);
/* Waits for what is on its way, then ends. NULL is permitted. */
void keep_free(struct keep *k);

/* The mailbox that messages go to from now on; made when it is not there, and then subscribed if that is wanted. */
int keep_enter(struct keep *k, struct slice name, bool subscribe, struct error *e);
int keep_subscribe(struct keep *k, struct slice name, struct error *e);

struct keep_message {
	struct slice data; /* the whole; empty when it is too large for that */
	uint64_t size;
	uint32_t header_size;
	struct slice cache;
	uint64_t date;
	uint32_t flags;
	struct slice keywords; /* separated by spaces */
	/* Where it is from, for what is said of it. */
	const char *where;
	uint64_t offset; /* ERROR_NO_OFFSET: it is a file of its own */
	/* Its digest: asked for only when something of its size and date is there. */
	int (*digest)(void *ctx, uint8_t out[KEEP_DIGEST], struct error *e);
	/* Gives all octets once more, in pieces, to keep_piece(): when data is empty. */
	int (*replay)(void *ctx, struct keep *k, struct error *e);
	void *ctx;
};

/*
 * Keeps it, or counts it as there already. What the store refuses is told and counted; an error is one after which
 * nothing more can be kept.
 */
int keep_put(struct keep *k, const struct keep_message *m, struct error *e);
int keep_piece(struct keep *k, struct slice piece, struct error *e);

/* Waits until all is on disk; the error that came meanwhile. */
int keep_settle(struct keep *k, struct error *e);

#endif
