/* SPDX-License-Identifier: ISC */
/* Decrypting, and messages that are signed only, for the public header. */
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/message/decrypt.h"
#include "openpgp/public/public.h"

#define KEYRINGS_MAX 64u
#define SESSIONS_MAX 64u

struct llk_decrypter {
	struct pgp_policy policy;
	const struct llk_keys *keyrings[KEYRINGS_MAX];
	size_t keyring_count;
	const struct pgp_key **keys; /* of all of them */
	size_t key_count;
	struct secret passwords[LLK_PASSWORDS_MAX];
	struct slice passphrases[LLK_PASSWORDS_MAX];
	size_t password_count;
	struct pgp_session sessions[SESSIONS_MAX];
	size_t session_count;
	struct pgp_verifier *verifier;
	bool unencrypted, unauthenticated, run, verified;
	struct public_helper helper;
	struct llk_plaintext out;
	bool proven; /* while it runs: of what is written */
	struct pgp_decrypt_result result;
};

int
llk_decrypter_new(const struct llk_policy *policy, struct llk_decrypter **out, struct llk_error *error)
{
	struct llk_decrypter *x = mem_alloc(sizeof *x);

	if (x == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	x->policy = policy->policy;
	*out = x;
	return 0;
}

void
llk_decrypter_free(struct llk_decrypter *decrypter)
{
	if (decrypter == NULL)
		return;
	public_helper_done(&decrypter->helper);
	pgp_verifier_free(decrypter->verifier);
	pgp_session_done(&decrypter->result.session);
	for (size_t i = 0; i < decrypter->session_count; i++)
		pgp_session_done(&decrypter->sessions[i]);
	for (size_t i = 0; i < decrypter->password_count; i++)
		secret_done(&decrypter->passwords[i]);
	mem_free(decrypter->keys);
	mem_free(decrypter);
}

int
llk_decrypter_keys(struct llk_decrypter *decrypter, const struct llk_keys *keys, struct llk_error *error)
{
	const struct pgp_key **all;

	if (decrypter->keyring_count == KEYRINGS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many sets of keys");
	all = mem_realloc(decrypter->keys, (decrypter->key_count + keys->count) * sizeof *all);
	if (all == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	decrypter->keys = all;
	for (size_t i = 0; i < keys->count; i++)
		all[decrypter->key_count++] = keys->held[i].key;
	decrypter->keyrings[decrypter->keyring_count++] = keys;
	return 0;
}

int
llk_decrypter_password(struct llk_decrypter *decrypter, struct llk_bytes password, struct llk_error *error)
{
	size_t n = decrypter->password_count;
	struct error e = { 0 };

	if (n == LLK_PASSWORDS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many passwords");
	if (secret_copy(&decrypter->passwords[n], public_slice(password), &e) != 0)
		return public_fail(error, &e);
	decrypter->passphrases[n] = secret_slice(&decrypter->passwords[n]);
	decrypter->password_count++;
	return 0;
}

int
llk_decrypter_session_key(
    struct llk_decrypter *decrypter, unsigned cipher, struct llk_bytes key, struct llk_error *error)
{
	struct pgp_session *s = &decrypter->sessions[decrypter->session_count];
	struct error e = { 0 };

	if (decrypter->session_count == SESSIONS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many session keys");
	if (cipher > UINT8_MAX || key.len == 0)
		return public_refuse(error, ERR_USAGE, "that is no session key");
	if (secret_copy(&s->key, public_slice(key), &e) != 0)
		return public_fail(error, &e);
	s->cipher = (uint8_t)cipher;
	decrypter->session_count++;
	return 0;
}

int
llk_decrypter_verify_with(struct llk_decrypter *decrypter, const struct llk_certs *certs, struct llk_error *error)
{
	struct error e = { 0 };

	if (decrypter->verifier != NULL)
		return public_refuse(error, ERR_ORDER, "certificates have been given already");
	if (pgp_verifier_new(&decrypter->verifier, public_certs_engine(certs), &decrypter->policy, &e) != 0)
		return public_fail(error, &e);
	return 0;
}

void
llk_decrypter_unencrypted(struct llk_decrypter *decrypter)
{
	decrypter->unencrypted = true;
}

void
llk_decrypter_accept_unauthenticated(struct llk_decrypter *decrypter)
{
	decrypter->unauthenticated = true;
}

void
llk_decrypter_helper(struct llk_decrypter *decrypter, const struct llk_helper *helper)
{
	decrypter->helper.lent = *helper;
}

/* ---- several sets of keys as one ---- */

static const struct llk_keys *
holder(const struct llk_decrypter *x, const struct pgp_key *key)
{
	for (size_t i = 0; i < x->keyring_count; i++) {
		struct pgp_keyring_ops o = pgp_memory_keys_ops(x->keyrings[i]->memory);

		if (o.ops->holds(o.ctx, key))
			return x->keyrings[i];
	}
	return NULL;
}

static bool
any_holds(void *ctx, const struct pgp_key *key)
{
	return holder(ctx, key) != NULL;
}

static int
any_open(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
    struct secret *session_key_out, struct error *e)
{
	const struct llk_keys *k = holder(ctx, key);
	struct pgp_keyring_ops o;

	if (k == NULL)
		return error_set(e, ERR_NO_KEY, "the secret key has not been unlocked");
	o = pgp_memory_keys_ops(k->memory);
	return o.ops->open(o.ctx, key, pkesk, cipher_out, session_key_out, e);
}

static int
never_sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	(void)ctx;
	(void)key;
	(void)hash;
	(void)digest;
	(void)out;
	return error_set(e, ERR_USAGE, "decrypting signs nothing");
}

/* ---- plaintext on its way ---- */

static int
plain_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct llk_decrypter *x = ctx;

	(void)e;
	x->proven = !literal->held;
	return 0;
}

static int
callers(int rc, struct error *e)
{
	return rc == 0 ? 0 : error_set(e, rc < 0 ? rc : ERR_IO, "the plaintext could not be written");
}

static int
plain_write(void *ctx, struct slice data, struct error *e)
{
	const struct llk_decrypter *x = ctx;

	return callers(x->out.write(x->out.ctx, data.data, data.len, x->proven), e);
}

/* The verdicts first: who is told that all went well must find them there. */
static int
plain_commit(void *ctx, struct error *e)
{
	struct llk_decrypter *x = ctx;
	int rc = x->verifier != NULL ? pgp_verifier_finish(x->verifier, e) : 0;

	/* A signature that is missing at the end is one that is not good, no more: the plaintext was proven by the container. */
	if (rc != 0 && rc != ERR_SYNTAX)
		return rc;
	rc = callers(x->out.commit(x->out.ctx), e);
	x->verified = rc == 0 && x->verifier != NULL;
	return rc;
}

static void
plain_abort(void *ctx)
{
	const struct llk_decrypter *x = ctx;

	x->out.abort(x->out.ctx);
}

static int
run(struct llk_decrypter *x, struct pgp_source in, struct error *e)
{
	static const struct pgp_keyops any = { never_sign, any_open, any_holds };
	static const struct pgp_plain_ops plain = { plain_begin, plain_write, plain_commit, plain_abort };
	struct pgp_policy policy = x->policy;
	const struct pgp_decrypt_spec spec = { .keys = x->keys,
		.key_count = x->key_count,
		.keyring = { &any, x },
		.passphrases = x->passphrases,
		.passphrase_count = x->password_count,
		.sessions = x->sessions,
		.session_count = x->session_count,
		.policy = &policy,
		.unencrypted = x->unencrypted,
		.verifier = x->verifier,
		.hasher = public_hasher(&x->helper) };
	int rc = 0;

	/* Packet type 9 takes both: the policy, which is of the archive, and the call, which is of this message. */
	if (!x->unauthenticated)
		rc = pgp_policy_set(&policy, SLICE("no-mdc"), PGP_USES_ALL, PGP_NEVER, e);
	if (rc != 0)
		plain_abort(x);
	else
		rc = pgp_decrypt(in, &spec, (struct pgp_plain){ &plain, x }, &x->result, e);
	return rc;
}

static int
begin(struct llk_decrypter *x, struct llk_plaintext out, struct llk_error *error)
{
	if (x->run)
		return public_refuse(error, ERR_ORDER, "a decrypter reads one message");
	x->run = true;
	x->out = out;
	return 0;
}

int
llk_decrypter_run(
    struct llk_decrypter *decrypter, struct llk_reader in, struct llk_plaintext out, struct llk_error *error)
{
	struct public_input input = { .piece = NULL };
	struct error e = { 0 };
	int rc = begin(decrypter, out, error);

	if (rc != 0) {
		out.abort(out.ctx);
		return rc;
	}
	rc = public_input_init(&input, in, &e);
	if (rc == 0)
		rc = run(decrypter, public_source(&input), &e);
	else
		plain_abort(decrypter);
	public_input_done(&input);
	return rc == 0 ? 0 : public_fail(error, &e);
}

/* ---- into memory ---- */

static int
memory_write(void *ctx, const void *data, size_t len, bool proven)
{
	(void)proven;
	return buf_put(ctx, data, len);
}

static int
memory_commit(void *ctx)
{
	return ((const struct buf *)ctx)->err;
}

static void
memory_abort(void *ctx)
{
	buf_wipe_done(ctx);
}

int
llk_decrypter_run_data(
    struct llk_decrypter *decrypter, struct llk_bytes in, struct llk_data *out, struct llk_error *error)
{
	struct slice whole = public_slice(in);
	struct error e = { 0 };
	struct buf plain;
	int rc;

	buf_init(&plain, LLK_WHOLE_MAX);
	rc = begin(decrypter, (struct llk_plaintext){ memory_write, memory_commit, memory_abort, &plain }, error);
	if (rc != 0)
		return rc;
	rc = run(decrypter, pgp_source_slice(&whole), &e);
	if (rc == 0)
		return public_give(&plain, out, error);
	buf_wipe_done(&plain);
	return public_fail(error, &e);
}

/* ---- afterwards ---- */

size_t
llk_decrypter_verdicts(const struct llk_decrypter *decrypter)
{
	return decrypter->verified ? pgp_verifier_count(decrypter->verifier) : 0;
}

/* Of the certificate whose key opened it; NULL when none did. */
static const struct pgp_fingerprint *
opener(const struct llk_decrypter *x)
{
	for (size_t r = 0; r < x->keyring_count; r++)
		for (size_t i = 0; i < x->keyrings[r]->count; i++)
			if (x->keyrings[r]->held[i].key == x->result.key)
				return x->keyrings[r]->held[i].primary;
	return NULL;
}

bool
llk_decrypter_verdict(const struct llk_decrypter *decrypter, size_t n, struct llk_verdict *out)
{
	const struct pgp_fingerprint *primary = opener(decrypter);

	if (n >= llk_decrypter_verdicts(decrypter))
		return false;
	public_verdict_of(decrypter->verifier, n, out);
	out->misdirected = primary != NULL && pgp_verifier_verdict(decrypter->verifier, n)->recipients_named &&
	    !pgp_verifier_names(decrypter->verifier, n, primary) &&
	    !pgp_verifier_names(decrypter->verifier, n, &decrypter->result.key->fingerprint);
	return true;
}

bool
llk_decrypter_notation(const struct llk_decrypter *decrypter, size_t n, size_t i, struct llk_notation *out)
{
	return n < llk_decrypter_verdicts(decrypter) && public_notation_of(decrypter->verifier, n, i, out);
}

int
llk_decrypter_opened_with(
    const struct llk_decrypter *decrypter, unsigned *cipher_out, struct llk_data *key_out, struct llk_error *error)
{
	const struct pgp_decrypt_result *r = &decrypter->result;
	struct buf copy;

	if (r->session.key.len == 0)
		return public_refuse(error, ERR_NOT_FOUND, "no session key has opened a message");
	buf_init(&copy, r->session.key.len);
	if (buf_put(&copy, r->session.key.data, r->session.key.len) == 0)
		*cipher_out = r->session.cipher != 0 ? r->session.cipher : r->cipher;
	return public_give(&copy, key_out, error);
}
