/* SPDX-License-Identifier: ISC */
/* What parses is written, and parses again to the same text. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_value *v, *again;
	struct buf a, b;

	if (json_value_parse(slice_of(data, size), &v, NULL) != 0)
		return 0;
	buf_init(&a, SIZE_MAX);
	buf_init(&b, SIZE_MAX);
	if (json_value_write(v, false, &a, NULL) == 0) {
		if (json_value_parse(buf_slice(&a), &again, NULL) != 0 ||
		    json_value_write(again, false, &b, NULL) != 0 || !slice_eq(buf_slice(&a), buf_slice(&b)))
			abort();
		json_value_free(again);
	}
	json_value_free(v);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
