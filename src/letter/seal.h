/* SPDX-License-Identifier: ISC */
/*
 * Sealing a composed letter: signed and encrypted as one OpenPGP message in
 * multipart/encrypted (RFC 3156 sections 4 and 6.2), or only signed in
 * multipart/signed (section 5). The header fields are copied into the payload
 * (RFC 9788: hp="cipher" with HP-Outer, or hp="clear"; and the older marker
 * protected-headers="v1" beside it); outside of an encrypted letter the
 * subject is "[...]" (hcp_baseline). There is no encrypting without signing.
 *
 * Everything streams to the sink in bounded memory. The letter's date is the
 * signature's time: some readers show no signature when they differ.
 */
#ifndef LETTER_SEAL_H
#define LETTER_SEAL_H

#include "letter/limits.h"
#include "mime/compose.h"
#include "openpgp/cert/cert.h"
#include "openpgp/key/keyops.h"
#include "openpgp/judge/policy.h"

struct letter_seal_spec {
	const struct mime_letter *letter; /* date is not before 1970 */
	const struct pgp_cert *const *recipients;
	size_t recipient_count;
	const struct pgp_cert *sender; /* signs, and can read the letter too */
	struct pgp_keyring_ops keys;   /* holds the sender's signing key */
	const struct pgp_policy *policy;
	uint8_t random[MIME_RANDOM_LEN]; /* boundaries of the outer layer; not the letter's own random */
	/*
	 * Whole header lines, each ended with CRLF, that are not the letter's own: those that stand outside only (Autocrypt),
	 * and those that stand in the root of an encrypted payload only (Autocrypt-Gossip).
	 */
	struct slice outer_lines, sealed_lines;
};

/*
 * Writes the sealed letter. ERR_USAGE without recipients or a letter that
 * cannot be composed; ERR_NO_KEY when a recipient cannot be encrypted to or the
 * sender cannot sign (the sentence says who and why); ERR_POLICY, ERR_LIMIT,
 * ERR_NOMEM, ERR_CRYPTO, the sink's errors. After an error the sink holds a
 * piece of a letter, which must not be sent.
 */
int letter_seal(const struct letter_seal_spec *spec, struct mime_sink sink, struct error *e);

/* Writes the letter signed only; recipients are not looked at. */
int letter_sign(const struct letter_seal_spec *spec, struct mime_sink sink, struct error *e);

#endif
