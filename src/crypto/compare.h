/* SPDX-License-Identifier: ISC */
/* Comparison whose duration does not depend on the contents (it does on the lengths). */
#ifndef CRYPTO_COMPARE_H
#define CRYPTO_COMPARE_H

#include "base/slice.h"

/* True when both have the same length and octets. */
bool compare_equal(struct slice a, struct slice b);
/* True when every octet is zero; an empty slice is all zero. */
bool compare_zero(struct slice a);

#endif
