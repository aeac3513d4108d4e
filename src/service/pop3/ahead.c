/* SPDX-License-Identifier: ISC */
#include "service/pop3/ahead.h"

#include "store/store.h"

#define ROWS_BUDGET (1u << 20) /* memory for POP3_AHEAD_MAX rows */

void
pop3_ahead_init(struct pop3_ahead *a, const struct pop3_server *machine, const struct imap_view *uids,
    struct store_watcher *watcher, const struct pop3_retrieve *retrieve)
{
	*a = (struct pop3_ahead){ .machine = machine, .uids = uids, .watcher = watcher, .retrieve = *retrieve };
	atomic_init(&a->changed, false);
}

static void
drop(struct pop3_ahead *a)
{
	for (; a->count > 0; a->count--)
		buf_done(&a->ready[a->first++].piece);
	a->first = 0;
}

void
pop3_ahead_end(struct pop3_ahead *a)
{
	store_watch_end(a->watch);
	a->watch = NULL;
}

void
pop3_ahead_done(struct pop3_ahead *a)
{
	drop(a);
	pop3_retrieve_done(&a->retrieve);
}

static void
mailbox_changed(void *ctx)
{
	struct pop3_ahead *a = ctx;

	atomic_store(&a->changed, true);
}

static uint32_t
next_listed(const struct pop3_server *m, uint32_t message)
{
	uint32_t count = pop3_server_count(m);

	do
		message++;
	while (message <= count && !pop3_server_is_listed(m, message));
	return message;
}

bool
pop3_ahead_take(struct pop3_ahead *a, uint32_t message, struct pop3_server *machine, bool *given_out)
{
	if (atomic_load(&a->changed))
		drop(a);
	for (; a->count > 0 && a->ready[a->first].message < message; a->count--)
		buf_done(&a->ready[a->first++].piece);
	if (a->count == 0 || a->ready[a->first].message != message) {
		drop(a);
		return false;
	}
	*given_out = pop3_server_give(machine, &a->ready[a->first].piece) == 0;
	buf_done(&a->ready[a->first++].piece);
	a->first = --a->count == 0 ? 0 : a->first;
	a->expected = next_listed(a->machine, message);
	return true;
}

void
pop3_ahead_begin(struct pop3_ahead *a, uint32_t message)
{
	a->wanted = message == a->expected;
	a->expected = next_listed(a->machine, message);
	if (!a->wanted)
		return;
	/* From here on: what changes while they are read counts. */
	atomic_store(&a->changed, false);
	if (a->watch == NULL &&
	    store_watch_begin(
		a->watcher, a->retrieve.account, a->retrieve.mailbox, mailbox_changed, a, &a->watch, NULL) != 0)
		a->wanted = false;
}

/* One message of those rows. False: it is not there, or cannot be sent whole: that is said when it is asked for. */
static bool
read_one(struct pop3_ahead *a, const struct store_message_rows *rows, size_t *at, uint32_t message)
{
	uint32_t uid = imap_view_uid(a->uids, message);

	while (*at < rows->row_count && rows->rows[*at].uid < uid)
		*at += 1;
	if (*at == rows->row_count || rows->rows[*at].uid != uid)
		return false;
	pop3_retrieve_begin(&a->retrieve, uid, pop3_server_size(a->machine, message), true, 0);
	if (pop3_retrieve_row(&a->retrieve, &rows->rows[*at], NULL) != 0)
		return false;
	pop3_retrieve_step(&a->retrieve);
	if (a->retrieve.state != POP3_RETRIEVE_DONE)
		return false;
	a->ready[a->count].message = message;
	a->ready[a->count++].piece = a->retrieve.piece;
	buf_init(&a->retrieve.piece, POP3_RETRIEVE_BUDGET);
	return true;
}

void
pop3_ahead_fill(struct pop3_ahead *a)
{
	struct store_message_list ask = {
		.account = a->retrieve.account, .mailbox = a->retrieve.mailbox, .limit = POP3_AHEAD_MAX
	};
	struct store_message_rows rows;
	uint32_t messages[POP3_AHEAD_MAX], count = 0, octets = 0;
	size_t at = 0;
	struct arena arena;

	for (uint32_t m = a->expected; a->wanted && count < POP3_AHEAD_MAX && m <= pop3_server_count(a->machine);
	     m = next_listed(a->machine, m)) {
		if (pop3_server_size(a->machine, m) > POP3_AHEAD_OCTETS - octets)
			break;
		octets += pop3_server_size(a->machine, m);
		messages[count++] = m;
	}
	if (count == 0)
		return;
	ask.first = imap_view_uid(a->uids, messages[0]);
	ask.last = imap_view_uid(a->uids, messages[count - 1]);
	arena_init(&arena, ROWS_BUDGET);
	if (store_message_list(a->retrieve.store, &ask, &arena, &rows, NULL) == 0)
		for (uint32_t i = 0; i < count && read_one(a, &rows, &at, messages[i]); i++)
			;
	arena_done(&arena);
}
