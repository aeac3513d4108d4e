/* SPDX-License-Identifier: ISC */
/* Multiprecision integers on the wire (RFC 9580 section 3.2): two octets of bit count, then big-endian octets. */
#ifndef OPENPGP_MPI_H
#define OPENPGP_MPI_H

#include "base/buf.h"
#include "base/reader.h"

/* Appends value, big-endian octets of which leading zeros are dropped. Returns out's sticky error; ERR_LIMIT over 65535 bits. */
int pgp_mpi_write(struct buf *out, struct slice value);
/*
 * Takes one; its octets as they stand there. A bit count that its octets do not
 * have is taken as others take it (old programs miscounted); only its octets
 * must be there: the reader's sticky error says when not.
 */
struct slice pgp_mpi_take(struct reader *r);
/*
 * The octets of MPI(N octets of X), sections 11.3.1: padded with zeros on the
 * left to len. false when it is longer.
 */
bool pgp_mpi_octets(struct slice mpi, uint8_t *out, size_t len);

/* Bits without leading zeros: of 3072, 256, 0. */
unsigned pgp_mpi_bits(struct slice mpi);

#endif
