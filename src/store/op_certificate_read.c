/* SPDX-License-Identifier: ISC */
/*
 * Certificates of the key directory: found by fingerprint or key ID of any of
 * their keys, by address, or by a piece of a user ID; in buckets; and on which
 * day they changed.
 */
#include <string.h>

#include "store/internal.h"

#define REPLY_OCTETS ((size_t)5 << 20) /* of certificates in one reply; the frame is 8 MiB */
#define TRIGRAMS_MAX 16u               /* of a text that is looked for; what has them all is then compared */

OP_READ_FN(certificate_count)
{
	struct store_certificate_count *out = reply;
	struct query q = query_begin(rx->db, "SELECT certificates, waiting, published FROM directory_totals");
	int rc = query_one(&q, "sum of the directory", e);

	(void)request;
	if (rc != 0)
		return rc;
	out->certificates = query_col_u64(&q, 0);
	out->waiting = query_col_u64(&q, 1);
	out->published = query_col_u64(&q, 2);
	query_end(&q);
	return db_number(rx->db, "SELECT count(*) FROM accounts", &out->accounts, e);
}

/* ---- finding ---- */

#define FIND(condition) \
	"SELECT c.certificate, c.fingerprint, c.version, c.account, c.created, c.modified," \
	" CASE ?3 WHEN 1 THEN c.data WHEN 2 THEN coalesce(c.held, c.data) END, c.revision" \
	" FROM certificates c WHERE c.fingerprint > ?1 AND " condition " ORDER BY c.fingerprint LIMIT ?2"

/* Of user IDs, with ?3 the kind of octets that are wanted: held ones are only for who asks for them. */
#define USERS "SELECT certificate FROM certificate_users WHERE (state = 2 OR ?5) AND "

/* By enum store_certificate_by. ?4 is the value. */
static const char *const finders[] = {
	[STORE_BY_FINGERPRINT] =
	    FIND("c.certificate IN (SELECT certificate FROM certificate_keys WHERE fingerprint = ?4)"),
	[STORE_BY_KEY_ID] = FIND("c.certificate IN (SELECT certificate FROM certificate_keys WHERE key_id = ?4)"),
	[STORE_BY_ADDRESS] = FIND("c.certificate IN (" USERS "address_key = ?4)"),
	[STORE_BY_TEXT] = FIND("c.certificate IN (" USERS "instr(text_key, ?4) > 0)"),
	[STORE_BY_ACCOUNT] = FIND("c.account = ?4"),
	[STORE_BY_ALL] = FIND("?4 = 0"),
	[STORE_BY_NAME] = FIND("c.fingerprint = ?4"),
};

static int
bind_value(struct query *q, struct arena *a, const struct store_certificate_find *in, struct error *e)
{
	uint64_t key_id = 0;

	switch (in->by) {
	case STORE_BY_FINGERPRINT:
	case STORE_BY_NAME:
		query_bytes(q, in->value);
		return 0;
	case STORE_BY_KEY_ID:
		if (in->value.len != 8)
			return error_set(e, ERR_SYNTAX, "a key ID has 8 octets");
		for (size_t i = 0; i < 8; i++)
			key_id = key_id << 8 | in->value.data[i];
		query_u64(q, key_id);
		return 0;
	case STORE_BY_ADDRESS:
	case STORE_BY_TEXT:
		if (in->value.len == 0)
			return error_set(e, ERR_SYNTAX, "nothing to look for");
		query_bytes(q, fold_ascii(a, in->value));
		return 0;
	case STORE_BY_ACCOUNT:
		query_u64(q, in->account);
		return 0;
	default:
		query_u64(q, 0);
		return 0;
	}
}

static int
load_keys(struct rx *rx, uint64_t certificate, struct store_certificate *out, struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate_key) };
	struct query q = query_begin(
	    rx->db, "SELECT fingerprint, key_id FROM certificate_keys WHERE certificate = ?1 ORDER BY position");
	struct store_certificate_key *row;
	int rc;

	query_u64(&q, certificate);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL)
		*row = (struct store_certificate_key){ query_col_bytes(&q, 0, rx->arena), query_col_u64(&q, 1) };
	query_end(&q);
	out->keys = rows.data;
	out->key_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
load_users(struct rx *rx, uint64_t certificate, bool held, struct store_certificate *out, struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate_user) };
	struct query q = query_begin(rx->db,
	    "SELECT user_id, address, state, how, verified, place, length FROM certificate_users"
	    " WHERE certificate = ?1 AND (state = 2 OR ?2) ORDER BY position");
	struct store_certificate_user *row;
	int rc;

	query_u64(&q, certificate);
	query_u64(&q, held);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL)
		*row = (struct store_certificate_user){ .user_id = query_col_bytes(&q, 0, rx->arena),
			.address = query_col_bytes(&q, 1, rx->arena),
			.state = query_col_u32(&q, 2),
			.how = query_col_u32(&q, 3),
			.verified = query_col_u64(&q, 4),
			/* Places are those in what is held. */
			.place = held ? query_col_u32(&q, 5) : 0,
			.length = held ? query_col_u32(&q, 6) : 0 };
	query_end(&q);
	out->users = rows.data;
	out->user_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
