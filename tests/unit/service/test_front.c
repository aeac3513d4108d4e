/* SPDX-License-Identifier: ISC */
/*
 * Strangers, one connection at a time: what front says, what it asks, and what
 * it hands over. Passwords are answered here, mail is a real one.
 */
#include "service/front/front.h"

#include <unistd.h>

#include "base/base64.h"
#include "checker.h"
#include "pretended.h"
#include "service/ask.h"
#include "service/grants.h"
#include "service/permit.h"
#include "store/box.h"

#define CREDENTIALS "AGFsaWNlQGV4YW1wbGUub3JnAHNlY3JldA==" /* alice@example.org, secret */

/* ---- the world ---- */

struct world {
	struct box box;
	struct checker checker;
	struct ask *ask_end;
	struct port *ask, *auth;
	struct grants *grants;
	struct pretended_behind behind;
	struct front front;
	struct front_listener imap, submission, mx, directory;
	struct service *mail, *mx_service; /* whether front sees them or not */
	struct conn *c;
	struct buf line;
};

static struct world w;

static int
setup(void **state)
{
	const struct service_settings settings = {
		.hostname = SLICE("mail.example.org"), .message_max = 65536, .workers = 1
	};
	struct service_ports ports;

	(void)state;
	memset(&w, 0, sizeof w);
	box_new(&w.box);
	box_open(&w.box);
	buf_init(&w.line, 1u << 20);
	assert_ok(grants_new(3, &w.grants, &unit_error));
	assert_ok(ask_new(w.box.port, w.grants, &w.ask_end, &unit_error));
	assert_ok(port_open_local(ask_service(w.ask_end), &w.ask, &unit_error));
	ports = (struct service_ports){ .store = w.box.port, .ask = w.ask, .grants = w.grants };
	assert_ok(service_new(PROCESS_MAIL, &settings, &ports, &w.mail, &unit_error));
	ports = (struct service_ports){ .ask = w.ask };
	assert_ok(service_new(PROCESS_MX, &settings, &ports, &w.mx_service, &unit_error));
	w.behind = (struct pretended_behind){ w.mail, w.mx_service, process_number(PROCESS_FRONT, 1), 0 };
	w.checker = (struct checker){
		.grants = w.grants, .front = w.behind.front, .account = box_account(&w.box, "alice@example.org")
	};
	w.checker.service = (struct port_service){
		.interface = &ask_interface, .handlers = handlers, .handler_count = 3, .ctx = &w.checker
	};
	assert_ok(port_open_local(&w.checker.service, &w.auth, &unit_error));
	w.front =
	    (struct front){ .settings = settings, .auth = w.auth, .hand_over = pretended_hand_over, .ctx = &w.behind };
	w.imap = (struct front_listener){ &w.front, SERVICE_IMAP };
	w.submission = (struct front_listener){ &w.front, SERVICE_SUBMISSION };
	w.mx = (struct front_listener){ &w.front, SERVICE_MX };
	w.directory = (struct front_listener){ &w.front, SERVICE_DIRECTORY };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	port_close(w.auth);
	service_free(w.mail);
	service_free(w.mx_service);
	port_close(w.ask);
	ask_free(w.ask_end);
	grants_free(w.grants);
	box_free(&w.box);
	buf_done(&w.line);
	return 0;
}

static void
begin(struct front_listener *l, bool tls)
{
	w.c = conn_open(l, tls);
}

static void
say(const char *text)
{
	conn_send(w.c, slice_str(text));
}

/* The next line begins so. */
static void
hear(const char *start)
{
	if (!conn_line(w.c, &w.line))
		fail_msg("want %s, and nothing came", start);
	if (!slice_starts(buf_slice(&w.line), slice_str(start)))
		fail_msg("want %s\ngot  %.*s", start, (int)w.line.len, (const char *)w.line.data);
}

