/* SPDX-License-Identifier: ISC */
/* What was promised: the marks. */
#include <stdarg.h>
#include <string.h>

#include "ledger_internal.h"
#include "power.h"

#define WORDS_MAX 8

struct line {
	char text[512];
	const char *word[WORDS_MAX];
	size_t count;
};

static void
line_split(struct line *w, const char *mark)
{
	char *at = w->text;

	(void)snprintf(w->text, sizeof w->text, "%s", mark);
	w->count = 0;
	while (at != NULL && w->count < WORDS_MAX) {
		w->word[w->count++] = at;
		at = strchr(at, ' ');
		if (at != NULL)
			*at++ = 0;
	}
	for (size_t i = w->count; i < WORDS_MAX; i++)
		w->word[i] = "";
}

static uint64_t
number(const struct line *w, size_t i)
{
	return strtoull(w->word[i], NULL, 10);
}

/* ---- finding ---- */

struct ledger *
ledger_new(void)
{
	struct ledger *l = power_alloc(sizeof *l);

	l->groups = power_grow(NULL, &l->group_room, sizeof *l->groups);
	l->groups[l->group_count++] = (struct group){ 0 };
	l->slot_count = 1 << 20;
	l->slots = power_alloc(l->slot_count * sizeof *l->slots);
	return l;
}

void
ledger_free(struct ledger *l)
{
	free(l->messages);
	free(l->groups);
	free(l->slots);
	free(l);
}

size_t
ledger_answers(const struct ledger *l)
{
	return l->answers;
}

static uint32_t *
slot_of(struct ledger *l, uint32_t box, uint64_t token)
{
	size_t at = (size_t)power_mix(token * 31 + box) & (l->slot_count - 1);

	while (l->slots[at] != 0) {
		const struct message *m = &l->messages[l->slots[at] - 1];

		if (m->box == box && m->token == token)
			break;
		at = (at + 1) & (l->slot_count - 1);
	}
	return &l->slots[at];
}

struct message *
ledger_message(struct ledger *l, uint32_t box, uint64_t token)
{
	uint32_t at = *slot_of(l, box, token);

	return at == 0 ? NULL : &l->messages[at - 1];
}

static uint32_t
box_of(const struct ledger *l, const char *word)
{
	char both[130];

	for (uint32_t i = 0; i < l->box_count; i++) {
		(void)snprintf(both, sizeof both, "%s:%s", l->boxes[i].address, l->boxes[i].name);
		if (strcmp(both, word) == 0)
			return i;
	}
	(void)fprintf(stderr, "a mark names the mailbox %s, which no mark made known\n", word);
	exit(3);
}

static struct message *
message_of(struct ledger *l, const struct line *w, size_t box_word)
{
	struct message *m = ledger_message(l, box_of(l, w->word[box_word]), number(w, box_word + 1));

	if (m != NULL)
		return m;
	(void)fprintf(stderr, "a mark names the message %s in %s, which no mark made known\n", w->word[box_word + 1],
	    w->word[box_word]);
	exit(3);
}

static size_t
group_of(struct ledger *l, uint64_t n)
{
	for (size_t i = l->group_count; i-- > 1;)
		if (l->groups[i].number == n)
			return i;
	if (l->group_count == l->group_room)
		l->groups = power_grow(l->groups, &l->group_room, sizeof *l->groups);
	l->groups[l->group_count] = (struct group){ .number = n };
	return l->group_count++;
}

static struct account *
account_of(struct ledger *l, const char *address)
{
	for (size_t i = 0; i < l->account_count; i++)
		if (strcmp(l->accounts[i].address, address) == 0)
			return &l->accounts[i];
	if (l->account_count == ACCOUNTS_MAX)
		abort();
	(void)snprintf(l->accounts[l->account_count].address, sizeof l->accounts[0].address, "%s", address);
	return &l->accounts[l->account_count++];
}

static struct name_row *
name_of(struct account *a, const char *name)
{
	for (size_t i = 0; i < a->name_count; i++)
		if (strcmp(a->names[i].name, name) == 0)
			return &a->names[i];
	if (a->name_count == NAMES_MAX)
		abort();
	(void)snprintf(a->names[a->name_count].name, sizeof a->names[0].name, "%s", name);
	return &a->names[a->name_count++];
}

