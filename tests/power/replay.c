/* SPDX-License-Identifier: ISC */
/*
 * Cuts the power again and again over a recorder's log, in memory, and looks
 * whether the store that is then on the disk keeps what was promised.
 *
 *   power_replay [--image FOLDER] [--seed N] [--seconds N] [--points N] [--jobs N] [--first] LOG SCRATCH
 *   power_replay [--image FOLDER] [--seed N] --emit N LOG FOLDER
 *   power_replay --sites LOG
 *
 * At each point in the log, chosen by the seed, these disks are made: with
 * nothing that was not synced, with all of it, with all but one item for each
 * item, with the last write torn behind 512 and behind 4096 octets, and some by
 * chance. Each is opened, compared (ledger.h) and closed. --first ends with the
 * first loss. --emit writes N such disks and looks at none. --sites lists the
 * call sites of syncs. The last line says how many were looked at and lost;
 * status 1 when anything was lost.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "ledger.h"
#include "power.h"
#include "store/engine.h"

#define RANDOM_STATES 12u
#define SINGLES_MAX 80u /* single items left out at one point; of more, by chance */
#define STATE_SECONDS 60u
#define WHY_MAX 600

struct options {
	const char *image, *log, *scratch;
	uint64_t seed;
	long seconds;
	size_t points, jobs, emit;
	bool first, sites;
};

/* Shared with the processes that look. */
struct shared {
	uint64_t states, lost, points;
};

struct record {
	struct log_head head;
	char path[256], text[512];
	const uint8_t *data;
};

struct replay {
	struct options o;
	const uint8_t *log;
	size_t log_len;
	struct disk *disk;
	struct ledger *ledger;
	struct shared *shared;
	size_t running;
	uint64_t random;
};

/* ---- the log ---- */

/* Octets of the record, 0 at the end: also of a log that was cut in the middle of one. */
static size_t
record_read(const uint8_t *log, size_t len, struct record *out)
{
	struct log_head *h = &out->head;
	uint64_t data;

	if (len < sizeof *h)
		return 0;
	memcpy(h, log, sizeof *h);
	data = h->type == LOG_WRITE ? h->length : 0;
	if (h->path_len >= sizeof out->path || h->text_len >= sizeof out->text ||
	    len < sizeof *h + h->path_len + h->text_len + data)
		return 0;
	log += sizeof *h;
	memcpy(out->path, log, h->path_len);
	out->path[h->path_len] = 0;
	memcpy(out->text, log + h->path_len, h->text_len);
	out->text[h->text_len] = 0;
	out->data = log + h->path_len + h->text_len;
	return sizeof *h + h->path_len + h->text_len + data;
}

/* Records, and those at which a client had looked at everything after a restart. */
struct counts {
	size_t records;
	size_t looked[64], looked_count;
};

static struct counts
count_records(const struct replay *r)
{
	struct counts c = { 0 };
	struct record one;
	size_t n;

	for (size_t at = 0; (n = record_read(r->log + at, r->log_len - at, &one)) > 0; at += n) {
		c.records++;
		if (one.head.type == LOG_MARK && strncmp(one.text, "looked", 6) == 0 && c.looked_count < 64)
			c.looked[c.looked_count++] = c.records;
	}
	return c;
}

/* ---- one state ---- */

