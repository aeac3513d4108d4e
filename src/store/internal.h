/* SPDX-License-Identifier: ISC */
/*
 * What the engine's files share.
 *
 *   engine.c    opening, closing, and where each call goes
 *   commit.c    the committer: every write, in batches
 *   stage.c     bodies being staged, and the spool thread that writes large ones out
 *   reading.c   the readers: every read, each on a connection of its own
 *   aside.c     checkpoints and giving space back, beside everything else
 *   compact.c   moving what is alive out of segments that are mostly dead
 *   notify.c    who waits for changes
 *   recover.c   what a power cut left of the last batch
 *   op_verify*.c  looking at every promise, a page at a time
 *   snapshot*.c  a whole store copied, from beside: snapshot.h
 *   address.c   under what an address is kept and compared
 *   op_*.c      what each operation does, in SQL
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/body.h"
#include "store/engine.h"
#include "store/store.h"

/* ---- operations ---- */

/* One write inside the batch's transaction. */
struct tx {
	struct store *s;
	struct db *db;
	struct arena *arena;            /* the job's: for the reply */
	const struct body_place *place; /* where the request's content was put, or NULL */
	uint64_t now;
	struct buf changed;  /* struct store_mailbox_ref: told after the commit */
	struct buf released; /* struct body_place: given back after the commit */
};

struct rx {
	struct store *s;
	struct db *db;
	struct arena *arena;
};

enum op_kind {
	OP_READ,
	OP_WRITE,
	OP_RELAXED, /* a write that may be lost in a crash; a batch of only such ones is not synced */
	OP_RECENT,  /* a read that becomes a relaxed write when it returns OP_NEEDS_WRITE */
	OP_STAGE,
	OP_WAIT,
};

#define OP_NEEDS_WRITE 1

struct op {
	uint16_t number;
	enum op_kind kind;
	size_t reply_size;
	int (*read)(struct rx *rx, const void *request, void *reply, struct error *e);
	int (*write)(struct tx *tx, const void *request, void *reply, struct error *e);
	const struct store_content *(*content)(const void *request); /* of a write that brings a body */
	void (*run)(struct store *s, struct port_job *job);
};

const struct op *op_find(uint16_t number);
extern const struct op op_table[];
extern const size_t op_count;

#define OP_READ_FN(name) int op_##name(struct rx *rx, const void *request, void *reply, struct error *e)
#define OP_WRITE_FN(name) int op_##name(struct tx *tx, const void *request, void *reply, struct error *e)

OP_WRITE_FN(account_create);
OP_WRITE_FN(account_remove);
OP_WRITE_FN(account_set_verifier);
OP_WRITE_FN(account_rename);
OP_READ_FN(account_get);
OP_READ_FN(account_list);
OP_WRITE_FN(address_add);
OP_WRITE_FN(address_remove);
OP_READ_FN(address_find);
OP_READ_FN(address_resolve);
OP_READ_FN(address_owned);
OP_WRITE_FN(alias_add);
OP_WRITE_FN(alias_remove);
OP_READ_FN(alias_list);
OP_WRITE_FN(credential_add);
OP_WRITE_FN(credential_remove);
OP_READ_FN(credential_list);
OP_READ_FN(credential_look);
OP_WRITE_FN(credential_use);
OP_WRITE_FN(domain_add);
OP_WRITE_FN(domain_remove);
OP_READ_FN(domain_list);
OP_READ_FN(mailbox_list);
OP_READ_FN(mailbox_get);
OP_WRITE_FN(mailbox_create);
OP_WRITE_FN(mailbox_delete);
OP_WRITE_FN(mailbox_rename);
OP_WRITE_FN(subscribe);
OP_READ_FN(subscription_list);
OP_READ_FN(recent_look);
OP_WRITE_FN(recent_take);
OP_READ_FN(body_read);
OP_WRITE_FN(deliver);
OP_WRITE_FN(append);
OP_READ_FN(message_list);
OP_READ_FN(changes);
OP_WRITE_FN(flags);
OP_WRITE_FN(expunge);
OP_WRITE_FN(copy);
OP_WRITE_FN(cache_put);
OP_WRITE_FN(certificate_put);
OP_READ_FN(certificate_find);
OP_WRITE_FN(certificate_remove);
OP_READ_FN(certificate_count);
OP_WRITE_FN(certificate_publish);
OP_WRITE_FN(certificate_unpublish);
OP_READ_FN(certificate_bucket);
OP_READ_FN(certificate_names);
OP_READ_FN(directory_changes);
OP_READ_FN(certificate_due);
OP_WRITE_FN(certificate_certified);
OP_WRITE_FN(queue_put);
OP_WRITE_FN(queue_lease);
OP_READ_FN(queue_read);
OP_WRITE_FN(queue_renew);
OP_WRITE_FN(queue_release);
OP_WRITE_FN(queue_settle);
OP_WRITE_FN(queue_settle_report);
OP_WRITE_FN(queue_defer);
OP_READ_FN(queue_get);
OP_READ_FN(queue_list);
OP_WRITE_FN(queue_change);
OP_READ_FN(queue_domains);
OP_READ_FN(queue_log);
OP_READ_FN(queue_totals);
OP_WRITE_FN(token_put);
OP_READ_FN(token_look);
OP_WRITE_FN(token_take);
OP_READ_FN(certificate_look);
OP_READ_FN(meta_get);
OP_WRITE_FN(meta_put);
OP_READ_FN(info);
OP_READ_FN(policy_get);
OP_WRITE_FN(policy_put);
OP_WRITE_FN(tally_add);
OP_READ_FN(tally_list);
OP_WRITE_FN(tally_remove);
OP_READ_FN(verify);

