/* SPDX-License-Identifier: ISC */
#include "service/keys/ca.h"

#include "crypto/secret.h"

#include "openpgp/cert/certify.h"
#include "openpgp/cert/generate.h"

#define FIND_BUDGET (4u << 20)

const char *
ca_how_name(uint32_t how)
{
	static const char *const names[] = {
		[CA_HOW_ACCOUNT] = "account", [CA_HOW_MAIL] = "mail", [CA_HOW_OPERATOR] = "operator"
	};

	return how <= CA_HOW_LAST ? names[how] : NULL;
}

bool
ca_is_of(struct slice address, struct slice domain)
{
	size_t at = slice_find_last(address, '@');

	return at != SIZE_MAX && domain.len > 0 && slice_ieq(slice_from(address, at + 1), domain);
}

/* ---- the key ---- */

static int
put_user_id(struct slice domain, struct buf *out)
{
	(void)buf_put_slice(out, domain);
	(void)buf_put_str(out, " key directory <" CA_LOCAL_PART "@");
	(void)buf_put_slice(out, domain);
	return buf_put_str(out, ">");
}

int
ca_new(struct slice domain, uint64_t now, struct buf *secret_out, struct error *e)
{
	BUF_OWNED struct buf user_id = { 0 };
	struct slice user;

	buf_init(&user_id, CA_USER_ID_MAX);
	if (put_user_id(domain, &user_id) != 0)
		return error_set(e, ERR_USAGE, "the domain is too long");
	user = buf_slice(&user_id);
	return pgp_generate(
	    &(struct pgp_generate_spec){
		.version = 4, .user_ids = &user, .user_id_count = 1, .created = (uint32_t)now, .sign_only = true },
	    secret_out, e);
}

static const struct pgp_component *
find_user(const struct pgp_cert *cert, struct slice user_id)
{
	for (size_t i = 0; i < cert->component_count; i++)
		if (cert->components[i].kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(cert->components[i].packet.body, user_id))
			return &cert->components[i];
	return NULL;
}

static int
take_secret(struct ca *ca, const struct pgp_cert *cert, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	int rc = pgp_memory_keys_new(&ca->secrets, e);

	if (rc == 0)
		rc = pgp_key_unlock(cert->primary, SLICE_EMPTY, &secret, e);
	return rc != 0 ? rc : pgp_memory_keys_add(ca->secrets, cert->primary, secret_slice(&secret), e);
}

int
ca_open(struct slice secret, struct slice domain, struct ca *ca_out, struct error *e)
{
	BUF_OWNED struct buf user_id = { 0 };
	const struct pgp_component *user = NULL;
	int rc;

	*ca_out = (struct ca){ 0 };
	buf_init(&user_id, CA_USER_ID_MAX);
	rc = pgp_certs_parse(secret, &ca_out->certs, e);
	if (rc == 0 && put_user_id(domain, &user_id) == 0)
		user = find_user(ca_out->certs.items[0], buf_slice(&user_id));
	if (rc == 0 && (ca_out->certs.count != 1 || !ca_out->certs.items[0]->secret || user == NULL))
		rc = error_set(e, ERR_SYNTAX, "this is not the secret key of a CA for %.*s", (int)domain.len,
		    (const char *)domain.data);
	if (rc != 0)
		return rc;
	ca_out->domain = slice_from(user->packet.body, slice_find_last(user->packet.body, '@') + 1);
	ca_out->domain.len--; /* the bracket */
	return take_secret(ca_out, ca_out->certs.items[0], e);
}

void
ca_close(struct ca *ca)
{
	pgp_memory_keys_free(ca->secrets);
	pgp_certs_done(&ca->certs);
	*ca = (struct ca){ 0 };
}

/* ---- certifying ---- */

static bool
is_by(const struct pgp_part *part, const struct pgp_key *key)
{
	struct pgp_sig sig;

	return part->type == PGP_SIGNATURE && pgp_sig_parse(part->body, &sig, NULL) == 0 && sig.has_issuer &&
	    pgp_sig_may_be_from(&sig, key);
}