load_certificate(struct rx *rx, struct query *q, bool held, struct store_certificate *out, struct error *e)
{
	uint64_t certificate = query_col_u64(q, 0);
	int rc;

	out->fingerprint = query_col_bytes(q, 1, rx->arena);
	out->version = query_col_u32(q, 2);
	out->account = query_col_u64(q, 3);
	out->created = query_col_u64(q, 4);
	out->modified = query_col_u64(q, 5);
	out->data = query_col_bytes(q, 6, rx->arena);
	out->revision = query_col_u64(q, 7);
	rc = load_keys(rx, certificate, out, e);
	return rc == 0 ? load_users(rx, certificate, held, out, e) : rc;
}

static size_t
certificate_octets(const struct store_certificate *c)
{
	size_t octets = c->data.len + c->key_count * 64;

	for (size_t i = 0; i < c->user_count; i++)
		octets += c->users[i].user_id.len + c->users[i].address.len + 16;
	return octets + 128;
}

/* Rows of the query to out, until the reply is full; ends the query. */
static int
gather(struct rx *rx, struct query *q, const struct store_certificate_find *in, struct store_certificates *out,
    struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate) };
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX), octets = 0;
	int rc;

	while ((rc = query_step(q, e)) == 1 && rows.count < limit && octets < REPLY_OCTETS) {
		struct store_certificate *row = rows_add(&rows);

		rc = row == NULL ? error_nomem(e) : load_certificate(rx, q, in->held, row, e);
		if (rc != 0)
			break;
		octets += certificate_octets(row);
	}
	query_end(q);
	out->more = rc == 1;
	out->certificates = rows.data;
	out->certificate_count = rows.count;
	return rc < 0 ? rc : 0;
}

static void
bind_page(struct query *q, const struct store_certificate_find *in)
{
	query_bytes(q, in->after);
	query_u64(q, page_limit(in->limit, STORE_PAGE_MAX) + 1);
	query_u64(q, in->without_data ? 0 : in->held ? 2 : 1);
}

OP_READ_FN(certificate_find)
{
	const struct store_certificate_find *in = request;
	struct query q;
	int rc;

	if (in->by < STORE_BY_FINGERPRINT || in->by > STORE_BY_NAME)
		return error_set(e, ERR_SYNTAX, "certificates are not found that way");
	q = query_begin(rx->db, finders[in->by]);
	bind_page(&q, in);
	rc = bind_value(&q, rx->arena, in, e);
	if (rc == 0 && (in->by == STORE_BY_ADDRESS || in->by == STORE_BY_TEXT))
		query_u64(&q, in->held);
	if (rc == 0)
		return gather(rx, &q, in, reply, e);
	query_end(&q);
	return rc;
}

/* ---- by name ---- */

static size_t
character_len(uint8_t first)
{
	return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void
put_quoted(struct buf *out, struct slice s)
{
	(void)buf_put_str(out, out->len > 0 ? " AND \"" : "\"");
	for (size_t i = 0; i < s.len; i++)
		(void)buf_put_str(out, s.data[i] == '"' ? "\"\"" : (const char[]){ (char)s.data[i], '\0' });
	(void)buf_put_str(out, "\"");
}

/* What FTS5's trigram tokenizer made of a text that has this in it: each three characters, quoted, all of them. */
static void
put_trigrams(struct buf *out, struct slice text)
{
	for (size_t at = 0, n = 0; at < text.len && n < TRIGRAMS_MAX; n++, at += character_len(text.data[at])) {
		size_t end = at, characters = 0;

		for (; characters < 3 && end < text.len; characters++)
			end += character_len(text.data[end]);
		if (characters < 3 || end > text.len)
			break;
		put_quoted(out, slice_sub(text, at, end - at));
	}
}

OP_READ_FN(certificate_names)
{
	const struct store_certificate_find *in = request;
	struct slice text = fold_ascii(rx->arena, in->value);
	struct buf expression BUF_OWNED = { 0 };
	struct query q;

	buf_init(&expression, 64 * TRIGRAMS_MAX);
	put_trigrams(&expression, text);
	if (expression.len == 0 || expression.err != 0)
		return error_set(e, ERR_SYNTAX, "a text to look for has three characters or more");
	q = query_begin(rx->db,
	    FIND("c.certificate IN (SELECT n.rowid / 256 FROM certificate_names n, certificate_users u"
		 " WHERE certificate_names MATCH CAST(?5 AS TEXT) AND u.certificate = n.rowid / 256"
		 " AND u.position = n.rowid % 256 AND u.state = 2 AND instr(u.text_key, ?4) > 0)"));
	bind_page(&q, in);
	query_bytes(&q, text);
	query_bytes(&q, buf_slice(&expression));
	return gather(rx, &q, in, reply, e);
}

/* ---- buckets ---- */

/* What of a certificate is served, but only one address's user IDs, or none. */
static int
cut_others(struct rx *rx, uint64_t certificate, struct slice held, struct slice address_key, struct slice *out,
    struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT place, length, state = 2 AND address_key = ?2 FROM certificate_users WHERE certificate = ?1"
	    " ORDER BY position");
	uint8_t *to = arena_alloc(rx->arena, held.len + 1);
	size_t at = 0, len = 0;
	int rc = to == NULL ? error_nomem(e) : 1;

	query_u64(&q, certificate);
	query_bytes(&q, address_key);
	while (rc == 1 && (rc = query_step(&q, e)) == 1) {
		size_t place = query_col_u32(&q, 0), length = query_col_u32(&q, 1);

		if (query_col_bool(&q, 2) || length == 0 || place < at || place + length > held.len)
			continue;
		memcpy(to + len, held.data + at, place - at);
		len += place - at;
		at = place + length;
	}
	query_end(&q);
	if (rc < 0)
		return rc;
	memcpy(to + len, held.data + at, held.len - at);
	*out = slice_of(to, len + held.len - at);
	return 0;
}

