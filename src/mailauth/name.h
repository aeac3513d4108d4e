/* SPDX-License-Identifier: ISC */
/* Domain names as text: what the rooms of this floor compare and ask for. ASCII; U-labels come as A-labels (base/idn.h). */
#ifndef MAILAUTH_NAME_H
#define MAILAUTH_NAME_H

#include <stdbool.h>

#include "base/slice.h"

/* Without the last dot. */
struct slice mailauth_name_bare(struct slice name);
/* ASCII case and a last dot aside. */
bool mailauth_name_is(struct slice a, struct slice b);
/* Whether name is domain or below it. */
bool mailauth_name_below(struct slice name, struct slice domain);
/*
 * Whether it can be a domain's: 1 to 63 letters, digits, '-', '_' or octets of
 * U-labels between the dots, and at most 253 in all. No dot at the end.
 */
bool mailauth_name_can_be(struct slice name);
/* Labels, and the name without its first so many ones: empty when there are no more. */
size_t mailauth_name_labels(struct slice name);
struct slice mailauth_name_above(struct slice name, size_t labels);

#endif
