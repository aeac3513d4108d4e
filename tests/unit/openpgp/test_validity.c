/* SPDX-License-Identifier: ISC */
/*
 * Certificates over time: what binds, expires, is revoked and comes back. The
 * cases are those in which programs have been found to differ; what is expected
 * is what RFC 9580 says, by section. Each row is one certificate and one
 * signature over data, judged.
 */
#include "unit.h"

#include "validity_kit.h"

#define NOW (10 * MONTH)

/* One certificate and signature: who signs, when, and what comes of it. */
struct expected {
	int32_t at; /* of the signature over data */
	enum pgp_standing standing;
};

static unsigned vectors;

static void
check(struct kit *k, const struct pgp_key *key, int32_t at, bool good, enum pgp_standing standing, const char *name)
{
	struct pgp_verdict v = kit_verdict(k, key, at, NOW);

	vectors++;
	if ((v.kind == PGP_VERDICT_GOOD) != good || (!good && v.standing != standing) || (v.code == 0) != good)
		fail_msg("%s, signed at %d: kind %d, %s (%s)", name, (int)at, (int)v.kind,
		    pgp_standing_name(v.standing), v.reason);
	if (!good && v.reason[0] == 0)
		fail_msg("%s: a refusal without a reason", name);
}

/* ---- 26 certificates: three who sign and are revoked, eight reasons and none, four times each ---- */

#define T0_BEFORE (-DAY)
#define T1_T2 (DAY) /* after the keys, before the subkey's binding */
#define BOUND (2 * DAY)
#define T2 (MONTH) /* revoked */
#define T2_T3 (MONTH + DAY)
#define T3 (2 * MONTH) /* a new self-signature */
#define T3_NOW (2 * MONTH + DAY)

enum flavour { PRIMARY_SIGNS, SUBKEY_SIGNS_PRIMARY_REVOKED, SUBKEY_SIGNS_AND_IS_REVOKED };

static void
put_bindings(struct kit *k, enum flavour flavour, bool again)
{
	const struct step user = { .what = MAKE,
		.sig = { .type = PGP_SIG_CERT_POSITIVE, .at = again ? T3 : 0 },
		.flags = GIVEN(PGP_FLAG_CERTIFY | (flavour == PRIMARY_SIGNS ? PGP_FLAG_SIGN : 0)) };

	kit_step(k, &user);
}

static void
put_subkey(struct kit *k, enum flavour flavour, const struct step *revocation)
{
	struct step binding = { .what = MAKE,
		.sig = { .type = PGP_SIG_SUBKEY_BINDING, .at = BOUND },
		.flags = GIVEN(PGP_FLAG_SIGN),
		.with_back = true,
		.back = { .at = BOUND } };

	kit_step(k, &(struct step){ .what = PUT_SUBKEY });
	if (revocation != NULL)
		kit_step(k, revocation);
	kit_step(k, &binding);
	binding.sig.at = binding.back.at = T3;
	if (flavour == SUBKEY_SIGNS_AND_IS_REVOKED)
		kit_step(k, &binding);
}

static void
put_revoked_certificate(struct kit *k, enum flavour flavour, bool revoked, int reason)
{
	bool subkey = flavour == SUBKEY_SIGNS_AND_IS_REVOKED;
	struct step revocation = { .what = MAKE,
		.sig = { .type = subkey ? PGP_SIG_SUBKEY_REVOCATION : PGP_SIG_KEY_REVOCATION, .at = T2 },
		.reason = reason };

	buf_clear(&k->out);
	kit_step(k, &(struct step){ .what = PUT_PRIMARY });
	if (revoked && !subkey)
		kit_step(k, &revocation);
	kit_step(k, &(struct step){ .what = PUT_USER });
	put_bindings(k, flavour, false);
	if (!subkey)
		put_bindings(k, flavour, true);
	if (flavour != PRIMARY_SIGNS)
		put_subkey(k, flavour, revoked && subkey ? &revocation : NULL);
}

static void
check_flavour(enum flavour flavour, bool revoked, int reason, bool hard)
{
	bool early = flavour == PRIMARY_SIGNS; /* the subkey is not bound yet at T1_T2 */
	bool past = !revoked || !hard;
	enum pgp_standing hard_standing = PGP_STANDING_REVOKED_HARD;
	const struct pgp_key *key;
	char name[80];
	struct kit k;

	(void)snprintf(name, sizeof name, "flavour %d, revoked %d, reason %x", (int)flavour, revoked, (unsigned)reason);
	kit_new(&k, 4);
	key = flavour == PRIMARY_SIGNS ? k.primary : k.signer;
	put_revoked_certificate(&k, flavour, revoked, reason);
	check(&k, key, T0_BEFORE, false,
	    past || flavour == SUBKEY_SIGNS_AND_IS_REVOKED ? PGP_STANDING_NOT_YET : hard_standing, name);
	check(&k, key, T1_T2, early && past, past ? PGP_STANDING_NOT_YET : hard_standing, name);
	check(&k, key, T2_T3, !revoked, hard ? hard_standing : PGP_STANDING_REVOKED_SOFT, name);
	check(&k, key, T3_NOW, past, hard_standing, name);
	/* Between the binding and the revocation. */
	check(&k, key, BOUND + DAY, past, hard_standing, name);
	kit_done(&k);
}

