/* SPDX-License-Identifier: ISC */
/* Why a certificate is believed to be somebody's, in one sentence for a person. */
#ifndef TRUST_WHY_H
#define TRUST_WHY_H

#include "base/buf.h"
#include "trust/store.h"

/*
 * Appends a sentence without a line end, e.g. "You compared its fingerprint on
 * 2025-02-03." entry NULL: "Nothing is known about this key." Returns out's error.
 */
int trust_why(const struct trust_entry *entry, struct buf *out);

/* Whether this is more than that it came along: verified, own, from the address's directory, or given by the person. */
bool trust_is_believed(const struct trust_entry *entry);

#endif
