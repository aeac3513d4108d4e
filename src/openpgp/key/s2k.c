/* SPDX-License-Identifier: ISC */
#include "openpgp/key/s2k.h"

#include <string.h>

#include "crypto/kdf.h"
#include "crypto/random.h"
#include "openpgp/key/algorithm.h"

#define SALT 8u
#define ARGON2_SALT 16u
#define FEED 65536u /* octets of repeated salt and passphrase hashed at a time */

static void
get_salt(struct reader *in, struct pgp_s2k *s, size_t len)
{
	struct slice salt = reader_get(in, len);

	if (salt.len > 0)
		memcpy(s->salt, salt.data, salt.len);
}

/* RFC 9580 section 3.7.1.4: passes and lanes are not zero, and memory is at least 8 KiB a lane. */
static int
parse_argon2(struct reader *in, struct pgp_s2k *s, struct error *e)
{
	get_salt(in, s, ARGON2_SALT);
	s->passes = reader_get_u8(in);
	s->lanes = reader_get_u8(in);
	s->memory_code = reader_get_u8(in);
	if (in->err != 0)
		return 0;
	if (s->passes == 0 || s->lanes == 0 || s->memory_code > 31 || (uint64_t)1 << s->memory_code < 8u * s->lanes)
		return error_set(e, ERR_SYNTAX, "an Argon2 specifier with t=%u, p=%u, m=2^%u cannot be", s->passes,
		    s->lanes, s->memory_code);
	return 0;
}

static int
parse_hashed(struct reader *in, struct pgp_s2k *s, struct error *e)
{
	enum hash_id id;

	s->hash = reader_get_u8(in);
	if (s->type != PGP_S2K_SIMPLE)
		get_salt(in, s, SALT);
	if (s->type == PGP_S2K_ITERATED)
		s->count = reader_get_u8(in);
	if (in->err == 0 && !pgp_hash_of(s->hash, &id))
		return error_set(
		    e, ERR_UNSUPPORTED, "a passphrase is hashed with algorithm %u, which we do not have", s->hash);
	return 0;
}

/* gpg's extension: hash, "GNU", mode; a card's serial number may follow and is left to the caller. */
static int
parse_gnu(struct reader *in, struct pgp_s2k *s, struct error *e)
{
	struct slice mark;

	s->hash = reader_get_u8(in);
	mark = reader_get(in, 3);
	s->gnu_mode = reader_get_u8(in);
	if (in->err == 0 && !slice_eq_str(mark, "GNU"))
		return error_set(e, ERR_UNSUPPORTED, "string-to-key type 101 is not gpg's");
	return 0;
}

static const struct {
	uint8_t type;
	int (*parse)(struct reader *in, struct pgp_s2k *s, struct error *e);
} types[] = {
	{ PGP_S2K_SIMPLE, parse_hashed },
	{ PGP_S2K_SALTED, parse_hashed },
	{ PGP_S2K_ITERATED, parse_hashed },
	{ PGP_S2K_ARGON2, parse_argon2 },
	{ PGP_S2K_GNU, parse_gnu },
};

int
pgp_s2k_parse(struct reader *in, struct pgp_s2k *out, struct error *e)
{
	struct pgp_s2k s = { .type = reader_get_u8(in) };
	int rc = ERR_UNSUPPORTED;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (types[i].type == s.type && (rc = types[i].parse(in, &s, e)) != 0)
			return rc;
	}
	if (in->err != 0)
		return error_set(e, ERR_TRUNCATED, "a string-to-key specifier is cut short");
	if (rc != 0)
		return error_set(e, rc, "string-to-key type %u is not known", s.type);
	*out = s;
	return 0;
}

int
pgp_s2k_write(const struct pgp_s2k *s, struct buf *out)
{
	(void)buf_put_u8(out, s->type);
	if (s->type == PGP_S2K_ARGON2) {
		(void)buf_put(out, s->salt, ARGON2_SALT);
		(void)buf_put_u8(out, s->passes);
		(void)buf_put_u8(out, s->lanes);
		return buf_put_u8(out, s->memory_code);
	}
	(void)buf_put_u8(out, s->hash);
	if (s->type == PGP_S2K_GNU) {
		(void)buf_put_str(out, "GNU");
		return buf_put_u8(out, s->gnu_mode);
	}
	if (s->type != PGP_S2K_SIMPLE)
		(void)buf_put(out, s->salt, SALT);
	if (s->type == PGP_S2K_ITERATED)
		(void)buf_put_u8(out, s->count);
	return out->err;
}

int
pgp_s2k_make_iterated(struct pgp_s2k *out, struct error *e)
{
	*out = (struct pgp_s2k){ .type = PGP_S2K_ITERATED, .hash = PGP_SHA256, .count = PGP_S2K_COUNT_CODE };
	return random_bytes(out->salt, SALT, e);
}