/* ---- what operations share (op_common.c) ---- */

/* The account's password in the form that is kept beside the others (STORE_CREDENTIAL_SCRAM); empty: none any more. */
int credential_set_scram(struct tx *tx, uint64_t account, struct slice verifier, struct error *e);
/* Octets of a body appended to out, wherever it is now. *gone_out: it was expunged meanwhile (ERR_NOT_FOUND). */
int body_read_checked(
    struct rx *rx, uint64_t body, uint64_t offset, uint64_t len, struct buf *out, bool *gone_out, struct error *e);

/*
 * A new message into these mailboxes, each once (op_message.c). *refs_out: how many; its body is inserted by body_insert(),
 * which counts also those that hold it otherwise. stored: room for target_count.
 */
int
messages_deliver(struct tx *tx, const struct store_content *content, uint64_t date, const struct store_target *targets,
    size_t target_count, struct store_stored *stored, size_t *refs_out, struct error *e);
int body_insert(struct tx *tx, const struct store_content *c, struct slice envelope, size_t refs, struct error *e);

int tx_changed(struct tx *tx, uint64_t account, uint64_t mailbox, struct error *e);
/* One reference to the body less; the row goes with the last, its space after the commit. */
int tx_body_drop(struct tx *tx, uint64_t body, struct error *e);
/* The account holds so many messages and octets more (or fewer). */
int tx_account_count(struct tx *tx, uint64_t account, int64_t messages, int64_t octets, struct error *e);
/* ERR_NOMEM or ERR_LIMIT when the arena ran out meanwhile. */
int arena_check(const struct arena *a, struct error *e);
/* Whose message a body is, for people. */
int body_name_message(struct db *db, uint64_t body, struct arena *a, struct slice *out, struct error *e);
/* ASCII letters made small, in the arena. */
struct slice fold_ascii(struct arena *a, struct slice s);
/* At most wanted, at most max; 0 wanted is max. */
size_t page_limit(uint32_t wanted, size_t max);
/* The number of a keyword by name, ignoring ASCII case; with add it is made when it is new (ERR_LIMIT). UINT32_MAX. */
int keyword_number(
    struct tx *tx, uint64_t account, uint64_t mailbox, struct slice name, bool add, uint32_t *out, struct error *e);
int keyword_mask(struct tx *tx, uint64_t account, uint64_t mailbox, const struct slice *names, size_t count, bool add,
    uint64_t *out, struct error *e);

/* Rows gathered before their number is known; elements move as it grows. */
struct rows {
	struct arena *arena;
	void *data;
	size_t count;
	size_t room;
	size_t size; /* of one */
};
void *rows_add(struct rows *r); /* zeroed; NULL without memory */

/* ---- addresses (address.c) ---- */

/*
 * Under what an address or a domain is kept and compared: ASCII letters made small, the domain in A-labels, a local part
 * in Unicode's form C. ERR_SYNTAX for what cannot be UTF-8 or a domain.
 */
int address_key(struct arena *a, struct slice address, struct slice *key_out, struct error *e);
int domain_key(struct arena *a, struct slice domain, struct slice *key_out, struct error *e);
/* ERR_SYNTAX: both halves must be there and without controls and spaces. */
int address_check(struct slice address, struct error *e);
/* The same for what an alias may be called or stand for: "@domain" too. */
int alias_check(struct slice address, struct error *e);
/* Behind the last "@"; empty without one. */
struct slice address_domain(struct slice address);
static inline bool
address_is_whole_domain(struct slice address)
{
	return address.len > 0 && address.data[0] == '@';
}
/* "a+b@c" as "a@c" (RFC 5233), of a key; empty when there is nothing to take away, separator 0 included. */
struct slice address_shortened(struct arena *a, struct slice key, uint8_t separator);