/* Lines until one that begins so. */
static void
hear_at_last(const char *start)
{
	do {
		if (!conn_line(w.c, &w.line))
			fail_msg("%s never came", start);
	} while (!slice_starts(buf_slice(&w.line), slice_str(start)));
}

static void
hear_the_end(void)
{
	if (conn_line(w.c, &w.line))
		fail_msg("not the end: %.*s", (int)w.line.len, (const char *)w.line.data);
	assert_true(w.c->closed_told);
	assert_int_equal(w.c->out.len, 0);
}

static void
end(void)
{
	conn_hang_up(w.c);
}

/* How many connections the account may still have, of three. */
static unsigned
places_left(void)
{
	struct grant_in in = { .process = 999, .account = w.checker.account, .counted = true };
	unsigned n = 0;

	while (grants_put(w.grants, &in, clock_ms(), NULL) == 0) {
		in.connection++;
		n++;
	}
	grants_forget(w.grants, 999);
	return n;
}

static void
ehlo(void)
{
	hear("220 ");
	say("EHLO client.example.net\r\n");
	hear_at_last("250 ");
}

/* ---- signing in ---- */

static void
the_question(void **state)
{
	(void)state;
	begin(&w.imap, true);
	hear("* OK ");
	say("a LOGIN Alice@example.org secret\r\n");
	hear("a OK ");
	assert_string_equal(w.checker.address, "Alice@example.org");
	assert_string_equal(w.checker.password, "secret");
	assert_string_equal(w.checker.authorize, "");
	assert_string_equal(w.checker.peer, "192.0.2.1");
	assert_int_equal(w.checker.connection, channel_number(w.c));
	assert_int_equal(places_left(), 2);
	end();
	assert_int_equal(places_left(), 3);
	begin(&w.submission, true);
	ehlo();
	say("AUTH PLAIN " CREDENTIALS "\r\n");
	hear("235 ");
	assert_string_equal(w.checker.address, "alice@example.org");
	assert_string_equal(w.checker.peer, "2001:db8::1");
	assert_int_equal(places_left(), 2);
	say("QUIT\r\n");
	hear("221 ");
	hear_the_end();
	end();
	assert_int_equal(places_left(), 3);
}

static const struct refusal {
	int answer;
	const char *imap, *smtp;
} refusals[] = {
	{ ERR_PASSWORD, "a NO [AUTHENTICATIONFAILED] ", "535 5.7.8 " },
	{ ERR_LIMIT, "a NO [LIMIT] ", "454 4.7.0 " },
	{ ERR_CLOSED, "a NO [UNAVAILABLE] ", "451 4.3.0 " },
	{ ERR_IO, "a NO [UNAVAILABLE] ", "451 4.3.0 " },
	{ ERR_UNSUPPORTED, "a NO [UNAVAILABLE] ", "451 4.3.0 " },
};

/* Each refusal has its words; then one may try again. */
static void
refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		w.checker.answer = refusals[i].answer;
		begin(&w.imap, true);
		hear("* OK ");
		say("a LOGIN alice@example.org secret\r\n");
		hear(refusals[i].imap);
		w.checker.answer = 0;
		say("b AUTHENTICATE PLAIN " CREDENTIALS "\r\n");
		hear("b OK ");
		end();
		w.checker.answer = refusals[i].answer;
		begin(&w.submission, true);
		ehlo();
		say("AUTH PLAIN " CREDENTIALS "\r\n");
		hear(refusals[i].smtp);
		w.checker.answer = 0;
		say("AUTH PLAIN " CREDENTIALS "\r\n");
		hear("235 ");
		end();
	}
}

/* An address or a password longer than any is wrong, and nobody's time is taken. */
static void
longer_than_any(void **state)
{
	static char text[2048];
	unsigned asked = w.checker.asked;

	(void)state;
	begin(&w.imap, true);
	hear("* OK ");
	(void)snprintf(text, sizeof text, "a LOGIN %0400d@example.org secret\r\n", 0);
	say(text);
	hear("a NO [AUTHENTICATIONFAILED] ");
	(void)snprintf(text, sizeof text, "a LOGIN alice@example.org %01100d\r\n", 0);
	say(text);
	hear("a NO [AUTHENTICATIONFAILED] ");
	end();
	assert_int_equal(w.checker.asked, asked);
}

