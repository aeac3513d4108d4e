/* SPDX-License-Identifier: ISC */
/* Commands about mailboxes as wholes: RFC 3501 6.3.1 to 6.3.10 and CLOSE, UNSELECT. */
#include "base/mem.h"
#include "imap/limits.h"
#include "imap/pattern.h"
#include "imap/write.h"
#include "service/imap/task.h"

/* ---- SELECT, EXAMINE ---- */

struct select_own {
	struct imap_selected *sel;
	struct store_recent recent;
	uint32_t next;   /* UID of the next page */
	uint32_t unseen; /* number of the first message without \Seen */
	struct store_mailbox mailbox;
};

static enum imap_step
select_answer(struct imap_task *t)
{
	struct select_own *o = t->own;
	struct imap_selected *sel = o->sel;
	struct buf *out = &t->out;

	(void)buf_put_str(out, "* FLAGS (");
	(void)imap_write_flags(out, STORE_FLAGS_ALL, sel->keywords, sel->keyword_count);
	(void)buf_putf(out, ")\r\n* %u EXISTS\r\n* %u RECENT\r\n", sel->view.messages, sel->recent.messages);
	if (o->unseen != 0)
		(void)buf_putf(out, "* OK [UNSEEN %u] The first unseen message.\r\n", o->unseen);
	(void)buf_putf(out, "* OK [UIDVALIDITY %u] UIDs are valid.\r\n", sel->uidvalidity);
	(void)buf_putf(out, "* OK [UIDNEXT %u] The next UID.\r\n", o->recent.uidnext);
	(void)buf_put_str(out, "* OK [PERMANENTFLAGS (");
	if (!sel->read_only) {
		(void)imap_write_flags(out, STORE_FLAGS_ALL, sel->keywords, sel->keyword_count);
		(void)buf_put_str(out, " \\*");
	}
	(void)buf_put_str(out, sel->read_only ? ")] No flag can be changed.\r\n" : ")] These can be changed.\r\n");
	t->code = sel->read_only ? SLICE("READ-ONLY") : SLICE("READ-WRITE");
	return imap_task_ok(t, "Selected.");
}

static enum imap_step
select_page(struct imap_task *t)
{
	struct select_own *o = t->own;
	struct imap_selected *sel = o->sel;
	struct store_message_list ask = { .account = t->account, .mailbox = sel->mailbox, .first = o->next };
	struct store_message_rows rows;
	struct error e = { 0 };
	int rc;

	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	rc = store_message_list(t->service->ports.store, &ask, &t->page, &rows, &e);
	for (size_t i = 0; rc == 0 && i < rows.row_count; i++) {
		uint32_t uid = rows.rows[i].uid;

		rc = imap_view_add(&sel->view, uid, uid, &e);
		if (rc == 0 && uid >= o->recent.first && uid < o->recent.uidnext)
			rc = imap_view_add(&sel->recent, uid, uid, &e);
		if (o->unseen == 0 && (rows.rows[i].flags & STORE_SEEN) == 0)
			o->unseen = sel->view.messages;
	}
	if (rc != 0)
		return imap_task_error(t, &e);
	/* What changes after the first page was read is told like any change. */
	if (sel->modseq == 0)
		sel->modseq = rows.highest_modseq;
	if (o->recent.uidnext < rows.uidnext)
		o->recent.uidnext = rows.uidnext;
	o->next = rows.next;
	return o->next == 0 ? select_answer(t) : IMAP_STEP_MORE;
}

