/* SPDX-License-Identifier: ISC */
/*
 * New keys (RFC 9580 sections 10.1, 10.2), and what is made of a key once:
 * its revocation for the drawer, its secret under another passphrase.
 *
 * v4: by default EdDSALegacy primary (certify and sign) and ECDH Curve25519
 * subkey, which every OpenPGP program of today reads; what the key is for and
 * what it can stands on each user ID, by convention (section 5.2.3.10). v6:
 * Ed25519 and X25519 with all that on a direct-key signature, which must be
 * there (section 10.1.1). Other families: profile.h.
 */
#ifndef OPENPGP_GENERATE_H
#define OPENPGP_GENERATE_H

#include "openpgp/cert/cert.h"
#include "openpgp/key/keyops.h"
#include "openpgp/cert/profile.h"

/* One subkey to make. */
struct pgp_subkey_spec {
	uint32_t
	    flags; /* PGP_FLAG_SIGN, PGP_FLAG_ENCRYPT (or one of its two), PGP_FLAG_AUTHENTICATE; signing signs back */
	enum pgp_family family;
	uint32_t created; /* unix seconds; 0: as the certificate */
	uint32_t expires; /* seconds after created; 0 never */
};

struct pgp_generate_spec {
	uint8_t version;              /* 4 or 6 */
	enum pgp_family family;       /* of the primary key, and of the subkeys that the flags below ask for */
	const struct slice *user_ids; /* UTF-8; the first becomes primary; none is permitted */
	size_t user_id_count;
	uint32_t created;  /* unix seconds */
	uint32_t expires;  /* seconds after created; 0 never: of the certificate */
	bool sign_only;    /* no encryption subkey */
	bool sign_apart;   /* the primary key only certifies, a subkey signs */
	bool authenticate; /* a subkey for authentication (ssh) */
	bool direct; /* v4: a direct-key signature with the properties as well, for places that drop user IDs. gpg's own
			change of expiry rewrites only the user IDs', so it is not the default. v6 always has one */
	bool seipd2; /* v4: announce SEIPDv2, which gpg 2.2 cannot read; v6 always does */
	/* Instead of the subkeys that the flags above ask for; the primary signs unless one of these does. */
	const struct pgp_subkey_spec *subkeys;
	size_t subkey_count;
	enum pgp_protection protection;
	struct slice passphrase; /* with a protection */
};

/*
 * Appends a transferable secret key (binary). ERR_USAGE (a user ID that is no
 * UTF-8 or too long, a family that is not for the version, flags that its
 * algorithm cannot serve), ERR_UNSUPPORTED (this libcrypto cannot make it),
 * ERR_CRYPTO, ERR_NOMEM, ERR_LIMIT.
 */
int pgp_generate(const struct pgp_generate_spec *spec, struct buf *out, struct error *e);

/*
 * Appends a key revocation for the certificate as its signature packet (v4;
 * section 10.1.2 says a v6 one stands behind its primary key packet, which is
 * put in front). keys must hold the primary key. In armor it is a public key
 * block. reason: enum pgp_revocation_reason, of those for keys; text: UTF-8.
 * ERR_USAGE, ERR_NO_KEY, ERR_NOMEM, ERR_LIMIT, ERR_CRYPTO.
 */
int pgp_generate_revocation(const struct pgp_cert *c, struct pgp_keyring_ops keys, uint8_t reason, struct slice text,
    uint32_t created, struct buf *out, struct error *e);

/*
 * Appends the certificate's secret key with its secrets newly protected: for
 * export and change of passphrase. Each (sub)key is unlocked with the first of
 * the old passphrases that opens it, for they may differ; what has no secret
 * (a stub) or is of a kind that we do not have stays byte for byte.
 * ERR_PASSWORD when none opens one of them, and nothing is appended.
 */
int pgp_cert_relock(const struct pgp_cert *c, const struct slice *old_passphrases, size_t old_count,
    enum pgp_protection protection, struct slice passphrase, struct buf *out, struct error *e);
/* The same with one. */
int pgp_cert_protect(const struct pgp_cert *c, struct slice old_passphrase, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e);

/* How a primary key without its secret is written. */
enum pgp_offline {
	PGP_OFFLINE_PUBLIC, /* as a public key packet: what RFC 9580 section 10.2 permits */
	PGP_OFFLINE_STUB /* as GnuPG's secret key packet without secret (S2K 101), which gpg needs to import the subkeys */
};

/*
 * Appends the transferable secret key without the primary key's secret: for a
 * machine that needs to sign and to decrypt only. ERR_USAGE when c has no
 * secret subkey, or a stub is asked for in version 6, where nobody reads it.
 */
int pgp_cert_write_offline(const struct pgp_cert *c, enum pgp_offline how, struct buf *out, struct error *e);

#endif
