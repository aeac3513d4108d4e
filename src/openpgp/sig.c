/* SPDX-License-Identifier: ISC */
/* Reading a signature packet and its subpackets. */
#include "openpgp/sig.h"

#include <string.h>

#include "base/reader.h"

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

/* ---- one reader a subpacket type ---- */

typedef void subpacket_get(struct pgp_sig *s, struct slice body);

static void
get_created(struct pgp_sig *s, struct slice body)
{
	s->has_created = true;
	s->created = be32(body);
}

static void
get_expires(struct pgp_sig *s, struct slice body)
{
	s->expires = be32(body);
}

static void
get_exportable(struct pgp_sig *s, struct slice body)
{
	s->exportable = body.data[0] != 0;
}

static void
get_key_expires(struct pgp_sig *s, struct slice body)
{
	s->has_key_expires = true;
	s->key_expires = be32(body);
}

static void
get_ciphers(struct pgp_sig *s, struct slice body)
{
	s->preferred_ciphers = body;
}

static void
get_hashes(struct pgp_sig *s, struct slice body)
{
	s->preferred_hashes = body;
}

static void
get_aead(struct pgp_sig *s, struct slice body)
{
	s->preferred_aead = body;
}

static void
get_primary(struct pgp_sig *s, struct slice body)
{
	s->primary_user_id = body.data[0] != 0;
}

static void
get_key_flags(struct pgp_sig *s, struct slice body)
{
	s->has_key_flags = true;
	s->key_flags = flags_of(body);
}

static void
get_signer(struct pgp_sig *s, struct slice body)
{
	s->signer_user_id = body;
}

static void
get_reason(struct pgp_sig *s, struct slice body)
{
	s->has_reason = true;
	s->reason = body.data[0];
	s->reason_text = slice_from(body, 1);
}

static void
get_features(struct pgp_sig *s, struct slice body)
{
	s->has_features = true;
	s->features = flags_of(body);
}

static void
get_recipient(struct pgp_sig *s, struct slice body)
{
	(void)body;
	s->recipient_count++;
}

/* The subpackets that we know: a critical one that is not here, or of a wrong length, makes the signature invalid. */
static const struct known {
	uint8_t type;
	uint8_t len_min;
	uint8_t len_max; /* 0: any */
	subpacket_get *get;
} known[] = {
	{ PGP_SUB_CREATED, 4, 4, get_created },
	{ PGP_SUB_SIG_EXPIRES, 4, 4, get_expires },
	{ PGP_SUB_EXPORTABLE, 1, 1, get_exportable },
	{ PGP_SUB_TRUST, 2, 2, NULL },
	{ PGP_SUB_REGEX, 0, 0, NULL },
	{ PGP_SUB_REVOCABLE, 1, 1, NULL },
	{ PGP_SUB_KEY_EXPIRES, 4, 4, get_key_expires },
	{ PGP_SUB_PREFERRED_CIPHERS, 0, 0, get_ciphers },
	{ PGP_SUB_REVOCATION_KEY, 22, 22, NULL },
	{ PGP_SUB_ISSUER, 8, 8, NULL },
	{ PGP_SUB_PREFERRED_HASHES, 0, 0, get_hashes },
	{ PGP_SUB_PREFERRED_COMPRESSION, 0, 0, NULL },
	{ PGP_SUB_KEYSERVER_PREFERENCES, 0, 0, NULL },
	{ PGP_SUB_PREFERRED_KEYSERVER, 0, 0, NULL },
	{ PGP_SUB_PRIMARY_USER_ID, 1, 1, get_primary },
	{ PGP_SUB_POLICY_URI, 0, 0, NULL },
	{ PGP_SUB_KEY_FLAGS, 0, 0, get_key_flags },
	{ PGP_SUB_SIGNER_USER_ID, 0, 0, get_signer },
	{ PGP_SUB_REVOCATION_REASON, 1, 0, get_reason },
	{ PGP_SUB_FEATURES, 0, 0, get_features },
	{ PGP_SUB_TARGET, 3, 0, NULL },
	{ PGP_SUB_EMBEDDED, 0, 0, NULL },
	{ PGP_SUB_ISSUER_FINGERPRINT, 17, 33, NULL },
	{ PGP_SUB_INTENDED_RECIPIENT, 17, 33, get_recipient },
	{ PGP_SUB_PREFERRED_AEAD, 0, 0, get_aead },
};

static const struct known *
find_known(uint8_t type)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].type == type)
			return &known[i];
	return NULL;
}

static bool
fpr_of(struct slice body, struct pgp_fingerprint *out)
{
	size_t want = body.len == 0 ? 0 : body.data[0] == 6 ? 32 : body.data[0] == 4 ? 20 : 0;

	if (want == 0 || body.len != want + 1)
		return false;
	out->len = (uint8_t)want;
	memcpy(out->bytes, body.data + 1, want);
	return true;
}

