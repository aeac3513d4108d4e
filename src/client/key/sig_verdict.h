/* SPDX-License-Identifier: ISC */
/*
 * One signature of a certificate, for a person who looks at all of them: whose
 * it is and whether it fits. Whether it makes anybody believe anything is
 * trust's question.
 */
#ifndef CLIENT_KEY_SIG_VERDICT_H
#define CLIENT_KEY_SIG_VERDICT_H

#include "client/key/command.h"
#include "openpgp/judge/verify.h"

#define KEY_SHOW_SIGS_MAX 200u /* of one component that are looked at: a flooded certificate has thousands */

struct key_sig {
	bool readable; /* else only verdict is set */
	bool own;      /* by the certificate's own primary key */
	bool counts;   /* the self-signature that says what the component is */
	struct pgp_sig sig;
	const struct trust_entry *issuer; /* NULL: own, or not in the store */
	char verdict[ERROR_TEXT_MAX];     /* "good", "it does not fit", "its maker's certificate is not here", ... */
};

/* The part's verdict; j as of now. */
void key_sig_judge(struct key_command *c, const struct pgp_cert_judgement *j, const struct pgp_component_judgement *of,
    const struct pgp_part *part, struct key_sig *out);

#endif
