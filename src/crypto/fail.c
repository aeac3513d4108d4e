/* SPDX-License-Identifier: ISC */
#include "crypto/fail.h"

#include <openssl/err.h>

int
crypto_fail(struct error *e, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return error_set(e, ERR_CRYPTO, "libcrypto could not make %s%s%s", what, reason == NULL ? "" : ": ",
	    reason == NULL ? "" : reason);
}

int
crypto_unsupported(struct error *e, const char *name)
{
	ERR_clear_error();
	return error_set(e, ERR_UNSUPPORTED,
	    "%s is not in the libcrypto of this machine (old ciphers are in its legacy provider)", name);
}

int
crypto_refuse(struct error *e, int code, const char *text)
{
	ERR_clear_error();
	return error_set(e, code, "%s", text);
}
