/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "store/internal.h"

int
tx_changed(struct tx *tx, uint64_t account, uint64_t mailbox, struct error *e)
{
	struct store_mailbox_ref ref = { account, mailbox };

	if (buf_put(&tx->changed, &ref, sizeof ref) != 0)
		return error_set(e, tx->changed.err, "too many changes at once");
	return 0;
}

int
tx_body_drop(struct tx *tx, uint64_t body, struct error *e)
{
	struct query q = query_begin(
	    tx->db, "UPDATE bodies SET refs = refs - 1 WHERE body = ?1 RETURNING refs, segment, place, length");
	struct body_place place = { .body = body };
	uint64_t refs = 0;
	int rc;

	query_u64(&q, body);
	rc = query_one(&q, "body", e);
	if (rc != 0)
		return rc;
	refs = query_col_u64(&q, 0);
	place.segment = query_col_u32(&q, 1);
	place.place = query_col_u64(&q, 2);
	place.length = query_col_u64(&q, 3);
	rc = query_run(&q, e);
	if (rc != 0 || refs > 0)
		return rc;
	q = query_begin(tx->db, "DELETE FROM bodies WHERE body = ?1");
	query_u64(&q, body);
	rc = query_run(&q, e);
	if (rc == 0)
		(void)buf_put(&tx->released, &place, sizeof place);
	return rc;
}

int
tx_account_count(struct tx *tx, uint64_t account, int64_t messages, int64_t octets, struct error *e)
{
	struct query q;

	if (messages == 0 && octets == 0)
		return 0;
	q = query_begin(
	    tx->db, "UPDATE accounts SET messages = messages + ?1, octets = octets + ?2 WHERE account = ?3");
	query_u64(&q, (uint64_t)messages);
	query_u64(&q, (uint64_t)octets);
	query_u64(&q, account);
	return query_run(&q, e);
}

int
arena_check(const struct arena *a, struct error *e)
{
	return a->err == 0 ? 0 : error_set(e, a->err, "the answer does not fit in memory");
}

int
body_name_message(struct db *db, uint64_t body, struct arena *a, struct slice *out, struct error *e)
{
	struct query q = query_begin(db,
	    "SELECT printf('UID %d in ''%s'' of %s', m.uid, CAST(b.name AS TEXT), CAST(d.shown AS TEXT)) FROM messages "
	    "m"
	    " JOIN mailboxes b ON b.mailbox = m.mailbox JOIN addresses d ON d.account = m.account WHERE m.body = ?1"
	    " LIMIT 1");
	int rc;

	query_u64(&q, body);
	rc = query_step(&q, e);
	*out = rc == 1 ? query_col_bytes(&q, 0, a) : SLICE("no message");
	query_end(&q);
	return rc < 0 ? rc : 0;
}

struct slice
fold_ascii(struct arena *a, struct slice s)
{
	uint8_t *p = arena_alloc(a, s.len);

	if (p == NULL)
		return SLICE_EMPTY;
	for (size_t i = 0; i < s.len; i++)
		p[i] = ascii_lower(s.data[i]);
	return slice_of(p, s.len);
}

size_t
page_limit(uint32_t wanted, size_t max)
{
	return wanted == 0 || wanted > max ? max : wanted;
}

void *
rows_add(struct rows *r)
{
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 32 : r->room * 2;
		void *grown = arena_array(r->arena, room, r->size);

		if (grown == NULL)
			return NULL;
		if (r->count > 0)
			memcpy(grown, r->data, r->count * r->size);
		r->data = grown;
		r->room = room;
	}
	return (uint8_t *)r->data + r->count++ * r->size;
}

static int
keyword_find(struct tx *tx, uint64_t account, uint64_t mailbox, struct slice name, uint32_t *found, uint32_t *count,
    struct error *e)
{
	struct query q = query_begin(
	    tx->db, "SELECT number, name FROM keywords WHERE account = ?1 AND mailbox = ?2 ORDER BY number");
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	*found = UINT32_MAX;
	*count = 0;
	while ((rc = query_step(&q, e)) == 1) {
		if (*found == UINT32_MAX && slice_ieq(query_col_bytes(&q, 1, tx->arena), name))
			*found = query_col_u32(&q, 0);
		(*count)++;
	}
	return rc;
}

int
keyword_number(
    struct tx *tx, uint64_t account, uint64_t mailbox, struct slice name, bool add, uint32_t *out, struct error *e)
{
	struct query q;
	uint32_t count;
	int rc = keyword_find(tx, account, mailbox, name, out, &count, e);

	if (rc != 0 || *out != UINT32_MAX || !add)
		return rc;
	if (name.len == 0 || name.len > STORE_KEYWORD_MAX)
		return error_set(e, ERR_SYNTAX, "a keyword has 1 to %u octets", STORE_KEYWORD_MAX);
	if (count >= STORE_KEYWORDS_MAX)
		return error_set(e, ERR_LIMIT, "a mailbox has at most %u different keywords", STORE_KEYWORDS_MAX);
	q = query_begin(tx->db, "INSERT INTO keywords (account, mailbox, number, name) VALUES (?1, ?2, ?3, ?4)");
	query_u64(&q, account);
	query_u64(&q, mailbox);
	query_u64(&q, count);
	query_bytes(&q, name);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	*out = count;
	q = query_begin(tx->db, "UPDATE mailboxes SET keyword_count = ?1 WHERE mailbox = ?2 AND account = ?3");
	query_u64(&q, (uint64_t)count + 1);
	query_u64(&q, mailbox);
	query_u64(&q, account);
	return query_run(&q, e);
}

int
keyword_mask(struct tx *tx, uint64_t account, uint64_t mailbox, const struct slice *names, size_t count, bool add,
    uint64_t *out, struct error *e)
{
	*out = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t number;
		int rc = keyword_number(tx, account, mailbox, names[i], add, &number, e);

		if (rc != 0)
			return rc;
		if (number < STORE_KEYWORDS_MAX)
			*out |= 1ull << number;
	}
	return 0;
}
