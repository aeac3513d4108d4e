/* SPDX-License-Identifier: ISC */
/*
 * What has gone wrong elsewhere with certificates: one test for each known case
 * (doc/pitfalls.md), each with the same thing done rightly beside it, so that
 * nothing is refused for another reason.
 */
#include "unit.h"

#include <time.h>

#include "base/mem.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "validity_kit.h"

#define NOW (10 * MONTH)

#define USER_SIG .what = MAKE, .sig.type = PGP_SIG_CERT_POSITIVE
#define SUB_SIG .what = MAKE, .sig.type = PGP_SIG_SUBKEY_BINDING

static struct pgp_cert *
parsed(const struct kit *k)
{
	struct pgp_cert *c;

	assert_ok(pgp_cert_parse(buf_slice(&k->out), &c, NULL, &unit_error));
	return c;
}

static struct pgp_cert_judgement
judged(const struct pgp_cert *c)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct pgp_cert_judgement j;

	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	return j;
}

/* How many keys of the certificate may be written to. */
static size_t
readers(const struct pgp_cert *c)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct pgp_cert_judgement j = judged(c);
	const struct pgp_key *keys[8];
	size_t n = pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, keys, 8, NULL);

	pgp_cert_judgement_done(&j);
	return n;
}

/* ---- types ---- */

/* A signature of this type over the octets that a certification or binding of the last thing put is over. */
static void
sign_as_document(struct kit *k, uint8_t type, uint32_t flags, struct buf *body)
{
	struct pgp_sig_spec spec = { .type = type, .hash = PGP_SHA512, .created = T1 };
	uint8_t octet = (uint8_t)flags;
	struct buf sub BUF_OWNED = { 0 };
	struct pgp_hash *h;

	buf_init(&sub, 100);
	(void)pgp_subpacket_put(&sub, PGP_SUB_KEY_FLAGS, true, slice_of(&octet, 1));
	spec.extra_hashed = buf_slice(&sub);
	assert_ok(pgp_hash_new(&h, PGP_SHA512, type, SLICE_EMPTY, &unit_error));
	assert_ok(pgp_hash_key(h, k->target.primary, 4, &unit_error));
	if (k->target.subkey != NULL)
		assert_ok(pgp_hash_key(h, k->target.subkey, 4, &unit_error));
	else
		assert_ok(pgp_hash_user_id(h, PGP_USER_ID, k->target.user, 4, &unit_error));
	assert_ok(pgp_sig_make(&spec, h, k->primary, kit_keys(k), body, &unit_error));
	pgp_hash_free(h);
}

/*
 * Somebody is brought to sign a document that has the octets of a certification
 * or a binding: that is neither, as it is or with its type changed.
 */
