/* SPDX-License-Identifier: ISC */
/*
 * Kills the store at random moments under load and compares what it had
 * answered with what is there afterwards.
 *
 *   test_store_kill [SECONDS [SEED]]
 *
 * A child writes with many calls in flight: appends, deliveries to several
 * mailboxes, large staged messages, flags, expunges. It reports what it is
 * about to change and what was answered through a pipe; both are in the
 * kernel when it is killed. The parent keeps the model. Then it opens the
 * folder and checks:
 *
 *   what was answered is there, once, octet by octet, with its UID, flags and MODSEQ
 *   what was not answered is there whole, or not at all
 *   UIDs are never used twice, UIDVALIDITY stays, MODSEQ only grows
 *   counts, sizes and references agree with the rows, and verification has nothing to say
 */
#include "store/folder.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define BOXES 4u
#define MESSAGES_MAX 100000u
#define IN_FLIGHT 64
#define KEEP 250u /* messages of a mailbox, more or less */
#define PIECE 60000u

enum report_type {
	REPORT_STORED = 1,
	REPORT_FLAGS_BEGUN,
	REPORT_FLAGS,
	REPORT_EXPUNGE_BEGUN,
	REPORT_EXPUNGED,
};

struct report {
	uint32_t type;
	uint32_t box;
	uint32_t uid;
	uint32_t uidvalidity;
	uint32_t flags;
	uint64_t token;
	uint64_t modseq;
};

struct message {
	uint64_t token;
	uint64_t modseq;
	uint32_t uid;
	uint32_t flags;
	uint32_t flags_begun; /* may be there instead */
	bool flags_open;
	bool expunge_open;
	bool gone;
	bool seen; /* in this check */
};

struct mailbox {
	uint64_t account;
	uint64_t mailbox;
	uint32_t uidvalidity;
	uint32_t uid_max; /* that was ever told */
	uint64_t modseq_max;
	struct message *messages;
	size_t count;
	size_t alive;
};

struct model {
	struct box box;
	struct mailbox boxes[BOXES];
	uint64_t random;
	uint64_t next_token;
	uint64_t stored, changed, expunged, unanswered;
};

static struct model m;
static long seconds = 8;
static uint64_t seed;

static uint64_t
next_random(void)
{
	m.random ^= m.random << 13;
	m.random ^= m.random >> 7;
	m.random ^= m.random << 17;
	return m.random * 0x2545f4914f6cdd1dull;
}

/* ---- what a message holds is given by its token ---- */

static size_t
token_length(uint64_t token)
{
	uint64_t r = token * 0x9e3779b97f4a7c15ull >> 33;

	if (r % 100 < 70)
		return 16 + r % 3000;
	if (r % 100 < 95)
		return 16 + r % 40000;
	return 250000 + r % 900000;
}

static void
token_fill(uint64_t token, uint8_t *out, size_t len)
{
	uint64_t x = token * 0x9e3779b97f4a7c15ull + 1;

	memcpy(out, &token, sizeof token);
	for (size_t i = sizeof token; i < len; i++) {
		if (i % 8 == 0)
			x = x * 6364136223846793005ull + 1442695040888963407ull;
		out[i] = (uint8_t)(x >> (8 * (i % 8)));
	}
}

/* ---- the child ---- */

static int report_fd;
static sem_t room;

static void
report(const struct report *r, size_t count)
{
	if (write(report_fd, r, count * sizeof *r) != (ssize_t)(count * sizeof *r))
		_exit(9);
}

struct change {
	uint32_t box;
	uint32_t flags;
	uint64_t token;
};

static uint32_t
box_of(uint64_t mailbox)
{
	for (uint32_t i = 0; i < BOXES; i++) {
		if (m.boxes[i].mailbox == mailbox)
			return i;
	}
	_exit(8);
}

static struct report
stored_report(const struct store_stored *s, uint64_t token)
{
	return (struct report){ .type = REPORT_STORED,
		.box = box_of(s->mailbox),
		.uid = s->uid,
		.uidvalidity = s->uidvalidity,
		.token = token,
		.modseq = s->modseq };
}

