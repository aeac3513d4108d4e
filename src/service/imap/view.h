/* SPDX-License-Identifier: ISC */
/*
 * What a session believes to be in its mailbox: an ascending set of UIDs in
 * which the n-th is message number n. It changes only when the client is told
 * (EXISTS, EXPUNGE), whatever others do meanwhile. Kept as runs, so that a
 * mailbox without holes costs 12 octets.
 */
#ifndef SERVICE_IMAP_VIEW_H
#define SERVICE_IMAP_VIEW_H

#include "base/error.h"
#include "imap/set.h"

struct imap_run {
	uint32_t first; /* UIDs */
	uint32_t last;
	uint32_t before; /* messages in front of this run */
};

struct imap_view {
	struct imap_run *runs;
	size_t count;
	size_t room;
	uint32_t messages;
};

void imap_view_done(struct imap_view *v);
/* Adds UIDs first to last behind all others; what is not behind is passed over. ERR_NOMEM. */
int imap_view_add(struct imap_view *v, uint32_t first, uint32_t last, struct error *e);
/* Removes ascending UIDs; those that are not there are passed over. ERR_NOMEM: nothing is removed. */
int imap_view_remove(struct imap_view *v, const uint32_t *uids, size_t count, struct error *e);
/* The message number of a UID, or 0. */
uint32_t imap_view_seq(const struct imap_view *v, uint32_t uid);
/* The UID of a message number, or 0. */
uint32_t imap_view_uid(const struct imap_view *v, uint32_t seq);
/* The largest UID, or 0. */
uint32_t imap_view_last(const struct imap_view *v);

/*
 * The UIDs in the view that a resolved set names, as a resolved set in a: by
 * message numbers, or by UIDs. The result covers only UIDs of the view, but
 * two ranges of it may have touched. ERR_LIMIT, ERR_NOMEM.
 */
int imap_view_select(const struct imap_view *v, const struct imap_set *set, bool by_uid, struct arena *a,
    struct imap_set *out, struct error *e);

#endif
