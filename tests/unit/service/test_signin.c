/* SPDX-License-Identifier: ISC */
/* Signing in with a password: what is answered, asked of mail, counted and slowed. */
#include "signin_world.h"

/* ---- what is answered ---- */

static const struct row {
	const char *name, *address, *password;
	int want;
	unsigned verifiers, grants; /* what mail is asked */
} rows[] = {
	{ "right", "alice@example.org", "secret", 0, 1, 1 },
	{ "right, in capitals", "ALICE@Example.ORG", "secret", 0, 1, 1 },
	{ "wrong", "alice@example.org", "Secret", ERR_PASSWORD, 1, 0 },
	{ "wrong: longer", "alice@example.org", "secret1", ERR_PASSWORD, 1, 0 },
	{ "wrong: none", "alice@example.org", "", ERR_PASSWORD, 1, 0 },
	{ "no such account", "nobody@example.org", "secret", ERR_PASSWORD, 1, 0 },
	{ "no address", "", "secret", ERR_PASSWORD, 1, 0 },
	{ "an account without a password", "empty@example.org", "secret", ERR_PASSWORD, 1, 0 },
	{ "an account without a password, nor one said", "empty@example.org", "", ERR_PASSWORD, 1, 0 },
	{ "a verifier that is none", "broken@example.org", "letmein", ERR_INTEGRITY, 1, 0 },
	{ "too many connections", "full@example.org", "secret", ERR_LIMIT, 1, 1 },
	{ "too many connections, wrong", "full@example.org", "wrong", ERR_PASSWORD, 1, 0 },
	{ "mail is in trouble", "trouble@example.org", "secret", ERR_IO, 1, 0 },
	{ "an app password", "apps@example.org", APP_IMAP, 0, 1, 1 },
	{ "an app password for another protocol", "apps@example.org", APP_SMTP, ERR_PASSWORD, 1, 0 },
	{ "an app password that has expired", "apps@example.org", APP_OLD, ERR_PASSWORD, 1, 0 },
	{ "an app password that is revoked meanwhile", "apps@example.org", APP_GONE, ERR_PASSWORD, 1, 1 },
	{ "another's app password", "alice@example.org", APP_IMAP, ERR_PASSWORD, 1, 0 },
	{ "the password itself, beside app passwords", "apps@example.org", "secret", 0, 1, 1 },
	{ "what looks like an app password and is none", "apps@example.org", APP_NONE, ERR_PASSWORD, 1, 0 },
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct world *w = world_new(1);
		struct ask_authenticate q = question(r->address, r->password, "192.0.2.1");
		struct ask_handover yes;
		struct error e = { 0 };
		int rc;

		rc = sign_in(w->front, &q, &yes, &e);
		if (rc != r->want || atomic_load(&w->mail.verifiers) != r->verifiers ||
		    atomic_load(&w->mail.grants) != r->grants)
			fail_msg("%s: %d %s; %u verifiers, %u grants", r->name, rc, e.text,
			    atomic_load(&w->mail.verifiers), atomic_load(&w->mail.grants));
		if (rc == ERR_PASSWORD)
			assert_string_equal(e.text, "wrong address or password");
		if (rc == 0)
			assert_int_equal(yes.connection, 77);
		world_free(w);
	}
}

/* Mail hears of process, connection and account before the asker does; front hears of no account, web does. */
static void
who_hears_what(void **state)
{
	struct world *w = world_new(1);
	const struct ask_authenticate q = question("alice@example.org", "secret", "192.0.2.1");
	struct ask_handover yes;

	(void)state;
	assert_ok(sign_in(w->front, &q, &yes, &unit_error));
	assert_int_equal(yes.account, 0);
	assert_int_equal(w->mail.last.process, process_number(PROCESS_FRONT, 3));
	assert_int_equal(w->mail.last.connection, 77);
	assert_int_equal(w->mail.last.account, ALICE);
	assert_ok(sign_in(w->web, &q, &yes, &unit_error));
	assert_int_equal(yes.account, ALICE);
	assert_int_equal(w->mail.last.process, process_number(PROCESS_WEB, 4));
	assert_int_equal(w->mail.last.account, ALICE);
	world_free(w);
}