static void
box_grew(struct box *b, uint32_t uid, uint64_t modseq)
{
	if (uid > b->uid_max)
		b->uid_max = uid;
	if (modseq > b->modseq_max)
		b->modseq_max = modseq;
}

/* ---- messages ---- */

static bool
take_box(struct ledger *l, const struct line *w)
{
	const char *colon = strchr(w->word[1], ':');
	struct box *b = &l->boxes[l->box_count];

	if (colon == NULL || l->box_count == BOXES_MAX)
		abort();
	for (size_t i = 0; i < l->box_count; i++) {
		const struct box *o = &l->boxes[i];

		if (strcmp(o->name, colon + 1) == 0 && strncmp(o->address, w->word[1], strlen(o->address)) == 0)
			return o->uidvalidity == number(w, 2);
	}
	(void)snprintf(b->address, sizeof b->address, "%.*s", (int)(colon - w->word[1]), w->word[1]);
	(void)snprintf(b->name, sizeof b->name, "%s", colon + 1);
	b->uidvalidity = (uint32_t)number(w, 2);
	l->box_count++;
	return true;
}

static bool
take_try(struct ledger *l, const struct line *w)
{
	uint32_t box = box_of(l, w->word[2]), *slot = slot_of(l, box, number(w, 3));

	if (*slot != 0) {
		(void)fprintf(stderr, "a token comes twice into one mailbox: %s into %s\n", w->word[3], w->word[2]);
		exit(3);
	}
	if (l->message_count == l->message_room)
		l->messages = power_grow(l->messages, &l->message_room, sizeof *l->messages);
	l->messages[l->message_count++] = (struct message){ .token = number(w, 3),
		.box = box,
		.flags = (uint32_t)number(w, 4),
		.there = TRIED,
		.group = group_of(l, number(w, 1)) };
	*slot = (uint32_t)l->message_count;
	return true;
}

static bool
take_from(struct ledger *l, const struct line *w)
{
	message_of(l, w, 2)->leaves = group_of(l, number(w, 1));
	return true;
}

static bool
take_got(struct ledger *l, const struct line *w)
{
	struct message *m = message_of(l, w, 1);

	m->there = THERE;
	m->uid = (uint32_t)number(w, 3);
	m->modseq = number(w, 4);
	m->group = 0;
	box_grew(&l->boxes[m->box], m->uid, m->modseq);
	return true;
}

static void
end_group(struct ledger *l, uint64_t n, bool done)
{
	size_t g = group_of(l, n);

	for (size_t i = l->message_count; i-- > 0;) {
		struct message *m = &l->messages[i];

		if (m->group == g) {
			m->there = done ? THERE : GONE;
			m->group = 0;
		}
		if (m->leaves == g) {
			m->there = done ? GONE : m->there;
			m->leaves = 0;
		}
	}
}

static bool
take_done(struct ledger *l, const struct line *w)
{
	end_group(l, number(w, 1), true);
	l->answers++;
	return true;
}

static bool
take_fail(struct ledger *l, const struct line *w)
{
	end_group(l, number(w, 1), false);
	return true;
}

static bool
take_flag(struct ledger *l, const struct line *w)
{
	struct message *m = message_of(l, w, 1);

	m->flags_open = true;
	m->flags_begun = (uint32_t)number(w, 3);
	return true;
}

static bool
take_flagged(struct ledger *l, const struct line *w)
{
	struct message *m = message_of(l, w, 1);

	m->flags_open = false;
	m->flags = (uint32_t)number(w, 3);
	m->modseq = number(w, 4);
	box_grew(&l->boxes[m->box], 0, m->modseq);
	l->answers++;
	return true;
}

static bool
take_expunge(struct ledger *l, const struct line *w)
{
	message_of(l, w, 1)->expunge_open = true;
	return true;
}

static bool
take_expunged(struct ledger *l, const struct line *w)
{
	struct message *m = message_of(l, w, 1);

	m->expunge_open = false;
	m->there = GONE;
	box_grew(&l->boxes[m->box], 0, number(w, 3));
	l->answers++;
	return true;
}

