/* SPDX-License-Identifier: ISC */
/*
 * Is this certificate that person's, and why: the one question behind every
 * use of somebody else's key.
 *
 * Two kinds of reasons come together. Certifications, weighed by the trust
 * model that the person chose (believe_model) from the roots that he named and
 * his own keys: an amount from 0 to 120, with the paths. And evidence beside
 * them: the person compared the fingerprint, the address's own directory gave
 * the certificate, the person imported it, it came with mail and was seen since.
 * The domain's CA is a root like any other, whose scope is the addresses of that
 * domain: nobody becomes one by himself.
 *
 * The verdict is the best of them, unless something speaks against it:
 *
 *   FULLY         one's own, compared, or full by the trust model
 *   PARTLY        partly by the trust model, or the address's own directory or the person himself gave it
 *   KNOWN         seen, and nothing says that it is his: never used silently
 *   NOT           no such certificate, not usable, or it does not have that address
 *   CONTRADICTED  nothing full for it, and another certificate of the address is believed more
 *
 * believe_is_enough() is what sealing and verifying ask: FULLY and PARTLY. What
 * is not enough comes with sentences that say what is known and what to do.
 */
#ifndef TRUST_BELIEVE_H
#define TRUST_BELIEVE_H

#include "trust/believe/ring.h"

enum believe_model {
	BELIEVE_SEQUOIA, /* draft-nhw-web-of-trust (openpgp/judge/network.h): the default */
	BELIEVE_PGP,     /* GnuPG's (classic.h) */
	BELIEVE_DIRECT,  /* only whom the person names, or compared: certifications count for nothing */
	BELIEVE_MODELS
};
const char *believe_model_name(enum believe_model m); /* "sequoia", "pgp", "direct" */
bool believe_model_parse(struct slice name, enum believe_model *out);

enum believe_verdict { BELIEVE_CONTRADICTED, BELIEVE_NOT, BELIEVE_KNOWN, BELIEVE_PARTLY, BELIEVE_FULLY };
const char *believe_verdict_name(enum believe_verdict v); /* "fully", "partly", "only known", ... */

/* Whose certifications count. */
struct believe_root {
	struct pgp_fingerprint fingerprint;
	uint8_t amount, depth; /* as in struct pgp_network_root */
	bool own;              /* GnuPG's "ultimate" */
	struct slice regex;
};

struct believer;

/*
 * store: NULL for a keyring alone (believer_add()); else its roots, its setting
 * and its own keys are taken. It must outlive the believer, which must be made
 * anew after it was changed. at is the moment that is asked about, policy's now
 * what is known then. policy is copied. Free with believer_free(). Errors of
 * the store, ERR_NOMEM.
 */
int
believer_new(const struct trust_store *store, const struct pgp_policy *policy, struct believer **out, struct error *e);
void believer_free(struct believer *b); /* NULL is permitted */

void believer_set_model(struct believer *b, enum believe_model m);
enum believe_model believer_model(const struct believer *b);
/* In place of the store's. regex must outlive it. ERR_NOMEM; ERR_LIMIT over TRUST_ROOTS_MAX. */
int believer_set_roots(struct believer *b, const struct believe_root *roots, size_t count, struct error *e);
const struct believe_root *believer_roots(const struct believer *b, size_t *count);
/* The certificates that questions led to so far, and where a keyring's are put before the first. */
struct trust_ring *believer_ring(struct believer *b);

/* By the trust model alone: what certifications are worth. Free with pgp_network_result_done(). */
int believer_weigh(struct believer *b, const struct pgp_cert *cert, struct slice user_id,
    struct pgp_network_result *out, struct error *e);

struct belief {
	enum believe_verdict verdict;
	unsigned amount;             /* of the trust model: 0 to 120 */
	struct slice user_id;        /* the one that was asked about, or the best of the address's; empty: none fits */
	const struct pgp_cert *cert; /* the believer's; NULL: there is none */
	struct pgp_network_result paths;
	struct slice *reasons; /* sentences, without line ends; escaped; the weightiest first */
	size_t reason_count;
	struct slice advice; /* what to do when it is not enough; else empty */
	struct arena arena;
};

/*
 * of: a certificate of the store or ring. address: which it should have; empty:
 * whichever is believed best (who signed this?). Always an answer: a certificate
 * that is not there is NOT. Free with belief_done(). ERR_NOMEM, ERR_LIMIT,
 * ERR_CRYPTO, errors of the store.
 */
int believe(
    struct believer *b, const struct pgp_fingerprint *of, struct slice address, struct belief *out, struct error *e);
void belief_done(struct belief *b);

static inline bool
believe_is_enough(enum believe_verdict v)
{
	return v >= BELIEVE_PARTLY;
}

#endif
