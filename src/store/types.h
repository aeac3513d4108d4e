/* SPDX-License-Identifier: ISC */
/* lint: plain structs, one an operation: whoever asks the store finds all of them here. */
/*
 * The plain values that cross to and from the store: one request and one
 * reply struct for each operation of store/store.h, which says what they do.
 * In a request, an unset (zero, empty) field has the meaning said beside it.
 *
 * Accounts, mailboxes and bodies are named by numbers that are never used
 * again. Everything about mail names its account too, so that it can be
 * spread over several machines later and one account cannot reach another's.
 *
 * lint: tables of values, which schema.c reads side by side.
 */
#ifndef STORE_TYPES_H
#define STORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/limits.h"

/* A message without fields. */
struct store_nothing {
	uint8_t unused;
};

/* ---- accounts, addresses, domains ---- */

struct store_account_create {
	struct slice address; /* "local@domain": its first address; shown as it is, compared as address.c says */
	struct slice verifier;
	struct slice scram; /* of the same password, kept as a STORE_CREDENTIAL_SCRAM; or empty */
};

struct store_account_id {
	uint64_t account;
};

struct store_account_set_verifier {
	uint64_t account;
	struct slice verifier;
	struct slice scram; /* takes the place of the old password's; empty: there is none any more */
};

struct store_address {
	uint64_t account;
	struct slice address;
};

struct store_account_rename {
	uint64_t account;
	struct slice from; /* one of its addresses */
	struct slice to;   /* takes its place */
};

/* By account when it is not 0, otherwise by address. */
struct store_account_get {
	uint64_t account;
	struct slice address;
};

struct store_account {
	uint64_t account;
	struct slice verifier; /* opaque; empty: cannot sign in */
	struct slice *addresses;
	size_t address_count; /* the first is the one it was created with */
	uint64_t created;     /* unix seconds */
	uint64_t messages;    /* in all its mailboxes */
	uint64_t octets;      /* of all of them */
};

struct store_account_list {
	uint64_t after; /* the last account of the page before, or 0 */
	uint32_t limit; /* rows wanted; 0: STORE_PAGE_MAX */
};

struct store_account_row {
	uint64_t account;
	struct slice address;
	uint64_t created;
};

struct store_account_rows {
	struct store_account_row *rows;
	size_t row_count;
	bool more;
};

struct store_address_find {
	struct slice address;
};

struct store_address_found {
	uint64_t account;  /* 0: no account has it, or several */
	bool domain_known; /* the part behind the last "@" is one of our domains */
};

/* ---- aliases, and where mail goes ---- */

enum store_senders { /* who may write to an alias */
	STORE_SENDERS_ANYONE = 1,
	STORE_SENDERS_MEMBERS = 2, /* accounts that it leads to */
	STORE_SENDERS_DOMAIN = 3,  /* accounts with an address in its domain */
};

/*
 * "local@domain", or "@domain" for everything in a domain that nobody has. A target is an address of an account, an alias, an
 * address in a foreign domain,
 * or, of an alias "@domain" alone, "@domain": then the one domain is the other, local part by local part.
 */
struct store_alias_add {
	struct slice address;
	const struct slice *targets; /* are added to those it has; may be none when it is there */
	size_t target_count;
	uint32_t senders; /* enum store_senders; 0: as it is, and anyone for a new one */
};

struct store_alias_remove {
	struct slice address;
	const struct slice *targets; /* these; none: the alias */
	size_t target_count;
};

struct store_alias_list {
	struct slice after;  /* the last address of the page before, or empty */
	struct slice target; /* only those that name it; or empty */
	uint32_t limit;      /* 0: STORE_ALIAS_PAGE_MAX */
};

struct store_alias {
	struct slice address;
	uint32_t senders;
	struct slice *targets;
	size_t target_count;
	uint32_t accounts; /* that it leads to in the end */
};

struct store_aliases {
	struct store_alias *rows; /* by address */
	size_t row_count;
	bool more;
};

enum store_resolution {
	STORE_RESOLVED = 1,
	STORE_NOBODY = 2,    /* our domain, and nobody there has this address */
	STORE_ELSEWHERE = 3, /* not our domain */
	STORE_NOT_FOR = 4,   /* an alias that this writer may not write to */
};