/* ---- names, keys ---- */

static void
name_made(struct name_row *n, uint32_t uidvalidity)
{
	n->there = true;
	n->open = false;
	n->uidvalidity = uidvalidity;
	if (n->used_count < sizeof n->used / sizeof n->used[0] && uidvalidity != 0)
		n->used[n->used_count++] = uidvalidity;
}

static bool
take_make(struct ledger *l, const struct line *w)
{
	struct name_row *n = name_of(account_of(l, w->word[1]), w->word[2]);

	n->open = true;
	n->uidvalidity = n->there ? n->uidvalidity : 0;
	return true;
}

static bool
take_made(struct ledger *l, const struct line *w)
{
	struct name_row *n = name_of(account_of(l, w->word[1]), w->word[2]);
	uint32_t uidvalidity = (uint32_t)number(w, 3);

	for (size_t i = 0; i < n->used_count; i++)
		if (n->used[i] == uidvalidity)
			return false;
	name_made(n, uidvalidity);
	l->answers++;
	return true;
}

static bool
take_drop(struct ledger *l, const struct line *w)
{
	name_of(account_of(l, w->word[1]), w->word[2])->open = true;
	return true;
}

static bool
take_dropped(struct ledger *l, const struct line *w)
{
	struct name_row *n = name_of(account_of(l, w->word[1]), w->word[2]);

	n->there = n->open = false;
	l->answers++;
	return true;
}

static bool
take_ren(struct ledger *l, const struct line *w)
{
	struct account *a = account_of(l, w->word[1]);

	(void)snprintf(a->ren_from, sizeof a->ren_from, "%s", w->word[2]);
	(void)snprintf(a->ren_to, sizeof a->ren_to, "%s", w->word[3]);
	return true;
}

static bool
take_renamed(struct ledger *l, const struct line *w)
{
	struct account *a = account_of(l, w->word[1]);
	struct name_row *from = name_of(a, w->word[2]), *to = name_of(a, w->word[3]);

	from = name_of(a, w->word[2]);
	from->there = false;
	to->there = true;
	to->uidvalidity = 0; /* either is permitted; a new one must not be an old one of this name */
	a->ren_from[0] = a->ren_to[0] = 0;
	l->answers++;
	return true;
}

static struct key_row *
key_of(struct ledger *l, const char *key)
{
	for (size_t i = 0; i < l->key_count; i++)
		if (strcmp(l->keys[i].key, key) == 0)
			return &l->keys[i];
	if (l->key_count == KEYS_MAX)
		abort();
	(void)snprintf(l->keys[l->key_count].key, sizeof l->keys[0].key, "%s", key);
	return &l->keys[l->key_count++];
}

static bool
take_key(struct ledger *l, const struct line *w)
{
	struct key_row *k = key_of(l, w->word[1]);

	(void)snprintf(k->begun, sizeof k->begun, "%s", w->word[2]);
	k->open = true;
	return true;
}

static bool
take_keyed(struct ledger *l, const struct line *w)
{
	struct key_row *k = key_of(l, w->word[1]);

	(void)snprintf(k->value, sizeof k->value, "%s", w->word[2]);
	k->open = false;
	l->answers++;
	return true;
}

/* ---- a process that was killed, and what a client sees in the next ---- */

static bool
take_has(struct ledger *l, const struct line *w)
{
	struct key_row *k = key_of(l, w->word[1]);
	const char *value = strcmp(w->word[2], "-") == 0 ? "" : w->word[2];

	if (strcmp(k->value, value) != 0 && !(k->open && strcmp(k->begun, value) == 0))
		return false;
	(void)snprintf(k->value, sizeof k->value, "%s", value);
	k->open = false;
	return true;
}

static bool
take_restart(struct ledger *l, const struct line *w)
{
	(void)w;
	for (size_t i = 0; i < l->message_count; i++)
		l->messages[i].seen = false;
	return true;
}

