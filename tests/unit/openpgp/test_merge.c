/* SPDX-License-Identifier: ISC */
/* Copies of one certificate united, ordered, cut down, and made ready to travel. */
#include <time.h>

#include "base/mem.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u

static struct pgp_cert *
parse(const struct buf *b)
{
	struct pgp_cert *c = NULL;
	size_t used = 0;

	assert_ok(pgp_cert_parse(buf_slice(b), &c, &used, &unit_error));
	assert_int_equal(used, b->len);
	return c;
}

static struct pgp_cert *
public_of(const struct pgp_cert *c)
{
	struct pgp_cert *p;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_ok(pgp_cert_write_public(c, &b));
	p = parse(&b);
	buf_done(&b);
	return p;
}

/* c without its n-th component. */
static struct pgp_cert *
without(const struct pgp_cert *c, size_t n)
{
	struct pgp_cert *p;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < c->component_count; i++) {
		if (i == n)
			continue;
		(void)buf_put_slice(&b, c->components[i].packet.raw);
		for (size_t k = 0; k < c->components[i].part_count; k++)
			(void)buf_put_slice(&b, c->components[i].parts[k].raw);
	}
	p = parse(&b);
	buf_done(&b);
	return p;
}

static struct pgp_cert *
merged(const struct pgp_cert *a, const struct pgp_cert *b, bool expected_change)
{
	bool changed = !expected_change;
	struct pgp_cert *c;
	struct buf out;

	buf_init(&out, 8 << 20);
	assert_ok(pgp_merge(a, b, &out, &changed, &unit_error));
	assert_int_equal(changed, expected_change);
	c = parse(&out);
	buf_done(&out);
	return c;
}

static void
merging_with_itself_changes_nothing(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_cert *again;
		struct fixture f;

		fixture_new(&f, version, NOW, true);
		again = merged(f.cert, f.cert, false);
		assert_slices(again->raw, f.cert->raw);
		pgp_cert_free(again);
		fixture_done(&f);
	}
}

static void
each_copy_gives_what_the_other_lacks(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	for (size_t n = 1; n < f.cert->component_count; n++) {
		struct pgp_cert *part = without(f.cert, n), *one = merged(part, f.cert, true),
				*two = merged(f.cert, part, false);

		assert_slices(two->raw, f.cert->raw);
		assert_int_equal(one->component_count, f.cert->component_count);
		assert_int_equal(one->raw.len, f.cert->raw.len);
		pgp_cert_free(part);
		pgp_cert_free(one);
		pgp_cert_free(two);
	}
	fixture_done(&f);
}

/* Whichever copy has them; a stub gives way to a secret. */
static void
secrets_stay(void **state)
{
	struct pgp_cert *public, *one, *two, *stub;
	struct fixture f;
	struct buf b;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	public = public_of(f.cert);
	one = merged(public, f.cert, true);
	two = merged(f.cert, public, false);
	assert_slices(one->raw, f.cert->raw);
	assert_slices(two->raw, f.cert->raw);
	buf_init(&b, 1 << 20);
	assert_ok(pgp_cert_write_offline(f.cert, PGP_OFFLINE_STUB, &b, &unit_error));
	stub = parse(&b);
	pgp_cert_free(one);
	one = merged(stub, f.cert, true);
	assert_slices(one->raw, f.cert->raw);
	pgp_cert_free(one);
	one = merged(f.cert, stub, false);
	assert_slices(one->raw, f.cert->raw);
	pgp_cert_free(one);
	pgp_cert_free(two);
	pgp_cert_free(public);
	pgp_cert_free(stub);
	buf_done(&b);
	fixture_done(&f);
}

static void
another_certificate_is_refused(void **state)
{
	struct fixture f, g;
	bool changed;
	struct buf b;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	fixture_new(&g, 4, NOW, false);
	buf_init(&b, 1 << 20);
	assert_int_equal(pgp_merge(f.cert, g.cert, &b, &changed, &unit_error), ERR_USAGE);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	fixture_done(&f);
	fixture_done(&g);
}

