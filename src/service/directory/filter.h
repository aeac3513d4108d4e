/* SPDX-License-Identifier: ISC */
/*
 * What of an uploaded certificate is kept. Pure: certificates in, one
 * certificate out.
 *
 * Kept are the primary key, subkeys with a valid binding, and the user IDs
 * that the caller permits with a valid self-certification, each with those of
 * its signatures that verify as the primary key's own and may be exported. Of
 * more than DIRECTORY_SIGNATURES_MAX the newest are kept, after they were
 * checked; revocations come before all others and none goes for another one,
 * but a soft one for a hard one. Other people's certifications are kept when
 * the owner's newest approval lists them ("1PA3PC"), or an introducer made them
 * and they verify. Attributes, what does not verify and what is unknown go.
 *
 * What an older version of the same certificate has is merged in: it was
 * checked before, and is not checked again, but for what introducers made: who
 * is one changes. So nothing that anybody sends takes away what is kept.
 */
#ifndef SERVICE_DIRECTORY_FILTER_H
#define SERVICE_DIRECTORY_FILTER_H

#include "openpgp/cert/cert.h"

#define DIRECTORY_SUBKEYS_MAX 64u
#define DIRECTORY_USER_IDS_MAX 32u
#define DIRECTORY_SIGNATURES_MAX 32u /* of one component, revocations aside */
#define DIRECTORY_REVOCATIONS_MAX 8u /* of one component */
#define DIRECTORY_OTHERS_MAX 128u    /* certifications by others, of one user ID */
#define DIRECTORY_PACKETS_MAX 4096u  /* of a certificate that is looked at at all: people have some hundreds */
#define DIRECTORY_TRIES_MAX 128u     /* signatures of one component that are checked; likewise of the introducers */

struct directory_filter_input {
	const struct pgp_cert *fresh;
	const struct pgp_cert *old;                /* the same fingerprint, as this function made it; NULL for none */
	const struct pgp_cert *const *introducers; /* whose certifications are kept; may be NULL */
	size_t introducer_count;
	/* Whether this user ID is published. */
	bool (*permit)(void *ctx, struct slice user_id);
	void *ctx;
};

/*
 * Appends the binary certificate. user_ids_out: how many it has. ERR_SYNTAX:
 * the primary key is not one that can certify; ERR_LIMIT, ERR_NOMEM.
 */
int directory_filter(const struct directory_filter_input *in, struct buf *out, size_t *user_ids_out, struct error *e);

#endif
