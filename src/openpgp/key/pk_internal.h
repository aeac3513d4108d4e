/* SPDX-License-Identifier: ISC */
/* Shared by pk.c and the files of its rows; nobody else includes it. */
#ifndef OPENPGP_PK_INTERNAL_H
#define OPENPGP_PK_INTERNAL_H

#include "openpgp/key/pk.h"
#include "openpgp/message/session.h"

extern const struct pgp_pk pgp_pk_rsa, pgp_pk_rsa_encrypt, pgp_pk_rsa_sign;          /* pk_rsa.c */
extern const struct pgp_pk pgp_pk_elgamal, pgp_pk_dsa;                               /* pk_old.c */
extern const struct pgp_pk pgp_pk_ecdh;                                              /* pk_ecdh.c */
extern const struct pgp_pk pgp_pk_ecdsa, pgp_pk_eddsa_legacy;                        /* pk_ecc.c */
extern const struct pgp_pk pgp_pk_x25519, pgp_pk_x448, pgp_pk_ed25519, pgp_pk_ed448; /* pk_native.c */

/*
 * Points and secrets that are native octets in an MPI (sections 11.2.2,
 * 11.3.1): a point of size octets behind 0x40, which LibrePGP leaves out with
 * the 448 curves; empty when it is neither.
 */
struct slice pgp_native_point(struct slice mpi, uint8_t curve, size_t size);
/* *s, one MPI, becomes its size octets: leading zeros that the MPI lost come back. ERR_SYNTAX, ERR_NOMEM. */
int pgp_native_unpack(struct secret *s, uint8_t curve, size_t size, struct error *e);
/* A secret number in wire form: one MPI. */
int pgp_mpi_secret(struct slice number, struct secret *out, struct error *e);

/* What goes into RSA, ElGamal and ECDH: [cipher] key checksum, padded as PKCS#5 does to room octets when shorter. */
int
pgp_session_join(uint8_t version, const struct pgp_session *session, size_t room, struct secret *out, struct error *e);
/*
 * What RSA's or ElGamal's padding held, or random octets: splits it, and goes
 * on with a random key when that cannot be, so that who asks does not learn
 * which it was (section 13.5).
 */
int pgp_session_split_blind(
    uint8_t version, const struct secret *m, uint8_t *cipher_out, struct secret *key_out, struct error *e);
/* The lengths that m may have, the longest last: for rsa_decrypt() and elgamal_decrypt(). */
#define PGP_SESSION_LENGTHS 3u
void pgp_session_lengths(uint8_t version, size_t lengths[PGP_SESSION_LENGTHS]);

/*
 * X25519, X448 and the post-quantum schemes, which leave the cipher of a
 * version 3 PKESK in the clear: [cipher] wrapped key behind an octet that
 * counts them. Only AES may be named there (section 5.1.6).
 */
int pgp_session_wrap_clear(
    uint8_t version, const struct pgp_session *session, struct slice kek, struct buf *out, struct error *e);
/* counted: the field behind its count. */
int pgp_session_unwrap_clear(uint8_t version, struct slice counted, struct slice kek, uint8_t *cipher_out,
    struct secret *key_out, struct error *e);

#endif
