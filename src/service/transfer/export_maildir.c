/* SPDX-License-Identifier: ISC */
/*
 * A Maildir++. A file's name begins with when the message came into the mailbox,
 * as that of any Maildir, and goes on with the mailbox's number, its UIDVALIDITY and
 * the UID, so that what is there is known by its name. Files are written to tmp/;
 * when there are a thousand or more than enough octets, the file system is synced
 * once, and they are renamed to cur/. A file that stands there is whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service/transfer/export.h"
#include "service/transfer/maildir.h"

#define PENDING_MAX 1000u
#define PENDING_OCTETS (128u << 20)
#define NAME_ROOM 512u /* a domain has 255 */
#define KEYWORDS_FILE "dovecot-keywords"

struct there {
	uint32_t uid;
	uint64_t date; /* at the front of its name */
};

struct pending {
	char base[NAME_ROOM];
	char final[NAME_ROOM];
	uint64_t size;
};

struct writing {
	char folder[FILE_PATH_MAX]; /* in the tree; "" is the inbox */
	struct there *there;        /* by UID */
	size_t there_count, there_room;
	int8_t letters[STORE_KEYWORDS_MAX]; /* of the mailbox's keywords; -1: none */
	uint64_t unnamed;                   /* keywords that were left out, a bit each */
	struct buf text;                    /* a piece with LF */
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	uint64_t pending_octets;
	struct tree_writer writer;
	struct mbox_quoter quoter;
};

static int
path_of(const struct writing *w, char out[FILE_PATH_MAX], const char *part, const char *name, struct error *e)
{
	int n = snprintf(out, FILE_PATH_MAX, "%s%s%s%s%s", w->folder, w->folder[0] == '\0' ? "" : "/", part,
	    name[0] == '\0' ? "" : "/", name);

	return n >= 0 && n < (int)FILE_PATH_MAX ? 0 : error_set(e, ERR_LIMIT, "a path is too long");
}

/* ---- what is there ---- */

/* The number behind a letter: of ".L12V3U4." */
static bool
number_behind(struct slice *s, char letter, uint64_t *out)
{
	size_t n = 1;

	if (s->len < 2 || s->data[0] != (uint8_t)letter)
		return false;
	while (n < s->len && s->data[n] >= '0' && s->data[n] <= '9')
		n++;
	if (!slice_to_u64(slice_sub(*s, 1, n - 1), UINT64_MAX / 2, out))
		return false;
	*s = slice_from(*s, n);
	return true;
}

/* A file that an earlier export of this mailbox wrote. */
static bool
is_ours(const struct export *x, struct slice name, struct there *out)
{
	uint64_t mailbox, uidvalidity, uid;
	struct slice domain = slice_from(x->options->address, slice_find_last(x->options->address, '@') + 1), rest;

	out->date = maildir_name_time(name);
	(void)slice_split(name, '.', &rest);
	if (!number_behind(&rest, 'L', &mailbox) || !number_behind(&rest, 'V', &uidvalidity) ||
	    !number_behind(&rest, 'U', &uid) || rest.len == 0 || rest.data[0] != '.')
		return false;
	out->uid = (uint32_t)uid;
	return mailbox == x->mailbox.mailbox && uidvalidity == x->mailbox.uidvalidity &&
	    slice_starts(slice_from(rest, 1), domain);
}

