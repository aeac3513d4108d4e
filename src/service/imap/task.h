/* SPDX-License-Identifier: ISC */
/*
 * Inside the IMAP service: one command being carried out.
 *
 * A task has a step function. It runs on a worker thread and returns
 *   DONE   result, code and text are set
 *   MORE   output is full (or it was long enough): it is called again when the
 *          output drained
 *   WAIT   it has asked the store with imap_task_ask() as its last act: it is
 *          called again when the answer is there (in asked_rc, error and what
 *          the take function kept)
 * Only one thread has a task at any time: the worker during a step, the port's
 * thread during the take function, the loop thread between them.
 *
 * A step writes into task->out; the loop thread moves that to the connection.
 * Memory of a task is its arena, freed with it.
 */
#ifndef SERVICE_IMAP_TASK_H
#define SERVICE_IMAP_TASK_H

#include <stdatomic.h>

#include "imap/server.h"
#include "service/imap/view.h"
#include "service/service.h"
#include "store/store.h"

#define IMAP_TASK_ARENA (64u << 20) /* octets of one command's memory: a search over 10,000,000 messages fits */
#define IMAP_TASK_OUT (4u << 20)    /* octets that one step may write at most: an envelope, a structure, a header */
#define IMAP_PAGE_ROWS 128u         /* messages looked at in one go */
#define IMAP_PIECE (128u << 10)     /* octets read from the store in one go */
#define IMAP_AHEAD_MAX (512u << 10) /* octets of a section that are read before its length is said */
#define IMAP_HEADER_MAX (1u << 20)  /* octets of a header that are looked at */
#define IMAP_SEARCH_MAX (32u << 20) /* octets of a message that SEARCH BODY looks at */
#define IMAP_STAGE_MAX (256u << 10) /* octets of an appended message that wait in memory: larger ones are staged */
#define IMAP_STAGE_FLIGHT 4u        /* pieces of it on their way to the store */

/* The selected mailbox, as the client knows it. */
struct imap_selected {
	uint64_t mailbox;
	uint32_t uidvalidity;
	bool read_only;
	struct imap_view view;
	struct imap_view recent; /* UIDs that are \Recent in this session */
	uint64_t modseq;         /* everything up to here was told or is in gone */
	uint32_t *gone;          /* UIDs expunged by others that could not be told yet; ascending */
	size_t gone_count;
	struct arena names;     /* of the keywords */
	struct slice *keywords; /* number n is bit n of a message's keywords */
	size_t keyword_count;
};

enum imap_step { IMAP_STEP_DONE, IMAP_STEP_MORE, IMAP_STEP_WAIT };
enum imap_task_phase { IMAP_TASK_BEFORE, IMAP_TASK_COMMAND, IMAP_TASK_AFTER };

struct imap_session;
struct imap_task;
typedef enum imap_step imap_step_fn(struct imap_task *t);
/* Keeps what is wanted of a reply (in the task's arena): the reply is gone afterwards. */
typedef void imap_take_fn(struct imap_task *t, const void *reply);

struct imap_task {
	struct imap_session *session;
	const struct service *service;
	uint64_t account;
	const struct imap_command *command;
	struct imap_selected *selected; /* the session's, or NULL */
	imap_step_fn *step;
	enum imap_step last;
	enum imap_task_phase phase;
	bool no_sync;    /* nothing about the mailbox is told at the end: SELECT, CLOSE */
	bool expunge_ok; /* EXPUNGE may be told */
	struct buf out;
	struct arena arena;
	struct arena page;    /* rows that are being looked at; freed with each page */
	struct arena message; /* one message that is being looked at */
	void *own;            /* the command's state, in arena */

	enum imap_result result;
	struct slice code; /* in arena or static */
	const char *text;  /* static, or in arena */
	bool fatal;        /* a promise of octets could not be kept: the connection ends */

	imap_take_fn *take;
	int asked_rc;
	struct error error;

	/* What becomes of the selection when the task is done. */
	bool deselect;
	struct imap_selected *select;

	uint64_t *own_modseqs; /* changes that this command made and told: ascending or not */
	size_t own_count;
	size_t own_room;
};

/* ---- for steps ---- */

/* Answers. Each returns IMAP_STEP_DONE. */
enum imap_step imap_task_ok(struct imap_task *t, const char *text);
enum imap_step imap_task_no(struct imap_task *t, const char *code, const char *text);
enum imap_step imap_task_bad(struct imap_task *t, const char *text);
/* NO with the response code (RFC 5530) and words that fit an error of the store. */
enum imap_step imap_task_error(struct imap_task *t, const struct error *e);
/*
 * Which UIDs are \Recent in this session: the first to ask has them, unless look is set. On a disk that is full or fails
 * that cannot be remembered: then they are only looked at, and the mailbox stays readable.
 */
int imap_task_recent(
    struct imap_task *t, uint64_t mailbox, bool look, struct arena *a, struct store_recent *out, struct error *e);

/*
 * Asks the store for a write and returns IMAP_STEP_WAIT (or DONE with an answer when it cannot be asked). take may
 * be NULL. then: the next step.
 */
enum imap_step
imap_task_ask(struct imap_task *t, uint16_t method, const void *request, imap_take_fn *take, imap_step_fn *then);
/* True when output should go out first. */
bool imap_task_full(const struct imap_task *t);
/* Whether the connection is gone: long work may stop. */
bool imap_task_gone(const struct imap_task *t);
/* Notes that the client was told of this change already. */
void imap_task_own(struct imap_task *t, uint64_t modseq);
/* The mailbox of a name, or an answer: NO [NONEXISTENT], or [TRYCREATE]. Returns 0 or a negative code after answering. */
int imap_task_mailbox(
    struct imap_task *t, struct slice name, bool try_create, struct store_mailbox_state *out, struct arena *a);
/*
 * The command's set as UIDs of the view. Returns 0, or a negative code after answering (BAD for a message number
 * that is not there).
 */
int imap_task_set(struct imap_task *t, struct imap_set *out);
/* "FLAGS (\Seen $word)" of a message, with \Recent where it is due. */
void imap_put_flags(struct imap_task *t, uint32_t uid, uint32_t flags, uint64_t keywords);
/* Reads the keywords' names when there are more than known. */
int imap_selected_keywords(struct imap_task *t, struct imap_selected *sel, size_t count, struct error *e);
/* Appends octets of a message's body. False: the store could not give all of them. */
bool imap_task_read(struct imap_task *t, uint64_t body, uint64_t from, uint64_t len, struct buf *out);
/* A done function for what need not be answered. */
void imap_ignore_reply(void *ctx, const void *reply, const struct error *e);
void imap_selected_free(struct imap_selected *sel);

/* Tells what changed in the selected mailbox: EXISTS, RECENT, FETCH (FLAGS), and EXPUNGE when expunge_ok. */
enum imap_step imap_sync_step(struct imap_task *t);

/* ---- the commands: begin functions, each the first step ---- */

imap_step_fn imap_do_noop, imap_do_select, imap_do_create, imap_do_delete, imap_do_rename, imap_do_subscribe,
    imap_do_list, imap_do_lsub, imap_do_status, imap_do_close, imap_do_unselect, imap_do_expunge, imap_do_store,
    imap_do_copy, imap_do_fetch, imap_do_search, imap_do_append_find, imap_do_append_keep;

#endif
