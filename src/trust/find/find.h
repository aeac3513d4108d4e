/* SPDX-License-Identifier: ISC */
/*
 * Finding certificates at others: the Web Key Directory of the address's
 * domain (draft-koch-openpgp-webkey-service), OPENPGPKEY records that DNSSEC
 * proves (RFC 7929), the directory of our own exchange, and key servers (HKP
 * version 1 and 2, VKS). What is in our own store already is told too.
 *
 * What a source gives is believed only for what was asked: of an address only
 * the user IDs with that address are taken, and only from a certificate in
 * which one of them is validly bound. It is merged into the store with where it
 * came from as evidence; nothing becomes trusted by that, and nothing replaces
 * what was there (trust/store.h). A certificate that is known already also
 * gets what makes it worse: revocations.
 *
 * Where a server offers private look-ups (bucket.h), it is not told whom we ask
 * for. A source that cannot be asked, or gives nonsense, does not stop the
 * others: it is listed among the failures.
 *
 * Blocking, bounded in size and time.
 */
#ifndef TRUST_FIND_H
#define TRUST_FIND_H

#include "net/dns.h"
#include "trust/find/server.h"
#include "trust/store.h"

#define FIND_RESULTS_MAX 100u
#define FIND_FAILURES_MAX 20u
#define FIND_SERVERS_MAX 16u
#define FIND_TIMEOUT_MS 15000 /* of one question */

enum find_kind {
	FIND_ADDRESS,
	FIND_FINGERPRINT,
	FIND_KEY_ID, /* 16 digits; several may have it */
	FIND_SHORT,  /* 8 digits: candidates only, for anybody can make a key that has them */
	FIND_NAME,   /* candidates only, of servers that permit it */
};

struct find_query {
	enum find_kind kind;
	struct slice text;                  /* as typed, without spaces around it */
	struct pgp_fingerprint fingerprint; /* FIND_FINGERPRINT */
	uint64_t key_id;                    /* FIND_KEY_ID, FIND_SHORT */
};

/* out points into text. ERR_USAGE for what nobody can be asked. */
int find_query_parse(struct slice text, struct find_query *out, struct error *e);

enum find_source { FIND_STORE, FIND_WKD, FIND_DNS, FIND_EXCHANGE, FIND_SERVER, FIND_SOURCES };
#define FIND_BIT(source) (1u << (unsigned)(source))
#define FIND_ALL ((1u << FIND_SOURCES) - 1u)
const char *find_source_name(enum find_source s); /* "store", "wkd", "dns", "exchange", "keyserver" */
/* Names apart by commas: bits. ERR_USAGE with the one that is none. */
int find_sources_parse(struct slice text, unsigned *out, struct error *e);

enum find_outcome {
	FIND_NEW,       /* it is in the store now */
	FIND_CHANGED,   /* was there, and something new came with it */
	FIND_KNOWN,     /* was there, and nothing is new */
	FIND_CANDIDATE, /* a server lists it: nothing was fetched */
};
const char *find_outcome_name(enum find_outcome o);

struct find_result {
	enum find_source source;
	enum find_outcome outcome;
	bool private;                       /* the server was not told for whom we asked */
	enum trust_origin origin;           /* what that counts for; FIND_STORE: the best that is known */
	struct pgp_fingerprint fingerprint; /* len 0: a candidate of whom the server says only the key ID */
	uint64_t key_id;
	char from[TRUST_FROM_MAX + 1];
	char name[TRUST_ADDRESS_MAX + 1]; /* the address asked for, or what a server calls a candidate: peer text */
};

struct find_failure {
	enum find_source source;
	char from[TRUST_FROM_MAX + 1];
	struct error error;
};

struct find_report {
	struct find_result results[FIND_RESULTS_MAX];
	size_t count;
	struct find_failure failures[FIND_FAILURES_MAX];
	size_t failure_count;
	unsigned asked; /* bits of the sources that answered, found or not */
};

/* Who asks, and with what. */
struct find_place {
	struct trust_store *store;
	const struct pgp_policy *policy;
	const struct find_server *exchange; /* NULL: we have none */
	const char *exchange_domain;        /* whose addresses it answers for; NULL: for none */
	const struct find_server *servers;
	size_t server_count;
	struct dns *dns; /* NULL: OPENPGPKEY is not asked for */
	struct find_web web;
	unsigned sources;   /* FIND_BIT()s */
	bool only_private;  /* a server without private look-ups is not asked */
	bool not_private;   /* ask by name also where it need not be */
	bool thorough;      /* ask WKD and DNS also where the exchange is that of the address's domain */
	bool stop_at_first; /* for writing: the first source that has one is enough */
	void (*say)(void *ctx, const char *text); /* NULL, or told each question, without secrets */
	void *say_ctx;
};

/* Asks. 0 also when nobody has it: the report says. Errors only of the store, and ERR_NOMEM. */
int find_run(const struct find_place *place, const struct find_query *query, struct find_report *out, struct error *e);

/* Whether a certificate can be used for an address: a valid user ID of it, and a key to encrypt to. */
bool find_is_for(const struct pgp_cert *c, struct slice address, const struct pgp_policy *policy);

#endif
