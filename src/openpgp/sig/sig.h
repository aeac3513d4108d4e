/* SPDX-License-Identifier: ISC */
/*
 * Signature packets (RFC 9580 section 5.2): read, made, and checked against a
 * hash. Whether a correct signature means anything (binding, expiry,
 * revocation, policy) is verify.h's question.
 *
 * struct pgp_sig is a plain value over the packet's body, which must outlive
 * it. Only hashed subpackets are believed; the issuers in the unhashed area are
 * hints which key to try. Of subpackets of one type that should stand once, the
 * last in the hashed area counts (section 5.2.3.9); issuers, notations,
 * recipients, regular expressions and designated revokers may stand several
 * times, and all of them count.
 *
 * Versions 3, 4, LibrePGP's 5, and 6 are read; which of them is good enough is
 * policy's question.
 *
 * A signature packet that cannot be understood is no reason to stop: it parses
 * with `invalid` set to the reason, and never verifies. So do an unknown
 * critical subpacket, a critical notation that the caller does not know, and a
 * known subpacket of a wrong length.
 */
#ifndef OPENPGP_SIG_H
#define OPENPGP_SIG_H

#include "openpgp/key/key.h"
#include "openpgp/key/keyops.h"

#define PGP_DIGEST_MAX 64u
#define PGP_SALT_MAX 32u

/* A notation (section 5.2.3.24). Name and value are peer text when they were read. */
struct pgp_notation {
	struct slice name;  /* "tag@domain", or without "@" in the namespace of the IETF */
	struct slice value; /* UTF-8 when readable, else octets */
	bool readable;      /* the flag "human-readable" */
	bool critical;
};

struct pgp_sig {
	uint8_t version;
	uint8_t type; /* enum pgp_sig_type */
	uint8_t algorithm;
	uint8_t hash;
	uint8_t left16[2];   /* first octets of the digest */
	const char *invalid; /* NULL, or why it can never be valid: "it has an unknown critical subpacket" */
	struct slice body;
	struct slice prefix; /* what is hashed of the packet itself: version to end of hashed area; v3: type and time */
	struct slice hashed; /* subpacket areas */
	struct slice unhashed;
	struct slice salt;     /* v6 */
	struct slice material; /* algorithm-specific fields */

	/* From the hashed area only: */
	bool has_created, has_key_flags, has_features, has_reason, has_key_expires, has_trust, has_target;
	bool primary_user_id;
	bool exportable;      /* true unless it says otherwise */
	bool revocable;       /* the same */
	uint32_t created;     /* unix seconds */
	uint32_t expires;     /* seconds after created; 0 never */
	uint32_t key_expires; /* seconds after the key's creation; 0 never */
	uint32_t key_flags;   /* first octet lowest */
	uint32_t features;
	uint32_t keyserver_preferences; /* PGP_KEYSERVER_* */
	uint8_t reason;                 /* enum pgp_revocation_reason */
	uint8_t trust_depth, trust_amount;
	uint8_t target_algorithm, target_hash;
	struct slice target_digest;
	struct slice reason_text;                                         /* peer text, as are the URIs and user IDs */
	struct slice preferred_ciphers, preferred_hashes, preferred_aead; /* raw lists; aead in pairs */
	struct slice preferred_compression, preferred_keyserver;
	struct slice policy_uri;
	struct slice signer_user_id; /* a claim, until the certificate has that user ID */
	struct slice attested;       /* digests of certifications, one after the other, each of this signature's hash */
	struct slice key_block;      /* a certificate, with one zero octet before it (LibrePGP) */
	size_t recipient_count;      /* intended recipients; see pgp_sig_recipient() */
	size_t notation_count, regex_count, revoker_count;

	/* From both areas, hints only: */
	bool has_issuer;
	uint64_t issuer;                   /* the first key ID */
	struct pgp_fingerprint issuer_fpr; /* the first; len 0 when not given */
	size_t issuer_count;               /* subpackets of both kinds; pgp_sig_may_be_from() looks at all */
	struct slice embedded;             /* the first embedded signature of type 0x19, body; it proves itself */
	size_t embedded_count;
};

/* ERR_SYNTAX, ERR_TRUNCATED, ERR_UNSUPPORTED (version): such a packet is kept and passed over. */
int pgp_sig_parse(struct slice body, struct pgp_sig *out, struct error *e);
/* The same for who knows what some notations mean: these names may be critical. */
int pgp_sig_parse_knowing(
    struct slice body, const struct slice *notations, size_t count, struct pgp_sig *out, struct error *e);

/*
 * The n-th subpacket of a kind that may stand several times, in the order of
 * the area; false when there is none. Only the hashed area, but for embedded
 * signatures, which prove themselves: of these only type 0x19 is given, and
 * what is embedded in one of them in turn is nothing.
 */
bool pgp_sig_recipient(const struct pgp_sig *s, size_t n, struct pgp_fingerprint *out);
bool pgp_sig_notation(const struct pgp_sig *s, size_t n, struct pgp_notation *out);
bool pgp_sig_regex(const struct pgp_sig *s, size_t n, struct slice *out); /* without its zero octet */
bool pgp_sig_embedded(const struct pgp_sig *s, size_t n, struct slice *out);
/* A designated revoker (deprecated: read, never made). sensitive: not to be exported on its own. */
bool
pgp_sig_revoker(const struct pgp_sig *s, size_t n, struct pgp_fingerprint *out, uint8_t *algorithm, bool *sensitive);

/* Walks one area. at starts at 0; false at the end. type without the critical bit. */
struct pgp_subpacket {
	uint8_t type;
	bool critical;
	struct slice body;
};
bool pgp_subpacket_next(struct slice area, size_t *at, struct pgp_subpacket *out);

