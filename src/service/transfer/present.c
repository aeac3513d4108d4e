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
	return memcmp(x->digest, y->digest, KEEP_DIGEST);
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

/* The first entry that is not before the key. */
static size_t
first_of(const struct present *p, const struct present_entry *key)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_size(&p->entries[middle], key) < 0)
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

/* All of one size and date, from there on. A body that cannot be read is like none: the message is stored once more. */
static int
read_group(struct present *p, size_t first, struct port *port, struct error *e)
{
	size_t end = first;
	int rc = 0;

	for (; rc == 0 && end < p->count && p->entries[end].size == p->entries[first].size &&
	     p->entries[end].date == p->entries[first].date;
	     end++) {
		struct present_entry *entry = &p->entries[end];

		rc = body_digest(port, entry->body, entry->digest, e);
		if (rc == ERR_INTEGRITY || rc == ERR_TRUNCATED || rc == ERR_NOT_FOUND)
			rc = 0;
	}
	if (rc != 0)
		return rc;
	qsort(&p->entries[first], end - first, sizeof *p->entries, by_size);
	p->entries[first].read = true;
	return 0;
}

int
present_take(struct present *p, struct port *port, const struct keep_message *m, bool *found_out, struct error *e)
{
	struct present_entry key = { .size = m->size, .date = m->date };
	size_t first = first_of(p, &key), at;
	int rc = 0;

	*found_out = false;
	if (first == p->count || p->entries[first].size != m->size || p->entries[first].date != m->date)
		return 0;
	if (!p->entries[first].read)
		rc = read_group(p, first, port, e);
	if (rc == 0)
		rc = m->digest(m->ctx, key.digest, e);
	if (rc != 0)
		return rc;
	first = first_of(p, &key);
	if (first == p->count)
		return 0;
	at = first + p->entries[first].used;
	if (at >= p->count || by_size(&p->entries[at], &key) != 0)
		return 0;
	p->entries[first].used++;
	*found_out = true;
	return 0;
}

void
present_done(struct present *p)
{
	mem_free(p->entries);
	*p = (struct present){ .entries = NULL };
}
