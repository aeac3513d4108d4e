/* SPDX-License-Identifier: ISC */
/* Any octets as a server's answer: understood the same however much of it has come, and never more than once. */
#include <stdlib.h>

#include "net/probe_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_answer whole, part;
	int rc = probe_answer_read(slice_of(data, size), &whole, NULL);

	if (size > PROBE_ANSWER_MAX)
		return 0;
	if (rc == 0 && whole.what == PROBE_AGREED && probe_version_text(whole.version)[0] == 'u')
		abort();
	/* What a part of it says, all of it says. */
	for (size_t n = 0; n < size; n += 1 + n / 8) {
		int before = probe_answer_read(slice_of(data, n), &part, NULL);

		if (before != 0 ? rc == 0 : part.what != PROBE_MORE && (rc != 0 || part.what != whole.what))
			abort();
		if (before == 0 && part.what == PROBE_AGREED &&
		    (part.version != whole.version || part.suite != whole.suite))
			abort();
	}
	return 0;
}
