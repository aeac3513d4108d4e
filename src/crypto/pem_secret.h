/* SPDX-License-Identifier: ISC */
/*
 * Secret keys as other programs keep them, PEM text ("BEGIN PRIVATE KEY": PKCS
 * #8, RFC 7468 section 10; also "BEGIN RSA PRIVATE KEY"), kept in libcrypto's
 * form by whoever signs much with one: RSA by PKCS#1 v1.5 over SHA-256, and
 * Ed25519. Without encryption; who may read the file is the caller's to see to.
 */
#ifndef CRYPTO_PEM_SECRET_H
#define CRYPTO_PEM_SECRET_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/pem_public.h"
#include "crypto/secret.h"

#define PEM_SECRET_TEXT_MAX (32u << 10)
#define PEM_SECRET_RSA_BITS_MIN 2048u /* ours are made for years (RFC 8301 section 3.2) */
#define PEM_SECRET_RSA_BITS_MAX 4096u

struct pem_secret;

/* The first key in the text. ERR_SYNTAX; ERR_UNSUPPORTED: of another kind or size; ERR_LIMIT, ERR_NOMEM. */
int pem_secret_parse(struct slice pem, struct pem_secret **out, struct error *e);
/* A new key. bits: of RSA. ERR_UNSUPPORTED, ERR_CRYPTO, ERR_NOMEM. */
int pem_secret_generate(enum pem_public_kind kind, size_t bits, struct pem_secret **out, struct error *e);
/* As text; *out is made. */
int pem_secret_write(const struct pem_secret *k, struct secret *out, struct error *e);
enum pem_public_kind pem_secret_kind(const struct pem_secret *k);
/* Octets of its signatures. */
size_t pem_secret_signature_size(const struct pem_secret *k);
/* Appends the public key: RSA's as SubjectPublicKeyInfo (DER), Ed25519's 32 octets. */
int pem_secret_public(const struct pem_secret *k, struct buf *out, struct error *e);
/* Appends a signature over a SHA-256 digest: RSA's, or Ed25519's with the digest as its message (RFC 8463 section 3). */
int pem_secret_sign(const struct pem_secret *k, struct slice digest, struct buf *signature_out, struct error *e);
void pem_secret_free(struct pem_secret *k); /* NULL is permitted */

#endif
