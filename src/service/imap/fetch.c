/* SPDX-License-Identifier: ISC */
/*
 * FETCH (RFC 3501 6.4.5). Messages come from the store a page of rows at a
 * time; what sets \Seen sets it for the page before the page is told. Sections
 * stream from the store in pieces into a bounded output.
 */
#include "base/date.h"
#include "imap/write.h"
#include "mime/header.h"
#include "mime/section.h"
#include "service/imap/task.h"
#include "service/imap/message_cache.h"

struct fetch_own {
	struct imap_set set;
	uint64_t wanted;
	uint64_t found;
	uint32_t next; /* UID to go on from; 0: no more pages */
	bool need_cache;
	bool sets_seen;
	bool lost;       /* octets that were there are there no more */
	bool unreadable; /* something was told as NIL because the store could not give it */

	struct store_message *rows; /* this page's, in t->page */
	bool *seen_now;             /* beside them: \Seen was set by this command */
	size_t row_count;
	size_t row;

	bool open;   /* "* n FETCH (" was written for this row */
	size_t item; /* the next one */
	bool streaming;
	uint64_t at; /* of the stream: octets of the message */
	uint64_t end;
	struct message_cache cache;
	struct mime_part *root;
	bool cache_tried;
};

static imap_step_fn fetch_page, fetch_rows;

/* ---- structure ---- */

static bool
cache_make(struct imap_task *t, const struct store_message *row, struct buf *out)
{
	struct message_cache_maker *m = message_cache_maker_new();
	bool ok = m != NULL;

	for (uint64_t at = 0; ok && at < row->size; at += IMAP_PIECE) {
		struct buf piece;

		buf_init(&piece, IMAP_PIECE);
		ok =
		    imap_task_read(t, row->body, at, row->size - at < IMAP_PIECE ? row->size - at : IMAP_PIECE, &piece);
		message_cache_maker_feed(m, buf_slice(&piece));
		buf_done(&piece);
	}
	ok = ok && message_cache_maker_end(m, out) == 0;
	message_cache_maker_free(m);
	return ok;
}

/* The structure of this row's message; false when it cannot be had. */
static bool
cache_get(struct imap_task *t, const struct store_message *row)
{
	struct fetch_own *o = t->own;
	struct store_cache_put put = { .account = t->account, .body = row->body };
	struct buf made;
	bool ok;

	if (o->cache_tried)
		return o->root != NULL;
	o->cache_tried = true;
	if (row->cache.len > 0 && message_cache_read(row->cache, &t->message, &o->cache, &o->root, NULL) == 0)
		return true;
	o->root = NULL;
	buf_init(&made, IMAP_TASK_OUT);
	ok = cache_make(t, row, &made);
	put.cache = arena_copy(&t->message, buf_slice(&made));
	buf_done(&made);
	ok = ok && message_cache_read(put.cache, &t->message, &o->cache, &o->root, NULL) == 0;
	/* Remembered for the next time; when the store is busy, not. */
	if (ok && put.cache.len <= STORE_CACHE_MAX)
		(void)store_cache_put_submit(t->service->ports.store, &put, imap_ignore_reply, NULL, NULL);
	if (!ok)
		o->root = NULL;
	return ok;
}

/* ---- sections ---- */

static bool
section_range(
    struct imap_task *t, const struct store_message *row, const struct imap_section *s, struct mime_range *out)
{
	static const enum mime_section_kind kinds[] = { [IMAP_SECTION_ALL] = MIME_SECTION_ALL,
		[IMAP_SECTION_HEADER] = MIME_SECTION_HEADER,
		[IMAP_SECTION_FIELDS] = MIME_SECTION_HEADER,
		[IMAP_SECTION_FIELDS_NOT] = MIME_SECTION_HEADER,
		[IMAP_SECTION_TEXT] = MIME_SECTION_TEXT,
		[IMAP_SECTION_MIME] = MIME_SECTION_MIME };
	struct fetch_own *o = t->own;

	if (s->part_count > 0)
		return cache_get(t, row) &&
		    mime_section_find(o->root, s->part, s->part_count, kinds[s->kind], out, NULL) == 0 &&
		    out->offset <= row->size && out->length <= row->size - out->offset;
	if (s->kind == IMAP_SECTION_ALL)
		*out = (struct mime_range){ 0, row->size };
	else if (s->kind == IMAP_SECTION_TEXT)
		*out = (struct mime_range){ row->header_size, row->size - row->header_size };
	else
		*out = (struct mime_range){ 0, row->header_size };
	return true;
}

