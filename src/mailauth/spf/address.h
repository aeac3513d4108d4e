/* SPDX-License-Identifier: ISC */
/* IP addresses as SPF has them: their text in records, and in macros. */
#ifndef MAILAUTH_SPF_ADDRESS_H
#define MAILAUTH_SPF_ADDRESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* "192.0.2.1" in full, no zeros in front (RFC 7208 section 5.6). */
bool spf_address_parse4(struct slice text, uint8_t out[4]);
/* RFC 4291 section 2.2, with an IPv4 address at the end too; no zone. */
bool spf_address_parse6(struct slice text, uint8_t out[16]);
/* The first bits of both; over 8 * len of them: all. */
bool spf_address_within(struct slice a, const uint8_t *network, unsigned int bits);

/* For the following ip has 4 or 16 octets. They return out's sticky error. */
/* As people read it: dotted, or colons (RFC 5952). */
int spf_address_put(struct buf *out, struct slice ip);
/* Between dots, as macro i has it: octets, or nibbles. */
int spf_address_put_dotted(struct buf *out, struct slice ip);
/* The name whose PTR are asked for. */
int spf_address_put_reverse(struct buf *out, struct slice ip);

#endif
