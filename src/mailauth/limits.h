/* SPDX-License-Identifier: ISC */
/* The maxima of this floor. */
#ifndef MAILAUTH_LIMITS_H
#define MAILAUTH_LIMITS_H

#define MAILAUTH_NAME_MAX 255u    /* octets of a domain name as text (RFC 1035 section 2.3.4) */
#define MAILAUTH_RECORDS_MAX 128u /* of one answer */

#define MAILAUTH_TAGS_MAX 32u             /* tags of one list: DKIM knows 13 */
#define MAILAUTH_TAG_LIST_MAX (16u << 10) /* octets of one; fields with the longest keys are below 3 KiB */
#define MAILAUTH_DKIM_SIGNATURES_MAX 8u   /* signatures of one message that are looked at; lists add two or three */
#define MAILAUTH_DKIM_MARKS_MAX MAILAUTH_DKIM_SIGNATURES_MAX /* different l= */
#define MAILAUTH_DKIM_NAMES_MAX 256u                         /* names in one h=; each is looked for among all fields */
#define MAILAUTH_DKIM_KEYS_MAX 4u        /* records under one selector that are tried (RFC 6376 section 6.1.2) */
#define MAILAUTH_DKIM_RSA_BITS_MIN 1024u /* RFC 8301 section 3.2 */
#define MAILAUTH_DKIM_RSA_BITS_MAX 4096u /* the same; larger ones only cost */
#define MAILAUTH_DKIM_SIGNED_MAX \
	(272u << 10) /* octets of all that is signed: a header, and the signature's own field */

#define MAILAUTH_RESULTS_MAX 64u               /* results of one Authentication-Results field; ours has at most 16 */
#define MAILAUTH_PROPERTIES_MAX 32u            /* of one result: DKIM has 5 */
#define MAILAUTH_RESULTS_FIELD_MAX (16u << 10) /* octets of one such field */

#endif
