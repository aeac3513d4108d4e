/* SPDX-License-Identifier: ISC */
/* Which setting somebody probably meant who wrote a name that is none. */
#ifndef OS_SETTINGS_NEAREST_H
#define OS_SETTINGS_NEAREST_H

#include "base/slice.h"
#include "os/settings.h"

/*
 * The name that the fewest octets more, less, other or exchanged with their
 * neighbour make of it; NULL when all are further away than a third of it.
 */
const char *settings_nearest(const struct setting *table, size_t count, struct slice name);

#endif