static int
by_uid(const void *a, const void *b)
{
	const struct there *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int
remember(struct writing *w, struct there t, struct error *e)
{
	if (w->there_count == w->there_room) {
		size_t room = w->there_room * 2 + 1024, size;
		void *grown = size_mul(room, sizeof *w->there, &size) ? mem_realloc(w->there, size) : NULL;

		if (grown == NULL)
			return error_nomem(e);
		w->there = grown;
		w->there_room = room;
	}
	w->there[w->there_count++] = t;
	return 0;
}

static int
look_at_part(struct export *x, struct writing *w, const char *part, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct tree_list list;
	struct there t;
	const char *name;
	int rc = path_of(w, path, part, "", e);

	if (rc == 0)
		rc = tree_list_open(&list, &x->tree, path, e);
	if (rc != 0)
		return rc;
	while (rc == 0 && (name = tree_list_next(&list, e)) != NULL) {
		if (is_ours(x, slice_str(name), &t))
			rc = remember(w, t, e);
	}
	if (rc == 0)
		rc = e->code;
	tree_list_done(&list);
	return rc;
}

/* ---- small files that are extended: what stands in them stays ---- */

static int
read_small(struct export *x, const char *path, struct buf *out, struct error *e)
{
	struct tree_file f;
	uint8_t *room = buf_reserve(out, MAILDIR_FILE_MAX);
	ssize_t n;
	int rc = tree_file_open(&f, &x->tree, path, e);

	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	if (f.size > MAILDIR_FILE_MAX)
		n = error_set(e, ERR_LIMIT, "'%s/%s' is too long to be extended", x->tree.path, path);
	else
		n = room == NULL ? error_nomem(e) : tree_file_read(&f, 0, room, MAILDIR_FILE_MAX, e);
	tree_file_done(&f);
	if (n > 0)
		buf_commit(out, (size_t)n);
	return n < 0 ? (int)n : 0;
}

static int
write_small(struct export *x, const char *path, struct slice content, struct error *e)
{
	struct tree_writer w;
	char part[FILE_PATH_MAX];
	int rc;

	if (snprintf(part, sizeof part, "%s" TRANSFER_PART_SUFFIX, path) >= (int)sizeof part)
		return error_set(e, ERR_LIMIT, "a path is too long");
	rc = tree_remove(&x->tree, part, e);
	if (rc == 0)
		rc = tree_writer_open(&w, &x->tree, part, e);
	if (rc != 0)
		return rc;
	rc = tree_writer_put(&w, content, e);
	if (rc == 0)
		rc = tree_writer_sync(&w, e);
	tree_writer_done(&w);
	return rc == 0 ? tree_replace(&x->tree, part, path, e) : rc;
}

/* Letters for the mailbox's keywords: those that the file has, and free ones. True: there are new ones. */
static bool
take_letters(const struct export *x, struct writing *w, struct maildir_keywords *known)
{
	bool grown = false;

	for (size_t k = 0; k < x->keyword_count && k < STORE_KEYWORDS_MAX; k++) {
		struct slice name = x->keywords[k].name;
		unsigned i = 0;

		while (i < MAILDIR_KEYWORDS && !slice_ieq(known->names[i], name))
			i++;
		for (unsigned j = 0; i == MAILDIR_KEYWORDS && j < MAILDIR_KEYWORDS; j++) {
			if (known->names[j].len > 0)
				continue;
			known->names[j] = name;
			grown = true;
			i = j;
		}
		w->letters[k] = i < MAILDIR_KEYWORDS ? (int8_t)i : -1;
	}
	return grown;
}

static int
name_keywords(struct export *x, struct writing *w, struct error *e)
{
	BUF_OWNED struct buf text = { 0 }, out = { 0 };
	struct maildir_keywords known;
	char path[FILE_PATH_MAX];
	int rc;

	if (x->keyword_count == 0)
		return 0;
	buf_init(&text, MAILDIR_FILE_MAX);
	buf_init(&out, MAILDIR_FILE_MAX);
	rc = path_of(w, path, KEYWORDS_FILE, "", e);
	if (rc == 0)
		rc = read_small(x, path, &text, e);
	if (rc != 0)
		return rc;
	maildir_keywords_parse(buf_slice(&text), &known);
	if (!take_letters(x, w, &known))
		return 0;
	(void)maildir_keywords_write(&out, &known);
	return write_small(x, path, buf_slice(&out), e);
}

/* ---- one mailbox ---- */

/* A repaired name may be another's: their files have different names, and both are whole. */
static void
say_repaired(struct export *x, const char *folder)
{
	char where[STORE_NAME_MAX + 1];

	transfer_note(x->transfer, export_where(x, where),
	    "a '.' in its name would divide it in a Maildir; it is written as '%s'", folder);
	for (size_t i = 0; i < x->mailbox_count; i++) {
		BUF_OWNED struct buf other = { 0 };
		struct slice name = x->mailboxes[i].name;
		bool repaired;

		buf_init(&other, FILE_PATH_MAX);
		if (!slice_eq(name, x->mailbox.name) && maildir_folder_write(&other, name, &repaired, NULL) == 0 &&
		    slice_eq_str(buf_slice(&other), folder))
			transfer_note(x->transfer, export_where(x, where), "'%.*s' is written to the same folder",
			    (int)name.len, (const char *)name.data);
	}
}

static int
folder_of(struct export *x, struct writing *w, struct error *e)
{
	BUF_OWNED struct buf name = { 0 };
	bool repaired;
	int rc;

	buf_init(&name, FILE_PATH_MAX - NAME_ROOM - 64);
	rc = maildir_folder_write(&name, x->mailbox.name, &repaired, e);
	if (rc != 0)
		return rc;
	(void)snprintf(w->folder, sizeof w->folder, "%.*s", (int)name.len, (const char *)name.data);
	if (repaired)
		say_repaired(x, w->folder);
	return 0;
}

static int
make_folders(struct export *x, struct writing *w, struct error *e)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	char path[FILE_PATH_MAX];
	struct tree_entry entry;
	struct tree_writer mark;
	int rc = 0;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && rc == 0; i++) {
		rc = path_of(w, path, parts[i], "", e);
		if (rc == 0)
			rc = tree_make(&x->tree, path, e);
	}
	/* Maildir++ marks what is no account of its own. */
	if (rc != 0 || w->folder[0] == '\0' || path_of(w, path, "maildirfolder", "", e) != 0 ||
	    tree_look(&x->tree, path, &entry, NULL) == 0)
		return rc;
	rc = tree_writer_open(&mark, &x->tree, path, e);
	tree_writer_done(&mark);
	return rc;
}

