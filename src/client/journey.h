/* SPDX-License-Identifier: ISC */
/*
 * The way that a letter came, for `letterlock read --journey`: the servers that
 * took it, one after the other, what protected it between them, and how long
 * each kept it.
 *
 * Every server puts its line on top, so only the topmost one is by the server
 * where our mailbox is; what that says is sure, as far as it calls itself by a
 * name that we know. All lines below came with the letter: each is the word of
 * whoever wrote it, and a forger writes what he likes. The same holds for
 * Authentication-Results: ours takes away those that others send in its name
 * (RFC 8601 section 5), so those in its name are its own.
 *
 * Of a report on a letter that we sent (RFC 3464), what became of it.
 */
#ifndef CLIENT_JOURNEY_H
#define CLIENT_JOURNEY_H

#include "base/arena.h"
#include "base/json.h"
#include "client/letters.h"
#include "mailauth/results/results.h"
#include "mime/received.h"

#define JOURNEY_HOPS_MAX 100u     /* lines that are looked at; RFC 5321 6.3 says that so many are a loop */
#define JOURNEY_RESULTS_MAX 20u   /* Authentication-Results fields */
#define JOURNEY_REPORTS_MAX 100u  /* recipients of a delivery report */
#define JOURNEY_ODD_S 5           /* seconds that clocks may differ without a word */
#define JOURNEY_LONG_S 600        /* seconds after which one wonders */
#define JOURNEY_BUDGET (4u << 20) /* octets of memory */

struct journey_hop {
	struct mime_received line;
	bool read;      /* false: the line could not be understood */
	bool sure;      /* by our own server */
	bool connected; /* it came from the server that wrote the line before, by its name */
	bool timed;
	int64_t delay; /* timed: seconds since the line before, or since the letter's Date */
};

struct journey_result {
	struct auth_results fields;
	bool sure;
};

/* What became of a letter of ours, for one recipient (RFC 3464 section 2.3). */
struct journey_report {
	struct slice recipient, action, status, server, words;
};

struct journey {
	struct arena arena;
	struct slice ours;                         /* the name of our own server, when it is known; empty */
	struct journey_hop hops[JOURNEY_HOPS_MAX]; /* the first one first */
	size_t hop_count;
	bool more; /* than JOURNEY_HOPS_MAX */
	struct journey_result results[JOURNEY_RESULTS_MAX];
	size_t result_count;
	struct journey_report reports[JOURNEY_REPORTS_MAX];
	size_t report_count;
};

/* journey_done() also after an error. ERR_NOMEM. */
int journey_make(const struct account *account, const struct letter_view *v, struct journey *out, struct error *e);
void journey_done(struct journey *j);

void journey_print(const struct journey *j);
struct json_value *journey_json(const struct journey *j);

#endif
