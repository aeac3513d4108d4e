/* SPDX-License-Identifier: ISC */
/* New keys and revocations. */
#include "openpgp/generate.h"

#include <string.h>

#include "base/utf8.h"
#include "crypto/agree.h"
#include "crypto/sign.h"
#include "openpgp/mpi.h"
#include "openpgp/packet.h"
#include "openpgp/sig.h"

/* A key in the making. */
struct fresh {
	struct pgp_key key; /* over body */
	struct buf body;    /* its public part */
	struct secret secret;
};

struct job {
	const struct pgp_generate_spec *spec;
	struct pgp_memory_keys *memory;
	struct fresh primary, subkey;
	struct buf subpackets; /* for the next signature */
	struct buf packet;     /* its body, or a key's */
	struct buf *out;
};

static void
fresh_done(struct fresh *f)
{
	secret_done(&f->secret);
	buf_done(&f->body);
}

/* Curve OIDs and the ECDH parameters of table 30: SHA2-256 and AES-128. */
static void
put_legacy(struct buf *b, bool signs, const uint8_t public[32])
{
	static const uint8_t ed25519[] = { 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 };
	static const uint8_t cv25519[] = { 10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 };
	static const uint8_t kdf[] = { 3, 1, PGP_SHA256, PGP_AES128 };
	uint8_t point[33] = { 0x40 };

	memcpy(point + 1, public, 32);
	(void)buf_put(b, signs ? ed25519 : cv25519, signs ? sizeof ed25519 : sizeof cv25519);
	(void)pgp_mpi_write(b, slice_of(point, sizeof point));
	if (!signs)
		(void)buf_put(b, kdf, sizeof kdf);
}

static int
fresh_make(struct fresh *f, uint8_t version, bool signs, bool subkey, uint32_t created, struct error *e)
{
	static const uint8_t algorithms[2][2] = { { PGP_ECDH, PGP_EDDSA_LEGACY }, { PGP_X25519, PGP_ED25519 } };
	uint8_t public[SIGN_PUBLIC_MAX];
	int rc = signs ? sign_generate(SIGN_ED25519, &f->secret, public, e)
		       : agree_generate(AGREE_X25519, &f->secret, public, e);

	if (rc != 0)
		return rc;
	/* The old form is read as a clamped number by some (section 5.5.5.6.1.1); the clamped scalar is the same key. */
	if (!signs && version == 4) {
		f->secret.data[0] &= 248;
		f->secret.data[31] = (uint8_t)((f->secret.data[31] & 127) | 64);
	}
	buf_init(&f->body, PGP_KEY_BODY_MAX);
	(void)buf_put_u8(&f->body, version);
	(void)buf_put_u32(&f->body, created);
	(void)buf_put_u8(&f->body, algorithms[version == 6][signs]);
	if (version == 6) {
		(void)buf_put_u32(&f->body, 32);
		(void)buf_put(&f->body, public, 32);
	} else
		put_legacy(&f->body, signs, public);
	if (f->body.err != 0)
		return error_nomem(e);
	return pgp_key_parse(buf_slice(&f->body), subkey ? PGP_PUBLIC_SUBKEY : PGP_PUBLIC_KEY, &f->key, e);
}

static int
put_key(struct job *j, struct fresh *f, uint8_t type, struct error *e)
{
	int rc = pgp_memory_keys_add(j->memory, &f->key, secret_slice(&f->secret), e);

	if (rc != 0)
		return rc;
	buf_clear(&j->packet);
	rc = pgp_key_write_secret(
	    &f->key, type, secret_slice(&f->secret), j->spec->protection, j->spec->passphrase, &j->packet, e);
	return rc != 0 ? rc : pgp_packet_write(j->out, type, buf_slice(&j->packet));
}

/* ---- subpackets ---- */

static void
put_octet(struct job *j, uint8_t type, bool critical, uint8_t v)
{
	(void)pgp_subpacket_put(&j->subpackets, type, critical, slice_of(&v, 1));
}

