/* SPDX-License-Identifier: ISC */
/* Any bytes: what is decoded is one line of UTF-8, and encoded again it decodes to the same. */
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text, encoded, back;

	buf_init(&text, 1 << 24);
	buf_init(&encoded, 1 << 26);
	buf_init(&back, 1 << 26);
	if (mime_text_decode(slice_of(data, size), &text) != 0 || !utf8_valid(buf_slice(&text)))
		abort();
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < 32 || text.data[i] == 127)
			abort();
	}
	for (int phrase = 0; phrase < 2; phrase++) {
		buf_clear(&encoded);
		buf_clear(&back);
		if (mime_text_encode(buf_slice(&text), phrase == 1, 9, &encoded) != 0 ||
		    mime_text_decode(buf_slice(&encoded), &back) != 0)
			abort();
		if (!slice_eq(slice_trim(buf_slice(&text)), slice_trim(buf_slice(&back))))
			abort();
	}
	buf_done(&text);
	buf_done(&encoded);
	buf_done(&back);
	return 0;
}
