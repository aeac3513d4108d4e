/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags; then a name. What is prepared is UTF-8 without NUL and within its bounds; what may be stored may
 * be asked for, and is then the same.
 */
#include <stdlib.h>

#include "base/saslprep.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once, twice;
	bool stored;

	if (size < 1)
		return 0;
	stored = (data[0] & 1) != 0;
	buf_init(&once, SASLPREP_OUTPUT_MAX);
	buf_init(&twice, SASLPREP_OUTPUT_MAX);
	if (saslprep(slice_of(data + 1, size - 1), stored, &once, NULL) == 0) {
		if (!utf8_valid(buf_slice(&once)) || slice_find(buf_slice(&once), 0) != SIZE_MAX)
			abort();
		/* What a stored name may be made of, a name that is asked for may be too. */
		if (stored && saslprep(slice_of(data + 1, size - 1), false, &twice, NULL) != 0)
			abort();
		if (stored && !slice_eq(buf_slice(&once), buf_slice(&twice)))
			abort();
	} else if (once.len != 0) {
		abort();
	}
	buf_done(&once);
	buf_done(&twice);
	return 0;
}
