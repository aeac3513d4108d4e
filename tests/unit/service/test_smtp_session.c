/* SPDX-License-Identifier: ISC */
/*
 * SMTP sessions with a connection made here (no sockets, no TLS) and a real
 * store: all transcripts, what is kept, what happens when the client goes away
 * at any moment, and when the store is full of other work.
 */
#include "service/smtp_session.h"

#include <pthread.h>
#include <stdatomic.h>

#include "os/clock.h"
#include "service/ask.h"
#include "service/auth.h"
#include "smtp/transcript.h"
#include "store/box.h"

/* ---- net/conn.h, made here ---- */

struct conn {
	atomic_int holds;
	atomic_bool woken;
	bool tls, can_tls, start_tls, close;
	void *session;
	struct buf answers;
};

void
conn_hold(struct conn *c)
{
	atomic_fetch_add(&c->holds, 1);
}

void
conn_release(struct conn *c)
{
	atomic_fetch_sub(&c->holds, 1);
}

void
conn_wake(struct conn *c)
{
	atomic_store(&c->woken, true);
}

uint64_t
conn_id(const struct conn *c)
{
	(void)c;
	return 77;
}

const char *
conn_peer(const struct conn *c)
{
	(void)c;
	return "2001:db8::1";
}

uint16_t
conn_port(const struct conn *c)
{
	(void)c;
	return 25;
}