enum imap_step
imap_do_select(struct imap_task *t)
{
	bool examine = t->command->verb == IMAP_VERB_EXAMINE;
	struct select_own *o = arena_alloc(&t->arena, sizeof *o);
	struct store_mailbox_state state;
	struct error e = { 0 };
	int rc;

	/* Whatever becomes of this, the mailbox that was selected is not any more (RFC 3501 6.3.1). */
	t->deselect = true;
	if (o == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	if (imap_task_mailbox(t, t->command->mailbox, false, &state, &t->arena) != 0)
		return IMAP_STEP_DONE;
	/* The task owns it, also when this fails or the connection goes before the last page. */
	t->select = o->sel = mem_alloc(sizeof *o->sel);
	if (o->sel == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	t->own = o;
	o->mailbox = state.mailbox;
	o->next = 1;
	o->sel->mailbox = state.mailbox.mailbox;
	o->sel->uidvalidity = state.mailbox.uidvalidity;
	o->sel->read_only = examine;
	arena_init(&o->sel->names, 1u << 20);
	rc = imap_task_recent(t, o->sel->mailbox, examine, &t->arena, &o->recent, &e);
	if (rc == 0)
		rc = imap_selected_keywords(t, o->sel, state.keyword_count, &e);
	if (rc == 0) {
		t->step = select_page;
		return IMAP_STEP_MORE;
	}
	return imap_task_error(t, &e);
}

/* ---- CLOSE, UNSELECT ---- */

enum imap_step
imap_do_unselect(struct imap_task *t)
{
	t->deselect = true;
	return imap_task_ok(t, "Closed.");
}

struct close_own {
	uint32_t next;
};

static void
close_take(struct imap_task *t, const void *reply)
{
	const struct store_expunged *done = reply;
	struct close_own *o = t->own;

	o->next = done->next;
}

/* Removes what has \Deleted, a bounded number at a time, and says nothing about it (RFC 3501 6.4.2). */
static enum imap_step
close_more(struct imap_task *t)
{
	struct close_own *o = t->own;
	struct store_range range = { .first = o->next, .last = UINT32_MAX };
	struct store_expunge ask = {
		.account = t->account, .mailbox = t->selected->mailbox, .ranges = &range, .range_count = 1
	};

	if (t->asked_rc != 0)
		return imap_task_error(t, &t->error);
	if (o->next == 0)
		return imap_do_unselect(t);
	return imap_task_ask(t, STORE_METHOD_expunge, &ask, close_take, close_more);
}

enum imap_step
imap_do_close(struct imap_task *t)
{
	struct close_own *o = arena_alloc(&t->arena, sizeof *o);

	if (o == NULL || t->selected->read_only)
		return imap_do_unselect(t);
	o->next = 1;
	t->own = o;
	return close_more(t);
}

/* ---- CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE ---- */

static enum imap_step
write_answered(struct imap_task *t)
{
	return t->asked_rc != 0 ? imap_task_error(t, &t->error) : imap_task_ok(t, "Done.");
}

enum imap_step
imap_do_create(struct imap_task *t)
{
	struct store_mailbox_create ask = { .account = t->account, .name = t->command->mailbox };

	/* A separator at the end only declares that inferiors will come (RFC 3501 6.3.3). */
	if (ask.name.len > 1 && ask.name.data[ask.name.len - 1] == '/')
		ask.name.len--;
	return imap_task_ask(t, STORE_METHOD_mailbox_create, &ask, NULL, write_answered);
}

enum imap_step
imap_do_delete(struct imap_task *t)
{
	struct store_mailbox_delete ask = { .account = t->account, .name = t->command->mailbox };

	return imap_task_ask(t, STORE_METHOD_mailbox_delete, &ask, NULL, write_answered);
}

enum imap_step
imap_do_rename(struct imap_task *t)
{
	struct store_mailbox_rename ask = {
		.account = t->account, .from = t->command->mailbox, .to = t->command->target
	};

	return imap_task_ask(t, STORE_METHOD_mailbox_rename, &ask, NULL, write_answered);
}

enum imap_step
imap_do_subscribe(struct imap_task *t)
{
	struct store_subscribe ask = { .account = t->account,
		.name = t->command->mailbox,
		.subscribed = t->command->verb == IMAP_VERB_SUBSCRIBE };

	return imap_task_ask(t, STORE_METHOD_subscribe, &ask, NULL, write_answered);
}

/* ---- LIST, LSUB ---- */

struct list_own {
	struct slice pattern; /* with the reference in front */
	struct slice after;
	struct slice told; /* LSUB: the last name that was told, so that a level is told once */
};

/* The mailbox attributes of RFC 3501 7.2.2, RFC 3348 and RFC 6154. */
static void
put_attributes(struct buf *out, const struct store_mailbox *m)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} uses[] = { { STORE_USE_ALL, " \\All" }, { STORE_USE_ARCHIVE, " \\Archive" },
		{ STORE_USE_DRAFTS, " \\Drafts" }, { STORE_USE_FLAGGED, " \\Flagged" }, { STORE_USE_JUNK, " \\Junk" },
		{ STORE_USE_SENT, " \\Sent" }, { STORE_USE_TRASH, " \\Trash" } };

	(void)buf_put_str(out, m->selectable ? "" : "\\Noselect ");
	(void)buf_put_str(out, m->has_children ? "\\HasChildren" : "\\HasNoChildren");
	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
		if ((m->special_use & uses[i].bit) != 0)
			(void)buf_put_str(out, uses[i].name);
}

static enum imap_step
list_root(struct imap_task *t)
{
	/* The root of a reference is its first level's begin: names here have none. */
	(void)buf_putf(&t->out, "* %s (\\Noselect) \"/\" \"\"\r\n", imap_verb_name(t->command->verb));
	return imap_task_ok(t, "Listed.");
}

