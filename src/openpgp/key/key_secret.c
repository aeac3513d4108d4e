/* SPDX-License-Identifier: ISC */
/* The secret part of a key packet, read: what protects it, what is inside, and whether it is this key's. */
#include "openpgp/key/key_secret.h"

#include <string.h>

#include "base/reader.h"
#include "crypto/compare.h"
#include "crypto/kdf.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk.h"

uint16_t
key_checksum(struct slice s)
{
	uint16_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = (uint16_t)(sum + s.data[i]);
	return sum;
}

int
key_aead_kek(const struct pgp_key *k, uint8_t type, const struct key_protection *p, struct slice from, uint8_t *kek,
    size_t len, struct error *e)
{
	const uint8_t info[4] = { (uint8_t)(0xc0 | type), k->version, p->cipher, p->aead };

	return kdf_hkdf(HASH_SHA256, from, SLICE_EMPTY, slice_of(info, sizeof info), kek, len, e);
}

int
key_put_ad(const struct pgp_key *k, uint8_t type, struct buf *out)
{
	(void)buf_put_u8(out, (uint8_t)(0xc0 | type));
	return buf_put_slice(out, k->public_body);
}

/* ---- what protects it ---- */

static int
cut_short(struct error *e)
{
	return error_set(e, ERR_TRUNCATED, "the secret key packet is cut short");
}

/* gpg's stubs: the public part is here, the secret somewhere else. */
static int
stub(const struct pgp_key *k, const struct pgp_s2k *s2k, struct error *e)
{
	static const char *const where[] = { "is kept elsewhere (gpg left it out of this export)",
		"is on a smart card" };

	return error_set(e, ERR_NO_KEY, "the secret of key %016llX %s", (unsigned long long)k->key_id,
	    s2k->gnu_mode == 1 || s2k->gnu_mode == 2 ? where[s2k->gnu_mode - 1] : "is not in its packet (a stub)");
}

/* Version 6 counts the octets of the specifier. */
static int
parse_s2k(const struct pgp_key *k, struct reader *r, struct key_protection *p, struct error *e)
{
	struct reader counted;
	int rc;

	if (k->version != 6)
		return pgp_s2k_parse(r, &p->s2k, e);
	counted = reader_of(reader_get(r, reader_get_u8(r)));
	rc = pgp_s2k_parse(&counted, &p->s2k, e);
	if (rc == 0 && p->s2k.type != PGP_S2K_GNU && reader_left(&counted) != 0)
		rc = error_set(e, ERR_SYNTAX, "the secret key's string-to-key specifier is longer than it should be");
	return rc;
}

/* The fields behind usages 253 to 255 up to the S2K; an older number is itself the cipher, with MD5. */
static int
parse_kind(const struct pgp_key *k, struct reader *r, struct key_protection *p, struct error *e)
{
	int rc;

	if (p->usage < USAGE_AEAD) {
		p->cipher = p->usage;
		p->s2k = (struct pgp_s2k){ .type = PGP_S2K_SIMPLE, .hash = PGP_MD5 };
		return 0;
	}
	p->cipher = reader_get_u8(r);
	if (p->usage == USAGE_AEAD)
		p->aead = reader_get_u8(r);
	rc = parse_s2k(k, r, p, e);
	if (rc == 0 && p->s2k.type == PGP_S2K_GNU)
		return stub(k, &p->s2k, e);
	if (rc == 0 && p->usage != USAGE_AEAD && p->s2k.type == PGP_S2K_ARGON2)
		return error_set(e, ERR_SYNTAX, "Argon2 must not protect a secret key without AEAD");
	return rc;
}

static int
parse_iv(struct reader *r, struct key_protection *p, enum cipher_id *cipher, struct error *e)
{
	enum aead_id aead = AEAD_OCB;
	int rc = pgp_cipher_find(p->cipher, cipher, e);

	if (rc != 0) {
		(void)error_context(e, "the secret key is locked with a cipher that is not here");
		return rc;
	}
	if (p->usage == USAGE_AEAD && !pgp_aead_of(p->aead, &aead))
		return error_set(e, ERR_UNSUPPORTED, "the secret key's AEAD mode %u is unknown", p->aead);
	p->iv = reader_get(r, p->usage == USAGE_AEAD ? aead_nonce_size(aead) : cipher_block_size(*cipher));
	return 0;
}

/* Old forms must be refused in the newer versions (section 3.7.2.1), and AEAD is RFC 9580's. */
static int
check_usage(const struct pgp_key *k, uint8_t usage, struct error *e)
{
	bool old = usage != USAGE_AEAD && usage != USAGE_CFB;

	if ((k->version == 6 && old) || (k->version == 5 && usage != USAGE_CFB) ||
	    (k->version < 4 && usage == USAGE_AEAD))
		return error_set(e, ERR_UNSUPPORTED, "a secret key of version %u must not be protected this way (%u)",
		    k->version, usage);
	return 0;
}

