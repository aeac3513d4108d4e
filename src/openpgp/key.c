/* SPDX-License-Identifier: ISC */
/* The public side of a key packet: its frame, its values, its fingerprint. */
#include "openpgp/key.h"

#include <string.h>

#include "base/hex.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "openpgp/mpi.h"

/* Fields of the public part: m an MPI, o a curve's OID, k KDF parameters; or a fixed number of octets. */
static const struct layout {
	uint8_t algorithm;
	uint8_t octets;
	const char *fields;
} layouts[] = {
	{ PGP_RSA, 0, "mm" },
	{ PGP_RSA_ENCRYPT, 0, "mm" },
	{ PGP_RSA_SIGN, 0, "mm" },
	{ PGP_ELGAMAL, 0, "mmm" },
	{ PGP_DSA, 0, "mmmm" },
	{ PGP_ECDH, 0, "omk" },
	{ PGP_ECDSA, 0, "om" },
	{ PGP_EDDSA_LEGACY, 0, "om" },
	{ PGP_X25519, 32, "" },
	{ PGP_X448, 56, "" },
	{ PGP_ED25519, 32, "" },
	{ PGP_ED448, 57, "" },
};

static const struct curve {
	uint8_t id;
	uint16_t bits;
	uint8_t oid_len;
	uint8_t oid[10];
} curves[] = {
	{ PGP_CURVE_P256, 256, 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 } },
	{ PGP_CURVE_P384, 384, 5, { 0x2b, 0x81, 0x04, 0x00, 0x22 } },
	{ PGP_CURVE_P521, 521, 5, { 0x2b, 0x81, 0x04, 0x00, 0x23 } },
	{ PGP_CURVE_BRAINPOOL256, 256, 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 } },
	{ PGP_CURVE_BRAINPOOL384, 384, 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b } },
	{ PGP_CURVE_BRAINPOOL512, 512, 9, { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d } },
	{ PGP_CURVE_ED25519_LEGACY, 255, 9, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 } },
	{ PGP_CURVE_25519_LEGACY, 255, 10, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 } },
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct layout *
find_layout(uint8_t algorithm)
{
	for (size_t i = 0; i < COUNT(layouts); i++)
		if (layouts[i].algorithm == algorithm)
			return &layouts[i];
	return NULL;
}

static const struct curve *
find_curve(uint8_t id)
{
	for (size_t i = 0; i < COUNT(curves); i++)
		if (curves[i].id == id)
			return &curves[i];
	return NULL;
}

static uint8_t
curve_by_oid(struct slice oid)
{
	for (size_t i = 0; i < COUNT(curves); i++)
		if (slice_eq(oid, slice_of(curves[i].oid, curves[i].oid_len)))
			return curves[i].id;
	return PGP_CURVE_UNKNOWN;
}

static struct slice
get_mpi(struct reader *r)
{
	struct slice mpi = pgp_mpi_take(r);

	if (mpi.len > PGP_MPI_BITS_MAX / 8 && r->err == 0)
		r->err = ERR_LIMIT;
	return mpi;
}

static struct slice
get_counted(struct reader *r)
{
	uint8_t len = reader_get_u8(r);

	if ((len == 0 || len == 0xff) && r->err == 0)
		r->err = ERR_SYNTAX; /* reserved (section 9.2) */
	return reader_get(r, len);
}

static void
get_kdf(struct reader *r, struct pgp_key *k)
{
	size_t from = r->at;
	struct slice kdf = get_counted(r);

	k->kdf = slice_sub(r->in, from, r->at - from);
	if (kdf.len < 3 || kdf.data[0] != 1)
		return;
	k->kdf_hash = kdf.data[1];
	k->kdf_cipher = kdf.data[2];
}

static void
get_fields(struct reader *r, const struct layout *layout, struct pgp_key *k)
{
	size_t n = 0;

	if (layout->octets != 0)
		k->public[n++] = reader_get(r, layout->octets);
	for (const char *f = layout->fields; *f != 0; f++) {
		if (*f == 'm') {
			k->public[n++] = get_mpi(r);
		} else if (*f == 'k') {
			get_kdf(r, k);
		} else {
			k->oid = get_counted(r);
			k->curve = curve_by_oid(k->oid);
		}
	}
}

static bool
prefixed_native(struct slice point)
{
	return point.len == 33 && point.data[0] == 0x40;
}

