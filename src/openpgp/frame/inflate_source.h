/* SPDX-License-Identifier: ISC */
/*
 * For decrypt.c: the body of a compressed packet (RFC 9580 section 5.6) as a source, within the bounds of limits.h.
 *
 * Octets behind the end of the compressed stream, in its packet, are passed over: Sequoia's sq hides the length of a
 * message by padding there, and everybody ignores it. They are never data: the stream says where it ends.
 */
#ifndef OPENPGP_INFLATE_SOURCE_H
#define OPENPGP_INFLATE_SOURCE_H

#include "openpgp/frame/packet.h"

struct inflate_source;

/* Takes the algorithm octet off the open body. ERR_UNSUPPORTED, ERR_NOMEM, ERR_TRUNCATED. */
int inflate_source_new(struct pgp_packets *packet, struct inflate_source **out, struct error *e);
/* ERR_SYNTAX, ERR_LIMIT, ERR_TRUNCATED. */
struct pgp_source inflate_source_source(struct inflate_source *z);
void inflate_source_free(struct inflate_source *z); /* NULL is permitted; wipes */

#endif
