/* SPDX-License-Identifier: ISC */
#include "sasl/client.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "sasl/bindings.h"
#include "sasl/oauth.h"
#include "sasl/plain.h"
#include "sasl/scram_client.h"

struct sasl_client_state {
	struct sasl_credentials credentials;
	unsigned offered;
	unsigned permitted;
	unsigned rounds; /* responses made so far */
	bool broken;     /* the server sent what no server that is one would */
	struct buf message;
	struct sasl_bindings bindings;
	struct scram_client scram;
};

/* ---- one mechanism is one row, from the best to the least ---- */

/* Puts the client's message of this round into message. */
typedef int respond_fn(struct sasl_client_state *c, struct slice challenge, struct error *e);

static int
plain_respond(struct sasl_client_state *c, struct slice challenge, struct error *e)
{
	(void)challenge;
	if (c->rounds > 0)
		return error_set(e, ERR_ORDER, "the server wants more than PLAIN has to say");
	return plain_write(&c->credentials, &c->message);
}

static int
scram_respond(struct sasl_client_state *c, struct slice challenge, struct error *e)
{
	if (c->rounds == 0)
		return scram_client_first(&c->scram, &c->message, e);
	if (c->rounds == 1)
		return scram_client_final(&c->scram, challenge, &c->message, e);
	if (c->rounds == 2)
		return scram_client_verify(&c->scram, challenge, e);
	return error_set(e, ERR_ORDER, "the server wants more than SCRAM has to say");
}

/* Whatever the server asks: servers differ in how they call the two, not in their order. */
static int
login_respond(struct sasl_client_state *c, struct slice challenge, struct error *e)
{
	(void)challenge;
	if (c->rounds > 1)
		return error_set(e, ERR_ORDER, "the server wants more than LOGIN has to say");
	return buf_put_slice(&c->message, c->rounds == 0 ? c->credentials.identity : c->credentials.password);
}

/* A challenge says why not; the server waits for something before it says no (RFC 7628 section 3.2.3). */
static int
bearer_respond(struct sasl_client_state *c, struct slice challenge, struct error *e)
{
	(void)challenge;
	if (c->rounds > 1)
		return error_set(e, ERR_ORDER, "the server wants more than OAUTHBEARER has to say");
	return c->rounds == 0 ? oauth_bearer_write(&c->credentials, &c->message) : buf_put_u8(&c->message, 1);
}

static int
xoauth2_respond(struct sasl_client_state *c, struct slice challenge, struct error *e)
{
	(void)challenge;
	if (c->rounds > 1)
		return error_set(e, ERR_ORDER, "the server wants more than XOAUTH2 has to say");
	return c->rounds == 0 ? oauth_xoauth2_write(&c->credentials, &c->message) : 0;
}

static const struct row {
	enum sasl_mechanism mechanism;
	bool token; /* wants a token, else a password */
	respond_fn *respond;
} rows[] = {
	{ SASL_SCRAM_SHA_256_PLUS, false, scram_respond },
	{ SASL_SCRAM_SHA_256, false, scram_respond },
	{ SASL_OAUTHBEARER, true, bearer_respond },
	{ SASL_XOAUTH2, true, xoauth2_respond },
	{ SASL_PLAIN, false, plain_respond },
	{ SASL_LOGIN, false, login_respond },
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct row *
row_of(enum sasl_mechanism m)
{
	size_t i = 0;

	while (i + 1 < ROWS && rows[i].mechanism != m)
		i++;
	return &rows[i];
}

/* ---- choosing ---- */

static unsigned
offered_set(struct slice offered)
{
	unsigned set = 0;

	while (offered.len > 0)
		set |= SASL_BIT(sasl_mechanism_find(slice_split(offered, ' ', &offered)));
	return set & SASL_SET_ALL;
}

static bool
sendable(struct slice s, size_t max)
{
	return s.len <= max && slice_find(s, 0) == SIZE_MAX;
}

/* RFC 6750 section 2.1: what a token is made of. */
static bool
token_valid(struct slice token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.data[i] <= ' ' || token.data[i] > '~')
			return false;
	return token.len <= SASL_TOKEN_MAX;
}

static int
check_credentials(const struct sasl_credentials *c, struct error *e)
{
	if (c->identity.len == 0 || (c->password.len == 0 && c->token.len == 0))
		return error_set(e, ERR_USAGE, "signing in needs an address and a password");
	if (!sendable(c->authorize, SASL_IDENTITY_MAX) || !sendable(c->identity, SASL_IDENTITY_MAX) ||
	    !sendable(c->password, SASL_PASSWORD_MAX))
		return error_set(
		    e, ERR_USAGE, "an address or password over %u octets, or with a NUL", SASL_PASSWORD_MAX);
	if (!token_valid(c->token))
		return error_set(
		    e, ERR_USAGE, "a token over %u octets, or of other than visible ASCII", SASL_TOKEN_MAX);
	return 0;
}

static enum sasl_mechanism
choose(unsigned set, const struct sasl_credentials *c)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((set & SASL_BIT(rows[i].mechanism)) != 0 && (rows[i].token ? c->token.len : c->password.len) > 0)
			return rows[i].mechanism;
	return SASL_NONE;
}

/* tls-exporter is this connection's own; tls-server-end-point only says which certificate it has. */
static struct slice
best_binding(const struct sasl_bindings *b, struct slice *type_out)
{
	*type_out = b->exporter_len > 0 ? SLICE(SASL_BINDING_EXPORTER) : SLICE(SASL_BINDING_END_POINT);
	return sasl_bindings_find(b, *type_out);
}

