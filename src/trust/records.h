/* SPDX-License-Identifier: ISC */
/*
 * What the person set and what has to be remembered beside the certificates:
 * roots of the web of trust, settings by name, and when each certificate was
 * last refreshed and is due again. In the store's database.
 */
#ifndef TRUST_RECORDS_H
#define TRUST_RECORDS_H

#include "trust/store.h"

/* ---- roots: whose certifications the person believes ---- */

struct trust_root {
	struct pgp_fingerprint fingerprint;
	uint8_t amount;     /* 1 to 120, 120 full */
	uint8_t depth;      /* 255 without end */
	struct slice regex; /* only user IDs that match; empty: all */
};

/* Adds or replaces (by fingerprint). The certificate need not be there. ERR_USAGE, ERR_LIMIT over TRUST_ROOTS_MAX. */
int trust_root_set(struct trust_store *s, const struct trust_root *root, struct error *e);
int trust_root_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e); /* ERR_NOT_FOUND */
/* In the order that they were added; they live in a. One's own keys are not in it: see TRUST_OWN. */
int
trust_roots(const struct trust_store *s, struct arena *a, struct trust_root **out, size_t *count_out, struct error *e);

/* ---- settings ---- */

/* Appends the value; nothing when it was never set. */
int trust_setting_get(const struct trust_store *s, const char *name, struct buf *out, struct error *e);
/* Empty: unset. ERR_LIMIT over TRUST_SETTING_MAX octets. */
int trust_setting_set(struct trust_store *s, const char *name, struct slice value, struct error *e);

#define TRUST_SETTING_MODEL "trust-model" /* which trust model decides */
#define TRUST_SETTING_CERT_D "cert-d"     /* "sync": the shared directory is looked into at each opening */

/* ---- refreshing ---- */

struct trust_refresh {
	struct pgp_fingerprint fingerprint;
	uint64_t asked; /* when it was last asked for; 0 never */
	uint64_t due;   /* when next; 0: at once */
};

/* ERR_NOT_FOUND when the certificate is not there. */
int trust_refresh_set(struct trust_store *s, const struct trust_refresh *r, struct error *e);
int trust_refresh_get(
    const struct trust_store *s, const struct pgp_fingerprint *f, struct trust_refresh *out, struct error *e);
/* Those that are due at now (all that were never scheduled are), the longest due first; at most max, in a. */
int trust_refresh_due(const struct trust_store *s, uint64_t now, size_t max, struct arena *a,
    struct trust_refresh **out, size_t *count_out, struct error *e);

#endif
