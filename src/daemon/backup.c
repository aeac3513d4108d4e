/* SPDX-License-Identifier: ISC */
/*
 * letterlockd backup: the running server holds what is there (store_hold())
 * while this process reads its files; without a server the folder is locked.
 * The backup is a data folder itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "daemon/backup_mark.h"
#include "daemon/counting.h"
#include "daemon/process_control.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

#define REPLY_BUDGET (1u << 16)
#define PATIENCE_MS 2000
#define PATIENCE_STEP_MS 50
#define NICE 5 /* the server's own work goes first */

struct backup {
	struct backup_telling telling; /* first: it is what the copy's functions get */
	const char *data, *folder;
	struct port *port; /* of the running server, or NULL */
	bool online;
	struct backup_mark mark;
};

static int
hold(void *ctx, struct error *e)
{
	struct backup *b = ctx;
	struct store_nothing none = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	if (b->port == NULL)
		return 0;
	rc = store_hold(b->port, &none, &a, &none, e);
	if (rc == ERR_CLOSED)
		return error_set(e, ERR_CLOSED,
		    "the server ended meanwhile; run backup again: it goes on with what is there already");
	return rc;
}

/* ---- where to ---- */

static int
found_any(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return 1;
}

/* What a first backup leaves that could not even write backup.json is no content. */
static int
found_one(void *ctx, const char *name)
{
	const struct backup *b = ctx;
	char bodies[FILE_PATH_MAX];

	if (strcmp(name, "bodies") == 0 && path_join(bodies, b->folder, name, NULL) == 0)
		return dir_each(bodies, found_any, NULL, NULL) == 0 ? 0 : 1;
	return strcmp(name, "lost+found") == 0 || strcmp(name, "lock") == 0 ||
		strncmp(name, ".letterlock-", strlen(".letterlock-")) == 0 /* os/file.h */
	    ? 0
	    : 1;
}

/* Where it really lies, or the folder that it will be made in. */
static bool
real_place(const char *path, char out[FILE_PATH_MAX])
{
	char parent[FILE_PATH_MAX];
	char *slash;

	if (realpath(path, out) != NULL)
		return true;
	if (errno != ENOENT || (size_t)snprintf(parent, sizeof parent, "%s", path) >= sizeof parent)
		return false;
	for (slash = parent + strlen(parent); slash > parent + 1 && slash[-1] == '/';)
		*--slash = '\0';
	slash = strrchr(parent, '/');
	if (slash == NULL)
		return realpath(".", out) != NULL;
	*(slash == parent ? slash + 1 : slash) = '\0';
	return realpath(parent, out) != NULL;
}

/* It is not the data folder or in it, and when it is there, it is empty or a backup. */
static int
check_folder(struct backup *b, struct error *e)
{
	char data[FILE_PATH_MAX], folder[FILE_PATH_MAX];
	size_t len;
	int rc;

	if (!file_exists(b->data))
		return error_set(e, ERR_NOT_FOUND, "there is no data folder '%s'", b->data);
	if (realpath(b->data, data) == NULL)
		return error_set_errno(e, ERR_IO, errno, "'%s' cannot be found", b->data);
	len = strlen(data);
	/* What lies nowhere cannot be made either, and making it says why. */
	if (real_place(b->folder, folder) && strncmp(folder, data, len) == 0 &&
	    (folder[len] == '\0' || folder[len] == '/'))
		return error_set(e, ERR_USAGE, "a backup of '%s' cannot be in it; name another folder", b->data);
	if (readlink(b->folder, data, sizeof data) >= 0)
		return error_set(e, ERR_USAGE, "'%s' is a symbolic link; name the folder that it leads to", b->folder);
	if (!file_exists(b->folder))
		return 0;
	if (backup_is_there(b->folder))
		return 0;
	rc = dir_each(b->folder, found_one, b, e);
	return rc == 1 ? error_set(e, ERR_EXISTS, "'%s' is not empty and is no backup; name another folder", b->folder)
		       : rc;
}

/* Before hours of copying, not after: root's server makes a key that only root can read. */
static int
check_tls(const struct backup *b, struct error *e)
{
	char key[FILE_PATH_MAX];
	int rc = path_join(key, b->data, "tls/key.pem", e);

	if (rc == 0 && access(key, R_OK) != 0 && errno == EACCES)
		rc = error_set(e, ERR_DENIED,
		    "'%s' cannot be read by this user, and belongs to a backup; run letterlockd backup as root", key);
	return rc;
}

static int
begin_mark(struct backup *b, const struct store_snapshot *s, struct error *e)
{
	struct backup_mark before = { 0 };
	bool there = backup_is_there(b->folder);
	int rc = there ? backup_mark_read(b->folder, &before, e) : 0;

	if (rc == 0 && there && strcmp(before.store, store_snapshot_id(s)) != 0)
		rc = error_set(e, ERR_EXISTS, "'%s' holds a backup of another data folder%s; name another folder",
		    b->folder, before.store[0] == '\0' ? ", or of this one before an upgrade" : "");
	/* One that was cut off is gone on with: each body in it is compared. One that is whole may be the only one of another. */
	if (rc == 0 && before.store[0] == '\0' && backup_is_whole(b->folder))
		rc = error_set(e, ERR_EXISTS,
		    "'%s' holds a backup already, and data folders of before an upgrade do not say whether it is of "
		    "'%s'; "
		    "name another folder",
		    b->folder, b->data);
	(void)snprintf(b->mark.store, sizeof b->mark.store, "%s", store_snapshot_id(s));
	b->mark.schema = store_snapshot_schema(s);
	b->mark.begun = clock_unix();
	/* That of an earlier one which is whole stays until this one is. */
	return rc != 0 || backup_is_whole(b->folder) ? rc : backup_mark_write(b->folder, &b->mark, e);
}