/* Packets with other headers, and signatures with other unhashed areas, are the same ones. */
static void
appearance_does_not_double(void **state)
{
	struct pgp_cert *other, *both;
	struct fixture f;
	struct buf b;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < f.cert->component_count; i++) {
		const struct pgp_component *k = &f.cert->components[i];

		for (size_t n = 0; n <= k->part_count; n++) {
			const struct pgp_part *p = n == 0 ? &k->packet : &k->parts[n - 1];
			struct slice prefix, unhashed, tail;

			/* The old header with a length of two octets. */
			(void)buf_put_u8(&b, (uint8_t)(0x80 | p->type << 2 | 1));
			if (p->type != PGP_SIGNATURE) {
				(void)buf_put_u16(&b, (uint16_t)p->body.len);
				(void)buf_put_slice(&b, p->body);
				continue;
			}
			/* Without the unhashed issuer. */
			prefix = slice_sub(p->body, 0, 6u + (size_t)(p->body.data[4] << 8 | p->body.data[5]));
			unhashed = slice_sub(p->body, prefix.len, 12);
			tail = slice_from(p->body, prefix.len + unhashed.len);
			(void)buf_put_u16(&b, (uint16_t)(prefix.len + 2 + tail.len));
			(void)buf_put_slice(&b, prefix);
			(void)buf_put_u16(&b, 0);
			(void)buf_put_slice(&b, tail);
		}
	}
	other = parse(&b);
	assert_int_equal(other->component_count, f.cert->component_count);
	both = merged(f.cert, other, false);
	assert_slices(both->raw, f.cert->raw);
	pgp_cert_free(both);
	pgp_cert_free(other);
	buf_done(&b);
	fixture_done(&f);
}

/* Everything twice and in a wrong order: the subkeys first, and the newest signature last. */
static void
canonical_order_is_one(void **state)
{
	struct buf mixed, one, two;
	struct pgp_cert *c, *d;
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	buf_init(&mixed, 1 << 20);
	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	(void)buf_put_slice(&mixed, f.cert->components[0].packet.raw);
	for (size_t round = 0; round < 2; round++)
		for (size_t i = f.cert->component_count - 1; i > 0; i--) {
			const struct pgp_component *k = &f.cert->components[i];

			(void)buf_put_slice(&mixed, k->packet.raw);
			for (size_t n = 0; n < k->part_count; n++)
				(void)buf_put_slice(&mixed, k->parts[n].raw);
			(void)pgp_packet_write(&mixed, PGP_SIGNATURE, SLICE("\x63nobody knows"));
		}
	c = parse(&mixed);
	assert_ok(pgp_cert_canonical(c, &one, &unit_error));
	d = parse(&one);
	assert_int_equal(d->component_count, f.cert->component_count);
	assert_ok(pgp_cert_canonical(d, &two, &unit_error));
	assert_slices(buf_slice(&one), buf_slice(&two));
	assert_int_equal(d->components[1].kind, PGP_COMPONENT_USER_ID);
	assert_int_equal(d->components[1].part_count, 2);
	assert_int_equal(d->components[2].kind, PGP_COMPONENT_SUBKEY);
	pgp_cert_free(c);
	pgp_cert_free(d);
	buf_done(&mixed);
	buf_done(&one);
	buf_done(&two);
	fixture_done(&f);
}

/* Whatever the order in which three copies come, the canonical form is one; padding stays at the end, and once. */
static void
merging_in_any_order_gives_one(void **state)
{
	struct pgp_cert *a, *b, *ab, *ba;
	struct buf with, one, two;
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, true);
	buf_init(&with, 1 << 20);
	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	(void)buf_put_slice(&with, f.cert->raw);
	(void)pgp_packet_write(&with, PGP_PADDING, SLICE("padding"));
	a = parse(&with);
	b = without(f.cert, 2);
	ab = merged(a, b, false);
	assert_slices(ab->raw, a->raw);
	ba = merged(b, a, true);
	assert_int_equal(ba->raw.len, f.cert->raw.len);
	assert_ok(pgp_cert_canonical(f.cert, &one, &unit_error));
	assert_ok(pgp_cert_canonical(ba, &two, &unit_error));
	assert_int_equal(one.len, two.len);
	pgp_cert_free(a);
	pgp_cert_free(b);
	pgp_cert_free(ab);
	pgp_cert_free(ba);
	buf_done(&with);
	buf_done(&one);
	buf_done(&two);
	fixture_done(&f);
}

