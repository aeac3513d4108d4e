/* SPDX-License-Identifier: ISC */
/* Any form: what decodes encodes and decodes to the same; credentials never reach over their text. */
#include <stdlib.h>

#include "base/buf.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size), name, value, user, password;
	struct buf a, b, c;

	buf_init(&a, 1 << 20);
	buf_init(&b, 4 << 20);
	buf_init(&c, 1 << 20);
	while (http_form_next(&rest, &name, &value)) {
		buf_clear(&a);
		buf_clear(&b);
		buf_clear(&c);
		if (http_percent_decode(value, true, &a, NULL) != 0)
			continue;
		if (http_percent_encode(buf_slice(&a), &b) != 0 ||
		    http_percent_decode(buf_slice(&b), false, &c, NULL) != 0 || !slice_eq(buf_slice(&a), buf_slice(&c)))
			abort();
	}
	buf_clear(&a);
	if (http_basic_parse(slice_of(data, size), &a, &user, &password, NULL) == 0 &&
	    user.len + password.len + 1 != a.len)
		abort();
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	return 0;
}
