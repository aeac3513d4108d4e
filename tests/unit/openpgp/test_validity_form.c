/* SPDX-License-Identifier: ISC */
/* lint: one table of cases; its rows and what reads them belong together */
/*
 * Certificates and signatures in odd forms: subpackets where one does not
 * expect them, several issuers and back signatures, key flags from several
 * places, packets doubled, foreign or unknown, floods. What is expected is
 * what RFC 9580 says, by section.
 */
#include <time.h>

#include "unit.h"

#include "base/mem.h"
#include "openpgp/cert/change.h"
#include "openpgp/limits.h"
#include "openpgp/cert/selfsig.h"
#include "validity_kit.h"

#define NOW (10 * MONTH)

#define USER_SIG .what = MAKE, .sig.type = PGP_SIG_CERT_POSITIVE
#define DIRECT_SIG .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY
#define SUB_SIG .what = MAKE, .sig.type = PGP_SIG_SUBKEY_BINDING
#define SUB_BINDING SUB_SIG, .flags = GIVEN(PGP_FLAG_SIGN), .with_back = true

static unsigned vectors;

static void
check_verdict(const struct pgp_verdict *v, bool good, const char *name)
{
	vectors++;
	if ((v->kind == PGP_VERDICT_GOOD) != good || (v->code == 0) != good)
		fail_msg("%s: kind %d, %s (%s)", name, (int)v->kind, pgp_standing_name(v->standing), v->reason);
}

static void
check(struct kit *k, const struct pgp_key *key, bool good, const char *name)
{
	struct pgp_verdict v = kit_verdict(k, key, MONTH, NOW);

	check_verdict(&v, good, name);
}

/* Primary that certifies, user ID, signing subkey: what is bound last is the row's. */
static void
put_frame(struct kit *k)
{
	static const struct step frame[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { .what = PUT_SUBKEY }, { 0 } };

	kit_steps(k, frame);
}

/* ---- subpackets of bindings, back signatures, and signatures over data ---- */

static const struct {
	const char *name;
	struct own_sig sig;
	bool good;
} forms[] = {
	{ "as everybody does", { 0 }, true },
	{ "fingerprint unhashed", { .issuer = ISSUER_FPR_UNHASHED }, true },
	{ "key ID unhashed", { .issuer = ISSUER_ID_UNHASHED }, true },
	{ "key ID hashed", { .issuer = ISSUER_ID_HASHED }, true },
	{ "key ID, and a fingerprint of version 6", { .issuer = ISSUER_ID_FAKE_V6 }, true },
	{ "key ID, then another", { .issuer = ISSUER_ID_THEN_FAKE }, true },
	{ "another key ID, then its own", { .issuer = ISSUER_FAKE_THEN_ID }, true },
	{ "no issuer at all", { .issuer = ISSUER_NONE }, true },
	{ "unknown subpacket", { .odd = ODD_UNKNOWN }, true },
	{ "critical unknown subpacket", { .odd = ODD_CRITICAL }, false },
	{ "unknown subpacket, unhashed", { .odd_unhashed = ODD_UNKNOWN }, true },
	{ "critical unknown subpacket, unhashed", { .odd_unhashed = ODD_CRITICAL }, true },
	{ "unknown notation", { .odd = ODD_NOTATION }, true },
	{ "critical unknown notation", { .odd = ODD_CRITICAL_NOTATION }, false },
	{ "unknown notation, unhashed", { .odd_unhashed = ODD_NOTATION }, true },
	{ "critical unknown notation, unhashed", { .odd_unhashed = ODD_CRITICAL_NOTATION }, true },
	{ "no creation time", { .no_time = true }, false },
	{ "creation time unhashed", { .time_unhashed = true }, false },
	{ "wrong arithmetic", { .bad = true }, false },
	{ "from the future", { .at = NOW + DAY }, false },
	{ "expired", { .at = 1, .expires = 60 }, false },
};

/* Section 5.2.3.12: key IDs belong to version 4. */
static bool
applies(size_t i, uint8_t version)
{
	return version == 4 || forms[i].sig.issuer < ISSUER_ID_UNHASHED || forms[i].sig.issuer == ISSUER_NONE;
}

static struct own_sig
form(size_t i, uint8_t type)
{
	struct own_sig s = forms[i].sig;

	s.type = type;
	return s;
}

static void
subpackets_of_bindings(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct kit k;

		kit_new(&k, version);
		for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
			const struct step bound = { .what = MAKE,
				.sig = form(i, PGP_SIG_SUBKEY_BINDING),
				.flags = GIVEN(PGP_FLAG_SIGN),
				.with_back = true };
			const struct step back = { SUB_BINDING, .back = form(i, PGP_SIG_PRIMARY_BINDING) };

			if (!applies(i, version))
				continue;
			put_frame(&k);
			kit_step(&k, &bound);
			check(&k, k.signer, forms[i].good, forms[i].name);
			put_frame(&k);
			kit_step(&k, &back);
			check(&k, k.signer, forms[i].good, forms[i].name);
		}
		kit_done(&k);
	}
}

