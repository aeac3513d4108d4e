/* SPDX-License-Identifier: ISC */
/*
 * Before there was a database, each certificate was a file (FINGERPRINT.pgp)
 * and an index.json said the rest. That is taken over at the first opening: all
 * of it is committed and synced, then the files go, the index last. Whoever
 * comes after a crash begins again: what is there already is merged, what has
 * gone as a file is in the database.
 */
#include "trust/index.h"
#include "trust/store_internal.h"

#define INDEX_BUDGET (64u << 20)

static int
read_index(struct trust_store *s, const char *path, struct arena *a, struct trust_index_entry **entries, size_t *count,
    struct error *e)
{
	BUF_OWNED struct buf text = { .max = TRUST_INDEX_MAX };
	int rc = file_read(path, &text, e);

	(void)s;
	return rc == 0 ? trust_index_parse(buf_slice(&text), a, entries, count, e) : rc;
}

static int
cert_path(const struct trust_store *s, const struct pgp_fingerprint *f, char out[FILE_PATH_MAX], struct error *e)
{
	BUF_OWNED struct buf name = { .max = 100 };

	(void)pgp_fingerprint_write(f, &name);
	(void)buf_put(&name, ".pgp", 5);
	return name.err != 0 ? error_nomem(e) : path_join(out, s->folder, (const char *)name.data, e);
}

static int
put_one(struct trust_store *s, const struct trust_index_entry *entry, const struct pgp_cert *c, struct error *e)
{
	/* As of when it was judged last, so that one which has expired since keeps its addresses. */
	struct trust_put put = { .cert = c,
		.origin = entry->origin,
		.from = entry->from,
		.nameless = true,
		.policy = pgp_policy_default(entry->changed) };
	int rc = trust_store_put(s, &put, NULL, e);

	if (rc == 0 && entry->added < entry->changed) {
		const struct trust_evidence seen = {
			.origin = entry->origin, .from = entry->from, .first = entry->added, .last = entry->added
		};

		rc = trust_evidence_add(s, &entry->fingerprint, &seen, e);
	}
	if (rc == 0 && entry->verified != 0)
		rc = trust_store_verify(s, &entry->fingerprint, entry->verified, e);
	return rc;
}

static int
set_times(struct trust_store *s, const struct trust_index_entry *entry, struct error *e)
{
	struct query q =
	    query_begin(&s->live->db, "UPDATE certificates SET added = min(added, ?2) WHERE fingerprint = ?1");

	query_bytes(&q, trust_fingerprint_slice(&entry->fingerprint));
	query_u64(&q, entry->added);
	return query_run(&q, e);
}

/* The certificate's fault: then it stays as a file, and does not stand in the way of the others. */
static bool
is_damaged(int rc)
{
	return rc == ERR_SYNTAX || rc == ERR_TRUNCATED || rc == ERR_UNSUPPORTED || rc == ERR_LIMIT || rc == ERR_POLICY;
}

static int
take_one(struct trust_store *s, struct trust_index_entry *entry, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	struct pgp_cert *c = NULL;
	int rc = cert_path(s, &entry->fingerprint, path, e);

	if (rc == 0)
		rc = file_read(path, &bytes, e);
	if (rc == ERR_NOT_FOUND)
		return 0; /* taken over before a crash, or lost long ago */
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &c, NULL, e);
	if (rc == 0)
		rc = put_one(s, entry, c, e);
	if (rc == 0)
		rc = set_times(s, entry, e);
	pgp_cert_free(c);
	if (is_damaged(rc)) {
		entry->fingerprint.len = 0;
		return 0;
	}
	return rc == 0 ? 0 : error_context(e, "taking %s over", path);
}

static int
remove_files(
    struct trust_store *s, const struct trust_index_entry *entries, size_t count, const char *index, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (entries[i].fingerprint.len == 0)
			continue;
		rc = cert_path(s, &entries[i].fingerprint, path, e);
		if (rc == 0)
			rc = file_remove(path, e);
	}
	return rc == 0 ? file_remove(index, e) : rc;
}

int
trust_take_over(struct trust_store *s, struct error *e)
{
	char path[FILE_PATH_MAX];
	ARENA_OWNED struct arena a = { .budget = INDEX_BUDGET };
	struct trust_index_entry *entries;
	size_t count;
	int rc = path_join(path, s->folder, "index.json", e);

	if (rc != 0 || !file_exists(path))
		return rc;
	rc = read_index(s, path, &a, &entries, &count, e);
	if (rc == 0)
		rc = trust_store_begin(s, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = take_one(s, &entries[i], e);
	if (rc != 0) {
		(void)trust_store_end(s, false, NULL);
		return rc;
	}
	rc = trust_store_end(s, true, e);
	return rc == 0 ? remove_files(s, entries, count, path, e) : rc;
}
