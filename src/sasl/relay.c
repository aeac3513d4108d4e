/* SPDX-License-Identifier: ISC */
#include "sasl/relay.h"

#include "base/base64.h"

/* From the best to the least: clients that take the first one take the best. */
static const enum sasl_mechanism order[] = {
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_256,
	SASL_OAUTHBEARER,
	SASL_XOAUTH2,
	SASL_PLAIN,
	SASL_LOGIN,
};

unsigned
sasl_offer_set(const struct sasl_offer *offer)
{
	unsigned set = offer->mechanisms & SASL_SET_ALL;

	if (!offer->tls)
		return 0;
	return offer->bindings ? set : set & ~SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
}

int
sasl_offer_write(const struct sasl_offer *offer, const char *before, struct buf *out)
{
	unsigned set = sasl_offer_set(offer);

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if ((set & SASL_BIT(order[i])) == 0)
			continue;
		(void)buf_put_str(out, before);
		(void)buf_put_str(out, sasl_mechanism_name(order[i]));
	}
	return out->err;
}

void
sasl_relay_init(struct sasl_relay *r)
{
	*r = (struct sasl_relay){ .mechanism = SASL_NONE };
	buf_init(&r->message, SASL_MESSAGE_MAX);
}

void
sasl_relay_done(struct sasl_relay *r)
{
	buf_wipe_done(&r->message);
	sasl_relay_init(r);
}

int
sasl_relay_begin(struct sasl_relay *r, struct slice name, const struct sasl_offer *offer, struct error *e)
{
	enum sasl_mechanism m = sasl_mechanism_find(name);

	sasl_relay_done(r);
	if (m == SASL_NONE || (offer->mechanisms & SASL_BIT(m)) == 0)
		return error_set(e, ERR_UNSUPPORTED, "no such authentication mechanism");
	if (!offer->tls)
		return error_set(e, ERR_POLICY, "signing in is possible only under TLS");
	if ((sasl_offer_set(offer) & SASL_BIT(m)) == 0)
		return error_set(e, ERR_UNSUPPORTED, "no channel binding on this connection");
	r->mechanism = m;
	return 0;
}

int
sasl_relay_first(const struct sasl_relay *r, struct buf *out)
{
	return sasl_relay_challenge(r->mechanism == SASL_LOGIN ? SLICE("Username:") : SLICE_EMPTY, out);
}

static int
take(struct sasl_relay *r, struct slice text, bool initial, struct error *e)
{
	int rc;

	if (r->mechanism == SASL_NONE || r->rounds >= SASL_ROUNDS_MAX)
		return error_set(e, ERR_ORDER, "nothing more was asked in this authentication");
	if (slice_eq_str(text, "*") && !initial)
		return error_set(e, ERR_DENIED, "the client gave up");
	if (text.len > SASL_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "a response over %u characters", SASL_TEXT_MAX);
	if (initial && slice_eq_str(text, "="))
		text = SLICE_EMPTY;
	buf_wipe_done(&r->message);
	rc = base64_parse(text, &r->message, e);
	r->rounds++;
	return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
}

int
sasl_relay_response(struct sasl_relay *r, struct slice text, bool initial, struct error *e)
{
	int rc = take(r, text, initial, e);

	if (rc != 0)
		sasl_relay_done(r);
	return rc;
}

int
sasl_relay_challenge(struct slice challenge, struct buf *out)
{
	return base64_write(out, challenge);
}