static void
pitfall_7_a_document_signature_is_no_certification(void **state)
{
	static const struct {
		const char *name;
		uint8_t user_type, user_put, sub_type, sub_put;
		bool good;
	} rows[] = {
		{ "as it should be", PGP_SIG_CERT_POSITIVE, PGP_SIG_CERT_POSITIVE, PGP_SIG_SUBKEY_BINDING,
		    PGP_SIG_SUBKEY_BINDING, true },
		{ "binary", PGP_SIG_BINARY, PGP_SIG_BINARY, PGP_SIG_BINARY, PGP_SIG_BINARY, false },
		{ "binary, changed", PGP_SIG_BINARY, PGP_SIG_CERT_POSITIVE, PGP_SIG_BINARY, PGP_SIG_SUBKEY_BINDING,
		    false },
		{ "text", PGP_SIG_TEXT, PGP_SIG_TEXT, PGP_SIG_TEXT, PGP_SIG_TEXT, false },
		{ "standalone", PGP_SIG_STANDALONE, PGP_SIG_STANDALONE, PGP_SIG_STANDALONE, PGP_SIG_STANDALONE, false },
		{ "timestamp", PGP_SIG_TIMESTAMP, PGP_SIG_TIMESTAMP, PGP_SIG_TIMESTAMP, PGP_SIG_TIMESTAMP, false },
		{ "exchanged", PGP_SIG_SUBKEY_BINDING, PGP_SIG_SUBKEY_BINDING, PGP_SIG_CERT_POSITIVE,
		    PGP_SIG_CERT_POSITIVE, false },
		{ "attested", PGP_SIG_ATTESTATION, PGP_SIG_ATTESTATION, PGP_SIG_ATTESTATION, PGP_SIG_ATTESTATION,
		    false },
		{ "revocations", PGP_SIG_CERT_REVOCATION, PGP_SIG_CERT_REVOCATION, PGP_SIG_SUBKEY_REVOCATION,
		    PGP_SIG_SUBKEY_REVOCATION, false },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf body BUF_OWNED = { 0 };
		struct pgp_cert_judgement j;
		struct pgp_cert *c;

		buf_init(&body, 1 << 16);
		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		kit_step(&k, &(struct step){ .what = PUT_USER });
		sign_as_document(&k, rows[i].user_type, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN, &body);
		body.data[1] = rows[i].user_put;
		(void)pgp_packet_write(&k.out, PGP_SIGNATURE, buf_slice(&body));
		buf_clear(&body);
		kit_step(&k, &(struct step){ .what = PUT_CRYPT });
		sign_as_document(&k, rows[i].sub_type, PGP_FLAG_ENCRYPT, &body);
		body.data[1] = rows[i].sub_put;
		(void)pgp_packet_write(&k.out, PGP_SIGNATURE, buf_slice(&body));
		c = parsed(&k);
		j = judged(c);
		if ((j.components[1].standing == PGP_STANDING_GOOD) != rows[i].good ||
		    (j.components[2].standing == PGP_STANDING_GOOD) != rows[i].good)
			fail_msg("%s: %s, %s", rows[i].name, pgp_standing_name(j.components[1].standing),
			    pgp_standing_name(j.components[2].standing));
		assert_int_equal(readers(c), rows[i].good ? 1 : 0);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* ---- subkeys that are no good any more ---- */

static void
pitfall_9_expired_or_revoked_subkeys_are_not_used(void **state)
{
	static const struct {
		const char *name;
		struct step binding, behind;
		size_t readers;
	} rows[] = {
		{ "good", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) }, { 0 }, 1 },
		{ "to be read only in transit", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT_COMMS) }, { 0 }, 1 },
		{ "expired", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT), .key_expires = KEY_DAYS(20) }, { 0 }, 0 },
		{ "not expired yet", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT), .key_expires = KEY_DAYS(2000) },
		    { 0 }, 1 },
		{ "its binding expired", { SUB_SIG, .sig.expires = DAY, .flags = GIVEN(PGP_FLAG_ENCRYPT) }, { 0 }, 0 },
		{ "revoked", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) },
		    { .what = MAKE, .sig = { .type = PGP_SIG_SUBKEY_REVOCATION, .at = MONTH } }, 0 },
		{ "revoked softly", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) },
		    { .what = MAKE,
			.sig = { .type = PGP_SIG_SUBKEY_REVOCATION, .at = MONTH },
			.reason = GIVEN(PGP_REASON_RETIRED) },
		    0 },
		{ "revoked by another key", { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) },
		    { .what = MAKE, .sig = { .type = PGP_SIG_SUBKEY_REVOCATION, .at = MONTH, .by_other = true } }, 1 },
		{ "bound in the future", { SUB_SIG, .sig.at = NOW + DAY, .flags = GIVEN(PGP_FLAG_ENCRYPT) }, { 0 }, 0 },
		{ "not for encryption", { SUB_SIG, .flags = GIVEN(PGP_FLAG_AUTHENTICATE) }, { 0 }, 0 },
		{ "without flags", { SUB_SIG }, { 0 }, 0 },
		{ "never bound", { .what = PUT_MARKER }, { 0 }, 0 },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct step steps[] = { { .what = PUT_PRIMARY }, { .what = PUT_USER },
			{ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY | PGP_FLAG_SIGN) }, { .what = PUT_CRYPT },
			rows[i].binding, rows[i].behind, { 0 } };
		struct pgp_cert *c;
		size_t n;

		kit_steps(&k, steps);
		c = parsed(&k);
		n = readers(c);
		if (n != rows[i].readers)
			fail_msg("%s: %zu keys to write to", rows[i].name, n);
		pgp_cert_free(c);
	}
	kit_done(&k);
}

/* ---- tolerance ---- */

