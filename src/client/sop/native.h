/* SPDX-License-Identifier: ISC */
/*
 * A literal packet that says that it is text ('u', 't') holds CR LF line ends,
 * and whoever reads it gives his system's (RFC 9580 section 5.9): this stands in
 * front of a sink and makes LF of them. The encryptor does the other way.
 */
#ifndef CLIENT_SOP_NATIVE_H
#define CLIENT_SOP_NATIVE_H

#include "openpgp/message/decrypt.h"

struct sop_native {
	struct pgp_plain inner;
	bool text, cr; /* cr: one waits for what follows */
	struct buf lf; /* the last piece */
};

struct pgp_plain sop_native_plain(struct sop_native *n, struct pgp_plain inner);
void sop_native_done(struct sop_native *n);

#endif
