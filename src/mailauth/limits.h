/* SPDX-License-Identifier: ISC */
/* The maxima of this floor. */
#ifndef MAILAUTH_LIMITS_H
#define MAILAUTH_LIMITS_H

#define MAILAUTH_NAME_MAX 255u    /* octets of a domain name as text (RFC 1035 section 2.3.4) */
#define MAILAUTH_ADDRESS_MAX 320u /* octets of an address: 64, "@" and 255 (RFC 5321 section 4.5.3.1) */
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

#define MAILAUTH_RESULTS_MAX 64u        /* results of one Authentication-Results field; ours has at most 16 */
#define MAILAUTH_PROPERTIES_MAX 32u     /* of one result: DKIM has 5 */
#define MAILAUTH_RESULTS_VALUE_MAX 400u /* octets of one value that we write: with quotes it still fits a line of 998 */
#define MAILAUTH_RESULTS_FIELD_MAX (16u << 10) /* octets of one such field */

#define MAILAUTH_ARC_SETS_MAX 50u          /* RFC 8617 section 4.2.1 */
#define MAILAUTH_ARC_FIELD_MAX (16u << 10) /* octets of one field that we write */

#define MAILAUTH_DMARC_AUTHORS_MAX 4u /* different domains in From that are judged (RFC 9989 section 11.5) */
#define MAILAUTH_DMARC_NAMES_MAX \
	1000u /* names in From that are looked at, equal ones too: what has more is as if it had too many authors */
#define MAILAUTH_DMARC_URIS_MAX 10u /* addresses for reports of one record that are heeded (RFC 9990 section 3.5) */
#define MAILAUTH_DMARC_WALK_MAX 8u  /* questions of one tree walk (RFC 9989 section 4.10) */
#define MAILAUTH_DMARC_QUESTIONS_MAX 96u /* of one message: a walk for each author, SPF and each signature */
#define MAILAUTH_DMARC_RECORD_MAX 4096u  /* octets of one record; longer ones are none */

#define MAILAUTH_REPORT_MAX (16u << 20)       /* octets of an aggregate report; large reporters' have 5 MiB */
#define MAILAUTH_REPORT_ROWS_MAX 20000u       /* rows of one that are read */
#define MAILAUTH_REPORT_ELEMENTS_MAX 1000000u /* XML elements of one: some 25 in a row */
#define MAILAUTH_REPORT_RESULTS_MAX 100u      /* DKIM results of one row (RFC 9990 section 3.1.3), and reasons */
#define MAILAUTH_REPORT_TEXT_MAX 1024u        /* octets of one text that are kept */
#define MAILAUTH_REPORT_ID_MAX 200u           /* octets of a report's identifier: it stands in Subject */
#define MAILAUTH_IP_TEXT_MAX 45u          /* octets of an address as text, an IPv4 address at the end of an IPv6 one */
#define MAILAUTH_REPORT_ARENA (64u << 20) /* octets of arena that are enough for any */

#define MAILAUTH_SPF_LOOKUPS_MAX 10u  /* terms of a check that ask DNS (RFC 7208 section 4.6.4) */
#define MAILAUTH_SPF_VOIDS_MAX 2u     /* of them in vain (the same) */
#define MAILAUTH_SPF_NAMES_MAX 10u    /* of one MX, or of the client's PTR (the same) */
#define MAILAUTH_SPF_RECORD_MAX 8192u /* octets of a record; an answer over UDP has 1232, the longest seen some 4000 */
#define MAILAUTH_SPF_EXPANDED_MAX \
	4096u /* octets that the macros of one term come to, before a name is cut to its 253 */
#define MAILAUTH_SPF_EXPLANATION_MAX \
	400u                          /* octets: one line of a reply (RFC 5321 section 4.5.3.1.5) with ours beside it */
#define MAILAUTH_SPF_SENDER_MAX 1024u /* octets of an address; SMTP's are shorter */
#define MAILAUTH_SPF_PROBLEMS_MAX 16u /* that an owner is told of at once */
#define MAILAUTH_SPF_QUESTIONS_MAX \
	(3u + (MAILAUTH_SPF_LOOKUPS_MAX + 1u) * (MAILAUTH_SPF_NAMES_MAX + 1u)) /* record, exp, PTR, terms with names */

#define MAILAUTH_LOCAL_MAX 64u   /* octets of a local part (RFC 5321 section 4.5.3.1.1) */
#define MAILAUTH_SRS_KEYS_MAX 8u /* of one roll-over after another */

#define STS_ID_MAX 32u             /* octets (RFC 8461 section 3.1) */
#define STS_MAX_AGE 31557600u      /* seconds; what is longer counts as this (section 3.2) */
#define STS_MX_MAX 64u             /* patterns of a policy: more than anybody's servers */
#define STS_POLICY_MAX (64u << 10) /* octets of a policy's file (section 3.3) */

#define TLSRPT_URIS_MAX 8u            /* of one record; more than anybody publishes */
#define TLSRPT_ID_MAX 300u            /* octets of an identifier of ours: it stands in Subject */
#define TLSRPT_REPORT_MAX (4u << 20)  /* octets of a report; large reporters' have some 100 KiB */
#define TLSRPT_POLICIES_MAX 1000u     /* of one: a domain has one or a few */
#define TLSRPT_FAILURES_MAX 10000u    /* of all policies of one */
#define TLSRPT_STRINGS_MAX 256u       /* lines of a policy: above STS_MX_MAX */
#define TLSRPT_TEXT_MAX 1024u         /* octets of one text that are kept */
#define TLSRPT_COUNT_MAX (1ull << 40) /* sessions of a day: sums of any report are no overflow */
#define TLSRPT_ARENA (32u << 20)      /* octets of arena that are enough for any */

#endif
