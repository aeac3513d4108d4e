/* SPDX-License-Identifier: ISC */
/*
 * The queue: what is put into it is leased, settled or comes again; nothing is
 * lost with who has a lease, or with the store; a destination that takes
 * nothing costs the others nothing.
 */
#include "store/queue.h"

#include <sys/wait.h>
#include <time.h>

#define A "one@a.example"
#define B "two@b.example"
#define MANY 20000u /* for one destination: putting them takes a second or two */

static void
nap(void)
{
	const struct timespec t = { .tv_nsec = 50000000 };

	(void)nanosleep(&t, NULL);
}

/* Leases until something comes, as who waits for a lease to end: it lasts a second. */
static struct store_queue_leased
lease_patiently(struct box *b)
{
	struct store_queue_leased out = box_queue_lease(b, 10, 0, 100);

	for (int i = 0; i < 200 && out.entry_count == 0; i++) {
		nap();
		out = box_queue_lease(b, 10, 0, 100);
	}
	return out;
}

static struct slice
read_all(struct box *b, uint64_t queue, uint64_t lease)
{
	struct store_queue_read in = { queue, lease, 0, 7 };
	struct buf all;
	struct slice out;

	buf_init(&all, 4096);
	for (;;) {
		struct store_body_data piece;

		assert_ok(store_queue_read(b->port, &in, &b->arena, &piece, &unit_error));
		if (piece.data.len == 0)
			break;
		(void)buf_put_slice(&all, piece.data);
		in.offset += piece.data.len;
	}
	out = arena_copy(&b->arena, buf_slice(&all));
	buf_done(&all);
	return out;
}

/* ---- in, out ---- */

static void
goes_through(void **state)
{
	static const char *const to[] = { A, B, "three@a.example" };
	struct store_queue_leased leased;
	struct box b;
	uint64_t queue;

	(void)state;
	box_new(&b);
	box_open(&b);
	queue = box_queue_put(&b, to, 3);
	assert_true(box_queue_totals(&b).messages == 1 && box_queue_totals(&b).recipients == 3);
	assert_int_equal(box_queue_totals(&b).octets, strlen(QUEUE_SENT));
	leased = box_queue_lease(&b, 10, 0, 100);
	assert_int_equal(leased.entry_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct store_queue_entry *one = &leased.entries[i];
		bool is_a = slice_eq_str(one->domain, "a.example");

		assert_true(one->queue == queue && one->lease != 0);
		assert_int_equal(one->recipient_count, is_a ? 2 : 1);
		assert_slices(one->recipients[0].address, slice_str(is_a ? A : B));
		assert_int_equal(one->header_size, 18);
		assert_slices(read_all(&b, queue, one->lease), slice_str(QUEUE_SENT));
	}
	assert_int_equal(box_queue_lease(&b, 10, 0, 100).entry_count, 0);
	box_queue_verify(&b);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < leased.entries[i].recipient_count; k++)
			assert_ok(box_queue_settle(&b, &leased.entries[i], k, STORE_QUEUE_DELIVERED, 0));
	assert_true(box_queue_totals(&b).messages == 0 && box_queue_totals(&b).octets == 0);
	assert_int_equal(box_queue_settle(&b, &leased.entries[0], 0, STORE_QUEUE_DELIVERED, 0), ERR_NOT_FOUND);
	box_queue_verify(&b);
	box_free(&b);
}