/* postmaster (RFC 5321 section 4.5.1) or abuse (RFC 2142), with or without a domain: strangers must be able to write there. */
bool address_is_reserved(struct slice address);

/* ---- aliases (op_alias.c, op_resolve.c) ---- */

/* Neither an account's nor an alias: ERR_EXISTS. */
int address_must_be_free(struct db *db, struct slice key, struct error *e);
/* Aliases that lead to this address of the account (empty: to any of its) are named: ERR_ORDER. */
int alias_must_not_need(struct tx *tx, uint64_t account, struct slice key, struct error *e);
/* What stood for the address, a key, stands for another one. */
int alias_targets_rename(struct tx *tx, struct slice from, struct slice to, struct error *e);
/* The accounts that the address, a key, leads to by addresses and aliases alone, ascending. ERR_LIMIT. */
int alias_expand(
    struct db *db, struct arena *a, struct slice key, uint64_t **accounts_out, size_t *count_out, struct error *e);

/* The addresses in foreign domains that it leads to, as they are to be written to. ERR_LIMIT. */
int alias_expand_elsewhere(
    struct db *db, struct arena *a, struct slice key, struct slice **out, size_t *count_out, struct error *e);

/* ---- certificates (op_certificate.c) ---- */

/* All of an account's, when the account goes. */
int certificates_drop(struct tx *tx, uint64_t account, struct error *e);

/* ---- domains (op_domain.c) ---- */

int domain_is_known(struct db *db, struct slice key, bool *out, struct error *e);
int domain_must_be_ours(struct db *db, struct slice key, struct error *e); /* ERR_NOT_FOUND */

/* ---- mailbox names (name.c) ---- */

/* ERR_SYNTAX, ERR_LIMIT; *out is the name without a '/' at the end. */
int name_check(struct slice name, struct slice *out, struct error *e);
/* The name as it is kept: "inbox" is "INBOX". */
struct slice name_kept(struct arena *a, struct slice name);
/* The name above, or empty. */
struct slice name_superior(struct slice name);
/* Inferiors of name are those octet strings x with name + "/" <= x < name + "0". */
struct slice name_first_inferior(struct arena *a, struct slice name);
struct slice name_behind_inferiors(struct arena *a, struct slice name);

/* ---- the committer ---- */

struct stage;

struct work {
	struct work *next;
	struct port_job *job; /* NULL: the store's own, and done is told */
	const struct op *op;
	const void *request;
	struct arena *arena;
	void (*done)(struct work *w);
	void *reply;
	struct stage *stage; /* taken for this, or NULL */
	struct body_place place;
	bool has_place;
	int rc;
	struct error error;
};

struct syncer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t turn;
	bool asked; /* until the sync is through */
	bool stop;
	int rc;
	struct error error;
};

struct committer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t some;
	struct work *first, **last;
	bool stop;
	bool started;
	struct db db;
	struct syncer syncer;
	atomic_ullong commits;
	atomic_ullong writes;
};

int committer_start(struct store *s, struct error *e);
void committer_stop(struct store *s); /* finishes what is queued */
/* A work for this job, in its arena; fails the job itself when that cannot be. */
struct work *work_new(struct port_job *job, const struct op *op);
void committer_push(struct store *s, struct work *w);

/* ---- staging ---- */

struct staging {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t some;
	struct work *first, **last; /* for the spool thread */
	bool stop;
	bool started;
	struct stage **slots;
	uint32_t slot_count;
	uint64_t uses;
	size_t memory; /* octets held by all stages */
};

int staging_start(struct store *s, struct error *e);
void staging_stop(struct store *s);
void staging_done(struct store *s);
void stage_begin(struct store *s, struct port_job *job);
void stage_append(struct store *s, struct port_job *job);
void stage_abort(struct store *s, struct port_job *job);
/* Takes the stage for a write and pushes it to the committer, by way of the spool thread when that has to finish it. */
void stage_submit(struct store *s, struct work *w, const struct store_content *content);
/* For the committer: the octets of a stage in memory (true), or the place of its file. */
bool stage_content(const struct stage *stage, struct slice *data_out, struct body_place *place_out);
void stage_give_back(struct store *s, struct stage *stage, bool kept);
void staging_peer_gone(struct store *s, uint64_t peer);

/* ---- reading ---- */

#define READERS_MAX 16u
#define READ_CONNECTIONS 4u /* for callers that wait anyway */

