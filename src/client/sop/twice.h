/* SPDX-License-Identifier: ISC */
/*
 * Decrypting a large plain file: SEIPDv1 proves its plaintext only at the end,
 * and holding hundreds of MiB back costs a second copy of them on disk. Where
 * standard input is a plain file it is read twice instead: once to prove it,
 * nothing being kept, and once to write it out.
 *
 * Nobody can slip other data in between: the first reading authenticates each
 * block of the file under a key of the moment (AES-GCM with the block as
 * associated data), and the second one takes no block that is not the same.
 * SEIPDv2 is written at the first reading, since its chunks prove themselves.
 */
#ifndef CLIENT_SOP_TWICE_H
#define CLIENT_SOP_TWICE_H

#include "openpgp/message/decrypt.h"

/* Whether standard input is a plain file, from its beginning, and large enough for it to be worth while. */
bool sop_twice_fits(void);
/* As pgp_decrypt(), from standard input to standard output. spec's hasher is not used. */
int sop_twice(const struct pgp_decrypt_spec *spec, struct pgp_decrypt_result *result, struct error *e);

#endif
