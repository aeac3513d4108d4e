/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "openpgp/cert/generate.h"
#include "os/file.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/packet.h"
#include "trust/limits.h"
#include "trust/store.h"
#include "trust/why.h"

#define MADE 1700000000u
#define NOW 1700001000u

static char folder[64];

static int
remove_one(void *ctx, const char *name)
{
	char path[FILE_PATH_MAX];

	(void)ctx;
	(void)path_join(path, folder, name, NULL);
	return unlink(path);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/letterlock-trust-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)dir_each(folder, remove_one, NULL, NULL);
	return rmdir(folder);
}

static struct pgp_cert *
make_cert(const char *user_id, uint8_t version)
{
	struct slice id = slice_str(user_id);
	struct pgp_generate_spec spec = {
		.version = version, .user_ids = &id, .user_id_count = 1, .created = MADE, .protection = PGP_PROTECT_NONE
	};
	struct pgp_cert *c = NULL;
	struct buf b;
	size_t used;

	buf_init(&b, 1 << 20);
	assert_ok(pgp_generate(&spec, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &c, &used, &unit_error));
	buf_done(&b);
	return c;
}

static void
put(struct trust_store *s, const struct pgp_cert *c, enum trust_origin origin, uint64_t now)
{
	struct trust_put p = {
		.cert = c, .origin = origin, .from = SLICE("somewhere"), .policy = pgp_policy_default(now)
	};

	assert_ok(trust_store_put(s, &p, NULL, &unit_error));
}