/* While the question is open the client is heard no further, and gone it may go. */
static void
gone_while_asked(void **state)
{
	static struct front_listener *const listeners[] = { &w.imap, &w.submission };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (int right = 0; right < 2; right++) {
			w.checker.hold = true;
			begin(listeners[i], true);
			hear(i == 0 ? "* OK " : "220 ");
			say(i == 0 ? "a LOGIN alice@example.org secret\r\nb NOOP\r\n"
				   : "EHLO c\r\nAUTH PLAIN " CREDENTIALS "\r\nNOOP\r\n");
			for (int k = 0; k < 10; k++)
				(void)conn_turn_once(w.c);
			assert_non_null(w.checker.held);
			assert_true(w.c->ops->busy(w.c->session));
			assert_true(w.c->ops->deadline(w.c->session) == MACHINE_NEVER);
			end();
			w.checker.answer = right ? 0 : ERR_PASSWORD;
			check(&w.checker, w.checker.held);
			w.checker.held = NULL;
			w.checker.hold = false;
			w.checker.answer = 0;
			/* What was granted is not taken: it runs out. */
			assert_int_equal(places_left(), right ? 2 : 3);
			grants_forget(w.grants, w.behind.front);
		}
	}
}

/* ---- handing over ---- */

/* Front says that somebody has signed in, and nobody has told mail so: the client is closed without a word. */
static void
a_forged_claim_is_refused(void **state)
{
	static const struct {
		bool forged, wrong_connection;
	} kinds[] = { { true, false }, { false, true } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		w.checker.forged = kinds[i].forged;
		w.checker.wrong_connection = kinds[i].wrong_connection;
		w.behind.claims_refused = 0;
		begin(&w.imap, true);
		hear("* OK ");
		say("a LOGIN alice@example.org secret\r\nb NOOP\r\n");
		hear_the_end();
		end();
		begin(&w.submission, true);
		ehlo();
		say("AUTH PLAIN " CREDENTIALS "\r\nMAIL FROM:<alice@example.org>\r\n");
		hear_the_end();
		end();
		assert_int_equal(w.behind.claims_refused, 2);
		grants_forget(w.grants, w.behind.front);
	}
	w.checker.forged = w.checker.wrong_connection = false;
	assert_int_equal(places_left(), 3);
}

/* A process takes only what is spoken there, and no number that is nothing. */
static void
spoken_elsewhere(void **state)
{
	static const uint32_t for_mail[] = { 0, SERVICE_MX, SERVICE_LMTP, SERVICE_DIRECTORY, SERVICE_HTTP,
		SERVICE_METRICS, 255 },
			      for_mx[] = { 0, SERVICE_SUBMISSION, SERVICE_IMAP, SERVICE_POP3, SERVICE_DIRECTORY,
				      SERVICE_HTTP, 255 };
	const struct conn_ops *ops;
	void *session;

	(void)state;
	begin(&w.imap, true);
	for (size_t i = 0; i < sizeof for_mx / sizeof for_mx[0]; i++) {
		const struct grant_in grant = { w.behind.front, 4711, w.checker.account, true, STORE_RIGHTS_ALL };
		const struct trunk_open mail = { .kind = for_mail[i] }, mx = { .kind = for_mx[i] };

		assert_ok(grants_put(w.grants, &grant, clock_ms(), &unit_error));
		assert_int_equal(
		    service_open(w.mail, w.behind.front, 4711, w.c, &mail, &ops, &session, NULL), ERR_DENIED);
		assert_int_equal(
		    service_open(w.mx_service, w.behind.front, 4711, w.c, &mx, &ops, &session, NULL), ERR_DENIED);
		/* And the grant is still whose it was. */
		assert_int_equal(grants_take(w.grants, w.behind.front, 4711, 0, clock_ms()), w.checker.account);
		grants_leave(w.grants, w.checker.account);
	}
	end();
}