static void
subpackets_of_data_signatures(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN) },
		{ 0 } };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct kit k;

		kit_new(&k, version);
		kit_steps(&k, steps);
		for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
			struct own_sig s = form(i, PGP_SIG_BINARY);
			struct pgp_verdict v;

			if (!applies(i, version))
				continue;
			v = kit_verdict_among(&k, k.primary, &s, SLICE_EMPTY, &policy);
			check_verdict(&v, forms[i].good, forms[i].name);
		}
		kit_done(&k);
	}
}

/* Errors are told apart by the verdict's code. */
static void
codes_of_verdicts(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN) },
		{ 0 } };
	static const struct {
		struct own_sig sig;
		bool other;
		int code;
		enum pgp_verdict_kind kind;
		enum pgp_standing standing;
	} rows[] = {
		{ { 0 }, false, 0, PGP_VERDICT_GOOD, PGP_STANDING_GOOD },
		{ { .odd = ODD_CRITICAL }, false, ERR_SYNTAX, PGP_VERDICT_INVALID, PGP_STANDING_GOOD },
		{ { .bad = true }, false, ERR_SIGNATURE, PGP_VERDICT_BAD, PGP_STANDING_GOOD },
		{ { 0 }, true, ERR_NO_KEY, PGP_VERDICT_NO_KEY, PGP_STANDING_GOOD },
		{ { .expires = 1 }, false, ERR_POLICY, PGP_VERDICT_INVALID, PGP_STANDING_EXPIRED },
		{ { .at = NOW + DAY }, false, ERR_POLICY, PGP_VERDICT_INVALID, PGP_STANDING_NOT_YET },
		{ { .type = PGP_SIG_STANDALONE }, false, ERR_SYNTAX, PGP_VERDICT_INVALID, PGP_STANDING_GOOD },
	};
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	kit_steps(&k, steps);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_sig_target t = { .primary = k.primary };
		struct own_sig s = rows[i].sig;
		struct pgp_certs certs = { 0 };
		struct pgp_verdict v;
		struct pgp_hash *h;
		struct pgp_sig sig;
		struct buf body;

		buf_init(&body, 1 << 16);
		kit_sign(&s, &t, SLICE("data"), rows[i].other ? k.signer : k.primary, kit_keys(&k), SLICE_EMPTY,
		    SLICE_EMPTY, &body);
		assert_ok(pgp_certs_parse(buf_slice(&k.out), &certs, &unit_error));
		assert_ok(pgp_sig_parse(buf_slice(&body), &sig, &unit_error));
		assert_ok(pgp_hash_new(&h, sig.hash, sig.type, sig.salt, &unit_error));
		assert_ok(pgp_hash_feed(h, SLICE("data"), &unit_error));
		assert_ok(pgp_verify_data(&sig, h, &certs, &policy, &v, &unit_error));
		if (v.code != rows[i].code || v.kind != rows[i].kind || v.standing != rows[i].standing)
			fail_msg("row %zu: code %d, kind %d, standing %d: %s", i, v.code, (int)v.kind, (int)v.standing,
			    v.reason);
		pgp_hash_free(h);
		pgp_certs_done(&certs);
		buf_done(&body);
	}
	kit_done(&k);
}

static void
back_signatures(void **state)
{
	static const struct {
		const char *name;
		struct step step;
		bool good;
	} rows[] = {
		{ "unhashed", { SUB_BINDING }, true },
		{ "hashed", { SUB_BINDING, .back_hashed = true }, true },
		{ "none", { SUB_SIG, .flags = GIVEN(PGP_FLAG_SIGN) }, false },
		{ "older than the binding", { SUB_BINDING, .sig.at = DAY, .back.at = 1 }, true },
		{ "younger than the binding", { SUB_BINDING, .back.at = 2 * MONTH }, true },
		{ "expired", { SUB_BINDING, .back.expires = DAY }, false },
		{ "by the primary key", { SUB_BINDING, .back.by_other = true }, false },
		{ "of another type", { SUB_BINDING, .back.type = PGP_SIG_SUBKEY_BINDING }, false },
		{ "a fake one behind", { SUB_BINDING, .fake_back_last = true }, true },
		{ "a fake one in front", { SUB_BINDING, .fake_back_first = true }, true },
		{ "only a fake one", { SUB_SIG, .flags = GIVEN(PGP_FLAG_SIGN), .fake_back_first = true }, false },
	};
	static const struct step older[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { .what = PUT_SUBKEY }, { SUB_BINDING },
		{ SUB_SIG, .sig.at = DAY, .flags = GIVEN(PGP_FLAG_SIGN) }, { 0 } };
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_frame(&k);
		kit_step(&k, &rows[i].step);
		check(&k, k.signer, rows[i].good, rows[i].name);
	}
	/* A binding of a signing subkey without one is no valid binding: the one before counts. */
	kit_steps(&k, older);
	check(&k, k.signer, true, "a newer binding without back signature");
	kit_done(&k);
}

/* ---- key flags ---- */

