/* SPDX-License-Identifier: ISC */
/*
 * letterlockd restore: a backup in the place of the data folder.
 *
 *   1 DATA.restoring is made from the backup, as a backup of a backup would be. It has a file restore.json, which says
 *     from what: cut off, it is gone on with when it is from this very backup, and otherwise begun anew
 *   2 its numbers are raised (store/snapshot.h), and it is finished and synced
 *   3 it and DATA exchange their names, in one step
 *   4 what was DATA, and is the one of the two without restore.json now, is renamed to DATA.before-TIME
 *   5 restore.json goes
 *
 * So DATA is the old one up to 3 and the new one from there on. What a kill leaves behind 3 the next restore does first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "daemon/backup_mark.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/privileges.h"
#include "os/tree.h"

#define MARK BACKUP_RESTORING
#define MARK_MAX 32768u

struct restore {
	struct backup_telling telling; /* first: it is what the copy's functions get */
	const struct config *config;
	const char *folder;                                                   /* the backup */
	char data[FILE_PATH_MAX], made[FILE_PATH_MAX], before[FILE_PATH_MAX]; /* before: empty when there was nothing */
	bool in_place;                                                        /* made is data */
	struct buf mark;                                                      /* what restore.json is to say */
	bool named; /* the backup has a name that no other has: what was made from it can be told */
	struct store_snapshot *copy;
	struct store_snapshot_counts counts;
	struct store_snapshot_raised raised;
};

/* ---- names ---- */

static int
join(char *out, const char *a, const char *b, struct error *e)
{
	if (snprintf(out, FILE_PATH_MAX, "%s%s", a, b) >= (int)FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "the data folder's path is too long");
	return 0;
}

/* Where the data folder really lies: what is renamed must not be a link to it. */
static int
find_names(struct restore *r, struct error *e)
{
	size_t len;
	int rc = 0;

	if (realpath(r->config->data, r->data) == NULL)
		rc = errno == ENOENT ? join(r->data, r->config->data, "", e)
				     : error_set_errno(e, ERR_IO, errno, "'%s' cannot be found", r->config->data);
	len = rc == 0 ? strlen(r->data) : 0;
	while (len > 1 && r->data[len - 1] == '/')
		r->data[--len] = '\0';
	return rc != 0 ? rc : join(r->made, r->data, ".restoring", e);
}

static bool
has_mark(const char *folder)
{
	char path[FILE_PATH_MAX];

	return path_join(path, folder, MARK, NULL) == 0 && file_exists(path);
}

static int
remove_mark(const char *folder, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, folder, MARK, e);

	return rc != 0 ? rc : file_remove(path, e);
}

/*
 * Which backup this is: its backup.json, and the size and time of its database, which a backup replaces a moment before.
 * Bodies are known by number and length, and these every store begins anew.
 */
static int
make_mark(struct restore *r, struct error *e)
{
	struct json_value *v = json_value_object(), *backup = NULL;
	struct slice store = SLICE_EMPTY;
	char path[FILE_PATH_MAX];
	struct stat st;
	int rc = path_join(path, r->folder, "store.db", e);

	if (rc == 0 && stat(path, &st) != 0)
		rc = error_set_errno(e, ERR_IO, errno, "'%s' cannot be looked at", path);
	json_value_set_bool(v, "complete", false);
	if (rc == 0) {
		json_value_set_i64(v, "octets", st.st_size);
		json_value_set_i64(v, "seconds", st.st_mtim.tv_sec);
		json_value_set_i64(v, "nanoseconds", st.st_mtim.tv_nsec);
	}
	if (rc == 0 && backup_mark_value(r->folder, &backup, NULL) == 0) {
		r->named = json_value_get_text(json_value_get(backup, "store"), &store) && store.len > 0;
		json_value_set(v, "backup", backup);
	}
	if (rc == 0)
		rc = json_value_write(v, true, &r->mark, e);
	json_value_free(v);
	return rc;
}

static bool
is_marked(const struct restore *r)
{
	BUF_OWNED struct buf text = { 0 };
	char path[FILE_PATH_MAX];

	buf_init(&text, MARK_MAX);
	return path_join(path, r->made, MARK, NULL) == 0 && file_read(path, &text, NULL) == 0 &&
	    slice_eq(buf_slice(&text), buf_slice(&r->mark));
}

/* ---- 4, 5 ---- */

