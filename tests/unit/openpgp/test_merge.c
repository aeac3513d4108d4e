/* SPDX-License-Identifier: ISC */
/* Copies of one certificate united, ordered, cut down, and made ready to travel. */
#include "openpgp/certify.h"
#include "openpgp/merge.h"
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

UNIT_MAIN(UNIT_TEST(merging_with_itself_changes_nothing), UNIT_TEST(each_copy_gives_what_the_other_lacks),
    UNIT_TEST(secrets_stay), UNIT_TEST(another_certificate_is_refused), UNIT_TEST(appearance_does_not_double),
    UNIT_TEST(canonical_order_is_one))
