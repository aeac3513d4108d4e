/* SPDX-License-Identifier: ISC */
/*
 * SMTP on pretended connections (no sockets, no TLS), through front and the
 * processes behind it, with a real store: all transcripts, what is kept, what
 * happens when the client goes away at any moment.
 */
#include "service/smtp/session.h"

#include "pretended.h"
#include "service/ask.h"
#include "service/signin/auth.h"
#include "service/grants.h"
#include "service/permit.h"
#include "service/resolve.h"
#include "service/signin/signin.h"
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
static struct front_listener mx, submission, lmtp;
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

	assert_ok(signin_new(ask, &(struct signin_options){ .threads = 1 }, &signin, &unit_error));
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
	lmtp = (struct front_listener){ &front, SERVICE_LMTP };
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
	struct front_listener *l = strcmp(listener, "mx") == 0 ? &mx : &submission;

	(void)ctx;
	begin(strcmp(listener, "lmtp") == 0 ? &lmtp : l, strcmp(listener, "submissions") == 0);
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

/* The words "text" are in the newest message of the account. */
static bool
newest_has(uint64_t account, const char *text)
{
	uint32_t header_size;

	return slice_search(newest(account, &header_size), slice_str(text)) != SIZE_MAX;
}

static void
sign_in(void)
{
	begin(&submission, true);
	say("EHLO secret-laptop.example.com\r\nAUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAHNlY3JldA==\r\n");
	assert_true(slice_search(buf_slice(&conn->out), SLICE("235 2.7.0")) != SIZE_MAX);
	buf_clear(&conn->out);
}

/* RFC 6409 8.1 to 8.3, RFC 5322 3.6.2. Where the submitter was is nobody's business. */
static void
submission_adds_what_is_missing(void **state)
{
	(void)state;
	sign_in();
	say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: bare\r\n\r\nx\r\n.\r\n");
	assert_true(newest_has(bob, "\r\nFrom: <alice@example.org>\r\n"));
	assert_false(newest_has(bob, "\r\nSender:"));
	assert_true(newest_has(bob, "\r\nDate: "));
	assert_true(newest_has(bob, "\r\nMessage-ID: <"));
	assert_true(newest_has(bob, "\r\nReceived: by mail.example.org with ESMTPSA id "));
	assert_false(newest_has(bob, "2001:db8"));
	assert_false(newest_has(bob, "secret-laptop"));
	say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nBDAT 53 LAST\r\n"
	    "From: alice@example.org, alice+x@example.org\r\n\r\nxyz\r\n");
	assert_true(newest_has(bob, "\r\nSender: <alice@example.org>\r\n"));
	assert_true(newest_has(bob, "xyz"));
	end();
}

/* Whoever is named as author or sender must be the account's. */
static void
submission_sends_as_nobody_else(void **state)
{
	static const char *const lines[] = { "From: bob@example.org", "From: ", "From: bob@example.org:;",
		"From: alice@example.org\r\nSender: bob@example.org", "Resent-From: bob@example.org",
		"From: alice@example.org\r\nResent-Sender: x <ceo@example.com>", "From: alice@example.org\r\nSender: (",
		"Sender: bob@example.org" };
	uint32_t before, after;

	(void)state;
	(void)inbox_of(bob, &before);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		sign_in();
		say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
		buf_clear(&conn->out);
		say(lines[i]);
		say("\r\n\r\nx\r\n.\r\n");
		if (!slice_starts(buf_slice(&conn->out), SLICE("550 5.7.1 ")))
			fail_msg("%s", lines[i]);
		end();
	}
	sign_in();
	say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: nobody's\r\n\r\nx\r\n.\r\n");
	assert_true(slice_search(buf_slice(&conn->out), SLICE("\r\n550 5.7.1 ")) != SIZE_MAX);
	end();
	(void)inbox_of(bob, &after);
	assert_int_equal(after, before);
}

