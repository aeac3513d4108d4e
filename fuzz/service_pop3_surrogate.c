/* SPDX-License-Identifier: ISC */
/* Any header for a client without UTF-8 mode: ASCII comes out, with an empty line behind it. */
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/header.h"
#include "service/pop3/surrogate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf out;

	in.len = mime_header_length(in);
	buf_init(&out, 16u << 20);
	if (pop3_surrogate_header(in, &out, NULL) == 0 &&
	    (!utf8_is_ascii(buf_slice(&out)) || !slice_ends(buf_slice(&out), SLICE("\r\n"))))
		abort();
	buf_done(&out);
	return 0;
}
