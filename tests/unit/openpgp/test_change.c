/* SPDX-License-Identifier: ISC */
/* What is done to a key after it was made: its owner's changes, and what others say of it. */
#include "base/mem.h"
#include "openpgp/certify.h"
#include "openpgp/merge.h"
#include "openpgp/verify.h"
#include "openpgp_helpers.h"

#define MADE 1700000000u
#define NOW (MADE + 100000u)
#define DAY 86400u

/* A key that is changed: f.cert is always the newest state. */
struct changed {
	struct fixture f;
	struct pgp_policy policy;
};

static void
changed_new(struct changed *c, uint8_t version, bool apart)
{
	fixture_new(&c->f, version, MADE, apart);
	c->policy = pgp_policy_default(NOW);
}

/* SHA-1 is too short for the curves: old keys are RSA. */
static void
changed_new_rsa(struct changed *c)
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

static void
changed_done(struct changed *c)
{
	fixture_done(&c->f);
}

static struct pgp_change
change_of(struct changed *c)
{
	return (struct pgp_change){ c->f.cert, pgp_memory_keys_ops(c->f.memory), &c->policy };
}

static struct pgp_cert *
parse(struct slice in)
{
	struct pgp_cert *c = NULL;
	size_t used = 0;

	assert_ok(pgp_cert_parse(in, &c, &used, &unit_error));
	assert_int_equal(used, in.len);
	return c;
}

/* Every packet of the old state is there, byte for byte. */
static void
nothing_is_lost(const struct pgp_cert *old, const struct pgp_cert *new)
{
	for (size_t i = 0; i < old->component_count; i++) {
		assert_true(slice_search(new->raw, old->components[i].packet.raw) != SIZE_MAX);
		for (size_t n = 0; n < old->components[i].part_count; n++)
			assert_true(slice_search(new->raw, old->components[i].parts[n].raw) != SIZE_MAX);
	}
}

/* Takes the new state over. */
static void
advance(struct changed *c, struct buf *out)
{
	struct pgp_cert *new = parse(buf_slice(out));

	nothing_is_lost(c->f.cert, new);
	pgp_cert_free(c->f.cert);
	c->f.cert = c->f.certs.items[0] = new;
	buf_wipe_done(out);
	c->policy.now += 10;
}

static struct buf
room(void)
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

static struct seen
judged(const struct changed *c, size_t component, uint64_t at)
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

static size_t
usable(const struct changed *c, uint32_t wanted)
{
	const struct pgp_key *keys[8];
	struct pgp_cert_judgement j;
	size_t n;

	assert_ok(pgp_cert_judge(c->f.cert, &c->policy, c->policy.now, &j, &unit_error));
	n = pgp_judged_keys_for(&j, &c->policy, wanted, keys, 8, NULL);
	pgp_cert_judgement_done(&j);
	return n;
}

/* ---- expiry ---- */

static void
expiry_of_the_certificate(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;
		struct pgp_change g;
		struct buf b = room();

		changed_new(&c, version, true);
		g = change_of(&c);
		assert_ok(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 0, NOW + 20).expires, NOW + DAY);
		assert_int_equal(judged(&c, 0, NOW + DAY).whole, PGP_STANDING_EXPIRED);
		assert_int_equal(judged(&c, 0, NOW + DAY - 1).whole, PGP_STANDING_GOOD);
		/* It still is for what it was for. */
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
		/* An expired one comes back. */
		c.policy.now = NOW + 2 * DAY;
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 0, NOW + 3 * DAY).expires, 0);
		assert_int_equal(judged(&c, 0, NOW + 3 * DAY).whole, PGP_STANDING_GOOD);
		changed_done(&c);
	}
}

static void
expiry_of_a_subkey(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;

		changed_new(&c, version, true);
		/* The signing subkey, which must stay signed back, and the other one. */
		for (size_t n = 1; n <= 2; n++) {
			struct pgp_change g = change_of(&c);
			const struct pgp_key *key = pgp_cert_key(c.f.cert, n);
			struct buf b = room();

			assert_ok(pgp_change_expiry(&g, key, NOW + DAY, &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, n + 1, NOW + 100).expires, NOW + DAY);
			assert_int_equal(judged(&c, n + 1, NOW + 100).of, PGP_STANDING_GOOD);
			assert_int_equal(judged(&c, n + 1, NOW + DAY).of, PGP_STANDING_EXPIRED);
			assert_int_equal(judged(&c, 0, NOW + DAY).whole, PGP_STANDING_GOOD);
		}
		changed_done(&c);
	}
}

