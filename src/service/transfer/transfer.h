/* SPDX-License-Identifier: ISC */
/*
 * What import and export have in common: who is told of what happens on the
 * way, and the numbers at the end. A message that could not be moved is told
 * and counted, and the rest goes on.
 */
#ifndef SERVICE_TRANSFER_TRANSFER_H
#define SERVICE_TRANSFER_TRANSFER_H

#include "base/buf.h"
#include "base/error.h"
#include "os/port.h"

/* How a file of an export is named until it is whole. */
#define TRANSFER_PART_SUFFIX ".letterlock-part"

enum transfer_format {
	TRANSFER_ANY, /* import: seen from what is there; export: Maildir */
	TRANSFER_MAILDIR,
	TRANSFER_MBOX, /* mboxrd */
	TRANSFER_MBOXO,
	TRANSFER_MBOXCL,
	TRANSFER_MBOXCL2,
};

enum transfer_say {
	TRANSFER_NOTE,    /* something is not quite as it was */
	TRANSFER_PROBLEM, /* something is missing at the other side; it is counted as failed */
};

struct transfer_counts {
	uint64_t moved;   /* messages */
	uint64_t already; /* were there before */
	uint64_t failed;  /* messages, files and mailboxes that could not be moved */
	uint64_t passed;  /* files that hold no mail */
	uint64_t octets;  /* of moved */
	uint64_t mailboxes;
};

struct transfer {
	struct port *port;
	uint64_t account;
	/* where: a file or mailbox; offset: in it, or ERROR_NO_OFFSET. */
	void (*say)(void *ctx, enum transfer_say what, const char *where, uint64_t offset, const char *text);
	/* done and total are octets; total 0: unknown. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total, uint64_t messages);
	void *ctx;
	bool wants_total; /* somebody looks at the progress */
	struct transfer_counts counts;
};

void transfer_note(struct transfer *t, const char *where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Also counts it. */
void transfer_problem(struct transfer *t, const char *where, uint64_t offset, const char *text);

/* Errors after which nothing more can be moved: the disk, the server, the mailbox. */
bool transfer_is_fatal(int code);

#endif
