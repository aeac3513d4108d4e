/* SPDX-License-Identifier: ISC */
/* Entries: reading them, finding them, and which one counts. */
#include <string.h>

#include "base/mem.h"
#include "trust/store_internal.h"

/* ---- one entry ---- */

/* Each ends with a line feed. */
static size_t
split_addresses(struct slice joined, struct slice *out)
{
	size_t n = 0, end;

	while (n < TRUST_ADDRESSES_MAX && (end = slice_find(joined, '\n')) != SIZE_MAX) {
		out[n++] = slice_sub(joined, 0, end);
		joined = slice_from(joined, end + 1);
	}
	return n;
}

void
trust_entry_peek(struct query *q, struct slice addresses[TRUST_ADDRESSES_MAX], struct trust_entry *out)
{
	*out = (struct trust_entry){ .id = query_col_u64(q, 0),
		.fingerprint = trust_fingerprint_of(query_col_peek(q, 1)),
		.version = (uint8_t)query_col_u32(q, 2),
		.origin = (enum trust_origin)query_col_u32(q, 3),
		.from = query_col_peek(q, 4),
		.added = query_col_u64(q, 5),
		.changed = query_col_u64(q, 6),
		.verified = query_col_u64(q, 7),
		.created = query_col_u64(q, 8),
		.expires = query_col_u64(q, 9),
		.can_encrypt = query_col_bool(q, 10),
		.encrypts_until = query_col_u64(q, 11),
		.revoked = (enum trust_revoked)query_col_u32(q, 12),
		.cut_short = query_col_bool(q, 13),
		.user_id = query_col_peek(q, 14),
		.addresses = addresses,
		.address_count = split_addresses(query_col_peek(q, 15), addresses) };
}

int
trust_entry_read(struct query *q, struct arena *a, struct trust_entry *out)
{
	struct slice peeked[TRUST_ADDRESSES_MAX], *addresses;

	trust_entry_peek(q, peeked, out);
	addresses = arena_array(a, out->address_count, sizeof *addresses);
	for (size_t i = 0; addresses != NULL && i < out->address_count; i++)
		addresses[i] = arena_copy(a, peeked[i]);
	out->addresses = addresses;
	out->from = out->from.len == 0 ? SLICE_EMPTY : arena_copy(a, out->from);
	out->user_id = out->user_id.len == 0 ? SLICE_EMPTY : arena_copy(a, out->user_id);
	return a->err;
}

const char *
trust_entry_dead(const struct trust_entry *entry, uint64_t now)
{
	if (entry->revoked == TRUST_REVOKED_HARD)
		return "it is revoked";
	if (entry->revoked == TRUST_REVOKED_SOFT)
		return "its owner does not use it any more (it is revoked)";
	if (entry->expires != 0 && entry->expires <= now)
		return "it has expired";
	if (now != 0 && entry->created > now)
		return "it was made in the future: is a clock wrong?";
	return NULL;
}

static void
fail(const struct trust_store *s, const struct error *e)
{
	if (s->live->failed.code == 0 && e->code != 0)
		s->live->failed = *e;
}

int
trust_store_failed(const struct trust_store *s, struct error *e)
{
	struct error was = s->live->failed;

	s->live->failed = (struct error){ 0 };
	if (was.code != 0 && e != NULL)
		*e = was;
	return was.code;
}

/* ---- entries that were given out ---- */

void
trust_known_clear(struct trust_live *live)
{
	if (live->known_count > 0)
		memset(live->known, 0, live->known_room * sizeof *live->known);
	live->known_count = 0;
	live->last_number = 0;
	live->last_id = 0;
}

/* Other processes write, too: what was given out before that stays, and is not given out again. */
static void
look_at_generation(const struct trust_store *s)
{
	struct error e = { 0 };
	uint64_t generation;

	if (db_number(&s->live->db, "PRAGMA data_version", &generation, &e) != 0) {
		fail(s, &e);
		return;
	}
	if (generation != s->live->generation)
		trust_known_clear(s->live);
	s->live->generation = generation;
}