static void
revocations(void **state)
{
	static const struct {
		int reason;
		bool hard;
	} rows[] = { { 0, true }, { GIVEN(PGP_REASON_NONE), true }, { GIVEN(PGP_REASON_COMPROMISED), true },
		{ GIVEN(100), true }, { GIVEN(77), true }, { GIVEN(PGP_REASON_SUPERSEDED), false },
		{ GIVEN(PGP_REASON_RETIRED), false }, { GIVEN(PGP_REASON_USER_ID_INVALID), false } };

	(void)state;
	for (int flavour = PRIMARY_SIGNS; flavour <= SUBKEY_SIGNS_AND_IS_REVOKED; flavour++) {
		check_flavour((enum flavour)flavour, false, 0, false);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			check_flavour((enum flavour)flavour, true, rows[i].reason, rows[i].hard);
	}
}

/* ---- valid for a month, not for a month, valid again ---- */

#define SELF_SIGNS .flags = GIVEN(PGP_FLAG_CERTIFY | PGP_FLAG_SIGN)
#define USER_SIG .what = MAKE, .sig.type = PGP_SIG_CERT_POSITIVE
#define DIRECT_SIG .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY

static void
check_rows(
    const struct step *steps, const struct expected *rows, size_t count, uint8_t version, bool subkey, const char *name)
{
	struct kit k;

	kit_new(&k, version);
	kit_steps(&k, steps);
	for (size_t i = 0; i < count; i++)
		check(&k, subkey ? k.signer : k.primary, rows[i].at, rows[i].standing == PGP_STANDING_GOOD,
		    rows[i].standing, name);
	kit_done(&k);
}

static void
temporary_validity(void **state)
{
	/* A: the binding expires, and a new one comes. B: the user ID is revoked for a month. C: the key. */
	static const struct step a[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .sig.expires = MONTH, SELF_SIGNS }, { USER_SIG, .sig.at = 2 * MONTH, SELF_SIGNS }, { 0 } };
	static const struct step b[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ .what = MAKE,
		    .sig = { .type = PGP_SIG_CERT_REVOCATION, .at = MONTH, .expires = MONTH },
		    .reason = GIVEN(PGP_REASON_USER_ID_INVALID) },
		{ 0 } };
	static const struct step c[] = { { .what = PUT_PRIMARY },
		{ .what = MAKE,
		    .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = MONTH, .expires = MONTH },
		    .reason = GIVEN(PGP_REASON_RETIRED) },
		{ .what = PUT_USER }, { USER_SIG, SELF_SIGNS }, { 0 } };
	static const struct {
		const char *name;
		const struct step *steps;
		enum pgp_standing gap;
	} rows[] = { { "A", a, PGP_STANDING_EXPIRED }, { "B", b, PGP_STANDING_REVOKED_SOFT },
		{ "C", c, PGP_STANDING_REVOKED_SOFT } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct expected expected[] = { { -14 * DAY, PGP_STANDING_NOT_YET },
			{ 14 * DAY, PGP_STANDING_GOOD }, { MONTH + 14 * DAY, rows[i].gap },
			{ 2 * MONTH + 14 * DAY, PGP_STANDING_GOOD } };

		check_rows(rows[i].steps, expected, 4, 4, false, rows[i].name);
	}
}

/* A hard revocation does not expire: a thief could have made it so. */
static void
hard_revocations_stay(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY },
		{ .what = MAKE,
		    .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = MONTH, .expires = MONTH },
		    .reason = GIVEN(PGP_REASON_COMPROMISED) },
		{ .what = PUT_USER }, { USER_SIG, SELF_SIGNS }, { USER_SIG, SELF_SIGNS, .sig.at = 3 * MONTH }, { 0 } };
	static const struct expected rows[] = { { DAY, PGP_STANDING_REVOKED_HARD },
		{ MONTH + DAY, PGP_STANDING_REVOKED_HARD }, { 2 * MONTH + DAY, PGP_STANDING_REVOKED_HARD },
		{ 4 * MONTH, PGP_STANDING_REVOKED_HARD } };

	(void)state;
	check_rows(steps, rows, 4, 4, false, "an expired hard revocation");
}

/* ---- extended keys ---- */

