/* SPDX-License-Identifier: ISC */
/*
 * Copies of the INBOX's messages on this machine, as they came (sealed ones
 * stay sealed): data folder, mail/ADDRESS/UIDVALIDITY/UID.eml. A message never
 * changes under its UID, so each is fetched once. The server's UIDs are the
 * numbers that a person uses.
 */
#ifndef CLIENT_MIRROR_H
#define CLIENT_MIRROR_H

#include "client/mailbox.h"

#define MIRROR_MESSAGE_MAX (256u << 20) /* octets of a message that is fetched */

struct mirror {
	char folder[FILE_PATH_MAX];
};

/* For the mailbox that is open. Makes the folder. */
int mirror_open(struct mirror *m, const struct account *a, const struct mailbox *box, struct error *e);
/* Sees to it that the message is here, and appends its octets to out. ERR_NOT_FOUND, ERR_LIMIT. */
int mirror_read(struct mirror *m, struct mailbox *box, uint32_t uid, struct buf *out, struct error *e);

/* The newest UIDs, at most max, ascending; the count goes to *count_out. */
int mirror_newest(struct mailbox *box, uint32_t *uids_out, size_t max, size_t *count_out, struct error *e);

#endif
