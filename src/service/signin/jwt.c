/* SPDX-License-Identifier: ISC */
#include "service/signin/jwt.h"

#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/ec.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"
#include "service/limits.h"

struct jwt {
	struct jwt_keys keys;
	char issuer[JWT_NAME_MAX + 1], audience[JWT_NAME_MAX + 1], claim[JWT_NAME_MAX + 1], type[JWT_NAME_MAX + 1];
};

static int
bad(struct error *e, const char *why)
{
	return error_set(e, ERR_PASSWORD, "token: %s", why);
}

/* ---- the three parts ---- */

struct parts {
	struct slice header, payload, signature; /* as they came */
	struct slice signed_text;                /* the first two with their dot */
};

static int
split(struct slice token, struct parts *out, struct error *e)
{
	size_t first = slice_find(token, '.'), last = slice_find_last(token, '.');

	if (token.len > JWT_PARTS_MAX || first == SIZE_MAX || first == last)
		return bad(e, "not three parts");
	out->header = slice_sub(token, 0, first);
	out->payload = slice_sub(token, first + 1, last - first - 1);
	out->signature = slice_from(token, last + 1);
	out->signed_text = slice_sub(token, 0, last);
	return slice_find(out->payload, '.') == SIZE_MAX ? 0 : bad(e, "not three parts");
}

/* An object out of base64url. */
static int
parse_object(struct slice part, struct json_value **out, struct error *e)
{
	struct buf text;
	int rc;

	buf_init(&text, JWT_PARTS_MAX);
	rc = jwt_base64url(part, &text, NULL);
	if (rc == 0)
		rc = json_value_parse(buf_slice(&text), out, NULL);
	buf_wipe_done(&text);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc == 0 && !json_value_is_object(*out)) {
		json_value_free(*out);
		*out = NULL;
		rc = ERR_SYNTAX;
	}
	return rc == 0 ? 0 : bad(e, "a part that is no JSON object");
}

static struct slice
text_of(const struct json_value *object, const char *name)
{
	struct slice text = SLICE_EMPTY;

	(void)json_value_get_text(json_value_get(object, name), &text);
	return text;
}

/* ---- the signature ---- */