/* One letter for people here and elsewhere, with what only the others see. */
static void
inbox_and_queue(void **state)
{
	static const char *const to[] = { A };
	struct store_target target = { 0 };
	struct store_queue_to elsewhere[1];
	struct store_queue_letter in;
	struct store_queue_kept kept;
	struct store_queue_leased leased;
	struct store_message_rows rows;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	target.account = box_account(&b, "alice@example.org");
	box_queue_recipients(elsewhere, to, 1);
	in = box_queue_letter(elsewhere, 1);
	in.targets = &target;
	in.target_count = 1;
	in.out.front = SLICE("DKIM-Signature: x\r\n");
	assert_ok(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error));
	assert_true(kept.inboxes == 1 && kept.queue != 0);
	rows = box_list(&b, target.account, box_mailbox(&b, target.account, "INBOX").mailbox);
	assert_slices(box_body(&b, rows.rows[0].body), slice_str(QUEUE_LETTER));
	leased = box_queue_lease(&b, 1, 0, 100);
	assert_slices(read_all(&b, kept.queue, leased.entries[0].lease), slice_str("DKIM-Signature: x\r\n" QUEUE_SENT));
	assert_ok(box_queue_settle(&b, &leased.entries[0], 0, STORE_QUEUE_FAILED, 0));
	assert_slices(box_body(&b, rows.rows[0].body), slice_str(QUEUE_LETTER));
	target.account = 99; /* one mailbox that is not there, and nothing is kept */
	assert_int_equal(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(box_queue_totals(&b).messages, 0);
	box_queue_verify(&b);
	box_free(&b);
}

static void
limits_hold(void **state)
{
	static const char *const to[] = { A };
	struct store_queue_to one[1];
	struct store_queue_letter in;
	struct store_queue_kept kept;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	box_queue_recipients(one, to, 1);
	in = box_queue_letter(one, 1);
	in.out.hour_max = 3;
	for (int i = 0; i < 3; i++)
		assert_ok(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error));
	/* The hour may turn in between, once. */
	if (store_queue_put(b.port, &in, &b.arena, &kept, &unit_error) == 0)
		for (int i = 0; i < 3; i++)
			(void)store_queue_put(b.port, &in, &b.arena, &kept, &unit_error);
	assert_int_equal(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error), ERR_POLICY);
	in.out.account = 2;
	assert_ok(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error));
	in.out.account = 3;
	in.out.octets_max = box_queue_totals(&b).octets + strlen(QUEUE_SENT) - 1;
	assert_int_equal(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error), ERR_LIMIT);
	in.out.octets_max++;
	assert_ok(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error));
	in.out.skip = in.content.header_size + 1;
	assert_int_equal(store_queue_put(b.port, &in, &b.arena, &kept, &unit_error), ERR_SYNTAX);
	box_queue_verify(&b);
	box_free(&b);
}

/* ---- leases ---- */

static void
lease_ends(void **state)
{
	static const char *const to[] = { A };
	struct store_queue_leased first, second;
	struct store_queue_until until;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)box_queue_put(&b, to, 1);
	first = box_queue_lease(&b, 1, 0, 1);
	assert_int_equal(first.entry_count, 1);
	second = lease_patiently(&b);
	assert_int_equal(second.entry_count, 1);
	assert_true(second.entries[0].lease != first.entries[0].lease);
	assert_int_equal(second.entries[0].recipients[0].attempts, 1);
	/* Who was too slow changes nothing. */
	assert_int_equal(box_queue_settle(&b, &first.entries[0], 0, STORE_QUEUE_DELIVERED, 0), ERR_NOT_FOUND);
	assert_int_equal(store_queue_renew(b.port,
			     &(struct store_queue_renew){ first.entries[0].queue, first.entries[0].lease, 100 },
			     &b.arena, &until, &unit_error),
	    ERR_NOT_FOUND);
	assert_ok(store_queue_renew(b.port,
	    &(struct store_queue_renew){ second.entries[0].queue, second.entries[0].lease, 100 }, &b.arena, &until,
	    &unit_error));
	assert_ok(box_queue_settle(&b, &second.entries[0], 0, STORE_QUEUE_RETURNED, 0));
	second = box_queue_lease(&b, 1, 0, 1);
	assert_int_equal(second.entries[0].recipients[0].attempts, 1);
	/* After its end a lease counts as long as nobody else has it: the message was sent. */
	for (int i = 0; i < 30; i++)
		nap();
	assert_ok(box_queue_settle(&b, &second.entries[0], 0, STORE_QUEUE_DELIVERED, 0));
	assert_int_equal(box_queue_totals(&b).messages, 0);
	box_queue_verify(&b);
	box_free(&b);
}

