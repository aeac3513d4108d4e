/* SPDX-License-Identifier: ISC */
/*
 * Signing and verifying data as it streams by, for detached signatures and for
 * messages with one-pass signatures (RFC 9580 sections 5.4, 10.3, 10.4).
 *
 * Verifier: say which signatures to expect (pgp_verifier_one_pass() for the
 * one-pass packets before the data, pgp_verifier_expect() for signatures known
 * before the data: detached ones, and the old form of signed messages), feed
 * the data, then give the signatures that follow the data in their order
 * (pgp_verifier_signature(): the first belongs to the last one-pass packet).
 * Each ends in one verdict. Text mode is the verifier's own affair. A file of
 * detached signatures is pgp_verifier_expect_all()'s.
 *
 * A signature that is not understood (version, algorithm, hash, a critical
 * subpacket) gives a verdict that is not good, and never spoils those beside it
 * (RFC 9580 section 5.2.5).
 *
 * Maker: pgp_maker_new(), pgp_maker_one_pass() (inline), feed,
 * pgp_maker_finish().
 *
 * Limit: PGP_SIGNATURES_MAX signatures of one message (limits.h).
 */
#ifndef OPENPGP_DATA_SIG_H
#define OPENPGP_DATA_SIG_H

#include "openpgp/judge/verify.h"

struct pgp_verifier;

/* certs and policy must outlive it; certs may be empty: then each verdict is PGP_VERDICT_NO_KEY. */
int pgp_verifier_new(
    struct pgp_verifier **out, const struct pgp_certs *certs, const struct pgp_policy *policy, struct error *e);
void pgp_verifier_free(struct pgp_verifier *v);

/* Names of notations that may be critical, before any signature; they must outlive the verifier. */
void pgp_verifier_know(struct pgp_verifier *v, const struct slice *notations, size_t count);

/* A one-pass packet's body. One of unknown version or hash is remembered and its signature will not be good. ERR_LIMIT. */
int pgp_verifier_one_pass(struct pgp_verifier *v, struct slice body, struct error *e);
/* A signature's body that came before the data. Copied. Not-understood ones give a verdict that is not good. ERR_LIMIT. */
int pgp_verifier_expect(struct pgp_verifier *v, struct slice body, struct error *e);
/*
 * Every signature of a file of detached ones: binary or armored, several
 * packets or blocks one after the other; markers and padding are passed over.
 * ERR_SYNTAX when it holds anything else (a signed message is never taken for
 * its signature) or no signature at all; ERR_TRUNCATED, ERR_LIMIT.
 */
int pgp_verifier_expect_all(struct pgp_verifier *v, struct slice file, struct error *e);
/*
 * The literal packet's own fields, before its data: LibrePGP's version 5
 * signatures cover them. Without this call the data is detached.
 */
int pgp_verifier_literal(struct pgp_verifier *v, uint8_t format, struct slice name, uint32_t date, struct error *e);
int pgp_verifier_feed(struct pgp_verifier *v, struct slice data, struct error *e);
/* A signature's body behind the data. ERR_SYNTAX when there is no one-pass packet left for it. */
int pgp_verifier_signature(struct pgp_verifier *v, struct slice body, struct error *e);
/* After the data. ERR_SYNTAX when a one-pass packet got no signature; the verdicts are made all the same. */
int pgp_verifier_finish(struct pgp_verifier *v, struct error *e);

/* Signatures announced or expected so far. */
size_t pgp_verifier_expected(const struct pgp_verifier *v);
/* After finish; live as long as the verifier and its certificates. */
size_t pgp_verifier_count(const struct pgp_verifier *v);
const struct pgp_verdict *pgp_verifier_verdict(const struct pgp_verifier *v, size_t n);
size_t pgp_verifier_good(const struct pgp_verifier *v);
/*
 * The n-th signature itself, for what its verdict does not say (notations,
 * policy URI): NULL when it is missing or not understood. Believe it only where
 * the verdict is good; all text in it is the peer's.
 */
const struct pgp_sig *pgp_verifier_sig(const struct pgp_verifier *v, size_t n);
/* Appends the signature packets, with headers: those of a signed message become a file of detached ones. */
int pgp_verifier_write(const struct pgp_verifier *v, struct buf *out, struct error *e);
/* Whether the n-th signature names this primary or subkey among its intended recipients (RFC 9580 section 5.2.3.36). */
bool pgp_verifier_names(const struct pgp_verifier *v, size_t n, const struct pgp_fingerprint *f);

/* One signer: its signing key and who holds the secret. */
struct pgp_signer {
	const struct pgp_key *key;
	struct pgp_keyring_ops keys;
};

struct pgp_maker;

struct pgp_maker_spec {
	const struct pgp_signer *signers; /* copied */
	size_t signer_count;
	uint8_t type;                         /* PGP_SIG_BINARY or PGP_SIG_TEXT */
	uint8_t hash;                         /* 0: SHA2-512 */
	uint32_t created;                     /* unix seconds */
	uint32_t expires;                     /* seconds after that; 0: never */
	const struct pgp_notation *notations; /* may be NULL */
	size_t notation_count;
	struct slice policy_uri;                  /* empty: none */
	struct slice signer_user_id;              /* the user ID that signs, as the certificate has it; empty: none */
	const struct pgp_fingerprint *recipients; /* intended recipients, put into v4 and v6 signatures; may be NULL */
	size_t recipient_count;
};

int pgp_maker_new(struct pgp_maker **out, const struct pgp_maker_spec *spec, struct error *e);
void pgp_maker_free(struct pgp_maker *m);
/* Appends the one-pass packets, with headers, in the order for a message. */
int pgp_maker_one_pass(const struct pgp_maker *m, struct buf *out, struct error *e);
int pgp_maker_feed(struct pgp_maker *m, struct slice data, struct error *e);
/* Appends the signature packets, with headers: inline in reverse order of the one-pass packets, detached in order. */
int pgp_maker_finish(struct pgp_maker *m, bool inline_order, struct buf *out, struct error *e);
/* The first signer's hash, for micalg. */
uint8_t pgp_maker_hash(const struct pgp_maker *m);
/* PGP_SIG_BINARY or PGP_SIG_TEXT. */
uint8_t pgp_maker_type(const struct pgp_maker *m);
/*
 * Whether any of the signatures is of this version, and with this hash (0: any).
 * Armor around version 6 goes without a checksum (section 6.1).
 */
bool pgp_maker_uses(const struct pgp_maker *m, uint8_t version, uint8_t hash);

#endif