static void
appended(void *ctx, const void *reply, const struct error *e)
{
	struct change *c = ctx;
	const struct store_appended *out = reply;
	struct report r;

	(void)e;
	if (out == NULL)
		_exit(7);
	r = stored_report(&out->stored, c->token);
	report(&r, 1);
	free(c);
	(void)sem_post(&room);
}

static void
delivered(void *ctx, const void *reply, const struct error *e)
{
	struct change *c = ctx;
	const struct store_delivered *out = reply;
	struct report r[BOXES];

	(void)e;
	if (out == NULL)
		_exit(6);
	for (size_t i = 0; i < out->stored_count; i++)
		r[i] = stored_report(&out->stored[i], c->token);
	report(r, out->stored_count);
	free(c);
	(void)sem_post(&room);
}

static void
flagged(void *ctx, const void *reply, const struct error *e)
{
	struct change *c = ctx;
	const struct store_flags_done *out = reply;

	(void)e;
	if (out == NULL)
		_exit(5);
	for (size_t i = 0; i < out->row_count; i++)
		report(&(struct report){ .type = REPORT_FLAGS,
			   .box = c->box,
			   .uid = out->rows[i].uid,
			   .flags = out->rows[i].flags,
			   .modseq = out->rows[i].modseq },
		    1);
	free(c);
	(void)sem_post(&room);
}

static void
expunged(void *ctx, const void *reply, const struct error *e)
{
	struct change *c = ctx;
	const struct store_expunged *out = reply;

	(void)e;
	if (out == NULL)
		_exit(4);
	for (size_t i = 0; i < out->uid_count; i++)
		report(
		    &(struct report){
			.type = REPORT_EXPUNGED, .box = c->box, .uid = out->uids[i], .modseq = out->highest_modseq },
		    1);
	free(c);
	(void)sem_post(&room);
}

static struct change *
change_new(uint32_t box, uint64_t token)
{
	struct change *c = calloc(1, sizeof *c);

	if (c == NULL)
		_exit(3);
	*c = (struct change){ .box = box, .token = token };
	return c;
}

static void
piece_done(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)e;
	if (reply == NULL)
		_exit(2);
}

/* The octets in the request, or staged in pieces. */
static struct store_content
content_of(uint64_t token, uint8_t *data)
{
	size_t len = token_length(token);
	struct store_nothing none = { 0 };
	struct store_body_handle handle;

	token_fill(token, data, len);
	if (len < 200000 && token % 3 != 0)
		return (struct store_content){ .data = { data, len }, .header_size = 8 };
	if (store_body_begin(m.box.port, &none, &m.box.arena, &handle, NULL) != 0)
		_exit(1);
	for (size_t at = 0; at < len; at += PIECE) {
		struct store_body_append in = { handle.handle, slice_sub(slice_of(data, len), at, PIECE) };

		if (store_body_append_submit(m.box.port, &in, piece_done, NULL, NULL) != 0)
			_exit(1);
	}
	return (struct store_content){ .handle = handle.handle, .header_size = 8 };
}

static void
load_store(uint32_t box)
{
	static uint8_t data[1200000];
	struct store_target targets[BOXES];
	uint64_t token = m.next_token++;
	struct store_content content = content_of(token, data);
	struct store_append one = {
		.account = m.boxes[box].account, .mailbox = m.boxes[box].mailbox, .content = content
	};
	struct store_deliver many = { .content = content, .targets = targets };

	if (next_random() % 3 != 0) {
		if (store_append_submit(m.box.port, &one, appended, change_new(box, token), NULL) != 0)
			_exit(1);
		return;
	}
	for (uint32_t i = 0; i < BOXES; i++) {
		if (i == box || next_random() % 2 == 0)
			targets[many.target_count++] =
			    (struct store_target){ m.boxes[i].account, m.boxes[i].mailbox, 0 };
	}
	if (store_deliver_submit(m.box.port, &many, delivered, change_new(box, token), NULL) != 0)
		_exit(1);
}

