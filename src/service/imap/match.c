/* SPDX-License-Identifier: ISC */
#include "service/imap/match.h"

#include "base/charset.h"
#include "base/date.h"
#include "base/utf8.h"
#include "mime/decode.h"
#include "mime/word.h"

#define NEEDLE_MAX (256u << 10)

/* A prepared key. */
struct node {
	enum imap_key key;
	unsigned cost;       /* 0: the row decides; 1: the header; 2: the whole message */
	struct slice needle; /* folded */
	struct slice name;
	uint64_t number;
	int64_t date;
	struct imap_set uids;
	struct node *child;
	struct node *next;
};

struct imap_match {
	struct node *root;
	struct imap_set candidates;
};

/* A message as far as it was read. */
struct message {
	struct imap_task *task;
	const struct store_message *row;
	struct buf header;
	bool header_read;
	struct mime_header fields;
	struct buf text; /* a decoded and folded text */
	/* All that BODY looks at, decoded and folded once for all keys; a NUL, which no key has, behind each text. */
	struct buf body;
	bool body_read;
	uint64_t *octets;
};

/* ---- preparing ---- */

static int
fold_needle(struct imap_task *t, struct slice text, struct slice charset, struct slice *out, struct error *e)
{
	struct buf utf8;
	struct buf folded;
	int rc;

	buf_init(&utf8, NEEDLE_MAX);
	buf_init(&folded, NEEDLE_MAX);
	if (charset.len == 0 || slice_ieq_str(charset, "US-ASCII") || slice_ieq_str(charset, "UTF-8"))
		rc = buf_put_slice(&utf8, text);
	else
		rc = charset_to_utf8(charset, text, &utf8, e);
	if (rc == 0)
		rc = utf8_fold(&folded, buf_slice(&utf8));
	if (rc == 0)
		*out = arena_copy(&t->arena, buf_slice(&folded));
	if (rc == 0 && t->arena.err != 0)
		rc = error_set(e, t->arena.err, "no room for search keys");
	buf_done(&utf8);
	buf_done(&folded);
	return rc;
}

static unsigned
own_cost(const struct imap_search *s)
{
	switch (s->key) {
	case IMAP_KEY_HEADER:
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
		return 1;
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
		return 2;
	case IMAP_KEY_ALL:
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
	case IMAP_KEY_NOT:
	case IMAP_KEY_SEQUENCE:
	case IMAP_KEY_UID:
	case IMAP_KEY_FLAG:
	case IMAP_KEY_KEYWORD:
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
	case IMAP_KEY_LARGER:
	case IMAP_KEY_SMALLER:
		break;
	}
	return 0;
}

/* Hangs a child behind those that cost no more. */
static void
insert(struct node *parent, struct node *child)
{
	struct node **at = &parent->child;

	while (*at != NULL && (*at)->cost <= child->cost)
		at = &(*at)->next;
	child->next = *at;
	*at = child;
	if (child->cost > parent->cost)
		parent->cost = child->cost;
}

static int
resolve(struct imap_task *t, const struct imap_search *s, struct node *n, struct error *e)
{
	const struct imap_view *v = &t->selected->view;
	bool by_uid = s->key == IMAP_KEY_UID;
	struct imap_set set = { .ranges = arena_array(&t->arena, s->set.count, sizeof(struct imap_range)),
		.count = s->set.count };
	uint32_t star = by_uid ? imap_view_last(v) : v->messages;

	if (set.ranges == NULL)
		return error_set(e, t->arena.err, "no room for search keys");
	for (size_t i = 0; i < set.count; i++)
		set.ranges[i] = s->set.ranges[i];
	imap_set_resolve(&set, star == 0 ? UINT32_MAX : star);
	return imap_view_select(v, &set, by_uid, &t->arena, &n->uids, e);
}

/* The depth was bounded when the keys were parsed. */
static int
prepare(struct imap_task *t, const struct imap_search *s, struct slice charset, struct node **out, struct error *e)
{
	struct node *n = arena_alloc(&t->arena, sizeof *n);
	int rc = 0;

	if (n == NULL)
		return error_set(e, t->arena.err, "no room for search keys");
	*n = (struct node){ .key = s->key, .cost = own_cost(s), .name = s->name, .number = s->number, .date = s->date };
	if (s->key == IMAP_KEY_SEQUENCE || s->key == IMAP_KEY_UID)
		rc = resolve(t, s, n, e);
	else if (s->key == IMAP_KEY_KEYWORD)
		n->needle = s->text;
	else
		rc = fold_needle(t, s->text, charset, &n->needle, e);
	for (const struct imap_search *c = s->child; rc == 0 && c != NULL; c = c->next) {
		struct node *child = NULL;

		rc = prepare(t, c, charset, &child, e);
		if (rc == 0)
			insert(n, child);
	}
	*out = n;
	return rc;
}

