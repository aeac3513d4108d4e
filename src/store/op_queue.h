/* SPDX-License-Identifier: ISC */
/*
 * What the queue's operations share (op_queue*.c).
 *
 * A destination's row in queue_domains says when something of it is due, so
 * that looking for what is due touches each destination once, however much
 * waits behind it. queue_refresh() makes that row true again after rows of the
 * destination changed; every change ends with it.
 */
#ifndef STORE_OP_QUEUE_H
#define STORE_OP_QUEUE_H

#include "store/internal.h"

/* A letter into inboxes and the queue; its body is tx->place. */
int queue_keep(struct tx *tx, const struct store_queue_letter *in, struct store_queue_kept *out, struct error *e);
/* turn: the lease that took something; 0: nothing was taken. */
int queue_refresh(struct tx *tx, struct slice domain, uint64_t turn, struct error *e);
/* One recipient fewer, of the destination and in all; its row is deleted. */
int queue_drop_recipient(struct tx *tx, uint64_t queue, uint64_t position, struct slice domain, struct error *e);
/* The message has lost so many recipients; it goes with its last one. *left_out: how many remain. */
int queue_drop_counted(struct tx *tx, uint64_t queue, uint64_t recipients, uint32_t *left_out, struct error *e);
/* All messages with this body, which is lost (recover.c). */
int queue_forget_body(struct tx *tx, uint64_t body, struct error *e);

#endif
