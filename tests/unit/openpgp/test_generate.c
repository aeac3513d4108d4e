/* SPDX-License-Identifier: ISC */
/* New keys of every family, version and shape. */
#include "base/mem.h"
#include "openpgp/key/key_make.h"
#include "openpgp/judge/verify.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u

static struct pgp_cert *
generated(const struct pgp_generate_spec *spec)
{
	struct pgp_cert *c = NULL;
	size_t used = 0;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_ok(pgp_generate(spec, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &c, &used, &unit_error));
	assert_int_equal(used, b.len);
	buf_wipe_done(&b);
	return c;
}

static size_t
count_keys(const struct pgp_cert *c, uint32_t wanted)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 10);
	const struct pgp_key *keys[8];
	struct pgp_cert_judgement j;
	size_t n;

	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	n = pgp_judged_keys_for(&j, &policy, wanted, keys, 8, NULL);
	pgp_cert_judgement_done(&j);
	return n;
}

static void
every_family_stands_in_every_version(void **state)
{
	struct slice user = SLICE("Alice <alice@example.org>");

	(void)state;
	for (unsigned family = 0; family < PGP_FAMILY_COUNT; family++)
		for (uint8_t version = 4; version <= 6; version += 2) {
			struct pgp_generate_spec spec = { .version = version,
				.family = (enum pgp_family)family,
				.user_ids = &user,
				.user_id_count = 1,
				.created = NOW };
			struct pgp_family_key k;
			struct pgp_cert *c;
			struct buf b;
			int rc;

			if (pgp_family_key(spec.family, version, true, &k, NULL) != 0) {
				buf_init(&b, 1 << 20);
				assert_int_equal(pgp_generate(&spec, &b, &unit_error), ERR_UNSUPPORTED);
				assert_int_equal(b.len, 0);
				buf_done(&b);
				continue;
			}
			/* Long RSA keys need minutes on a slow machine. */
			if (k.bits > 3072 || (k.bits > 0 && version == 6))
				continue;
			/* Only a newer libcrypto has the post-quantum ones: then all works, else nothing is made. */
			buf_init(&b, 1 << 20);
			rc = pgp_generate(&spec, &b, &unit_error);
			assert_int_equal(b.len > 0, rc == 0);
			buf_done(&b);
			if (k.algorithm >= PGP_MLDSA65_ED25519 && rc == ERR_UNSUPPORTED)
				continue;
			assert_int_equal(rc, 0);
			c = generated(&spec);
			assert_int_equal(c->primary->version, version);
			assert_int_equal(c->primary->algorithm, k.algorithm);
			assert_int_equal(c->primary->curve, k.curve);
			assert_int_equal(count_keys(c, PGP_FLAG_SIGN), 1);
			assert_int_equal(count_keys(c, PGP_FLAG_ENCRYPT), 1);
			pgp_cert_free(c);
		}
}

static void
profiles_have_names(void **state)
{
	(void)state;
	assert_string_equal(pgp_profile_at(0)->name, "rfc9580");
	assert_ptr_equal(pgp_profile_find(SLICE("default")), pgp_profile_at(0));
	assert_null(pgp_profile_find(SLICE("RFC9580")));
	assert_null(pgp_profile_find(SLICE("")));
	for (size_t n = 0; pgp_profile_at(n) != NULL; n++) {
		const struct pgp_profile *p = pgp_profile_at(n);
		struct pgp_family_key k;

		assert_ptr_equal(pgp_profile_find(slice_str(p->name)), p);
		assert_ok(pgp_family_key(p->family, p->version, true, &k, &unit_error));
		assert_ok(pgp_family_key(p->family, p->version, false, &k, &unit_error));
	}
}

