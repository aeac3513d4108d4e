/* SPDX-License-Identifier: ISC */
/*
 * Octets that wait: in memory while they are few, then in a file of ours in the
 * folder for temporary files, which has no name there and is encrypted under a
 * key that only this process knows: nothing is left when it is killed. Put all,
 * then read from the beginning, as often as wanted.
 */
#ifndef CLIENT_SOP_ASIDE_H
#define CLIENT_SOP_ASIDE_H

#include "crypto/cipher.h"
#include "crypto/secret.h"
#include "os/file.h"

struct sop_aside {
	struct buf memory;
	bool spilled; /* into the file */
	struct file_writer file;
	struct file_reader reader; /* of the same descriptor */
	struct secret key;
	struct cipher *cipher; /* of what is being written or read */
	uint8_t *block;
	bool given; /* reading: memory was given */
};

void sop_aside_init(struct sop_aside *a);
/* ERR_NOMEM, ERR_CRYPTO, ERR_IO, ERR_FULL. Not after a rewind. */
int sop_aside_put(struct sop_aside *a, struct slice data, struct error *e);
/* The next piece is the first. */
int sop_aside_rewind(struct sop_aside *a, struct error *e);
/* The next piece, valid until the next call; an empty one is the end. */
int sop_aside_next(struct sop_aside *a, struct slice *piece_out, struct error *e);
void sop_aside_done(struct sop_aside *a); /* wipes; the file is gone */

#endif
