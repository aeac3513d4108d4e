/* SPDX-License-Identifier: ISC */
/* lint: one file for one header, and what every test of it needs */
/* include/letterlock/openpgp.h from outside, and without memory at every allocation. */
#include "unit.h"

#include <pthread.h>

#include <letterlock/openpgp.h>

#include "base/mem.h"
#include "crypto/cipher.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/public/public.h"

#define NOW 1700000000u

static const char letter[] = "Dear Bob, the walnut is hollow.\r\n- and so is the tree.\n";
static const char user[] = "Alice <alice@example.org>";

static struct llk_bytes
bytes(const char *s)
{
	return (struct llk_bytes){ s, strlen(s) };
}

static struct llk_bytes
whole(const struct llk_data *d)
{
	return (struct llk_bytes){ d->data, d->len };
}

/* What every test needs: a key, unlocked, and a policy. */
struct alice {
	struct llk_data secret;
	struct llk_certs *certs;
	struct llk_keys *keys;
	struct llk_policy *policy;
};

static int
generate(const char *profile, const char *password, struct llk_data *out, struct llk_error *e)
{
	struct llk_generator *g = NULL;
	int rc = llk_generator_new(profile, &g, e);

	if (rc == 0)
		rc = llk_generator_user_id(g, bytes(user), e);
	if (rc == 0)
		rc = llk_generator_password(g, bytes(password), e);
	if (rc == 0)
		rc = llk_generator_run(g, NOW, true, out, e);
	llk_generator_free(g);
	return rc;
}

static int
meet(struct alice *a, const struct llk_data *secret, const char *password, struct llk_error *e)
{
	int rc = llk_certs_new(&a->certs, e);

	if (rc == 0)
		rc = llk_certs_add(a->certs, whole(secret), e);
	if (rc == 0)
		rc = llk_keys_new(&a->keys, e);
	if (rc == 0)
		rc = llk_keys_unlock(a->keys, llk_certs_at(a->certs, 0), bytes(password), e);
	if (rc == 0)
		rc = llk_policy_new(NOW + 100, &a->policy, e);
	return rc;
}

static void
part(struct alice *a)
{
	llk_policy_free(a->policy);
	llk_keys_free(a->keys);
	llk_certs_free(a->certs);
	llk_data_free(&a->secret);
	*a = (struct alice){ .certs = NULL };
}

/* ---- the works, each one whole operation ---- */

static int
seal(const struct alice *a, struct llk_data *out, struct llk_error *e)
{
	struct llk_encrypter *x = NULL;
	int rc = llk_encrypter_new(a->policy, &x, e);

	if (rc == 0)
		rc = llk_encrypter_recipient(x, llk_certs_at(a->certs, 0), e);
	if (rc == 0)
		rc = llk_encrypter_signer(x, llk_certs_at(a->certs, 0), a->keys, e);
	if (rc == 0) {
		llk_encrypter_armor(x);
		rc = llk_encrypter_run(x, bytes(letter), out, e);
	}
	llk_encrypter_free(x);
	return rc;
}

static int
open_sealed(const struct alice *a, struct llk_bytes in, struct llk_data *out, size_t *good, struct llk_error *e)
{
	struct llk_decrypter *x = NULL;
	struct llk_verdict v;
	int rc = llk_decrypter_new(a->policy, &x, e);

	if (rc == 0)
		rc = llk_decrypter_keys(x, a->keys, e);
	if (rc == 0)
		rc = llk_decrypter_verify_with(x, a->certs, e);
	if (rc == 0)
		rc = llk_decrypter_run_data(x, in, out, e);
	*good = 0;
	for (size_t i = 0; rc == 0 && llk_decrypter_verdict(x, i, &v); i++)
		*good += v.kind == LLK_GOOD;
	llk_decrypter_free(x);
	return rc;
}

static int
sign(const struct alice *a, enum llk_signature_form form, struct llk_data *out, struct llk_error *e)
{
	struct llk_signer *s = NULL;
	int rc = llk_signer_new(form, &s, e);

	if (rc == 0)
		rc = llk_signer_key(s, llk_certs_at(a->certs, 0), a->policy, a->keys, e);
	if (rc == 0) {
		llk_signer_armor(s);
		rc = llk_signer_run(s, NOW + 50, bytes(letter), out, e);
	}
	llk_signer_free(s);
	return rc;
}

