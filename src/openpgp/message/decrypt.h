/* SPDX-License-Identifier: ISC */
/*
 * Reading a message (RFC 9580 section 10.3) as a stream: armored or binary;
 * finds the session key, opens the container, decompresses, checks the grammar,
 * and hands the literal data to a sink and to a verifier.
 *
 * Release of plaintext. Data of a SEIPDv2 container is written to the sink chunk
 * by chunk, each proven by its tag; so is GnuPG's own container (packet type 20,
 * LibrePGP). Data of SEIPDv1, and of messages that are not encrypted, is `held`:
 * the sink must keep it from everybody (a temporary file, memory) until commit. In both cases only commit says that the whole
 * message was there and nothing followed it; otherwise abort is called.
 *
 * What is refused: anything but exactly one literal packet; data behind the
 * message; an encrypted container in another or behind a signature; packet type
 * 9, which nothing protects, unless the spec or the policy's rule no-mdc asks for
 * it; ciphers that policy
 * refuses; session key packets whose version does not fit the container (passed over, so
 * that there is no key); unknown critical packets; nesting, sizes and ratios
 * over limits.h. Marker, padding and unknown non-critical packets are passed
 * over.
 *
 * Signatures are given to a verifier (data_sig.h); whether they are good is
 * asked there. Without one they are counted only.
 */
#ifndef OPENPGP_DECRYPT_H
#define OPENPGP_DECRYPT_H

#include "openpgp/sig/data_sig.h"
#include "openpgp/message/seipd.h"

struct pgp_literal {
	uint8_t format; /* 'b', 'u', 't'; not protected by signatures */
	uint32_t date;  /* nor is this */
	bool held;      /* unproven until commit */
};

struct pgp_plain_ops {
	int (*begin)(void *ctx, const struct pgp_literal *literal, struct error *e);
	/* data is valid during the call. */
	int (*write)(void *ctx, struct slice data, struct error *e);
	int (*commit)(void *ctx, struct error *e);
	void (*abort)(void *ctx); /* also before begin, and after a commit that failed */
};

struct pgp_plain {
	const struct pgp_plain_ops *ops;
	void *ctx;
};

struct pgp_decrypt_spec {
	const struct pgp_key *const *keys; /* (sub)keys whose secrets keyring may hold */
	size_t key_count;
	struct pgp_keyring_ops keyring; /* ops NULL: none */
	const struct slice *passphrases;
	size_t passphrase_count;
	const struct pgp_session *sessions; /* session keys known already */
	size_t session_count;
	const struct pgp_policy *policy; /* of ciphers and containers; NULL: the standard one */
	/*
	 * Old mail, packet type 9: anybody on its way could have changed it, and the text tell him what else it holds
	 * (EFAIL). The caller says so to whoever reads it.
	 */
	bool accept_unauthenticated_old_packet;
	/* SEIPDv1: literal data is not `held` though nothing has proven it. The caller knows what he does with it. */
	bool release_unproven;
	bool unencrypted;              /* messages that are only signed or plain are taken, too */
	uint64_t output_max;           /* octets of plaintext; 0: no other bound than those of limits.h */
	struct pgp_verifier *verifier; /* NULL: signatures are counted only. finish() stays the caller's */
	struct pgp_hasher hasher;      /* for SEIPDv1 */
};

struct pgp_decrypt_result {
	enum pgp_container container;
	uint8_t cipher, aead;
	const struct pgp_key *key;  /* which opened it; NULL: a passphrase or a session key */
	struct pgp_session session; /* the session key that opened it; the caller's: pgp_session_done() */
	struct pgp_literal literal;
	uint64_t length;        /* octets of literal data */
	size_t signature_count; /* signature packets seen */
	size_t recipient_count; /* PKESK packets seen */
};

/*
 * Reads in to its end. On success commit was called, else abort; result is set
 * in both cases as far as it got (session too). ERR_NO_KEY, ERR_PASSWORD
 * (passphrases were tried), ERR_INTEGRITY, ERR_SYNTAX, ERR_TRUNCATED,
 * ERR_UNSUPPORTED, ERR_LIMIT, ERR_POLICY (packet type 9, a cipher that is
 * refused, or not encrypted), or the
 * source's or sink's error.
 */
int pgp_decrypt(struct pgp_source in, const struct pgp_decrypt_spec *spec, struct pgp_plain plain,
    struct pgp_decrypt_result *result, struct error *e);

/* A sink into a buf: emptied and wiped on abort, so that what it holds is always proven. */
struct pgp_plain pgp_plain_buf(struct buf *out);

#endif