/* A text that begins with white space goes on with none of the fields that are put in front of it. */
static void
no_field_of_ours_goes_on(void **state)
{
	uint32_t header_size;
	struct slice got;

	(void)state;
	sign_in();
	say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n , <bob@example.org>\r\n"
	    "Date: Fri, 27 Nov 2026 04:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nx\r\n.\r\n");
	end();
	got = newest(bob, &header_size);
	assert_true(slice_search(got, SLICE("\r\nFrom: <alice@example.org>\r\nDate: ")) != SIZE_MAX);
	assert_true(slice_starts(slice_from(got, header_size), SLICE(" , <bob@example.org>\r\nDate: ")));
	assert_true(slice_ends(slice_sub(got, 0, header_size), SLICE(">\r\n\r\n")));
	begin(&mx, false);
	say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nBDAT 1\r\n\tBDAT 6 LAST\r\n(by)\r\n");
	end();
	got = newest(bob, &header_size);
	assert_slice(slice_from(got, header_size), "\t(by)\r\n");
}

/* RFC 6409 section 4.2 */
static void
submission_needs_whole_domains(void **state)
{
	static const struct {
		const char *field;
		bool good;
	} rows[] = {
		{ "To: bob@example.org, carol@example.net", true },
		{ "To: bob@[192.0.2.1]", true },
		{ "To: undisclosed-recipients:;", true },
		{ "To: friends: bob@example.org, Carol <carol@example.net>;\r\nCc: x@y.z", true },
		{ "Subject: to bob@localhost", true },
		{ "To: bob", false },
		{ "To: bob@localhost", false },
		{ "To: bob@example.org\r\nCC: Carol\r\n <carol@sales>", false },
		{ "Reply-To: friends: a@b.c, d@e;", false },
		{ "Resent-To: x@host", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool kept;

		sign_in();
		say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
		buf_clear(&conn->out);
		say("From: alice@example.org\r\n");
		say(rows[i].field);
		say("\r\n\r\nx\r\n.\r\n");
		kept = slice_starts(buf_slice(&conn->out), SLICE("250 2.0.0 Kept "));
		if (kept != rows[i].good ||
		    (!kept && !slice_starts(buf_slice(&conn->out), SLICE("554 5.6.0 An address "))))
			fail_msg("%s", rows[i].field);
		end();
	}
}

/* ---- loops ---- */

static void
pitfall_11_loops(void **state)
{
	static const struct {
		const char *recipients, *fields;
		bool loop;
	} rows[] = {
		{ "RCPT TO:<bob@example.org>\r\n", "Delivered-To: bob@example.org\r\n", true },
		{ "RCPT TO:<bob@example.org>\r\n", "delivered-to:\r\n BOB@Example.ORG \r\n", true },
		{ "RCPT TO:<bob@example.org>\r\n", "Delivered-To: alice@example.org\r\n", false },
		{ "RCPT TO:<bob@example.org>\r\nRCPT TO:<alice@example.org>\r\n",
		    "Delivered-To: bob@example.org\r\nDelivered-To: alice@example.org\r\n", true },
		/* somebody gives on what he got, and one of the others gets it for the first time */
		{ "RCPT TO:<bob@example.org>\r\nRCPT TO:<alice@example.org>\r\n", "Delivered-To: bob@example.org\r\n",
		    false },
	};
	uint32_t before, after;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		bool local = i % 2 == 1;

		(void)inbox_of(bob, &before);
		begin(local ? &lmtp : &mx, false);
		say(local ? "LHLO c\r\nMAIL FROM:<>\r\n" : "EHLO c\r\nMAIL FROM:<>\r\n");
		say(rows[i / 2].recipients);
		say("DATA\r\n");
		buf_clear(&conn->out);
		say(rows[i / 2].fields);
		say("\r\nx\r\n.\r\n");
		assert_int_equal(slice_starts(buf_slice(&conn->out), SLICE("554 5.4.6 ")), rows[i / 2].loop);
		end();
		(void)inbox_of(bob, &after);
		assert_int_equal(after, before + !rows[i / 2].loop);
	}
}

/* ---- reports ---- */

