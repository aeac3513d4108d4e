/* SPDX-License-Identifier: ISC */
/* The public side of a key packet: its frame, its values, its fingerprint. */
#include "openpgp/key/key.h"

#include <string.h>

#include "base/hex.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "openpgp/key/curve.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk.h"

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
get_fields(struct reader *r, const struct pgp_pk_layout *layout, struct pgp_key *k)
{
	size_t n = 0;

	for (const char *f = layout->fields; *f != 0; f++) {
		switch (*f) {
		case 'm':
			k->public[n++] = get_mpi(r);
			break;
		case '1':
		case '2':
			k->public[n++] = reader_get(r, layout->octets[*f - '1']);
			break;
		case 'k':
			get_kdf(r, k);
			break;
		default:
			k->oid = get_counted(r);
			k->curve = pgp_curve_of_oid(k->oid);
		}
	}
}

static bool
version_fits(const struct pgp_pk *pk, uint8_t version)
{
	static const uint8_t bits[] = { [3] = PGP_PK_V3, [4] = PGP_PK_V4, [5] = PGP_PK_V5, [6] = PGP_PK_V6 };

	return (pk->versions & bits[version == 2 ? 3 : version]) != 0;
}

/* Do version, curve and values fit the algorithm, so that the key can be used at all? */
static bool
well_formed(const struct pgp_pk *pk, const struct pgp_key *k)
{
	return version_fits(pk, k->version) && (pk->well_formed == NULL || pk->well_formed(k));
}

static int
behind(const struct reader *r, struct error *e)
{
	return error_set_at(e, ERR_SYNTAX, r->at, "key packet: octets behind its public values");
}

/* Versions that say how many octets of public values there are: RFC 9580's, and LibrePGP's version 5. */
static bool
is_counted(const struct pgp_key *k)
{
	return k->version >= 5;
}

/* Values of an algorithm that is not known: some versions say where they end; else they are all that there is. */
static int
skip_material(struct reader *r, struct pgp_key *k, size_t end, struct error *e)
{
	if (k->secret && !is_counted(k))
		return error_set(e, ERR_UNSUPPORTED, "secret key of unknown algorithm %u", k->algorithm);
	r->at = is_counted(k) ? end : r->in.len;
	return k->secret || r->at == r->in.len ? 0 : behind(r, e);
}

/* Public values and where they end. An unknown algorithm leaves understood false. */
static int
parse_material(struct reader *r, struct pgp_key *k, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_find(k->algorithm);
	size_t end = 0;

	if (is_counted(k)) {
		uint32_t len = reader_get_u32(r);

		if (r->err != 0 || len > reader_left(r))
			return error_set_at(
			    e, ERR_TRUNCATED, r->at, "key packet: its public material is longer than the packet");
		end = r->at + len;
	}
	if (pk == NULL)
		return skip_material(r, k, end, e);
	get_fields(r, &pk->public_key, k);
	if (r->err == ERR_LIMIT)
		return error_set_at(e, ERR_LIMIT, r->at, "key packet: a number of more than %u bits", PGP_MPI_BITS_MAX);
	if (r->err != 0)
		return error_set_at(e, r->err, r->at, "key packet: malformed public values");
	if ((is_counted(k) && r->at != end) || (!k->secret && r->at != r->in.len))
		return behind(r, e);
	k->understood = well_formed(pk, k);
	return 0;
}

/* Section 5.5.4: what stands in front of the public part in the hash. LibrePGP's version 5 has 0x9a. */
static size_t
put_head(const struct pgp_key *k, uint8_t head[5])
{
	size_t len = k->public_body.len;

	if (k->version == 4) {
		head[0] = 0x99;
		head[1] = (uint8_t)(len >> 8);
		head[2] = (uint8_t)len;
		return 3;
	}
	head[0] = k->version == 6 ? 0x9b : 0x9a;
	for (size_t i = 0; i < 4; i++)
		head[1 + i] = (uint8_t)(len >> (24 - 8 * i));
	return 5;
}

