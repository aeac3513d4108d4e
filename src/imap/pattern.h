/* SPDX-License-Identifier: ISC */
/*
 * LIST and LSUB patterns (RFC 3501 6.3.8): "*" matches anything, "%" anything
 * without the hierarchy separator '/'. Matching takes time linear in pattern
 * times name whatever the wildcards are, and no recursion.
 */
#ifndef IMAP_PATTERN_H
#define IMAP_PATTERN_H

#include <stdbool.h>

#include "base/slice.h"

/* Both in the same encoding (UTF-8). "INBOX" as a name's first level matches in any case. */
bool imap_pattern_match(struct slice pattern, struct slice name);

#endif
