/* SPDX-License-Identifier: ISC */
/*
 * New keys (RFC 9580 sections 10.1, 10.2).
 *
 * v4: EdDSALegacy primary (certify and sign) and ECDH Curve25519 subkey, which
 * every OpenPGP program of today reads. v6: Ed25519 and X25519 with the
 * preferences on a direct-key signature. With sign_apart a signing subkey of
 * its own (with back signature) is made and the primary only certifies.
 */
#ifndef OPENPGP_GENERATE_H
#define OPENPGP_GENERATE_H

#include "openpgp/cert.h"
#include "openpgp/keyops.h"

struct pgp_generate_spec {
	uint8_t version;              /* 4 or 6 */
	const struct slice *user_ids; /* UTF-8; the first becomes primary; none is permitted */
	size_t user_id_count;
	uint32_t created; /* unix seconds */
	uint32_t expires; /* seconds after created; 0 never */
	bool sign_only;   /* no encryption subkey */
	bool sign_apart;
	bool seipd2; /* v4: announce SEIPDv2, which gpg 2.2 cannot read; v6 always does */
	enum pgp_protection protection;
	struct slice passphrase; /* with a protection */
};

/* Appends a transferable secret key (binary). ERR_USAGE, ERR_CRYPTO, ERR_NOMEM, ERR_LIMIT. */
int pgp_generate(const struct pgp_generate_spec *spec, struct buf *out, struct error *e);

/*
 * Appends a key revocation for the certificate as its signature packet (v4;
 * section 10.1.2 says a v6 one stands behind its primary key packet, which is
 * put in front). keys must hold the primary key.
 */
int pgp_generate_revocation(const struct pgp_cert *c, struct pgp_keyring_ops keys, uint8_t reason, struct slice text,
    uint32_t created, struct buf *out, struct error *e);

/* Appends the certificate's secret key with its secrets newly protected: for export and change of passphrase. */
int pgp_cert_protect(const struct pgp_cert *c, struct slice old_passphrase, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e);

#endif
