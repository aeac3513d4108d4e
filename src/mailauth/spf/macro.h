/* SPDX-License-Identifier: ISC */
/* Macros of SPF, "%{l1r-}.%{d}" (RFC 7208 section 7). */
#ifndef MAILAUTH_SPF_MACRO_H
#define MAILAUTH_SPF_MACRO_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum spf_macro_use {
	SPF_MACRO_DOMAIN, /* a domain-spec: ends with a macro or a top label */
	SPF_MACRO_VALUE,  /* of a modifier that we do not know */
	SPF_MACRO_TEXT,   /* an explanation: spaces, and the letters c, r and t */
};

/* What the letters stand for. */
struct spf_macro_values {
	struct slice sender, local, sender_domain, domain, helo, receiver, validated;
	struct slice ip; /* 4 or 16 octets */
	uint64_t now;
};

/* ERR_SYNTAX, with a sentence. */
int spf_macro_check(struct slice text, enum spf_macro_use use, struct error *e);
/* Whether text, which was checked, has one of these letters (small ones here; both cases there). */
bool spf_macro_uses(struct slice text, const char *letters);
/* Appends what text, which was checked, comes to. Returns out's sticky error. */
int spf_macro_expand(struct slice text, const struct spf_macro_values *values, struct buf *out);

#endif
