/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/text.h"

#include <string.h>

/* Octets up to the next line feed, as many as fit. */
static size_t
put_run(struct pgp_text *t, struct slice *in, uint8_t *out, size_t room)
{
	struct slice look = slice_sub(*in, 0, room);
	size_t lf = slice_find(look, '\n');
	size_t n = lf == SIZE_MAX ? look.len : lf;

	if (n == 0)
		return 0;
	memcpy(out, look.data, n);
	t->after_cr = look.data[n - 1] == '\r';
	*in = slice_from(*in, n);
	return n;
}

size_t
pgp_text_convert(struct pgp_text *t, struct slice *in, uint8_t *out, size_t room)
{
	size_t n = 0;

	while (in->len > 0 && room - n >= 2) {
		n += put_run(t, in, out + n, room - n);
		if (in->len == 0 || in->data[0] != '\n' || room - n < 2)
			continue;
		if (!t->after_cr)
			out[n++] = '\r';
		out[n++] = '\n';
		t->after_cr = false;
		*in = slice_from(*in, 1);
	}
	return n;
}
