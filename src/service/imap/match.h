/* SPDX-License-Identifier: ISC */
/*
 * Whether a message matches the keys of a SEARCH (RFC 3501 6.4.4). The keys
 * are prepared once: sets resolved, strings folded, cheap keys in front. A
 * message's header and body are read only when a key that needs them is
 * reached. Text is compared as Unicode without case, in decoded headers and
 * decoded text parts.
 */
#ifndef SERVICE_IMAP_MATCH_H
#define SERVICE_IMAP_MATCH_H

#include "service/imap/task.h"

struct imap_match;

/* charset: as the client said, or empty. ERR_UNSUPPORTED: BADCHARSET; ERR_LIMIT, ERR_NOMEM. */
int imap_match_new(struct imap_task *t, const struct imap_search *keys, struct slice charset, struct imap_match **out,
    struct error *e);
/* The UIDs that may match at all, of the view: what a top-level UID or sequence key says, else all. */
struct imap_set imap_match_candidates(const struct imap_match *m);
/* octets_out grows by what was read. What cannot be read does not match. */
bool
imap_match_row(struct imap_task *t, const struct imap_match *m, const struct store_message *row, uint64_t *octets_out);

#endif
