/* SPDX-License-Identifier: ISC */
/* Lines of codes or of typed text: what comes out has the checksum that they say, and is written to the same again. */
#include <stdlib.h>

#include "client/key/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pieces p = { .begun = false }, again = { .begun = false };
	struct buf whole = { .max = PIECES_OCTETS_MAX }, text = { .max = 4u << 20 },
		   back = { .max = PIECES_OCTETS_MAX };
	struct slice in = slice_of(data, size);
	bool taken;

	while (in.len > 0) {
		struct slice line = slice_split(in, '\n', &in);

		(void)pieces_take(&p, line, &taken, NULL);
		if (!taken)
			(void)pieces_take_line(&p, line, &taken, NULL);
	}
	if (pieces_finish(&p, &whole, NULL) == 0) {
		if (pieces_write_lines(buf_slice(&whole), &text) != 0)
			abort();
		in = buf_slice(&text);
		while (in.len > 0) {
			struct slice line = slice_split(in, '\n', &in);

			if (pieces_take_line(&again, line, &taken, NULL) != 0 || !taken)
				abort();
		}
		if (pieces_finish(&again, &back, NULL) != 0 || !slice_eq(buf_slice(&back), buf_slice(&whole)))
			abort();
	}
	pieces_done(&p);
	pieces_done(&again);
	buf_done(&whole);
	buf_done(&text);
	buf_done(&back);
	return 0;
}
