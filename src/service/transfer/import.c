/* SPDX-License-Identifier: ISC */
#include "service/transfer/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "mime/header.h"
#include "mime/mbox.h"
#include "service/imap/message_cache.h"
#include "service/transfer/keep.h"
#include "service/transfer/maildir.h"
#include "service/transfer/plan.h"

#define READ_OCTETS (128u << 10) /* of one read */
#define ONE_READ_MAX (2u << 20)  /* that a message held in memory may take while it comes */
#define HEAD_MAX (64u << 10)     /* of a large message that are kept, for its Date */
#define BATCH_OCTETS (64u << 20) /* of file names that are sorted at once: some half a million */

_Static_assert((int)MBOX_SEEN == STORE_SEEN && (int)MBOX_ANSWERED == STORE_ANSWERED &&
	(int)MBOX_FLAGGED == STORE_FLAGGED && (int)MBOX_DELETED == STORE_DELETED && (int)MBOX_DRAFT == STORE_DRAFT,
    "the flags of mbox are the store's");

struct import {
	struct transfer *transfer;
	const struct import_options *options;
	struct plan plan;
	struct keep *keep;
	uint64_t done;     /* octets of the sources before this one */
	uint64_t messages; /* looked at */
	uint8_t *room;     /* READ_OCTETS */

	/* The message that comes: whole while it is small, otherwise only looked at, and read once more to be kept. */
	struct buf text;
	bool large;
	bool nul;
	uint64_t size;
	struct hash *hash;
	struct mime_header_scan scan;

	/* Where it is from. */
	const struct source *source;
	const char *where;
	struct tree_file file;
	uint64_t offset;
	bool from_mbox;
	uint64_t date_before; /* of the message before it in its mbox */
};

/* ---- the message that comes ---- */

static int
message_begin(struct import *m, struct error *e)
{
	buf_clear(&m->text);
	m->large = m->nul = false;
	m->size = 0;
	hash_free(m->hash);
	m->hash = NULL;
	mime_header_scan_init(&m->scan);
	return hash_new(HASH_SHA256, &m->hash, e);
}

/* What came behind m->text's first `before` octets. */
static int
message_came(struct import *m, size_t before, struct error *e)
{
	struct slice piece = slice_from(buf_slice(&m->text), before);

	if (m->text.err != 0)
		return error_set(e, m->text.err, "a message cannot be held in memory");
	m->size += piece.len;
	m->nul |= slice_find(piece, 0) != SIZE_MAX;
	if (!m->scan.done)
		(void)mime_header_scan_feed(&m->scan, piece);
	if (m->large) {
		hash_update(m->hash, piece);
		buf_truncate(&m->text, before);
	} else if (m->size > STORE_INLINE_MAX) {
		m->large = true;
		hash_update(m->hash, buf_slice(&m->text));
		buf_truncate(&m->text, HEAD_MAX);
	}
	return 0;
}

static int
message_digest(void *ctx, uint8_t out[KEEP_DIGEST], struct error *e)
{
	struct import *m = ctx;

	if (!m->large)
		return hash_once(HASH_SHA256, buf_slice(&m->text), out, e);
	return hash_finish(m->hash, out, e);
}

/*
 * The file's, for a message that has no date of its own. An mbox gets another time whenever it grows, and the message would
 * then not be known as there already: it takes that of the message before it.
 */
static uint64_t
date_of_file(const struct import *m)
{
	if (m->from_mbox)
		return m->date_before;
	return m->file.mtime > 0 ? (uint64_t)m->file.mtime : 1;
}

/* The Date field, or else the file's time. Never 0, which would be now. */
static uint64_t
message_date(const struct import *m, bool has_date, int64_t date)
{
	struct mime_header header;
	ARENA_OWNED struct arena a = { 0 };

	arena_init(&a, 4u << 20);
	if (has_date && date > 0)
		return (uint64_t)date;
	if (mime_header_parse(buf_slice(&m->text), &a, &header, NULL) == 0 &&
	    date_parse_mail(mime_header_value(&header, "Date"), &date, NULL, NULL) == 0 && date > 0)
		return (uint64_t)date;
	return date_of_file(m);
}