/* The target as it is, but for what this key says of that user ID. */
static int
write_without(
    const struct pgp_cert *target, const struct pgp_component *user, const struct pgp_key *key, struct buf *out)
{
	for (size_t i = 0; i < target->component_count; i++) {
		const struct pgp_component *c = &target->components[i];

		(void)buf_put_slice(out, c->packet.raw);
		for (size_t k = 0; k < c->part_count; k++)
			if (c != user || !is_by(&c->parts[k], key))
				(void)buf_put_slice(out, c->parts[k].raw);
	}
	return out->err;
}

static int
sign(const struct ca *ca, const struct pgp_cert *target, struct slice user_id, uint32_t how, uint64_t now,
    struct buf *out, struct error *e)
{
	struct pgp_notation notation = { .value = slice_str(ca_how_name(how)), .readable = true };
	const struct pgp_certify_spec spec = { .type = PGP_SIG_CERT_GENERIC,
		.created = (uint32_t)now,
		.expires = CA_CERTIFY_SECONDS,
		.notations = &notation,
		.notation_count = 1 };
	BUF_OWNED struct buf name = { 0 };

	buf_init(&name, CA_USER_ID_MAX);
	(void)buf_put_str(&name, CA_NOTATION "@");
	(void)buf_put_slice(&name, ca->domain);
	notation.name = buf_slice(&name);
	return pgp_certify_user(&spec, target, user_id, ca->certs.items[0], pgp_memory_keys_ops(ca->secrets), out, e);
}

int
ca_certify(const struct ca *ca, const struct pgp_cert *target, struct slice user_id, uint32_t how, uint64_t now,
    struct buf *out, struct error *e)
{
	const struct pgp_component *user = find_user(target, user_id);
	const struct pgp_key *key = ca->certs.items[0]->primary;
	BUF_OWNED struct buf without = { 0 };
	struct pgp_cert *bare;
	size_t used;
	int rc;

	if (ca_how_name(how) == NULL)
		return error_set(e, ERR_SYNTAX, "how it was verified is none of what a CA says");
	if (target->secret || !ca_is_of(pgp_user_id_address(user_id), ca->domain) ||
	    target->primary->key_id == key->key_id)
		return error_set(e, ERR_DENIED, "this CA certifies addresses of %.*s, of others, and nothing else",
		    (int)ca->domain.len, (const char *)ca->domain.data);
	if (user == NULL)
		return error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
	buf_init(&without, PGP_CERT_MAX);
	rc = write_without(target, user, key, &without);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&without), &bare, &used, e);
	else
		rc = error_set(e, rc, "the certificate is too large");
	if (rc != 0)
		return rc;
	rc = sign(ca, bare, user_id, how, now, out, e);
	pgp_cert_free(bare);
	return rc;
}

int
ca_certified_until(const struct pgp_cert *ca, const struct pgp_cert *target, struct slice user_id, uint64_t now,
    uint64_t *until_out, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	struct pgp_cert *one = (struct pgp_cert *)(uintptr_t)ca; /* only looked at */
	const struct pgp_certs issuers_of = { .items = &one, .count = 1 };
	struct pgp_certification_query q = {
		.target = target, .component = find_user(target, user_id), .policy = &policy, .at = now
	};
	struct pgp_certification *found = NULL;
	struct pgp_issuers *issuers = NULL;
	ARENA_OWNED struct arena a = { 0 };
	size_t count = 0;
	int rc;

	*until_out = 0;
	if (q.component == NULL)
		return 0;
	arena_init(&a, FIND_BUDGET);
	rc = pgp_issuers_new(&issuers_of, &issuers, e);
	q.issuers = issuers;
	if (rc == 0)
		rc = pgp_certifications_find(&q, &a, &found, &count, e);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!found[i].self && found[i].amount > 0 && found[i].exportable && found[i].expires > *until_out)
			*until_out = found[i].expires;
	pgp_issuers_free(issuers);
	return rc;
}