static int
verify(
    const struct alice *a, struct llk_bytes signature, const char *text, struct llk_verdict *out, struct llk_error *e)
{
	struct llk_verifier *v = NULL;
	int rc = llk_verifier_new(a->certs, a->policy, &v, e);

	if (rc == 0)
		rc = llk_verifier_signatures(v, signature, e);
	if (rc == 0)
		rc = llk_verifier_write(v, bytes(text), e);
	if (rc == 0)
		rc = llk_verifier_end(v, e);
	if (rc == 0)
		assert_true(llk_verifier_verdict(v, 0, out));
	llk_verifier_free(v);
	return rc;
}

static int
read_clear(const struct alice *a, struct llk_bytes in, struct llk_data *out, size_t *good, struct llk_error *e)
{
	struct llk_verifier *v = NULL;
	int rc = llk_verifier_new(a->certs, a->policy, &v, e);

	if (rc == 0)
		rc = llk_verifier_cleartext(v, in, out, e);
	*good = rc == 0 ? llk_verifier_good(v) : 0;
	llk_verifier_free(v);
	return rc;
}

/* ---- they agree with each other ---- */

static void
with_profile(const char *profile)
{
	struct alice a = { .certs = NULL };
	struct llk_error e = { 0 };
	struct llk_data sealed = { NULL, 0 }, plain = { NULL, 0 }, signature = { NULL, 0 }, clear = { NULL, 0 };
	struct llk_verdict v = { .kind = LLK_BAD };
	char fingerprint[LLK_FINGERPRINT_SIZE];
	size_t good;

	assert_int_equal(generate(profile, "walnut", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "hazel", &e), LLK_PASSWORD);
	llk_keys_free(a.keys);
	llk_certs_free(a.certs);
	assert_int_equal(meet(&a, &a.secret, "walnut", &e), 0);
	assert_int_equal(seal(&a, &sealed, &e), 0);
	assert_int_equal(open_sealed(&a, whole(&sealed), &plain, &good, &e), 0);
	assert_int_equal(good, 1);
	assert_int_equal(plain.len, strlen(letter));
	assert_memory_equal(plain.data, letter, plain.len);
	llk_data_free(&plain);

	sealed.data[sealed.len / 2] ^= 1;
	assert_int_not_equal(open_sealed(&a, whole(&sealed), &plain, &good, &e), 0);
	assert_null(plain.data);

	assert_int_equal(sign(&a, LLK_DETACHED, &signature, &e), 0);
	assert_int_equal(verify(&a, whole(&signature), letter, &v, &e), 0);
	assert_int_equal(v.kind, LLK_GOOD);
	assert_int_equal(v.created, NOW + 50);
	llk_cert_fingerprint(llk_certs_at(a.certs, 0), fingerprint);
	assert_ptr_equal(v.cert, llk_certs_at(a.certs, 0));
	assert_ptr_equal(llk_certs_find(a.certs, v.key), v.cert);
	assert_int_equal(verify(&a, whole(&signature), "something else", &v, &e), 0);
	assert_int_equal(v.kind, LLK_BAD);

	assert_int_equal(sign(&a, LLK_CLEARTEXT, &clear, &e), 0);
	assert_int_equal(read_clear(&a, whole(&clear), &plain, &good, &e), 0);
	assert_int_equal(good, 1);
	assert_memory_equal(plain.data, "Dear Bob", 8);
	llk_data_free(&plain);
	llk_data_free(&clear);
	llk_data_free(&sealed);
	llk_data_free(&signature);
	part(&a);
}

static void
test_each_profile(void **state)
{
	(void)state;
	with_profile("rfc9580");
	with_profile("compatibility");
	with_profile("rfc4880");
	with_profile("security");
}

static void
test_session_keys_and_passwords(void **state)
{
	struct llk_policy *policy = NULL;
	struct llk_encrypter *x = NULL;
	struct llk_decrypter *d = NULL;
	struct llk_data sealed = { NULL, 0 }, plain = { NULL, 0 }, key = { NULL, 0 };
	struct llk_error e = { 0 };
	unsigned cipher = 0;

	(void)state;
	assert_int_equal(llk_policy_new(NOW, &policy, &e), 0);
	assert_int_equal(llk_encrypter_new(policy, &x, &e), 0);
	assert_int_equal(llk_encrypter_run(x, bytes(letter), &sealed, &e), LLK_USAGE);
	assert_int_equal(llk_encrypter_password(x, bytes("one"), &e), 0);
	assert_int_equal(llk_encrypter_password(x, bytes("two"), &e), 0);
	llk_encrypter_seipd1(x);
	assert_int_equal(llk_encrypter_run(x, bytes(letter), &sealed, &e), 0);
	assert_int_equal(llk_encrypter_password(x, bytes("three"), &e), LLK_ORDER);
	llk_encrypter_free(x);

	assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_password(d, bytes("none"), &e), 0);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), LLK_PASSWORD);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), LLK_ORDER);
	llk_decrypter_free(d);

	assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_password(d, bytes("two"), &e), 0);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), 0);
	assert_int_equal(llk_decrypter_opened_with(d, &cipher, &key, &e), 0);
	assert_int_equal(cipher, 9);
	llk_decrypter_free(d);
	llk_data_free(&plain);

	assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_session_key(d, cipher, whole(&key), &e), 0);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), 0);
	assert_memory_equal(plain.data, letter, plain.len);
	llk_decrypter_free(d);
	llk_data_free(&plain);
	llk_data_free(&key);
	llk_data_free(&sealed);
	llk_policy_free(policy);
}