/* Issuer and back signature: from either area, because each proves itself or is only a hint. */
static void
take_hint(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	if (p->type == PGP_SUB_ISSUER && p->body.len == 8 && !s->has_issuer) {
		s->has_issuer = true;
		s->issuer = be64(p->body);
	} else if (p->type == PGP_SUB_ISSUER_FINGERPRINT && s->issuer_fpr.len == 0) {
		(void)fpr_of(p->body, &s->issuer_fpr);
	} else if (p->type == PGP_SUB_EMBEDDED && s->embedded.len == 0 && p->body.len > 2 &&
	    p->body.data[1] == PGP_SIG_PRIMARY_BINDING) {
		s->embedded = p->body;
	}
}

static void
take_hashed(struct pgp_sig *s, const struct pgp_subpacket *p)
{
	const struct known *k = find_known(p->type);

	if (k == NULL) {
		/* Notations: we know none, so a critical one is unknown as well. */
		if (p->critical)
			s->invalid = p->type == PGP_SUB_NOTATION ? "it has an unknown critical notation"
								 : "it has an unknown critical subpacket";
		return;
	}
	if (p->body.len < k->len_min || (k->len_max != 0 && p->body.len > k->len_max)) {
		s->invalid = "a subpacket has a wrong length";
		return;
	}
	if (k->get != NULL)
		k->get(s, p->body);
}

static void
walk(struct pgp_sig *s, struct slice area, bool is_hashed)
{
	struct pgp_subpacket p;
	size_t at = 0, count = 0;

	while (pgp_subpacket_next(area, &at, &p)) {
		if (++count > PGP_SUBPACKETS_MAX) {
			s->invalid = "it has too many subpackets";
			return;
		}
		if (is_hashed)
			take_hashed(s, &p);
		take_hint(s, &p);
	}
	if (at != area.len && is_hashed)
		s->invalid = "its subpackets are malformed";
}

static int
parse_v3(struct reader *r, struct pgp_sig *s)
{
	if (reader_get_u8(r) != 5)
		return ERR_SYNTAX;
	s->prefix = slice_sub(r->in, r->at, 5);
	s->type = reader_get_u8(r);
	s->created = reader_get_u32(r);
	s->has_issuer = true;
	s->issuer = reader_get_u64(r);
	s->algorithm = reader_get_u8(r);
	s->hash = reader_get_u8(r);
	s->invalid = "it is of version 3, which is no longer accepted";
	return 0;
}

static struct slice
get_area(struct reader *r, uint8_t version)
{
	return reader_get(r, version == 6 ? reader_get_u32(r) : reader_get_u16(r));
}

static void
parse_v4(struct reader *r, struct pgp_sig *s)
{
	s->type = reader_get_u8(r);
	s->algorithm = reader_get_u8(r);
	s->hash = reader_get_u8(r);
	s->hashed = get_area(r, s->version);
	s->prefix = slice_sub(r->in, 0, r->at);
	s->unhashed = get_area(r, s->version);
}

int
pgp_sig_parse(struct slice body, struct pgp_sig *out, struct error *e)
{
	struct reader r = reader_of(body);
	struct pgp_sig s = { .body = body, .exportable = true };
	struct slice left;

	if (body.len > PGP_SIG_BODY_MAX)
		return error_set(e, ERR_LIMIT, "signature packet of %zu octets", body.len);
	s.version = reader_get_u8(&r);
	if (s.version == 3 && parse_v3(&r, &s) != 0)
		return error_set(e, ERR_SYNTAX, "malformed version 3 signature");
	if (s.version == 4 || s.version == 6)
		parse_v4(&r, &s);
	else if (s.version != 3)
		return error_set(e, ERR_UNSUPPORTED, "signature of version %u: only 4 and 6 are understood", s.version);
	left = reader_get(&r, 2);
	if (s.version == 6)
		s.salt = reader_get(&r, reader_get_u8(&r));
	s.material = reader_rest(&r);
	if (r.err != 0)
		return error_set(e, ERR_TRUNCATED, "signature packet is cut short");
	memcpy(s.left16, left.data, 2);
	if (s.version != 3) {
		/* Hashed first, so that its issuer goes before an unhashed one. */
		walk(&s, s.hashed, true);
		walk(&s, s.unhashed, false);
		if (!s.has_created && s.invalid == NULL)
			s.invalid = "it does not say when it was made";
	}
	if (s.version == 6 && s.salt.len != pgp_hash_salt_size(s.hash) && s.invalid == NULL)
		s.invalid = "its salt has a wrong length";
	*out = s;
	return 0;
}

bool
pgp_sig_recipient(const struct pgp_sig *s, size_t n, struct pgp_fingerprint *out)
{
	struct pgp_subpacket p;
	size_t at = 0;

	while (pgp_subpacket_next(s->hashed, &at, &p))
		if (p.type == PGP_SUB_INTENDED_RECIPIENT && n-- == 0)
			return fpr_of(p.body, out);
	return false;
}

bool
pgp_sig_may_be_from(const struct pgp_sig *s, const struct pgp_key *key)
{
	if (s->issuer_fpr.len != 0)
		return pgp_fingerprint_eq(&s->issuer_fpr, &key->fingerprint);
	/* Zero is the wildcard of anonymous signers. */
	return !s->has_issuer || s->issuer == 0 || s->issuer == key->key_id;
}