/* A front that was taken over gets no session of another protocol out of what somebody signed in for. */
static void
signed_in_for_another(void **state)
{
	static const uint32_t others[] = { SERVICE_SUBMISSION, SERVICE_POP3 };
	const struct grant_in grant = { w.behind.front, 4711, w.checker.account, true, STORE_RIGHT_IMAP };
	const struct conn_ops *ops;
	void *session;

	(void)state;
	begin(&w.imap, true);
	assert_ok(grants_put(w.grants, &grant, clock_ms(), &unit_error));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		const struct trunk_open in = { .kind = others[i] };

		assert_int_equal(
		    service_open(w.mail, w.behind.front, 4711, w.c, &in, &ops, &session, NULL), ERR_DENIED);
	}
	assert_int_equal(grants_take(w.grants, w.behind.front, 4711, STORE_RIGHT_IMAP, clock_ms()), w.checker.account);
	grants_leave(w.grants, w.checker.account);
	end();
}

/* A session that cannot be made has no place of its account's. */
static void
a_failed_session_leaves(void **state)
{
	const struct trunk_open in = { .kind = SERVICE_SUBMISSION, .hello = { (const uint8_t *)w.line.data, 0 } };
	const struct grant_in grant = { w.behind.front, 4711, w.checker.account, true, STORE_RIGHTS_ALL };
	struct trunk_open long_hello = in;
	static uint8_t name[400];
	const struct conn_ops *ops;
	void *session;

	(void)state;
	memset(name, 'a', sizeof name);
	long_hello.hello = slice_of(name, sizeof name);
	begin(&w.imap, true);
	assert_ok(grants_put(w.grants, &grant, clock_ms(), &unit_error));
	assert_int_equal(service_open(w.mail, w.behind.front, 4711, w.c, &long_hello, &ops, &session, NULL), ERR_LIMIT);
	assert_int_equal(places_left(), 3);
	end();
}

/* Mail is not there: IMAP says so and one may try again; SMTP has said yes already and can only end. */
static void
nobody_to_hand_over_to(void **state)
{
	(void)state;
	w.behind.mail = NULL;
	begin(&w.imap, true);
	hear("* OK ");
	say("a LOGIN alice@example.org secret\r\n");
	hear("a NO [UNAVAILABLE] ");
	w.behind.mail = w.mail;
	say("b LOGIN alice@example.org secret\r\n");
	hear("b OK ");
	end();
	w.behind.mail = NULL;
	begin(&w.submission, true);
	ehlo();
	say("AUTH PLAIN " CREDENTIALS "\r\n");
	hear_the_end();
	end();
	w.behind.mail = w.mail;
	grants_forget(w.grants, w.behind.front);
	assert_int_equal(places_left(), 3);
}

static void
nobody_for_strangers(void **state)
{
	static const char sorry[] = "HTTP/1.1 503 Service Unavailable";

	(void)state;
	w.behind.mx = NULL;
	begin(&w.mx, false);
	say("EHLO client\r\n");
	hear("421 4.3.0 ");
	hear_the_end();
	end();
	w.behind.mx = w.mx_service;
	w.behind.mail = NULL;
	begin(&w.directory, true);
	say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(sorry);
	hear_at_last("Connection: close");
	hear("");
	hear_the_end();
	end();
	w.behind.mail = w.mail;
	assert_true(slice_starts(front_refusal(SERVICE_MX), SLICE("421 ")));
	assert_true(slice_starts(front_refusal(SERVICE_SUBMISSION), SLICE("421 ")));
	assert_true(slice_starts(front_refusal(SERVICE_IMAP), SLICE("* BYE [UNAVAILABLE] ")));
	assert_true(slice_starts(front_refusal(SERVICE_DIRECTORY), slice_str(sorry)));
	for (unsigned role = SERVICE_MX; role <= SERVICE_DIRECTORY; role++)
		assert_true(slice_ends(front_refusal((enum service_role)role), SLICE("\r\n")));
}

