/* SPDX-License-Identifier: ISC */
/* Every transcript against the bare machines, in pieces and octet by octet. */
#include "pop3/login.h"

#include "pop3/maildrop.h"
#include "sasl/plain.h"
#define TRANSCRIPT_FOLDER "pop3"
#include "smtp/transcript.h"

struct bare {
	struct pop3_login *login;   /* or */
	struct pop3_server *server; /* behind it */
	bool tls, closed, starting_tls;
	struct buf answers;
};

static void
make_login(struct bare *b, bool greeting)
{
	const struct pop3_login_options options = {
		.offer = { .tls = b->tls, .bindings = true, .mechanisms = SASL_SET_PASSWORD | SASL_SET_SCRAM },
		.can_start_tls = !b->tls,
		.greeting = greeting,
		.name = SLICE("Letterlock")
	};

	assert_ok(pop3_login_new(&options, 0, &b->login, &unit_error));
}

static void
sign_in(struct bare *b)
{
	const struct pop3_server_options options = { .tls = b->tls,
		.name = SLICE("Letterlock"),
		.mechanisms = pop3_login_mechanisms(b->login),
		.pending = pop3_login_ops.output(b->login) };

	assert_ok(pop3_server_new(&options, 0, &b->server, &unit_error));
	pop3_login_free(b->login);
	b->login = NULL;
	maildrop_open(b->server, 1);
}

static void
take(struct bare *b, const struct machine_ops *ops, void *machine)
{
	(void)buf_put_slice(&b->answers, ops->output(machine));
	ops->sent(machine, ops->output(machine).len);
}

/* False: nothing more happens by itself. */
static bool
pump_login(struct bare *b)
{
	struct sasl_credentials who = { 0 };
	struct pop3_login_event ev;
	bool asked;

	pop3_login_next(b->login, 0, &ev);
	asked = ev.type == POP3_LOGIN_PASSWORD || ev.type == POP3_LOGIN_EXCHANGE;
	who.identity = ev.user;
	who.password = ev.password;
	b->closed = b->closed || ev.type == POP3_LOGIN_CLOSE;
	b->starting_tls = b->starting_tls || ev.type == POP3_LOGIN_STLS;
	if (ev.type == POP3_LOGIN_EXCHANGE && plain_parse(ev.message, &who, NULL) != 0)
		pop3_login_malformed(b->login);
	else if (asked && slice_eq_str(who.identity, "alice@example.org") && slice_eq_str(who.password, "secret") &&
	    who.authorize.len == 0)
		sign_in(b);
	else if (asked)
		pop3_login_refuse(b->login, "AUTH", "Wrong address or password");
	if (b->login != NULL)
		take(b, &pop3_login_ops, b->login);
	return asked;
}

static bool
pump_server(struct bare *b)
{
	struct pop3_event ev;
	bool more;

	pop3_server_next(b->server, 0, &ev);
	b->closed = b->closed || ev.type == POP3_EVENT_CLOSE;
	more = maildrop_answer(b->server, &ev);
	take(b, &pop3_server_ops, b->server);
	return more;
}

static void
pump(struct bare *b)
{
	while (b->login != NULL ? pump_login(b) : pump_server(b))
		;
}

static void
bare_begin(void *ctx, const char *listener)
{
	struct bare *b = ctx;

	*b = (struct bare){ .tls = strcmp(listener, "pop3s") == 0 };
	buf_init(&b->answers, 1u << 20);
	make_login(b, true);
	pump(b);
}

static void
bare_send(void *ctx, struct slice in)
{
	struct bare *b = ctx;

	/* What comes in clear behind STLS is dropped by the connection. */
	while (in.len > 0 && !b->starting_tls) {
		size_t n =
		    b->login != NULL ? pop3_login_ops.feed(b->login, in, 0) : pop3_server_ops.feed(b->server, in, 0);

		assert_true(n > 0);
		in = slice_from(in, n);
		pump(b);
	}
}

static struct buf *
bare_answers(void *ctx)
{
	return &((struct bare *)ctx)->answers;
}

static void
bare_start_tls(void *ctx)
{
	struct bare *b = ctx;

	assert_true(b->starting_tls && pop3_login_wants_tls(b->login));
	assert_int_equal(pop3_login_ops.feed(b->login, SLICE("x"), 0), 0);
	pop3_login_free(b->login);
	b->starting_tls = false;
	b->tls = true;
	make_login(b, false);
}

static bool
bare_closed(void *ctx)
{
	return ((struct bare *)ctx)->closed;
}

static void
bare_end(void *ctx)
{
	struct bare *b = ctx;

	pop3_login_free(b->login);
	pop3_server_free(b->server);
	buf_done(&b->answers);
}

static struct bare bare;
static const struct transcript_peer peer = { bare_begin, bare_send, bare_answers, bare_start_tls, bare_closed, bare_end,
	&bare };

static void
in_pieces(void **state)
{
	(void)state;
	transcript_run_all(&peer, false);
}

static void
octet_by_octet(void **state)
{
	(void)state;
	transcript_run_all(&peer, true);
}

UNIT_MAIN(UNIT_TEST(in_pieces), UNIT_TEST(octet_by_octet))