/* Do curve and values fit the algorithm, so that the key can be used at all? */
static bool
well_formed(const struct pgp_key *k)
{
	switch (k->algorithm) {
	case PGP_EDDSA_LEGACY:
		/* The old OIDs must not be accepted in v6 (section 9.2). */
		return k->version == 4 && k->curve == PGP_CURVE_ED25519_LEGACY && prefixed_native(k->public[0]);
	case PGP_ECDH:
		if (k->kdf_hash == 0)
			return false;
		if (k->curve == PGP_CURVE_25519_LEGACY)
			return k->version == 4 && prefixed_native(k->public[0]);
		return k->curve >= PGP_CURVE_P256 && k->curve <= PGP_CURVE_BRAINPOOL512;
	case PGP_ECDSA:
		return k->curve >= PGP_CURVE_P256 && k->curve <= PGP_CURVE_BRAINPOOL512;
	default:
		return true;
	}
}

static int
behind(const struct reader *r, struct error *e)
{
	return error_set_at(e, ERR_SYNTAX, r->at, "key packet: octets behind its public values");
}

/* Values of an algorithm that is not known: version 6 says where they end; else they are all that there is. */
static int
skip_material(struct reader *r, struct pgp_key *k, size_t end, struct error *e)
{
	if (k->secret && k->version != 6)
		return error_set(e, ERR_UNSUPPORTED, "secret key of unknown algorithm %u", k->algorithm);
	r->at = k->version == 6 ? end : r->in.len;
	return k->secret || r->at == r->in.len ? 0 : behind(r, e);
}

/* Public values and where they end. An unknown algorithm leaves understood false. */
static int
parse_material(struct reader *r, struct pgp_key *k, struct error *e)
{
	const struct layout *layout = find_layout(k->algorithm);
	size_t end = 0;

	if (k->version == 6) {
		uint32_t len = reader_get_u32(r);

		if (r->err != 0 || len > reader_left(r))
			return error_set_at(
			    e, ERR_TRUNCATED, r->at, "key packet: its public material is longer than the packet");
		end = r->at + len;
	}
	if (layout == NULL)
		return skip_material(r, k, end, e);
	get_fields(r, layout, k);
	if (r->err != 0)
		return error_set_at(e, r->err, r->at, "key packet: malformed public values");
	if ((k->version == 6 && r->at != end) || (!k->secret && r->at != r->in.len))
		return behind(r, e);
	k->understood = k->version != 3 && well_formed(k);
	return 0;
}

static int
fingerprint(struct pgp_key *k, struct error *e)
{
	bool v6 = k->version == 6;
	size_t len = k->public_body.len;
	uint8_t head[5] = { v6 ? 0x9b : 0x99, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len };
	struct hash *h;
	int rc;

	if (!v6) {
		head[1] = head[3];
		head[2] = head[4];
	}
	rc = hash_new(v6 ? HASH_SHA256 : HASH_SHA1, &h, e);
	if (rc != 0)
		return rc;
	hash_update(h, slice_of(head, v6 ? 5 : 3));
	hash_update(h, k->public_body);
	k->fingerprint.len = v6 ? 32 : 20;
	rc = hash_finish(h, k->fingerprint.bytes, e);
	hash_free(h);
	k->key_id = pgp_fingerprint_key_id(&k->fingerprint);
	return rc;
}

/* Section 5.5.4.1: recognised for its key ID, and never used for anything. */
static int
parse_v3(struct reader *r, struct pgp_key *k)
{
	struct slice n;

	(void)reader_get_u16(r); /* validity in days */
	k->algorithm = reader_get_u8(r);
	n = get_mpi(r);
	(void)get_mpi(r);
	if (r->err != 0)
		return r->err;
	for (size_t i = n.len < 8 ? 0 : n.len - 8; i < n.len; i++)
		k->key_id = k->key_id << 8 | n.data[i];
	k->public_body = slice_sub(r->in, 0, r->at);
	return 0;
}