struct store_address_resolve {
	struct slice address; /* or "postmaster" */
	uint64_t writer;      /* the account that writes; 0: none */
	uint32_t separator;   /* the octet before a detail ('+'); 0: none */
	struct slice
	    postmaster; /* who gets postmaster's mail where nobody has that address; empty: the first account */
};

struct store_address_resolved {
	uint32_t resolution; /* enum store_resolution */
	uint64_t *accounts;  /* with STORE_RESOLVED: ascending; there is at least one here or elsewhere */
	size_t account_count;
	struct slice *elsewhere; /* with STORE_RESOLVED: addresses in foreign domains that an alias leads to */
	size_t elsewhere_count;
};

struct store_address_owned {
	uint64_t account;
	struct slice address;
	uint32_t separator;
	struct slice postmaster;
};

struct store_owned {
	bool owned;
};

struct store_domain {
	struct slice domain; /* of A-labels or U-labels; comparison ignores ASCII case, and which of the two */
};

struct store_domains {
	struct slice *domains;
	size_t domain_count;
};

/* ---- credentials: what else one may sign in to an account with ---- */

enum store_credential_kind {
	STORE_CREDENTIAL_APP = 1,   /* a password of its own, for some protocols */
	STORE_CREDENTIAL_SCRAM = 2, /* the account's password once more, in another form; its name is empty */
};

enum store_right { /* what a credential is for; bits */
	STORE_RIGHT_IMAP = 1,
	STORE_RIGHT_POP3 = 2,
	STORE_RIGHT_SMTP = 4,
	STORE_RIGHT_HTTP = 8,
};
#define STORE_RIGHTS_ALL 15u

struct store_credential_add {
	uint64_t account;
	struct slice name;     /* UTF-8 without controls, unique in the account; never empty */
	struct slice verifier; /* opaque */
	uint32_t rights;       /* enum store_right bits; at least one */
	uint64_t expires;      /* unix seconds; 0: never */
};

struct store_credential_id {
	uint64_t credential;
};

struct store_credential_name {
	uint64_t account;
	struct slice name;
};

struct store_credential {
	uint64_t credential;
	uint32_t kind; /* enum store_credential_kind */
	struct slice name;
	struct slice verifier; /* only when asked for */
	uint32_t rights;       /* enum store_right bits */
	uint64_t created;      /* unix seconds, as the others */
	uint64_t used;         /* last; to STORE_CREDENTIAL_USED_S; 0: never */
	uint64_t expires;      /* 0: never */
};

struct store_credential_list {
	uint64_t account;
	bool with_verifiers;
};

struct store_credentials {
	struct store_credential *rows; /* in the order in which they were made; also those that have expired */
	size_t row_count;
};

struct store_credential_use {
	uint64_t account;
	uint64_t credential;
	uint32_t right; /* one enum store_right */
};

/* ---- mailboxes ---- */

enum store_special_use { /* RFC 6154; bits */
	STORE_USE_ALL = 1,
	STORE_USE_ARCHIVE = 2,
	STORE_USE_DRAFTS = 4,
	STORE_USE_FLAGGED = 8,
	STORE_USE_JUNK = 16,
	STORE_USE_SENT = 32,
	STORE_USE_TRASH = 64,
};

struct store_mailbox {
	uint64_t mailbox;
	struct slice name; /* UTF-8, levels separated by '/'; the inbox is "INBOX" */
	bool selectable;   /* false: a name that only holds inferiors, \Noselect */
	bool subscribed;
	bool has_children;
	uint32_t special_use; /* enum store_special_use bits */
	uint32_t uidvalidity; /* never 0 */
	uint32_t uidnext;
	uint32_t messages;
	uint32_t unseen;         /* without \Seen */
	uint32_t deleted;        /* with \Deleted */
	uint32_t recent;         /* not yet taken by a session; see recent_take */
	uint64_t size;           /* octets of all its messages */
	uint64_t highest_modseq; /* never 0 */
};

struct store_keyword {
	struct slice name; /* as first written; keyword number n is bit n of a row's keywords */
};

/* By mailbox when it is not 0, otherwise by name ("INBOX" in any case). */
struct store_mailbox_get {
	uint64_t account;
	uint64_t mailbox;
	struct slice name;
};