static void
families_have_names(void **state)
{
	enum pgp_family f;

	(void)state;
	for (unsigned i = 0; i < PGP_FAMILY_COUNT; i++) {
		assert_true(pgp_family_parse(slice_str(pgp_family_name((enum pgp_family)i)), &f));
		assert_int_equal(f, i);
	}
	assert_true(pgp_family_parse(SLICE("NISTP384"), &f));
	assert_int_equal(f, PGP_FAMILY_NISTP384);
	assert_true(pgp_family_parse(SLICE("rsa"), &f));
	assert_int_equal(f, PGP_FAMILY_RSA3072);
	assert_false(pgp_family_parse(SLICE("rsa1024"), &f));
	assert_null(pgp_family_name(PGP_FAMILY_COUNT));
}

/* The first signature packet behind a component, parsed. */
static struct pgp_sig
first_sig(const struct pgp_component *k)
{
	struct pgp_sig s;

	assert_int_equal(k->parts[0].type, PGP_SIGNATURE);
	assert_ok(pgp_sig_parse(k->parts[0].body, &s, &unit_error));
	return s;
}

/* Section 10.1.1: v6 says it on the key, v4 on each user ID, and on the key when asked. */
static void
properties_stand_where_they_are_looked_for(void **state)
{
	const struct slice users[] = { SLICE("Alice <alice@example.org>"), SLICE("Zo\xc3\xab"), SLICE("") };
	struct pgp_generate_spec spec = {
		.version = 6, .user_ids = users, .user_id_count = 3, .created = NOW, .expires = 86400
	};
	struct pgp_cert *c = generated(&spec);
	struct pgp_sig s = first_sig(&c->components[0]);

	(void)state;
	assert_int_equal(s.type, PGP_SIG_DIRECT_KEY);
	assert_int_equal(s.key_flags, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	assert_int_equal(s.features, PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2);
	assert_int_equal(s.key_expires, 86400);
	assert_true(s.preferred_aead.len >= 2);
	s = first_sig(&c->components[1]);
	assert_true(s.primary_user_id);
	assert_false(s.has_key_flags);
	assert_false(first_sig(&c->components[2]).primary_user_id);
	pgp_cert_free(c);

	spec.version = 4;
	c = generated(&spec);
	assert_int_equal(c->components[0].part_count, 0);
	for (size_t i = 1; i <= 3; i++) {
		s = first_sig(&c->components[i]);
		assert_int_equal(s.key_expires, 86400);
		assert_int_equal(s.features, PGP_FEATURE_SEIPD1);
		assert_int_equal(s.key_flags, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	}
	pgp_cert_free(c);

	spec.direct = true;
	spec.seipd2 = true;
	c = generated(&spec);
	s = first_sig(&c->components[0]);
	assert_int_equal(s.type, PGP_SIG_DIRECT_KEY);
	assert_int_equal(s.features, PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2);
	pgp_cert_free(c);

	spec = (struct pgp_generate_spec){ .version = 4, .created = NOW };
	c = generated(&spec);
	assert_int_equal(first_sig(&c->components[0]).type, PGP_SIG_DIRECT_KEY);
	assert_int_equal(count_keys(c, PGP_FLAG_SIGN), 1);
	pgp_cert_free(c);
}

static void
subkeys_of_every_purpose(void **state)
{
	const struct pgp_subkey_spec subkeys[] = {
		{ .flags = PGP_FLAG_SIGN, .family = PGP_FAMILY_NISTP256, .expires = 1000 },
		{ .flags = PGP_FLAG_ENCRYPT_COMMS, .family = PGP_FAMILY_25519, .created = NOW + 5 },
		{ .flags = PGP_FLAG_ENCRYPT_STORAGE, .family = PGP_FAMILY_BRAINPOOL384 },
		{ .flags = PGP_FLAG_AUTHENTICATE, .family = PGP_FAMILY_25519 },
	};

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_generate_spec spec = {
			.version = version, .created = NOW, .subkeys = subkeys, .subkey_count = 4
		};
		struct pgp_cert *c = generated(&spec);

		assert_int_equal(c->component_count, 5);
		for (size_t i = 0; i < 4; i++) {
			struct pgp_sig s = first_sig(&c->components[i + 1]);

			assert_int_equal(s.type, PGP_SIG_SUBKEY_BINDING);
			assert_int_equal(s.key_flags, subkeys[i].flags);
			assert_int_equal(s.key_expires, subkeys[i].expires);
			assert_int_equal(s.embedded.len > 0, i == 0);
			assert_int_equal(
			    c->components[i + 1].key->created, subkeys[i].created == 0 ? NOW : subkeys[i].created);
			assert_true(s.created >= c->components[i + 1].key->created);
		}
		/* A subkey signs, so the primary key only certifies. */
		assert_int_equal(first_sig(&c->components[0]).key_flags, PGP_FLAG_CERTIFY);
		assert_int_equal(count_keys(c, PGP_FLAG_SIGN), 1);
		assert_int_equal(count_keys(c, PGP_FLAG_ENCRYPT), 2);
		assert_int_equal(count_keys(c, PGP_FLAG_AUTHENTICATE), 1);
		pgp_cert_free(c);
	}
}

static void
what_cannot_be_is_refused(void **state)
{
	const struct slice bad_user = SLICE("\xff");
	static uint8_t long_user[PGP_USER_ID_MAX + 1];
	struct slice longer = slice_of(long_user, sizeof long_user);
	const struct pgp_subkey_spec both = { .flags = PGP_FLAG_SIGN | PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_25519 },
				     none = { .flags = 0 }, certify = { .flags = PGP_FLAG_CERTIFY };
	const struct {
		struct pgp_generate_spec spec;
		int expected;
	} rows[] = {
		{ { .version = 5 }, ERR_USAGE },
		{ { .version = 6, .protection = PGP_PROTECT_CFB, .passphrase = SLICE("x") }, ERR_USAGE },
		{ { .version = 4, .user_ids = &bad_user, .user_id_count = 1 }, ERR_USAGE },
		{ { .version = 6, .user_ids = &longer, .user_id_count = 1 }, ERR_USAGE },
		{ { .version = 4, .user_ids = &bad_user, .user_id_count = PGP_CERT_COMPONENTS_MAX }, ERR_LIMIT },
		{ { .version = 4, .family = PGP_FAMILY_448 }, ERR_UNSUPPORTED },
		{ { .version = 4, .family = PGP_FAMILY_COUNT }, ERR_USAGE },
		{ { .version = 6, .subkeys = &both, .subkey_count = 1 }, ERR_USAGE },
		{ { .version = 6, .subkeys = &none, .subkey_count = 1 }, ERR_USAGE },
		{ { .version = 6, .subkeys = &certify, .subkey_count = 1 }, ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b;

		buf_init(&b, 1 << 20);
		assert_int_equal(pgp_generate(&rows[i].spec, &b, &unit_error), rows[i].expected);
		assert_int_equal(b.len, 0);
		buf_done(&b);
	}
}

static void
subkeys_have_passphrases_of_their_own(void **state)
{
	const struct slice old[] = { SLICE("wrong"), SLICE("one"), SLICE("two") };
	struct secret s = SECRET_EMPTY;
	struct pgp_cert *c, *mixed;
	struct fixture f;
	struct buf one, two, b;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	buf_init(&b, 1 << 20);
	assert_ok(pgp_cert_protect(f.cert, SLICE_EMPTY, PGP_PROTECT_CFB, SLICE("one"), &one, &unit_error));
	assert_ok(pgp_cert_protect(f.cert, SLICE_EMPTY, PGP_PROTECT_AEAD, SLICE("two"), &two, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&one), &c, NULL, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&two), &mixed, NULL, &unit_error));
	/* The primary key of the one, all else of the other. */
	(void)buf_put_slice(&b, c->components[0].packet.raw);
	for (size_t i = 1; i < mixed->component_count; i++) {
		(void)buf_put_slice(&b, mixed->components[i].packet.raw);
		for (size_t n = 0; n < mixed->components[i].part_count; n++)
			(void)buf_put_slice(&b, mixed->components[i].parts[n].raw);
	}
	pgp_cert_free(c);
	pgp_cert_free(mixed);
	assert_ok(pgp_cert_parse(buf_slice(&b), &mixed, NULL, &unit_error));
	buf_clear(&one);
	assert_int_equal(
	    pgp_cert_relock(mixed, old, 2, PGP_PROTECT_AEAD, SLICE("new"), &one, &unit_error), ERR_PASSWORD);
	assert_int_equal(one.len, 0);
	assert_ok(pgp_cert_relock(mixed, old, 3, PGP_PROTECT_AEAD, SLICE("new"), &one, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&one), &c, NULL, &unit_error));
	for (size_t i = 0; pgp_cert_key(c, i) != NULL; i++) {
		assert_ok(pgp_key_unlock(pgp_cert_key(c, i), SLICE("new"), &s, &unit_error));
		secret_done(&s);
	}
	buf_clear(&two);
	assert_ok(pgp_cert_protect(c, SLICE("new"), PGP_PROTECT_NONE, SLICE_EMPTY, &two, &unit_error));
	assert_slices(buf_slice(&two), f.cert->raw);
	pgp_cert_free(c);
	pgp_cert_free(mixed);
	buf_done(&one);
	buf_done(&two);
	buf_done(&b);
	fixture_done(&f);
}