/* What was read behind AUTH, and what was still to be said before its answer, arrive in their order. */
static void
nothing_is_lost_or_out_of_order(void **state)
{
	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		begin(&w.submission, true);
		w.c->slow = slow;
		say("EHLO client.example.net\r\nNOOP\r\nMAIL FROM:<a@b>\r\nAUTH PLAIN " CREDENTIALS
		    "\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n");
		for (int i = 0; slow && i < 200; i++)
			if (!conn_turn_once(w.c))
				conn_sleep(w.c);
		w.c->slow = false;
		conn_wake(w.c);
		hear("220 ");
		hear_at_last("250 ");
		hear("250 ");
		hear("530 ");
		hear("235 ");
		hear("250 ");
		hear("250 ");
		hear("354 ");
		say("From: alice@example.org\r\n\r\nx\r\n.\r\nQUIT\r\n");
		hear("250 ");
		hear("221 ");
		hear_the_end();
		end();
		begin(&w.imap, true);
		w.c->slow = slow;
		say("a NOOP\r\nb CAPABILITY\r\nc LOGIN alice@example.org secret\r\nd SELECT INBOX\r\ne LOGOUT\r\n");
		for (int i = 0; slow && i < 200; i++)
			if (!conn_turn_once(w.c))
				conn_sleep(w.c);
		w.c->slow = false;
		conn_wake(w.c);
		hear("* OK ");
		hear("a OK ");
		hear("* CAPABILITY ");
		hear("b OK ");
		hear("c OK ");
		hear_at_last("d OK ");
		hear("* BYE ");
		hear("e OK ");
		hear_the_end();
		end();
	}
}

/* How it was said, and under which TLS, stands in the Received field that mail writes. */
static void
what_is_told(void **state)
{
	struct store_mailbox inbox;
	struct slice got;

	(void)state;
	begin(&w.submission, true);
	ehlo();
	say("AUTH PLAIN\r\n");
	hear("334 ");
	say(CREDENTIALS "\r\n");
	hear("235 ");
	say("MAIL FROM:<alice@example.org>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n");
	hear_at_last("354 ");
	say("From: alice@example.org\r\n\r\nx\r\n.\r\n");
	hear("250 ");
	end();
	inbox = box_mailbox(&w.box, w.checker.account, "INBOX");
	got = box_body(&w.box, box_list(&w.box, w.checker.account, inbox.mailbox).rows[inbox.messages - 1].body);
	assert_true(slice_search(got, SLICE("\r\nReceived: by mail.example.org with ESMTPSA id ")) != SIZE_MAX);
	assert_true(slice_search(got, SLICE("(TLSv1.3 TLS_AES_256_GCM_SHA384)")) != SIZE_MAX);
}

