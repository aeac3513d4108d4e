/* SPDX-License-Identifier: ISC */
#include "service/transfer/plan.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mbox.h"
#include "service/transfer/maildir.h"
#include "store/limits.h"

#define NAME_ROOM (STORE_NAME_MAX * 4u) /* so that a name too long is seen as one */
#define LINK_TEXT "it is a symbolic link, and none is followed"

struct walk {
	struct transfer *transfer;
	struct plan *plan;
	enum transfer_format format;
	struct slice into;
	bool has_dotted, has_plain; /* folders below a Maildir were found: Maildir++, or Dovecot's LAYOUT=fs */
};

static bool
takes_maildir(const struct walk *w)
{
	return w->format == TRANSFER_ANY || w->format == TRANSFER_MAILDIR;
}

static bool
takes_mbox(const struct walk *w)
{
	return w->format != TRANSFER_MAILDIR;
}

/* ---- what was found ---- */

static int
no_memory(const struct plan *p, struct error *e)
{
	return error_set(e, p->arena.err == ERR_LIMIT ? ERR_LIMIT : ERR_NOMEM, "there are too many names here");
}

/* The mailbox's name below what everything goes into; an inbox is what it goes into itself. */
static struct slice
place_name(struct walk *w, struct slice mailbox)
{
	if (slice_ieq_str(mailbox, "INBOX"))
		return w->into.len > 0 ? w->into : SLICE("INBOX");
	if (w->into.len == 0)
		return arena_copy(&w->plan->arena, mailbox);
	return arena_printf(&w->plan->arena, "%.*s/%.*s", (int)w->into.len, (const char *)w->into.data,
	    (int)mailbox.len, (const char *)mailbox.data);
}

/* "Foo" and "Foo.mbox", ".A" and "A": nothing is lost, but it is no longer what it was. */
static void
say_merged(struct walk *w, const struct source *s)
{
	const struct plan *p = w->plan;

	for (size_t i = 0; i < p->count; i++) {
		if (!slice_eq(p->sources[i].mailbox, s->mailbox))
			continue;
		transfer_note(w->transfer, s->shown, "it goes into '%.*s', as '%s' does", (int)s->mailbox.len,
		    (const char *)s->mailbox.data, p->sources[i].shown);
		return;
	}
}

static int
add_source(
    struct walk *w, enum source_kind kind, const char *name, struct slice mailbox, uint64_t octets, struct error *e)
{
	struct plan *p = w->plan;
	struct source *s = &p->sources[p->count];

	if (p->count == PLAN_SOURCES_MAX)
		return error_set(e, ERR_LIMIT, "more than %u mailboxes are here", PLAN_SOURCES_MAX);
	*s = (struct source){ .kind = kind, .octets = octets, .mailbox = place_name(w, mailbox) };
	s->name = arena_cstr(&p->arena, slice_str(name));
	s->shown = arena_cstr(&p->arena,
	    name[0] == '\0' ? slice_str(p->tree.path) : arena_printf(&p->arena, "%s/%s", p->tree.path, name));
	if (s->name == NULL || s->shown == NULL || s->mailbox.len == 0)
		return no_memory(p, e);
	say_merged(w, s);
	p->count++;
	p->octets += octets;
	return 0;
}

/* ---- folders ---- */

/* Names of one folder, sorted. */
struct names {
	struct arena arena;
	const char **names;
	size_t count;
};

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
names_read(struct names *n, const struct tree *t, const char *folder, struct error *e)
{
	struct tree_list list;
	const char *name;
	int rc = tree_list_open(&list, t, folder, e);

	if (rc != 0)
		return rc;
	n->names = arena_array(&n->arena, PLAN_NAMES_MAX, sizeof *n->names);
	while (rc == 0 && (name = tree_list_next(&list, e)) != NULL) {
		char *copy =
		    n->count < PLAN_NAMES_MAX && n->names != NULL ? arena_cstr(&n->arena, slice_str(name)) : NULL;

		if (copy == NULL)
			rc = error_set(e, ERR_LIMIT, "more than %u files are in '%s/%s': is it a mail folder?",
			    PLAN_NAMES_MAX, t->path, folder);
		else
			n->names[n->count++] = copy;
	}
	if (rc == 0)
		rc = e->code;
	tree_list_done(&list);
	if (rc == 0)
		qsort(n->names, n->count, sizeof *n->names, by_octets);
	return rc;
}