static void
load_flags(uint32_t box, struct message *one)
{
	struct store_range range = { one->uid, one->uid };
	struct store_flags in = { .account = m.boxes[box].account,
		.mailbox = m.boxes[box].mailbox,
		.ranges = &range,
		.range_count = 1,
		.mode = STORE_FLAGS_SET,
		.flags = (uint32_t)next_random() & STORE_FLAGS_ALL };

	one->flags_open = true;
	report(&(struct report){ .type = REPORT_FLAGS_BEGUN, .box = box, .uid = one->uid, .flags = in.flags }, 1);
	if (store_flags_submit(m.box.port, &in, flagged, change_new(box, 0), NULL) != 0)
		_exit(1);
}

static void
load_expunge(uint32_t box, struct message *one)
{
	struct store_range range = { one->uid, one->uid };
	struct store_expunge in = { m.boxes[box].account, m.boxes[box].mailbox, &range, 1, true };

	one->expunge_open = true;
	m.boxes[box].alive--;
	report(&(struct report){ .type = REPORT_EXPUNGE_BEGUN, .box = box, .uid = one->uid }, 1);
	if (store_expunge_submit(m.box.port, &in, expunged, change_new(box, 0), NULL) != 0)
		_exit(1);
}

/* Only messages of earlier rounds are changed: the child knows them from the model it was forked with. */
static void
load_one(void)
{
	uint32_t box = (uint32_t)(next_random() % BOXES);
	struct mailbox *b = &m.boxes[box];
	struct message *one = b->count == 0 ? NULL : &b->messages[next_random() % b->count];
	uint64_t what = next_random() % 10;

	(void)sem_wait(&room);
	if (one == NULL || one->gone || one->expunge_open || one->flags_open || what < 4)
		load_store(box);
	else if (what == 4 || (b->alive > KEEP && what < 8))
		load_expunge(box, one);
	else
		load_flags(box, one);
}

static void
child_main(int fd)
{
	report_fd = fd;
	(void)sem_init(&room, 0, IN_FLIGHT);
	if (next_random() % 2 == 0)
		box_open(&m.box);
	else
		box_open_socket(&m.box);
	for (;;) {
		load_one();
		if (m.box.arena.used > (1u << 20))
			arena_done(&m.box.arena);
	}
}

/* ---- the model ---- */

static struct message *
find_uid(struct mailbox *b, uint32_t uid)
{
	for (size_t i = b->count; i-- > 0;) {
		if (b->messages[i].uid == uid)
			return &b->messages[i];
	}
	return NULL;
}

static struct message *
add_message(struct mailbox *b, uint32_t uid, uint64_t token)
{
	struct message *one = &b->messages[b->count++];

	assert_true(b->count < MESSAGES_MAX);
	*one = (struct message){ .uid = uid, .token = token };
	b->alive++;
	return one;
}

static void
take_stored(struct mailbox *b, const struct report *r)
{
	struct message *one;

	assert_int_equal(r->uidvalidity, b->uidvalidity);
	assert_null(find_uid(b, r->uid));
	one = add_message(b, r->uid, r->token);
	one->modseq = r->modseq;
	m.stored++;
}

static void
take_report(const struct report *r)
{
	struct mailbox *b = &m.boxes[r->box];
	struct message *one = find_uid(b, r->uid);

	if (r->uid > b->uid_max)
		b->uid_max = r->uid;
	if (r->modseq > b->modseq_max)
		b->modseq_max = r->modseq;
	if (r->type == REPORT_STORED) {
		take_stored(b, r);
		return;
	}
	assert_non_null(one);
	if (r->type == REPORT_FLAGS_BEGUN) {
		one->flags_open = true;
		one->flags_begun = r->flags;
	} else if (r->type == REPORT_FLAGS) {
		one->flags_open = false;
		one->flags = r->flags;
		one->modseq = r->modseq;
		m.changed++;
	} else if (r->type == REPORT_EXPUNGE_BEGUN) {
		one->expunge_open = true;
	} else {
		one->gone = true;
		m.expunged++;
	}
}

