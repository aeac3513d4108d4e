/* SPDX-License-Identifier: ISC */
/*
 * Decrypted data on its way to standard output. What is proven goes out at
 * once; what is not is held back (aside.h) until all of it is.
 */
#ifndef CLIENT_SOP_HOLD_H
#define CLIENT_SOP_HOLD_H

#include "client/sop/aside.h"
#include "openpgp/message/decrypt.h"

struct sop_hold {
	bool held;
	struct sop_aside aside;
	struct file_writer out;
};

void sop_hold_init(struct sop_hold *h);
struct pgp_plain sop_hold_plain(struct sop_hold *h);
void sop_hold_done(struct sop_hold *h);

#endif
