/* SPDX-License-Identifier: ISC */
#include "trust/evidence.h"

#include "trust/store_internal.h"

/* ---- evidence ---- */

static int
note_row(struct trust_store *s, uint64_t id, const struct trust_evidence *seen, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "INSERT INTO evidence (id, origin, address, source, first, last, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	    " ON CONFLICT DO UPDATE SET first = min(first, ?5), last = max(last, ?6), count = count + ?7");

	query_u64(&q, id);
	query_u64(&q, (uint64_t)seen->origin);
	query_bytes(&q, seen->address);
	query_bytes(&q, slice_sub(seen->from, 0, TRUST_FROM_MAX));
	query_u64(&q, seen->first);
	query_u64(&q, seen->last);
	query_u64(&q, seen->count == 0 ? 1 : seen->count);
	return query_run(&q, e);
}

/* The weakest go first, of these the oldest. */
static int
thin_rows(struct trust_store *s, uint64_t id, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "DELETE FROM evidence WHERE id = ?1 AND (origin, address, source) IN (SELECT origin, address, source"
	    " FROM evidence WHERE id = ?1 ORDER BY origin DESC, last DESC LIMIT -1 OFFSET ?2)");

	query_u64(&q, id);
	query_u64(&q, TRUST_EVIDENCE_MAX);
	return query_run(&q, e);
}

/* What the entry says of it: the strongest, and when it was compared. */
static int
sum_up(struct trust_store *s, uint64_t id, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "UPDATE certificates SET (origin, source) = (SELECT origin, source FROM evidence WHERE id = ?1"
	    " AND origin NOT IN (100, 110) ORDER BY origin DESC, first LIMIT 1) WHERE id = ?1"
	    " AND EXISTS (SELECT 1 FROM evidence WHERE id = ?1 AND origin NOT IN (100, 110))");
	int rc;

	query_u64(&q, id);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db,
	    "UPDATE certificates SET verified = coalesce((SELECT max(last) FROM evidence WHERE id = ?1 AND origin = 110"
	    " AND address = x''), 0) WHERE id = ?1");
	query_u64(&q, id);
	return query_run(&q, e);
}

int
trust_evidence_note(struct trust_store *s, uint64_t id, const struct trust_evidence *seen, struct error *e)
{
	int rc = note_row(s, id, seen, e);

	if (rc == 0)
		rc = thin_rows(s, id, e);
	return rc == 0 ? sum_up(s, id, e) : rc;
}

static int
note_verified(struct trust_store *s, uint64_t id, const struct pgp_fingerprint *f, enum trust_event event,
    uint64_t when, struct error *e)
{
	const struct trust_history h = { .event = event, .when = when, .by = TRUST_VERIFIED };

	return trust_history_note_all(s, id, f, &h, e);
}

static int
fold_into(struct slice address, struct buf *folded, struct error *e)
{
	if (address.len > 0 && trust_address_fold(address, folded) != 0)
		return error_set(e, ERR_USAGE, "the address is too long");
	return 0;
}

