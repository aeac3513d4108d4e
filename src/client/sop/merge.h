/* SPDX-License-Identifier: ISC */
/* Certificates and keys that take in what other copies of them know. */
#ifndef CLIENT_SOP_MERGE_H
#define CLIENT_SOP_MERGE_H

#include "client/sop/keys.h"

/* Puts what out holds, one certificate, in the place of *c. out is emptied. */
int sop_replace(struct pgp_cert **c, struct buf *out);
/* Every certificate of others that is the same as *c goes into it. */
int sop_merge_into(struct pgp_cert **c, const struct pgp_certs *others);

#endif
