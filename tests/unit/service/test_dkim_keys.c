/* SPDX-License-Identifier: ISC */
/* What the process that has the keys signs, and what it does not; names of files; what counts as a key's record. */
#include "service/keys/keys.h"

#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/arc/seal.h"
#include "mailauth/dkim/sign.h"
#include "os/clock.h"
#include "unit.h"

static const struct {
	const char *name, *domain, *selector;
	enum keys_dkim_state state;
} names[] = {
	{ "dkim-example.org_2026-rsa.pem", "example.org", "2026-rsa", KEYS_DKIM_SIGNS },
	{ "dkim-a-b.example.org_s.t.waiting", "a-b.example.org", "s.t", KEYS_DKIM_WAITS },
	{ "dkim-example.org_s.retired", "example.org", "s", KEYS_DKIM_RETIRED },
	{ "dkim-example.org.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-example.org_.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-_s.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-example_s.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-example.org_s_t.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-example.org_s.pem.tmp", NULL, NULL, KEYS_DKIM_NONE },
	{ "dkim-example.org_../x.pem", NULL, NULL, KEYS_DKIM_NONE },
	{ "ca-example.org.pgp", NULL, NULL, KEYS_DKIM_NONE },
	{ "", NULL, NULL, KEYS_DKIM_NONE },
};

static void
files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice domain = SLICE_EMPTY, selector = SLICE_EMPTY;
		BUF_OWNED struct buf again = { 0 };

		if (keys_dkim_file(slice_str(names[i].name), &domain, &selector) != names[i].state)
			fail_msg("%s", names[i].name);
		assert_int_equal(keys_file_is(slice_str(names[i].name)),
		    names[i].state == KEYS_DKIM_SIGNS || slice_starts(slice_str(names[i].name), SLICE("ca-")));
		if (names[i].state == KEYS_DKIM_NONE)
			continue;
		assert_slice(domain, names[i].domain);
		assert_slice(selector, names[i].selector);
		buf_init(&again, KEYS_DKIM_NAME_MAX);
		assert_ok(keys_dkim_file_name(domain, selector, names[i].state, &again));
		assert_slice(buf_slice(&again), names[i].name);
	}
}

static struct secret
new_secret(enum pem_public_kind kind)
{
	struct pem_secret *k;
	struct secret text;

	assert_ok(pem_secret_generate(kind, 2048, &k, &unit_error));
	assert_ok(pem_secret_write(k, &text, &unit_error));
	pem_secret_free(k);
	return text;
}

static int
ask(struct port *port, const char *domain, const char *selector, uint64_t now, enum dkim_algorithm algorithm)
{
	const struct dkim_sign s = {
		.algorithm = algorithm, .domain = slice_str(domain), .selector = slice_str(selector), .now = now
	};
	BUF_OWNED struct buf octets = { 0 };
	uint8_t hash[DKIM_BODY_HASH_SIZE] = { 1 };
	struct keys_dkim_item item;
	struct keys_dkim_sign request = { .items = &item, .item_count = 1 };
	struct keys_dkim_signed reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, 1 << 20);
	buf_init(&octets, 1 << 16);
	assert_ok(dkim_sign_octets(&s, SLICE("From: a@example.org\r\n\r\n"), hash, &octets, &unit_error));
	item.octets = buf_slice(&octets);
	assert_int_equal(keys_ask_arc_sign(port, &request, &a, &reply, &unit_error), ERR_SYNTAX);
	rc = keys_ask_dkim_sign(port, &request, &a, &reply, &unit_error);
	if (rc == 0)
		assert_int_equal(reply.items[0].octets.len, algorithm == DKIM_RSA_SHA256 ? 256 : 64);
	return rc;
}

