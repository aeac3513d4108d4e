/* SPDX-License-Identifier: ISC */
/* Any bytes: a parameter's value that was read is written so that it reads the same. */
#include <stdlib.h>

#include "mime/param.h"

static bool
writable(struct slice v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] < 32 || v.data[i] == 127)
			return false;
	}
	return v.len <= 250;
}

static void
check(struct slice value)
{
	struct mime_value v;
	struct slice back;
	struct arena a;
	struct buf b;

	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&b, 1 << 20);
	(void)buf_put_str(&b, "a/b");
	if (mime_param_write(&b, "name", value) != 0 || mime_value_parse(buf_slice(&b), &a, &v, NULL) != 0)
		abort();
	if (v.broken || !mime_value_param(&v, "name", &back) || !slice_eq(slice_trim(back), slice_trim(value)))
		abort();
	buf_done(&b);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_value v;
	struct arena a;

	arena_init(&a, MIME_ARENA_MAX);
	if (mime_value_parse(slice_of(data, size), &a, &v, NULL) != 0 || v.count > v.raw_count)
		abort();
	for (size_t i = 0; i < v.count; i++) {
		if (writable(v.params[i].value))
			check(v.params[i].value);
	}
	arena_done(&a);
	return 0;
}
