/* SPDX-License-Identifier: ISC */
/* What the process behind strangers' HTTP may publish, asked as it asks: over a socket. */
#include "service/directory/guard.h"

#include "os/clock.h"
#include "service/grants.h"
#include "store/box.h"

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
	directory_guard_init(&w->guard, store_service(w->box.store), w->grants, open);
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

/* A certificate with Alice's address. *published_out: how many user IDs it has then. */
static int
put(struct world *w, struct port *port, uint64_t account, bool publish_free, uint32_t *published_out)
{
	static const uint8_t name[20] = { 5 };
	const struct store_certificate_find find = { .by = STORE_BY_NAME, .value = slice_of(name, 20), .held = true };
	const struct store_certificate_key key = { find.value, 5 };
	const struct store_certificate_user user = {
		.user_id = SLICE("alice@example.org"), .address = SLICE("alice@example.org"), .place = 1, .length = 2
	};
	struct store_certificate in = { .fingerprint = key.fingerprint,
		.version = 4,
		.account = account,
		.keys = &key,
		.key_count = 1,
		.users = &user,
		.user_count = 1,
		.data = SLICE("octets"),
		.publish_free = publish_free };
	struct store_certificate_kept kept = { 0 };
	struct store_certificates found;
	int rc;

	assert_ok(store_certificate_find(w->box.port, &find, &w->box.arena, &found, &unit_error));
	in.revision = found.certificate_count > 0 ? found.certificates[0].revision : 0;
	rc = store_certificate_put(port, &in, &w->box.arena, &kept, NULL);
	*published_out = kept.published;
	return rc;
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
	enum who before;       /* who put it already */
	enum grant alice, bob; /* who has signed in */
	bool open;
	enum who put; /* for whom it is put */
	bool publish_free;
	int want;
	uint32_t published;
} rows[] = {
	{ "nobody's, new", ABSENT, NONE, NONE, false, NOBODY, false, 0, 0 },
	{ "nobody's, again", NOBODY, NONE, NONE, false, NOBODY, false, 0, 0 },
	{ "hers, by nobody", ALICE, NONE, NONE, false, NOBODY, false, 0, 1 },
	{ "hers, not signed in now", ALICE, NONE, NONE, false, ALICE, false, ERR_DENIED, 0 },
	{ "hers, signed in", ALICE, RECENT, NONE, false, ALICE, false, 0, 1 },
	{ "granted, new", ABSENT, RECENT, NONE, false, ALICE, false, 0, 1 },
	{ "granted, was nobody's", NOBODY, RECENT, NONE, false, ALICE, false, 0, 1 },
	{ "not signed in, new", ABSENT, NONE, NONE, false, ALICE, false, ERR_DENIED, 0 },
	{ "not signed in, was nobody's", NOBODY, NONE, NONE, false, ALICE, false, ERR_DENIED, 0 },
	{ "signed in too long ago", ABSENT, EXPIRED, NONE, false, ALICE, false, ERR_DENIED, 0 },
	{ "signed in through another process", ABSENT, ELSEWHERE, NONE, false, ALICE, false, ERR_DENIED, 0 },
	{ "somebody else has signed in", ABSENT, NONE, RECENT, false, ALICE, false, ERR_DENIED, 0 },
	{ "another's address, signed in", ABSENT, NONE, RECENT, false, BOB, false, 0, 0 },
	{ "hers, by another", ALICE, NONE, RECENT, false, BOB, false, 0, 1 },
	{ "open: free", ABSENT, NONE, NONE, true, NOBODY, true, 0, 1 },
	{ "open: not asked for", ABSENT, NONE, NONE, true, NOBODY, false, 0, 0 },
	{ "not open: free", ABSENT, NONE, NONE, false, NOBODY, true, ERR_DENIED, 0 },
	{ "open, for her who has not signed in", ABSENT, NONE, NONE, true, ALICE, true, ERR_DENIED, 0 },
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
		uint32_t published;
		struct world w;
		int rc;

		world_open(&w, r->open);
		if (r->before != ABSENT)
			assert_ok(put(&w, w.box.port, account_of(&w, r->before), false, &published));
		grant(&w, r->alice, w.alice);
		grant(&w, r->bob, w.bob);
		rc = put(&w, w.web, account_of(&w, r->put), r->publish_free, &published);
		if (rc != r->want || published != r->published)
			fail_msg("%s: %d, %u published", r->name, rc, published);
		world_close(&w);
	}
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

UNIT_MAIN(UNIT_TEST(puts_by_row), UNIT_TEST(other_calls))
