/* SPDX-License-Identifier: ISC */
/*
 * The questions that a session asks about others' property: is this the
 * password, is this address ours, may this account send as that, keep this
 * message. They are messages with schemas over os/port.h, so that the process
 * that talks to strangers needs neither the verifiers nor the store.
 *
 * Every question NAME has
 *   int ask_NAME(port, &request, arena, &reply, e)        asks and waits
 *   int ask_NAME_submit(port, &request, done, ctx, e)     asks; done gets the reply struct
 *
 * authenticate  is this the password; carried out by the process that checks passwords (service/signin/signin.h). Yes: before
 *               the answer, mail has been told whose the connection is (grant). ERR_PASSWORD: no (the same answer, at
 *               the same cost, whether the account exists or not); ERR_LIMIT: too many checks or connections, come again
 *               later
 * exchange      one message of a client in an exchange of SASL, and what is to be said to it; the mechanism stands there too.
 *               Begun anew it forgets an unfinished one of the same connection. With more the answer is a challenge,
 *               without it a yes, as that of authenticate. ERR_PASSWORD: no; ERR_SYNTAX: a message that is none;
 *               ERR_LIMIT; ERR_UNSUPPORTED, ERR_POLICY: not this mechanism, or not on this connection; ERR_ORDER: no such
 *               exchange is under way (any more)
 * exchange_end  the client, or its connection, is gone: no error when there is none
 * verifier      what a password of this account is checked against. ERR_NOT_FOUND
 * salt_key      a secret of this installation, which stays the same: for salts of accounts that do not exist
 * grant         the connection of that process is this account's from now on; ERR_LIMIT: the account has too many;
 *               ERR_NOT_FOUND: the credential is not there any more, or not for this
 * recipient     what would become of mail to this address: whose inboxes it would be kept in. One address may stand for
 *               many accounts (a group). ERR_LIMIT: for more than ASK_ACCOUNTS_MAX
 * sender        may this account use this address as its own: mail to it would be this account's alone. So it owns its
 *               addresses, with any detail behind, and aliases that lead to nobody else
 * body_begin, body_append, body_abort   a message over SERVICE_INLINE_MAX, in pieces, as in store/store.h
 * keep          a message for one or more of our own accounts, and for others: answered when it is on disk, in all inboxes and in
 *               the queue. ERR_NOT_FOUND when one of them is gone meanwhile, and the errors of queue_put(): nothing was kept
 * delivered     tells a stranger that a message is in the inboxes here (RFC 3461 section 5.2.2). ERR_POLICY: that was told too often
 * tally         counts a message for reports to the domains that it names as its authors'
 */
#ifndef SERVICE_ASK_H
#define SERVICE_ASK_H

#include "base/error.h"
#include "os/port.h"
#include "sasl/limits.h"
#include "service/limits.h"
#include "store/types.h"

/* A password: IMAP LOGIN, POP3 USER and PASS, HTTP Basic. */
struct ask_authenticate {
	uint64_t connection;  /* conn_id() in the asking process */
	uint32_t protocol;    /* one enum store_right: what the connection speaks */
	struct slice address; /* who signs in: "local@domain", ASCII case ignored */
	struct slice password;
	struct slice peer; /* text address of the client, for the log; may be empty */
};

struct ask_handover {
	uint64_t connection;
	uint64_t account; /* 0 for who need not know: front names no account */
};

struct ask_exchange {
	uint64_t connection;
	bool begin;         /* then: */
	uint32_t mechanism; /* enum sasl_mechanism */
	uint32_t protocol;  /* as above */
	bool tls;           /* a fact, and data for channel binding; empty where there are none (sasl/sasl.h) */
	struct slice exporter, end_point;
	struct slice peer; /* as above */
	/* always: */
	struct slice message; /* decoded */
};

struct ask_round {
	uint64_t connection;
	bool more;              /* not signed in yet: */
	struct slice challenge; /* decoded */
};

struct ask_connection {
	uint64_t connection;
};

struct ask_account {
	struct slice address; /* ASCII case ignored */
};

struct ask_verifier {
	uint64_t account;
	struct slice verifier;                /* empty: nobody can sign in with it */
	struct store_credential *credentials; /* with their verifiers */
	size_t credential_count;
};

#define ASK_SALT_KEY_SIZE 32u
struct ask_salt_key {
	struct slice key; /* ASK_SALT_KEY_SIZE octets */
};

struct ask_grant {
	uint64_t process; /* which process has the connection, as the parent numbers them */
	uint64_t connection;
	uint64_t account;
	uint64_t credential; /* what was signed in with; 0: the account's password, or what is not kept here */
	uint32_t protocol;   /* one enum store_right */
};

enum ask_verdict {
	ASK_OK = 1,
	ASK_UNKNOWN = 2,   /* our domain, and nobody there has this address */
	ASK_ELSEWHERE = 3, /* not our domain */
	ASK_FOREIGN = 4,   /* sender: the address is not this account's */
	ASK_DENIED = 5,    /* recipient: a group that this writer may not write to */
};

/*
 * Accounts that one address stands for. Not more than a message may have
 * (SERVICE_RECIPIENTS_MAX): an address that could never be written to is
 * refused when it is made.
 */
#define ASK_ACCOUNTS_MAX SERVICE_RECIPIENTS_MAX

struct ask_recipient {
	struct slice address; /* "local@domain" or "postmaster", unquoted where the local part permits it */
	uint64_t
	    account; /* who writes; 0: a stranger. Groups may be for members only, and an envelope proves nothing */
};