/* Both signatures of a set, which each way of asking gives for its own kind only. */
static int
ask_seal(struct port *port, const char *domain, uint64_t now)
{
	const struct arc_verdict none = { .may_be_sealed = true };
	const struct auth_results results = { .server = SLICE("mx.example.org") };
	const struct arc_seal_params params = { .algorithm = DKIM_RSA_SHA256,
		.domain = slice_str(domain),
		.selector = SLICE("r"),
		.now = now,
		.chain = &none,
		.results = &results };
	uint8_t hash[DKIM_BODY_HASH_SIZE] = { 1 };
	struct arc_seal *seal;
	struct keys_dkim_item item;
	const struct keys_dkim_sign request = { .items = &item, .item_count = 1 };
	ARENA_OWNED struct arena a = { 0 };
	int rc = 0;

	arena_init(&a, 1 << 20);
	assert_ok(arc_seal_new(&params, SLICE("From: a@example.net\r\n\r\n"), hash, &seal, &unit_error));
	while (rc == 0 && arc_seal_octets(seal).len > 0) {
		struct keys_dkim_signed reply;

		item.octets = arc_seal_octets(seal);
		assert_int_equal(keys_ask_dkim_sign(port, &request, &a, &reply, &unit_error), ERR_SYNTAX);
		rc = keys_ask_arc_sign(port, &request, &a, &reply, &unit_error);
		if (rc == 0)
			assert_ok(arc_seal_signature(seal, reply.items[0].octets, &unit_error));
	}
	assert_true(rc != 0 || arc_seal_fields(seal).len > 500);
	arc_seal_free(seal);
	return rc;
}

static void
what_is_signed(void **state)
{
	struct secret rsa = new_secret(PEM_PUBLIC_RSA), ed25519 = new_secret(PEM_PUBLIC_ED25519);
	struct keys_dkim_item digest = { SLICE("0123456789abcdef0123456789abcdef") };
	const struct keys_dkim_sign bare = { .items = &digest, .item_count = 1 };
	struct keys_dkim_signed reply;
	struct keys_list list;
	ARENA_OWNED struct arena a = { 0 };
	uint64_t now = clock_unix();
	struct port *port;
	struct keys *k;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_ok(keys_new(&k, &unit_error));
	assert_ok(port_open_local(keys_service(k), &port, &unit_error));
	keys_begin(k);
	assert_ok(keys_take(k, SLICE("dkim-example.org_r.pem"), secret_slice(&rsa), &unit_error));
	assert_ok(keys_take(k, SLICE("dkim-example.org_e.pem"), secret_slice(&ed25519), &unit_error));
	assert_int_equal(keys_take(k, SLICE("dkim-example.org_x.pem"), SLICE("nothing"), &unit_error), ERR_SYNTAX);
	assert_int_equal(
	    keys_take(k, SLICE("dkim-example.org_w.waiting"), secret_slice(&rsa), &unit_error), ERR_SYNTAX);
	keys_end(k);
	assert_int_equal(keys_count(k), 2);
	assert_ok(keys_ask_list(port, &(struct keys_nothing){ 0 }, &a, &list, &unit_error));
	assert_int_equal(list.key_count, 2);
	assert_int_equal(list.keys[0].purpose, KEYS_DKIM);
	assert_slice(list.keys[0].name, "example.org");
	assert_int_equal(list.keys[0].signature_size, 256);

	assert_int_equal(ask(port, "example.org", "r", now, DKIM_RSA_SHA256), 0);
	assert_int_equal(ask(port, "Example.ORG", "e", now, DKIM_ED25519_SHA256), 0);
	assert_int_equal(ask(port, "example.org", "r", now, DKIM_ED25519_SHA256), ERR_DENIED);
	assert_int_equal(ask(port, "example.org", "x", now, DKIM_RSA_SHA256), ERR_NOT_FOUND);
	assert_int_equal(ask(port, "sub.example.org", "r", now, DKIM_RSA_SHA256), ERR_NOT_FOUND);
	assert_int_equal(ask(port, "example.net", "r", now, DKIM_RSA_SHA256), ERR_NOT_FOUND);
	assert_int_equal(ask(port, "example.org", "r", now + 86400, DKIM_RSA_SHA256), ERR_DENIED);
	assert_int_equal(ask(port, "example.org", "r", now - 86400, DKIM_RSA_SHA256), ERR_DENIED);
	assert_int_equal(keys_ask_dkim_sign(port, &bare, &a, &reply, &unit_error), ERR_SYNTAX);

	assert_int_equal(ask_seal(port, "example.org", now), 0);
	assert_int_equal(ask_seal(port, "example.net", now), ERR_NOT_FOUND);
	assert_int_equal(ask_seal(port, "example.org", now - 86400), ERR_DENIED);
	assert_int_equal(keys_ask_arc_sign(port, &bare, &a, &reply, &unit_error), ERR_SYNTAX);
	port_close(port);
	keys_free(k);
	secret_done(&rsa);
	secret_done(&ed25519);
}

