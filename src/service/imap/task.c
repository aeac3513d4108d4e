/* SPDX-License-Identifier: ISC */
#include "service/imap/task.h"

#include "base/mem.h"
#include "imap/limits.h"
#include "imap/write.h"
#include "service/imap/internal.h"

enum imap_step
imap_task_ok(struct imap_task *t, const char *text)
{
	t->result = IMAP_OK;
	t->text = text;
	return IMAP_STEP_DONE;
}

enum imap_step
imap_task_no(struct imap_task *t, const char *code, const char *text)
{
	t->result = IMAP_NO;
	t->code = slice_str(code);
	t->text = text;
	return IMAP_STEP_DONE;
}

enum imap_step
imap_task_bad(struct imap_task *t, const char *text)
{
	t->result = IMAP_BAD;
	t->text = text;
	return IMAP_STEP_DONE;
}

enum imap_step
imap_task_error(struct imap_task *t, const struct error *e)
{
	/* RFC 5530's codes; the words are ours, an error's own sentence may name files. */
	static const struct {
		int rc;
		const char *code;
		const char *text;
	} table[] = {
		{ ERR_NOT_FOUND, "NONEXISTENT", "There is no such mailbox." },
		{ ERR_EXISTS, "ALREADYEXISTS", "There is a mailbox of that name." },
		{ ERR_SYNTAX, "CANNOT", "A mailbox cannot have that name." },
		{ ERR_DENIED, "CANNOT", "That is not possible with this mailbox." },
		{ ERR_ORDER, "CANNOT", "That is not possible: the name has inferiors." },
		{ ERR_LIMIT, "LIMIT", "That is more than is permitted." },
		{ ERR_FULL, "OVERQUOTA", "There is no room on the disk. Nothing was changed." },
		{ ERR_CLOSED, "UNAVAILABLE", "The store is not there. Try again later." },
		{ ERR_NOMEM, "UNAVAILABLE", "There is no memory. Try again later." },
		{ ERR_INTEGRITY, "CORRUPTION", "Stored data does not match its checksum." },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].rc == e->code)
			return imap_task_no(t, table[i].code, table[i].text);
	imap_session_fault(t->session, t->command, e);
	return imap_task_no(t, "SERVERBUG", "That failed for a reason of ours.");
}

bool
imap_task_full(const struct imap_task *t)
{
	return t->out.len >= IMAP_OUTPUT_HIGH;
}

void
imap_task_own(struct imap_task *t, uint64_t modseq)
{
	if (t->own_count == t->own_room) {
		size_t room = t->own_room == 0 ? 64 : t->own_room * 2;
		uint64_t *p = arena_array(&t->arena, room, sizeof *p);

		/* Without memory the client is told twice: no harm. */
		if (p == NULL)
			return;
		for (size_t i = 0; i < t->own_count; i++)
			p[i] = t->own_modseqs[i];
		t->own_modseqs = p;
		t->own_room = room;
	}
	t->own_modseqs[t->own_count++] = modseq;
}

int
imap_task_mailbox(
    struct imap_task *t, struct slice name, bool try_create, struct store_mailbox_state *out, struct arena *a)
{
	struct store_mailbox_get get = { .account = t->account, .name = name };
	struct error e = { 0 };
	int rc = store_mailbox_get(t->service->ports.store, &get, a, out, &e);

	if (rc == 0 && !out->mailbox.selectable)
		rc = error_set(&e, ERR_NOT_FOUND, "no mailbox");
	if (rc == ERR_NOT_FOUND && try_create)
		(void)imap_task_no(t, "TRYCREATE", "There is no such mailbox.");
	else if (rc != 0)
		(void)imap_task_error(t, &e);
	return rc;
}

int
imap_task_recent(
    struct imap_task *t, uint64_t mailbox, bool look, struct arena *a, struct store_recent *out, struct error *e)
{
	struct store_recent_take take = { .account = t->account, .mailbox = mailbox, .look = look };
	int rc = store_recent_take(t->service->ports.store, &take, a, out, e);

	if (look || (rc != ERR_FULL && rc != ERR_IO))
		return rc;
	take.look = true;
	return store_recent_take(t->service->ports.store, &take, a, out, e);
}

int
imap_task_set(struct imap_task *t, struct imap_set *out)
{
	struct imap_view *v = &t->selected->view;
	struct imap_set set = t->command->set;
	struct error e = { 0 };
	uint32_t star = t->command->uid ? imap_view_last(v) : v->messages;
	int rc;

	/* An empty mailbox has no "*": as a UID nothing matches, as a number it is not there. */
	imap_set_resolve(&set, star == 0 && t->command->uid ? UINT32_MAX : star);
	if (!t->command->uid && set.count > 0 &&
	    (set.ranges[0].first == 0 || set.ranges[set.count - 1].last > v->messages)) {
		(void)imap_task_bad(t, "There is no message of that number.");
		return ERR_SYNTAX;
	}
	rc = imap_view_select(v, &set, t->command->uid, &t->arena, out, &e);
	if (rc != 0)
		(void)imap_task_error(t, &e);
	return rc;
}

