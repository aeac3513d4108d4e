/* SPDX-License-Identifier: ISC */
#include "sasl/scram.h"

#include <string.h>

#include "base/base64.h"
#include "base/saslprep.h"
#include "crypto/hmac.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "sasl/scram_keys.h"
#include "sasl/scram_message.h"

#define SCHEME "SCRAM-SHA-256$"

/* ---- computations ---- */

int
scram_signature(
    const uint8_t key[SCRAM_KEY_SIZE], struct slice auth_message, uint8_t out[SCRAM_KEY_SIZE], struct error *e)
{
	return hmac_once(SCRAM_HASH, slice_of(key, SCRAM_KEY_SIZE), auth_message, out, e);
}

void
scram_xor(uint8_t into[SCRAM_KEY_SIZE], const uint8_t with[SCRAM_KEY_SIZE])
{
	for (size_t i = 0; i < SCRAM_KEY_SIZE; i++)
		into[i] ^= with[i];
}

int
scram_keys_make(
    struct slice password, struct slice salt, uint32_t iterations, struct scram_keys *keys_out, struct error *e)
{
	uint8_t salted[SCRAM_KEY_SIZE];
	int rc = kdf_pbkdf2(SCRAM_HASH, password, salt, iterations, salted, sizeof salted, e);

	if (rc == 0)
		rc = scram_signature(salted, SLICE("Client Key"), keys_out->client_key, e);
	if (rc == 0)
		rc = scram_signature(salted, SLICE("Server Key"), keys_out->server_key, e);
	if (rc == 0)
		rc = hash_once(SCRAM_HASH, slice_of(keys_out->client_key, SCRAM_KEY_SIZE), keys_out->stored_key, e);
	secret_wipe(salted, sizeof salted);
	if (rc != 0)
		secret_wipe(keys_out, sizeof *keys_out);
	return rc;
}

/* ---- verifiers ---- */

static int
draw_salt(struct scram_verifier *v, struct slice salt, struct error *e)
{
	if (salt.len > SCRAM_SALT_MAX)
		return error_set(e, ERR_USAGE, "a salt over %u octets", SCRAM_SALT_MAX);
	v->salt_len = salt.len > 0 ? (uint8_t)salt.len : SCRAM_SALT_SIZE;
	if (salt.len == 0)
		return random_bytes(v->salt, SCRAM_SALT_SIZE, e);
	memcpy(v->salt, salt.data, salt.len);
	return 0;
}

static int
make_prepared(struct slice password, struct scram_verifier *v, struct error *e)
{
	struct scram_keys keys;
	int rc = scram_keys_make(password, scram_verifier_salt(v), v->iterations, &keys, e);

	if (rc == 0) {
		memcpy(v->stored_key, keys.stored_key, SCRAM_KEY_SIZE);
		memcpy(v->server_key, keys.server_key, SCRAM_KEY_SIZE);
	}
	secret_wipe(&keys, sizeof keys);
	return rc;
}

int
scram_verifier_make(
    struct slice password, struct slice salt, uint32_t iterations, struct scram_verifier *verifier_out, struct error *e)
{
	struct scram_verifier v = { .iterations = iterations };
	struct buf prepared;
	int rc;

	if (iterations < SCRAM_ITERATIONS_MIN || iterations > SCRAM_ITERATIONS_MAX)
		return error_set(e, ERR_USAGE, "SCRAM's count of iterations is from %u to %u", SCRAM_ITERATIONS_MIN,
		    SCRAM_ITERATIONS_MAX);
	if (password.len > SASL_PASSWORD_MAX)
		return error_set(e, ERR_USAGE, "a password over %u octets", SASL_PASSWORD_MAX);
	buf_init(&prepared, SASLPREP_OUTPUT_MAX);
	rc = saslprep(password, true, &prepared, e);
	if (rc == 0 && prepared.len == 0)
		rc = error_set(e, ERR_POLICY, "a password of which nothing is left when it is prepared");
	if (rc == 0)
		rc = draw_salt(&v, salt, e);
	if (rc == 0)
		rc = make_prepared(buf_slice(&prepared), &v, e);
	buf_wipe_done(&prepared);
	if (rc == 0)
		*verifier_out = v;
	secret_wipe(&v, sizeof v);
	return rc;
}

int
scram_verifier_write(const struct scram_verifier *v, struct buf *out)
{
	(void)buf_putf(out, SCHEME "%u:", v->iterations);
	(void)base64_write(out, scram_verifier_salt(v));
	(void)buf_put_u8(out, '$');
	(void)base64_write(out, slice_of(v->stored_key, SCRAM_KEY_SIZE));
	(void)buf_put_u8(out, ':');
	return base64_write(out, slice_of(v->server_key, SCRAM_KEY_SIZE));
}

bool
scram_verifier_is(struct slice text)
{
	return slice_starts(text, SLICE(SCHEME));
}

/* Splits text in two; both must be there. */
static bool
halves(struct slice text, uint8_t separator, struct slice *first, struct slice *second)
{
	bool both = slice_find(text, separator) != SIZE_MAX;

	*first = slice_split(text, separator, second);
	return both;
}

static int
parse_keys(struct slice text, struct scram_verifier *v, struct error *e)
{
	struct slice stored, server;
	int rc;

	if (!halves(text, ':', &stored, &server))
		return error_set(e, ERR_SYNTAX, "a SCRAM verifier has two keys, this has one");
	rc = scram_decode_fixed(stored, v->stored_key, SCRAM_KEY_SIZE, e);
	return rc == 0 ? scram_decode_fixed(server, v->server_key, SCRAM_KEY_SIZE, e) : rc;
}

int
scram_verifier_parse(struct slice text, struct scram_verifier *verifier_out, struct error *e)
{
	struct scram_verifier v = { .iterations = 0 };
	struct slice info, keys, count, salt;
	int rc;

	if (!scram_verifier_is(text))
		return error_set(e, ERR_UNSUPPORTED, "a verifier that is not of SCRAM-SHA-256");
	text = slice_from(text, sizeof SCHEME - 1);
	if (!halves(text, '$', &info, &keys) || !halves(info, ':', &count, &salt))
		return error_set(e, ERR_SYNTAX, "a SCRAM verifier is count:salt$StoredKey:ServerKey");
	if (!scram_count_parse(count, &v.iterations))
		return error_set(e, ERR_SYNTAX, "a SCRAM verifier whose count is no number");
	if (v.iterations < SCRAM_ITERATIONS_MIN || v.iterations > SCRAM_ITERATIONS_MAX)
		return error_set(e, ERR_LIMIT, "a SCRAM verifier with a count out of %u to %u", SCRAM_ITERATIONS_MIN,
		    SCRAM_ITERATIONS_MAX);
	rc = scram_decode_salt(salt, v.salt, &v.salt_len, e);
	if (rc == 0)
		rc = parse_keys(keys, &v, e);
	if (rc == 0)
		*verifier_out = v;
	secret_wipe(&v, sizeof v);
	return rc;
}
