/* SPDX-License-Identifier: ISC */
/*
 * SASL (RFC 4422): what its sides have in common. The work is in
 *
 *   sasl/relay.h   the server's side of the wire: names, base64, limits. It knows no verifier and no secret, and stands
 *                  in the process that strangers talk to.
 *   sasl/server.h  the server's side of the mechanisms, on decoded messages: where the verifiers are
 *   sasl/scram.h   SCRAM's verifiers, made and read
 *   sasl/client.h  the client's side: both in one
 *
 * Mechanisms: SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677), OAUTHBEARER
 * (RFC 7628), XOAUTH2 (the same before it was standard), PLAIN (RFC 4616),
 * LOGIN (never standard). Nothing is offered or done without TLS on either
 * side: what follows a sign-in would be as readable as the password.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "sasl/limits.h"

/* The numbers cross between processes: they stay. */
enum sasl_mechanism {
	SASL_NONE = 0,
	SASL_PLAIN = 1,
	SASL_LOGIN = 2,
	SASL_SCRAM_SHA_256 = 3,
	SASL_SCRAM_SHA_256_PLUS = 4,
	SASL_OAUTHBEARER = 5,
	SASL_XOAUTH2 = 6,
	SASL_MECHANISM_COUNT = 7,
};

/* Sets of mechanisms. */
#define SASL_BIT(mechanism) (1u << (unsigned)(mechanism))
#define SASL_SET_PASSWORD (SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN)) /* they show the password to the server */
#define SASL_SET_SCRAM (SASL_BIT(SASL_SCRAM_SHA_256) | SASL_BIT(SASL_SCRAM_SHA_256_PLUS))
#define SASL_SET_TOKEN (SASL_BIT(SASL_OAUTHBEARER) | SASL_BIT(SASL_XOAUTH2))
#define SASL_SET_ALL (SASL_SET_PASSWORD | SASL_SET_SCRAM | SASL_SET_TOKEN)

/* As registered, upper case; "" for a number that is none. */
const char *sasl_mechanism_name(enum sasl_mechanism m);
/* By name, ASCII case ignored; SASL_NONE when there is none. */
enum sasl_mechanism sasl_mechanism_find(struct slice name);

/* What somebody says of himself. Which parts are used depends on the mechanism; slices are borrowed. */
struct sasl_credentials {
	struct slice authorize; /* the identity to act as; empty: the same as identity */
	struct slice identity;  /* who proves: an account's address. With a token it may be empty: the token says */
	struct slice password;  /* PLAIN, LOGIN; as a client also SCRAM */
	struct slice token;     /* OAUTHBEARER, XOAUTH2: a bearer token (RFC 6750 section 2.1) */
	struct slice host;      /* OAUTHBEARER: the server that the client believes to speak to, or empty */
	uint16_t port;          /* likewise, or 0 */
};

/*
 * The TLS channel below, for channel binding (RFC 5056). The data of a type
 * is empty where this connection does not have it; of both together at most
 * one is used, which the client names.
 */
struct sasl_channel {
	bool tls;
	struct slice exporter;  /* tls-exporter (RFC 9266): 32 octets */
	struct slice end_point; /* tls-server-end-point (RFC 5929 section 4): a hash of the server's certificate */
};

#endif