static void
put_properties(struct job *j)
{
	static const uint8_t ciphers[] = { PGP_AES256, PGP_AES192, PGP_AES128 };
	static const uint8_t hashes[] = { PGP_SHA512, PGP_SHA384, PGP_SHA256 };
	static const uint8_t aead[] = { PGP_AES256, PGP_OCB, PGP_AES128, PGP_OCB };
	const struct pgp_generate_spec *s = j->spec;
	uint8_t flags = s->sign_apart ? PGP_FLAG_CERTIFY : PGP_FLAG_CERTIFY | PGP_FLAG_SIGN;
	bool v2 = s->version == 6 || s->seipd2;
	uint8_t expires[4];

	put_octet(j, PGP_SUB_KEY_FLAGS, true, flags);
	put_octet(j, PGP_SUB_FEATURES, false, v2 ? PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2 : PGP_FEATURE_SEIPD1);
	(void)pgp_subpacket_put(&j->subpackets, PGP_SUB_PREFERRED_CIPHERS, false, slice_of(ciphers, sizeof ciphers));
	(void)pgp_subpacket_put(&j->subpackets, PGP_SUB_PREFERRED_HASHES, false, slice_of(hashes, sizeof hashes));
	if (v2)
		(void)pgp_subpacket_put(&j->subpackets, PGP_SUB_PREFERRED_AEAD, false, slice_of(aead, sizeof aead));
	if (s->expires == 0)
		return;
	for (size_t i = 0; i < 4; i++)
		expires[i] = (uint8_t)(s->expires >> (24 - 8 * i));
	(void)pgp_subpacket_put(&j->subpackets, PGP_SUB_KEY_EXPIRES, true, slice_of(expires, 4));
}

/* Signs the target with the primary key and puts the packet out. */
static int
put_sig(struct job *j, uint8_t type, const struct pgp_sig_target *target, struct error *e)
{
	struct pgp_sig_spec spec = {
		.type = type, .created = j->spec->created, .extra_hashed = buf_slice(&j->subpackets)
	};
	int rc;

	buf_clear(&j->packet);
	rc = pgp_sig_make_target(&spec, target, &j->primary.key, pgp_memory_keys_ops(j->memory), &j->packet, e);
	buf_clear(&j->subpackets);
	return rc != 0 ? rc : pgp_packet_write(j->out, PGP_SIGNATURE, buf_slice(&j->packet));
}

static int
put_user(struct job *j, size_t n, struct error *e)
{
	struct pgp_sig_target target = {
		.primary = &j->primary.key, .user_type = PGP_USER_ID, .user = j->spec->user_ids[n]
	};

	if (target.user.len > PGP_USER_ID_MAX || !utf8_valid(target.user))
		return error_set(e, ERR_USAGE, "a user ID must be UTF-8 of at most %u octets", PGP_USER_ID_MAX);
	(void)pgp_packet_write(j->out, PGP_USER_ID, target.user);
	if (j->spec->version == 4)
		put_properties(j);
	if (n == 0)
		put_octet(j, PGP_SUB_PRIMARY_USER_ID, true, 1);
	return put_sig(j, PGP_SIG_CERT_POSITIVE, &target, e);
}

/* The signing subkey agrees to be this primary's (section 5.2.1.9). */
static int
put_back_signature(struct job *j, const struct pgp_sig_target *target, struct error *e)
{
	struct pgp_sig_spec spec = { .type = PGP_SIG_PRIMARY_BINDING, .created = j->spec->created };
	int rc;

	buf_clear(&j->packet);
	rc = pgp_sig_make_target(&spec, target, &j->subkey.key, pgp_memory_keys_ops(j->memory), &j->packet, e);
	return rc != 0 ? rc : pgp_subpacket_put(&j->subpackets, PGP_SUB_EMBEDDED, false, buf_slice(&j->packet));
}

