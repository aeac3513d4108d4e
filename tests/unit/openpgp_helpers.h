/* SPDX-License-Identifier: ISC */
/* A fresh key with its secrets in memory, for the tests of openpgp and what stands on it. */
#ifndef TESTS_OPENPGP_HELPERS_H
#define TESTS_OPENPGP_HELPERS_H

#include "crypto/secret.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/cert/generate.h"
#include "openpgp/frame/packet.h"
#include "unit.h"

struct fixture {
	struct pgp_certs certs; /* one: cert */
	struct pgp_cert *cert;
	struct pgp_memory_keys *memory;
};

static inline void __attribute__((unused)) fixture_from(struct fixture *f, struct slice key)
{
	struct secret s = SECRET_EMPTY;

	*f = (struct fixture){ 0 };
	assert_ok(pgp_certs_parse(key, &f->certs, &unit_error));
	f->cert = f->certs.items[0];
	assert_ok(pgp_memory_keys_new(&f->memory, &unit_error));
	for (size_t i = 0; pgp_cert_key(f->cert, i) != NULL; i++) {
		const struct pgp_key *k = pgp_cert_key(f->cert, i);

		assert_ok(pgp_key_unlock(k, SLICE_EMPTY, &s, &unit_error));
		assert_ok(pgp_memory_keys_add(f->memory, k, secret_slice(&s), &unit_error));
		secret_done(&s);
	}
}

/* apart: with a signing subkey of its own. */
static inline void __attribute__((unused)) fixture_new(struct fixture *f, uint8_t version, uint32_t created, bool apart)
{
	struct slice user = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = {
		.version = version, .user_ids = &user, .user_id_count = 1, .created = created, .sign_apart = apart
	};
	struct buf key;

	buf_init(&key, 1 << 16);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(f, buf_slice(&key));
	buf_wipe_done(&key);
}

static inline void __attribute__((unused)) fixture_done(struct fixture *f)
{
	pgp_memory_keys_free(f->memory);
	pgp_certs_done(&f->certs);
}

/* The last key that may sign by its place: the subkey after the primary when there are three keys. */
static inline const struct pgp_key *__attribute__((unused)) fixture_signer(const struct fixture *f)
{
	const struct pgp_key *sub = pgp_cert_key(f->cert, 1);

	return sub != NULL && pgp_key_can_verify(sub) ? sub : f->cert->primary;
}

/* Appends a detached signature packet. */
static inline void __attribute__((unused))
fixture_sign(const struct fixture *f, uint8_t type, struct slice data, uint32_t created, struct buf *out)
{
	struct pgp_signer signer = { fixture_signer(f), pgp_memory_keys_ops(f->memory) };
	struct pgp_maker_spec spec = { .signers = &signer, .signer_count = 1, .type = type, .created = created };
	struct pgp_maker *m;

	assert_ok(pgp_maker_new(&m, &spec, &unit_error));
	assert_ok(pgp_maker_feed(m, data, &unit_error));
	assert_ok(pgp_maker_finish(m, false, out, &unit_error));
	pgp_maker_free(m);
}

/* The verdict on a detached signature packet. */
static inline enum pgp_verdict_kind __attribute__((unused))
fixture_verify(const struct fixture *f, struct slice sig, struct slice data, uint64_t now)
{
	struct pgp_policy policy = pgp_policy_default(now);
	enum pgp_verdict_kind kind;
	struct pgp_verifier *v;
	struct pgp_packet p;
	size_t at = 0;

	assert_int_equal(pgp_packet_next(sig, &at, &p, &unit_error), 1);
	assert_ok(pgp_verifier_new(&v, &f->certs, &policy, &unit_error));
	assert_ok(pgp_verifier_expect(v, p.body, &unit_error));
	for (size_t i = 0; i < data.len; i++)
		assert_ok(pgp_verifier_feed(v, slice_sub(data, i, 1), &unit_error));
	assert_ok(pgp_verifier_finish(v, &unit_error));
	kind = pgp_verifier_verdict(v, 0)->kind;
	pgp_verifier_free(v);
	return kind;
}

#endif