/* Who sends and does not read fills no more than a little, and is handed over all the same. */
static void
a_slow_reader_fills_little(void **state)
{
	static const struct {
		struct front_listener *listener;
		const char *greeting, *again, *sign_in;
	} kinds[] = {
		{ &w.imap, "* OK ", "x CAPABILITY\r\n", "a LOGIN alice@example.org secret\r\nb NOOP\r\n" },
		{ &w.submission, "220 ", "EHLO x\r\n", "AUTH PLAIN " CREDENTIALS "\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(kinds[i].listener, true);
		hear(kinds[i].greeting);
		w.c->slow = true;
		w.c->high = 0;
		for (int n = 0; n < 2000; n++)
			say(kinds[i].again);
		say(kinds[i].sign_in);
		for (int n = 0; n < 5000; n++)
			(void)conn_turn_once(w.c);
		assert_true(w.c->high < 16384);
		w.c->slow = false;
		conn_wake(w.c);
		hear_at_last(i == 0 ? "b OK " : "235 ");
		end();
	}
}

/* ---- TLS ---- */

/* All that was said before the handshake is forgotten, what was sent with STARTTLS is thrown away. */
static void
starttls_forgets(void **state)
{
	(void)state;
	begin(&w.submission, false);
	ehlo();
	say("AUTH PLAIN " CREDENTIALS "\r\n");
	hear("5");
	say("STARTTLS\r\nEHLO injected\r\nAUTH PLAIN " CREDENTIALS "\r\n");
	hear("220 ");
	say("AUTH PLAIN " CREDENTIALS "\r\n");
	hear("503 ");
	say("EHLO client.example.net\r\n");
	hear("250-");
	do
		assert_true(slice_search(buf_slice(&w.line), SLICE("STARTTLS")) == SIZE_MAX);
	while (conn_line(w.c, &w.line) && !slice_starts(buf_slice(&w.line), SLICE("250 ")));
	assert_int_equal(w.checker.asked, 0);
	say("STARTTLS\r\n");
	hear("5");
	say("AUTH PLAIN " CREDENTIALS "\r\n");
	hear("235 ");
	end();
	begin(&w.imap, false);
	hear("* OK [CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE STARTTLS LOGINDISABLED]");
	say("a STARTTLS\r\nb LOGIN alice@example.org secret\r\nc LOG");
	hear("a OK ");
	say("d CAPABILITY\r\n");
	hear("* CAPABILITY IMAP4rev1 LITERAL- SASL-IR ID ENABLE AUTH=SCRAM-SHA-256-PLUS");
	hear("d OK ");
	assert_int_equal(w.checker.asked, 1);
	say("e STARTTLS\r\n");
	hear("e BAD ");
	say("f LOGIN alice@example.org secret\r\n");
	hear("f OK ");
	end();
}

/* An exchange with rounds: each message goes over, and the end of it too when the client leaves in its middle. */
static void
rounds_go_over(void **state)
{
	(void)state;
	begin(&w.submission, true);
	say("EHLO x\r\nAUTH LOGIN\r\nYQ==\r\n");
	hear_at_last("334 VXNlcm5hbWU6");
	hear("334 YQ==");
	say("YmI=\r\n");
	hear("334 YmI=");
	assert_int_equal(w.checker.began, 1);
	assert_int_equal(w.checker.rounds, 1);
	say("*\r\nAUTH LOGIN YWE=\r\n");
	hear("501 ");
	hear("334 YWE=");
	assert_int_equal(w.checker.began, 2);
	assert_int_equal(w.checker.ended, 0);
	end();
	assert_int_equal(w.checker.ended, 1);
	begin(&w.imap, true);
	say("a AUTHENTICATE LOGIN\r\nYQ==\r\n");
	hear_at_last("+ VXNlcm5hbWU6");
	hear("+ YQ==");
	say("YmI=\r\n");
	hear("+ YmI=");
	say("*\r\nb LOGIN alice@example.org secret\r\n");
	hear("a BAD ");
	hear("b OK ");
	end();
	assert_int_equal(w.checker.ended, 2);
}

/* In the middle of an AUTH exchange there is no STARTTLS, and what is half said is gone after one. */
static void
half_said_before_tls(void **state)
{
	(void)state;
	begin(&w.imap, false);
	hear("* OK ");
	say("a STARTTLS\r\n");
	hear("a OK ");
	/* Octets that come while the handshake goes on are TLS's, or nothing. */
	say("b NOOP\r\n");
	hear("b OK ");
	end();
	begin(&w.submission, false);
	ehlo();
	w.c->slow_tls = true;
	say("STARTTLS\r\nNOOP\r\n");
	hear("220 ");
	say("EHLO injected\r\n");
	for (int i = 0; i < 20; i++) {
		conn_wake(w.c);
		(void)conn_turn_once(w.c);
	}
	assert_int_equal(w.c->out.len, 0);
	conn_shake(w.c);
	w.c->slow_tls = false;
	say("MAIL FROM:<alice@example.org>\r\n");
	hear("5");
	assert_int_equal(w.c->out.len, 0);
	end();
}

static void
tls_that_cannot_begin(void **state)
{
	static struct front_listener *const listeners[] = { &w.imap, &w.submission };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(listeners[i], false);
		hear(i == 0 ? "* OK " : "220 ");
		w.c->no_tls = true;
		say(i == 0 ? "a STARTTLS\r\nb NOOP\r\n" : "EHLO c\r\nSTARTTLS\r\nNOOP\r\n");
		hear_at_last(i == 0 ? "a OK " : "220 ");
		while (conn_line(w.c, &w.line))
			assert_true(slice_starts(buf_slice(&w.line), SLICE("* BYE ")));
		assert_true(w.c->closed_told);
		end();
	}
}

