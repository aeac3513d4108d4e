/* SPDX-License-Identifier: ISC */
/* Signing data that streams by. */
#include <string.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/frame/packet.h"

#define ONE_PASS_MAX 128u

struct seat {
	struct pgp_signer signer;
	uint8_t hash;
	size_t hash_at;
	size_t salt_len;
	uint8_t salt[PGP_SALT_MAX];
};

struct pgp_maker {
	struct seat *seats;
	size_t seat_count;
	struct pgp_hash **hashes;
	size_t hash_count;
	uint8_t type;
	uint32_t created;
	struct buf extra; /* what every signature says */
};

static int
take_seat(struct pgp_maker *m, struct seat *s, uint8_t hash, struct error *e)
{
	struct slice salt;
	int rc = pgp_sig_hash_for(s->signer.key, hash, &s->hash, e);

	if (rc == 0 && s->signer.key->version == 6) {
		s->salt_len = pgp_hash_salt_size(s->hash);
		rc = random_bytes(s->salt, s->salt_len, e);
	}
	if (rc != 0)
		return rc;
	salt = slice_of(s->salt, s->salt_len);
	for (s->hash_at = 0; s->hash_at < m->hash_count; s->hash_at++)
		if (pgp_hash_is(m->hashes[s->hash_at], s->hash, m->type, salt))
			return 0;
	rc = pgp_hash_new(&m->hashes[m->hash_count], s->hash, m->type, salt, e);
	if (rc == 0)
		m->hash_count++;
	return rc;
}

/*
 * Section 5.2.3.36 would have it critical in version 6; OpenPGP.js 6.3 then calls the whole signature bad, and who knows
 * the subpacket honours it as it is.
 */
static void
put_recipients(struct buf *out, const struct pgp_maker_spec *spec)
{
	uint8_t body[1 + PGP_FINGERPRINT_MAX];

	for (size_t i = 0; i < spec->recipient_count; i++) {
		const struct pgp_fingerprint *f = &spec->recipients[i];

		body[0] = f->len == 32 ? 6 : 4;
		memcpy(body + 1, f->bytes, f->len);
		(void)pgp_subpacket_put(out, PGP_SUB_INTENDED_RECIPIENT, false, slice_of(body, 1u + f->len));
	}
}

static int
put_extra(struct buf *out, const struct pgp_maker_spec *spec, struct error *e)
{
	const uint8_t expires[4] = { (uint8_t)(spec->expires >> 24), (uint8_t)(spec->expires >> 16),
		(uint8_t)(spec->expires >> 8), (uint8_t)spec->expires };
	int rc = 0;

	if (spec->expires != 0)
		(void)pgp_subpacket_put(out, PGP_SUB_SIG_EXPIRES, true, slice_of(expires, sizeof expires));
	for (size_t i = 0; rc == 0 && i < spec->notation_count; i++)
		rc = pgp_notation_put(out, &spec->notations[i], e);
	if (spec->policy_uri.len > 0)
		(void)pgp_subpacket_put(out, PGP_SUB_POLICY_URI, false, spec->policy_uri);
	if (spec->signer_user_id.len > 0)
		(void)pgp_subpacket_put(out, PGP_SUB_SIGNER_USER_ID, false, spec->signer_user_id);
	put_recipients(out, spec);
	if (rc == 0 && out->err != 0)
		rc = error_set(e, out->err, "too many recipients or notations for one signature");
	return rc;
}

static int
put_extras(struct pgp_maker *m, const struct pgp_maker_spec *spec, struct error *e)
{
	if (spec->notation_count > PGP_NOTATIONS_MAX)
		return error_set(e, ERR_USAGE, "a signature has at most %u notations", PGP_NOTATIONS_MAX);
	return put_extra(&m->extra, spec, e);
}

static struct pgp_maker *
maker_alloc(const struct pgp_maker_spec *spec)
{
	struct pgp_maker *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return NULL;
	buf_init(&m->extra, PGP_SIG_BODY_MAX / 4);
	m->type = spec->type;
	m->created = spec->created;
	m->seats = mem_array(spec->signer_count, sizeof *m->seats);
	m->hashes = mem_array(spec->signer_count, sizeof(struct pgp_hash *));
	if (m->seats != NULL && m->hashes != NULL)
		return m;
	pgp_maker_free(m);
	return NULL;
}

