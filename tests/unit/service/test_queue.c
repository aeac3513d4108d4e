/* SPDX-License-Identifier: ISC */
/*
 * The queue as a relay sees it: it waits and is told, what it settles stays
 * settled, and senders are told what they asked for, in the same step.
 */
#include "store/queue.h"

#include <pthread.h>
#include <time.h>

#include "service/queue/queue.h"
#include "smtp/dsn.h"

struct world {
	struct box box;
	struct queue *queue;
	struct port *relay;
	struct port_server *server;
	uint64_t alice;
};

static void
world_new(struct world *w)
{
	struct queue_options options = { .hostname = SLICE("mail.example.org"), .lifetime_s = 86400, .separator = '+' };
	int fds[2];

	memset(w, 0, sizeof *w);
	box_new(&w->box);
	box_open(&w->box);
	w->alice = box_account(&w->box, "a@example.org");
	options.store = w->box.port;
	assert_ok(queue_new(&options, &w->queue, &unit_error));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(queue_service(w->queue), &w->server, &unit_error));
	assert_ok(port_server_add(w->server, fds[0], NULL, 0, &unit_error));
	assert_ok(port_open_socket(&queue_interface, fds[1], &w->relay, &unit_error));
}

static void
world_free(struct world *w)
{
	port_close(w->relay);
	port_server_free(w->server);
	queue_free(w->queue);
	box_free(&w->box);
}

/* ---- putting, and waiting for it ---- */

struct put {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
	int code;
	struct queue_kept kept;
};

static void
put_done(void *ctx, const struct queue_kept *kept, const struct error *e)
{
	struct put *p = ctx;

	(void)pthread_mutex_lock(&p->lock);
	p->is_done = true;
	p->code = kept == NULL ? e->code : 0;
	if (kept != NULL)
		p->kept = *kept;
	(void)pthread_cond_signal(&p->done);
	(void)pthread_mutex_unlock(&p->lock);
}

static int
put(struct world *w, const struct queue_letter *in, struct queue_kept *out)
{
	struct put p = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

	assert_ok(queue_put(w->queue, in, put_done, &p, &unit_error));
	(void)pthread_mutex_lock(&p.lock);
	while (!p.is_done)
		(void)pthread_cond_wait(&p.done, &p.lock);
	(void)pthread_mutex_unlock(&p.lock);
	if (out != NULL)
		*out = p.kept;
	return p.code;
}

static struct queue_letter
letter(const struct queue_put_recipient *to)
{
	return (struct queue_letter){ .content = { .data = slice_str(QUEUE_LETTER), .header_size = QUEUE_SKIP + 18 },
		.skip = QUEUE_SKIP,
		.sender = SLICE("a@example.org"),
		.recipients = to,
		.recipient_count = 1 };
}

static void
put_one(struct world *w, const char *sender, unsigned notify)
{
	const struct queue_put_recipient to = { .address = SLICE("x@Other.Example"), .notify = notify };
	struct queue_letter in = letter(&to);

	in.sender = slice_str(sender);
	assert_int_equal(put(w, &in, NULL), 0);
}

static struct queue_leased
lease(struct world *w, uint32_t wait_ms)
{
	const struct queue_lease in = { .messages_max = 10, .wait_ms = wait_ms };
	struct queue_leased out;

	assert_ok(queue_ask_lease(w->relay, &in, &w->box.arena, &out, &unit_error));
	return out;
}

static int
settle(struct world *w, const struct queue_entry *one, uint32_t result, bool passed)
{
	const struct queue_outcome o = { .position = one->recipients[0].position,
		.result = result,
		.status = result == QUEUE_FAILED ? SLICE("5.1.1") : SLICE("2.0.0"),
		.text = result == QUEUE_FAILED ? SLICE("550 5.1.1 no such user") : SLICE("250 2.0.0 taken"),
		.from_remote = true,
		.passed_dsn = passed,
		.facts = { .mx_name = SLICE("mx.other.example") } };
	const struct queue_settle in = { one->queue, one->lease, &o, 1 };
	struct queue_nothing out;

	return queue_ask_settle(w->relay, &in, &w->box.arena, &out, &unit_error);
}

static struct slice
last_letter(struct world *w)
{
	struct store_message_rows rows = box_list(&w->box, w->alice, box_mailbox(&w->box, w->alice, "INBOX").mailbox);

	return rows.row_count == 0 ? SLICE_EMPTY : box_body(&w->box, rows.rows[rows.row_count - 1].body);
}