/* Two copies that are in bounds, and are not together. */
static void
what_could_not_be_read_is_not_written(void **state)
{
	struct pgp_cert *copies[2];
	struct fixture f;
	struct buf b;
	bool changed;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	buf_init(&b, PGP_CERT_MAX);
	for (uint8_t i = 0; i < 2; i++) {
		buf_clear(&b);
		(void)buf_put_slice(&b, f.cert->components[0].packet.raw);
		for (unsigned n = 0; n < PGP_CERT_COMPONENTS_MAX - 1; n++) {
			const uint8_t user[4] = { 0xc0 | PGP_USER_ID, 2, (uint8_t)(n >> 4), (uint8_t)(n << 4 | i) };

			(void)buf_put(&b, user, sizeof user);
		}
		copies[i] = parse(&b);
	}
	buf_clear(&b);
	assert_int_equal(pgp_merge(copies[0], copies[1], &b, &changed, &unit_error), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	pgp_cert_free(copies[0]);
	pgp_cert_free(copies[1]);
	buf_done(&b);
	fixture_done(&f);
}

/* ---- misplaced signatures ---- */

/* Signatures in the certificate's own name that belong to nothing there: none of them is tried with each user ID. */
static void
misplaced_signatures_without_a_home(void **state)
{
	struct fixture f;
	struct buf b, out;
	struct slice binding = SLICE_EMPTY;
	struct pgp_cert *c;
	bool moved = true;
	clock_t begun;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	buf_init(&b, 64 << 20);
	buf_init(&out, 64 << 20);
	(void)buf_put_slice(&b, f.cert->components[0].packet.raw);
	for (unsigned i = 0; i < 3000; i++)
		(void)pgp_packet_write(
		    &b, PGP_USER_ID, slice_of((const uint8_t[]){ (uint8_t)(i >> 8), (uint8_t)i }, 2));
	for (size_t i = 1; i < f.cert->component_count; i++)
		if (f.cert->components[i].kind == PGP_COMPONENT_SUBKEY)
			binding = f.cert->components[i].parts[0].raw;
	for (unsigned i = 0; i < 100000; i++)
		(void)buf_put_slice(&b, binding);
	c = parse(&b);
	begun = clock();
	assert_ok(pgp_cert_repair(c, &out, &moved, &unit_error));
	assert_false(moved);
	if (clock() - begun > 3 * CLOCKS_PER_SEC)
		fail_msg("%.1f s", (double)(clock() - begun) / CLOCKS_PER_SEC);
	pgp_cert_free(c);
	buf_done(&b);
	buf_done(&out);
	fixture_done(&f);
}

static void
misplaced_signatures_come_home(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_policy policy = pgp_policy_default(NOW + 10);
		struct pgp_cert *wrong, *right;
		struct pgp_cert_judgement j;
		struct fixture f;
		struct buf b, out;
		bool moved = false;

		fixture_new(&f, version, NOW, true);
		buf_init(&b, 1 << 20);
		buf_init(&out, 1 << 20);
		/* Every component, then all signatures behind the last one. */
		for (size_t i = 0; i < f.cert->component_count; i++)
			(void)buf_put_slice(&b, f.cert->components[i].packet.raw);
		for (size_t i = f.cert->component_count; i-- > 0;)
			for (size_t n = 0; n < f.cert->components[i].part_count; n++)
				(void)buf_put_slice(&b, f.cert->components[i].parts[n].raw);
		wrong = parse(&b);
		assert_ok(pgp_cert_repair(wrong, &out, &moved, &unit_error));
		assert_true(moved);
		right = parse(&out);
		assert_slices(right->raw, f.cert->raw);
		assert_ok(pgp_cert_judge(right, &policy, policy.now, &j, &unit_error));
		assert_int_equal(j.standing, PGP_STANDING_GOOD);
		pgp_cert_judgement_done(&j);
		buf_clear(&out);
		assert_ok(pgp_cert_repair(right, &out, &moved, &unit_error));
		assert_false(moved);
		assert_slices(buf_slice(&out), right->raw);
		pgp_cert_free(wrong);
		pgp_cert_free(right);
		buf_done(&b);
		buf_done(&out);
		fixture_done(&f);
	}
}

/* ---- copies that are cut down ---- */

static struct pgp_cert *
exported(const struct pgp_cert *c, const struct pgp_export *how)
{
	struct pgp_cert *copy;
	struct buf b;

	buf_init(&b, 8 << 20);
	assert_ok(pgp_cert_export(c, how, &b, &unit_error));
	copy = parse(&b);
	buf_done(&b);
	return copy;
}