/* Section 5.11: a user ID is any text. What is none, or is missing, spoils nothing. */
static void
pitfall_item_15_odd_user_ids(void **state)
{
	static const struct {
		const char *name;
		const char *user;
		size_t len;
	} rows[] = {
		{ "an address", KIT_USER, sizeof KIT_USER - 1 },
		{ "empty", "", 0 },
		{ "Latin 1", "Andr\xe9 <andre@example.org>", 24 },
		{ "no text at all", "\xff\xfe\x00\x01\x80", 5 },
		{ "a NUL", "Alice\0<mallory@example.org>", 27 },
		{ "an escape", "\x1b[2JAlice <alice@example.org>", 29 },
	};
	struct kit k;

	(void)state;
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct slice user = slice_of(rows[i].user, rows[i].len);
		struct pgp_verdict v;
		struct pgp_cert *c;
		struct buf again BUF_OWNED = { 0 };

		buf_clear(&k.out);
		kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
		(void)pgp_packet_write(&k.out, PGP_USER_ID, user);
		k.target = (struct pgp_sig_target){ .primary = k.primary, .user_type = PGP_USER_ID, .user = user };
		kit_step(&k, &(struct step){ USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY | PGP_FLAG_SIGN) });
		kit_step(&k, &(struct step){ .what = PUT_CRYPT });
		kit_step(&k, &(struct step){ SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT) });
		v = kit_verdict(&k, k.primary, MONTH, NOW);
		if (v.kind != PGP_VERDICT_GOOD)
			fail_msg("%s: %s", rows[i].name, v.reason);
		c = parsed(&k);
		assert_slices(c->raw, buf_slice(&k.out));
		assert_slices(c->components[1].packet.body, user);
		assert_int_equal(readers(c), 1);
		pgp_cert_free(c);
		/* Armored and back. */
		buf_init(&again, 1 << 16);
		assert_ok(pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, buf_slice(&k.out), &again, &unit_error));
		assert_true(slice_search(buf_slice(&again), SLICE("\x1b")) == SIZE_MAX);
	}
	kit_done(&k);
}

/* Several armored blocks, and what does not belong to them, in one keyring: each certificate is there. */
static void
pitfall_item_11_several_blocks_make_a_keyring(void **state)
{
	struct buf text BUF_OWNED = { 0 };
	struct pgp_certs certs = { 0 };
	struct kit a, b;

	(void)state;
	kit_new(&a, 4);
	kit_new(&b, 6);
	buf_init(&text, 1 << 20);
	(void)buf_put_str(&text, "My keys:\r\n\n");
	assert_ok(pgp_armor_write(PGP_ARMOR_PRIVATE_KEY, true, a.f.cert->raw, &text, &unit_error));
	(void)buf_put_str(&text, "and the other one\n");
	assert_ok(pgp_armor_write(PGP_ARMOR_PRIVATE_KEY, false, b.f.cert->raw, &text, &unit_error));
	assert_ok(pgp_certs_parse(buf_slice(&text), &certs, &unit_error));
	assert_int_equal(certs.count, 2);
	assert_slices(certs.items[0]->raw, a.f.cert->raw);
	assert_slices(certs.items[1]->raw, b.f.cert->raw);
	pgp_certs_done(&certs);
	kit_done(&a);
	kit_done(&b);
}

/* ---- sizes ---- */

/* An RSA key of this many bits, all ones: its frame decides. */
static int
parse_rsa(unsigned bits)
{
	struct buf body BUF_OWNED = { 0 };
	struct pgp_key k;

	buf_init(&body, 1 << 20);
	(void)buf_put_u8(&body, 4);
	(void)buf_put_u32(&body, T1);
	(void)buf_put_u8(&body, PGP_RSA);
	(void)buf_put_u16(&body, (uint16_t)bits);
	(void)buf_put_u8(&body, (uint8_t)((1u << ((bits - 1) % 8 + 1)) - 1));
	for (unsigned i = 1; i < (bits + 7) / 8; i++)
		(void)buf_put_u8(&body, 0xff);
	(void)buf_put(&body, "\0\x11\1\0\1", 5);
	return pgp_key_parse(buf_slice(&body), PGP_PUBLIC_KEY, &k, &unit_error);
}