struct store_mailbox_state {
	struct store_mailbox mailbox;
	struct store_keyword *keywords;
	size_t keyword_count;
};

struct store_mailbox_list {
	uint64_t account;
	struct slice after; /* the last name of the page before, or empty */
	uint32_t limit;     /* 0: STORE_PAGE_MAX */
};

struct store_mailbox_rows {
	struct store_mailbox *rows; /* by name, octet by octet */
	size_t row_count;
	bool more;
};

struct store_mailbox_create {
	uint64_t account;
	struct slice name;
	uint32_t special_use;
	bool subscribe;
};

struct store_mailbox_id {
	uint64_t mailbox;
	uint32_t uidvalidity;
};

struct store_mailbox_delete {
	uint64_t account;
	struct slice name;
};

struct store_mailbox_rename {
	uint64_t account;
	struct slice from;
	struct slice to;
};

struct store_subscribe {
	uint64_t account;
	struct slice name; /* need not be a mailbox (RFC 3501 6.3.6) */
	bool subscribed;
};

struct store_subscription_list {
	uint64_t account;
	struct slice after;
	uint32_t limit;
};

struct store_names {
	struct slice *names; /* sorted octet by octet */
	size_t name_count;
	bool more;
};

/* ---- bodies ---- */

struct store_body_handle {
	uint64_t handle;
};

struct store_body_append {
	uint64_t handle;
	struct slice data; /* at most STORE_PIECE_MAX */
};

struct store_body_length {
	uint64_t length; /* staged so far */
};

struct store_body_read {
	uint64_t body;
	uint64_t offset;
	uint32_t length; /* at most STORE_PIECE_MAX; cut at the end of the body */
};

struct store_body_data {
	struct slice data; /* empty at or behind the end */
	uint64_t length;   /* of the whole body */
};

/* What a new message's octets are: those inside the request when handle is 0, otherwise the staged ones. */
struct store_content {
	uint64_t handle;   /* used up when the operation succeeds; body_abort it when it fails */
	struct slice data; /* at most STORE_INLINE_MAX; must be empty when handle is set */
	struct slice
	    front; /* with handle: octets before what was staged, which could only be known when that was whole */
	uint32_t header_size; /* octets before the body part, front and the empty line included */
	struct slice cache;   /* opaque, given back with the rows; may be empty and come later with cache_put */
};

/* ---- messages ---- */

enum store_flag { /* RFC 3501 2.3.2; bits. \Recent is no flag of a message here: see recent_take */
	STORE_SEEN = 1,
	STORE_ANSWERED = 2,
	STORE_FLAGGED = 4,
	STORE_DELETED = 8,
	STORE_DRAFT = 16,
};
#define STORE_FLAGS_ALL 31u

struct store_target {
	uint64_t account;
	uint64_t mailbox; /* 0: its INBOX, or */
	uint32_t use;     /* the one with this enum store_special_use bit, if there is one */
	uint32_t flags;   /* enum store_flag bits */
};

struct store_deliver {
	struct store_content content;
	uint64_t internal_date; /* unix seconds; 0: now */
	struct slice envelope;  /* opaque (who sent it, from where); kept with the body */
	const struct store_target *targets;
	size_t target_count; /* at least 1; the same mailbox twice gets it once */
};

struct store_stored {
	uint64_t account;
	uint64_t mailbox;
	uint32_t uidvalidity;
	uint32_t uid;
	uint64_t modseq;
};

struct store_delivered {
	uint64_t body;
	struct store_stored *stored; /* one for each target, in their order */
	size_t stored_count;
};

struct store_append {
	uint64_t account;
	uint64_t mailbox;
	struct store_content content;
	uint64_t internal_date; /* unix seconds; 0: now */
	uint32_t flags;
	const struct slice *keywords; /* names; new ones are added to the mailbox */
	size_t keyword_count;
	struct slice name; /* of the mailbox, when its number is 0 */
};

struct store_appended {
	uint64_t body;
	struct store_stored stored;
};

