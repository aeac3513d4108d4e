/* SPDX-License-Identifier: ISC */
/*
 * PLAIN (RFC 4616): one message, [authzid] NUL authcid NUL passwd. Exactly two
 * NULs, both identities and the password valid UTF-8, the last two not empty.
 */
#include <string.h>

#include "base/utf8.h"
#include "sasl/mechanism.h"

static int
plain_serve(struct sasl_server *s, struct error *e)
{
	struct sasl_credentials c;
	struct slice rest = buf_slice(&s->message);

	if (slice_find(rest, 0) == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has none");
	c.authorize = slice_split(rest, 0, &rest);
	if (slice_find(rest, 0) == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has one");
	c.identity = slice_split(rest, 0, &c.password);
	if (slice_find(c.password, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has more");
	if (c.identity.len == 0 || c.password.len == 0)
		return error_set(e, ERR_SYNTAX, "a PLAIN message without identity or password");
	if (c.authorize.len > SASL_IDENTITY_MAX || c.identity.len > SASL_IDENTITY_MAX ||
	    c.password.len > SASL_PASSWORD_MAX)
		return error_set(e, ERR_LIMIT, "identity or password over %u octets", SASL_PASSWORD_MAX);
	if (!utf8_valid(c.authorize) || !utf8_valid(c.identity) || !utf8_valid(c.password))
		return error_set(e, ERR_SYNTAX, "a PLAIN message that is not UTF-8");
	s->credentials = c;
	return SASL_STEP_CHECK;
}

static int
plain_respond(struct sasl_client *c, struct slice challenge, struct error *e)
{
	(void)challenge;
	if (c->rounds > 0)
		return error_set(e, ERR_ORDER, "the server wants more than PLAIN has to say");
	(void)buf_put_slice(&c->message, c->credentials.authorize);
	(void)buf_put_u8(&c->message, 0);
	(void)buf_put_slice(&c->message, c->credentials.identity);
	(void)buf_put_u8(&c->message, 0);
	(void)buf_put_slice(&c->message, c->credentials.password);
	return c->message.err;
}

const struct sasl_mechanism sasl_plain = {
	.name = "PLAIN",
	.needs_tls = true,
	.serve = plain_serve,
	.respond = plain_respond,
};