static int
parse_protection(const struct pgp_key *k, struct key_protection *p, enum cipher_id *cipher, struct error *e)
{
	struct reader r = reader_of(k->secret_part), counted, *in = &r;
	int rc;

	p->usage = reader_get_u8(&r);
	rc = check_usage(k, p->usage, e);
	if (rc != 0)
		return rc;
	if (k->version >= 5) {
		counted = reader_of(reader_get(&r, reader_get_u8(&r)));
		in = &counted;
	}
	rc = parse_kind(k, in, p, e);
	if (rc == 0)
		rc = parse_iv(in, p, cipher, e);
	if (rc != 0)
		return rc;
	if (in->err == 0 && in != &r && reader_left(in) != 0)
		return error_set(e, ERR_SYNTAX, "the secret key's parameters are longer than they should be");
	p->data = k->version == 5 ? reader_get(&r, reader_get_u32(&r)) : reader_rest(&r);
	return r.err != 0 || in->err != 0 ? cut_short(e) : 0;
}

/* ---- taking it off ---- */

static uint8_t
secret_type(const struct pgp_key *k)
{
	return k->subkey ? PGP_SECRET_SUBKEY : PGP_SECRET_KEY;
}

static int
open_aead(const struct pgp_key *k, const struct key_protection *p, struct slice key, enum cipher_id cipher,
    struct secret *out, struct error *e)
{
	enum aead_id id = AEAD_OCB;
	uint8_t kek[CIPHER_KEY_MAX];
	struct buf ad BUF_OWNED = { 0 };
	struct aead *a = NULL;
	size_t len;
	int rc;