/* Open addressing; the place of it, or an empty one. */
static struct trust_known *
known_place(struct trust_known *table, size_t room, uint64_t id, struct slice address)
{
	uint64_t h = id * 0x9e3779b97f4a7c15ull;
	size_t at;

	for (size_t i = 0; i < address.len; i++)
		h = (h ^ address.data[i]) * 0x100000001b3ull;
	at = (size_t)(h >> 20) & (room - 1);
	while (table[at].entry != NULL && (table[at].id != id || !slice_eq(table[at].address, address)))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static const struct trust_entry *
known(const struct trust_live *live, uint64_t id, struct slice address)
{
	return live->known_room == 0 ? NULL : known_place(live->known, live->known_room, id, address)->entry;
}

static int
grow_known(struct trust_live *live)
{
	size_t room = live->known_room == 0 ? 64 : 2 * live->known_room;
	struct trust_known *more = mem_array(room, sizeof *more);

	if (more == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < live->known_room; i++) {
		const struct trust_known *k = &live->known[i];

		if (k->entry != NULL)
			*known_place(more, room, k->id, k->address) = *k;
	}
	mem_free(live->known);
	live->known = more;
	live->known_room = room;
	return 0;
}

static int
remember(struct trust_live *live, uint64_t id, struct slice address, const struct trust_entry *entry)
{
	struct slice kept = address.len == 0 ? SLICE_EMPTY : arena_copy(&live->arena, address);

	if (live->arena.err != 0 || (2 * live->known_count >= live->known_room && grow_known(live) != 0))
		return live->arena.err != 0 ? live->arena.err : ERR_NOMEM;
	*known_place(live->known, live->known_room, id, kept) = (struct trust_known){ id, kept, entry };
	live->known_count++;
	return 0;
}

/* The best that is known for this address: its own evidence, and that of the whole certificate. */
static int
judge_for(const struct trust_store *s, struct slice address, struct trust_entry *entry, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "SELECT origin, source FROM evidence WHERE id = ?1 AND (address = ?2 OR address = x'')"
	    " AND origin NOT IN (100, 110) ORDER BY origin DESC, first LIMIT 1");
	int rc;

	query_u64(&q, entry->id);
	query_bytes(&q, address);
	rc = query_step(&q, e);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		entry->origin = (enum trust_origin)query_col_u32(&q, 0);
		entry->from = query_col_bytes(&q, 1, &s->live->arena);
		query_end(&q);
	} else if (entry->origin > TRUST_KEYSERVER) {
		entry->origin = TRUST_KEYSERVER; /* whoever gave it was asked about somebody else */
	}
	return s->live->arena.err;
}

/* Of the row that q stands on. address: folded, or empty. NULL: failed. */
static const struct trust_entry *
give(const struct trust_store *s, struct query *q, struct slice address)
{
	struct trust_live *live = s->live;
	struct error e = { 0 };
	uint64_t id = query_col_u64(q, 0);
	const struct trust_entry *there = known(live, id, address);
	struct trust_entry *entry;
	int rc;

	if (there != NULL)
		return there;
	entry = arena_alloc(&live->arena, sizeof *entry);
	rc = entry == NULL ? live->arena.err : trust_entry_read(q, &live->arena, entry);
	if (rc == 0 && address.len > 0)
		rc = judge_for(s, address, entry, &e);
	if (rc == 0)
		rc = remember(live, id, address, entry);
	if (rc == 0)
		return entry;
	if (e.code == 0)
		(void)error_set(&e, rc, "too many certificates are looked at at once");
	fail(s, &e);
	return NULL;
}

/* All rows of q; ends it. */
static size_t
give_all(const struct trust_store *s, struct query *q, struct slice address, const struct trust_entry **out, size_t max)
{
	struct error e = { 0 };
	size_t n = 0;
	int rc;

	while ((rc = query_step(q, &e)) == 1) {
		const struct trust_entry *entry = n < max ? give(s, q, address) : NULL;

		if (entry == NULL) {
			query_end(q);
			break;
		}
		out[n++] = entry;
	}
	if (rc < 0)
		fail(s, &e);
	return n;
}

/* ---- finding ---- */

size_t
trust_store_count(const struct trust_store *s)
{
	struct error e = { 0 };
	uint64_t n = 0;

	if (db_number(&s->live->db, "SELECT count(*) FROM certificates", &n, &e) != 0)
		fail(s, &e);
	return (size_t)n;
}

const struct trust_entry *
trust_store_at(const struct trust_store *s, size_t n)
{
	struct trust_live *live = s->live;
	const struct trust_entry *entry = NULL;
	size_t skip = n;
	uint64_t from = 0;
	struct query q;

	look_at_generation(s);
	/* One after the other costs one step each. */
	if (live->last_id != 0 && n > live->last_number) {
		skip = n - live->last_number - 1;
		from = live->last_id;
	}
	q = query_begin(
	    &live->db, "SELECT " TRUST_COLUMNS " FROM certificates c WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2");
	query_u64(&q, from);
	query_u64(&q, skip);
	if (give_all(s, &q, SLICE_EMPTY, &entry, 1) == 0)
		return NULL;
	live->last_number = n;
	live->last_id = entry->id;
	return entry;
}

const struct trust_entry *
trust_store_find(const struct trust_store *s, const struct pgp_fingerprint *f)
{
	const struct trust_entry *entry = NULL;
	struct query q;

	look_at_generation(s);
	q = query_begin(&s->live->db, "SELECT " TRUST_COLUMNS " FROM certificates c WHERE fingerprint = ?1");
	query_bytes(&q, trust_fingerprint_slice(f));
	return give_all(s, &q, SLICE_EMPTY, &entry, 1) == 1 ? entry : NULL;
}