/* ---- the end of a service ---- */

struct late {
	struct port_service service;
	struct port_job *job;
	atomic_bool answered;
};

static void
run_keep(void *ctx, struct port_job *job)
{
	((struct late *)ctx)->job = job;
}

static void
run_recipient(void *ctx, struct port_job *job)
{
	static const uint64_t one = 1;

	(void)ctx;
	port_reply(job, &(struct ask_answer){ ASK_OK, &one, 1 });
}

static const struct port_handler late_handlers[] = {
	{ ASK_METHOD_keep, run_keep },
	{ ASK_METHOD_recipient, run_recipient },
};

static void *
answer_late(void *ctx)
{
	struct late *l = ctx;

	(void)usleep(100000);
	atomic_store(&l->answered, true);
	port_reply(l->job, &(struct ask_kept){ 1, 1 });
	return NULL;
}

/* A service is freed when the last answer for a session of it has come, also when its client has gone long ago. */
static void
freed_after_the_last_answer(void **state)
{
	struct late late = { .answered = false };
	const struct service_settings settings = { .hostname = SLICE("mail.example.org") };
	struct service *mx;
	struct port *port;
	pthread_t thread;

	(void)state;
	late.service = (struct port_service){
		.interface = &ask_interface, .handlers = late_handlers, .handler_count = 2, .ctx = &late
	};
	assert_ok(port_open_local(&late.service, &port, &unit_error));
	assert_ok(service_new(PROCESS_MX, &settings, &(struct service_ports){ .ask = port }, &mx, &unit_error));
	w.behind.mx = mx;
	begin(&w.mx, true);
	say("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n\r\nx\r\n.\r\n");
	hear_at_last("354 ");
	for (int i = 0; i < 1000 && late.job == NULL; i++)
		if (!conn_turn_once(w.c))
			conn_sleep(w.c);
	assert_non_null(late.job);
	end();
	assert_int_equal(pthread_create(&thread, NULL, answer_late, &late), 0);
	service_free(mx);
	assert_true(atomic_load(&late.answered));
	assert_int_equal(pthread_join(thread, NULL), 0);
	port_close(port);
	w.behind.mx = w.mx_service;
}

#define FRONT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = { FRONT_TEST(the_question), FRONT_TEST(refused), FRONT_TEST(longer_than_any),
		FRONT_TEST(gone_while_asked), FRONT_TEST(a_forged_claim_is_refused), FRONT_TEST(spoken_elsewhere),
		FRONT_TEST(signed_in_for_another), FRONT_TEST(a_failed_session_leaves),
		FRONT_TEST(nobody_to_hand_over_to), FRONT_TEST(nobody_for_strangers),
		FRONT_TEST(nothing_is_lost_or_out_of_order), FRONT_TEST(rounds_go_over), FRONT_TEST(what_is_told),
		FRONT_TEST(a_slow_reader_fills_little), FRONT_TEST(starttls_forgets), FRONT_TEST(half_said_before_tls),
		FRONT_TEST(tls_that_cannot_begin), FRONT_TEST(freed_after_the_last_answer) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
