/* SPDX-License-Identifier: ISC */
/*
 * Inside arc: the chain's fields in a header, sorted into sets (RFC 8617
 * sections 4.2 and 5.2, steps 1 to 3).
 */
#ifndef MAILAUTH_ARC_FIELDS_H
#define MAILAUTH_ARC_FIELDS_H

#include "mailauth/arc/verify.h"
#include "mime/header.h"

#define ARC_RESULTS "ARC-Authentication-Results"
#define ARC_MESSAGE "ARC-Message-Signature"
#define ARC_SEAL "ARC-Seal"

struct arc_fields_set {
	const struct mime_field *results, *message, *seal;
};

struct arc_fields {
	struct arc_fields_set sets[MAILAUTH_ARC_SETS_MAX]; /* the first is i=1 */
	size_t count;                                      /* sets, when nothing is wrong with them */
	size_t highest;                                    /* i= that was seen; also when something is wrong */
	bool any;                                          /* there is a field of ARC at all */
	bool said_fail;                                    /* a seal with the highest i= says cv=fail */
};

/* 0, or ERR_SYNTAX with what is wrong with the chain; in both cases out is set. */
int arc_fields_collect(const struct mime_header *h, struct arc_fields *out, struct error *e);
/* The number in front of the value of ARC-Authentication-Results, 1 to MAILAUTH_ARC_SETS_MAX; 0: there is none. */
size_t arc_fields_instance(struct slice results_value);

#endif
