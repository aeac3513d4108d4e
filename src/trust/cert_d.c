/* SPDX-License-Identifier: ISC */
#include "trust/cert_d.h"

#include <stdio.h>
#include <string.h>

#include "openpgp/cert/merge.h"
#include "os/clock.h"
#include "trust/records.h"
#include "trust/store_internal.h"

#define FOLDER_SETTING "cert-d-folder"
#define SETTLED_NS 2000000000u /* a time so long ago cannot come again: file systems count in seconds, some in two */
#define TAG_SIZE 24u

/* ---- names ---- */

static bool
is_lower_hex(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!(name.data[i] >= '0' && name.data[i] <= '9') && !(name.data[i] >= 'a' && name.data[i] <= 'f'))
			return false;
	}
	return true;
}

bool
trust_cert_d_parse(struct slice name, struct pgp_fingerprint *out)
{
	BUF_OWNED struct buf hex = { .max = 64 };

	if ((name.len != 41 && name.len != 65) || name.data[2] != '/')
		return false;
	(void)buf_put_slice(&hex, slice_sub(name, 0, 2));
	(void)buf_put_slice(&hex, slice_from(name, 3));
	return hex.err == 0 && is_lower_hex(buf_slice(&hex)) && pgp_fingerprint_parse(buf_slice(&hex), out, NULL) == 0;
}

int
trust_cert_d_name(const struct pgp_fingerprint *f, struct buf *out)
{
	for (size_t i = 0; i < f->len; i++)
		(void)buf_putf(out, i == 0 ? "%02x/" : "%02x", f->bytes[i]);
	return out->err;
}

/* ---- what was seen before ---- */

struct tag {
	uint8_t octets[TAG_SIZE];
};

