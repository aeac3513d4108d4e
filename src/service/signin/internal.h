/* SPDX-License-Identifier: ISC */
/*
 * Inside signing in: one sign-in is one struct check, from its first message to its last answer. It has one owner at a
 * time: the job that is being answered, or, between two messages of a client, the table of open exchanges.
 *
 *   signin.c           the questions, the steps of an exchange, and how a sign-in ends
 *   signin_held.c      who is held back for a time
 *   signin_open.c      exchanges that wait for their client
 *   signin_password.c  passwords against verifiers
 */
#ifndef SERVICE_SIGNIN_INTERNAL_H
#define SERVICE_SIGNIN_INTERNAL_H

#include <pthread.h>

#include "crypto/secret.h"
#include "net/peers.h"
#include "os/pool.h"
#include "sasl/server.h"
#include "service/ask.h"
#include "service/signin/pace.h"
#include "service/signin/signin.h"
#include "service/signin/throttle.h"

/* One of the account's credentials that may be used here and now. */
struct signin_credential {
	uint64_t number;
	uint32_t kind; /* enum store_credential_kind */
	struct scram_verifier verifier;
	char name[STORE_CREDENTIAL_NAME_MAX + 1];
};

struct check {
	struct check *next;      /* held back, or in the table; with the lock */
	struct check *busy_next; /* its message is being worked on, which may be held back; with the lock */
	struct signin *signin;
	struct port_job *job; /* NULL between two messages */
	uint64_t peer;        /* port_job_peer() of who asks */
	uint64_t connection;
	uint32_t protocol;
	int64_t begun;                  /* monotonic ms */
	int64_t at;                     /* held: not before; in the table: not longer; monotonic ms */
	void (*go_on)(struct check *c); /* held: then */
	struct peer_key place;
	char peer_text[64]; /* of the client */

	bool exchange; /* of SASL; then: */
	enum sasl_mechanism sasl_mechanism;
	struct sasl_server sasl;
	struct slice message; /* the job's */
	unsigned rounds;      /* messages of the client so far */
	bool proving;         /* this one has SCRAM's proof */
	bool placed;          /* it has a place among the open ones */
	bool told;            /* the log knows why it is refused */
	bool gone;            /* the client is: with the lock */

	struct slice address, authorize, password; /* of the job, or of sasl */
	struct buf name;                           /* the address as the store compares it: one account, one name */
	struct throttle_ticket ticket;
	bool counted; /* the throttle waits for what becomes of it */

	uint64_t account; /* 0: there is none */
	struct buf verifier;
	struct buf owner;                      /* of a token: an address */
	struct signin_credential *credentials; /* STORE_CREDENTIALS_MAX at most */
	size_t credential_count;
	bool has_like;                        /* the account has SCRAM verifiers, be they for here and now or not: */
	struct scram_verifier like;           /* their salt and count, and keys that nothing fits */
	const struct signin_credential *used; /* what was right; NULL: the password itself, or a token */
};

#define SIGNIN_OPEN_BUCKETS 1024u /* a power of two */

/* The token validator, which may be replaced while it is used. */
struct signin_tokens {
	struct token_validator *validator; /* NULL: none */
	pthread_rwlock_t lock;
};

struct signin {
	struct port *mail;
	uint32_t iterations; /* of SCRAM verifiers, for accounts that have none */
	uint32_t lookup_ms;
	struct port_service service;
	struct throttle *throttle;
	struct pool *checks;
	struct pace *pace;  /* of these */
	struct pool *known; /* for who signed in from there before: strangers cannot fill its queue */
	pthread_t thread;   /* of what is held back */
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	struct check *held; /* by time */
	unsigned jobs;      /* under way: each will call us back */
	bool stop;
	struct peers *places;                    /* open exchanges, by where from */
	struct check *open[SIGNIN_OPEN_BUCKETS]; /* those that wait for their client */
	struct check *busy;                      /* exchanges whose message is being worked on */
	uint8_t salt_key[ASK_SALT_KEY_SIZE];     /* with the lock */
	bool has_salt_key;
	struct signin_tokens tokens;
};

/* ---- signin.c ---- */

/* Answers the job with that and ends the check. */
void check_refuse(struct check *c, const struct error *e);
void check_refuse_with(struct check *c, int code, const char *text);
/* The password was looked at. */
void check_password_done(struct check *c, int rc, const struct error *e);
/* c->name from c->address; refuses without memory, and says so by false. */
bool check_name(struct check *c);
/* Everything it has; not its job. */
void check_free(struct check *c);

/* ---- signin_held.c ---- */

/* Calls go_on when the throttle permits, perhaps at once; or refuses. */
void check_guard(struct check *c, void (*go_on)(struct check *c));
/* Calls go_on at that time, or now when it is past. */
void check_hold(struct check *c, int64_t until, void (*go_on)(struct check *c));
/* What the throttle is told, once. */
void check_count(struct check *c, enum throttle_result result);
int signin_held_start(struct signin *s, struct error *e);
/* All that is held is refused. */
void signin_held_stop(struct signin *s);

/* ---- signin_open.c ---- */

int signin_open_start(struct signin *s, struct error *e);
void signin_open_stop(struct signin *s);
/* A new exchange takes its place; an unfinished one of that connection is forgotten. ERR_ORDER, ERR_LIMIT. */
int signin_open_begin(struct check *c, struct error *e);
/* The exchange of that connection, which is the job's from now on; NULL: none waits. */
struct check *signin_open_take(struct signin *s, uint64_t peer, uint64_t connection);
/* It waits for its client from now on. False: that one is gone, and so is the exchange. */
bool signin_open_keep(struct check *c);
/* It has ended, and is about to be answered: the client may begin another at once. */
void signin_open_leave(struct check *c);
/* It has ended and has been answered. */
void signin_open_end(struct check *c);
/* The client is gone; connection 0: all of that peer's. */
void signin_open_forget(struct signin *s, uint64_t peer, uint64_t connection);

/* ---- signin_password.c ---- */

/* What mail says of the account. ERR_NOMEM. */
int check_take_account(struct check *c, const struct ask_verifier *found, uint64_t now, struct error *e);
/* Queues the password's check: check_password_done() follows, on another thread. */
void check_password(struct check *c);

#endif