#define SUB_BINDING .what = MAKE, .sig.type = PGP_SIG_SUBKEY_BINDING, .flags = GIVEN(PGP_FLAG_SIGN), .with_back = true

static void
extended_keys(void **state)
{
	/* The holder extended the key and threw the old signatures away: what was signed before stays good. */
	static const struct step primary[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, SELF_SIGNS, .sig.at = 2 * MONTH, .key_expires = KEY_DAYS(100) }, { 0 } };
	/* The same of a subkey whose back signature was kept: it had agreed in time. */
	static const struct step kept_back[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, SELF_SIGNS }, { .what = PUT_SUBKEY }, { SUB_BINDING, .sig.at = 2 * MONTH, .back.at = DAY },
		{ 0 } };
	/* And of one that agreed only then: it may have been somebody else's. */
	static const struct step new_back[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ .what = PUT_SUBKEY }, { SUB_BINDING, .sig.at = 2 * MONTH, .back.at = 2 * MONTH }, { 0 } };
	/* Both kept: the later counts from then on. */
	static const struct step both[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ .what = PUT_SUBKEY }, { SUB_BINDING, .key_expires = KEY_DAYS(28) },
		{ SUB_BINDING, .sig.at = 2 * MONTH, .back.at = 2 * MONTH, .key_expires = KEY_DAYS(100) }, { 0 } };
	static const struct expected of_primary[] = { { -1, PGP_STANDING_NOT_YET }, { DAY, PGP_STANDING_GOOD },
		{ 3 * MONTH, PGP_STANDING_GOOD }, { 101 * DAY, PGP_STANDING_EXPIRED } };
	static const struct expected of_kept[] = { { 0, PGP_STANDING_NOT_YET }, { DAY, PGP_STANDING_GOOD },
		{ 2 * MONTH, PGP_STANDING_GOOD }, { 3 * MONTH, PGP_STANDING_GOOD } };
	static const struct expected of_new[] = { { DAY, PGP_STANDING_NOT_YET },
		{ 2 * MONTH - 1, PGP_STANDING_NOT_YET }, { 2 * MONTH, PGP_STANDING_GOOD } };
	static const struct expected of_both[] = { { DAY, PGP_STANDING_GOOD }, { MONTH, PGP_STANDING_EXPIRED },
		{ 2 * MONTH, PGP_STANDING_GOOD }, { 100 * DAY, PGP_STANDING_EXPIRED } };

	(void)state;
	check_rows(primary, of_primary, 4, 4, false, "an extended primary key");
	check_rows(kept_back, of_kept, 4, 4, true, "an extended subkey, old back signature");
	check_rows(new_back, of_new, 3, 4, true, "an extended subkey, new back signature");
	check_rows(both, of_both, 4, 4, true, "two bindings");
}

static void
superseded_self_signatures(void **state)
{
	/* The newest counts, wherever it stands; flags that are taken away are gone from then on. */
	static const struct step away[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .sig.at = MONTH, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { USER_SIG, SELF_SIGNS }, { 0 } };
	static const struct expected of_away[] = { { DAY, PGP_STANDING_GOOD }, { MONTH + 1, PGP_STANDING_POLICY } };
	/* A newer one that was expired does not count, and the older does again (section 5.2.3.10: most recent valid). */
	static const struct step back[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ USER_SIG, .sig.at = MONTH, .sig.expires = DAY, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { 0 } };
	static const struct expected of_back[] = { { DAY, PGP_STANDING_GOOD }, { MONTH + 1, PGP_STANDING_POLICY },
		{ MONTH + 2 * DAY, PGP_STANDING_GOOD } };
	/* From the future, or malformed: passed over. */
	static const struct step passed[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ USER_SIG, .sig.at = NOW + DAY, .flags = GIVEN(PGP_FLAG_CERTIFY) },
		{ USER_SIG, .sig.at = 2 * DAY, .sig.odd = ODD_CRITICAL, .flags = GIVEN(PGP_FLAG_CERTIFY) },
		{ USER_SIG, .sig.at = 2 * DAY, .sig.bad = true, .flags = GIVEN(PGP_FLAG_CERTIFY) },
		{ USER_SIG, .sig.at = 2 * DAY, .sig.bad_digest = true, .flags = GIVEN(PGP_FLAG_CERTIFY) },
		{ USER_SIG, .sig.at = 2 * DAY, .sig.by_other = true, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { 0 } };
	static const struct expected of_passed[] = { { DAY, PGP_STANDING_GOOD }, { 3 * DAY, PGP_STANDING_GOOD } };

	(void)state;
	check_rows(away, of_away, 2, 4, false, "flags taken away");
	check_rows(back, of_back, 3, 4, false, "a newer one expired");
	check_rows(passed, of_passed, 2, 4, false, "what does not count");
}

