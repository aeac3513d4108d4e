/* SPDX-License-Identifier: ISC */
/*
 * The names inside a Maildir (https://cr.yp.to/proto/maildir.html) with what
 * Maildir++ and Dovecot added: flags in file names behind ":2,", folders ".A.B"
 * in modified UTF-7 (or plain folders, A/B), the names of the keywords 'a' to
 * 'z' in dovecot-keywords, and a file of subscriptions.
 */
#ifndef SERVICE_TRANSFER_MAILDIR_H
#define SERVICE_TRANSFER_MAILDIR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define MAILDIR_KEYWORDS 26u
#define MAILDIR_FILE_MAX (1u << 20) /* octets of dovecot-keywords or subscriptions that are read */

struct maildir_name {
	struct slice base; /* before the flags */
	uint32_t flags;    /* enum store_flag */
	uint32_t keywords; /* bit n: the letter 'a' + n */
	bool forwarded;    /* P: passed */
};

void maildir_name_parse(struct slice file, struct maildir_name *out);
/* Appends it; letters in the order of ASCII, as Maildir wants them. */
int maildir_name_write(struct buf *out, const struct maildir_name *name);
/* The number at its front: when the message came. 0 without. */
uint64_t maildir_name_time(struct slice file);
/* In the order in which they came: numbers inside the names are compared as numbers. Below 0: a before b. */
int maildir_name_compare(struct slice a, struct slice b);

struct maildir_keywords {
	struct slice names[MAILDIR_KEYWORDS]; /* in the text that was read; empty: free */
};

/* Lines that are none are passed over. */
void maildir_keywords_parse(struct slice text, struct maildir_keywords *out);
int maildir_keywords_write(struct buf *out, const struct maildir_keywords *k);

/*
 * The mailbox's name of a folder's, whose levels are separated so: appended to out in UTF-8 with '/'. What no mailbox may
 * have in its name is repaired, and *repaired_out says so: empty levels go, control characters and wildcards become '_'.
 * ERR_SYNTAX when nothing is left, ERR_LIMIT when it is too long or too deep.
 */
int maildir_folder_parse(struct slice folder, char separator, struct buf *out, bool *repaired_out, struct error *e);
/* The other way: ".A.B", and nothing for INBOX. A '.' inside a level becomes '_', and *repaired_out says so. */
int maildir_folder_write(struct buf *out, struct slice mailbox, bool *repaired_out, struct error *e);

/* One line after the other; the result is a folder's name with its separator, which the text decides ('\t' or as given). */
struct maildir_subscriptions {
	struct slice rest;
	char separator;
};

void maildir_subscriptions_init(struct maildir_subscriptions *s, struct slice text, char separator);
bool maildir_subscriptions_next(struct maildir_subscriptions *s, struct slice *folder_out);

#endif
