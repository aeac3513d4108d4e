/* SPDX-License-Identifier: ISC */
/* Credentials beside an account's password. */
#include "os/clock.h"
#include "store/box.h"

static int
add(struct box *b, uint64_t account, struct slice name, uint32_t rights, uint64_t expires, uint64_t *credential_out)
{
	const struct store_credential_add in = {
		.account = account, .name = name, .verifier = SLICE("v"), .rights = rights, .expires = expires
	};
	struct store_credential_id id = { 0 };
	int rc = store_credential_add(b->port, &in, &b->arena, &id, NULL);

	if (credential_out != NULL)
		*credential_out = id.credential;
	return rc;
}

static int
drop(struct box *b, uint64_t account, const char *name)
{
	struct store_nothing none;

	return store_credential_remove(b->port,
	    &(struct store_credential_name){ .account = account, .name = slice_str(name) }, &b->arena, &none, NULL);
}

static struct store_credentials
list(struct box *b, uint64_t account, bool verifiers)
{
	struct store_credentials out;

	assert_ok(store_credential_list(b->port,
	    &(struct store_credential_list){ .account = account, .with_verifiers = verifiers }, &b->arena, &out,
	    &unit_error));
	return out;
}

static int
use(struct box *b, uint64_t account, uint64_t credential, uint32_t right)
{
	struct store_nothing none;

	return store_credential_use(b->port,
	    &(struct store_credential_use){ .account = account, .credential = credential, .right = right }, &b->arena,
	    &none, NULL);
}

static void
made_listed_and_revoked(void **state)
{
	struct box b;
	struct store_credentials all;
	uint64_t alice, bob, phone, now = clock_unix();

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@example.org");
	assert_ok(add(&b, alice, SLICE("phone"), STORE_RIGHT_IMAP, 0, &phone));
	assert_ok(add(&b, alice, SLICE("Drucker im Büro"), STORE_RIGHT_SMTP, now + 1000, NULL));
	assert_ok(add(&b, bob, SLICE("phone"), STORE_RIGHTS_ALL, 0, NULL));
	assert_int_equal(add(&b, alice, SLICE("phone"), STORE_RIGHT_SMTP, 0, NULL), ERR_EXISTS);
	assert_int_equal(add(&b, 999, SLICE("phone"), STORE_RIGHT_SMTP, 0, NULL), ERR_NOT_FOUND);
	box_close(&b);
	box_open(&b);
	all = list(&b, alice, true);
	assert_int_equal(all.row_count, 2);
	assert_true(slice_eq_str(all.rows[0].name, "phone") && slice_eq_str(all.rows[1].name, "Drucker im Büro"));
	assert_true(slice_eq_str(all.rows[0].verifier, "v"));
	assert_int_equal(all.rows[0].credential, phone);
	assert_int_equal(all.rows[0].kind, STORE_CREDENTIAL_APP);
	assert_int_equal(all.rows[0].rights, STORE_RIGHT_IMAP);
	assert_true(all.rows[0].created >= now);
	assert_int_equal(all.rows[0].used, 0);
	assert_int_equal(all.rows[0].expires, 0);
	assert_int_equal(all.rows[1].expires, now + 1000);
	assert_int_equal(list(&b, alice, false).rows[0].verifier.len, 0);
	assert_ok(drop(&b, alice, "phone"));
	assert_int_equal(drop(&b, alice, "phone"), ERR_NOT_FOUND);
	assert_int_equal(list(&b, alice, false).row_count, 1);
	assert_int_equal(list(&b, bob, false).row_count, 1);
	/* Its number does not come again: nobody who remembers it gets in with another. */
	assert_ok(add(&b, alice, SLICE("phone"), STORE_RIGHT_IMAP, 0, NULL));
	assert_int_equal(use(&b, alice, phone, STORE_RIGHT_IMAP), ERR_NOT_FOUND);
	box_free(&b);
}