static void
test_validity(void **state)
{
	struct alice a = { .certs = NULL };
	struct llk_error e = { 0 };
	struct llk_validity *v = NULL;
	struct llk_data revocation = { NULL, 0 }, merged = { NULL, 0 };
	struct llk_certs *both = NULL;
	struct llk_user_id u;
	struct llk_key k;

	(void)state;
	assert_int_equal(generate("compatibility", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	assert_int_equal(llk_validity_new(llk_certs_at(a.certs, 0), a.policy, &v, &e), 0);
	assert_true(llk_validity_good(v));
	assert_int_equal(llk_validity_user_ids(v), 1);
	assert_true(llk_validity_user_id(v, 0, &u));
	assert_true(u.valid && u.primary);
	assert_memory_equal(u.text.data, user, u.text.len);
	assert_false(llk_validity_user_id(v, 1, &u));
	assert_int_equal(llk_validity_keys(v), 2);
	assert_true(llk_validity_key(v, 1, &k));
	assert_true(k.valid && !k.primary && k.secret);
	assert_int_equal(k.flags, LLK_ENCRYPT);
	llk_validity_free(v);

	assert_int_equal(llk_cert_revocation(llk_certs_at(a.certs, 0), a.keys, LLK_REVOKE_COMPROMISED, bytes("lost"),
			     NOW + 10, true, &revocation, &e),
	    0);
	assert_int_equal(llk_certs_new(&both, &e), 0);
	/* The revocation alone is no certificate: in version 4 it is only a signature. */
	assert_int_equal(llk_certs_add(both, whole(&revocation), &e), LLK_SYNTAX);
	assert_int_equal(llk_cert_merge(llk_certs_at(a.certs, 0), llk_certs_at(a.certs, 0), false, &merged, &e), 0);
	assert_int_equal(llk_certs_add(both, whole(&merged), &e), 0);
	assert_string_equal(llk_policy_accept(a.policy, "no-such-rule", &e) == LLK_NOT_FOUND ? "no" : "yes", "no");
	assert_int_equal(llk_policy_accept(a.policy, "sha1", &e), 0);
	llk_certs_free(both);
	llk_data_free(&merged);
	llk_data_free(&revocation);
	part(&a);
}

/* ---- changes ---- */

/* The n-th key of what a change gave, judged at the policy's time. */
static struct llk_key
key_of(const struct llk_data *changed, const struct llk_policy *policy, size_t n, size_t *user_ids)
{
	struct llk_certs *certs = NULL;
	struct llk_validity *v = NULL;
	struct llk_error e = { 0 };
	struct llk_key k = { .bits = 0 };
	struct llk_user_id u;

	assert_int_equal(llk_certs_new(&certs, &e), 0);
	assert_int_equal(llk_certs_add(certs, whole(changed), &e), 0);
	assert_int_equal(llk_validity_new(llk_certs_at(certs, 0), policy, &v, &e), 0);
	(void)llk_validity_key(v, n, &k);
	*user_ids = 0;
	for (size_t i = 0; llk_validity_user_id(v, i, &u); i++)
		*user_ids += u.valid;
	llk_validity_free(v);
	llk_certs_free(certs);
	return k;
}

static void
test_changes(void **state)
{
	struct alice a = { .certs = NULL };
	struct llk_error e = { 0 };
	struct llk_data out = { NULL, 0 };
	struct llk_change change;
	struct llk_key k;
	size_t users;

	(void)state;
	assert_int_equal(generate("compatibility", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	change = (struct llk_change){ llk_certs_at(a.certs, 0), a.keys, a.policy, false };
	k = key_of(&a.secret, a.policy, 0, &users);
	assert_true(k.valid && k.expires == 0 && users == 1);

	assert_int_equal(llk_change_expiry(&change, NULL, NOW + 5000, &out, &e), 0);
	assert_int_equal(key_of(&out, a.policy, 0, &users).expires, NOW + 5000);
	llk_data_free(&out);
	assert_int_equal(llk_change_expiry(&change, "00", NOW + 5000, &out, &e), LLK_NOT_FOUND);

	assert_int_equal(llk_change_add_user_id(&change, bytes("Alice <a@example.net>"), false, &out, &e), 0);
	assert_true(key_of(&out, a.policy, 0, &users).valid && users == 2);
	llk_data_free(&out);
	assert_int_equal(llk_change_revoke_user_id(&change, bytes(user), bytes("moved"), &out, &e), 0);
	(void)key_of(&out, a.policy, 0, &users);
	assert_int_equal(users, 0);
	llk_data_free(&out);

	assert_int_equal(llk_change_add_subkey(&change, LLK_SIGN, 1000, bytes("hazel"), &out, &e), 0);
	k = key_of(&out, a.policy, 2, &users);
	assert_true(k.valid && k.secret && k.flags == LLK_SIGN);
	llk_data_free(&out);

	assert_int_equal(llk_change_revoke(&change, NULL, LLK_REVOKE_RETIRED, bytes("done"), &out, &e), 0);
	assert_false(key_of(&out, a.policy, 0, &users).valid);
	llk_data_free(&out);
	part(&a);
}

static void
test_certify_revoke_with_and_export(void **state)
{
	struct alice a = { .certs = NULL }, b = { .certs = NULL };
	struct llk_error e = { 0 };
	struct llk_data out = { NULL, 0 }, small = { NULL, 0 }, revocation = { NULL, 0 };
	struct llk_certs *certified = NULL;
	struct llk_change change;
	size_t users;

	(void)state;
	assert_int_equal(generate("compatibility", "", &a.secret, &e), 0);
	assert_int_equal(generate("compatibility", "", &b.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	assert_int_equal(meet(&b, &b.secret, "", &e), 0);
	change = (struct llk_change){ llk_certs_at(a.certs, 0), a.keys, a.policy, true };
	assert_int_equal(
	    llk_certify(&change, llk_certs_at(b.certs, 0), bytes("nobody"), false, 0, 0, &out, &e), LLK_NOT_FOUND);
	assert_int_equal(llk_certify(&change, llk_certs_at(b.certs, 0), bytes(user), false, 1, 120, &out, &e), 0);
	assert_int_equal(llk_certs_new(&certified, &e), 0);
	assert_int_equal(llk_certs_add(certified, whole(&out), &e), 0);
	llk_data_free(&out);
	assert_int_equal(llk_cert_export(llk_certs_at(certified, 0), a.policy, false, false, &out, &e), 0);
	assert_int_equal(llk_cert_export(llk_certs_at(certified, 0), a.policy, true, false, &small, &e), 0);
	assert_true(small.len + 80 < out.len); /* the certification is not in it */
	assert_false(key_of(&out, a.policy, 0, &users).secret);

	assert_int_equal(llk_cert_revocation(llk_certs_at(b.certs, 0), b.keys, LLK_REVOKE_COMPROMISED, bytes(""), NOW,
			     true, &revocation, &e),
	    0);
	llk_data_free(&out);
	assert_int_equal(
	    llk_cert_revoke_with(llk_certs_at(a.certs, 0), whole(&revocation), false, &out, &e), LLK_SIGNATURE);
	assert_int_equal(llk_cert_revoke_with(llk_certs_at(b.certs, 0), whole(&revocation), false, &out, &e), 0);
	assert_false(key_of(&out, a.policy, 0, &users).valid);
	llk_data_free(&out);
	llk_data_free(&small);
	llk_data_free(&revocation);
	llk_certs_free(certified);
	part(&a);
	part(&b);
}

static void
test_what_a_signature_says_besides(void **state)
{
	static const struct llk_notation colour = { { "colour@example.org", 18 }, { "walnut", 6 }, true, false };
	struct alice a = { .certs = NULL };
	struct llk_error e = { 0 };
	struct llk_signer *s = NULL;
	struct llk_verifier *v = NULL;
	struct llk_decrypter *d = NULL;
	struct llk_data signature = { NULL, 0 }, sealed = { NULL, 0 }, plain = { NULL, 0 };
	struct llk_notation n;
	struct llk_verdict verdict;

	(void)state;
	assert_int_equal(generate("rfc9580", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	assert_int_equal(llk_signer_new(LLK_DETACHED, &s, &e), 0);
	assert_int_equal(llk_signer_key(s, llk_certs_at(a.certs, 0), a.policy, a.keys, &e), 0);
	assert_int_equal(llk_signer_notation(s, &colour, &e), 0);
	llk_signer_expires(s, 1000);
	assert_int_equal(llk_signer_run(s, NOW + 50, bytes(letter), &signature, &e), 0);
	llk_signer_free(s);
	assert_int_equal(llk_verifier_new(a.certs, a.policy, &v, &e), 0);
	assert_int_equal(llk_verifier_signatures(v, whole(&signature), &e), 0);
	assert_int_equal(llk_verifier_write(v, bytes(letter), &e), 0);
	assert_false(llk_verifier_verdict(v, 0, &verdict));
	assert_int_equal(llk_verifier_end(v, &e), 0);
	assert_true(llk_verifier_verdict(v, 0, &verdict));
	assert_int_equal(verdict.kind, LLK_GOOD);
	assert_int_equal(verdict.notations, 1);
	assert_true(llk_verifier_notation(v, 0, 0, &n) && !llk_verifier_notation(v, 0, 1, &n));
	assert_true(llk_verifier_notation(v, 0, 0, &n) && n.readable && n.value.len == 6);
	llk_verifier_free(v);
	llk_data_free(&signature);

	/* Sealed for Alice, and the signature says so. */
	assert_int_equal(seal(&a, &sealed, &e), 0);
	assert_int_equal(llk_decrypter_new(a.policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_keys(d, a.keys, &e), 0);
	assert_int_equal(llk_decrypter_verify_with(d, a.certs, &e), 0);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), 0);
	assert_true(llk_decrypter_verdict(d, 0, &verdict) && verdict.kind == LLK_GOOD && !verdict.misdirected);
	llk_decrypter_free(d);
	llk_data_free(&plain);
	llk_data_free(&sealed);
	part(&a);
}

/* As the engine would write it for somebody who passes a letter on: signed for another, encrypted to Alice. */
static void
pass_on(const struct alice *a, struct buf *out)
{
	const struct pgp_cert *c = public_cert_engine(llk_certs_at(a->certs, 0));
	const struct pgp_fingerprint other = { .len = 32, .bytes = { 1, 2, 3 } };
	const struct pgp_key *to = pgp_cert_key(c, 1);
	const struct pgp_signer signer = { c->primary, pgp_memory_keys_ops(a->keys->memory) };
	const struct pgp_maker_spec signatures = {
		.signers = &signer, .signer_count = 1, .created = NOW + 50, .recipients = &other, .recipient_count = 1
	};
	struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_SEIPD2, .recipients = &to, .recipient_count = 1 };
	struct pgp_maker *m = NULL;

	assert_ok(pgp_maker_new(&m, &signatures, &unit_error));
	spec.maker = m;
	assert_ok(pgp_encrypt(&spec, slice_str(letter), out, &unit_error));
	pgp_maker_free(m);
}

static void
test_a_letter_for_somebody_else(void **state)
{
	struct alice a = { .certs = NULL };
	struct llk_decrypter *d = NULL;
	struct llk_data plain = { NULL, 0 };
	struct llk_verdict verdict;
	struct llk_error e = { 0 };
	struct buf sealed BUF_OWNED = { 0 };

	(void)state;
	buf_init(&sealed, 1 << 20);
	assert_int_equal(generate("rfc9580", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	pass_on(&a, &sealed);
	assert_int_equal(llk_decrypter_new(a.policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_keys(d, a.keys, &e), 0);
	assert_int_equal(llk_decrypter_verify_with(d, a.certs, &e), 0);
	assert_int_equal(llk_decrypter_run_data(d, (struct llk_bytes){ sealed.data, sealed.len }, &plain, &e), 0);
	assert_true(llk_decrypter_verdict(d, 0, &verdict) && verdict.kind == LLK_GOOD && verdict.misdirected);
	llk_decrypter_free(d);
	llk_data_free(&plain);
	part(&a);
}

/* ---- a second thread, lent ---- */

struct lent {
	pthread_t thread;
	void (*work)(void *argument);
	void *argument;
	unsigned started, waited;
};

static void *
lent_run(void *argument)
{
	const struct lent *l = argument;

	l->work(l->argument);
	return NULL;
}

static void
lent_start(void *ctx, void (*work)(void *argument), void *argument)
{
	struct lent *l = ctx;

	assert_int_equal(l->started, l->waited);
	l->started++;
	l->work = work;
	l->argument = argument;
	assert_int_equal(pthread_create(&l->thread, NULL, lent_run, l), 0);
}

static void
lent_wait(void *ctx)
{
	struct lent *l = ctx;

	l->waited++;
	assert_int_equal(pthread_join(l->thread, NULL), 0);
}

static void
test_a_lent_thread(void **state)
{
	static uint8_t much[5u << 20];
	struct lent lent = { .started = 0 };
	const struct llk_helper helper = { lent_start, lent_wait, &lent };
	struct llk_policy *policy = NULL;
	struct llk_encrypter *x = NULL;
	struct llk_decrypter *d = NULL;
	struct llk_data sealed = { NULL, 0 }, plain = { NULL, 0 };
	struct llk_error e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (uint8_t)(i * i >> 7);
	assert_int_equal(llk_policy_new(NOW, &policy, &e), 0);
	assert_int_equal(llk_encrypter_new(policy, &x, &e), 0);
	assert_int_equal(llk_encrypter_password(x, bytes("one"), &e), 0);
	llk_encrypter_seipd1(x);
	llk_encrypter_helper(x, &helper);
	assert_int_equal(llk_encrypter_run(x, (struct llk_bytes){ much, sizeof much }, &sealed, &e), 0);
	llk_encrypter_free(x);
	assert_true(lent.started > 1 && lent.started == lent.waited);

	assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_password(d, bytes("one"), &e), 0);
	llk_decrypter_helper(d, &helper);
	assert_int_equal(llk_decrypter_run_data(d, whole(&sealed), &plain, &e), 0);
	assert_int_equal(plain.len, sizeof much);
	assert_memory_equal(plain.data, much, sizeof much);
	llk_decrypter_free(d);
	assert_true(lent.started > 2 && lent.started == lent.waited);
	llk_data_free(&plain);

	/* Cut short: nothing is left running when it is freed. */
	assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
	assert_int_equal(llk_decrypter_password(d, bytes("one"), &e), 0);
	llk_decrypter_helper(d, &helper);
	assert_int_not_equal(
	    llk_decrypter_run_data(d, (struct llk_bytes){ sealed.data, sealed.len / 2 }, &plain, &e), 0);
	llk_decrypter_free(d);
	assert_int_equal(lent.started, lent.waited);
	llk_data_free(&sealed);
	llk_policy_free(policy);
}

/* ---- what a caller does wrong ---- */

struct pipe {
	unsigned fails_at, calls;
	bool closed; /* nothing may come any more */
};

static int
pipe_write(void *ctx, const void *data, size_t len)
{
	struct pipe *p = ctx;

	(void)data;
	(void)len;
	assert_false(p->closed);
	return p->calls++ == p->fails_at ? LLK_IO : 0;
}

/* A writer fails once, and the caller goes on as if nothing were: there is no message and no signature at the end. */
static void
test_errors_are_for_good(void **state)
{
	static const uint8_t data[1 << 20] = { 1 };
	const struct llk_bytes piece = { data, sizeof data };
	struct alice a = { .certs = NULL };
	struct llk_error e = { 0 };

	(void)state;
	assert_int_equal(generate("compatibility", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	for (unsigned at = 0; at < 8; at++) {
		struct pipe p = { .fails_at = at };
		struct llk_encrypter *x = NULL;
		struct llk_signer *s = NULL;
		int rc;

		assert_int_equal(llk_encrypter_new(a.policy, &x, &e), 0);
		assert_int_equal(llk_encrypter_recipient(x, llk_certs_at(a.certs, 0), &e), 0);
		rc = llk_encrypter_begin(x, (struct llk_writer){ pipe_write, &p }, &e);
		for (int i = 0; i < 4; i++) {
			p.closed = p.calls > at;
			rc = llk_encrypter_write(x, piece, &e);
		}
		p.closed = p.calls > at;
		rc = llk_encrypter_end(x, &e);
		assert_int_equal(rc, p.closed ? LLK_ORDER : p.calls > at ? LLK_IO : 0);
		assert_int_equal(llk_encrypter_end(x, &e), LLK_ORDER);
		llk_encrypter_free(x);

		p = (struct pipe){ .fails_at = at };
		assert_int_equal(llk_signer_new(at % 2 == 0 ? LLK_INLINE : LLK_CLEARTEXT, &s, &e), 0);
		assert_int_equal(llk_signer_key(s, llk_certs_at(a.certs, 0), a.policy, a.keys, &e), 0);
		rc = llk_signer_begin(s, NOW, (struct llk_writer){ pipe_write, &p }, &e);
		for (int i = 0; i < 4; i++) {
			p.closed = p.calls > at;
			rc = llk_signer_write(s, piece, &e);
		}
		p.closed = p.calls > at;
		rc = llk_signer_end(s, &e);
		assert_int_equal(rc, p.closed ? LLK_ORDER : p.calls > at ? LLK_IO : 0);
		assert_int_equal(llk_signer_end(s, &e), LLK_ORDER);
		llk_signer_free(s);
	}
	part(&a);
}

struct sink {
	unsigned committed, aborted;
};

static int
sink_write(void *ctx, const void *data, size_t len, bool proven)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)proven;
	return 0;
}

static int
sink_commit(void *ctx)
{
	struct sink *s = ctx;

	s->committed++;
	return 0;
}

static void
sink_abort(void *ctx)
{
	struct sink *s = ctx;

	s->aborted++;
}

struct text {
	struct llk_bytes left;
};

static int
text_read(void *ctx, void *buffer, size_t size, size_t *len_out)
{
	struct text *t = ctx;
	size_t n = t->left.len < size ? t->left.len : size;

	memcpy(buffer, t->left.data, n);
	t->left = (struct llk_bytes){ (const uint8_t *)t->left.data + n, t->left.len - n };
	*len_out = n;
	return 0;
}

/* Whatever allocation fails: success and commit go together, and so do an error and abort. */
static void
test_commit_or_abort(void **state)
{
	struct alice a = { .certs = NULL };
	struct llk_data sealed = { NULL, 0 };
	struct llk_error e = { 0 };
	int rc = -1;

	(void)state;
	assert_int_equal(generate("compatibility", "", &a.secret, &e), 0);
	assert_int_equal(meet(&a, &a.secret, "", &e), 0);
	assert_int_equal(seal(&a, &sealed, &e), 0);
	for (long n = 0; rc != 0; n++) {
		struct llk_decrypter *d = NULL;
		struct sink s = { .committed = 0 };
		struct text t = { whole(&sealed) };
		const struct llk_reader in = { text_read, &t };
		const struct llk_plaintext out = { sink_write, sink_commit, sink_abort, &s };

		assert_int_equal(llk_decrypter_new(a.policy, &d, &e), 0);
		assert_int_equal(llk_decrypter_keys(d, a.keys, &e), 0);
		assert_int_equal(llk_decrypter_verify_with(d, a.certs, &e), 0);
		mem_fail_after(n);
		rc = llk_decrypter_run(d, in, out, &e);
		mem_fail_after(-1);
		assert_int_equal(s.committed, rc == 0);
		assert_int_equal(s.aborted, rc != 0);
		assert_int_equal(llk_decrypter_verdicts(d), rc == 0);
		assert_int_equal(llk_decrypter_run(d, in, out, &e), LLK_ORDER);
		assert_int_equal(s.aborted, rc == 0 ? 1 : 2);
		llk_decrypter_free(d);
		assert_true(n < 10000);
	}
	llk_data_free(&sealed);
	part(&a);
}

/* Packet type 9 (RFC 9580 section 5.7) in AES-128 under a key of zeros: a prefix, then CFB anew. */
static size_t
put_old(uint8_t out[64])
{
	static const uint8_t zeros[16] = { 0 }, prefix[18] = { 0 };
	static const uint8_t literal[] = { 0xcb, 8, 'b', 0, 0, 0, 0, 0, 'h', 'i' };
	const struct slice key = slice_of(zeros, sizeof zeros);

	out[0] = 0xc9;
	out[1] = 18 + sizeof literal;
	assert_ok(cipher_cfb_once(
	    CIPHER_AES128, CIPHER_ENCRYPT, key, SLICE_EMPTY, slice_of(prefix, sizeof prefix), out + 2, &unit_error));
	assert_ok(cipher_cfb_once(CIPHER_AES128, CIPHER_ENCRYPT, key, slice_of(out + 4, 16),
	    slice_of(literal, sizeof literal), out + 20, &unit_error));
	return 20 + sizeof literal;
}

/* Old mail without protection takes both: the policy's rule and the call. */
static void
test_unauthenticated(void **state)
{
	static const uint8_t key[16] = { 0 };
	uint8_t old[64];
	const size_t len = put_old(old);

	(void)state;
	for (int row = 0; row < 4; row++) {
		struct llk_policy *policy = NULL;
		struct llk_decrypter *d = NULL;
		struct llk_data plain = { NULL, 0 };
		struct llk_error e = { 0 };

		assert_int_equal(llk_policy_new(NOW, &policy, &e), 0);
		if ((row & 1) != 0)
			assert_int_equal(llk_policy_accept(policy, "no-mdc", &e), 0);
		assert_int_equal(llk_decrypter_new(policy, &d, &e), 0);
		if ((row & 2) != 0)
			llk_decrypter_accept_unauthenticated(d);
		assert_int_equal(llk_decrypter_session_key(d, 7, (struct llk_bytes){ key, sizeof key }, &e), 0);
		assert_int_equal(
		    llk_decrypter_run_data(d, (struct llk_bytes){ old, len }, &plain, &e), row == 3 ? 0 : LLK_POLICY);
		assert_int_equal(plain.len, row == 3 ? 2 : 0);
		llk_data_free(&plain);
		llk_decrypter_free(d);
		llk_policy_free(policy);
	}
}

/* ---- no memory: each work with each of its allocations failing in turn ---- */

enum {
	WORK_GENERATE,
	WORK_MEET,
	WORK_SEAL,
	WORK_OPEN,
	WORK_SIGN,
	WORK_CLEAR,
	WORK_VERIFY,
	WORK_READ_CLEAR,
	WORK_JUDGE,
	WORK_COUNT
};

struct bench {
	struct alice a;
	struct llk_data sealed, signature, clear;
};

static int
work(int which, const struct bench *b, struct llk_error *e)
{
	struct alice fresh = { .certs = NULL };
	struct llk_data out = { NULL, 0 };
	struct llk_validity *v = NULL;
	struct llk_verdict verdict;
	size_t good;
	int rc = 0;

	switch (which) {
	case WORK_GENERATE:
		rc = generate("compatibility", "", &out, e);
		break;
	case WORK_MEET:
		rc = meet(&fresh, &b->a.secret, "", e);
		part(&fresh);
		break;
	case WORK_SEAL:
		rc = seal(&b->a, &out, e);
		break;
	case WORK_OPEN:
		rc = open_sealed(&b->a, whole(&b->sealed), &out, &good, e);
		break;
	case WORK_SIGN:
		rc = sign(&b->a, LLK_DETACHED, &out, e);
		break;
	case WORK_CLEAR:
		rc = sign(&b->a, LLK_CLEARTEXT, &out, e);
		break;
	case WORK_VERIFY:
		rc = verify(&b->a, whole(&b->signature), letter, &verdict, e);
		break;
	case WORK_READ_CLEAR:
		rc = read_clear(&b->a, whole(&b->clear), &out, &good, e);
		break;
	default:
		rc = llk_validity_new(llk_certs_at(b->a.certs, 0), b->a.policy, &v, e);
		llk_validity_free(v);
	}
	llk_data_free(&out);
	return rc;
}

static void
test_no_memory(void **state)
{
	struct bench b = { .sealed = { NULL, 0 } };
	struct llk_error e = { 0 };
	int wrong = 0;

	(void)state;
	assert_int_equal(generate("compatibility", "", &b.a.secret, &e), 0);
	assert_int_equal(meet(&b.a, &b.a.secret, "", &e), 0);
	assert_int_equal(seal(&b.a, &b.sealed, &e), 0);
	assert_int_equal(sign(&b.a, LLK_DETACHED, &b.signature, &e), 0);
	assert_int_equal(sign(&b.a, LLK_CLEARTEXT, &b.clear, &e), 0);
	for (int w = 0; w < WORK_COUNT; w++) {
		long n = 0;
		int rc;

		/* Until the work needs fewer allocations than the one that fails: then it succeeds as ever. */
		do {
			mem_fail_after(n++);
			rc = work(w, &b, &e);
			mem_fail_after(-1);
			if (rc != 0 && rc != LLK_NOMEM) {
				print_error("work %d, allocation %ld: %d %s\n", w, n - 1, rc, e.text);
				wrong++;
			}
		} while (rc != 0 && n < 100000);
		assert_int_equal(rc, 0);
		assert_true(n > 3);
	}
	assert_int_equal(wrong, 0);
	llk_data_free(&b.sealed);
	llk_data_free(&b.signature);
	llk_data_free(&b.clear);
	part(&b.a);
}

UNIT_MAIN(UNIT_TEST(test_each_profile), UNIT_TEST(test_session_keys_and_passwords), UNIT_TEST(test_validity),
    UNIT_TEST(test_changes), UNIT_TEST(test_certify_revoke_with_and_export),
    UNIT_TEST(test_what_a_signature_says_besides), UNIT_TEST(test_a_letter_for_somebody_else),
    UNIT_TEST(test_a_lent_thread), UNIT_TEST(test_errors_are_for_good), UNIT_TEST(test_commit_or_abort),
    UNIT_TEST(test_unauthenticated), UNIT_TEST(test_no_memory))