static int message_replay(void *ctx, struct keep *k, struct error *e);

/* ENVELOPE and structure are remembered with it, as of a message that comes in by IMAP. */
static void
make_cache(const struct import *m, struct buf *cache)
{
	struct message_cache_maker *maker = m->large ? NULL : message_cache_maker_new();

	if (maker == NULL)
		return;
	message_cache_maker_feed(maker, buf_slice(&m->text));
	if (message_cache_maker_end(maker, cache) != 0)
		buf_clear(cache);
	message_cache_maker_free(maker);
}

static int
message_end(struct import *m, bool has_date, int64_t date, uint32_t flags, struct slice keywords, struct error *e)
{
	BUF_OWNED struct buf cache = { 0 };
	char text[160];
	struct keep_message out = {
		.data = m->large ? SLICE_EMPTY : buf_slice(&m->text),
		.size = m->size,
		.flags = flags,
		.keywords = keywords,
		.where = m->where,
		.offset = m->from_mbox ? m->offset : ERROR_NO_OFFSET,
		.digest = message_digest,
		.replay = message_replay,
		.ctx = m,
	};

	m->messages++;
	if (m->nul) {
		transfer_problem(
		    m->transfer, m->where, out.offset, "a message has a NUL octet, which IMAP cannot carry");
		return 0;
	}
	if (m->size > m->options->message_max) {
		(void)snprintf(text, sizeof text, "a message of %llu octets is larger than message_size_max (%llu)",
		    (unsigned long long)m->size, (unsigned long long)m->options->message_max);
		transfer_problem(m->transfer, m->where, out.offset, text);
		return 0;
	}
	if (!m->scan.done)
		mime_header_scan_end(&m->scan);
	buf_init(&cache, STORE_CACHE_MAX);
	make_cache(m, &cache);
	out.header_size = (uint32_t)m->scan.length;
	out.cache = buf_slice(&cache);
	out.date = m->date_before = message_date(m, has_date, date);
	return keep_put(m->keep, &out, e);
}

static void
show(struct import *m, uint64_t here)
{
	m->transfer->progress(m->transfer->ctx, m->done + here, m->plan.octets, m->messages);
}

/* ---- mbox ---- */

static enum mbox_rule
rule_of(enum transfer_format format)
{
	switch (format) {
	case TRANSFER_MBOXO:
		return MBOX_O;
	case TRANSFER_MBOXCL:
		return MBOX_CL;
	case TRANSFER_MBOXCL2:
		return MBOX_CL2;
	case TRANSFER_ANY:
	case TRANSFER_MAILDIR:
	case TRANSFER_MBOX:
		break;
	}
	return MBOX_RD;
}

/* Feeds what is behind *at in the file. */
static int
feed(struct import *m, struct mbox_reader *r, uint64_t *at, struct error *e)
{
	ssize_t n = tree_file_read(&m->file, *at, m->room, MBOX_WINDOW / 2, e);

	if (n < 0)
		return (int)n;
	if (n == 0)
		mbox_reader_end(r);
	*at += mbox_reader_feed(r, slice_of(m->room, (size_t)n));
	return 0;
}

static int
answer(struct import *m, struct mbox_reader *r, struct error *e)
{
	uint8_t there[MBOX_PEEK];
	ssize_t n = r->ask_offset < m->file.size ? tree_file_read(&m->file, r->ask_offset, there, sizeof there, e) : 0;

	if (n < 0)
		return (int)n;
	(void)mbox_reader_answer(r, slice_of(there, (size_t)n));
	return 0;
}

/* What was appended to the text since `before` goes where it belongs: into the message, or to the store once more. */
static int
mbox_came(struct import *m, struct keep *replay, size_t before, struct error *e)
{
	int rc;

	if (replay == NULL)
		return message_came(m, before, e);
	rc = keep_piece(replay, slice_from(buf_slice(&m->text), before), e);
	buf_truncate(&m->text, before);
	return rc != 0 ? rc : m->text.err;
}

