/* SPDX-License-Identifier: ISC */
#include "service/transfer/export.h"

#include <stdio.h>
#include <string.h>

#define REPLY_BUDGET (16u << 20)
#define LIST_BUDGET (64u << 20)
#define ROWS_AT_ONCE 4096u

/* ---- bodies ---- */

static int
read_piece(struct export_body *b, uint64_t offset, struct arena *a, struct slice *out, struct error *e)
{
	const struct store_body_read ask = { .body = b->body, .offset = offset, .length = STORE_PIECE_MAX };
	struct store_body_data reply;
	int rc = store_body_read(b->port, &ask, a, &reply, e);

	if (rc == 0)
		*out = reply.data;
	b->failed = rc;
	return rc;
}

static int
survey(void *ctx, struct slice piece, struct error *e)
{
	(void)e;
	mbox_survey_feed(ctx, piece);
	return 0;
}

int
export_body_open(struct export_body *b, struct port *port, const struct store_message *m, struct error *e)
{
	int rc = 0;

	*b = (struct export_body){ .port = port, .body = m->body, .large = m->size > STORE_PIECE_MAX };
	arena_init(&b->arena, STORE_PIECE_MAX * 2);
	if (!b->large)
		rc = read_piece(b, 0, &b->arena, &b->whole, e);
	return rc == 0 ? export_body_each(b, survey, &b->survey, e) : rc;
}

int
export_body_each(
    struct export_body *b, int (*each)(void *ctx, struct slice piece, struct error *e), void *ctx, struct error *e)
{
	uint64_t at = 0;
	int rc = 0;

	if (!b->large)
		return each(ctx, b->whole, e);
	while (rc == 0) {
		ARENA_OWNED struct arena a = { 0 };
		struct slice piece;

		arena_init(&a, STORE_PIECE_MAX * 2);
		rc = read_piece(b, at, &a, &piece, e);
		if (rc != 0 || piece.len == 0)
			break;
		at += piece.len;
		rc = each(ctx, piece, e);
	}
	return rc;
}

void
export_body_done(struct export_body *b)
{
	arena_done(&b->arena);
}

/* ---- one mailbox ---- */

const char *
export_where(const struct export *x, char out[STORE_NAME_MAX + 1])
{
	(void)snprintf(out, STORE_NAME_MAX + 1, "%.*s", (int)x->mailbox.name.len, (const char *)x->mailbox.name.data);
	return out;
}

static void
say_uid(struct export *x, const struct store_message *m, const struct error *e)
{
	char where[STORE_NAME_MAX + 1];
	struct error said = *e;

	(void)error_context(&said, "the message with UID %u", m->uid);
	transfer_problem(x->transfer, export_where(x, where), ERROR_NO_OFFSET, said.text);
}

static bool
is_expunged(struct export *x, const struct store_message *m)
{
	const struct store_message_list ask = {
		.account = x->transfer->account, .mailbox = x->mailbox.mailbox, .first = m->uid, .limit = 1
	};
	struct store_message_rows rows;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_message_list(x->transfer->port, &ask, &a, &rows, NULL);
	return rc == ERR_NOT_FOUND || (rc == 0 && (rows.row_count == 0 || rows.rows[0].uid != m->uid));
}

/* A message whose octets the store cannot give is told and left out, the rest goes on. */
static int
leave_out(struct export *x, const struct store_message *m, int rc, const struct error *e)
{
	switch (rc) {
	case ERR_NOT_FOUND: /* since its row was read, or its file is lost */
		if (!is_expunged(x, m))
			say_uid(x, m, e);
		return 0;
	case ERR_INTEGRITY:
	case ERR_TRUNCATED:
	case ERR_IO:
		say_uid(x, m, e);
		return 0;
	default:
		return rc;
	}
}

static int
export_message(struct export *x, const struct export_format *f, const struct store_message *m, struct error *e)
{
	struct export_body b;
	int rc;

	x->messages++;
	x->done += m->size;
	x->transfer->progress(x->transfer->ctx, x->done, x->total, x->messages);
	if (!f->wants(x, m)) {
		x->transfer->counts.already++;
		return 0;
	}
	rc = export_body_open(&b, x->transfer->port, m, e);
	if (rc == 0)
		rc = f->put(x, m, &b, e);
	if (rc != 0 && rc == b.failed)
		rc = leave_out(x, m, rc, e);
	export_body_done(&b);
	return rc;
}

static int
export_messages(struct export *x, const struct export_format *f, struct error *e)
{
	struct store_message_list ask = {
		.account = x->transfer->account, .mailbox = x->mailbox.mailbox, .limit = ROWS_AT_ONCE
	};
	int rc = 0;

	do {
		struct store_message_rows rows;
		ARENA_OWNED struct arena a = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_message_list(x->transfer->port, &ask, &a, &rows, e);
		for (size_t i = 0; rc == 0 && i < rows.row_count; i++)
			rc = export_message(x, f, &rows.rows[i], e);
		if (rc == 0)
			ask.first = rows.next;
	} while (rc == 0 && ask.first != 0);
	return rc;
}

