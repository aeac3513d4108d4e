/* SPDX-License-Identifier: ISC */
/* Any bytes as a policy: what was read is written so that it reads the same. As a record: an id is one. */
#include <stdlib.h>

#include "mailauth/policy/sts.h"

static void
write_and_read(const struct sts_policy *p)
{
	struct sts_policy again;
	struct buf b;

	buf_init(&b, 1u << 20);
	if (sts_policy_write(p, &b) != 0 || sts_policy_parse(buf_slice(&b), &again, NULL) != 0)
		abort();
	if (again.mode != p->mode || again.max_age != p->max_age || again.mx_count != p->mx_count)
		abort();
	for (size_t i = 0; i < p->mx_count; i++)
		if (!slice_eq(p->mx[i], again.mx[i]) || sts_pattern_matches(p->mx[i], p->mx[i]) != true)
			abort();
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size), id;
	struct sts_policy p;

	if (sts_policy_parse(text, &p, NULL) == 0)
		write_and_read(&p);
	if (sts_record_id(&text, 1, &id) && (id.len == 0 || id.len > STS_ID_MAX))
		abort();
	return 0;
}