/* Alice with a second user ID, a longer life, a revoked subkey, and two certifications by Bob of which one is local. */
static struct pgp_cert *
busy(struct fixture *alice, const struct fixture *bob)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 100);
	struct pgp_certify_spec spec = { .created = NOW + 100, .local = true };
	struct pgp_cert *c = alice->cert, *next;
	struct slice user = c->components[1].packet.body;
	struct buf b;
	int rc = 0;

	for (int step = 0; step < 6; step++) {
		struct pgp_change g = { c, pgp_memory_keys_ops(alice->memory), &policy };

		buf_init(&b, 1 << 20);
		if (step == 0)
			rc = pgp_change_add_user(&g, SLICE("Alice <alice@work.example>"), false, &b, &unit_error);
		else if (step == 1)
			rc = pgp_change_expiry(&g, c->primary, NOW + 100000, &b, &unit_error);
		else if (step == 2)
			rc = pgp_change_revoke_subkey(
			    &g, pgp_cert_key(c, 1), PGP_REASON_SUPERSEDED, SLICE_EMPTY, &b, &unit_error);
		else if (step == 3)
			rc = pgp_certify_user(
			    &spec, c, user, bob->cert, pgp_memory_keys_ops(bob->memory), &b, &unit_error);
		else if (step == 4) {
			spec.local = false;
			rc = pgp_certify_user(
			    &spec, c, user, bob->cert, pgp_memory_keys_ops(bob->memory), &b, &unit_error);
		} else {
			const struct pgp_subkey_spec sub = { .flags = PGP_FLAG_SIGN };

			rc = pgp_change_add_subkey(&g, &sub, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error);
		}
		assert_int_equal(rc, 0);
		next = parse(&b);
		buf_wipe_done(&b);
		if (c != alice->cert)
			pgp_cert_free(c);
		c = next;
		policy.now += 10;
	}
	return c;
}

static size_t
count_parts(const struct pgp_cert *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->component_count; i++)
		n += c->components[i].part_count;
	return n;
}

static void
copies_leave_out_what_was_asked(void **state)
{
	const struct pgp_policy policy = pgp_policy_default(NOW + 1000), late = pgp_policy_default(NOW + 200000);
	/* user IDs: 2 + 1 newer self-signature each and 2 by Bob; subkeys: 2, a revocation, a third one. v6: 2 direct. */
	const struct {
		struct pgp_export how;
		size_t components, parts4, parts6;
	} rows[] = {
		{ { .secret = true, .keep_local = true }, 6, 10, 10 },
		{ { .secret = true }, 6, 9, 9 },
		{ { .third_party = PGP_THIRD_PARTY_DROP }, 6, 8, 8 },
		{ { .third_party = PGP_THIRD_PARTY_APPROVED, .policy = &policy }, 6, 8, 8 },
		{ { .third_party = PGP_THIRD_PARTY_LIVE, .policy = &policy }, 6, 9, 9 },
		{ { .newest_only = true, .policy = &policy }, 6, 7, 8 },
		{ { .live_only = true, .newest_only = true, .policy = &policy }, 5, 5, 6 },
		{ { .only_address = SLICE("ALICE@work.example"), .newest_only = true, .policy = &policy }, 5, 5, 6 },
	};

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_cert *c, *copy, *again;
		struct fixture alice, bob;
		struct buf b;

		fixture_new(&alice, version, NOW, true);
		fixture_new(&bob, 4, NOW, false);
		c = busy(&alice, &bob);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			copy = exported(c, &rows[i].how);
			assert_int_equal(copy->secret, rows[i].how.secret);
			if (copy->component_count != rows[i].components ||
			    count_parts(copy) != (version == 4 ? rows[i].parts4 : rows[i].parts6))
				fail_msg("v%u row %zu: %zu components, %zu parts", version, i, copy->component_count,
				    count_parts(copy));
			again = exported(copy, &rows[i].how);
			assert_slices(again->raw, copy->raw);
			pgp_cert_free(again);
			pgp_cert_free(copy);
		}
		buf_init(&b, 1 << 20);
		assert_int_equal(
		    pgp_cert_export(c, &(struct pgp_export){ .live_only = true, .policy = &late }, &b, &unit_error),
		    ERR_POLICY);
		assert_int_equal(
		    pgp_cert_export(c, &(struct pgp_export){ .newest_only = true }, &b, &unit_error), ERR_USAGE);
		assert_int_equal(b.len, 0);
		buf_done(&b);
		pgp_cert_free(c);
		fixture_done(&alice);
		fixture_done(&bob);
	}
}

