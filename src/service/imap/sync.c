/* SPDX-License-Identifier: ISC */
/*
 * What changed in the selected mailbox since the client was last told (RFC
 * 3501 5.2, 7.3, 7.4.1): expunged messages from the highest number down, so
 * that one number does not move another; then EXISTS and RECENT; then flags.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service/imap/task.h"

#define CHANGES 1000u

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Adds those that the client still counts to what is to be told. */
static int
note_gone(struct imap_selected *sel, const uint32_t *uids, size_t count, struct error *e)
{
	uint32_t *p;
	size_t n = sel->gone_count;

	if (count == 0)
		return 0;
	p = mem_realloc(sel->gone, (n + count) * sizeof *p);
	if (p == NULL)
		return error_nomem(e);
	sel->gone = p;
	for (size_t i = 0; i < count; i++)
		if (imap_view_seq(&sel->view, uids[i]) != 0)
			p[n++] = uids[i];
	qsort(p, n, sizeof *p, uid_cmp);
	/* Told twice it would remove a neighbour. */
	sel->gone_count = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || p[i] != p[i - 1])
			p[sel->gone_count++] = p[i];
	return 0;
}

static int
tell_gone(struct imap_task *t, struct error *e)
{
	struct imap_selected *sel = t->selected;
	int rc;

	if (sel->gone_count == 0)
		return 0;
	for (size_t i = sel->gone_count; i > 0; i--)
		(void)buf_putf(&t->out, "* %u EXPUNGE\r\n", imap_view_seq(&sel->view, sel->gone[i - 1]));
	rc = imap_view_remove(&sel->view, sel->gone, sel->gone_count, e);
	if (rc == 0)
		rc = imap_view_remove(&sel->recent, sel->gone, sel->gone_count, e);
	mem_free(sel->gone);
	sel->gone = NULL;
	sel->gone_count = 0;
	return rc;
}

/*
 * Puts all new messages behind the others. They are listed by UID: changes come by mod-sequence, in which a message
 * with a smaller UID may stand behind one with a larger, and the view must ascend.
 */
static int
add_new(struct imap_task *t, const struct store_recent *recent, struct error *e)
{
	struct imap_selected *sel = t->selected;
	struct store_message_list ask = { .account = t->account, .mailbox = sel->mailbox };
	struct store_message_rows rows = { .next = imap_view_last(&sel->view) + 1 };
	int rc = 0;

	while (rc == 0 && rows.next != 0) {
		ask.first = rows.next;
		rc = store_message_list(t->service->ports.store, &ask, &t->page, &rows, e);
		for (size_t i = 0; rc == 0 && i < rows.row_count; i++) {
			uint32_t uid = rows.rows[i].uid;

			rc = imap_view_add(&sel->view, uid, uid, e);
			if (rc == 0 && uid >= recent->first && uid < recent->uidnext)
				rc = imap_view_add(&sel->recent, uid, uid, e);
		}
	}
	return rc;
}

static int
tell_new(struct imap_task *t, struct error *e)
{
	struct imap_selected *sel = t->selected;
	struct store_recent recent = { 0 };
	int rc = imap_task_recent(t, sel->mailbox, sel->read_only, &t->page, &recent, e);

	if (rc == 0)
		rc = add_new(t, &recent, e);
	if (rc == 0)
		(void)buf_putf(&t->out, "* %u EXISTS\r\n* %u RECENT\r\n", sel->view.messages, sel->recent.messages);
	return rc;
}

static int
modseq_cmp(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
is_own(const struct imap_task *t, uint64_t modseq)
{
	return t->own_count > 0 && bsearch(&modseq, t->own_modseqs, t->own_count, sizeof modseq, modseq_cmp) != NULL;
}

static void
tell_flags(struct imap_task *t, const struct store_message *row)
{
	(void)buf_putf(&t->out, "* %u FETCH (UID %u ", imap_view_seq(&t->selected->view, row->uid), row->uid);
	imap_put_flags(t, row->uid, row->flags, row->keywords);
	(void)buf_put_str(&t->out, ")\r\n");
}

static int
tell(struct imap_task *t, const struct store_changed *c, struct error *e)
{
	struct imap_selected *sel = t->selected;
	uint32_t last = imap_view_last(&sel->view);
	bool more_messages = false;
	int rc = imap_selected_keywords(t, sel, c->keyword_count, e);

	if (rc == 0)
		rc = note_gone(sel, c->expunged, c->expunged_count, e);
	for (size_t i = 0; i < c->row_count; i++)
		more_messages = more_messages || c->rows[i].uid > last;
	if (rc == 0 && t->expunge_ok)
		rc = tell_gone(t, e);
	if (rc == 0 && more_messages)
		rc = tell_new(t, e);
	if (t->own_count > 1)
		qsort(t->own_modseqs, t->own_count, sizeof *t->own_modseqs, modseq_cmp);
	for (size_t i = 0; rc == 0 && i < c->row_count; i++)
		if (c->rows[i].uid <= last && imap_view_seq(&sel->view, c->rows[i].uid) != 0 &&
		    !is_own(t, c->rows[i].modseq))
			tell_flags(t, &c->rows[i]);
	return rc;
}

enum imap_step
imap_sync_step(struct imap_task *t)
{
	struct imap_selected *sel = t->selected;
	struct store_changes ask = {
		.account = t->account, .mailbox = sel->mailbox, .since = sel->modseq, .limit = CHANGES
	};
	struct store_changed c = { 0 };
	struct error e = { 0 };
	int rc;

	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	rc = store_changes(t->service->ports.store, &ask, &t->page, &c, &e);
	if (rc == ERR_NOT_FOUND) {
		/* Deleted by another session: every message is gone; the client is told when that is permitted. */
		return IMAP_STEP_DONE;
	}
	if (rc == 0)
		rc = tell(t, &c, &e);
	if (rc != 0)
		return IMAP_STEP_DONE; /* told next time: the cursor stays */
	sel->modseq = c.upto;
	return c.more ? IMAP_STEP_MORE : IMAP_STEP_DONE;
}
