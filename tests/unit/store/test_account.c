/* SPDX-License-Identifier: ISC */
#include "store/folder.h"

static int
create(struct box *b, const char *address)
{
	struct store_account_create in = { .address = slice_str(address), .verifier = SLICE("x") };
	struct store_account_id id;

	return store_account_create(b->port, &in, &b->arena, &id, NULL);
}

static int
add(struct box *b, uint64_t account, const char *address)
{
	struct store_address in = { account, slice_str(address) };
	struct store_nothing none;

	return store_address_add(b->port, &in, &b->arena, &none, NULL);
}

static int
drop(struct box *b, uint64_t account, const char *address)
{
	struct store_address in = { account, slice_str(address) };
	struct store_nothing none;

	return store_address_remove(b->port, &in, &b->arena, &none, NULL);
}

static struct store_account
get(struct box *b, uint64_t account, const char *address)
{
	struct store_account_get in = { account, slice_str(address) };
	struct store_account out;

	assert_ok(store_account_get(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static struct store_address_found
find(struct box *b, const char *address)
{
	struct store_address_find in = { slice_str(address) };
	struct store_address_found out;

	assert_ok(store_address_find(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
addresses(void **state)
{
	uint64_t alice, bob;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "Alice@Example.org");
	bob = box_account(&b, "bob@example.org");
	assert_int_equal(create(&b, "ALICE@example.ORG"), ERR_EXISTS);
	assert_int_equal(create(&b, "carol@elsewhere.org"), ERR_NOT_FOUND);
	assert_int_equal(create(&b, "nobody"), ERR_SYNTAX);
	assert_int_equal(create(&b, "@example.org"), ERR_SYNTAX);
	assert_int_equal(create(&b, "a\nb@example.org"), ERR_SYNTAX);
	assert_int_equal(get(&b, 0, "alice@example.org").account, alice);
	assert_slice(get(&b, 0, "alice@example.org").verifier, "verifier");
	assert_slice(get(&b, alice, NULL).addresses[0], "Alice@Example.org");
	assert_int_equal(add(&b, alice, "post@example.org"), 0);
	assert_int_equal(add(&b, bob, "Post@example.org"), ERR_EXISTS);
	assert_int_equal(add(&b, 99, "other@example.org"), ERR_NOT_FOUND);
	assert_int_equal(find(&b, "POST@example.org").account, alice);
	assert_true(find(&b, "POST@example.org").domain_known);
	assert_int_equal(find(&b, "x@example.net").account, 0);
	assert_false(find(&b, "x@example.net").domain_known);
	assert_true(find(&b, "x@EXAMPLE.org").domain_known);
	assert_int_equal(drop(&b, alice, "alice@example.org"), 0);
	assert_int_equal(drop(&b, alice, "alice@example.org"), ERR_NOT_FOUND);
	assert_int_equal(drop(&b, alice, "post@example.org"), ERR_ORDER);
	assert_slice(get(&b, alice, NULL).addresses[0], "post@example.org");
	box_free(&b);
}

static void
lists_and_verifiers(void **state)
{
	struct store_account_rows rows;
	struct store_nothing none;
	uint64_t alice, bob;
	struct box b;

	(void)state;
	box_new(&b);
	box_open_socket(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@example.org");
	assert_ok(store_account_set_verifier(b.port,
	    &(struct store_account_set_verifier){ .account = alice, .verifier = SLICE("new") }, &b.arena, &none,
	    &unit_error));
	assert_slice(get(&b, alice, NULL).verifier, "new");
	assert_slice(get(&b, bob, NULL).verifier, "verifier");
	assert_ok(store_account_list(b.port, &(struct store_account_list){ 0, 1 }, &b.arena, &rows, &unit_error));
	assert_int_equal(rows.row_count, 1);
	assert_true(rows.more);
	assert_ok(store_account_list(b.port, &(struct store_account_list){ alice, 0 }, &b.arena, &rows, &unit_error));
	assert_int_equal(rows.row_count, 1);
	assert_false(rows.more);
	assert_int_equal(rows.rows[0].account, bob);
	assert_slice(rows.rows[0].address, "bob@example.org");
	box_free(&b);
}

static void
removed_account_is_gone(void **state)
{
	struct store_nothing none;
	struct store_info info;
	struct store_domains domains;
	uint64_t alice, again;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	for (int i = 0; i < 3; i++)
		(void)box_append(&b, alice, box_mailbox(&b, alice, "INBOX").mailbox, SLICE("hello"), 0);
	assert_int_equal(
	    store_domain_remove(b.port, &(struct store_domain){ SLICE("EXAMPLE.org") }, &b.arena, &none, NULL),
	    ERR_ORDER);
	assert_ok(store_account_remove(b.port, &(struct store_account_id){ alice }, &b.arena, &none, &unit_error));
	assert_int_equal(
	    store_account_remove(b.port, &(struct store_account_id){ alice }, &b.arena, &none, NULL), ERR_NOT_FOUND);
	assert_ok(store_info(b.port, &none, &b.arena, &info, &unit_error));
	assert_int_equal(info.accounts + info.messages + info.bodies, 0);
	again = box_account(&b, "alice@example.org");
	assert_true(again > alice);
	assert_ok(store_account_remove(b.port, &(struct store_account_id){ again }, &b.arena, &none, &unit_error));
	assert_ok(
	    store_domain_remove(b.port, &(struct store_domain){ SLICE("Example.org") }, &b.arena, &none, &unit_error));
	assert_ok(store_domain_list(b.port, &none, &b.arena, &domains, &unit_error));
	assert_int_equal(domains.domain_count, 0);
	box_free(&b);
}

static int
rename_to(struct box *b, uint64_t account, const char *from, const char *to)
{
	struct store_account_rename in = { account, slice_str(from), slice_str(to) };
	struct store_nothing none;

	return store_account_rename(b->port, &in, &b->arena, &none, NULL);
}

/* The address changes, everything else stays; what cannot be changes nothing. */
static void
renames(void **state)
{
	uint64_t alice, bob;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@other.org");
	assert_int_equal(add(&b, alice, "post@example.org"), 0);
	(void)box_append(&b, alice, box_mailbox(&b, alice, "INBOX").mailbox, SLICE("letter"), 0);
	assert_int_equal(rename_to(&b, alice, "alice@example.org", "BOB@other.org"), ERR_EXISTS);
	assert_int_equal(rename_to(&b, alice, "alice@example.org", "post@example.org"), ERR_EXISTS);
	assert_int_equal(rename_to(&b, alice, "alice@example.org", "alice@elsewhere.org"), ERR_NOT_FOUND);
	assert_int_equal(rename_to(&b, alice, "alice@example.org", "nobody"), ERR_SYNTAX);
	assert_int_equal(rename_to(&b, alice, "bob@other.org", "new@other.org"), ERR_NOT_FOUND);
	assert_int_equal(rename_to(&b, 99, "alice@example.org", "new@other.org"), ERR_NOT_FOUND);
	assert_int_equal(find(&b, "alice@example.org").account, alice);
	assert_int_equal(find(&b, "bob@other.org").account, bob);
	assert_int_equal(rename_to(&b, alice, "ALICE@example.org", "Alice.Smith@Other.org"), 0);
	assert_int_equal(find(&b, "alice@example.org").account, 0);
	assert_int_equal(find(&b, "alice.smith@other.org").account, alice);
	assert_slice(get(&b, alice, NULL).addresses[0], "Alice.Smith@Other.org");
	assert_slice(get(&b, alice, NULL).addresses[1], "post@example.org");
	assert_slice(get(&b, alice, NULL).verifier, "verifier");
	assert_int_equal(get(&b, alice, NULL).messages, 1);
	/* Only its letters: not taken by somebody else. */
	assert_int_equal(rename_to(&b, alice, "alice.smith@other.org", "ALICE.smith@other.org"), 0);
	assert_slice(get(&b, alice, NULL).addresses[0], "ALICE.smith@other.org");
	assert_int_equal(create(&b, "alice@example.org"), 0);
	folder_verify_clean(&b);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(renames), UNIT_TEST(addresses), UNIT_TEST(lists_and_verifiers), UNIT_TEST(removed_account_is_gone))
