/* SPDX-License-Identifier: ISC */
/* Certificates: what is held and what is served, found in each way; tokens; tombstones; the days of changes. */
#include <time.h>

#include "store/box.h"

#include "store/address.h"

struct made {
	uint8_t number;
	const char *user_id, *address;
	uint64_t account, revision;
	bool publish_free;
	uint32_t waiting_max;
};

/* "primary USER-ID. subkey": the user ID may be left out. */
static int
try_put(struct box *b, const struct made *m, struct store_certificate_kept *kept, struct error *e)
{
	static uint8_t prints[256][20];
	struct store_certificate_key keys[2] = { { .key_id = m->number }, { .key_id = 100u + m->number } };
	struct store_certificate_user user = { .user_id = slice_str(m->user_id), .address = slice_str(m->address) };
	struct store_certificate in = { .version = 4,
		.account = m->account,
		.created = 5,
		.keys = keys,
		.key_count = 2,
		.users = &user,
		.user_count = 1,
		.revision = m->revision,
		.publish_free = m->publish_free,
		.waiting_max = m->waiting_max };

	memset(prints[m->number], m->number, 20);
	memset(prints[100 + m->number], 100 + m->number, 20);
	keys[0].fingerprint = in.fingerprint = slice_of(prints[m->number], 20);
	keys[1].fingerprint = slice_of(prints[100 + m->number], 20);
	in.data = arena_printf(&b->arena, "primary %s. subkey", m->user_id);
	user.place = 8;
	user.length = (uint32_t)strlen(m->user_id) + 2;
	return store_certificate_put(b->port, &in, &b->arena, kept, e);
}

static struct store_certificate_kept
put(struct box *b, struct made m)
{
	struct store_certificate_kept kept;

	assert_ok(try_put(b, &m, &kept, &unit_error));
	return kept;
}

static struct slice
print_of(uint8_t number)
{
	static uint8_t prints[256][20];

	memset(prints[number], number, 20);
	return slice_of(prints[number], 20);
}

static int
try_publish(struct box *b, uint8_t number, const char *address, uint32_t how, uint64_t account)
{
	const struct store_certificate_publish in = { print_of(number), slice_str(address), how, account };
	struct store_certificate_kept kept;

	return how != 0 ? store_certificate_publish(b->port, &in, &b->arena, &kept, &unit_error)
			: store_certificate_unpublish(b->port, &in, &b->arena, &kept, &unit_error);
}

