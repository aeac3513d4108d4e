/* SPDX-License-Identifier: ISC */
/*
 * One mbox a mailbox: "Sent", and "Sent.sbd/2024" for what is below it, as
 * Thunderbird has them. A file is written beside its name, synced, and gets its
 * name when it is whole.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "service/transfer/export.h"

#define WRITE_OCTETS (1u << 20)
#define FILE_NAME_MAX 255u /* octets that file systems permit, NUL not included */

struct writing {
	char name[FILE_PATH_MAX];
	char part[FILE_PATH_MAX + sizeof TRANSFER_PART_SUFFIX];
	struct tree_writer writer;
	uint64_t written; /* octets */
	struct buf out;
	struct mbox_quoter quoter;
	bool open;
	uint64_t messages, octets; /* in it */
};

/* Levels that the file system would take for something else are repaired. */
static int
put_level(struct buf *out, struct slice level)
{
	size_t at = out->len;

	(void)buf_put_slice(out, level);
	for (; at < out->len && out->data[at] == '.'; at++)
		out->data[at] = '_';
	return out->err;
}

static int
name_of(struct export *x, char out[FILE_PATH_MAX], struct error *e)
{
	BUF_OWNED struct buf name = { 0 };
	char where[STORE_NAME_MAX + 1];
	struct slice rest = x->mailbox.name;
	size_t expected = rest.len;

	if (x->file != NULL) {
		(void)snprintf(out, FILE_PATH_MAX, "%s", x->file);
		return 0;
	}
	buf_init(&name, FILE_PATH_MAX - 64);
	while (rest.len > 0) {
		struct slice level = slice_split(rest, '/', &rest);

		(void)put_level(&name, level);
		if (rest.len > 0) {
			(void)buf_put_str(&name, ".sbd/");
			expected += 4;
		}
	}
	if (name.err != 0 || name.len != expected)
		return error_set(e, ERR_LIMIT, "its name is too long for a file");
	(void)snprintf(out, FILE_PATH_MAX, "%.*s", (int)name.len, (const char *)name.data);
	if (slice_search(buf_slice(&name), SLICE("/_")) != SIZE_MAX || name.data[0] != x->mailbox.name.data[0])
		transfer_note(x->transfer, export_where(x, where), "it is written as '%s'", out);
	return 0;
}