static void
key_flags(void **state)
{
	enum { C = PGP_FLAG_CERTIFY, S = PGP_FLAG_SIGN, E = PGP_FLAG_ENCRYPT };
	static const struct {
		const char *name;
		int direct, direct2, user, subkey, subkey2;
		bool has_direct, good;
	} rows[] = {
		{ "u[C] s[S]", 0, 0, GIVEN(C), GIVEN(S), 0, false, true },
		{ "u[C] s[E]", 0, 0, GIVEN(C), GIVEN(E), 0, false, false },
		{ "u[CS] s: missing are none", 0, 0, GIVEN(C | S), 0, 0, false, false },
		/* Section 5.2.3.9: the last of several. */
		{ "u[C] s[][S]", 0, 0, GIVEN(C), GIVEN(0), GIVEN(S), false, true },
		{ "u[C] s[S][]", 0, 0, GIVEN(C), GIVEN(S), GIVEN(0), false, false },
		/* Section 5.2.3.10: what the direct-key signature says applies to the entire key. */
		{ "p[CS] u[C] s", GIVEN(C | S), 0, GIVEN(C), 0, 0, true, true },
		{ "p[CE] u[C] s", GIVEN(C | E), 0, GIVEN(C), 0, 0, true, false },
		{ "p[C][CS] u[C] s", GIVEN(C), GIVEN(C | S), GIVEN(C), 0, 0, true, true },
		{ "p[CS][C] u[C] s", GIVEN(C | S), GIVEN(C), GIVEN(C), 0, 0, true, false },
		{ "p[] u[C] s[]", GIVEN(0), 0, GIVEN(C), GIVEN(0), 0, true, false },
		{ "p[] u[C] s[S]", GIVEN(0), 0, GIVEN(C), GIVEN(S), 0, true, true },
		{ "p[S] u[C] s[]", GIVEN(S), 0, GIVEN(C), GIVEN(0), 0, true, false },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct step direct = { DIRECT_SIG, .flags = rows[i].direct, .flags2 = rows[i].direct2 };
		const struct step user = { USER_SIG, .flags = rows[i].user };
		const struct step sub = { SUB_SIG, .flags = rows[i].subkey, .flags2 = rows[i].subkey2,
			.with_back = true };

		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		if (rows[i].has_direct)
			kit_step(&k, &direct);
		kit_step(&k, &(struct step){ .what = PUT_USER });
		kit_step(&k, &user);
		kit_step(&k, &(struct step){ .what = PUT_SUBKEY });
		kit_step(&k, &sub);
		check(&k, k.signer, rows[i].good, rows[i].name);
	}
	kit_done(&k);
}

/* No flags anywhere: a v4 primary key may do more when the policy's rule says so, and the refusal names that rule. */
static void
key_flags_nowhere(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { USER_SIG }, { 0 } };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct own_sig sig = { .at = MONTH };
	struct pgp_verdict v;
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	kit_steps(&k, steps);
	v = kit_verdict_among(&k, k.primary, &sig, SLICE_EMPTY, &policy);
	check_verdict(&v, false, "no flags");
	assert_non_null(strstr(v.reason, "(rule no-flags)"));
	assert_ok(pgp_policy_override(&policy, SLICE("no-flags"), &unit_error));
	v = kit_verdict_among(&k, k.primary, &sig, SLICE_EMPTY, &policy);
	check_verdict(&v, true, "no flags, overridden");
	kit_done(&k);
}

/* ---- packets doubled, foreign, unknown ---- */

static void
put_raw(struct kit *k, uint8_t type, const uint8_t *body, size_t len)
{
	(void)pgp_packet_write(&k->out, type, slice_of(body, len));
}

/* A subkey that nobody here understands, with a binding over it. size: octets of its material. */
static void
put_mock_subkey(struct kit *k, uint8_t version, uint8_t algorithm, size_t size)
{
	const uint8_t head[] = { version, T1 >> 24, (uint8_t)(T1 >> 16), (uint8_t)(T1 >> 8), (uint8_t)T1, algorithm };
	static const uint8_t oid[] = { 9, 0x2b, 6, 1, 4, 1, 0x82, 0xa2, 0x5a, 0x63 };
	const struct step binding = { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) };
	struct buf body;

	buf_init(&body, 4 << 20);
	(void)buf_put(&body, head, sizeof head);
	if (algorithm == PGP_ECDSA || algorithm == PGP_ECDH || algorithm == PGP_EDDSA_LEGACY)
		(void)buf_put(&body, oid, sizeof oid);
	for (size_t i = 0; i < size; i++)
		(void)buf_put_u8(&body, (uint8_t)(i * 7));
	(void)pgp_packet_write(&k->out, PGP_PUBLIC_SUBKEY, buf_slice(&body));
	/* Over something else: nobody can check it anyway. */
	k->target = (struct pgp_sig_target){ .primary = k->primary, .subkey = k->crypt };
	kit_step(k, &binding);
	buf_done(&body);
}

