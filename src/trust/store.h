/* SPDX-License-Identifier: ISC */
/*
 * Our own store of certificates: a database in a folder (certificates.db;
 * SQLite, several processes at once, each change synced before the call
 * returns) with every certificate, what is known about it, and where that is
 * known from. Beside the certificates lie evidence and history (evidence.h),
 * roots of the web of trust, settings and times of refreshing (records.h), and
 * what Autocrypt wants kept of each peer (peers.h).
 *
 * Opening reads nothing but the version; a folder of files with an index.json,
 * as it was before, is taken over then. A newer version is refused.
 *
 * A certificate that comes again is merged with the one that is there
 * (openpgp/cert/merge.h). What was believed stays believed; a better origin
 * replaces a lesser one. A different certificate for a known address is added
 * beside the old one and never takes its place by itself (trust_store_choose()).
 * What floods are made of is kept out (cut.h): others' signatures up to a bound
 * for each user ID, those of certificates that we have first.
 *
 * Evidence never makes trusted by itself: the store says where something came
 * from, `why` and `believe` say what that is worth.
 *
 * Time is unix seconds, passed in.
 */
#ifndef TRUST_STORE_H
#define TRUST_STORE_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"
#include "trust/limits.h"

/* Where something is known from; from the weakest to the strongest reason. The numbers stand in the database. */
enum trust_origin {
	TRUST_GOSSIP = 10,     /* in somebody else's encrypted mail (Autocrypt-Gossip) */
	TRUST_FIRST_USE = 20,  /* came with a message: attached, or in its signature */
	TRUST_AUTOCRYPT = 30,  /* in the Autocrypt header of a mail from that address */
	TRUST_KEYSERVER = 40,  /* a directory that is not the address's own: nobody there checked whose it is */
	TRUST_CERT_D = 50,     /* the certificate directory that this machine's OpenPGP programs share */
	TRUST_IMPORTED = 60,   /* the person gave it */
	TRUST_WKD = 70,        /* the Web Key Directory of the address's domain */
	TRUST_DANE = 80,       /* OPENPGPKEY in the domain's DNS, secure by DNSSEC */
	TRUST_DIRECTORY = 90,  /* the directory of the address's own exchange, over a connection that we believe */
	TRUST_CERTIFIED = 100, /* others certified it, whom the person trusts to: evidence only, see believe */
	TRUST_VERIFIED = 110,  /* the person compared the fingerprint */
	TRUST_OWN = 120        /* we hold its secret key */
};
#define TRUST_ORIGINS 12u /* how many there are: trust_origin_at(0) to (TRUST_ORIGINS - 1), the weakest first */
enum trust_origin trust_origin_at(size_t n);
const char *trust_origin_name(enum trust_origin o); /* "first use", "key server", "imported", ... */
bool trust_origin_parse(struct slice name, enum trust_origin *out);

enum trust_revoked {
	TRUST_NOT_REVOKED,
	TRUST_REVOKED_SOFT, /* superseded or retired */
	TRUST_REVOKED_HARD  /* compromised, or no reason */
};

/* What can be said of a certificate without reading it. */
struct trust_entry {
	uint64_t id; /* in this store, never used again for another */
	struct pgp_fingerprint fingerprint;
	uint8_t version; /* of the primary key */
	/*
	 * The best reason. With an address asked for (trust_store_find_address(),
	 * trust_store_choose()) the best for that address: what the directory of
	 * example.org said counts for addresses there, not for others in the same
	 * certificate. Never TRUST_VERIFIED or TRUST_CERTIFIED.
	 */
	enum trust_origin origin;
	struct slice from;       /* where: a URL, a file's name, a message's sender; may be empty */
	uint64_t added, changed; /* when it came first, when its bytes last changed */
	uint64_t verified;       /* when the person compared the fingerprint; 0 never */
	/* As judged when it last changed; compare the times with now (trust_entry_dead()). */
	uint64_t created, expires; /* of the primary key; 0 never */
	bool can_encrypt;          /* some key is good for it, until: */
	uint64_t encrypts_until;   /* the last one's expiry; 0 never */
	enum trust_revoked revoked;
	bool cut_short;                /* a flood: some signatures were passed over, or left out */
	struct slice user_id;          /* the primary one, as it stands there: peer text */
	const struct slice *addresses; /* folded to lower case; those with valid user IDs */
	size_t address_count;
};

/* Why a certificate cannot be used at a time; NULL when it can: "it is revoked", "it has expired", ... */
const char *trust_entry_dead(const struct trust_entry *entry, uint64_t now);

struct trust_store;

/* The folder is made when missing. ERR_SYNTAX for a damaged index.json; ERR_UNSUPPORTED a newer version; file errors. */
int trust_store_open(const char *folder, struct trust_store **out, struct error *e);
void trust_store_close(struct trust_store *s); /* NULL is permitted */
/*
 * As of when trust_store_choose() and trust_store_find_address() ask whether a
 * certificate has expired. Until it is told, none has.
 */
