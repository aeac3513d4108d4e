/* SPDX-License-Identifier: ISC */
/*
 * The plain values of the queue's operations (store/store.h says what they
 * do): mail that goes on to others. store/types.h includes this.
 */
#ifndef STORE_TYPES_QUEUE_H
#define STORE_TYPES_QUEUE_H

#include "store/types.h"

/* A time that does not come: of what is held. */
#define STORE_QUEUE_NEVER ((uint64_t)INT64_MAX)

struct store_queue_to {
	struct slice address; /* as it is to be sent */
	struct slice domain;  /* its destination, as it is compared: A-labels in small letters, or an address literal */
	uint32_t notify;      /* kept as it is, as the others */
	struct slice orcpt;
};

/* What of a letter goes to others; without recipients nothing does. */
struct store_queue_out {
	uint64_t account;   /* whose it is; 0: nobody's here */
	uint32_t skip;      /* octets in front of the content that are for our own mailboxes alone */
	struct slice front; /* octets that are sent before the rest */
	struct slice sender;
	uint32_t flags;
	uint32_t ret;
	struct slice envid;
	uint32_t lifetime_s; /* from now */
	uint32_t warn_s;     /* from now: when it is looked at for the first time; 0: at the end of its lifetime */
	uint32_t hour_max;   /* messages of the account in an hour; 0: any number */
	uint64_t octets_max; /* of the whole queue with this; 0: any number */
	const struct store_queue_to *recipients;
	size_t recipient_count;
};

struct store_queue_letter {
	struct store_content content;
	uint64_t internal_date; /* unix seconds; 0: now */
	struct slice envelope;  /* as with a delivery */
	const struct store_target *targets;
	size_t target_count; /* may be none when there are recipients elsewhere */
	struct store_queue_out out;
};

struct store_queue_kept {
	uint64_t body;
	uint64_t queue;   /* 0: nothing goes to others */
	uint32_t inboxes; /* mailboxes that have it */
};

struct store_queue_lease {
	uint32_t messages_max;        /* entries of the answer; at most STORE_QUEUE_LEASE_MAX */
	uint32_t domain_messages_max; /* of one domain; 0: any number */
	uint32_t lease_s;
	const struct slice *full; /* domains of which nothing is wanted */
	size_t full_count;
};

struct store_queue_due {
	uint32_t position;
	struct slice address;
	uint32_t notify;
	struct slice orcpt;
	uint32_t attempts; /* before this one */
};

struct store_queue_entry {
	uint64_t queue, lease;
	struct slice domain;
	struct slice sender;
	uint64_t account;
	uint64_t size;        /* octets as they are sent */
	uint32_t header_size; /* the empty line included */
	uint32_t flags;
	uint32_t ret;
	struct slice envid;
	uint64_t created, expires;          /* unix seconds */
	struct store_queue_due *recipients; /* by position */
	size_t recipient_count;
};

struct store_queue_leased {
	struct store_queue_entry *entries;
	size_t entry_count;
	uint64_t next; /* without entries: when something is due that is not of a full domain */
};

struct store_queue_read {
	uint64_t queue;
	uint64_t lease; /* 0: whoever has it: for a report */
	uint64_t offset;
	uint32_t length; /* at most STORE_PIECE_MAX */
};

struct store_queue_renew {
	uint64_t queue, lease;
	uint32_t lease_s;
};

/* Those that were given so far, up to this one: who had them is gone. */
struct store_queue_release {
	uint64_t last; /* lease */
};

struct store_queue_until {
	uint64_t until;
};

enum store_queue_result {
	STORE_QUEUE_DELIVERED = 1,
	STORE_QUEUE_FAILED = 2,
	STORE_QUEUE_DEFERRED = 3,
	STORE_QUEUE_RETURNED = 4, /* not tried */
};

struct store_queue_facts {
	struct slice mx_name, mx_address;
	struct slice tls_version, tls_cipher;
	uint32_t tls_verified;
	uint32_t policy;
	struct slice policy_source;
};

struct store_queue_outcome {
	uint32_t position;
	uint32_t result;  /* enum store_queue_result */
	uint32_t retry_s; /* DEFERRED: from now; 0: longer with each attempt */
	struct slice status;
	struct slice text;
	struct store_queue_facts facts;
};

