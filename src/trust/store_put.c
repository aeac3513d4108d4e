/* SPDX-License-Identifier: ISC */
/* A certificate comes: thinned out, merged with what is there, and written with what can be said of it. */
#include <string.h>

#include "base/utf8.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"
#include "trust/cut.h"
#include "trust/store_internal.h"

#define ARENA_BUDGET (1u << 20)
#define USER_ID_MAX 512u /* octets of the primary one that are kept beside the certificate */

/* What is written beside a certificate's octets. */
struct summary {
	struct trust_entry entry;
	struct slice addresses[TRUST_ADDRESSES_MAX];
	size_t address_count;
	struct pgp_fingerprint keys[TRUST_KEYS_MAX];
	size_t key_count;
	struct buf joined, text;
	struct arena arena;
};

/* ---- thinning out ---- */

static bool
is_known(void *ctx, uint64_t key_id)
{
	const struct trust_store *s = ctx;
	struct query q = query_begin(&s->live->db, "SELECT 1 FROM certificates WHERE key_id = ?1 LIMIT 1");
	bool is;

	query_u64(&q, key_id);
	is = query_step(&q, NULL) == 1;
	if (is)
		query_end(&q);
	return is;
}

/* The public certificate, with self-signatures where they belong. */
static int
arriving(struct trust_store *s, const struct pgp_cert *c, struct pgp_cert **out, bool *cut, struct error *e)
{
	BUF_OWNED struct buf public = { .max = PGP_CERT_MAX }, bytes = { .max = TRUST_CERT_MAX },
			     repaired = { .max = TRUST_CERT_MAX };
	struct pgp_cert *bare = NULL, *thin = NULL;
	bool moved;
	int rc = 0;

	if (c->secret) {
		rc = pgp_cert_write_public(c, &public);
		if (rc == 0)
			rc = pgp_cert_parse(buf_slice(&public), &bare, NULL, e);
	}
	if (rc == 0)
		rc = trust_cut(bare != NULL ? bare : c, is_known, s, &bytes, cut, e);
	pgp_cert_free(bare);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &thin, NULL, e);
	if (rc == 0)
		rc = pgp_cert_repair(thin, &repaired, &moved, e);
	pgp_cert_free(thin);
	return rc == 0 ? pgp_cert_parse(buf_slice(&repaired), out, NULL, e) : rc;
}

/* What was there comes first, so that thinning out again leaves it. */
static int
merge(struct trust_store *s, const struct pgp_cert *old, const struct pgp_cert *new, struct pgp_cert **out,
    bool *changed, bool *cut, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = 2 * TRUST_CERT_MAX }, thin = { .max = TRUST_CERT_MAX };
	struct pgp_cert *both = NULL;
	bool cut_here = false;
	int rc = pgp_merge(old, new, &bytes, changed, e);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &both, NULL, e);
	if (rc == 0)
		rc = trust_cut(both, is_known, s, &thin, &cut_here, e);
	pgp_cert_free(both);
	*cut = *cut || cut_here;
	/* When all that is new was cut away, nothing changed: a flood is not written again each time that it comes. */
	if (rc == 0 && cut_here && slice_eq(buf_slice(&thin), old->raw))
		*changed = false;
	return rc == 0 ? pgp_cert_parse(buf_slice(&thin), out, NULL, e) : rc;
}

/* ---- what can be said of it ---- */

static void
put_text(struct buf *text, struct slice more)
{
	(void)utf8_fold(text, slice_sub(more, 0, size_min(more.len, text->max - text->len)));
	if (text->len < text->max)
		(void)buf_put_u8(text, '\n');
}

static bool
has_address(const struct summary *m, struct slice folded)
{
	for (size_t i = 0; i < m->address_count; i++) {
		if (slice_eq(m->addresses[i], folded))
			return true;
	}
	return false;
}

static bool
had_address(const struct trust_entry *old, struct slice folded)
{
	for (size_t i = 0; old != NULL && i < old->address_count; i++) {
		if (slice_eq(old->addresses[i], folded))
			return true;
	}
	return false;
}

/*
 * A user ID that is validly bound; and one whose self-signature has only run
 * out, where it was good before: it has to be found, so that the person is told
 * why it cannot be used.
 */
