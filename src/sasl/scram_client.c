/* SPDX-License-Identifier: ISC */
#include "sasl/scram_client.h"

#include "base/base64.h"
#include "base/printable.h"
#include "base/saslprep.h"
#include "crypto/compare.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "sasl/scram_keys.h"
#include "sasl/scram_message.h"

#define NONCE_SIZE 18u /* random octets: 24 characters */

/* ---- life ---- */

static void
init_bufs(struct scram_client *c)
{
	buf_init(&c->password, SASLPREP_OUTPUT_MAX);
	buf_init(&c->identity, SASLPREP_OUTPUT_MAX);
	buf_init(&c->authorize, SASLPREP_OUTPUT_MAX);
	buf_init(&c->header, SCRAM_MESSAGE_MAX);
	buf_init(&c->c, SCRAM_MESSAGE_MAX + SASL_BINDING_MAX);
	buf_init(&c->nonce, SCRAM_NONCE_MAX);
	buf_init(&c->auth, 3 * SCRAM_MESSAGE_MAX);
}

void
scram_client_done(struct scram_client *c)
{
	buf_wipe_done(&c->password);
	buf_wipe_done(&c->identity);
	buf_wipe_done(&c->authorize);
	buf_wipe_done(&c->header);
	buf_wipe_done(&c->c);
	buf_wipe_done(&c->nonce);
	buf_wipe_done(&c->auth);
	secret_wipe(c->server_signature, sizeof c->server_signature);
}

/* Names as a query, the password as what is stored (RFC 5802 sections 5.1 and 2.2). */
static int
prepare(struct scram_client *c, const struct sasl_credentials *who, struct error *e)
{
	int rc = saslprep(who->identity, false, &c->identity, e);

	if (rc == 0)
		rc = saslprep(who->authorize, false, &c->authorize, e);
	if (rc == 0)
		rc = saslprep(who->password, true, &c->password, e);
	if (rc == 0 &&
	    (c->identity.len == 0 || c->password.len == 0 || c->identity.len > SASL_IDENTITY_MAX ||
		c->authorize.len > SASL_IDENTITY_MAX))
		rc = ERR_POLICY;
	if (rc == 0 || rc == ERR_NOMEM)
		return rc;
	return error_set(e, ERR_POLICY, "an address or password with characters that SCRAM does not take");
}

static int
draw_nonce(struct scram_client *c, struct slice given, struct error *e)
{
	uint8_t octets[NONCE_SIZE];
	int rc = 0;

	if (given.len > 0)
		return buf_put_slice(&c->nonce, given);
	rc = random_bytes(octets, sizeof octets, e);
	return rc == 0 ? base64_write(&c->nonce, slice_of(octets, sizeof octets)) : rc;
}

static int
put_header(struct scram_client *c, const struct scram_client_config *config)
{
	if (config->binding.len > 0) {
		(void)buf_put_str(&c->header, "p=");
		(void)buf_put_slice(&c->header, config->binding_type);
	} else {
		(void)buf_put_str(&c->header, config->could_bind ? "y" : "n");
	}
	(void)buf_put_u8(&c->header, ',');
	if (c->authorize.len > 0) {
		(void)buf_put_str(&c->header, "a=");
		(void)gs2_name_write(buf_slice(&c->authorize), &c->header);
	}
	(void)buf_put_u8(&c->header, ',');
	(void)buf_put_slice(&c->c, buf_slice(&c->header));
	(void)buf_put_slice(&c->c, config->binding);
	return c->header.err != 0 ? c->header.err : c->c.err;
}

int
scram_client_init(struct scram_client *c, const struct scram_client_config *config, struct error *e)
{
	int rc;

	init_bufs(c);
	rc = prepare(c, config->credentials, e);
	if (rc != 0)
		return rc;
	rc = draw_nonce(c, config->nonce, e);
	if (rc == ERR_CRYPTO)
		return rc;
	if (rc == 0)
		rc = put_header(c, config);
	return rc == 0 ? 0 : error_set(e, rc, "no room for the first message of SCRAM");
}

/* ---- the messages ---- */