static const char *const algs[] = { [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA" };

static int
verify(const struct jwt_key *k, struct slice text, struct slice signature, struct error *e)
{
	struct slice first = slice_of(k->first, k->first_len);
	const struct rsa_public rsa = { .n = first, .e = slice_of(k->second, k->second_len) };
	uint8_t digest[32];
	size_t half = ec_size(EC_P256);
	int rc;

	if (k->kind == JWT_EDDSA)
		return sign_verify(SIGN_ED25519, first, text, signature, e);
	rc = hash_once(HASH_SHA256, text, digest, e);
	if (rc != 0)
		return rc;
	if (k->kind == JWT_RS256)
		return rsa_verify(&rsa, HASH_SHA256, slice_of(digest, sizeof digest), signature, e);
	/* RFC 7518 section 3.4: r and s side by side, each of full length. */
	if (signature.len != 2 * half)
		return error_set(e, ERR_SIGNATURE, "a signature of another length");
	return ec_verify(EC_P256, first, slice_of(digest, sizeof digest), slice_sub(signature, 0, half),
	    slice_from(signature, half), e);
}

static bool
may_be_by(const struct jwt_key *k, struct slice alg, struct slice kid)
{
	return slice_eq_str(alg, algs[k->kind]) && (kid.len == 0 || k->kid[0] == 0 || slice_eq_str(kid, k->kid));
}

static int
check_signature(const struct jwt *j, const struct json_value *header, const struct parts *p, struct error *e)
{
	struct slice alg = text_of(header, "alg"), kid = text_of(header, "kid");
	struct buf signature;
	int rc;

	buf_init(&signature, JWT_PARTS_MAX);
	rc = jwt_base64url(p->signature, &signature, NULL);
	if (rc != 0) {
		rc = rc == ERR_NOMEM ? error_nomem(e) : bad(e, "a signature that is not base64url");
	} else {
		rc = bad(e, "no key of ours signed it");
		for (size_t i = 0; i < j->keys.count && rc == ERR_PASSWORD; i++)
			if (may_be_by(&j->keys.keys[i], alg, kid) &&
			    verify(&j->keys.keys[i], p->signed_text, buf_slice(&signature), NULL) == 0)
				rc = 0;
	}
	buf_wipe_done(&signature);
	return rc;
}

static int
check_header(const struct jwt *j, const struct json_value *header, struct error *e)
{
	struct slice type = text_of(header, "typ"), application = SLICE("application/");

	/* RFC 7515 section 4.1.11: what must be understood, and nothing of it is. */
	if (json_value_get(header, "crit") != NULL)
		return bad(e, "its header has crit");
	if (type.len > application.len && slice_ieq(slice_sub(type, 0, application.len), application))
		type = slice_from(type, application.len);
	return slice_ieq_str(type, j->type) ? 0 : bad(e, "its typ is another");
}

/* ---- the claims ---- */

static bool
has_audience(const struct json_value *aud, const char *ours)
{
	struct slice one;

	if (json_value_get_text(aud, &one))
		return slice_eq_str(one, ours);
	for (size_t i = 0; i < json_value_count(aud); i++)
		if (json_value_get_text(json_value_at(aud, i), &one) && slice_eq_str(one, ours))
			return true;
	return false;
}

/* A time that must not be, or has to be, behind us. False when it is there and is no number. */
static bool
time_of(const struct json_value *claims, const char *name, int64_t otherwise, int64_t *out)
{
	const struct json_value *v = json_value_get(claims, name);

	*out = otherwise;
	return v == NULL || (json_value_get_i64(v, out) && *out >= 0 && *out <= INT64_MAX / 2);
}

static int
check_times(const struct json_value *claims, int64_t now, struct error *e)
{
	int64_t expires, begins, issued;

	if (!time_of(claims, "exp", -1, &expires) || !time_of(claims, "nbf", 0, &begins) ||
	    !time_of(claims, "iat", 0, &issued))
		return bad(e, "a time that is no whole number");
	if (expires < 0)
		return bad(e, "it has no end");
	if (now >= expires + JWT_LEEWAY_S)
		return bad(e, "it has expired");
	return begins > now + JWT_LEEWAY_S || issued > now + JWT_LEEWAY_S ? bad(e, "it is not valid yet") : 0;
}

static int
check_claims(const struct jwt *j, const struct json_value *claims, uint64_t now, struct error *e)
{
	if (!slice_eq_str(text_of(claims, "iss"), j->issuer))
		return bad(e, "it is by another issuer");
	if (!has_audience(json_value_get(claims, "aud"), j->audience))
		return bad(e, "it is for another audience");
	return check_times(claims, now > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)now, e);
}

/* When it is said at all, it must be yes; some issuers say it as text (OpenID Connect Core 1.0 section 5.1 has a boolean). */
static bool
is_verified(const struct json_value *said)
{
	struct slice text = SLICE_EMPTY;
	bool verified = false;

	if (said == NULL || json_value_get_bool(said, &verified))
		return said == NULL || verified;
	return json_value_get_text(said, &text) && slice_eq_str(text, "true");
}

static int
take_address(const struct jwt *j, const struct json_value *claims, struct buf *out, struct error *e)
{
	struct slice address = text_of(claims, j->claim);

	if (!is_verified(json_value_get(claims, "email_verified")))
		return bad(e, "its address is not verified");
	if (address.len == 0 || address.len > SERVICE_IDENTITY_MAX || slice_find(address, '@') == SIZE_MAX ||
	    slice_find(address, 0) != SIZE_MAX || !utf8_valid(address))
		return bad(e, "its claim holds no address");
	return buf_put_slice(out, address) == 0 ? 0 : error_set(e, out->err, "no room for the address");
}

/* ---- the whole ---- */

static int
check_parsed(const struct jwt *j, const struct parts *p, uint64_t now, struct buf *address_out, struct error *e)
{
	struct json_value *header = NULL, *claims = NULL;
	int rc = parse_object(p->header, &header, e);

	if (rc == 0)
		rc = check_header(j, header, e);
	/* Nothing of the claims is looked at before the signature is right. */
	if (rc == 0)
		rc = check_signature(j, header, p, e);
	if (rc == 0)
		rc = parse_object(p->payload, &claims, e);
	if (rc == 0)
		rc = check_claims(j, claims, now, e);
	if (rc == 0)
		rc = take_address(j, claims, address_out, e);
	json_value_free(header);
	json_value_free(claims);
	return rc;
}

static int
jwt_check(const void *ctx, struct slice token, uint64_t now, struct buf *address_out, struct error *e)
{
	struct parts p;
	int rc = split(token, &p, e);

	return rc != 0 ? rc : check_parsed(ctx, &p, now, address_out, e);
}

/* ---- life ---- */

static void
jwt_free(void *ctx)
{
	struct jwt *j = ctx;

	if (j == NULL)
		return;
	jwt_keys_done(&j->keys);
	mem_free(j);
}

static bool
copy(struct slice in, const char *otherwise, char *out, size_t size)
{
	if (in.len == 0)
		in = slice_str(otherwise);
	if (in.len >= size || slice_find(in, 0) != SIZE_MAX)
		return false;
	memcpy(out, in.data, in.len);
	out[in.len] = 0;
	return true;
}

static int
take_options(const struct jwt_options *o, struct jwt *j, struct token_validator *v, struct error *e)
{
	if (o->issuer.len == 0 || o->audience.len == 0)
		return error_set(e, ERR_USAGE, "tokens need an issuer and an audience");
	if (!copy(o->issuer, "", j->issuer, sizeof j->issuer) ||
	    !copy(o->audience, "", j->audience, sizeof j->audience) ||
	    !copy(o->claim, "email", j->claim, sizeof j->claim) || !copy(o->type, "at+jwt", j->type, sizeof j->type) ||
	    !copy(o->scope, "", v->scope, sizeof v->scope) ||
	    !copy(o->discovery, "", v->discovery, sizeof v->discovery))
		return error_set(e, ERR_USAGE, "a text about tokens is over %u octets, or has a NUL", JWT_NAME_MAX - 1);
	return jwt_keys_parse(o->keys, &j->keys, e);
}

int
jwt_validator_new(const struct jwt_options *options, struct token_validator **v_out, struct error *e)
{
	struct token_validator *v = mem_alloc(sizeof *v);
	struct jwt *j = mem_alloc(sizeof *j);
	int rc = v == NULL || j == NULL ? error_nomem(e) : take_options(options, j, v, e);

	if (rc != 0) {
		jwt_free(j);
		mem_free(v);
		return rc;
	}
	v->check = jwt_check;
	v->free = jwt_free;
	v->ctx = j;
	*v_out = v;
	return 0;
}

void
jwt_validator_free(struct token_validator *v)
{
	if (v == NULL)
		return;
	v->free(v->ctx);
	mem_free(v);
}
