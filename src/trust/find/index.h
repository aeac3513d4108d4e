/* SPDX-License-Identifier: ISC */
/*
 * The machine-readable index of HKP version 1 ("info:1:N", "pub:...", "uid:..."):
 * one candidate for each pub line, with its first user ID as name. Peer text:
 * names are any octets.
 */
#ifndef TRUST_FIND_INDEX_H
#define TRUST_FIND_INDEX_H

#include "openpgp/key/key.h"

#define FIND_INDEX_NAME_MAX 320u /* octets of a name that are kept */

struct find_candidate {
	struct pgp_fingerprint fingerprint; /* len 0: the server gives only a key ID */
	uint64_t key_id;                    /* of 8 digits: the low half only */
	struct slice name;                  /* unescaped; empty when it gives none */
	bool revoked, expired, disabled;
};

/* Called for each, in order; not 0 ends the reading, which then succeeds. The candidate lives for the call. */
typedef int find_candidate_fn(void *ctx, const struct find_candidate *c);

/* ERR_SYNTAX when it is no index. */
int find_index_read(struct slice text, find_candidate_fn *each, void *ctx, struct error *e);

#endif
