/* SPDX-License-Identifier: ISC */
/*
 * Opening and closing a data folder, and where each call goes: reads to the
 * readers, writes to the committer, pieces of bodies to the stages.
 */
#include "store/engine.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "os/file.h"
#include "store/internal.h"
#include "store/migrate.h"

#define SEGMENT_SIZE ((uint64_t)256 << 20)

void
store_say(struct store *s, const char *line)
{
	if (s->options.say != NULL)
		s->options.say(s->options.ctx, line);
}

static void
say_for_bodies(void *ctx, const char *line)
{
	store_say(ctx, line);
}

void
store_stop(struct store *s, const char *why)
{
	char text[ERROR_TEXT_MAX];

	if (atomic_exchange(&s->stopped, true))
		return;
	(void)snprintf(text, sizeof text, "%s", why);
	store_say(s, text);
	if (s->options.stopped != NULL)
		s->options.stopped(s->options.ctx, text);
}

int
store_stopped_error(struct error *e)
{
	return error_set(e, ERR_IO, "the store has stopped because the disk failed; look at the disk, then start anew");
}

/* ---- calls ---- */

static void
run_write(struct store *s, struct work *w)
{
	const struct store_content *content = w->op->content == NULL ? NULL : w->op->content(port_job_request(w->job));

	if (content != NULL && content->handle != 0)
		stage_submit(s, w, content);
	else
		committer_push(s, w);
}

static void
run_call(void *ctx, struct port_job *job)
{
	const struct op *op = op_find(port_job_method(job));
	struct store *s = ctx;
	struct error e = { 0 };
	struct work *w;

	if (s->options.look_only && op->kind != OP_READ && op->kind != OP_WAIT) {
		(void)error_set(&e, ERR_ORDER, "'%s' is only looked at", s->options.folder);
		port_fail(job, &e);
		return;
	}
	if (op->run != NULL) {
		op->run(s, job);
		return;
	}
	w = work_new(job, op);
	if (w == NULL)
		return;
	if (op->kind == OP_READ || op->kind == OP_RECENT)
		reading_submit(s, w);
	else
		run_write(s, w);
}

static void
peer_gone(void *ctx, uint64_t peer)
{
	struct store *s = ctx;

	notify_peer_gone(s, peer);
	if (s->options.look_only)
		return;
	staging_peer_gone(s, peer);
	aside_peer_gone(s, peer);
}

#define HANDLER(name, number, request, reply) { (number), run_call },
static const struct port_handler handlers[] = { STORE_METHODS(HANDLER) };
#undef HANDLER

const struct port_service *
store_service(struct store *s)
{
	return &s->service;
}

/* ---- opening ---- */

/* An empty database beside bodies that are there already: it was lost, and cleaning would lose them too. */
static int
check_lost(const char *folder, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct dirent *entry;
	bool any = false;
	DIR *dir;
	int rc = path_join(path, folder, "bodies", e);

	if (rc != 0)
		return rc;
	dir = opendir(path);
	while (dir != NULL && !any && (entry = readdir(dir)) != NULL)
		any = entry->d_name[0] != '.';
	if (dir != NULL)
		(void)closedir(dir);
	if (any)
		return error_set(
		    e, ERR_INTEGRITY, "store.db is missing, but mail is there; restore store.db from a backup");
	return 0;
}

/* So that a backup is not gone on with from another store. */
static int
give_identity(struct db *db, struct error *e)
{
	uint8_t identity[STORE_IDENTITY_SIZE];
	uint64_t there = 0;
	struct query q;
	int rc = db_number(db, "SELECT count(*) FROM meta WHERE key = " STORE_IDENTITY_KEY, &there, e);

	if (rc != 0 || there > 0)
		return rc;
	rc = random_bytes(identity, sizeof identity, e);
	if (rc != 0)
		return rc;
	q = query_begin(db, "INSERT INTO meta (key, value) VALUES (" STORE_IDENTITY_KEY ", ?1)");
	query_bytes(&q, slice_of(identity, sizeof identity));
	return query_run(&q, e);
}