static void
unknown_beside_good(void **state)
{
	static const uint8_t algorithms[] = { 99, PGP_ECDSA, PGP_EDDSA_LEGACY, PGP_ECDH };
	static const size_t sizes[] = { 0, 3, 512, 1046740 }; /* the last is a McEliece key's */
	static const uint8_t signature23[] = { 23, PGP_SIG_SUBKEY_BINDING, PGP_EDDSA_LEGACY, PGP_SHA256, 0, 0, 0, 0 };
	const struct step binding = { SUB_BINDING };
	char name[60];
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t a = 0; a < sizeof algorithms; a++)
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			(void)snprintf(name, sizeof name, "algorithm %u with %zu octets", algorithms[a], sizes[i]);
			put_frame(&k);
			kit_step(&k, &binding);
			put_mock_subkey(&k, 4, algorithms[a], sizes[i]);
			check(&k, k.signer, true, name);
			/* And in front. */
			buf_clear(&k.out);
			kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
			kit_step(&k, &(struct step){ .what = PUT_USER });
			kit_step(&k, &(struct step){ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) });
			put_mock_subkey(&k, 4, algorithms[a], sizes[i]);
			kit_step(&k, &(struct step){ .what = PUT_SUBKEY });
			kit_step(&k, &binding);
			check(&k, k.signer, true, name);
		}
	for (uint8_t version = 2; version < 24; version++) {
		(void)snprintf(name, sizeof name, "subkey of version %u", version);
		put_frame(&k);
		kit_step(&k, &binding);
		if (version != 4)
			put_mock_subkey(&k, version, PGP_EDDSA_LEGACY, 80);
		check(&k, k.signer, true, name);
	}
	put_frame(&k);
	put_raw(&k, PGP_SIGNATURE, signature23, sizeof signature23);
	kit_step(&k, &binding);
	check(&k, k.signer, true, "signature of version 23");
	kit_done(&k);
}

static void
perturbed_certificates(void **state)
{
#define P \
	{ \
		.what = PUT_PRIMARY \
	}
#define U \
	{ \
		.what = PUT_USER \
	}
#define UB \
	{ \
		USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) \
	}
#define S \
	{ \
		.what = PUT_SUBKEY \
	}
#define SB \
	{ \
		SUB_BINDING \
	}
#define M \
	{ \
		.what = PUT_MARKER \
	}
#define X \
	{ \
		.what = PUT_UNKNOWN \
	}
	static const struct {
		const char *name;
		struct step steps[10];
		bool good;
	} rows[] = {
		{ "P U UB U UB S SB", { P, U, UB, U, UB, S, SB }, true },
		{ "P U U UB S SB", { P, U, U, UB, S, SB }, true },
		{ "P U UB U S SB", { P, U, UB, U, S, SB }, true },
		{ "P U UB UB S SB", { P, U, UB, UB, S, SB }, true },
		{ "P U UB S SB S SB", { P, U, UB, S, SB, S, SB }, true },
		{ "P U UB S S SB", { P, U, UB, S, S, SB }, true },
		{ "P U UB S SB S", { P, U, UB, S, SB, S }, true },
		{ "P U UB S SB SB", { P, U, UB, S, SB, SB }, true },
		{ "P U UB S", { P, U, UB, S }, false },
		{ "P U S SB", { P, U, S, SB }, false },
		{ "P S SB", { P, S, SB }, false },
		{ "P U UB U* S SB", { P, U, UB, { .what = PUT_USER2 }, S, SB }, true },
		{ "P U UB S SB C", { P, U, UB, S, SB, { .what = PUT_CRYPT } }, true },
		{ "P M U UB S SB", { P, M, U, UB, S, SB }, true },
		{ "P U M UB S SB", { P, U, M, UB, S, SB }, true },
		{ "P U UB S M SB", { P, U, UB, S, M, SB }, true },
		{ "P U UB S SB X", { P, U, UB, S, SB, X }, true },
		{ "P U UB X S SB", { P, U, UB, X, S, SB }, true },
		{ "bad signature", { P, U, UB, S, SB, { SUB_BINDING, .sig.at = DAY, .sig.bad = true } }, true },
		{ "odd signature", { P, U, UB, S, SB, { .what = MAKE, .sig.type = PGP_SIG_BINARY } }, true },
		{ "revoked in its double",
		    { P, U, UB, S, SB, S, { .what = MAKE, .sig.type = PGP_SIG_SUBKEY_REVOCATION, .sig.at = DAY } },
		    false },
		{ "key revocation at the end",
		    { P, U, UB, S, SB, { .what = MAKE, .sig.type = PGP_SIG_KEY_REVOCATION, .sig.at = DAY } }, false },
		{ "user ID revoked in its double",
		    { P, U, UB, U, { .what = MAKE, .sig.type = PGP_SIG_CERT_REVOCATION, .sig.at = DAY }, S, SB },
		    false },
		{ "revocation of a subkey by the subkey",
		    { P, U, UB, S, SB,
			{ .what = MAKE, .sig.type = PGP_SIG_SUBKEY_REVOCATION, .sig.at = DAY, .sig.by_other = true } },
		    true },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		kit_steps(&k, rows[i].steps);
		check(&k, k.signer, rows[i].good, rows[i].name);
	}
	kit_done(&k);
#undef P
#undef U
#undef UB
#undef S
#undef SB
#undef M
#undef X
}

/* ---- user IDs ---- */

