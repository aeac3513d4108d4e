/* SPDX-License-Identifier: ISC */
#include "sasl/oauth.h"

#include "base/json.h"
#include "base/utf8.h"
#include "sasl/gs2.h"

#define SEPARATOR 1u

/* RFC 6750 section 2.1, a little wider: visible ASCII. The type's name is taken in any case (RFC 7628 section 4). */
static int
take_authorization(struct slice value, struct slice *token_out, struct error *e)
{
	struct slice token, type = slice_split(value, ' ', &token);

	if (value.len == 0) {
		*token_out = SLICE_EMPTY;
		return 0;
	}
	if (!slice_ieq_str(type, "Bearer"))
		return error_set(e, ERR_UNSUPPORTED, "a token that is not of the type Bearer");
	if (token.len > SASL_TOKEN_MAX)
		return error_set(e, ERR_LIMIT, "a token over %u octets", SASL_TOKEN_MAX);
	for (size_t i = 0; i < token.len; i++)
		if (token.data[i] <= ' ' || token.data[i] > '~')
			return error_set(e, ERR_SYNTAX, "a token of other than visible ASCII");
	*token_out = token;
	return 0;
}

static bool
key_valid(struct slice key)
{
	for (size_t i = 0; i < key.len; i++)
		if (ascii_lower(key.data[i]) < 'a' || ascii_lower(key.data[i]) > 'z')
			return false;
	return key.len > 0;
}

static bool
value_valid(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c > '~')
			return false;
	}
	return true;
}

/* What has been read of the pairs: none may come twice. */
struct pairs {
	struct sasl_credentials *credentials;
	bool auth, host, port;
};

static bool
once(bool *seen)
{
	bool first = !*seen;

	*seen = true;
	return first;
}

static int
take_pair(struct pairs *p, struct slice pair, struct error *e)
{
	struct slice value, key = slice_split(pair, '=', &value);
	uint64_t port = 0;
	bool fresh = true;

	if (slice_find(pair, '=') == SIZE_MAX || !key_valid(key) || !value_valid(value))
		return error_set(e, ERR_SYNTAX, "a pair of key and value that is none");
	if (slice_eq_str(key, "auth")) {
		fresh = once(&p->auth);
		if (fresh)
			return take_authorization(value, &p->credentials->token, e);
	} else if (slice_eq_str(key, "host")) {
		fresh = once(&p->host);
		p->credentials->host = value;
	} else if (slice_eq_str(key, "port")) {
		fresh = once(&p->port);
		if (!slice_to_u64(value, 65535, &port) || port == 0 || value.data[0] == '0')
			return error_set(e, ERR_SYNTAX, "a port that is no port's number");
		p->credentials->port = (uint16_t)port;
	}
	return fresh ? 0 : error_set(e, ERR_SYNTAX, "a key that comes twice");
}

/* All that stands before the message's last separator, each pair with one behind it. */
static int
take_pairs(struct slice rest, struct sasl_credentials *c, struct error *e)
{
	struct pairs p = { .credentials = c };
	int rc = 0;

	while (rc == 0 && slice_find(rest, SEPARATOR) != 0) {
		if (slice_find(rest, SEPARATOR) == SIZE_MAX)
			return error_set(e, ERR_SYNTAX, "a list of pairs without its end");
		rc = take_pair(&p, slice_split(rest, SEPARATOR, &rest), e);
	}
	if (rc != 0)
		return rc;
	if (rest.len != 1)
		return error_set(e, ERR_SYNTAX, "something behind the end of the pairs");
	return p.auth ? 0 : error_set(e, ERR_SYNTAX, "no token in the message");
}

static int
check_name(const struct buf *name, struct error *e)
{
	return name->len > SASL_IDENTITY_MAX ? error_set(e, ERR_LIMIT, "an identity over %u octets", SASL_IDENTITY_MAX)
					     : 0;
}

