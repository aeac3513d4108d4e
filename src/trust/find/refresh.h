/* SPDX-License-Identifier: ISC */
/*
 * Asking again for what is known: revocations, new expiry, new subkeys. Who
 * asks a server for all of a key ring in one go shows it whom he knows. So:
 *
 *   by the log   the server lists, for each day, the first eight digits of the
 *                fingerprints that changed (/pks/v2/prefixlog/DAY): only those
 *                of ours are fetched, in a bucket where it offers that
 *   one by one   each certificate has a random time at which it is due, again
 *                some days after it was asked for; a run asks for those only
 *
 * Nothing that a server leaves out is lost here (trust/store.h).
 */
#ifndef TRUST_FIND_REFRESH_H
#define TRUST_FIND_REFRESH_H

#include "trust/find/find.h"

#define FIND_LOG_DAYS_MAX 90u   /* that a server keeps, and that are asked for */
#define FIND_LOG_MAX (1u << 20) /* octets of a day's log */
#define FIND_REFRESH_DAYS 7u    /* on average between two questions for one certificate */

/* The lines of a log: called with the first four octets of each. Not 0 ends it. ERR_SYNTAX for what is none. */
typedef int find_prefix_fn(void *ctx, uint32_t prefix);
int find_prefixlog_read(struct slice text, find_prefix_fn *each, void *ctx, struct error *e);

struct find_refreshed {
	size_t certificates; /* that were asked for */
	size_t changed;
	size_t failed;  /* that no server could be asked for */
	size_t waiting; /* that are due later */
};

/* One certificate, by its fingerprint, at the exchange and the key servers, and where its address's domain gave it. */
int find_refresh_one(const struct find_place *place, const struct pgp_fingerprint *f, struct find_report *report,
    struct find_refreshed *out, struct error *e);

/*
 * By the log of one server, from the last day that it was asked for.
 * *offered_out: it has one; else nothing was done. The first time there is no
 * last day, and it begins with today's: what is known now is asked for one by one, too.
 */
int find_refresh_by_log(const struct find_place *place, const struct find_server *s, struct find_report *report,
    bool *offered_out, struct find_refreshed *out, struct error *e);

/*
 * The certificates that are due, in random order, at most max; those that were
 * never scheduled get a time first. pause (NULL permitted) is called between
 * two, with seconds to wait; not 0 ends the run, which then succeeds.
 */
struct find_pacing {
	size_t max;
	bool all;           /* whatever is due */
	uint32_t pause_max; /* seconds */
	int (*pause)(void *ctx, uint32_t seconds);
	void *ctx;
};
int find_refresh_due(const struct find_place *place, const struct find_pacing *pacing, struct find_report *report,
    struct find_refreshed *out, struct error *e);

#endif