/* DATA.before-TIME, and a number behind it when there is one of this second already. */
static int
find_before(struct restore *r, struct error *e)
{
	const struct date d = date_of_unix((int64_t)clock_unix(), 0);
	char end[80];
	int rc;

	for (unsigned n = 1;; n++) {
		int len = snprintf(end, sizeof end, ".before-%04d%02u%02uT%02u%02u%02uZ", (int)d.year, d.month, d.day,
		    d.hour, d.minute, d.second);

		if (n > 1)
			(void)snprintf(end + len, sizeof end - (size_t)len, "-%u", n);
		rc = join(r->before, r->data, end, e);
		if (rc != 0 || !file_exists(r->before))
			return rc;
	}
}

static int
put_aside(struct restore *r, struct error *e)
{
	char parent[FILE_PATH_MAX];
	int rc = find_before(r, e);

	if (rc == 0 && rename(r->made, r->before) != 0)
		rc = error_set_errno(e, ERR_IO, errno, "'%s' cannot be renamed to '%s'", r->made, r->before);
	if (rc == 0)
		rc = path_join(parent, r->data, "..", e);
	return rc != 0 ? rc : dir_sync(parent, e);
}

/* A file that was being written (os/file.h). */
static bool
is_temporary(const char *name)
{
	return slice_starts(slice_str(name), SLICE(".letterlock-"));
}

/* One that had no mark yet: there is nothing in it but what comes before that. */
static bool
remove_begun(const struct restore *r)
{
	struct tree_list l = { NULL };
	struct tree t = { .fd = -1 };
	struct error e = { 0 };
	const char *name;
	bool begun = tree_open(&t, r->made, &e) == 0 && tree_list_open(&l, &t, "", &e) == 0;

	while (begun && (name = tree_list_next(&l, &e)) != NULL)
		begun = strcmp(name, "lock") == 0 || is_temporary(name);
	tree_list_done(&l);
	begun = begun && e.code == 0 && tree_list_open(&l, &t, "", &e) == 0;
	while (begun && (name = tree_list_next(&l, &e)) != NULL)
		begun = tree_remove(&t, name, &e) == 0;
	tree_list_done(&l);
	tree_done(&t);
	return begun && rmdir(r->made) == 0;
}

/* What a restore that was killed left behind the exchange. */
static int
finish_earlier(struct restore *r, struct error *e)
{
	int rc;

	if (r->in_place)
		return 0;
	/*
	 * One that was cut off at 5 left its mark in the data folder, which would take it along at 3 and be believed half-made
	 * then.
	 */
	if (!file_exists(r->made) || has_mark(r->made) || remove_begun(r))
		return has_mark(r->data) ? remove_mark(r->data, e) : 0;
	rc = put_aside(r, e);
	if (rc == 0 && has_mark(r->data))
		rc = remove_mark(r->data, e);
	if (rc == 0)
		(void)fprintf(stderr,
		    "letterlockd: an earlier restore was cut off at its end; the data folder of before it is '%s' "
		    "now\n",
		    r->before);
	r->before[0] = '\0';
	return rc;
}

/* ---- 1, 2 ---- */

static int
found_one(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "lost+found") == 0 || strcmp(name, "lock") == 0 ? 0 : 1;
}

/*
 * Where a file system is mounted nothing can be exchanged. When it is empty, the store is made right in it: until store.db
 * is there it is no data folder, and from then on it is one. Otherwise that is said before hours of copying, not after.
 */
static int
find_place(struct restore *r, struct error *e)
{
	char parent[FILE_PATH_MAX];
	struct stat here, above;
	int rc = path_join(parent, r->data, "..", e);

	if (rc != 0 || stat(r->data, &here) != 0 || stat(parent, &above) != 0 || here.st_dev == above.st_dev)
		return rc;
	if (!has_mark(r->data))
		rc = dir_each(r->data, found_one, NULL, e);
	if (rc == 1)
		return error_set(e, ERR_UNSUPPORTED,
		    "a file system is mounted at '%s', which so cannot be replaced; empty it, or name a folder in it "
		    "as the "
		    "data folder",
		    r->data);
	r->in_place = true;
	return rc != 0 ? rc : join(r->made, r->data, "", e);
}