static bool
take_seen(struct ledger *l, const struct line *w)
{
	struct message *m = message_of(l, w, 1);
	uint32_t flags = (uint32_t)number(w, 3), uid = (uint32_t)number(w, 4);

	if (m->there == GONE || (m->uid != 0 && uid != 0 && m->uid != uid))
		return false;
	if (m->flags != flags && !(m->flags_open && m->flags_begun == flags))
		return false;
	m->there = THERE;
	m->flags = flags;
	m->uid = uid;
	m->modseq = number(w, 5);
	m->flags_open = m->expunge_open = false;
	m->seen = true;
	return true;
}

static bool
take_looked(struct ledger *l, const struct line *w)
{
	uint32_t box = box_of(l, w->word[1]);
	struct box *b = &l->boxes[box];

	for (size_t i = 0; i < l->message_count; i++) {
		struct message *m = &l->messages[i];

		if (m->box != box || m->there == GONE)
			continue;
		if (!m->seen && m->there == THERE && !m->expunge_open && m->leaves == 0)
			return false;
		m->there = m->seen ? THERE : GONE;
		m->group = m->leaves = 0;
		m->expunge_open = m->flags_open = false;
	}
	box_grew(b, number(w, 2) == 0 ? 0 : (uint32_t)number(w, 2) - 1, number(w, 3));
	return true;
}

static bool
take_names(struct ledger *l, const struct line *w)
{
	struct account *a = account_of(l, w->word[1]);

	for (size_t i = 0; i < a->name_count; i++)
		a->names[i].seen = false;
	return true;
}

static bool
take_name(struct ledger *l, const struct line *w)
{
	struct account *a = account_of(l, w->word[1]);
	struct name_row *n = name_of(a, w->word[2]);
	uint32_t uidvalidity = (uint32_t)number(w, 3);

	if (n->there && n->uidvalidity != 0 && n->uidvalidity != uidvalidity && !n->open)
		return false;
	n->seen = true;
	if (!n->there || n->uidvalidity != uidvalidity)
		name_made(n, uidvalidity);
	return true;
}

static bool
take_named(struct ledger *l, const struct line *w)
{
	struct account *a = account_of(l, w->word[1]);

	for (size_t i = 0; i < a->name_count; i++) {
		struct name_row *n = &a->names[i];
		bool may_go = n->open || (a->ren_from[0] != 0 && strcmp(a->ren_from, n->name) == 0);

		if (n->there && !n->seen && !may_go)
			return false;
		n->there = n->seen;
		n->open = false;
	}
	a->ren_from[0] = a->ren_to[0] = 0;
	return true;
}

static const struct {
	const char *word;
	size_t words;
	bool (*take)(struct ledger *l, const struct line *w);
} marks[] = {
	{ "box", 3, take_box },
	{ "try", 5, take_try },
	{ "from", 4, take_from },
	{ "got", 5, take_got },
	{ "done", 2, take_done },
	{ "fail", 2, take_fail },
	{ "flag", 4, take_flag },
	{ "flagged", 5, take_flagged },
	{ "expunge", 3, take_expunge },
	{ "expunged", 4, take_expunged },
	{ "make", 3, take_make },
	{ "made", 4, take_made },
	{ "drop", 3, take_drop },
	{ "dropped", 3, take_dropped },
	{ "ren", 4, take_ren },
	{ "renamed", 4, take_renamed },
	{ "key", 3, take_key },
	{ "keyed", 3, take_keyed },
	{ "has", 3, take_has },
	{ "restart", 1, take_restart },
	{ "seen", 6, take_seen },
	{ "looked", 4, take_looked },
	{ "names", 2, take_names },
	{ "name", 4, take_name },
	{ "named", 2, take_named },
};

bool
ledger_take(struct ledger *l, const char *mark, char *why, size_t why_size)
{
	struct line w;

	line_split(&w, mark);
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (strcmp(marks[i].word, w.word[0]) != 0)
			continue;
		if (w.count != marks[i].words)
			break;
		if (marks[i].take(l, &w))
			return true;
		(void)snprintf(why, why_size, "a client saw what cannot be: %s", mark);
		return false;
	}
	(void)fprintf(stderr, "a mark that is not known: %s\n", mark);
	exit(3);
}
