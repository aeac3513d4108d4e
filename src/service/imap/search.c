/* SPDX-License-Identifier: ISC */
/* SEARCH (RFC 3501 6.4.4): rows in pages, matched one by one; the numbers at the end, in bounded pieces. */
#include "service/imap/match.h"

#define TURN (8u << 20) /* octets of mail read before others have their turn */

struct search_own {
	struct imap_match *match;
	struct imap_set candidates;
	uint32_t next;
	struct store_message_rows rows;
	size_t row;
	uint32_t *hits;
	size_t hit_count;
	size_t hit_room;
	size_t told;
	bool begun;
};

static imap_step_fn search_page;

static bool
hit_add(struct imap_task *t, uint32_t number)
{
	struct search_own *o = t->own;

	if (o->hit_count == o->hit_room) {
		size_t room = o->hit_room == 0 ? 256 : o->hit_room * 2;
		uint32_t *p = arena_array(&t->arena, room, sizeof *p);

		if (p == NULL)
			return false;
		for (size_t i = 0; i < o->hit_count; i++)
			p[i] = o->hits[i];
		o->hits = p;
		o->hit_room = room;
	}
	o->hits[o->hit_count++] = number;
	return true;
}

static enum imap_step
search_tell(struct imap_task *t)
{
	struct search_own *o = t->own;

	if (!o->begun)
		(void)buf_put_str(&t->out, "* SEARCH");
	o->begun = true;
	while (o->told < o->hit_count && !imap_task_full(t))
		(void)buf_putf(&t->out, " %u", o->hits[o->told++]);
	if (o->told < o->hit_count)
		return IMAP_STEP_MORE;
	(void)buf_put_str(&t->out, "\r\n");
	return imap_task_ok(t, "Searched.");
}

static enum imap_step
search_rows(struct imap_task *t)
{
	struct search_own *o = t->own;
	uint64_t octets = 0;

	for (; o->row < o->rows.row_count; o->row++) {
		const struct store_message *row = &o->rows.rows[o->row];
		uint32_t seq = imap_view_seq(&t->selected->view, row->uid);

		if (octets >= TURN || imap_task_gone(t))
			return IMAP_STEP_MORE;
		if (seq == 0 || !imap_match_row(t, o->match, row, &octets))
			continue;
		if (!hit_add(t, t->command->uid ? row->uid : seq))
			return imap_task_no(t, "LIMIT", "There are too many messages.");
	}
	t->step = search_page;
	return IMAP_STEP_MORE;
}

static enum imap_step
search_page(struct imap_task *t)
{
	struct search_own *o = t->own;
	struct store_message_list ask = {
		.account = t->account, .mailbox = t->selected->mailbox, .limit = IMAP_PAGE_ROWS * 8
	};
	struct error e = { 0 };

	ask.first = o->next == 0 ? 0 : imap_set_next(&o->candidates, o->next);
	if (ask.first == 0 || t->selected->view.messages == 0) {
		t->step = search_tell;
		return search_tell(t);
	}
	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	if (store_message_list(t->service->ports.store, &ask, &t->page, &o->rows, &e) != 0)
		return imap_task_error(t, &e);
	o->row = 0;
	o->next = o->rows.next;
	t->step = search_rows;
	return search_rows(t);
}

enum imap_step
imap_do_search(struct imap_task *t)
{
	struct search_own *o = arena_alloc(&t->arena, sizeof *o);
	struct error e = { 0 };
	int rc;

	if (o == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	rc = imap_match_new(t, t->command->search, t->command->charset, &o->match, &e);
	if (rc == ERR_UNSUPPORTED)
		return imap_task_no(t, "BADCHARSET (US-ASCII UTF-8)", "That charset is not known.");
	if (rc != 0)
		return imap_task_error(t, &e);
	o->candidates = imap_match_candidates(o->match);
	o->next = 1;
	t->own = o;
	t->step = search_page;
	return search_page(t);
}
