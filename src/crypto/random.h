/* SPDX-License-Identifier: ISC */
/* The one random source: libcrypto's generator, seeded by the system. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

#include "base/error.h"

/* Fills len octets. ERR_CRYPTO when the generator fails: then nothing may go on with what is in out. */
int random_bytes(void *out, size_t len, struct error *e);

#endif
