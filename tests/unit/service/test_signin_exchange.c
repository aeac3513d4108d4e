/* SPDX-License-Identifier: ISC */
/* Signing in by an exchange of SASL: both sides are ours here, tests/e2e/test_signin.py has others' clients. */
#include "sasl/client.h"
#include "service/signin/token.h"
#include "signin_world.h"

/* ---- a client ---- */

struct client {
	struct world *w;
	struct sasl_client sasl;
	struct sasl_credentials credentials;
	uint64_t connection;
	const char *peer;
	uint32_t protocol;
	struct sasl_channel channel;
	struct buf line, message;
};

static void
client_begin(struct client *c, struct world *w, const char *offered, const char *address, const char *password)
{
	struct sasl_client_config config = { .offered = slice_str(offered), .credentials = &c->credentials };

	*c = (struct client){ .w = w, .connection = 77, .peer = "192.0.2.1", .protocol = STORE_RIGHT_IMAP };
	c->credentials.identity = slice_str(address);
	c->credentials.password = slice_str(password);
	c->credentials.token = slice_str(password);
	c->channel = (struct sasl_channel){ .tls = true, .exporter = SLICE("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee") };
	/* One that could bind and saw no -PLUS says so, and is refused. */
	config.channel.tls = true;
	if (strstr(offered, "PLUS") != NULL || strstr(offered, "X-BINDS") != NULL)
		config.channel = c->channel;
	buf_init(&c->line, SASL_TEXT_MAX);
	buf_init(&c->message, SASL_MESSAGE_MAX);
	assert_ok(sasl_client_init(&c->sasl, &config, &unit_error));
}

static void
client_end(struct client *c)
{
	sasl_client_done(&c->sasl);
	buf_wipe_done(&c->line);
	buf_wipe_done(&c->message);
}

/* The client's answer to the challenge in c->message (decoded), decoded, into c->message. */
static int
respond(struct client *c, struct error *e)
{
	struct buf challenge;
	int rc;

	buf_init(&challenge, SASL_TEXT_MAX);
	(void)base64_write(&challenge, buf_slice(&c->message));
	buf_clear(&c->line);
	buf_clear(&c->message);
	rc = sasl_client_respond(&c->sasl, buf_slice(&challenge), &c->line, e);
	buf_done(&challenge);
	if (rc == 0 && !slice_eq_str(buf_slice(&c->line), "="))
		rc = base64_parse(buf_slice(&c->line), &c->message, e);
	return rc;
}

/* One message; with 1 the challenge is in c->message, 0: yes, negative: no. */
static int
ask_round(struct client *c, bool begin, struct error *e)
{
	const struct ask_exchange q = { .connection = c->connection,
		.begin = begin,
		.mechanism = c->sasl.mechanism,
		.protocol = c->protocol,
		.tls = c->channel.tls,
		.exporter = c->channel.exporter,
		.end_point = c->channel.end_point,
		.peer = slice_str(c->peer),
		.message = buf_slice(&c->message) };
	struct ask_round r = { 0 };
	struct arena a;
	int rc;

	arena_init(&a, 65536);
	rc = ask_exchange(c->w->front, &q, &a, &r, e);
	if (rc == 0 && r.more) {
		buf_clear(&c->message);
		(void)buf_put_slice(&c->message, r.challenge);
		rc = 1;
	}
	arena_done(&a);
	return rc;
}

/* To its end, as a client does: 0 or the server's error; what the client thinks of it fails the test when that is not so. */
static int
run(struct client *c, struct error *e)
{
	bool begin = true;
	int rc = respond(c, e);

	assert_int_equal(rc, 0);
	while ((rc = ask_round(c, begin, e)) == 1) {
		begin = false;
		if (respond(c, e) != 0)
			buf_clear(&c->message); /* a token's error: what is said then does not matter */
	}
	return rc;
}

static int
sign_in_by(struct world *w, const char *mechanism, const char *address, const char *password, struct error *e)
{
	struct client c;
	int rc;

	client_begin(&c, w, mechanism, address, password);
	rc = run(&c, e);
	if (rc == 0)
		assert_ok(sasl_client_finish(&c.sasl, &unit_error));
	client_end(&c);
	return rc;
}

/* ---- what is answered ---- */

