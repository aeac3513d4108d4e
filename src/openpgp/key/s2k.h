/* SPDX-License-Identifier: ISC */
/*
 * String to key (RFC 9580 section 3.7): a key out of a passphrase. Four types
 * are read; iterated and salted, and Argon2, are written. What it costs is
 * bounded before any work begins (crypto/kdf.h for Argon2).
 */
#ifndef OPENPGP_S2K_H
#define OPENPGP_S2K_H

#include "base/buf.h"
#include "base/reader.h"
#include "crypto/secret.h"
#include "openpgp/ids.h"

enum pgp_s2k_type {
	PGP_S2K_SIMPLE = 0, /* read only */
	PGP_S2K_SALTED = 1, /* read only */
	PGP_S2K_ITERATED = 3,
	PGP_S2K_ARGON2 = 4,
	PGP_S2K_GNU = 101 /* gpg's stubs of keys that are elsewhere: no passphrase opens them */
};

#define PGP_S2K_SIZE_MAX 20u    /* octets of a specifier */
#define PGP_S2K_COUNT_CODE 224u /* 16 MiB hashed: what we write for readers without Argon2 */

struct pgp_s2k {
	uint8_t type;
	uint8_t hash;        /* simple, salted, iterated */
	uint8_t salt[16];    /* 8 octets, Argon2 16 */
	uint8_t count;       /* coded */
	uint8_t passes;      /* Argon2: t */
	uint8_t lanes;       /* p */
	uint8_t memory_code; /* the exponent of KiB */
	uint8_t gnu_mode;    /* 1 dummy, 2 card */
};

/*
 * Takes a specifier. ERR_UNSUPPORTED for an unknown type or hash, ERR_SYNTAX for
 * Argon2 numbers that cannot be, ERR_TRUNCATED. Costs are checked at
 * pgp_s2k_derive().
 */
int pgp_s2k_parse(struct reader *in, struct pgp_s2k *out, struct error *e);
/* Appends it. Returns out's sticky error. */
int pgp_s2k_write(const struct pgp_s2k *s, struct buf *out);
/* Fresh salts: iterated with SHA2-256, Argon2id with t=3, p=4, 64 MiB (RFC 9106's second recommendation). */
int pgp_s2k_make_iterated(struct pgp_s2k *out, struct error *e);
int pgp_s2k_make_argon2(struct pgp_s2k *out, struct error *e);
/* A key of len octets. ERR_LIMIT, ERR_NOMEM, ERR_CRYPTO; ERR_UNSUPPORTED for PGP_S2K_GNU. */
int pgp_s2k_derive(const struct pgp_s2k *s, struct slice passphrase, size_t len, struct secret *out, struct error *e);

#endif
