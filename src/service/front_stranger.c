/* SPDX-License-Identifier: ISC */
#include "service/front_stranger.h"

#include "service/ask.h"

void
stranger_init(struct stranger *s, const struct front *f, struct conn *c, void (*free)(struct stranger *s))
{
	s->front = f;
	s->conn = c;
	s->free = free;
	atomic_init(&s->refs, 1);
	atomic_init(&s->answered, false);
	conn_hold(c);
}

void
stranger_release(struct stranger *s)
{
	struct conn *c = s->conn;

	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	s->free(s);
	conn_release(c);
}

static void
password_checked(void *ctx, const void *reply, const struct error *e)
{
	struct stranger *s = ctx;

	s->rc = reply == NULL ? e->code : 0;
	atomic_store(&s->answered, true);
	conn_wake(s->conn);
	stranger_release(s);
}

/* What cannot be an address or a password of ours is not asked about: it is wrong, and one client's only. */
static int
put_question(struct stranger *s, const struct sasl_credentials *credentials)
{
	const struct ask_authenticate ask = { .connection = channel_number(s->conn),
		.mechanism = ASK_PLAIN,
		.authorize = credentials->authorize,
		.address = credentials->identity,
		.password = credentials->password,
		.peer = slice_str(conn_peer(s->conn)) };

	if (ask.authorize.len > SERVICE_IDENTITY_MAX || ask.address.len > SERVICE_IDENTITY_MAX ||
	    ask.password.len > SERVICE_PASSWORD_MAX)
		return ERR_PASSWORD;
	return ask_authenticate_submit(s->front->auth, &ask, password_checked, s, NULL);
}

void
stranger_ask(struct stranger *s, const struct sasl_credentials *credentials)
{
	int rc;

	s->asked = true;
	atomic_store(&s->answered, false);
	(void)atomic_fetch_add(&s->refs, 1);
	rc = put_question(s, credentials);
	if (rc == 0)
		return;
	s->rc = rc;
	atomic_store(&s->answered, true);
	stranger_release(s);
}
