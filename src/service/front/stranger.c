/* SPDX-License-Identifier: ISC */
#include "service/front/stranger.h"

#include "service/ask.h"

void
stranger_init(struct stranger *s, const struct front *f, struct conn *c, enum store_right protocol,
    void (*free)(struct stranger *s))
{
	s->front = f;
	s->conn = c;
	s->protocol = protocol;
	s->free = free;
	buf_init(&s->challenge, SASL_MESSAGE_MAX);
	atomic_init(&s->refs, 1);
	atomic_init(&s->answered, false);
	conn_hold(c);
}

static void
let_go(struct stranger *s)
{
	struct conn *c = s->conn;

	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	buf_wipe_done(&s->challenge);
	s->free(s);
	conn_release(c);
}

static void
nobody_waits(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

void
stranger_release(struct stranger *s)
{
	const struct ask_connection gone = { .connection = channel_number(s->conn) };

	/* Should this not get through, the exchange ends by itself a little later. */
	if (s->open)
		(void)ask_exchange_end_submit(s->front->auth, &gone, nobody_waits, NULL, NULL);
	let_go(s);
}

struct sasl_offer
stranger_offer(const struct stranger *s)
{
	const unsigned tokens = s->front->settings.tokens ? SASL_SET_TOKEN : 0;
	struct conn_tls_bindings bindings;

	return (struct sasl_offer){ .tls = conn_is_tls(s->conn),
		.bindings = conn_tls_bindings(s->conn, &bindings),
		.mechanisms = SASL_SET_PASSWORD | SASL_SET_SCRAM | tokens };
}

/* ---- asking ---- */

static void
answer(struct stranger *s, int rc)
{
	s->rc = rc;
	atomic_store(&s->answered, true);
}

static void
answer_comes(struct stranger *s, int rc)
{
	answer(s, rc);
	conn_wake(s->conn);
	let_go(s);
}

static void
password_checked(void *ctx, const void *reply, const struct error *e)
{
	answer_comes(ctx, reply == NULL ? e->code : 0);
}

static void
round_done(void *ctx, const void *reply, const struct error *e)
{
	const struct ask_round *r = reply;
	struct stranger *s = ctx;
	int rc = r == NULL ? e->code : 0;

	if (rc == 0 && r->more) {
		s->more = true;
		rc = buf_put_slice(&s->challenge, r->challenge);
	}
	answer_comes(s, rc);
}

static void
begin_question(struct stranger *s, bool exchange)
{
	s->asked = true;
	s->exchanging = exchange;
	s->open = s->open || exchange;
	s->more = false;
	buf_wipe_done(&s->challenge);
	buf_init(&s->challenge, SASL_MESSAGE_MAX);
	atomic_store(&s->answered, false);
	(void)atomic_fetch_add(&s->refs, 1);
}

/* The question was not put. */
static void
end_question(struct stranger *s, int rc)
{
	answer(s, rc);
	let_go(s);
}

void
stranger_password(struct stranger *s, struct slice address, struct slice password)
{
	const struct ask_authenticate ask = { .connection = channel_number(s->conn),
		.protocol = s->protocol,
		.address = address,
		.password = password,
		.peer = slice_str(conn_peer(s->conn)) };
	int rc = ERR_PASSWORD;

	begin_question(s, false);
	if (address.len <= SERVICE_IDENTITY_MAX && password.len <= SERVICE_PASSWORD_MAX)
		rc = ask_authenticate_submit(s->front->auth, &ask, password_checked, s, NULL);
	if (rc != 0)
		end_question(s, rc);
}

static void
put_exchange(struct stranger *s, const struct ask_exchange *ask)
{
	int rc;

	begin_question(s, true);
	rc = ask_exchange_submit(s->front->auth, ask, round_done, s, NULL);
	if (rc != 0)
		end_question(s, rc);
}

void
stranger_begin(struct stranger *s, enum sasl_mechanism mechanism, struct slice message)
{
	struct conn_tls_bindings bindings = { 0 };
	struct ask_exchange ask = { .connection = channel_number(s->conn),
		.begin = true,
		.mechanism = mechanism,
		.protocol = s->protocol,
		.tls = conn_is_tls(s->conn),
		.peer = slice_str(conn_peer(s->conn)),
		.message = message };

	if (conn_tls_bindings(s->conn, &bindings)) {
		ask.exporter = slice_of(bindings.exporter, bindings.exporter_len);
		ask.end_point = slice_of(bindings.end_point, bindings.end_point_len);
	}
	put_exchange(s, &ask);
}

void
stranger_respond(struct stranger *s, struct slice message)
{
	const struct ask_exchange ask = { .connection = channel_number(s->conn),
		.protocol = s->protocol,
		.peer = slice_str(conn_peer(s->conn)),
		.message = message };

	put_exchange(s, &ask);
}

enum stranger_answer
stranger_take(struct stranger *s)
{
	s->asked = false;
	if (s->rc == 0 && s->more)
		return STRANGER_CHALLENGE;
	if (s->exchanging)
		s->open = false;
	return s->rc == 0 ? STRANGER_YES : STRANGER_NO;
}