void
imap_put_flags(struct imap_task *t, uint32_t uid, uint32_t flags, uint64_t keywords)
{
	struct imap_selected *sel = t->selected;
	struct slice names[STORE_KEYWORDS_MAX];
	size_t n = 0;

	if (imap_view_seq(&sel->recent, uid) != 0)
		flags |= IMAP_RECENT;
	for (size_t i = 0; i < sel->keyword_count && i < STORE_KEYWORDS_MAX; i++)
		if ((keywords >> i & 1) != 0)
			names[n++] = sel->keywords[i];
	(void)buf_put_str(&t->out, "FLAGS (");
	(void)imap_write_flags(&t->out, flags, names, n);
	(void)buf_put_str(&t->out, ")");
}

int
imap_selected_keywords(struct imap_task *t, struct imap_selected *sel, size_t count, struct error *e)
{
	struct store_mailbox_get get = { .account = t->account, .mailbox = sel->mailbox };
	struct store_mailbox_state state;
	struct arena fresh;
	struct slice *names;
	int rc;

	if (count <= sel->keyword_count)
		return 0;
	arena_init(&fresh, 1u << 20);
	rc = store_mailbox_get(t->service->ports.store, &get, &fresh, &state, e);
	names = rc == 0 ? arena_array(&fresh, state.keyword_count, sizeof *names) : NULL;
	if (rc == 0 && names == NULL)
		rc = error_set(e, fresh.err, "no room for keywords");
	if (rc != 0) {
		arena_done(&fresh);
		return rc;
	}
	for (size_t i = 0; i < state.keyword_count; i++)
		names[i] = state.keywords[i].name;
	arena_done(&sel->names);
	sel->names = fresh;
	sel->keywords = names;
	sel->keyword_count = state.keyword_count;
	if (sel == t->selected) {
		(void)buf_put_str(&t->out, "* FLAGS (");
		(void)imap_write_flags(&t->out, STORE_FLAGS_ALL, names, state.keyword_count);
		(void)buf_put_str(&t->out, ")\r\n");
	}
	return 0;
}

void
imap_selected_free(struct imap_selected *sel)
{
	if (sel == NULL)
		return;
	imap_view_done(&sel->view);
	imap_view_done(&sel->recent);
	arena_done(&sel->names);
	mem_free(sel->gone);
	mem_free(sel);
}

bool
imap_task_read(struct imap_task *t, uint64_t body, uint64_t from, uint64_t len, struct buf *out)
{
	while (len > 0) {
		struct store_body_read ask = {
			.body = body, .offset = from, .length = len < IMAP_PIECE ? (uint32_t)len : IMAP_PIECE
		};
		struct store_body_data data;
		struct arena a;
		int rc;

		arena_init(&a, 4u << 20);
		rc = store_body_read(t->service->ports.store, &ask, &a, &data, NULL);
		if (rc == 0 && data.data.len > 0)
			rc = buf_put_slice(out, data.data);
		else if (rc == 0)
			rc = ERR_TRUNCATED;
		from += data.data.len;
		len -= rc == 0 ? data.data.len : 0;
		arena_done(&a);
		if (rc != 0)
			return false;
	}
	return true;
}

void
imap_ignore_reply(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

/* ---- running ---- */

struct imap_task *
imap_task_new(struct imap_session *s, const struct service *service, uint64_t account, struct imap_selected *selected,
    const struct imap_command *command, imap_step_fn *step)
{
	struct imap_task *t = mem_alloc(sizeof *t);

	if (t == NULL)
		return NULL;
	t->session = s;
	t->service = service;
	t->account = account;
	t->selected = selected;
	t->command = command;
	t->step = step;
	t->result = IMAP_OK;
	t->text = "Done.";
	arena_init(&t->arena, IMAP_TASK_ARENA);
	arena_init(&t->page, IMAP_TASK_ARENA);
	arena_init(&t->message, IMAP_TASK_ARENA);
	buf_init(&t->out, IMAP_TASK_OUT);
	return t;
}

void
imap_task_free(struct imap_task *t)
{
	if (t == NULL)
		return;
	imap_selected_free(t->select);
	arena_done(&t->arena);
	arena_done(&t->page);
	arena_done(&t->message);
	buf_done(&t->out);
	mem_free(t);
}

/* The command between two looks at the mailbox. UID commands look first, so that "n:*" sees what others put there. */
enum imap_step
imap_task_run(struct imap_task *t)
{
	for (;;) {
		bool look = t->selected != NULL && !t->no_sync;
		enum imap_step r = IMAP_STEP_DONE;

		if (t->phase == IMAP_TASK_COMMAND)
			r = t->step(t);
		else if (look && (t->phase == IMAP_TASK_AFTER || t->command->uid))
			r = imap_sync_step(t);
		if (r != IMAP_STEP_DONE || t->phase == IMAP_TASK_AFTER)
			return r;
		t->phase++;
	}
}

enum imap_step
imap_do_noop(struct imap_task *t)
{
	return imap_task_ok(t, "Done.");
}
