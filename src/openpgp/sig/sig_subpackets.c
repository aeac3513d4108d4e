/* SPDX-License-Identifier: ISC */
/* What the subpackets of a signature say (RFC 9580 sections 5.2.3.7 to 5.2.3.36). */
#include <string.h>

#include "base/reader.h"
#include "openpgp/sig/sig_internal.h"

#define NOTATION_READABLE 0x80u /* in the first of four octets of flags */
#define REVOKER_CLASS 0x80u
#define REVOKER_SENSITIVE 0x40u

static uint32_t
be32(struct slice s)
{
	return (uint32_t)s.data[0] << 24 | (uint32_t)s.data[1] << 16 | (uint32_t)s.data[2] << 8 | s.data[3];
}

static uint64_t
be64(struct slice s)
{
	return (uint64_t)be32(s) << 32 | be32(slice_from(s, 4));
}

/* Flags come lowest octet first and may be of any length. */
static uint32_t
flags_of(struct slice s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < s.len && i < 4; i++)
		v |= (uint32_t)s.data[i] << 8 * i;
	return v;
}

bool
pgp_subpacket_next(struct slice area, size_t *at, struct pgp_subpacket *out)
{
	struct reader r = reader_of(slice_from(area, *at));
	uint32_t len;
	uint8_t first;

	if (*at >= area.len)
		return false;
	first = reader_get_u8(&r);
	if (first < 192)
		len = first;
	else if (first < 255)
		len = (uint32_t)(first - 192) * 256 + reader_get_u8(&r) + 192;
	else
		len = reader_get_u32(&r);
	if (r.err != 0 || len == 0 || len > reader_left(&r))
		return false;
	first = reader_get_u8(&r);
	out->type = first & 0x7f;
	out->critical = (first & 0x80) != 0;
	out->body = reader_get(&r, len - 1);
	*at += r.at;
	return true;
}

/* Version and fingerprint: false when their lengths do not go together. */
static bool
fpr_of(struct slice body, struct pgp_fingerprint *out)
{
	static const uint8_t sizes[] = { 0, 0, 0, 16, 20, 32, 32 };
	uint8_t version = body.len == 0 ? 0 : body.data[0];
	size_t want = version < sizeof sizes ? sizes[version] : 0;

	if (want == 0 || body.len != want + 1)
		return false;
	out->len = (uint8_t)want;
	memcpy(out->bytes, body.data + 1, want);
	return true;
}

static bool
notation_of(const struct pgp_subpacket *p, struct pgp_notation *out)
{
	struct reader r = reader_of(p->body);
	struct slice flags = reader_get(&r, 4);
	size_t name = reader_get_u16(&r), value = reader_get_u16(&r);

	out->name = reader_get(&r, name);
	out->value = reader_get(&r, value);
	if (r.err != 0 || reader_left(&r) != 0)
		return false;
	out->readable = (flags.data[0] & NOTATION_READABLE) != 0;
	out->critical = p->critical;
	return true;
}

/* Without the zero octet behind it, which must be there (section 5.2.3.22). */
static bool
regex_of(struct slice body, struct slice *out)
{
	if (body.len == 0 || body.data[body.len - 1] != 0)
		return false;
	*out = slice_sub(body, 0, body.len - 1);
	return slice_find(*out, 0) == SIZE_MAX;
}

static bool
revoker_of(struct slice body, struct pgp_fingerprint *out, uint8_t *algorithm, bool *sensitive)
{
	if ((body.len != 22 && body.len != 34) || (body.data[0] & REVOKER_CLASS) == 0)
		return false;
	*sensitive = (body.data[0] & REVOKER_SENSITIVE) != 0;
	*algorithm = body.data[1];
	out->len = (uint8_t)(body.len - 2);
	memcpy(out->bytes, body.data + 2, out->len);
	return true;
}

/* ---- one reader a subpacket type; false: malformed, and the signature with it ---- */

typedef bool subpacket_get(struct pgp_sig *s, const struct pgp_subpacket *p);

static bool
get_created(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_created = true;
	s->created = be32(p->body);
	return true;
}

static bool
get_expires(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->expires = be32(p->body);
	return true;
}

static bool
get_exportable(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->exportable = p->body.data[0] != 0;
	return true;
}

static bool
get_revocable(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->revocable = p->body.data[0] != 0;
	return true;
}