static void
expiry_that_cannot_be(void **state)
{
	struct changed c, other;
	struct pgp_change g;
	struct buf b = room();

	(void)state;
	changed_new(&c, 4, false);
	changed_new(&other, 4, false);
	g = change_of(&c);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, MADE, &b, &unit_error), ERR_USAGE);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, MADE + 0x100000000u, &b, &unit_error), ERR_USAGE);
	assert_int_equal(pgp_change_expiry(&g, other.f.cert->primary, NOW + DAY, &b, &unit_error), ERR_USAGE);
	g.keys = pgp_memory_keys_ops(other.f.memory);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error), ERR_NO_KEY);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
	changed_done(&other);
}

/* f's certificate with all its signatures made anew by a weak hash, with a subpacket in them that nobody knows. */
static void
weaken(struct changed *c, uint8_t hash)
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

static struct pgp_sig
newest(const struct changed *c, size_t component)
{
	struct pgp_sig s;

	assert_ok(pgp_sig_parse(c->f.cert->components[component].parts[0].body, &s, &unit_error));
	return s;
}

/* SHA-1 goes with any change, what nobody knows stays. */
static void
a_change_heals_weak_hashes(void **state)
{
	struct pgp_change g;
	struct changed c;
	struct buf b = room();

	(void)state;
	changed_new_rsa(&c);
	weaken(&c, PGP_SHA1);
	c.policy = pgp_policy_default(MADE + 100000000u); /* behind SHA-1's last day */
	assert_int_not_equal(judged(&c, 0, c.policy.now).whole, PGP_STANDING_GOOD);
	g = change_of(&c);
	assert_ok(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error));
	advance(&c, &b);
	assert_int_equal(judged(&c, 0, c.policy.now).whole, PGP_STANDING_GOOD);
	assert_int_equal(newest(&c, 1).hash, PGP_SHA512);
	assert_true(slice_search(newest(&c, 1).hashed, SLICE("nobody knows")) != SIZE_MAX);
	assert_int_equal(newest(&c, 1).key_flags, PGP_FLAG_CERTIFY);
	assert_true(newest(&c, 1).primary_user_id);
	changed_done(&c);
}

/* ---- user IDs ---- */

static void
user_ids_come_and_go(void **state)
{
	struct slice alice = SLICE("Alice <alice@example.org>"), work = SLICE("Alice <alice@work.example>");

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		changed_new(&c, version, false);
		g = change_of(&c);
		assert_int_equal(pgp_change_add_user(&g, alice, false, &b, &unit_error), ERR_EXISTS);
		assert_int_equal(pgp_change_add_user(&g, SLICE("\xff"), false, &b, &unit_error), ERR_USAGE);
		assert_int_equal(b.len, 0);
		assert_ok(pgp_change_add_user(&g, work, false, &b, &unit_error));
		advance(&c, &b);
		assert_slices(c.f.cert->components[2].packet.body, work);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_GOOD);
		assert_true(judged(&c, 1, c.policy.now).primary);
		/* primary */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_primary_user(&g, work, &b, &unit_error));
		advance(&c, &b);
		assert_true(judged(&c, 2, c.policy.now).primary);
		assert_false(newest(&c, 1).primary_user_id);
		/* revoked */
		g = change_of(&c);
		b = room();
		assert_int_equal(pgp_change_revoke_user(
				     &g, SLICE("nobody"), PGP_REASON_USER_ID_INVALID, SLICE_EMPTY, &b, &unit_error),
		    ERR_NOT_FOUND);
		assert_int_equal(
		    pgp_change_revoke_user(&g, work, PGP_REASON_COMPROMISED, SLICE_EMPTY, &b, &unit_error), ERR_USAGE);
		assert_ok(pgp_change_revoke_user(
		    &g, work, PGP_REASON_USER_ID_INVALID, SLICE("left the company"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_REVOKED_SOFT);
		assert_slice(newest(&c, 2).reason_text, "left the company");
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		/* and back */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_add_user(&g, work, true, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_GOOD);
		assert_true(judged(&c, 2, c.policy.now).primary);
		assert_int_equal(c.f.cert->components[3].kind, PGP_COMPONENT_SUBKEY);
		changed_done(&c);
	}
}

