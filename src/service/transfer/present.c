/* SPDX-License-Identifier: ISC */
#include "service/transfer/present.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

#define ROWS_AT_ONCE 8192u
#define REPLY_BUDGET (16u << 20)

static int
by_size(const void *a, const void *b)
{
	const struct present_entry *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->body < y->body ? -1 : x->body > y->body;
}

static int
add_rows(struct present *p, const struct store_message_rows *rows, struct error *e)
{
	if (p->count + rows->row_count > p->room) {
		size_t room = (p->count + rows->row_count) * 2, size;
		void *grown = size_mul(room, sizeof *p->entries, &size) ? mem_realloc(p->entries, size) : NULL;

		if (grown == NULL)
			return error_nomem(e);
		p->entries = grown;
		p->room = room;
	}
	for (size_t i = 0; i < rows->row_count; i++) {
		const struct store_message *m = &rows->rows[i];

		p->entries[p->count++] =
		    (struct present_entry){ .size = m->size, .date = m->internal_date, .body = m->body };
	}
	return 0;
}

int
present_load(struct present *p, struct port *port, uint64_t account, uint64_t mailbox, struct error *e)
{
	struct store_message_list ask = { .account = account, .mailbox = mailbox, .limit = ROWS_AT_ONCE };
	int rc = 0;

	p->count = 0;
	do {
		struct store_message_rows rows;
		ARENA_OWNED struct arena a = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_message_list(port, &ask, &a, &rows, e);
		if (rc == 0)
			rc = add_rows(p, &rows, e);
		if (rc == 0)
			ask.first = rows.next;
	} while (rc == 0 && ask.first != 0);
	if (rc == 0 && p->count > 0)
		qsort(p->entries, p->count, sizeof *p->entries, by_size);
	return rc;
}

/* The first entry of that size and date, or where it would be. */
static size_t
first_of(const struct present *p, uint64_t size, uint64_t date)
{
	const struct present_entry key = { .size = size, .date = date };
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_size(&p->entries[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
body_digest(struct port *port, uint64_t body, uint8_t out[KEEP_DIGEST], struct error *e)
{
	struct store_body_read ask = { .body = body, .length = STORE_PIECE_MAX };
	struct store_body_data data = { .length = 1 };
	HASH_OWNED struct hash *h = NULL;
	int rc = hash_new(HASH_SHA256, &h, e);

	while (rc == 0 && ask.offset < data.length) {
		ARENA_OWNED struct arena a = { 0 };

		arena_init(&a, STORE_PIECE_MAX * 2);
		rc = store_body_read(port, &ask, &a, &data, e);
		if (rc != 0 || data.data.len == 0)
			break;
		hash_update(h, data.data);
		ask.offset += data.data.len;
	}
	return rc == 0 ? hash_finish(h, out, e) : rc;
}

static uint64_t
short_of(const uint8_t digest[KEEP_DIGEST])
{
	uint64_t v;

	memcpy(&v, digest, sizeof v);
	return v;
}

/* A body that cannot be read is not the same: the message is stored once more. */
static int
is_same(struct present_entry *entry, struct port *port, const uint8_t digest[KEEP_DIGEST], bool *same, struct error *e)
{
	uint8_t stored[KEEP_DIGEST];
	int rc;

	*same = false;
	if (entry->read && entry->digest != short_of(digest))
		return 0;
	rc = body_digest(port, entry->body, stored, e);
	if (rc == ERR_INTEGRITY || rc == ERR_TRUNCATED || rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0)
		return rc;
	entry->read = true;
	entry->digest = short_of(stored);
	*same = memcmp(stored, digest, KEEP_DIGEST) == 0;
	return 0;
}

int
present_take(struct present *p, struct port *port, const struct keep_message *m, bool *found_out, struct error *e)
{
	uint8_t digest[KEEP_DIGEST];
	bool have = false;
	int rc = 0;

	*found_out = false;
	for (size_t i = first_of(p, m->size, m->date); i < p->count && rc == 0 && !*found_out; i++) {
		struct present_entry *entry = &p->entries[i];

		if (entry->size != m->size || entry->date != m->date)
			break;
		if (entry->used)
			continue;
		if (!have)
			rc = m->digest(m->ctx, digest, e);
		have = true;
		if (rc == 0)
			rc = is_same(entry, port, digest, found_out, e);
		entry->used = *found_out;
	}
	return rc;
}

void
present_done(struct present *p)
{
	mem_free(p->entries);
	*p = (struct present){ .entries = NULL };
}