static bool
get_trust(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_trust = true;
	s->trust_depth = p->body.data[0];
	s->trust_amount = p->body.data[1];
	return true;
}

/* Malformed it is passed over, unless it is critical: the one subpacket of which the RFC says so. */
static bool
get_regex(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct slice regex;

	if (!regex_of(p->body, &regex))
		return !p->critical;
	s->regex_count++;
	return true;
}

static bool
get_key_expires(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_key_expires = true;
	s->key_expires = be32(p->body);
	return true;
}

static bool
get_revoker(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct pgp_fingerprint f;
	uint8_t algorithm;
	bool sensitive;

	if (p->body.len != 22 && p->body.len != 34)
		return false;
	s->revoker_count += revoker_of(p->body, &f, &algorithm, &sensitive);
	return true;
}

static bool
get_notation(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct pgp_notation n;

	if (!notation_of(p, &n))
		return false;
	s->notation_count++;
	return true;
}

static bool
get_keyserver_preferences(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->keyserver_preferences = flags_of(p->body);
	return true;
}

static bool
get_primary(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->primary_user_id = p->body.data[0] != 0;
	return true;
}

static bool
get_key_flags(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_key_flags = true;
	s->key_flags = flags_of(p->body);
	return true;
}

static bool
get_reason(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_reason = true;
	s->reason = p->body.data[0];
	s->reason_text = slice_from(p->body, 1);
	return true;
}

static bool
get_features(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	s->has_features = true;
	s->features = flags_of(p->body);
	return true;
}

static bool
get_target(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	size_t size = pgp_hash_size(p->body.data[1]);

	if (size != 0 && p->body.len != size + 2)
		return false;
	s->has_target = true;
	s->target_algorithm = p->body.data[0];
	s->target_hash = p->body.data[1];
	s->target_digest = slice_from(p->body, 2);
	return true;
}

/* Its version is the signature's own, or the signature is malformed (section 5.2.3.35). */
static bool
get_issuer_fingerprint(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	return p->body.data[0] == s->version;
}

static bool
get_recipient(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct pgp_fingerprint f;

	s->recipient_count += fpr_of(p->body, &f);
	return true;
}

static bool
get_attested(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	size_t size = pgp_hash_size(s->hash);

	if (size != 0 && p->body.len % size != 0)
		return false;
	s->attested = p->body;
	return true;
}

/* Lists and texts: where in struct pgp_sig they go. */
static bool
get_text(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct slice *const places[PGP_SUB_PREFERRED_AEAD + 1] = {
		[PGP_SUB_PREFERRED_CIPHERS] = &s->preferred_ciphers,
		[PGP_SUB_PREFERRED_HASHES] = &s->preferred_hashes,
		[PGP_SUB_PREFERRED_COMPRESSION] = &s->preferred_compression,
		[PGP_SUB_PREFERRED_AEAD] = &s->preferred_aead,
		[PGP_SUB_PREFERRED_KEYSERVER] = &s->preferred_keyserver,
		[PGP_SUB_POLICY_URI] = &s->policy_uri,
		[PGP_SUB_SIGNER_USER_ID] = &s->signer_user_id,
		[PGP_SUB_KEY_BLOCK] = &s->key_block,
	};

	*places[p->type] = p->body;
	return true;
}

