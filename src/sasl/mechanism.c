/* SPDX-License-Identifier: ISC */
#include "sasl/sasl.h"

static const char *const names[SASL_MECHANISM_COUNT] = {
	[SASL_NONE] = "",
	[SASL_PLAIN] = "PLAIN",
	[SASL_LOGIN] = "LOGIN",
	[SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
	[SASL_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
	[SASL_OAUTHBEARER] = "OAUTHBEARER",
	[SASL_XOAUTH2] = "XOAUTH2",
};

const char *
sasl_mechanism_name(enum sasl_mechanism m)
{
	return (unsigned)m < SASL_MECHANISM_COUNT ? names[m] : "";
}

enum sasl_mechanism
sasl_mechanism_find(struct slice name)
{
	for (unsigned i = SASL_NONE + 1; i < SASL_MECHANISM_COUNT; i++)
		if (slice_ieq_str(name, names[i]))
			return (enum sasl_mechanism)i;
	return SASL_NONE;
}