size_t
trust_store_find_key(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t key_id,
    const struct trust_entry **out, size_t max)
{
	struct query q;

	look_at_generation(s);
	q = query_begin(&s->live->db,
	    "SELECT " TRUST_COLUMNS " FROM certificates c WHERE id IN (SELECT id FROM keys WHERE key_id = ?1 AND"
	    " (?2 = x'' OR fingerprint = ?2)) ORDER BY id");
	query_u64(&q, f != NULL ? pgp_fingerprint_key_id(f) : key_id);
	query_bytes(&q, f != NULL ? trust_fingerprint_slice(f) : SLICE_EMPTY);
	return give_all(s, &q, SLICE_EMPTY, out, max);
}

size_t
trust_store_find_primary(const struct trust_store *s, uint64_t key_id, const struct trust_entry **out, size_t max)
{
	struct query q;

	look_at_generation(s);
	q = query_begin(&s->live->db, "SELECT " TRUST_COLUMNS " FROM certificates c WHERE key_id = ?1 ORDER BY id");
	query_u64(&q, key_id);
	return give_all(s, &q, SLICE_EMPTY, out, max);
}

/* ---- which one counts ---- */

/* What the person said counts most. Import and directory are equal, so that neither takes the place of the other. */
enum strength { SEEN, BELIEVED, CHECKED, OURS };

static enum strength
strength(const struct trust_entry *entry)
{
	if (entry->origin == TRUST_OWN)
		return OURS;
	if (entry->verified != 0)
		return CHECKED;
	return entry->origin >= TRUST_IMPORTED ? BELIEVED : SEEN;
}

/* 2: alive and encrypts, 1: alive, 0: dead. */
static unsigned
use(const struct trust_entry *entry, uint64_t now)
{
	if (trust_entry_dead(entry, now) != NULL)
		return 0;
	return entry->can_encrypt && (entry->encrypts_until == 0 || entry->encrypts_until > now) ? 2 : 1;
}

static bool
comes_before(const struct trust_entry *a, const struct trust_entry *b, uint64_t now)
{
	if (strength(a) != strength(b))
		return strength(a) > strength(b);
	if (use(a, now) != use(b, now))
		return use(a, now) > use(b, now);
	return a->added != b->added ? a->added < b->added : a->id < b->id;
}

size_t
trust_store_find_address(const struct trust_store *s, struct slice address, const struct trust_entry **out, size_t max)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct query q;
	size_t n;

	if (trust_address_fold(address, &folded) != 0 || folded.len == 0)
		return 0;
	look_at_generation(s);
	/* The first ones when there are more than are wanted: a flood of new ones does not push the old ones out. */
	q = query_begin(&s->live->db,
	    "SELECT " TRUST_COLUMNS " FROM addresses a CROSS JOIN certificates c ON c.id = a.id WHERE a.address = ?1"
	    " ORDER BY c.origin = 120 DESC, c.verified > 0 DESC, c.origin >= 60 DESC, c.id");
	query_bytes(&q, buf_slice(&folded));
	n = give_all(s, &q, buf_slice(&folded), out, max);
	for (size_t i = 1; i < n; i++) {
		const struct trust_entry *entry = out[i];
		size_t at = i;

		for (; at > 0 && comes_before(entry, out[at - 1], s->live->now); at--)
			out[at] = out[at - 1];
		out[at] = entry;
	}
	return n;
}

static bool
is_rival(const struct trust_entry *first, const struct trust_entry *other, uint64_t now)
{
	if (use(other, now) == 0)
		return false;
	return strength(first) < CHECKED || strength(other) == strength(first) || other->added > first->added;
}

void
trust_choose(const struct trust_store *s, struct slice address, struct trust_choice *out)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	size_t n = trust_store_find_address(s, address, found, TRUST_CANDIDATES_MAX);
	uint64_t now = s->live->now;

	*out = (struct trust_choice){ .entry = n == 0 ? NULL : found[0] };
	for (size_t i = 1; i < n; i++) {
		if (is_rival(found[0], found[i], now) && (out->rival == NULL || found[i]->added > out->rival->added))
			out->rival = found[i];
		if (use(found[0], now) > 0 && use(found[i], now) == 0 && strength(found[i]) == strength(found[0]) &&
		    found[i]->added <= found[0]->added && out->dead == NULL)
			out->dead = found[i];
	}
}

const struct trust_entry *
trust_store_choose(const struct trust_store *s, struct slice address, const struct trust_entry **rival_out)
{
	struct trust_choice choice;

	trust_choose(s, address, &choice);
	if (rival_out != NULL)
		*rival_out = choice.rival;
	return choice.entry;
}

/* ---- the certificate itself ---- */

int
trust_store_load(const struct trust_store *s, const struct pgp_fingerprint *f, struct pgp_cert **out, struct error *e)
{
	struct query q = query_begin(
	    &s->live->db, "SELECT data FROM bodies WHERE id = (SELECT id FROM certificates WHERE fingerprint = ?1)");
	int rc;

	query_bytes(&q, trust_fingerprint_slice(f));
	rc = query_step(&q, e);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return trust_not_there(e);
	rc = pgp_cert_parse(query_col_peek(&q, 0), out, NULL, e);
	query_end(&q);
	return rc;
}