/* Reads reports until the pipe ends or so many milliseconds are over (-1: never). */
static void
take_reports(int fd, int64_t milliseconds)
{
	static uint8_t held[sizeof(struct report)];
	static size_t held_len;
	struct timespec now, begin;
	uint8_t data[sizeof(struct report) * 100];

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t over;
		ssize_t n;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		over = (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
		if (milliseconds >= 0 && over >= milliseconds)
			return;
		if (poll(&p, 1, milliseconds < 0 ? -1 : (int)(milliseconds - over)) <= 0)
			continue;
		n = read(fd, data, sizeof data);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			held[held_len++] = data[i];
			if (held_len == sizeof held) {
				struct report r;

				memcpy(&r, held, sizeof r);
				held_len = 0;
				take_report(&r);
			}
		}
	}
	assert_int_equal(held_len, 0);
}

/* ---- the check ---- */

static void
check_body(uint64_t body, uint64_t size, uint64_t *token_out)
{
	static uint8_t want[1200000], got[1200000];
	uint64_t token;

	assert_true(size >= sizeof token && size <= sizeof got);
	for (uint64_t at = 0; at < size; at += STORE_PIECE_MAX) {
		struct store_body_read in = { body, at, STORE_PIECE_MAX };
		struct store_body_data out;
		struct arena a ARENA_OWNED = { 0 };

		arena_init(&a, (size_t)16 << 20);
		assert_ok(store_body_read(m.box.port, &in, &a, &out, &unit_error));
		assert_int_equal(out.length, size);
		memcpy(got + at, out.data.data, out.data.len);
	}
	memcpy(&token, got, sizeof token);
	assert_int_equal(size, token_length(token));
	token_fill(token, want, size);
	assert_memory_equal(got, want, size);
	*token_out = token;
}

/* A row of a message that was never answered: whole, and not there twice. */
static struct message *
adopt(struct mailbox *b, const struct store_message *row, uint64_t token)
{
	for (size_t i = 0; i < b->count; i++)
		assert_true(b->messages[i].token != token);
	m.unanswered++;
	return add_message(b, row->uid, token);
}

static void
check_row(struct mailbox *b, const struct store_message *row)
{
	struct message *one = find_uid(b, row->uid);
	bool known = one != NULL;
	uint64_t token;

	if (!known || next_random() % 8 == 0 || !one->seen) {
		check_body(row->body, row->size, &token);
		if (!known)
			one = adopt(b, row, token);
		assert_int_equal(token, one->token);
	}
	assert_false(one->gone);
	assert_true(row->flags == one->flags || (one->flags_open && row->flags == one->flags_begun) || !known);
	assert_true(row->modseq >= one->modseq);
	assert_int_equal(row->header_size, 8);
	one->flags = row->flags;
	one->modseq = row->modseq;
	one->flags_open = one->expunge_open = false;
	one->seen = true;
	if (row->uid > b->uid_max)
		b->uid_max = row->uid;
}

static void
check_counts(const struct mailbox *b, const struct store_message_rows *rows)
{
	struct store_mailbox_state state;
	struct store_mailbox_get in = { .account = b->account, .mailbox = b->mailbox };
	uint64_t size = 0, unseen = 0, deleted = 0;

	assert_ok(store_mailbox_get(m.box.port, &in, &m.box.arena, &state, &unit_error));
	for (size_t i = 0; i < rows->row_count; i++) {
		size += rows->rows[i].size;
		unseen += (rows->rows[i].flags & STORE_SEEN) == 0;
		deleted += (rows->rows[i].flags & STORE_DELETED) != 0;
	}
	assert_int_equal(state.mailbox.messages, rows->row_count);
	assert_int_equal(state.mailbox.size, size);
	assert_int_equal(state.mailbox.unseen, unseen);
	assert_int_equal(state.mailbox.deleted, deleted);
	assert_int_equal(state.mailbox.uidvalidity, b->uidvalidity);
	assert_true(state.mailbox.uidnext > b->uid_max);
	assert_true(state.mailbox.highest_modseq >= b->modseq_max);
}

