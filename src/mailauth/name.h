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

#endif