static int
join(char *out, const char *folder, const char *name, struct error *e)
{
	if (folder[0] == '\0')
		return strlen(name) < FILE_PATH_MAX ? (memcpy(out, name, strlen(name) + 1), 0)
						    : error_set(e, ERR_LIMIT, "a path is too long");
	return path_join(out, folder, name, e);
}

static bool
has_folder(const struct tree *t, const char *folder, const char *name)
{
	char path[FILE_PATH_MAX];
	struct tree_entry entry;

	return join(path, folder, name, NULL) == 0 && tree_look(t, path, &entry, NULL) == 0 &&
	    entry.kind == TREE_FOLDER;
}

static bool
is_maildir(const struct tree *t, const char *folder)
{
	return has_folder(t, folder, "cur") || has_folder(t, folder, "new");
}

/* The same, but what may be one and cannot be looked at is an error: a dotted folder has no other way to be said. */
static int
look_for_maildir(const struct tree *t, const char *folder, bool *yes_out, struct error *e)
{
	static const char *const parts[] = { "cur", "new" };
	char path[FILE_PATH_MAX];
	struct tree_entry entry;

	*yes_out = false;
	for (size_t i = 0; i < 2 && !*yes_out; i++) {
		int rc = join(path, folder, parts[i], e);

		if (rc == 0)
			rc = tree_look(t, path, &entry, e);
		if (rc != 0 && rc != ERR_NOT_FOUND)
			return rc;
		/* A link is told when the folder is read. */
		*yes_out = rc == 0 && (entry.kind == TREE_FOLDER || entry.kind == TREE_LINK);
	}
	return 0;
}

/* Octets of the messages: only somebody who watches needs them, and each file must be looked at. */
static uint64_t
maildir_octets(const struct walk *w, const char *folder)
{
	static const char *const parts[] = { "new", "cur" };
	uint64_t octets = 0;

	for (size_t i = 0; w->transfer->wants_total && i < 2; i++) {
		char part[FILE_PATH_MAX], path[FILE_PATH_MAX];
		struct tree_list list;
		struct error e;
		const char *name;

		if (join(part, folder, parts[i], NULL) != 0 || tree_list_open(&list, &w->plan->tree, part, NULL) != 0)
			continue;
		while ((name = tree_list_next(&list, &e)) != NULL) {
			struct tree_entry entry;

			if (join(path, part, name, NULL) == 0 && tree_look(&w->plan->tree, path, &entry, NULL) == 0 &&
			    entry.kind == TREE_FILE)
				octets += entry.size;
		}
		tree_list_done(&list);
	}
	return octets;
}

static void
say_repaired(struct walk *w, const char *name, struct slice mailbox)
{
	transfer_note(w->transfer, name, "its name cannot be a mailbox's; it becomes '%.*s'", (int)mailbox.len,
	    (const char *)mailbox.data);
}

/* mailbox: what it is below, followed by the levels of folder. A name that cannot be is told, and *out left empty. */
static void
name_below(struct walk *w, struct slice above, struct slice folder, char separator, const char *shown, struct buf *out)
{
	struct error e;
	bool repaired = false;

	(void)buf_put_slice(out, above);
	if (maildir_folder_parse(folder, separator, out, &repaired, &e) != 0) {
		transfer_problem(w->transfer, shown, ERROR_NO_OFFSET, e.text);
		buf_clear(out);
		return;
	}
	if (repaired)
		say_repaired(w, shown, buf_slice(out));
}

static int walk_folder(struct walk *w, const char *folder, struct slice mailbox, unsigned depth, struct error *e);

