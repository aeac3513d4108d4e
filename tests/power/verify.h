/* SPDX-License-Identifier: ISC */
/*
 * Whether a store keeps every promise that can be looked at (store_verify):
 * what `letterlockd verify` does, to the first finding.
 */
#ifndef POWER_VERIFY_H
#define POWER_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "os/port.h"

/* False: why says what was found. */
bool verify_finds_nothing(struct port *port, char *why, size_t why_size);

#endif
