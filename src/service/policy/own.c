/* SPDX-License-Identifier: ISC */
#include "service/policy/own.h"

#include "base/siphash.h"

#define POLICY_MAX 1024u

int
own_sts_policy(enum sts_mode mode, struct slice hostname, struct buf *out)
{
	struct sts_policy p = { .mode = mode,
		.max_age = mode == STS_ENFORCE ? OWN_STS_ENFORCE_AGE : OWN_STS_OTHER_AGE,
		.mx = { hostname },
		.mx_count = mode == STS_NONE ? 0 : 1 };
	size_t before = out->len;

	if (sts_policy_write(&p, out) != 0)
		return out->err;
	return sts_policy_parse(slice_from(buf_slice(out), before), &p, NULL);
}

int
own_sts_record(enum sts_mode mode, struct slice hostname, struct buf *out)
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = { 0 };
	struct buf policy BUF_OWNED = { 0 };
	int rc;

	buf_init(&policy, POLICY_MAX);
	rc = own_sts_policy(mode, hostname, &policy);
	if (rc != 0)
		return rc;
	return buf_putf(out, "v=STSv1; id=%016llx;", (unsigned long long)siphash(key, buf_slice(&policy)));
}
