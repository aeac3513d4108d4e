/* SPDX-License-Identifier: ISC */
/*
 * SMTP on pretended connections (no sockets, no TLS), through front and the
 * processes behind it, with a real store: all transcripts, what is kept, what
 * happens when the client goes away at any moment.
 */
#include "service/smtp_session.h"

#include "pretended.h"
#include "service/ask.h"
#include "service/auth.h"
#include "service/grants.h"
#include "service/permit.h"
#include "service/resolve.h"
#include "service/signin.h"
#include "smtp/transcript.h"
#include "store/box.h"

/* ---- the world of a test ---- */

static struct box box;
static struct grants *grants;
static struct ask *ask_end;
static struct port *ask, *auth;
static struct signin *signin;
static struct port_server *auth_server;
static struct pretended_behind behind;
static struct front front;
static struct front_listener mx, submission;
static struct conn *conn;
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

/* The end that checks passwords hears over a socket who asks: a front. */
static void
open_auth(void)
{
	int fds[2];

	assert_ok(signin_new(ask, 1, &signin, &unit_error));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(signin_service(signin), &auth_server, &unit_error));
	assert_ok(port_server_add(auth_server, fds[0], NULL, behind.front, &unit_error));
	assert_ok(port_open_socket(&ask_interface, fds[1], &auth, &unit_error));
}

static int
setup(void **state)
{
	const struct service_settings settings = {
		.hostname = SLICE("mail.example.org"), .message_max = 65536, .workers = 1
	};
	struct service_ports ports;

	(void)state;
	box_new(&box);
	box_open(&box);
	alice = make_account("alice@example.org");
	bob = make_account("bob@example.org");
	assert_ok(grants_new(10, &grants, &unit_error));
	assert_ok(ask_new(box.port, grants, &ask_end, &unit_error));
	assert_ok(port_open_local(ask_service(ask_end), &ask, &unit_error));
	ports = (struct service_ports){ .store = box.port, .ask = ask, .grants = grants };
	assert_ok(service_new(PROCESS_MAIL, &settings, &ports, &behind.mail, &unit_error));
	ports = (struct service_ports){ .ask = ask };
	assert_ok(service_new(PROCESS_MX, &settings, &ports, &behind.mx, &unit_error));
	behind.front = process_number(PROCESS_FRONT, 1);
	open_auth();
	front = (struct front){ .settings = settings, .auth = auth, .hand_over = pretended_hand_over, .ctx = &behind };
	mx = (struct front_listener){ &front, SERVICE_MX };
	submission = (struct front_listener){ &front, SERVICE_SUBMISSION };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	port_close(auth);
	port_server_free(auth_server);
	signin_free(signin);
	service_free(behind.mail);
	service_free(behind.mx);
	port_close(ask);
	ask_free(ask_end);
	grants_free(grants);
	box_free(&box);
	return 0;
}

static void
begin(struct front_listener *listener, bool tls)
{
	conn = conn_open(listener, tls);
	conn->slow_tls = true;
}

/* Runs it as a loop would, until nothing is under way any more. */
static void
settle(void)
{
	assert_true(conn_settle(conn));
}

static void
feed(struct slice in)
{
	conn_send(conn, in);
	settle();
}

static void
end(void)
{
	conn_tell_closed(conn);
	for (unsigned i = 0; atomic_load(&conn->refs) > 1; i++) {
		assert_true(i < 200000);
		(void)usleep(50);
	}
	conn_release(conn);
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
	return &conn->out;
}

static void
peer_start_tls(void *ctx)
{
	(void)ctx;
	conn_shake(conn);
	settle();
}

static bool
peer_closed(void *ctx)
{
	(void)ctx;
	return conn->closed_told;
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

static void
transcripts_octet_by_octet(void **state)
{
	static const struct transcript_peer peer = { peer_begin, peer_send, peer_answers, peer_start_tls, peer_closed,
		peer_end, NULL };

	(void)state;
	transcript_run_all(&peer, true);
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

/* ---- the name of who connects ---- */

/* The address that pretended connections come from has one name. */
static struct port_job *unanswered;
static bool answers_names;

static void
answer_lookup(struct port_job *job)
{
	const struct resolve_lookup *q = port_job_request(job);
	struct slice record =
	    q->type == DNS_PTR ? SLICE("\4mail\7example\3net\0") : SLICE("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");

	port_reply(job, &(struct dns_answer){ .records = &record, .record_count = 1 });
}

static void
run_lookup(void *ctx, struct port_job *job)
{
	(void)ctx;
	if (answers_names)
		answer_lookup(job);
	else
		unanswered = job;
}

/* Received's first line. */
static void
received_is(const char *hello, const char *expected)
{
	uint32_t header_size;
	struct slice got;

	begin(&mx, true);
	say(hello);
	say("MAIL FROM:<carol@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n");
	end();
	got = newest(bob, &header_size);
	got = slice_from(got, slice_search(got, SLICE("Received: ")));
	assert_slice(slice_sub(got, 0, slice_find(got, '\r')), expected);
}

static void
confirmed_names(void **state)
{
	static const struct port_handler handlers[] = { { RESOLVE_METHOD_lookup, run_lookup } };
	const struct port_service names = { .interface = &resolve_interface, .handlers = handlers, .handler_count = 1 };

	(void)state;
	assert_ok(port_open_local(&names, &behind.mx->ports.resolver, &unit_error));
	answers_names = true;
	received_is(
	    "EHLO client.example.net\r\n", "Received: from client.example.net (mail.example.net [IPv6:2001:db8::1])");
	received_is("EHLO [192.0.2.1]\r\n", "Received: from [192.0.2.1] (mail.example.net [IPv6:2001:db8::1])");
	answers_names = false; /* it is waited for by nobody, and comes when the session is long gone */
	received_is("EHLO client.example.net\r\n", "Received: from client.example.net ([IPv6:2001:db8::1])");
	answers_names = true;
	answer_lookup(unanswered);
	port_close(behind.mx->ports.resolver);
	behind.mx->ports.resolver = NULL;
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
		conn_send(conn, slice_of(letter, cut));
		(void)conn_turn_once(conn); /* and not to the end: questions are under way */
		end();
	}
	(void)inbox_of(bob, &after);
	assert_int_equal(after, before);
	assert_int_equal(atomic_load(&behind.mx->receiving), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(transcripts), UNIT_TEST(transcripts_octet_by_octet),
		UNIT_TEST(trace_fields), UNIT_TEST(confirmed_names), UNIT_TEST(one_body_for_several),
		UNIT_TEST(gone_at_any_moment) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
