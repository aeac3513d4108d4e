/* SPDX-License-Identifier: ISC */
/* What an SPF check can come to (RFC 7208 section 2.6). */
#ifndef MAILAUTH_SPF_RESULT_H
#define MAILAUTH_SPF_RESULT_H

enum spf_result {
	SPF_NONE,    /* the domain says nothing, or there is none */
	SPF_NEUTRAL, /* it says that it does not say */
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR, /* DNS did not answer */
	SPF_PERMERROR, /* the record is not to be understood */
	SPF_RESULT_COUNT,
};

/* "pass" and so on, as in Authentication-Results (RFC 8601 section 2.7.2). */
const char *spf_result_name(enum spf_result r);
/* The enhanced status of a refusal because of it: "5.7.23", "4.7.24" or "5.7.24" (RFC 7372); NULL: nothing to refuse. */
const char *spf_result_status(enum spf_result r);

#endif
