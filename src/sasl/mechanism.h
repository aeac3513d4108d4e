/* SPDX-License-Identifier: ISC */
/* Inside sasl/: one mechanism is one row. Messages here are decoded. */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "sasl/sasl.h"

struct sasl_mechanism {
	const char *name; /* as registered; upper case */
	bool needs_tls;   /* shows the password to who listens */
	/* The client's message of this round is s->message; may set s->challenge. An enum sasl_step or a negative code. */
	int (*serve)(struct sasl_server *s, struct error *e);
	/* Puts the client's message of this round into c->message. */
	int (*respond)(struct sasl_client *c, struct slice challenge, struct error *e);
};

/* From the best to the least; sasl_mechanism_count rows. */
extern const struct sasl_mechanism *const sasl_mechanisms[];
extern const size_t sasl_mechanism_count;

extern const struct sasl_mechanism sasl_plain;

/* By name, ASCII case ignored; NULL when there is none. */
const struct sasl_mechanism *sasl_mechanism_find(struct slice name);

#endif