struct store_message {
	uint32_t uid;
	uint32_t flags;    /* enum store_flag bits */
	uint64_t keywords; /* bit n: keyword number n of the mailbox */
	uint64_t modseq;   /* different for every change in a mailbox */
	uint64_t size;     /* octets */
	uint32_t header_size;
	uint64_t internal_date; /* unix seconds */
	uint64_t save_date;     /* unix seconds: when it came into this mailbox (RFC 8514) */
	uint64_t body;
	struct slice cache; /* only when asked for; empty when there is none yet */
};

struct store_message_list {
	uint64_t account;
	uint64_t mailbox;
	uint32_t first; /* UIDs from; 0 is as 1 */
	uint32_t last;  /* to; 0: to the end */
	uint32_t limit; /* rows wanted; 0: as many as a reply holds */
	bool with_cache;
};

struct store_message_rows {
	struct store_message *rows; /* by UID */
	size_t row_count;
	uint32_t next;    /* ask again from this UID; 0: that was all */
	uint32_t uidnext; /* of the mailbox, in the same snapshot as the rows */
	uint32_t messages;
	uint64_t highest_modseq;
	uint32_t keyword_count; /* when larger than known: mailbox_get gives the new names */
};

/* What changed after a mod-sequence: for CONDSTORE, and for a session to come up to date after NOOP and in IDLE. */
struct store_changes {
	uint64_t account;
	uint64_t mailbox;
	uint64_t since;
	uint32_t limit; /* rows, and expunged UIDs, wanted; 0: as many as a reply holds */
};

struct store_changed {
	struct store_message *rows; /* new and changed messages that are still there, by modseq; without cache */
	size_t row_count;
	uint32_t *expunged; /* UIDs, in the order they were removed */
	size_t expunged_count;
	uint64_t upto; /* everything up to this mod-sequence was told: the next since */
	bool more;     /* ask again at once */
	uint32_t uidnext;
	uint32_t messages;
	uint32_t keyword_count;
};

struct store_range {
	uint32_t first; /* UIDs; first <= last */
	uint32_t last;
};

enum store_flags_mode {
	STORE_FLAGS_SET = 0,
	STORE_FLAGS_ADD = 1,
	STORE_FLAGS_REMOVE = 2,
};

struct store_flags {
	uint64_t account;
	uint64_t mailbox;
	const struct store_range *ranges; /* ascending, not overlapping */
	size_t range_count;
	uint32_t mode;                /* enum store_flags_mode */
	uint32_t flags;               /* enum store_flag bits */
	const struct slice *keywords; /* names; SET and ADD add new ones to the mailbox */
	size_t keyword_count;
	bool conditional; /* RFC 7162 3.1.3: only messages whose modseq is not above unchanged_since */
	uint64_t unchanged_since;
};

struct store_flags_row {
	uint32_t uid;
	uint32_t flags;
	uint64_t keywords;
	uint64_t modseq;
};

struct store_flags_done {
	struct store_flags_row
	    *rows; /* every message in the ranges that is there, changed by this call or already so */
	size_t row_count;
	uint32_t *modified; /* UIDs left alone because they were above unchanged_since */
	size_t modified_count;
	uint32_t next; /* not 0: stopped after STORE_TOUCH_MAX messages; ask again with the ranges from this UID */
	uint32_t keyword_count; /* of the mailbox now */
	uint64_t highest_modseq;
};

struct store_expunge {
	uint64_t account;
	uint64_t mailbox;
	const struct store_range *ranges; /* none: the whole mailbox */
	size_t range_count;
	bool even_undeleted; /* true: also messages without \Deleted */
};

struct store_expunged {
	uint32_t *uids; /* ascending */
	size_t uid_count;
	uint32_t next; /* as in struct store_flags_done */
	uint64_t highest_modseq;
};

struct store_copy {
	uint64_t account;
	uint64_t mailbox;
	const struct store_range *ranges;
	size_t range_count;
	uint64_t target; /* a mailbox of the same account */
	bool move;       /* RFC 6851: remove them from the first in the same step */
};

struct store_copied {
	uint32_t uidvalidity; /* of the target */
	uint32_t *from;       /* UIDs, ascending */
	size_t from_count;
	uint32_t *to; /* their UIDs in the target, in the same order */
	size_t to_count;
	uint64_t highest_modseq; /* of the source mailbox */
};