static void
primary_secret_stays_offline(void **state)
{
	struct secret s = SECRET_EMPTY;
	struct pgp_cert *c;
	struct fixture f;
	struct buf b;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	buf_init(&b, 1 << 20);
	assert_ok(pgp_cert_write_offline(f.cert, PGP_OFFLINE_STUB, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &c, NULL, &unit_error));
	assert_true(c->secret);
	assert_int_equal(pgp_key_unlock(c->primary, SLICE_EMPTY, &s, NULL), ERR_NO_KEY);
	assert_ok(pgp_key_unlock(pgp_cert_key(c, 1), SLICE_EMPTY, &s, &unit_error));
	secret_done(&s);
	pgp_cert_free(c);
	buf_clear(&b);
	assert_ok(pgp_cert_write_offline(f.cert, PGP_OFFLINE_PUBLIC, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &c, NULL, &unit_error));
	assert_false(c->primary->secret);
	assert_true(pgp_cert_key(c, 1)->secret);
	pgp_cert_free(c);
	fixture_done(&f);
	fixture_new(&f, 6, NOW, true);
	buf_clear(&b);
	assert_int_equal(pgp_cert_write_offline(f.cert, PGP_OFFLINE_STUB, &b, &unit_error), ERR_USAGE);
	assert_int_equal(b.len, 0);
	fixture_done(&f);
	buf_done(&b);
}

static void
every_allocation_may_fail_while_generating(void **state)
{
	struct slice user = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = {
		.version = 6, .user_ids = &user, .user_id_count = 1, .created = NOW, .sign_apart = true
	};
	struct buf b;
	int rc = ERR_NOMEM;
	long n = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	for (; rc != 0; n++) {
		buf_done(&b);
		buf_init(&b, 1 << 20);
		mem_fail_after(n);
		rc = pgp_generate(&spec, &b, &unit_error);
		mem_fail_after(-1);
		if (rc != 0 && rc != ERR_NOMEM)
			fail_msg("allocation %ld: %s", n, unit_error.text);
		assert_int_equal(b.len == 0, rc != 0);
	}
	assert_true(n > 10);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(every_family_stands_in_every_version), UNIT_TEST(profiles_have_names),
    UNIT_TEST(families_have_names), UNIT_TEST(properties_stand_where_they_are_looked_for),
    UNIT_TEST(subkeys_of_every_purpose), UNIT_TEST(what_cannot_be_is_refused),
    UNIT_TEST(subkeys_have_passphrases_of_their_own), UNIT_TEST(primary_secret_stays_offline),
    UNIT_TEST(every_allocation_may_fail_while_generating))
