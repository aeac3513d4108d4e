/* SPDX-License-Identifier: ISC */
/* What the process behind strangers' HTTP may publish, asked as it asks: over a socket. */
#include "service/directory/guard.h"

#include "os/clock.h"
#include "service/grants.h"
#include "store/box.h"

#define NAME 5 /* of the certificate that is put */

struct world {
	struct box box;
	struct grants *grants;
	struct directory_guard guard;
	struct port_server *server;
	struct port *web;
	uint64_t process, alice, bob;
};

static void
world_open(struct world *w, bool open)
{
	int fds[2];

	memset(w, 0, sizeof *w);
	box_new(&w->box);
	box_open(&w->box);
	w->alice = box_account(&w->box, "alice@example.org");
	w->bob = box_account(&w->box, "bob@example.org");
	w->process = process_number(PROCESS_WEB, 1);
	assert_ok(grants_new(10, &w->grants, &unit_error));
	directory_guard_init(&w->guard, store_service(w->box.store), w->box.port, w->grants, open);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(&w->guard.permitted.service, &w->server, &unit_error));
	assert_ok(port_server_add(w->server, fds[0], NULL, w->process, &unit_error));
	assert_ok(port_open_socket(&store_interface, fds[1], &w->web, &unit_error));
}

static void
world_close(struct world *w)
{
	port_close(w->web);
	port_server_free(w->server);
	box_free(&w->box);
	grants_free(w->grants);
}

/* Certificate number n, with m as the number of its subkey. */
static int
put(struct world *w, struct port *port, uint8_t n, uint8_t m, uint64_t account)
{
	uint8_t name[20], subkey[20];
	const struct store_certificate_key keys[2] = { { slice_of(name, 20), n }, { slice_of(subkey, 20), m } };
	const struct store_certificate in = { .fingerprint = keys[0].fingerprint,
		.version = 4,
		.account = account,
		.keys = keys,
		.key_count = 2,
		.data = SLICE("octets") };
	struct store_nothing none;

	memset(name, n, sizeof name);
	memset(subkey, m, sizeof subkey);
	return store_certificate_put(port, &in, &w->box.arena, &none, NULL);
}

/* Whose certificate number NAME is; -1: there is none. */
static int64_t
owner(struct world *w)
{
	uint8_t name[20];
	const struct store_certificate_find by_name = { .by = STORE_BY_NAME, .value = slice_of(name, 20) };
	struct store_certificates found;

	memset(name, NAME, sizeof name);
	assert_ok(store_certificate_find(w->box.port, &by_name, &w->box.arena, &found, &unit_error));
	return found.certificate_count == 0 ? -1 : (int64_t)found.certificates[0].account;
}

enum who {
	ABSENT,
	NOBODY,
	ALICE,
	BOB,
};

enum grant {
	NONE,
	RECENT,
	EXPIRED,
	ELSEWHERE, /* she signed in through another process */
};

static const struct row {
	const char *name;
	enum who before;       /* whose it is already */
	enum grant alice, bob; /* who has signed in */
	bool open;
	enum who put; /* for whom it is put */
	int want;
} rows[] = {
	{ "nobody's, new", ABSENT, NONE, NONE, false, NOBODY, 0 },
	{ "nobody's, again", NOBODY, NONE, NONE, false, NOBODY, 0 },
	{ "her own", ALICE, NONE, NONE, false, ALICE, 0 },
	{ "her own, signed in", ALICE, RECENT, NONE, false, ALICE, 0 },
	{ "granted, new", ABSENT, RECENT, NONE, false, ALICE, 0 },
	{ "granted, was nobody's", NOBODY, RECENT, NONE, false, ALICE, 0 },
	{ "not signed in, new", ABSENT, NONE, NONE, false, ALICE, ERR_DENIED },
	{ "not signed in, was nobody's", NOBODY, NONE, NONE, false, ALICE, ERR_DENIED },
	{ "signed in too long ago", ABSENT, EXPIRED, NONE, false, ALICE, ERR_DENIED },
	{ "signed in through another process", ABSENT, ELSEWHERE, NONE, false, ALICE, ERR_DENIED },
	{ "somebody else has signed in", ABSENT, NONE, RECENT, false, ALICE, ERR_DENIED },
	{ "another's", ALICE, NONE, NONE, false, BOB, ERR_DENIED },
	{ "another's, signed in", ALICE, NONE, RECENT, false, BOB, ERR_DENIED },
	{ "another's, both signed in", ALICE, RECENT, RECENT, false, BOB, ERR_DENIED },
	{ "taken away from her", ALICE, NONE, NONE, false, NOBODY, ERR_DENIED },
	{ "open: new", ABSENT, NONE, NONE, true, ALICE, 0 },
	{ "open: was nobody's", NOBODY, NONE, NONE, true, ALICE, 0 },
	{ "open: nobody's", ABSENT, NONE, NONE, true, NOBODY, 0 },
	{ "open: her own", ALICE, NONE, NONE, true, ALICE, 0 },
	{ "open: another's", ALICE, NONE, NONE, true, BOB, ERR_DENIED },
	{ "open: taken away from her", ALICE, NONE, NONE, true, NOBODY, ERR_DENIED },
};

