/* SPDX-License-Identifier: ISC */
/* The operator's key file. */
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "crypto/pem_public.h"
#include "service/signin/jwt.h"

#define RSA_BITS_LEAST 2048u /* RFC 7518 section 3.3 */

int
jwt_base64url(struct slice text, struct buf *out, struct error *e)
{
	struct buf plain;
	int rc;

	buf_init(&plain, JWT_PARTS_MAX + 4);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '+' || c == '/' || c == '=')
			c = '.'; /* is in neither alphabet */
		(void)buf_put_u8(&plain, c == '-' ? '+' : c == '_' ? '/' : c);
	}
	while (plain.len % 4 != 0 && plain.err == 0)
		(void)buf_put_u8(&plain, '=');
	rc = plain.err != 0 ? error_set(e, plain.err, "a text too long to be decoded")
			    : base64_parse(buf_slice(&plain), out, e);
	buf_wipe_done(&plain);
	return rc == ERR_TRUNCATED ? ERR_SYNTAX : rc;
}

static bool
put_octets(struct slice in, uint8_t *out, size_t max, size_t *len_out)
{
	if (in.len == 0 || in.len > max)
		return false;
	memcpy(out, in.data, in.len);
	*len_out = in.len;
	return true;
}

static bool
is_one(struct slice number)
{
	while (number.len > 1 && number.data[0] == 0)
		number = slice_from(number, 1);
	return number.len == 1 && number.data[0] == 1;
}

static int
check(const struct jwt_key *k, struct error *e)
{
	const struct rsa_public rsa = { .n = slice_of(k->first, k->first_len),
		.e = slice_of(k->second, k->second_len) };

	if (k->kind == JWT_RS256 && rsa_bits(&rsa) < RSA_BITS_LEAST)
		return error_set(e, ERR_UNSUPPORTED, "an RSA key under %u bits", RSA_BITS_LEAST);
	/* With 1 every text is its own signature; an even one is no key at all. */
	if (k->kind == JWT_RS256 && ((k->second[k->second_len - 1] & 1) == 0 || is_one(rsa.e)))
		return error_set(e, ERR_UNSUPPORTED, "an RSA key whose exponent is even or 1");
	if ((k->kind == JWT_ES256 && k->first_len != ec_point_size(EC_P256)) ||
	    (k->kind == JWT_EDDSA && k->first_len != sign_key_size(SIGN_ED25519)))
		return error_set(e, ERR_SYNTAX, "a key of another length than its kind has");
	return 0;
}

static struct jwt_key *
next_key(struct jwt_keys *k, struct error *e)
{
	if (k->count < JWT_KEYS_MAX)
		return &k->keys[k->count];
	(void)error_set(e, ERR_LIMIT, "more than %u keys", JWT_KEYS_MAX);
	return NULL;
}

/* ---- JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) ---- */

static struct slice
text_of(const struct json_value *jwk, const char *name)
{
	struct slice text = SLICE_EMPTY;

	(void)json_value_get_text(json_value_get(jwk, name), &text);
	return text;
}

static int
number_of(const struct json_value *jwk, const char *name, uint8_t *out, size_t max, size_t *len_out, struct error *e)
{
	BUF_OWNED struct buf octets = { 0 };
	int rc;

	buf_init(&octets, max);
	rc = jwt_base64url(text_of(jwk, name), &octets, e);
	if (rc == 0 && !put_octets(buf_slice(&octets), out, max, len_out))
		rc = error_set(e, ERR_SYNTAX, "a key without '%s'", name);
	return rc;
}

/* x and y behind 04. */
static int
point_of(const struct json_value *jwk, struct jwt_key *k, struct error *e)
{
	size_t size = ec_size(EC_P256), x = 0, y = 0;
	int rc = number_of(jwk, "x", k->first + 1, size, &x, e);

	if (rc == 0)
		rc = number_of(jwk, "y", k->first + 1 + size, size, &y, e);
	if (rc == 0 && (x != size || y != size))
		rc = error_set(e, ERR_SYNTAX, "a point's x and y have %zu octets each", size);
	k->first[0] = 4;
	k->first_len = ec_point_size(EC_P256);
	return rc;
}

/* What a key is for, when it says so. */
static bool
is_for_signatures(const struct json_value *jwk)
{
	struct slice use = text_of(jwk, "use");

	return use.len == 0 || slice_eq_str(use, "sig");
}

/* Whether it is for this algorithm, when it says for which. */
static bool
is_for(const struct json_value *jwk, const char *alg)
{
	struct slice said = text_of(jwk, "alg");

	return said.len == 0 || slice_eq_str(said, alg);
}

