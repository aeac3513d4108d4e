/* SPDX-License-Identifier: ISC */
#include "service/transfer/keep.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/transfer/present.h"

#define REPLY_BUDGET (4u << 20)
#define LEFT_OUT_SAID 20u /* keywords of one mailbox that were left out and are told one by one */

struct slot {
	struct keep *keep;
	struct slot *next; /* free */
	uint64_t size;
	uint64_t offset;
	char where[KEEP_WHERE_MAX];
	/* Of an answer that was an error, until the thread that imports tells of it. */
	struct error error;
};

struct keep {
	struct transfer *transfer;
	bool again;
	uint64_t mailbox;
	struct present present;
	struct arena names; /* of keywords */
	struct slice keywords[STORE_KEYWORDS_MAX];
	size_t keyword_count;
	size_t left_out; /* keywords */
	uint64_t staged; /* the handle of the message that is replayed */

	pthread_mutex_t lock;
	pthread_cond_t came_back;
	struct slot slots[KEEP_WINDOW];
	struct slot *free;
	struct slot *refused; /* answered with an error */
	uint64_t on_way, octets_on_way;
	uint64_t stored, octets_stored; /* told to the transfer on the importing thread */
};

int
keep_new(struct transfer *t, bool again, struct keep **out, struct error *e)
{
	struct keep *k = mem_alloc(sizeof *k);

	if (k == NULL)
		return error_nomem(e);
	k->transfer = t;
	k->again = again;
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_cond_init(&k->came_back, NULL);
	for (size_t i = 0; i < KEEP_WINDOW; i++) {
		k->slots[i].keep = k;
		k->slots[i].next = k->free;
		k->free = &k->slots[i];
	}
	*out = k;
	return 0;
}

/* ---- on its way ---- */

static void
answered(void *ctx, const void *reply, const struct error *e)
{
	struct slot *s = ctx;
	struct keep *k = s->keep;

	(void)pthread_mutex_lock(&k->lock);
	k->on_way--;
	k->octets_on_way -= s->size;
	if (reply != NULL) {
		k->stored++;
		k->octets_stored += s->size;
		s->next = k->free;
		k->free = s;
	} else {
		s->error = *e;
		s->next = k->refused;
		k->refused = s;
	}
	(void)pthread_cond_signal(&k->came_back);
	(void)pthread_mutex_unlock(&k->lock);
}

/* Tells of what was refused. On the importing thread, with the lock, which it gives back meanwhile. */
static int
tell_refused(struct keep *k, struct error *e)
{
	int rc = 0;

	while (k->refused != NULL) {
		struct slot *s = k->refused;

		k->refused = s->next;
		(void)pthread_mutex_unlock(&k->lock);
		if (transfer_is_fatal(s->error.code)) {
			rc = s->error.code;
			if (e != NULL)
				*e = s->error;
		} else {
			transfer_problem(k->transfer, s->where, s->offset, s->error.text);
		}
		(void)pthread_mutex_lock(&k->lock);
		s->next = k->free;
		k->free = s;
	}
	return rc;
}

/* Waits until no more than so many messages and octets are on their way. */
static int
wait_until(struct keep *k, uint64_t messages, uint64_t octets, struct error *e)
{
	int rc = tell_refused(k, e);

	while (k->on_way > messages || k->octets_on_way > octets) {
		int again;

		(void)pthread_cond_wait(&k->came_back, &k->lock);
		again = tell_refused(k, rc == 0 ? e : NULL);
		rc = rc != 0 ? rc : again;
	}
	k->transfer->counts.moved = k->stored;
	k->transfer->counts.octets = k->octets_stored;
	return rc;
}

int
keep_settle(struct keep *k, struct error *e)
{
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = wait_until(k, 0, 0, e);
	(void)pthread_mutex_unlock(&k->lock);
	return rc;
}

void
keep_free(struct keep *k)
{
	if (k == NULL)
		return;
	(void)keep_settle(k, NULL);
	(void)pthread_mutex_destroy(&k->lock);
	(void)pthread_cond_destroy(&k->came_back);
	present_done(&k->present);
	arena_done(&k->names);
	mem_free(k);
}

