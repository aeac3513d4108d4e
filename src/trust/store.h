/* SPDX-License-Identifier: ISC */
/*
 * Our own store of certificates: a folder with one file for each
 * (FINGERPRINT.pgp) and an index (index.json) of what is known about them:
 * the addresses whose user IDs are validly bound, where the certificate came
 * from, and what the person said about it. Files are replaced as one step;
 * writers take turns by a lock; readers see the last whole index.
 *
 * A certificate that comes again is merged with the one that is there
 * (openpgp/merge.h). What was believed stays believed; a better origin replaces
 * a lesser one. A different certificate for a known address is added beside
 * the old one and never takes its place by itself (see trust_store_choose()).
 *
 * Time is unix seconds, passed in.
 */
#ifndef TRUST_STORE_H
#define TRUST_STORE_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"
#include "trust/limits.h"

/* From the weakest to the strongest reason. */
enum trust_origin {
	TRUST_FIRST_USE, /* came with a message */
	TRUST_KEYSERVER, /* a directory that is not the address's own: nobody there checked whose it is */
	TRUST_IMPORTED,  /* the person gave it */
	TRUST_DIRECTORY, /* the directory of the address's own exchange, over a connection that we believe */
	TRUST_OWN,       /* we hold its secret key */
	TRUST_ORIGIN_COUNT
};
const char *trust_origin_name(enum trust_origin o); /* "first use", "key server", "imported", ... */

struct trust_entry {
	struct pgp_fingerprint fingerprint;
	enum trust_origin origin;
	struct slice from;                  /* where: a URL, a file's name, a message's sender; may be empty */
	uint64_t added, changed;            /* when it came first, when its bytes last changed */
	uint64_t verified;                  /* when the person compared the fingerprint; 0 never */
	const struct pgp_fingerprint *keys; /* of the primary key and all subkeys */
	size_t key_count;
	const struct slice *addresses; /* folded to lower case; those with valid user IDs */
	size_t address_count;
};

struct trust_store;

/* The folder is made when missing. ERR_SYNTAX for a damaged index; file errors. */
int trust_store_open(const char *folder, struct trust_store **out, struct error *e);
void trust_store_close(struct trust_store *s); /* NULL is permitted */

/* Entries and their slices live until the store is changed or closed. */
size_t trust_store_count(const struct trust_store *s);
const struct trust_entry *trust_store_at(const struct trust_store *s, size_t n);
/* NULL when it is not there. */
const struct trust_entry *trust_store_find(const struct trust_store *s, const struct pgp_fingerprint *f);
/* Entries with a valid user ID of this address, the strongest reason first; at most max, the count is returned. */
size_t
trust_store_find_address(const struct trust_store *s, struct slice address, const struct trust_entry **out, size_t max);

/*
 * Entries that have such a primary or subkey: by fingerprint, or (fingerprint
 * NULL) by key ID, which several may share; at most max.
 */
size_t trust_store_find_key(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t key_id,
    const struct trust_entry **out, size_t max);

/* What is known of a certificate that is put. */
struct trust_put {
	const struct pgp_cert *cert; /* secret parts are left out */
	enum trust_origin origin;
	struct slice from;
	struct pgp_policy policy; /* policy.now is when */
};

/*
 * Adds or merges. *changed_out (NULL permitted): whether anything new was in
 * it. ERR_LIMIT, ERR_POLICY when it has no user ID that is validly bound and
 * is not known already, file errors.
 */
int trust_store_put(struct trust_store *s, const struct trust_put *put, bool *changed_out, struct error *e);
/* The person compared the fingerprint (now), or takes that back (0). ERR_NOT_FOUND. */
int trust_store_verify(struct trust_store *s, const struct pgp_fingerprint *f, uint64_t now, struct error *e);
int trust_store_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e);
/* The certificate itself; free with pgp_cert_free(). ERR_NOT_FOUND. */
int
trust_store_load(const struct trust_store *s, const struct pgp_fingerprint *f, struct pgp_cert **out, struct error *e);

/*
 * Which certificate counts for an address: our own, then one that the person
 * compared, then one that was imported or that the address's own directory
 * gave, then one that only came with a message or from elsewhere; among equals the one that was there first.
 * *rival_out (NULL permitted) is another one of the same strength, a newer one
 * that the choice passed over, or any other one as long as the person compared
 * none; else NULL: the person should be told. NULL when there is none.
 */
const struct trust_entry *
trust_store_choose(const struct trust_store *s, struct slice address, const struct trust_entry **rival_out);

/* Lower case of local part and domain: how addresses are compared. Appends; returns out's error. */
int trust_address_fold(struct slice address, struct buf *out);

#endif
