/* SPDX-License-Identifier: ISC */
/*
 * Keys in tokens (PKCS #11 version 2.40 and EdDSA of 3.0), by p11-kit, which
 * knows which modules the system and the user have set up. Modules are other
 * people's code: this is for a process of its own that holds nothing else.
 *
 * A key is named by its place in the list that pkcs11_list() made. One thread.
 *
 * Limits: PKCS11_KEYS_MAX keys, PKCS11_VALUE_MAX octets of a value.
 */
#ifndef OS_PKCS11_H
#define OS_PKCS11_H

#include "base/buf.h"
#include "base/error.h"

#define PKCS11_KEYS_MAX 64u
#define PKCS11_VALUE_MAX 2048u /* RSA of 16,384 bits */
#define PKCS11_NAME_MAX 100u

enum token_kind { TOKEN_RSA = 1, TOKEN_EC, TOKEN_EDWARDS };

struct pkcs11_value {
	size_t len;
	uint8_t octets[PKCS11_VALUE_MAX];
};

struct pkcs11_key {
	char token[PKCS11_NAME_MAX], label[PKCS11_NAME_MAX];
	struct pkcs11_value id; /* CKA_ID */
	enum token_kind kind;
	bool sign, decrypt; /* what its public half says that it is for */
	/* RSA: modulus and public exponent. EC: the curve's OID without its DER head, and the point (0x04, X, Y). Edwards: the
	 * same OID or nothing, and the native octets. */
	struct pkcs11_value first, second;
	bool needs_pin; /* the token wants one, and none was given yet */
};

struct pkcs11;

/* Loads the modules. ERR_NOT_FOUND without p11-kit, ERR_IO. */
int pkcs11_open(struct pkcs11 **out, struct error *e);
void pkcs11_close(struct pkcs11 *p); /* NULL is permitted */

/*
 * Public keys of all tokens whose private half may be there (private ones are not shown before the PIN is given), anew.
 * Lives until the next list. *count_out of them.
 */
int pkcs11_list(struct pkcs11 *p, const struct pkcs11_key **out, size_t *count_out, struct error *e);
/* ERR_PASSWORD when the PIN is wrong; ERR_DENIED when the token is locked. */
int pkcs11_sign_in(struct pkcs11 *p, size_t key, struct slice pin, struct error *e);
/*
 * Appends what the key makes of data. RSA: of a DigestInfo, PKCS#1's signature. EC: of a digest, r and s of the same
 * length. Edwards: of a message, R and S. ERR_NO_KEY: the token has no private half; ERR_DENIED: sign in first.
 */
int pkcs11_sign(struct pkcs11 *p, size_t key, struct slice data, struct buf *out, struct error *e);
/* RSA: what PKCS#1's ciphertext holds. EC: of somebody's point, the agreed value. ERR_INTEGRITY when it is not for this key. */
int pkcs11_open_data(struct pkcs11 *p, size_t key, struct slice data, struct buf *out, struct error *e);

#endif