static int
mbox_ended(struct import *m, const struct mbox_reader *r, struct error *e)
{
	int rc = 0;

	m->offset = r->offset;
	/* What UW IMAP keeps about its file, and a line "From " with nothing behind it. */
	if (r->internal || (m->size == 0 && r->flags == 0 && !r->has_date))
		m->transfer->counts.passed++;
	else
		rc = message_end(m, r->has_date, r->date, r->flags, buf_slice(&r->keywords), e);
	show(m, r->offset);
	return rc == 0 ? message_begin(m, e) : rc;
}

/* Reads on from at: all messages, or one of them once more. */
static int
mbox_read(struct import *m, struct mbox_reader *r, uint64_t at, struct keep *replay, struct error *e)
{
	enum mbox_event event = MBOX_NEED;
	int rc = 0;

	while (rc == 0 && event != MBOX_DONE) {
		size_t before = m->text.len;

		rc = mbox_reader_next(r, &m->text, &event, e);
		if (rc == 0)
			rc = mbox_came(m, replay, before, e);
		if (rc != 0)
			break;
		if (event == MBOX_NEED)
			rc = feed(m, r, &at, e);
		else if (event == MBOX_ASK)
			rc = answer(m, r, e);
		else if (event == MBOX_END && replay != NULL)
			break;
		else if (event == MBOX_END)
			rc = mbox_ended(m, r, e);
	}
	return rc;
}

static int
mbox_replay(struct import *m, struct keep *k, struct error *e)
{
	struct mbox_reader r;
	int rc;

	mbox_reader_init(&r, rule_of(m->options->format));
	mbox_reader_seek(&r, m->offset);
	rc = mbox_read(m, &r, m->offset, k, e);
	mbox_reader_done(&r);
	return rc;
}

static int
import_mbox(struct import *m, const struct source *s, struct error *e)
{
	struct mbox_reader r;
	int rc = m->plan.file != NULL ? tree_file_open_at(&m->file, m->plan.file, e)
				      : tree_file_open(&m->file, &m->plan.tree, s->name, e);

	if (rc != 0) {
		transfer_problem(m->transfer, s->shown, ERROR_NO_OFFSET, e->text);
		return 0;
	}
	m->where = s->shown;
	m->from_mbox = true;
	m->date_before = 1;
	mbox_reader_init(&r, rule_of(m->options->format));
	rc = m->file.size == 0 ? 0 : message_begin(m, e);
	if (rc == 0 && m->file.size > 0)
		rc = mbox_read(m, &r, 0, NULL, e);
	mbox_reader_done(&r);
	tree_file_done(&m->file);
	if (rc == ERR_SYNTAX) {
		transfer_problem(m->transfer, s->shown, e->offset, e->text);
		return 0;
	}
	return rc;
}

/* ---- Maildir ---- */

/* Appends in with CRLF at the ends of its lines. *cr: the octet before was one. */
static void
put_lines(struct buf *out, struct slice in, bool *cr)
{
	while (in.len > 0) {
		size_t lf = slice_find(in, '\n'), n = lf == SIZE_MAX ? in.len : lf;

		(void)buf_put(out, in.data, n);
		if (n > 0)
			*cr = in.data[n - 1] == '\r';
		if (lf == SIZE_MAX)
			return;
		(void)buf_put_str(out, *cr ? "\n" : "\r\n");
		*cr = false;
		in = slice_from(in, n + 1);
	}
}

static int
maildir_read(struct import *m, struct keep *replay, struct error *e)
{
	uint64_t at = 0;
	bool cr = false;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = tree_file_read(&m->file, at, m->room, READ_OCTETS, e)) != 0) {
		size_t before = m->text.len;

		if (n < 0)
			return (int)n;
		at += (uint64_t)n;
		put_lines(&m->text, slice_of(m->room, (size_t)n), &cr);
		rc = mbox_came(m, replay, before, e);
	}
	return rc;
}

static int
message_replay(void *ctx, struct keep *k, struct error *e)
{
	struct import *m = ctx;

	buf_clear(&m->text);
	return m->from_mbox ? mbox_replay(m, k, e) : maildir_read(m, k, e);
}

