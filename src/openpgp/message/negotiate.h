/* SPDX-License-Identifier: ISC */
/*
 * Which container, cipher and AEAD mode a message to these certificates gets:
 * the best that all of them announce in self-signatures that hold (verify.h's
 * judgements; only hashed subpackets get there). SEIPDv2 needs the feature of
 * every certificate (RFC 9580 section 5.2.3.32), its cipher suite the preferred
 * AEAD ciphersuites of all (5.2.3.15); SEIPDv1's cipher the preferred ciphers of
 * all (5.2.3.14).
 *
 * Who adds a certificate of his own can lead to the weakest of what is good:
 * SEIPDv1, AES-128. Never to less: no list of ciphers brings one with blocks of
 * eight octets, and a certificate that announces no SEIPDv1 gets it all the same.
 *
 *	struct pgp_negotiation n;
 *	pgp_negotiation_begin(&n, &(struct pgp_negotiation_wishes){ 0 });
 *	for each certificate: pgp_negotiation_add(&n, &judgement);
 *	pgp_negotiation_end(&n, &spec.container, &spec.cipher, &spec.aead);
 *
 * Without any certificate (passphrases only) it is what the wishes permit best.
 */
#ifndef OPENPGP_NEGOTIATE_H
#define OPENPGP_NEGOTIATE_H

#include "openpgp/message/seipd.h"
#include "openpgp/judge/verify.h"

struct pgp_negotiation_wishes {
	bool only_seipd1; /* for readers of RFC 4880, who announce nothing here (passphrases) */

	uint8_t aead; /* enum pgp_aead that is wanted where all read it; 0: OCB */
};

struct pgp_negotiation {
	struct pgp_negotiation_wishes wishes;
	bool seipd2;     /* so far all read it */
	uint32_t suites; /* bits of negotiate.c's table of cipher and mode */
	uint32_t ciphers;
	size_t count;
};

void pgp_negotiation_begin(struct pgp_negotiation *n, const struct pgp_negotiation_wishes *wishes);
/* The wish for SEIPDv1 said later. */
void pgp_negotiation_only_seipd1(struct pgp_negotiation *n);
void pgp_negotiation_add(struct pgp_negotiation *n, const struct pgp_cert_judgement *j);
/* aead_out is 0 with SEIPDv1. */
void pgp_negotiation_end(
    const struct pgp_negotiation *n, enum pgp_container *container_out, uint8_t *cipher_out, uint8_t *aead_out);

#endif