static struct store_certificates
find(struct box *b, uint32_t by, struct slice value, bool held)
{
	struct store_certificate_find in = { .by = by, .value = value, .held = held };
	struct store_certificates out;

	assert_ok(store_certificate_find(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static size_t
named(struct box *b, const char *text)
{
	struct store_certificate_find in = { .value = slice_str(text) };
	struct store_certificates out;

	assert_ok(store_certificate_names(b->port, &in, &b->arena, &out, &unit_error));
	return out.certificate_count;
}

static void
check_totals(struct box *b, uint64_t certificates, uint64_t waiting, uint64_t published)
{
	struct store_certificate_count count;

	assert_ok(store_certificate_count(b->port, &(struct store_nothing){ 0 }, &b->arena, &count, &unit_error));
	assert_int_equal(count.certificates, certificates);
	assert_int_equal(count.waiting, waiting);
	assert_int_equal(count.published, published);
}

/* What verification has to say: nothing. */
static void
check_verified(struct box *b)
{
	struct store_verify in = { .part = STORE_VERIFY_CERTIFICATES };
	struct store_verified out;

	do {
		assert_ok(store_verify(b->port, &in, &b->arena, &out, &unit_error));
		if (out.finding_count > 0)
			print_error("%.*s\n", (int)out.findings[0].text.len, (const char *)out.findings[0].text.data);
		assert_int_equal(out.finding_count, 0);
		in.after = out.after;
	} while (out.more);
}

static void
found_by(void **state)
{
	struct store_certificates got;
	struct store_certificate_find page = { .by = STORE_BY_ALL, .limit = 2, .without_data = true };
	struct store_certificate_name name = { print_of(1), false };
	struct store_nothing none;
	struct box b;
	uint64_t alice;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	put(&b, (struct made){ 1, "Alice <Alice@Example.org>", "Alice@Example.org", alice });
	put(&b, (struct made){ 2, "Bob <bob@example.org>", "bob@example.org", 0 });
	put(&b, (struct made){ 3, "Other Alice <a@example.net>", "a@example.net", alice });
	assert_ok(try_publish(&b, 3, "a@example.net", STORE_HOW_OPERATOR, 0));
	got = find(&b, STORE_BY_ADDRESS, SLICE("alice@example.ORG"), false);
	assert_int_equal(got.certificate_count, 1);
	assert_slice(got.certificates[0].users[0].user_id, "Alice <Alice@Example.org>");
	assert_slice(got.certificates[0].data, "primary Alice <Alice@Example.org>. subkey");
	assert_int_equal(got.certificates[0].key_count, 2);
	assert_int_equal(find(&b, STORE_BY_TEXT, SLICE("ALICE"), false).certificate_count, 2);
	assert_int_equal(find(&b, STORE_BY_TEXT, SLICE("%"), false).certificate_count, 0);
	assert_int_equal(find(&b, STORE_BY_KEY_ID, SLICE("\0\0\0\0\0\0\0\x66"), false).certificate_count, 1);
	assert_int_equal(find(&b, STORE_BY_FINGERPRINT, print_of(103), false).certificates[0].keys[0].key_id, 3);
	assert_int_equal(find(&b, STORE_BY_NAME, print_of(103), false).certificate_count, 0);
	assert_int_equal(find(&b, STORE_BY_NAME, print_of(3), false).certificate_count, 1);
	assert_int_equal(find(&b, STORE_BY_NAME, print_of(3), false).certificates[0].keys[0].key_id, 3);
	assert_ok(store_certificate_find(b.port,
	    &(struct store_certificate_find){ .by = STORE_BY_ACCOUNT, .account = alice }, &b.arena, &got, &unit_error));
	assert_int_equal(got.certificate_count, 1); /* her address is not in the other */
	assert_ok(store_certificate_find(b.port, &page, &b.arena, &got, &unit_error));
	assert_int_equal(got.certificate_count, 2);
	assert_int_equal(got.certificates[0].data.len, 0);
	assert_true(got.more);
	page.after = got.certificates[1].fingerprint;
	assert_ok(store_certificate_find(b.port, &page, &b.arena, &got, &unit_error));
	assert_int_equal(got.certificate_count, 1);
	assert_false(got.more);
	check_totals(&b, 3, 1, 2);
	check_verified(&b);
	assert_ok(store_certificate_remove(b.port, &name, &b.arena, &none, &unit_error));
	assert_int_equal(store_certificate_remove(b.port, &name, &b.arena, &none, NULL), ERR_NOT_FOUND);
	assert_int_equal(named(&b, "Alice"), 1);
	check_totals(&b, 2, 1, 1);
	check_verified(&b);
	box_free(&b);
}

static void
by_name(void **state)
{
	struct store_certificate_find in = { .value = SLICE("ab") };
	struct store_certificates out;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	put(&b, (struct made){ 1, "J\xc3\xbcrgen \"Jo\" M\xc3\xbcller <j@example.org>", "j@example.org", 0 });
	assert_int_equal(named(&b, "rgen"), 0);
	assert_ok(try_publish(&b, 1, "J@example.org", STORE_HOW_MAIL, 0));
	assert_int_equal(named(&b, "rgen"), 1);
	assert_int_equal(named(&b, "J\xc3\xbcrgen"), 1);
	assert_int_equal(named(&b, "M\xc3\xbcL"), 1);
	assert_int_equal(named(&b, "n \"Jo\" m"), 1);
	assert_int_equal(named(&b, "rgen M"), 0);
	assert_int_equal(named(&b, "j@example.orgs"), 0);
	assert_int_equal(named(&b, "a long text OR (rgen)"), 0);
	assert_int_equal(store_certificate_names(b.port, &in, &b.arena, &out, NULL), ERR_SYNTAX);
	assert_ok(try_publish(&b, 1, "", 0, 0));
	assert_int_equal(named(&b, "rgen"), 0);
	check_verified(&b);
	box_free(&b);
}

/* ---- held and published ---- */

static void
held_until_verified(void **state)
{
	struct store_certificates got;
	struct store_certificate_kept kept;
	struct box b;
	uint64_t alice, bob;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@example.org");
	kept = put(&b, (struct made){ 1, "Alice <alice@example.org>", "alice@example.org", bob });
	assert_true(kept.inserted && kept.changed && kept.published == 0 && kept.revision == 1);
	assert_int_equal(find(&b, STORE_BY_ADDRESS, SLICE("alice@example.org"), false).certificate_count, 0);
	assert_int_equal(find(&b, STORE_BY_ADDRESS, SLICE("alice@example.org"), true).certificate_count, 1);
	got = find(&b, STORE_BY_NAME, print_of(1), false);
	assert_slice(got.certificates[0].data, "primary subkey");
	assert_int_equal(got.certificates[0].user_count, 0);
	assert_int_equal(got.certificates[0].account, 0); /* Bob's it is not */
	got = find(&b, STORE_BY_NAME, print_of(1), true);
	assert_slice(got.certificates[0].data, "primary Alice <alice@example.org>. subkey");
	assert_int_equal(got.certificates[0].users[0].state, STORE_USER_HELD);
	assert_int_equal(try_publish(&b, 1, "alice@example.org", STORE_HOW_ACCOUNT, bob), ERR_DENIED);
	assert_int_equal(try_publish(&b, 1, "bob@example.org", STORE_HOW_ACCOUNT, bob), ERR_NOT_FOUND);
	assert_ok(try_publish(&b, 1, "ALICE@example.org", STORE_HOW_ACCOUNT, alice));
	got = find(&b, STORE_BY_ADDRESS, SLICE("alice@example.org"), false);
	assert_slice(got.certificates[0].data, "primary Alice <alice@example.org>. subkey");
	assert_int_equal(got.certificates[0].users[0].how, STORE_HOW_ACCOUNT);
	assert_true(got.certificates[0].users[0].verified > 0);
	assert_int_equal(got.certificates[0].revision, 2);
	/* What is published stays so, whoever puts it again. */
	kept = put(&b, (struct made){ 1, "Alice <alice@example.org>", "alice@example.org", 0, 2 });
	assert_true(!kept.inserted && !kept.changed && kept.published == 1);
	check_totals(&b, 1, 0, 1);
	check_verified(&b);
	box_free(&b);
}

static void
another_version_meanwhile(void **state)
{
	struct made m = { 1, "Alice <alice@example.org>", "alice@example.org", 0, 0 };
	struct store_certificate_kept kept;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	put(&b, m);
	assert_int_equal(try_put(&b, &m, &kept, &unit_error), ERR_ORDER);
	m.revision = 1;
	put(&b, m);
	assert_int_equal(try_put(&b, &m, &kept, &unit_error), ERR_ORDER);
	assert_ok(try_publish(&b, 1, "alice@example.org", STORE_HOW_MAIL, 0));
	m.revision = 2;
	assert_int_equal(try_put(&b, &m, &kept, &unit_error), ERR_ORDER);
	m.revision = 3;
	m.user_id = "Somebody else";
	assert_int_equal(try_put(&b, &m, &kept, &unit_error), ERR_DENIED);
	box_free(&b);
}

static void
unpublished_stays_so(void **state)
{
	struct made m = { 1, "Alice <alice@example.org>", "alice@example.org", 0, 0, true };
	struct store_certificate_name name = { print_of(1), true };
	struct store_nothing none;
	struct box b;
	uint64_t alice, bob;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@example.org");
	assert_int_equal(put(&b, m).published, 1); /* free for the first */
	m.number = 2;
	assert_int_equal(put(&b, m).published, 0);
	assert_int_equal(try_publish(&b, 1, "alice@example.org", 0, bob), ERR_DENIED);
	assert_ok(try_publish(&b, 1, "alice@example.org", 0, alice));
	assert_slice(find(&b, STORE_BY_NAME, print_of(1), false).certificates[0].data, "primary subkey");
	m.number = 1;
	m.revision = 2;
	assert_int_equal(put(&b, m).published, 0);
	assert_int_equal(try_publish(&b, 1, "alice@example.org", STORE_HOW_MIRROR, 0), ERR_POLICY);
	assert_ok(try_publish(&b, 1, "alice@example.org", STORE_HOW_MAIL, 0));
	assert_ok(store_certificate_remove(b.port, &name, &b.arena, &none, &unit_error));
	m.revision = 0;
	assert_int_equal(put(&b, m).published, 0);
	assert_int_equal(try_publish(&b, 1, "alice@example.org", STORE_HOW_MIRROR, 0), ERR_POLICY);
	/* Whoever owns the address verifies it anew. */
	m.revision = 1;
	m.account = alice;
	assert_int_equal(put(&b, m).published, 1);
	check_verified(&b);
	assert_ok(store_account_remove(b.port, &(struct store_account_id){ alice }, &b.arena, &none, &unit_error));
	check_totals(&b, 1, 1, 0);
	check_verified(&b);
	box_free(&b);
}

static void
so_many_wait(void **state)
{
	struct made m = { 1, "Alice <alice@example.org>", "alice@example.org", 0, 0, false, 2 };
	struct store_certificate_kept kept;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (m.number = 1; m.number <= 2; m.number++)
		put(&b, m);
	assert_int_equal(try_put(&b, &m, &kept, &unit_error), ERR_FULL);
	/* Those that are there may still change. */
	m.number = 1;
	m.revision = 1;
	put(&b, m);
	assert_ok(try_publish(&b, 1, "alice@example.org", STORE_HOW_MAIL, 0));
	m.number = 3;
	m.revision = 0;
	put(&b, m);
	check_totals(&b, 3, 2, 1);
	box_free(&b);
}

/* ---- buckets and days ---- */

static void
in_buckets(void **state)
{
	struct store_bucket_find in = { .limit = 2 };
	struct store_directory_changes days;
	struct store_bucket out;
	uint8_t name[STORE_ADDRESS_NAME_SIZE], last[STORE_ADDRESS_NAME_SIZE] = { 0 };
	struct box b;
	size_t count = 0;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (uint8_t i = 1; i <= 5; i++) {
		struct slice address = arena_printf(&b.arena, "U%u@example.org", i);
		const char *text = (const char *)arena_printf(&b.arena, "U%u@example.org%c", i, 0).data;

		put(&b, (struct made){ i, text, text });
		if (i != 3)
			assert_ok(try_publish(&b, i, text, STORE_HOW_MAIL, 0));
		assert_ok(store_address_name(address, name, &unit_error));
	}
	/* All, in pages, in order of names. */
	for (;;) {
		assert_ok(store_certificate_bucket(b.port, &in, &b.arena, &out, &unit_error));
		for (size_t i = 0; i < out.entry_count; i++, count++) {
			assert_int_equal(out.entries[i].name.len, sizeof name);
			assert_true(memcmp(last, out.entries[i].name.data, sizeof last) < 0);
			memcpy(last, out.entries[i].name.data, sizeof last);
			assert_ok(store_address_name(out.entries[i].address, name, &unit_error));
			assert_memory_equal(name, last, sizeof last);
			assert_true(out.entries[i].data.len > strlen("primary subkey"));
		}
		if (!out.more)
			break;
		in.from = slice_of(last, sizeof last);
		in.after = out.entries[out.entry_count - 1].fingerprint;
	}
	assert_int_equal(count, 4);
	in = (struct store_bucket_find){ .by_fingerprint = true, .from = print_of(2), .upto = print_of(5) };
	assert_ok(store_certificate_bucket(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.entry_count, 3);
	assert_slice(out.entries[0].data, "primary subkey");
	assert_ok(store_directory_changes(b.port, &(struct store_directory_day){ .day = (uint64_t)time(NULL) / 86400 },
	    &b.arena, &days, &unit_error));
	assert_slice(days.prefixes, "\1\1\1\1\2\2\2\2\3\3\3\3\4\4\4\4\5\5\5\5");
	box_free(&b);
}

/* ---- tokens ---- */

static void
token_once(void **state)
{
	uint8_t hash[STORE_TOKEN_SIZE] = { 1 }, other[STORE_TOKEN_SIZE] = { 2 };
	struct store_token_put in = { slice_of(hash, sizeof hash), STORE_TOKEN_VERIFY, print_of(1),
		SLICE("Alice@example.org"), 3600, 3600 };
	struct store_token_take take = { in.token, STORE_TOKEN_MANAGE };
	struct store_nothing none;
	struct store_token got;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	assert_ok(store_token_put(b.port, &in, &b.arena, &none, &unit_error));
	assert_int_equal(store_token_take(b.port, &take, &b.arena, &got, NULL), ERR_NOT_FOUND); /* another kind */
	take.kind = STORE_TOKEN_VERIFY;
	for (int twice = 0; twice < 2; twice++) {
		assert_ok(store_token_look(b.port, &take, &b.arena, &got, &unit_error));
		assert_slice(got.address, "Alice@example.org");
		assert_slices(got.fingerprint, print_of(1));
	}
	assert_ok(store_token_take(b.port, &take, &b.arena, &got, &unit_error));
	assert_int_equal(store_token_take(b.port, &take, &b.arena, &got, NULL), ERR_NOT_FOUND);
	assert_int_equal(store_token_look(b.port, &take, &b.arena, &got, NULL), ERR_NOT_FOUND);
	/* Used or not: one mail an hour, in whatever case the address is written. */
	in.token = slice_of(other, sizeof other);
	in.address = SLICE("alice@EXAMPLE.org");
	assert_int_equal(store_token_put(b.port, &in, &b.arena, &none, NULL), ERR_LIMIT);
	/* But for what takes back: nobody's letters for another key, or for another purpose, hold that up. */
	in.kind = STORE_TOKEN_MANAGE;
	assert_ok(store_token_put(b.port, &in, &b.arena, &none, &unit_error));
	assert_int_equal(store_token_put(b.port, &in, &b.arena, &none, NULL), ERR_LIMIT);
	in.fingerprint = print_of(2);
	assert_ok(store_token_put(b.port, &in, &b.arena, &none, &unit_error));
	in.kind = STORE_TOKEN_VERIFY;
	in.address = SLICE("bob@example.org");
	in.lifetime = 1;
	assert_ok(store_token_put(b.port, &in, &b.arena, &none, &unit_error));
	take.token = in.token;
	/* It runs out by itself. */
	for (int i = 0; i < 100 && store_token_look(b.port, &take, &b.arena, &got, NULL) == 0; i++)
		(void)usleep(50000);
	assert_int_equal(store_token_take(b.port, &take, &b.arena, &got, NULL), ERR_NOT_FOUND);
	box_free(&b);
}

static void
meta(void **state)
{
	struct store_meta_value value;
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	assert_ok(store_meta_get(b.port, &(struct store_meta_key){ SLICE("k") }, &b.arena, &value, &unit_error));
	assert_false(value.found);
	for (int i = 0; i < 2; i++)
		assert_ok(store_meta_put(
		    b.port, &(struct store_meta_put){ SLICE("k"), SLICE("v") }, &b.arena, &none, &unit_error));
	box_close(&b);
	box_open(&b);
	assert_ok(store_meta_get(b.port, &(struct store_meta_key){ SLICE("k") }, &b.arena, &value, &unit_error));
	assert_true(value.found);
	assert_slice(value.value, "v");
	assert_ok(
	    store_meta_put(b.port, &(struct store_meta_put){ SLICE("k"), SLICE_EMPTY }, &b.arena, &none, &unit_error));
	assert_ok(store_meta_get(b.port, &(struct store_meta_key){ SLICE("k") }, &b.arena, &value, &unit_error));
	assert_false(value.found);
	box_free(&b);
}

static size_t
due(struct box *b, const char *domain, uint64_t before)
{
	const struct store_certificate_due in = { .domain = slice_str(domain), .before = before };
	struct store_certificates out;

	assert_ok(store_certificate_due(b->port, &in, &b->arena, &out, &unit_error));
	return out.certificate_count;
}

static void
certified(struct box *b, struct store_certificate_certified in)
{
	struct store_nothing nothing;

	assert_ok(store_certificate_certified(b->port, &in, &b->arena, &nothing, &unit_error));
}

/* What a domain's CA is to look at: published user IDs of that domain, until it is noted until when they are certified. */
static void
due_for_a_ca(void **state)
{
	struct store_certificate_certified note = { .user_id = SLICE("A <a@Example.org>"), .until = 1000 };
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)put(&b, (struct made){ 1, "A <a@Example.org>", "a@Example.org" });
	(void)put(&b, (struct made){ 2, "B <b@example.com>", "b@example.com" });
	(void)put(&b, (struct made){ 3, "C <c@sub.example.org>", "c@sub.example.org" });
	assert_int_equal(due(&b, "example.org", 500), 0); /* held */
	assert_int_equal(try_publish(&b, 1, "a@example.org", STORE_HOW_MAIL, 0), 0);
	assert_int_equal(try_publish(&b, 2, "b@example.com", STORE_HOW_MAIL, 0), 0);
	assert_int_equal(try_publish(&b, 3, "c@sub.example.org", STORE_HOW_MAIL, 0), 0);
	assert_int_equal(due(&b, "EXAMPLE.org", 500), 1);
	note.fingerprint = print_of(1);
	note.revision = 77; /* another version by now: nothing is noted */
	certified(&b, note);
	assert_int_equal(due(&b, "example.org", 500), 1);
	note.revision = find(&b, STORE_BY_NAME, print_of(1), false).certificates[0].revision;
	certified(&b, note);
	assert_int_equal(due(&b, "example.org", 1000), 0);
	assert_int_equal(due(&b, "example.org", 1001), 1);
	/* What is put anew is looked at anew; and with another CA all of the domain. */
	(void)put(&b, (struct made){ 1, "A <a@Example.org>", "a@Example.org", .revision = note.revision });
	assert_int_equal(due(&b, "example.org", 500), 1);
	note.revision = find(&b, STORE_BY_NAME, print_of(1), false).certificates[0].revision;
	certified(&b, note);
	certified(&b, (struct store_certificate_certified){ .domain = SLICE("example.com"), .until = 9000 });
	assert_int_equal(due(&b, "example.org", 500) + due(&b, "example.com", 9000), 0);
	certified(&b, (struct store_certificate_certified){ .domain = SLICE("Example.org") });
	assert_int_equal(due(&b, "example.org", 500), 1);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(found_by), UNIT_TEST(by_name), UNIT_TEST(held_until_verified), UNIT_TEST(another_version_meanwhile),
    UNIT_TEST(unpublished_stays_so), UNIT_TEST(so_many_wait), UNIT_TEST(in_buckets), UNIT_TEST(token_once),
    UNIT_TEST(meta), UNIT_TEST(due_for_a_ca))
