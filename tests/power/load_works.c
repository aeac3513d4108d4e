/* SPDX-License-Identifier: ISC */
/* The operations of power_load, each with its marks: begun before it is submitted, done when it is answered. */
#include <string.h>

#include "ledger.h"
#include "load.h"
#include "power.h"

static bool passing_busy[ACCOUNTS], key_busy[KEYS];
static uint64_t chance, next_token, next_group, first_token;

uint64_t
load_pick(uint64_t n)
{
	return power_random(&chance) % n;
}

void
load_works_begin(uint64_t run, uint64_t seed)
{
	chance = power_mix(seed * 1000 + run);
	first_token = next_token = next_group = (run + 1) << 24;
}

/* ---- what is in flight ---- */

struct call {
	uint64_t group;
	uint64_t token;
	uint32_t box[BOXES]; /* targets, in the request's order; for one mailbox [0] */
	size_t box_count;
	uint32_t flags;
	uint32_t from; /* of a copy: its mailbox */
	bool move;
	size_t at[CLEARING_MAX]; /* messages of a mailbox */
	size_t at_count;
	unsigned account, number, to; /* names and keys */
	uint64_t value;
};

static struct call *
call_new(void)
{
	struct call *c = power_alloc(sizeof *c);

	c->group = ++next_group;
	return c;
}

/* Nobody else touches the messages of a box but with the load_mutex. */
static void
keep_message(uint32_t box, uint64_t token, const struct store_stored *s, uint64_t body, uint32_t flags)
{
	struct box *b = &load_boxes[box];

	if (b->count == MESSAGES_MAX)
		load_die("too many messages", NULL);
	b->messages[b->count++] = (struct message){ .token = token, .uid = s->uid, .flags = flags, .body = body };
	load_mark("got %s %" PRIu64 " %u %" PRIu64, b->word, token, s->uid, s->modseq);
}

static void
call_done(struct call *c)
{
	free(c);
	(void)pthread_mutex_unlock(&load_mutex);
	(void)sem_post(&load_room);
}

static const void *
answered(const void *reply, const struct error *e, const char *what)
{
	if (reply == NULL)
		load_die(what, e);
	(void)pthread_mutex_lock(&load_mutex);
	return reply;
}

/* ---- messages in ---- */

static void
stored(void *ctx, const void *reply, const struct error *e)
{
	const struct store_delivered *out = answered(reply, e, "deliver");
	struct call *c = ctx;

	for (size_t i = 0; i < out->stored_count; i++)
		keep_message(c->box[i], c->token, &out->stored[i], out->body, 0);
	load_mark("done %" PRIu64, c->group);
	call_done(c);
}

static void
appended(void *ctx, const void *reply, const struct error *e)
{
	const struct store_appended *out = answered(reply, e, "append");
	struct call *c = ctx;

	keep_message(c->box[0], c->token, &out->stored, out->body, c->flags);
	load_mark("done %" PRIu64, c->group);
	call_done(c);
}

static void
piece_done(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	if (reply == NULL)
		load_die("body_append", e);
}

static struct store_content
content(uint64_t token, uint8_t *data)
{
	uint64_t kind = load_pick(40);
	size_t len = message_make(
	    token, kind == 0 ? 300000 + load_pick(CONTENT_MAX - 300000) : load_pick(kind < 8 ? 20000 : 3000), data);
	struct store_body_handle handle;
	struct store_nothing none = { 0 };
	struct error e;

	if (kind > 2)
		return (struct store_content){ .data = { data, len }, .header_size = 8 };
	if (store_body_begin(load_port, &none, &load_arena, &handle, &e) != 0)
		load_die("body_begin", &e);
	for (size_t at = 0; at < len; at += 60000) {
		const struct store_body_append in = { handle.handle, slice_sub(slice_of(data, len), at, 60000) };

		if (store_body_append_submit(load_port, &in, piece_done, NULL, &e) != 0)
			load_die("body_append", &e);
	}
	return (struct store_content){ .handle = handle.handle, .header_size = 8 };
}

