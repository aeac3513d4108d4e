/* SPDX-License-Identifier: ISC */
/*
 * Whose connection is whose. The process that checks passwords says so to the
 * one that has the mail; the process that has the client's socket names only
 * its connection, and a connection that nobody spoke for is refused.
 *
 *   grants_put()    from the check: {process, connection} is this account's
 *   grants_take()   the connection is opened: once, within GRANTS_MS
 *   grants_leave()  it is closed
 *   grants_recent() whether somebody signed in to that account through that process within GRANTS_MS
 *
 * A process that has no connections of the account's own (web) is granted uncounted; a new one replaces the one before.
 *
 * So many connections may an account have at once; grants that were not taken
 * count until they run out. Every call is for any thread.
 */
#ifndef SERVICE_GRANTS_H
#define SERVICE_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define GRANTS_MS 60000
#define GRANTS_WAITING_MAX 16384u /* granted and not taken */

struct grants;

struct grant_in {
	uint64_t process, connection, account;
	bool counted;
	uint32_t rights; /* enum store_right: what it was signed in for */
};

/* account_max: connections of one account at once. ERR_NOMEM. */
int grants_new(uint32_t account_max, struct grants **grants_out, struct error *e);
void grants_free(struct grants *g); /* NULL is permitted */
void grants_set_max(struct grants *g, uint32_t account_max);

/* ERR_LIMIT: the account has too many, or too many wait in all; ERR_USAGE: no account; ERR_NOMEM. */
int grants_put(struct grants *g, const struct grant_in *in, int64_t now_ms, struct error *e);
/* 0: nobody spoke for it, or not for that right: who signed in over one protocol gets no session of another. */
uint64_t grants_take(struct grants *g, uint64_t process, uint64_t connection, uint32_t right, int64_t now_ms);
void grants_leave(struct grants *g, uint64_t account);
bool grants_recent(struct grants *g, uint64_t process, uint64_t account, int64_t now_ms);
/* That process is gone, and its grants with it. */
void grants_forget(struct grants *g, uint64_t process);

#endif