/* A signature that names a revoker in secret does not travel, wherever it names him. */
static void
secret_revokers_stay_at_home(void **state)
{
	static const uint8_t open[22] = { 0x80, PGP_RSA, 1 }, secret[22] = { 0xc0, PGP_RSA, 2 };
	static const struct {
		size_t before;
		bool secret;
	} rows[] = { { 0, false }, { 0, true }, { 20, true }, { 20000, false } };
	struct fixture f;
	struct buf extra, body, b;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	buf_init(&extra, 1 << 20);
	buf_init(&body, 1 << 20);
	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pgp_sig_target target = { .primary = f.cert->primary };
		struct pgp_sig_spec spec = { .type = PGP_SIG_DIRECT_KEY, .created = NOW };
		struct pgp_cert *c, *copy;
		clock_t begun;

		buf_clear(&extra);
		buf_clear(&body);
		buf_clear(&b);
		for (size_t n = 0; n < rows[i].before; n++)
			(void)pgp_subpacket_put(&extra, PGP_SUB_REVOCATION_KEY, false, slice_of(open, sizeof open));
		if (rows[i].secret)
			(void)pgp_subpacket_put(&extra, PGP_SUB_REVOCATION_KEY, false, slice_of(secret, sizeof secret));
		spec.extra_hashed = buf_slice(&extra);
		assert_ok(pgp_sig_make_target(
		    &spec, &target, f.cert->primary, pgp_memory_keys_ops(f.memory), &body, &unit_error));
		(void)pgp_packet_write(&b, PGP_PUBLIC_KEY, f.cert->primary->public_body);
		for (size_t n = 0; n < 10; n++) {
			(void)pgp_packet_write(&b, PGP_SIGNATURE, buf_slice(&body));
			body.data[body.len - 1] ^= (uint8_t)n; /* copies of the same would be one */
		}
		c = parse(&b);
		begun = clock();
		copy = exported(c, &(struct pgp_export){ .third_party = PGP_THIRD_PARTY_KEEP });
		if ((count_parts(copy) == 0) != rows[i].secret)
			fail_msg("row %zu: %zu parts", i, count_parts(copy));
		if (clock() - begun > 3 * CLOCKS_PER_SEC)
			fail_msg("row %zu: %.1f s", i, (double)(clock() - begun) / CLOCKS_PER_SEC);
		pgp_cert_free(copy);
		pgp_cert_free(c);
	}
	buf_done(&extra);
	buf_done(&body);
	buf_done(&b);
	fixture_done(&f);
}

/* What nobody signed does not travel, but for what is needed to find the signer. */
static void
unhashed_junk_stays_at_home(void **state)
{
	struct fixture f;
	struct pgp_sig s;
	struct pgp_cert *c, *copy;
	struct buf b, body;
	struct slice tail;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	buf_init(&b, 1 << 20);
	buf_init(&body, 1 << 20);
	(void)buf_put_slice(&b, f.cert->components[0].packet.raw);
	(void)buf_put_slice(&b, f.cert->components[1].packet.raw);
	assert_ok(pgp_sig_parse(f.cert->components[1].parts[0].body, &s, &unit_error));
	(void)buf_put_slice(&body, s.prefix);
	(void)buf_put_u16(&body, (uint16_t)(s.unhashed.len + 6));
	(void)pgp_subpacket_put(&body, PGP_SUB_POLICY_URI, false, SLICE("junk"));
	(void)buf_put_slice(&body, s.unhashed);
	tail = slice_from(s.body, s.prefix.len + 2 + s.unhashed.len);
	(void)buf_put_slice(&body, tail);
	(void)pgp_packet_write(&b, PGP_SIGNATURE, buf_slice(&body));
	c = parse(&b);
	copy = exported(c, &(struct pgp_export){ .secret = true });
	assert_slices(copy->components[1].parts[0].body, s.body);
	pgp_cert_free(copy);
	copy = exported(c, &(struct pgp_export){ .secret = true, .keep_unhashed = true });
	assert_slices(copy->components[1].parts[0].body, buf_slice(&body));
	pgp_cert_free(copy);
	pgp_cert_free(c);
	buf_done(&b);
	buf_done(&body);
	fixture_done(&f);
}

