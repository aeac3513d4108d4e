/* SPDX-License-Identifier: ISC */
#include "sasl/sasl.h"

#include "base/base64.h"
#include "sasl/mechanism.h"

void
sasl_server_init(struct sasl_server *s)
{
	*s = (struct sasl_server){ 0 };
	buf_init(&s->message, SASL_MESSAGE_MAX);
	buf_init(&s->challenge, SASL_MESSAGE_MAX);
}

void
sasl_server_done(struct sasl_server *s)
{
	buf_wipe_done(&s->message);
	buf_wipe_done(&s->challenge);
	sasl_server_init(s);
}

int
sasl_server_begin(struct sasl_server *s, struct slice name, bool tls, struct error *e)
{
	const struct sasl_mechanism *m = sasl_mechanism_find(name);

	sasl_server_done(s);
	if (m == NULL)
		return error_set(e, ERR_UNSUPPORTED, "no such authentication mechanism");
	if (m->needs_tls && !tls)
		return error_set(e, ERR_POLICY, "%s shows the password: TLS first", m->name);
	s->mechanism = m;
	return 0;
}

int
sasl_server_challenge(const struct sasl_server *s, struct buf *out)
{
	return base64_write(out, buf_slice(&s->challenge));
}

static int
serve(struct sasl_server *s, struct slice text, bool initial, struct error *e)
{
	int rc;

	if (slice_eq_str(text, "*") && !initial)
		return error_set(e, ERR_DENIED, "the client gave up");
	if (text.len > SASL_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "a response over %u characters", SASL_TEXT_MAX);
	if (initial && slice_eq_str(text, "="))
		text = SLICE_EMPTY;
	buf_wipe_done(&s->message);
	if ((rc = base64_parse(text, &s->message, e)) != 0)
		return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
	buf_clear(&s->challenge);
	s->rounds++;
	return s->mechanism->serve(s, e);
}

int
sasl_server_response(struct sasl_server *s, struct slice text, bool initial, struct error *e)
{
	int rc;

	if (s->mechanism == NULL)
		return error_set(e, ERR_ORDER, "no authentication under way");
	rc = serve(s, text, initial, e);
	if (rc < 0)
		sasl_server_done(s);
	else if (rc == SASL_STEP_CHECK)
		s->mechanism = NULL;
	return rc;
}

int
sasl_offer(struct buf *out, bool tls)
{
	bool any = false;

	for (size_t i = 0; i < sasl_mechanism_count; i++) {
		if (sasl_mechanisms[i]->needs_tls && !tls)
			continue;
		if (any)
			(void)buf_put_u8(out, ' ');
		(void)buf_put_str(out, sasl_mechanisms[i]->name);
		any = true;
	}
	return out->err;
}

/* ---- client ---- */

static bool
offers(struct slice offered, const char *name)
{
	while (offered.len > 0)
		if (slice_ieq_str(slice_split(offered, ' ', &offered), name))
			return true;
	return false;
}

static int
check_credentials(const struct sasl_credentials *c, struct error *e)
{
	if (c->identity.len == 0 || c->password.len == 0)
		return error_set(e, ERR_USAGE, "signing in needs an address and a password");
	if (c->authorize.len > SASL_IDENTITY_MAX || c->identity.len > SASL_IDENTITY_MAX ||
	    c->password.len > SASL_PASSWORD_MAX)
		return error_set(e, ERR_USAGE, "address or password over %u octets", SASL_PASSWORD_MAX);
	if (slice_find(c->authorize, 0) != SIZE_MAX || slice_find(c->identity, 0) != SIZE_MAX ||
	    slice_find(c->password, 0) != SIZE_MAX)
		return error_set(e, ERR_USAGE, "a NUL in address or password");
	return 0;
}

int
sasl_client_init(
    struct sasl_client *c, struct slice offered, const struct sasl_credentials *credentials, bool tls, struct error *e)
{
	bool refused = false;
	int rc = check_credentials(credentials, e);

	*c = (struct sasl_client){ .credentials = *credentials };
	buf_init(&c->message, SASL_MESSAGE_MAX);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < sasl_mechanism_count; i++) {
		const struct sasl_mechanism *m = sasl_mechanisms[i];

		if (!offers(offered, m->name))
			continue;
		if (m->needs_tls && !tls) {
			refused = true;
			continue;
		}
		c->mechanism = m;
		return 0;
	}
	if (refused)
		return error_set(e, ERR_POLICY, "the server wants the password without TLS: it does not get it");
	return error_set(e, ERR_UNSUPPORTED, "the server offers no way of signing in that this program has");
}

const char *
sasl_client_name(const struct sasl_client *c)
{
	return c->mechanism == NULL ? "" : c->mechanism->name;
}

int
sasl_client_respond(struct sasl_client *c, struct slice challenge, struct buf *out, struct error *e)
{
	struct buf decoded;
	int rc;

	if (c->mechanism == NULL)
		return error_set(e, ERR_ORDER, "no authentication under way");
	buf_init(&decoded, SASL_MESSAGE_MAX);
	if (c->rounds > 0 && (rc = base64_parse(challenge, &decoded, e)) != 0) {
		buf_done(&decoded);
		return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
	}
	buf_wipe_done(&c->message);
	rc = c->mechanism->respond(c, buf_slice(&decoded), e);
	buf_done(&decoded);
	if (rc != 0)
		return rc;
	if (c->message.len == 0 && c->rounds == 0)
		rc = buf_put_u8(out, '=');
	else
		rc = base64_write(out, buf_slice(&c->message));
	buf_wipe_done(&c->message);
	c->rounds++;
	return rc;
}

void
sasl_client_done(struct sasl_client *c)
{
	buf_wipe_done(&c->message);
	c->mechanism = NULL;
}