struct state {
	const char *what;
	size_t item;
	bool sizes_first;
	uint64_t random;
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_folder(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* SQLite's own opinion. */
static bool
database_is_sound(const char *folder, char *why)
{
	char path[600];
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	const char *text = "it does not open";
	bool good;

	(void)snprintf(path, sizeof path, "%s/store.db", folder);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(s, 0);
	good = strcmp(text, "ok") == 0;
	if (!good)
		(void)snprintf(why, WHY_MAX, "the database is not sound: %.300s", text);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db);
	return good;
}

static bool
folder_is_kept(struct replay *r, const char *folder, bool deep, char *why)
{
	struct store_options options = { .folder = folder, .segment_size = 1 << 20, .readers = 1 };
	struct store *store = NULL;
	struct port *port = NULL;
	struct error e;
	bool good;

	if (store_open(&options, &store, &e) != 0) {
		(void)snprintf(why, WHY_MAX, "the store does not open: %.300s", e.text);
		return false;
	}
	if (port_open_local(store_service(store), &port, &e) != 0)
		abort();
	good = ledger_check(r->ledger, port, why, WHY_MAX);
	port_close(port);
	store_close(store);
	return good && (!deep || database_is_sound(folder, why));
}

static void
tell_loss(const struct replay *r, size_t at, const struct state *s, const char *why)
{
	char item[300] = "";

	if (s->item < disk_items(r->disk))
		disk_item_text(r->disk, s->item, item, sizeof item);
	(void)printf("LOST at octet %zu of the log, %s%s%s%s, seed %" PRIu64 ": %s\n", at, s->what,
	    item[0] == 0 ? "" : " (", item, item[0] == 0 ? "" : ")", r->o.seed, why);
	(void)fflush(stdout);
}

static void
look_at(struct replay *r, size_t at, const struct state *s, const uint8_t *keep)
{
	char folder[500], why[WHY_MAX] = "";
	bool good;

	(void)snprintf(folder, sizeof folder, "%s/%d", r->o.scratch, getpid());
	remove_folder(folder);
	if (mkdir(folder, 0700) != 0) {
		perror(folder);
		_exit(3);
	}
	(void)alarm(STATE_SECONDS);
	disk_write(r->disk, keep, s->sizes_first, s->random, folder);
	good = folder_is_kept(r, folder, s->random % 4 == 0, why);
	(void)alarm(0);
	(void)__atomic_fetch_add(&r->shared->states, 1, __ATOMIC_SEQ_CST);
	if (!good) {
		if (__atomic_fetch_add(&r->shared->lost, 1, __ATOMIC_SEQ_CST) < 10)
			tell_loss(r, at, s, why);
		if (r->o.first)
			_exit(0);
	}
	remove_folder(folder);
}

/* ---- the states of one point ---- */

static size_t
last_write(const struct replay *r)
{
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < disk_items(r->disk); i++)
		if (disk_item_octets(r->disk, i) > 0)
			last = i;
	return last;
}

static void
look_at_singles(struct replay *r, size_t at, uint8_t *keep)
{
	size_t count = disk_items(r->disk);

	memset(keep, KEEP_ALL, count);
	for (size_t i = 0; i < count; i++) {
		if (count > SINGLES_MAX && power_random(&r->random) % count >= SINGLES_MAX)
			continue;
		keep[i] = KEEP_NOT;
		look_at(r, at, &(struct state){ "all but one", i, power_random(&r->random) % 2 == 0, r->random }, keep);
		keep[i] = KEEP_ALL;
	}
}

static void
look_at_torn(struct replay *r, size_t at, uint8_t *keep)
{
	size_t last = last_write(r);

	if (last == SIZE_MAX)
		return;
	memset(keep, KEEP_ALL, disk_items(r->disk));
	keep[last] = KEEP_FIRST_512;
	look_at(r, at, &(struct state){ "last write torn at 512", last, false, r->random }, keep);
	keep[last] = KEEP_FIRST_4096;
	look_at(r, at, &(struct state){ "last write torn at 4096", last, false, r->random }, keep);
}

/* Many kept or few, whole writes or some of their sectors. */
static void
choose(struct replay *r, uint8_t *keep)
{
	uint64_t often = power_random(&r->random) % 9;

	for (size_t i = 0; i < disk_items(r->disk); i++) {
		uint64_t how = power_random(&r->random);

		keep[i] = how % 8 >= often ? KEEP_NOT : KEEP_ALL;
		if (keep[i] == KEEP_ALL && disk_item_octets(r->disk, i) > 512 && how >> 8 & 1)
			keep[i] = how >> 9 & 1 ? KEEP_SECTORS : KEEP_PAGES;
	}
}