int
pgp_key_parse(struct slice body, uint8_t type, struct pgp_key *out, struct error *e)
{
	struct reader r = reader_of(body);
	struct pgp_key k = { .body = body };
	int rc;

	if (body.len > PGP_KEY_BODY_MAX)
		return error_set(e, ERR_LIMIT, "key packet of %zu octets: more than %u", body.len, PGP_KEY_BODY_MAX);
	k.subkey = type == PGP_PUBLIC_SUBKEY || type == PGP_SECRET_SUBKEY;
	k.secret = type == PGP_SECRET_KEY || type == PGP_SECRET_SUBKEY;
	k.version = reader_get_u8(&r);
	k.created = reader_get_u32(&r);
	if (k.version == 2 || k.version == 3)
		rc = parse_v3(&r, &k);
	else if (k.version == 4 || k.version == 6) {
		k.algorithm = reader_get_u8(&r);
		rc = parse_material(&r, &k, e);
		if (rc != 0)
			return rc;
		k.public_body = slice_sub(body, 0, r.at);
		rc = fingerprint(&k, e);
	} else
		return error_set(e, ERR_UNSUPPORTED, "key of version %u: only 4 and 6 are understood", k.version);
	if (rc != 0)
		return error_set(e, rc, "malformed key packet");
	if (k.secret)
		k.secret_part = slice_from(body, r.at);
	if (k.secret && k.secret_part.len == 0)
		return error_set(e, ERR_TRUNCATED, "secret key packet without its secret part");
	k.s2k_usage = k.secret ? k.secret_part.data[0] : 0;
	*out = k;
	return 0;
}

struct slice
pgp_key_native(const struct pgp_key *k)
{
	if (!k->understood)
		return SLICE_EMPTY;
	if (k->algorithm == PGP_ED25519 || k->algorithm == PGP_X25519)
		return k->public[0];
	if (k->curve == PGP_CURVE_ED25519_LEGACY || k->curve == PGP_CURVE_25519_LEGACY)
		return slice_from(k->public[0], 1);
	return SLICE_EMPTY;
}

unsigned
pgp_key_bits(const struct pgp_key *k)
{
	const struct curve *c = find_curve(k->curve);
	struct slice n = k->public[0];

	if (!k->understood)
		return 0;
	if (c != NULL)
		return c->bits;
	if (k->algorithm >= PGP_X25519)
		return k->algorithm == PGP_X25519 || k->algorithm == PGP_ED25519 ? 255 : 448;
	while (n.len > 0 && n.data[0] == 0)
		n = slice_from(n, 1);
	return n.len == 0 ? 0 : (unsigned)(n.len * 8) - (unsigned)(__builtin_clz(n.data[0]) - 24);
}

bool
pgp_key_can_verify(const struct pgp_key *k)
{
	static const uint8_t can[] = { PGP_RSA, PGP_RSA_SIGN, PGP_EDDSA_LEGACY, PGP_ED25519, PGP_ED448 };

	if (!k->understood)
		return false;
	if (k->algorithm == PGP_ECDSA)
		return k->curve >= PGP_CURVE_P256 && k->curve <= PGP_CURVE_P521;
	return memchr(can, k->algorithm, sizeof can) != NULL;
}

bool
pgp_key_can_encrypt(const struct pgp_key *k)
{
	static const uint8_t can[] = { PGP_RSA, PGP_RSA_ENCRYPT, PGP_X25519 };

	if (!k->understood)
		return false;
	if (k->algorithm == PGP_ECDH)
		return k->curve == PGP_CURVE_25519_LEGACY;
	return memchr(can, k->algorithm, sizeof can) != NULL;
}

bool
pgp_fingerprint_eq(const struct pgp_fingerprint *a, const struct pgp_fingerprint *b)
{
	return a->len == b->len && a->len != 0 && memcmp(a->bytes, b->bytes, a->len) == 0;
}

uint64_t
pgp_fingerprint_key_id(const struct pgp_fingerprint *f)
{
	const uint8_t *from = f->len == 20 ? f->bytes + 12 : f->bytes;
	uint64_t id = 0;

	if (f->len != 20 && f->len != 32)
		return 0;
	for (size_t i = 0; i < 8; i++)
		id = id << 8 | from[i];
	return id;
}

int
pgp_fingerprint_write(const struct pgp_fingerprint *f, struct buf *out)
{
	return hex_write_upper(out, slice_of(f->bytes, f->len));
}

int
pgp_fingerprint_parse(struct slice text, struct pgp_fingerprint *out, struct error *e)
{
	struct buf b BUF_OWNED = { 0 };
	int rc;

	buf_init(&b, 64);
	rc = hex_parse_loose(text, &b, e);
	if (rc != 0)
		return rc;
	if (b.len != 20 && b.len != 32)
		return error_set(e, ERR_SYNTAX, "a fingerprint has 40 or 64 hexadecimal digits");
	out->len = (uint8_t)b.len;
	memcpy(out->bytes, b.data, b.len);
	return 0;
}