/* ---- key expiry on direct-key and user ID signatures ---- */

static void
key_expiry(void **state)
{
	/* 0: the subpacket is not there; otherwise days, KEY_DAYS(0) for never. */
	enum { FUTURE = KEY_DAYS(1000), PAST = KEY_DAYS(10), NEVER = KEY_DAYS(0) };
	static const struct {
		bool has_direct;
		int direct, user;
		bool has_second;
		int second;
		bool good;
	} rows[] = {
		{ false, 0, 0, false, 0, true },
		{ false, 0, FUTURE, false, 0, true },
		{ false, 0, NEVER, false, 0, true },
		{ true, FUTURE, 0, false, 0, true },
		{ true, NEVER, 0, false, 0, true },
		{ false, 0, 0, true, FUTURE, true },
		{ false, 0, PAST, false, 0, false },
		{ true, PAST, 0, false, 0, false },
		/* Both: a v4 key's primary user ID speaks for it (section 5.2.3.10). */
		{ true, PAST, FUTURE, false, 0, true },
		{ true, FUTURE, PAST, false, 0, false },
		{ true, PAST, NEVER, false, 0, true },
		{ true, NEVER, PAST, false, 0, false },
		/* Another user ID than the primary one neither expires the key nor saves it. */
		{ false, 0, 0, true, PAST, true },
		{ false, 0, PAST, true, FUTURE, false },
		{ true, PAST, 0, true, FUTURE, false },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct step direct = { DIRECT_SIG, .key_expires = rows[i].direct };
		const struct step user = { USER_SIG, SELF_SIGNS, .primary_user = true, .key_expires = rows[i].user };
		const struct step second = { USER_SIG, SELF_SIGNS, .key_expires = rows[i].second, .sig.at = DAY };
		char name[40];

		(void)snprintf(name, sizeof name, "expiry row %zu", i);
		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		if (rows[i].has_direct)
			kit_step(&k, &direct);
		kit_step(&k, &(struct step){ .what = PUT_USER });
		kit_step(&k, &user);
		if (rows[i].has_second) {
			kit_step(&k, &(struct step){ .what = PUT_USER2 });
			kit_step(&k, &second);
		}
		check(&k, k.primary, 20 * DAY, rows[i].good, PGP_STANDING_EXPIRED, name);
	}
	kit_done(&k);
}

/* In v6 only the direct-key signature speaks for the key, and without one it is no key (sections 5.2.3.10, 10.1.1). */
static void
version_6_needs_its_direct_key_signature(void **state)
{
	static const struct step good[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG, SELF_SIGNS }, { 0 } };
	static const struct step none[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG, SELF_SIGNS },
		{ 0 } };
	static const struct step expires[] = { { .what = PUT_PRIMARY },
		{ DIRECT_SIG, SELF_SIGNS, .key_expires = KEY_DAYS(10) }, { .what = PUT_USER },
		{ USER_SIG, SELF_SIGNS, .key_expires = KEY_DAYS(1000), .sig.at = DAY }, { 0 } };
	static const struct step no_flags[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG }, { .what = PUT_USER },
		{ USER_SIG, SELF_SIGNS, .primary_user = true }, { 0 } };
	static const struct expected is_good[] = { { DAY, PGP_STANDING_GOOD } };
	static const struct expected unbound[] = { { DAY, PGP_STANDING_UNBOUND } };
	static const struct expected expired[] = { { 2 * DAY, PGP_STANDING_GOOD }, { 20 * DAY, PGP_STANDING_EXPIRED } };
	static const struct expected cannot[] = { { DAY, PGP_STANDING_POLICY } };

	(void)state;
	check_rows(good, is_good, 1, 6, false, "v6 without user ID");
	check_rows(none, unbound, 1, 6, false, "v6 without direct-key signature");
	check_rows(expires, expired, 2, 6, false, "v6 expiry of the direct-key signature");
	check_rows(no_flags, cannot, 1, 6, false, "v6 flags of a user ID");
	/* The same in v4, where a certificate without user ID is one as well. */
	check_rows(good, is_good, 1, 4, false, "v4 without user ID");
	check_rows(none, is_good, 1, 4, false, "v4 without direct-key signature");
}

static void
count(void **state)
{
	(void)state;
	print_message("# %u vectors\n", vectors);
	assert_true(vectors >= 195);
}

UNIT_MAIN(UNIT_TEST(revocations), UNIT_TEST(temporary_validity), UNIT_TEST(hard_revocations_stay),
    UNIT_TEST(extended_keys), UNIT_TEST(superseded_self_signatures), UNIT_TEST(key_expiry),
    UNIT_TEST(version_6_needs_its_direct_key_signature), UNIT_TEST(count))
