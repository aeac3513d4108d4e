/* SPDX-License-Identifier: ISC */
/* Inside trust/find: one search that is under way, and the sources that it asks. */
#ifndef TRUST_FIND_INTERNAL_H
#define TRUST_FIND_INTERNAL_H

#include "trust/find/find.h"

struct finding {
	const struct find_place *place;
	const struct find_query *query;
	struct find_report *report;
	int fatal; /* of the store: nothing more is asked */
	struct error *e;
};

/* What an answer is taken as. */
struct find_from {
	enum find_source source;
	enum trust_origin origin;
	bool private;
	struct slice where;                        /* a URL, cut to TRUST_FROM_MAX */
	struct slice only;                         /* not empty: only user IDs of this address are taken */
	const struct pgp_fingerprint *fingerprint; /* not NULL: only certificates with this key */
	uint64_t key_id;                           /* not 0: with such a key */
};

/*
 * Takes what fits of an answer (binary or armored) into the store and the
 * report. How many did. ERR_SYNTAX when it is no certificates at all; the
 * store's errors are kept in f.
 */
int find_take(struct finding *f, const struct find_from *from, struct slice answer, size_t *taken, struct error *e);

/* Adds a failure; more than FIND_FAILURES_MAX are dropped. */
void find_failed(struct finding *f, enum find_source source, struct slice where, const struct error *e);
void find_say(const struct finding *f, const char *what, struct slice where);
/* A new row of the report, filled with source, from and private; NULL when it is full. */
struct find_result *find_add(struct finding *f, const struct find_from *from);

/* The sources: 0 when it answered (found or not). */
int find_wkd(struct finding *f, struct error *e);
int find_dns(struct finding *f, struct error *e);
/* exchange: it is that of the account. */
int find_at_server(struct finding *f, const struct find_server *s, bool exchange, struct error *e);

/* What is asked of one server. */
struct find_server_question {
	struct finding *f;
	const struct find_server *server;
	struct find_from from; /* source and origin are set; each answer sets where and the rest */
};
int find_hkp(const struct find_server_question *q, struct error *e);
int find_vks(const struct find_server_question *q, struct error *e);
/* Lists of candidates, by HKP. */
int find_candidates(const struct find_server_question *q, struct error *e);
/* By private look-up. ERR_UNSUPPORTED: it does not offer that; ERR_NET: it does, and fails. */
int find_private(const struct find_server_question *q, struct error *e);

/*
 * Asks for path and takes the answer. status_out is the server's answer, 0 when
 * there was none. 0 also for a status that is not 200.
 */
int find_ask_path(
    const struct find_server_question *q, const char *path, size_t *taken, unsigned *status_out, struct error *e);

/* The parts of an address; false when it has none. */
bool find_split_address(struct slice address, struct slice *local, struct slice *domain);

#endif