/* Who had them is gone: they are due at once, and as new as before; those that were given later stay. */
static void
released(void **state)
{
	static const char *const to[] = { A, B };
	struct store_queue_leased first, again, other;
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)box_queue_put(&b, to, 2);
	first = box_queue_lease(&b, 1, 0, 1000);
	other = box_queue_lease(&b, 1, 0, 1000);
	assert_true(
	    first.entry_count == 1 && other.entry_count == 1 && first.entries[0].lease < other.entries[0].lease);
	assert_int_equal(box_queue_lease(&b, 10, 0, 1000).entry_count, 0);
	assert_ok(store_queue_release(
	    b.port, &(struct store_queue_release){ first.entries[0].lease }, &b.arena, &none, &unit_error));
	again = box_queue_lease(&b, 10, 0, 1000);
	assert_int_equal(again.entry_count, 1);
	assert_true(slice_eq(again.entries[0].domain, first.entries[0].domain));
	assert_int_equal(again.entries[0].recipients[0].attempts, 0);
	assert_int_equal(box_queue_settle(&b, &first.entries[0], 0, STORE_QUEUE_DELIVERED, 0), ERR_NOT_FOUND);
	assert_ok(box_queue_settle(&b, &other.entries[0], 0, STORE_QUEUE_DELIVERED, 0));
	assert_ok(box_queue_settle(&b, &again.entries[0], 0, STORE_QUEUE_DELIVERED, 0));
	assert_int_equal(box_queue_totals(&b).messages, 0);
	box_queue_verify(&b);
	box_free(&b);
}

