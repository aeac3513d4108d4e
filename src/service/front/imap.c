/* SPDX-License-Identifier: ISC */
/* IMAP before authentication. */
#include <stdio.h>

#include "imap/login.h"
#include "os/clock.h"
#include "service/front/login.h"

static int
make(const struct stranger *s, bool greeting, void **machine_out, struct error *e)
{
	const struct imap_login_options options = { .offer = stranger_offer(s),
		.can_start_tls = conn_can_start_tls(s->conn),
		.greeting = greeting,
		.name = SLICE("Letterlock") };
	struct imap_login *m;
	int rc = imap_login_new(&options, clock_ms(), &m, e);

	if (rc == 0)
		*machine_out = m;
	return rc;
}

static void
unmake(void *machine)
{
	imap_login_free(machine);
}

static void
next(void *machine, int64_t now_ms, struct login_event *out)
{
	static const enum login_what whats[] = {
		[IMAP_LOGIN_NONE] = LOGIN_NOTHING,
		[IMAP_LOGIN_STARTTLS] = LOGIN_START_TLS,
		[IMAP_LOGIN_PASSWORD] = LOGIN_PASSWORD,
		[IMAP_LOGIN_EXCHANGE] = LOGIN_EXCHANGE,
		[IMAP_LOGIN_CLOSE] = LOGIN_CLOSE,
	};
	struct imap_login_event ev;

	imap_login_next(machine, now_ms, &ev);
	*out = (struct login_event){ whats[ev.type], ev.user, ev.password, ev.mechanism, ev.first, ev.message };
}

static void
challenge(void *machine, struct slice text)
{
	imap_login_challenge(machine, text);
}

static void
refuse(void *machine, int rc)
{
	if (rc == ERR_SYNTAX)
		imap_login_malformed(machine);
	else if (rc == ERR_PASSWORD)
		imap_login_refuse(machine, SLICE("AUTHENTICATIONFAILED"), SLICE("Wrong address or password."));
	else if (rc == ERR_LIMIT)
		imap_login_refuse(
		    machine, SLICE("LIMIT"), SLICE("Too many sign in, or are signed in, at once. Try again later."));
	else
		imap_login_refuse(
		    machine, SLICE("UNAVAILABLE"), SLICE("Passwords cannot be checked now. Try again later."));
}

static void
bye(void *machine, const char *why)
{
	char text[80];

	(void)snprintf(text, sizeof text, "%s.", why);
	imap_login_bye(machine, slice_str(text));
}

static void
tell(const void *machine, struct trunk_open *in_out)
{
	in_out->tag = imap_login_tag(machine);
}

static bool
wants_tls(const void *machine)
{
	return imap_login_wants_tls(machine);
}

static bool
busy(const void *machine)
{
	return imap_login_busy(machine);
}

int
front_imap_open(const struct front *f, struct conn *c, struct error *e)
{
	static const struct login_protocol imap = { .role = SERVICE_IMAP,
		.right = STORE_RIGHT_IMAP,
		.ops = &imap_login_ops,
		.make = make,
		.free = unmake,
		.next = next,
		.challenge = challenge,
		.refuse = refuse,
		.bye = bye,
		.tell = tell,
		.wants_tls = wants_tls,
		.busy = busy };

	return front_login_open(&imap, f, c, e);
}