struct store_recent_take {
	uint64_t account;
	uint64_t mailbox;
	bool look; /* only look, for EXAMINE: they stay recent for the next */
};

struct store_recent {
	uint32_t first; /* UIDs from here to (not including) uidnext are recent for this session */
	uint32_t uidnext;
};

struct store_cache_put {
	uint64_t account;
	uint64_t body;
	struct slice cache; /* empty forgets */
};

/* ---- what changed, to whoever waits ---- */

struct store_changes_wait {
	uint64_t cursor; /* 0 at first; then that of the last reply */
};

struct store_mailbox_ref {
	uint64_t account;
	uint64_t mailbox;
};

struct store_changes_seen {
	uint64_t cursor;
	bool lost; /* cursor was too old (or from before a restart): look at everything that is watched */
	struct store_mailbox_ref *mailboxes;
	size_t mailbox_count;
};

/* ---- certificates of the directory ---- */

struct store_certificate_key {
	struct slice fingerprint; /* 20 octets (v4) or 32 (v6); the first key is the primary key */
	uint64_t key_id;
};

enum store_user_state {
	STORE_USER_HELD = 1,      /* kept, and shown to nobody until its address is verified */
	STORE_USER_PUBLISHED = 2, /* served */
};

enum store_user_how {           /* how a published one was verified */
	STORE_HOW_ACCOUNT = 1,  /* the account whose address it is put it */
	STORE_HOW_MAIL = 2,     /* a mail with a token, encrypted to that very key */
	STORE_HOW_OPERATOR = 3, /* the operator said so */
	STORE_HOW_OPEN = 4,     /* nobody: the setting directory_open, and nobody else had the address */
	STORE_HOW_MIRROR = 5,   /* the directory that is mirrored verified it */
};

struct store_certificate_user {
	struct slice user_id; /* as in the certificate */
	struct slice address; /* the address in it, or empty */
	uint32_t state;       /* enum store_user_state; and how and verified: the store's, not read when it is put */
	uint32_t how;         /* enum store_user_how; 0: held */
	uint64_t verified;    /* unix seconds; 0: held, or before this was kept */
	uint32_t place;       /* where in data its packet begins; 0 and 0: not known, of what an older program kept */
	uint32_t length;      /* octets of it and of all its signatures, without which the rest is a certificate too */
};

struct store_certificate {
	struct slice fingerprint; /* of the primary key; its name */
	uint32_t version;
	uint64_t
	    account; /* whose it is here; 0: nobody's. Putting it: who has signed in, and publishes its own addresses */
	uint64_t created;  /* unix seconds, of the key */
	uint64_t modified; /* unix seconds, set by the store when it is put */
	const struct store_certificate_key *keys;
	size_t key_count;
	const struct store_certificate_user *users; /* in order of place, none over another */
	size_t user_count;
	struct slice data;    /* the binary certificate, with those users and no others */
	uint64_t revision;    /* of which version this is, or was made from; 0: there was none */
	bool publish_free;    /* putting: any account's addresses are published that no other certificate has (OPEN) */
	uint32_t waiting_max; /* putting: so many without a published user ID may there be; 0: as many as there are */
};

struct store_certificate_kept {
	bool inserted;      /* there was none of that fingerprint */
	bool changed;       /* what is served is another now */
	uint32_t published; /* user IDs that are served */
	uint64_t revision;
};

enum store_certificate_by {
	STORE_BY_FINGERPRINT = 1, /* of the primary key or of a subkey */
	STORE_BY_KEY_ID = 2,      /* likewise; 8 octets */
	STORE_BY_ADDRESS = 3,     /* of a user ID; whole, ASCII case ignored */
	STORE_BY_TEXT = 4,        /* anywhere in a user ID; ASCII case ignored */
	STORE_BY_ACCOUNT = 5,     /* value is not used */
	STORE_BY_ALL = 6,         /* value is not used */
	STORE_BY_SHORT_ID =
	    8,             /* certificate_look only: the last 4 octets of a key ID, which anybody can make collide */
	STORE_BY_NAME = 7, /* fingerprint of the primary key: one or none. Others may have it as a subkey */
};

