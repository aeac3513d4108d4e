/* SPDX-License-Identifier: ISC */
/*
 * Bearer tokens (RFC 6750), as OAUTHBEARER and XOAUTH2 bring them: a table of
 * functions says whose one is. service/signin/jwt.h is the one that there is; others
 * need only fill it.
 */
#ifndef SERVICE_SIGNIN_TOKEN_H
#define SERVICE_SIGNIN_TOKEN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define TOKEN_TEXT_MAX 256u /* octets of a scope, of a discovery address */

struct token_validator {
	/*
	 * Appends the address that the token stands for. ERR_PASSWORD with the reason, for the log, when it is worth nothing;
	 * others when it cannot be said. now: unix seconds. Any thread, several at once; must not block.
	 */
	int (*check)(const void *ctx, struct slice token, uint64_t now, struct buf *address_out, struct error *e);
	void (*free)(void *ctx);
	void *ctx;
	/* What a client is told that came with a bad one (RFC 7628 section 3.2.2); each may be empty. */
	char scope[TOKEN_TEXT_MAX], discovery[TOKEN_TEXT_MAX];
};

#endif