/* 1: taken; 0: not one of ours. */
static int
take_jwk(const struct json_value *jwk, struct jwt_key *k, struct error *e)
{
	struct slice kty = text_of(jwk, "kty"), crv = text_of(jwk, "crv"), kid = text_of(jwk, "kid");
	int rc;

	*k = (struct jwt_key){ 0 };
	if (kid.len > JWT_NAME_MAX)
		return error_set(e, ERR_LIMIT, "a kid over %u octets", JWT_NAME_MAX);
	if (kid.len > 0)
		memcpy(k->kid, kid.data, kid.len);
	if (slice_eq_str(kty, "RSA") && is_for(jwk, "RS256")) {
		k->kind = JWT_RS256;
		rc = number_of(jwk, "n", k->first, sizeof k->first, &k->first_len, e);
		if (rc == 0)
			rc = number_of(jwk, "e", k->second, sizeof k->second, &k->second_len, e);
	} else if (slice_eq_str(kty, "EC") && slice_eq_str(crv, "P-256") && is_for(jwk, "ES256")) {
		k->kind = JWT_ES256;
		rc = point_of(jwk, k, e);
	} else if (slice_eq_str(kty, "OKP") && slice_eq_str(crv, "Ed25519") && is_for(jwk, "EdDSA")) {
		k->kind = JWT_EDDSA;
		rc = number_of(jwk, "x", k->first, sizeof k->first, &k->first_len, e);
	} else {
		return 0;
	}
	if (rc == 0)
		rc = check(k, e);
	return rc == 0 ? 1 : rc;
}

static int
parse_set(const struct json_value *set, struct jwt_keys *out, struct error *e)
{
	const struct json_value *list = json_value_get(set, "keys");

	if (!json_value_is_list(list))
		return error_set(e, ERR_SYNTAX, "JSON without a list of 'keys': that is no JWK set");
	for (size_t i = 0; i < json_value_count(list); i++) {
		const struct json_value *jwk = json_value_at(list, i);
		struct jwt_key *k = next_key(out, e);
		int rc;

		if (k == NULL)
			return ERR_LIMIT;
		if (!is_for_signatures(jwk))
			continue;
		rc = take_jwk(jwk, k, e);
		if (rc < 0)
			return rc;
		out->count += (size_t)rc;
	}
	return 0;
}

static int
parse_json(struct slice text, struct jwt_keys *out, struct error *e)
{
	struct json_value *set = NULL;
	int rc = json_value_parse(text, &set, e);

	if (rc == 0)
		rc = parse_set(set, out, e);
	json_value_free(set);
	return rc;
}

/* ---- PEM ---- */

static int
take_pem(void *ctx, const struct pem_public *in, struct error *e)
{
	static const enum jwt_kind kinds[] = {
		[PEM_PUBLIC_RSA] = JWT_RS256, [PEM_PUBLIC_P256] = JWT_ES256, [PEM_PUBLIC_ED25519] = JWT_EDDSA
	};
	struct jwt_keys *out = ctx;
	struct jwt_key *k = next_key(out, e);
	bool rsa = in->kind == PEM_PUBLIC_RSA;
	int rc;

	if (k == NULL)
		return ERR_LIMIT;
	*k = (struct jwt_key){ .kind = kinds[in->kind] };
	if (!put_octets(rsa ? in->rsa.n : in->octets, k->first, sizeof k->first, &k->first_len) ||
	    (rsa && !put_octets(in->rsa.e, k->second, sizeof k->second, &k->second_len)))
		return error_set(e, ERR_UNSUPPORTED, "an RSA key over %zu bits", sizeof k->first * 8);
	rc = check(k, e);
	if (rc == 0)
		out->count++;
	return rc;
}

/* ---- */

int
jwt_keys_parse(struct slice text, struct jwt_keys *out, struct error *e)
{
	struct slice rest = text;
	int rc;

	*out = (struct jwt_keys){ 0 };
	if (text.len > JWT_KEYS_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "a key file over %u octets", JWT_KEYS_TEXT_MAX);
	out->keys = mem_array(JWT_KEYS_MAX, sizeof *out->keys);
	if (out->keys == NULL)
		return error_nomem(e);
	while (rest.len > 0 && rest.data[0] <= ' ')
		rest = slice_from(rest, 1);
	rc = rest.len > 0 && rest.data[0] == '{' ? parse_json(rest, out, e) : pem_public_parse(text, take_pem, out, e);
	if (rc == 0 && out->count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "no key for RS256, ES256 or Ed25519 in it");
	if (rc != 0)
		jwt_keys_done(out);
	return rc;
}

void
jwt_keys_done(struct jwt_keys *k)
{
	mem_free(k->keys);
	*k = (struct jwt_keys){ 0 };
}
