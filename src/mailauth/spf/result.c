/* SPDX-License-Identifier: ISC */
#include "mailauth/spf/result.h"

#include <stddef.h>

static const struct {
	const char *name, *status;
} results[SPF_RESULT_COUNT] = {
	[SPF_NONE] = { "none", NULL },
	[SPF_NEUTRAL] = { "neutral", NULL },
	[SPF_PASS] = { "pass", NULL },
	[SPF_FAIL] = { "fail", "5.7.23" },
	[SPF_SOFTFAIL] = { "softfail", NULL },
	[SPF_TEMPERROR] = { "temperror", "4.7.24" },
	[SPF_PERMERROR] = { "permerror", "5.7.24" },
};

const char *
spf_result_name(enum spf_result r)
{
	return r < SPF_RESULT_COUNT ? results[r].name : "unknown";
}

const char *
spf_result_status(enum spf_result r)
{
	return r < SPF_RESULT_COUNT ? results[r].status : NULL;
}
