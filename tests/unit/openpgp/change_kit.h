/* SPDX-License-Identifier: ISC */
/* A key that is changed again and again, for the tests of what is done to keys. */
#ifndef TESTS_CHANGE_KIT_H
#define TESTS_CHANGE_KIT_H

#include "openpgp/cert/certify.h"
#include "openpgp/judge/verify.h"
#include "openpgp_helpers.h"

#define MADE 1700000000u
#define NOW (MADE + 100000u)
#define DAY 86400u

/* A key that is changed: f.cert is always the newest state. */
struct changed {
	struct fixture f;
	struct pgp_policy policy;
};

static inline void __attribute__((unused)) changed_new(struct changed *c, uint8_t version, bool apart)
{
	fixture_new(&c->f, version, MADE, apart);
	c->policy = pgp_policy_default(NOW);
}

/* SHA-1 is too short for the curves: old keys are RSA. */
static inline void __attribute__((unused)) changed_new_rsa(struct changed *c)
{
	struct slice user = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = { .version = 4,
		.family = PGP_FAMILY_RSA3072,
		.user_ids = &user,
		.user_id_count = 1,
		.created = MADE,
		.sign_apart = true };
	struct buf key;

	buf_init(&key, 1 << 20);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(&c->f, buf_slice(&key));
	buf_wipe_done(&key);
	c->policy = pgp_policy_default(NOW);
}

static inline void __attribute__((unused)) changed_done(struct changed *c)
{
	fixture_done(&c->f);
}

static inline struct pgp_change __attribute__((unused)) change_of(struct changed *c)
{
	return (struct pgp_change){ c->f.cert, pgp_memory_keys_ops(c->f.memory), &c->policy };
}

static inline struct pgp_cert *__attribute__((unused)) parse(struct slice in)
{
	struct pgp_cert *c = NULL;
	size_t used = 0;

	assert_ok(pgp_cert_parse(in, &c, &used, &unit_error));
	assert_int_equal(used, in.len);
	return c;
}

/* Every packet of the old state is there, byte for byte. */
static inline void __attribute__((unused)) nothing_is_lost(const struct pgp_cert *old, const struct pgp_cert *new)
{
	for (size_t i = 0; i < old->component_count; i++) {
		assert_true(slice_search(new->raw, old->components[i].packet.raw) != SIZE_MAX);
		for (size_t n = 0; n < old->components[i].part_count; n++)
			assert_true(slice_search(new->raw, old->components[i].parts[n].raw) != SIZE_MAX);
	}
}

/* Takes the new state over. */
static inline void __attribute__((unused)) advance(struct changed *c, struct buf *out)
{
	struct pgp_cert *new = parse(buf_slice(out));

	nothing_is_lost(c->f.cert, new);
	pgp_cert_free(c->f.cert);
	c->f.cert = c->f.certs.items[0] = new;
	buf_wipe_done(out);
	c->policy.now += 10;
}

static inline struct buf __attribute__((unused)) room(void)
{
	struct buf b;

	buf_init(&b, 8 << 20);
	return b;
}

struct seen {
	enum pgp_standing whole, of;
	uint64_t expires;
	uint32_t flags;
	bool primary;
};

static inline struct seen __attribute__((unused)) judged(const struct changed *c, size_t component, uint64_t at)
{
	struct pgp_cert_judgement j;
	struct seen s;

	assert_ok(pgp_cert_judge(c->f.cert, &c->policy, at, &j, &unit_error));
	assert_true(component < j.count);
	s = (struct seen){ j.standing, j.components[component].standing, j.components[component].expires,
		j.components[component].flags, j.primary_user_id == component };
	pgp_cert_judgement_done(&j);
	return s;
}

static inline size_t __attribute__((unused)) usable(const struct changed *c, uint32_t wanted)
{
	const struct pgp_key *keys[8];
	struct pgp_cert_judgement j;
	size_t n;

	assert_ok(pgp_cert_judge(c->f.cert, &c->policy, c->policy.now, &j, &unit_error));
	n = pgp_judged_keys_for(&j, &c->policy, wanted, keys, 8, NULL);
	pgp_cert_judgement_done(&j);
	return n;
}

static inline const struct slice *__attribute__((unused)) alice_id(void)
{
	static struct slice id;

	id = SLICE("Alice <alice@example.org>");
	return &id;
}

/* f's certificate with all its signatures made anew by a weak hash, with a subpacket in them that nobody knows. */
static inline void __attribute__((unused)) weaken(struct changed *c, uint8_t hash)
{
	const struct pgp_cert *old = c->f.cert;
	struct buf b = room(), extra = room(), body = room();
	struct pgp_cert *new;

	for (size_t i = 0; i < old->component_count; i++) {
		const struct pgp_component *k = &old->components[i];

		(void)buf_put_slice(&b, k->packet.raw);
		for (size_t n = 0; n < k->part_count; n++) {
			struct pgp_sig_target target = { .primary = old->primary };
			struct pgp_sig_spec spec = { .hash = hash, .created = MADE };
			struct pgp_subpacket p;
			struct pgp_sig s;
			size_t at = 0;

			assert_ok(pgp_sig_parse(k->parts[n].body, &s, &unit_error));
			spec.type = s.type;
			if (k->kind == PGP_COMPONENT_SUBKEY)
				target.subkey = k->key;
			else if (k->kind == PGP_COMPONENT_USER_ID) {
				target.user_type = PGP_USER_ID;
				target.user = k->packet.body;
			}
			buf_clear(&extra);
			buf_clear(&body);
			while (pgp_subpacket_next(s.hashed, &at, &p))
				if (p.type != PGP_SUB_CREATED && p.type != PGP_SUB_ISSUER_FINGERPRINT &&
				    p.type != PGP_SUB_EMBEDDED)
					(void)pgp_subpacket_put(&extra, p.type, p.critical, p.body);
			(void)pgp_subpacket_put(&extra, 101, false, SLICE("nobody knows"));
			if (s.embedded.len > 0) {
				struct pgp_sig_spec back = {
					.type = PGP_SIG_PRIMARY_BINDING, .hash = hash, .created = MADE
				};

				assert_ok(pgp_sig_make_target(
				    &back, &target, k->key, pgp_memory_keys_ops(c->f.memory), &body, &unit_error));
				(void)pgp_subpacket_put(&extra, PGP_SUB_EMBEDDED, false, buf_slice(&body));
				buf_clear(&body);
			}
			spec.extra_hashed = buf_slice(&extra);
			assert_ok(pgp_sig_make_target(
			    &spec, &target, old->primary, pgp_memory_keys_ops(c->f.memory), &body, &unit_error));
			(void)pgp_packet_write(&b, PGP_SIGNATURE, buf_slice(&body));
		}
	}
	new = parse(buf_slice(&b));
	pgp_cert_free(c->f.cert);
	c->f.cert = c->f.certs.items[0] = new;
	buf_done(&b);
	buf_done(&extra);
	buf_done(&body);
}

static inline struct pgp_sig __attribute__((unused)) newest(const struct changed *c, size_t component)
{
	struct pgp_sig s;

	assert_ok(pgp_sig_parse(c->f.cert->components[component].parts[0].body, &s, &unit_error));
	return s;
}

#endif
