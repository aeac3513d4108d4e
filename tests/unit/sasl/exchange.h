/* SPDX-License-Identifier: ISC */
/*
 * A whole exchange: sasl/client.h against sasl/relay.h and sasl/server.h, with
 * what a driver of the server knows in a struct. Errors are returned, so that
 * a test can let allocations fail.
 */
#ifndef TESTS_SASL_EXCHANGE_H
#define TESTS_SASL_EXCHANGE_H

#include "sasl/client.h"
#include "sasl/relay.h"
#include "sasl/server.h"
#include "unit.h"

struct exchange {
	struct sasl_client_config client;
	struct sasl_server_config server;
	struct sasl_offer offer;
	bool no_initial;
	/* what the driver knows */
	struct slice identity, password, token;
	const struct scram_verifier *verifiers;
	size_t verifier_count;
	/* what came of it */
	int client_rc, server_rc; /* server_rc: the last step, or an error */
	size_t verifier;
	unsigned fallback;
	enum sasl_mechanism used;
};

static int
exchange_step(struct exchange *x, struct sasl_server *s, int step, struct error *e)
{
	const struct sasl_server_token token = { .valid = slice_eq(s->credentials.token, x->token) };
	bool known = slice_eq(s->credentials.identity, x->identity);

	if (step == SASL_STEP_CHECK)
		return sasl_server_checked(s, known && slice_eq(s->credentials.password, x->password), e);
	if (step == SASL_STEP_LOOKUP)
		return sasl_server_found(s, x->verifiers, known ? x->verifier_count : 0, SLICE_EMPTY, e);
	if (step == SASL_STEP_TOKEN)
		return sasl_server_validated(s, &token, e);
	return step;
}

/* One line of the client, to the server's next challenge or end. */
static int
exchange_line(
    struct exchange *x, struct sasl_relay *r, struct sasl_server *s, struct slice line, bool initial, struct error *e)
{
	int rc = sasl_relay_response(r, line, initial, e);

	if (rc == 0 && s->state == NULL)
		rc = sasl_server_init(s, &x->server, e);
	if (rc != 0)
		return rc;
	rc = sasl_server_message(s, buf_slice(&r->message), e);
	while (rc > 0 && rc != SASL_STEP_CHALLENGE && rc != SASL_STEP_DONE)
		rc = exchange_step(x, s, rc, e);
	return rc;
}

static void
exchange_lines(struct exchange *x, struct sasl_client *c, struct sasl_relay *r, struct sasl_server *s, struct error *e)
{
	struct buf line, challenge;
	bool initial = !x->no_initial;

	buf_init(&line, SASL_TEXT_MAX);
	buf_init(&challenge, SASL_TEXT_MAX);
	if (x->no_initial && (x->server_rc = sasl_relay_first(r, &challenge)) != 0)
		return;
	x->server_rc = SASL_STEP_CHALLENGE;
	while (x->server_rc == SASL_STEP_CHALLENGE) {
		buf_clear(&line);
		x->client_rc = sasl_client_respond(c, buf_slice(&challenge), &line, e);
		if (x->client_rc != 0)
			break;
		x->server_rc = exchange_line(x, r, s, buf_slice(&line), initial, e);
		initial = false;
		buf_clear(&challenge);
		if (x->server_rc == SASL_STEP_CHALLENGE &&
		    sasl_relay_challenge(buf_slice(&s->challenge), &challenge) != 0)
			x->server_rc = ERR_NOMEM;
	}
	buf_wipe_done(&line);
	buf_done(&challenge);
}

static void
exchange_run(struct exchange *x, struct error *e)
{
	struct sasl_client c;
	struct sasl_relay r;
	struct sasl_server s = { .state = NULL };

	x->server_rc = 0;
	x->client_rc = sasl_client_init(&c, &x->client, e);
	if (x->client_rc != 0)
		return;
	sasl_relay_init(&r);
	x->used = x->server.mechanism = c.mechanism;
	x->server_rc = sasl_relay_begin(&r, slice_str(sasl_mechanism_name(c.mechanism)), &x->offer, e);
	if (x->server_rc == 0)
		exchange_lines(x, &c, &r, &s, e);
	if (x->server_rc == SASL_STEP_DONE)
		x->client_rc = sasl_client_finish(&c, e);
	x->verifier = s.verifier;
	x->fallback = sasl_client_fallback(&c);
	sasl_client_done(&c);
	sasl_relay_done(&r);
	sasl_server_done(&s);
}

#endif