/* What is hidden beside a Maildir's own folders is mail; elsewhere it is likely something else, and worth a note. */
static void
say_unread(struct walk *w, const char *path, bool maildir, const char *text)
{
	if (maildir)
		transfer_problem(w->transfer, path, ERROR_NO_OFFSET, text);
	else
		transfer_note(w->transfer, path, "%s", text);
}

/* ".A.B" in a Maildir, or in the folder that was named. */
static int
take_dotted(struct walk *w, const char *path, const char *name, enum tree_kind kind, bool maildir, struct slice above,
    struct error *e)
{
	BUF_OWNED struct buf mailbox = { 0 };
	bool yes;

	if (!takes_maildir(w) || (kind != TREE_FOLDER && kind != TREE_LINK))
		return 0;
	if (kind == TREE_LINK) {
		say_unread(w, path, maildir, LINK_TEXT);
		return 0;
	}
	if (look_for_maildir(&w->plan->tree, path, &yes, e) != 0) {
		say_unread(w, path, maildir, e->text);
		return 0;
	}
	if (!yes)
		return 0;
	buf_init(&mailbox, NAME_ROOM);
	name_below(w, above, slice_str(name + 1), '.', path, &mailbox);
	if (mailbox.len == 0)
		return 0;
	w->has_dotted = true;
	return add_source(w, SOURCE_MAILDIR, path, buf_slice(&mailbox), maildir_octets(w, path), e);
}

static int
take_folder(struct walk *w, const char *path, const char *name, struct slice above, unsigned depth, struct error *e)
{
	BUF_OWNED struct buf mailbox = { 0 };
	struct slice level = slice_str(name);

	if (depth >= PLAN_DEPTH_MAX) {
		transfer_problem(w->transfer, path, ERROR_NO_OFFSET, "folders inside folders go too deep here");
		return 0;
	}
	if (slice_ends(level, SLICE(".mozmsgs")))
		return 0; /* Thunderbird's copies for the desktop's search */
	if (slice_ends(level, SLICE(".sbd")))
		level.len -= 4;
	buf_init(&mailbox, NAME_ROOM);
	/* What lies below the inbox has a name of its own. */
	name_below(w, above, level, '/', path, &mailbox);
	return mailbox.len == 0 ? 0 : walk_folder(w, path, buf_slice(&mailbox), depth + 1, e);
}

/* An empty mailbox is an empty file: one with Thunderbird's index beside it, or one whose name has no suffix. */
static bool
is_empty_mailbox(const struct walk *w, const char *path, const char *name, uint64_t size)
{
	char index[FILE_PATH_MAX + 8];
	struct tree_entry entry;
	size_t len = strlen(path);

	if (size > 0 || strchr(name, '.') == NULL)
		return size == 0;
	memcpy(index, path, len);
	memcpy(index + len, ".msf", 5);
	return len + 5 < FILE_PATH_MAX && tree_look(&w->plan->tree, index, &entry, NULL) == 0;
}

static int
looks_like_mbox(const struct tree_file *f, bool *yes_out, struct error *e)
{
	uint8_t front[MBOX_PEEK * 2];
	ssize_t n = tree_file_read(f, 0, front, sizeof front, e);

	if (n < 0)
		return (int)n;
	*yes_out = mbox_begins(slice_of(front, (size_t)n));
	return 0;
}

static struct slice
without_suffix(struct slice name)
{
	static const char *const suffixes[] = { ".mbox", ".mbx" };

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		struct slice s = slice_str(suffixes[i]);

		if (name.len > s.len && slice_ieq(slice_from(name, name.len - s.len), s))
			return slice_sub(name, 0, name.len - s.len);
	}
	return name;
}

