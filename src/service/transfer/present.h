/* SPDX-License-Identifier: ISC */
/* What a mailbox holds already, by size and date; see service/transfer/keep.h. */
#ifndef SERVICE_TRANSFER_PRESENT_H
#define SERVICE_TRANSFER_PRESENT_H

#include "service/transfer/keep.h"

struct present_entry {
	uint64_t size;
	uint64_t date;
	uint64_t body;
	uint8_t digest[KEEP_DIGEST]; /* when it was read; zeros: it cannot be */
	uint32_t used;               /* in the first of those with one digest: so many are matched */
	bool read;                   /* in the first of its size and date: all of them were, and are sorted by digest */
};

struct present {
	struct present_entry *entries; /* by size, date, digest */
	size_t count, room;
};

/* Of the whole mailbox; what was there before is forgotten. */
int present_load(struct present *p, struct port *port, uint64_t account, uint64_t mailbox, struct error *e);
/* Does the mailbox hold it, not yet matched by another one? *found_out; ERR_… of m's digest, or of a store that is gone. */
int present_take(struct present *p, struct port *port, const struct keep_message *m, bool *found_out, struct error *e);
void present_done(struct present *p);

#endif