static uint32_t
letters(struct world *w)
{
	return box_mailbox(&w->box, w->alice, "INBOX").messages;
}

static bool
has(struct slice text, const char *part)
{
	return slice_search(text, slice_str(part)) != SIZE_MAX;
}

/* ---- leases ---- */

static void *
put_later(void *arg)
{
	const struct timespec t = { .tv_nsec = 100000000 };

	(void)nanosleep(&t, NULL);
	put_one(arg, "a@example.org", 0);
	return NULL;
}

static void
waits_until_something_comes(void **state)
{
	struct queue_leased out;
	struct world w;
	pthread_t thread;

	(void)state;
	world_new(&w);
	assert_int_equal(lease(&w, 0).entry_count, 0);
	assert_int_equal(lease(&w, 50).entry_count, 0);
	assert_int_equal(pthread_create(&thread, NULL, put_later, &w), 0);
	out = lease(&w, 60000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(out.entry_count, 1);
	assert_slices(out.entries[0].domain, SLICE("other.example"));
	assert_slices(out.entries[0].recipients[0].address, SLICE("x@Other.Example"));
	world_free(&w);
}

static void
answered_at_the_end(void *ctx, const void *reply, const struct error *e)
{
	bool *answered = ctx;

	(void)reply;
	(void)e;
	*answered = true;
}

/* Who waits when it all ends is answered. */
static void
ends_while_somebody_waits(void **state)
{
	const struct queue_lease in = { .messages_max = 10, .wait_ms = QUEUE_WAIT_MS_MAX };
	bool answered = false;
	struct world w;

	(void)state;
	world_new(&w);
	assert_ok(queue_ask_lease_submit(w.relay, &in, answered_at_the_end, &answered, &unit_error));
	world_free(&w);
	assert_true(answered);
}

static void
only_what_is_leased(void **state)
{
	struct queue_body body = { .length = 100 };
	struct queue_body_data data;
	struct queue_leased out;
	struct world w;

	(void)state;
	world_new(&w);
	put_one(&w, "a@example.org", 0);
	out = lease(&w, 0);
	body.queue = out.entries[0].queue;
	assert_int_equal(queue_ask_body(w.relay, &body, &w.box.arena, &data, &unit_error), ERR_DENIED);
	body.lease = out.entries[0].lease + 1;
	assert_int_equal(queue_ask_body(w.relay, &body, &w.box.arena, &data, &unit_error), ERR_NOT_FOUND);
	body.lease = out.entries[0].lease;
	assert_ok(queue_ask_body(w.relay, &body, &w.box.arena, &data, &unit_error));
	assert_slices(data.data, slice_str(QUEUE_SENT));
	assert_ok(settle(&w, &out.entries[0], QUEUE_DELIVERED, false));
	assert_int_equal(queue_ask_body(w.relay, &body, &w.box.arena, &data, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(settle(&w, &out.entries[0], QUEUE_DELIVERED, false), ERR_NOT_FOUND);
	out.entries = &(struct queue_entry){ .queue = body.queue, .recipients = out.entries[0].recipients };
	assert_int_equal(settle(&w, out.entries, QUEUE_DELIVERED, false), ERR_DENIED);
	assert_int_equal(letters(&w), 0);
	world_free(&w);
}

/* ---- who is told what (RFC 3461 section 6.2) ---- */

static void
who_is_told_what(void **state)
{
	static const struct {
		const char *sender;
		unsigned notify;
		uint32_t result;
		bool passed;
		const char *action; /* NULL: nobody is told */
	} rows[] = {
		{ "a@example.org", 0, QUEUE_FAILED, false, "failed" },
		{ "a@example.org", SMTP_NOTIFY_FAILURE, QUEUE_FAILED, false, "failed" },
		{ "a@example.org", SMTP_NOTIFY_SUCCESS, QUEUE_FAILED, false, NULL },
		{ "a@example.org", SMTP_NOTIFY_NEVER, QUEUE_FAILED, false, NULL },
		{ "", 0, QUEUE_FAILED, false, NULL },
		{ "nobody@example.org", 0, QUEUE_FAILED, false, NULL },
		{ "a@example.org", 0, QUEUE_DELIVERED, false, NULL },
		{ "a@example.org", SMTP_NOTIFY_SUCCESS, QUEUE_DELIVERED, false, "relayed" },
		{ "a@example.org", SMTP_NOTIFY_SUCCESS, QUEUE_DELIVERED, true, NULL },
		{ "", SMTP_NOTIFY_SUCCESS, QUEUE_DELIVERED, false, NULL },
	};
	struct world w;

	(void)state;
	world_new(&w);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t before = letters(&w);
		struct queue_leased out;
		char action[40];

		put_one(&w, rows[i].sender, rows[i].notify);
		out = lease(&w, 0);
		assert_int_equal(out.entry_count, 1);
		assert_ok(settle(&w, &out.entries[0], rows[i].result, rows[i].passed));
		assert_int_equal(box_queue_totals(&w.box).messages, 0);
		assert_int_equal(letters(&w), before + (rows[i].action != NULL));
		if (rows[i].action == NULL)
			continue;
		(void)snprintf(action, sizeof action, "\r\nAction: %s\r\n", rows[i].action);
		assert_true(has(last_letter(&w), action));
		assert_true(has(last_letter(&w), "Remote-MTA: dns;mx.other.example\r\n"));
		assert_true(has(last_letter(&w), "Subject: hello\r\n"));
		assert_false(has(last_letter(&w), "Text of it"));
	}
	box_queue_verify(&w.box);
	world_free(&w);
}

/* A sender elsewhere: the report waits for its server, from the null sender; and what becomes of that nobody is told. */
static void
reports_go_elsewhere(void **state)
{
	struct queue_leased out;
	struct world w;

	(void)state;
	world_new(&w);
	put_one(&w, "s@stranger.example", 0);
	out = lease(&w, 0);
	assert_ok(settle(&w, &out.entries[0], QUEUE_FAILED, false));
	out = lease(&w, 1000);
	assert_int_equal(out.entry_count, 1);
	assert_slices(out.entries[0].recipients[0].address, SLICE("s@stranger.example"));
	assert_int_equal(out.entries[0].sender.len, 0);
	assert_int_equal(out.entries[0].recipients[0].notify, SMTP_NOTIFY_NEVER);
	assert_ok(settle(&w, &out.entries[0], QUEUE_FAILED, false));
	assert_int_equal(box_queue_totals(&w.box).messages, 0);
	world_free(&w);
}

/* ---- strangers ---- */

static void
strangers_reach_nobody_else(void **state)
{
	struct queue_put_recipient to = { .address = SLICE("x@other.example") };
	struct queue_letter in = letter(&to);
	struct queue_kept kept;
	struct queue_leased out;
	struct buf back;
	struct slice target = SLICE("friend@other.example");
	struct store_alias_add alias = { SLICE("out@example.org"), &target, 1, 0 };
	struct store_nothing none;
	struct world w;

	(void)state;
	world_new(&w);
	in.stranger = true;
	in.sender = SLICE("s@stranger.example");
	assert_int_equal(put(&w, &in, NULL), ERR_DENIED);
	to.address = SLICE("nobody@example.org");
	assert_int_equal(put(&w, &in, NULL), ERR_NOT_FOUND);
	to.address = SLICE("SRS0=AAAAA=AA=other.example=x@example.org");
	assert_int_equal(put(&w, &in, NULL), ERR_NOT_FOUND);
	assert_ok(store_alias_add(w.box.port, &alias, &w.box.arena, &none, &unit_error));
	to.address = SLICE("out@example.org");
	assert_int_equal(put(&w, &in, &kept), 0);
	assert_true(kept.sent_on == 1 && kept.inboxes == 0);
	out = lease(&w, 0);
	assert_slices(out.entries[0].recipients[0].address, target);
	assert_slices(out.entries[0].recipients[0].orcpt, SLICE("rfc822;out@example.org"));
	buf_init(&back, STORE_ADDRESS_MAX);
	assert_ok(queue_srs_reverse(w.queue, out.entries[0].sender, &back, &unit_error));
	assert_slices(buf_slice(&back), SLICE("s@stranger.example"));
	buf_done(&back);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(waits_until_something_comes), UNIT_TEST(only_what_is_leased),
		UNIT_TEST(who_is_told_what), UNIT_TEST(reports_go_elsewhere), UNIT_TEST(strangers_reach_nobody_else),
		UNIT_TEST(ends_while_somebody_waits) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