int
trust_evidence_add(
    struct trust_store *s, const struct pgp_fingerprint *f, const struct trust_evidence *seen, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	const struct pgp_fingerprint own = *f;
	struct trust_evidence row = *seen;
	uint64_t id;
	int rc = fold_into(seen->address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	row.address = buf_slice(&folded);
	rc = trust_id_of(s, &own, &id, e);
	if (rc == 0)
		rc = trust_evidence_note(s, id, &row, e);
	if (rc == 0 && row.origin == TRUST_VERIFIED && row.address.len == 0)
		rc = note_verified(s, id, &own, TRUST_EVENT_VERIFIED, row.last, e);
	return trust_change_end(s, rc, e);
}

static int
remove_rows(struct trust_store *s, uint64_t id, enum trust_origin origin, struct slice address, struct error *e)
{
	struct query q = query_begin(
	    &s->live->db, "DELETE FROM evidence WHERE id = ?1 AND origin = ?2 AND (?3 = x'' OR address = ?3)");

	query_u64(&q, id);
	query_u64(&q, (uint64_t)origin);
	query_bytes(&q, address);
	return query_run(&q, e);
}

int
trust_evidence_remove(struct trust_store *s, const struct pgp_fingerprint *f, enum trust_origin origin,
    struct slice address, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	const struct pgp_fingerprint own = *f;
	bool had = false;
	uint64_t id;
	int rc = fold_into(address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	rc = trust_id_of(s, &own, &id, e);
	if (rc == 0)
		rc = remove_rows(s, id, origin, buf_slice(&folded), e);
	if (rc == 0) {
		had = db_changes(&s->live->db) > 0;
		rc = sum_up(s, id, e);
	}
	if (rc == 0 && had && origin == TRUST_VERIFIED)
		rc = note_verified(s, id, &own, TRUST_EVENT_UNVERIFIED, s->live->now, e);
	return trust_change_end(s, rc, e);
}

static int
read_evidence(struct query *q, struct arena *a, struct trust_evidence *out, size_t *n, struct error *e)
{
	int rc;

	while ((rc = query_step(q, e)) == 1 && *n < TRUST_EVIDENCE_MAX)
		out[(*n)++] = (struct trust_evidence){ .origin = (enum trust_origin)query_col_u32(q, 0),
			.address = query_col_bytes(q, 1, a),
			.from = query_col_bytes(q, 2, a),
			.first = query_col_u64(q, 3),
			.last = query_col_u64(q, 4),
			.count = query_col_u32(q, 5) };
	query_end(q);
	return rc < 0 ? rc : a->err == 0 ? 0 : error_set(e, a->err, "too much evidence");
}

int
trust_evidence_list(const struct trust_store *s, const struct pgp_fingerprint *f, struct arena *a,
    struct trust_evidence **out, size_t *count_out, struct error *e)
{
	struct trust_evidence *rows = arena_array(a, TRUST_EVIDENCE_MAX, sizeof *rows);
	struct query q;
	size_t n = 0;
	int rc;

	if (rows == NULL)
		return error_nomem(e);
	q = query_begin(&s->live->db,
	    "SELECT origin, address, source, first, last, count FROM evidence"
	    " WHERE id = (SELECT id FROM certificates WHERE fingerprint = ?1) ORDER BY origin DESC, first");
	query_bytes(&q, trust_fingerprint_slice(f));
	rc = read_evidence(&q, a, rows, &n, e);
	if (rc != 0)
		return rc;
	*out = rows;
	*count_out = n;
	return 0;
}

/* ---- history ---- */

const char *
trust_event_name(enum trust_event event)
{
	static const char *const names[TRUST_EVENTS] = { [TRUST_EVENT_SEEN] = "seen",
		[TRUST_EVENT_USED] = "used",
		[TRUST_EVENT_VERIFIED] = "verified",
		[TRUST_EVENT_UNVERIFIED] = "unverified",
		[TRUST_EVENT_REVOKED] = "revoked",
		[TRUST_EVENT_REMOVED] = "removed" };

	return (unsigned)event < TRUST_EVENTS ? names[event] : "unknown";
}

/* Of certificates that one has seen once the oldest go first; what the person did stays longest. */
static int
thin_history(struct trust_store *s, struct slice address, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "DELETE FROM history WHERE address = ?1 AND (fingerprint, event) IN (SELECT fingerprint, event FROM history"
	    " WHERE address = ?1 ORDER BY event = 0, last DESC LIMIT -1 OFFSET ?2)");

	query_bytes(&q, address);
	query_u64(&q, TRUST_HISTORY_MAX);
	return query_run(&q, e);
}

int
trust_history_note(struct trust_store *s, struct slice address, const struct pgp_fingerprint *f,
    const struct trust_history *h, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "INSERT INTO history (address, fingerprint, event, first, last, count, origin)"
	    " VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5)"
	    " ON CONFLICT DO UPDATE SET first = min(first, ?4), last = max(last, ?4), count = count + 1");
	int rc;

	query_bytes(&q, address);
	query_bytes(&q, trust_fingerprint_slice(f));
	query_u64(&q, (uint64_t)h->event);
	query_u64(&q, h->when);
	query_u64(&q, (uint64_t)h->by);
	rc = query_run(&q, e);
	return rc == 0 ? thin_history(s, address, e) : rc;
}

static int
addresses_of(struct trust_store *s, uint64_t id, struct arena *a, struct slice *out, size_t *n, struct error *e)
{
	struct query q = query_begin(&s->live->db, "SELECT address FROM addresses WHERE id = ?1");
	int rc;

	query_u64(&q, id);
	while ((rc = query_step(&q, e)) == 1 && *n < TRUST_ADDRESSES_MAX)
		out[(*n)++] = query_col_bytes(&q, 0, a);
	query_end(&q);
	return rc < 0 ? rc : a->err;
}

int
trust_history_note_all(
    struct trust_store *s, uint64_t id, const struct pgp_fingerprint *f, const struct trust_history *h, struct error *e)
{
	ARENA_OWNED struct arena a = { .budget = 2 * TRUST_ADDRESSES_MAX * TRUST_ADDRESS_MAX };
	struct slice addresses[TRUST_ADDRESSES_MAX];
	size_t n = 0;
	int rc = addresses_of(s, id, &a, addresses, &n, e);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = trust_history_note(s, addresses[i], f, h, e);
	return rc;
}

int
trust_history_add(struct trust_store *s, struct slice address, const struct pgp_fingerprint *f, enum trust_event event,
    uint64_t when, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	const struct trust_history h = { .event = event, .when = when };
	const struct pgp_fingerprint own = *f;
	int rc = fold_into(address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	rc = trust_history_note(s, buf_slice(&folded), &own, &h, e);
	return trust_change_end(s, rc, e);
}

int
trust_history_list(const struct trust_store *s, struct slice address, struct arena *a, struct trust_history **out,
    size_t *count_out, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct trust_history *rows = arena_array(a, TRUST_HISTORY_MAX, sizeof *rows);
	struct query q;
	size_t n = 0;
	int rc = rows == NULL ? error_nomem(e) : fold_into(address, &folded, e);

	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db,
	    "SELECT event, fingerprint, last, first, count, origin FROM history WHERE address = ?1"
	    " ORDER BY first, last, event");
	query_bytes(&q, buf_slice(&folded));
	while ((rc = query_step(&q, e)) == 1 && n < TRUST_HISTORY_MAX)
		rows[n++] = (struct trust_history){ .event = (enum trust_event)query_col_u32(&q, 0),
			.fingerprint = trust_fingerprint_of(query_col_peek(&q, 1)),
			.when = query_col_u64(&q, 2),
			.first = query_col_u64(&q, 3),
			.count = query_col_u32(&q, 4),
			.by = (enum trust_origin)query_col_u32(&q, 5) };
	query_end(&q);
	if (rc < 0)
		return rc;
	*out = rows;
	*count_out = n;
	return 0;
}