/* Every message of the model that is not there was expunged, or was about to be. */
static void
check_missing(struct mailbox *b, const struct store_message_rows *rows)
{
	size_t at = 0, kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		struct message *one = &b->messages[i];
		bool there = false;

		for (at = 0; at < rows->row_count && !there; at++)
			there = rows->rows[at].uid == one->uid;
		if (!there && !one->gone && !one->expunge_open) {
			(void)fprintf(stderr, "# lost: uid %u token %llu\n", one->uid, (unsigned long long)one->token);
			fail();
		}
		one->gone = !there;
		if (there)
			b->messages[kept++] = *one;
	}
	b->count = b->alive = kept;
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static void
check_all(void)
{
	static uint64_t bodies[BOXES * MESSAGES_MAX];
	struct store_nothing none = { 0 };
	struct store_info info;
	size_t count = 0, different = 0;

	for (uint32_t i = 0; i < BOXES; i++) {
		struct mailbox *b = &m.boxes[i];
		struct store_message_rows rows = box_list(&m.box, b->account, b->mailbox);

		assert_int_equal(rows.next, 0);
		for (size_t k = 0; k < rows.row_count; k++) {
			check_row(b, &rows.rows[k]);
			bodies[count++] = rows.rows[k].body;
		}
		check_counts(b, &rows);
		check_missing(b, &rows);
	}
	qsort(bodies, count, sizeof bodies[0], compare_u64);
	for (size_t i = 0; i < count; i++)
		different += i == 0 || bodies[i] != bodies[i - 1];
	assert_ok(store_info(m.box.port, &none, &m.box.arena, &info, &unit_error));
	assert_int_equal(info.bodies, different);
	arena_done(&m.box.arena);
}

/* ---- rounds ---- */

static void
round_run(void)
{
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	m.next_token += 1000000;
	(void)next_random();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(fds[0]);
		child_main(fds[1]);
	}
	(void)close(fds[1]);
	take_reports(fds[0], 30 + (int64_t)(next_random() % 400));
	assert_int_equal(kill(child, SIGKILL), 0);
	take_reports(fds[0], -1);
	(void)close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	box_open(&m.box);
	check_all();
	folder_verify_clean(&m.box);
	box_close(&m.box);
}

static void
kill_rounds(void **state)
{
	time_t end = time(NULL) + seconds;
	unsigned rounds = 0;

	(void)state;
	m.random = seed * 2 + 1;
	box_new(&m.box);
	m.box.options.segment_size = 1 << 20; /* so that segments die and are compacted */
	m.box.options.compact_rate = 1 << 30;
	box_open(&m.box);
	for (uint32_t i = 0; i < BOXES; i++) {
		struct mailbox *b = &m.boxes[i];
		char address[32];

		(void)snprintf(address, sizeof address, "a%u@example.org", i);
		b->account = box_account(&m.box, address);
		b->mailbox = box_mailbox(&m.box, b->account, "INBOX").mailbox;
		b->uidvalidity = box_mailbox(&m.box, b->account, "INBOX").uidvalidity;
		b->messages = test_calloc(MESSAGES_MAX, sizeof *b->messages);
	}
	box_close(&m.box);
	do {
		round_run();
		rounds++;
	} while (time(NULL) < end);
	(void)printf(
	    "# seed %llu: %u rounds, answered: %llu stored, %llu flagged, %llu expunged; %llu unanswered and whole\n",
	    (unsigned long long)seed, rounds, (unsigned long long)m.stored, (unsigned long long)m.changed,
	    (unsigned long long)m.expunged, (unsigned long long)m.unanswered);
	assert_true(m.stored > 0);
	for (uint32_t i = 0; i < BOXES; i++)
		test_free(m.boxes[i].messages);
	box_free(&m.box);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(kill_rounds) };

	if (argc > 1)
		seconds = strtol(argv[1], NULL, 10);
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20;
	(void)printf("# seed %llu\n", (unsigned long long)seed);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
