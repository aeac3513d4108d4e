/* SPDX-License-Identifier: ISC */
#include "store/box.h"

static void
put(struct box *b, uint8_t number, const char *user_id, const char *address, uint64_t account)
{
	static uint8_t prints[256][20];
	struct store_certificate_key keys[2] = { { .key_id = number }, { .key_id = 100u + number } };
	struct store_certificate_user user = { slice_str(user_id), slice_str(address) };
	struct store_certificate in = { .version = 4,
		.account = account,
		.created = 5,
		.keys = keys,
		.key_count = 2,
		.users = &user,
		.user_count = 1,
		.data = SLICE("certificate") };
	struct store_nothing none;

	memset(prints[number], number, 20);
	memset(prints[100 + number], 100 + number, 20);
	keys[0].fingerprint = in.fingerprint = slice_of(prints[number], 20);
	keys[1].fingerprint = slice_of(prints[100 + number], 20);
	assert_ok(store_certificate_put(b->port, &in, &b->arena, &none, &unit_error));
}

static struct store_certificates
find(struct box *b, uint32_t by, struct slice value)
{
	struct store_certificate_find in = { .by = by, .value = value };
	struct store_certificates out;

	assert_ok(store_certificate_find(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
found_by(void **state)
{
	uint8_t print[20];
	struct store_certificates got;
	struct store_certificate_find page = { .by = STORE_BY_ALL, .limit = 2, .without_data = true };
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	put(&b, 1, "Alice <Alice@Example.org>", "Alice@Example.org", 7);
	put(&b, 2, "Bob <bob@example.org>", "bob@example.org", 0);
	put(&b, 3, "Other Alice <a@example.net>", "a@example.net", 7);
	got = find(&b, STORE_BY_ADDRESS, SLICE("alice@example.ORG"));
	assert_int_equal(got.certificate_count, 1);
	assert_slice(got.certificates[0].users[0].user_id, "Alice <Alice@Example.org>");
	assert_slice(got.certificates[0].data, "certificate");
	assert_int_equal(got.certificates[0].key_count, 2);
	assert_int_equal(find(&b, STORE_BY_TEXT, SLICE("ALICE")).certificate_count, 2);
	assert_int_equal(find(&b, STORE_BY_TEXT, SLICE("%")).certificate_count, 0);
	assert_int_equal(find(&b, STORE_BY_KEY_ID, SLICE("\0\0\0\0\0\0\0\x66")).certificate_count, 1);
	memset(print, 103, sizeof print);
	assert_int_equal(find(&b, STORE_BY_FINGERPRINT, slice_of(print, 20)).certificates[0].keys[0].key_id, 3);
	assert_int_equal(find(&b, STORE_BY_NAME, slice_of(print, 20)).certificate_count, 0);
	memset(print, 3, sizeof print);
	assert_int_equal(find(&b, STORE_BY_NAME, slice_of(print, 20)).certificate_count, 1);
	assert_int_equal(find(&b, STORE_BY_NAME, slice_of(print, 20)).certificates[0].keys[0].key_id, 3);
	assert_int_equal(
	    store_certificate_find(b.port, &(struct store_certificate_find){ .by = STORE_BY_ACCOUNT, .account = 7 },
		&b.arena, &got, &unit_error),
	    0);
	assert_int_equal(got.certificate_count, 2);
	assert_ok(store_certificate_find(b.port, &page, &b.arena, &got, &unit_error));
	assert_int_equal(got.certificate_count, 2);
	assert_int_equal(got.certificates[0].data.len, 0);
	assert_true(got.more);
	page.after = got.certificates[1].fingerprint;
	assert_ok(store_certificate_find(b.port, &page, &b.arena, &got, &unit_error));
	assert_int_equal(got.certificate_count, 1);
	assert_false(got.more);
	/* Putting again replaces. */
	put(&b, 1, "Alice <new@example.org>", "new@example.org", 7);
	assert_int_equal(find(&b, STORE_BY_ADDRESS, SLICE("alice@example.org")).certificate_count, 0);
	assert_int_equal(find(&b, STORE_BY_ALL, SLICE_EMPTY).certificate_count, 3);
	memset(print, 1, sizeof print);
	assert_ok(store_certificate_remove(
	    b.port, &(struct store_certificate_name){ slice_of(print, 20) }, &b.arena, &none, &unit_error));
	assert_int_equal(store_certificate_remove(
			     b.port, &(struct store_certificate_name){ slice_of(print, 20) }, &b.arena, &none, NULL),
	    ERR_NOT_FOUND);
	assert_int_equal(find(&b, STORE_BY_TEXT, SLICE("new@")).certificate_count, 0);
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

UNIT_MAIN(UNIT_TEST(found_by), UNIT_TEST(meta))