static void
pitfall_item_7_numbers_are_bounded(void **state)
{
	(void)state;
	assert_ok(parse_rsa(3072));
	assert_ok(parse_rsa(PGP_MPI_BITS_MAX));
	assert_int_equal(parse_rsa(PGP_MPI_BITS_MAX + 1), ERR_LIMIT);
	assert_int_equal(parse_rsa(65535), ERR_LIMIT);
}

/* ---- work that grows with the square ---- */

static double
cpu(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The least of three: other programs disturb, but never help. */
static double
cost(void (*work)(const struct buf *in, size_t n), const struct buf *in, size_t n)
{
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		double began = cpu(), took;

		work(in, n);
		took = cpu() - began;
		best = took < best ? took : best;
	}
	return best;
}

/* Eight times as much may cost eight times as much, or twice that, but not 64 times. */
static void
assert_linear(
    const char *name, void (*make)(struct buf *out, size_t n), void (*work)(const struct buf *in, size_t n), size_t n)
{
	struct buf small BUF_OWNED = { 0 }, large BUF_OWNED = { 0 };
	double little, much;

	buf_init(&small, 64u << 20);
	buf_init(&large, 64u << 20);
	make(&small, n);
	make(&large, 8 * n);
	little = cost(work, &small, n);
	much = cost(work, &large, 8 * n);
	if (much > 24 * little + 0.005)
		fail_msg("%s: %zu in %.4f s, %zu in %.4f s", name, n, little, 8 * n, much);
}

static struct kit base;

/* Different signatures of strangers behind a user ID. */
static void
make_signatures(struct buf *out, size_t n)
{
	const struct pgp_cert *c = base.f.cert;
	uint8_t sig[] = { 4, PGP_SIG_CERT_GENERIC, PGP_EDDSA_LEGACY, PGP_SHA512, 0, 6, 5, PGP_SUB_CREATED, 0x60, 0, 0,
		0, 0, 10, 9, PGP_SUB_ISSUER, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 1, 0, 1, 1 };

	(void)buf_put_slice(out, c->components[0].packet.raw);
	for (size_t i = 0; i < c->components[0].part_count; i++)
		(void)buf_put_slice(out, c->components[0].parts[i].raw);
	for (size_t k = 1; k < c->component_count; k++) {
		(void)buf_put_slice(out, c->components[k].packet.raw);
		for (size_t i = 0; i < c->components[k].part_count; i++)
			(void)buf_put_slice(out, c->components[k].parts[i].raw);
		for (size_t i = 0; k == 1 && i < n; i++) {
			memcpy(sig + 16, &i, sizeof i);
			(void)pgp_packet_write(out, PGP_SIGNATURE, slice_of(sig, sizeof sig));
		}
	}
}

static void
judge_them(const struct buf *in, size_t n)
{
	struct pgp_cert_judgement j;
	struct pgp_cert *c;

	assert_ok(pgp_cert_parse(buf_slice(in), &c, NULL, &unit_error));
	assert_true(c->components[1].part_count > n);
	j = judged(c);
	assert_int_equal(j.components[1].standing, PGP_STANDING_GOOD);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
}

static void
merge_them(const struct buf *in, size_t n)
{
	struct buf out BUF_OWNED = { 0 };
	struct pgp_cert *c;
	bool changed;

	buf_init(&out, 64u << 20);
	assert_ok(pgp_cert_parse(buf_slice(in), &c, NULL, &unit_error));
	assert_true(c->components[1].part_count > n);
	assert_ok(pgp_merge(c, c, &out, &changed, &unit_error));
	assert_false(changed);
	pgp_cert_free(c);
}

static void
make_keyring(struct buf *out, size_t n)
{
	struct buf body BUF_OWNED = { 0 };

	buf_init(&body, 1 << 16);
	(void)buf_put_slice(&body, base.primary->public_body);
	for (size_t i = 0; i < n; i++) {
		memcpy(body.data + 1, &i, 4); /* its time: another key */
		(void)pgp_packet_write(out, PGP_PUBLIC_KEY, buf_slice(&body));
		(void)pgp_packet_write(out, PGP_USER_ID, SLICE(KIT_USER));
	}
}

static void
read_keyring(const struct buf *in, size_t n)
{
	struct pgp_certs certs = { 0 };

	assert_ok(pgp_certs_parse(buf_slice(in), &certs, &unit_error));
	assert_int_equal(certs.count, n);
	pgp_certs_done(&certs);
}