struct store_certificate_find {
	uint32_t by; /* enum store_certificate_by */
	struct slice value;
	uint64_t account;   /* STORE_BY_ACCOUNT */
	struct slice after; /* the last fingerprint of the page before, or empty */
	uint32_t limit;     /* rows wanted, 0: as many as a reply holds */
	bool without_data;
	bool held; /* all that is kept, for who merges or verifies; else what is served: published user IDs only */
};

struct store_certificates {
	struct store_certificate *certificates; /* by fingerprint */
	size_t certificate_count;
	bool more;
};

struct store_certificate_name {
	struct slice fingerprint;
	bool tombstones; /* remove: none of its addresses comes back by itself */
};

/* Every user ID of that certificate with that address. */
struct store_certificate_publish {
	struct slice fingerprint;
	struct slice address;
	uint32_t how;     /* enum store_user_how */
	uint64_t account; /* STORE_HOW_ACCOUNT: whose the address has to be. Unpublishing: likewise, 0: it need not */
};

struct store_certificate_due {
	struct slice domain;
	uint64_t before; /* unix seconds */
	uint32_t limit;
};

struct store_certificate_certified {
	struct slice fingerprint; /* empty: all published user IDs of the domain */
	uint64_t revision;        /* of the certificate; when it is another meanwhile, nothing is noted */
	struct slice user_id;
	struct slice domain;
	uint64_t until; /* unix seconds: when it is to be looked at again, or before */
};

/* One verified user ID of one certificate, or one certificate, in order of a name that is a hash. */
struct store_bucket_find {
	bool by_fingerprint; /* by the primary key's fingerprint; else by store_address_name() (store/address.h) */
	uint32_t version;    /* of the certificates; 0: all */
	struct slice from;   /* the first name; empty: the very first */
	struct slice upto;   /* behind the last name; empty: to the end */
	struct slice after;  /* the fingerprint of the last one of the page before, when from is its name; or empty */
	uint32_t limit;
};

struct store_bucket_entry {
	struct slice name; /* 32 octets; of a fingerprint 20 or 32 */
	struct slice fingerprint;
	uint32_t version;
	struct slice address; /* as it stands in the user ID; empty by fingerprint */
	struct slice data;    /* by address: with that address's user IDs only. By fingerprint: with none */
};

struct store_bucket {
	struct store_bucket_entry *entries;
	size_t entry_count;
	bool more; /* the reply was full */
};

struct store_directory_day {
	uint64_t day;       /* unix seconds / 86400 */
	struct slice after; /* the last prefix of the page before, or empty */
	uint32_t limit;
};

struct store_directory_changes {
	struct slice prefixes; /* 4 octets each, the first of the fingerprint, ascending */
	bool more;
};

/* ---- tokens of the directory ---- */

enum store_token_kind {
	STORE_TOKEN_VERIFY = 1, /* publishes one address of one certificate */
	STORE_TOKEN_MANAGE = 2, /* its owner may unpublish */
	STORE_TOKEN_PUT = 3,    /* HKP v2: an address's canonical certificate */
};

struct store_token_put {
	struct slice token; /* SHA-256 of it: whoever reads the database has no token */
	uint32_t kind;      /* enum store_token_kind */
	struct slice fingerprint;
	struct slice address;
	uint32_t lifetime; /* seconds */
	uint32_t pause; /* seconds: ERR_LIMIT when the address was sent another one less than that ago; 0: any time */
};

struct store_token_take {
	struct slice token; /* SHA-256 of it */
	uint32_t kind;      /* enum store_token_kind */
};

struct store_token {
	struct slice fingerprint;
	struct slice address;
};

/* ---- looking up many at once: what is served, and nothing else ---- */

struct store_certificate_look {
	uint32_t by; /* STORE_BY_FINGERPRINT, STORE_BY_KEY_ID, STORE_BY_SHORT_ID, STORE_BY_ADDRESS */
	struct slice value;
	uint32_t version; /* of the certificates; 0: all */
	uint32_t limit;   /* 0: one */
};

struct store_certificate_looks {
	const struct store_certificate_look *looks;
	size_t look_count; /* at most STORE_LOOKS_MAX */
};

struct store_certificate_octets {
	struct slice data;
};

struct store_certificate_seen {
	const struct store_certificate_octets *certificates;
	size_t certificate_count; /* 0: none is there */
	bool more;                /* than limit, or than a reply holds */
	bool later;               /* the reply was full before this one was looked up: ask again */
};