static int
make_folders(struct export *x, const char *name, struct error *e)
{
	char folder[FILE_PATH_MAX];
	const char *slash = strrchr(name, '/');

	if (slash == NULL)
		return 0;
	(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
	return tree_make(&x->tree, folder, e);
}

/* "Sent.letterlock-part", or where that would be too long, a number made of the name: the same when it is run again. */
static int
name_part(struct writing *w, struct error *e)
{
	const char *slash = strrchr(w->name, '/'), *last = slash == NULL ? w->name : slash + 1;
	uint8_t digest[32];
	uint64_t number;
	int rc = 0;

	if (strlen(last) > FILE_NAME_MAX)
		return error_set(e, ERR_LIMIT, "its name is too long for a file");
	(void)snprintf(w->part, sizeof w->part, "%s" TRANSFER_PART_SUFFIX, w->name);
	if (strlen(last) + strlen(TRANSFER_PART_SUFFIX) <= FILE_NAME_MAX)
		return 0;
	rc = hash_once(HASH_SHA256, slice_str(last), digest, e);
	if (rc != 0)
		return rc;
	memcpy(&number, digest, sizeof number);
	(void)snprintf(w->part, sizeof w->part, "%.*s%016llx" TRANSFER_PART_SUFFIX, (int)(last - w->name), w->name,
	    (unsigned long long)number);
	return 0;
}

static int
mbox_begin(struct export *x, struct error *e)
{
	struct writing *w = mem_alloc(sizeof *w);
	struct tree_entry entry;
	int rc;

	x->own = w;
	if (w == NULL)
		return error_nomem(e);
	w->writer.fd = -1;
	buf_init(&w->out, WRITE_OCTETS * 4);
	rc = name_of(x, w->name, e);
	if (rc == 0)
		rc = make_folders(x, w->name, e);
	if (rc != 0)
		return rc;
	if (tree_look(&x->tree, w->name, &entry, NULL) == 0)
		return error_set(e, ERR_EXISTS, "'%s' is there already, and is not overwritten", w->name);
	rc = name_part(w, e);
	/* What an export that was stopped left. */
	if (rc == 0)
		rc = tree_remove(&x->tree, w->part, e);
	if (rc == 0)
		rc = tree_writer_open(&w->writer, &x->tree, w->part, e);
	w->open = rc == 0;
	return rc;
}

static bool
mbox_wants(struct export *x, const struct store_message *m)
{
	(void)x;
	(void)m;
	return true;
}

static int
flush(struct writing *w, struct error *e)
{
	int rc = w->out.err != 0 ? error_set(e, w->out.err, "a message is too large to be written")
				 : tree_writer_put(&w->writer, buf_slice(&w->out), e);

	w->written += w->out.len;
	buf_clear(&w->out);
	return rc;
}

static int
put_piece(void *ctx, struct slice piece, struct error *e)
{
	struct writing *w = ctx;

	while (piece.len > 0) {
		struct slice part = slice_sub(piece, 0, WRITE_OCTETS / 4);
		int rc = 0;

		(void)mbox_write_piece(&w->out, &w->quoter, part);
		if (w->out.len >= WRITE_OCTETS || w->out.err != 0)
			rc = flush(w, e);
		if (rc != 0)
			return rc;
		piece = slice_from(piece, part.len);
	}
	return 0;
}

/* Of all the mailbox's keywords, or of those with a bit. */
static void
put_keywords(const struct export *x, uint64_t bits, struct buf *out)
{
	for (size_t i = 0; i < x->keyword_count && i < STORE_KEYWORDS_MAX; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		if (out->len > 0)
			(void)buf_put_u8(out, ' ');
		(void)buf_put_slice(out, x->keywords[i].name);
	}
}

/* The message alone, behind what is written: when its octets end too early, all of it is taken back. */
static int
put_message(struct writing *w, const struct mbox_note *note, struct export_body *b, struct error *e)
{
	struct error late;
	uint64_t before;
	int rc = b->large ? flush(w, e) : 0;

	if (rc != 0)
		return rc;
	before = w->written;
	w->quoter = (struct mbox_quoter){ 0 };
	(void)mbox_write_begin(&w->out, &b->survey, note);
	rc = export_body_each(b, put_piece, w, e);
	if (rc != 0 && rc == b->failed) {
		buf_clear(&w->out);
		w->written = before;
		if (tree_writer_cut(&w->writer, before, &late) != 0) {
			*e = late;
			b->failed = 0;
			rc = late.code;
		}
		return rc;
	}
	(void)mbox_write_end(&w->out, &b->survey, &w->quoter);
	return rc == 0 && w->out.len >= WRITE_OCTETS ? flush(w, e) : rc;
}

static int
mbox_put(struct export *x, const struct store_message *m, struct export_body *b, struct error *e)
{
	BUF_OWNED struct buf keywords = { 0 }, base = { 0 };
	struct writing *w = x->own;
	struct mbox_note note = { .date = (int64_t)m->internal_date, .flags = m->flags, .uid = m->uid };
	int rc;

	buf_init(&keywords, STORE_KEYWORDS_MAX * (STORE_KEYWORD_MAX + 1));
	buf_init(&base, STORE_KEYWORDS_MAX * (STORE_KEYWORD_MAX + 1) + 64);
	put_keywords(x, m->keywords, &keywords);
	if (w->messages == 0) {
		(void)buf_putf(&base, "%u %u", x->mailbox.uidvalidity, x->mailbox.uidnext - 1);
		put_keywords(x, UINT64_MAX, &base);
	}
	note.keywords = buf_slice(&keywords);
	note.base = buf_slice(&base);
	rc = put_message(w, &note, b, e);
	if (rc == 0) {
		w->messages++;
		w->octets += m->size;
	}
	return rc;
}

/* The octets are on disk, then the name, then the folder that has it. */
static int
give_name(struct export *x, struct writing *w, struct error *e)
{
	char *slash;
	int rc = flush(w, e);

	if (rc == 0)
		rc = tree_writer_sync(&w->writer, e);
	if (rc == 0)
		rc = tree_rename(&x->tree, w->part, w->name, e);
	if (rc != 0)
		return rc;
	x->transfer->counts.moved += w->messages;
	x->transfer->counts.octets += w->octets;
	slash = strrchr(w->name, '/');
	if (slash != NULL)
		*slash = '\0';
	return tree_sync(&x->tree, slash == NULL ? "" : w->name, e);
}

static int
mbox_end(struct export *x, bool whole, struct error *e)
{
	struct writing *w = x->own;
	int rc = 0;

	if (w == NULL)
		return 0;
	if (w->open && whole)
		rc = give_name(x, w, e);
	tree_writer_done(&w->writer);
	if (w->open && (!whole || rc != 0))
		(void)tree_remove(&x->tree, w->part, NULL);
	buf_done(&w->out);
	mem_free(w);
	x->own = NULL;
	return rc;
}

const struct export_format export_mbox = {
	.begin = mbox_begin,
	.wants = mbox_wants,
	.put = mbox_put,
	.end = mbox_end,
};
