/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "openpgp/message/negotiate.h"

#include "openpgp_helpers.h"

#define V1 PGP_FEATURE_SEIPD1
#define V2 (PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2)

struct voice {
	uint32_t features;
	const char *ciphers, *suites; /* NULL: says nothing */
};

static void
what_all_announce(void **state)
{
	static const struct {
		const char *name;
		struct voice voices[3];
		size_t count;
		struct pgp_negotiation_wishes wishes;
		enum pgp_container container;
		uint8_t cipher, aead;
	} rows[] = {
		{ "nobody", { { 0 } }, 0, { 0 }, PGP_CONTAINER_SEIPD2, PGP_AES256, PGP_OCB },
		{ "nobody, RFC 4880", { { 0 } }, 0, { .only_seipd1 = true }, PGP_CONTAINER_SEIPD1, PGP_AES256, 0 },
		{ "nobody, GCM", { { 0 } }, 0, { .aead = PGP_GCM }, PGP_CONTAINER_SEIPD2, PGP_AES256, PGP_GCM },
		{ "one with all", { { V2, "\x09\x08\x07", "\x09\x02\x09\x03\x07\x02" } }, 1, { 0 },
		    PGP_CONTAINER_SEIPD2, PGP_AES256, PGP_OCB },
		{ "one without suites has AES-128 with OCB", { { V2, "\x09", NULL } }, 1, { 0 }, PGP_CONTAINER_SEIPD2,
		    PGP_AES128, PGP_OCB },
		{ "one with GCM only", { { V2, NULL, "\x09\x03" } }, 1, { 0 }, PGP_CONTAINER_SEIPD2, PGP_AES256,
		    PGP_GCM },
		{ "a wish that all share", { { V2, NULL, "\x09\x02\x09\x01" }, { V2, NULL, "\x09\x01\x09\x02" } }, 2,
		    { .aead = PGP_EAX }, PGP_CONTAINER_SEIPD2, PGP_AES256, PGP_EAX },
		{ "a wish that not all share", { { V2, NULL, "\x09\x02\x09\x01" }, { V2, NULL, "\x09\x02" } }, 2,
		    { .aead = PGP_EAX }, PGP_CONTAINER_SEIPD2, PGP_AES256, PGP_OCB },
		{ "one reads version 1 only", { { V2, "\x09", "\x09\x02" }, { V1, "\x09\x07", NULL } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD1, PGP_AES256, 0 },
		{ "the order does not matter", { { V1, "\x09\x07", NULL }, { V2, "\x09", "\x09\x02" } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD1, PGP_AES256, 0 },
		{ "what both have", { { V1, "\x09\x08\x07", NULL }, { V1, "\x08\x07", NULL } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD1, PGP_AES192, 0 },
		{ "an attacker's key that wants 3DES", { { V1, "\x09\x08\x07", NULL }, { V1, "\x02", NULL } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD1, PGP_AES128, 0 },
		{ "an attacker's key that wants no cipher and no container",
		    { { V2, "\x09", "\x09\x02" }, { 0, "\x00\x01\x03\x04", "\x00\x00\x02\x02\x07" } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD1, PGP_AES128, 0 },
		{ "an attacker's key with suites of nonsense",
		    { { V2, NULL, "\x09\x02" }, { V2, NULL, "\x02\x02\x03\x01\x0a\x02\x09\x09\x09" } }, 2, { 0 },
		    PGP_CONTAINER_SEIPD2, PGP_AES128, PGP_OCB },
		{ "says nothing of version 1's ciphers", { { V1, NULL, NULL } }, 1, { 0 }, PGP_CONTAINER_SEIPD1,
		    PGP_AES256, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_negotiation n;
		enum pgp_container container;
		uint8_t cipher, aead;

		pgp_negotiation_begin(&n, &rows[i].wishes);
		for (size_t v = 0; v < rows[i].count; v++) {
			const struct voice *voice = &rows[i].voices[v];
			struct pgp_cert_judgement j = { .features = voice->features };

			if (voice->ciphers != NULL)
				j.preferred_ciphers =
				    slice_of(voice->ciphers, strlen(voice->ciphers) == 0 ? 4 : strlen(voice->ciphers));
			if (voice->suites != NULL)
				j.preferred_aead =
				    slice_of(voice->suites, strlen(voice->suites) == 0 ? 5 : strlen(voice->suites));
			pgp_negotiation_add(&n, &j);
		}
		pgp_negotiation_end(&n, &container, &cipher, &aead);
		if (container != rows[i].container || cipher != rows[i].cipher || aead != rows[i].aead)
			fail_msg("%s: container %d, cipher %u, AEAD %u", rows[i].name, (int)container, cipher, aead);
	}
}

/* Certificates of our own making: version 6 and, on request, 4 announce SEIPDv2, in what their signatures cover. */
static void
from_certificates(void **state)
{
	static const struct {
		uint8_t first, second;
		enum pgp_container want;
	} rows[] = {
		{ 6, 6, PGP_CONTAINER_SEIPD2 },
		{ 6, 4, PGP_CONTAINER_SEIPD1 },
		{ 4, 4, PGP_CONTAINER_SEIPD1 },
	};
	const struct pgp_negotiation_wishes wishes = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pgp_policy policy = pgp_policy_default(1700000010);
		struct pgp_negotiation n;
		enum pgp_container container;
		uint8_t cipher, aead;

		pgp_negotiation_begin(&n, &wishes);
		for (int k = 0; k < 2; k++) {
			struct pgp_cert_judgement j;
			struct fixture f;

			fixture_new(&f, k == 0 ? rows[i].first : rows[i].second, 1700000000, false);
			assert_ok(pgp_cert_judge(f.cert, &policy, policy.now, &j, &unit_error));
			pgp_negotiation_add(&n, &j);
			pgp_cert_judgement_done(&j);
			fixture_done(&f);
		}
		pgp_negotiation_end(&n, &container, &cipher, &aead);
		assert_int_equal(container, rows[i].want);
		assert_int_equal(cipher, PGP_AES256);
		assert_int_equal(aead, container == PGP_CONTAINER_SEIPD2 ? PGP_OCB : 0);
	}
}

/* A version 4 signature with one subpacket more in what it does not cover: features with SEIPDv2. */
static void
put_with_features(struct buf *out, struct slice sig)
{
	size_t hashed = (size_t)(sig.data[4] << 8 | sig.data[5]), at = 6 + hashed;
	size_t unhashed = (size_t)(sig.data[at] << 8 | sig.data[at + 1]);
	struct buf body;

	buf_init(&body, 1 << 16);
	(void)buf_put_slice(&body, slice_sub(sig, 0, at));
	(void)buf_put_u16(&body, (uint16_t)(unhashed + 3));
	(void)buf_put(&body, "\2\x1e\x09", 3);
	(void)buf_put_slice(&body, slice_from(sig, at + 2));
	assert_int_equal(pgp_packet_write(out, PGP_SIGNATURE, buf_slice(&body)), 0);
	buf_done(&body);
}

/* What anybody can add to a certificate decides nothing. */
static void
unhashed_features_do_not_count(void **state)
{
	const struct pgp_negotiation_wishes wishes = { 0 };
	struct pgp_policy policy = pgp_policy_default(1700000010);
	struct pgp_cert_judgement j;
	struct pgp_negotiation n;
	enum pgp_container container;
	struct pgp_certs certs = { 0 };
	struct pgp_packet p;
	struct fixture f;
	struct buf forged;
	uint8_t cipher, aead;
	size_t at = 0;

	(void)state;
	fixture_new(&f, 4, 1700000000, false);
	buf_init(&forged, 1 << 16);
	while (pgp_packet_next(f.cert->raw, &at, &p, &unit_error) == 1) {
		if (p.header.type == PGP_SIGNATURE)
			put_with_features(&forged, p.body);
		else
			(void)buf_put_slice(&forged, p.raw);
	}
	assert_ok(pgp_certs_parse(buf_slice(&forged), &certs, &unit_error));
	assert_ok(pgp_cert_judge(certs.items[0], &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	pgp_negotiation_begin(&n, &wishes);
	pgp_negotiation_add(&n, &j);
	pgp_negotiation_end(&n, &container, &cipher, &aead);
	assert_int_equal(container, PGP_CONTAINER_SEIPD1);
	pgp_cert_judgement_done(&j);
	pgp_certs_done(&certs);
	buf_done(&forged);
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(unhashed_features_do_not_count), UNIT_TEST(what_all_announce), UNIT_TEST(from_certificates))
