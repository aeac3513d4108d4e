/* SPDX-License-Identifier: ISC */
#include "openpgp/message/negotiate.h"

#include "openpgp/key/pqc.h"

/* What we choose from, the best first. Only ciphers and modes that nothing is known against have a place here. */
static const struct suite {
	uint8_t cipher, aead;
} suites[] = {
	{ PGP_AES256, PGP_OCB },
	{ PGP_AES256, PGP_GCM },
	{ PGP_AES256, PGP_EAX },
	{ PGP_AES192, PGP_OCB },
	{ PGP_AES192, PGP_GCM },
	{ PGP_AES192, PGP_EAX },
	{ PGP_AES128, PGP_OCB }, /* every reader of SEIPDv2 has it (section 9.6) */
	{ PGP_AES128, PGP_GCM },
	{ PGP_AES128, PGP_EAX },
};

static const uint8_t ciphers[] = { PGP_AES256, PGP_AES192, PGP_AES128 }; /* the last one every reader has */

#define SUITES (sizeof suites / sizeof suites[0])
#define CIPHERS (sizeof ciphers / sizeof ciphers[0])
#define SUITE_OF_ALL 6u
#define CIPHER_OF_ALL (CIPHERS - 1)
#define SUITE_AES256_OCB 0u
#define CIPHER_AES256 0u

void
pgp_negotiation_begin(struct pgp_negotiation *n, const struct pgp_negotiation_wishes *wishes)
{
	*n = (struct pgp_negotiation){ .wishes = *wishes,
		.seipd2 = !wishes->only_seipd1,
		.suites = (1u << SUITES) - 1,
		.ciphers = (1u << CIPHERS) - 1 };
}

void
pgp_negotiation_only_seipd1(struct pgp_negotiation *n)
{
	n->wishes.only_seipd1 = true;
	n->seipd2 = false;
}

static uint32_t
suites_of(struct slice preferred)
{
	uint32_t set = 1u << SUITE_OF_ALL;

	for (size_t at = 0; at + 1 < preferred.len; at += 2) {
		for (size_t i = 0; i < SUITES; i++) {
			if (suites[i].cipher == preferred.data[at] && suites[i].aead == preferred.data[at + 1])
				set |= 1u << i;
		}
	}
	return set;
}

static uint32_t
ciphers_of(struct slice preferred)
{
	uint32_t set = 1u << CIPHER_OF_ALL;

	for (size_t at = 0; at < preferred.len; at++) {
		for (size_t i = 0; i < CIPHERS; i++) {
			if (ciphers[i] == preferred.data[at])
				set |= 1u << i;
		}
	}
	return set;
}

/* RFC 9980 section 7.1: who has such a key has AES-256, and with it OCB, whether his preferences say so or not. */
static bool
is_post_quantum(const struct pgp_cert_judgement *j)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_key *k = j->components[i].component->key;

		if (k != NULL && j->components[i].standing == PGP_STANDING_GOOD && pgp_pqc_is(k->algorithm))
			return true;
	}
	return false;
}

/*
 * A certificate that says nothing of ciphers for SEIPDv1 is most often one that was made by a program without
 * preferences, not by one without AES-256: it leaves the choice to us.
 */
void
pgp_negotiation_add(struct pgp_negotiation *n, const struct pgp_cert_judgement *j)
{
	bool strong = is_post_quantum(j);

	n->count++;
	if ((j->features & PGP_FEATURE_SEIPD2) == 0)
		n->seipd2 = false;
	n->suites &= suites_of(j->preferred_aead) | (strong ? 1u << SUITE_AES256_OCB : 0);
	if (j->preferred_ciphers.len > 0)
		n->ciphers &= ciphers_of(j->preferred_ciphers) | (strong ? 1u << CIPHER_AES256 : 0);
}

static size_t
first_of(uint32_t set, size_t none)
{
	return set == 0 ? none : (size_t)__builtin_ctz(set);
}

static size_t
best_suite(const struct pgp_negotiation *n)
{
	for (size_t i = 0; i < SUITES && n->wishes.aead != 0; i++) {
		if (suites[i].aead == n->wishes.aead && (n->suites >> i & 1) != 0)
			return i;
	}
	/* Without certificates nobody said that he reads GCM or EAX, and OCB is read by all. */
	return first_of(n->suites, SUITE_OF_ALL);
}

void
pgp_negotiation_end(
    const struct pgp_negotiation *n, enum pgp_container *container_out, uint8_t *cipher_out, uint8_t *aead_out)
{
	const struct suite *s = &suites[best_suite(n)];

	*container_out = n->seipd2 ? PGP_CONTAINER_SEIPD2 : PGP_CONTAINER_SEIPD1;
	*cipher_out = n->seipd2 ? s->cipher : ciphers[first_of(n->ciphers, CIPHER_OF_ALL)];
	*aead_out = n->seipd2 ? s->aead : 0;
}
