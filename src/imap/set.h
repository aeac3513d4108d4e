/* SPDX-License-Identifier: ISC */
/*
 * Sequence sets (RFC 3501 section 9, sequence-set): as written by a client,
 * and resolved. A resolved set is ascending and its ranges neither overlap nor
 * touch, however often "1:*,1:*" repeats itself: what comes after is linear
 * in the messages.
 */
#ifndef IMAP_SET_H
#define IMAP_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* In a parsed set 0 stands for "*"; in a resolved one 1 <= first <= last. */
struct imap_range {
	uint32_t first;
	uint32_t last;
};

struct imap_set {
	struct imap_range *ranges;
	size_t count;
};

/*
 * Parses a whole text ("1,3:5,*"). The ranges live in a. ERR_SYNTAX with the
 * offset, ERR_LIMIT over IMAP_RANGES_MAX or the arena's budget.
 */
int imap_set_parse(struct slice text, struct arena *a, struct imap_set *set_out, struct error *e);

/*
 * Puts star for "*", orders and joins; in place. star is the largest number in
 * use: for an empty mailbox 0 (message numbers; ranges with "*" then end at 0)
 * or UIDNEXT (UIDs).
 */
void imap_set_resolve(struct imap_set *set, uint32_t star);

/* The functions below want a resolved set. */
bool imap_set_has(const struct imap_set *set, uint32_t number);
/* The smallest member that is not below number, or 0. */
uint32_t imap_set_next(const struct imap_set *set, uint32_t number);
uint64_t imap_set_size(const struct imap_set *set);
/* Appends "1,3:5". */
int imap_set_write(struct buf *out, const struct imap_set *set);

/* Appends a list of ascending runs of numbers in the given order, "5,1:3", as COPYUID wants it (RFC 4315). */
int imap_numbers_write(struct buf *out, const uint32_t *numbers, size_t count);

#endif
