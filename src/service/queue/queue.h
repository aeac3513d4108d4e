/* SPDX-License-Identifier: ISC */
/*
 * Mail that goes on to others: between our 250 and theirs. The process `mail`
 * has the queue; the process `relay` asks it for what is due and tells what
 * became of it, as messages with schemas over os/port.h.
 *
 * An entry is one message for one destination domain: all its recipients
 * there that are due. It is leased: nobody else gets it until it is settled or
 * the lease has ended. So a relay that is killed loses nothing, and a message
 * is sent twice only when the other server's answer to its end was not seen.
 * Settle each recipient as soon as its fate is known; what an entry still has
 * when its lease ends comes again.
 *
 * lease         what is due now: at most messages_max entries, at most domain_messages_max for one domain and call, none for
 *               the domains in full. New mail goes before old, and domain after domain is served. When nothing is due, it
 *               is answered as soon as something is, or after wait_ms with no entries
 * body          octets of a leased entry's message, as they are to be sent (but for dots): our trace fields are in front.
 *               ERR_NOT_FOUND: the lease has ended. Empty data: behind the end
 * renew         the lease goes on for its whole time from now: for long transfers. ERR_NOT_FOUND: it has ended
 * settle        what became of recipients of an entry. Those that are not named stay leased. ERR_NOT_FOUND: the lease has
 *               ended and somebody else has it, or the message was removed meanwhile. Reports to the sender are made here
 * defer_domain  nothing of this destination is leased before `until`: it cannot be reached at all. Entries that are leased
 *               are settled with QUEUE_RETURNED beside it
 * sts_get, sts_put  the MTA-STS policy of a domain, kept until it expires, over restarts; empty text: none
 * tally         one more session of a kind with a domain's servers, for the reports that it may want (RFC 8460)
 *
 * Addresses are "local@domain" as in the envelope, unquoted where the local
 * part permits it; domains are A-labels in small letters, or an address
 * literal "[192.0.2.1]".
 */
#ifndef SERVICE_QUEUE_QUEUE_H
#define SERVICE_QUEUE_QUEUE_H

#include "base/buf.h"
#include "base/error.h"
#include "os/port.h"
#include "service/ask.h"
#include "service/sign/sign.h"
#include "store/types.h"

#define QUEUE_LEASE_MESSAGES_MAX 256u    /* entries of one answer */
#define QUEUE_LEASE_RECIPIENTS_MAX 1000u /* of one entry: SERVICE_RECIPIENTS_MAX */
#define QUEUE_FULL_MAX 4096u             /* domains that a relay has enough of */
#define QUEUE_LEASE_S 900u /* a lease, unless it is renewed: longer than any one SMTP timeout (RFC 5321 4.5.3.2) */
#define QUEUE_WAIT_MS_MAX 600000u
#define QUEUE_TEXT_MAX 1024u /* octets of a reply or reason; what is beyond is cut by who asks */
#define QUEUE_STATUS_MAX 16u /* "5.1.1" (RFC 3463) */
#define QUEUE_HOST_MAX 255u
#define QUEUE_TLS_TEXT_MAX 64u
#define QUEUE_SOURCE_MAX 255u

enum queue_flag {               /* bits */
	QUEUE_8BIT = 1,         /* there are octets above 127 in it */
	QUEUE_UTF8 = 2,         /* it needs SMTPUTF8: MAIL had it */
	QUEUE_REQUIRE_TLS = 4,  /* MAIL had REQUIRETLS (RFC 8689 section 2) */
	QUEUE_TLS_OPTIONAL = 8, /* "TLS-Required: No" is in its header (section 5) */
};

struct queue_lease {
	uint32_t messages_max;        /* 1 to QUEUE_LEASE_MESSAGES_MAX */
	uint32_t domain_messages_max; /* of one domain; 0: any number */
	uint32_t wait_ms;             /* at most QUEUE_WAIT_MS_MAX */
	const struct slice *full;     /* domains */
	size_t full_count;
};

struct queue_recipient {
	uint32_t position; /* its number in the message */
	struct slice address;
	uint32_t notify;    /* enum smtp_notify bits; 0: not said */
	struct slice orcpt; /* as given with RCPT ("rfc822;..." in xtext), or empty */
	uint32_t attempts;  /* before this one */
};

struct queue_entry {
	uint64_t queue; /* of the message; several entries may have the same */
	uint64_t lease; /* never the same again */
	struct slice domain;
	struct slice sender;  /* empty: the null sender */
	uint64_t account;     /* whose message it is; 0: a stranger's that is forwarded, or our own */
	uint64_t size;        /* octets as they are sent */
	uint32_t header_size; /* the empty line included */
	uint32_t flags;       /* enum queue_flag bits */
	uint32_t ret;         /* enum smtp_return */
	struct slice envid;   /* in xtext, or empty */
	uint64_t created;     /* unix seconds */
	uint64_t expires;
	const struct queue_recipient *recipients; /* by position */
	size_t recipient_count;
};