static uint64_t
account_of(const struct world *w, enum who who)
{
	return who == ALICE ? w->alice : who == BOB ? w->bob : 0;
}

static void
grant(struct world *w, enum grant how, uint64_t account)
{
	const struct grant_in in = { .process = how == ELSEWHERE ? process_number(PROCESS_WEB, 2) : w->process,
		.connection = 1,
		.account = account };

	if (how != NONE)
		assert_ok(grants_put(w->grants, &in, clock_ms() - (how == EXPIRED ? GRANTS_MS : 0), &unit_error));
}

static void
puts_by_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct world w;
		int64_t before, after;
		int rc;

		world_open(&w, r->open);
		if (r->before != ABSENT)
			assert_ok(put(&w, w.box.port, NAME, NAME + 100, account_of(&w, r->before)));
		before = owner(&w);
		grant(&w, r->alice, w.alice);
		grant(&w, r->bob, w.bob);
		rc = put(&w, w.web, NAME, NAME + 100, account_of(&w, r->put));
		after = owner(&w);
		if (rc != r->want || after != (rc == 0 ? (int64_t)account_of(&w, r->put) : before))
			fail_msg("%s: %d, now of %lld", r->name, rc, (long long)after);
		world_close(&w);
	}
}

/* Certificates that have hers as a subkey, any number of them, make her nobody and themselves nothing. */
static void
a_name_is_not_a_subkey(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	for (uint8_t n = 1; n < 4; n++)
		assert_ok(put(&w, w.web, n, NAME, 0));
	assert_int_equal(put(&w, w.web, NAME, 100, w.alice), ERR_DENIED);
	assert_ok(put(&w, w.box.port, NAME, 100, w.alice));
	assert_ok(put(&w, w.web, NAME, 100, w.alice));
	assert_int_equal(put(&w, w.web, NAME, 100, 0), ERR_DENIED);
	/* Her name as the subkey of another certificate gives that one to nobody. */
	assert_int_equal(put(&w, w.web, 7, NAME, w.alice), ERR_DENIED);
	assert_int_equal(owner(&w), (int64_t)w.alice);
	world_close(&w);
}

/* The rest that web may ask goes through; nothing else does. */
static void
other_calls(void **state)
{
	const struct store_certificate_find all = { .by = STORE_BY_ALL };
	const struct store_address_find find = { .address = SLICE("alice@example.org") };
	struct store_certificates found;
	struct store_address_found address;
	struct store_account account;
	struct store_account_id id;
	struct store_nothing none = { 0 };
	struct store_domains domains;
	struct store_certificate_count count;
	uint8_t name[20] = { 0 };
	struct world w;

	(void)state;
	world_open(&w, true);
	assert_ok(store_address_find(w.web, &find, &w.box.arena, &address, &unit_error));
	assert_int_equal(address.account, w.alice);
	assert_ok(store_domain_list(w.web, &none, &w.box.arena, &domains, &unit_error));
	assert_int_equal(domains.domain_count, 1);
	assert_ok(store_certificate_find(w.web, &all, &w.box.arena, &found, &unit_error));
	assert_ok(store_certificate_count(w.web, &none, &w.box.arena, &count, &unit_error));
	assert_int_equal(count.accounts, 2);
	assert_int_equal(count.certificates, found.certificate_count);
	assert_int_equal(store_certificate_remove(
			     w.web, &(struct store_certificate_name){ slice_of(name, 20) }, &w.box.arena, &none, NULL),
	    ERR_DENIED);
	assert_int_equal(
	    store_account_remove(w.web, &(struct store_account_id){ w.alice }, &w.box.arena, &none, NULL), ERR_DENIED);
	assert_int_equal(store_account_get(w.web, &(struct store_account_get){ .address = find.address }, &w.box.arena,
			     &account, NULL),
	    ERR_DENIED);
	assert_int_equal(
	    store_account_create(
		w.web, &(struct store_account_create){ .address = SLICE("c@example.org") }, &w.box.arena, &id, NULL),
	    ERR_DENIED);
	world_close(&w);
}

/* A store that cannot say whose it is: the answer is its error, and nothing is put. */
static void
nobody_can_say(void **state)
{
	struct port *gone;
	struct world w;

	(void)state;
	world_open(&w, false);
	assert_ok(port_open_waiting(&store_interface, &gone, &unit_error));
	w.guard.store = gone;
	assert_int_equal(put(&w, w.web, NAME, 100, w.alice), ERR_CLOSED);
	assert_int_equal(put(&w, w.web, NAME, 100, 0), ERR_CLOSED);
	assert_int_equal(owner(&w), -1);
	port_close(gone);
	world_close(&w);
}

UNIT_MAIN(UNIT_TEST(puts_by_row), UNIT_TEST(a_name_is_not_a_subkey), UNIT_TEST(other_calls), UNIT_TEST(nobody_can_say))
