/* SPDX-License-Identifier: ISC */
/*
 * What lies at a path, before anything of it is read: an mbox file; a Maildir
 * with its folders (Maildir++ or plain ones); a folder of mbox files, as
 * Thunderbird has them ("Sent", and "Sent.sbd" for what is below it). Each part
 * is a source with the name of the mailbox that it becomes.
 */
#ifndef SERVICE_TRANSFER_PLAN_H
#define SERVICE_TRANSFER_PLAN_H

#include "base/arena.h"
#include "os/tree.h"
#include "service/transfer/transfer.h"

#define PLAN_SOURCES_MAX 10000u       /* as many mailboxes as an account may have */
#define PLAN_NAMES_MAX 200000u        /* names of one folder that is looked through for mailboxes */
#define PLAN_DEPTH_MAX 32u            /* folders inside folders */
#define PLAN_BUDGET (128u << 20)      /* octets for all its names */
#define PLAN_SUBSCRIPTIONS_MAX 20000u /* as many as an account may have */

enum source_kind { SOURCE_MBOX, SOURCE_MAILDIR };

struct source {
	enum source_kind kind;
	const char *name; /* in the tree; "" is the tree itself */
	const char *shown;
	struct slice mailbox;
	uint64_t octets; /* of an mbox always; of a Maildir when somebody wants the total */
};

struct plan {
	struct arena arena;
	struct tree tree;
	const char *file; /* the path is one mbox; the tree is not open */
	struct source *sources;
	size_t count;
	uint64_t octets;
	struct slice *subscriptions; /* mailboxes; only when has_subscriptions */
	size_t subscription_count;
	bool has_subscriptions;
};

/*
 * into: everything goes into this mailbox and below it; empty: none. ERR_SYNTAX when path is one file and no mbox, or a
 * folder without mail; ERR_DENIED for what is neither file nor folder. plan_done() always.
 */
int plan_make(struct transfer *t, const char *path, enum transfer_format format, struct slice into, struct plan *out,
    struct error *e);
void plan_done(struct plan *p);

#endif
