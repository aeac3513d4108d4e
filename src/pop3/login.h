/* SPDX-License-Identifier: ISC */
/*
 * The server's machine in the AUTHORIZATION state (RFC 1939 section 4). It
 * knows the greeting, CAPA, STLS (RFC 2595), USER and PASS, AUTH (RFC 5034),
 * UTF8 and LANG (RFC 6856), QUIT, and nothing of maildrops, in small bounds. A
 * password is taken only under TLS; without it USER and mechanisms that show
 * it are neither announced nor taken. There is no APOP: it needs the password
 * in clear, and its MD5 protects nothing.
 *
 * pop3_login_next() gives one event:
 *   STLS      "+OK" is in the output. Start TLS after it, free this machine and make a new one with tls set and
 *             without greeting: whatever was received before the handshake is gone with the old one.
 *   PASSWORD  check it; then pop3_login_refuse(), or make the machine of pop3/server.h, which answers it, and free
 *             this one
 *   EXCHANGE  one decoded message of AUTH: likewise, or pop3_login_challenge()
 *   CLOSE     end the connection when the output went out
 *
 * What was pipelined behind PASS or AUTH is not taken: it is the next machine's.
 */
#ifndef POP3_LOGIN_H
#define POP3_LOGIN_H

#include "base/error.h"
#include "base/machine.h"
#include "sasl/relay.h"

struct pop3_login;

struct pop3_login_options {
	struct sasl_offer offer; /* tls: TLS stands */
	bool can_start_tls;      /* announce STLS */
	bool greeting;           /* say the greeting; false after STLS */
	struct slice name;       /* of the program, one word; must live as long as the machine */
};

enum pop3_login_event_type {
	POP3_LOGIN_NONE,
	POP3_LOGIN_STLS,
	POP3_LOGIN_PASSWORD,
	POP3_LOGIN_EXCHANGE,
	POP3_LOGIN_CLOSE,
};

struct pop3_login_event {
	enum pop3_login_event_type type;
	struct slice user, password;   /* PASSWORD; until the answer, as the others */
	enum sasl_mechanism mechanism; /* EXCHANGE */
	bool first;                    /* likewise: it begins here */
	struct slice message;
};

extern const struct machine_ops pop3_login_ops;

/* ERR_NOMEM. */
int pop3_login_new(const struct pop3_login_options *options, int64_t now_ms, struct pop3_login **out, struct error *e);
/* Overwrites what it held. NULL is permitted. */
void pop3_login_free(struct pop3_login *m);
void pop3_login_next(struct pop3_login *m, int64_t now_ms, struct pop3_login_event *out);
/* After EXCHANGE: the next round. */
void pop3_login_challenge(struct pop3_login *m, struct slice challenge);
/* After EXCHANGE: the message was none of that mechanism. */
void pop3_login_malformed(struct pop3_login *m);
/* After either: "-ERR [code] text" and a new try, a few times. code: "AUTH", "SYS/TEMP", "IN-USE" (RFC 3206, 2449). */
void pop3_login_refuse(struct pop3_login *m, const char *code, const char *text);
/* "-ERR [SYS/TEMP] text", then CLOSE: POP3 has no farewell of its own. */
void pop3_login_bye(struct pop3_login *m, const char *text);
/* The names of the mechanisms that are offered, separated by spaces: the next machine announces the same (RFC 5034 3). */
struct slice pop3_login_mechanisms(const struct pop3_login *m);
/* After STLS: waiting to be replaced. */
bool pop3_login_wants_tls(const struct pop3_login *m);
/* The client has asked for UTF-8 mode: the next machine must know. */
bool pop3_login_is_utf8(const struct pop3_login *m);
/* True from PASSWORD or EXCHANGE to its answer. */
bool pop3_login_busy(const struct pop3_login *m);

#endif
