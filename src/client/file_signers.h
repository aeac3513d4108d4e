/* SPDX-License-Identifier: ISC */
/*
 * Who signed a file, and why his key is or is not known. A verifier learns from
 * the signatures who is named; their certificates come from our store (or only
 * from the files of --cert), and each signature gets a verdict in words:
 *
 *   GOOD     it fits, and the key is believed (trust/believe): compared, our own, certified by whom the person trusts,
 *            imported, or from its owner's own directory
 *   GIVEN    it fits a certificate that was given for this check, and that is all that is known
 *   DOUBTFUL it fits, and nothing vouches that the key is whose it says
 *   UNKNOWN  its certificate is not here: it cannot be checked
 *   INVALID  it fits, and does not count: expired, revoked, refused by policy
 *   BAD      it does not fit: file or signature was changed
 *
 * One that is GOOD or GIVEN is enough; the others are said, too.
 */
#ifndef CLIENT_FILE_SIGNERS_H
#define CLIENT_FILE_SIGNERS_H

#include "client/file_command.h"
#include "client/key/belief.h"

enum file_verdict {
	FILE_VERDICT_NONE, /* no signature at all */
	FILE_VERDICT_UNKNOWN,
	FILE_VERDICT_INVALID,
	FILE_VERDICT_BAD,
	FILE_VERDICT_DOUBTFUL,
	FILE_VERDICT_GIVEN,
	FILE_VERDICT_GOOD
};

struct file_signers {
	const struct file_command *command;
	bool given;             /* certs came from --cert: nobody else counts */
	struct pgp_certs certs; /* what the verifier looks at */
	struct pgp_verifier *verifier;
	struct key_belief *beliefs; /* of each signature that fits, after file_signers_judge() */
	size_t belief_count;
};

/* certs: files of --cert, may be empty. policy outlives it. file_signers_done() also after an error. */
int file_signers_begin(struct file_signers *s, const struct file_command *c, const struct option_list *certs,
    const struct pgp_policy *policy, struct error *e);
void file_signers_done(struct file_signers *s);

/* When the data and all signatures were given to the verifier: looks signers up and judges. */
int file_signers_judge(struct file_signers *s, struct error *e);

/* Of the n-th signature, and of all together: the best. After file_signers_judge(). */
enum file_verdict file_signers_verdict(const struct file_signers *s, size_t n);
enum file_verdict file_signers_best(const struct file_signers *s);
/* Whether a signature that is GOOD, GIVEN or DOUBTFUL is of this certificate. */
bool file_signers_include(const struct file_signers *s, const struct pgp_fingerprint *f);

/*
 * Whom --signed-by means: a fingerprint, or an address whose certificate is believed to be its owner's: a name for which
 * nothing vouches would promise what it does not keep. ERR_NOT_FOUND, ERR_NO_KEY.
 */
int file_wanted(const struct file_command *c, const char *who, struct pgp_fingerprint *out, struct error *e);

/* Says each, and what to do next; with --json, "verdict" and "signatures" of what is said about the file. */
void file_signers_say(const struct file_signers *s);
/*
 * 0, or ERR_SIGNATURE, ERR_NO_KEY, ERR_POLICY with a sentence: what verify ends with. wanted: only a signature of this
 * certificate counts, and then it does not matter how it is known; NULL: of any.
 */
int file_signers_result(const struct file_signers *s, const struct pgp_fingerprint *wanted, struct error *e);

#endif
