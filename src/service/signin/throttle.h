/* SPDX-License-Identifier: ISC */
/*
 * Slows the guessing of passwords, per account and per address, without
 * letting a stranger lock anybody out. Nothing here knows which accounts
 * exist, so one that does not is treated the same.
 *
 *   throttle_before()   before a password is checked: hold the check back for so long, or refuse it for now
 *   throttle_after()    once for each of them: right, wrong, or not checked after all
 *
 * Failures are counted four ways. Each count halves every THROTTLE_HALF_MS, so
 * nothing needs to be lifted by hand.
 *
 *   count    what                            free  doubles every  at the cap with  how
 *   pair     one account from one address       3        1             8          spaced
 *   address  IPv4 address or IPv6 /64          10        2            20          spaced
 *   prefix   IPv4 /24 or IPv6 /48              50       10           100          held
 *   account  from places not known to it       20       10            70          held
 *
 * The first delay after the free ones is THROTTLE_FIRST_MS, none is over
 * THROTTLE_CAP_MS. "Spaced" means: that long after the check or failure before,
 * so asking in parallel gains nothing, and who comes back later does not wait;
 * what would have to wait longer than the cap is refused (ERR_LIMIT). "Held"
 * means: each check waits that long, side by side, so that strangers cannot
 * take an account's turns. The longest of the four counts.
 *
 * Why these: two typing errors cost nothing, the one after the third half a
 * second. An address that guesses has some 25 tries and then 360 an hour; a
 * whole /24 or /48 has 6 a second, by THROTTLE_PREFIX_CHECKS. A phone with an
 * old password that tries once a minute keeps its address at some 14 failures,
 * which is two seconds for a newcomer there and nothing for the others.
 *
 * An account remembers the last THROTTLE_PLACES addresses from which it was
 * signed in to, for THROTTLE_KNOWN_MS. From there only the pair's count holds:
 * guesses of strangers, also of those behind the same address at other
 * accounts, do not slow the owner; and errors there do not slow him elsewhere.
 * From a new place he waits the cap at most, unless that address itself
 * guesses. A right password clears the pair's count and takes what it was off
 * the address's and prefix's; what the address failed at elsewhere remains, so
 * an attacker's own account does not reset anything.
 *
 * Checks waiting or running are bounded: THROTTLE_ADDRESS_CHECKS of an address,
 * THROTTLE_PREFIX_CHECKS of a prefix, THROTTLE_CHECKS in all; those of known
 * places are counted apart, so strangers cannot use up their places. The ticket
 * says whether the place is known, so that a queue can prefer those.
 *
 * Memory is fixed, 5 MiB, touched as it is used. Tables are indexed by a hash
 * with a random key; a full set of 8 gives up the lowest count (the oldest, of
 * known places), so a flood of names that fail once pushes out only its own.
 * All is forgotten with the process. Calls are for any thread; times are
 * milliseconds of one monotonic clock, and one that goes back lengthens no wait.
 */
#ifndef SERVICE_SIGNIN_THROTTLE_H
#define SERVICE_SIGNIN_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/peers.h"

#define THROTTLE_FIRST_MS 500
#define THROTTLE_CAP_MS 10000
#define THROTTLE_HALF_MS (10 * 60000)
#define THROTTLE_KNOWN_MS (INT64_C(30) * 86400000)
#define THROTTLE_PLACES 8u
#define THROTTLE_ADDRESS_CHECKS 16u
#define THROTTLE_PREFIX_CHECKS 64u
#define THROTTLE_CHECKS 4096u

struct throttle;

/* One check between before and after; the caller keeps it and changes nothing. */
struct throttle_ticket {
	uint64_t account; /* hashes */
	uint64_t pair, address, prefix;
	struct peer_key peer;
	bool known; /* the account was signed in to from this address recently */
};

enum throttle_result {
	THROTTLE_RIGHT,
	THROTTLE_WRONG, /* also for an account that does not exist */
	THROTTLE_NONE,  /* not checked: the queue was full, the client left, our fault */
};

/* ERR_NOMEM, ERR_CRYPTO, ERR_IO. */
int throttle_new(struct throttle **t_out, struct error *e);
void throttle_free(struct throttle *t); /* NULL is permitted */

/*
 * account: the address in the one form that all its spellings have (store/address.h); ASCII letters of either case are the
 * same. 0 with a delay of 0 to THROTTLE_CAP_MS, and the ticket: throttle_after()
 * must follow. ERR_LIMIT: too many are waiting or running; nothing was counted.
 */
int throttle_before(struct throttle *t, struct slice account, struct peer_key peer, int64_t now_ms,
    int64_t *delay_ms_out, struct throttle_ticket *ticket_out, struct error *e);
void
throttle_after(struct throttle *t, const struct throttle_ticket *ticket, enum throttle_result result, int64_t now_ms);

#endif