static void
a_certificate_is_kept_and_found(void **state)
{
	struct pgp_cert *alice = make_cert("Alice <Alice@Example.org>", 4), *back;
	const struct trust_entry *found[4], *entry;
	struct trust_store *s, *again;

	(void)state;
	assert_ok(trust_store_open(folder, &s, &unit_error));
	put(s, alice, TRUST_DIRECTORY, NOW);
	assert_ok(trust_store_open(folder, &again, &unit_error));
	assert_int_equal(trust_store_count(again), 1);
	assert_int_equal(trust_store_find_address(again, SLICE("ALICE@example.ORG"), found, 4), 1);
	/* Other people's: a dotless i, a fullwidth letter. */
	assert_int_equal(trust_store_find_address(again, SLICE("al\u0131ce@example.org"), found, 4), 0);
	assert_int_equal(trust_store_find_address(again, SLICE("al\uff49ce@example.org"), found, 4), 0);
	assert_int_equal(trust_store_find_address(again, SLICE("bob@example.org"), found, 4), 0);
	assert_slice(found[0]->addresses[0], "alice@example.org");
	assert_int_equal(found[0]->added, NOW);
	assert_int_equal(trust_store_find_key(again, &pgp_cert_key(alice, 1)->fingerprint, 0, found, 4), 1);
	assert_int_equal(trust_store_find_key(again, NULL, pgp_cert_key(alice, 1)->key_id, found, 4), 1);
	assert_int_equal(trust_store_find_key(again, NULL, 1, found, 4), 0);
	entry = trust_store_find(again, &alice->primary->fingerprint);
	assert_non_null(entry);
	assert_ok(trust_store_load(again, &entry->fingerprint, &back, &unit_error));
	assert_false(back->secret);
	pgp_cert_free(back);
	assert_ok(trust_store_remove(again, &alice->primary->fingerprint, &unit_error));
	assert_int_equal(trust_store_load(again, &alice->primary->fingerprint, &back, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(trust_store_remove(s, &alice->primary->fingerprint, &unit_error), ERR_NOT_FOUND);
	trust_store_close(again);
	trust_store_close(s);
	trust_store_close(NULL);
	pgp_cert_free(alice);
}

static void
a_new_certificate_does_not_replace_the_known_one(void **state)
{
	struct pgp_cert *old = make_cert("Bob <bob@example.org>", 4), *new = make_cert("Bob <bob@example.org>", 4);
	const struct trust_entry *chosen, *rival;
	struct trust_store *s;

	(void)state;
	assert_ok(trust_store_open(folder, &s, &unit_error));
	put(s, old, TRUST_DIRECTORY, NOW);
	put(s, new, TRUST_DIRECTORY, NOW + 10);
	chosen = trust_store_choose(s, SLICE("bob@example.org"), &rival);
	assert_true(pgp_fingerprint_eq(&chosen->fingerprint, &old->primary->fingerprint));
	assert_non_null(rival);
	assert_ok(trust_store_verify(s, &new->primary->fingerprint, NOW + 20, &unit_error));
	chosen = trust_store_choose(s, SLICE("bob@example.org"), &rival);
	assert_true(pgp_fingerprint_eq(&chosen->fingerprint, &new->primary->fingerprint));
	assert_null(rival);
	put(s, old, TRUST_FIRST_USE, NOW + 30);
	assert_int_equal(trust_store_find(s, &old->primary->fingerprint)->origin, TRUST_DIRECTORY);
	assert_ok(trust_store_remove(s, &old->primary->fingerprint, &unit_error));
	assert_ok(trust_store_remove(s, &new->primary->fingerprint, &unit_error));
	trust_store_close(s);
	pgp_cert_free(old);
	pgp_cert_free(new);
}

/* Where it comes from makes no difference: the directory does not replace what the person imported, nor the other way. */
static void
no_origin_replaces_silently(void **state)
{
	static const enum trust_origin rows[][2] = { { TRUST_IMPORTED, TRUST_DIRECTORY },
		{ TRUST_DIRECTORY, TRUST_IMPORTED }, { TRUST_IMPORTED, TRUST_FIRST_USE },
		{ TRUST_IMPORTED, TRUST_KEYSERVER }, { TRUST_FIRST_USE, TRUST_KEYSERVER },
		{ TRUST_DIRECTORY, TRUST_FIRST_USE } };
	struct pgp_cert *old = make_cert("Bob <bob@example.org>", 4), *new = make_cert("Bob <bob@example.org>", 4);
	const struct trust_entry *chosen, *rival;
	struct trust_store *s;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_ok(trust_store_open(folder, &s, &unit_error));
		put(s, old, rows[i][0], NOW);
		put(s, new, rows[i][1], NOW + 10);
		chosen = trust_store_choose(s, SLICE("bob@example.org"), &rival);
		assert_true(pgp_fingerprint_eq(&chosen->fingerprint, &old->primary->fingerprint));
		assert_non_null(rival);
		assert_ok(trust_store_remove(s, &old->primary->fingerprint, &unit_error));
		assert_ok(trust_store_remove(s, &new->primary->fingerprint, &unit_error));
		trust_store_close(s);
	}
	/* Only what came with a message gives way, and that is said. */
	assert_ok(trust_store_open(folder, &s, &unit_error));
	put(s, old, TRUST_FIRST_USE, NOW);
	put(s, new, TRUST_DIRECTORY, NOW + 10);
	chosen = trust_store_choose(s, SLICE("bob@example.org"), &rival);
	assert_true(pgp_fingerprint_eq(&chosen->fingerprint, &new->primary->fingerprint));
	assert_non_null(rival);
	assert_ok(trust_store_remove(s, &old->primary->fingerprint, &unit_error));
	assert_ok(trust_store_remove(s, &new->primary->fingerprint, &unit_error));
	trust_store_close(s);
	pgp_cert_free(old);
	pgp_cert_free(new);
}

/* A copy that lacks packets, and then the whole: everything is kept, in whatever order they come. */
static void
copies_are_merged(void **state)
{
	struct pgp_cert *whole = make_cert("Carol <carol@example.org>", 4), *part, *merged;
	struct buf bytes, out, back;
	bool changed;
	size_t used;

	(void)state;
	buf_init(&bytes, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&back, 1 << 20);
	/* the primary key and the subkey with its binding, no user ID */
	(void)buf_put_slice(&bytes, whole->components[0].packet.raw);
	(void)buf_put_slice(&bytes, whole->components[2].packet.raw);
	for (size_t i = 0; i < whole->components[2].part_count; i++)
		(void)buf_put_slice(&bytes, whole->components[2].parts[i].raw);
	assert_ok(pgp_cert_parse(buf_slice(&bytes), &part, &used, &unit_error));
	assert_ok(pgp_merge(whole, part, &out, &changed, &unit_error));
	assert_false(changed);
	assert_slices(buf_slice(&out), whole->raw);
	buf_clear(&out);
	assert_ok(pgp_merge(part, whole, &out, &changed, &unit_error));
	assert_true(changed);
	assert_slices(buf_slice(&out), whole->raw);
	assert_ok(pgp_cert_parse(buf_slice(&out), &merged, &used, &unit_error));
	assert_int_equal(merged->component_count, whole->component_count);
	pgp_cert_free(merged);
	pgp_cert_free(part);
	part = make_cert("Carol <carol@example.org>", 4);
	assert_int_equal(pgp_merge(whole, part, &out, &changed, &unit_error), ERR_USAGE);
	pgp_cert_free(part);
	pgp_cert_free(whole);
	buf_done(&bytes);
	buf_done(&out);
	buf_done(&back);
}

/* Behind the user ID, in front of what its holder says: n forged certifications by as many issuers. */
static struct pgp_cert *
flood(const struct pgp_cert *c, uint32_t n, struct buf *bytes)
{
	uint8_t forged[130] = { 4, PGP_SIG_CERT_GENERIC, PGP_EDDSA_LEGACY, PGP_SHA256, 0, 6, 5, PGP_SUB_CREATED, 1, 2,
		3, 4, 0, 10, 9, PGP_SUB_ISSUER, 9, 9, 9, 9, 9, 9, 9, 9 };
	struct pgp_cert *flooded;

	for (size_t i = 0; i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		(void)buf_put_slice(bytes, k->packet.raw);
		for (uint32_t at = 0; k->kind == PGP_COMPONENT_USER_ID && at < n; at++) {
			memcpy(forged + 20, &at, sizeof at);
			(void)pgp_packet_write(bytes, PGP_SIGNATURE, slice_of(forged, sizeof forged));
		}
		for (size_t at = 0; at < k->part_count; at++)
			(void)buf_put_slice(bytes, k->parts[at].raw);
	}
	assert_ok(pgp_cert_parse(buf_slice(bytes), &flooded, NULL, &unit_error));
	return flooded;
}

/* Certificate flooding: others' signatures up to a bound, and what its holder says goes on coming in. */
static void
a_flood_stays_outside(void **state)
{
	struct pgp_cert *c = make_cert("Dora <dora@example.org>", 4), *flooded, *back;
	const struct trust_entry *entry;
	struct trust_store *s;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 32 << 20);
	flooded = flood(c, 100000, &bytes);
	assert_true(bytes.len > TRUST_CERT_MAX);
	assert_ok(trust_store_open(folder, &s, &unit_error));
	put(s, flooded, TRUST_DIRECTORY, NOW);
	assert_ok(trust_store_load(s, &c->primary->fingerprint, &back, &unit_error));
	assert_int_equal(back->components[1].part_count, TRUST_OTHERS_MAX + c->components[1].part_count);
	assert_int_equal(back->components[2].part_count, c->components[2].part_count);
	entry = trust_store_find(s, &c->primary->fingerprint);
	assert_true(entry->cut_short);
	assert_true(entry->can_encrypt);
	assert_int_equal(entry->address_count, 1);
	pgp_cert_free(back);
	put(s, c, TRUST_DIRECTORY, NOW + 1);
	put(s, flooded, TRUST_DIRECTORY, NOW + 2);
	assert_int_equal(trust_store_find(s, &c->primary->fingerprint)->changed, NOW);
	assert_ok(trust_store_remove(s, &c->primary->fingerprint, &unit_error));
	trust_store_close(s);
	pgp_cert_free(flooded);
	pgp_cert_free(c);
	buf_done(&bytes);
}

