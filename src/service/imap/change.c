/* SPDX-License-Identifier: ISC */
/* Commands that change messages: STORE, EXPUNGE, COPY, MOVE (RFC 3501 6.4, 4315, 6851). */
#include "imap/write.h"
#include "service/imap/task.h"

_Static_assert((int)IMAP_SEEN == (int)STORE_SEEN && (int)IMAP_ANSWERED == (int)STORE_ANSWERED &&
	(int)IMAP_FLAGGED == (int)STORE_FLAGGED && (int)IMAP_DELETED == (int)STORE_DELETED &&
	(int)IMAP_DRAFT == (int)STORE_DRAFT,
    "the flags of imap/command.h are those of store/types.h");
/* The part of a set from one UID on: a call of the store stops after a bounded number of messages. */
struct rest {
	struct store_range *ranges;
	size_t count;
	uint32_t next; /* 0: nothing is left */
};

static bool
rest_of(struct imap_task *t, const struct imap_set *set, struct rest *out)
{
	*out = (struct rest){ .ranges = arena_array(&t->arena, set->count, sizeof(struct store_range)),
		.count = set->count };
	if (out->ranges == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++)
		out->ranges[i] = (struct store_range){ set->ranges[i].first, set->ranges[i].last };
	out->next = set->count == 0 ? 0 : out->ranges[0].first;
	return true;
}

static void
rest_cut(struct rest *r, uint32_t next)
{
	size_t gone = 0;

	r->next = next;
	while (gone < r->count && r->ranges[gone].last < next)
		gone++;
	r->ranges += gone;
	r->count -= gone;
	if (r->count > 0 && r->ranges[0].first < next)
		r->ranges[0].first = next;
	if (r->count == 0)
		r->next = 0;
}

static enum imap_step
no_memory(struct imap_task *t)
{
	return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
}

/* ---- STORE ---- */

struct store_own {
	struct rest rest;
	const struct store_flags_row *rows; /* of the last answer */
	size_t row_count;
	size_t told;
	uint64_t seen; /* messages that were there */
	uint64_t wanted;
	uint32_t keyword_count;
};

static imap_step_fn store_tell;

static void
store_take(struct imap_task *t, const void *reply)
{
	const struct store_flags_done *done = reply;
	struct store_own *o = t->own;
	struct store_flags_row *rows = arena_array(&t->page, done->row_count, sizeof *rows);

	for (size_t i = 0; rows != NULL && i < done->row_count; i++)
		rows[i] = done->rows[i];
	o->rows = rows;
	o->row_count = rows == NULL ? 0 : done->row_count;
	o->told = 0;
	o->seen += done->row_count;
	o->keyword_count = done->keyword_count;
	rest_cut(&o->rest, done->next == 0 ? UINT32_MAX : done->next);
	if (done->next == 0)
		o->rest.next = 0;
}

static enum imap_step
store_ask(struct imap_task *t)
{
	const struct imap_command *c = t->command;
	struct store_own *o = t->own;
	struct store_flags ask = { .account = t->account,
		.mailbox = t->selected->mailbox,
		.ranges = o->rest.ranges,
		.range_count = o->rest.count,
		.mode = (uint32_t)c->mode,
		.flags = c->flags.system,
		.keywords = c->flags.keywords,
		.keyword_count = c->flags.keyword_count };

	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	return imap_task_ask(t, STORE_METHOD_flags, &ask, store_take, store_tell);
}

static enum imap_step
store_tell(struct imap_task *t)
{
	struct store_own *o = t->own;
	struct error e = { 0 };

	if (t->asked_rc != 0)
		return imap_task_error(t, &t->error);
	if (imap_selected_keywords(t, t->selected, o->keyword_count, &e) != 0)
		return imap_task_error(t, &e);
	for (; o->told < o->row_count && !imap_task_full(t); o->told++) {
		const struct store_flags_row *row = &o->rows[o->told];
		uint32_t seq = imap_view_seq(&t->selected->view, row->uid);

		imap_task_own(t, row->modseq);
		if (t->command->silent || seq == 0)
			continue;
		(void)buf_putf(&t->out, "* %u FETCH (", seq);
		if (t->command->uid)
			(void)buf_putf(&t->out, "UID %u ", row->uid);
		imap_put_flags(t, row->uid, row->flags, row->keywords);
		(void)buf_put_str(&t->out, ")\r\n");
	}
	if (o->told < o->row_count)
		return IMAP_STEP_MORE;
	if (o->rest.next != 0)
		return store_ask(t);
	if (!t->command->uid && o->seen < o->wanted)
		return imap_task_no(t, "EXPUNGEISSUED", "Some of these messages are gone.");
	return imap_task_ok(t, "Stored.");
}