static void
do_deliver(void)
{
	static uint8_t data[CONTENT_MAX + 200];
	struct call *c = call_new();
	struct store_target targets[BOXES];
	struct store_deliver in = { .targets = targets };
	struct error e;
	uint64_t choice = load_pick(1u << BOXES) | 1u << load_pick(BOXES);

	c->token = ++next_token;
	in.content = content(c->token, data);
	for (uint32_t i = 0; i < BOXES; i++) {
		if ((choice >> i & 1) == 0)
			continue;
		targets[c->box_count] = (struct store_target){ load_boxes[i].account, load_boxes[i].mailbox, 0 };
		c->box[c->box_count++] = i;
		load_mark("try %" PRIu64 " %s %" PRIu64 " 0", c->group, load_boxes[i].word, c->token);
	}
	in.target_count = c->box_count;
	if (store_deliver_submit(load_port, &in, stored, c, &e) != 0)
		load_die("deliver", &e);
}

static void
do_append(void)
{
	static uint8_t data[CONTENT_MAX + 200];
	struct call *c = call_new();
	uint32_t box = c->box[0] = (uint32_t)load_pick(BOXES);
	struct store_append in = { .account = load_boxes[box].account, .mailbox = load_boxes[box].mailbox };
	struct error e;

	c->token = ++next_token;
	c->flags = in.flags = (uint32_t)load_pick(STORE_FLAGS_ALL + 1);
	in.content = content(c->token, data);
	load_mark("try %" PRIu64 " %s %" PRIu64 " %u", c->group, load_boxes[box].word, c->token, c->flags);
	if (store_append_submit(load_port, &in, appended, c, &e) != 0)
		load_die("append", &e);
}

/* ---- messages that are there ---- */

/* One that nobody is busy with, which is then; NULL: none was found. */
static struct message *
take_one(struct box *b, size_t *at_out)
{
	struct message *found = NULL;

	(void)pthread_mutex_lock(&load_mutex);
	for (int i = 0; i < 20 && found == NULL && b->count > 0; i++) {
		*at_out = load_pick(b->count);
		if (!b->messages[*at_out].busy && !b->messages[*at_out].gone)
			found = &b->messages[*at_out];
	}
	if (found != NULL)
		found->busy = true;
	(void)pthread_mutex_unlock(&load_mutex);
	return found;
}

static void
nothing_to_do(void)
{
	(void)sem_post(&load_room);
}

static void
flagged(void *ctx, const void *reply, const struct error *e)
{
	const struct store_flags_done *out = answered(reply, e, "flags");
	struct call *c = ctx;
	struct box *b = &load_boxes[c->box[0]];
	struct message *m = &b->messages[c->at[0]];

	if (out->row_count != 1)
		load_die("a message to be flagged is not there", NULL);
	m->flags = out->rows[0].flags;
	m->busy = false;
	load_mark("flagged %s %" PRIu64 " %u %" PRIu64, b->word, m->token, m->flags, out->rows[0].modseq);
	call_done(c);
}

static void
do_flags(void)
{
	uint32_t box = (uint32_t)load_pick(BOXES);
	struct store_flags in = {
		.account = load_boxes[box].account, .mailbox = load_boxes[box].mailbox, .range_count = 1
	};
	struct store_range range;
	size_t at;
	struct message *m = take_one(&load_boxes[box], &at);
	struct call *c;
	struct error e;

	if (m == NULL) {
		nothing_to_do();
		return;
	}
	c = call_new();
	c->box[0] = box;
	c->at[0] = at;
	range = (struct store_range){ m->uid, m->uid };
	in.ranges = &range;
	in.flags = (uint32_t)load_pick(STORE_FLAGS_ALL + 1);
	load_mark("flag %s %" PRIu64 " %u", load_boxes[box].word, m->token, in.flags);
	if (store_flags_submit(load_port, &in, flagged, c, &e) != 0)
		load_die("flags", &e);
}

