/* SPDX-License-Identifier: ISC */
/*
 * Finding somebody's certificate: our own store first, then the key directory
 * of the account's exchange (HKP, draft-gallagher-openpgp-hkp; over HTTPS with
 * the account's pin). What comes is believed only for the address that was
 * asked about, and only when a user ID with that address is validly bound.
 * It is kept in the store.
 *
 * Blocking.
 */
#ifndef TRUST_LOOKUP_H
#define TRUST_LOOKUP_H

#include "trust/store.h"

struct trust_directory {
	const char *host; /* NULL: no directory is asked */
	uint16_t port;
	struct slice pin; /* TLS_PIN_SIZE octets, or empty: authorities decide */
	const char *
	    domain; /* addresses of this domain only count as TRUST_DIRECTORY; NULL: of every domain that it answers for */
};

/*
 * *entry_out lives until the store changes. ask: whether the directory is
 * asked even though the store has an answer (to refresh it). ERR_NOT_FOUND when
 * nobody has it; ERR_NET, ERR_TLS, ERR_TIMEOUT when the directory could not be
 * asked and the store has none.
 */
int trust_lookup(struct trust_store *s, const struct trust_directory *d, struct slice address, bool ask,
    const struct pgp_policy *policy, const struct trust_entry **entry_out, struct error *e);

/* Gives our public certificate (binary) to the directory. ERR_DENIED when it refuses, with its status. */
int trust_publish(const struct trust_directory *d, const struct pgp_cert *cert, const char *user, const char *password,
    struct error *e);

#endif