static int
export_mailbox(struct export *x, const struct export_format *f, const struct store_mailbox *mailbox, struct error *e)
{
	const struct store_mailbox_get ask = { .account = x->transfer->account, .mailbox = mailbox->mailbox };
	struct store_mailbox_state state;
	char where[STORE_NAME_MAX + 1];
	ARENA_OWNED struct arena a = { 0 };
	struct error late;
	int rc, ended;

	arena_init(&a, REPLY_BUDGET);
	rc = store_mailbox_get(x->transfer->port, &ask, &a, &state, e);
	if (rc == ERR_NOT_FOUND)
		return 0; /* removed meanwhile */
	if (rc != 0)
		return rc;
	x->mailbox = state.mailbox;
	x->keywords = state.keywords;
	x->keyword_count = state.keyword_count;
	rc = f->begin(x, e);
	if (rc == ERR_EXISTS || rc == ERR_LIMIT) {
		(void)f->end(x, false, &late);
		transfer_problem(x->transfer, export_where(x, where), ERROR_NO_OFFSET, e->text);
		x->done += state.mailbox.size;
		return 0;
	}
	x->transfer->counts.mailboxes++;
	if (rc == 0)
		rc = export_messages(x, f, e);
	ended = f->end(x, rc == 0, &late);
	if (rc == 0 && ended != 0) {
		*e = late;
		rc = ended;
	}
	return rc;
}

/* ---- the whole ---- */

struct list {
	struct store_mailbox *rows;
	size_t count;
	struct slice *subscribed;
	size_t subscribed_count;
	struct arena arena;
};

static bool
is_wanted(const struct export *x, struct slice name)
{
	struct slice want = x->options->mailbox;

	if (want.len == 0 || slice_eq(name, want) || (slice_ieq_str(name, "INBOX") && slice_ieq(name, want)))
		return true;
	return x->file == NULL && name.len > want.len && slice_starts(name, want) && name.data[want.len] == '/';
}

static int
list_add(struct export *x, struct list *l, const struct store_mailbox *row, struct error *e)
{
	if (!is_wanted(x, row->name))
		return 0;
	if (row->subscribed)
		l->subscribed[l->subscribed_count++] = arena_copy(&l->arena, row->name);
	if (!row->selectable)
		return 0;
	l->rows[l->count] = *row;
	l->rows[l->count++].name = arena_copy(&l->arena, row->name);
	x->total += row->size;
	return l->arena.err == 0 ? 0 : error_set(e, l->arena.err, "there are too many mailboxes");
}

static int
list_read(struct export *x, struct list *l, struct error *e)
{
	struct store_mailbox_list ask = { .account = x->transfer->account };
	bool more = true;
	int rc = 0;

	l->rows = arena_array(&l->arena, STORE_MAILBOXES_MAX, sizeof *l->rows);
	l->subscribed = arena_array(&l->arena, STORE_MAILBOXES_MAX, sizeof *l->subscribed);
	if (l->rows == NULL || l->subscribed == NULL)
		return error_nomem(e);
	while (more && rc == 0) {
		struct store_mailbox_rows reply;
		ARENA_OWNED struct arena a = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_mailbox_list(x->transfer->port, &ask, &a, &reply, e);
		for (size_t i = 0; rc == 0 && i < reply.row_count && l->subscribed_count < STORE_MAILBOXES_MAX &&
		     l->count < STORE_MAILBOXES_MAX;
		     i++)
			rc = list_add(x, l, &reply.rows[i], e);
		more = rc == 0 && reply.more && reply.row_count > 0;
		if (more)
			ask.after = arena_copy(&l->arena, reply.rows[reply.row_count - 1].name);
	}
	return rc;
}

/* One mailbox may become a file; all else is a folder, which is made. */
static int
open_tree(struct export *x, char folder[FILE_PATH_MAX], struct error *e)
{
	const char *path = x->options->path, *slash = strrchr(path, '/');
	struct tree_entry entry;
	bool is_folder = tree_look_at(path, &entry, NULL) == 0 && entry.kind == TREE_FOLDER;
	int rc;

	if (strlen(path) >= FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "the path is too long");
	if (x->options->format != TRANSFER_MBOX || x->options->mailbox.len == 0 || is_folder) {
		rc = dir_make_private(path, e);
		return rc == 0 ? tree_open(&x->tree, path, e) : rc;
	}
	x->file = slash == NULL ? path : slash + 1;
	if (x->file[0] == '\0')
		return error_set(e, ERR_NOT_FOUND, "there is no folder '%s'", path);
	(void)snprintf(
	    folder, FILE_PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
	return tree_open(&x->tree, folder, e);
}

int
export_run(struct transfer *t, const struct export_options *options, struct error *e)
{
	struct export x = { .transfer = t, .options = options, .tree = { .fd = -1 } };
	const struct export_format *f = options->format == TRANSFER_MBOX ? &export_mbox : &export_maildir;
	char folder[FILE_PATH_MAX];
	struct list l = { .count = 0 };
	int rc = open_tree(&x, folder, e);

	arena_init(&l.arena, LIST_BUDGET);
	if (rc == 0)
		rc = list_read(&x, &l, e);
	if (rc == 0 && l.count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "there is no mailbox '%.*s'", (int)options->mailbox.len,
		    (const char *)options->mailbox.data);
	x.mailboxes = l.rows;
	x.mailbox_count = l.count;
	for (size_t i = 0; rc == 0 && i < l.count; i++)
		rc = export_mailbox(&x, f, &l.rows[i], e);
	if (rc == 0 && f->subscriptions != NULL)
		rc = f->subscriptions(&x, l.subscribed, l.subscribed_count, e);
	arena_done(&l.arena);
	tree_done(&x.tree);
	return rc;
}
