/* SPDX-License-Identifier: ISC */
/*
 * Export of one account's mail as a Maildir (Maildir++) or as mbox files. Nothing
 * that is there is overwritten. Files of a Maildir have names that stay the same,
 * so that exporting again adds what is new; an mbox is written once, as a whole.
 */
#ifndef SERVICE_TRANSFER_EXPORT_H
#define SERVICE_TRANSFER_EXPORT_H

#include "base/arena.h"
#include "mime/mbox.h"
#include "os/tree.h"
#include "service/transfer/transfer.h"
#include "store/store.h"

struct export_options {
	const char *path;
	struct slice mailbox; /* only this one and, in a Maildir or folder, what is below it; empty: all */
	enum transfer_format format;
	struct slice address; /* the account's; its domain is in the files' names */
};

/* Errors: it stopped there; it may be run again. */
int export_run(struct transfer *t, const struct export_options *options, struct error *e);

/* ---- inside: between export.c and the formats ---- */

struct export
{
	struct transfer *transfer;
	const struct export_options *options;
	struct tree tree;
	const char *file; /* in the tree, when the mailbox becomes that one file */
	uint64_t done, total, messages;
	const struct store_mailbox *mailboxes; /* all that are written */
	size_t mailbox_count;
	/* The mailbox that is written. */
	struct store_mailbox mailbox;
	const struct store_keyword *keywords;
	size_t keyword_count;
	void *own; /* the format's */
};

/* A stored message, whole in memory when it is small. */
struct export_body {
	struct port *port;
	uint64_t body;
	struct slice whole;
	bool large;
	int failed; /* of the store, when it could not be read */
	struct arena arena;
	struct mbox_survey survey;
};

/* Reads it, or looks all through it. export_body_done() always. */
int export_body_open(struct export_body *b, struct port *port, const struct store_message *m, struct error *e);
/* All octets in pieces. An error that is b->failed concerns this body only; any other is each()'s. */
int export_body_each(
    struct export_body *b, int (*each)(void *ctx, struct slice piece, struct error *e), void *ctx, struct error *e);
void export_body_done(struct export_body *b);

struct export_format {
	/* ERR_EXISTS: it is told, and the mailbox passed over. */
	int (*begin)(struct export *x, struct error *e);
	/* False: it is there already. */
	bool (*wants)(struct export *x, const struct store_message *m);
	/*
	 * Counts it as moved as soon as it has its name, here or later. After b->failed, nothing of the message may be
	 * left.
	 */
	int (*put)(struct export *x, const struct store_message *m, struct export_body *b, struct error *e);
	/* whole: all messages were given. Also after begin() failed. */
	int (*end)(struct export *x, bool whole, struct error *e);
	/* At the end of all; NULL: nothing. names: of subscribed mailboxes. */
	int (*subscriptions)(struct export *x, const struct slice *names, size_t count, struct error *e);
};

extern const struct export_format export_maildir, export_mbox;

/* How the mailbox is named in sentences. */
const char *export_where(const struct export *x, char out[STORE_NAME_MAX + 1]);

#endif
