/* SPDX-License-Identifier: ISC */
/*
 * When a key shall expire, as people write it: "never", a day ("2027-06-30":
 * its end, UTC), or how long from now: "2y", "1m", "6w", "30d" (years and
 * months by the calendar), also "2 years"; a bare number is days.
 */
#ifndef CLIENT_KEY_WHEN_H
#define CLIENT_KEY_WHEN_H

#include "base/error.h"
#include "base/slice.h"

/* *when_out: unix seconds after now, 0 for never. ERR_USAGE with a sentence that says what is understood. */
int key_when_parse(struct slice text, uint64_t now, uint64_t *when_out, struct error *e);

#endif