struct store_queue_settle {
	uint64_t queue;
	uint64_t lease; /* 0: of recipients that nobody has leased now */
	const struct store_queue_outcome *outcomes;
	size_t outcome_count;
	uint64_t look; /* when to look at it again; 0: as it is */
	bool warned;   /* the sender was told that it takes long */
};

/* With a letter about it, kept in the same step. */
struct store_queue_settle_report {
	struct store_queue_settle settle;
	struct store_queue_letter report;
};

struct store_queue_settled {
	uint32_t left;   /* recipients that still wait */
	uint64_t report; /* the report's number in the queue; 0: it went to inboxes, or there is none */
};

struct store_queue_defer {
	struct slice domain;
	uint32_t retry_s; /* from now; 0: longer each time */
	struct slice reason;
};

struct store_queue_recipient {
	uint32_t position;
	struct slice address, domain;
	uint32_t notify;
	struct slice orcpt;
	uint32_t attempts;
	uint64_t due;       /* unix seconds; STORE_QUEUE_NEVER: held */
	bool leased;        /* somebody tries it now */
	uint64_t last_time; /* of the last attempt that had an end; 0: none yet */
	struct slice last_status, last_text, last_host;
	uint64_t until;      /* its destination is not tried before; 0 */
	struct slice reason; /* why not */
};

struct store_queue_message {
	uint64_t queue, account, body;
	uint32_t skip;
	uint64_t size;
	uint32_t header_size;
	struct slice sender;
	uint32_t flags, ret;
	struct slice envid;
	uint64_t created, expires;
	bool warned;
	uint64_t held; /* since when; 0: not */
	uint32_t recipient_total;
	struct store_queue_recipient *recipients; /* by position; of a list the first few */
	size_t recipient_count;
};

struct store_queue_id {
	uint64_t queue;
};

enum store_queue_which { /* whom a list or change is of */
	STORE_QUEUE_ALL = 0,
	STORE_QUEUE_ONE = 1,
	STORE_QUEUE_DOMAIN = 2, /* messages with a recipient in that domain */
	STORE_QUEUE_SENDER = 3,
	STORE_QUEUE_LOOK = 4, /* those that are to be looked at by now */
};

struct store_queue_list {
	uint32_t which;          /* enum store_queue_which */
	struct slice value;      /* the domain or sender */
	uint64_t queue;          /* STORE_QUEUE_ONE */
	uint64_t after;          /* the last of the page before; 0. Not with LOOK */
	uint32_t limit;          /* 0: STORE_QUEUE_PAGE_MAX */
	uint32_t recipients_max; /* of each message; 0: all */
};

struct store_queue_messages {
	struct store_queue_message *rows; /* by number */
	size_t row_count;
	bool more;
	uint64_t next; /* LOOK: when there will be something to look at; STORE_QUEUE_NEVER */
};

enum store_queue_action {
	STORE_QUEUE_HOLD = 1,
	STORE_QUEUE_RELEASE = 2,
	STORE_QUEUE_RETRY = 3,  /* due now, and so is their destination */
	STORE_QUEUE_REMOVE = 4, /* and nobody is told */
};

struct store_queue_change {
	uint32_t action; /* enum store_queue_action */
	uint32_t which;
	struct slice value;
	uint64_t queue;
	uint64_t after;
};

struct store_queue_changed {
	uint32_t changed;
	uint64_t after; /* ask again from here when there is more */
	bool more;
};

struct store_queue_domain_list {
	struct slice after;
	uint32_t limit; /* 0: STORE_QUEUE_PAGE_MAX */
};

struct store_queue_domain {
	struct slice domain;
	uint64_t recipients;
	uint64_t due;
	uint64_t until; /* it was put off until then; 0: it was not */
	struct slice reason;
};

struct store_queue_domains {
	struct store_queue_domain *rows; /* by name */
	size_t row_count;
	bool more;
};

struct store_queue_log {
	uint64_t queue;
	uint64_t after; /* the last entry of the page before */
};

struct store_queue_event {
	uint64_t entry;
	uint32_t position;
	uint64_t happened;
	uint32_t result; /* enum store_queue_result */
	struct slice sender, recipient, status, text;
	struct store_queue_facts facts;
};

struct store_queue_events {
	struct store_queue_event *rows; /* in the order in which they happened */
	size_t row_count;
	bool more;
};

struct store_queue_totals {
	uint64_t messages, recipients, octets;
	uint64_t oldest; /* unix seconds; 0: there is none */
};

#endif