int
pgp_s2k_make_argon2(struct pgp_s2k *out, struct error *e)
{
	*out = (struct pgp_s2k){ .type = PGP_S2K_ARGON2, .passes = 3, .lanes = 4, .memory_code = 16 };
	return random_bytes(out->salt, ARGON2_SALT, e);
}

static int
derive_argon2(const struct pgp_s2k *s, struct slice passphrase, uint8_t *out, size_t len, struct error *e)
{
	struct kdf_argon2 cost = { .passes = s->passes, .lanes = s->lanes };

	if (s->memory_code > 30)
		return error_set(
		    e, ERR_LIMIT, "Argon2 with 2^%u KiB costs more than we spend on one passphrase", s->memory_code);
	cost.memory_kib = 1u << s->memory_code;
	return kdf_argon2id(&cost, passphrase, slice_of(s->salt, ARGON2_SALT), out, len, e);
}

/* What is hashed over and over: salt and passphrase, repeated to some size so that the hash is fed large pieces. */
static int
make_feed(const struct pgp_s2k *s, struct slice passphrase, struct secret *feed, size_t *unit_out, struct error *e)
{
	size_t salt = s->type == PGP_S2K_SIMPLE ? 0 : SALT, unit, times;
	int rc;

	if (!size_add(salt, passphrase.len, &unit) || unit > FEED)
		return error_set(e, ERR_LIMIT, "the passphrase is longer than %u octets", FEED - SALT);
	times = unit == 0 || s->type != PGP_S2K_ITERATED ? 1 : FEED / unit;
	rc = secret_new(feed, times * unit, e);
	for (size_t i = 0; rc == 0 && i < times; i++) {
		memcpy(feed->data + i * unit, s->salt, salt);
		if (passphrase.len > 0)
			memcpy(feed->data + i * unit + salt, passphrase.data, passphrase.len);
	}
	*unit_out = unit;
	return rc;
}

/* The digest of so many zeros and then total octets of the feed. */
static int
hash_round(enum hash_id id, size_t zeros, const struct secret *feed, uint64_t total, uint8_t *digest, struct error *e)
{
	static const uint8_t zero[CIPHER_KEY_MAX];
	HASH_OWNED struct hash *h = NULL;
	int rc = hash_new(id, &h, e);

	if (rc != 0)
		return rc;
	hash_update(h, slice_of(zero, zeros));
	while (total > 0) {
		size_t n = total < feed->len ? (size_t)total : feed->len;

		hash_update(h, slice_of(feed->data, n));
		total -= n;
	}
	return hash_finish(h, digest, e);
}

static int
derive_hashed(const struct pgp_s2k *s, struct slice passphrase, uint8_t *out, size_t len, struct error *e)
{
	SECRET_OWNED struct secret feed = SECRET_EMPTY;
	uint8_t digest[HASH_SIZE_MAX];
	enum hash_id id;
	size_t unit = 0, zeros = 0, n;
	uint64_t total;
	int rc;

	if (!pgp_hash_of(s->hash, &id) || len > CIPHER_KEY_MAX)
		return error_set(
		    e, ERR_UNSUPPORTED, "a passphrase is hashed with algorithm %u, which we do not have", s->hash);
	rc = make_feed(s, passphrase, &feed, &unit, e);
	if (rc != 0)
		return rc;
	total = s->type == PGP_S2K_ITERATED ? (uint64_t)(16 + (s->count & 15)) << ((s->count >> 4) + 6) : unit;
	if (total < unit)
		total = unit;
	for (; len > 0; len -= n, out += n, zeros++) {
		rc = hash_round(id, zeros, &feed, total, digest, e);
		if (rc != 0)
			break;
		n = size_min(len, hash_size(id));
		memcpy(out, digest, n);
	}
	secret_wipe(digest, sizeof digest);
	return rc;
}

int
pgp_s2k_derive(const struct pgp_s2k *s, struct slice passphrase, size_t len, struct secret *out, struct error *e)
{
	struct secret key;
	int rc;

	if (s->type == PGP_S2K_GNU)
		return error_set(
		    e, ERR_UNSUPPORTED, "this key is a stub of gpg's: its secret is on a card or elsewhere");
	rc = secret_new(&key, len, e);
	if (rc != 0)
		return rc;
	rc = s->type == PGP_S2K_ARGON2 ? derive_argon2(s, passphrase, key.data, len, e)
				       : derive_hashed(s, passphrase, key.data, len, e);
	if (rc != 0)
		secret_done(&key);
	else
		*out = key;
	return rc;
}