/*
 * Could this key have made it? When one of its issuers, fingerprint or key ID,
 * is this key's; true when it names nobody. Never proof.
 */
bool pgp_sig_may_be_from(const struct pgp_sig *s, const struct pgp_key *key);

/* Whether a data signature (binary or text); no other type ever counts as one. */
static inline bool
pgp_sig_is_data(const struct pgp_sig *s)
{
	return s->type == PGP_SIG_BINARY || s->type == PGP_SIG_TEXT;
}

/* ---- the hash that a signature is over ---- */

/*
 * A stream of octets going into a hash, begun with the salt of a v6 signature
 * and, for text, with line endings made CR LF (section 5.2.4). One may serve
 * several signatures: pgp_hash_finish() works on a copy of the state.
 */
struct pgp_hash;

/* type decides about line endings (PGP_SIG_TEXT). salt is empty for v4. ERR_UNSUPPORTED unknown hash, ERR_NOMEM. */
int pgp_hash_new(struct pgp_hash **out, uint8_t hash, uint8_t type, struct slice salt, struct error *e);
void pgp_hash_free(struct pgp_hash *h);
int pgp_hash_feed(struct pgp_hash *h, struct slice data, struct error *e);
/* Whether it is the one for signatures with these properties. */
bool pgp_hash_is(const struct pgp_hash *h, uint8_t hash, uint8_t type, struct slice salt);
/* Adds the signature's trailer to a copy and gives the digest, pgp_hash_size() octets. */
int pgp_hash_finish(
    const struct pgp_hash *h, uint8_t version, struct slice prefix, uint8_t digest[PGP_DIGEST_MAX], struct error *e);
/*
 * The literal packet's own fields, which a version 5 signature over data covers
 * (LibrePGP); without this call six zero octets stand for them, as for detached
 * signatures. name is cut to 255 octets.
 */
void pgp_hash_literal(struct pgp_hash *h, uint8_t format, struct slice name, uint32_t date);

/* Key, user ID and subkey as certifications and bindings hash them. */
int pgp_hash_key(struct pgp_hash *h, const struct pgp_key *key, uint8_t sig_version, struct error *e);
/* packet_type: PGP_USER_ID or PGP_USER_ATTRIBUTE. A version 3 signature hashes the body alone. */
int pgp_hash_user_id(struct pgp_hash *h, uint8_t packet_type, struct slice body, uint8_t sig_version, struct error *e);
/*
 * Another signature, as confirmations (type 0x50) and attested certifications
 * are over it: without what it does not hash itself. ERR_UNSUPPORTED for
 * versions other than 4 and 6.
 */
int pgp_hash_sig(struct pgp_hash *h, const struct pgp_sig *s, struct error *e);

/*
 * Is it this key's signature over what went into h? 0 yes; ERR_SIGNATURE no;
 * ERR_UNSUPPORTED algorithm or hash; ERR_POLICY a combination that the RFC
 * forbids (version, curve, digest too short).
 */
int pgp_sig_check(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_key *key, struct error *e);

/* What a signature over keys and user IDs is over. Unused pointers NULL. */
struct pgp_sig_target {
	const struct pgp_key *primary;
	const struct pgp_key *subkey;
	uint8_t user_type; /* PGP_USER_ID or PGP_USER_ATTRIBUTE, 0 when none */
	struct slice user;
};
/* pgp_sig_check() over the target that its type asks for. ERR_SYNTAX when the type is none of those. */
int pgp_sig_check_target(
    const struct pgp_sig *s, const struct pgp_sig_target *target, const struct pgp_key *key, struct error *e);

/* ---- making ---- */

struct pgp_sig_spec {
	uint8_t type;
	uint8_t hash;              /* 0: SHA2-512, see pgp_sig_hash_for() */
	uint32_t created;          /* unix seconds */
	struct slice salt;         /* v6: pgp_hash_salt_size() random octets; empty lets the maker draw them */
	struct slice extra_hashed; /* further subpackets of the hashed area, in wire form */
	struct slice extra_unhashed;
};

/* Appends one subpacket in wire form. critical sets its bit. */
int pgp_subpacket_put(struct buf *out, uint8_t type, bool critical, struct slice body);
/*
 * Appends a notation. ERR_USAGE when its name is not "tag@domain" in UTF-8 (the
 * other namespace is the IETF's, and empty), its value is not UTF-8 though
 * readable, or one of them is longer than 65535 octets; ERR_NOMEM, ERR_LIMIT.
 */
int pgp_notation_put(struct buf *out, const struct pgp_notation *n, struct error *e);

/*
 * The hash for signatures by key: the one that is asked for, or with 0 SHA2-512,
 * which is long enough for every key. ERR_POLICY for hashes that must not be used
 * any more (section 9.5) or that are too short for the key.
 */
int pgp_sig_hash_for(const struct pgp_key *key, uint8_t asked, uint8_t *hash_out, struct error *e);

/*
 * Appends a signature packet's BODY by key over h. Creation time and issuer
 * fingerprint (and for v4 the issuer key ID, unhashed) are put in by itself.
 * spec->salt must be the one that h began with.
 */
int pgp_sig_make(const struct pgp_sig_spec *spec, const struct pgp_hash *h, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct buf *out, struct error *e);
/* The same over keys and user IDs; draws the salt and hashes the target itself. */
int pgp_sig_make_target(const struct pgp_sig_spec *spec, const struct pgp_sig_target *target, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct buf *out, struct error *e);

#endif
