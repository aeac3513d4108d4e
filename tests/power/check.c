/* SPDX-License-Identifier: ISC */
/* Whether what was promised is kept: ledger_check(). */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "ledger_internal.h"
#include "power.h"
#include "store/store.h"

#define UIDS_MAX 65536u

struct check {
	struct ledger *l;
	struct port *port;
	struct arena arena;
	char *why;
	size_t why_size;
	struct error error;
};

static bool say(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool
say(struct check *c, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	(void)vsnprintf(c->why, c->why_size, fmt, list);
	va_end(list);
	return false;
}

static bool
say_failed(struct check *c, const char *what)
{
	return say(c, "%s: %s", what, c->error.text);
}

/* ---- the mailboxes that stay ---- */

static bool
find_box(struct check *c, struct box *b, struct store_mailbox *out)
{
	struct store_account_get who = { .address = slice_str(b->address) };
	struct store_mailbox_get in = { .name = slice_str(b->name) };
	struct store_mailbox_state state;
	struct store_account account;

	if (store_account_get(c->port, &who, &c->arena, &account, &c->error) != 0)
		return say_failed(c, b->address);
	in.account = b->account = account.account;
	if (store_mailbox_get(c->port, &in, &c->arena, &state, &c->error) != 0)
		return say_failed(c, b->name);
	*out = state.mailbox;
	b->mailbox = out->mailbox;
	if (out->uidvalidity != b->uidvalidity)
		return say(
		    c, "%s:%s had UIDVALIDITY %u and has %u", b->address, b->name, b->uidvalidity, out->uidvalidity);
	return true;
}

static bool
read_message(struct check *c, const struct store_message *row, uint64_t *token_out)
{
	uint8_t *whole = power_alloc(row->size);
	bool good = true;

	for (uint64_t at = 0; at < row->size && good; at += STORE_PIECE_MAX) {
		struct store_body_read in = { row->body, at, STORE_PIECE_MAX };
		struct store_body_data out;
		struct arena a ARENA_OWNED = { 0 };

		arena_init(&a, (size_t)16 << 20);
		good = store_body_read(c->port, &in, &a, &out, &c->error) == 0 && out.length == row->size;
		if (good)
			memcpy(whole + at, out.data.data, out.data.len);
	}
	if (!good)
		(void)say(c, "UID %u cannot be read: %s", row->uid, c->error.text);
	else if (!message_read(whole, row->size, token_out))
		good = say(c, "UID %u is not whole", row->uid);
	free(whole);
	return good;
}

static bool
check_known(struct check *c, const struct box *b, const struct message *m, const struct store_message *row)
{
	bool flags_certain = !m->flags_open;

	if (m->uid != 0 && m->uid != row->uid)
		return say(c, "%s:%s: token %" PRIu64 " had UID %u and has %u", b->address, b->name, m->token, m->uid,
		    row->uid);
	if (row->flags != m->flags && (flags_certain || row->flags != m->flags_begun))
		return say(
		    c, "%s:%s: UID %u has flags %u, not %u", b->address, b->name, row->uid, row->flags, m->flags);
	if (m->modseq != 0 && (row->modseq < m->modseq || (flags_certain && row->modseq != m->modseq)))
		return say(c, "%s:%s: UID %u had MODSEQ %" PRIu64 " and has %" PRIu64, b->address, b->name, row->uid,
		    m->modseq, row->modseq);
	return true;
}

static bool
check_row(struct check *c, uint32_t box, const struct store_message *row, const uint64_t *uids)
{
	const struct box *b = &c->l->boxes[box];
	struct message *m;
	uint64_t token;

	if (!read_message(c, row, &token))
		return false;
	m = ledger_message(c->l, box, token);
	if (m == NULL)
		return say(c, "%s:%s: token %" PRIu64 " was never sent there", b->address, b->name, token);
	if (m->seen)
		return say(c, "%s:%s: token %" PRIu64 " is there twice", b->address, b->name, token);
	m->seen = true;
	if (m->there == GONE)
		return say(
		    c, "%s:%s: UID %u, token %" PRIu64 " was gone and is back", b->address, b->name, row->uid, token);
	if (row->uid < UIDS_MAX && uids[row->uid] != 0 && uids[row->uid] != token)
		return say(c, "%s:%s: UID %u was that of another message", b->address, b->name, row->uid);
	return check_known(c, b, m, row);
}

static bool
check_counts(struct check *c, const struct box *b, const struct store_mailbox *m, const struct store_message_rows *rows)
{
	uint64_t size = 0, unseen = 0, deleted = 0;

	for (size_t i = 0; i < rows->row_count; i++) {
		size += rows->rows[i].size;
		unseen += (rows->rows[i].flags & STORE_SEEN) == 0;
		deleted += (rows->rows[i].flags & STORE_DELETED) != 0;
	}
	if (m->messages != rows->row_count || m->size != size || m->unseen != unseen || m->deleted != deleted)
		return say(c, "%s:%s: its counts are not those of its messages", b->address, b->name);
	if (m->uidnext <= b->uid_max || m->highest_modseq < b->modseq_max)
		return say(c, "%s:%s: UIDNEXT %u after UID %u, MODSEQ %" PRIu64 " after %" PRIu64, b->address, b->name,
		    m->uidnext, b->uid_max, m->highest_modseq, b->modseq_max);
	return true;
}

static bool
is_expunged(const struct store_changed *out, uint32_t uid)
{
	for (size_t i = 0; i < out->expunged_count; i++)
		if (out->expunged[i] == uid)
			return true;
	return false;
}

/* What was answered as gone is told to a client that comes back. */
static bool
check_tombs(struct check *c, uint32_t box)
{
	const struct box *b = &c->l->boxes[box];
	struct store_changes in = { .account = b->account, .mailbox = b->mailbox, .since = 1 };
	struct store_changed out;

	if (store_changes(c->port, &in, &c->arena, &out, &c->error) != 0)
		return say_failed(c, "changes");
	for (size_t i = 0; i < c->l->message_count && !out.more; i++) {
		const struct message *m = &c->l->messages[i];

		if (m->box == box && m->there == GONE && m->uid != 0 && !is_expunged(&out, m->uid))
			return say(c, "%s:%s: UID %u was expunged and is not told", b->address, b->name, m->uid);
	}
	return true;
}

/* Every message that must be there was; those of open operations are counted. */
static bool
check_missing(struct check *c, uint32_t box)
{
	struct ledger *l = c->l;
	const struct box *b = &l->boxes[box];

	for (size_t i = 0; i < l->message_count; i++) {
		struct message *m = &l->messages[i];

		if (m->box != box)
			continue;
		if (m->there == THERE && !m->seen && !m->expunge_open && m->leaves == 0)
			return say(c, "%s:%s: UID %u, token %" PRIu64 " was answered and is lost", b->address, b->name,
			    m->uid, m->token);
		if (m->there == TRIED && m->group != 0) {
			l->groups[m->group].wanted++;
			l->groups[m->group].present += m->seen;
		}
		if (m->leaves != 0 && !m->expunge_open) {
			l->groups[m->leaves].leaving++;
			l->groups[m->leaves].left += !m->seen;
		}
	}
	return true;
}

static bool
check_box(struct check *c, uint32_t box)
{
	struct box *b = &c->l->boxes[box];
	uint64_t *uids = power_alloc(UIDS_MAX * sizeof *uids);
	struct store_message_list in = { 0 };
	struct store_message_rows rows = { 0 };
	struct store_mailbox mailbox = { 0 };
	bool good = find_box(c, b, &mailbox);

	for (size_t i = 0; i < c->l->message_count; i++) {
		const struct message *m = &c->l->messages[i];

		if (m->box == box && m->uid != 0 && m->uid < UIDS_MAX)
			uids[m->uid] = m->token;
	}
	in = (struct store_message_list){ .account = b->account, .mailbox = b->mailbox };
	if (good && store_message_list(c->port, &in, &c->arena, &rows, &c->error) != 0)
		good = say_failed(c, "the list of messages");
	for (size_t i = 0; i < rows.row_count && good; i++)
		good = check_row(c, box, &rows.rows[i], uids);
	free(uids);
	return good && check_missing(c, box) && check_counts(c, b, &mailbox, &rows) && check_tombs(c, box);
}

/* All of an operation that was not answered, or nothing. */
static bool
check_groups(struct check *c)
{
	for (size_t i = 1; i < c->l->group_count; i++) {
		const struct group *g = &c->l->groups[i];
		bool some = g->present > 0 || (g->wanted == 0 && g->left > 0);

		if (g->present != (some ? g->wanted : 0) || (g->leaving > 0 && g->left != (some ? g->leaving : 0)))
			return say(c,
			    "operation %" PRIu64 ", not answered, was done by half: %u of %u there, %u of %u gone",
			    g->number, g->present, g->wanted, g->left, g->leaving);
	}
	return true;
}

/* ---- names and keys ---- */

static bool
check_name(struct check *c, const struct account *a, struct name_row *n, const struct store_mailbox_rows *rows)
{
	bool moving = strcmp(a->ren_from, n->name) == 0 || strcmp(a->ren_to, n->name) == 0, there = false;
	uint32_t uidvalidity = 0;

	for (size_t i = 0; i < rows->row_count && !there; i++) {
		there = rows->rows[i].selectable && slice_eq(rows->rows[i].name, slice_str(n->name));
		uidvalidity = rows->rows[i].uidvalidity;
	}
	if (there != n->there && !n->open && !moving)
		return say(c, "%s: the mailbox %s %s", a->address, n->name, there ? "is back" : "is lost");
	if (there && n->there && n->uidvalidity != 0 && n->uidvalidity != uidvalidity && !moving)
		return say(c, "%s: the mailbox %s had UIDVALIDITY %u and has %u", a->address, n->name, n->uidvalidity,
		    uidvalidity);
	return true;
}

static bool
check_names(struct check *c)
{
	for (size_t i = 0; i < c->l->account_count; i++) {
		struct account *a = &c->l->accounts[i];
		struct store_account_get who = { .address = slice_str(a->address) };
		struct store_mailbox_list in = { 0 };
		struct store_mailbox_rows rows;
		struct store_account account;

		if (store_account_get(c->port, &who, &c->arena, &account, &c->error) != 0)
			return say_failed(c, a->address);
		in.account = account.account;
		if (store_mailbox_list(c->port, &in, &c->arena, &rows, &c->error) != 0)
			return say_failed(c, "the list of mailboxes");
		for (size_t k = 0; k < a->name_count; k++)
			if (!check_name(c, a, &a->names[k], &rows))
				return false;
	}
	return true;
}

static bool
check_keys(struct check *c)
{
	for (size_t i = 0; i < c->l->key_count; i++) {
		const struct key_row *k = &c->l->keys[i];
		struct store_meta_value out;

		if (store_meta_get(
			c->port, &(struct store_meta_key){ slice_str(k->key) }, &c->arena, &out, &c->error) != 0)
			return say_failed(c, k->key);
		if (!slice_eq(out.value, slice_str(k->value)) && !(k->open && slice_eq(out.value, slice_str(k->begun))))
			return say(c, "the key %s is not %s", k->key, k->value);
	}
	return true;
}

static bool
check_bodies(struct check *c)
{
	struct store_nothing none = { 0 };
	struct store_info info;

	if (store_info(c->port, &none, &c->arena, &info, &c->error) != 0)
		return say_failed(c, "info");
	return info.bodies <= info.messages ||
	    say(c, "%" PRIu64 " bodies for %" PRIu64 " messages", info.bodies, info.messages);
}

/* ---- and it goes on ---- */

/* New UIDs and mod-sequences are above all that anybody was told, and what is new can be read. */
static bool
check_goes_on(struct check *c)
{
	struct store_target targets[BOXES_MAX];
	uint8_t data[2000];
	struct store_deliver in = { .targets = targets, .target_count = c->l->box_count };
	struct store_delivered out;
	uint64_t token;

	if (c->l->box_count == 0)
		return true;
	in.content.data = slice_of(data, message_make(UINT64_C(1) << 60, 1000, data));
	for (size_t i = 0; i < c->l->box_count; i++)
		targets[i] = (struct store_target){ c->l->boxes[i].account, c->l->boxes[i].mailbox, 0 };
	if (store_deliver(c->port, &in, &c->arena, &out, &c->error) != 0)
		return say_failed(c, "a new message");
	for (size_t i = 0; i < out.stored_count; i++) {
		const struct box *b = &c->l->boxes[i];
		const struct store_message row = {
			.uid = out.stored[i].uid, .body = out.body, .size = in.content.data.len
		};

		if (row.uid <= b->uid_max || out.stored[i].modseq <= b->modseq_max)
			return say(c, "%s:%s: a new message has UID %u after %u, MODSEQ %" PRIu64 " after %" PRIu64,
			    b->address, b->name, row.uid, b->uid_max, out.stored[i].modseq, b->modseq_max);
		if (i == 0 && !read_message(c, &row, &token))
			return false;
	}
	return true;
}

static bool
makes_new_name(struct check *c, const struct account *a, const struct name_row *n)
{
	struct store_account_get who = { .address = slice_str(a->address) };
	struct store_mailbox_create in = { .name = slice_str(n->name) };
	struct store_mailbox_delete old = { .name = slice_str(n->name) };
	struct store_account account;
	struct store_mailbox_id out;
	struct store_nothing none;
	int rc = store_account_get(c->port, &who, &c->arena, &account, &c->error);

	in.account = old.account = account.account;
	if (rc == 0)
		rc = store_mailbox_delete(c->port, &old, &c->arena, &none, &c->error);
	if (rc == 0 || rc == ERR_NOT_FOUND || rc == ERR_ORDER) /* a name that only holds inferiors */
		rc = store_mailbox_create(c->port, &in, &c->arena, &out, &c->error);
	if (rc != 0)
		return say_failed(c, "a new mailbox");
	for (size_t i = 0; i < n->used_count; i++)
		if (n->used[i] == out.uidvalidity)
			return say(c, "%s: the new mailbox %s has the UIDVALIDITY of an old one, %u", a->address,
			    n->name, out.uidvalidity);
	return true;
}

bool
ledger_check(struct ledger *l, struct port *port, char *why, size_t why_size)
{
	struct check c = { .l = l, .port = port, .why = why, .why_size = why_size };
	bool good = true;

	arena_init(&c.arena, (size_t)64 << 20);
	for (size_t i = 0; i < l->message_count; i++)
		l->messages[i].seen = false;
	for (size_t i = 0; i < l->group_count; i++)
		l->groups[i].wanted = l->groups[i].present = l->groups[i].leaving = l->groups[i].left = 0;
	for (uint32_t i = 0; i < l->box_count && good; i++)
		good = check_box(&c, i);
	good = good && check_groups(&c) && check_names(&c) && check_keys(&c) && check_bodies(&c);
	good = good && check_goes_on(&c);
	for (size_t i = 0; i < l->account_count && good; i++)
		if (l->accounts[i].name_count > 0)
			good = makes_new_name(&c, &l->accounts[i], &l->accounts[i].names[0]);
	arena_done(&c.arena);
	return good;
}
