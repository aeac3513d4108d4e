/* SPDX-License-Identifier: ISC */
/*
 * What this user set up: the address, the servers, the pin, the key. Kept as
 * account.json in the configuration folder (mode 0600); no secret is in it.
 */
#ifndef CLIENT_ACCOUNT_H
#define CLIENT_ACCOUNT_H

#include "base/error.h"
#include "net/tls.h"
#include "openpgp/key/key.h"
#include "os/file.h"
#include "sasl/sasl.h"
#include "trust/find/server.h"

#define ACCOUNT_ADDRESS_MAX 321u /* octets, NUL included; the same for names and hosts */

enum account_service { ACCOUNT_SMTP, ACCOUNT_IMAP, ACCOUNT_HTTPS, ACCOUNT_SERVICES };
const char *account_service_name(enum account_service s); /* "smtp", "imap", "https" */

/* How one signed in the first time, so that later nobody can have a password shown that SCRAM has kept to itself. */
enum account_sign_in {
	ACCOUNT_SIGN_IN_ANY,
	ACCOUNT_SIGN_IN_BOUND,    /* by SCRAM with channel binding, never otherwise */
	ACCOUNT_SIGN_IN_SCRAM,    /* by SCRAM, never otherwise */
	ACCOUNT_SIGN_IN_PASSWORD, /* SCRAM is not tried: the server does not have it, or not for this password */
};

struct account_server {
	char host[256]; /* empty: there is none */
	uint16_t port;
	bool start_tls; /* TLS by STARTTLS; else from the first octet */
	enum account_sign_in sign_in;
};

struct account {
	char address[ACCOUNT_ADDRESS_MAX];
	char name[ACCOUNT_ADDRESS_MAX]; /* for From and the user ID; may be empty */
	struct account_server servers[ACCOUNT_SERVICES];
	bool pinned;
	uint8_t pin[TLS_PIN_SIZE];
	struct pgp_fingerprint key; /* len 0: none yet */
};

/* ERR_NOT_FOUND with a sentence that says to run setup; ERR_SYNTAX; file errors. */
int account_load(struct account *out, struct error *e);
int account_save(const struct account *a, struct error *e);

/* The part behind '@'; empty without one. */
struct slice account_domain(const struct account *a);
/* By which mechanism it was (enum sasl_mechanism; SASL_NONE: the password itself). */
enum account_sign_in account_sign_in_of(enum sasl_mechanism by);
/* The pin as a slice, or empty. */
struct slice account_pin(const struct account *a);
/* The exchange's directory; its pin lives as long as a. False: there is none. */
bool account_exchange(const struct account *a, struct find_server *out);

#endif