static void
mechanisms(void **state)
{
	static const struct row {
		const char *name, *mechanism, *address, *password;
		int want;
		uint64_t credential;
	} rows[] = {
		{ "PLAIN", "PLAIN", "alice@example.org", "secret", 0, 0 },
		{ "PLAIN, wrong", "PLAIN", "alice@example.org", "Secret", ERR_PASSWORD, 0 },
		{ "PLAIN, nobody", "PLAIN", "nobody@example.org", "secret", ERR_PASSWORD, 0 },
		{ "PLAIN, app password", "PLAIN", "apps@example.org", APP_IMAP, 0, CREDENTIAL_IMAP },
		{ "LOGIN", "LOGIN", "alice@example.org", "secret", 0, 0 },
		{ "LOGIN, wrong", "LOGIN", "alice@example.org", "Secret", ERR_PASSWORD, 0 },
		{ "SCRAM", "SCRAM-SHA-256", "apps@example.org", APP_IMAP, 0, CREDENTIAL_IMAP },
		{ "SCRAM-PLUS", "SCRAM-SHA-256-PLUS", "apps@example.org", APP_IMAP, 0, CREDENTIAL_IMAP },
		{ "SCRAM, in capitals", "SCRAM-SHA-256", "APPS@example.org", APP_IMAP, 0, CREDENTIAL_IMAP },
		{ "SCRAM for another protocol", "SCRAM-SHA-256", "apps@example.org", APP_SMTP, ERR_PASSWORD, 0 },
		{ "SCRAM, expired", "SCRAM-SHA-256", "apps@example.org", APP_OLD, ERR_PASSWORD, 0 },
		{ "SCRAM, revoked meanwhile", "SCRAM-SHA-256", "apps@example.org", APP_GONE, ERR_PASSWORD,
		    CREDENTIAL_GONE },
		{ "SCRAM, nobody's", "SCRAM-SHA-256", "apps@example.org", APP_NONE, ERR_PASSWORD, 0 },
		{ "SCRAM with the password itself", "SCRAM-SHA-256", "apps@example.org", "secret", ERR_PASSWORD, 0 },
		{ "SCRAM where there is none", "SCRAM-SHA-256-PLUS", "alice@example.org", "secret", ERR_PASSWORD, 0 },
		{ "SCRAM for no account", "SCRAM-SHA-256-PLUS", "nobody@example.org", "secret", ERR_PASSWORD, 0 },
		{ "a broken verifier", "PLAIN", "broken@example.org", "letmein", ERR_INTEGRITY, 0 },
		{ "mail is in trouble", "SCRAM-SHA-256", "trouble@example.org", APP_IMAP, ERR_IO, 0 },
		{ "no tokens are taken", "OAUTHBEARER", "alice@example.org", "a.b.c", ERR_PASSWORD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct world *w = world_new(1);
		struct error e = { 0 };
		int rc = sign_in_by(w, r->mechanism, r->address, r->password, &e);

		if (rc != r->want || w->mail.last.credential != r->credential)
			fail_msg("%s: %d %s; credential %llu", r->name, rc, e.text,
			    (unsigned long long)w->mail.last.credential);
		if (rc == ERR_PASSWORD)
			assert_string_equal(e.text, "wrong address or password");
		if (rc == 0) {
			assert_int_equal(w->mail.last.connection, 77);
			assert_int_equal(w->mail.last.protocol, STORE_RIGHT_IMAP);
		}
		world_free(w);
	}
}

/* ---- channel binding ---- */

/* What the client bound its proof to is not what this connection has: somebody is between. */
static void
pitfall_scram_in_the_middle(void **state)
{
	static const struct row {
		const char *name, *mechanism;
		struct sasl_channel seen; /* by the server */
		int want;
	} rows[] = {
		{ "another exporter", "SCRAM-SHA-256-PLUS",
		    { .tls = true, .exporter = { (const uint8_t *)"ffffffffffffffffffffffffffffffff", 32 } },
		    ERR_PASSWORD },
		{ "no such binding", "SCRAM-SHA-256-PLUS",
		    { .tls = true, .end_point = { (const uint8_t *)"ffffffffffffffffffffffffffffffff", 32 } },
		    ERR_PASSWORD },
		{ "-PLUS was taken out of the list", "SCRAM-SHA-256 X-BINDS",
		    { .tls = true, .exporter = { (const uint8_t *)"ffffffffffffffffffffffffffffffff", 32 } },
		    ERR_PASSWORD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world *w = world_new(1);
		struct error e = { 0 };
		struct client c;
		int rc;

		client_begin(&c, w, rows[i].mechanism, "apps@example.org", APP_IMAP);
		c.channel = rows[i].seen;
		rc = run(&c, &e);
		if (rc != rows[i].want || atomic_load(&w->mail.grants) != 0)
			fail_msg("%s: %d %s", rows[i].name, rc, e.text);
		client_end(&c);
		world_free(w);
	}
}

/* ---- between two messages ---- */

/* To the server's first message. */
static void
half(struct client *c, struct world *w, uint64_t connection, const char *peer)
{
	struct error e;

	client_begin(c, w, "SCRAM-SHA-256-PLUS", "apps@example.org", APP_IMAP);
	c->connection = connection;
	c->peer = peer;
	assert_int_equal(respond(c, &e), 0);
	assert_int_equal(ask_round(c, true, &e), 1);
	assert_int_equal(respond(c, &e), 0);
}

static int
rest(struct client *c, struct error *e)
{
	int rc;

	while ((rc = ask_round(c, false, e)) == 1)
		assert_int_equal(respond(c, e), 0);
	client_end(c);
	return rc;
}

/* Two at once do not touch each other; one that has ended, or was begun anew, does not go on. */
static void
each_connection_has_its_own(void **state)
{
	struct world *w = world_new(1);
	struct arena a;
	struct store_nothing none;
	struct client one, two, again;
	struct error e;

	(void)state;
	arena_init(&a, 65536);
	half(&one, w, 1, "192.0.2.1");
	half(&two, w, 2, "192.0.2.1");
	assert_int_equal(rest(&two, &e), 0);
	assert_int_equal(w->mail.last.connection, 2);
	assert_int_equal(rest(&one, &e), 0);
	assert_int_equal(w->mail.last.connection, 1);
	half(&one, w, 1, "192.0.2.1");
	half(&again, w, 1, "192.0.2.1");
	assert_int_equal(rest(&one, &e), ERR_PASSWORD); /* the other's nonce */
	assert_int_equal(rest(&again, &e), ERR_ORDER);
	half(&one, w, 1, "192.0.2.1");
	assert_ok(ask_exchange_end(w->front, &(struct ask_connection){ .connection = 1 }, &a, &none, &unit_error));
	assert_int_equal(rest(&one, &e), ERR_ORDER);
	arena_done(&a);
	world_free(w);
}

/* A front that ends takes its exchanges along; who waits too long is forgotten when the next one begins. */
static void
forgotten(void **state)
{
	struct world *w = world_new(1);
	struct client one, two;
	struct error e;

	(void)state;
	half(&one, w, 1, "192.0.2.1");
	(void)atomic_fetch_add(&now_ms, SERVICE_EXCHANGE_MS + 1);
	half(&two, w, 2, "192.0.2.1");
	assert_int_equal(rest(&one, &e), ERR_ORDER);
	port_close(w->front);
	w->front = connect_to(w->server, process_number(PROCESS_FRONT, 4));
	assert_int_equal(rest(&two, &e), ERR_ORDER);
	world_free(w);
}

/* One address has no more than its places; who begins and says nothing more keeps nobody else behind it out. */
static void
pitfall_9_places(void **state)
{
	static struct client all[SERVICE_EXCHANGES_ADDRESS_MAX];
	struct world *w = world_new(1);
	struct client more;
	struct error e;

	(void)state;
	for (unsigned i = 0; i < SERVICE_EXCHANGES_ADDRESS_MAX; i++) {
		half(&all[i], w, i + 1, "192.0.2.1");
		(void)atomic_fetch_add(&now_ms, 1);
	}
	half(&more, w, 1001, "198.51.100.1");
	assert_int_equal(rest(&more, &e), 0);
	client_begin(&more, w, "PLAIN", "alice@example.org", "secret");
	more.connection = 1000;
	assert_int_equal(run(&more, &e), 0);
	client_end(&more);
	half(&more, w, 1002, "192.0.2.1");
	assert_int_equal(rest(&more, &e), 0);
	/* The one that had waited longest gave its place to PLAIN; that was free again for the last. */
	assert_int_equal(rest(&all[0], &e), ERR_ORDER);
	for (unsigned i = 1; i < THROTTLE_ADDRESS_CHECKS / 2; i++)
		assert_int_equal(rest(&all[i], &e), 0);
	for (unsigned i = THROTTLE_ADDRESS_CHECKS / 2; i < SERVICE_EXCHANGES_ADDRESS_MAX; i++)
		client_end(&all[i]);
	world_free(w);
}

/* Who has proved what he knows and then says nothing more takes no place of those that are being checked. */
static void
pitfall_9_proved_and_silent(void **state)
{
	static struct client all[THROTTLE_ADDRESS_CHECKS];
	struct world *w = world_new(1);
	struct error e;

	(void)state;
	for (unsigned i = 0; i < THROTTLE_ADDRESS_CHECKS; i++) {
		half(&all[i], w, i + 1, "192.0.2.1");
		assert_int_equal(ask_round(&all[i], false, &e), 1);
	}
	assert_int_equal(sign_in_by(w, "PLAIN", "alice@example.org", "secret", &e), 0);
	assert_int_equal(sign_in_by(w, "PLAIN", "apps@example.org", "secret", &e), 0);
	for (unsigned i = 0; i < THROTTLE_ADDRESS_CHECKS; i++)
		client_end(&all[i]);
	world_free(w);
}

/* What is too long to be an address of ours is wrong, and mail is not asked. */
static void
longer_than_any(void **state)
{
	static char address[SERVICE_IDENTITY_MAX + 20];
	struct world *w = world_new(1);
	struct error e;

	(void)state;
	(void)snprintf(address, sizeof address, "%0*d@example.org", (int)SERVICE_IDENTITY_MAX, 0);
	assert_int_equal(sign_in_by(w, "PLAIN", address, "secret", &e), ERR_PASSWORD);
	assert_int_equal(sign_in_by(w, "SCRAM-SHA-256", address, "secret", &e), ERR_PASSWORD);
	assert_int_equal(atomic_load(&w->mail.verifiers), 0);
	world_free(w);
}

/* ---- counted like passwords ---- */

struct later {
	atomic_int done; /* 0: not answered; else its code, or 1 for an answer */
};

static void
tell_later(void *ctx, const void *reply, const struct error *e)
{
	atomic_store(&((struct later *)ctx)->done, reply != NULL ? 1 : e->code);
}

/* Wrong proofs are counted, for SCRAM as for PLAIN; the fourth waits before it is looked at. */
static void
proofs_are_slowed(void **state)
{
	static const char *const mechanisms_of[] = { "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = world_new(1);
		struct ask_exchange q = { .connection = 9,
			.tls = true,
			.peer = SLICE("192.0.2.1"),
			.exporter = SLICE("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"),
			.protocol = STORE_RIGHT_IMAP };
		struct later later = { 0 };
		struct client c;
		struct error e;

		for (unsigned tries = 0; tries < 3; tries++)
			assert_int_equal(
			    sign_in_by(w, mechanisms_of[i], "apps@example.org", APP_NONE, &e), ERR_PASSWORD);
		client_begin(&c, w, mechanisms_of[i], "apps@example.org", APP_NONE);
		c.connection = 9;
		assert_int_equal(respond(&c, &e), 0);
		q.begin = true;
		if (i == 0) {
			assert_int_equal(ask_round(&c, true, &e), 1);
			assert_int_equal(respond(&c, &e), 0);
			q.begin = false;
		}
		q.mechanism = c.sasl.mechanism;
		q.message = buf_slice(&c.message);
		assert_ok(ask_exchange_submit(w->front, &q, tell_later, &later, &unit_error));
		/* It is held back; the clock stands. Another's question is answered meanwhile. */
		assert_int_equal(sign_in_by(w, "SCRAM-SHA-256", "busy@example.org", "x", &e), ERR_PASSWORD);
		assert_int_equal(atomic_load(&later.done), 0);
		(void)atomic_fetch_add(&now_ms, THROTTLE_FIRST_MS + 10);
		for (unsigned n = 0; atomic_load(&later.done) == 0; n++) {
			assert_true(n < 20000);
			if (n % 100 == 0) { /* who ends wakes whoever looks at the held ones */
				struct client other;

				client_begin(&other, w, "SCRAM-SHA-256", "busy@example.org", "x");
				other.peer = "203.0.113.9";
				(void)run(&other, &e);
				client_end(&other);
			}
			(void)usleep(1000);
		}
		assert_true(atomic_load(&later.done) == ERR_PASSWORD || (i == 2 && atomic_load(&later.done) == 1));
		client_end(&c);
		world_free(w);
	}
}

/* What is held back is in the list of those that are worked on too: neither list is to know the other. */
static void
pitfall_9_held_beside_passwords(void **state)
{
	static const char plain[] = "\0apps@example.org\0wrong";
	struct world *w = world_new(1);
	const struct ask_exchange q = { .connection = 9,
		.tls = true,
		.peer = SLICE("192.0.2.1"),
		.protocol = STORE_RIGHT_IMAP,
		.mechanism = SASL_PLAIN,
		.begin = true,
		.message = slice_of(plain, sizeof plain - 1) };
	const struct ask_authenticate p = question("apps@example.org", "wrong", "192.0.2.1");
	struct later held[2] = { 0 };
	struct store_nothing none;
	struct arena a;
	struct error e;

	(void)state;
	for (unsigned tries = 0; tries < 3; tries++)
		assert_int_equal(sign_in_by(w, "PLAIN", "apps@example.org", "wrong", &e), ERR_PASSWORD);
	assert_ok(ask_exchange_submit(w->front, &q, tell_later, &held[0], &unit_error));
	assert_ok(ask_authenticate_submit(w->front, &p, tell_later, &held[1], &unit_error));
	/* What is answered behind them shows that they are held. */
	arena_init(&a, 65536);
	assert_ok(ask_exchange_end(w->front, &(struct ask_connection){ .connection = 1 }, &a, &none, &unit_error));
	arena_done(&a);
	for (unsigned n = 0; atomic_load(&held[0].done) == 0 || atomic_load(&held[1].done) == 0; n++) {
		struct client other;

		assert_true(n < 2000);
		(void)atomic_fetch_add(&now_ms, THROTTLE_FIRST_MS);
		client_begin(&other, w, "PLAIN", "alice@example.org", "secret");
		other.peer = "203.0.113.9";
		assert_int_equal(run(&other, &e), 0);
		client_end(&other);
	}
	assert_int_equal(sign_in_by(w, "PLAIN", "alice@example.org", "secret", &e), 0);
	world_free(w);
}

/* ---- cost, and what it says ---- */

static void
first_for(struct world *w, const char *address, const char *authorize, enum store_right protocol, struct buf *out)
{
	struct client c;
	struct error e;

	client_begin(&c, w, "SCRAM-SHA-256", address, "x");
	c.protocol = protocol;
	(void)buf_putf(&c.message, "n,%s%s,n=%s,r=abcdefgh",
	    authorize == NULL ? "" : "a=", authorize == NULL ? "" : authorize, address);
	assert_int_equal(ask_round(&c, true, &e), 1);
	/* r=nonce,s=salt,i=count: without the nonce */
	(void)buf_put_slice(out, slice_from(buf_slice(&c.message), slice_search(buf_slice(&c.message), SLICE(",s="))));
	client_end(&c);
}

static void
first_of(struct world *w, const char *address, struct buf *out)
{
	first_for(w, address, NULL, STORE_RIGHT_IMAP, out);
}

/* Salts of accounts that are not there stay the same, also after a start; nothing else tells them from others. */
static void
pitfall_9_unknown_accounts_look_like_others(void **state)
{
	static const char *const addresses[] = { "nobody@example.org", "NOBODY@example.org", "alice@example.org",
		"empty@example.org", "apps@example.org" };
	struct buf first[2][5];

	(void)state;
	for (int start = 0; start < 2; start++) {
		struct world *w = world_new(1);

		for (size_t i = 0; i < 5; i++) {
			buf_init(&first[start][i], 1024);
			first_of(w, addresses[i], &first[start][i]);
		}
		assert_int_equal(atomic_load(&w->mail.salt_keys), 1);
		world_free(w);
	}
	for (size_t i = 0; i < 5; i++) {
		assert_true(slice_eq(buf_slice(&first[0][i]), buf_slice(&first[1][i])));
		assert_int_equal(first[0][i].len, first[0][0].len);
	}
	assert_true(slice_eq(buf_slice(&first[0][0]), buf_slice(&first[0][1])));
	assert_false(slice_eq(buf_slice(&first[0][0]), buf_slice(&first[0][2])));
	for (int start = 0; start < 2; start++)
		for (size_t i = 0; i < 5; i++)
			buf_done(&first[start][i]);
}

static struct later *
ask_salt(struct world *w, uint64_t connection, const char *address, struct later *l)
{
	struct ask_exchange q = { .connection = connection,
		.tls = true,
		.peer = SLICE("192.0.2.1"),
		.protocol = STORE_RIGHT_IMAP,
		.mechanism = SASL_SCRAM_SHA_256,
		.begin = true };
	char message[128];

	(void)snprintf(message, sizeof message, "n,,n=%s,r=abcdefgh", address);
	q.message = slice_str(message);
	assert_ok(ask_exchange_submit(w->front, &q, tell_later, l, &unit_error));
	return l;
}

/* A salt is said so long after the question, whether there is an account, has credentials or not: not before, not by one. */
static void
pitfall_9_a_salt_takes_the_same_time(void **state)
{
	static const char *const addresses[] = { "apps@example.org", "alice@example.org", "nobody@example.org" };
	struct world *w = world_new_with(&(struct signin_options){ .threads = 1, .lookup_ms = 5 });
	struct later salts[3] = { 0 }, last = { 0 };
	struct error e;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		(void)ask_salt(w, i + 1, addresses[i], &salts[i]);
	for (unsigned ms = 0; ms < 5; ms++) {
		assert_int_equal(sign_in_by(w, "PLAIN", "alice@example.org", "secret", &e), 0);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(atomic_load(&salts[i].done), 0);
		(void)atomic_fetch_add(&now_ms, 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		while (atomic_load(&salts[i].done) == 0)
			assert_int_equal(sign_in_by(w, "PLAIN", "alice@example.org", "secret", &e), 0);
		assert_int_equal(atomic_load(&salts[i].done), 1);
	}
	/* One that waits when the process stops is answered. */
	(void)ask_salt(w, 9, addresses[0], &last);
	assert_int_equal(sign_in_by(w, "PLAIN", "alice@example.org", "secret", &e), 0);
	assert_int_equal(atomic_load(&last.done), 0);
	world_free(w);
	assert_true(atomic_load(&last.done) < 0);
}

/* However and wherever an address is written, its salt is one: of unreal accounts, so of real ones too. */
static void
pitfall_9_a_salt_is_the_same_everywhere(void **state)
{
	static const struct row {
		const char *name, *address, *authorize;
		enum store_right protocol;
		const char *like; /* the same salt as */
	} rows[] = {
		{ "nobody, an A-label", "nobody@xn--bcher-kva.example", NULL, STORE_RIGHT_IMAP,
		    "nobody@b\303\274cher.example" },
		{ "nobody, a large U-label", "NOBODY@B\303\234CHER.example", NULL, STORE_RIGHT_IMAP,
		    "nobody@b\303\274cher.example" },
		{ "nobody, put together otherwise", "jose\314\201@example.org", NULL, STORE_RIGHT_IMAP,
		    "jos\303\251@example.org" },
		{ "nobody, over another protocol", "nobody@example.org", NULL, STORE_RIGHT_POP3, "nobody@example.org" },
		{ "nobody, as another", "nobody@example.org", "bob@example.org", STORE_RIGHT_IMAP,
		    "nobody@example.org" },
		{ "none for POP3", "some@example.org", NULL, STORE_RIGHT_POP3, "some@example.org" },
		{ "as another", "apps@example.org", "bob@example.org", STORE_RIGHT_IMAP, "apps@example.org" },
	};
	struct world *w = world_new(1);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf here, there;

		buf_init(&here, 1024);
		buf_init(&there, 1024);
		first_for(w, rows[i].address, rows[i].authorize, rows[i].protocol, &here);
		first_for(w, rows[i].like, NULL, STORE_RIGHT_IMAP, &there);
		if (!slice_eq(buf_slice(&here), buf_slice(&there)))
			fail_msg("%s: %.*s, not %.*s", rows[i].name, (int)here.len, (const char *)here.data,
			    (int)there.len, (const char *)there.data);
		buf_done(&here);
		buf_done(&there);
	}
	world_free(w);
}

/* ---- tokens ---- */

static int
pretended_check(const void *ctx, struct slice token, uint64_t now, struct buf *address_out, struct error *e)
{
	(void)ctx;
	(void)now;
	if (slice_starts(token, SLICE("trouble")))
		return error_set(e, ERR_IO, "who knows tokens is away");
	if (!slice_starts(token, SLICE("of.")))
		return error_set(e, ERR_PASSWORD, "a token of nobody");
	return buf_put_slice(address_out, slice_from(token, 3));
}

static void
pretended_free(void *ctx)
{
	(void)ctx;
}

static void
tokens(void **state)
{
	static const struct row {
		const char *name, *mechanism, *address, *token;
		int want;
	} rows[] = {
		{ "hers", "OAUTHBEARER", "alice@example.org", "of.alice@example.org", 0 },
		{ "hers, by its other name", "XOAUTH2", "alice@example.org", "of.alice@example.org", 0 },
		{ "another's", "OAUTHBEARER", "apps@example.org", "of.alice@example.org", ERR_PASSWORD },
		{ "another's", "XOAUTH2", "apps@example.org", "of.alice@example.org", ERR_PASSWORD },
		{ "of nobody here", "OAUTHBEARER", "nobody@example.org", "of.nobody@example.org", ERR_PASSWORD },
		{ "worth nothing", "OAUTHBEARER", "alice@example.org", "alice@example.org", ERR_PASSWORD },
		{ "worth nothing", "XOAUTH2", "alice@example.org", "alice@example.org", ERR_PASSWORD },
		{ "cannot be said", "XOAUTH2", "alice@example.org", "trouble", ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world *w = world_new(1);
		struct token_validator *v = mem_alloc(sizeof *v);
		struct error e = { 0 };
		int rc;

		assert_non_null(v);
		v->check = pretended_check;
		v->free = pretended_free;
		signin_set_tokens(w->signin, v);
		rc = sign_in_by(w, rows[i].mechanism, rows[i].address, rows[i].token, &e);
		if (rc != rows[i].want || (rc == 0 && w->mail.last.account != ALICE))
			fail_msg("%s, %s: %d %s", rows[i].name, rows[i].mechanism, rc, e.text);
		world_free(w);
	}
}

/* The client is told why, as RFC 7628 section 3.2.2 has it, and for what it should ask. */
static void
why_a_token_is_refused(void **state)
{
	struct world *w = world_new(1);
	struct token_validator *v = mem_alloc(sizeof *v);
	struct client c;
	struct error e;

	(void)state;
	assert_non_null(v);
	v->check = pretended_check;
	v->free = pretended_free;
	memcpy(v->scope, "mail", 5);
	memcpy(v->discovery, "https://id.example/.well-known/openid-configuration", 52);
	signin_set_tokens(w->signin, v);
	client_begin(&c, w, "OAUTHBEARER", "alice@example.org", "nothing");
	assert_int_equal(respond(&c, &e), 0);
	assert_int_equal(ask_round(&c, true, &e), 1);
	assert_true(slice_search(buf_slice(&c.message), SLICE("invalid_token")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&c.message), SLICE("\"mail\"")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&c.message), SLICE("id.example")) != SIZE_MAX);
	buf_clear(&c.message);
	(void)buf_put_u8(&c.message, 1);
	assert_int_equal(ask_round(&c, false, &e), ERR_PASSWORD);
	client_end(&c);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(mechanisms), UNIT_TEST(pitfall_scram_in_the_middle),
		UNIT_TEST(each_connection_has_its_own), UNIT_TEST(forgotten), UNIT_TEST(pitfall_9_places),
		UNIT_TEST(pitfall_9_proved_and_silent), UNIT_TEST(longer_than_any), UNIT_TEST(proofs_are_slowed),
		UNIT_TEST(pitfall_9_held_beside_passwords), UNIT_TEST(pitfall_9_unknown_accounts_look_like_others),
		UNIT_TEST(pitfall_9_a_salt_is_the_same_everywhere), UNIT_TEST(pitfall_9_a_salt_takes_the_same_time),
		UNIT_TEST(tokens), UNIT_TEST(why_a_token_is_refused) };
	int rc;

	if (!world_verifiers())
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	world_verifiers_done();
	return rc;
}