static void
add_user(struct summary *m, const struct pgp_component_judgement *j, const struct trust_entry *old)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct slice address;

	if (j->component->kind != PGP_COMPONENT_USER_ID)
		return;
	if (j->standing != PGP_STANDING_GOOD && j->standing != PGP_STANDING_EXPIRED)
		return;
	address = pgp_user_id_address(j->component->packet.body);
	if (address.len > 0 && trust_address_fold(address, &folded) != 0)
		return;
	if (j->standing == PGP_STANDING_EXPIRED && !had_address(old, buf_slice(&folded)))
		return;
	put_text(&m->text, j->component->packet.body);
	if (address.len == 0 || m->address_count == TRUST_ADDRESSES_MAX || has_address(m, buf_slice(&folded)) ||
	    slice_find(buf_slice(&folded), '\n') != SIZE_MAX)
		return;
	m->addresses[m->address_count++] = arena_copy(&m->arena, buf_slice(&folded));
	(void)buf_put_slice(&m->joined, buf_slice(&folded));
	(void)buf_put_u8(&m->joined, '\n');
}

static void
add_encryption(struct summary *m, const struct pgp_cert_judgement *j, const struct pgp_policy *policy)
{
	const struct pgp_key *keys[TRUST_KEYS_MAX];
	size_t n = pgp_judged_keys_for(j, policy, PGP_FLAG_ENCRYPT, keys, TRUST_KEYS_MAX, NULL);

	m->entry.can_encrypt = n > 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t until = pgp_judged_key(j, keys[i])->expires;

		if (i == 0 || until == 0 || (m->entry.encrypts_until != 0 && until > m->entry.encrypts_until))
			m->entry.encrypts_until = until;
		if (until == 0)
			return;
	}
}

static void
add_standing(struct summary *m, const struct pgp_cert_judgement *j)
{
	struct trust_entry *entry = &m->entry;

	if (j->standing == PGP_STANDING_REVOKED_HARD)
		entry->revoked = TRUST_REVOKED_HARD;
	else if (j->standing == PGP_STANDING_REVOKED_SOFT)
		entry->revoked = TRUST_REVOKED_SOFT;
	entry->version = j->cert->primary->version;
	entry->created = j->cert->primary->created;
	entry->expires = j->components[0].expires;
	entry->cut_short = entry->cut_short || j->cut_short;
	if (j->primary_user_id != SIZE_MAX)
		entry->user_id = slice_sub(j->components[j->primary_user_id].component->packet.body, 0, USER_ID_MAX);
}

/* Primary and subkeys, whatever they are good for: a signature names one of them. */
static void
add_keys(struct summary *m, const struct pgp_cert *c)
{
	const struct pgp_key *key;

	for (size_t i = 0; (key = pgp_cert_key(c, i)) != NULL && m->key_count < TRUST_KEYS_MAX; i++) {
		if (key->fingerprint.len == 20 || key->fingerprint.len == 32)
			m->keys[m->key_count++] = key->fingerprint;
	}
}

static int
summarise(struct summary *m, const struct pgp_cert *c, const struct pgp_policy *policy, const struct trust_entry *old,
    struct error *e)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(c, policy, policy->now, &j, e);

	if (rc != 0)
		return rc;
	add_standing(m, &j);
	for (size_t i = 0; i < j.count; i++)
		add_user(m, &j.components[i], old);
	add_encryption(m, &j, policy);
	add_keys(m, c);
	pgp_cert_judgement_done(&j);
	(void)pgp_fingerprint_write(&c->primary->fingerprint, &hex);
	put_text(&m->text, buf_slice(&hex));
	if (m->arena.err != 0 || m->joined.err == ERR_NOMEM || m->text.err == ERR_NOMEM)
		return error_nomem(e);
	return 0;
}

/* ---- rows ---- */