static int
take_file(struct walk *w, const char *path, const char *name, struct slice above, struct error *e)
{
	BUF_OWNED struct buf mailbox = { 0 };
	struct tree_file f;
	bool yes = false;
	int rc;

	if (slice_ends(slice_str(name), SLICE(TRANSFER_PART_SUFFIX))) {
		transfer_note(w->transfer, path, "an export that was stopped left it; it is passed over");
		w->transfer->counts.passed++;
		return 0;
	}
	rc = tree_file_open(&f, &w->plan->tree, path, e);
	if (rc == 0)
		rc = looks_like_mbox(&f, &yes, e);
	if (rc != 0) {
		transfer_problem(w->transfer, path, ERROR_NO_OFFSET, e->text);
		tree_file_done(&f);
		return 0;
	}
	tree_file_done(&f);
	if (!yes && !is_empty_mailbox(w, path, name, f.size)) {
		w->transfer->counts.passed++;
		return 0;
	}
	buf_init(&mailbox, NAME_ROOM);
	name_below(w, above, without_suffix(slice_str(name)), '/', path, &mailbox);
	return mailbox.len == 0 ? 0 : add_source(w, SOURCE_MBOX, path, buf_slice(&mailbox), f.size, e);
}

static bool
is_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 || strcmp(name, "tmp") == 0;
}

static int
take_entry(struct walk *w, const char *folder, const char *name, bool maildir, struct slice mailbox, unsigned depth,
    struct error *e)
{
	char path[FILE_PATH_MAX];
	struct tree_entry entry;

	if (join(path, folder, name, e) != 0 || tree_look(&w->plan->tree, path, &entry, e) != 0) {
		transfer_problem(w->transfer, name, ERROR_NO_OFFSET, e->text);
		return 0;
	}
	if (name[0] == '.')
		return depth == 0 || maildir ? take_dotted(w, path, name, entry.kind, maildir, mailbox, e) : 0;
	if (maildir && (is_part(name) || entry.kind == TREE_FILE))
		return 0;
	switch (entry.kind) {
	case TREE_FOLDER:
		return take_folder(w, path, name, mailbox, depth, e);
	case TREE_FILE:
		return takes_mbox(w) ? take_file(w, path, name, mailbox, e) : 0;
	case TREE_LINK:
		transfer_problem(w->transfer, path, ERROR_NO_OFFSET, LINK_TEXT);
		return 0;
	case TREE_OTHER:
		break;
	}
	transfer_problem(w->transfer, path, ERROR_NO_OFFSET, "it is neither a file nor a folder");
	return 0;
}

static int
walk_folder(struct walk *w, const char *folder, struct slice mailbox, unsigned depth, struct error *e)
{
	struct names n = { .names = NULL };
	bool maildir = takes_maildir(w) && is_maildir(&w->plan->tree, folder);
	int rc = 0;

	arena_init(&n.arena, PLAN_BUDGET);
	w->has_plain |= maildir && depth > 0;
	if (maildir)
		rc = add_source(w, SOURCE_MAILDIR, folder, mailbox.len > 0 ? mailbox : SLICE("INBOX"),
		    maildir_octets(w, folder), e);
	if (rc == 0)
		rc = names_read(&n, &w->plan->tree, folder, e);
	if (rc != 0 && rc != ERR_NOMEM && depth > 0) {
		transfer_problem(w->transfer, folder, ERROR_NO_OFFSET, e->text);
		n.count = 0;
		rc = 0;
	}
	for (size_t i = 0; i < n.count && rc == 0; i++)
		rc = take_entry(w, folder, n.names[i], maildir, mailbox, depth, e);
	arena_done(&n.arena);
	return rc;
}

/* ---- subscriptions ---- */

