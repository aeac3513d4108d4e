/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/base64.h"
#include "base/saslprep.h"
#include "crypto/compare.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "sasl/scram_keys.h"
#include "sasl/scram_message.h"
#include "sasl/server_internal.h"

#define NONCE_SIZE 18u /* random octets: 24 characters */

/* ---- the client's first message ---- */

/* RFC 5802 section 6. What the "c" of the next message must be is known from here on. */
static int
check_binding(struct sasl_server_state *t, const struct scram_client_first *m, struct error *e)
{
	bool plus = t->mechanism == SASL_SCRAM_SHA_256_PLUS;
	struct slice data = SLICE_EMPTY;

	if (plus != (m->header.flag == 'p'))
		return error_set(e, ERR_SYNTAX,
		    plus ? "SCRAM-SHA-256-PLUS without channel binding"
			 : "channel binding in a mechanism without -PLUS");
	if (m->header.flag == 'y' && t->plus_offered)
		return error_set(e, ERR_POLICY,
		    "the client did not see that channel binding is offered: somebody changes what is said");
	if (plus) {
		data = sasl_bindings_find(&t->bindings, m->header.binding);
		if (data.len == 0)
			return error_set(e, ERR_UNSUPPORTED, "a type of channel binding that is not at hand");
	}
	(void)buf_put_slice(&t->scram.c, m->header_text);
	if (buf_put_slice(&t->scram.c, data) != 0)
		return error_nomem(e);
	return 0;
}

/* As a query (RFC 5802 section 5.1): unassigned characters may be in it. */
static int
prepare_name(struct slice written, struct buf *out, struct error *e)
{
	struct buf plain;
	int rc;

	buf_init(&plain, SASL_IDENTITY_MAX);
	rc = gs2_name_decode(written, &plain, e);
	if (rc == 0)
		rc = saslprep(buf_slice(&plain), false, out, e);
	buf_done(&plain);
	return rc;
}

static int
prepare_names(struct sasl_server *s, const struct scram_client_first *m, struct error *e)
{
	struct sasl_server_state *t = s->state;
	int rc = prepare_name(m->name, &t->identity, e);

	if (rc == 0)
		rc = prepare_name(m->header.authorize, &t->authorize, e);
	if (rc == 0 && (t->identity.len == 0 || (m->header.authorize.len > 0 && t->authorize.len == 0)))
		rc = error_set(e, ERR_POLICY, "an identity of which nothing is left when it is prepared");
	s->credentials.identity = buf_slice(&t->identity);
	s->credentials.authorize = buf_slice(&t->authorize);
	return rc;
}

int
scram_server_first(struct sasl_server *s, struct slice message, struct error *e)
{
	struct scram_server *p = &s->state->scram;
	struct scram_client_first m;
	int rc = scram_client_first_parse(message, &m, e);

	if (rc == 0)
		rc = check_binding(s->state, &m, e);
	if (rc == 0)
		rc = prepare_names(s, &m, e);
	if (rc != 0)
		return rc;
	(void)buf_put_slice(&p->nonce, m.nonce);
	(void)buf_put_slice(&p->auth, m.bare);
	if (buf_put_u8(&p->auth, ',') != 0 || p->nonce.err != 0)
		return error_nomem(e);
	return SASL_STEP_LOOKUP;
}

/* ---- salt and count ---- */

static int
add_nonce(struct sasl_server_state *t, struct error *e)
{
	uint8_t octets[NONCE_SIZE];
	int rc;

	if (t->own_nonce.len > 0) {
		rc = buf_put_slice(&t->scram.nonce, buf_slice(&t->own_nonce));
	} else {
		rc = random_bytes(octets, sizeof octets, e);
		if (rc != 0)
			return rc;
		rc = base64_write(&t->scram.nonce, slice_of(octets, sizeof octets));
	}
	return rc == 0 ? 0 : error_nomem(e);
}

static int
fake_input(struct slice name, struct slice identity, struct buf *out)
{
	(void)buf_put_str(out, "salt");
	(void)buf_put_u8(out, 0);
	if (name.len > 0)
		return buf_put_slice(out, name);
	for (size_t i = 0; i < identity.len; i++)
		(void)buf_put_u8(out, ascii_lower(identity.data[i]));
	return out->err;
}

/* One that no proof fits: its count is what is said, and it is never tried. */
static int
make_fake(struct sasl_server_state *t, struct slice name, struct error *e)
{
	struct scram_verifier *v = &t->scram.verifiers[0];
	uint8_t mac[SCRAM_KEY_SIZE];
	struct buf in;
	int rc;

	buf_init(&in, SASLPREP_OUTPUT_MAX + SASL_IDENTITY_MAX);
	rc = fake_input(name, buf_slice(&t->identity), &in);
	rc = rc == 0 ? hmac_once(SCRAM_HASH, slice_of(t->fake_key, t->fake_key_len), buf_slice(&in), mac, e)
		     : error_set(e, rc, "no room for a name");
	buf_done(&in);
	if (rc != 0)
		return rc;
	*v = (struct scram_verifier){ .iterations = t->fake_iterations, .salt_len = SCRAM_SALT_SIZE };
	memcpy(v->salt, mac, SCRAM_SALT_SIZE);
	return 0;
}

