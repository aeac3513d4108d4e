/* SPDX-License-Identifier: ISC */
/* Inside sasl/: the state of a server's exchange, and SCRAM's part of it. */
#ifndef SASL_SERVER_INTERNAL_H
#define SASL_SERVER_INTERNAL_H

#include "sasl/bindings.h"
#include "sasl/gs2.h"
#include "sasl/server.h"

struct scram_server {
	struct buf c;     /* what the client's "c" must decode to */
	struct buf auth;  /* AuthMessage, as far as it is known */
	struct buf nonce; /* both sides' */
	struct scram_verifier verifiers[SCRAM_VERIFIERS_MAX];
	size_t count;
};

struct sasl_server_state {
	enum sasl_mechanism mechanism;
	struct sasl_bindings bindings;
	bool plus_offered;
	uint8_t fake_key[64];
	size_t fake_key_len;
	uint32_t fake_iterations;
	struct buf own_nonce; /* given, for tests; else empty */
	int wait;             /* the step whose answer is to come; SASL_STEP_CHALLENGE: a message; 0: over */
	unsigned rounds;      /* messages so far */
	bool refused;         /* the client has been told why; whatever it says now, the answer is no */
	struct buf message;   /* credentials may point into this and into names */
	struct buf identity, authorize;
	struct scram_server scram;
};

/* Each an enum sasl_step or a negative code. */
int scram_server_first(struct sasl_server *s, struct slice message, struct error *e);
int scram_server_found(
    struct sasl_server *s, const struct scram_verifier *verifiers, size_t count, struct slice name, struct error *e);
int scram_server_final(struct sasl_server *s, struct slice message, struct error *e);

#endif
