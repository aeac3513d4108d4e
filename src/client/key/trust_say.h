/* SPDX-License-Identifier: ISC */
/* What is believed of a certificate and why, said to a person or to a program. */
#ifndef CLIENT_KEY_TRUST_SAY_H
#define CLIENT_KEY_TRUST_SAY_H

#include "client/common.h"
#include "trust/believe/believe.h"

/* asked: the address in question, may be empty. */
void trust_say(const struct belief *x, struct slice asked);
struct json_value *trust_say_json(const struct believer *b, const struct belief *x, struct slice asked);

/* All certifications on a certificate by others whose certificates are known: lines, or appended to list. */
int trust_say_certifications(struct believer *b, const struct pgp_policy *policy, const struct pgp_cert *cert,
    struct json_value *list, struct error *e);

/* Whose certifications count, and by which model. */
void trust_say_roots(struct believer *b);
struct json_value *trust_say_roots_json(struct believer *b);

#endif
