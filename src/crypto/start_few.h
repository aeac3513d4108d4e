/* SPDX-License-Identifier: ISC */
/* For start.c only. */
#ifndef CRYPTO_START_FEW_H
#define CRYPTO_START_FEW_H

/* From now on this thread's look-ups in libcrypto find the algorithms that crypto/ uses, and no others. */
void crypto_start_few(void);

#endif
