/* SPDX-License-Identifier: ISC */
/*
 * A domain's DKIM keys as they lie in the folder of keys (service/keys/dkim.h),
 * for the verbs, the records and `check`. A generation is what was made
 * together, an RSA and an Ed25519 key (RFC 8463 section 6); there are at most
 * two: what signs, and what waits for its records or signs no longer.
 */
#ifndef DAEMON_DKIM_H
#define DAEMON_DKIM_H

#include "base/arena.h"
#include "daemon/config.h"
#include "daemon/verbs.h"
#include "service/keys/dkim.h"

#define DKIM_KEPT_MAX 16u /* keys of one domain; we make at most four */

struct dkim_kept {
	struct slice selector;
	enum keys_dkim_state state;
	enum dkim_algorithm algorithm;
	size_t bits;
	struct slice name, record; /* in DNS: the TXT record's name, and its text */
};

struct dkim_keys {
	struct dkim_kept list[DKIM_KEPT_MAX]; /* by selector */
	size_t count;
};

/* domain: A-labels. Without a folder there are none. Memory is the arena's. ERR_IO, ERR_SYNTAX (a file that is no key), ERR_LIMIT. */
int dkim_keys_read(
    const struct config *config, struct slice domain, struct arena *a, struct dkim_keys *out, struct error *e);
/* How many are in that state. */
size_t dkim_keys_in(const struct dkim_keys *k, enum keys_dkim_state s);

/*
 * New keys of a domain, one of each kind, in that state; their selectors have
 * today's date and are not among those of `have`.
 */
int dkim_keys_make(const struct config *config, struct slice domain, const struct dkim_keys *have,
    enum keys_dkim_state s, struct error *e);
/* From one state into another; KEYS_DKIM_NONE: the file is removed. */
int dkim_keys_move(const struct config *config, struct slice domain, const struct dkim_kept *k, enum keys_dkim_state to,
    struct error *e);

/* letterlockd domain dkim: the words behind "domain". */
int verb_domain_dkim(const struct verb_input *in);

#endif
