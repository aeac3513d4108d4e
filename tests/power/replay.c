/* SPDX-License-Identifier: ISC */
/*
 * Cuts the power again and again over a recorder's log, in memory, and looks
 * whether the store that is then on the disk keeps what was promised.
 *
 *   power_replay [--image FOLDER [--told TEXT]] [--seed N] [--seconds N] [--points N] [--jobs N]
 *                [--edges | --about NAME] [--first] LOG SCRATCH
 *   power_replay [--image FOLDER] [--seed N] --emit N [--late] LOG FOLDER
 *   power_replay [--image FOLDER] --sites LOG
 *
 * At each point in the log, chosen by the seed, these disks are made: with
 * nothing that was not synced, with all of it, with all but one item for each
 * item, with all but one file's and with one file's alone for each file, with
 * the last write torn behind 512 and behind 4096 octets, and some by chance.
 * Each is opened, compared (ledger.h), verified and closed; with --told it must
 * still have what that text says of the image (told.c). --edges looks at the
 * first and last moments only, and at those about a restart, a checkpoint, or
 * the making or syncing of a segment; --about only at those of files whose name
 * begins so. --first ends with the first loss.
 *
 * --emit writes N such disks and looks at none; --late: all of the log's second
 * half. Beside each is N.marks, the log's marks until then: where a log begins
 * that goes on with that disk, which is its image.
 *
 * --sites lists what was recorded: each write and change of a name by its kind
 * of file, each sync by its call site.
 *
 * The last line says how many were looked at and lost; status 1 when anything
 * was lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "ledger.h"
#include "power.h"
#include "store/engine.h"
#include "verify.h"

#define RANDOM_STATES 12u
#define SINGLES_MAX 256u /* single items left out at one point; of more, so many by chance */
#define FILES_MAX 12u
#define STATE_SECONDS 60u
#define WHY_MAX 600
#define EDGES_MAX 8192u

struct options {
	const char *image, *told, *about, *log, *scratch;
	const char *teller; /* power_told */
	uint64_t seed;
	long seconds;
	size_t points, jobs, emit;
	bool first, sites, edges, late;
};