/* The best of some tries, in milliseconds of the processor: each from a place of its own. */
static double
cost_of(struct world *w, const char *address, unsigned *place)
{
	double best = 1e9;

	for (unsigned i = 0; i < 5; i++) {
		char peer[32];
		struct ask_authenticate q;
		struct ask_handover yes;
		struct timespec from, to;
		double ms;

		(void)snprintf(peer, sizeof peer, "198.51.%u.1", (*place)++);
		q = question(address, "wrong", peer);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		assert_int_equal(sign_in(w->front, &q, &yes, NULL), ERR_PASSWORD);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	return best;
}

/* An account that is not there, or has no password, costs what any other does. */
static void
all_cost_the_same(void **state)
{
	struct world *w = world_new(1);
	unsigned place = 0;
	double known = cost_of(w, "alice@example.org", &place), unknown = cost_of(w, "nobody@example.org", &place),
	       empty = cost_of(w, "empty@example.org", &place);

	(void)state;
	if (unknown < known * 0.6 || unknown > known * 1.7 || empty < known * 0.6 || empty > known * 1.7)
		fail_msg("known %.1f ms, unknown %.1f ms, without password %.1f ms", known, unknown, empty);
	world_free(w);
}

/* ---- mail goes away ---- */

static void
mail_gone(void **state)
{
	struct world *w = world_new(1);
	const struct ask_authenticate q = question("alice@example.org", "secret", "192.0.2.1");
	struct ask_handover yes;

	(void)state;
	port_server_free(w->mail_server);
	w->mail_server = NULL;
	for (unsigned i = 0; i < 20; i++) /* not counted as failures: nobody is slowed for it */
		assert_int_equal(sign_in(w->front, &q, &yes, NULL), ERR_CLOSED);
	world_free(w);
}

/* ---- many at once ---- */

struct tally {
	atomic_uint right, wrong, limit, closed, other;
};

static void
tell(void *ctx, const void *reply, const struct error *e)
{
	struct tally *t = ctx;

	if (reply != NULL)
		(void)atomic_fetch_add(&t->right, 1);
	else if (e->code == ERR_PASSWORD)
		(void)atomic_fetch_add(&t->wrong, 1);
	else if (e->code == ERR_LIMIT)
		(void)atomic_fetch_add(&t->limit, 1);
	else if (e->code == ERR_CLOSED)
		(void)atomic_fetch_add(&t->closed, 1);
	else
		(void)atomic_fetch_add(&t->other, 1);
}

static unsigned
told(struct tally *t)
{
	return atomic_load(&t->right) + atomic_load(&t->wrong) + atomic_load(&t->limit) + atomic_load(&t->closed) +
	    atomic_load(&t->other);
}

static void
wait_for(struct tally *t, unsigned count)
{
	for (unsigned i = 0; told(t) < count; i++) {
		assert_true(i < 60000);
		(void)usleep(1000);
	}
}

#define FLOOD (SERVICE_AUTH_WAITING + 100u)

/*
 * The queue of checks is bounded: what comes when it is full is told so at once, and what is in it is answered. Who
 * signed in from there before waits in another queue.
 */
static void
queue_full(void **state)
{
	struct world *w = world_new(2);
	struct ask_authenticate owner = question("busy@example.org", "secret", "192.0.2.7");
	struct tally t = { 0 }, known = { 0 };
	struct ask_handover yes;

	(void)state;
	assert_ok(sign_in(w->front, &owner, &yes, &unit_error));
	atomic_store(&w->mail.hold, true);
	assert_ok(ask_authenticate_submit(w->front, &owner, tell, &known, &unit_error)); /* let go last */
	for (unsigned i = 0; i < FLOOD; i++) {
		char peer[32];
		struct ask_authenticate q;

		(void)snprintf(peer, sizeof peer, "198.51.%u.%u", i / 50, i % 50);
		q = question("busy@example.org", "secret", peer);
		assert_ok(ask_authenticate_submit(w->front, &q, tell, &t, &unit_error));
	}
	for (unsigned i = 0; atomic_load(&w->mail.verifiers) < FLOOD + 2; i++) {
		assert_true(i < 60000);
		(void)usleep(1000);
	}
	let_go(&w->mail);
	wait_for(&t, FLOOD);
	wait_for(&known, 1);
	assert_int_equal(atomic_load(&known.right), 1);
	assert_true(atomic_load(&t.limit) > 0);
	assert_true(atomic_load(&t.right) >= SERVICE_AUTH_WAITING);
	assert_int_equal(atomic_load(&t.right) + atomic_load(&t.limit), FLOOD);
	assert_int_equal(atomic_load(&w->mail.grants), atomic_load(&t.right) + 2);
	world_free(w);
}

/* One address has no more than its places; others are not hurt. */
static void
one_address_has_its_places(void **state)
{
	struct world *w = world_new(2);
	struct ask_authenticate q = question("alice@example.org", "wrong", "2001:db8::1");
	struct tally t = { 0 }, other = { 0 };

	(void)state;
	atomic_store(&w->mail.hold, true);
	for (unsigned i = 0; i < THROTTLE_ADDRESS_CHECKS + 5; i++)
		assert_ok(ask_authenticate_submit(w->front, &q, tell, &t, &unit_error));
	/* The same /64, and texts that are no address: those are one place of their own. */
	q.peer = SLICE("2001:db8::ffff:2");
	assert_ok(ask_authenticate_submit(w->front, &q, tell, &t, &unit_error));
	wait_for(&t, 6);
	assert_int_equal(atomic_load(&t.limit), 6);
	q.peer = SLICE("2001:db8:1::1");
	assert_ok(ask_authenticate_submit(w->front, &q, tell, &other, &unit_error));
	q.peer = SLICE("not an address");
	assert_ok(ask_authenticate_submit(w->front, &q, tell, &other, &unit_error));
	q.peer = SLICE_EMPTY;
	assert_ok(ask_authenticate_submit(w->front, &q, tell, &other, &unit_error));
	for (unsigned i = 0; atomic_load(&w->mail.verifiers) < THROTTLE_ADDRESS_CHECKS + 3; i++) {
		assert_true(i < 60000);
		(void)usleep(1000);
	}
	let_go(&w->mail);
	wait_for(&other, 3);
	assert_int_equal(atomic_load(&other.wrong), 3);
	wait_for(&t, THROTTLE_ADDRESS_CHECKS + 6);
	assert_int_equal(atomic_load(&t.wrong), THROTTLE_ADDRESS_CHECKS);
	world_free(w);
}

/* After a stranger's wrong password strangers wait a while; who is known does not, and pauses nobody. */
static void
strangers_are_paced(void **state)
{
	struct world *w = world_new(1);
	struct ask_authenticate owner = question("busy@example.org", "secret", "192.0.2.7"),
				stranger = question("busy@example.org", "wrong", "198.51.100.1");
	struct ask_handover yes;
	struct tally t = { 0 };

	(void)state;
	atomic_store(&check_ns, 40000000);
	assert_ok(sign_in(w->front, &owner, &yes, &unit_error));
	owner.password = SLICE("wrong");
	assert_int_equal(sign_in(w->front, &owner, &yes, NULL), ERR_PASSWORD);
	assert_int_equal(sign_in(w->front, &stranger, &yes, NULL), ERR_PASSWORD);
	assert_ok(ask_authenticate_submit(w->front, &stranger, tell, &t, &unit_error));
	assert_int_equal(sign_in(w->front, &owner, &yes, NULL), ERR_PASSWORD);
	owner.password = SLICE("secret");
	assert_ok(sign_in(w->front, &owner, &yes, &unit_error));
	assert_int_equal(told(&t), 0);
	atomic_store(&check_ns, 0);
	world_free(w);
	assert_int_equal(told(&t), 1);
}

/* ---- slowing ---- */

/* Through a port in this process: when it returns, the question is held back, or mail was asked. */
static void
ask_of(struct port *here, const char *password, const char *peer, struct tally *t)
{
	const struct ask_authenticate q = question("alice@example.org", password, peer);

	assert_ok(ask_authenticate_submit(here, &q, tell, t, &unit_error));
}

/* Answered while the clock stands: it was not held back. */
static void
is_answered(struct port *here, const char *password, const char *peer, bool right)
{
	struct tally t = { 0 };

	ask_of(here, password, peer, &t);
	wait_for(&t, 1);
	assert_int_equal(atomic_load(&t.right), right);
	assert_int_equal(atomic_load(&t.wrong), !right);
}

/* Somebody else's: what was asked of mail before comes before it, and when it ends, the held ones are looked at. */
static void
another_ends(struct world *w)
{
	static unsigned number;
	char address[64], peer[32];
	struct ask_authenticate q;
	struct ask_handover yes;

	(void)snprintf(address, sizeof address, "nobody%u@example.org", ++number);
	(void)snprintf(peer, sizeof peer, "198.18.%u.1", number);
	q = question(address, "wrong", peer);
	assert_int_equal(sign_in(w->front, &q, &yes, NULL), ERR_PASSWORD);
}

/* It is held back for that time (and not for that less some ms, in which counts decay), and then it is answered. */
static void
is_held(struct world *w, struct port *here, const char *password, const char *peer, bool right, int64_t delay)
{
	unsigned verifiers = atomic_load(&w->mail.verifiers);
	struct tally t = { 0 };

	ask_of(here, password, peer, &t);
	another_ends(w);
	(void)atomic_fetch_add(&now_ms, delay - 10);
	another_ends(w);
	another_ends(w);
	assert_int_equal(told(&t), 0);
	assert_int_equal(atomic_load(&w->mail.verifiers), verifiers + 3);
	(void)atomic_fetch_add(&now_ms, 10);
	another_ends(w);
	wait_for(&t, 1);
	assert_int_equal(atomic_load(&t.right), right);
	assert_int_equal(atomic_load(&t.wrong), !right);
}

/*
 * Who fails is held back; the owner is not, from where she has signed in before, nor from a new place; and who is
 * right is forgiven.
 */
static void
failures_are_slowed(void **state)
{
	struct world *w = world_new(1);
	struct port *here;

	(void)state;
	assert_ok(port_open_local(signin_service(w->signin), &here, &unit_error));
	is_answered(here, "secret", "192.0.2.7", true);
	for (unsigned i = 0; i < 3; i++)
		is_answered(here, "wrong", "198.51.100.1", false);
	is_held(w, here, "wrong", "198.51.100.1", false, THROTTLE_FIRST_MS);
	is_answered(here, "secret", "192.0.2.7", true);
	is_answered(here, "secret", "203.0.113.5", true);
	is_held(w, here, "secret", "198.51.100.1", true, 2 * THROTTLE_FIRST_MS);
	is_answered(here, "secret", "198.51.100.1", true);
	port_close(here);
	world_free(w);
}

struct chain {
	struct port *port;
	struct ask_authenticate q;
	atomic_uint left;
	struct tally done;
};

static void
ask_next(void *ctx, const void *reply, const struct error *e)
{
	struct chain *c = ctx;

	assert_true(reply == NULL && e->code == ERR_PASSWORD);
	if (atomic_fetch_sub(&c->left, 1) > 1)
		(void)ask_authenticate_submit(c->port, &c->q, ask_next, c, NULL);
	else
		(void)ask_authenticate_submit(c->port, &c->q, tell, &c->done, NULL);
}

/* Who asks again while the answer is still being given meets what this one has left: the fourth is held back. */
static void
counted_before_answered(void **state)
{
	struct world *w = world_new(1);
	struct chain c = { .q = question("alice@example.org", "wrong", "198.51.100.1"), .left = 3 };

	(void)state;
	assert_ok(port_open_local(signin_service(w->signin), &c.port, &unit_error));
	assert_ok(ask_authenticate_submit(c.port, &c.q, ask_next, &c, &unit_error));
	for (unsigned i = 0; atomic_load(&c.left) > 0; i++) {
		assert_true(i < 60000);
		(void)usleep(1000);
	}
	another_ends(w);
	another_ends(w);
	assert_int_equal(told(&c.done), 0);
	assert_int_equal(atomic_load(&w->mail.verifiers), 5);
	(void)atomic_fetch_add(&now_ms, THROTTLE_FIRST_MS);
	another_ends(w);
	wait_for(&c.done, 1);
	assert_int_equal(atomic_load(&c.done.wrong), 1);
	port_close(c.port);
	world_free(w);
}

/* ---- the end ---- */

/* Checks that are held back, that wait for mail, or that are being computed: all are answered, and no time need pass. */
static void
freed_with_held_checks(void **state)
{
	struct world *w = world_new(1);
	struct tally t = { 0 };
	struct port *here;

	(void)state;
	assert_ok(port_open_local(signin_service(w->signin), &here, &unit_error));
	for (unsigned i = 0; i < 3; i++)
		is_answered(here, "wrong", "198.51.100.1", false);
	for (unsigned i = 0; i < 2; i++)
		ask_of(here, "wrong", "198.51.100.1", &t);
	for (unsigned i = 0; i < 2; i++)
		ask_of(here, "wrong", "203.0.113.1", &t);
	port_close(here);
	world_free(w);
	assert_int_equal(told(&t), 4);
	assert_true(atomic_load(&t.closed) >= 2);
	assert_int_equal(atomic_load(&t.right), 0);
	assert_int_equal(atomic_load(&t.other), 0);
	signin_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(answers), UNIT_TEST(who_hears_what), UNIT_TEST(all_cost_the_same),
		UNIT_TEST(mail_gone), UNIT_TEST(queue_full), UNIT_TEST(one_address_has_its_places),
		UNIT_TEST(strangers_are_paced), UNIT_TEST(failures_are_slowed), UNIT_TEST(counted_before_answered),
		UNIT_TEST(freed_with_held_checks) };
	int rc;

	if (!world_verifiers())
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	world_verifiers_done();
	return rc;
}
