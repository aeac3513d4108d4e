/* SPDX-License-Identifier: ISC */
/* Inside crc: the tables for eight octets at a time. */
#ifndef BASE_CRC_TABLE_H
#define BASE_CRC_TABLE_H

#include <stdint.h>

extern const uint32_t crc24_table[8][256];
extern const uint32_t crc32c_table[8][256];

#endif
