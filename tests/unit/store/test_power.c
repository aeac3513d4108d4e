/* SPDX-License-Identifier: ISC */
/*
 * Cuts the power. kill -9 cannot show a missing sync, since the kernel keeps
 * what was written; here only what was synced counts.
 *
 * fsync and fdatasync are ours in this program, SQLite's calls included. Each
 * keeps an image of what the disk is bound to hold: a file's octets as they
 * were when it was last synced, a name only once its folder was synced. At
 * random syncs the power is cut: a folder is made of that image, once
 * strictly, once with random blocks of what was written later mixed in. The
 * store must open each such folder, and everything answered until then must
 * be there.
 */
#include "store/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define INODES_MAX 1024u
#define CUTS_MAX 32u
#define CUT_EVERY 97u /* syncs, more or less */
#define MESSAGES 400u
#define BLOCK 4096u

struct inode {
	ino_t number;
	uint8_t *synced; /* octets at the last sync */
	size_t synced_len;
	char name[64]; /* under the folder, once that is durable; empty before */
};

struct cut {
	char folder[80];
	unsigned answered;
	bool mixed;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool watching;
static const char *watched;
static struct inode inodes[INODES_MAX];
static size_t inode_count;
static struct cut cuts[CUTS_MAX];
static size_t cut_count;
static uint64_t random_state;
static unsigned answered_count;
static unsigned recovered;
static bool answered[MESSAGES];
static unsigned answer_order[MESSAGES];

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* ---- the image; with the mutex ---- */

static struct inode *
inode_get(ino_t number)
{
	for (size_t i = 0; i < inode_count; i++) {
		if (inodes[i].number == number)
			return &inodes[i];
	}
	if (inode_count == INODES_MAX)
		abort();
	inodes[inode_count] = (struct inode){ .number = number };
	return &inodes[inode_count++];
}

static uint8_t *
whole_file(const char *path, size_t *len_out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;

	*len_out = 0;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		data = malloc((size_t)st.st_size + 1);
		if (data == NULL || pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
			abort();
		*len_out = (size_t)st.st_size;
	}
	if (fd >= 0)
		(void)close(fd);
	return data;
}

static void
names_synced(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	for (size_t i = 0; i < inode_count; i++) {
		const char *slash = strrchr(inodes[i].name, '/');

		if ((slash != NULL) == (prefix[0] != 0))
			inodes[i].name[0] = 0;
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type == DT_REG)
			(void)snprintf(
			    inode_get(entry->d_ino)->name, sizeof inodes[0].name, "%s%.40s", prefix, entry->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static void
file_synced(const char *path, ino_t number)
{
	struct inode *in = inode_get(number);

	free(in->synced);
	in->synced = whole_file(path, &in->synced_len);
}

/* Blocks of what was written since the last sync may be on the disk too, in any choice. */
static uint8_t *
mix(const struct inode *in, const char *path, size_t *len_out)
{
	size_t now_len, len;
	uint8_t *now = whole_file(path, &now_len), *mixed;

	len = next_random() % 2 == 0 ? now_len : in->synced_len;
	mixed = calloc(1, len + 1);
	if (mixed == NULL)
		abort();
	if (in->synced_len > 0)
		memcpy(mixed, in->synced, size_min(len, in->synced_len));
	for (size_t at = 0; at < size_min(len, now_len); at += BLOCK) {
		if (next_random() % 2 == 0)
			memcpy(mixed + at, now + at, size_min(BLOCK, size_min(len, now_len) - at));
	}
	free(now);
	*len_out = len;
	return mixed;
}

static void
write_file(const char *folder, const char *name, const uint8_t *data, size_t len)
{
	char path[200];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || (len > 0 && write(fd, data, len) != (ssize_t)len) || close(fd) != 0)
		abort();
}

static void
cut_power(void)
{
	struct cut *c = &cuts[cut_count++];
	char path[200];

	c->mixed = next_random() % 2 == 0;
	c->answered = answered_count;
	(void)snprintf(c->folder, sizeof c->folder, "%s-cut%zu", watched, cut_count);
	(void)snprintf(path, sizeof path, "%s/bodies", c->folder);
	if (mkdir(c->folder, 0700) != 0 || mkdir(path, 0700) != 0)
		abort();
	for (size_t i = 0; i < inode_count; i++) {
		uint8_t *data = inodes[i].synced;
		size_t len = inodes[i].synced_len;

		if (inodes[i].name[0] == 0 || strstr(inodes[i].name, "-shm") != NULL)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", watched, inodes[i].name);
		if (c->mixed)
			data = mix(&inodes[i], path, &len);
		write_file(c->folder, inodes[i].name, data, len);
		if (c->mixed)
			free(data);
	}
}

/* ---- the calls ---- */

static int
note_sync(int fd, long call)
{
	char link[64], path[300];
	struct stat st;
	ssize_t n;
	int rc;

	(void)pthread_mutex_lock(&mutex);
	if (watching && cut_count < CUTS_MAX && next_random() % CUT_EVERY == 0)
		cut_power();
	rc = (int)syscall(call, fd);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = watching ? readlink(link, path, sizeof path - 1) : -1;
	if (n > 0 && rc == 0 && fstat(fd, &st) == 0) {
		path[n] = 0;
		if (strncmp(path, watched, strlen(watched)) == 0) {
			if (S_ISDIR(st.st_mode))
				names_synced(path, strlen(path) == strlen(watched) ? "" : "bodies/");
			else
				file_synced(path, st.st_ino);
		}
	}
	if (watching && cut_count < CUTS_MAX && next_random() % CUT_EVERY == 0)
		cut_power();
	(void)pthread_mutex_unlock(&mutex);
	return rc;
}

int
fsync(int fd)
{
	return note_sync(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return note_sync(fd, SYS_fdatasync);
}

/* ---- load ---- */

static size_t
length_of(unsigned number)
{
	return number % 50 == 49 ? 300000 : 5 + number * 7919u % 9000;
}

static void
fill(unsigned number, uint8_t *out)
{
	for (size_t i = 0; i < length_of(number); i++)
		out[i] = (uint8_t)(number * 31u + i * (number % 250 + 1));
	memcpy(out, &number, sizeof number);
}

static sem_t room;

static void
done(void *ctx, const void *reply, const struct error *e)
{
	unsigned *number = ctx;

	(void)e;
	if (reply == NULL)
		abort();
	(void)pthread_mutex_lock(&mutex);
	answered[*number] = true;
	answer_order[answered_count++] = *number;
	(void)pthread_mutex_unlock(&mutex);
	(void)sem_post(&room);
}

static uint64_t
stage(struct box *b, struct slice data)
{
	struct store_nothing none = { 0 };
	struct store_body_handle handle;
	struct store_body_length length;
	struct store_body_append in;

	assert_ok(store_body_begin(b->port, &none, &b->arena, &handle, &unit_error));
	in = (struct store_body_append){ handle.handle, data };
	assert_ok(store_body_append(b->port, &in, &b->arena, &length, &unit_error));
	return handle.handle;
}

static void
expunge_all(struct box *b, uint64_t account, uint64_t mailbox)
{
	struct store_expunge in = { account, mailbox, NULL, 0, true };
	struct store_expunged out;

	assert_ok(store_expunge(b->port, &in, &b->arena, &out, &unit_error));
}

static void
load(struct box *b, uint64_t account)
{
	static unsigned numbers[MESSAGES];
	static uint8_t data[300000];

	uint64_t junk = box_create(b, account, "junk");

	(void)sem_init(&room, 0, 8);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct store_append in = { .account = account, .mailbox = 1 };

		numbers[i] = i;
		fill(i, data);
		in.content.data = slice_of(data, length_of(i));
		if (length_of(i) > 100000)
			in.content = (struct store_content){ .handle = stage(b, in.content.data) };
		(void)sem_wait(&room);
		/* What comes and goes between them leaves segments mostly dead: they are compacted meanwhile. */
		for (int k = 0; k < 2; k++)
			(void)box_append(b, account, junk, slice_of(data, 9000), 0);
		if (i % 10 == 9)
			expunge_all(b, account, junk);
		assert_ok(store_append_submit(b->port, &in, done, &numbers[i], &unit_error));
	}
	for (int i = 0; i < 8; i++)
		(void)sem_wait(&room);
}

/* ---- check ---- */

static void
check_cut(const struct cut *c)
{
	static uint8_t want[300000];
	bool there[MESSAGES] = { false };
	struct store_message_list in = { .account = 1, .mailbox = 1 };
	struct store_message_rows rows = { 0 };
	struct box b = { 0 };
	int rc;

	assert_in_range(snprintf(b.folder, sizeof b.folder, "%s", c->folder), 1, sizeof b.folder - 1);
	arena_init(&b.arena, (size_t)256 << 20);
	box_open(&b);
	recovered += strstr(b.said, "took out") != NULL;
	rc = store_message_list(b.port, &in, &b.arena, &rows, NULL);
	assert_true(rc == 0 || (rc == ERR_NOT_FOUND && c->answered == 0)); /* cut before the account was made */
	for (size_t i = 0; i < rows.row_count; i++) {
		struct slice got = box_body(&b, rows.rows[i].body);
		unsigned number;

		assert_true(got.len >= sizeof number);
		memcpy(&number, got.data, sizeof number);
		assert_true(number < MESSAGES && !there[number]);
		there[number] = true;
		fill(number, want);
		assert_true(slice_eq(got, slice_of(want, length_of(number))));
	}
	for (unsigned i = 0; i < c->answered; i++) {
		if (!there[answer_order[i]])
			fail_msg("%s: message %u was answered and is lost", c->folder, answer_order[i]);
	}
	folder_verify_clean(&b);
	box_free(&b);
}

static void
power_cuts(void **state)
{
	uint64_t seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20;
	const char *given = getenv("LETTERLOCK_POWER_SEED");
	struct box b;

	(void)state;
	if (given != NULL)
		seed = strtoull(given, NULL, 10);
	(void)printf("# seed %llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	box_new(&b);
	b.options.segment_size = 128 << 10;
	b.options.compact_rate = 1 << 30;
	watched = b.folder;
	watching = true;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	load(&b, 1);
	(void)pthread_mutex_lock(&mutex);
	watching = false;
	(void)pthread_mutex_unlock(&mutex);
	box_free(&b);
	assert_true(cut_count > 0);
	for (size_t i = 0; i < cut_count; i++)
		check_cut(&cuts[i]);
	(void)printf(
	    "# %zu cuts, the last after %u answers; after %u of them messages of the last batch were taken out\n",
	    cut_count, cuts[cut_count - 1].answered, recovered);
	for (size_t i = 0; i < inode_count; i++)
		free(inodes[i].synced);
}

UNIT_MAIN(UNIT_TEST(power_cuts))
