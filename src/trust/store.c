/* SPDX-License-Identifier: ISC */
/* The database: opening, its tables, changes as a whole, and the small changes. */
#include "trust/store.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "trust/store_internal.h"

#define ARENA_BUDGET (256u << 20)
#define VERSION 1u

/*
 * certificates   what can be said without reading one; the octets are apart, so that a list does not pass over them
 * keys           of which certificate is a key, subkeys too; key_id is the last or first eight octets
 * addresses      folded; of valid user IDs
 * evidence       see evidence.h; address empty: of the certificate as a whole
 * history        outlives the certificates
 * cert_d_*       what was seen in the shared directory (cert_d.h) and given to it, so that only changes are looked at;
 *                names and tags are of one directory, whose path is the setting "cert-d-folder"
 */
static const char tables[] =
    "CREATE TABLE certificates (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint BLOB NOT NULL UNIQUE,"
    " key_id INTEGER NOT NULL, version INTEGER NOT NULL, origin INTEGER NOT NULL, source BLOB NOT NULL,"
    " added INTEGER NOT NULL, changed INTEGER NOT NULL, verified INTEGER NOT NULL, created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, encrypts INTEGER NOT NULL, encrypts_until INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL, cut INTEGER NOT NULL, user_id BLOB NOT NULL, addresses BLOB NOT NULL,"
    " text BLOB NOT NULL, edition INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX certificates_key_id ON certificates (key_id);"
    "CREATE INDEX certificates_order ON certificates (origin = 120 DESC, addresses);"
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE keys (key_id INTEGER NOT NULL, id INTEGER NOT NULL, fingerprint BLOB NOT NULL,"
    " PRIMARY KEY (key_id, id, fingerprint)) WITHOUT ROWID;"
    "CREATE INDEX keys_id ON keys (id);"
    "CREATE TABLE addresses (address BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (address, id)) WITHOUT ROWID;"
    "CREATE INDEX addresses_id ON addresses (id);"
    "CREATE TABLE evidence (id INTEGER NOT NULL, origin INTEGER NOT NULL, address BLOB NOT NULL,"
    " source BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (id, origin, address, source)) WITHOUT ROWID;"
    "CREATE TABLE history (address BLOB NOT NULL, fingerprint BLOB NOT NULL, event INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, origin INTEGER NOT NULL,"
    " PRIMARY KEY (address, fingerprint, event)) WITHOUT ROWID;"
    "CREATE TABLE roots (n INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, amount INTEGER NOT NULL,"
    " depth INTEGER NOT NULL, regex BLOB NOT NULL);"
    "CREATE TABLE settings (name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE refresh (id INTEGER PRIMARY KEY, asked INTEGER NOT NULL, due INTEGER NOT NULL);"
    "CREATE INDEX refresh_due ON refresh (due);"
    "CREATE TABLE peers (address BLOB PRIMARY KEY, last_seen INTEGER NOT NULL, autocrypt INTEGER NOT NULL,"
    " key BLOB NOT NULL, mutual INTEGER NOT NULL, gossip INTEGER NOT NULL, gossip_key BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cert_d_folders (name BLOB PRIMARY KEY, tag BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cert_d_files (name BLOB PRIMARY KEY, tag BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cert_d_given (id INTEGER PRIMARY KEY, edition INTEGER NOT NULL);"
    "PRAGMA application_id=1282174836;"
    "PRAGMA user_version=1;";

/* The dotless i, the long s and the Kelvin sign fold to letters of ASCII: they make other addresses, of other people. */
int
trust_address_fold(struct slice address, struct buf *out)
{
	struct slice rest = slice_trim(address);

	while (rest.len > 0 && out->err == 0) {
		uint32_t point;
		size_t at = out->len, n = utf8_decode(rest, &point);
		struct slice character = slice_sub(rest, 0, n == 0 ? 1 : n);

		(void)utf8_fold(out, character);
		if (n > 1 && out->err == 0 && out->len > at && out->data[at] < 0x80) {
			buf_truncate(out, at);
			(void)buf_put_slice(out, character);
		}
		rest = slice_from(rest, character.len);
	}
	return out->err;
}

/* ---- opening ---- */

static int
make_tables(struct db *db, struct error *e)
{
	uint64_t version = 0;
	int rc = db_run(db, "BEGIN IMMEDIATE", e);

	if (rc != 0)
		return rc;
	rc = db_number(db, "PRAGMA user_version", &version, e);
	if (rc == 0 && version == 0)
		rc = db_run(db, tables, e);
	else if (rc == 0 && version > VERSION)
		rc = error_set(e, ERR_UNSUPPORTED,
		    "the certificates were kept by a newer Letterlock (version %u of their "
		    "database, this one knows %u): use that one",
		    (unsigned)version, VERSION);
	if (rc == 0)
		return db_run(db, "COMMIT", e);
	(void)db_run(db, "ROLLBACK", NULL);
	return rc;
}

static int
open_database(struct trust_store *s, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, s->folder, "certificates.db", e);

	/* SQLite gives its files the mode of the first one, and that one what the umask leaves. */
	if (rc == 0 && !file_exists(path))
		rc = file_write_atomic(path, SLICE_EMPTY, 0600, e);
	if (rc == 0)
		rc = db_open(&s->live->db, path, DB_SHARED, e);
	if (rc == 0)
		rc = make_tables(&s->live->db, e);
	return rc == 0 ? trust_take_over(s, e) : error_context(e, "%s", path);
}

