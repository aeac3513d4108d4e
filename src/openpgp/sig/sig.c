/* SPDX-License-Identifier: ISC */
/* Reading a signature packet: its frame (RFC 9580 sections 5.2.2 and 5.2.3). */
#include <string.h>

#include "base/reader.h"
#include "openpgp/sig/sig_internal.h"

/* Version 2 is PGP 2's name for the same. */
static int
parse_v3(struct reader *r, struct pgp_sig *s)
{
	if (reader_get_u8(r) != 5)
		return ERR_SYNTAX;
	s->prefix = slice_sub(r->in, r->at, 5);
	s->type = reader_get_u8(r);
	s->has_created = true;
	s->created = reader_get_u32(r);
	s->has_issuer = true;
	s->issuer = reader_get_u64(r);
	s->issuer_count = 1;
	s->algorithm = reader_get_u8(r);
	s->hash = reader_get_u8(r);
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

/* Which keys and types a version 3 signature may be of (sections 5.2.1.3 and 5.2.3.2 to 5.2.3.5). */
static const char *
v3_invalid(const struct pgp_sig *s)
{
	static const uint8_t algorithms[] = { PGP_RSA, PGP_RSA_SIGN, PGP_DSA };

	if (memchr(algorithms, s->algorithm, sizeof algorithms) == NULL)
		return "a signature of version 3 is never of this algorithm";
	if (s->type == PGP_SIG_STANDALONE)
		return "a standalone signature is never of version 3";
	return NULL;
}

static void
take_meaning(struct pgp_sig *s, const struct pgp_knowing *knowing)
{
	const char *why = NULL;

	if (s->version <= 3) {
		why = v3_invalid(s);
	} else {
		/* Hashed first, so that its issuers go before unhashed ones. */
		pgp_sig_take_area(s, s->hashed, true, knowing);
		pgp_sig_take_area(s, s->unhashed, false, knowing);
		if (!s->has_created)
			why = "it does not say when it was made";
	}
	/* No length at all: hashes that version 6 must not use have none (table 23). */
	if (s->version == 6 && (s->salt.len == 0 || s->salt.len != pgp_hash_salt_size(s->hash)))
		why = "its salt has a wrong length for its hash";
	if (s->type == PGP_SIG_RESERVED)
		why = "its type is reserved";
	if (s->invalid == NULL)
		s->invalid = why;
}

int
pgp_sig_parse_knowing(
    struct slice body, const struct slice *notations, size_t count, struct pgp_sig *out, struct error *e)
{
	const struct pgp_knowing knowing = { notations, count };
	struct reader r = reader_of(body);
	struct pgp_sig s = { .body = body, .exportable = true, .revocable = true };
	struct slice left;

	if (body.len > PGP_SIG_BODY_MAX)
		return error_set(e, ERR_LIMIT, "signature packet of %zu octets", body.len);
	s.version = reader_get_u8(&r);
	if (r.err == 0 && (s.version < 2 || s.version > 6))
		return error_set(e, ERR_UNSUPPORTED, "signature of version %u: only 3 to 6 are understood", s.version);
	if (s.version >= 4)
		parse_v4(&r, &s);
	else if (parse_v3(&r, &s) != 0 && r.err == 0)
		return error_set(e, ERR_SYNTAX, "malformed version 3 signature");
	left = reader_get(&r, 2);
	if (s.version == 6)
		s.salt = reader_get(&r, reader_get_u8(&r));
	s.material = reader_rest(&r);
	if (r.err != 0)
		return error_set(e, ERR_TRUNCATED, "signature packet is cut short");
	memcpy(s.left16, left.data, 2);
	take_meaning(&s, &knowing);
	*out = s;
	return 0;
}

int
pgp_sig_parse(struct slice body, struct pgp_sig *out, struct error *e)
{
	return pgp_sig_parse_knowing(body, NULL, 0, out, e);
}