int
scram_server_found(
    struct sasl_server *s, const struct scram_verifier *verifiers, size_t count, struct slice name, struct error *e)
{
	struct scram_server *p = &s->state->scram;
	int rc = 0;

	if (count > SCRAM_VERIFIERS_MAX)
		return error_set(e, ERR_USAGE, "over %u SCRAM verifiers for one account", SCRAM_VERIFIERS_MAX);
	if (name.len > SASL_IDENTITY_MAX)
		return error_set(e, ERR_USAGE, "a name over %u octets", SASL_IDENTITY_MAX);
	/* Made for every account: who measures finds no difference. */
	rc = make_fake(s->state, name, e);
	if (rc == 0)
		rc = add_nonce(s->state, e);
	if (rc != 0)
		return rc;
	p->count = count;
	if (count > 0)
		memcpy(p->verifiers, verifiers, count * sizeof *verifiers);
	(void)buf_put_str(&s->challenge, "r=");
	(void)buf_put_slice(&s->challenge, buf_slice(&p->nonce));
	(void)buf_put_str(&s->challenge, ",s=");
	(void)base64_write(&s->challenge, scram_verifier_salt(&p->verifiers[0]));
	(void)buf_putf(&s->challenge, ",i=%u", p->verifiers[0].iterations);
	(void)buf_put_slice(&p->auth, buf_slice(&s->challenge));
	(void)buf_put_u8(&p->auth, ',');
	return s->challenge.err == 0 && p->auth.err == 0 ? SASL_STEP_CHALLENGE : error_nomem(e);
}

/* ---- the proof ---- */

static int
check_c(const struct scram_server *p, struct slice encoded, struct error *e)
{
	struct buf c;
	int rc;

	buf_init(&c, SCRAM_MESSAGE_MAX);
	rc = base64_parse(encoded, &c, e);
	if (rc == 0 && !compare_equal(buf_slice(&c), buf_slice(&p->c)))
		rc = error_set(
		    e, ERR_INTEGRITY, "the client is bound to another channel, or changed its mind on the way");
	buf_done(&c);
	return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
}

/* ClientKey from the proof, and its hash against StoredKey. */
static int
try_one(const struct scram_server *p, const uint8_t stored_key[SCRAM_KEY_SIZE], const uint8_t proof[SCRAM_KEY_SIZE],
    bool *right_out, struct error *e)
{
	uint8_t key[SCRAM_KEY_SIZE], hash[SCRAM_KEY_SIZE];
	int rc = scram_signature(stored_key, buf_slice(&p->auth), key, e);

	if (rc == 0) {
		scram_xor(key, proof);
		rc = hash_once(SCRAM_HASH, slice_of(key, sizeof key), hash, e);
	}
	*right_out = rc == 0 && compare_equal(slice_of(hash, sizeof hash), slice_of(stored_key, SCRAM_KEY_SIZE));
	secret_wipe(key, sizeof key);
	secret_wipe(hash, sizeof hash);
	return rc;
}

static bool
same_salt(const struct scram_verifier *a, const struct scram_verifier *b)
{
	return a->iterations == b->iterations && slice_eq(scram_verifier_salt(a), scram_verifier_salt(b));
}

/* As many tries for every account, whether it is there or not: time says neither that nor how many passwords it has. */
static int
try_all(struct scram_server *p, const uint8_t proof[SCRAM_KEY_SIZE], size_t *which_out, struct error *e)
{
	static const uint8_t nobody[SCRAM_KEY_SIZE];
	size_t which = SIZE_MAX;

	for (size_t i = 0; i < SCRAM_VERIFIERS_MAX; i++) {
		bool there = i < p->count && same_salt(&p->verifiers[0], &p->verifiers[i]), right = false;
		int rc = try_one(p, there ? p->verifiers[i].stored_key : nobody, proof, &right, e);

		if (rc != 0)
			return rc;
		if (right && there)
			which = i;
	}
	*which_out = which;
	return which == SIZE_MAX ? error_set(e, ERR_PASSWORD, "wrong address or password") : 0;
}

static int
put_proof(struct sasl_server *s, struct error *e)
{
	struct scram_server *p = &s->state->scram;
	uint8_t signature[SCRAM_KEY_SIZE];
	int rc = scram_signature(p->verifiers[s->verifier].server_key, buf_slice(&p->auth), signature, e);

	if (rc != 0)
		return rc;
	(void)buf_put_str(&s->challenge, "v=");
	(void)base64_write(&s->challenge, slice_of(signature, sizeof signature));
	return s->challenge.err == 0 ? SASL_STEP_CHALLENGE : error_nomem(e);
}

int
scram_server_final(struct sasl_server *s, struct slice message, struct error *e)
{
	struct scram_server *p = &s->state->scram;
	struct scram_client_final m;
	int rc = scram_client_final_parse(message, &m, e);

	if (rc == 0 && !slice_eq(m.nonce, buf_slice(&p->nonce)))
		rc = error_set(e, ERR_INTEGRITY, "the nonce is that of another exchange");
	if (rc == 0)
		rc = check_c(p, m.binding, e);
	if (rc == 0 && buf_put_slice(&p->auth, m.without_proof) != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = try_all(p, m.proof, &s->verifier, e);
	secret_wipe(m.proof, sizeof m.proof);
	return rc == 0 ? put_proof(s, e) : rc;
}