static void
expunged(void *ctx, const void *reply, const struct error *e)
{
	const struct store_expunged *out = answered(reply, e, "expunge");
	struct call *c = ctx;
	struct box *b = &load_boxes[c->box[0]];

	if (out->uid_count != c->at_count)
		load_die("messages to be expunged are not there", NULL);
	for (size_t i = 0; i < c->at_count; i++) {
		struct message *m = &b->messages[c->at[i]];

		m->gone = true;
		load_mark("expunged %s %" PRIu64 " %" PRIu64, b->word, m->token, out->highest_modseq);
	}
	call_done(c);
}

/* What the call names, with the messages' marks. */
static void
submit_expunge(struct call *c)
{
	const struct box *b = &load_boxes[c->box[0]];
	struct store_range ranges[CLEARING_MAX];
	struct store_expunge in = { b->account, b->mailbox, ranges, c->at_count, true };
	struct error e;

	(void)pthread_mutex_lock(&load_mutex);
	for (size_t i = 0; i < c->at_count; i++) {
		const struct message *m = &b->messages[c->at[i]];

		ranges[i] = (struct store_range){ m->uid, m->uid };
		load_mark("expunge %s %" PRIu64, b->word, m->token);
	}
	(void)pthread_mutex_unlock(&load_mutex);
	if (store_expunge_submit(load_port, &in, expunged, c, &e) != 0)
		load_die("expunge", &e);
}

static void
do_expunge(void)
{
	uint32_t box = (uint32_t)load_pick(BOXES);
	size_t at;
	struct call *c;

	if (take_one(&load_boxes[box], &at) == NULL) {
		nothing_to_do();
		return;
	}
	c = call_new();
	c->box[0] = box;
	c->at[c->at_count++] = at;
	submit_expunge(c);
}

/* The oldest messages of a mailbox but a few: their segments are mostly dead then, and compaction has work. */
static void
do_clear(void)
{
	struct call *c = call_new();
	struct box *b = &load_boxes[c->box[0] = (uint32_t)load_pick(BOXES)];

	(void)pthread_mutex_lock(&load_mutex);
	for (size_t i = 0; i < b->count && c->at_count < CLEARING_MAX; i++) {
		if (b->messages[i].busy || b->messages[i].gone || load_pick(8) == 0)
			continue;
		b->messages[i].busy = true;
		c->at[c->at_count++] = i;
	}
	(void)pthread_mutex_unlock(&load_mutex);
	if (c->at_count > 0) {
		submit_expunge(c);
	} else {
		free(c);
		nothing_to_do();
	}
}

static void
copied(void *ctx, const void *reply, const struct error *e)
{
	const struct store_copied *out = answered(reply, e, "copy");
	struct call *c = ctx;
	struct box *from = &load_boxes[c->from];

	if (out->to_count != c->at_count)
		load_die("messages to be copied are not there", NULL);
	for (size_t i = 0; i < c->at_count; i++) {
		struct message *m = &from->messages[c->at[i]];
		struct store_stored s = { .uid = out->to[i] };

		keep_message(c->box[0], m->token, &s, m->body, m->flags);
		m->busy = false;
		m->gone = c->move;
	}
	load_mark("done %" PRIu64, c->group);
	call_done(c);
}

/* A token comes once into a mailbox: with the load_mutex. */
static bool
was_there(const struct box *b, uint64_t token)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->messages[i].token == token)
			return true;
	for (size_t i = 0; i < b->coming_count; i++)
		if (b->coming[i] == token)
			return true;
	return false;
}

