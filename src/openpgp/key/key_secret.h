/* SPDX-License-Identifier: ISC */
/* Shared by key_secret.c, which reads, and key_secret_write.c; nobody else includes it. RFC 9580 sections 3.7.2.1, 5.5.3. */
#ifndef OPENPGP_KEY_SECRET_H
#define OPENPGP_KEY_SECRET_H

#include "crypto/aead.h"
#include "openpgp/key/key.h"
#include "openpgp/key/s2k.h"

#define USAGE_AEAD 253u
#define USAGE_CFB 254u
#define USAGE_MALLEABLE 255u /* and every other number: a 16-bit checksum at the end. Read only */
#define SHA1_OCTETS 20u

struct key_protection {
	uint8_t usage, cipher, aead;
	struct pgp_s2k s2k;
	struct slice iv;
	struct slice data; /* encrypted, with its checksum, digest or tag */
};

/* The sum of all octets. */
uint16_t key_checksum(struct slice s);
/* Section 5.5.3: the passphrase's key goes through HKDF, so that it differs by packet type and algorithm. len octets. */
int key_aead_kek(const struct pgp_key *k, uint8_t type, const struct key_protection *p, struct slice from, uint8_t *kek,
    size_t len, struct error *e);
/* Associated data: the packet type and the public part. Returns out's sticky error. */
int key_put_ad(const struct pgp_key *k, uint8_t type, struct buf *out);

#endif
