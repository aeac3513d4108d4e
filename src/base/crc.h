/* SPDX-License-Identifier: ISC */
/*
 * Checksums: CRC-24 of OpenPGP's armor (RFC 9580 section 6.1) and CRC-32C
 * (RFC 9260 appendix A), which guards records on disk against decay. Neither
 * protects against anybody who means harm.
 *
 * Both continue: feed pieces with the value that the last call gave.
 */
#ifndef BASE_CRC_H
#define BASE_CRC_H

#include "base/slice.h"

#define CRC24_INIT 0xb704ceu

/* Takes and gives the low 24 bits: crc = CRC24_INIT; crc = crc24(crc, piece); ... */
uint32_t crc24(uint32_t crc, struct slice in);

/* Start with 0: crc = crc32c(0, piece); crc = crc32c(crc, next piece). "123456789" gives e3069283. */
uint32_t crc32c(uint32_t crc, struct slice in);

#endif