static int
fingerprint(struct pgp_key *k, struct error *e)
{
	enum hash_id id = k->version == 4 ? HASH_SHA1 : HASH_SHA256;
	uint8_t head[5];
	struct hash *h;
	int rc = hash_new(id, &h, e);

	if (rc != 0)
		return rc;
	hash_update(h, slice_of(head, put_head(k, head)));
	hash_update(h, k->public_body);
	rc = hash_finish(h, k->fingerprint.bytes, e);
	hash_free(h);
	k->fingerprint.len = (uint8_t)hash_size(id);
	k->key_id = pgp_fingerprint_key_id(&k->fingerprint);
	return rc;
}

/* Section 5.5.4.1: the contents of the MPIs, and the end of the modulus. */
static int
fingerprint_v3(struct pgp_key *k, struct error *e)
{
	struct slice n = k->public[0];
	struct hash *h;
	int rc;

	for (size_t i = n.len < 8 ? 0 : n.len - 8; i < n.len; i++)
		k->key_id = k->key_id << 8 | n.data[i];
	rc = hash_new(HASH_MD5, &h, e);
	if (rc != 0)
		return rc;
	hash_update(h, n);
	hash_update(h, k->public[1]);
	rc = hash_finish(h, k->fingerprint.bytes, e);
	hash_free(h);
	k->fingerprint.len = 16;
	return rc;
}

static bool
is_v3(const struct pgp_key *k)
{
	return k->version == 2 || k->version == 3;
}

static int
parse_body(struct reader *r, struct pgp_key *k, struct error *e)
{
	int rc;

	if (k->version < 2 || k->version > 6)
		return error_set(e, ERR_UNSUPPORTED, "key of version %u: only 2 to 6 are understood", k->version);
	if (is_v3(k))
		k->valid_days = reader_get_u16(r);
	k->algorithm = reader_get_u8(r);
	rc = parse_material(r, k, e);
	if (rc != 0)
		return rc;
	k->public_body = slice_sub(k->body, 0, r->at);
	if (k->version <= 4 && r->at > UINT16_MAX) /* what is hashed has a length of two octets in front */
		return error_set(e, ERR_LIMIT, "a public key of %zu octets", r->at);
	return is_v3(k) ? fingerprint_v3(k, e) : fingerprint(k, e);
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
	if (r.err != 0)
		return error_set(e, r.err, "key packet: cut short");
	rc = parse_body(&r, &k, e);
	if (rc != 0)
		return rc;
	if (k.secret)
		k.secret_part = slice_from(body, r.at);
	if (k.secret && k.secret_part.len == 0)
		return error_set(e, ERR_TRUNCATED, "secret key packet without its secret part");
	k.s2k_usage = k.secret ? k.secret_part.data[0] : 0;
	*out = k;
	return 0;
}

unsigned
pgp_key_bits(const struct pgp_key *k)
{
	const struct pgp_pk *pk = k->understood ? pgp_pk_find(k->algorithm) : NULL;
	const struct pgp_curve_row *c = pgp_curve_find(k->curve);

	if (pk == NULL)
		return 0;
	if (pk->bits != 0)
		return pk->bits;
	return c != NULL ? c->bits : pgp_mpi_bits(k->public[0]);
}

bool
pgp_key_can_verify(const struct pgp_key *k)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->verify != NULL;
}

static bool
is_current(const struct pgp_key *k)
{
	return k->version == 4 || k->version == 6;
}

bool
pgp_key_can_sign(const struct pgp_key *k)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->sign != NULL && is_current(k);
}

bool
pgp_key_can_encrypt(const struct pgp_key *k)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->wrap != NULL && is_current(k);
}

bool
pgp_key_can_decrypt(const struct pgp_key *k)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->unwrap != NULL;
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
