/* SPDX-License-Identifier: ISC */
#include "service/signin/auth.h"

#include "unit.h"

static void
make_and_check(void **state)
{
	struct buf one, two;

	(void)state;
	buf_init(&one, 512);
	buf_init(&two, 512);
	assert_ok(auth_verifier_make(SLICE("secret"), &one, &unit_error));
	assert_ok(auth_verifier_make(SLICE("secret"), &two, &unit_error));
	assert_true(slice_starts(buf_slice(&one), SLICE("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_false(slice_eq(buf_slice(&one), buf_slice(&two)));
	assert_int_equal(auth_verifier_check(buf_slice(&one), SLICE("secret"), NULL), 0);
	assert_int_equal(auth_verifier_check(buf_slice(&one), SLICE("Secret"), NULL), ERR_PASSWORD);
	assert_int_equal(auth_verifier_check(buf_slice(&one), SLICE("secret\0"), NULL), ERR_PASSWORD);
	assert_int_equal(auth_verifier_check(buf_slice(&one), SLICE_EMPTY, NULL), ERR_PASSWORD);
	assert_int_equal(auth_verifier_check(SLICE_EMPTY, SLICE("secret"), NULL), ERR_PASSWORD);
	assert_int_equal(auth_verifier_check(SLICE_EMPTY, SLICE_EMPTY, NULL), ERR_PASSWORD);
	buf_done(&one);
	buf_done(&two);
}

static void
passwords_that_cannot_be(void **state)
{
	static uint8_t big[2000];
	struct buf b;

	(void)state;
	memset(big, 'a', sizeof big);
	buf_init(&b, 512);
	assert_int_equal(auth_verifier_make(SLICE_EMPTY, &b, NULL), ERR_USAGE);
	assert_int_equal(auth_verifier_make(SLICE("a\0b"), &b, NULL), ERR_USAGE);
	assert_int_equal(auth_verifier_make(slice_of(big, sizeof big), &b, NULL), ERR_USAGE);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static const struct {
	const char *verifier;
	int want;
} rows[] = {
	{ "x", ERR_SYNTAX },
	{ "$argon2i$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=16$m=64,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2,p=1,x=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2,p=1$c2FsdA$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA$x", ERR_SYNTAX },
	{ "$argon2id$v=19$m=64,t=2,p=1$c2Fsd!NhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_SYNTAX },
	{ "$argon2id$v=19$m=4000000,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_LIMIT },
	{ "$argon2id$v=19$m=64,t=99,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_LIMIT },
	{ "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA", ERR_PASSWORD },
};

/* RFC 4013: one password, however its letters are composed; what has no such form counts octet by octet. */
static void
forms_of_a_password(void **state)
{
	static const struct {
		const char *made, *tried;
		int want;
	} forms[] = {
		{ "gr\u00fcn", "gru\u0308n", 0 },
		{ "gru\u0308n", "gr\u00fcn", 0 },
		{ "a\u00a0b", "a b", 0 },
		{ "a\u00adb", "ab", 0 },
		{ "gr\u00fcn", "grun", ERR_PASSWORD },
		{ "gr\u00fcn", "Gr\u00fcn", ERR_PASSWORD },
		{ "\u00ad", "", ERR_PASSWORD },
		{ "\u00ad", "\u00ad", 0 },
		{ "a\ue000", "a\ue000", 0 },
		{ "a\ue000", "a", ERR_PASSWORD },
		{ "a\xff", "a\xff", 0 },
		{ "a\xff", "a\xfe", ERR_PASSWORD },
	};
	struct buf verifier;

	(void)state;
	buf_init(&verifier, 512);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		buf_clear(&verifier);
		assert_ok(auth_verifier_make(slice_str(forms[i].made), &verifier, &unit_error));
		if (auth_verifier_check(buf_slice(&verifier), slice_str(forms[i].tried), NULL) != forms[i].want)
			fail_msg("%s, %s", forms[i].made, forms[i].tried);
	}
	buf_done(&verifier);
}

static void
verifiers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int got = auth_verifier_check(slice_str(rows[i].verifier), SLICE("password"), NULL);

		if (got != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].verifier, got, rows[i].want);
	}
}

UNIT_MAIN(UNIT_TEST(make_and_check), UNIT_TEST(passwords_that_cannot_be), UNIT_TEST(forms_of_a_password),
    UNIT_TEST(verifiers))
