/* SPDX-License-Identifier: ISC */
/*
 * One-way mirroring of another server's key directory: what changes there
 * comes here, by the private look-ups (doc/private-lookup.md) and the prefixlog
 * of HKP v2. Nothing goes the other way.
 *
 * The first time, all buckets by fingerprint are fetched in order; from then
 * on, the days' prefixlogs since, and the buckets of what is in them. Bare keys
 * and revocations come always, and through the same filter as uploads: what
 * does not verify is left out, and nothing that is here goes. With user_ids,
 * also the user IDs that the other server shows, but never those of our own
 * domains, which are verified here or not at all, and none that was taken away
 * here (a tombstone).
 *
 * How far it came is in the store (meta), so a run that is cut off goes on where
 * it was. A server that does not answer, or is busy, is tried again a few times,
 * after longer and longer pauses.
 */
#ifndef SERVICE_DIRECTORY_MIRROR_H
#define SERVICE_DIRECTORY_MIRROR_H

#include <stdbool.h>

#include "base/error.h"
#include "os/port.h"

#define MIRROR_URL_MAX 1000u       /* octets */
#define MIRROR_DIGITS_MAX 6u       /* of buckets: 16 million of them, over 800 million certificates */
#define MIRROR_DAYS_MAX 90u        /* whose logs a server keeps: after a longer pause everything is fetched again */
#define MIRROR_CHANGES_MAX 200000u /* of one day */
#define MIRROR_TRIES 6u            /* of one request: after 1, 2, 4, 8 and 16 s */

struct mirror_options {
	const char *url;     /* "https://keys.example.net", perhaps with a port; without a path */
	const char *ca_file; /* NULL: the system's authorities */
	struct port *store;
	bool user_ids;
	uint64_t now; /* unix seconds */
	/* Told after every bucket; may be NULL. */
	void (*progress)(void *ctx, size_t done, size_t of);
	void *ctx;
};

struct mirror_result {
	bool first;       /* a whole copy */
	size_t fetched;   /* certificates */
	size_t changed;   /* of those, what was not here */
	size_t refused;   /* that the filter does not keep */
	size_t published; /* addresses */
};

/* ERR_USAGE: the URL; ERR_NET, ERR_TLS, ERR_TIMEOUT: the server; ERR_SYNTAX, ERR_LIMIT: what it says; the store's own. */
int mirror_run(const struct mirror_options *options, struct mirror_result *result_out, struct error *e);

#endif
