/* SPDX-License-Identifier: ISC */
/* For crypto's own files: what to say when libcrypto fails though its input was right. Empties its error queue. */
#ifndef CRYPTO_FAIL_H
#define CRYPTO_FAIL_H

#include "base/error.h"

/* Returns ERR_CRYPTO, or ERR_NOMEM when that was all. what: a noun for the sentence ("the SHA-1 digest"). */
int crypto_fail(struct error *e, const char *what);
/* Returns ERR_UNSUPPORTED: libcrypto does not have the algorithm of this name. */
int crypto_unsupported(struct error *e, const char *name);
/* The same with another code, when the input is to blame; text is the whole sentence. */
int crypto_refuse(struct error *e, int code, const char *text);

#endif