/* Nobody may have the folder that goes; *lock_out stays -1 when there is no store in it. */
static int
lock_replaced(const struct restore *r, int *lock_out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, r->data, "store.db", e);

	if (rc == 0 && (r->in_place || !file_exists(path)))
		return 0;
	if (rc == 0)
		rc = path_join(path, r->data, "lock", e);
	if (rc == 0)
		rc = file_lock(path, false, lock_out, e);
	return rc == ERR_EXISTS ? error_set(e, ERR_ORDER, "%s is in use by another process", r->data) : rc;
}

static bool
is_kept(const char *name)
{
	/* The folder is known by its mark until the next one is in its place. */
	static const char *const names[] = { MARK, "lost+found", "lock" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name[0] == '.';
}

/* What was being written goes, or all of it. */
static int
clear_made(const struct restore *r, bool all, struct error *e)
{
	struct tree_list l = { NULL };
	struct tree t = { .fd = -1 };
	struct error why = { 0 };
	const char *name;
	int rc = tree_open(&t, r->made, e);

	if (rc == 0)
		rc = tree_list_open(&l, &t, "", e);
	while (rc == 0 && (name = tree_list_next(&l, &why)) != NULL)
		rc = is_temporary(name) || (all && !is_kept(name)) ? tree_remove_all(&t, name, e) : 0;
	if (rc == 0 && why.code != 0)
		rc = error_set(e, why.code, "%s", why.text);
	if (rc == 0)
		rc = tree_sync(&t, "", e);
	tree_list_done(&l);
	tree_done(&t);
	return rc;
}

/* It belongs to nobody else, and what is in it is from this backup. */
static int
clean_made(const struct restore *r, struct error *e)
{
	bool was_given;
	int rc = dir_take(r->made, &was_given, e);

	if (rc == 0)
		rc = dir_check_private(r->made, e);
	if (rc == 0 && !has_mark(r->made) && dir_each(r->made, found_one, NULL, e) != 0)
		rc = error_set(e, ERR_ORDER, "there is something else in '%s'", r->made);
	/* Whom it was given to could have changed all that is in it. */
	if (rc == 0 && has_mark(r->made))
		rc = clear_made(r, was_given || !r->named || !is_marked(r), e);
	return rc;
}

static int
begin_made(const struct restore *r, struct error *e)
{
	char lock[FILE_PATH_MAX], path[FILE_PATH_MAX];
	int fd = -1, rc = dir_make_private(r->made, e);

	if (rc == 0)
		rc = path_join(lock, r->made, "lock", e);
	if (rc == 0)
		rc = path_join(path, r->made, MARK, e);
	if (rc == 0)
		rc = file_lock(lock, false, &fd, e);
	if (rc == 0)
		rc = clean_made(r, e);
	if (rc == 0)
		rc = file_write_atomic(path, buf_slice(&r->mark), 0600, e);
	file_unlock(fd);
	return rc == ERR_EXISTS ? error_set(e, ERR_ORDER, "another restore is at work on %s", r->made) : rc;
}

static int
fill_made(struct restore *r, int lock, struct error *e)
{
	const struct store_snapshot_options o = { .from = r->folder,
		.to = r->made,
		.progress = backup_tell_progress,
		.damaged = backup_tell_damaged,
		.ctx = &r->telling };
	int rc = store_snapshot_open(&o, &r->copy, e);

	/* It is locked from here on, until it is the data folder. */
	if (rc == 0 && !is_marked(r))
		rc = error_set(e, ERR_ORDER, "another restore is at work on %s", r->made);
	if (rc == 0)
		rc = store_snapshot_run(r->copy, e);
	if (rc == 0)
		rc = store_snapshot_raise(r->copy, lock >= 0 ? r->data : NULL, &r->raised, e);
	if (rc == 0)
		rc = backup_copy_tls(r->folder, r->made, e);
	if (rc == 0)
		rc = store_snapshot_finish(r->copy, &r->counts, e);
	progress_done(&r->telling.progress);
	return rc != 0 ? rc : place_give(r->config, r->made, e);
}

static int
check_backup(const struct restore *r, struct error *e)
{
	if (!backup_is_there(r->folder))
		return error_set(e, ERR_NOT_FOUND, "'%s' is no backup: there is no backup.json in it", r->folder);
	if (!backup_is_whole(r->folder))
		return error_set(e, ERR_ORDER,
		    "'%s' is an unfinished backup; run letterlockd backup again, or take another one", r->folder);
	return 0;
}

static int
replace(struct restore *r, struct error *e)
{
	bool exchanged = false;
	int rc = r->in_place ? 0 : dir_replace(r->made, r->data, &exchanged, e);

	if (rc == 0 && exchanged)
		rc = put_aside(r, e);
	return rc != 0 ? rc : remove_mark(r->data, e);
}

static int
restore_all(struct restore *r, struct error *e)
{
	int lock = -1, rc = check_backup(r, e);

	if (rc == 0)
		rc = make_mark(r, e);
	if (rc == 0)
		rc = find_names(r, e);
	if (rc == 0)
		rc = find_place(r, e);
	if (rc == 0 && place_is_served(r->config))
		rc = error_set(e, ERR_ORDER, "a server runs on '%s'; stop it first", r->config->data);
	if (rc == 0)
		rc = finish_earlier(r, e);
	if (rc == 0)
		rc = lock_replaced(r, &lock, e);
	if (rc == 0)
		rc = begin_made(r, e);
	if (rc == 0)
		rc = fill_made(r, lock, e);
	if (rc == 0)
		rc = replace(r, e);
	store_snapshot_free(r->copy);
	file_unlock(lock);
	return rc;
}

/* ---- what is said ---- */

static void
print_json(const struct restore *r)
{
	struct json_value *object = json_value_object();

	json_value_set_str(object, "data", r->data);
	if (r->before[0] != '\0')
		json_value_set_str(object, "before", r->before);
	json_value_set_i64(object, "accounts", (int64_t)r->counts.accounts);
	json_value_set_i64(object, "messages", (int64_t)r->counts.messages);
	json_value_set_i64(object, "bodies", (int64_t)r->counts.bodies);
	json_value_set_i64(object, "octets", (int64_t)r->counts.octets);
	json_value_set_i64(object, "damaged", (int64_t)r->counts.damaged);
	json_value_set_i64(object, "mailboxes", (int64_t)r->raised.mailboxes);
	json_value_set_i64(object, "uidvalidity_raised", (int64_t)r->raised.raised);
	verb_print_json(object);
}

static void
print_end(const struct restore *r)
{
	if (r->telling.json) {
		print_json(r);
		return;
	}
	(void)printf("'%s' has %" PRIu64 " accounts, %" PRIu64 " messages and %" PRIu64 " bodies with %" PRIu64
		     " octets from the backup.\n",
	    r->data, r->counts.accounts, r->counts.messages, r->counts.bodies, r->counts.octets);
	if (r->before[0] != '\0')
		(void)printf("What was there before is '%s' now; remove it when you do not need it.\n", r->before);
	if (r->before[0] == '\0' && r->config->user == NULL && privileges_are_roots())
		(void)printf(
		    "If the server runs as another user than root, give it that user: chown -R USER '%s'. A service "
		    "manager with a StateDirectory= does so itself.\n",
		    r->data);
	if (r->raised.raised > 0)
		(void)printf(
		    "%" PRIu64 " of %" PRIu64
		    " mailboxes have a new UIDVALIDITY: UIDs may have been given out in them since the backup, "
		    "so mail programs must forget what they know of these and fetch them anew.\n",
		    r->raised.raised, r->raised.mailboxes);
	else
		(void)printf("Nothing was given out since the backup: all %" PRIu64
			     " mailboxes keep their UIDVALIDITY, and mail programs go on as before.\n",
		    r->raised.mailboxes);
	if (r->counts.damaged > 0)
		(void)fprintf(stderr,
		    "letterlockd: %" PRIu64
		    " bodies do not pass their checksums in the backup; they are as they were there\n",
		    r->counts.damaged);
}

int
verb_restore(const struct verb_input *in)
{
	struct restore r = { .config = in->config, .telling = { .json = in->json } };
	struct error e;
	int rc;

	if (in->word_count != 1) {
		(void)error_set(&e, ERR_USAGE, "say restore FOLDER");
		return verb_failed(&e);
	}
	r.folder = in->words[0];
	buf_init(&r.mark, MARK_MAX);
	rc = restore_all(&r, &e);
	buf_done(&r.mark);
	if (rc != 0)
		return verb_failed(&e) == EXIT_USAGE ? EXIT_USAGE : EXIT_COULD_NOT;
	print_end(&r);
	return r.counts.damaged == 0 ? EXIT_DONE : EXIT_NO;
}