/* Shared with the processes that look. */
struct shared {
	uint64_t states, lost, points;
	uint64_t sampled; /* points with more than SINGLES_MAX items */
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

/*
 * A client has looked at everything after a restart, a checkpoint is syncing the database or has done so, or a segment was
 * made, or compaction syncs it.
 */
static bool
is_edge(const struct record *one, const char *about)
{
	if (about != NULL && strncmp(one->path, about, strlen(about)) != 0)
		return false;
	switch ((enum log_type)one->head.type) {
	case LOG_MARK:
		return strncmp(one->text, "looked", 6) == 0;
	case LOG_SYNC_BEGIN:
	case LOG_SYNC_END:
		return strcmp(one->path, "store.db") == 0 || strncmp(one->path, "bodies/s8", 9) == 0;
	case LOG_CREATE:
		return strncmp(one->path, "bodies/s", 8) == 0;
	case LOG_OPEN:
	case LOG_MKDIR:
	case LOG_WRITE:
	case LOG_SIZE:
	case LOG_PUNCH:
	case LOG_RENAME:
	case LOG_LINK:
	case LOG_UNLINK:
	case LOG_START:
	case LOG_SYNC_FAIL:
		break;
	}
	return false;
}

struct counts {
	size_t records;
	size_t first; /* the first process's: before it are only marks of an earlier log */
	bool started;
	size_t edges[EDGES_MAX], edge_count;
};

static struct counts
count_records(const struct replay *r)
{
	struct counts c = { 0 };
	struct record one;
	size_t n;

	for (size_t at = 0; (n = record_read(r->log + at, r->log_len - at, &one)) > 0; at += n) {
		if (one.head.type == LOG_START && !c.started) {
			c.started = true;
			c.first = c.records;
			c.edge_count = 0;
		}
		c.records++;
		if (is_edge(&one, r->o.about) && c.edge_count < EDGES_MAX)
			c.edges[c.edge_count++] = c.records;
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

/* What an old folder had: power_told's opinion, which opens it once more. */
static bool
is_told(const struct replay *r, const char *folder, char *why)
{
	char *words[] = { (char *)(uintptr_t)r->o.teller, (char *)(uintptr_t)folder, (char *)(uintptr_t)r->o.told,
		NULL };
	posix_spawn_file_actions_t actions;
	int out[2], status = -1;
	size_t len = 0;
	ssize_t n = 1;
	pid_t child;

	if (pipe2(out, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, out[1], 1) != 0 ||
	    posix_spawn(&child, words[0], &actions, NULL, words, environ) != 0) {
		perror(words[0]);
		_exit(3);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(out[1]);
	while (n > 0 && len < WHY_MAX - 1) {
		n = read(out[0], why + len, WHY_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	why[len] = 0;
	(void)close(out[0]);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (len == 0)
		(void)snprintf(why, WHY_MAX, "power_told ended with status %d", status);
	return false;
}

static bool
folder_is_kept(struct replay *r, const char *folder, char *why)
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
	good = ledger_check(r->ledger, port, why, WHY_MAX) && verify_finds_nothing(port, why, WHY_MAX);
	port_close(port);
	store_close(store);
	return good && (r->o.told == NULL || is_told(r, folder, why));
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
	good = folder_is_kept(r, folder, why);
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
	if (count > SINGLES_MAX)
		(void)__atomic_fetch_add(&r->shared->sampled, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < count; i++) {
		if (count > SINGLES_MAX && power_random(&r->random) % count >= SINGLES_MAX)
			continue;
		keep[i] = KEEP_NOT;
		look_at(r, at, &(struct state){ "all but one", i, power_random(&r->random) % 2 == 0, r->random }, keep);
		keep[i] = KEEP_ALL;
	}
}

/* What an order that nobody asked for would leave. */
static void
look_at_files(struct replay *r, size_t at, uint8_t *keep)
{
	size_t count = disk_items(r->disk);
	const void *files[FILES_MAX] = { NULL };
	size_t file_count = 0;

	for (size_t i = 0; i < count && file_count < FILES_MAX; i++) {
		const void *file = disk_item_file(r->disk, i);
		bool known = file == NULL;

		for (size_t k = 0; k < file_count && !known; k++)
			known = files[k] == file;
		if (known)
			continue;
		files[file_count++] = file;
		for (size_t k = 0; k < count; k++)
			keep[k] = disk_item_file(r->disk, k) == file ? KEEP_NOT : KEEP_ALL;
		look_at(r, at, &(struct state){ "all but one file's", i, false, r->random }, keep);
		for (size_t k = 0; k < count; k++)
			keep[k] = disk_item_file(r->disk, k) == file ? KEEP_ALL : KEEP_NOT;
		look_at(r, at, &(struct state){ "one file's alone", i, false, r->random }, keep);
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
		look_at_files(r, at, keep);
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
emit_marks(const struct replay *r, size_t until, const char *folder)
{
	char path[520];
	struct record one;
	FILE *out;

	(void)snprintf(path, sizeof path, "%s.marks", folder);
	out = fopen(path, "wbe");
	for (size_t at = 0, n; out != NULL && at < until; at += n) {
		n = record_read(r->log + at, until - at, &one);
		if (n == 0)
			break;
		if (one.head.type == LOG_MARK)
			(void)fwrite(r->log + at, 1, n, out);
	}
	if (out == NULL || ferror(out) != 0 || fclose(out) != 0) {
		perror(path);
		exit(3);
	}
}

static void
emit(struct replay *r, size_t number, size_t at)
{
	uint8_t *keep = power_alloc(disk_items(r->disk) + 1);
	char folder[500];

	r->random = power_mix(r->o.seed + at);

	(void)snprintf(folder, sizeof folder, "%s/%zu", r->o.scratch, number);
	if (mkdir(folder, 0700) != 0) {
		perror(folder);
		exit(3);
	}
	if (number % 3 != 0)
		choose(r, keep);
	disk_write(r->disk, keep, number % 2 == 0, r->random, folder);
	emit_marks(r, at, folder);
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
 * after an edge are looked at more closely than their share.
 */
static size_t *
points(const struct replay *r, const struct counts *c, size_t wanted)
{
	size_t *out = power_alloc(wanted * sizeof *out);
	uint64_t random = r->o.seed;
	size_t all = c->records - c->first;

	for (size_t i = 0; i < wanted; i++) {
		uint64_t one = power_random(&random), kind = r->o.edges ? 4 + one % 2 : i % 6;

		if (r->o.about != NULL)
			kind = 4;

		one >>= 1;
		if (r->o.late)
			out[i] = c->records - 1 - one % (all / 2 + 1);
		else if (kind == 5 && all > 200)
			out[i] = one % 200 + (one >> 32 & 1 ? c->first : c->records - 200);
		else if (kind == 4 && c->edge_count > 0)
			out[i] = c->edges[one % c->edge_count] + (one >> 32) % (one >> 40 & 1 ? 16 : 80);
		else
			out[i] = c->first + one % all;
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
				emit(r, next, at);
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

	if (c.records == c.first)
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

/* As the recorder's call sites name it. */
static const char *
kind_of(const char *path)
{
	return strcmp(path, "store.db") == 0     ? "database"
	    : strcmp(path, "store.db-wal") == 0  ? "log"
	    : strncmp(path, "bodies/s8", 9) == 0 ? "compacted"
	    : strncmp(path, "bodies/s", 8) == 0  ? "segment"
	    : strncmp(path, "bodies/b", 8) == 0  ? "body"
						 : "other";
}

static void
list_one(const struct disk *d, const struct record *one)
{
	static const char *const words[] = { [LOG_CREATE] = "make",
		[LOG_OPEN] = NULL,
		[LOG_MKDIR] = "folder",
		[LOG_WRITE] = "write",
		[LOG_SIZE] = "size",
		[LOG_PUNCH] = "hole",
		[LOG_RENAME] = "rename",
		[LOG_LINK] = "link",
		[LOG_UNLINK] = "remove",
		[LOG_START] = NULL };
	size_t type = one->head.type;
	bool named = type != LOG_WRITE && type != LOG_SIZE && type != LOG_PUNCH;

	if (type == LOG_SYNC_BEGIN)
		puts(one->text);
	else if (type < sizeof words / sizeof words[0] && words[type] != NULL)
		(void)printf("%s %s\n", words[type], kind_of(named ? one->path : disk_name(d, one->head.file)));
}

static void
list_sites(struct replay *r)
{
	struct record one;
	size_t n;

	r->disk = disk_new(r->o.image);
	for (size_t at = 0; (n = record_read(r->log + at, r->log_len - at, &one)) > 0; at += n) {
		list_one(r->disk, &one);
		disk_take(r->disk, &one.head, one.path, one.text, one.data);
	}
	disk_free(r->disk);
}

static bool
options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "image", 1, NULL, 'i' }, { "seed", 1, NULL, 's' },
		{ "seconds", 1, NULL, 't' }, { "points", 1, NULL, 'p' }, { "jobs", 1, NULL, 'j' },
		{ "emit", 1, NULL, 'e' }, { "told", 1, NULL, 'd' }, { "about", 1, NULL, 'b' },
		{ "first", 0, NULL, 'f' }, { "edges", 0, NULL, 'g' }, { "late", 0, NULL, 'a' },
		{ "sites", 0, NULL, 'l' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		unsigned long long n =
		    optarg == NULL || c == 'i' || c == 'd' || c == 'b' ? 1 : strtoull(optarg, NULL, 10);

		if (c == 'i')
			o->image = optarg;
		else if (c == 'd')
			o->told = optarg;
		else if (c == 'b')
			o->about = optarg;
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
		else if (c == 'g')
			o->edges = true;
		else if (c == 'a')
			o->late = true;
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
	char teller[600];
	uint64_t seed;
	void *log;

	if (strchr(argv[0], '/') == NULL || !options(argc, argv, &r.o)) {
		(void)fprintf(stderr, "power_replay: see the head of tests/power/replay.c\n");
		return 2;
	}
	seed = r.o.seed;
	(void)snprintf(teller, sizeof teller, "%.*spower_told", (int)(strrchr(argv[0], '/') - argv[0] + 1), argv[0]);
	r.o.teller = teller;
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
		(void)printf("%" PRIu64 " states at %" PRIu64 " points, %" PRIu64 " lost, %" PRIu64
			     " points with single items by chance, seed %" PRIu64 "\n",
		    r.shared->states, r.shared->points, r.shared->lost, r.shared->sampled, seed);
	return r.shared->lost > 0 ? 1 : 0;
}