static int
compare_at(const void *a, const void *b)
{
	size_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

/* Messages of one mailbox, ascending by UID, that were never in the other, as far as this run can know. */
static void
take_some(struct call *c)
{
	struct box *from = &load_boxes[c->from], *to = &load_boxes[c->box[0]];
	size_t wanted = 1 + load_pick(MOVING_MAX), at;

	for (size_t i = 0; i < wanted; i++) {
		const struct message *m = take_one(from, &at);

		if (m == NULL)
			break;
		(void)pthread_mutex_lock(&load_mutex);
		if (was_there(to, m->token) || m->token < first_token || to->coming_count == MESSAGES_MAX) {
			from->messages[at].busy = false;
		} else {
			to->coming[to->coming_count++] = m->token;
			c->at[c->at_count++] = at;
		}
		(void)pthread_mutex_unlock(&load_mutex);
	}
	qsort(c->at, c->at_count, sizeof c->at[0], compare_at);
}

static void
do_copy(void)
{
	struct call *c = call_new();
	struct store_range ranges[MOVING_MAX];
	struct store_copy in = { .ranges = ranges };
	struct error e;

	c->from = (uint32_t)load_pick(BOXES);
	c->box[0] = c->from / BOXES_EACH * BOXES_EACH + (uint32_t)load_pick(BOXES_EACH);
	c->move = in.move = load_pick(2) == 0;
	if (c->box[0] != c->from)
		take_some(c);
	if (c->at_count == 0) {
		free(c);
		nothing_to_do();
		return;
	}
	in.account = load_boxes[c->from].account;
	in.mailbox = load_boxes[c->from].mailbox;
	in.target = load_boxes[c->box[0]].mailbox;
	(void)pthread_mutex_lock(&load_mutex);
	for (size_t i = 0; i < c->at_count; i++) {
		const struct message *m = &load_boxes[c->from].messages[c->at[i]];

		ranges[in.range_count++] = (struct store_range){ m->uid, m->uid };
		load_mark(
		    "try %" PRIu64 " %s %" PRIu64 " %u", c->group, load_boxes[c->box[0]].word, m->token, m->flags);
		if (c->move)
			load_mark("from %" PRIu64 " %s %" PRIu64, c->group, load_boxes[c->from].word, m->token);
	}
	(void)pthread_mutex_unlock(&load_mutex);
	if (store_copy_submit(load_port, &in, copied, c, &e) != 0)
		load_die("copy", &e);
}

/* ---- what may be lost ---- */

static void
relaxed_done(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	if (reply == NULL && e->code != ERR_NOT_FOUND)
		load_die("a relaxed write", e);
	(void)sem_post(&load_room);
}

static void
do_relaxed(void)
{
	uint32_t box = (uint32_t)load_pick(BOXES);
	static const uint8_t cache[3000] = { 1 };
	size_t at;
	struct message *m = load_pick(3) == 0 ? NULL : take_one(&load_boxes[box], &at);
	struct error e;
	int rc;

	if (m == NULL) {
		rc = store_recent_take_submit(load_port,
		    &(struct store_recent_take){ load_boxes[box].account, load_boxes[box].mailbox, false },
		    relaxed_done, NULL, &e);
	} else {
		m->busy = false;
		rc = store_cache_put_submit(load_port,
		    &(struct store_cache_put){ load_boxes[box].account, m->body, { cache, 200 + load_pick(2800) } },
		    relaxed_done, NULL, &e);
	}
	if (rc != 0)
		load_die("a relaxed write", &e);
}

void
load_relaxed(void)
{
	(void)sem_wait(&load_room);
	do_relaxed();
}

/* ---- names and keys ---- */

static void
made(void *ctx, const void *reply, const struct error *e)
{
	const struct store_mailbox_id *out = answered(reply, e, "mailbox_create");
	struct call *c = ctx;

	load_passing[c->account][c->number] = true;
	passing_busy[c->account] = false;
	load_mark("made %s %s %u", load_account_word(c->account), load_passing_names[c->number], out->uidvalidity);
	call_done(c);
}

static void
dropped(void *ctx, const void *reply, const struct error *e)
{
	struct call *c = ctx;

	(void)answered(reply, e, "mailbox_delete");
	load_passing[c->account][c->number] = false;
	passing_busy[c->account] = false;
	load_mark("dropped %s %s", load_account_word(c->account), load_passing_names[c->number]);
	call_done(c);
}

static void
renamed(void *ctx, const void *reply, const struct error *e)
{
	struct call *c = ctx;

	(void)answered(reply, e, "mailbox_rename");
	load_passing[c->account][c->number] = false;
	load_passing[c->account][c->to] = true;
	passing_busy[c->account] = false;
	load_mark("renamed %s %s %s", load_account_word(c->account), load_passing_names[c->number],
	    load_passing_names[c->to]);
	call_done(c);
}

static bool
take_account(unsigned account)
{
	bool was;

	(void)pthread_mutex_lock(&load_mutex);
	was = passing_busy[account];
	passing_busy[account] = true;
	(void)pthread_mutex_unlock(&load_mutex);
	return !was;
}

/* "p" has an inferior sometimes; only names without are moved or removed. */
static bool
is_free(unsigned account, unsigned number)
{
	return number != 0 || !load_passing[account][1];
}

static int
submit_name(struct call *c, struct error *e)
{
	uint64_t account = load_boxes[c->account * BOXES_EACH].account;
	struct slice name = slice_str(load_passing_names[c->number]), to = slice_str(load_passing_names[c->to]);

	if (!load_passing[c->account][c->number]) {
		load_mark("make %s %s", load_account_word(c->account), load_passing_names[c->number]);
		return store_mailbox_create_submit(
		    load_port, &(struct store_mailbox_create){ .account = account, .name = name }, made, c, e);
	}
	if (load_pick(2) == 0 && c->to >= 2 && c->to != c->number && !load_passing[c->account][c->to] &&
	    c->number >= 2) {
		load_mark("ren %s %s %s", load_account_word(c->account), load_passing_names[c->number],
		    load_passing_names[c->to]);
		return store_mailbox_rename_submit(
		    load_port, &(struct store_mailbox_rename){ account, name, to }, renamed, c, e);
	}
	load_mark("drop %s %s", load_account_word(c->account), load_passing_names[c->number]);
	return store_mailbox_delete_submit(load_port, &(struct store_mailbox_delete){ account, name }, dropped, c, e);
}

static void
do_name(void)
{
	unsigned account = (unsigned)load_pick(ACCOUNTS), number = (unsigned)load_pick(PASSING);
	struct call *c;
	struct error e;

	if (!take_account(account)) {
		nothing_to_do();
		return;
	}
	if (!is_free(account, number)) {
		passing_busy[account] = false;
		nothing_to_do();
		return;
	}
	c = call_new();
	c->account = account;
	c->number = number;
	c->to = (unsigned)load_pick(PASSING);
	if (submit_name(c, &e) != 0)
		load_die("a mailbox", &e);
}

static void
keyed(void *ctx, const void *reply, const struct error *e)
{
	struct call *c = ctx;

	(void)answered(reply, e, "meta_put");
	key_busy[c->number] = false;
	load_mark("keyed k%u %" PRIu64, c->number, c->value);
	call_done(c);
}

static void
do_key(void)
{
	unsigned number = (unsigned)load_pick(KEYS);
	char key[16], value[32];
	struct call *c;
	struct error e;
	bool was;

	(void)pthread_mutex_lock(&load_mutex);
	was = key_busy[number];
	key_busy[number] = true;
	(void)pthread_mutex_unlock(&load_mutex);
	if (was) {
		nothing_to_do();
		return;
	}
	c = call_new();
	c->number = number;
	c->value = c->group;
	(void)snprintf(key, sizeof key, "k%u", number);
	(void)snprintf(value, sizeof value, "%" PRIu64, c->value);
	load_mark("key %s %s", key, value);
	if (store_meta_put_submit(
		load_port, &(struct store_meta_put){ slice_str(key), slice_str(value) }, keyed, c, &e) != 0)
		load_die("meta_put", &e);
}

/* ---- one of them ---- */

void
load_one(bool bodies)
{
	static const struct {
		unsigned parts;
		void (*run)(void);
	} works[] = { { 20, do_append }, { 20, do_deliver }, { 16, do_flags }, { 14, do_expunge }, { 4, do_clear },
		{ 8, do_copy }, { 8, do_relaxed }, { 5, do_name }, { 5, do_key } };
	uint64_t at = bodies ? load_pick(100) : 40 + load_pick(60);

	(void)sem_wait(&load_room);
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
		if (at < works[i].parts) {
			works[i].run();
			return;
		}
		at -= works[i].parts;
	}
}
