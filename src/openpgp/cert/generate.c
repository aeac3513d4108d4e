/* SPDX-License-Identifier: ISC */
/* New keys. */
#include "openpgp/cert/generate.h"

#include "base/utf8.h"
#include "openpgp/frame/packet.h"
#include "openpgp/cert/selfsig.h"
#include "openpgp/cert/subkey.h"

struct job {
	const struct pgp_generate_spec *spec;
	struct pgp_memory_keys *memory; /* holds the primary key */
	struct pgp_fresh_key primary;
	struct buf subpackets; /* for the next signature */
	struct buf body;       /* its body */
	struct buf *out;
};

/* ---- what was asked for ---- */

static bool
subkey_signs(const struct pgp_generate_spec *s)
{
	bool signs = s->sign_apart;

	for (size_t i = 0; i < s->subkey_count; i++)
		signs = signs || (s->subkeys[i].flags & PGP_FLAG_SIGN) != 0;
	return signs;
}

static int
check_users(const struct pgp_generate_spec *s, struct error *e)
{
	if (s->user_id_count + s->subkey_count + 4 > PGP_CERT_COMPONENTS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u user IDs and subkeys", PGP_CERT_COMPONENTS_MAX - 4);
	for (size_t i = 0; i < s->user_id_count; i++)
		if (s->user_ids[i].len > PGP_USER_ID_MAX || !utf8_valid(s->user_ids[i]))
			return error_set(e, ERR_USAGE, "a user ID must be UTF-8 of at most %u octets", PGP_USER_ID_MAX);
	return 0;
}

/* Everything that can be refused is refused before an RSA key is made. */
static int
check(const struct pgp_generate_spec *s, struct error *e)
{
	struct pgp_family_key k;
	int rc;

	if (s->version != 4 && s->version != 6)
		return error_set(e, ERR_USAGE, "new keys are of version 4 or 6");
	if (s->version == 6 && s->protection == PGP_PROTECT_CFB)
		return error_set(e, ERR_USAGE, "a version 6 key is protected with AEAD");
	rc = pgp_family_key(s->family, s->version, true, &k, e);
	if (rc == 0)
		rc = check_users(s, e);
	for (size_t i = 0; rc == 0 && i < s->subkey_count; i++)
		rc = pgp_subkey_check(&s->subkeys[i], s->version, e);
	return rc;
}

/* ---- its parts ---- */

/* What the primary key is for and what the certificate can. */
static void
put_properties(struct job *j)
{
	const struct pgp_generate_spec *s = j->spec;

	pgp_put_flags(&j->subpackets, PGP_SUB_KEY_FLAGS, true,
	    subkey_signs(s) ? PGP_FLAG_CERTIFY : PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	pgp_put_preferences(&j->subpackets, s->version == 6 || s->seipd2);
	if (s->expires != 0)
		pgp_put_number(&j->subpackets, PGP_SUB_KEY_EXPIRES, true, s->expires);
}

/* Signs the target with the primary key and puts the packet out. */
static int
put_sig(struct job *j, uint8_t type, uint32_t created, const struct pgp_sig_target *target, struct error *e)
{
	struct pgp_sig_spec spec = { .type = type, .created = created, .extra_hashed = buf_slice(&j->subpackets) };
	int rc = j->subpackets.err;

	if (rc != 0)
		return error_set(e, rc, "no room for a signature's subpackets");
	buf_clear(&j->body);
	rc = pgp_sig_make_target(&spec, target, &j->primary.key, pgp_memory_keys_ops(j->memory), &j->body, e);
	buf_clear(&j->subpackets);
	return rc != 0 ? rc : pgp_packet_write(j->out, PGP_SIGNATURE, buf_slice(&j->body));
}

static int
put_direct(struct job *j, struct error *e)
{
	struct pgp_sig_target target = { .primary = &j->primary.key };

	put_properties(j);
	return put_sig(j, PGP_SIG_DIRECT_KEY, j->spec->created, &target, e);
}

static int
put_user(struct job *j, size_t n, struct error *e)
{
	struct pgp_sig_target target = {
		.primary = &j->primary.key, .user_type = PGP_USER_ID, .user = j->spec->user_ids[n]
	};

	(void)pgp_packet_write(j->out, PGP_USER_ID, target.user);
	if (j->spec->version == 4)
		put_properties(j);
	if (n == 0)
		pgp_put_octet(&j->subpackets, PGP_SUB_PRIMARY_USER_ID, true, 1);
	return put_sig(j, PGP_SIG_CERT_POSITIVE, j->spec->created, &target, e);
}

static int
bind_subkey(struct job *j, const struct pgp_subkey_spec *s, const struct pgp_fresh_key *f, struct error *e)
{
	struct pgp_sig_target target = { .primary = &j->primary.key, .subkey = &f->key };
	uint32_t created = f->key.created > j->spec->created ? f->key.created : j->spec->created;
	int rc = pgp_fresh_key_write(f, j->spec->protection, j->spec->passphrase, j->out, e);

	if (rc == 0)
		rc = pgp_subkey_put_binding(s, &j->primary.key, f, created, &j->subpackets, e);
	return rc != 0 ? rc : put_sig(j, PGP_SIG_SUBKEY_BINDING, created, &target, e);
}

static int
put_subkey(struct job *j, const struct pgp_subkey_spec *s, struct error *e)
{
	struct pgp_fresh_key f;
	int rc = pgp_subkey_make(s, j->spec->version, j->spec->created, &f, e);

	if (rc != 0)
		return rc;
	rc = bind_subkey(j, s, &f, e);
	pgp_fresh_key_done(&f);
	return rc;
}

static int
put_subkeys(struct job *j, struct error *e)
{
	const struct pgp_generate_spec *s = j->spec;
	const struct pgp_subkey_spec usual[] = {
		{ .flags = s->sign_apart ? PGP_FLAG_SIGN : 0, .family = s->family },
		{ .flags = s->sign_only ? 0 : PGP_FLAG_ENCRYPT, .family = s->family },
		{ .flags = s->authenticate ? PGP_FLAG_AUTHENTICATE : 0, .family = s->family },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->subkey_count; i++)
		rc = put_subkey(j, &s->subkeys[i], e);
	for (size_t i = 0; rc == 0 && s->subkey_count == 0 && i < sizeof usual / sizeof usual[0]; i++)
		if (usual[i].flags != 0)
			rc = put_subkey(j, &usual[i], e);
	return rc;
}

static int
generate(struct job *j, struct error *e)
{
	const struct pgp_generate_spec *s = j->spec;
	int rc = pgp_fresh_key_make(s->family, true, s->version, false, s->created, &j->primary, e);

	if (rc == 0)
		rc = pgp_memory_keys_add(j->memory, &j->primary.key, secret_slice(&j->primary.secret), e);
	if (rc == 0)
		rc = pgp_fresh_key_write(&j->primary, s->protection, s->passphrase, j->out, e);
	if (rc == 0 && (s->version == 6 || s->direct || s->user_id_count == 0))
		rc = put_direct(j, e);
	for (size_t i = 0; rc == 0 && i < s->user_id_count; i++)
		rc = put_user(j, i, e);
	if (rc == 0)
		rc = put_subkeys(j, e);
	if (rc == 0 && j->out->err != 0)
		rc = error_set(e, j->out->err, "no room for a new key");
	return rc;
}

int
pgp_generate(const struct pgp_generate_spec *spec, struct buf *out, struct error *e)
{
	struct job j = { .spec = spec, .out = out };
	size_t from = out->len;
	int rc = check(spec, e);

	if (rc != 0)
		return rc;
	buf_init(&j.subpackets, PGP_SIG_BODY_MAX / 4);
	buf_init(&j.body, PGP_SIG_BODY_MAX);
	rc = pgp_memory_keys_new(&j.memory, e);
	if (rc == 0)
		rc = generate(&j, e);
	if (rc != 0)
		buf_truncate(out, from);
	pgp_memory_keys_free(j.memory);
	pgp_fresh_key_done(&j.primary);
	buf_done(&j.subpackets);
	buf_done(&j.body);
	return rc;
}
