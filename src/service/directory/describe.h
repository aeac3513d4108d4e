/* SPDX-License-Identifier: ISC */
/*
 * What the store is to know of a filtered certificate: its keys, its user IDs
 * and where each of them stands in the octets.
 */
#ifndef SERVICE_DIRECTORY_DESCRIBE_H
#define SERVICE_DIRECTORY_DESCRIBE_H

#include "base/arena.h"
#include "base/error.h"
#include "store/types.h"

/*
 * Fills everything of out that is in the octets; the rest of it stays. All of
 * out is in the arena, data too. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
int directory_describe(struct slice data, struct arena *arena, struct store_certificate *out, struct error *e);

#endif