static void
nobodys_certificate_is_not_kept(void **state)
{
	struct pgp_cert *c = make_cert("no address in here", 4);
	struct trust_put p = { .cert = c, .origin = TRUST_IMPORTED, .policy = pgp_policy_default(NOW) };
	struct trust_store *s;

	(void)state;
	assert_ok(trust_store_open(folder, &s, &unit_error));
	assert_int_equal(trust_store_put(s, &p, NULL, &unit_error), ERR_POLICY);
	assert_int_equal(trust_store_count(s), 0);
	trust_store_close(s);
	pgp_cert_free(c);
}

static void
a_damaged_index_is_said(void **state)
{
	char path[FILE_PATH_MAX];
	struct trust_store *s;

	(void)state;
	assert_ok(path_join(path, folder, "index.json", &unit_error));
	assert_ok(file_write_atomic(path, SLICE("{\"version\":1}"), 0600, &unit_error));
	assert_int_equal(trust_store_open(folder, &s, &unit_error), ERR_SYNTAX);
	assert_ok(file_write_atomic(path, SLICE("{\"version\":9,\"certificates\":[]}"), 0600, &unit_error));
	assert_int_equal(trust_store_open(folder, &s, &unit_error), ERR_UNSUPPORTED);
	assert_ok(file_remove(path, &unit_error));
}

static void
reasons_are_sentences(void **state)
{
	struct trust_entry entry = { .origin = TRUST_FIRST_USE, .from = SLICE("a\x1b[b"), .added = MADE };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	(void)trust_why(&entry, &b);
	assert_slice(buf_slice(&b),
	    "It came with a message from a\\x1b[b on 2023-11-14; you have not compared its "
	    "fingerprint.");
	assert_false(trust_is_believed(&entry));
	entry.origin = TRUST_KEYSERVER;
	entry.from = SLICE("https://keys.example.net");
	buf_clear(&b);
	(void)trust_why(&entry, &b);
	assert_slice(buf_slice(&b),
	    "A directory that is not the address's own, https://keys.example.net, gave it on "
	    "2023-11-14; you have not compared its fingerprint.");
	assert_false(trust_is_believed(&entry));
	entry.verified = NOW;
	buf_clear(&b);
	(void)trust_why(&entry, &b);
	assert_slice(buf_slice(&b), "You compared its fingerprint on 2023-11-14.");
	assert_true(trust_is_believed(&entry));
	assert_false(trust_is_believed(NULL));
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(a_certificate_is_kept_and_found),
		UNIT_TEST(a_new_certificate_does_not_replace_the_known_one), UNIT_TEST(no_origin_replaces_silently),
		UNIT_TEST(copies_are_merged), UNIT_TEST(a_flood_stays_outside),
		UNIT_TEST(nobodys_certificate_is_not_kept), UNIT_TEST(a_damaged_index_is_said),
		UNIT_TEST(reasons_are_sentences) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