static void
put_keywords(struct buf *out, const struct maildir_name *name, const struct maildir_keywords *known)
{
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
		if ((name->keywords >> i & 1) == 0 || known->names[i].len == 0)
			continue;
		(void)buf_put_slice(out, known->names[i]);
		(void)buf_put_u8(out, ' ');
	}
	/* Those who write it by its name have it in the file too. */
	if (name->forwarded && slice_search(buf_slice(out), SLICE("$Forwarded ")) == SIZE_MAX)
		(void)buf_put_str(out, "$Forwarded");
}

static int
import_file(struct import *m, const char *path, const char *name, const struct maildir_keywords *known, struct error *e)
{
	BUF_OWNED struct buf keywords = { 0 };
	struct maildir_name parsed;
	char shown[FILE_PATH_MAX * 2];
	int rc = tree_file_open(&m->file, &m->plan.tree, path, e);

	(void)snprintf(shown, sizeof shown, "%s/%s", m->plan.tree.path, path);
	m->where = shown;
	if (rc == ERR_NOT_FOUND) /* its reader gave it other flags meanwhile, or removed it */
		rc = error_set(e, ERR_LIMIT, "the file has gone since the folder was read; run it again");
	if (rc == 0)
		rc = message_begin(m, e);
	if (rc == 0)
		rc = maildir_read(m, NULL, e);
	if (rc != 0) {
		tree_file_done(&m->file);
		transfer_problem(m->transfer, shown, ERROR_NO_OFFSET, e->text);
		return rc == ERR_NOMEM ? rc : 0;
	}
	maildir_name_parse(slice_str(name), &parsed);
	buf_init(&keywords, MBOX_KEYWORDS_MAX);
	put_keywords(&keywords, &parsed, known);
	rc = message_end(m, true, m->file.mtime, parsed.flags, buf_slice(&keywords), e);
	m->done += m->file.size;
	show(m, 0);
	tree_file_done(&m->file);
	return rc;
}

/* Files in the order in which their messages came. As many at once as fit into memory. */
struct batch {
	struct arena arena;
	struct batch_file {
		uint64_t time;
		const char *name;
	} * files;
	size_t count, room;
};

static int
by_time(const void *a, const void *b)
{
	const struct batch_file *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return maildir_name_compare(slice_str(x->name), slice_str(y->name));
}

static bool
batch_add(struct batch *b, const char *name)
{
	struct slice s = slice_str(name);
	const char *copy;

	if (b->count == b->room)
		return false;
	copy = arena_cstr(&b->arena, s);
	if (copy == NULL)
		return false;
	b->files[b->count++] = (struct batch_file){ maildir_name_time(s), copy };
	return true;
}

static int
import_batch(
    struct import *m, struct batch *b, const char *folder, const struct maildir_keywords *known, struct error *e)
{
	int rc = 0;

	qsort(b->files, b->count, sizeof *b->files, by_time);
	for (size_t i = 0; i < b->count && rc == 0; i++) {
		char path[FILE_PATH_MAX];

		if (path_join(path, folder, b->files[i].name, e) != 0)
			transfer_problem(m->transfer, b->files[i].name, ERROR_NO_OFFSET, e->text);
		else
			rc = import_file(m, path, b->files[i].name, known, e);
	}
	b->count = 0;
	arena_done(&b->arena);
	return rc;
}

static int
import_part(struct import *m, const char *folder, const struct maildir_keywords *known, struct error *e)
{
	struct batch b = { .room = BATCH_OCTETS / 128 };
	struct tree_list list;
	const char *name;
	int rc = tree_list_open(&list, &m->plan.tree, folder, e);

	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : (transfer_problem(m->transfer, folder, ERROR_NO_OFFSET, e->text), 0);
	b.files = mem_array(b.room, sizeof *b.files);
	if (b.files == NULL)
		rc = error_nomem(e);
	arena_init(&b.arena, BATCH_OCTETS);
	while (rc == 0 && (name = tree_list_next(&list, e)) != NULL) {
		if (name[0] == '.' || batch_add(&b, name))
			continue;
		rc = import_batch(m, &b, folder, known, e);
		arena_init(&b.arena, BATCH_OCTETS);
		if (rc == 0 && !batch_add(&b, name))
			rc = error_nomem(e);
	}
	if (rc == 0 && e->code != 0)
		transfer_problem(m->transfer, folder, ERROR_NO_OFFSET, e->text);
	if (rc == 0)
		rc = import_batch(m, &b, folder, known, e);
	arena_done(&b.arena);
	mem_free(b.files);
	tree_list_done(&list);
	return rc;
}

