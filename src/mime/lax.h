/* SPDX-License-Identifier: ISC */
/*
 * A header as the laxest of its readers sees it. mime/header.h ends a block
 * where something stands that is no field, and passes over what is too much;
 * others go on behind it, drop control characters, or unfold before they look
 * for the colon. Who asks whether a message claims something (whom it is from,
 * what somebody found out about it) asks here, for all readers at once:
 *
 *   while (block.len > 0) {
 *           field = mime_lax_take(&block);
 *           if (mime_lax_named(field, "From", &value))
 *                   ...
 *
 * block: all up to the empty line. Nothing is allocated, each octet is looked
 * at once.
 */
#ifndef MIME_LAX_H
#define MIME_LAX_H

#include "base/slice.h"

/* Takes the line at the front with those that continue it, whatever it is. */
struct slice mime_lax_take(struct slice *rest);
/*
 * Whether that is a field of this name: any case; white space, folds, control
 * characters and octets above 126 count for nothing. *value_out: all behind the
 * colon, trimmed, folded inside.
 */
bool mime_lax_named(struct slice field, const char *name, struct slice *value_out);

#endif