static void
look_at_point(struct replay *r, size_t at)
{
	size_t count = disk_items(r->disk);
	uint8_t *keep = power_alloc(count + 1);

	look_at(r, at, &(struct state){ "nothing that was not synced", SIZE_MAX, false, 0 }, keep);
	if (count > 0) {
		look_at(r, at, &(struct state){ "nothing but sizes", SIZE_MAX, true, 0 }, keep);
		memset(keep, KEEP_ALL, count);
		look_at(r, at, &(struct state){ "all", SIZE_MAX, false, 0 }, keep);
		look_at_torn(r, at, keep);
		look_at_singles(r, at, keep);
	}
	for (unsigned i = 0; i < RANDOM_STATES && count > 1; i++) {
		choose(r, keep);
		look_at(r, at, &(struct state){ "by chance", SIZE_MAX, power_random(&r->random) % 2 == 0, r->random },
		    keep);
	}
	free(keep);
}

static bool
child_was_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
reap(struct replay *r)
{
	int status;

	if (wait(&status) < 0)
		return;
	r->running--;
	if (child_was_well(status))
		return;
	(void)__atomic_fetch_add(&r->shared->lost, 1, __ATOMIC_SEQ_CST);
	(void)printf("LOST: a process that looked ended with %s %d, seed %" PRIu64 "\n",
	    WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    r->o.seed);
}

static void
cut_power(struct replay *r, size_t at)
{
	pid_t child;

	while (r->running >= r->o.jobs)
		reap(r);
	r->random = power_mix(r->o.seed + at);
	r->shared->points++;
	(void)fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(3);
	}
	if (child == 0) {
		look_at_point(r, at);
		(void)fflush(stdout);
		_exit(0);
	}
	r->running++;
}

static void
emit(struct replay *r, size_t number)
{
	uint8_t *keep = power_alloc(disk_items(r->disk) + 1);
	char folder[500];

	(void)snprintf(folder, sizeof folder, "%s/%zu", r->o.scratch, number);
	if (mkdir(folder, 0700) != 0) {
		perror(folder);
		exit(3);
	}
	if (number % 3 != 0)
		choose(r, keep);
	disk_write(r->disk, keep, number % 2 == 0, r->random, folder);
	free(keep);
}

/* ---- the walk ---- */

