/* SPDX-License-Identifier: ISC */
/* Keys, certificates and passwords of a call, and what verifications look like. */
#ifndef CLIENT_SOP_KEYS_H
#define CLIENT_SOP_KEYS_H

#include "client/sop/io.h"
#include "openpgp/sig/data_sig.h"

#define SOP_PASSWORDS_MAX 32u
#define SOP_KEYS_MAX 64u /* subkeys of one certificate that are used for one purpose */

/* Certificates or secret keys, and which argument each came from. */
struct sop_ring {
	struct pgp_certs certs;
	struct {
		const char *argument;
		size_t end; /* behind its last one in certs */
	} sources[OPTIONS_LIST_MAX];
	size_t source_count;
};

/* Adds what an argument holds. Secret keys where certificates belong are SOP_BAD_DATA, and the other way round. */
int sop_load(const char *argument, bool secret, struct sop_ring *out);
/* Adds what the arguments from number first on hold. */
int sop_load_list(const struct option_list *arguments, size_t first, bool secret, struct sop_ring *out);
/* Adds what standard input holds. */
int sop_load_input(bool secret, struct sop_ring *out);
void sop_ring_done(struct sop_ring *r);
/* Whether a checksum belongs to the armor of these certificates: all of them are of version 4. */
bool sop_ring_checksum(const struct sop_ring *r);

struct sop_passwords {
	struct buf items[SOP_PASSWORDS_MAX];
	size_t count;
	struct slice tries[2 * SOP_PASSWORDS_MAX]; /* what to try: each as it is, and without white space at its end */
	size_t try_count;
};
int sop_load_passwords(const struct option_list *arguments, bool must_be_text, struct sop_passwords *out);
/* Without white space at its end. */
struct slice sop_trimmed(struct slice password);
void sop_passwords_done(struct sop_passwords *p);

/*
 * Opens a key with one of the passwords (none when it is not locked), which
 * *password_out is then (NULL is permitted). Silent: ERR_PASSWORD when none
 * fits, and the errors of pgp_key_unlock().
 */
int sop_open_secret(const struct pgp_key *key, const struct sop_passwords *passwords, struct secret *out,
    struct slice *password_out, struct error *e);
/* The same into memory; says what was wrong: SOP_KEY_IS_PROTECTED. */
int sop_unlock(const struct pgp_key *key, const struct sop_passwords *passwords, struct pgp_memory_keys *memory);

/* ---- signers ---- */

struct sop_signers {
	struct sop_ring keys;
	struct sop_passwords passwords;
	struct pgp_memory_keys *memory;
	struct pgp_signer signers[PGP_SIGNATURES_MAX]; /* one for each secret key */
	bool v6;                                       /* one of them is of version 6 */
};

/* Loads secret keys and unlocks one signing key of each. SOP_KEY_CANNOT_SIGN, SOP_KEY_IS_PROTECTED, ... */
int sop_signers_load(struct sop_signers *s, const struct option_list *keys, const struct option_list *passwords);
/* After that: who makes the signatures of all of them, now, over text or octets. Its owner is the caller. */
int sop_signers_maker(const struct sop_signers *s, bool text, struct pgp_maker **out);
void sop_signers_done(struct sop_signers *s);

/* ---- verifications ---- */

struct sop_window {
	uint64_t not_before, not_after;
};
/* From what --not-before and --not-after say; NULL: no bound, and not after now. */
int sop_window(const char *not_before, const char *not_after, const struct pgp_policy *policy, struct sop_window *out);

/*
 * Appends one line for each good signature that was made within the window:
 * time, signing key, primary key, mode, and a JSON object with the arguments
 * that hold its certificate. The count is given.
 */
int sop_verifications(const struct pgp_verifier *v, const struct sop_ring *ring, const struct sop_window *window,
    struct buf *out, size_t *count_out);

#endif