/* What the store says names no folder. */
static int
failed_to_copy(const struct backup *b, struct error *e)
{
	char why[ERROR_TEXT_MAX];

	if (e->code == ERR_IO)
		return error_context(e, "while '%s' was copied to '%s'", b->data, b->folder);
	if (e->code != ERR_FULL)
		return e->code;
	(void)snprintf(why, sizeof why, "%s", e->text);
	return error_set(e, ERR_FULL,
	    "there is no room for the backup '%s'; make room on its disk and run backup again, which goes on with what "
	    "is "
	    "there (%s)",
	    b->folder, why);
}

static int
copy_all(struct backup *b, struct store_snapshot *s, struct error *e)
{
	int rc = begin_mark(b, s, e);

	if (rc == 0)
		rc = store_snapshot_run(s, e);
	if (rc == 0)
		rc = backup_copy_tls(b->data, b->folder, e);
	if (rc == 0)
		rc = store_snapshot_finish(s, &b->mark.counts, e);
	b->mark.finished = clock_unix();
	if (rc == 0)
		rc = backup_mark_write(b->folder, &b->mark, e);
	return rc == 0 ? 0 : failed_to_copy(b, e);
}

/* The running server when there is one, or the folder itself. */
static int
reach(struct backup *b, struct store_snapshot **out, struct error *e)
{
	struct store_snapshot_options o = { .from = b->data,
		.to = b->folder,
		.still = hold,
		.progress = backup_tell_progress,
		.damaged = backup_tell_damaged,
		.ctx = &b->telling };
	int rc;

	o.held = b->online = control_connect(b->data, &b->port, NULL) == 0;
	rc = hold(b, e);
	if (rc == 0)
		rc = store_snapshot_open(&o, out, e);
	if (rc != 0) {
		port_close(b->port);
		b->port = NULL;
	}
	return rc;
}

static int
make_backup(struct backup *b, struct error *e)
{
	struct store_snapshot *s = NULL;
	int rc = check_folder(b, e);

	if (rc == 0)
		rc = check_tls(b, e);
	if (rc != 0)
		return rc;
	rc = reach(b, &s, e);
	/* A server that was killed leaves processes that are about to end, and others have the folder for a moment. */
	for (int i = 0; (rc == ERR_CLOSED || rc == ERR_ORDER) && i < PATIENCE_MS / PATIENCE_STEP_MS; i++) {
		(void)usleep(PATIENCE_STEP_MS * 1000);
		rc = reach(b, &s, e);
	}
	if (rc == 0)
		rc = copy_all(b, s, e);
	store_snapshot_free(s);
	progress_done(&b->telling.progress);
	port_close(b->port);
	return rc;
}

static void
print_end(const struct backup *b)
{
	const struct store_snapshot_counts *n = &b->mark.counts;
	struct json_value *object;

	if (!b->telling.json) {
		(void)printf("'%s' is a whole backup now: %" PRIu64 " accounts, %" PRIu64 " messages, %" PRIu64
			     " bodies with %" PRIu64 " octets, of which %" PRIu64 " were new.\n",
		    b->folder, n->accounts, n->messages, n->bodies, n->octets, n->copied);
		if (n->damaged > 0)
			(void)fprintf(stderr,
			    "letterlockd: %" PRIu64
			    " bodies do not pass their checksums, and were copied as they are; look at"
			    " the disk, and restore them from an earlier backup\n",
			    n->damaged);
		return;
	}
	object = json_value_object();
	json_value_set_str(object, "folder", b->folder);
	json_value_set_bool(object, "online", b->online);
	json_value_set_i64(object, "accounts", (int64_t)n->accounts);
	json_value_set_i64(object, "messages", (int64_t)n->messages);
	json_value_set_i64(object, "bodies", (int64_t)n->bodies);
	json_value_set_i64(object, "octets", (int64_t)n->octets);
	json_value_set_i64(object, "copied", (int64_t)n->copied);
	json_value_set_i64(object, "damaged", (int64_t)n->damaged);
	verb_print_json(object);
}

/* For `letterlockd status`, by its time. A data folder that cannot be written is backed up all the same. */
static void
note_backup(const struct backup *b)
{
	char path[FILE_PATH_MAX];

	if (path_join(path, b->data, COUNTING_BACKUP, NULL) == 0)
		(void)file_write_atomic(path, slice_str(b->folder), 0600, NULL);
}

int
verb_backup(const struct verb_input *in)
{
	struct backup b = { .data = in->config->data, .telling = { .json = in->json } };
	struct error e;

	if (in->word_count != 1) {
		(void)error_set(&e, ERR_USAGE, "say backup FOLDER");
		return verb_failed(&e);
	}
	b.folder = in->words[0];
	(void)!nice(NICE);
	if (make_backup(&b, &e) != 0)
		return verb_failed(&e) == EXIT_USAGE ? EXIT_USAGE : EXIT_COULD_NOT;
	note_backup(&b);
	print_end(&b);
	return b.mark.counts.damaged == 0 ? EXIT_DONE : EXIT_NO;
}