static int
compare_points(const void *a, const void *b)
{
	size_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

/*
 * The first moments, when folders and files are made, the last, and those
 * after a restart are looked at more closely than their share.
 */
static size_t *
points(const struct replay *r, const struct counts *c, size_t wanted)
{
	size_t *out = power_alloc(wanted * sizeof *out);
	uint64_t random = r->o.seed;

	for (size_t i = 0; i < wanted; i++) {
		uint64_t one = power_random(&random);

		if (i % 6 == 5 && c->records > 200)
			out[i] = one % 200 + (one >> 32 & 1 ? 0 : c->records - 200);
		else if (i % 6 == 4 && c->looked_count > 0)
			out[i] = c->looked[one % c->looked_count] + (one >> 32) % 16;
		else
			out[i] = one % c->records;
	}
	qsort(out, wanted, sizeof *out, compare_points);
	return out;
}

static bool
take(struct replay *r, const struct record *one, size_t at)
{
	char why[WHY_MAX];

	disk_take(r->disk, &one->head, one->path, one->text, one->data);
	if (one->head.type != LOG_MARK || ledger_take(r->ledger, one->text, why, sizeof why))
		return true;
	(void)printf("LOST at octet %zu of the log, without a power cut, seed %" PRIu64 ": %s\n", at, r->o.seed, why);
	r->shared->lost++;
	return false;
}

static bool
enough(const struct replay *r)
{
	return r->o.first && __atomic_load_n(&r->shared->lost, __ATOMIC_SEQ_CST) > 0;
}

static void
walk(struct replay *r, const size_t *at_records, size_t wanted, time_t until)
{
	struct record one;
	size_t n, number = 0, next = 0;

	for (size_t at = 0; (n = record_read(r->log + at, r->log_len - at, &one)) > 0 && !enough(r); at += n) {
		while (next < wanted && at_records[next] == number) {
			if (r->o.emit > 0)
				emit(r, next);
			else if (next == 0 || at_records[next] != at_records[next - 1])
				cut_power(r, at);
			next++;
		}
		if (until != 0 && time(NULL) >= until)
			break;
		if (!take(r, &one, at))
			break;
		number++;
	}
	while (r->running > 0)
		reap(r);
}

/* Rounds over the whole log with new points, as long as there is time. */
static void
replay(struct replay *r)
{
	time_t until = r->o.seconds == 0 ? 0 : time(NULL) + r->o.seconds;
	const struct counts c = count_records(r);

	if (c.records == 0)
		return;
	do {
		size_t *at = points(r, &c, r->o.points);

		r->disk = disk_new(r->o.image);
		r->ledger = ledger_new();
		walk(r, at, r->o.points, until);
		disk_free(r->disk);
		ledger_free(r->ledger);
		free(at);
		r->o.seed += until == 0 ? 0 : 1000003;
	} while (until != 0 && time(NULL) < until && !enough(r));
}

static void
list_sites(const struct replay *r)
{
	struct record one;
	size_t n;

	for (size_t at = 0; (n = record_read(r->log + at, r->log_len - at, &one)) > 0; at += n)
		if (one.head.type == LOG_SYNC_BEGIN)
			puts(one.text);
}

static bool
options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "image", 1, NULL, 'i' }, { "seed", 1, NULL, 's' },
		{ "seconds", 1, NULL, 't' }, { "points", 1, NULL, 'p' }, { "jobs", 1, NULL, 'j' },
		{ "emit", 1, NULL, 'e' }, { "first", 0, NULL, 'f' }, { "sites", 0, NULL, 'l' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		unsigned long long n = optarg == NULL || c == 'i' ? 1 : strtoull(optarg, NULL, 10);

		if (c == 'i')
			o->image = optarg;
		else if (c == 's')
			o->seed = n;
		else if (c == 't')
			o->seconds = (long)n;
		else if (c == 'p')
			o->points = (size_t)n;
		else if (c == 'j')
			o->jobs = (size_t)n;
		else if (c == 'e')
			o->emit = (size_t)n;
		else if (c == 'f')
			o->first = true;
		else if (c == 'l')
			o->sites = true;
		else
			return false;
	}
	o->log = argv[optind];
	o->scratch = o->log == NULL ? NULL : argv[optind + 1];
	return o->log != NULL && (o->scratch != NULL) != o->sites;
}

int
main(int argc, char **argv)
{
	struct replay r = { .o = { .seed = 1, .points = 40, .jobs = 2 } };
	uint64_t seed;
	void *log;

	if (!options(argc, argv, &r.o)) {
		(void)fprintf(stderr, "power_replay: see the head of tests/power/replay.c\n");
		return 2;
	}
	seed = r.o.seed;
	r.log = log = power_read(r.o.log, &r.log_len);
	r.shared = mmap(NULL, sizeof *r.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.shared == MAP_FAILED)
		return 3;
	if (r.o.sites) {
		list_sites(&r);
		return 0;
	}
	if (r.o.emit > 0)
		r.o.points = r.o.emit;
	replay(&r);
	free(log);
	if (r.o.emit == 0)
		(void)printf("%" PRIu64 " states at %" PRIu64 " points, %" PRIu64 " lost, seed %" PRIu64 "\n",
		    r.shared->states, r.shared->points, r.shared->lost, seed);
	return r.shared->lost > 0 ? 1 : 0;
}
