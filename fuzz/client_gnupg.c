/* SPDX-License-Identifier: ISC */
/* GnuPG's list: each key that comes out has a whole fingerprint and letters that are letters. */
#include <stdlib.h>

#include "client/key/gnupg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_letter(char c)
{
	return c == '\0' || (c >= 'a' && c <= 'z');
}

static int
take(void *ctx, const struct gnupg_key *key, struct error *e)
{
	(void)ctx;
	(void)e;
	if ((key->fingerprint.len != 20 && key->fingerprint.len != 32) || !is_letter(key->validity) ||
	    !is_letter(key->owner_trust) || key->user_id.len > PGP_USER_ID_MAX)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (gnupg_list_parse(slice_of(data, size), take, NULL, NULL) != 0)
		abort();
	return 0;
}