int
imap_match_new(
    struct imap_task *t, const struct imap_search *keys, struct slice charset, struct imap_match **out, struct error *e)
{
	struct imap_match *m = arena_alloc(&t->arena, sizeof *m);
	struct imap_range *all = arena_array(&t->arena, 1, sizeof *all);
	int rc;

	if (m == NULL || all == NULL)
		return error_set(e, t->arena.err, "no room for search keys");
	if (charset.len > 0 && !slice_ieq_str(charset, "US-ASCII") && !slice_ieq_str(charset, "UTF-8") &&
	    !charset_known(charset))
		return error_set(e, ERR_UNSUPPORTED, "an unknown charset");
	rc = prepare(t, keys, charset, &m->root, e);
	if (rc != 0)
		return rc;
	*all = (struct imap_range){ 1, UINT32_MAX };
	m->candidates = (struct imap_set){ .ranges = all, .count = 1 };
	for (const struct node *n = m->root->child; n != NULL; n = n->next)
		if (n->key == IMAP_KEY_UID || n->key == IMAP_KEY_SEQUENCE)
			m->candidates = n->uids;
	*out = m;
	return 0;
}

struct imap_set
imap_match_candidates(const struct imap_match *m)
{
	return m->candidates;
}

/* ---- the header ---- */

static bool
header_read(struct message *m)
{
	uint64_t len = m->row->header_size < IMAP_HEADER_MAX ? m->row->header_size : IMAP_HEADER_MAX;

	if (m->header_read)
		return m->header.err == 0;
	m->header_read = true;
	*m->octets += len;
	if (!imap_task_read(m->task, m->row->body, 0, len, &m->header) ||
	    mime_header_parse(buf_slice(&m->header), &m->task->message, &m->fields, NULL) != 0) {
		m->header.err = ERR_IO;
		m->fields.count = 0;
	}
	return m->header.err == 0;
}

/* Whether the decoded text contains the needle. */
static bool
contains(struct message *m, struct slice utf8, struct slice needle)
{
	buf_clear(&m->text);
	(void)utf8_fold(&m->text, utf8);
	return slice_search(buf_slice(&m->text), needle) != SIZE_MAX;
}

static bool
value_contains(struct message *m, struct slice value, struct slice needle)
{
	struct buf decoded;
	bool hit;

	buf_init(&decoded, IMAP_HEADER_MAX * 3);
	(void)mime_text_decode(value, &decoded);
	hit = contains(m, buf_slice(&decoded), needle);
	buf_done(&decoded);
	return hit;
}

static bool
match_header(struct message *m, const struct node *n)
{
	if (!header_read(m))
		return false;
	for (size_t i = 0; i < m->fields.count; i++) {
		const struct mime_field *f = &m->fields.fields[i];

		/* An empty string matches every message that has the field. */
		if (slice_ieq(f->name, n->name) && (n->needle.len == 0 || value_contains(m, f->value, n->needle)))
			return true;
	}
	return false;
}

/* The day that the Date field names, whatever its zone (RFC 3501 6.4.4: "disregarding time and timezone"). */
static bool
match_sent(struct message *m, const struct node *n)
{
	int64_t t = 0;
	int64_t day;
	int16_t zone = 0;

	if (!header_read(m) || date_parse_mail(mime_header_value(&m->fields, "Date"), &t, &zone, NULL) != 0)
		return false;
	t += (int64_t)zone * 60;
	day = t - ((t % DATE_DAY) + DATE_DAY) % DATE_DAY;
	return n->key == IMAP_KEY_SENTBEFORE ? day < n->date
	    : n->key == IMAP_KEY_SENTON      ? day == n->date
					     : day >= n->date;
}

/* ---- the body ---- */

static void
put_text(struct message *m, struct slice utf8)
{
	(void)utf8_fold(&m->body, utf8);
	(void)buf_put_u8(&m->body, 0);
}

static void
put_part(struct message *m, struct slice whole, const struct mime_part *p)
{
	bool in_message = p->parent != NULL && p->parent->kind == MIME_MESSAGE;
	struct buf text;

	buf_init(&text, IMAP_SEARCH_MAX * 2);
	/* The header of a message inside the message is part of the body. */
	for (size_t i = 0; in_message && i < p->fields.count; i++) {
		(void)mime_text_decode(p->fields.fields[i].value, &text);
		put_text(m, buf_slice(&text));
		put_text(m, p->fields.fields[i].whole);
		buf_clear(&text);
	}
	if (p->kind == MIME_LEAF && mime_part_is(p, "text/")) {
		(void)mime_part_text(whole, p, &text);
		put_text(m, buf_slice(&text));
	}
	buf_done(&text);
}