static int
put_subkey(struct job *j, bool signs, struct error *e)
{
	struct pgp_sig_target target = { .primary = &j->primary.key, .subkey = &j->subkey.key };
	int rc;

	fresh_done(&j->subkey);
	rc = fresh_make(&j->subkey, j->spec->version, signs, true, j->spec->created, e);
	if (rc == 0)
		rc = put_key(j, &j->subkey, PGP_SECRET_SUBKEY, e);
	if (rc != 0)
		return rc;
	put_octet(j, PGP_SUB_KEY_FLAGS, true, signs ? PGP_FLAG_SIGN : PGP_FLAG_ENCRYPT);
	if (signs)
		rc = put_back_signature(j, &target, e);
	return rc != 0 ? rc : put_sig(j, PGP_SIG_SUBKEY_BINDING, &target, e);
}

static int
generate(struct job *j, struct error *e)
{
	const struct pgp_generate_spec *s = j->spec;
	struct pgp_sig_target primary = { .primary = &j->primary.key };
	int rc = fresh_make(&j->primary, s->version, true, false, s->created, e);

	if (rc == 0)
		rc = put_key(j, &j->primary, PGP_SECRET_KEY, e);
	if (rc == 0 && (s->version == 6 || s->user_id_count == 0)) {
		put_properties(j);
		rc = put_sig(j, PGP_SIG_DIRECT_KEY, &primary, e);
	}
	for (size_t i = 0; rc == 0 && i < s->user_id_count; i++)
		rc = put_user(j, i, e);
	if (rc == 0 && s->sign_apart)
		rc = put_subkey(j, true, e);
	if (rc == 0 && !s->sign_only)
		rc = put_subkey(j, false, e);
	if (rc == 0 && j->out->err != 0)
		rc = error_set(e, j->out->err, "no room for a new key");
	return rc;
}

int
pgp_generate(const struct pgp_generate_spec *spec, struct buf *out, struct error *e)
{
	struct job j = { .spec = spec, .out = out };
	int rc;

	if (spec->version != 4 && spec->version != 6)
		return error_set(e, ERR_USAGE, "new keys are of version 4 or 6");
	if (spec->version == 6 && spec->protection == PGP_PROTECT_CFB)
		return error_set(e, ERR_USAGE, "a version 6 key is protected with AEAD");
	buf_init(&j.subpackets, PGP_SIG_BODY_MAX / 4);
	buf_init(&j.packet, PGP_SIG_BODY_MAX);
	rc = pgp_memory_keys_new(&j.memory, e);
	if (rc == 0)
		rc = generate(&j, e);
	pgp_memory_keys_free(j.memory);
	fresh_done(&j.primary);
	fresh_done(&j.subkey);
	buf_done(&j.subpackets);
	buf_wipe_done(&j.packet);
	return rc;
}

int
pgp_generate_revocation(const struct pgp_cert *c, struct pgp_keyring_ops keys, uint8_t reason, struct slice text,
    uint32_t created, struct buf *out, struct error *e)
{
	struct pgp_sig_target target = { .primary = c->primary };
	struct buf subpackets BUF_OWNED = { 0 }, code BUF_OWNED = { 0 }, body BUF_OWNED = { 0 };
	struct pgp_sig_spec spec = { .type = PGP_SIG_KEY_REVOCATION, .created = created };
	int rc;

	buf_init(&subpackets, PGP_SIG_BODY_MAX / 4);
	buf_init(&code, PGP_USER_ID_MAX);
	buf_init(&body, PGP_SIG_BODY_MAX);
	(void)buf_put_u8(&code, reason);
	if (buf_put_slice(&code, text) != 0)
		return error_set(e, ERR_USAGE, "the reason's text is too long");
	(void)pgp_subpacket_put(&subpackets, PGP_SUB_REVOCATION_REASON, false, buf_slice(&code));
	spec.extra_hashed = buf_slice(&subpackets);
	rc = pgp_sig_make_target(&spec, &target, c->primary, keys, &body, e);
	if (rc != 0)
		return rc;
	if (c->primary->version == 6)
		(void)pgp_packet_write(out, PGP_PUBLIC_KEY, c->primary->public_body);
	(void)pgp_packet_write(out, PGP_SIGNATURE, buf_slice(&body));
	return out->err != 0 ? error_set(e, out->err, "no room for a revocation") : 0;
}