struct ask_sender {
	uint64_t account;
	struct slice address;
};

struct ask_answer {
	uint32_t verdict;         /* enum ask_verdict */
	const uint64_t *accounts; /* with ASK_OK: whose the address is, ascending; a sender's: itself */
	size_t account_count;     /* at least one, unless: */
	bool sends;               /* a recipient's: it leads to others, too: name it among the sends of keep */
};

/* A recipient that leads to others: of another domain, or an address of ours that keep resolves once more. */
struct ask_send {
	struct slice address;
	uint32_t notify;    /* enum smtp_notify bits */
	struct slice orcpt; /* as it was given, or empty */
};

/* What mx found out about a stranger's message, for a seal on what goes to others (service/sign/sign.h). */
struct ask_seal {
	struct slice results;   /* the field Authentication-Results, with its CR LF */
	struct slice body_hash; /* DKIM_BODY_HASH_SIZE octets of the relaxed body; empty: it is not to be sealed */
	uint32_t chain;         /* enum arc_result */
	uint32_t sets;          /* of the chain */
	bool may_be_sealed;
};
#define ASK_RESULTS_MAX (16u << 10) /* octets: JUDGE_FIELD_MAX */

struct ask_keep {
	struct store_content content; /* with all trace fields; without cache */
	struct slice from;            /* the envelope sender; empty: the null sender */
	const uint64_t *accounts;     /* as the recipient answers named them */
	size_t account_count;
	const struct ask_send *sends;
	size_t send_count; /* with accounts at least one */
	/* For who is sent it: */
	uint64_t account;   /* who writes; not of mx, where everybody is a stranger */
	uint32_t skip;      /* octets in front that are for our own mailboxes alone */
	uint32_t flags;     /* enum queue_flag */
	uint32_t ret;       /* enum smtp_return */
	struct slice envid; /* as it was given, or empty */
	bool junk;          /* into their Junk mailboxes; into the inbox of who has none */
	struct ask_seal seal;
};

/* Of one message: for each of its authors. */
#define ASK_TALLIES_MAX 4u
struct ask_tally_row {
	struct slice domain; /* whose policy it is */
	struct slice row;    /* service/judge/tally.h */
};

struct ask_tally {
	const struct ask_tally_row *rows;
	size_t row_count;
};

/* For a stranger whose RCPT said NOTIFY=SUCCESS, and for whose sender's address SPF vouches. */
struct ask_told {
	struct slice address, orcpt; /* of the recipient */
};
struct ask_delivered {
	struct slice from;     /* the envelope sender: who is told */
	struct slice envid;    /* as it was given, or empty */
	struct slice original; /* the message's header; empty: none is shown */
	bool utf8;             /* the message came with SMTPUTF8 */
	const struct ask_told *recipients;
	size_t recipient_count; /* at least one */
};
#define ASK_DELIVERED_HOUR_MAX 1000u /* reports to strangers in an hour: more are not made */

struct ask_kept {
	uint64_t body;
	uint32_t inboxes; /* how many got it: an account that is named twice gets it once */
	uint32_t sent_on; /* addresses elsewhere that it waits for */
};

#define ASK_METHODS(X) \
	X(authenticate, 1, ask_authenticate, ask_handover) \
	X(recipient, 2, ask_recipient, ask_answer) \
	X(sender, 3, ask_sender, ask_answer) \
	X(keep, 4, ask_keep, ask_kept) \
	X(body_begin, 5, store_nothing, store_body_handle) \
	X(body_append, 6, store_body_append, store_body_length) \
	X(body_abort, 7, store_body_handle, store_nothing) \
	X(verifier, 8, ask_account, ask_verifier) \
	X(grant, 9, ask_grant, store_nothing) \
	X(exchange, 20, ask_exchange, ask_round) \
	X(exchange_end, 21, ask_connection, store_nothing) \
	X(salt_key, 22, store_nothing, ask_salt_key) \
	X(tally, 23, ask_tally, store_nothing) \
	X(delivered, 24, ask_delivered, store_nothing)

#define ASK_METHOD_NUMBER(name, number, request, reply) ASK_METHOD_##name = (number),
enum ask_method { ASK_METHODS(ASK_METHOD_NUMBER) };
#undef ASK_METHOD_NUMBER

extern const struct port_interface ask_interface;

#define ASK_CALL(name, number, request, reply) \
	static inline int ask_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	} \
	static inline int ask_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
ASK_METHODS(ASK_CALL)
#undef ASK_CALL

/* ---- mail's end: all but authenticate and exchange ---- */

struct ask;
struct grants;

/* Answers from this store and into these grants; both stay the caller's. */
int ask_new(struct port *store, struct grants *grants, struct ask **ask_out, struct error *e);

struct queue;
/* Where mail for others goes; the caller's, until ask_free(). Before the first question. Without one there is no such mail. */
void ask_set_queue(struct ask *a, struct queue *q);

/* How addresses are read (store/store.h, address_resolve). Until it is called: details begin with '+'. */
struct ask_rules {
	char separator; /* between a local part and its detail; NUL: there are no details */
	struct slice
	    postmaster; /* who reads postmaster and abuse of domains where nobody has them; empty: the first account */
};
/* Copied; counts for questions that come from now on. Any thread. */
void ask_set_rules(struct ask *a, const struct ask_rules *rules);
/* For port_open_local() or port_server_new(). Valid until ask_free(). */
const struct port_service *ask_service(struct ask *a);
/* Ports to it must be closed. Waits for what is under way. NULL is permitted. */
void ask_free(struct ask *a);

#endif