static int
open_database(struct store *s, struct error *e)
{
	struct db *db = &s->committer.db;
	bool existed = file_exists(s->db_path);
	uint64_t version = 0;
	bool migrated = false;
	/* SQLite's other files take their mode from this one. */
	int rc = existed ? 0 : file_write_atomic(s->db_path, SLICE_EMPTY, 0600, e);

	if (rc == 0)
		rc = recover_log(s->db_path, e);
	if (rc == 0)
		rc = db_open(db, s->db_path, DB_WRITER, e);
	if (rc == 0)
		rc = db_number(db, "PRAGMA user_version", &version, e);
	if (rc == 0 && version == 0)
		rc = check_lost(s->options.folder, e);
	if (rc == 0)
		rc = schema_migrate(db, say_for_bodies, s, &migrated, e);
	if (rc == 0)
		rc = give_identity(db, e);
	/* What this program does not know it leaves as it is, the log that a crash left included. */
	s->refused = (rc == ERR_UNSUPPORTED || rc == ERR_INTEGRITY) && db->handle != NULL;
	if (s->refused)
		(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* The names of a new database's files. */
	if (rc == 0)
		rc = dir_sync(s->options.folder, e);
	if (rc == 0 && migrated)
		store_say(s, "the data folder was brought to this program's schema");
	return rc;
}

static int
start_threads(struct store *s, struct error *e)
{
	int rc =
	    bodies_open(&s->bodies, s->options.folder, s->options.segment_size, &s->committer.db, say_for_bodies, s, e);

	if (rc == 0)
		rc = recover_last_batch(s, e);
	if (rc == 0)
		rc = bodies_resume(&s->bodies, &s->committer.db, e);
	if (rc == 0)
		rc = aside_start(s, e);
	if (rc == 0)
		rc = reading_start(s, s->options.readers, e);
	if (rc == 0)
		rc = staging_start(s, e);
	if (rc == 0)
		rc = committer_start(s, e);
	if (rc == 0)
		aside_compact(s, true);
	return rc;
}

/* ---- to look only ---- */

static int
check_version(struct db *db, const char *folder, struct error *e)
{
	uint64_t version = 0, begun = 0;
	int rc = schema_check(db, &version, e);

	if (rc == 0 && version == 0)
		return error_set(e, ERR_NOT_FOUND, "there is no store in '%s'", folder);
	if (rc == 0)
		rc = schema_is_begun(db, &begun, e);
	if (rc == 0 && (version < SCHEMA_VERSION || begun != 0))
		return error_set(e, ERR_ORDER,
		    "'%s' is of an earlier program and was left as it is; to look at it, run letterlockd restore '%s' "
		    "--data "
		    "with a new folder, and look at that one",
		    folder, folder);
	return rc;
}

static int
open_to_look(struct store *s, struct error *e)
{
	struct db *db = &s->committer.db;
	char lock[FILE_PATH_MAX];
	int rc = path_join(lock, s->options.folder, "lock", e);

	s->refused = true; /* so that closing changes nothing either */
	if (rc == 0)
		rc = path_join(s->db_path, s->options.folder, "store.db", e);
	if (rc == 0 && !file_exists(s->db_path))
		rc = error_set(e, ERR_NOT_FOUND, "there is no store in '%s'", s->options.folder);
	if (rc == 0)
		rc = file_lock_shared(lock, &s->lock, e);
	if (rc == ERR_EXISTS)
		rc = error_set(e, ERR_ORDER, "%s is in use by another process", s->options.folder);
	if (rc == 0)
		rc = db_open(db, s->db_path, DB_LOOKER, e);
	if (rc == 0)
		rc = check_version(db, s->options.folder, e);
	if (rc == 0)
		rc = bodies_look(&s->bodies, s->options.folder, e);
	return rc != 0 ? rc : reading_start(s, s->options.readers, e);
}

/* ---- to serve ---- */

static int
take_folder(struct store *s, struct error *e)
{
	char lock[FILE_PATH_MAX];
	int rc = dir_make_private(s->options.folder, e);

	if (rc == 0)
		rc = path_join(lock, s->options.folder, "lock", e);
	if (rc == 0)
		rc = path_join(s->db_path, s->options.folder, "store.db", e);
	if (rc != 0)
		return rc;
	rc = file_lock(lock, false, &s->lock, e);
	if (rc == ERR_EXISTS)
		return error_set(e, ERR_ORDER, "%s is in use by another process", s->options.folder);
	return rc;
}

static int
open_to_serve(struct store *s, struct error *e)
{
	int rc = take_folder(s, e);

	if (rc == 0)
		rc = open_database(s, e);
	return rc != 0 ? rc : start_threads(s, e);
}

int
store_open(const struct store_options *options, struct store **store_out, struct error *e)
{
	struct store *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->options = *options;
	if (s->options.segment_size == 0)
		s->options.segment_size = SEGMENT_SIZE;
	s->lock = s->bodies.folder_fd = s->bodies.segment_fd = -1;
	s->service =
	    (struct port_service){ &store_interface, handlers, sizeof handlers / sizeof handlers[0], s, peer_gone };
	notify_init(&s->notify);
	rc = s->options.look_only ? open_to_look(s, e) : open_to_serve(s, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*store_out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	staging_stop(s);
	reading_stop(s);
	aside_compact(s, false);
	committer_stop(s);
	aside_stop(s);
	notify_done(&s->notify);
	staging_done(s);
	if (s->bodies.unmarked && !atomic_load(&s->stopped))
		(void)db_run(&s->committer.db, "UPDATE segments SET synced = used", NULL);
	if (s->committer.db.handle != NULL && !atomic_load(&s->stopped) && !s->refused)
		(void)sqlite3_wal_checkpoint_v2(s->committer.db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	else if (s->committer.db.handle != NULL)
		(void)sqlite3_db_config(s->committer.db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(&s->committer.db);
	bodies_close(&s->bodies);
	if (s->lock >= 0)
		file_unlock(s->lock);
	mem_free(s);
}
