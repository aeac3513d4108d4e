/* SPDX-License-Identifier: ISC */
/*
 * IMAP and POP3 before authentication: one session for both, over a table of
 * what their login machines (imap/login.h, pop3/login.h) do. SMTP's machine is
 * the same before and behind authentication, and has a session of its own.
 */
#ifndef SERVICE_FRONT_LOGIN_H
#define SERVICE_FRONT_LOGIN_H

#include "base/machine.h"
#include "service/front/stranger.h"

enum login_what {
	LOGIN_NOTHING,
	LOGIN_START_TLS,
	LOGIN_PASSWORD,
	LOGIN_EXCHANGE,
	LOGIN_CLOSE,
};

/* As the machines' own events. */
struct login_event {
	enum login_what what;
	struct slice user, password;
	enum sasl_mechanism mechanism;
	bool first;
	struct slice message;
};

struct login_protocol {
	enum service_role role;
	enum store_right right;
	const struct machine_ops *ops;
	int (*make)(const struct stranger *s, bool greeting, void **machine_out, struct error *e);
	void (*free)(void *machine);
	void (*next)(void *machine, int64_t now_ms, struct login_event *out);
	void (*challenge)(void *machine, struct slice challenge);
	void (*refuse)(void *machine, int rc);       /* for the rc of stranger_take() or of handing over */
	void (*bye)(void *machine, const char *why); /* why: a clause without its full stop */
	void (*tell)(const void *machine, struct trunk_open *in_out); /* what the machine behind has to know */
	bool (*wants_tls)(const void *machine);
	bool (*busy)(const void *machine);
};

/* ERR_NOMEM. p must outlive the connection. */
int front_login_open(const struct login_protocol *p, const struct front *f, struct conn *c, struct error *e);

#endif