enum imap_step
imap_do_store(struct imap_task *t)
{
	struct store_own *o = arena_alloc(&t->arena, sizeof *o);
	struct imap_set set;

	if (t->selected->read_only)
		return imap_task_no(t, "READ-ONLY", "The mailbox is selected read-only.");
	if (o == NULL)
		return no_memory(t);
	if (imap_task_set(t, &set) != 0)
		return IMAP_STEP_DONE;
	if (!rest_of(t, &set, &o->rest))
		return no_memory(t);
	o->wanted = imap_set_size(&set);
	t->own = o;
	return o->rest.next == 0 ? imap_task_ok(t, "Nothing to store.") : store_ask(t);
}

/* ---- EXPUNGE ---- */

static void
expunge_take(struct imap_task *t, const void *reply)
{
	const struct store_expunged *done = reply;
	struct rest *r = t->own;

	rest_cut(r, done->next == 0 ? UINT32_MAX : done->next);
	if (done->next == 0)
		r->next = 0;
}

/* The client is told by the look at the mailbox that follows: so it hears of every removal exactly once. */
static enum imap_step
expunge_more(struct imap_task *t)
{
	struct rest *r = t->own;
	struct store_expunge ask = {
		.account = t->account, .mailbox = t->selected->mailbox, .ranges = r->ranges, .range_count = r->count
	};

	if (t->asked_rc != 0)
		return imap_task_error(t, &t->error);
	if (r->next == 0)
		return imap_task_ok(t, "Expunged.");
	return imap_task_ask(t, STORE_METHOD_expunge, &ask, expunge_take, expunge_more);
}

enum imap_step
imap_do_expunge(struct imap_task *t)
{
	struct imap_range all = { 1, UINT32_MAX };
	struct imap_set set = { .ranges = &all, .count = 1 };
	struct rest *r = arena_alloc(&t->arena, sizeof *r);

	if (t->selected->read_only)
		return imap_task_no(t, "READ-ONLY", "The mailbox is selected read-only.");
	if (t->command->uid && imap_task_set(t, &set) != 0)
		return IMAP_STEP_DONE;
	if (r == NULL || !rest_of(t, &set, r))
		return no_memory(t);
	t->own = r;
	return expunge_more(t);
}

/* ---- COPY, MOVE ---- */

static void
copy_take(struct imap_task *t, const void *reply)
{
	const struct store_copied *done = reply;
	struct buf code;

	buf_init(&code, IMAP_TASK_OUT);
	if (done->from_count > 0) {
		(void)buf_putf(&code, "COPYUID %u ", done->uidvalidity);
		(void)imap_numbers_write(&code, done->from, done->from_count);
		(void)buf_put_str(&code, " ");
		(void)imap_numbers_write(&code, done->to, done->to_count);
	}
	/* Without memory the code is left out: it is a help, not a promise. */
	if (code.err == 0)
		t->code = arena_copy(&t->arena, buf_slice(&code));
	buf_done(&code);
}

static enum imap_step
copy_answered(struct imap_task *t)
{
	if (t->asked_rc == ERR_NOT_FOUND)
		return imap_task_no(t, "TRYCREATE", "There is no such mailbox.");
	if (t->asked_rc != 0)
		return imap_task_error(t, &t->error);
	/* RFC 6851 4.3: COPYUID comes before the EXPUNGE responses. */
	if (t->command->verb == IMAP_VERB_MOVE && t->code.len > 0) {
		(void)buf_put_str(&t->out, "* OK [");
		(void)buf_put_slice(&t->out, t->code);
		(void)buf_put_str(&t->out, "] Moved.\r\n");
		t->code = SLICE_EMPTY;
	}
	return imap_task_ok(t, t->command->verb == IMAP_VERB_MOVE ? "Moved." : "Copied.");
}

enum imap_step
imap_do_copy(struct imap_task *t)
{
	bool move = t->command->verb == IMAP_VERB_MOVE;
	struct store_mailbox_state state;
	struct store_copy ask;
	struct imap_set set;
	struct rest r;

	if (move && t->selected->read_only)
		return imap_task_no(t, "READ-ONLY", "The mailbox is selected read-only.");
	if (imap_task_set(t, &set) != 0 || imap_task_mailbox(t, t->command->target, true, &state, &t->arena) != 0)
		return IMAP_STEP_DONE;
	if (!rest_of(t, &set, &r))
		return no_memory(t);
	if (r.next == 0)
		return imap_task_ok(t, "There is nothing to copy.");
	ask = (struct store_copy){ .account = t->account,
		.mailbox = t->selected->mailbox,
		.ranges = r.ranges,
		.range_count = r.count,
		.target = state.mailbox.mailbox,
		.move = move };
	return imap_task_ask(t, STORE_METHOD_copy, &ask, copy_take, copy_answered);
}