static int
write_certificate(struct trust_store *s, const struct summary *m, bool new, uint64_t *id_out, struct error *e)
{
	const struct trust_entry *entry = &m->entry;
	struct query q = new
	    ? query_begin(&s->live->db,
		  "INSERT INTO certificates (fingerprint, key_id, version, created, expires, encrypts, encrypts_until,"
		  " revoked, cut, user_id, addresses, text, changed, added, origin, source, verified)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, 0, x'', 0)")
	    : query_begin(&s->live->db,
		  "UPDATE certificates SET key_id = ?2, version = ?3, created = ?4, expires = ?5, encrypts = ?6,"
		  " encrypts_until = ?7, revoked = ?8, cut = ?9, user_id = ?10, addresses = ?11, text = ?12,"
		  " changed = ?13, edition = edition + 1 WHERE fingerprint = ?1");
	int rc;

	query_bytes(&q, trust_fingerprint_slice(&entry->fingerprint));
	query_u64(&q, pgp_fingerprint_key_id(&entry->fingerprint));
	query_u64(&q, entry->version);
	query_u64(&q, entry->created);
	query_u64(&q, entry->expires);
	query_u64(&q, entry->can_encrypt);
	query_u64(&q, entry->encrypts_until);
	query_u64(&q, (uint64_t)entry->revoked);
	query_u64(&q, entry->cut_short);
	query_bytes(&q, entry->user_id);
	query_bytes(&q, buf_slice(&m->joined));
	query_bytes(&q, buf_slice(&m->text));
	query_u64(&q, entry->changed);
	rc = query_run(&q, e);
	if (rc == 0 && new)
		*id_out = db_last_rowid(&s->live->db);
	return rc;
}

static int
delete_of(struct trust_store *s, const char *literal, uint64_t id, struct error *e)
{
	struct query q = query_begin(&s->live->db, literal);

	query_u64(&q, id);
	return query_run(&q, e);
}

static int
write_body(struct trust_store *s, uint64_t id, struct slice bytes, struct error *e)
{
	struct query q = query_begin(&s->live->db, "INSERT OR REPLACE INTO bodies (id, data) VALUES (?1, ?2)");

	query_u64(&q, id);
	query_bytes(&q, bytes);
	return query_run(&q, e);
}

static int
write_keys(struct trust_store *s, uint64_t id, const struct summary *m, struct error *e)
{
	int rc = delete_of(s, "DELETE FROM keys WHERE id = ?1", id, e);

	for (size_t i = 0; i < m->key_count && rc == 0; i++) {
		struct query q = query_begin(
		    &s->live->db, "INSERT OR IGNORE INTO keys (key_id, id, fingerprint) VALUES (?1, ?2, ?3)");

		query_u64(&q, pgp_fingerprint_key_id(&m->keys[i]));
		query_u64(&q, id);
		query_bytes(&q, trust_fingerprint_slice(&m->keys[i]));
		rc = query_run(&q, e);
	}
	return rc;
}

static int
write_addresses(struct trust_store *s, uint64_t id, const struct summary *m, struct error *e)
{
	int rc = delete_of(s, "DELETE FROM addresses WHERE id = ?1", id, e);

	for (size_t i = 0; i < m->address_count && rc == 0; i++) {
		struct query q =
		    query_begin(&s->live->db, "INSERT OR IGNORE INTO addresses (address, id) VALUES (?1, ?2)");

		query_bytes(&q, m->addresses[i]);
		query_u64(&q, id);
		rc = query_run(&q, e);
	}
	return rc;
}

/* ---- putting ---- */

struct putting {
	struct trust_store *s;
	const struct trust_put *put;
	const struct pgp_cert *new; /* thinned out */
	struct trust_entry old;     /* id 0: there is none */
	struct summary summary;
	uint64_t id;
	bool changed, cut;
};

static int
read_old(struct putting *p, struct error *e)
{
	struct query q =
	    query_begin(&p->s->live->db, "SELECT " TRUST_COLUMNS " FROM certificates c WHERE fingerprint = ?1");
	int rc;

	query_bytes(&q, trust_fingerprint_slice(&p->new->primary->fingerprint));
	rc = query_step(&q, e);
	if (rc <= 0)
		return rc;
	rc = trust_entry_read(&q, &p->summary.arena, &p->old);
	query_end(&q);
	p->id = p->old.id;
	return rc;
}

/* History of what is new: an address, and a revocation. */
static int
note_changes(struct putting *p, struct error *e)
{
	const struct summary *m = &p->summary;
	const struct pgp_fingerprint *f = &m->entry.fingerprint;
	const struct trust_history seen = {
		.event = TRUST_EVENT_SEEN, .when = p->put->policy.now, .by = p->put->origin
	};
	const struct trust_history revoked = {
		.event = TRUST_EVENT_REVOKED, .when = p->put->policy.now, .by = p->put->origin
	};
	int rc = 0;

	for (size_t i = 0; i < m->address_count && rc == 0; i++) {
		if (!had_address(p->old.id == 0 ? NULL : &p->old, m->addresses[i]))
			rc = trust_history_note(p->s, m->addresses[i], f, &seen, e);
	}
	if (rc == 0 && m->entry.revoked != TRUST_NOT_REVOKED && p->old.revoked == TRUST_NOT_REVOKED)
		rc = trust_history_note_all(p->s, p->id, f, &revoked, e);
	return rc;
}