/* The subpackets that we know: a critical one that is not here, or any of a wrong length, makes the signature invalid. */
static const struct known {
	uint8_t type;
	uint8_t len_min;
	uint8_t len_max; /* 0: any */
	subpacket_get *get;
} known[] = {
	{ PGP_SUB_CREATED, 4, 4, get_created },
	{ PGP_SUB_SIG_EXPIRES, 4, 4, get_expires },
	{ PGP_SUB_EXPORTABLE, 1, 1, get_exportable },
	{ PGP_SUB_TRUST, 2, 2, get_trust },
	{ PGP_SUB_REGEX, 0, 0, get_regex },
	{ PGP_SUB_REVOCABLE, 1, 1, get_revocable },
	{ PGP_SUB_KEY_EXPIRES, 4, 4, get_key_expires },
	{ PGP_SUB_PREFERRED_CIPHERS, 0, 0, get_text },
	{ PGP_SUB_REVOCATION_KEY, 22, 34, get_revoker },
	{ PGP_SUB_ISSUER, 8, 8, NULL },
	{ PGP_SUB_NOTATION, 8, 0, get_notation },
	{ PGP_SUB_PREFERRED_HASHES, 0, 0, get_text },
	{ PGP_SUB_PREFERRED_COMPRESSION, 0, 0, get_text },
	{ PGP_SUB_KEYSERVER_PREFERENCES, 0, 0, get_keyserver_preferences },
	{ PGP_SUB_PREFERRED_KEYSERVER, 0, 0, get_text },
	{ PGP_SUB_PRIMARY_USER_ID, 1, 1, get_primary },
	{ PGP_SUB_POLICY_URI, 0, 0, get_text },
	{ PGP_SUB_KEY_FLAGS, 0, 0, get_key_flags },
	{ PGP_SUB_SIGNER_USER_ID, 0, 0, get_text },
	{ PGP_SUB_REVOCATION_REASON, 1, 0, get_reason },
	{ PGP_SUB_FEATURES, 0, 0, get_features },
	{ PGP_SUB_TARGET, 2, 0, get_target },
	{ PGP_SUB_EMBEDDED, 0, 0, NULL },
	{ PGP_SUB_ISSUER_FINGERPRINT, 17, 33, get_issuer_fingerprint },
	{ PGP_SUB_LIBRE_AEAD, 0, 0, NULL },
	{ PGP_SUB_INTENDED_RECIPIENT, 17, 33, get_recipient },
	{ PGP_SUB_ATTESTED, 0, 0, get_attested },
	{ PGP_SUB_KEY_BLOCK, 0, 0, get_text },
	{ PGP_SUB_PREFERRED_AEAD, 0, 0, get_text },
};

static const struct known *
find_known(uint8_t type)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].type == type)
			return &known[i];
	return NULL;
}

/* Criticality is of that notation, not of notations in general (section 5.2.3.24). */
static bool
is_unknown_notation(const struct pgp_subpacket *p, const struct pgp_knowing *knowing)
{
	struct pgp_notation n;

	if (p->type != PGP_SUB_NOTATION || !p->critical || !notation_of(p, &n))
		return false;
	for (size_t i = 0; i < knowing->count; i++)
		if (slice_eq(n.name, knowing->notations[i]))
			return false;
	return true;
}

static void
take_hashed(struct pgp_sig *s, const struct pgp_subpacket *p, const struct pgp_knowing *knowing)
{
	const struct known *k = find_known(p->type);

	if (k == NULL) {
		if (p->critical)
			s->invalid = "it has an unknown critical subpacket";
	} else if (p->body.len < k->len_min || (k->len_max != 0 && p->body.len > k->len_max)) {
		s->invalid = "a subpacket has a wrong length";
	} else if (is_unknown_notation(p, knowing)) {
		s->invalid = "it has an unknown critical notation";
	} else if (k->get != NULL && !k->get(s, p)) {
		s->invalid = p->type == PGP_SUB_ISSUER_FINGERPRINT ? "its issuer's version is not its own"
								   : "a subpacket is malformed";
	}
}

static bool
is_back_signature(const struct pgp_subpacket *p)
{
	return p->type == PGP_SUB_EMBEDDED && p->body.len > 2 && p->body.data[0] >= 4 &&
	    p->body.data[1] == PGP_SIG_PRIMARY_BINDING;
}

/* Issuer and back signature: from either area, because each proves itself or is only a hint. */
static void
take_hint(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	struct pgp_fingerprint f;

	if (p->type == PGP_SUB_ISSUER && p->body.len == 8) {
		s->issuer = s->has_issuer ? s->issuer : be64(p->body);
		s->has_issuer = true;
		s->issuer_count++;
	} else if (p->type == PGP_SUB_ISSUER_FINGERPRINT && fpr_of(p->body, &f)) {
		if (s->issuer_fpr.len == 0)
			s->issuer_fpr = f;
		s->issuer_count++;
	} else if (is_back_signature(p)) {
		if (s->embedded_count++ == 0)
			s->embedded = p->body;
	}
}

void
pgp_sig_take_area(struct pgp_sig *s, struct slice area, bool is_hashed, const struct pgp_knowing *knowing)
{
	struct pgp_subpacket p;
	size_t at = 0, count = 0;

	while (pgp_subpacket_next(area, &at, &p)) {
		if (++count > PGP_SUBPACKETS_MAX) {
			s->invalid = "it has too many subpackets";
			return;
		}
		if (is_hashed)
			take_hashed(s, &p, knowing);
		take_hint(s, &p);
	}
	if (at != area.len && is_hashed)
		s->invalid = "its subpackets are malformed";
}

