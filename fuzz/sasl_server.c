/* SPDX-License-Identifier: ISC */
/* First octet: flags; then a client's response. What is accepted is what our client would have sent for it. */
#include <stdlib.h>

#include "sasl/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl_server s;
	struct sasl_client c;
	struct slice text;
	struct buf out;

	if (size < 1)
		return 0;
	text = slice_of(data + 1, size - 1);
	sasl_server_init(&s);
	buf_init(&out, SASL_TEXT_MAX);
	if (sasl_server_begin(&s, SLICE("PLAIN"), true, NULL) != 0)
		abort();
	if (sasl_server_response(&s, text, (data[0] & 1) != 0, NULL) == SASL_STEP_CHECK) {
		if (sasl_client_init(&c, SLICE("PLAIN"), &s.credentials, true, NULL) != 0 ||
		    sasl_client_respond(&c, SLICE_EMPTY, &out, NULL) != 0 || !slice_eq(buf_slice(&out), text))
			abort();
		sasl_client_done(&c);
	}
	buf_done(&out);
	sasl_server_done(&s);
	return 0;
}
