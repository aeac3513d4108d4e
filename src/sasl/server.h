/* SPDX-License-Identifier: ISC */
/*
 * The server's side of a mechanism, on decoded messages: it stands where the
 * verifiers are. It knows no account: it asks whoever drives it, and is
 * answered, at once or later. One exchange is one object.
 *
 *   sasl_server_init(&s, &config)
 *   step = sasl_server_message(&s, message)       each message of the client
 *   SASL_STEP_CHALLENGE   send s.challenge; give the client's answer to sasl_server_message()
 *   SASL_STEP_CHECK       is s.credentials' password that of its identity?    sasl_server_checked()
 *   SASL_STEP_LOOKUP      which SCRAM verifiers has s.credentials' identity?  sasl_server_found()
 *   SASL_STEP_TOKEN       whose is s.credentials' token?                      sasl_server_validated()
 *   SASL_STEP_DONE        signed in; nothing more is to be sent
 *   negative              refused; the exchange is over
 *   sasl_server_done(&s)                          wipes
 *
 * Each of the three answers gives the next step. Of a PLAIN exchange the steps
 * are CHECK, DONE; of LOGIN CHALLENGE, CHECK, DONE; of SCRAM LOOKUP, CHALLENGE
 * (salt), CHALLENGE (the server's proof), DONE; of a token TOKEN, DONE, or
 * TOKEN, CHALLENGE (why not), ERR_PASSWORD. The password was right only at
 * DONE: a client that does not take the server's proof never gets there.
 *
 * Whether identity may act as authorize (when that is not empty) is for the
 * driver to say: it answers as if the password were wrong. For a SCRAM identity
 * that means no verifiers.
 *
 * With a token, identity is only what the client claims (or empty): whose the
 * token is decides. host and port, where the client gave them, are for drivers
 * that know one name and port of theirs (RFC 7628 section 3.2).
 *
 * An account that is not there, or has no SCRAM verifier, is answered with
 * none: the exchange then goes the same way, with a salt that is always the
 * same for that name (an HMAC of it under config.fake_key), and ends like a
 * wrong password. So all real accounts should have the count that is said for
 * unreal ones (config.fake_iterations) and a salt of SCRAM_SALT_SIZE.
 *
 * Channel binding: the data of both types is given at the beginning. The
 * client says which it uses, and what it computed over must be the same octets.
 * A client that says it could bind, and saw no -PLUS, is refused when there is
 * one: somebody took it out of the list (RFC 5802 section 6).
 */
#ifndef SASL_SERVER_H
#define SASL_SERVER_H

#include "sasl/sasl.h"
#include "sasl/scram.h"

enum sasl_step {
	SASL_STEP_CHALLENGE = 1,
	SASL_STEP_CHECK = 2,
	SASL_STEP_LOOKUP = 3,
	SASL_STEP_TOKEN = 4,
	SASL_STEP_DONE = 5,
};

#define SASL_FAKE_KEY_MIN 16u /* octets */

struct sasl_server_config {
	enum sasl_mechanism mechanism;
	struct sasl_channel channel; /* copied */
	bool plus_offered;           /* the client was shown a -PLUS mechanism */
	/*
	 * SCRAM only. A random secret of the process; better of the installation, for a salt that changes with each
	 * start tells an unreal account from a real one. Copied.
	 */
	struct slice fake_key;
	uint32_t fake_iterations; /* 0: SCRAM_ITERATIONS_RANDOM */
	struct slice nonce;       /* empty: random; tests give the server's part of RFC examples. Copied */
};

struct sasl_server_token {
	bool valid;
	/* When not valid, what the client is told (RFC 7628 section 3.2.2); each may be empty, then it is left out. */
	struct slice status;    /* empty: "invalid_token" */
	struct slice scope;     /* what a token must permit */
	struct slice discovery; /* URL of the authorization server's configuration */
};

struct sasl_server_state; /* inside */

struct sasl_server {
	struct sasl_server_state *state;     /* NULL: no exchange is under way */
	struct sasl_credentials credentials; /* from CHECK, LOOKUP or TOKEN until sasl_server_done() */
	struct buf challenge;                /* of SASL_STEP_CHALLENGE; may be empty */
	size_t verifier;                     /* SCRAM, from the second CHALLENGE on: which of the verifiers it was */
};

/* ERR_UNSUPPORTED (no such mechanism), ERR_POLICY (no TLS, or -PLUS without binding data), ERR_USAGE, ERR_NOMEM. */
int sasl_server_init(struct sasl_server *s, const struct sasl_server_config *config, struct error *e);
void sasl_server_done(struct sasl_server *s);

/*
 * The next message of the client, decoded; it is copied. An enum sasl_step, or
 *   ERR_SYNTAX, ERR_LIMIT   malformed
 *   ERR_PASSWORD            wrong: proof, or what the driver answered
 *   ERR_INTEGRITY           channel binding or nonce do not match: this is another connection's exchange
 *   ERR_POLICY              a mechanism was taken out of the list, or the identity has characters that SASLprep forbids
 *   ERR_UNSUPPORTED         a channel binding type or an extension that is not known here
 *   ERR_ORDER               no message was to come now
 *   ERR_CRYPTO, ERR_NOMEM   our fault
 * A client should not be told more than that it failed (all but ERR_SYNTAX and
 * ERR_LIMIT may be told alike). After an error there is nothing more to do but done.
 */
int sasl_server_message(struct sasl_server *s, struct slice message, struct error *e);

/* Errors of the three: as above; ERR_ORDER when that was not asked. */
int sasl_server_checked(struct sasl_server *s, bool right, struct error *e);
/*
 * verifiers: at most SCRAM_VERIFIERS_MAX, of one salt and count (such as differ from the first are never right); copied.
 * count 0: there are none. name: what the identity is where accounts are looked up (lower case, without what is behind a
 * "+"), so that one account has one unreal salt however it is written; empty: the identity, ASCII in lower case.
 */
int sasl_server_found(
    struct sasl_server *s, const struct scram_verifier *verifiers, size_t count, struct slice name, struct error *e);
int sasl_server_validated(struct sasl_server *s, const struct sasl_server_token *token, struct error *e);

#endif