static enum imap_step
list_page(struct imap_task *t)
{
	struct list_own *o = t->own;
	struct store_mailbox_list ask = { .account = t->account, .after = o->after, .limit = IMAP_PAGE_ROWS };
	struct store_mailbox_rows rows;
	struct error e = { 0 };

	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	if (store_mailbox_list(t->service->ports.store, &ask, &t->page, &rows, &e) != 0)
		return imap_task_error(t, &e);
	for (size_t i = 0; i < rows.row_count; i++) {
		const struct store_mailbox *m = &rows.rows[i];

		if (!imap_pattern_match(o->pattern, m->name))
			continue;
		(void)buf_put_str(&t->out, "* LIST (");
		put_attributes(&t->out, m);
		(void)buf_put_str(&t->out, ") \"/\" ");
		(void)imap_write_mailbox(&t->out, m->name);
		(void)buf_put_str(&t->out, "\r\n");
	}
	if (rows.row_count == 0 || !rows.more)
		return imap_task_ok(t, "Listed.");
	o->after = arena_copy(&t->arena, rows.rows[rows.row_count - 1].name);
	return t->arena.err == 0 ? IMAP_STEP_MORE : imap_task_no(t, "LIMIT", "There are too many mailboxes.");
}

static enum imap_step
list_begin(struct imap_task *t, imap_step_fn *page)
{
	const struct imap_command *c = t->command;
	struct list_own *o = arena_alloc(&t->arena, sizeof *o);

	if (o == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	if (c->pattern.len == 0)
		return list_root(t);
	o->pattern = arena_printf(&t->arena, "%.*s%.*s", (int)c->mailbox.len, (const char *)c->mailbox.data,
	    (int)c->pattern.len, (const char *)c->pattern.data);
	t->own = o;
	t->step = page;
	return page(t);
}

enum imap_step
imap_do_list(struct imap_task *t)
{
	return list_begin(t, list_page);
}

static void
lsub_tell(struct imap_task *t, struct slice name, bool noselect)
{
	struct list_own *o = t->own;

	if (slice_eq(o->told, name))
		return;
	o->told = arena_copy(&t->arena, name);
	(void)buf_putf(&t->out, "* LSUB (%s) \"/\" ", noselect ? "\\Noselect" : "");
	(void)imap_write_mailbox(&t->out, name);
	(void)buf_put_str(&t->out, "\r\n");
}

/* With "%" at the end, a level above a subscribed name is told as \Noselect (RFC 3501 6.3.9). */
static void
lsub_name(struct imap_task *t, struct slice name)
{
	struct list_own *o = t->own;

	if (imap_pattern_match(o->pattern, name)) {
		lsub_tell(t, name, false);
		return;
	}
	if (o->pattern.data[o->pattern.len - 1] != '%')
		return;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '/' && imap_pattern_match(o->pattern, slice_sub(name, 0, i)))
			lsub_tell(t, slice_sub(name, 0, i), true);
}

static enum imap_step
lsub_page(struct imap_task *t)
{
	struct list_own *o = t->own;
	struct store_subscription_list ask = { .account = t->account, .after = o->after, .limit = IMAP_PAGE_ROWS };
	struct store_names names;
	struct error e = { 0 };

	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	if (store_subscription_list(t->service->ports.store, &ask, &t->page, &names, &e) != 0)
		return imap_task_error(t, &e);
	for (size_t i = 0; i < names.name_count; i++)
		lsub_name(t, names.names[i]);
	if (names.name_count == 0 || !names.more)
		return imap_task_ok(t, "Listed.");
	o->after = arena_copy(&t->arena, names.names[names.name_count - 1]);
	return t->arena.err == 0 ? IMAP_STEP_MORE : imap_task_no(t, "LIMIT", "There are too many subscriptions.");
}

enum imap_step
imap_do_lsub(struct imap_task *t)
{
	return list_begin(t, lsub_page);
}

/* ---- STATUS ---- */

enum imap_step
imap_do_status(struct imap_task *t)
{
	struct store_mailbox_state state;
	const struct store_mailbox *m = &state.mailbox;
	const char *sep = "";

	if (imap_task_mailbox(t, t->command->mailbox, false, &state, &t->arena) != 0)
		return IMAP_STEP_DONE;
	const struct {
		uint32_t bit;
		const char *name;
		uint32_t value;
	} items[] = { { IMAP_STATUS_MESSAGES, "MESSAGES", m->messages }, { IMAP_STATUS_RECENT, "RECENT", m->recent },
		{ IMAP_STATUS_UIDNEXT, "UIDNEXT", m->uidnext },
		{ IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", m->uidvalidity },
		{ IMAP_STATUS_UNSEEN, "UNSEEN", m->unseen } };

	(void)buf_put_str(&t->out, "* STATUS ");
	(void)imap_write_mailbox(&t->out, t->command->mailbox);
	(void)buf_put_str(&t->out, " (");
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		if ((t->command->status & items[i].bit) == 0)
			continue;
		(void)buf_putf(&t->out, "%s%s %u", sep, items[i].name, items[i].value);
		sep = " ";
	}
	(void)buf_put_str(&t->out, ")\r\n");
	return imap_task_ok(t, "Done.");
}