static void
primary_user_ids(void **state)
{
	static const struct {
		const char *name;
		struct step first, second;
		int want; /* 1 the first, 2 the second, 0 none */
	} rows[] = {
		{ "none is marked: the newer", { USER_SIG }, { USER_SIG, .sig.at = DAY }, 2 },
		{ "marked before newer", { USER_SIG, .primary_user = true }, { USER_SIG, .sig.at = DAY }, 1 },
		{ "both marked: the newer", { USER_SIG, .primary_user = true },
		    { USER_SIG, .primary_user = true, .sig.at = DAY }, 2 },
		{ "marked and expired", { USER_SIG, .primary_user = true, .sig.expires = DAY }, { USER_SIG }, 2 },
		{ "marked, not bound", { USER_SIG, .primary_user = true, .sig.bad = true }, { USER_SIG }, 2 },
		{ "neither bound", { USER_SIG, .sig.bad = true }, { USER_SIG, .sig.by_other = true }, 0 },
	};
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_cert_judgement j;
		struct pgp_cert *c;

		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		kit_step(&k, &(struct step){ .what = PUT_USER });
		kit_step(&k, &rows[i].first);
		kit_step(&k, &(struct step){ .what = PUT_USER2 });
		kit_step(&k, &rows[i].second);
		assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
		assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
		vectors++;
		if (j.primary_user_id != (rows[i].want == 0 ? SIZE_MAX : (size_t)rows[i].want))
			fail_msg("%s: %zu", rows[i].name, j.primary_user_id);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* ---- who else may revoke ---- */

static void
designated_revokers(void **state)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct own_sig sig = { .at = 2 * MONTH }, revocation = { .type = PGP_SIG_KEY_REVOCATION, .at = MONTH };
	struct kit k, friend, stranger;
	const struct kit *by[2];
	struct buf body;

	(void)state;
	kit_new(&k, 4);
	kit_new(&friend, 4);
	kit_new(&stranger, 4);
	by[0] = &friend;
	by[1] = &stranger;
	buf_init(&body, 1 << 16);
	for (size_t i = 0; i < 2; i++) {
		const struct step direct = { DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN),
			.revoker = &friend.primary->fingerprint };
		struct pgp_cert_judgement j;
		struct pgp_verdict v;
		struct pgp_cert *c;

		buf_clear(&k.out);
		buf_clear(&body);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		kit_sign(&revocation, &k.target, SLICE_EMPTY, by[i]->primary, kit_keys(by[i]), SLICE_EMPTY, SLICE_EMPTY,
		    &body);
		(void)pgp_packet_write(&k.out, PGP_SIGNATURE, buf_slice(&body));
		kit_step(&k, &direct);
		v = kit_verdict_among(&k, k.primary, &sig, by[i]->f.cert->raw, &policy);
		check_verdict(&v, i == 1, "revoked by somebody else");
		/* Without the revoker's certificate it cannot be known, and that is said. */
		assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
		assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
		assert_int_equal(j.standing, PGP_STANDING_GOOD);
		assert_int_equal(j.unverified_revocation, i == 0);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	buf_done(&body);
	kit_done(&k);
	kit_done(&friend);
	kit_done(&stranger);
}

/* ---- weak hashes and short keys, which need RSA ---- */

static void
weak_hashes(void **state)
{
	static const struct {
		const char *name;
		uint8_t user, sub, back, revocation; /* hashes; 0 of revocation: there is none */
		const char *override;
		bool good;
	} rows[] = {
		{ "SHA2-256", PGP_SHA256, PGP_SHA256, PGP_SHA256, 0, "", true },
		{ "SHA2-224", PGP_SHA224, PGP_SHA224, PGP_SHA224, 0, "", true },
		{ "SHA-1 user ID", PGP_SHA1, PGP_SHA256, PGP_SHA256, 0, "", false },
		{ "SHA-1 binding", PGP_SHA256, PGP_SHA1, PGP_SHA256, 0, "", false },
		{ "SHA-1 back signature", PGP_SHA256, PGP_SHA256, PGP_SHA1, 0, "", true },
		{ "MD5 back signature", PGP_SHA256, PGP_SHA256, PGP_MD5, 0, "", false },
		{ "SHA-1, overridden", PGP_SHA1, PGP_SHA1, PGP_SHA1, 0, "sha1:self", true },
		{ "SHA-1, overridden for data only", PGP_SHA1, PGP_SHA1, PGP_SHA1, 0, "sha1:data", false },
		{ "SHA-1, overridden until then", PGP_SHA1, PGP_SHA1, PGP_SHA1, 0, "sha1=2020-01-01", false },
		{ "SHA-1 revocation", PGP_SHA256, PGP_SHA256, PGP_SHA256, PGP_SHA1, "", false },
		{ "MD5 revocation", PGP_SHA256, PGP_SHA256, PGP_SHA256, PGP_MD5, "", true },
	};
	struct kit k;

	(void)state;
	kit_new_rsa(&k, 2048);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		/* After the end of SHA-1. */
		struct pgp_policy policy = pgp_policy_default(1770000000u);
		const struct step user = { USER_SIG, .sig.hash = rows[i].user, .flags = GIVEN(PGP_FLAG_CERTIFY) };
		const struct step sub = { SUB_BINDING, .sig.hash = rows[i].sub, .back.hash = rows[i].back };
		const struct step revocation = { .what = MAKE,
			.sig = { .type = PGP_SIG_KEY_REVOCATION, .hash = rows[i].revocation, .at = DAY } };
		struct own_sig sig = { .at = MONTH };
		struct pgp_verdict v;

		assert_ok(pgp_policy_override(&policy, slice_str(rows[i].override), &unit_error));
		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		if (rows[i].revocation != 0)
			kit_step(&k, &revocation);
		kit_step(&k, &(struct step){ .what = PUT_USER });
		kit_step(&k, &user);
		kit_step(&k, &(struct step){ .what = PUT_SUBKEY });
		kit_step(&k, &sub);
		v = kit_verdict_among(&k, k.signer, &sig, SLICE_EMPTY, &policy);
		check_verdict(&v, rows[i].good, rows[i].name);
		if (!rows[i].good && rows[i].revocation == 0)
			assert_non_null(strstr(v.reason, "(rule "));
	}
	kit_done(&k);
}