static void
put_u64(uint8_t *out, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* False: the file is not there. */
static bool
tag_of(const char *path, struct tag *out, uint64_t *changed_out)
{
	struct file_tag t;

	if (file_tag(path, &t, NULL) != 0)
		return false;
	put_u64(out->octets, t.inode);
	put_u64(out->octets + 8, t.size);
	put_u64(out->octets + 16, t.changed);
	*changed_out = t.changed;
	return true;
}

static struct slice
tag_slice(const struct tag *t)
{
	return slice_of(t->octets, sizeof t->octets);
}

static bool
is_known(struct trust_store *s, const char *literal, struct slice name, const struct tag *t)
{
	struct query q = query_begin(&s->live->db, literal);
	bool same;

	query_bytes(&q, name);
	if (query_step(&q, NULL) != 1)
		return false;
	same = slice_eq(query_col_peek(&q, 0), tag_slice(t));
	query_end(&q);
	return same;
}

static int
remember(struct trust_store *s, const char *literal, struct slice name, const struct tag *t, struct error *e)
{
	struct query q = query_begin(&s->live->db, literal);

	query_bytes(&q, name);
	query_bytes(&q, tag_slice(t));
	return query_run(&q, e);
}

/* Another directory than last time: nothing of it was seen. */
static int
choose_folder(struct trust_store *s, const char *folder, struct error *e)
{
	BUF_OWNED struct buf last = { .max = TRUST_SETTING_MAX };
	int rc = trust_setting_get(s, FOLDER_SETTING, &last, e);

	if (rc != 0 || slice_eq_str(buf_slice(&last), folder))
		return rc;
	rc = trust_setting_set(s, FOLDER_SETTING, slice_str(folder), e);
	return rc == 0
	    ? db_run(&s->live->db, "DELETE FROM cert_d_folders; DELETE FROM cert_d_files; DELETE FROM cert_d_given;", e)
	    : rc;
}

/* ---- taking ---- */

struct taking {
	struct trust_store *s;
	const struct pgp_policy *policy;
	struct trust_cert_d_report *report;
	struct error *error;
	char path[FILE_PATH_MAX]; /* of the folder looked at */
	char folder[3];
	uint64_t now; /* nanoseconds */
	bool settled; /* everything in it is older than its times can be wrong */
};

/* The file's certificate, when it is the one that it is named for. */
static int
read_cert(const char *path, const struct pgp_fingerprint *f, struct pgp_certs *out, struct error *e)
{
	struct buf bytes = { .max = PGP_CERT_MAX };
	int rc = file_read(path, &bytes, e);

	if (rc == 0)
		rc = pgp_certs_take(&bytes, out, e);
	buf_done(&bytes);
	if (rc == 0 && (out->count != 1 || !pgp_fingerprint_eq(&out->items[0]->primary->fingerprint, f)))
		return error_set(e, ERR_SYNTAX, "%s does not hold the certificate that it is named for", path);
	return rc;
}

/* The file's fault, not ours: passed over. */
static bool
is_files(int rc)
{
	return rc != 0 && rc != ERR_NOMEM && rc != ERR_FULL && rc != ERR_IO && rc != ERR_INTERNAL && rc != ERR_TIMEOUT;
}

static int
take_file(struct taking *t, const char *path, const struct pgp_fingerprint *f)
{
	struct trust_put put = { .origin = TRUST_CERT_D, .policy = *t->policy, .nameless = true };
	struct pgp_certs certs = { 0 };
	bool changed = false;
	int rc = read_cert(path, f, &certs, t->error);

	if (rc == 0) {
		put.cert = certs.items[0];
		rc = trust_store_put(t->s, &put, &changed, t->error);
	}
	pgp_certs_done(&certs);
	t->report->read++;
	t->report->taken += changed;
	t->report->skipped += is_files(rc);
	return is_files(rc) ? 0 : rc;
}

static int
look_at_file(void *ctx, const char *name)
{
	struct taking *t = ctx;
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf whole = { .max = 80 };
	struct pgp_fingerprint f;
	struct tag tag;
	uint64_t changed;
	int rc;

	(void)buf_putf(&whole, "%s/", t->folder);
	(void)buf_put_str(&whole, name);
	if (whole.err != 0 || !trust_cert_d_parse(buf_slice(&whole), &f))
		return 0;
	if (path_join(path, t->path, name, NULL) != 0 || !tag_of(path, &tag, &changed))
		return 0;
	if (is_known(t->s, "SELECT tag FROM cert_d_files WHERE name = ?1", buf_slice(&whole), &tag))
		return 0;
	rc = take_file(t, path, &f);
	if (changed + SETTLED_NS > t->now)
		t->settled = false;
	else if (rc == 0)
		rc = remember(t->s, "INSERT OR REPLACE INTO cert_d_files (name, tag) VALUES (?1, ?2)",
		    buf_slice(&whole), &tag, t->error);
	return rc;
}

static int
look_at_folder(struct taking *t, const char *base, unsigned n)
{
	struct tag tag;
	uint64_t changed;
	int rc;

	(void)snprintf(t->folder, sizeof t->folder, "%02x", n & 0xff);
	if (path_join(t->path, base, t->folder, NULL) != 0 || !tag_of(t->path, &tag, &changed))
		return 0;
	if (is_known(t->s, "SELECT tag FROM cert_d_folders WHERE name = ?1", slice_str(t->folder), &tag))
		return 0;
	t->settled = changed + SETTLED_NS <= t->now;
	rc = dir_each(t->path, look_at_file, t, t->error);
	if (rc != 0 || !t->settled)
		return rc;
	return remember(t->s, "INSERT OR REPLACE INTO cert_d_folders (name, tag) VALUES (?1, ?2)", slice_str(t->folder),
	    &tag, t->error);
}

/* Whether a folder has changed since: most openings end here, and write nothing. */
static bool
anything_new(struct trust_store *s, const char *base)
{
	char path[FILE_PATH_MAX], folder[3];
	struct tag tag;
	uint64_t changed;

	for (unsigned n = 0; n < 256; n++) {
		(void)snprintf(folder, sizeof folder, "%02x", n & 0xff);
		if (path_join(path, base, folder, NULL) == 0 && tag_of(path, &tag, &changed) &&
		    !is_known(s, "SELECT tag FROM cert_d_folders WHERE name = ?1", slice_str(folder), &tag))
			return true;
	}
	return false;
}

int
trust_cert_d_import(struct trust_store *s, const char *folder, const struct pgp_policy *policy,
    struct trust_cert_d_report *report, struct error *e)
{
	struct taking t = {
		.s = s, .policy = policy, .report = report, .error = e, .now = (uint64_t)clock_unix() * 1000000000u
	};
	int rc = choose_folder(s, folder, e);

	if (rc != 0 || !anything_new(s, folder))
		return rc;
	rc = trust_store_begin(s, e);
	if (rc != 0)
		return rc;
	for (unsigned n = 0; n < 256 && rc == 0; n++)
		rc = look_at_folder(&t, folder, n);
	if (rc == 0)
		return trust_store_end(s, true, e);
	(void)trust_store_end(s, false, NULL);
	return rc;
}

/* ---- giving ---- */

struct waiting {
	uint64_t id, edition;
	struct pgp_fingerprint fingerprint;
};

#define BATCH 256u

/* Believed (trust_is_believed()), and not given as it is now. */
static int
find_waiting(struct trust_store *s, struct waiting *out, size_t *n, struct error *e)
{
	struct query q = query_begin(&s->live->db,
	    "SELECT c.id, c.edition, c.fingerprint FROM certificates c LEFT JOIN cert_d_given g ON g.id = c.id"
	    " WHERE (c.origin >= 60 OR c.verified > 0) AND (g.edition IS NULL OR g.edition <> c.edition)"
	    " ORDER BY c.id LIMIT ?1");
	int rc;

	*n = 0;
	query_u64(&q, BATCH);
	while ((rc = query_step(&q, e)) == 1 && *n < BATCH)
		out[(*n)++] = (struct waiting){ .id = query_col_u64(&q, 0),
			.edition = query_col_u64(&q, 1),
			.fingerprint = trust_fingerprint_of(query_col_peek(&q, 2)) };
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
mark_given(struct trust_store *s, const struct waiting *w, struct error *e)
{
	struct query q = query_begin(&s->live->db, "INSERT OR REPLACE INTO cert_d_given (id, edition) VALUES (?1, ?2)");

	query_u64(&q, w->id);
	query_u64(&q, w->edition);
	return query_run(&q, e);
}

/* Our own file need not be read when the directory is looked at next; one with theirs in it must be. */
static int
mark_seen(struct trust_store *s, const char *path, struct slice name, struct error *e)
{
	struct tag tag;
	uint64_t changed;

	if (!tag_of(path, &tag, &changed))
		return 0;
	return remember(s, "INSERT OR REPLACE INTO cert_d_files (name, tag) VALUES (?1, ?2)", name, &tag, e);
}

/*
 * Theirs with ours in it; *changed: whether that is more than theirs; *alone:
 * there is nothing of theirs. What is damaged there is replaced.
 */
static int
merge_into(const struct pgp_cert *ours, const char *path, struct buf *out, bool *changed, bool *alone, struct error *e)
{
	struct pgp_certs theirs = { 0 };
	int rc = read_cert(path, &ours->primary->fingerprint, &theirs, NULL);

	*changed = true;
	*alone = rc == ERR_NOT_FOUND;
	if (rc == 0)
		rc = pgp_merge(theirs.items[0], ours, out, changed, e);
	else
		rc = pgp_cert_write(ours, out);
	pgp_certs_done(&theirs);
	return rc;
}

static int
give(struct trust_store *s, const char *base, const struct waiting *w, struct trust_cert_d_report *report,
    struct error *e)
{
	char path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
	BUF_OWNED struct buf name = { .max = 80 }, bytes = { .max = PGP_CERT_MAX };
	struct pgp_cert *ours = NULL;
	bool changed = false, alone = false;
	int rc = trust_store_load(s, &w->fingerprint, &ours, e);

	(void)trust_cert_d_name(&w->fingerprint, &name);
	(void)buf_put_u8(&name, 0);
	if (rc == 0 && name.err != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = path_join(path, base, (const char *)name.data, e);
	if (rc == 0) {
		(void)snprintf(folder, sizeof folder, "%.*s", (int)(strlen(path) - name.len + 3), path);
		rc = dir_make_private(folder, e);
	}
	if (rc == 0)
		rc = merge_into(ours, path, &bytes, &changed, &alone, e);
	if (rc == 0 && changed)
		rc = file_write_atomic(path, buf_slice(&bytes), 0600, e);
	pgp_cert_free(ours);
	if (rc == 0 && alone)
		rc = mark_seen(s, path, slice_str((const char *)name.data), e);
	report->given += rc == 0 && changed;
	return rc == 0 ? mark_given(s, w, e) : rc;
}

static int
give_all(struct trust_store *s, const char *base, struct waiting *w, size_t n, struct trust_cert_d_report *report,
    struct error *e)
{
	int rc = trust_store_begin(s, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = give(s, base, &w[i], report, e);
	if (rc == 0)
		return trust_store_end(s, true, e);
	(void)trust_store_end(s, false, NULL);
	return rc;
}

static int
give_batches(struct trust_store *s, const char *folder, struct trust_cert_d_report *report, struct error *e)
{
	struct waiting w[BATCH];
	size_t n;
	int rc = find_waiting(s, w, &n, e);

	while (rc == 0 && n > 0) {
		rc = give_all(s, folder, w, n, report, e);
		if (rc == 0)
			rc = find_waiting(s, w, &n, e);
	}
	return rc;
}

int
trust_cert_d_export(struct trust_store *s, const char *folder, struct trust_cert_d_report *report, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct waiting first[BATCH];
	size_t n;
	int lock, rc = choose_folder(s, folder, e);

	if (rc == 0)
		rc = find_waiting(s, first, &n, e);
	if (rc != 0 || n == 0)
		return rc;
	rc = dir_make_private(folder, e);
	if (rc == 0)
		rc = path_join(path, folder, "writelock", e);
	if (rc == 0)
		rc = file_lock(path, true, &lock, e);
	if (rc != 0)
		return rc;
	rc = give_batches(s, folder, report, e);
	file_unlock(lock);
	return rc;
}

int
trust_cert_d_watch(struct trust_store *s, const char *folder, const struct pgp_policy *policy, struct error *e)
{
	BUF_OWNED struct buf wanted = { .max = TRUST_SETTING_MAX };
	struct trust_cert_d_report report = { 0 };
	int rc = trust_setting_get(s, TRUST_SETTING_CERT_D, &wanted, e);

	if (rc != 0 || !slice_eq_str(buf_slice(&wanted), "sync"))
		return rc;
	rc = trust_cert_d_import(s, folder, policy, &report, e);
	return rc == 0 ? trust_cert_d_export(s, folder, &report, e) : rc;
}