static void
autocrypt_takes_five_packets(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 1000), late = pgp_policy_default(NOW + 200000);

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct fixture alice, bob;
		struct pgp_cert *c, *copy;
		const struct pgp_key *key;
		struct pgp_cert_judgement j;
		struct buf b;

		fixture_new(&alice, version, NOW, true);
		fixture_new(&bob, 4, NOW, false);
		c = busy(&alice, &bob);
		buf_init(&b, 1 << 20);
		assert_ok(pgp_cert_export_autocrypt(c, SLICE("alice@work.example"), &policy, &b, &unit_error));
		copy = parse(&b);
		assert_false(copy->secret);
		assert_int_equal(copy->component_count, 3);
		assert_int_equal(count_parts(copy), version == 4 ? 2 : 3);
		assert_slice(copy->components[1].packet.body, "Alice <alice@work.example>");
		assert_ok(pgp_cert_judge(copy, &policy, policy.now, &j, &unit_error));
		assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, &key, 1, &unit_error), 1);
		assert_int_equal(j.components[0].expires, NOW + 100000);
		pgp_cert_judgement_done(&j);
		pgp_cert_free(copy);
		buf_clear(&b);
		assert_ok(pgp_cert_export_autocrypt(c, SLICE("nobody@example.org"), &policy, &b, &unit_error));
		copy = parse(&b);
		assert_slice(copy->components[1].packet.body, "Alice <alice@example.org>");
		pgp_cert_free(copy);
		buf_clear(&b);
		assert_int_equal(pgp_cert_export_autocrypt(c, SLICE_EMPTY, &late, &b, &unit_error), ERR_POLICY);
		assert_int_equal(b.len, 0);
		buf_done(&b);
		pgp_cert_free(c);
		fixture_done(&alice);
		fixture_done(&bob);
	}
}

static void
every_allocation_may_fail(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 1000);
	const struct pgp_export how = {
		.newest_only = true, .third_party = PGP_THIRD_PARTY_APPROVED, .policy = &policy
	};
	struct fixture alice, bob;
	struct pgp_cert *c;
	bool changed;

	(void)state;
	fixture_new(&alice, 6, NOW, true);
	fixture_new(&bob, 4, NOW, false);
	c = busy(&alice, &bob);
	for (int what = 0; what < 5; what++) {
		int rc = ERR_NOMEM;

		for (long n = 0; rc != 0; n++) {
			struct buf b;

			buf_init(&b, 1 << 20);
			mem_fail_after(n);
			rc = what == 0  ? pgp_merge(alice.cert, c, &b, &changed, &unit_error)
			    : what == 1 ? pgp_cert_canonical(c, &b, &unit_error)
			    : what == 2 ? pgp_cert_repair(c, &b, &changed, &unit_error)
			    : what == 3 ? pgp_cert_export(c, &how, &b, &unit_error)
					: pgp_cert_export_autocrypt(c, SLICE_EMPTY, &policy, &b, &unit_error);
			mem_fail_after(-1);
			if (rc != 0 && rc != ERR_NOMEM)
				fail_msg("call %d, allocation %ld: %d %s", what, n, rc, unit_error.text);
			buf_done(&b);
		}
	}
	pgp_cert_free(c);
	fixture_done(&alice);
	fixture_done(&bob);
}

UNIT_MAIN(UNIT_TEST(merging_with_itself_changes_nothing), UNIT_TEST(each_copy_gives_what_the_other_lacks),
    UNIT_TEST(secrets_stay), UNIT_TEST(another_certificate_is_refused), UNIT_TEST(appearance_does_not_double),
    UNIT_TEST(canonical_order_is_one), UNIT_TEST(merging_in_any_order_gives_one),
    UNIT_TEST(what_could_not_be_read_is_not_written), UNIT_TEST(misplaced_signatures_come_home),
    UNIT_TEST(misplaced_signatures_without_a_home), UNIT_TEST(copies_leave_out_what_was_asked),
    UNIT_TEST(secret_revokers_stay_at_home), UNIT_TEST(unhashed_junk_stays_at_home),
    UNIT_TEST(autocrypt_takes_five_packets), UNIT_TEST(every_allocation_may_fail))
