/* SPDX-License-Identifier: ISC */
#include "service/keys/dkim.h"

#include "crypto/hash.h"
#include "mailauth/arc/seal.h"
#include "mailauth/dkim/signature.h"

#define PUBLIC_MAX 2048u

static const struct {
	const char *suffix, *name;
} states[] = {
	[KEYS_DKIM_NONE] = { "", "none" },
	[KEYS_DKIM_SIGNS] = { ".pem", "signs" },
	[KEYS_DKIM_WAITS] = { ".waiting", "waits" },
	[KEYS_DKIM_RETIRED] = { ".retired", "retired" },
};
#define STATES (sizeof states / sizeof states[0])

const char *
keys_dkim_state_name(enum keys_dkim_state s)
{
	return states[s].name;
}

enum keys_dkim_state
keys_dkim_file(struct slice name, struct slice *domain_out, struct slice *selector_out)
{
	struct slice prefix = SLICE(KEYS_DKIM_PREFIX), middle, selector, domain;
	size_t state = STATES - 1;

	while (state > 0 && !slice_ends(name, slice_str(states[state].suffix)))
		state--;
	middle = slice_str(states[state].suffix);
	if (state == 0 || !slice_starts(name, prefix) || name.len <= prefix.len + middle.len ||
	    name.len > KEYS_DKIM_NAME_MAX)
		return KEYS_DKIM_NONE;
	middle = slice_sub(name, prefix.len, name.len - prefix.len - middle.len);
	domain = slice_split(middle, '_', &selector);
	if (!dkim_domain_valid(domain, 2) || !dkim_domain_valid(selector, 1) || slice_find(selector, '_') != SIZE_MAX)
		return KEYS_DKIM_NONE;
	*domain_out = domain;
	*selector_out = selector;
	return (enum keys_dkim_state)state;
}

int
keys_dkim_file_name(struct slice domain, struct slice selector, enum keys_dkim_state s, struct buf *out)
{
	(void)buf_put_str(out, KEYS_DKIM_PREFIX);
	(void)buf_put_slice(out, domain);
	(void)buf_put_u8(out, '_');
	(void)buf_put_slice(out, selector);
	return buf_put_str(out, states[s].suffix);
}

int
keys_dkim_open(struct slice name, struct slice secret, struct keys_dkim *out, struct error *e)
{
	*out = (struct keys_dkim){ 0 };
	buf_init(&out->name, KEYS_DKIM_NAME_MAX);
	if (buf_put_slice(&out->name, name) != 0 ||
	    keys_dkim_file(buf_slice(&out->name), &out->domain, &out->selector) == KEYS_DKIM_NONE)
		return error_set(
		    e, ERR_SYNTAX, "'%.*s' is not the name of a DKIM key", (int)name.len, (const char *)name.data);
	return pem_secret_parse(secret, &out->key, e);
}

void
keys_dkim_close(struct keys_dkim *k)
{
	pem_secret_free(k->key);
	buf_done(&k->name);
	*k = (struct keys_dkim){ 0 };
}

enum dkim_algorithm
keys_dkim_algorithm(const struct keys_dkim *k)
{
	return pem_secret_kind(k->key) == PEM_PUBLIC_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
}

size_t
keys_dkim_signature_size(const struct keys_dkim *k)
{
	return pem_secret_signature_size(k->key);
}

int
keys_dkim_record(const struct keys_dkim *k, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf public = { 0 };
	int rc;

	buf_init(&public, PUBLIC_MAX);
	rc = pem_secret_public(k->key, &public, e);
	if (rc == 0 && dkim_key_write(keys_dkim_algorithm(k) == DKIM_ED25519_SHA256, buf_slice(&public), out) != 0)
		rc = error_set(e, out->err, "there is no room for a key's record");
	return rc;
}

bool
keys_dkim_record_is(struct slice ours, struct slice theirs)
{
	struct dkim_key a = { 0 }, b = { 0 };
	bool same = dkim_key_parse(ours, &a, NULL) == 0 && dkim_key_parse(theirs, &b, NULL) == 0 && !a.revoked &&
	    !b.revoked && a.ed25519 == b.ed25519 && b.sha256 && b.email && slice_eq(a.rsa.n, b.rsa.n) &&
	    slice_eq(a.rsa.e, b.rsa.e) && slice_eq(a.public_key, b.public_key);

	dkim_key_done(&a);
	dkim_key_done(&b);
	return same;
}

int
keys_dkim_claim(enum keys_dkim_use use, struct slice octets, struct dkim_sign_claim *out, struct error *e)
{
	struct arc_seal_claim arc;
	int rc;

	if (use == KEYS_DKIM_SIGNATURE)
		return dkim_sign_claim(octets, out, e);
	rc = arc_seal_claim(octets, &arc, e);
	if (rc == 0)
		*out = (struct dkim_sign_claim){
			.algorithm = arc.algorithm, .domain = arc.domain, .selector = arc.selector, .made = arc.made
		};
	return rc;
}

int
keys_dkim_sign(const struct keys_dkim *k, enum keys_dkim_use use, struct slice octets, uint64_t now, struct buf *out,
    struct error *e)
{
	uint8_t digest[HASH_SIZE_MAX];
	struct dkim_sign_claim claim;
	int rc = keys_dkim_claim(use, octets, &claim, e);

	if (rc != 0)
		return rc;
	if (!slice_ieq(claim.domain, k->domain) || !slice_ieq(claim.selector, k->selector) ||
	    claim.algorithm != keys_dkim_algorithm(k))
		return error_set(e, ERR_DENIED, "the signature would claim to be another key's");
	if (claim.made > now + KEYS_DKIM_SKEW_SECONDS || claim.made + KEYS_DKIM_SKEW_SECONDS < now)
		return error_set(e, ERR_DENIED, "the signature would say that it was made at another time");
	rc = hash_once(HASH_SHA256, octets, digest, e);
	return rc != 0 ? rc : pem_secret_sign(k->key, slice_of(digest, hash_size(HASH_SHA256)), out, e);
}