int
pgp_maker_new(struct pgp_maker **out, const struct pgp_maker_spec *spec, struct error *e)
{
	struct pgp_maker *m;
	size_t n = spec->signer_count;
	int rc = 0;

	if (n == 0 || n > PGP_SIGNATURES_MAX)
		return error_set(e, ERR_USAGE, "a message has 1 to %u signers", PGP_SIGNATURES_MAX);
	if (spec->type != PGP_SIG_BINARY && spec->type != PGP_SIG_TEXT)
		return error_set(e, ERR_USAGE, "data is signed as binary or as text");
	m = maker_alloc(spec);
	if (m == NULL)
		return error_nomem(e);
	for (; rc == 0 && m->seat_count < n; m->seat_count++) {
		m->seats[m->seat_count].signer = spec->signers[m->seat_count];
		rc = take_seat(m, &m->seats[m->seat_count], spec->hash, e);
	}
	if (rc == 0)
		rc = put_extras(m, spec, e);
	if (rc != 0) {
		pgp_maker_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
pgp_maker_free(struct pgp_maker *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->hash_count; i++)
		pgp_hash_free(m->hashes[i]);
	buf_done(&m->extra);
	mem_free(m->hashes);
	mem_free(m->seats);
	mem_free(m);
}

int
pgp_maker_one_pass(const struct pgp_maker *m, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < m->seat_count; i++) {
		const struct seat *s = &m->seats[i];
		const struct pgp_key *key = s->signer.key;
		struct buf body BUF_OWNED = { 0 };

		buf_init(&body, ONE_PASS_MAX);
		(void)buf_put_u8(&body, key->version == 6 ? 6 : 3);
		(void)buf_put_u8(&body, m->type);
		(void)buf_put_u8(&body, s->hash);
		(void)buf_put_u8(&body, key->algorithm);
		if (key->version == 6) {
			(void)buf_put_u8(&body, (uint8_t)s->salt_len);
			(void)buf_put(&body, s->salt, s->salt_len);
			(void)buf_put(&body, key->fingerprint.bytes, key->fingerprint.len);
		} else
			(void)buf_put_u64(&body, key->key_id);
		/* Zero: another one-pass packet for the same data follows (section 5.4). */
		(void)buf_put_u8(&body, i + 1 == m->seat_count);
		(void)pgp_packet_write(out, PGP_ONE_PASS, buf_slice(&body));
	}
	return out->err != 0 ? error_set(e, out->err, "no room for one-pass packets") : 0;
}

int
pgp_maker_feed(struct pgp_maker *m, struct slice data, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->hash_count; i++)
		rc = pgp_hash_feed(m->hashes[i], data, e);
	return rc;
}

static int
sign_one(const struct pgp_maker *m, const struct seat *s, struct buf *out, struct error *e)
{
	struct pgp_sig_spec spec = { .type = m->type,
		.hash = s->hash,
		.created = m->created,
		.salt = slice_of(s->salt, s->salt_len),
		.extra_hashed = buf_slice(&m->extra) };
	struct buf body BUF_OWNED = { 0 };
	int rc;

	buf_init(&body, PGP_SIG_BODY_MAX);
	rc = pgp_sig_make(&spec, m->hashes[s->hash_at], s->signer.key, s->signer.keys, &body, e);
	if (rc == 0 && pgp_packet_write(out, PGP_SIGNATURE, buf_slice(&body)) != 0)
		rc = error_set(e, out->err, "no room for a signature");
	return rc;
}

int
pgp_maker_finish(struct pgp_maker *m, bool inline_order, struct buf *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->seat_count; i++)
		rc = sign_one(m, &m->seats[inline_order ? m->seat_count - 1 - i : i], out, e);
	return rc;
}

uint8_t
pgp_maker_hash(const struct pgp_maker *m)
{
	return m->seats[0].hash;
}

bool
pgp_maker_uses(const struct pgp_maker *m, uint8_t version, uint8_t hash)
{
	for (size_t i = 0; i < m->seat_count; i++)
		if (m->seats[i].signer.key->version == version && (hash == 0 || m->seats[i].hash == hash))
			return true;
	return false;
}

uint8_t
pgp_maker_type(const struct pgp_maker *m)
{
	return m->type;
}