static void
short_rsa_keys(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_SIGN) }, { 0 } };
	struct pgp_policy standard = pgp_policy_default(T1 + NOW), archive = pgp_policy_archive(T1 + NOW);
	struct own_sig sig = { .at = MONTH };
	struct pgp_verdict v;
	struct kit k;

	(void)state;
	kit_new_rsa(&k, 1024);
	kit_steps(&k, steps);
	v = kit_verdict_among(&k, k.primary, &sig, SLICE_EMPTY, &standard);
	check_verdict(&v, false, "RSA of 1024 bits");
	assert_non_null(strstr(v.reason, "(rule rsa1024)"));
	v = kit_verdict_among(&k, k.primary, &sig, SLICE_EMPTY, &archive);
	check_verdict(&v, true, "RSA of 1024 bits in an archive");
	kit_done(&k);
}

/* ---- floods ---- */

/* Forged self-signatures with true digest octets around a true one: the worst that somebody else can add. */
static void
flood(struct kit *k, size_t before, size_t after, int32_t at, struct pgp_cert_judgement *j, struct pgp_cert **c)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	const struct step forged = { USER_SIG, .sig.at = at, .sig.bad = true, .flags = GIVEN(PGP_FLAG_CERTIFY) };
	struct buf one;
	size_t from;

	buf_clear(&k->out);
	kit_step(k, &(struct step){ .what = PUT_PRIMARY });
	kit_step(k, &(struct step){ .what = PUT_USER });
	from = k->out.len;
	kit_step(k, &forged);
	buf_init(&one, 1 << 16);
	(void)buf_put_slice(&one, slice_from(buf_slice(&k->out), from));
	for (size_t i = 1; i < before; i++)
		(void)buf_put_slice(&k->out, buf_slice(&one));
	if (before == 0)
		buf_truncate(&k->out, from);
	kit_step(k, &(struct step){ USER_SIG, .sig.at = DAY, .flags = GIVEN(PGP_FLAG_SIGN) });
	for (size_t i = 0; i < after; i++)
		(void)buf_put_slice(&k->out, buf_slice(&one));
	buf_done(&one);
	assert_ok(pgp_cert_parse(buf_slice(&k->out), c, NULL, &unit_error));
	assert_ok(pgp_cert_judge(*c, &policy, policy.now, j, &unit_error));
}

static void
floods_of_forged_self_signatures(void **state)
{
	static const struct {
		size_t before, after;
		int32_t at;
		bool found;
	} rows[] = {
		{ 0, 20000, 2 * DAY, true },      /* appended, newer: found in the certificate's order */
		{ 20000, 0, 0, true },            /* in front, older: found by age */
		{ 40, 20000, 2 * DAY, true },     /* some in front as well */
		{ 20000, 20000, 2 * DAY, false }, /* hidden, and said so */
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_cert_judgement j;
		struct pgp_cert *c;

		flood(&k, rows[i].before, rows[i].after, rows[i].at, &j, &c);
		vectors++;
		if ((j.components[1].standing == PGP_STANDING_GOOD) != rows[i].found ||
		    (!rows[i].found && !j.cut_short))
			fail_msg("row %zu: %s", i, j.components[1].reason);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* Forged revocations around a true one: they hide it no more easily than a binding. */
static void
floods_of_forged_revocations(void **state)
{
	static const struct {
		unsigned before, after;
		int32_t at;
		int reason;
		bool found;
	} rows[] = {
		{ 0, 200, 3 * DAY, 0, true }, /* appended, newer */
		{ 200, 0, DAY, 0, true },     /* in front, older */
		{ 60, 200, 3 * DAY, 0, true },
		{ 200, 200, 3 * DAY, 0, false }, /* hidden, and said so */
		{ 0, 200, 3 * DAY, GIVEN(PGP_REASON_RETIRED), true },
		{ 200, 0, DAY, GIVEN(PGP_REASON_RETIRED), true },
		{ 200, 200, 3 * DAY, GIVEN(PGP_REASON_RETIRED), false },
	};
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN) },
		{ 0 } };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct step forged = { .what = MAKE,
			.sig = { .type = PGP_SIG_KEY_REVOCATION, .at = rows[i].at, .bad = true },
			.reason = rows[i].reason };
		const struct step right = {
			.what = MAKE, .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = 2 * DAY }, .reason = rows[i].reason
		};
		struct pgp_cert_judgement j;
		struct pgp_cert *c;

		kit_steps(&k, steps);
		for (unsigned n = 0; n < rows[i].before; n++)
			kit_step(&k, &forged);
		kit_step(&k, &right);
		for (unsigned n = 0; n < rows[i].after; n++)
			kit_step(&k, &forged);
		assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
		assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
		vectors++;
		if ((j.standing != PGP_STANDING_GOOD) != rows[i].found || (!rows[i].found && !j.cut_short))
			fail_msg("row %zu: %s", i, j.components[0].reason);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* The same user ID four thousand times, with signatures in the certificate's own name behind each. */