static void
first_user_id_of_a_nameless_key(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_generate_spec spec = { .version = version, .created = MADE };
		struct pgp_change g;
		struct changed c = { .policy = pgp_policy_default(NOW) };
		struct buf b = room();

		assert_ok(pgp_generate(&spec, &b, &unit_error));
		fixture_from(&c.f, buf_slice(&b));
		buf_clear(&b);
		g = change_of(&c);
		assert_ok(pgp_change_add_user(&g, SLICE("Late <late@example.org>"), true, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(c.f.cert->components[1].kind, PGP_COMPONENT_USER_ID);
		assert_int_equal(judged(&c, 1, c.policy.now).of, PGP_STANDING_GOOD);
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		changed_done(&c);
	}
}

/* ---- subkeys ---- */

static void
subkeys_come_and_go(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_subkey_spec spec = {
			.flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_NISTP256, .expires = DAY
		};
		struct secret s = SECRET_EMPTY;
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		changed_new(&c, version, false);
		g = change_of(&c);
		assert_ok(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_AEAD, SLICE("open"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 3, c.policy.now).of, PGP_STANDING_GOOD);
		assert_int_equal(judged(&c, 3, c.policy.now).expires, NOW + DAY);
		assert_int_equal(judged(&c, 3, c.policy.now).flags, PGP_FLAG_ENCRYPT);
		assert_ok(pgp_key_unlock(pgp_cert_key(c.f.cert, 2), SLICE("open"), &s, &unit_error));
		secret_done(&s);
		spec = (struct pgp_subkey_spec){ .flags = PGP_FLAG_SIGN, .family = PGP_FAMILY_25519 };
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_GOOD);
		/* A subkey whose secret is not at hand keeps the back signature that it has. */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_expiry(&g, pgp_cert_key(c.f.cert, 3), NOW + DAY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_GOOD);
		g = change_of(&c);
		b = room();
		assert_int_equal(pgp_change_revoke_subkey(
				     &g, c.f.cert->primary, PGP_REASON_SUPERSEDED, SLICE_EMPTY, &b, &unit_error),
		    ERR_USAGE);
		assert_ok(pgp_change_revoke_subkey(
		    &g, pgp_cert_key(c.f.cert, 3), PGP_REASON_SUPERSEDED, SLICE("new laptop"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_REVOKED_SOFT);
		assert_int_equal(judged(&c, 4, NOW + 15).of, PGP_STANDING_GOOD);
		/* What is revoked does not come back by the way. */
		g = change_of(&c);
		b = room();
		assert_int_equal(
		    pgp_change_expiry(&g, pgp_cert_key(c.f.cert, 3), NOW + 2 * DAY, &b, &unit_error), ERR_POLICY);
		buf_done(&b);
		changed_done(&c);
	}
}

static void
a_public_certificate_takes_no_secret(void **state)
{
	const struct pgp_subkey_spec spec = { .flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_25519 };
	struct buf b = room();
	struct pgp_change g;
	struct changed c;

	(void)state;
	changed_new(&c, 4, false);
	assert_ok(pgp_cert_write_public(c.f.cert, &b));
	pgp_cert_free(c.f.cert);
	c.f.cert = c.f.certs.items[0] = parse(buf_slice(&b));
	buf_clear(&b);
	g = change_of(&c);
	assert_int_equal(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error), ERR_USAGE);
	/* Everything else works: the secrets are elsewhere. */
	assert_ok(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error));
	advance(&c, &b);
	assert_false(c.f.cert->secret);
	assert_int_equal(judged(&c, 0, c.policy.now).expires, NOW + DAY);
	changed_done(&c);
}

/* ---- revocation ---- */