static struct mime_range
partial_of(const struct imap_item *item, struct mime_range r)
{
	uint64_t from = item->offset < r.length ? item->offset : r.length;
	uint64_t left = r.length - from;

	if (!item->partial)
		return r;
	return (struct mime_range){ r.offset + from, item->length < left ? item->length : left };
}

static void
put_literal(struct imap_task *t, struct slice octets)
{
	(void)imap_write_literal_head(&t->out, octets.len);
	(void)buf_put_slice(&t->out, octets);
}

static void
put_fields(struct imap_task *t, const struct store_message *row, const struct imap_item *item, struct mime_range range)
{
	const struct imap_section *s = &item->section;
	struct fetch_own *o = t->own;
	struct mime_range part;
	struct buf block;
	struct buf chosen;
	bool ok;

	if (range.length > IMAP_HEADER_MAX)
		range.length = IMAP_HEADER_MAX;
	buf_init(&block, IMAP_HEADER_MAX);
	buf_init(&chosen, IMAP_HEADER_MAX + 2);
	ok = imap_task_read(t, row->body, range.offset, range.length, &block) &&
	    mime_header_select(
		buf_slice(&block), s->fields, s->field_count, s->kind == IMAP_SECTION_FIELDS_NOT, &chosen) == 0;
	/* A partial counts in what was chosen (RFC 3501 6.4.5). */
	part = partial_of(item, (struct mime_range){ 0, chosen.len });
	if (ok)
		put_literal(t, slice_sub(buf_slice(&chosen), (size_t)part.offset, (size_t)part.length));
	else
		(void)buf_put_str(&t->out, "NIL");
	o->lost = o->lost || !ok;
	buf_done(&block);
	buf_done(&chosen);
}

/* Sends the next pieces. True when the section is whole. */
static bool
stream(struct imap_task *t, const struct store_message *row)
{
	struct fetch_own *o = t->own;

	while (o->at < o->end && !imap_task_full(t)) {
		uint64_t n = o->end - o->at < IMAP_PIECE ? o->end - o->at : IMAP_PIECE;

		if (!imap_task_read(t, row->body, o->at, n, &t->out)) {
			/* The literal's length is said already: there is no way to end it well. */
			t->fatal = true;
			return true;
		}
		o->at += n;
	}
	return o->at == o->end;
}

/*
 * The length is said before the octets, so what can be held is read before it is said: the message may be expunged by
 * another session at any moment. True when the section is whole.
 */
static bool
begin_stream(struct imap_task *t, const struct store_message *row, struct mime_range r)
{
	uint64_t first = r.length <= IMAP_AHEAD_MAX ? r.length : IMAP_PIECE;
	struct fetch_own *o = t->own;
	struct buf ahead;
	bool ok;

	buf_init(&ahead, IMAP_AHEAD_MAX);
	ok = imap_task_read(t, row->body, r.offset, first, &ahead);
	if (ok) {
		(void)imap_write_literal_head(&t->out, r.length);
		(void)buf_put_slice(&t->out, buf_slice(&ahead));
	} else {
		(void)buf_put_str(&t->out, "NIL");
		o->lost = true;
	}
	buf_done(&ahead);
	o->at = r.offset + first;
	o->end = r.offset + r.length;
	o->streaming = ok && o->at < o->end;
	return !o->streaming;
}

/* Begins a section. True when it is whole already. */
static bool
put_section(struct imap_task *t, const struct store_message *row, const struct imap_item *item)
{
	struct mime_range r;

	(void)imap_write_item_name(&t->out, item);
	(void)buf_put_str(&t->out, " ");
	if (!section_range(t, row, &item->section, &r)) {
		(void)buf_put_str(&t->out, "NIL");
		return true;
	}
	if (item->section.kind == IMAP_SECTION_FIELDS || item->section.kind == IMAP_SECTION_FIELDS_NOT) {
		put_fields(t, row, item, r);
		return true;
	}
	r = partial_of(item, r);
	return begin_stream(t, row, r);
}

/* ---- items ---- */

