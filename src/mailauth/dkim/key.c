/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/key.h"

#include "base/base64.h"
#include "crypto/rsa_der.h"
#include "crypto/sign.h"
#include "mailauth/dkim/tags.h"

static const char *const algorithm_names[] = {
	[DKIM_RSA_SHA256] = "rsa-sha256",
	[DKIM_ED25519_SHA256] = "ed25519-sha256",
	[DKIM_RSA_SHA1] = "rsa-sha1",
};

const char *
dkim_algorithm_name(enum dkim_algorithm a)
{
	return algorithm_names[a];
}

bool
dkim_algorithm_of(struct slice text, enum dkim_algorithm *out)
{
	for (size_t i = 0; i < sizeof algorithm_names / sizeof algorithm_names[0]; i++) {
		if (slice_ieq_str(text, algorithm_names[i])) {
			*out = (enum dkim_algorithm)i;
			return true;
		}
	}
	return false;
}

/* Whether a colon-separated list has one of these; a tag that is not there permits all. */
static bool
lists(const struct mailauth_tags *t, const char *name, const char *one, const char *other)
{
	const struct slice *value = mailauth_tags_find(t, name);
	struct slice rest = value == NULL ? SLICE_EMPTY : *value, item;

	while (mailauth_tags_item(&rest, ':', &item))
		if (slice_ieq_str(item, one) || slice_ieq_str(item, other))
			return true;
	return false;
}

static bool
permits(const struct mailauth_tags *t, const char *name, const char *one, const char *other)
{
	return mailauth_tags_find(t, name) == NULL || lists(t, name, one, other);
}

/* v= must be the first one, and k= one of ours. */
static int
take_kind(const struct mailauth_tags *t, struct dkim_key *out, struct error *e)
{
	const struct slice *version = mailauth_tags_find(t, "v"), *kind = mailauth_tags_find(t, "k");

	if (version != NULL && (version != &t->tags[0].value || !slice_eq(*version, SLICE("DKIM1"))))
		return error_set(e, ERR_UNSUPPORTED, "The key record is not one of DKIM1.");
	out->ed25519 = kind != NULL && slice_ieq_str(*kind, "ed25519");
	if (kind != NULL && !out->ed25519 && !slice_ieq_str(*kind, "rsa"))
		return error_set(e, ERR_UNSUPPORTED, "The key is of a kind that nobody knows here.");
	return 0;
}

static int
take_octets(struct dkim_key *out, struct error *e)
{
	struct slice octets = buf_slice(&out->octets);

	if (!out->ed25519)
		return rsa_der_parse(octets, &out->rsa, e);
	if (octets.len != sign_key_size(SIGN_ED25519))
		return error_set(e, ERR_SYNTAX, "An Ed25519 key has 32 octets, this one %zu.", octets.len);
	out->public_key = octets;
	return 0;
}

int
dkim_key_parse(struct slice record, struct dkim_key *out, struct error *e)
{
	struct mailauth_tags t;
	const struct slice *p;
	int rc;

	*out = (struct dkim_key){ 0 };
	buf_init(&out->octets, MAILAUTH_TAG_LIST_MAX);
	if ((rc = mailauth_tags_parse(record, &t, e)) != 0 || (rc = take_kind(&t, out, e)) != 0)
		return rc;
	out->sha256 = permits(&t, "h", "sha256", "sha256");
	out->email = permits(&t, "s", "email", "*");
	out->testing = lists(&t, "t", "y", "y");
	out->strict = lists(&t, "t", "s", "s");
	if ((p = mailauth_tags_find(&t, "p")) == NULL)
		return error_set(e, ERR_SYNTAX, "The key record has no p=.");
	out->revoked = p->len == 0;
	rc = mailauth_tags_base64(*p, &out->octets, e);
	return rc != 0 || out->revoked ? rc : take_octets(out, e);
}

void
dkim_key_done(struct dkim_key *k)
{
	buf_done(&k->octets);
}

size_t
dkim_key_bits(const struct dkim_key *k)
{
	if (k->revoked)
		return 0;
	return k->ed25519 ? 256 : rsa_bits(&k->rsa);
}

static int
check_strength(const struct dkim_key *k, enum dkim_algorithm a, struct error *e)
{
	size_t bits = dkim_key_bits(k);

	if (k->revoked)
		return error_set(e, ERR_UNSUPPORTED, "The key was revoked.");
	if (a == DKIM_RSA_SHA1)
		return error_set(e, ERR_POLICY, "It is made with SHA-1, which proves nothing any more (RFC 8301).");
	if (k->ed25519 != (a == DKIM_ED25519_SHA256))
		return error_set(e, ERR_UNSUPPORTED, "The key is of another kind than the signature.");
	if (!k->ed25519 && (bits < MAILAUTH_DKIM_RSA_BITS_MIN || bits > MAILAUTH_DKIM_RSA_BITS_MAX))
		return error_set(e, ERR_POLICY, "RSA keys from %u to %u bits are accepted; this one has %zu.",
		    MAILAUTH_DKIM_RSA_BITS_MIN, MAILAUTH_DKIM_RSA_BITS_MAX, bits);
	return 0;
}

int
dkim_key_verify(
    const struct dkim_key *k, enum dkim_algorithm a, struct slice octets, struct slice signature, struct error *e)
{
	uint8_t digest[HASH_SIZE_MAX];
	struct slice hashed = slice_of(digest, hash_size(HASH_SHA256));
	int rc = check_strength(k, a, e);

	if (rc == 0)
		rc = hash_once(HASH_SHA256, octets, digest, e);
	if (rc != 0)
		return rc;
	if (!k->ed25519 && signature.len != k->rsa.n.len)
		return error_set(
		    e, ERR_SYNTAX, "The signature has %zu octets, the key's modulus %zu.", signature.len, k->rsa.n.len);
	return k->ed25519 ? sign_verify(SIGN_ED25519, k->public_key, hashed, signature, e)
			  : rsa_verify(&k->rsa, HASH_SHA256, hashed, signature, e);
}

int
dkim_key_write(bool ed25519, struct slice public_key, struct buf *out)
{
	(void)buf_putf(out, "v=DKIM1; k=%s; p=", ed25519 ? "ed25519" : "rsa");
	return base64_write(out, public_key);
}

int
dkim_key_name(struct slice selector, struct slice domain, struct buf *out)
{
	(void)buf_put_slice(out, selector);
	(void)buf_put_str(out, "._domainkey.");
	return buf_put_slice(out, domain);
}