	buf_init(&ad, PGP_KEY_BODY_MAX);
	(void)pgp_aead_of(p->aead, &id);
	if (p->data.len < AEAD_TAG)
		return cut_short(e);
	len = p->data.len - AEAD_TAG;
	rc = key_aead_kek(k, secret_type(k), p, key, kek, key.len, e);
	if (rc == 0 && key_put_ad(k, secret_type(k), &ad) != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = secret_new(out, len, e);
	if (rc == 0)
		rc = aead_new(id, cipher, CIPHER_DECRYPT, slice_of(kek, key.len), &a, e);
	if (rc == 0)
		rc = aead_open(a, p->iv, buf_slice(&ad), p->data.data, len, out->data, p->data.data + len, e);
	aead_free(a);
	secret_wipe(kek, sizeof kek);
	return rc == ERR_INTEGRITY ? error_set(e, ERR_PASSWORD, "wrong passphrase, or a changed key") : rc;
}

static bool
checksum_right(struct slice text, const uint8_t *sum)
{
	return key_checksum(text) == (sum[0] << 8 | sum[1]);
}

static int
wrong_passphrase(struct error *e)
{
	return error_set(e, ERR_PASSWORD, "wrong passphrase");
}

static int
open_cfb(const struct key_protection *p, struct slice key, enum cipher_id cipher, struct secret *out, struct error *e)
{
	size_t tail = p->usage == USAGE_CFB ? SHA1_OCTETS : 2;
	uint8_t digest[HASH_SIZE_MAX];
	struct slice text;
	bool good;
	int rc;

	if (p->data.len < tail)
		return cut_short(e);
	rc = secret_new(out, p->data.len, e);
	if (rc == 0)
		rc = cipher_cfb_once(cipher, CIPHER_DECRYPT, key, p->iv, p->data, out->data, e);
	if (rc != 0)
		return rc;
	text = slice_sub(secret_slice(out), 0, out->len - tail);
	if (tail == SHA1_OCTETS) {
		rc = hash_once(HASH_SHA1, text, digest, e);
		good = rc == 0 && compare_equal(slice_of(digest, tail), slice_from(secret_slice(out), text.len));
	} else
		good = checksum_right(text, out->data + text.len);
	if (rc == 0 && !good)
		rc = wrong_passphrase(e);
	if (rc == 0)
		secret_cut(out, text.len);
	return rc;
}

/* The last octets of ciphertext so far: with them CFB starts anew at the next number. */
static void
resynchronise(uint8_t *last, size_t block, struct slice mpi)
{
	size_t n = size_min(block, mpi.len);

	memmove(last, last + n, block - n);
	if (n > 0)
		memcpy(last + block - n, mpi.data + mpi.len - n, n);
}

/* Versions 2 and 3: the numbers' bit counts and the checksum are in the clear, and each number starts CFB anew. */
static int
open_v3(const struct key_protection *p, struct slice key, enum cipher_id cipher, struct secret *out, struct error *e)
{
	size_t block = cipher_block_size(cipher);
	struct reader r = reader_of(p->data);
	uint8_t last[CIPHER_BLOCK_MAX];
	int rc = secret_new(out, p->data.len, e);

	memcpy(last, p->iv.data, block);
	while (rc == 0 && r.err == 0 && reader_left(&r) > 2) {
		size_t from = r.at;
		struct slice mpi = pgp_mpi_take(&r);

		if (r.err != 0)
			break;
		memcpy(out->data + from, p->data.data + from, 2);
		rc = cipher_cfb_once(cipher, CIPHER_DECRYPT, key, slice_of(last, block), mpi, out->data + from + 2, e);
		resynchronise(last, block, mpi);
	}
	if (rc != 0)
		return rc;
	if (r.err != 0 || reader_left(&r) != 2)
		return cut_short(e);
	secret_cut(out, r.at);
	return checksum_right(secret_slice(out), p->data.data + r.at) ? 0 : wrong_passphrase(e);
}

static int
open_locked(const struct pgp_key *k, struct slice passphrase, struct secret *out, struct error *e)
{
	struct key_protection p = { 0 };
	struct secret key SECRET_OWNED = SECRET_EMPTY;
	enum cipher_id cipher = CIPHER_AES128;
	int rc = parse_protection(k, &p, &cipher, e);

	if (rc == 0)
		rc = pgp_s2k_derive(&p.s2k, passphrase, cipher_key_size(cipher), &key, e);
	if (rc != 0)
		return rc;
	if (p.usage == USAGE_AEAD)
		return open_aead(k, &p, secret_slice(&key), cipher, out, e);
	if (k->version < 4)
		return open_v3(&p, secret_slice(&key), cipher, out, e);
	return open_cfb(&p, secret_slice(&key), cipher, out, e);
}

/* LibrePGP's version 5 counts parameters, of which there are none, and octets of the secret. */
static int
open_plain(const struct pgp_key *k, struct secret *out, struct error *e)
{
	struct reader r = reader_of(slice_from(k->secret_part, 1));
	struct slice text, sum = SLICE_EMPTY;

	if (k->version == 5) {
		(void)reader_get(&r, reader_get_u8(&r));
		text = reader_get(&r, reader_get_u32(&r));
	} else
		text = reader_get(&r, k->version == 6 || reader_left(&r) < 2 ? reader_left(&r) : reader_left(&r) - 2);
	if (k->version != 6)
		sum = reader_get(&r, 2);
	if (r.err != 0)
		return cut_short(e);
	if (reader_left(&r) != 0)
		return error_set(e, ERR_SYNTAX, "there are octets behind the secret key");
	if (k->version != 6 && !checksum_right(text, sum.data))
		return error_set(e, ERR_INTEGRITY, "the secret key's checksum is wrong");
	return secret_copy(out, text, e);
}

/* ---- from the wire, and does it belong to the public part? ---- */

/* What came out must be the algorithm's fields and nothing else (section 5.5.3). */
static int
unpack(const struct pgp_pk *pk, const struct pgp_key *k, struct secret *s, struct error *e)
{
	struct slice fields[PGP_PK_FIELDS_MAX];

	if (!pgp_pk_split(&pk->secret_key, secret_slice(s), fields))
		return error_set(e, ERR_SYNTAX, "malformed secret key of %s", pgp_algorithm_name(k->algorithm));
	return pk->unpack == NULL ? 0 : pk->unpack(k, s, e);
}

static int
check_matches(const struct pgp_pk *pk, const struct pgp_key *k, struct slice secret, struct error *e)
{
	int rc = pk->matches(k, secret, e);

	if (rc == 0 || rc == ERR_NOMEM || rc == ERR_UNSUPPORTED)
		return rc;
	return error_set(e, ERR_INTEGRITY, "the secret does not belong to key %016llX: the key was changed",
	    (unsigned long long)k->key_id);
}

int
pgp_key_unlock(const struct pgp_key *k, struct slice passphrase, struct secret *out, struct error *e)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	const struct pgp_pk *pk = pgp_pk_of(k);
	int rc;

	if (!k->secret)
		return error_set(e, ERR_NO_KEY, "this is a public key");
	if (pk == NULL || pk->matches == NULL)
		return pgp_pk_refuse(k, "unlocking a secret key", e);
	rc = k->s2k_usage == 0 ? open_plain(k, &s, e) : open_locked(k, passphrase, &s, e);
	if (rc == 0)
		rc = unpack(pk, k, &s, e);
	if (rc == 0)
		rc = check_matches(pk, k, secret_slice(&s), e);
	if (rc == 0)
		*out = secret_take(&s);
	return rc;
}