/* ---- mailboxes ---- */

static int
find_mailbox(struct keep *k, struct slice name, struct arena *a, struct store_mailbox_state *out, struct error *e)
{
	const struct store_mailbox_get ask = { .account = k->transfer->account, .name = name };
	int rc = store_mailbox_get(k->transfer->port, &ask, a, out, e);

	if (rc == 0 && !out->mailbox.selectable)
		rc = error_set(e, ERR_NOT_FOUND, "no such mailbox");
	return rc;
}

static int
make_mailbox(struct keep *k, struct slice name, bool subscribe, struct error *e)
{
	const struct store_mailbox_create ask = {
		.account = k->transfer->account, .name = name, .subscribe = subscribe
	};
	struct store_mailbox_id reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_mailbox_create(k->transfer->port, &ask, &a, &reply, e);
	if (rc == 0)
		k->transfer->counts.mailboxes++;
	return rc == ERR_EXISTS ? 0 : rc;
}

int
keep_enter(struct keep *k, struct slice name, bool subscribe, struct error *e)
{
	struct store_mailbox_state state;
	ARENA_OWNED struct arena a = { 0 };
	int rc = keep_settle(k, e);

	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = find_mailbox(k, name, &a, &state, e);
	if (rc == ERR_NOT_FOUND) {
		rc = make_mailbox(k, name, subscribe, e);
		if (rc == 0)
			rc = find_mailbox(k, name, &a, &state, e);
	}
	if (rc != 0)
		return error_context(e, "the mailbox '%.*s'", (int)name.len, (const char *)name.data);
	k->mailbox = state.mailbox.mailbox;
	arena_done(&k->names);
	arena_init(&k->names, REPLY_BUDGET);
	k->keyword_count = 0;
	k->left_out = 0;
	for (size_t i = 0; i < state.keyword_count && i < STORE_KEYWORDS_MAX; i++)
		k->keywords[k->keyword_count++] = arena_copy(&k->names, state.keywords[i].name);
	return k->again ? 0 : present_load(&k->present, k->transfer->port, k->transfer->account, k->mailbox, e);
}

int
keep_subscribe(struct keep *k, struct slice name, struct error *e)
{
	const struct store_subscribe ask = { .account = k->transfer->account, .name = name, .subscribed = true };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };

	arena_init(&a, REPLY_BUDGET);
	return store_subscribe(k->transfer->port, &ask, &a, &reply, e);
}

/* ---- keywords ---- */

/* What IMAP can name: an atom (RFC 3501 9, flag-keyword). */
static bool
is_keyword(struct slice word)
{
	if (word.len == 0 || word.len > STORE_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		uint8_t c = word.data[i];

		if (c <= ' ' || c >= 0x7f || slice_find(SLICE("(){%*\"\\]"), c) != SIZE_MAX)
			return false;
	}
	return true;
}

/* A mailbox has so many different ones and no more: the message is worth more than its keyword. */
static bool
has_room(struct keep *k, struct slice word)
{
	for (size_t i = 0; i < k->keyword_count; i++) {
		if (slice_ieq(k->keywords[i], word))
			return true;
	}
	if (k->keyword_count == STORE_KEYWORDS_MAX)
		return false;
	k->keywords[k->keyword_count++] = arena_copy(&k->names, word);
	return true;
}

static void
leave_out(struct keep *k, const char *where, struct slice word)
{
	if (k->left_out > LEFT_OUT_SAID)
		return;
	if (k->left_out++ == LEFT_OUT_SAID)
		transfer_note(k->transfer, where, "more keywords are left out, here and in what follows");
	else
		transfer_note(k->transfer, where, "the keyword '%.*s' is left out: %s", (int)word.len,
		    (const char *)word.data,
		    is_keyword(word) ? "its mailbox has as many different ones as it may" : "IMAP cannot name it");
}

static bool
is_among(const struct slice *words, size_t count, struct slice word)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_ieq(words[i], word))
			return true;
	}
	return false;
}

