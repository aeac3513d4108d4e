/* SPDX-License-Identifier: ISC */
/*
 * The DigestInfo that an RSA signature of PKCS#1 version 1.5 is made of (RFC
 * 8017 section 9.2): for tokens, which are given it whole. libcrypto makes its own.
 */
#ifndef OPENPGP_DIGEST_INFO_H
#define OPENPGP_DIGEST_INFO_H

#include "base/buf.h"
#include "base/error.h"

/* hash: enum pgp_hash_id. ERR_UNSUPPORTED for hashes that no new signature is made with; ERR_USAGE, ERR_NOMEM. */
int pgp_digest_info_put(struct buf *out, uint8_t hash, struct slice digest, struct error *e);

#endif