struct reading {
	pthread_mutex_t mutex;
	pthread_cond_t some;
	pthread_cond_t free_connection;
	struct work *first, **last;
	bool stop;
	unsigned thread_count; /* that took their connection */
	unsigned started;
	pthread_t threads[READERS_MAX];
	struct db thread_db[READERS_MAX];
	unsigned free_count;
	struct db *free_db[READ_CONNECTIONS];
	struct db call_db[READ_CONNECTIONS];
};

int reading_start(struct store *s, unsigned threads, struct error *e);
void reading_stop(struct store *s);
void reading_submit(struct store *s, struct work *w);
/* A new snapshot for the rest of a read; no statement may be open. */
int reading_anew(struct rx *rx, struct error *e);

/* ---- aside ---- */

/* One pass over the segments (compact.c). */
struct compaction {
	bool wanted;
	uint64_t freed;   /* octets of segments since the last pass began */
	uint32_t segment; /* the one being emptied, or the last one looked at */
	bool emptying;
	uint64_t place;   /* what is before it in that segment was looked at */
	uint32_t to;      /* the segment being filled; 0: none */
	uint32_t next_to; /* numbers of such segments are not used twice */
	int fd;           /* of it */
	uint64_t used;
};

struct aside {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t some;
	bool stop;
	bool started;
	int wal_pages;
	int log_pages;   /* the same, until the checkpoint that they ask for is through */
	bool restarting; /* the committer begins nothing meanwhile */
	pthread_cond_t passed;
	int64_t restart_ms;                /* the thread's: not before this */
	struct buf released;               /* struct body_place; a whole segment is one without a body */
	uint64_t holders[STORE_HOLDS_MAX]; /* ports; while there is one nothing is given back */
	unsigned holder_count;
	struct db db;
	bool may_compact;
	bool compacting; /* a step is being done */
	int64_t pause_until;
	struct compaction compaction; /* the thread's */
};

int aside_start(struct store *s, struct error *e);
void aside_stop(struct store *s);
void aside_wal(struct store *s, int pages);
/* Before the committer's transaction: waits while the log is made to begin anew, or when it has become too long. */
void aside_pass(struct store *s);
void aside_release(struct store *s, struct slice places);
/* Nothing names the segment any more. */
void aside_release_segment(struct store *s, uint32_t segment);
/* Whether there is space that nobody names and that is given back later. */
bool aside_has_more(struct store *s);
void aside_hold(struct store *s, struct port_job *job);
void aside_peer_gone(struct store *s, uint64_t peer);
/* Compaction writes through the committer: yes once that runs, no before it stops (then no step is under way). */
void aside_compact(struct store *s, bool yes);

/* ---- compaction (compact.c), all on the thread aside ---- */

void compact_init(struct store *s);
void compact_done(struct store *s);
/* Space in a segment was given back. */
void compact_freed(struct store *s, const struct body_place *place);
/* One step of bounded size when there is something to do: *octets_out were copied. False: nothing is left to do. */
bool compact_step(struct store *s, uint64_t *octets_out);

/* ---- who waits for changes ---- */

#define NOTIFY_RING STORE_CHANGES_MAX

struct waiting;

struct notify {
	pthread_mutex_t mutex;
	uint64_t tag;  /* of this start, in the high bits of every cursor */
	uint64_t next; /* number of the next change */
	struct waiting *waiting;
	struct store_mailbox_ref ring[NOTIFY_RING];
};

void notify_init(struct notify *n);
void notify_done(struct notify *n); /* fails who waits */
void notify_wait(struct store *s, struct port_job *job);
void notify_changed(struct store *s, struct slice refs);
void notify_peer_gone(struct store *s, uint64_t peer);

/* ---- the start (recover.c) ---- */

/* Before the database is opened: what a process that was killed left in its log is on the disk before anybody sees it. */
int recover_log(const char *db_path, struct error *e);
/* Takes out messages of the last batch whose octets did not reach the disk: they were never answered. */
int recover_last_batch(struct store *s, struct error *e);

/* ---- the whole ---- */

struct store {
	struct store_options options;
	struct port_service service;
	char db_path[4096];
	int lock;
	atomic_bool stopped;
	bool refused; /* the database is not for this program: nothing is written to it */
	struct bodies bodies;
	struct committer committer;
	struct staging staging;
	struct reading reading;
	struct aside aside;
	struct notify notify;
};

void store_say(struct store *s, const char *line);
/* A sync failed: from now on every write is answered with ERR_IO. */
void store_stop(struct store *s, const char *why);
int store_stopped_error(struct error *e);

#endif