static int
maildir_begin(struct export *x, struct error *e)
{
	struct writing *w = mem_alloc(sizeof *w);
	int rc;

	x->own = w;
	if (w == NULL)
		return error_nomem(e);
	buf_init(&w->text, STORE_PIECE_MAX * 2);
	rc = folder_of(x, w, e);
	if (rc == 0)
		rc = make_folders(x, w, e);
	if (rc == 0)
		rc = look_at_part(x, w, "new", e);
	if (rc == 0)
		rc = look_at_part(x, w, "cur", e);
	if (rc == 0 && w->there_count > 0)
		qsort(w->there, w->there_count, sizeof *w->there, by_uid);
	return rc == 0 ? name_keywords(x, w, e) : rc;
}

static bool
maildir_wants(struct export *x, const struct store_message *m)
{
	struct writing *w = x->own;
	const struct there key = { .uid = m->uid };
	const struct there *found =
	    w->there_count == 0 ? NULL : bsearch(&key, w->there, w->there_count, sizeof key, by_uid);

	return found == NULL || found->date != m->save_date;
}

/* All that wait are synced, and then get their names. */
static int
give_names(struct export *x, struct writing *w, struct error *e)
{
	char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
	int rc = w->pending_count > 0 ? tree_sync_all(&x->tree, e) : 0;

	for (size_t i = 0; i < w->pending_count; i++) {
		if (path_of(w, from, "tmp", w->pending[i].base, NULL) != 0 ||
		    path_of(w, to, "cur", w->pending[i].final, NULL) != 0)
			continue;
		if (rc == 0)
			rc = tree_rename(&x->tree, from, to, e);
		if (rc == 0) {
			x->transfer->counts.moved++;
			x->transfer->counts.octets += w->pending[i].size;
		} else {
			(void)tree_remove(&x->tree, from, NULL);
		}
	}
	w->pending_count = 0;
	w->pending_octets = 0;
	return rc;
}

static int
put_piece(void *ctx, struct slice piece, struct error *e)
{
	struct writing *w = ctx;

	buf_clear(&w->text);
	if (mbox_write_piece(&w->text, &w->quoter, piece) != 0)
		return error_nomem(e);
	return tree_writer_put(&w->writer, buf_slice(&w->text), e);
}

/* What the last piece left open. */
static int
put_rest(struct writing *w, struct error *e)
{
	buf_clear(&w->text);
	return mbox_write_rest(&w->text, &w->quoter) != 0 ? error_nomem(e)
							  : tree_writer_put(&w->writer, buf_slice(&w->text), e);
}

static void
name_message(struct export *x, struct writing *w, const struct store_message *m, const struct mbox_survey *s)
{
	struct pending *p = &w->pending[w->pending_count];
	struct slice domain = slice_from(x->options->address, slice_find_last(x->options->address, '@') + 1);
	struct maildir_name name = { .flags = m->flags };
	struct buf final;

	(void)snprintf(p->base, sizeof p->base, "%llu.L%lluV%uU%u.%.*s,S=%llu,W=%llu", (unsigned long long)m->save_date,
	    (unsigned long long)x->mailbox.mailbox, x->mailbox.uidvalidity, m->uid, (int)domain.len,
	    (const char *)domain.data, (unsigned long long)(m->size - s->dropped), (unsigned long long)m->size);
	for (size_t k = 0; k < x->keyword_count && k < STORE_KEYWORDS_MAX; k++) {
		if ((m->keywords >> k & 1) == 0)
			continue;
		name.forwarded |= slice_ieq_str(x->keywords[k].name, "$Forwarded");
		if (w->letters[k] >= 0)
			name.keywords |= 1u << w->letters[k];
		else
			w->unnamed |= 1ull << k;
	}
	name.base = slice_str(p->base);
	buf_init(&final, sizeof p->final - 1);
	(void)maildir_name_write(&final, &name);
	(void)snprintf(p->final, sizeof p->final, "%.*s", (int) final.len, (const char *) final.data);
	buf_done(&final);
}