struct queue_leased {
	const struct queue_entry *entries; /* those of one domain stand together */
	size_t entry_count;
};

struct queue_body {
	uint64_t queue, lease;
	uint64_t offset;
	uint32_t length; /* at most STORE_PIECE_MAX */
};

struct queue_body_data {
	struct slice data;
};

struct queue_hold_on {
	uint64_t queue, lease;
};

enum queue_result {
	QUEUE_DELIVERED = 1, /* the other server took it */
	QUEUE_FAILED = 2,    /* for good */
	QUEUE_DEFERRED = 3,  /* to be tried again */
	QUEUE_RETURNED = 4,  /* it was not tried: due at once again, or when its destination is */
};

enum queue_verified { /* the other server's certificate */
	QUEUE_NO_TLS = 0,
	QUEUE_TLS_UNVERIFIED = 1, /* encrypted; whoever it is */
	QUEUE_TLS_NAME = 2,       /* valid for the name, by a CA */
	QUEUE_TLS_DANE = 3,       /* by TLSA records */
	QUEUE_TLS_PIN = 4,        /* one that the operator said */
};

enum queue_policy { /* what asked for it */
	QUEUE_POLICY_NONE = 0,
	QUEUE_POLICY_DANE = 1,
	QUEUE_POLICY_MTA_STS = 2,
	QUEUE_POLICY_REQUIRE_TLS = 3,
	QUEUE_POLICY_OPERATOR = 4,
};

/* What an attempt met; all of it may be empty. Texts are the other server's, as they came. */
struct queue_facts {
	struct slice mx_name; /* without the last dot */
	struct slice mx_address;
	struct slice tls_version, tls_cipher;
	uint32_t tls_verified; /* enum queue_verified */
	uint32_t policy;       /* enum queue_policy */
	struct slice policy_source;
};

struct queue_outcome {
	uint32_t position;
	uint32_t result;     /* enum queue_result */
	uint32_t retry_s;    /* QUEUE_DEFERRED: not before so many seconds; 0: as the queue's own rule says */
	struct slice status; /* enhanced: "5.1.1"; empty: X.0.0 */
	struct slice
	    text; /* the other server's reply, "550 5.1.1 no such user", or in plain words what stood in the way */
	bool from_remote; /* text is the other server's reply (for Diagnostic-Code: smtp) */
	bool passed_dsn;  /* QUEUE_DELIVERED: the other server took NOTIFY: it reports, and we do not */
	struct queue_facts facts;
};

struct queue_settle {
	uint64_t queue, lease;
	const struct queue_outcome *outcomes;
	size_t outcome_count;
};

struct queue_defer_domain {
	struct slice domain;
	uint32_t retry_s;    /* from now; 0: as the queue's own rule says, longer each time */
	struct slice reason; /* in plain words */
	struct queue_facts facts;
};

struct queue_domain {
	struct slice domain; /* A-labels in small letters */
};

#define QUEUE_POLICY_ID_MAX 32u
#define QUEUE_POLICY_TEXT_MAX STORE_POLICY_MAX

/* A domain's MTA-STS policy (RFC 8461), as it was fetched. Empty text: none is known. */
struct queue_sts {
	struct slice domain;
	struct slice id;
	struct slice text;
	uint64_t expires; /* unix seconds */
};

/* What is counted for TLS reports to a domain: octets that are alike. */
struct queue_tally {
	struct slice domain;
	struct slice row; /* at most STORE_TALLY_MAX octets */
	uint32_t count;
};

struct queue_until {
	uint64_t until; /* unix seconds */
};

struct queue_nothing {
	uint8_t unused;
};

#define QUEUE_METHODS(X) \
	X(lease, 1, queue_lease, queue_leased) \
	X(body, 2, queue_body, queue_body_data) \
	X(renew, 3, queue_hold_on, queue_until) \
	X(settle, 4, queue_settle, queue_nothing) \
	X(defer_domain, 5, queue_defer_domain, queue_until) \
	X(sts_get, 6, queue_domain, queue_sts) \
	X(sts_put, 7, queue_sts, queue_nothing) \
	X(tally, 8, queue_tally, queue_nothing)

#define QUEUE_METHOD_NUMBER(name, number, request, reply) QUEUE_METHOD_##name = (number),
enum queue_method { QUEUE_METHODS(QUEUE_METHOD_NUMBER) };
#undef QUEUE_METHOD_NUMBER

extern const struct port_interface queue_interface;

#define QUEUE_CALL(name, number, request, reply) \
	static inline int queue_ask_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	} \
	static inline int queue_ask_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
QUEUE_METHODS(QUEUE_CALL)
#undef QUEUE_CALL

/* ---- mail's end ---- */

struct queue;

