/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a token, and as a file of keys. No token is taken: none of them is signed by a key that is kept here;
 * whatever key file is taken keeps within its bounds and can be taken again.
 */
#include <stdlib.h>

#include "service/signin/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ed25519; nobody has the secret one. */
static const char keys[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"
			   "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static void
as_token(struct slice in)
{
	const struct jwt_options options = { .keys = slice_str(keys), .issuer = SLICE("i"), .audience = SLICE("a") };
	static struct token_validator *v;
	struct buf address;

	if (v == NULL && jwt_validator_new(&options, &v, NULL) != 0)
		abort();
	buf_init(&address, 320);
	if (v->check(v->ctx, in, 1700000000, &address, NULL) == 0 || address.len > 0)
		abort();
	buf_done(&address);
}

static void
as_keys(struct slice in)
{
	struct jwt_keys k;

	if (jwt_keys_parse(in, &k, NULL) != 0)
		return;
	if (k.count == 0 || k.count > JWT_KEYS_MAX)
		abort();
	for (size_t i = 0; i < k.count; i++)
		if (k.keys[i].first_len == 0 || k.keys[i].first_len > sizeof k.keys[i].first ||
		    k.keys[i].second_len > sizeof k.keys[i].second)
			abort();
	jwt_keys_done(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	as_token(in);
	as_keys(in);
	return 0;
}
