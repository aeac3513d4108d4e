/* SPDX-License-Identifier: ISC */
/* The index of the store as it was before there was a database: JSON, read when it is taken over. */
#ifndef TRUST_INDEX_H
#define TRUST_INDEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "trust/store.h"

struct trust_index_entry {
	struct pgp_fingerprint fingerprint;
	enum trust_origin origin;
	struct slice from;
	uint64_t added, changed, verified;
};

/* Everything lives in a. ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED for a newer version. */
int trust_index_parse(
    struct slice text, struct arena *a, struct trust_index_entry **entries_out, size_t *count_out, struct error *e);

#endif