int
conn_start_tls(struct conn *c, struct error *e)
{
	(void)e;
	c->start_tls = true;
	return 0;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->can_tls && !c->tls;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls;
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	*info_out = (struct conn_tls_info){ "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256 };
	return c->tls;
}

void
conn_close(struct conn *c)
{
	c->close = true;
}

void
conn_abort(struct conn *c)
{
	c->close = true;
}

/* ---- the world of a test ---- */

static struct box box;
static struct service *service;
static struct service_listener mx, submission;
static struct conn conn;
static uint64_t alice, bob;

static uint64_t
make_account(const char *address)
{
	struct store_account_create create = { .address = slice_str(address) };
	struct store_account_id id;
	struct store_nothing none;
	struct buf verifier;

	buf_init(&verifier, STORE_VERIFIER_MAX);
	assert_ok(auth_verifier_make(SLICE("secret"), &verifier, &unit_error));
	create.verifier = buf_slice(&verifier);
	assert_ok(
	    store_domain_add(box.port, &(struct store_domain){ SLICE("example.org") }, &box.arena, &none, &unit_error));
	assert_ok(store_account_create(box.port, &create, &box.arena, &id, &unit_error));
	buf_done(&verifier);
	return id.account;
}

static int
setup(void **state)
{
	const struct service_settings settings = {
		.hostname = SLICE("mail.example.org"), .message_max = 65536, .workers = 1
	};

	(void)state;
	box_new(&box);
	box_open(&box);
	alice = make_account("alice@example.org");
	bob = make_account("bob@example.org");
	assert_ok(service_new(&settings, box.port, &service, &unit_error));
	mx = (struct service_listener){ service, SERVICE_MX };
	submission = (struct service_listener){ service, SERVICE_SUBMISSION };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	service_free(service);
	box_free(&box);
	return 0;
}

static void
begin(const struct service_listener *listener, bool tls)
{
	union {
		const struct service_listener *given;
		void *ctx;
	} u = { .given = listener };

	conn = (struct conn){ .tls = tls, .can_tls = true };
	buf_init(&conn.answers, 1u << 20);
	assert_ok(smtp_session_open(u.ctx, &conn, &conn.session, &unit_error));
}

static void
run_once(void)
{
	struct slice out;

	atomic_store(&conn.woken, false);
	smtp_session_ops.run(conn.session, &conn, clock_ms());
	out = smtp_session_ops.output(conn.session);
	(void)buf_put_slice(&conn.answers, out);
	smtp_session_ops.sent(conn.session, out.len);
}

/* Runs it as a loop would, until nothing is under way any more. */
static void
settle(void)
{
	run_once();
	while (smtp_session_ops.busy(conn.session) || atomic_load(&conn.woken)) {
		for (unsigned i = 0; !atomic_load(&conn.woken); i++) {
			assert_true(i < 200000);
			(void)usleep(50);
		}
		run_once();
	}
}

static void
feed(struct slice in)
{
	unsigned stuck = 0;

	while (in.len > 0 && !conn.close) {
		size_t took = smtp_session_ops.feed(conn.session, slice_sub(in, 0, 4096), clock_ms());

		in = slice_from(in, took);
		settle();
		stuck = took == 0 ? stuck + 1 : 0;
		assert_true(stuck < 100);
	}
}

static void
end(void)
{
	smtp_session_ops.closed(conn.session);
	for (unsigned i = 0; atomic_load(&conn.holds) > 0; i++) {
		assert_true(i < 200000);
		(void)usleep(50);
	}
	buf_done(&conn.answers);
}

/* ---- transcripts ---- */

static void
peer_begin(void *ctx, const char *listener)
{
	(void)ctx;
	begin(strcmp(listener, "mx") == 0 ? &mx : &submission, strcmp(listener, "submissions") == 0);
	settle();
}

static void
peer_send(void *ctx, struct slice in)
{
	(void)ctx;
	feed(in);
}

static struct buf *
peer_answers(void *ctx)
{
	(void)ctx;
	return &conn.answers;
}

static void
peer_start_tls(void *ctx)
{
	(void)ctx;
	assert_true(conn.start_tls);
	conn.tls = true;
	settle();
}

static bool
peer_closed(void *ctx)
{
	(void)ctx;
	return conn.close;
}

static void
peer_end(void *ctx)
{
	(void)ctx;
	end();
}

static void
transcripts(void **state)
{
	static const struct transcript_peer peer = { peer_begin, peer_send, peer_answers, peer_start_tls, peer_closed,
		peer_end, NULL };

	(void)state;
	transcript_run_all(&peer, false);
}

/* ---- what is kept ---- */

static uint64_t
inbox_of(uint64_t account, uint32_t *count_out)
{
	struct store_mailbox_state s;

	assert_ok(store_mailbox_get(box.port, &(struct store_mailbox_get){ .account = account, .name = SLICE("INBOX") },
	    &box.arena, &s, &unit_error));
	*count_out = s.mailbox.messages;
	return s.mailbox.mailbox;
}

/* The newest message of an account's inbox. */
static struct slice
newest(uint64_t account, uint32_t *header_size_out)
{
	struct store_message_rows rows;
	struct store_body_data data;
	uint32_t count;
	uint64_t mailbox = inbox_of(account, &count);

	assert_ok(store_message_list(box.port, &(struct store_message_list){ .account = account, .mailbox = mailbox },
	    &box.arena, &rows, &unit_error));
	assert_true(rows.row_count > 0);
	*header_size_out = rows.rows[rows.row_count - 1].header_size;
	assert_ok(store_body_read(box.port,
	    &(struct store_body_read){ .body = rows.rows[rows.row_count - 1].body, .length = STORE_PIECE_MAX },
	    &box.arena, &data, &unit_error));
	return data.data;
}

static void
say(const char *text)
{
	feed(slice_str(text));
}

static void
trace_fields(void **state)
{
	struct slice got;
	uint32_t header_size;

	(void)state;
	begin(&mx, true);
	say("EHLO client.example.net\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
	    "Subject: x\r\n\r\nbody\r\n.\r\n");
	end();
	got = newest(bob, &header_size);
	assert_true(slice_starts(got,
	    SLICE("Return-Path: <carol@example.net>\r\nDelivered-To: bob@example.org\r\n"
		  "Received: from client.example.net ([IPv6:2001:db8::1])\r\n\tby mail.example.org with ESMTPS id ")));
	assert_true(slice_search(got,
			SLICE("\r\n\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tfor <bob@example.org>;\r\n\t")) != SIZE_MAX);
	assert_slice(slice_from(got, header_size), "body\r\n");
	assert_true(slice_ends(slice_sub(got, 0, header_size), SLICE("\r\nSubject: x\r\n\r\n")));
}

static void
one_body_for_several(void **state)
{
	uint32_t a, b, after_a, after_b, header_size;

	(void)state;
	(void)inbox_of(alice, &a);
	(void)inbox_of(bob, &b);
	begin(&mx, false);
	say("EHLO [192.0.2.1]\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<BOB+x@example.org>\r\n"
	    "RCPT TO:<alice@example.org>\r\nDATA\r\n\r\nno header\r\n.\r\n");
	end();
	(void)inbox_of(alice, &after_a);
	(void)inbox_of(bob, &after_b);
	assert_int_equal(after_a, a + 1);
	assert_int_equal(after_b, b + 1);
	assert_true(slice_search(newest(alice, &header_size), SLICE("bob")) == SIZE_MAX);
	assert_true(slice_ends(newest(alice, &header_size), SLICE("\r\n\r\nno header\r\n")));
}

/* The client goes away after every octet: nothing is left behind, nothing half is kept. */
static void
gone_at_any_moment(void **state)
{
	static const char letter[] =
	    "EHLO c\r\nMAIL FROM:<x@y>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: torn\r\n\r\nb\r\n"
	    ".\r\n";
	uint32_t before, after;

	(void)state;
	(void)inbox_of(bob, &before);
	for (size_t cut = 0; cut < sizeof letter - 2; cut++) {
		begin(&mx, false);
		(void)smtp_session_ops.feed(conn.session, slice_of(letter, cut), clock_ms());
		run_once(); /* and not to the end: questions are under way */
		end();
	}
	(void)inbox_of(bob, &after);
	assert_int_equal(after, before);
	assert_int_equal(atomic_load(&service->receiving), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(transcripts), UNIT_TEST(trace_fields),
		UNIT_TEST(one_body_for_several), UNIT_TEST(gone_at_any_moment) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