static int
begin_scram(struct sasl_client_state *t, enum sasl_mechanism m, struct slice nonce, struct error *e)
{
	struct scram_client_config config = { .credentials = &t->credentials, .nonce = nonce };
	struct slice binding = best_binding(&t->bindings, &config.binding_type);

	if (m == SASL_SCRAM_SHA_256_PLUS)
		config.binding = binding;
	config.could_bind = binding.len > 0 && (t->offered & SASL_BIT(SASL_SCRAM_SHA_256_PLUS)) == 0;
	return scram_client_init(&t->scram, &config, e);
}

/* Takes the best one; a password that SCRAM does not take (characters that are too new) leaves the others. */
static int
begin(struct sasl_client_state *t, struct slice nonce, enum sasl_mechanism *mechanism_out, struct error *e)
{
	unsigned set = t->offered & t->permitted;
	int rc = 0;

	if (t->bindings.exporter_len == 0 && t->bindings.end_point_len == 0)
		set &= ~SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
	*mechanism_out = choose(set, &t->credentials);
	if ((SASL_SET_SCRAM & SASL_BIT(*mechanism_out)) != 0)
		rc = begin_scram(t, *mechanism_out, nonce, e);
	if (rc == ERR_POLICY) {
		scram_client_done(&t->scram);
		*mechanism_out = choose(set & ~SASL_SET_SCRAM, &t->credentials);
		if (*mechanism_out == SASL_NONE)
			return rc;
		return 0;
	}
	if (rc == 0 && *mechanism_out == SASL_NONE)
		return error_set(e, ERR_UNSUPPORTED,
		    t->permitted == SASL_SET_ALL ? "the server offers no way of signing in that this program has"
						 : "the server offers no way of signing in that is permitted");
	return rc;
}

int
sasl_client_init(struct sasl_client *c, const struct sasl_client_config *config, struct error *e)
{
	struct sasl_client_state *t;
	int rc = check_credentials(config->credentials, e);

	*c = (struct sasl_client){ .mechanism = SASL_NONE };
	if (rc != 0)
		return rc;
	if (!config->channel.tls)
		return error_set(e, ERR_POLICY, "the server wants to be signed in to without TLS: nothing was sent");
	c->state = t = mem_alloc(sizeof *t);
	if (t == NULL)
		return error_nomem(e);
	t->credentials = *config->credentials;
	t->offered = offered_set(config->offered);
	t->permitted = config->permitted != 0 ? config->permitted : SASL_SET_ALL;
	buf_init(&t->message, SASL_MESSAGE_MAX);
	rc = sasl_bindings_copy(&t->bindings, &config->channel, e);
	if (rc == 0)
		rc = begin(t, config->nonce, &c->mechanism, e);
	if (rc != 0)
		sasl_client_done(c);
	return rc;
}

void
sasl_client_done(struct sasl_client *c)
{
	if (c->state != NULL) {
		buf_wipe_done(&c->state->message);
		scram_client_done(&c->state->scram);
		secret_wipe(c->state, sizeof *c->state);
	}
	mem_free(c->state);
	*c = (struct sasl_client){ .mechanism = SASL_NONE };
}

/* ---- the exchange ---- */

static int
decode(struct slice challenge, struct buf *decoded, struct error *e)
{
	int rc;

	if (challenge.len > SASL_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "the server's challenge has over %u characters", SASL_TEXT_MAX);
	rc = base64_parse(challenge, decoded, e);
	return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
}

int
sasl_client_respond(struct sasl_client *c, struct slice challenge, struct buf *out, struct error *e)
{
	struct buf decoded;
	int rc = 0;

	if (c->state == NULL)
		return error_set(e, ERR_ORDER, "no authentication under way");
	buf_init(&decoded, SASL_MESSAGE_MAX);
	if (c->state->rounds > 0)
		rc = decode(challenge, &decoded, e);
	if (rc == 0)
		rc = row_of(c->mechanism)->respond(c->state, buf_slice(&decoded), e);
	buf_done(&decoded);
	if (rc != 0) {
		c->state->broken |= rc != ERR_PASSWORD && rc != ERR_NOMEM;
		buf_wipe_done(&c->state->message);
		return rc;
	}
	if (c->state->message.len == 0 && c->state->rounds == 0)
		rc = buf_put_u8(out, '=');
	else
		rc = base64_write(out, buf_slice(&c->state->message));
	buf_wipe_done(&c->state->message);
	c->state->rounds++;
	return rc;
}

static bool
is_scram(const struct sasl_client *c)
{
	return c->state != NULL && (SASL_SET_SCRAM & SASL_BIT(c->mechanism)) != 0;
}

int
sasl_client_finish(const struct sasl_client *c, struct error *e)
{
	if (c->state == NULL)
		return error_set(e, ERR_ORDER, "no authentication under way");
	if (is_scram(c) && !c->state->scram.proved)
		return error_set(e, ERR_INTEGRITY,
		    "the server says yes without proving that it knows this account: it is not believed");
	return 0;
}

unsigned
sasl_client_fallback(const struct sasl_client *c)
{
	unsigned set = c->state == NULL ? 0 : c->state->offered & c->state->permitted;

	if (!is_scram(c) || c->state->broken || c->state->scram.proved)
		return 0;
	if (c->mechanism == SASL_SCRAM_SHA_256_PLUS && !c->state->scram.proof_sent)
		return set & (SASL_BIT(SASL_SCRAM_SHA_256) | SASL_SET_PASSWORD);
	return set & SASL_SET_PASSWORD;
}