#define BUCKET_COLUMNS "c.fingerprint, c.version, c.certificate, coalesce(c.held, c.data)"

static const char bucket_by_address[] =
    "SELECT u.address_name, " BUCKET_COLUMNS ", u.address, u.address_key FROM certificate_users u"
    " CROSS JOIN certificates c ON c.certificate = u.certificate"
    " WHERE u.state = 2 AND u.address_name != x'' AND u.address_name >= ?1 AND (?2 = x'' OR u.address_name < ?2)"
    " AND (?3 = x'' OR u.address_name > ?1 OR c.fingerprint > ?3) AND (?4 = 0 OR c.version = ?4)"
    " ORDER BY u.address_name, c.fingerprint LIMIT ?5";

static const char bucket_by_fingerprint[] =
    "SELECT c.fingerprint, " BUCKET_COLUMNS ", x'', x'' FROM certificates c"
    " WHERE c.fingerprint >= ?1 AND (?2 = x'' OR c.fingerprint < ?2) AND (?3 = x'' OR c.fingerprint > ?3)"
    " AND (?4 = 0 OR c.version = ?4) ORDER BY c.fingerprint LIMIT ?5";

OP_READ_FN(certificate_bucket)
{
	const struct store_bucket_find *in = request;
	struct store_bucket *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_bucket_entry) };
	struct query q = query_begin(rx->db, in->by_fingerprint ? bucket_by_fingerprint : bucket_by_address);
	size_t limit = page_limit(in->limit, STORE_BUCKET_MAX), octets = 0;
	struct store_bucket_entry *row;
	int rc;

	query_bytes(&q, in->from);
	query_bytes(&q, in->upto);
	query_bytes(&q, in->after);
	query_u64(&q, in->version);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && octets < REPLY_OCTETS) {
		row = rows_add(&rows);
		if (row == NULL)
			return query_end(&q), error_nomem(e);
		row->name = query_col_bytes(&q, 0, rx->arena);
		row->fingerprint = query_col_bytes(&q, 1, rx->arena);
		row->version = query_col_u32(&q, 2);
		row->address = query_col_bytes(&q, 5, rx->arena);
		rc = cut_others(rx, query_col_u64(&q, 3), query_col_bytes(&q, 4, rx->arena),
		    query_col_bytes(&q, 6, rx->arena), &row->data, e);
		if (rc != 0)
			break;
		octets += row->data.len + 256;
	}
	query_end(&q);
	out->entries = rows.data;
	out->entry_count = rows.count;
	out->more = rc == 1;
	return rc < 0 ? rc : 0;
}

/* ---- days ---- */

OP_READ_FN(directory_changes)
{
	const struct store_directory_day *in = request;
	struct store_directory_changes *out = reply;
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX), count = 0;
	uint8_t *to = arena_alloc(rx->arena, 4 * limit);
	struct query q;
	int rc;

	if (to == NULL)
		return error_nomem(e);
	q = query_begin(
	    rx->db, "SELECT prefix FROM directory_changes WHERE day = ?1 AND prefix > ?2 ORDER BY prefix LIMIT ?3");
	query_u64(&q, in->day);
	query_bytes(&q, in->after);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && count < limit) {
		struct slice prefix = query_col_bytes(&q, 0, rx->arena);

		if (prefix.len == 4)
			memcpy(to + 4 * count++, prefix.data, 4);
	}
	query_end(&q);
	out->prefixes = slice_of(to, 4 * count);
	out->more = rc == 1;
	return rc < 0 ? rc : 0;
}