/* has_room() keeps the count of different ones below the maximum. */
static size_t
take_keywords(struct keep *k, const struct keep_message *m, struct slice out[STORE_KEYWORDS_MAX])
{
	struct slice rest = m->keywords;
	size_t count = 0;

	while (rest.len > 0) {
		struct slice word = slice_split(rest, ' ', &rest);

		if (word.len == 0 || is_among(out, count, word))
			continue;
		if (count < STORE_KEYWORDS_MAX && is_keyword(word) && has_room(k, word))
			out[count++] = word;
		else
			leave_out(k, m->where, word);
	}
	return count;
}

/* ---- messages ---- */

static int
submit(struct keep *k, const struct keep_message *m, const struct store_append *ask, struct error *e)
{
	struct slot *s;
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = wait_until(k, KEEP_WINDOW - 1, KEEP_WINDOW_OCTETS - STORE_INLINE_MAX, e);
	if (rc != 0) {
		(void)pthread_mutex_unlock(&k->lock);
		return rc;
	}
	s = k->free;
	k->free = s->next;
	k->on_way++;
	k->octets_on_way += m->size;
	(void)pthread_mutex_unlock(&k->lock);
	s->size = m->size;
	s->offset = m->offset;
	(void)snprintf(s->where, sizeof s->where, "%s", m->where);
	rc = store_append_submit(k->transfer->port, ask, answered, s, e);
	if (rc == 0)
		return 0;
	(void)pthread_mutex_lock(&k->lock);
	k->on_way--;
	k->octets_on_way -= m->size;
	s->next = k->free;
	k->free = s;
	(void)pthread_mutex_unlock(&k->lock);
	if (transfer_is_fatal(rc))
		return rc;
	transfer_problem(k->transfer, m->where, m->offset, e->text);
	return 0;
}

int
keep_piece(struct keep *k, struct slice piece, struct error *e)
{
	while (piece.len > 0) {
		const struct store_body_append ask = { k->staged, slice_sub(piece, 0, STORE_PIECE_MAX) };
		struct store_body_length reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_body_append(k->transfer->port, &ask, &a, &reply, e);
		if (rc != 0)
			return rc;
		piece = slice_from(piece, ask.data.len);
	}
	return 0;
}

/* A large one: staged piece by piece, and waited for. */
static int
put_large(struct keep *k, const struct keep_message *m, struct store_append *ask, struct error *e)
{
	struct store_body_handle handle;
	struct store_appended reply;
	struct store_nothing none = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_body_begin(k->transfer->port, &none, &a, &handle, e);
	if (rc != 0)
		return rc;
	k->staged = handle.handle;
	rc = m->replay(m->ctx, k, e);
	ask->content.handle = handle.handle;
	if (rc == 0)
		rc = store_append(k->transfer->port, ask, &a, &reply, e);
	if (rc != 0) {
		(void)store_body_abort(k->transfer->port, &handle, &a, &none, NULL);
		if (transfer_is_fatal(rc))
			return rc;
		transfer_problem(k->transfer, m->where, m->offset, e->text);
		return 0;
	}
	(void)pthread_mutex_lock(&k->lock);
	k->stored++;
	k->octets_stored += m->size;
	(void)pthread_mutex_unlock(&k->lock);
	return 0;
}

int
keep_put(struct keep *k, const struct keep_message *m, struct error *e)
{
	struct slice keywords[STORE_KEYWORDS_MAX];
	struct store_append ask = {
		.account = k->transfer->account,
		.mailbox = k->mailbox,
		.content = { .data = m->data, .header_size = m->header_size, .cache = m->cache },
		.internal_date = m->date,
		.flags = m->flags,
		.keywords = keywords,
	};
	bool found = false;
	int rc = k->again ? 0 : present_take(&k->present, k->transfer->port, m, &found, e);

	if (rc != 0)
		return rc;
	if (found) {
		k->transfer->counts.already++;
		return 0;
	}
	ask.keyword_count = take_keywords(k, m, keywords);
	return m->replay == NULL || m->size <= STORE_INLINE_MAX ? submit(k, m, &ask, e) : put_large(k, m, &ask, e);
}