static void
floods_of_doubles(void **state)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	const struct step user = { .what = PUT_USER }, bound = { USER_SIG, .flags = GIVEN(PGP_FLAG_SIGN) };
	struct pgp_cert_judgement j;
	struct pgp_cert *c;
	struct buf one;
	struct kit k;
	size_t from;

	(void)state;
	kit_new(&k, 4);
	kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
	from = k.out.len;
	kit_step(&k, &user);
	for (int i = 0; i < 5; i++)
		kit_step(&k, &bound);
	buf_init(&one, 1 << 16);
	(void)buf_put_slice(&one, slice_from(buf_slice(&k.out), from));
	for (int i = 1; i < 4000; i++)
		(void)buf_put_slice(&k.out, buf_slice(&one));
	assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	assert_int_equal(j.components[4000].standing, PGP_STANDING_GOOD);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	buf_done(&one);
	kit_done(&k);
}

/* Signatures that are true and yet do not count, in any number of copies: each costs a check all the same. */
static void
floods_of_true_signatures(void **state)
{
	static const struct pgp_fingerprint revoker = { .len = 20, .bytes = { 0xaa, 0xbb } };
	static const struct step user[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_SIGN) }, { .what = PUT_SUBKEY }, { 0 } };
	static const struct step primary[] = { { .what = PUT_PRIMARY }, { 0 } };
	static const struct step nameless[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER }, { 0 } };
	static const struct {
		const char *name;
		const struct step *steps;
		struct step flood;
		enum pgp_standing last; /* of the last component */
		unsigned forged;        /* newer forgeries in front */
	} rows[] = {
		{ "bindings without their back signature", user,
		    { .what = MAKE, .sig.type = PGP_SIG_SUBKEY_BINDING, .flags = GIVEN(PGP_FLAG_SIGN) },
		    PGP_STANDING_NO_BACK_SIGNATURE },
		{ "designated revokers", primary,
		    { .what = MAKE,
			.sig.type = PGP_SIG_DIRECT_KEY,
			.flags = GIVEN(PGP_FLAG_SIGN),
			.revoker = &revoker },
		    PGP_STANDING_GOOD },
		{ "copies behind forgeries", nameless, { USER_SIG, .flags = GIVEN(PGP_FLAG_SIGN) }, PGP_STANDING_GOOD,
		    100 },
	};
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_cert_judgement j;
		struct pgp_sig newest;
		struct pgp_cert *c;
		struct buf one;
		clock_t begun;
		size_t from;
		int rc;

		kit_steps(&k, rows[i].steps);
		for (unsigned n = 0; n < rows[i].forged; n++)
			kit_step(&k,
			    &(struct step){ USER_SIG, .sig.at = DAY, .sig.bad = true, .flags = GIVEN(PGP_FLAG_SIGN) });
		from = k.out.len;
		kit_step(&k, &rows[i].flood);
		buf_init(&one, 1 << 16);
		(void)buf_put_slice(&one, slice_from(buf_slice(&k.out), from));
		for (int n = 1; n < 50000; n++)
			(void)buf_put_slice(&k.out, buf_slice(&one));
		buf_done(&one);
		assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
		begun = clock();
		assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
		vectors++;
		if (j.components[j.count - 1].standing != rows[i].last)
			fail_msg("%s: %s", rows[i].name, j.components[j.count - 1].reason);
		rc = pgp_selfsig_newest(
		    c, &c->components[j.count - 1], PGP_SELFSIG_BINDING, policy.now, &newest, &unit_error);
		assert_ok(rc);
		assert_int_equal(newest.created, T1);
		/* Fifty thousand checks are four seconds and more. */
		if (clock() - begun > 3 * CLOCKS_PER_SEC)
			fail_msg("%s: %.1f s", rows[i].name, (double)(clock() - begun) / CLOCKS_PER_SEC);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* A signature that names nobody costs a bounded number of checks, however many certificates there are. */
static void
nameless_signatures(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN) },
		{ 0 } };
	const struct own_sig sig = { .at = DAY, .issuer = ISSUER_NONE }, named = { .at = DAY };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct kit others, k;
	struct pgp_verdict v;
	struct buf mine;

	(void)state;
	kit_new(&others, 4);
	kit_new(&k, 4);
	kit_steps(&k, steps);
	kit_steps(&others, steps);
	buf_init(&mine, 1 << 20);
	(void)buf_put_slice(&mine, buf_slice(&k.out));
	buf_clear(&k.out);
	for (unsigned i = 1; i < PGP_SIGNER_TRIES_MAX; i++)
		(void)buf_put_slice(&k.out, buf_slice(&others.out));
	v = kit_verdict_among(&k, k.primary, &sig, buf_slice(&mine), &policy);
	check_verdict(&v, true, "the last one that is tried");
	(void)buf_put_slice(&k.out, buf_slice(&others.out));
	v = kit_verdict_among(&k, k.primary, &sig, buf_slice(&mine), &policy);
	check_verdict(&v, false, "behind as many as are tried");
	v = kit_verdict_among(&k, k.primary, &named, buf_slice(&mine), &policy);
	check_verdict(&v, true, "one that names its key");
	buf_done(&mine);
	kit_done(&k);
	kit_done(&others);
}