struct store_certificates_seen {
	struct store_certificate_seen *seen; /* one each, in the order that was asked */
	size_t seen_count;
};

/* ---- meta ---- */

enum store_tally_kind {
	STORE_TALLY_TLS = 1,   /* RFC 8460 */
	STORE_TALLY_DMARC = 2, /* RFC 9990 */
};

/* Also a row of a list. */
struct store_tally {
	uint32_t kind; /* enum store_tally_kind */
	uint64_t day;  /* since 1970, UTC */
	struct slice domain;
	struct slice result; /* opaque */
	uint64_t count;
};

struct store_tally_list {
	uint32_t kind;
	uint64_t before;    /* days */
	uint64_t after_day; /* the last row of the page before, or all empty */
	struct slice after_domain, after_result;
};

struct store_tallies {
	struct store_tally *rows;
	size_t row_count;
	bool more;
};

struct store_tally_day {
	uint32_t kind;
	uint64_t day;
	struct slice domain; /* empty: of all days before this one */
};

struct store_meta_key {
	struct slice key;
};

struct store_meta_put {
	struct slice key;
	struct slice value;
};

/* What another domain says about how mail to it is sent (MTA-STS), until it expires. */
enum store_policy_kind { STORE_POLICY_STS = 1 };

struct store_policy_key {
	uint32_t kind;       /* enum store_policy_kind */
	struct slice domain; /* A-labels in small letters */
};
struct store_policy {
	bool found; /* policy_get; one that has expired is not found */
	uint32_t kind;
	struct slice domain;
	struct slice version; /* at most STORE_KEY_MAX octets; its id */
	struct slice value;   /* at most STORE_POLICY_MAX octets. policy_put: empty: there is none any more */
	uint64_t fetched;     /* unix seconds */
	uint64_t expires;
};

struct store_meta_value {
	bool found;
	struct slice value;
};

struct store_info {
	uint32_t schema_version;
	uint64_t accounts;
	uint64_t messages;
	uint64_t bodies;
	uint64_t body_octets;
	uint64_t certificates;
	uint64_t commits; /* transactions since the start */
	uint64_t writes;  /* write operations that they carried */
};

struct store_certificate_count {
	uint64_t certificates;
	uint64_t accounts;  /* that they can be of */
	uint64_t waiting;   /* without a published user ID */
	uint64_t published; /* user IDs, over all */
};

/* ---- looking at everything ---- */

enum store_verify_part {           /* what is looked at, in this order */
	STORE_VERIFY_DATABASE = 0, /* the database file's own structures */
	STORE_VERIFY_ACCOUNTS,     /* sums, addresses, INBOX, UIDVALIDITY */
	STORE_VERIFY_REFERENCES,   /* rows that name what is not there */
	STORE_VERIFY_MAILBOXES,    /* counts, UIDs, MODSEQ, keywords, bodies of messages */
	STORE_VERIFY_CERTIFICATES, /* their index */
	STORE_VERIFY_BODIES,       /* references counted */
	STORE_VERIFY_SEGMENTS,     /* places, sizes, unused space */
	STORE_VERIFY_FILES,        /* files without a row */
	STORE_VERIFY_OCTETS,       /* every octet of every body */
	STORE_VERIFY_PARTS,
};

struct store_verify {
	uint32_t part;
	uint64_t after; /* where the reply before stopped; 0 at first */
	uint64_t behind;
};

struct store_finding {
	struct slice text;   /* a sentence: what is wrong */
	struct slice advice; /* what to do */
};

/*
 * One page. A finding about SEGMENTS, FILES or OCTETS is one only when the same page has it again a moment later: files
 * change beside the snapshot in which rows are seen.
 */
struct store_verified {
	struct store_finding *findings;
	size_t finding_count;
	bool more; /* ask again with these */
	uint64_t after;
	uint64_t behind;
	uint64_t octets; /* OCTETS: read */
	uint64_t live;   /* SEGMENTS: octets of records that are somebody's */
	uint64_t dead;   /* octets that are nobody's any more */
	uint64_t disk;   /* octets that the files take on the disk */
};

#include "store/types_queue.h"

#endif