static void
delivery_is_reported(void **state)
{
	uint32_t before, after;

	(void)state;
	(void)inbox_of(alice, &before);
	sign_in();
	say("MAIL FROM:<alice@example.org> RET=FULL ENVID=QQ+2B31\r\n"
	    "RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@example.org\r\n"
	    "RCPT TO:<bob+quiet@example.org> NOTIFY=NEVER\r\nRCPT TO:<bob+unsaid@example.org>\r\n"
	    "DATA\r\nSubject: told\r\n\r\nnot to be seen\r\n.\r\n");
	(void)inbox_of(alice, &after);
	assert_int_equal(after, before + 1);
	assert_true(newest_has(alice, "Return-Path: <>\r\n"));
	assert_true(newest_has(alice, "\r\nContent-Type: multipart/report; report-type=delivery-status;"));
	assert_true(newest_has(alice, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_true(newest_has(alice,
	    "\r\nContent-Type: message/delivery-status\r\n\r\nOriginal-Envelope-Id: QQ+31\r\n"
	    "Reporting-MTA: dns;mail.example.org\r\n"));
	assert_true(newest_has(alice,
	    "\r\n\r\nOriginal-Recipient: rfc822;Bob+x@example.org\r\nFinal-Recipient: rfc822;bob@example.org\r\n"
	    "Action: delivered\r\nStatus: 2.1.5\r\n"));
	assert_true(newest_has(alice, "\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: told\r\n"));
	assert_false(newest_has(alice, "not to be seen"));
	assert_false(newest_has(alice, "quiet"));
	assert_false(newest_has(alice, "unsaid"));
	/* with SMTPUTF8 (RFC 6533) */
	say("MAIL FROM:<alice@example.org> SMTPUTF8\r\n"
	    "RCPT TO:<bob@example.org> NOTIFY=SUCCESS ORCPT=utf-8;b\xc3\xb6r@example.org\r\n"
	    "DATA\r\nSubject: \xce\xb4\r\n\r\nx\r\n.\r\n");
	assert_true(newest_has(alice, "report-type=global-delivery-status"));
	assert_true(newest_has(alice,
	    "\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: "
	    "8bit\r\n\r\nReporting-MTA: "));
	assert_true(newest_has(alice, "Original-Recipient: utf-8;b\xc3\xb6r@example.org\r\n"));
	assert_true(newest_has(alice,
	    "\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: "
	    "\xce\xb4\r\n"));
	end();
}

/* Pitfalls 11 and 12: none to the null sender, and none to whom a stranger names as the sender. */
static void
pitfall_12_reports_provoke_nothing(void **state)
{
	uint32_t before, after;

	(void)state;
	(void)inbox_of(alice, &before);
	sign_in();
	say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org> NOTIFY=SUCCESS\r\nDATA\r\nFrom: alice@example.org\r\n\r\n.\r\n");
	assert_true(slice_search(buf_slice(&conn->out), SLICE("250 2.0.0 Kept as ")) != SIZE_MAX);
	end();
	begin(&mx, false);
	say("EHLO c\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org> NOTIFY=SUCCESS\r\nDATA\r\n\r\n.\r\n");
	assert_true(slice_search(buf_slice(&conn->out), SLICE("250 2.0.0 Kept as ")) != SIZE_MAX);
	end();
	(void)inbox_of(alice, &after);
	assert_int_equal(after, before);
}

/* ---- LMTP, SMTPUTF8 ---- */

static void
traces_of_other_dialects(void **state)
{
	(void)state;
	begin(&lmtp, false);
	say("LHLO front.example.net\r\nMAIL FROM:<carol@example.net> SMTPUTF8\r\nRCPT TO:<bob@example.org>\r\n"
	    "BDAT 12 LAST\r\nSubject: u\r\n");
	end();
	assert_true(newest_has(
	    bob, "Received: from front.example.net ([IPv6:2001:db8::1])\r\n\tby mail.example.org with UTF8LMTP id "));
	begin(&mx, true);
	say("EHLO c.example.net\r\nMAIL FROM:<c\xc3\xa4rol@example.net> SMTPUTF8\r\nRCPT TO:<bob@example.org>\r\n"
	    "DATA\r\n\r\n.\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n\r\n.\r\n");
	end();
	assert_true(newest_has(bob, "Return-Path: <c\xc3\xa4rol@example.net>\r\n"));
	assert_true(newest_has(bob, "with UTF8SMTPS id "));
	assert_true(newest_has(alice, "with ESMTPS id "));
}

/* A large message in chunks of every size is kept as it was sent. */
static void
chunks_are_put_together(void **state)
{
	struct buf text, wire;
	uint32_t header_size, size = 0;
	struct slice got;

	(void)state;
	buf_init(&text, 1u << 20);
	buf_init(&wire, 2u << 20);
	(void)buf_put_str(&text, "Subject: pieces\r\n\r\n");
	for (unsigned i = 0; i < 2000; i++)
		(void)buf_putf(&text, ".%u line\r\n.\r\n", i);
	begin(&mx, false);
	say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n");
	for (size_t at = 0; at < text.len; at += size) {
		size = size % 4000 + 7;
		(void)buf_putf(&wire, "BDAT %zu\r\n", slice_sub(buf_slice(&text), at, size).len);
		(void)buf_put_slice(&wire, slice_sub(buf_slice(&text), at, size));
	}
	(void)buf_put_str(&wire, "BDAT 0 LAST\r\n");
	feed(buf_slice(&wire));
	assert_true(slice_search(buf_slice(&conn->out), SLICE("250 2.0.0 Kept as ")) != SIZE_MAX);
	end();
	got = newest(bob, &header_size);
	got = slice_from(got, slice_search(got, SLICE("Subject: pieces")));
	assert_true(slice_eq(got, buf_slice(&text)));
	buf_done(&text);
	buf_done(&wire);
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

static unsigned
count_of(struct slice in, struct slice what)
{
	unsigned count = 0;
	size_t at;

	for (; (at = slice_search(in, what)) != SIZE_MAX; count++)
		in = slice_from(in, at + what.len);
	return count;
}

/* A large group, again and again with other details: each is work, and after some ten thousand members it ends. */
static void
a_group_named_again(void **state)
{
	struct slice members[200];
	struct store_alias_add group = { SLICE("many@example.org"), members, 200, 0 };
	struct store_nothing none;
	char line[100];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(line, sizeof line, "m%u@example.org", i);
		(void)box_account(&box, line);
		members[i] = arena_copy(&box.arena, slice_str(line));
	}
	assert_ok(store_alias_add(box.port, &group, &box.arena, &none, &unit_error));
	begin(&mx, false);
	say("EHLO [192.0.2.1]\r\nMAIL FROM:<>\r\n");
	for (unsigned i = 0; i < 55; i++) {
		(void)snprintf(line, sizeof line, "RCPT TO:<many+%u@example.org>\r\n", i);
		say(line);
	}
	assert_int_equal(count_of(buf_slice(&conn->out), SLICE("250 2.1.5")), SERVICE_NAMED_MAX / 200);
	assert_int_equal(count_of(buf_slice(&conn->out), SLICE("452 4.5.3")), 5);
	end();
}

/* The client goes away after every octet: nothing is left behind, nothing half is kept. */
static void
gone_at_any_moment(void **state)
{
	static const char letter[] =
	    "EHLO c\r\nMAIL FROM:<x@y>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: torn\r\n\r\nb\r\n"
	    ".\r\n";
	static const char chunks[] = "LHLO c\r\nMAIL FROM:<x@y>\r\nRCPT TO:<bob@example.org>\r\nBDAT 9\r\nSubject: "
				     "BDAT 11 LAST\r\ntorn\r\n\r\nb\r\n";
	uint32_t before, after;

	(void)state;
	(void)inbox_of(bob, &before);
	for (size_t cut = 0; cut < sizeof letter + sizeof chunks - 4; cut++) {
		bool first = cut < sizeof letter - 2;

		begin(first ? &mx : &lmtp, false);
		conn_send(conn, first ? slice_of(letter, cut) : slice_of(chunks, cut - (sizeof letter - 2)));
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
		UNIT_TEST(trace_fields), UNIT_TEST(submission_adds_what_is_missing),
		UNIT_TEST(submission_sends_as_nobody_else), UNIT_TEST(no_field_of_ours_goes_on),
		UNIT_TEST(submission_needs_whole_domains), UNIT_TEST(pitfall_11_loops), UNIT_TEST(delivery_is_reported),
		UNIT_TEST(pitfall_12_reports_provoke_nothing), UNIT_TEST(traces_of_other_dialects),
		UNIT_TEST(chunks_are_put_together), UNIT_TEST(confirmed_names), UNIT_TEST(one_body_for_several),
		UNIT_TEST(a_group_named_again), UNIT_TEST(gone_at_any_moment) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