void trust_store_set_now(struct trust_store *s, uint64_t now);

/*
 * Reading. Entries and their slices live until the store is changed through s
 * or closed. What cannot be read is as if it were not there; whether that
 * happened is told once by trust_store_failed(): 0, or the first failure.
 */
int trust_store_failed(const struct trust_store *s, struct error *e);

size_t trust_store_count(const struct trust_store *s);
/* By number, for walking through all of a small store: trust_store_list() is for large ones. NULL behind the last. */
const struct trust_entry *trust_store_at(const struct trust_store *s, size_t n);
/* NULL when it is not there. */
const struct trust_entry *trust_store_find(const struct trust_store *s, const struct pgp_fingerprint *f);
/*
 * Entries with a valid user ID of this address, the one that counts first (see
 * trust_store_choose()); at most max, the count is returned.
 */
size_t
trust_store_find_address(const struct trust_store *s, struct slice address, const struct trust_entry **out, size_t max);

/*
 * Entries that have such a primary or subkey: by fingerprint, or (fingerprint
 * NULL) by key ID, which several may share; at most max.
 */
size_t trust_store_find_key(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t key_id,
    const struct trust_entry **out, size_t max);
/* The same by the primary key's ID only: who made a certification. */
size_t
trust_store_find_primary(const struct trust_store *s, uint64_t key_id, const struct trust_entry **out, size_t max);

/* Walking through many, in order of their first address, in one statement; the certificates are not read. */
struct trust_list {
	struct slice
	    text; /* only those with this, in any case, in a user ID, an address or the fingerprint; empty: all */
	bool own; /* only TRUST_OWN */
};
/* The entry lives for the call. Not 0 ends the walk and is returned. The store must not be changed meanwhile. */
typedef int trust_list_each(void *ctx, const struct trust_entry *entry);
int trust_store_list(
    const struct trust_store *s, const struct trust_list *which, trust_list_each *each, void *ctx, struct error *e);

/* What is known of a certificate that is put. */
struct trust_put {
	const struct pgp_cert *cert; /* secret parts are left out */
	enum trust_origin origin;
	struct slice from;
	struct slice address;     /* which address that is evidence for; empty: for all that the certificate has */
	struct pgp_policy policy; /* policy.now is when */
	/*
	 * Nobody asks whose it is: a certificate without a valid user ID is kept too
	 * (a root, an introducer). Else it has to be known already.
	 */
	bool nameless;
};

/*
 * Adds or merges, and notes the evidence. *changed_out (NULL permitted):
 * whether anything new was in it. ERR_LIMIT, ERR_POLICY when it has no user ID
 * that is validly bound and is not known already, database errors.
 */
int trust_store_put(struct trust_store *s, const struct trust_put *put, bool *changed_out, struct error *e);
/* Several in one go, synced once: as many calls of trust_store_put() as one likes between them. Not nested. */
int trust_store_begin(struct trust_store *s, struct error *e);
/* good: false takes everything since begin back. */
int trust_store_end(struct trust_store *s, bool good, struct error *e);

/* The person compared the fingerprint (now), or takes that back (0). ERR_NOT_FOUND. */
int trust_store_verify(struct trust_store *s, const struct pgp_fingerprint *f, uint64_t now, struct error *e);
/* Its history stays. ERR_NOT_FOUND. */
int trust_store_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e);
/* The certificate itself; free with pgp_cert_free(). ERR_NOT_FOUND. */
int
trust_store_load(const struct trust_store *s, const struct pgp_fingerprint *f, struct pgp_cert **out, struct error *e);

/*
 * Which certificate counts for an address: our own, then one that the person
 * compared, then one that was imported or that the address's own directory
 * gave, then one that only came with a message or from elsewhere; among equals
 * one that can be used before one that is revoked or expired, then the one that
 * was there first. So a weaker one never takes the place of a stronger one,
 * even when that cannot be used any more.
 */
struct trust_choice {
	const struct trust_entry *entry; /* NULL: there is none */
	/*
	 * Another one of the same strength, a newer one that the choice passed over,
	 * or any other one as long as the person compared none; else NULL: the person
	 * should be told.
	 */
	const struct trust_entry *rival;
	/* One that is revoked or expired and counted before: the person should be told that entry has come for it. */
	const struct trust_entry *dead;
};
void trust_choose(const struct trust_store *s, struct slice address, struct trust_choice *out);
/* The same, in short; *rival_out (NULL permitted). */
const struct trust_entry *
trust_store_choose(const struct trust_store *s, struct slice address, const struct trust_entry **rival_out);

/* Lower case of local part and domain: how addresses are compared. Appends; returns out's error. */
int trust_address_fold(struct slice address, struct buf *out);

#endif
