/* SPDX-License-Identifier: ISC */
/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables that are
 * indexed by what strangers choose. Without the key nobody can find inputs
 * that share a cell. Not for signatures or passwords.
 *
 * Ours because libcrypto's takes a context, an allocation and a microsecond
 * for eight octets.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "base/slice.h"

#define SIPHASH_KEY_SIZE 16u

uint64_t siphash(const uint8_t key[SIPHASH_KEY_SIZE], struct slice in);

#endif
