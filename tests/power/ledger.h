/* SPDX-License-Identifier: ISC */
/*
 * What a store's clients were promised, read from the marks in the log up to
 * a moment, and whether a store that was opened afterwards keeps it.
 *
 * A mark is words with one space between them. B is a mailbox,
 * ADDRESS:NAME; G numbers an operation; a message is named by the TOKEN that
 * it carries, and no token comes twice into one mailbox; 0 is a UID or
 * MODSEQ that the client does not know.
 *
 *   box B UIDVALIDITY               it is there, and stays
 *   try G B TOKEN FLAGS             begun: a message into a mailbox, for each of an operation, before it is asked
 *   from G B TOKEN                  and gone from there: a move
 *   got B TOKEN UID MODSEQ          answered, for each of the operation, then
 *   done G                          which alone is enough, too
 *   fail G                          answered: not done
 *   flag B TOKEN FLAGS              begun: exactly these flags; then flagged B TOKEN FLAGS MODSEQ
 *   expunge B TOKEN                 begun; then expunged B TOKEN MODSEQ
 *   make A NAME                     mailboxes that come and go; made A NAME UIDVALIDITY
 *   drop A NAME                     dropped A NAME
 *   ren A NAME NAME                 renamed A NAME NAME
 *   key KEY VALUE                   keyed KEY VALUE
 *   restart                         the process is a new one, and a client looks at everything:
 *   seen B TOKEN FLAGS UID MODSEQ   each message
 *   looked B UIDNEXT MODSEQ         and there was no other
 *   names A                         names come after it, name A NAME UIDVALIDITY for each, then named A
 *   has KEY VALUE                   each key; "-": it is not there
 */
#ifndef POWER_LEDGER_H
#define POWER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/port.h"

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l);

/* One mark. False: what it says was seen breaks what was promised (why is filled), without any power cut. */
bool ledger_take(struct ledger *l, const char *mark, char *why, size_t why_size);

/* How many marks said that something was done. */
size_t ledger_answers(const struct ledger *l);

/*
 * Compares, and then writes to see that no number is used again. False: why
 * says what is lost.
 */
bool ledger_check(struct ledger *l, struct port *port, char *why, size_t why_size);

/* A message of this token and so many octets of content; its own length is returned. out may be NULL. */
size_t message_make(uint64_t token, size_t content, uint8_t *out);
/* Whole, and whose. */
bool message_read(const uint8_t *data, size_t len, uint64_t *token_out);

#endif