static void
read_keywords(struct import *m, const struct source *s, struct buf *text, struct maildir_keywords *out)
{
	char path[FILE_PATH_MAX];
	struct tree_file f;
	struct error e;
	ssize_t n = 0;
	uint8_t *room = buf_reserve(text, MAILDIR_FILE_MAX);

	maildir_keywords_parse(SLICE_EMPTY, out);
	(void)snprintf(path, sizeof path, "%s%sdovecot-keywords", s->name, s->name[0] == '\0' ? "" : "/");
	if (room == NULL || tree_file_open(&f, &m->plan.tree, path, &e) != 0)
		return;
	n = tree_file_read(&f, 0, room, MAILDIR_FILE_MAX, &e);
	tree_file_done(&f);
	if (n > 0)
		buf_commit(text, (size_t)n);
	maildir_keywords_parse(buf_slice(text), out);
}

static int
import_maildir(struct import *m, const struct source *s, struct error *e)
{
	static const char *const parts[] = { "cur", "new" }; /* what is new comes last */
	BUF_OWNED struct buf text = { 0 };
	struct maildir_keywords known;
	uint64_t before = m->done;
	int rc = 0;

	buf_init(&text, MAILDIR_FILE_MAX);
	read_keywords(m, s, &text, &known);
	m->from_mbox = false;
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		char folder[FILE_PATH_MAX];

		(void)snprintf(folder, sizeof folder, "%s%s%s", s->name, s->name[0] == '\0' ? "" : "/", parts[i]);
		rc = import_part(m, folder, &known, e);
	}
	m->done = before;
	return rc;
}

/* ---- the whole ---- */

static int
import_source(struct import *m, const struct source *s, struct error *e)
{
	int rc = keep_enter(m->keep, s->mailbox, !m->plan.has_subscriptions, e);

	if (rc == ERR_SYNTAX || rc == ERR_LIMIT) {
		transfer_problem(m->transfer, s->shown, ERROR_NO_OFFSET, e->text);
		return 0;
	}
	if (rc == 0)
		rc = s->kind == SOURCE_MBOX ? import_mbox(m, s, e) : import_maildir(m, s, e);
	m->done += s->octets;
	return rc;
}

static int
import_subscriptions(struct import *m, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < m->plan.subscription_count && rc == 0; i++) {
		rc = keep_subscribe(m->keep, m->plan.subscriptions[i], e);
		if (rc != 0 && !transfer_is_fatal(rc)) {
			transfer_note(m->transfer, "subscriptions", "%s", e->text);
			rc = 0;
		}
	}
	return rc;
}

int
import_run(struct transfer *t, const struct import_options *options, struct error *e)
{
	struct import m = { .transfer = t, .options = options, .file = { .fd = -1 } };
	int rc = plan_make(t, options->path, options->format, options->mailbox, &m.plan, e), settled;
	struct error late;

	buf_init(&m.text, ONE_READ_MAX);
	m.room = mem_alloc(READ_OCTETS);
	if (rc == 0 && m.room == NULL)
		rc = error_nomem(e);
	if (rc == 0)
		rc = keep_new(t, options->again, &m.keep, e);
	for (size_t i = 0; i < m.plan.count && rc == 0; i++)
		rc = import_source(&m, &m.plan.sources[i], e);
	if (rc == 0)
		rc = import_subscriptions(&m, e);
	/* Also after an error: what is on its way counts. */
	settled = m.keep != NULL ? keep_settle(m.keep, &late) : 0;
	if (rc == 0 && settled != 0) {
		*e = late;
		rc = settled;
	}
	keep_free(m.keep);
	plan_done(&m.plan);
	hash_free(m.hash);
	buf_done(&m.text);
	mem_free(m.room);
	return rc;
}