/* One after the other: the first one makes the file, and takes over what was there before. */
static int
open_locked(struct trust_store *s, struct error *e)
{
	char path[FILE_PATH_MAX];
	int lock, rc = path_join(path, s->folder, "lock", e);

	if (rc == 0)
		rc = file_lock(path, true, &lock, e);
	if (rc != 0)
		return rc;
	rc = open_database(s, e);
	file_unlock(lock);
	return rc;
}

int
trust_store_open(const char *folder, struct trust_store **out, struct error *e)
{
	struct trust_store *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->live = mem_alloc(sizeof *s->live);
	if (s->live == NULL) {
		mem_free(s);
		return error_nomem(e);
	}
	arena_init(&s->live->arena, ARENA_BUDGET);
	rc = path_join(s->folder, folder, "", e);
	if (rc == 0)
		rc = dir_make_private(folder, e);
	if (rc == 0)
		rc = open_locked(s, e);
	if (rc != 0) {
		trust_store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
trust_store_close(struct trust_store *s)
{
	if (s == NULL)
		return;
	if (s->live->db.handle != NULL)
		db_close(&s->live->db);
	arena_done(&s->live->arena);
	mem_free(s->live->known);
	mem_free(s->live);
	mem_free(s);
}

void
trust_store_set_now(struct trust_store *s, uint64_t now)
{
	s->live->now = now;
}

/* ---- changes ---- */

static void
forget_entries(struct trust_live *live)
{
	arena_done(&live->arena);
	trust_known_clear(live);
}

int
trust_change_begin(struct trust_store *s, struct error *e)
{
	return db_run(&s->live->db, s->live->bulk ? "SAVEPOINT one" : "BEGIN IMMEDIATE", e);
}

int
trust_change_end(struct trust_store *s, int rc, struct error *e)
{
	struct db *db = &s->live->db;

	if (rc == 0)
		rc = db_run(db, s->live->bulk ? "RELEASE one" : "COMMIT", e);
	/* A full disk may have rolled back by itself: then these say so, and nobody cares. */
	if (rc != 0 && s->live->bulk)
		(void)db_run(db, "ROLLBACK TO one; RELEASE one", NULL);
	else if (rc != 0)
		(void)db_run(db, "ROLLBACK", NULL);
	forget_entries(s->live);
	return rc;
}

int
trust_store_begin(struct trust_store *s, struct error *e)
{
	int rc;

	if (s->live->bulk)
		return error_set(e, ERR_ORDER, "a change of the certificates is under way already");
	rc = db_run(&s->live->db, "BEGIN IMMEDIATE", e);
	s->live->bulk = rc == 0;
	return rc;
}

int
trust_store_end(struct trust_store *s, bool good, struct error *e)
{
	int rc;

	if (!s->live->bulk)
		return error_set(e, ERR_ORDER, "no change of the certificates is under way");
	s->live->bulk = false;
	rc = good ? db_run(&s->live->db, "COMMIT", e) : 0;
	if (!good || rc != 0)
		(void)db_run(&s->live->db, "ROLLBACK", NULL);
	forget_entries(s->live);
	return rc;
}

/* ---- small ones ---- */

int
trust_not_there(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "there is no such certificate here");
}

struct slice
trust_fingerprint_slice(const struct pgp_fingerprint *f)
{
	return slice_of(f->bytes, f->len);
}

struct pgp_fingerprint
trust_fingerprint_of(struct slice octets)
{
	struct pgp_fingerprint f = { .len = (uint8_t)size_min(octets.len, PGP_FINGERPRINT_MAX) };

	if (f.len > 0)
		memcpy(f.bytes, octets.data, f.len);
	return f;
}

int
trust_id_of(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t *id_out, struct error *e)
{
	struct query q = query_begin(&s->live->db, "SELECT id FROM certificates WHERE fingerprint = ?1");
	int rc;

	query_bytes(&q, trust_fingerprint_slice(f));
	rc = query_step(&q, e);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return trust_not_there(e);
	*id_out = query_col_u64(&q, 0);
	query_end(&q);
	return 0;
}

static int
set_verified(struct trust_store *s, const struct pgp_fingerprint *f, uint64_t now, struct error *e)
{
	const struct trust_evidence seen = {
		.origin = TRUST_VERIFIED, .from = SLICE("fingerprint"), .first = now, .last = now, .count = 1
	};

	return now == 0 ? trust_evidence_remove(s, f, TRUST_VERIFIED, SLICE_EMPTY, e)
			: trust_evidence_add(s, f, &seen, e);
}

int
trust_store_verify(struct trust_store *s, const struct pgp_fingerprint *f, uint64_t now, struct error *e)
{
	const struct pgp_fingerprint own = *f; /* f may lie in an entry, which ends with the change */

	return set_verified(s, &own, now, e);
}

static int
remove_rows(struct trust_store *s, uint64_t id, struct error *e)
{
	static const char *const statements[] = { "DELETE FROM bodies WHERE id = ?1", "DELETE FROM keys WHERE id = ?1",
		"DELETE FROM addresses WHERE id = ?1", "DELETE FROM evidence WHERE id = ?1",
		"DELETE FROM refresh WHERE id = ?1", "DELETE FROM cert_d_given WHERE id = ?1",
		"DELETE FROM certificates WHERE id = ?1" };
	int rc = 0;

	for (size_t i = 0; i < sizeof statements / sizeof statements[0] && rc == 0; i++) {
		struct query q = query_begin(&s->live->db, statements[i]);

		query_u64(&q, id);
		rc = query_run(&q, e);
	}
	return rc;
}

int
trust_store_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e)
{
	const struct pgp_fingerprint own = *f;
	const struct trust_history removed = { .event = TRUST_EVENT_REMOVED, .when = s->live->now };
	uint64_t id;
	int rc = trust_change_begin(s, e);

	if (rc != 0)
		return rc;
	rc = trust_id_of(s, &own, &id, e);
	if (rc == 0)
		rc = trust_history_note_all(s, id, &own, &removed, e);
	if (rc == 0)
		rc = remove_rows(s, id, e);
	return trust_change_end(s, rc, e);
}