/* ---- what may stand several times ---- */

typedef bool subpacket_is(const struct pgp_subpacket *p, void *out);

static bool
nth(struct slice area, subpacket_is *is, size_t *n, void *out)
{
	struct pgp_subpacket p;
	size_t at = 0;

	while (pgp_subpacket_next(area, &at, &p))
		if (is(&p, out) && (*n)-- == 0)
			return true;
	return false;
}

static bool
is_recipient(const struct pgp_subpacket *p, void *out)
{
	return p->type == PGP_SUB_INTENDED_RECIPIENT && fpr_of(p->body, out);
}

bool
pgp_sig_recipient(const struct pgp_sig *s, size_t n, struct pgp_fingerprint *out)
{
	return nth(s->hashed, is_recipient, &n, out);
}

static bool
is_notation(const struct pgp_subpacket *p, void *out)
{
	return p->type == PGP_SUB_NOTATION && notation_of(p, out);
}

bool
pgp_sig_notation(const struct pgp_sig *s, size_t n, struct pgp_notation *out)
{
	return nth(s->hashed, is_notation, &n, out);
}

static bool
is_regex(const struct pgp_subpacket *p, void *out)
{
	return p->type == PGP_SUB_REGEX && regex_of(p->body, out);
}

bool
pgp_sig_regex(const struct pgp_sig *s, size_t n, struct slice *out)
{
	return nth(s->hashed, is_regex, &n, out);
}

static bool
is_embedded(const struct pgp_subpacket *p, void *out)
{
	if (!is_back_signature(p))
		return false;
	*(struct slice *)out = p->body;
	return true;
}

bool
pgp_sig_embedded(const struct pgp_sig *s, size_t n, struct slice *out)
{
	return nth(s->hashed, is_embedded, &n, out) || nth(s->unhashed, is_embedded, &n, out);
}

struct revoker {
	struct pgp_fingerprint fpr;
	uint8_t algorithm;
	bool sensitive;
};

static bool
is_revoker(const struct pgp_subpacket *p, void *out)
{
	struct revoker *r = out;

	return p->type == PGP_SUB_REVOCATION_KEY && revoker_of(p->body, &r->fpr, &r->algorithm, &r->sensitive);
}

bool
pgp_sig_revoker(const struct pgp_sig *s, size_t n, struct pgp_fingerprint *out, uint8_t *algorithm, bool *sensitive)
{
	struct revoker r = { .sensitive = false };

	if (!nth(s->hashed, is_revoker, &n, &r))
		return false;
	*out = r.fpr;
	*algorithm = r.algorithm;
	*sensitive = r.sensitive;
	return true;
}

/* ---- issuers ---- */

/* Asked of every key of a keyring: hence the bounds. */
static bool
names(struct slice area, const struct pgp_key *key)
{
	struct pgp_subpacket p;
	struct pgp_fingerprint f;
	size_t at = 0, issuers = 0;

	for (size_t i = 0; i < PGP_SUBPACKETS_MAX && issuers < PGP_ISSUERS_MAX && pgp_subpacket_next(area, &at, &p);
	     i++) {
		if (p.type == PGP_SUB_ISSUER && p.body.len == 8) {
			if (be64(p.body) == key->key_id)
				return true;
			issuers++;
		} else if (p.type == PGP_SUB_ISSUER_FINGERPRINT && fpr_of(p.body, &f)) {
			if (pgp_fingerprint_eq(&f, &key->fingerprint))
				return true;
			issuers++;
		}
	}
	return false;
}

bool
pgp_sig_may_be_from(const struct pgp_sig *s, const struct pgp_key *key)
{
	size_t seen = (size_t)s->has_issuer + (s->issuer_fpr.len != 0);

	if (seen == 0)
		return true;
	if (s->issuer_fpr.len != 0 && pgp_fingerprint_eq(&s->issuer_fpr, &key->fingerprint))
		return true;
	/* Zero is the wildcard of anonymous signers. */
	if (s->has_issuer && (s->issuer == key->key_id || (s->issuer == 0 && s->issuer_fpr.len == 0)))
		return true;
	return s->issuer_count > seen && (names(s->hashed, key) || names(s->unhashed, key));
}