int
oauth_bearer_parse(struct slice message, struct buf *name, struct sasl_credentials *credentials_out, struct error *e)
{
	struct sasl_credentials c = { 0 };
	struct gs2_header h;
	int rc = gs2_parse(message, &h, e);

	if (rc == 0 && h.flag == 'p')
		rc = error_set(e, ERR_UNSUPPORTED, "OAUTHBEARER has no channel binding");
	if (rc == 0)
		rc = gs2_name_decode(h.authorize, name, e);
	if (rc == 0)
		rc = check_name(name, e);
	if (rc != 0)
		return rc;
	message = slice_from(message, h.len);
	if (message.len == 0 || message.data[0] != SEPARATOR)
		return error_set(e, ERR_SYNTAX, "no separator behind the header");
	rc = take_pairs(slice_from(message, 1), &c, e);
	if (rc != 0)
		return rc;
	c.identity = buf_slice(name);
	*credentials_out = c;
	return 0;
}

int
oauth_xoauth2_parse(struct slice message, struct buf *name, struct sasl_credentials *credentials_out, struct error *e)
{
	struct sasl_credentials c = { 0 };
	struct slice rest, user = slice_split(message, SEPARATOR, &rest);
	int rc;

	if (!slice_starts(user, SLICE("user=")) || !utf8_valid(user) || slice_find(user, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "an XOAUTH2 message begins with user= and UTF-8");
	if (buf_put_slice(name, slice_from(user, 5)) != 0)
		return error_set(e, name->err, "an identity that is too long");
	rc = check_name(name, e);
	if (rc == 0)
		rc = take_pairs(rest, &c, e);
	if (rc != 0)
		return rc;
	c.identity = buf_slice(name);
	*credentials_out = c;
	return 0;
}

/* ---- writing ---- */

static int
write_authorization(const struct sasl_credentials *c, struct buf *out)
{
	(void)buf_put_str(out, "auth=Bearer ");
	(void)buf_put_slice(out, c->token);
	(void)buf_put_u8(out, SEPARATOR);
	return buf_put_u8(out, SEPARATOR);
}

int
oauth_bearer_write(const struct sasl_credentials *c, struct buf *out)
{
	(void)buf_put_str(out, "n,a=");
	(void)gs2_name_write(c->identity, out);
	(void)buf_put_u8(out, ',');
	(void)buf_put_u8(out, SEPARATOR);
	if (c->host.len > 0) {
		(void)buf_put_str(out, "host=");
		(void)buf_put_slice(out, c->host);
		(void)buf_put_u8(out, SEPARATOR);
	}
	if (c->port != 0) {
		(void)buf_putf(out, "port=%u", c->port);
		(void)buf_put_u8(out, SEPARATOR);
	}
	return write_authorization(c, out);
}

int
oauth_xoauth2_write(const struct sasl_credentials *c, struct buf *out)
{
	(void)buf_put_str(out, "user=");
	(void)buf_put_slice(out, c->identity);
	(void)buf_put_u8(out, SEPARATOR);
	return write_authorization(c, out);
}

static int
write_json(struct json_value *v, struct buf *out)
{
	int rc = json_value_write(v, false, out, NULL);

	json_value_free(v);
	return rc;
}

int
oauth_bearer_refusal_write(const struct sasl_server_token *token, struct buf *out)
{
	struct json_value *v = json_value_object();

	json_value_set_text(v, "status", token->status.len > 0 ? token->status : SLICE("invalid_token"));
	if (token->scope.len > 0)
		json_value_set_text(v, "scope", token->scope);
	if (token->discovery.len > 0)
		json_value_set_text(v, "openid-configuration", token->discovery);
	return write_json(v, out);
}

int
oauth_xoauth2_refusal_write(const struct sasl_server_token *token, struct buf *out)
{
	struct json_value *v = json_value_object();

	json_value_set_str(v, "status", "401");
	json_value_set_str(v, "schemes", "bearer");
	if (token->scope.len > 0)
		json_value_set_text(v, "scope", token->scope);
	return write_json(v, out);
}