static int
read_whole(const struct tree_file *f, struct buf *out, struct error *e)
{
	ssize_t n = 1;

	while (n > 0) {
		uint8_t *room = buf_reserve(out, 4096);

		if (room == NULL)
			return error_set(e, out->err, "it is too long");
		n = tree_file_read(f, out->len, room, 4096, e);
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
	return (int)n;
}

static int
take_subscriptions(struct walk *w, struct error *e)
{
	BUF_OWNED struct buf text = { 0 }, mailbox = { 0 };
	struct maildir_subscriptions lines;
	struct tree_file f;
	struct plan *p = w->plan;
	struct slice folder;
	int rc = tree_file_open(&f, &p->tree, "subscriptions", e);

	if (rc != 0)
		return 0;
	buf_init(&text, MAILDIR_FILE_MAX);
	buf_init(&mailbox, NAME_ROOM);
	rc = read_whole(&f, &text, e);
	tree_file_done(&f);
	p->subscriptions = arena_array(&p->arena, PLAN_SUBSCRIPTIONS_MAX, sizeof *p->subscriptions);
	if (rc != 0 || p->subscriptions == NULL) {
		transfer_note(w->transfer, "subscriptions", "it cannot be read");
		return 0;
	}
	p->has_subscriptions = true;
	/* Dovecot writes the separator of the layout: '.' for Maildir++, where a '/' is an odd name's, '/' for plain folders. */
	maildir_subscriptions_init(&lines, buf_slice(&text), w->has_plain && !w->has_dotted ? '/' : '.');
	while (p->subscription_count < PLAN_SUBSCRIPTIONS_MAX && maildir_subscriptions_next(&lines, &folder)) {
		bool repaired;

		buf_clear(&mailbox);
		if (maildir_folder_parse(folder, lines.separator, &mailbox, &repaired, e) == 0)
			p->subscriptions[p->subscription_count++] = place_name(w, buf_slice(&mailbox));
	}
	return 0;
}

/* ---- the whole ---- */

static int
plan_file(struct walk *w, const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	BUF_OWNED struct buf mailbox = { 0 };
	struct plan *p = w->plan;
	struct tree_file f;
	bool yes = false;
	int rc = tree_file_open_at(&f, path, e);

	if (rc == 0)
		rc = looks_like_mbox(&f, &yes, e);
	tree_file_done(&f);
	if (rc == 0 && !yes)
		return error_set(e, ERR_SYNTAX,
		    "'%s' is no mbox: it does not begin with a line 'From ' with a sender and a date", path);
	if (rc == 0 && !takes_mbox(w))
		return error_set(e, ERR_SYNTAX, "'%s' is no Maildir, but a file", path);
	if (rc != 0)
		return rc;
	buf_init(&mailbox, NAME_ROOM);
	if (w->into.len == 0)
		name_below(w, SLICE_EMPTY, without_suffix(slice_str(name)), '/', path, &mailbox);
	p->file = arena_cstr(&p->arena, slice_str(path));
	rc = add_source(
	    w, SOURCE_MBOX, "", w->into.len > 0 || mailbox.len == 0 ? SLICE("INBOX") : buf_slice(&mailbox), f.size, e);
	if (rc == 0)
		p->sources[0].shown = p->file;
	return rc == 0 && p->file == NULL ? no_memory(p, e) : rc;
}

static int
plan_folder(struct walk *w, const char *path, struct error *e)
{
	int rc = tree_open(&w->plan->tree, path, e);

	if (rc == 0)
		rc = walk_folder(w, "", SLICE_EMPTY, 0, e);
	if (rc == 0 && w->plan->count == 0)
		rc = error_set(e, ERR_SYNTAX, "'%s' holds neither a Maildir (cur, new) nor an mbox file", path);
	return rc == 0 ? take_subscriptions(w, e) : rc;
}

int
plan_make(struct transfer *t, const char *path, enum transfer_format format, struct slice into, struct plan *out,
    struct error *e)
{
	struct walk w = { .transfer = t, .plan = out, .format = format, .into = into };
	struct tree_entry entry;
	int rc;

	*out = (struct plan){ .tree = { .fd = -1 } };
	arena_init(&out->arena, PLAN_BUDGET);
	out->sources = arena_array(&out->arena, PLAN_SOURCES_MAX, sizeof *out->sources);
	if (out->sources == NULL)
		return error_nomem(e);
	rc = tree_look_at(path, &entry, e);
	if (rc != 0)
		return rc;
	if (entry.kind == TREE_FILE)
		return plan_file(&w, path, e);
	if (entry.kind == TREE_FOLDER)
		return plan_folder(&w, path, e);
	return error_set(e, ERR_DENIED, "'%s' is neither a file nor a folder", path);
}

void
plan_done(struct plan *p)
{
	tree_done(&p->tree);
	arena_done(&p->arena);
}
