/* SPDX-License-Identifier: ISC */
#include "crypto/fail.h"

#include <stdbool.h>

#include <openssl/err.h>

/* Whether libcrypto found no memory: then nothing is wrong with what was given to it. */
static bool
no_memory(void)
{
	for (unsigned long code = ERR_peek_last_error(); code != 0; code = ERR_get_error()) {
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			return true;
	}
	return false;
}

int
crypto_fail(struct error *e, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
	bool memory = no_memory();

	ERR_clear_error();
	if (memory)
		return error_nomem(e);
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
	bool memory = no_memory();

	ERR_clear_error();
	return memory ? error_nomem(e) : error_set(e, code, "%s", text);
}
