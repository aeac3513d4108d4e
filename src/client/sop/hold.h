/* SPDX-License-Identifier: ISC */
/*
 * Decrypted data on its way to standard output. What is proven goes out at
 * once; what is not is held back until all of it is: in memory while it is
 * small, then in a file of ours in the folder for temporary files, encrypted
 * under a key that only this process knows, so that nothing readable is left
 * there when it is killed.
 */
#ifndef CLIENT_SOP_HOLD_H
#define CLIENT_SOP_HOLD_H

#include "crypto/cipher.h"
#include "crypto/secret.h"
#include "openpgp/decrypt.h"
#include "os/file.h"

struct sop_hold {
	bool held, spilled;
	struct buf memory;
	struct file_writer out, file;
	struct secret key; /* of the file */
	struct cipher *cipher;
	uint8_t *block;
};

void sop_hold_init(struct sop_hold *h);
struct pgp_plain sop_hold_plain(struct sop_hold *h);
void sop_hold_done(struct sop_hold *h);

#endif