static void
every_reason_revokes(void **state)
{
	static const struct {
		uint8_t reason;
		enum pgp_standing now, before;
	} rows[] = {
		{ PGP_REASON_NONE, PGP_STANDING_REVOKED_HARD, PGP_STANDING_REVOKED_HARD },
		{ PGP_REASON_SUPERSEDED, PGP_STANDING_REVOKED_SOFT, PGP_STANDING_GOOD },
		{ PGP_REASON_COMPROMISED, PGP_STANDING_REVOKED_HARD, PGP_STANDING_REVOKED_HARD },
		{ PGP_REASON_RETIRED, PGP_STANDING_REVOKED_SOFT, PGP_STANDING_GOOD },
	};

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < 4; i++) {
			struct pgp_change g;
			struct changed c;
			struct buf b = room(), ahead = room();

			changed_new(&c, version, false);
			g = change_of(&c);
			assert_ok(pgp_generate_revocation(
			    c.f.cert, g.keys, rows[i].reason, SLICE("why"), NOW, &ahead, &unit_error));
			assert_ok(pgp_change_revoke(&g, rows[i].reason, SLICE("why"), &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, 0, c.policy.now).whole, rows[i].now);
			assert_int_equal(judged(&c, 0, MADE + 10).whole, rows[i].before);
			/* Nothing of it can be changed, and no change takes it back. */
			g = change_of(&c);
			b = room();
			assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error), ERR_POLICY);
			assert_int_equal(pgp_change_add_user(&g, SLICE("x"), false, &b, &unit_error), ERR_POLICY);
			buf_done(&b);
			changed_done(&c);
			/* Made ahead, for this certificate and no other. */
			changed_new(&c, version, false);
			b = room();
			assert_int_equal(
			    pgp_cert_revoke_with(c.f.cert, buf_slice(&ahead), &b, &unit_error), ERR_SIGNATURE);
			buf_clear(&ahead);
			assert_ok(pgp_generate_revocation(
			    c.f.cert, change_of(&c).keys, rows[i].reason, SLICE_EMPTY, NOW, &ahead, &unit_error));
			assert_ok(pgp_cert_revoke_with(c.f.cert, buf_slice(&ahead), &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, 0, c.policy.now).whole, rows[i].now);
			buf_done(&ahead);
			changed_done(&c);
		}
}

