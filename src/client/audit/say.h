/* SPDX-License-Identifier: ISC */
/* The three ways an audit is told. What others said is made harmless in each. */
#ifndef CLIENT_AUDIT_SAY_H
#define CLIENT_AUDIT_SAY_H

#include "client/audit/audit.h"

/* To standard output; with colours and signs where the terminal has them. */
void audit_print(const struct audit *a);
struct json_value *audit_json(const struct audit *a);
/* A page that stands alone: no script, nothing from elsewhere. Returns out's sticky error. */
int audit_html(const struct audit *a, struct buf *out);
/* The way of a letter to the domain, as inline SVG. */
int audit_picture(const struct audit *a, struct buf *out);

/* Which checks have something to be done, worst first, each once; the count. */
size_t audit_to_do(const struct audit *a, enum audit_check out[CHECK_COUNT], enum audit_result worst[CHECK_COUNT]);

/* How safe the way to one host is: what the picture's lock says. */
enum audit_lock {
	AUDIT_LOCK_UNKNOWN,
	AUDIT_LOCK_OPEN,   /* in clear */
	AUDIT_LOCK_LOOSE,  /* encrypted, but it can be switched off or be somebody else's */
	AUDIT_LOCK_CLOSED, /* encrypted, and senders can be sure of it */
};
enum audit_lock audit_lock_of(const struct audit *a, const struct audit_host *h);
/* A few words beside the lock. */
const char *audit_lock_words(enum audit_lock lock);

#endif
