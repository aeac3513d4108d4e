/* SPDX-License-Identifier: ISC */
/* Fresh keys by family, and how subkeys are bound; for generate.c and change*.c only. */
#ifndef OPENPGP_SUBKEY_H
#define OPENPGP_SUBKEY_H

#include "openpgp/cert/generate.h"
#include "openpgp/key/key_make.h"

/* A key of a family. ERR_USAGE, ERR_UNSUPPORTED, ERR_CRYPTO, ERR_NOMEM. Done with pgp_fresh_key_done(). */
int pgp_fresh_key_make(enum pgp_family family, bool signs, uint8_t version, bool subkey, uint32_t created,
    struct pgp_fresh_key *out, struct error *e);
/* Appends its secret key packet. */
int pgp_fresh_key_write(const struct pgp_fresh_key *f, enum pgp_protection protection, struct slice passphrase,
    struct buf *out, struct error *e);

/* Whether there can be such a subkey: flags that one key of the family can serve. ERR_USAGE, ERR_UNSUPPORTED. */
int pgp_subkey_check(const struct pgp_subkey_spec *spec, uint8_t version, struct error *e);
/* Makes the key. now: its time when spec has none. */
int pgp_subkey_make(
    const struct pgp_subkey_spec *spec, uint8_t version, uint32_t now, struct pgp_fresh_key *out, struct error *e);
/* Appends to subpackets what its binding signature, made at created, says: flags, expiry, the back signature. */
int pgp_subkey_put_binding(const struct pgp_subkey_spec *spec, const struct pgp_key *primary,
    const struct pgp_fresh_key *f, uint32_t created, struct buf *subpackets, struct error *e);

#endif