/* An octet of base64 a line, blank lines between. */
static void
make_armor(struct buf *out, size_t n)
{
	(void)buf_put_str(out, "-----BEGIN PGP MESSAGE-----\n\n");
	for (size_t i = 0; i < 4 * n; i++)
		(void)buf_put_str(out, i == 0 ? "y\n" : "A\n");
	(void)buf_put_str(out, "-----END PGP MESSAGE-----\n");
}

static void
read_armor(const struct buf *in, size_t n)
{
	struct buf out BUF_OWNED = { 0 };
	enum pgp_armor_kind kind;
	size_t at = 0;

	buf_init(&out, 64u << 20);
	assert_int_equal(pgp_armor_parse(buf_slice(in), &at, &kind, &out, &unit_error), 1);
	assert_int_equal(out.len, 3 * n);
}

/* Lines in front that could be the beginning of armor, and are not. */
static void
make_noise(struct buf *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)buf_put_str(out, "-----BEGIN PGP-----\n-----\n");
	make_armor(out, 1);
}

static void
read_noise(const struct buf *in, size_t n)
{
	struct buf out BUF_OWNED = { 0 };
	enum pgp_armor_kind kind;
	size_t at = 0;

	(void)n;
	buf_init(&out, 1 << 20);
	assert_int_equal(pgp_armor_parse(buf_slice(in), &at, &kind, &out, &unit_error), 1);
}

static void
make_users(struct buf *out, size_t n)
{
	(void)pgp_packet_write(out, PGP_PUBLIC_KEY, base.primary->public_body);
	for (size_t i = 0; i < n; i++) {
		char name[80];

		(void)snprintf(name, sizeof name, "Alice %zu <alice%zu@example.org>", i, i);
		(void)pgp_packet_write(out, PGP_USER_ID, slice_str(name));
	}
}

static void
judge_users(const struct buf *in, size_t n)
{
	struct pgp_cert_judgement j;
	struct pgp_cert *c;

	assert_ok(pgp_cert_parse(buf_slice(in), &c, NULL, &unit_error));
	assert_int_equal(c->component_count, n + 1);
	j = judged(c);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
}

static void
merge_users(const struct buf *in, size_t n)
{
	struct buf out BUF_OWNED = { 0 };
	struct pgp_cert *c;
	bool changed;

	(void)n;
	buf_init(&out, 64u << 20);
	assert_ok(pgp_cert_parse(buf_slice(in), &c, NULL, &unit_error));
	assert_ok(pgp_merge(c, c, &out, &changed, &unit_error));
	pgp_cert_free(c);
}

/* User IDs are looked for among each other, and so bounded: the most that there may be. */
static void
assert_bounded(const char *name, void (*work)(const struct buf *in, size_t n))
{
	struct buf most BUF_OWNED = { 0 };
	double took;

	buf_init(&most, 64u << 20);
	make_users(&most, PGP_CERT_COMPONENTS_MAX - 1);
	took = cost(work, &most, PGP_CERT_COMPONENTS_MAX - 1);
	if (took > 2)
		fail_msg("%s: %.4f s", name, took);
}

static void
pitfall_item_16_nothing_grows_with_the_square(void **state)
{
	(void)state;
	kit_new(&base, 4);
	assert_linear("judging many signatures", make_signatures, judge_them, 2000);
	assert_linear("merging many signatures", make_signatures, merge_them, 2000);
	assert_bounded("judging many user IDs", judge_users);
	assert_bounded("merging many user IDs", merge_users);
	assert_linear("a large keyring", make_keyring, read_keyring, 1000);
	assert_linear("armor of short lines", make_armor, read_armor, 2000);
	assert_linear("lines that look like armor", make_noise, read_noise, 2000);
	kit_done(&base);
}

UNIT_MAIN(UNIT_TEST(pitfall_7_a_document_signature_is_no_certification),
    UNIT_TEST(pitfall_9_expired_or_revoked_subkeys_are_not_used), UNIT_TEST(pitfall_item_15_odd_user_ids),
    UNIT_TEST(pitfall_item_11_several_blocks_make_a_keyring), UNIT_TEST(pitfall_item_7_numbers_are_bounded),
    UNIT_TEST(pitfall_item_16_nothing_grows_with_the_square))
