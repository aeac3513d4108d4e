/* SPDX-License-Identifier: ISC */
/* What the mailbox operations lend to the others. */
#ifndef STORE_OP_MAILBOX_H
#define STORE_OP_MAILBOX_H

#include "store/internal.h"

/* A row with a fresh UIDVALIDITY; name as it is kept, and not there yet. */
int mailbox_make(struct tx *tx, uint64_t account, struct slice name, bool selectable, uint32_t special_use,
    struct store_mailbox_id *out, struct error *e);
/* Drops the messages of all mailboxes of the account. */
int mailbox_empty_all(struct tx *tx, uint64_t account, struct error *e);

/*
 * Copies the messages in ranges (none: all) into target, or moves them.
 * Mailboxes are of the same account. ERR_LIMIT over STORE_COPY_MAX.
 */
int messages_copy(struct tx *tx, const struct store_copy *in, struct store_copied *out, struct error *e);

/* first <= last, ascending, not overlapping; ERR_SYNTAX. */
int ranges_check(const struct store_range *ranges, size_t count, struct error *e);

#endif
