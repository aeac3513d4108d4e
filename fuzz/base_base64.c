/* SPDX-License-Identifier: ISC */
/* Octet by octet gives what all at once gives; what strict takes, encodes again to the same text. */
#include <stdlib.h>

#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
decode(enum base64_manner manner, struct slice in, size_t piece, struct buf *out, uint64_t *faults_out)
{
	struct base64_decoder c;
	size_t at = 0;

	base64_decoder_init(&c, manner);
	while (at < in.len) {
		struct slice part = slice_sub(in, at, piece);
		size_t n = base64_decoder_feed(&c, part, out);

		at += n;
		if (n < part.len)
			break;
	}
	(void)base64_decoder_end(&c, out, NULL);
	*faults_out = c.faults;
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf a, b;
	uint64_t fa, fb;

	buf_init(&a, SIZE_MAX);
	buf_init(&b, SIZE_MAX);
	for (int m = BASE64_STRICT; m <= BASE64_TOLERANT; m++) {
		buf_clear(&a);
		buf_clear(&b);
		if (decode((enum base64_manner)m, in, 1, &a, &fa) !=
			decode((enum base64_manner)m, in, SIZE_MAX / 2, &b, &fb) ||
		    fa != fb || !slice_eq(buf_slice(&a), buf_slice(&b)))
			abort();
	}
	buf_clear(&a);
	buf_clear(&b);
	if (base64_parse(in, &a, NULL) == 0 && (base64_write(&b, buf_slice(&a)) != 0 || !slice_eq(buf_slice(&b), in)))
		abort();
	buf_done(&a);
	buf_done(&b);
	return 0;
}