static void
names_and_counts(void **state)
{
	static const struct row {
		const char *name;
		size_t len;
		int want;
	} rows[] = {
		{ "", 0, ERR_SYNTAX },
		{ "a\nb", 3, ERR_SYNTAX },
		{ "a\0b", 3, ERR_SYNTAX },
		{ "a\302\233b", 4, ERR_SYNTAX },     /* C1: begins a terminal's command */
		{ "a\342\200\256b", 5, ERR_SYNTAX }, /* turns the rest of the line round */
		{ "\xff", 1, ERR_SYNTAX },
		{ "0123456789012345678901234567890123456789012345678901234567890123", 64, 0 },
		{ "01234567890123456789012345678901234567890123456789012345678901234", 65, ERR_LIMIT },
	};
	struct box b;
	uint64_t alice;
	unsigned count = 1;
	int rc = 0;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(
		    add(&b, alice, slice_of(rows[i].name, rows[i].len), STORE_RIGHT_IMAP, 0, NULL), rows[i].want);
	assert_int_equal(add(&b, alice, SLICE("for nothing"), 0, 0, NULL), ERR_SYNTAX);
	for (unsigned i = 0; i < STORE_CREDENTIALS_MAX && rc == 0; i++) {
		rc = add(&b, alice, arena_printf(&b.arena, "%u", i), STORE_RIGHT_IMAP, 0, NULL);
		count += rc == 0;
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_int_equal(count, STORE_CREDENTIALS_MAX);
	box_free(&b);
}

static void
use_is_remembered_and_refused(void **state)
{
	struct box b;
	uint64_t alice, bob, phone, old, now = clock_unix(), used;

	(void)state;
	box_new(&b);
	box_open(&b);
	alice = box_account(&b, "alice@example.org");
	bob = box_account(&b, "bob@example.org");
	assert_ok(add(&b, alice, SLICE("phone"), STORE_RIGHT_IMAP | STORE_RIGHT_POP3, 0, &phone));
	assert_ok(add(&b, alice, SLICE("old"), STORE_RIGHT_IMAP, now - 1, &old));
	assert_ok(use(&b, alice, phone, STORE_RIGHT_POP3));
	used = list(&b, alice, false).rows[0].used;
	assert_true(used >= now);
	assert_ok(use(&b, alice, phone, STORE_RIGHT_IMAP));
	assert_int_equal(use(&b, alice, phone, STORE_RIGHT_SMTP), ERR_NOT_FOUND);
	assert_int_equal(use(&b, bob, phone, STORE_RIGHT_IMAP), ERR_NOT_FOUND);
	assert_int_equal(use(&b, alice, old, STORE_RIGHT_IMAP), ERR_NOT_FOUND);
	assert_int_equal(list(&b, alice, false).rows[1].used, 0);
	box_free(&b);
}

static void
set_password(struct box *b, uint64_t account, const char *scram)
{
	struct store_nothing none;

	assert_ok(store_account_set_verifier(b->port,
	    &(struct store_account_set_verifier){
		.account = account, .verifier = SLICE("x"), .scram = slice_str(scram) },
	    &b->arena, &none, &unit_error));
}

/* A new password leaves nothing of the old one behind; app passwords stay. */
static void
scram_goes_with_the_password(void **state)
{
	struct box b;
	struct store_credentials all;
	struct store_account_id id;
	uint64_t alice;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)box_account(&b, "bob@example.org");
	assert_ok(store_account_create(b.port,
	    &(struct store_account_create){
		.address = SLICE("alice@example.org"), .verifier = SLICE("x"), .scram = SLICE("first") },
	    &b.arena, &id, &unit_error));
	alice = id.account;
	assert_ok(add(&b, alice, SLICE("phone"), STORE_RIGHT_IMAP, 0, NULL));
	all = list(&b, alice, true);
	assert_int_equal(all.row_count, 2);
	assert_int_equal(all.rows[0].kind, STORE_CREDENTIAL_SCRAM);
	assert_int_equal(all.rows[0].rights, STORE_RIGHTS_ALL);
	assert_true(slice_eq_str(all.rows[0].verifier, "first") && all.rows[0].name.len == 0);
	set_password(&b, alice, "second");
	all = list(&b, alice, true);
	assert_int_equal(all.row_count, 2);
	assert_true(slice_eq_str(all.rows[1].verifier, "second"));
	set_password(&b, alice, "");
	all = list(&b, alice, true);
	assert_int_equal(all.row_count, 1);
	assert_int_equal(all.rows[0].kind, STORE_CREDENTIAL_APP);
	assert_int_equal(drop(&b, alice, ""), ERR_SYNTAX);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(made_listed_and_revoked), UNIT_TEST(names_and_counts), UNIT_TEST(use_is_remembered_and_refused),
    UNIT_TEST(scram_goes_with_the_password))
