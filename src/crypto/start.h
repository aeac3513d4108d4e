/* SPDX-License-Identifier: ISC */
/*
 * For a program that does one thing and ends: libcrypto then reads no
 * openssl.cnf (what we offer and accept is said in our own code, and a file
 * cannot change it) and does not tidy up at exit. That is a fifth of the time
 * that sealing one line takes. Call it before anything else of crypto/.
 */
#ifndef CRYPTO_START_H
#define CRYPTO_START_H

void crypto_start_brief(void);

/*
 * The same for a program that speaks no TLS and reads no X.509 certificates: libcrypto does not build its table of
 * the old names of algorithms either, which only these look at, and makes only the ciphers and digests that crypto/
 * uses. The one and the other cost more than a signature.
 */
void crypto_start_alone(void);

/* For a process that opens no files later: libcrypto reads its configuration and loads its providers now. */
void crypto_start(void);

/* The version of the libcrypto that is loaded: "3.0.17". */
const char *crypto_library_version(void);

#endif