int
scram_client_first(struct scram_client *c, struct buf *out, struct error *e)
{
	(void)buf_put_str(&c->auth, "n=");
	(void)gs2_name_write(buf_slice(&c->identity), &c->auth);
	(void)buf_put_str(&c->auth, ",r=");
	(void)buf_put_slice(&c->auth, buf_slice(&c->nonce));
	(void)buf_put_slice(out, buf_slice(&c->header));
	(void)buf_put_slice(out, buf_slice(&c->auth));
	(void)buf_put_u8(&c->auth, ',');
	return c->auth.err == 0 && out->err == 0 ? 0 : error_nomem(e);
}

static int
check_server_first(struct scram_client *c, const struct scram_server_first *m, struct error *e)
{
	if (m->nonce.len <= c->nonce.len || !slice_starts(m->nonce, buf_slice(&c->nonce)))
		return error_set(
		    e, ERR_INTEGRITY, "the server's nonce does not begin with ours, or adds nothing: this is a replay");
	if (m->iterations < SCRAM_ITERATIONS_MIN || m->iterations > SCRAM_ITERATIONS_MAX)
		return error_set(e, ERR_POLICY, "the server wants %u iterations, we do from %u to %u", m->iterations,
		    SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
	return 0;
}

/* The proof into proof_out, and what the server has to prove with into c. */
static int
compute(struct scram_client *c, const struct scram_server_first *m, uint8_t proof_out[SCRAM_KEY_SIZE], struct error *e)
{
	struct scram_keys keys;
	int rc = scram_keys_make(buf_slice(&c->password), slice_of(m->salt, m->salt_len), m->iterations, &keys, e);

	if (rc == 0)
		rc = scram_signature(keys.stored_key, buf_slice(&c->auth), proof_out, e);
	if (rc == 0)
		rc = scram_signature(keys.server_key, buf_slice(&c->auth), c->server_signature, e);
	if (rc == 0)
		scram_xor(proof_out, keys.client_key);
	secret_wipe(&keys, sizeof keys);
	buf_wipe_done(&c->password);
	return rc;
}

int
scram_client_final(struct scram_client *c, struct slice server_first, struct buf *out, struct error *e)
{
	uint8_t proof[SCRAM_KEY_SIZE];
	struct scram_server_first m;
	int rc = scram_server_first_parse(server_first, &m, e);

	if (rc == 0)
		rc = check_server_first(c, &m, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(out, "c=");
	(void)base64_write(out, buf_slice(&c->c));
	(void)buf_put_str(out, ",r=");
	(void)buf_put_slice(out, m.nonce);
	(void)buf_put_slice(&c->auth, server_first);
	(void)buf_put_u8(&c->auth, ',');
	(void)buf_put_slice(&c->auth, buf_slice(out));
	if (c->auth.err != 0 || out->err != 0)
		return error_nomem(e);
	rc = compute(c, &m, proof, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(out, ",p=");
	rc = base64_write(out, slice_of(proof, sizeof proof));
	secret_wipe(proof, sizeof proof);
	c->proof_sent = true;
	return rc == 0 ? 0 : error_nomem(e);
}

/* RFC 5802 section 7's reasons that mean that somebody stands between us and the server. */
static bool
is_between(struct slice reason)
{
	return slice_eq_str(reason, "channel-bindings-dont-match") ||
	    slice_eq_str(reason, "server-does-support-channel-binding");
}

int
scram_client_verify(struct scram_client *c, struct slice server_final, struct error *e)
{
	struct scram_server_final m;
	struct buf words;
	int rc = scram_server_final_parse(server_final, &m, e);

	if (rc != 0)
		return rc;
	if (m.error.len == 0) {
		if (!compare_equal(
			slice_of(m.signature, SCRAM_KEY_SIZE), slice_of(c->server_signature, SCRAM_KEY_SIZE)))
			return error_set(e, ERR_INTEGRITY,
			    "the server does not know this account's password: it is not the one it says");
		c->proved = true;
		return 0;
	}
	if (is_between(m.error))
		return error_set(
		    e, ERR_INTEGRITY, "the server sees another connection than ours: somebody stands between");
	buf_init(&words, 100);
	(void)printable_put(&words, m.error, PRINTABLE_LINE, 60);
	rc = error_set(e, ERR_PASSWORD, "the server refuses: %.*s", (int)words.len, (const char *)words.data);
	buf_done(&words);
	return rc;
}