/* A picture of a megabyte, and signatures each of which has a hash of its own over it. */
static void
floods_over_a_picture(void **state)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	const struct step forged = { USER_SIG, .sig.bad = true, .flags = GIVEN(PGP_FLAG_CERTIFY) };
	struct pgp_cert_judgement j;
	struct pgp_cert *c;
	struct buf one, picture;
	clock_t begun;
	struct kit k;
	size_t from;

	(void)state;
	kit_new(&k, 6);
	buf_init(&one, 1 << 16);
	buf_init(&picture, PGP_USER_BODY_MAX);
	while (buf_put_u8(&picture, 'x') == 0)
		continue;
	kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
	kit_step(&k, &(struct step){ DIRECT_SIG, .flags = GIVEN(PGP_FLAG_SIGN) });
	(void)pgp_packet_write(&k.out, PGP_USER_ATTRIBUTE, buf_slice(&picture));
	k.target.user_type = PGP_USER_ATTRIBUTE;
	k.target.user = buf_slice(&picture);
	from = k.out.len;
	kit_step(&k, &forged);
	(void)buf_put_slice(&one, slice_from(buf_slice(&k.out), from));
	for (int i = 1; i < 10000; i++)
		(void)buf_put_slice(&k.out, buf_slice(&one));
	assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
	begun = clock();
	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	assert_int_equal(j.components[1].standing, PGP_STANDING_UNBOUND);
	assert_true(j.cut_short);
	if (clock() - begun > 3 * CLOCKS_PER_SEC)
		fail_msg("%.1f s", (double)(clock() - begun) / CLOCKS_PER_SEC);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	buf_done(&one);
	buf_done(&picture);
	kit_done(&k);
}

/* A forged back signature in front of the true one: a change carries the true one on, and does not ask for a new one. */
static void
changes_keep_the_true_back_signature(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { .what = PUT_SUBKEY },
		{ SUB_BINDING, .fake_back_first = true }, { 0 } };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct pgp_memory_keys *primary_only;
	struct secret s = SECRET_EMPTY;
	struct pgp_cert_judgement j;
	struct pgp_change change;
	struct pgp_cert *c;
	struct buf out;
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	kit_steps(&k, steps);
	buf_init(&out, 1 << 20);
	assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
	assert_ok(pgp_memory_keys_new(&primary_only, &unit_error));
	assert_ok(pgp_key_unlock(k.primary, SLICE_EMPTY, &s, &unit_error));
	assert_ok(pgp_memory_keys_add(primary_only, k.primary, secret_slice(&s), &unit_error));
	secret_done(&s);
	change = (struct pgp_change){ c, pgp_memory_keys_ops(primary_only), &policy };
	assert_ok(pgp_change_expiry(&change, pgp_cert_key(c, 1), T1 + 2 * NOW, &out, &unit_error));
	pgp_cert_free(c);
	assert_ok(pgp_cert_parse(buf_slice(&out), &c, NULL, &unit_error));
	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.components[2].standing, PGP_STANDING_GOOD);
	assert_int_equal(j.components[2].expires, T1 + 2 * NOW);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	pgp_memory_keys_free(primary_only);
	buf_done(&out);
	kit_done(&k);
}

static void
failed_allocations(void **state)
{
	static const struct step steps[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
		{ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) },
		{ .what = MAKE, .sig.type = PGP_SIG_CERT_REVOCATION, .reason = GIVEN(PGP_REASON_USER_ID_INVALID) },
		{ .what = PUT_SUBKEY }, { SUB_BINDING }, { 0 } };
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct pgp_cert_judgement j;
	struct pgp_cert *c;
	struct kit k;
	int rc = -1;

	(void)state;
	kit_new(&k, 6);
	kit_steps(&k, steps);
	assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
	for (long n = 0; rc != 0; n++) {
		mem_fail_after(n);
		rc = pgp_cert_judge(c, &policy, policy.now, &j, &unit_error);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_true(n < 1000);
	}
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	kit_done(&k);
}

static void
count(void **state)
{
	(void)state;
	print_message("# %u vectors\n", vectors);
	assert_true(vectors >= 240);
}

UNIT_MAIN(UNIT_TEST(subpackets_of_bindings), UNIT_TEST(subpackets_of_data_signatures), UNIT_TEST(codes_of_verdicts),
    UNIT_TEST(back_signatures), UNIT_TEST(key_flags), UNIT_TEST(key_flags_nowhere), UNIT_TEST(unknown_beside_good),
    UNIT_TEST(perturbed_certificates), UNIT_TEST(primary_user_ids), UNIT_TEST(designated_revokers),
    UNIT_TEST(weak_hashes), UNIT_TEST(short_rsa_keys), UNIT_TEST(floods_of_forged_self_signatures),
    UNIT_TEST(floods_of_forged_revocations), UNIT_TEST(floods_of_doubles), UNIT_TEST(floods_of_true_signatures),
    UNIT_TEST(floods_over_a_picture), UNIT_TEST(nameless_signatures), UNIT_TEST(changes_keep_the_true_back_signature),
    UNIT_TEST(failed_allocations), UNIT_TEST(count))
