/* SPDX-License-Identifier: ISC */
/*
 * Access tokens that are JSON Web Tokens (RFC 7519, as RFC 9068 profiles them
 * for access), validated here and now against the operator's key file: nobody
 * is asked.
 *
 * Taken are signatures (RFC 7515, compact) by RS256 (2048 bits at least),
 * ES256 and EdDSA with Ed25519, each only with a key of its own kind, so that
 * "none" and an HMAC under a public key are nothing here (RFC 8725 sections 2.1,
 * 3.1). Keys in the token (jwk, jku, x5c, x5u) are not looked at; "crit" is
 * refused. With a kid the key of that name decides; without one each key of
 * the kind is tried.
 *
 * Then: iss is the issuer; aud is, or has, the audience; now is before exp,
 * which must be there, and not before nbf and iat, with JWT_LEEWAY_S; typ is the
 * one that the operator expects (RFC 9068 section 4: "at+jwt"), so that no other
 * kind of token is taken for one; the claim is an address, and
 * email_verified does not say false.
 *
 * Key file: a JWK set (RFC 7517: {"keys": [...]}, kty RSA, EC, OKP; keys for
 * another use are skipped), or PEM public keys one behind the other.
 */
#ifndef SERVICE_SIGNIN_JWT_H
#define SERVICE_SIGNIN_JWT_H

#include "service/signin/token.h"

#define JWT_KEYS_MAX 32u              /* in a key file */
#define JWT_KEYS_TEXT_MAX (56u << 10) /* octets of a key file; it crosses to another process in one message */
#define JWT_PARTS_MAX 8192u           /* octets of a whole token */
#define JWT_LEEWAY_S 60               /* clocks differ */
#define JWT_NAME_MAX 256u             /* octets of kid, issuer, audience, claim */

struct jwt_options {
	struct slice keys; /* text of the key file */
	struct slice issuer, audience;
	struct slice claim; /* which holds the address; empty: "email" */
	struct slice type;  /* typ of the header, without "application/"; empty: "at+jwt" */
	struct slice scope, discovery;
};

/*
 * A validator (service/signin/token.h) for signin_set_tokens(); texts are copied.
 * ERR_SYNTAX (the key file), ERR_NOT_FOUND (has no key that is taken),
 * ERR_LIMIT, ERR_USAGE (no issuer, no audience, a text too long), ERR_NOMEM.
 */
int jwt_validator_new(const struct jwt_options *options, struct token_validator **v_out, struct error *e);
void jwt_validator_free(struct token_validator *v); /* NULL is permitted */

/* ---- the parts ---- */

enum jwt_kind { JWT_RS256, JWT_ES256, JWT_EDDSA };

struct jwt_key {
	enum jwt_kind kind;
	char kid[JWT_NAME_MAX + 1];
	uint8_t first[512], second[8]; /* n and e; a point; a key */
	size_t first_len, second_len;
};

struct jwt_keys {
	struct jwt_key *keys;
	size_t count;
};

int jwt_keys_parse(struct slice text, struct jwt_keys *out, struct error *e);
void jwt_keys_done(struct jwt_keys *k);
/* base64url without padding (RFC 7515 section 2), strict. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int jwt_base64url(struct slice text, struct buf *out, struct error *e);

#endif
