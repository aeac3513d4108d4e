/* SPDX-License-Identifier: ISC */
/*
 * The table of public-key algorithms (RFC 9580 sections 5.1, 5.2.3, 5.5.5 and
 * 9.1): one constant row an algorithm says how its keys, signatures and
 * encrypted session keys look on the wire, and which functions carry it out.
 * key.c, key_secret.c, key_make.c, sig_check.c, keyops.c and session_wrap.c
 * know no algorithm by name; they look up the row and call.
 *
 * To add an algorithm: write its functions in a pk_*.c of its own, export the
 * row, and name it in pk.c. A function that an algorithm does not have (DSA
 * wraps nothing) is NULL in its row.
 *
 * Functions get fields that were taken apart already: each of them there,
 * nothing behind them, octet strings of their exact length. Whether the values
 * mean anything is theirs to check.
 */
#ifndef OPENPGP_PK_H
#define OPENPGP_PK_H

#include "base/reader.h"
#include "crypto/secret.h"
#include "openpgp/key/key.h"
#include "openpgp/key/key_make.h"
#include "openpgp/key/keyops.h"

struct pgp_session;

#define PGP_PK_FIELDS_MAX 4u

/* Key versions that an algorithm may be used with. */
#define PGP_PK_V3 0x01u
#define PGP_PK_V4 0x02u
#define PGP_PK_V5 0x04u /* LibrePGP's */
#define PGP_PK_V6 0x08u
#define PGP_PK_V4_UP (PGP_PK_V4 | PGP_PK_V5 | PGP_PK_V6)

/*
 * Fields in wire order, one letter each:
 *   m  an MPI
 *   1  octets[0] octets     2  octets[1] octets
 *   c  a string behind one octet that counts it
 * and in public keys:
 *   o  a curve's OID behind its count
 *   k  ECDH's KDF parameters behind their count
 * Fields m, 1, 2 and c arrive in this order in an array; o and k go into struct pgp_key.
 */
struct pgp_pk_layout {
	const char *fields;
	uint16_t octets[2];
};

struct pgp_pk {
	uint8_t id;         /* enum pgp_algorithm */
	uint8_t versions;   /* PGP_PK_V… */
	uint8_t digest_min; /* octets that a signed digest has at least; 0: the key's curve or group says */
	uint16_t bits;      /* as people say it; 0: the curve or the first value says */
	struct pgp_pk_layout public_key, secret_key, signature, pkesk;

	/* Whether libcrypto has it, when that is only known at run time; NULL: always. */
	bool (*available)(void);
	/* Do curve and values fit the algorithm, so that the key can be used at all? NULL: nothing to check. */
	bool (*well_formed)(const struct pgp_key *key);
	/*
	 * Values of a new key: public fields as they stand in the packet, the secret unlocked (key.h).
	 * ERR_UNSUPPORTED, ERR_USAGE, ERR_CRYPTO, ERR_NOMEM.
	 */
	int (*generate)(
	    const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e);
	/*
	 * From the wire form of a secret (its fields, whole and well formed) to the unlocked one and back; NULL: the same.
	 * unpack() replaces *s. ERR_SYNTAX, ERR_NOMEM.
	 */
	int (*unpack)(const struct pgp_key *key, struct secret *s, struct error *e);
	int (*pack)(const struct pgp_key *key, struct slice secret, struct buf *out);
	/* Does the unlocked secret belong to the public values? 0 yes; ERR_NOMEM; anything else no. */
	int (*matches)(const struct pgp_key *key, struct slice secret, struct error *e);

	/* ERR_SIGNATURE, ERR_SYNTAX malformed values, ERR_UNSUPPORTED. */
	int (*verify)(
	    const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e);
	/* Appends the fields of the signature packet. */
	int (*sign)(const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out,
	    struct error *e);

	/* Appends the fields of a PKESK of this version; session->cipher and key fit each other. */
	int (*wrap)(uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out,
	    struct error *e);
	/*
	 * The inverse. cipher_out: with version 3, else 0. ERR_INTEGRITY when it is not for this key or was changed,
	 * ERR_SYNTAX, ERR_UNSUPPORTED.
	 */
	int (*unwrap)(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields,
	    uint8_t *cipher_out, struct secret *key_out, struct error *e);
};

/* NULL when the algorithm is unknown. */
const struct pgp_pk *pgp_pk_find(uint8_t algorithm);
/* The row of a key that can be used (understood, and libcrypto has it); else NULL. */
const struct pgp_pk *pgp_pk_of(const struct pgp_key *key);
/*
 * ERR_UNSUPPORTED with a sentence for a person, for where pgp_pk_of() is NULL or its row lacks the function: what is
 * missing in this libcrypto, or that it is nothing that is done here ("encryption to a key of version 4 with DSA is not
 * supported"). what: as in that sentence. ERR_NOMEM.
 */
int pgp_pk_refuse(const struct pgp_key *key, const char *what, struct error *e);
/* RSA has three numbers for one algorithm: whether two numbers mean the same kind of key. */
bool pgp_pk_same(uint8_t a, uint8_t b);
/* Takes a whole slice apart: false unless it is exactly these fields. out has PGP_PK_FIELDS_MAX. */
bool pgp_pk_split(const struct pgp_pk_layout *layout, struct slice in, struct slice *out);
/* Octets of digest that a signature by this key needs (sections 5.2.3.2 to 5.2.3.5); 0 when it cannot sign. */
size_t pgp_key_digest_min(const struct pgp_key *key);

/*
 * What is left of opening a session key when somebody else (a token) agreed on the shared value of an ECDH key. wrapped:
 * the PKESK's last field. As unwrap() above.
 */
int pgp_ecdh_open_agreed(uint8_t version, const struct pgp_key *key, struct slice agreed, struct slice wrapped,
    uint8_t *cipher_out, struct secret *key_out, struct error *e);

#endif