static int
maildir_put(struct export *x, const struct store_message *m, struct export_body *b, struct error *e)
{
	struct writing *w = x->own;
	struct pending *p = &w->pending[w->pending_count];
	char path[FILE_PATH_MAX];
	int rc;

	name_message(x, w, m, &b->survey);
	/* What an export that was stopped left goes first: no other writer makes such a name. */
	rc = path_of(w, path, "tmp", p->base, e);
	if (rc == 0)
		rc = tree_remove(&x->tree, path, e);
	if (rc == 0)
		rc = tree_writer_open(&w->writer, &x->tree, path, e);
	if (rc != 0)
		return rc;
	w->quoter = (struct mbox_quoter){ .unquoted = true };
	rc = export_body_each(b, put_piece, w, e);
	if (rc == 0)
		rc = put_rest(w, e);
	if (rc == 0)
		rc = tree_writer_date(&w->writer, (int64_t)m->internal_date, e);
	tree_writer_done(&w->writer);
	if (rc != 0) {
		(void)tree_remove(&x->tree, path, NULL);
		return rc;
	}
	p->size = m->size;
	w->pending_octets += m->size;
	return ++w->pending_count == PENDING_MAX || w->pending_octets > PENDING_OCTETS ? give_names(x, w, e) : 0;
}

static void
say_unnamed(struct export *x, const struct writing *w)
{
	char where[STORE_NAME_MAX + 1];

	for (size_t k = 0; k < x->keyword_count && k < STORE_KEYWORDS_MAX; k++) {
		if ((w->unnamed >> k & 1) != 0)
			transfer_note(x->transfer, export_where(x, where),
			    "the keyword '%.*s' is left out: a Maildir has room for %u", (int)x->keywords[k].name.len,
			    (const char *)x->keywords[k].name.data, MAILDIR_KEYWORDS);
	}
}

static int
maildir_end(struct export *x, bool whole, struct error *e)
{
	static const char *const parts[] = { "cur", "" };
	struct writing *w = x->own;
	char path[FILE_PATH_MAX];
	int rc;

	if (w == NULL)
		return 0;
	rc = give_names(x, w, e);
	for (size_t i = 0; i < 2 && rc == 0 && whole; i++) {
		rc = path_of(w, path, parts[i], "", e);
		if (rc == 0)
			rc = tree_sync(&x->tree, path, e);
	}
	if (whole)
		say_unnamed(x, w);
	mem_free(w->there);
	buf_done(&w->text);
	mem_free(w);
	x->own = NULL;
	return rc;
}

/* ---- subscriptions ---- */

static bool
has_line(struct slice text, char separator, struct slice folder)
{
	struct maildir_subscriptions lines;
	struct slice line;

	maildir_subscriptions_init(&lines, text, separator);
	while (maildir_subscriptions_next(&lines, &line)) {
		bool same = line.len == folder.len;

		for (size_t i = 0; i < line.len && same; i++)
			same = line.data[i] == folder.data[i] || (line.data[i] == '\t' && folder.data[i] == '.');
		if (same)
			return true;
	}
	return false;
}

static int
add_line(struct buf *text, struct slice mailbox, struct error *e)
{
	BUF_OWNED struct buf folder = { 0 };
	bool repaired, tabs = slice_starts(buf_slice(text), SLICE("V\t2\n"));
	int rc;

	buf_init(&folder, FILE_PATH_MAX);
	rc = maildir_folder_write(&folder, mailbox, &repaired, e);
	if (rc != 0)
		return rc;
	if (folder.len == 0)
		(void)buf_put_str(&folder, ".INBOX");
	if (has_line(buf_slice(text), '.', slice_from(buf_slice(&folder), 1)))
		return 0;
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		(void)buf_put_u8(text, '\n');
	for (size_t i = 1; i < folder.len; i++)
		(void)buf_put_u8(text, tabs && folder.data[i] == '.' ? '\t' : folder.data[i]);
	return buf_put_u8(text, '\n');
}

static int
maildir_subscriptions(struct export *x, const struct slice *names, size_t count, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	size_t before;
	int rc;

	buf_init(&text, MAILDIR_FILE_MAX * 2);
	rc = read_small(x, "subscriptions", &text, e);
	if (rc == ERR_LIMIT) {
		transfer_problem(x->transfer, "subscriptions", ERROR_NO_OFFSET, e->text);
		return tree_sync(&x->tree, "", e);
	}
	before = text.len;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_line(&text, names[i], e);
	if (rc == 0 && text.len > before)
		rc = write_small(x, "subscriptions", buf_slice(&text), e);
	return rc == 0 ? tree_sync(&x->tree, "", e) : rc;
}

const struct export_format export_maildir = {
	.begin = maildir_begin,
	.wants = maildir_wants,
	.put = maildir_put,
	.end = maildir_end,
	.subscriptions = maildir_subscriptions,
};