static void
put_cached(struct imap_task *t, const struct store_message *row, const struct imap_item *item)
{
	struct fetch_own *o = t->own;
	struct slice text = SLICE_EMPTY;

	if (cache_get(t, row))
		text = item->kind == IMAP_ITEM_ENVELOPE ? o->cache.envelope
		    : item->kind == IMAP_ITEM_BODY      ? o->cache.body
							: o->cache.structure;
	if (text.len == 0) {
		/* The grammar has no NIL here; an empty one is said, and the answer is NO. */
		o->unreadable = true;
		text = item->kind == IMAP_ITEM_ENVELOPE
		    ? SLICE("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
		    : SLICE("(\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"8BIT\" 0)");
	}
	(void)imap_write_item_name(&t->out, item);
	(void)buf_put_str(&t->out, " ");
	(void)buf_put_slice(&t->out, text);
}

/* Writes one item or begins it. True when it is whole. */
static bool
put_item(struct imap_task *t, const struct store_message *row, const struct imap_item *item)
{
	switch (item->kind) {
	case IMAP_ITEM_UID:
		(void)buf_putf(&t->out, "UID %u", row->uid);
		return true;
	case IMAP_ITEM_FLAGS:
		imap_put_flags(t, row->uid, row->flags, row->keywords);
		return true;
	case IMAP_ITEM_INTERNALDATE:
		(void)buf_put_str(&t->out, "INTERNALDATE \"");
		(void)date_write_imap(&t->out, (int64_t)row->internal_date, 0);
		(void)buf_put_str(&t->out, "\"");
		return true;
	case IMAP_ITEM_SIZE:
		(void)buf_putf(&t->out, "RFC822.SIZE %llu", (unsigned long long)row->size);
		return true;
	case IMAP_ITEM_ENVELOPE:
	case IMAP_ITEM_BODY:
	case IMAP_ITEM_BODYSTRUCTURE:
		put_cached(t, row, item);
		return true;
	case IMAP_ITEM_SECTION:
	case IMAP_ITEM_RFC822:
	case IMAP_ITEM_RFC822_HEADER:
	case IMAP_ITEM_RFC822_TEXT:
		return put_section(t, row, item);
	}
	return true;
}

static bool
asks_for(const struct imap_command *c, enum imap_item_kind kind)
{
	for (size_t i = 0; i < c->item_count; i++)
		if (c->items[i].kind == kind)
			return true;
	return false;
}

static void
row_open(struct imap_task *t, const struct store_message *row)
{
	struct fetch_own *o = t->own;
	bool add_uid = t->command->uid && !asks_for(t->command, IMAP_ITEM_UID);
	bool add_flags = o->seen_now[o->row] && !asks_for(t->command, IMAP_ITEM_FLAGS);

	(void)buf_putf(&t->out, "* %u FETCH (", imap_view_seq(&t->selected->view, row->uid));
	if (add_uid)
		(void)buf_putf(&t->out, "UID %u ", row->uid);
	if (add_flags) {
		imap_put_flags(t, row->uid, row->flags, row->keywords);
		(void)buf_put_str(&t->out, " ");
	}
	o->open = true;
	o->item = 0;
	o->streaming = false;
	o->cache_tried = false;
	o->root = NULL;
}

static void
row_close(struct imap_task *t)
{
	struct fetch_own *o = t->own;

	(void)buf_put_str(&t->out, ")\r\n");
	arena_done(&t->message);
	arena_init(&t->message, IMAP_TASK_ARENA);
	o->open = false;
	o->row++;
}

/* Goes on with the current row. True when it is whole. */
static bool
row_continue(struct imap_task *t, const struct store_message *row)
{
	struct fetch_own *o = t->own;
	const struct imap_command *c = t->command;

	while (o->item < c->item_count) {
		if (!o->streaming && imap_task_full(t))
			return false;
		if (!o->streaming) {
			(void)buf_put_str(&t->out, o->item > 0 ? " " : "");
			if (put_item(t, row, &c->items[o->item])) {
				o->item++;
				continue;
			}
		}
		if (!stream(t, row))
			return false;
		o->streaming = false;
		o->item++;
	}
	return true;
}

static enum imap_step
fetch_rows(struct imap_task *t)
{
	struct fetch_own *o = t->own;

	for (; o->row < o->row_count;) {
		const struct store_message *row = &o->rows[o->row];

		if (!o->open)
			row_open(t, row);
		if (!row_continue(t, row) && !t->fatal)
			return IMAP_STEP_MORE;
		if (t->fatal)
			return IMAP_STEP_DONE;
		row_close(t);
		if (imap_task_full(t))
			return IMAP_STEP_MORE;
	}
	t->step = fetch_page;
	return IMAP_STEP_MORE;
}

/* ---- pages ---- */

static void
seen_take(struct imap_task *t, const void *reply)
{
	const struct store_flags_done *done = reply;
	struct fetch_own *o = t->own;
	size_t k = 0;

	for (size_t i = 0; i < o->row_count; i++) {
		while (k < done->row_count && done->rows[k].uid < o->rows[i].uid)
			k++;
		if (k == done->row_count)
			return;
		if (done->rows[k].uid != o->rows[i].uid)
			continue;
		o->seen_now[i] = (o->rows[i].flags & STORE_SEEN) == 0;
		o->rows[i].flags = done->rows[k].flags;
		o->rows[i].keywords = done->rows[k].keywords;
		imap_task_own(t, done->rows[k].modseq);
	}
}

/* Sets \Seen where it is not, then tells the page. A failure to set it does not keep the mail from being read. */
static enum imap_step
page_seen(struct imap_task *t)
{
	struct fetch_own *o = t->own;
	struct store_range *ranges = arena_array(&t->page, o->row_count, sizeof *ranges);
	struct store_flags ask = { .account = t->account,
		.mailbox = t->selected->mailbox,
		.mode = STORE_FLAGS_ADD,
		.flags = STORE_SEEN,
		.ranges = ranges };

	t->step = fetch_rows;
	for (size_t i = 0; ranges != NULL && i < o->row_count; i++)
		if ((o->rows[i].flags & STORE_SEEN) == 0)
			ranges[ask.range_count++] = (struct store_range){ o->rows[i].uid, o->rows[i].uid };
	if (ask.range_count == 0)
		return fetch_rows(t);
	return imap_task_ask(t, STORE_METHOD_flags, &ask, seen_take, fetch_rows);
}

/* Up to where a page may reach: far when the wanted messages stand close, else to the end of their range. */
static uint32_t
page_last(const struct fetch_own *o, uint32_t from)
{
	uint64_t wanted = 0;
	uint32_t last = from;

	for (size_t i = 0; i < o->set.count && wanted < IMAP_PAGE_ROWS; i++) {
		struct imap_range r = o->set.ranges[i];
		uint32_t first = r.first > from ? r.first : from;

		if (r.last < from)
			continue;
		if (wanted > 0 && r.first - last > 64)
			break;
		last = r.last;
		wanted += (uint64_t)r.last - first + 1;
	}
	return last;
}

static enum imap_step
fetch_end(struct imap_task *t)
{
	struct fetch_own *o = t->own;

	if (o->unreadable)
		return imap_task_no(t, "SERVERBUG", "Some data could not be read.");
	if (o->lost || (!t->command->uid && o->found < o->wanted))
		return imap_task_no(t, "EXPUNGEISSUED", "Some of these messages are gone.");
	return imap_task_ok(t, "Fetched.");
}

static void
page_keep(struct imap_task *t, struct store_message_rows *rows)
{
	struct fetch_own *o = t->own;

	o->rows = rows->rows;
	o->row = o->row_count = 0;
	for (size_t i = 0; i < rows->row_count; i++)
		if (imap_set_has(&o->set, rows->rows[i].uid))
			o->rows[o->row_count++] = rows->rows[i];
	o->found += o->row_count;
}

static enum imap_step
fetch_page(struct imap_task *t)
{
	struct fetch_own *o = t->own;
	struct store_message_list ask = { .account = t->account,
		.mailbox = t->selected->mailbox,
		.limit = IMAP_PAGE_ROWS,
		.with_cache = o->need_cache };
	struct store_message_rows rows;
	struct error e = { 0 };

	ask.first = o->next == 0 ? 0 : imap_set_next(&o->set, o->next);
	if (ask.first == 0)
		return fetch_end(t);
	ask.last = page_last(o, ask.first);
	arena_done(&t->page);
	arena_init(&t->page, IMAP_TASK_ARENA);
	if (store_message_list(t->service->ports.store, &ask, &t->page, &rows, &e) != 0)
		return imap_task_error(t, &e);
	page_keep(t, &rows);
	o->next = rows.next != 0 ? rows.next : ask.last == UINT32_MAX ? 0 : ask.last + 1;
	o->seen_now = arena_array(&t->page, o->row_count, sizeof *o->seen_now);
	if (o->seen_now == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	t->step = fetch_rows;
	return o->sets_seen ? page_seen(t) : fetch_rows(t);
}

enum imap_step
imap_do_fetch(struct imap_task *t)
{
	const struct imap_command *c = t->command;
	struct fetch_own *o = arena_alloc(&t->arena, sizeof *o);

	if (o == NULL)
		return imap_task_no(t, "UNAVAILABLE", "There is no memory. Try again later.");
	if (imap_task_set(t, &o->set) != 0)
		return IMAP_STEP_DONE;
	for (size_t i = 0; i < c->item_count; i++) {
		const struct imap_item *item = &c->items[i];
		bool octets = item->kind >= IMAP_ITEM_SECTION;

		o->need_cache =
		    o->need_cache || (item->kind >= IMAP_ITEM_ENVELOPE && !octets) || item->section.part_count > 0;
		o->sets_seen = o->sets_seen || (octets && !item->peek && !t->selected->read_only);
	}
	o->wanted = imap_set_size(&o->set);
	o->next = 1;
	t->own = o;
	t->step = fetch_page;
	return fetch_page(t);
}