/* Leased by a process that is killed with the store. */
static void
killed_in_between(void **state)
{
	static const char *const to[] = { A, B };
	struct store_queue_leased leased;
	struct box b;
	pid_t child;
	int status = -1;

	(void)state;
	box_new(&b);
	child = fork();
	if (child == 0) {
		box_open(&b);
		(void)box_queue_put(&b, to, 2);
		leased = box_queue_lease(&b, 10, 0, 1);
		if (box_queue_settle(&b, &leased.entries[0], 0, STORE_QUEUE_DELIVERED, 0) != 0)
			_exit(8);
		_exit(leased.entry_count == 2 ? 0 : 7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	box_open(&b);
	box_queue_verify(&b);
	assert_int_equal(box_queue_totals(&b).recipients, 1);
	leased = lease_patiently(&b);
	assert_int_equal(leased.entry_count, 1);
	assert_slices(leased.entries[0].domain, SLICE("b.example"));
	assert_ok(box_queue_settle(&b, &leased.entries[0], 0, STORE_QUEUE_DELIVERED, 0));
	assert_int_equal(box_queue_totals(&b).messages, 0);
	box_queue_verify(&b);
	box_free(&b);
}

static void
deferred_is_due_later(void **state)
{
	static const char *const to[] = { A };
	struct store_queue_leased leased;
	struct store_queue_message m;
	struct store_queue_events log;
	struct box b;
	uint64_t queue, before;

	(void)state;
	box_new(&b);
	box_open(&b);
	queue = box_queue_put(&b, to, 1);
	leased = box_queue_lease(&b, 1, 0, 100);
	before = (uint64_t)time(NULL);
	assert_ok(box_queue_settle(&b, &leased.entries[0], 0, STORE_QUEUE_DEFERRED, 0));
	assert_ok(store_queue_get(b.port, &(struct store_queue_id){ queue }, &b.arena, &m, &unit_error));
	assert_in_range(m.recipients[0].due, before + STORE_QUEUE_RETRY_FIRST_S,
	    (uint64_t)time(NULL) + STORE_QUEUE_RETRY_FIRST_S * 9 / 8);
	assert_slices(m.recipients[0].last_text, SLICE("451 4.2.0 come again"));
	leased = box_queue_lease(&b, 1, 0, 100);
	assert_int_equal(leased.entry_count, 0);
	assert_int_equal(leased.next, m.recipients[0].due);
	assert_ok(store_queue_log(b.port, &(struct store_queue_log){ queue, 0 }, &b.arena, &log, &unit_error));
	assert_int_equal(log.row_count, 1);
	assert_int_equal(log.rows[0].result, STORE_QUEUE_DEFERRED);
	assert_slices(log.rows[0].facts.tls_version, SLICE("TLSv1.3"));
	box_queue_verify(&b);
	box_free(&b);
}

/* ---- destinations ---- */

static void
put_many(struct box *b, const char *address, unsigned count)
{
	struct store_queue_to to[1];
	struct store_queue_letter in;
	struct store_queue_kept kept;

	box_queue_recipients(to, &address, 1);
	in = box_queue_letter(to, 1);
	for (unsigned i = 0; i < count; i++) {
		struct arena a ARENA_OWNED = { 0 };

		arena_init(&a, 1 << 16);
		assert_ok(store_queue_put(b->port, &in, &a, &kept, &unit_error));
	}
}

static uint64_t
defer(struct box *b, const char *domain, uint32_t retry_s)
{
	struct store_queue_defer in = { slice_str(domain), retry_s, SLICE("it cannot be reached") };
	struct store_queue_until out;

	assert_ok(store_queue_defer(b->port, &in, &b->arena, &out, &unit_error));
	return out.until;
}

static void
one_after_the_other(void **state)
{
	static const char *const a[] = { A }, *const c[] = { "x@c.example" };
	struct slice full[] = { SLICE("z.example"), SLICE("a.example") };
	struct store_queue_lease in = { .messages_max = 10, .lease_s = 100, .full = full, .full_count = 2 };
	struct store_queue_leased out;
	struct box b;
	uint64_t old;

	(void)state;
	box_new(&b);
	box_open(&b);
	put_many(&b, A, 50);
	put_many(&b, B, 3);
	/* Of a full one nothing; of the others all. */
	assert_ok(store_queue_lease(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.entry_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_slices(out.entries[i].domain, SLICE("b.example"));
		assert_ok(box_queue_settle(&b, &out.entries[i], 0, STORE_QUEUE_RETURNED, 0));
	}
	/* Both have a share, however much one has. */
	out = box_queue_lease(&b, 6, 0, 100);
	assert_int_equal(out.entry_count, 6);
	assert_slices(out.entries[0].domain, SLICE("a.example"));
	assert_slices(out.entries[2].domain, SLICE("a.example"));
	assert_slices(out.entries[3].domain, SLICE("b.example"));
	/* Who was served last is behind who was not. */
	(void)box_queue_put(&b, c, 1);
	out = box_queue_lease(&b, 1, 1, 100);
	assert_slices(out.entries[0].domain, SLICE("c.example"));
	/* New mail goes before old. */
	out = box_queue_lease(&b, 1, 1, 100);
	old = out.entries[0].queue;
	assert_ok(box_queue_settle(&b, &out.entries[0], 0, STORE_QUEUE_DEFERRED, 1));
	for (int i = 0; i < 30; i++)
		nap();
	(void)box_queue_put(&b, a, 1);
	for (int i = 0; i < 47; i++) {
		out = box_queue_lease(&b, 1, 1, 100);
		assert_int_equal(out.entry_count, 1);
		assert_true(out.entries[0].queue != old);
	}
	out = box_queue_lease(&b, 1, 1, 100);
	assert_int_equal(out.entry_count, 1);
	assert_int_equal(out.entries[0].queue, old);
	box_queue_verify(&b);
	box_free(&b);
}

static uint64_t
milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A destination with much mail that cannot be reached: leasing for others takes no longer for it, and nothing touches it. */
static void
dead_destination(void **state)
{
	static const char *const to[] = { B };
	struct store_queue_leased out;
	struct box b;
	uint64_t began, until;

	(void)state;
	box_new(&b);
	box_open(&b);
	put_many(&b, "x@dead.example", MANY);
	assert_int_equal(box_queue_lease(&b, 1, 1, 100).entry_count, 1);
	until = defer(&b, "dead.example", 0);
	assert_true(until >= (uint64_t)time(NULL) + STORE_QUEUE_RETRY_FIRST_S - 1);
	assert_true(defer(&b, "dead.example", 0) > until);
	assert_true(defer(&b, "nobody.example", 0) > 0);
	out = box_queue_lease(&b, 10, 0, 100);
	assert_true(out.entry_count == 0 && out.next > until);
	began = milliseconds();
	for (int i = 0; i < 200; i++) {
		(void)box_queue_put(&b, to, 1);
		out = box_queue_lease(&b, 10, 0, 100);
		assert_int_equal(out.entry_count, 1);
		assert_slices(out.entries[0].domain, SLICE("b.example"));
		assert_ok(box_queue_settle(&b, &out.entries[0], 0, STORE_QUEUE_DELIVERED, 0));
	}
	(void)printf("# 200 messages beside %u for a dead destination: %llu ms\n", MANY,
	    (unsigned long long)(milliseconds() - began));
	box_queue_verify(&b);
	box_free(&b);
}

/* ---- the operator ---- */

static struct store_queue_changed
change(struct box *b, uint32_t action, uint32_t which, const char *value, uint64_t queue)
{
	struct store_queue_change in = { .action = action, .which = which, .value = slice_str(value), .queue = queue };
	struct store_queue_changed out;

	assert_ok(store_queue_change(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
held_and_removed(void **state)
{
	static const char *const to[] = { A, B };
	struct store_queue_leased out;
	struct box b;
	uint64_t first, second;

	(void)state;
	box_new(&b);
	box_open(&b);
	first = box_queue_put(&b, to, 2);
	second = box_queue_put(&b, to, 1);
	assert_int_equal(change(&b, STORE_QUEUE_HOLD, STORE_QUEUE_ONE, "", first).changed, 1);
	box_queue_verify(&b);
	out = box_queue_lease(&b, 10, 0, 100);
	assert_true(out.entry_count == 1 && out.entries[0].queue == second);
	/* Held while somebody tries it: it is tried no more. */
	(void)change(&b, STORE_QUEUE_HOLD, STORE_QUEUE_DOMAIN, "A.example", 0);
	box_queue_verify(&b);
	assert_ok(box_queue_settle(&b, &out.entries[0], 0, STORE_QUEUE_DEFERRED, 1));
	box_queue_verify(&b);
	assert_int_equal(box_queue_lease(&b, 10, 0, 100).next, STORE_QUEUE_NEVER);
	(void)change(&b, STORE_QUEUE_RETRY, STORE_QUEUE_ALL, "", 0);
	assert_int_equal(box_queue_lease(&b, 10, 0, 100).entry_count, 0);
	assert_int_equal(change(&b, STORE_QUEUE_RELEASE, STORE_QUEUE_SENDER, "a@example.org", 0).changed, 2);
	box_queue_verify(&b);
	out = box_queue_lease(&b, 10, 10, 100);
	assert_int_equal(out.entry_count, 3);
	/* Removed while somebody tries it. */
	assert_int_equal(change(&b, STORE_QUEUE_REMOVE, STORE_QUEUE_DOMAIN, "b.example", 0).changed, 1);
	assert_int_equal(box_queue_totals(&b).messages, 1);
	(void)change(&b, STORE_QUEUE_REMOVE, STORE_QUEUE_ALL, "", 0);
	for (size_t i = 0; i < out.entry_count; i++)
		assert_int_equal(box_queue_settle(&b, &out.entries[i], 0, STORE_QUEUE_DELIVERED, 0), ERR_NOT_FOUND);
	assert_int_equal(box_queue_totals(&b).messages, 0);
	box_queue_verify(&b);
	box_free(&b);
}

static void
listed(void **state)
{
	static const char *const to[] = { A, B };
	struct store_queue_list in = { .limit = 3, .recipients_max = 1 };
	struct store_queue_messages out;
	struct store_queue_domains domains;
	struct box b;
	size_t count = 0;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (int i = 0; i < 7; i++)
		(void)box_queue_put(&b, to, i % 2 == 0 ? 1 : 2);
	do {
		assert_ok(store_queue_list(b.port, &in, &b.arena, &out, &unit_error));
		for (size_t i = 0; i < out.row_count; i++) {
			assert_true(out.rows[i].queue > in.after && out.rows[i].recipient_count == 1);
			in.after = out.rows[i].queue;
		}
		count += out.row_count;
	} while (out.more);
	assert_int_equal(count, 7);
	in = (struct store_queue_list){ .which = STORE_QUEUE_DOMAIN, .value = SLICE("B.Example") };
	assert_ok(store_queue_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_true(out.row_count == 3 && !out.more && out.rows[0].recipient_count == 2);
	in = (struct store_queue_list){ .which = STORE_QUEUE_SENDER, .value = SLICE("b@example.org") };
	assert_ok(store_queue_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.row_count, 0);
	in = (struct store_queue_list){ .which = STORE_QUEUE_LOOK };
	assert_ok(store_queue_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_true(out.row_count == 0 && out.next > (uint64_t)time(NULL) + 80000);
	(void)defer(&b, "b.example", 100);
	assert_ok(store_queue_domains(b.port, &(struct store_queue_domain_list){ 0 }, &b.arena, &domains, &unit_error));
	assert_int_equal(domains.row_count, 2);
	assert_int_equal(domains.rows[0].recipients, 7);
	assert_slices(domains.rows[1].reason, SLICE("it cannot be reached"));
	box_free(&b);
}

/* A report comes with what it is about, or not at all. */
static void
reported_in_one_step(void **state)
{
	static const char *const to[] = { A };
	struct store_queue_settle_report in = { 0 };
	struct store_queue_outcome o = { .result = STORE_QUEUE_FAILED, .status = SLICE("5.1.1"), .text = SLICE("no") };
	struct store_target target = { .account = 77 };
	struct store_queue_settled out;
	struct store_queue_leased leased;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)box_queue_put(&b, to, 1);
	leased = box_queue_lease(&b, 1, 0, 100);
	in.settle = (struct store_queue_settle){ leased.entries[0].queue, leased.entries[0].lease, &o, 1, 0, false };
	in.report = (struct store_queue_letter){
		.content = { .data = SLICE("Subject: failed\r\n\r\n") }, .targets = &target, .target_count = 1
	};
	assert_int_equal(store_queue_settle_report(b.port, &in, &b.arena, &out, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(box_queue_totals(&b).recipients, 1);
	target.account = box_account(&b, "alice@example.org");
	assert_ok(store_queue_settle_report(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.left, 0);
	assert_int_equal(box_mailbox(&b, target.account, "INBOX").messages, 1);
	assert_int_equal(box_queue_totals(&b).recipients, 0);
	box_queue_verify(&b);
	box_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(goes_through), UNIT_TEST(inbox_and_queue), UNIT_TEST(limits_hold),
		UNIT_TEST(lease_ends), UNIT_TEST(released), UNIT_TEST(killed_in_between),
		UNIT_TEST(deferred_is_due_later), UNIT_TEST(one_after_the_other), UNIT_TEST(dead_destination),
		UNIT_TEST(held_and_removed), UNIT_TEST(listed), UNIT_TEST(reported_in_one_step) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