static int
write_all(struct putting *p, const struct pgp_cert *c, struct error *e)
{
	struct summary *m = &p->summary;
	bool new = p->old.id == 0;
	int rc;

	m->entry.fingerprint = c->primary->fingerprint;
	m->entry.changed = p->put->policy.now;
	m->entry.cut_short = p->cut || p->old.cut_short;
	rc = summarise(m, c, &p->put->policy, new ? NULL : &p->old, e);
	if (rc == 0 && new && m->address_count == 0 && !p->put->nameless)
		rc = error_set(e, ERR_POLICY,
		    "this certificate has no valid user ID with an address: there is nobody whose it is");
	if (rc == 0)
		rc = write_certificate(p->s, m, new, &p->id, e);
	if (rc == 0)
		rc = write_body(p->s, p->id, c->raw, e);
	if (rc == 0)
		rc = write_keys(p->s, p->id, m, e);
	if (rc == 0)
		rc = write_addresses(p->s, p->id, m, e);
	return rc == 0 ? note_changes(p, e) : rc;
}

static int
room_for_one(struct trust_store *s, struct error *e)
{
	uint64_t n = 0;
	int rc = db_number(&s->live->db, "SELECT count(*) FROM certificates", &n, e);

	if (rc == 0 && n >= TRUST_CERTS_MAX)
		return error_set(e, ERR_LIMIT, "there are %u certificates here already", TRUST_CERTS_MAX);
	return rc;
}

static int
put_certificate(struct putting *p, struct error *e)
{
	struct pgp_cert *old = NULL, *both = NULL;
	int rc;

	p->changed = true;
	if (p->old.id == 0) {
		rc = room_for_one(p->s, e);
		return rc == 0 ? write_all(p, p->new, e) : rc;
	}
	rc = trust_store_load(p->s, &p->old.fingerprint, &old, e);
	if (rc == 0)
		rc = merge(p->s, old, p->new, &both, &p->changed, &p->cut, e);
	if (rc == 0 && p->changed)
		rc = write_all(p, both, e);
	pgp_cert_free(old);
	pgp_cert_free(both);
	return rc;
}

static int
put_evidence(struct putting *p, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct trust_evidence seen = { .origin = p->put->origin,
		.from = p->put->from,
		.first = p->put->policy.now,
		.last = p->put->policy.now,
		.count = 1 };

	if (trust_address_fold(p->put->address, &folded) != 0)
		return error_set(e, ERR_USAGE, "the address is too long");
	seen.address = buf_slice(&folded);
	return trust_evidence_note(p->s, p->id, &seen, e);
}

static int
put_whole(struct putting *p, struct error *e)
{
	int rc = trust_change_begin(p->s, e);

	if (rc != 0)
		return rc;
	rc = read_old(p, e);
	if (rc == 0)
		rc = put_certificate(p, e);
	if (rc == 0)
		rc = put_evidence(p, e);
	return trust_change_end(p->s, rc, e);
}

int
trust_store_put(struct trust_store *s, const struct trust_put *put, bool *changed_out, struct error *e)
{
	struct putting p = { .s = s, .put = put };
	struct pgp_cert *new = NULL;
	int rc = arriving(s, put->cert, &new, &p.cut, e);

	if (rc != 0)
		return rc;
	p.new = new;
	arena_init(&p.summary.arena, ARENA_BUDGET);
	buf_init(&p.summary.joined, TRUST_ADDRESSES_MAX * (TRUST_ADDRESS_MAX + 1));
	buf_init(&p.summary.text, TRUST_TEXT_MAX);
	rc = put_whole(&p, e);
	buf_done(&p.summary.joined);
	buf_done(&p.summary.text);
	arena_done(&p.summary.arena);
	pgp_cert_free(new);
	if (rc == 0 && changed_out != NULL)
		*changed_out = p.changed;
	return rc;
}
