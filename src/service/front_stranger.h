/* SPDX-License-Identifier: ISC */
/*
 * What the sessions before authentication have in common: the one question
 * whether a password is right, asked on the loop thread and answered on some
 * other. The first member of each session's struct.
 */
#ifndef SERVICE_FRONT_STRANGER_H
#define SERVICE_FRONT_STRANGER_H

#include <stdatomic.h>

#include "sasl/sasl.h"
#include "service/front.h"

struct stranger {
	const struct front *front;
	struct conn *conn;
	void (*free)(struct stranger *s); /* the session's own, and its memory */
	atomic_uint refs;                 /* the connection, and the question under way */
	bool asked;                       /* the answer is not taken yet */
	atomic_bool answered;             /* then rc: 0: yes, ERR_PASSWORD: no, others: why it cannot be said */
	int rc;
};

/* Holds c. */
void stranger_init(struct stranger *s, const struct front *f, struct conn *c, void (*free)(struct stranger *s));
void stranger_release(struct stranger *s);
/* Sets asked; when the answer is there the conn is woken. */
void stranger_ask(struct stranger *s, const struct sasl_credentials *credentials);

#endif
