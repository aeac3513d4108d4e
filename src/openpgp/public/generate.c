/* SPDX-License-Identifier: ISC */
/* New keys, revocations, passwords and merging for the public header. */
#include "openpgp/cert/generate.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/secret.h"
#include "openpgp/frame/armor.h"
#include "openpgp/cert/merge.h"
#include "openpgp/cert/profile.h"
#include "openpgp/public/public.h"

#define USER_IDS_MAX 1024u

struct llk_generator {
	const struct pgp_profile *profile;
	struct buf user_ids[USER_IDS_MAX];
	size_t user_id_count;
	struct secret password;
	uint32_t expires;
	bool sign_only;
};

enum pgp_protection
public_protection(uint8_t version, struct llk_bytes password)
{
	if (password.len == 0)
		return PGP_PROTECT_NONE;
	return version == 6 ? PGP_PROTECT_AEAD : PGP_PROTECT_CFB;
}

int
llk_generator_new(const char *profile, struct llk_generator **out, struct llk_error *error)
{
	const struct pgp_profile *p = pgp_profile_find(slice_str(profile));
	struct llk_generator *g;

	if (p == NULL)
		return public_refuse(error, ERR_USAGE, "there is no profile of that name");
	g = mem_alloc(sizeof *g);
	if (g == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	g->profile = p;
	*out = g;
	return 0;
}

void
llk_generator_free(struct llk_generator *generator)
{
	if (generator == NULL)
		return;
	for (size_t i = 0; i < generator->user_id_count; i++)
		buf_done(&generator->user_ids[i]);
	secret_done(&generator->password);
	mem_free(generator);
}

int
llk_generator_user_id(struct llk_generator *generator, struct llk_bytes user_id, struct llk_error *error)
{
	struct buf *b = &generator->user_ids[generator->user_id_count];

	if (generator->user_id_count == USER_IDS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many user IDs");
	if (user_id.len > PGP_USER_ID_MAX || !utf8_valid(public_slice(user_id)))
		return public_refuse(error, ERR_USAGE, "a user ID is UTF-8 of at most 4096 octets");
	buf_init(b, PGP_USER_ID_MAX);
	if (buf_put(b, user_id.data, user_id.len) != 0) {
		buf_done(b);
		return public_refuse(error, ERR_NOMEM, "no memory");
	}
	generator->user_id_count++;
	return 0;
}

int
llk_generator_password(struct llk_generator *generator, struct llk_bytes password, struct llk_error *error)
{
	struct secret s = SECRET_EMPTY;
	struct error e = { 0 };

	if (password.len > 0 && secret_copy(&s, public_slice(password), &e) != 0)
		return public_fail(error, &e);
	secret_done(&generator->password);
	generator->password = secret_take(&s);
	return 0;
}

void
llk_generator_expires(struct llk_generator *generator, uint32_t seconds)
{
	generator->expires = seconds;
}

void
llk_generator_signing_only(struct llk_generator *generator)
{
	generator->sign_only = true;
}

int
llk_generator_run(
    struct llk_generator *generator, uint32_t created, bool armor, struct llk_data *out, struct llk_error *error)
{
	const struct llk_generator *g = generator;
	struct slice *user_ids = mem_array(g->user_id_count, sizeof *user_ids);
	const struct pgp_generate_spec spec = { .version = g->profile->version,
		.family = g->profile->family,
		.seipd2 = g->profile->seipd2,
		.user_ids = user_ids,
		.user_id_count = g->user_id_count,
		.created = created,
		.expires = g->expires,
		.sign_only = g->sign_only,
		.protection =
		    public_protection(g->profile->version, (struct llk_bytes){ g->password.data, g->password.len }),
		.passphrase = secret_slice(&g->password) };
	struct error e = { 0 };
	struct buf packets;
	int rc;

	if (user_ids == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	for (size_t i = 0; i < g->user_id_count; i++)
		user_ids[i] = buf_slice(&g->user_ids[i]);
	buf_init(&packets, LLK_WHOLE_MAX);
	rc = pgp_generate(&spec, &packets, &e);
	mem_free(user_ids);
	if (rc == 0)
		return public_give_packets(&packets, armor, g->profile->version != 6, out, error);
	buf_wipe_done(&packets);
	return public_fail(error, &e);
}

/* ---- of a certificate that there is ---- */

int
llk_cert_merge(
    const struct llk_cert *a, const struct llk_cert *b, bool armor, struct llk_data *out, struct llk_error *error)
{
	struct buf packets;
	struct error e = { 0 };
	bool changed;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_merge(public_cert_engine(a), public_cert_engine(b), &packets, &changed, &e);
	return public_deliver(rc, public_cert_engine(a), &packets, armor, out, &e, error);
}

int
llk_cert_revocation(const struct llk_cert *cert, const struct llk_keys *keys, enum llk_revocation reason,
    struct llk_bytes text, uint32_t created, bool armor, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	struct error e = { 0 };
	struct buf packets, armored;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_generate_revocation(
	    c, pgp_memory_keys_ops(keys->memory), (uint8_t)reason, public_slice(text), created, &packets, &e);
	if (rc != 0 || !armor)
		return public_deliver(rc, c, &packets, false, out, &e, error);
	/* A lone signature in the armor of a public key: so every program takes it as part of a certificate. */
	buf_init(&armored, PGP_CERT_MAX);
	rc = pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, c->primary->version != 6, buf_slice(&packets), &armored, &e);
	buf_done(&packets);
	return public_deliver(rc, c, &armored, false, out, &e, error);
}

int
llk_cert_change_password(const struct llk_cert *cert, struct llk_bytes old_password, struct llk_bytes password,
    bool armor, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	enum pgp_protection protection = public_protection(c->primary->version, password);
	struct error e = { 0 };
	struct buf packets;
	int rc;

	if (!c->secret)
		return public_refuse(error, ERR_NO_KEY, "the certificate has no secret keys in it");
	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_cert_protect(c, public_slice(old_password), protection, public_slice(password), &packets, &e);
	return public_deliver(rc, c, &packets, armor, out, &e, error);
}