static void
body_read(struct message *m)
{
	uint64_t len = m->row->size < IMAP_SEARCH_MAX ? m->row->size : IMAP_SEARCH_MAX;
	struct mime_part *root = NULL;
	struct arena a;
	struct buf whole;

	m->body_read = true;
	buf_init(&whole, IMAP_SEARCH_MAX);
	arena_init(&a, MIME_ARENA_MAX);
	*m->octets += len;
	if (imap_task_read(m->task, m->row->body, 0, len, &whole) &&
	    mime_parse(buf_slice(&whole), &a, &root, NULL) == 0)
		for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p))
			put_part(m, buf_slice(&whole), p);
	arena_done(&a);
	buf_done(&whole);
}

static bool
match_body(struct message *m, const struct node *n)
{
	if (imap_task_gone(m->task))
		return false; /* nobody waits for the answer, and there may be many keys */
	if (!m->body_read)
		body_read(m);
	return slice_search(buf_slice(&m->body), n->needle) != SIZE_MAX;
}

/* ---- keys ---- */

static bool
fields_contain(struct message *m, const struct mime_header *h, struct slice needle)
{
	for (size_t i = 0; i < h->count; i++) {
		if (value_contains(m, h->fields[i].value, needle) || value_contains(m, h->fields[i].whole, needle))
			return true;
	}
	return false;
}

static bool
match_flag(const struct message *m, const struct node *n)
{
	if (n->number == IMAP_RECENT)
		return imap_view_seq(&m->task->selected->recent, m->row->uid) != 0;
	return (m->row->flags & n->number) != 0;
}

static bool
match_keyword(const struct message *m, const struct node *n)
{
	const struct imap_selected *sel = m->task->selected;

	for (size_t i = 0; i < sel->keyword_count; i++)
		if (slice_ieq(sel->keywords[i], n->needle))
			return (m->row->keywords >> i & 1) != 0;
	return false;
}

static bool
match_arrived(const struct message *m, const struct node *n)
{
	int64_t day = (int64_t)(m->row->internal_date / DATE_DAY * DATE_DAY);

	return n->key == IMAP_KEY_BEFORE ? day < n->date : n->key == IMAP_KEY_ON ? day == n->date : day >= n->date;
}

static bool
match_text(struct message *m, const struct node *n)
{
	return (header_read(m) && fields_contain(m, &m->fields, n->needle)) || match_body(m, n);
}

static bool
match(struct message *m, const struct node *n)
{
	const struct node *c;

	switch (n->key) {
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_AND:
		for (c = n->child; c != NULL && match(m, c); c = c->next)
			;
		return c == NULL;
	case IMAP_KEY_OR:
		for (c = n->child; c != NULL && !match(m, c); c = c->next)
			;
		return c != NULL;
	case IMAP_KEY_NOT:
		return !match(m, n->child);
	case IMAP_KEY_SEQUENCE:
	case IMAP_KEY_UID:
		return imap_set_has(&n->uids, m->row->uid);
	case IMAP_KEY_FLAG:
		return match_flag(m, n);
	case IMAP_KEY_KEYWORD:
		return match_keyword(m, n);
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
		return match_arrived(m, n);
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
		return match_sent(m, n);
	case IMAP_KEY_LARGER:
		return m->row->size > n->number;
	case IMAP_KEY_SMALLER:
		return m->row->size < n->number;
	case IMAP_KEY_HEADER:
		return match_header(m, n);
	case IMAP_KEY_BODY:
		return match_body(m, n);
	case IMAP_KEY_TEXT:
		return match_text(m, n);
	}
	return false;
}

bool
imap_match_row(struct imap_task *t, const struct imap_match *m, const struct store_message *row, uint64_t *octets_out)
{
	struct message msg = { .task = t, .row = row, .octets = octets_out };
	bool hit;

	buf_init(&msg.header, IMAP_HEADER_MAX);
	buf_init(&msg.text, IMAP_SEARCH_MAX * 3);
	buf_init(&msg.body, (size_t)IMAP_SEARCH_MAX * 4);
	hit = match(&msg, m->root);
	buf_done(&msg.header);
	buf_done(&msg.text);
	buf_done(&msg.body);
	arena_done(&t->message);
	arena_init(&t->message, IMAP_TASK_ARENA);
	return hit;
}
