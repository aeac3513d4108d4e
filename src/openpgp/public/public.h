/* SPDX-License-Identifier: ISC */
/*
 * For the files behind include/letterlock/openpgp.h only: how the public types lie over the engine's.
 *
 * struct llk_cert is struct pgp_cert and struct llk_certs is struct pgp_certs, under public names: the pointers are the same.
 * The other public objects are made here and own what the engine wants to be kept for it.
 */
#ifndef OPENPGP_PUBLIC_PUBLIC_H
#define OPENPGP_PUBLIC_PUBLIC_H

#include <letterlock/openpgp.h>

#include "openpgp/cert/cert.h"
#include "openpgp/key/keyops.h"
#include "openpgp/sig/hasher.h"
#include "openpgp/judge/policy.h"
#include "openpgp/frame/stream.h"
#include "openpgp/judge/verify.h"

#define LLK_PIECE (1u << 18)   /* octets read from a caller at once */
#define LLK_SIGNERS_MAX 256u   /* PGP_SIGNATURES_MAX */
#define LLK_PASSWORDS_MAX 16u  /* PGP_SKESK_MAX */
#define LLK_SIGNING_KEYS 64u   /* of one certificate that are looked at */
#define LLK_ENCRYPT_KEYS 16u   /* of one recipient's certificate */
#define LLK_WHOLE_MAX SIZE_MAX /* results in memory: as large as memory is */

struct llk_policy {
	struct pgp_policy policy;
};

struct public_held {
	const struct pgp_key *key;
	const struct pgp_fingerprint *primary; /* of its certificate */
};

struct llk_keys {
	struct pgp_memory_keys *memory;
	struct public_held *held; /* which have a secret in memory */
	size_t count, room;
};

static inline const struct pgp_cert *
public_cert_engine(const struct llk_cert *c)
{
	return (const struct pgp_cert *)c;
}

static inline const struct llk_cert *
public_cert_public(const struct pgp_cert *c)
{
	return (const struct llk_cert *)c;
}

static inline const struct pgp_certs *
public_certs_engine(const struct llk_certs *c)
{
	return (const struct pgp_certs *)c;
}

static inline struct slice
public_slice(struct llk_bytes b)
{
	return slice_of(b.data, b.len);
}

/* The engine's error as the caller sees it; returns its code. */
int public_fail(struct llk_error *out, const struct error *e);
/* What the library itself refuses. */
int public_refuse(struct llk_error *out, int code, const char *sentence);
/* Moves b's octets to the caller; an error of b is returned. b is empty afterwards. */
int public_give(struct buf *b, struct llk_data *out, struct llk_error *error);
/* Packets, armored or not. Armor of version 6 goes without a checksum (RFC 9580, section 6.1). Wipes packets. */
int public_give_packets(struct buf *packets, bool armor, bool checksum, struct llk_data *out, struct llk_error *error);

/* rc and what was made of c, or e, on their way to the caller. */
int public_deliver(int rc, const struct pgp_cert *c, struct buf *packets, bool armor, struct llk_data *out,
    const struct error *e, struct llk_error *error);
/* A writer into a buf, which is its ctx. */
int public_append(void *ctx, const void *data, size_t len);

/* A caller's writer and the buffer of one of its readers, as the engine's sink and source. */
struct pgp_sink public_sink(struct llk_writer *out);
struct public_input {
	struct llk_reader reader;
	uint8_t *piece; /* LLK_PIECE octets */
};
int public_input_init(struct public_input *in, struct llk_reader reader, struct error *e);
void public_input_done(struct public_input *in);
struct pgp_source public_source(struct public_input *in);

/* A thread that the caller lends, and what it hashes. Begins as zeros. */
struct public_helper {
	struct llk_helper lent; /* start NULL: none */
	struct hash *hash;
	struct slice piece;
	bool away;
};
struct pgp_hasher public_hasher(struct public_helper *h);
void public_helper_done(struct public_helper *h); /* waits */

/* How a secret key is written under this password; an empty one: unlocked. */
enum pgp_protection public_protection(uint8_t version, struct llk_bytes password);

void public_fingerprint_write(const struct pgp_fingerprint *f, char out[LLK_FINGERPRINT_SIZE]);
struct pgp_verifier;
void public_verdict_of(const struct pgp_verifier *v, size_t n, struct llk_verdict *out);
bool public_notation_of(const struct pgp_verifier *v, size_t n, size_t i, struct llk_notation *out);
/* The signing key that the certificate has at the policy's time. ERR_POLICY. */
int public_signing_key(const struct pgp_cert *c, const struct pgp_policy *policy, const struct llk_keys *keys,
    const struct pgp_key **out, struct error *e);

#endif