static void
what_is_no_revocation_is_refused(void **state)
{
	struct buf b = room();
	struct changed c;

	(void)state;
	changed_new(&c, 4, false);
	assert_int_equal(pgp_change_revoke(&(struct pgp_change){ c.f.cert, change_of(&c).keys, &c.policy },
			     PGP_REASON_USER_ID_INVALID, SLICE_EMPTY, &b, &unit_error),
	    ERR_USAGE);
	assert_int_equal(pgp_cert_revoke_with(c.f.cert, SLICE_EMPTY, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(
	    pgp_cert_revoke_with(c.f.cert, c.f.cert->components[1].packet.raw, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(
	    pgp_cert_revoke_with(c.f.cert, c.f.cert->components[1].parts[0].raw, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(pgp_cert_revoke_with(c.f.cert, SLICE("\xff"), &b, &unit_error), ERR_TRUNCATED);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
}

/* ---- others ---- */

static const struct slice *
alice_id(void)
{
	static struct slice id;

	id = SLICE("Alice <alice@example.org>");
	return &id;
}

/* The certification that stands last behind the user ID. */
static struct pgp_sig
last_sig(const struct pgp_cert *c, size_t component)
{
	const struct pgp_component *k = &c->components[component];
	struct pgp_sig s;

	assert_ok(pgp_sig_parse(k->parts[k->part_count - 1].body, &s, &unit_error));
	return s;
}

static int
check_by(const struct pgp_sig *s, const struct pgp_cert *target, const struct pgp_cert *signer)
{
	struct pgp_sig_target over = {
		.primary = target->primary, .user_type = PGP_USER_ID, .user = target->components[1].packet.body
	};

	return pgp_sig_check_target(s, &over, signer->primary, &unit_error);
}

static void
certifications_say_what_was_asked(void **state)
{
	const struct pgp_notation notation = { SLICE("how@example.org"), SLICE("met in person"), true, false };
	const struct pgp_certify_spec full = { .type = PGP_SIG_CERT_POSITIVE,
		.created = NOW,
		.expires = DAY,
		.local = true,
		.not_revocable = true,
		.depth = 2,
		.amount = 60,
		.regex = SLICE("<[^>]+[@.]example\\.org>$"),
		.policy_uri = SLICE("https://example.org/policy"),
		.notations = &notation,
		.notation_count = 1 },
				      plain = { .created = NOW };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed alice, bob;
		struct pgp_notation n;
		struct slice regex;
		struct pgp_sig s;
		struct buf b = room();

		changed_new(&alice, version, false);
		changed_new(&bob, 10 - version, false);
		assert_ok(pgp_certify_user(
		    &full, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		s = last_sig(alice.f.cert, 1);
		assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
		assert_int_equal(s.type, PGP_SIG_CERT_POSITIVE);
		assert_int_equal(s.version, 10 - version);
		assert_int_equal(s.expires, DAY);
		assert_false(s.exportable);
		assert_false(s.revocable);
		assert_int_equal(s.trust_depth, 2);
		assert_int_equal(s.trust_amount, 60);
		assert_true(pgp_sig_regex(&s, 0, &regex));
		assert_slices(regex, full.regex);
		assert_slices(s.policy_uri, full.policy_uri);
		assert_true(pgp_sig_notation(&s, 0, &n));
		assert_slices(n.name, notation.name);
		assert_slices(n.value, notation.value);
		b = room();
		assert_ok(pgp_certify_user(
		    &plain, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		s = last_sig(alice.f.cert, 1);
		assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
		assert_int_equal(s.type, PGP_SIG_CERT_GENERIC);
		assert_true(s.exportable);
		assert_false(s.has_trust);
		changed_done(&alice);
		changed_done(&bob);
	}
}

static void
certifications_that_cannot_be(void **state)
{
	const struct pgp_notation no_domain = { .name = SLICE("how") }, no_tag = { .name = SLICE("@example.org") };
	const struct {
		struct pgp_certify_spec spec;
		const char *user;
		int expected;
	} rows[] = {
		{ { .created = NOW }, "nobody", ERR_NOT_FOUND },
		{ { .created = NOW, .type = PGP_SIG_TEXT }, NULL, ERR_USAGE },
		{ { .created = NOW, .type = PGP_SIG_SUBKEY_BINDING }, NULL, ERR_USAGE },
		{ { .created = NOW, .amount = 60 }, NULL, ERR_USAGE },
		{ { .created = NOW, .regex = SLICE("x") }, NULL, ERR_USAGE },
		{ { .created = NOW, .depth = 1, .regex = SLICE("a\0b") }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_domain, .notation_count = 1 }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_tag, .notation_count = 1 }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_tag, .notation_count = PGP_NOTATIONS_MAX + 1 }, NULL, ERR_USAGE },
	};
	struct changed alice, bob;
	struct buf b = room();

	(void)state;
	changed_new(&alice, 4, false);
	changed_new(&bob, 4, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice user = rows[i].user != NULL ? slice_str(rows[i].user) : *alice_id();

		assert_int_equal(pgp_certify_user(&rows[i].spec, alice.f.cert, user, bob.f.cert, change_of(&bob).keys,
				     &b, &unit_error),
		    rows[i].expected);
		assert_int_equal(b.len, 0);
	}
	assert_int_equal(pgp_certify_user(&rows[0].spec, alice.f.cert, *alice_id(), alice.f.cert,
			     change_of(&alice).keys, &b, &unit_error),
	    ERR_USAGE);
	assert_int_equal(pgp_certify_revoke(&rows[0].spec, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys,
			     &b, &unit_error),
	    ERR_NOT_FOUND);
	buf_done(&b);
	changed_done(&alice);
	changed_done(&bob);
}

static void
certifications_are_taken_back(void **state)
{
	const struct pgp_certify_spec local = { .created = NOW, .local = true },
				      back = { .created = NOW, .reason = PGP_REASON_USER_ID_INVALID };
	struct changed alice, bob;
	struct buf b = room();
	struct pgp_sig s;

	(void)state;
	changed_new(&alice, 6, false);
	changed_new(&bob, 6, false);
	assert_ok(
	    pgp_certify_user(&local, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
	advance(&alice, &b);
	b = room();
	assert_ok(
	    pgp_certify_revoke(&back, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
	advance(&alice, &b);
	s = last_sig(alice.f.cert, 1);
	assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
	assert_int_equal(s.type, PGP_SIG_CERT_REVOCATION);
	assert_int_equal(s.reason, PGP_REASON_USER_ID_INVALID);
	assert_true(s.created > NOW);
	assert_false(s.exportable);
	/* It is no revocation by Alice. */
	assert_int_equal(judged(&alice, 1, alice.policy.now).of, PGP_STANDING_GOOD);
	changed_done(&alice);
	changed_done(&bob);
}

static bool
only_from(void *ctx, const struct pgp_sig *s)
{
	const struct pgp_key *key = ctx;

	return pgp_sig_may_be_from(s, key);
}

/* Which of the two last certifications is approved: bit 0 the last but one. */
static unsigned
approved(const struct changed *alice)
{
	const struct pgp_component *k = &alice->f.cert->components[1];
	struct pgp_approval a;
	unsigned bits = 0;

	assert_ok(pgp_approval_find(alice->f.cert, k, &alice->policy, &a, &unit_error));
	for (unsigned i = 0; i < 2; i++) {
		bool has;

		assert_ok(pgp_approval_has(&a, k->parts[k->part_count - 2 + i].body, &has, &unit_error));
		bits |= (unsigned)has << i;
	}
	return bits;
}

static void
the_owner_approves(void **state)
{
	const struct pgp_certify_spec spec = { .created = NOW };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed alice, bob, carol;
		struct pgp_change g;
		struct buf b = room();

		changed_new(&alice, version, false);
		changed_new(&bob, 4, false);
		changed_new(&carol, 6, false);
		assert_ok(pgp_certify_user(
		    &spec, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		b = room();
		assert_ok(pgp_certify_user(
		    &spec, alice.f.cert, *alice_id(), carol.f.cert, change_of(&carol).keys, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 0);
		g = change_of(&alice);
		b = room();
		assert_ok(pgp_change_approve(&g, *alice_id(), NULL, NULL, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 3);
		g = change_of(&alice);
		b = room();
		assert_ok(pgp_change_approve(
		    &g, *alice_id(), only_from, (void *)(uintptr_t)carol.f.cert->primary, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 2);
		assert_int_equal(judged(&alice, 1, alice.policy.now).of, PGP_STANDING_GOOD);
		changed_done(&alice);
		changed_done(&bob);
		changed_done(&carol);
	}
}

/* ---- brought up to date ---- */

static bool
updated(struct changed *c, const struct pgp_update_options *o)
{
	struct pgp_change g = change_of(c);
	struct buf b = room();
	bool changed = false;

	assert_ok(pgp_change_update(&g, o, &b, &changed, &unit_error));
	if (!changed)
		assert_slices(buf_slice(&b), c->f.cert->raw);
	advance(c, &b);
	return changed;
}

static void
a_current_key_stays_as_it_is(void **state)
{
	const struct pgp_update_options gentle = { .no_added_capabilities = true }, full = { .sign_only = false };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;

		changed_new(&c, version, true);
		assert_false(updated(&c, &gentle));
		/* A v4 key learns about SEIPDv2, once. */
		assert_int_equal(updated(&c, &full), version == 4);
		assert_int_equal(newest(&c, version == 4 ? 1 : 0).features, PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2);
		assert_false(updated(&c, &full));
		changed_done(&c);
	}
}

static void
an_old_key_is_healed(void **state)
{
	const struct pgp_update_options gentle = { .no_added_capabilities = true };
	struct changed c;

	(void)state;
	changed_new_rsa(&c);
	weaken(&c, PGP_SHA1);
	c.policy = pgp_policy_default(MADE + 100000000u);
	assert_int_equal(usable(&c, PGP_FLAG_SIGN), 0);
	assert_true(updated(&c, &gentle));
	assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
	assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
	/* Back signatures, too. */
	for (size_t i = 1; i < c.f.cert->component_count; i++) {
		struct pgp_sig s = newest(&c, i), back;

		assert_int_equal(s.hash, PGP_SHA512);
		assert_true(slice_search(s.hashed, SLICE("nobody knows")) != SIZE_MAX);
		if (s.embedded.len > 0) {
			assert_ok(pgp_sig_parse(s.embedded, &back, &unit_error));
			assert_int_equal(back.hash, PGP_SHA512);
		}
	}
	assert_false(updated(&c, &gentle));
	changed_done(&c);
}

static void
what_is_missing_is_added(void **state)
{
	const struct pgp_update_options sign_only = { .sign_only = true, .no_added_capabilities = true },
					gentle = { .no_added_capabilities = true }, full = { .sign_only = false };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		/* The only subkey is revoked: it had one, so it gets one. */
		changed_new(&c, version, false);
		g = change_of(&c);
		assert_ok(pgp_change_revoke_subkey(
		    &g, pgp_cert_key(c.f.cert, 1), PGP_REASON_RETIRED, SLICE_EMPTY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 0);
		assert_false(updated(&c, &sign_only));
		assert_false(updated(&c, &gentle));
		assert_true(updated(&c, &full));
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
		assert_false(updated(&c, &full));
		changed_done(&c);
	}
}

static void
a_revoked_key_is_not_updated(void **state)
{
	const struct pgp_update_options full = { .sign_only = false };
	struct buf b = room();
	struct pgp_change g;
	struct changed c;
	bool changed;

	(void)state;
	changed_new(&c, 4, false);
	g = change_of(&c);
	assert_ok(pgp_change_revoke(&g, PGP_REASON_SUPERSEDED, SLICE_EMPTY, &b, &unit_error));
	advance(&c, &b);
	g = change_of(&c);
	b = room();
	assert_int_equal(pgp_change_update(&g, &full, &b, &changed, &unit_error), ERR_POLICY);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
}

static void
every_allocation_may_fail_while_changing(void **state)
{
	const struct pgp_subkey_spec subkey = { .flags = PGP_FLAG_SIGN, .family = PGP_FAMILY_25519 };
	struct pgp_change g;
	struct changed c;

	(void)state;
	changed_new(&c, 6, true);
	g = change_of(&c);
	for (int what = 0; what < 5; what++) {
		int rc = ERR_NOMEM;

		for (long n = 0; rc != 0; n++) {
			struct buf b = room();

			mem_fail_after(n);
			switch (what) {
			case 0:
				rc = pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error);
				break;
			case 1:
				rc = pgp_change_add_user(&g, SLICE("New"), true, &b, &unit_error);
				break;
			case 2:
				rc = pgp_change_add_subkey(&g, &subkey, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error);
				break;
			case 3:
				rc = pgp_change_approve(&g, *alice_id(), NULL, NULL, &b, &unit_error);
				break;
			default:
				rc = pgp_change_revoke(&g, PGP_REASON_NONE, SLICE("x"), &b, &unit_error);
				break;
			}
			mem_fail_after(-1);
			if (rc != 0 && rc != ERR_NOMEM)
				fail_msg("change %d, allocation %ld: %d %s", what, n, rc, unit_error.text);
			assert_int_equal(b.len == 0, rc != 0);
			buf_wipe_done(&b);
		}
	}
	changed_done(&c);
}

UNIT_MAIN(UNIT_TEST(expiry_of_the_certificate), UNIT_TEST(expiry_of_a_subkey), UNIT_TEST(expiry_that_cannot_be),
    UNIT_TEST(a_change_heals_weak_hashes), UNIT_TEST(user_ids_come_and_go), UNIT_TEST(first_user_id_of_a_nameless_key),
    UNIT_TEST(subkeys_come_and_go), UNIT_TEST(a_public_certificate_takes_no_secret), UNIT_TEST(every_reason_revokes),
    UNIT_TEST(what_is_no_revocation_is_refused), UNIT_TEST(certifications_say_what_was_asked),
    UNIT_TEST(certifications_that_cannot_be), UNIT_TEST(certifications_are_taken_back), UNIT_TEST(the_owner_approves),
    UNIT_TEST(a_current_key_stays_as_it_is), UNIT_TEST(an_old_key_is_healed), UNIT_TEST(what_is_missing_is_added),
    UNIT_TEST(a_revoked_key_is_not_updated), UNIT_TEST(every_allocation_may_fail_while_changing))
