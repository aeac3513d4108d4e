/* SPDX-License-Identifier: ISC */
/* First octet: flags; then a client's response. What is accepted of PLAIN is what our client would have sent for it. */
#include <stdlib.h>

#include "sasl/client.h"
#include "sasl/plain.h"
#include "sasl/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sasl_offer offer = { true, false, SASL_BIT(SASL_PLAIN) };
	struct sasl_credentials credentials;
	struct sasl_relay r;
	struct sasl_client c;
	struct slice text;
	struct buf out;

	if (size < 1)
		return 0;
	text = slice_of(data + 1, size - 1);
	sasl_relay_init(&r);
	buf_init(&out, SASL_TEXT_MAX);
	if (sasl_relay_begin(&r, SLICE("PLAIN"), &offer, NULL) != 0)
		abort();
	if (sasl_relay_response(&r, text, (data[0] & 1) != 0, NULL) == 0 &&
	    plain_parse(buf_slice(&r.message), &credentials, NULL) == 0) {
		const struct sasl_client_config config = {
			.offered = SLICE("PLAIN"), .credentials = &credentials, .channel = { .tls = true }
		};

		if (sasl_client_init(&c, &config, NULL) != 0 || sasl_client_respond(&c, SLICE_EMPTY, &out, NULL) != 0 ||
		    !slice_eq(buf_slice(&out), text))
			abort();
		sasl_client_done(&c);
	}
	buf_done(&out);
	sasl_relay_done(&r);
	return 0;
}
