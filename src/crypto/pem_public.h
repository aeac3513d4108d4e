/* SPDX-License-Identifier: ISC */
/*
 * Public keys of others' programs as PEM text ("BEGIN PUBLIC KEY": a
 * SubjectPublicKeyInfo, RFC 7468 section 13), taken apart into the octets that
 * rsa.h, ec.h and sign.h work with: RSA, ECDSA over P-256, Ed25519.
 */
#ifndef CRYPTO_PEM_PUBLIC_H
#define CRYPTO_PEM_PUBLIC_H

#include "base/error.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"

#define PEM_PUBLIC_TEXT_MAX (64u << 10)

enum pem_public_kind { PEM_PUBLIC_RSA, PEM_PUBLIC_P256, PEM_PUBLIC_ED25519 };

/* Lives until the call of its function returns. */
struct pem_public {
	enum pem_public_kind kind;
	struct rsa_public rsa; /* RSA */
	struct slice octets;   /* P256: a point; ED25519: a key */
};

/*
 * Every key in the text, in its order; text between them is skipped. What each
 * returns other than 0 ends it and is returned. ERR_NOT_FOUND: there is none;
 * ERR_SYNTAX: one is broken; ERR_UNSUPPORTED: of another kind; ERR_LIMIT,
 * ERR_NOMEM.
 */
int pem_public_parse(struct slice pem, int (*each)(void *ctx, const struct pem_public *key, struct error *e), void *ctx,
    struct error *e);

#endif