/* ---- over its link ---- */

/* Deterministic, and of no meaning; some begin as a frame does: a length, then a method. */
static void
fill_nonsense(uint8_t *out, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		out[i] = (uint8_t)(seed >> 24);
	}
	if (seed % 2 == 0)
		memset(out, 0, 3);
}

/* Who says nonsense is dropped; nobody gets a signature for it; and those beside him are answered. */
static void
nonsense_over_its_link(void **state)
{
	struct secret ed25519 = new_secret(PEM_PUBLIC_ED25519);
	struct port_server *server;
	struct port *port;
	struct keys *k;
	int fds[2];

	(void)state;
	assert_ok(keys_new(&k, &unit_error));
	keys_begin(k);
	assert_ok(keys_take(k, SLICE("dkim-example.org_e.pem"), secret_slice(&ed25519), &unit_error));
	keys_end(k);
	assert_ok(port_server_new(keys_service(k), &server, &unit_error));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_add(server, fds[0], NULL, 1, &unit_error));
	assert_ok(port_open_socket(&keys_interface, fds[1], &port, &unit_error));
	for (uint32_t seed = 0; seed < 200; seed++) {
		uint8_t text[300], back[300];
		ssize_t got;

		fill_nonsense(text, sizeof text, seed);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_ok(port_server_add(server, fds[0], NULL, 2 + seed, &unit_error));
		(void)send(fds[1], text, sizeof text, MSG_NOSIGNAL);
		(void)shutdown(fds[1], SHUT_WR);
		got = recv(fds[1], back, sizeof back, MSG_WAITALL);
		assert_true(got <= 0 || (got > 5 && (back[4] & 0x80) != 0)); /* closed, or an error (os/port.h) */
		(void)close(fds[1]);
		assert_int_equal(ask(port, "example.org", "e", clock_unix(), DKIM_ED25519_SHA256), 0);
	}
	port_close(port);
	port_server_free(server);
	keys_free(k);
	secret_done(&ed25519);
}

static void
records(void **state)
{
	struct secret rsa = new_secret(PEM_PUBLIC_RSA), other = new_secret(PEM_PUBLIC_RSA);
	BUF_OWNED struct buf ours = { 0 }, theirs = { 0 }, more = { 0 };
	struct keys_dkim k;

	(void)state;
	buf_init(&ours, KEYS_DKIM_RECORD_MAX);
	buf_init(&theirs, KEYS_DKIM_RECORD_MAX);
	buf_init(&more, KEYS_DKIM_RECORD_MAX);
	assert_ok(keys_dkim_open(SLICE("dkim-example.org_r.pem"), secret_slice(&rsa), &k, &unit_error));
	assert_ok(keys_dkim_record(&k, &ours, &unit_error));
	keys_dkim_close(&k);
	assert_ok(keys_dkim_open(SLICE("dkim-example.org_r.pem"), secret_slice(&other), &k, &unit_error));
	assert_ok(keys_dkim_record(&k, &theirs, &unit_error));
	keys_dkim_close(&k);
	assert_true(keys_dkim_record_is(buf_slice(&ours), buf_slice(&ours)));
	assert_false(keys_dkim_record_is(buf_slice(&ours), buf_slice(&theirs)));
	assert_false(keys_dkim_record_is(buf_slice(&ours), SLICE("v=DKIM1; p=")));
	assert_false(keys_dkim_record_is(buf_slice(&ours), SLICE("v=spf1 -all")));
	(void)buf_putf(&more, "%.*s; t=y; n=more", (int)ours.len, (const char *)ours.data);
	assert_true(keys_dkim_record_is(buf_slice(&ours), buf_slice(&more)));
	(void)buf_put_str(&more, "; h=sha1");
	assert_false(keys_dkim_record_is(buf_slice(&ours), buf_slice(&more)));
	secret_done(&rsa);
	secret_done(&other);
}

UNIT_MAIN(UNIT_TEST(files), UNIT_TEST(what_is_signed), UNIT_TEST(nonsense_over_its_link), UNIT_TEST(records))
