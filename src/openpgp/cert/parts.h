/* SPDX-License-Identifier: ISC */
/* For encrypt.c and deflate_sink.c: the body of a data packet whose length is not known, in partial lengths (RFC 9580 section 4.2.1.4). */
#ifndef OPENPGP_PARTS_H
#define OPENPGP_PARTS_H

#include "openpgp/frame/packet.h"

#define PGP_PART_MIN 512u /* the first part has at least so many octets */

struct pgp_parts {
	struct pgp_sink out;
	uint8_t type;
	bool begun;                  /* the first part went out */
	uint8_t small[PGP_PART_MIN]; /* octets that wait for a part */
	size_t small_len;
};

void pgp_parts_init(struct pgp_parts *p, uint8_t type, struct pgp_sink out);
/* Writes all whole parts, of the largest powers of two; less than PGP_PART_MIN octets wait. Errors are the sink's. */
int pgp_parts_put(struct pgp_parts *p, struct slice data, struct error *e);
/* The last part, or the whole packet when it was short. */
int pgp_parts_end(struct pgp_parts *p, struct error *e);
void pgp_parts_done(struct pgp_parts *p); /* wipes */

#endif
