/* SPDX-License-Identifier: ISC */
/* For seipd's own files: the hasher with or without a helper, and the message key of version 2. */
#ifndef OPENPGP_SEIPD_COMMON_H
#define OPENPGP_SEIPD_COMMON_H

#include "crypto/aead.h"
#include "openpgp/message/seipd.h"

#define SEIPD_PREFIX_MAX (CIPHER_BLOCK_MAX + 2u) /* ciphers with shorter blocks have a shorter one */
#define SEIPD_CFB_PIECE (256u << 10)             /* octets decrypted for one piece */
#define SEIPD_SHA1 20u
#define SEIPD_MDC (2u + SEIPD_SHA1)
#define SEIPD2_HEAD 36u
#define SEIPD2_SALT 32u

struct mdc {
	struct pgp_hasher helper;
	struct hash *own; /* without a helper */
};

int mdc_begin(struct mdc *m, struct pgp_hasher helper, struct error *e);
void mdc_update(struct mdc *m, struct slice data);
void mdc_settle(struct mdc *m, unsigned left);
int mdc_finish(struct mdc *m, uint8_t out[SEIPD_SHA1], struct error *e);
void mdc_done(struct mdc *m); /* waits for the helper, too */

#define AEAD_BLOCK 16u

struct chunks {
	struct aead *aead;
	bool libre;                    /* packet type 20: the index is additional data, too */
	uint8_t info[5];               /* the additional data of each chunk */
	uint8_t nonce[AEAD_NONCE_MAX]; /* the index goes into its last eight octets by XOR */
	size_t nonce_size;
	size_t chunk; /* octets of plaintext */
	uint64_t index;
	uint64_t total; /* octets of plaintext so far */
};

int chunks_init(struct chunks *c, enum cipher_way way, const struct pgp_seipd_head *head, struct slice session_key,
    struct error *e);
void chunks_done(struct chunks *c);
void chunks_rewind(struct chunks *c);                                                            /* to the first one */
int chunks_seal(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e); /* out: len + tag */
int chunks_open(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e); /* in: len + tag */
int chunks_seal_last(struct chunks *c, uint8_t tag[AEAD_TAG], struct error *e);
int chunks_open_last(struct chunks *c, const uint8_t tag[AEAD_TAG], struct error *e);

#endif
