/* SPDX-License-Identifier: ISC */
#include "daemon/backup_mark.h"

#include <stdio.h>

#include "base/date.h"
#include "daemon/verbs.h"
#include "os/file.h"
#include "os/tree.h"

#ifndef LETTERLOCK_VERSION
#define LETTERLOCK_VERSION "unknown"
#endif

#define MARK "backup.json"
#define MARK_MAX 16384u
#define PEM_MAX (96u << 10)
#define TLS "tls"
#define TLS_NEW "tls.new"
#define TLS_OLD "tls.old"

static bool
has(const char *folder, const char *name)
{
	char path[FILE_PATH_MAX];

	return path_join(path, folder, name, NULL) == 0 && file_exists(path);
}

bool
backup_is_there(const char *folder)
{
	return has(folder, MARK);
}

bool
backup_is_whole(const char *folder)
{
	return has(folder, MARK) && has(folder, "store.db");
}

int
backup_mark_value(const char *folder, struct json_value **out, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	char path[FILE_PATH_MAX];
	int rc = path_join(path, folder, MARK, e);

	buf_init(&text, MARK_MAX);
	if (rc == 0)
		rc = file_read(path, &text, e);
	return rc != 0 ? rc : json_value_parse(buf_slice(&text), out, e);
}

int
backup_mark_read(const char *folder, struct backup_mark *out, struct error *e)
{
	struct json_value *v = NULL;
	struct slice store;
	int rc = backup_mark_value(folder, &v, e);

	*out = (struct backup_mark){ 0 };
	if (rc == 0 && (!json_value_get_text(json_value_get(v, "store"), &store) || store.len >= sizeof out->store))
		rc = error_set(e, ERR_INTEGRITY, "'%s/" MARK "' does not say of which store this is a backup", folder);
	if (rc == 0)
		(void)snprintf(out->store, sizeof out->store, "%.*s", (int)store.len, (const char *)store.data);
	json_value_free(v);
	return rc;
}

static void
set_time(struct json_value *v, const char *name, uint64_t when)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 64);
	(void)date_write_rfc3339(&text, (int64_t)when);
	json_value_set_text(v, name, buf_slice(&text));
}

int
backup_mark_write(const char *folder, const struct backup_mark *mark, struct error *e)
{
	struct json_value *v = json_value_object();
	BUF_OWNED struct buf text = { 0 };
	char path[FILE_PATH_MAX];
	int rc = path_join(path, folder, MARK, e);

	buf_init(&text, MARK_MAX);
	json_value_set_str(v, "program", "letterlockd " LETTERLOCK_VERSION);
	json_value_set_i64(v, "schema", mark->schema);
	json_value_set_str(v, "store", mark->store);
	set_time(v, "begun", mark->begun);
	json_value_set_bool(v, "complete", mark->finished != 0);
	if (mark->finished != 0) {
		set_time(v, "finished", mark->finished);
		json_value_set_i64(v, "accounts", (int64_t)mark->counts.accounts);
		json_value_set_i64(v, "messages", (int64_t)mark->counts.messages);
		json_value_set_i64(v, "octets", (int64_t)mark->counts.octets);
		json_value_set_i64(v, "damaged", (int64_t)mark->counts.damaged);
	}
	if (rc == 0)
		rc = json_value_write(v, true, &text, e);
	json_value_free(v);
	(void)buf_put_str(&text, "\n");
	return rc != 0 ? rc : file_write_atomic(path, buf_slice(&text), 0600, e);
}

/* ---- what is beside the store ---- */

static int
copy_one(const char *from, const char *to, const char *name, mode_t mode, struct error *e)
{
	char source[FILE_PATH_MAX], target[FILE_PATH_MAX];
	struct buf content;
	int rc = path_join(source, from, name, e);

	buf_init(&content, PEM_MAX);
	if (rc == 0)
		rc = path_join(target, to, name, e);
	if (rc == 0)
		rc = file_read(source, &content, e);
	if (rc == 0)
		rc = file_write_atomic(target, buf_slice(&content), mode, e);
	buf_wipe_done(&content);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
make_tls(const char *source, const char *made, struct error *e)
{
	int rc = dir_make_private(made, e);

	if (rc == 0)
		rc = copy_one(source, made, "key.pem", 0600, e);
	return rc != 0 ? rc : copy_one(source, made, "certificate.pem", 0644, e);
}

static int
replace_tls(const struct tree *to, const char *made, const char *target, struct error *e)
{
	bool exchanged;
	int rc = dir_replace(made, target, &exchanged, e);

	if (rc != ERR_UNSUPPORTED)
		return rc;
	/* A file system that exchanges nothing: for a moment there is none, but never a key with another's certificate. */
	rc = tree_replace(to, TLS, TLS_OLD, e);
	return rc != 0 ? rc : tree_replace(to, TLS_NEW, TLS, e);
}

static int
put_tls(const struct tree *to, const char *source, const char *made, const char *target, struct error *e)
{
	int rc;

	if (file_exists(source)) {
		rc = make_tls(source, made, e);
		return rc != 0 ? rc : replace_tls(to, made, target, e);
	}
	return file_exists(target) ? tree_replace(to, TLS, TLS_OLD, e) : 0;
}

static int
remove_tls_rest(const struct tree *to, struct error *e)
{
	int rc = tree_remove_all(to, TLS_NEW, e);

	if (rc == 0)
		rc = tree_remove_all(to, TLS_OLD, e);
	return rc != 0 ? rc : tree_sync(to, "", e);
}

/* Key and certificate belong together, so they come and go as one: the folder changes its name. */
int
backup_copy_tls(const char *from, const char *to, struct error *e)
{
	char source[FILE_PATH_MAX], made[FILE_PATH_MAX], target[FILE_PATH_MAX];
	struct tree t = { .fd = -1 };
	int rc = path_join(source, from, TLS, e);

	if (rc == 0)
		rc = path_join(made, to, TLS_NEW, e);
	if (rc == 0)
		rc = path_join(target, to, TLS, e);
	if (rc == 0)
		rc = tree_open(&t, to, e);
	/* Of one that was cut off. */
	if (rc == 0)
		rc = remove_tls_rest(&t, e);
	if (rc == 0)
		rc = put_tls(&t, source, made, target, e);
	if (rc == 0)
		rc = remove_tls_rest(&t, e);
	tree_done(&t);
	return rc;
}

void
backup_tell_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct backup_telling *t = ctx;

	t->progress.label = what;
	t->progress.total = total;
	progress_show(&t->progress, done);
}

void
backup_tell_damaged(void *ctx, const char *sentence)
{
	struct backup_telling *t = ctx;
	struct json_value *object;

	progress_done(&t->progress);
	if (!t->json) {
		(void)fprintf(stderr, "letterlockd: %s\n", sentence);
		return;
	}
	object = json_value_object();
	json_value_set_str(object, "finding", sentence);
	verb_print_json(object);
}
