/* SPDX-License-Identifier: ISC */
#include "sasl/server.h"

#include <string.h>

#include "base/mem.h"
#include "base/saslprep.h"
#include "base/utf8.h"
#include "crypto/secret.h"
#include "sasl/oauth.h"
#include "sasl/plain.h"
#include "sasl/server_internal.h"

/* ---- the mechanisms: what each does with a message; s->state->rounds says which it is ---- */

typedef int message_fn(struct sasl_server *s, struct slice message, struct error *e);

static int
plain_message(struct sasl_server *s, struct slice message, struct error *e)
{
	int rc = plain_parse(message, &s->credentials, e);

	return rc == 0 ? SASL_STEP_CHECK : rc;
}

static int
check_text(struct slice text, size_t max, struct error *e)
{
	if (text.len > max)
		return error_set(e, ERR_LIMIT, "identity or password over %zu octets", max);
	if (text.len == 0 || !utf8_valid(text) || slice_find(text, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "an identity or password that is empty or not UTF-8");
	return 0;
}

static int
login_message(struct sasl_server *s, struct slice message, struct error *e)
{
	struct sasl_server_state *t = s->state;
	int rc = check_text(message, t->rounds == 0 ? SASL_IDENTITY_MAX : SASL_PASSWORD_MAX, e);

	if (rc != 0)
		return rc;
	if (t->rounds > 0) {
		s->credentials.password = message;
		return SASL_STEP_CHECK;
	}
	if (buf_put_slice(&t->identity, message) != 0 || buf_put_str(&s->challenge, "Password:") != 0)
		return error_nomem(e);
	s->credentials.identity = buf_slice(&t->identity);
	return SASL_STEP_CHALLENGE;
}

static int
bearer_message(struct sasl_server *s, struct slice message, struct error *e)
{
	int rc = oauth_bearer_parse(message, &s->state->identity, &s->credentials, e);

	return rc == 0 ? SASL_STEP_TOKEN : rc;
}

static int
xoauth2_message(struct sasl_server *s, struct slice message, struct error *e)
{
	int rc = oauth_xoauth2_parse(message, &s->state->identity, &s->credentials, e);

	return rc == 0 ? SASL_STEP_TOKEN : rc;
}

static int
scram_message(struct sasl_server *s, struct slice message, struct error *e)
{
	if (s->state->rounds == 0)
		return scram_server_first(s, message, e);
	if (s->state->rounds == 1)
		return scram_server_final(s, message, e);
	if (message.len > 0)
		return error_set(e, ERR_SYNTAX, "a client that has something to say to the server's proof");
	return SASL_STEP_DONE;
}

static message_fn *const messages[SASL_MECHANISM_COUNT] = {
	[SASL_PLAIN] = plain_message,
	[SASL_LOGIN] = login_message,
	[SASL_SCRAM_SHA_256] = scram_message,
	[SASL_SCRAM_SHA_256_PLUS] = scram_message,
	[SASL_OAUTHBEARER] = bearer_message,
	[SASL_XOAUTH2] = xoauth2_message,
};

/* ---- life ---- */

static int
check_config(const struct sasl_server_config *c, struct error *e)
{
	bool scram = c->mechanism == SASL_SCRAM_SHA_256 || c->mechanism == SASL_SCRAM_SHA_256_PLUS;

	if (sasl_mechanism_name(c->mechanism)[0] == '\0')
		return error_set(e, ERR_UNSUPPORTED, "no such authentication mechanism");
	if (!c->channel.tls)
		return error_set(e, ERR_POLICY, "signing in is possible only under TLS");
	if (c->mechanism == SASL_SCRAM_SHA_256_PLUS && c->channel.exporter.len == 0 && c->channel.end_point.len == 0)
		return error_set(e, ERR_POLICY, "no channel binding on this connection");
	if (scram &&
	    (c->fake_key.len < SASL_FAKE_KEY_MIN || c->fake_key.len > sizeof((struct sasl_server_state *)0)->fake_key))
		return error_set(e, ERR_USAGE, "SCRAM needs a secret for names that are not there");
	if (c->fake_iterations > SCRAM_ITERATIONS_MAX || c->nonce.len > SCRAM_NONCE_MAX)
		return error_set(e, ERR_USAGE, "a count or a nonce out of bounds");
	return 0;
}

static void
init_bufs(struct sasl_server_state *t)
{
	buf_init(&t->own_nonce, SCRAM_NONCE_MAX);
	buf_init(&t->message, SASL_MESSAGE_MAX);
	buf_init(&t->identity, SASLPREP_OUTPUT_MAX);
	buf_init(&t->authorize, SASLPREP_OUTPUT_MAX);
	buf_init(&t->scram.c, SCRAM_MESSAGE_MAX + SASL_BINDING_MAX);
	buf_init(&t->scram.auth, 3 * SCRAM_MESSAGE_MAX);
	buf_init(&t->scram.nonce, 2 * SCRAM_NONCE_MAX);
}

int
sasl_server_init(struct sasl_server *s, const struct sasl_server_config *config, struct error *e)
{
	struct sasl_server_state *t;
	int rc = check_config(config, e);

	*s = (struct sasl_server){ .state = NULL };
	buf_init(&s->challenge, SASL_MESSAGE_MAX);
	if (rc != 0)
		return rc;
	s->state = t = mem_alloc(sizeof *t);
	if (t == NULL)
		return error_nomem(e);
	init_bufs(t);
	t->mechanism = config->mechanism;
	t->plus_offered = config->plus_offered;
	t->fake_iterations = config->fake_iterations > 0 ? config->fake_iterations : SCRAM_ITERATIONS_RANDOM;
	t->fake_key_len = config->fake_key.len;
	if (config->fake_key.len > 0 && config->fake_key.len <= sizeof t->fake_key)
		memcpy(t->fake_key, config->fake_key.data, config->fake_key.len);
	t->wait = SASL_STEP_CHALLENGE;
	rc = sasl_bindings_copy(&t->bindings, &config->channel, e);
	if (rc == 0 && buf_put_slice(&t->own_nonce, config->nonce) != 0)
		rc = error_nomem(e);
	if (rc != 0)
		sasl_server_done(s);
	return rc;
}

void
sasl_server_done(struct sasl_server *s)
{
	struct sasl_server_state *t = s->state;

	if (t != NULL) {
		buf_done(&t->own_nonce);
		buf_wipe_done(&t->message);
		buf_wipe_done(&t->identity);
		buf_wipe_done(&t->authorize);
		buf_wipe_done(&t->scram.c);
		buf_wipe_done(&t->scram.auth);
		buf_wipe_done(&t->scram.nonce);
		secret_wipe(t, sizeof *t);
	}
	mem_free(t);
	buf_wipe_done(&s->challenge);
	*s = (struct sasl_server){ .state = NULL };
	buf_init(&s->challenge, SASL_MESSAGE_MAX);
}

/* ---- steps ---- */

/* What may come next is what the step wants; after the end and after an error nothing may. */
static int
step(struct sasl_server *s, int rc)
{
	s->state->wait = rc > 0 && rc != SASL_STEP_DONE ? rc : 0;
	return rc;
}

static int
expect(const struct sasl_server *s, int wait, struct error *e)
{
	if (s->state == NULL || s->state->wait != wait)
		return error_set(e, ERR_ORDER, "that was not asked for in this authentication");
	return 0;
}

int
sasl_server_message(struct sasl_server *s, struct slice message, struct error *e)
{
	struct sasl_server_state *t = s->state;
	int rc = expect(s, SASL_STEP_CHALLENGE, e);

	if (rc != 0)
		return rc;
	if (t->refused)
		return step(s, error_set(e, ERR_PASSWORD, "the token is not valid here"));
	buf_wipe_done(&s->challenge);
	buf_wipe_done(&t->message);
	if ((rc = buf_put_slice(&t->message, message)) != 0)
		return step(s, error_set(e, rc, "a message over %u octets", SASL_MESSAGE_MAX));
	rc = messages[t->mechanism](s, buf_slice(&t->message), e);
	t->rounds++;
	return step(s, rc);
}

int
sasl_server_checked(struct sasl_server *s, bool right, struct error *e)
{
	int rc = expect(s, SASL_STEP_CHECK, e);

	if (rc != 0)
		return rc;
	return step(s, right ? SASL_STEP_DONE : error_set(e, ERR_PASSWORD, "wrong address or password"));
}

int
sasl_server_found(
    struct sasl_server *s, const struct scram_verifier *verifiers, size_t count, struct slice name, struct error *e)
{
	int rc = expect(s, SASL_STEP_LOOKUP, e);

	return rc != 0 ? rc : step(s, scram_server_found(s, verifiers, count, name, e));
}

int
sasl_server_validated(struct sasl_server *s, const struct sasl_server_token *token, struct error *e)
{
	int rc = expect(s, SASL_STEP_TOKEN, e);

	if (rc != 0)
		return rc;
	if (token->valid && s->credentials.token.len > 0)
		return step(s, SASL_STEP_DONE);
	s->state->refused = true;
	rc = s->state->mechanism == SASL_OAUTHBEARER ? oauth_bearer_refusal_write(token, &s->challenge)
						     : oauth_xoauth2_refusal_write(token, &s->challenge);
	return step(s, rc == 0 ? SASL_STEP_CHALLENGE : error_nomem(e));
}
