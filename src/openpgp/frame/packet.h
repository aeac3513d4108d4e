/* SPDX-License-Identifier: ISC */
/*
 * Packet framing (RFC 9580 section 4): headers in the OpenPGP and the legacy
 * format, and bodies of fixed, partial and indeterminate length.
 *
 * Two ways to read. Over octets in memory (certificates, signatures):
 * pgp_packet_next() gives each packet with its raw octets, so that it can be
 * passed on unchanged. Over a source (messages): struct pgp_packets gives the
 * header, then the body in pieces, whatever its length.
 *
 * Partial lengths are for data packets only, the first at least 512 octets
 * (section 4.2.1.4), and an indeterminate length is read for old data packets
 * only; elsewhere both are ERR_SYNTAX.
 */
#ifndef OPENPGP_PACKET_H
#define OPENPGP_PACKET_H

#include "openpgp/ids.h"
#include "openpgp/frame/stream.h"

#define PGP_HEADER_MAX 6u /* octets of a header: type, and a length of up to five */

enum pgp_length { PGP_LENGTH_FIXED, PGP_LENGTH_PARTIAL, PGP_LENGTH_INDETERMINATE };

struct pgp_header {
	uint8_t type;           /* 0 to 63 */
	bool legacy;            /* the old format */
	enum pgp_length length; /* of the first part of the body */
	uint32_t body;          /* octets of the body (FIXED), of its first part (PARTIAL), or 0 */
	uint8_t size;           /* octets of the header itself */
};

/*
 * Reads a header off the front. 1 when *out is filled, 0 when in is cut within
 * a header, ERR_SYNTAX when it is none.
 */
int pgp_header_parse(struct slice in, struct pgp_header *out, struct error *e);
/* Appends a header in the OpenPGP format with the shortest length. Returns out's sticky error. */
int pgp_header_write(struct buf *out, uint8_t type, uint32_t body);
/* The same to memory of PGP_HEADER_MAX octets; returns how many it took. */
size_t pgp_header_put(uint8_t *out, uint8_t type, uint32_t body);
/* Appends header and body. */
int pgp_packet_write(struct buf *out, uint8_t type, struct slice body);
/* Only a length, as subpackets and the last part of a partial body have it (section 4.2.1): 1, 2 or 5 octets. */
size_t pgp_length_put(uint8_t *out, uint32_t len);

/* Whether an unknown packet of this type must not be passed over (section 4.3). */
static inline bool
pgp_type_critical(uint8_t type)
{
	return type <= PGP_CRITICAL_MAX;
}

/* ---- in memory ---- */

struct pgp_packet {
	struct pgp_header header;
	struct slice raw;  /* header and body */
	struct slice body; /* in one part */
};

/*
 * The packet at *at, which moves behind it. 1 when there is one, 0 at the end;
 * ERR_SYNTAX (also for bodies in parts: nothing that is read so may have them),
 * ERR_TRUNCATED with the offset of the packet.
 */
int pgp_packet_next(struct slice in, size_t *at, struct pgp_packet *out, struct error *e);

/* ---- from a source ---- */

struct pgp_packets {
	struct pgp_source in;
	struct slice piece;  /* what is left of the source's last piece */
	uint64_t offset;     /* octets read */
	bool ended;          /* the source is at its end */
	bool open;           /* a packet's body is not read to its end */
	enum pgp_length way; /* of the part that is being read */
	uint64_t left;       /* octets left of it */
};

void pgp_packets_init(struct pgp_packets *p, struct pgp_source in);
/* Passes over what is left of the open body, then: 1 with the next header, 0 at the end. ERR_SYNTAX, ERR_TRUNCATED. */
int pgp_packets_next(struct pgp_packets *p, struct pgp_header *out, struct error *e);
/* The next piece of the open body; empty at its end. Valid until the next call. ERR_TRUNCATED. */
int pgp_packets_body(struct pgp_packets *p, struct slice *piece_out, struct error *e);
/* Gives back the last n octets of the piece that pgp_packets_body() gave last: they come again. */
void pgp_packets_unget(struct pgp_packets *p, struct slice piece, size_t n);
/* Exactly len octets of the open body. ERR_TRUNCATED when it is shorter. */
int pgp_packets_get(struct pgp_packets *p, void *out, size_t len, struct error *e);
/* Appends all that is left of the open body. ERR_LIMIT over max octets. */
int pgp_packets_whole(struct pgp_packets *p, size_t max, struct buf *out, struct error *e);
/* The open body as a source. */
struct pgp_source pgp_packets_source(struct pgp_packets *p);

#endif
