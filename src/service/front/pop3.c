/* SPDX-License-Identifier: ISC */
/* POP3 before authentication. */
#include "pop3/login.h"
#include "os/clock.h"
#include "service/front/login.h"

static int
make(const struct stranger *s, bool greeting, void **machine_out, struct error *e)
{
	const struct pop3_login_options options = { .offer = stranger_offer(s),
		.can_start_tls = conn_can_start_tls(s->conn),
		.greeting = greeting,
		.name = SLICE("Letterlock") };
	struct pop3_login *m;
	int rc = pop3_login_new(&options, clock_ms(), &m, e);

	if (rc == 0)
		*machine_out = m;
	return rc;
}

static void
unmake(void *machine)
{
	pop3_login_free(machine);
}

static void
next(void *machine, int64_t now_ms, struct login_event *out)
{
	static const enum login_what whats[] = {
		[POP3_LOGIN_NONE] = LOGIN_NOTHING,
		[POP3_LOGIN_STLS] = LOGIN_START_TLS,
		[POP3_LOGIN_PASSWORD] = LOGIN_PASSWORD,
		[POP3_LOGIN_EXCHANGE] = LOGIN_EXCHANGE,
		[POP3_LOGIN_CLOSE] = LOGIN_CLOSE,
	};
	struct pop3_login_event ev;

	pop3_login_next(machine, now_ms, &ev);
	*out = (struct login_event){ whats[ev.type], ev.user, ev.password, ev.mechanism, ev.first, ev.message };
}

static void
challenge(void *machine, struct slice text)
{
	pop3_login_challenge(machine, text);
}

static void
refuse(void *machine, int rc)
{
	if (rc == ERR_SYNTAX)
		pop3_login_malformed(machine);
	else if (rc == ERR_PASSWORD)
		pop3_login_refuse(machine, "AUTH", "Wrong address or password");
	else if (rc == ERR_LIMIT)
		pop3_login_refuse(machine, "SYS/TEMP", "Too many sign in, or are signed in, at once; try again later");
	else
		pop3_login_refuse(machine, "SYS/TEMP", "Passwords cannot be checked now; try again later");
}

static void
bye(void *machine, const char *why)
{
	pop3_login_bye(machine, why);
}

static void
tell(const void *machine, struct trunk_open *in_out)
{
	in_out->tag = pop3_login_is_utf8(machine) ? SLICE("UTF8") : SLICE_EMPTY;
	in_out->hello = pop3_login_mechanisms(machine);
}

static bool
wants_tls(const void *machine)
{
	return pop3_login_wants_tls(machine);
}

static bool
busy(const void *machine)
{
	return pop3_login_busy(machine);
}

int
front_pop3_open(const struct front *f, struct conn *c, struct error *e)
{
	static const struct login_protocol pop3 = { .role = SERVICE_POP3,
		.right = STORE_RIGHT_POP3,
		.ops = &pop3_login_ops,
		.make = make,
		.free = unmake,
		.next = next,
		.challenge = challenge,
		.refuse = refuse,
		.bye = bye,
		.tell = tell,
		.wants_tls = wants_tls,
		.busy = busy };

	return front_login_open(&pop3, f, c, e);
}
