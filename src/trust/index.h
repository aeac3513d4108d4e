/* SPDX-License-Identifier: ISC */
/* Inside trust/store: its index as JSON, both ways. */
#ifndef TRUST_INDEX_H
#define TRUST_INDEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "trust/store.h"

/* Everything lives in a. ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED for a newer version. */
int trust_index_parse(
    struct slice text, struct arena *a, struct trust_entry **entries_out, size_t *count_out, struct error *e);
int trust_index_write(const struct trust_entry *entries, size_t count, struct buf *out, struct error *e);

#endif