struct queue_options {
	struct port *store;    /* stays the caller's; closed behind queue_free() */
	struct slice hostname; /* copied, as the others */
	struct slice forward;  /* the domain of SRS addresses; empty: that of the address that leads elsewhere */
	uint32_t lifetime_s;   /* how long is tried */
	uint32_t warn_s;       /* when the sender is told that it takes long; 0: never */
	uint32_t account_hour; /* messages of one account to others an hour; 0: any number */
	uint64_t octets_max;   /* of all that waits */
	uint8_t separator;     /* as ask_rules */
	struct slice postmaster;
	const char *data; /* the folder: nothing is queued when its disk is nearly full; NULL: that is not looked at */
	/* Appends the fields that sign a letter of our own (service/sign/sign.h); NULL: none are signed. Any thread. */
	int (*sign)(void *ctx, struct slice domain, struct slice message, struct buf *fields_out, struct error *e);
	/* sign_seal(), for what strangers wrote and is forwarded; NULL: nothing is sealed. Any thread. */
	int (*seal)(void *ctx, const struct sign_sealed *in, sign_done_fn *done, void *done_ctx, struct error *e);
	void *sign_ctx; /* of both */
};

int queue_new(const struct queue_options *options, struct queue **queue_out, struct error *e);
/* The settings anew; hostname stays. Any thread. */
void queue_set_options(struct queue *q, const struct queue_options *options);
/* For port_server_new(). Valid until queue_free(). */
const struct port_service *queue_service(struct queue *q);
/* Ports to it must be closed. Waits for what is under way. NULL is permitted. */
void queue_free(struct queue *q);

/* ---- putting, inside mail ---- */

#define QUEUE_FRONT_MAX (64u << 10) /* octets of fields in front: signatures */

struct queue_put_recipient {
	struct slice address;
	uint32_t notify;    /* enum smtp_notify bits */
	struct slice orcpt; /* or empty */
};

/*
 * A letter for anybody, ours or others': each recipient's inbox or the queue,
 * in one durable transaction. What is content is kept as it is; what goes to
 * others begins behind its first skip octets, with front before them.
 */
struct queue_letter {
	struct store_content content;
	uint32_t skip;
	struct slice front;  /* fields for others alone, each with its CRLF: a DKIM signature; or empty */
	struct slice sender; /* of the envelope; empty: the null sender, and nobody is told of anything */
	uint64_t account;    /* whose it is; its hour is counted. 0: our own */
	uint32_t flags;      /* enum queue_flag */
	uint32_t ret;        /* enum smtp_return */
	struct slice envid;  /* or empty */
	uint32_t lifetime_s; /* 0: as is set */
	const struct queue_put_recipient *recipients;
	size_t recipient_count;
	const uint64_t *accounts; /* inboxes beside those that recipients lead to */
	size_t account_count;
	/*
	 * Written by somebody whom nobody signed in: recipients are addresses of ours, which may lead elsewhere (an alias, or an
	 * SRS address that we made); the sender is rewritten for those (mailauth/srs.h).
	 */
	bool stranger;
	bool junk;            /* into Junk in place of inboxes */
	struct ask_seal seal; /* of a stranger's letter: when it is forwarded, the domain here that does so seals it */
	bool
	    own; /* a letter of our own, from postmaster at our hostname: it is signed; front must be empty, content inline */
};

struct queue_kept {
	uint64_t body;
	uint64_t queue;   /* 0: nothing goes to others */
	uint32_t inboxes; /* that have it */
	uint32_t sent_on; /* recipients that wait in the queue */
};

/* kept, or NULL and e says why. On any thread, once. */
typedef void queue_put_fn(void *ctx, const struct queue_kept *kept, const struct error *e);

/*
 * Errors (also later, to done): ERR_NOT_FOUND: an address of ours that nobody
 * has; ERR_DENIED: a stranger's letter for another domain, or for a group that
 * is not for them; ERR_POLICY: the account's hour is full; ERR_LIMIT: the
 * queue is, or something is too long; ERR_FULL: the disk; ERR_SYNTAX: an
 * address that is none. Nothing is kept then. Copies what it needs. Any thread.
 */
int queue_put(struct queue *q, const struct queue_letter *in, queue_put_fn *done, void *ctx, struct error *e);

struct report;
/*
 * A report (service/queue/report.h) to r->to, from us, signed; hostname, id, now, random and seven_bit are filled in here.
 * As queue_put().
 */
int queue_tell_of(struct queue *q, struct report *r, queue_put_fn *done, void *ctx, struct error *e);

/*
 * The address that an SRS address of ours stands for, appended. ERR_NOT_FOUND: it is none, of somebody else's making, or too
 * old. Any thread.
 */
int queue_srs_reverse(struct queue *q, struct slice address, struct buf *out, struct error *e);
/* What waits was changed by others (an operator): what is due is looked for anew. Any thread. */
void queue_poke(struct queue *q);

#endif
