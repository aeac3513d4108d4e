/* SPDX-License-Identifier: ISC */
/*
 * The header that SCRAM and OAUTHBEARER begin with (RFC 5801 section 4, RFC
 * 5802 section 7): how the client stands to channel binding, and whom it wants
 * to act as.
 */
#ifndef SASL_GS2_H
#define SASL_GS2_H

#include "sasl/sasl.h"

struct gs2_header {
	uint8_t flag;         /* 'n': the client cannot bind; 'y': it can, and thinks the server cannot; 'p': it does */
	struct slice binding; /* 'p': the channel binding's type */
	struct slice authorize; /* as written: gs2_name_decode() it; empty when there is none */
	size_t len;             /* octets of the header, with its last comma */
};

/* From the beginning of a message. ERR_SYNTAX. */
int gs2_parse(struct slice message, struct gs2_header *header_out, struct error *e);

/* Appends a name without its "=2C" and "=3D". ERR_SYNTAX (other "=", "," or NUL, no UTF-8), ERR_LIMIT, ERR_NOMEM. */
int gs2_name_decode(struct slice written, struct buf *out, struct error *e);
/* Appends a name as it is written. Returns out's sticky error. */
int gs2_name_write(struct slice name, struct buf *out);

#endif
