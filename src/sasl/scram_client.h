/* SPDX-License-Identifier: ISC */
/*
 * Inside sasl/: SCRAM's client (RFC 5802, RFC 7677). Three messages: first, final, and an empty one for the server's
 * proof, which must be right.
 */
#ifndef SASL_SCRAM_CLIENT_H
#define SASL_SCRAM_CLIENT_H

#include "sasl/sasl.h"
#include "sasl/scram.h"

struct scram_client {
	struct buf password;                      /* prepared; wiped when the proof is made */
	struct buf identity, authorize;           /* prepared */
	struct buf header;                        /* of GS2 */
	struct buf c;                             /* header and channel binding data */
	struct buf nonce;                         /* ours */
	struct buf auth;                          /* AuthMessage, as far as it is known */
	uint8_t server_signature[SCRAM_KEY_SIZE]; /* what the server must prove with */
	bool proof_sent;
	bool proved; /* the server proved itself */
};

struct scram_client_config {
	const struct sasl_credentials *credentials;
	struct slice binding_type; /* of -PLUS; else empty */
	struct slice binding;
	bool could_bind;    /* there is binding data, and the server offers no -PLUS: flag "y" */
	struct slice nonce; /* empty: random */
};

/*
 * c zeroed. ERR_POLICY: name or password cannot be prepared, so SCRAM cannot be used with them; ERR_CRYPTO, ERR_NOMEM.
 * In any case scram_client_done() it.
 */
int scram_client_init(struct scram_client *c, const struct scram_client_config *config, struct error *e);
void scram_client_done(struct scram_client *c);

/* Each appends the client's message. Errors as sasl_client_respond(). */
int scram_client_first(struct scram_client *c, struct buf *out, struct error *e);
int scram_client_final(struct scram_client *c, struct slice server_first, struct buf *out, struct error *e);
int scram_client_verify(struct scram_client *c, struct slice server_final, struct error *e);

#endif
