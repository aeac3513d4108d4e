/* SPDX-License-Identifier: ISC */
#include "sasl/plain.h"

#include "base/utf8.h"

static int
split(struct slice message, struct sasl_credentials *c, struct error *e)
{
	struct slice rest;

	if (slice_find(message, 0) == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has none");
	c->authorize = slice_split(message, 0, &rest);
	if (slice_find(rest, 0) == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has one");
	c->identity = slice_split(rest, 0, &c->password);
	if (slice_find(c->password, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a PLAIN message has two NUL octets, this has more");
	return 0;
}

int
plain_parse(struct slice message, struct sasl_credentials *credentials_out, struct error *e)
{
	struct sasl_credentials c = { 0 };
	int rc = split(message, &c, e);

	if (rc != 0)
		return rc;
	if (c.identity.len == 0 || c.password.len == 0)
		return error_set(e, ERR_SYNTAX, "a PLAIN message without identity or password");
	if (c.authorize.len > SASL_IDENTITY_MAX || c.identity.len > SASL_IDENTITY_MAX ||
	    c.password.len > SASL_PASSWORD_MAX)
		return error_set(e, ERR_LIMIT, "identity or password over %u octets", SASL_PASSWORD_MAX);
	if (!utf8_valid(c.authorize) || !utf8_valid(c.identity) || !utf8_valid(c.password))
		return error_set(e, ERR_SYNTAX, "a PLAIN message that is not UTF-8");
	*credentials_out = c;
	return 0;
}

int
plain_write(const struct sasl_credentials *credentials, struct buf *out)
{
	(void)buf_put_slice(out, credentials->authorize);
	(void)buf_put_u8(out, 0);
	(void)buf_put_slice(out, credentials->identity);
	(void)buf_put_u8(out, 0);
	return buf_put_slice(out, credentials->password);
}
