/* SPDX-License-Identifier: ISC */
/*
 * Many questions of trust at once: for programs, and for who wants an overview.
 *
 * A batch is lines on standard input, "ROOT[=AMOUNT][,ROOT...] TARGET", with
 * the fingerprints of whose certifications count and of the certificate, or *
 * for every one of the keyring or store. The answer is one line for each user ID
 * that certifications are worth anything for: the roots as they were given, the
 * certificate's fingerprint, the amount (1 to 120), and the user ID, as a JSON
 * object.
 */
#ifndef CLIENT_KEY_TRUST_BATCH_H
#define CLIENT_KEY_TRUST_BATCH_H

#include "trust/believe/believe.h"

#define TRUST_NOT_ENOUGH 1 /* no error: it is not believed */

/*
 * FINGERPRINT, or FINGERPRINT=AMOUNT: without an amount as one's own. Adds to
 * out. ERR_USAGE, ERR_LIMIT over max.
 */
int trust_root_parse(struct slice word, struct believe_root *out, size_t max, size_t *count, struct error *e);
/* store: with a keyring its certificates are in the believer's ring already. */
int trust_batch(struct believer *b, const struct trust_store *store, struct error *e);
/* Every user ID that the believer's roots make believed; a line each, or one JSON list. store: NULL with a keyring. */
int trust_list_all(struct believer *b, const struct trust_store *store, bool json, struct error *e);

#endif
