/* SPDX-License-Identifier: ISC */
#include "service/keys/ca_own.h"

#include "openpgp/cert/change.h"
#include "openpgp/frame/armor.h"
#include "store/store.h"

#define BUDGET (8u << 20)

int
ca_public(const struct ca *ca, struct buf *out, struct error *e)
{
	int rc = pgp_cert_write_public(ca->certs.items[0], out);

	return rc == 0 ? 0 : error_set(e, rc, "the CA's certificate is too large");
}

int
ca_revoked(const struct ca *ca, struct slice text, uint64_t now, struct buf *out, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	BUF_OWNED struct buf public = { 0 };
	struct pgp_cert *cert;
	size_t used;
	int rc;

	buf_init(&public, CA_KEY_MAX);
	rc = ca_public(ca, &public, e);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&public), &cert, &used, e);
	if (rc != 0)
		return rc;
	rc = pgp_change_revoke(
	    &(struct pgp_change){ .cert = cert, .keys = pgp_memory_keys_ops(ca->secrets), .policy = &policy },
	    PGP_REASON_RETIRED, text, out, e);
	pgp_cert_free(cert);
	return rc;
}

int
ca_armor(struct slice certificate, struct buf *out, struct error *e)
{
	return pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, certificate, out, e);
}

int
ca_fingerprint(struct slice certificate, struct buf *out, struct error *e)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(certificate, &cert, &used, e);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < cert->primary->fingerprint.len; i++)
		(void)buf_putf(out, i > 0 && i % 2 == 0 ? " %02X" : "%02X", cert->primary->fingerprint.bytes[i]);
	pgp_cert_free(cert);
	return out->err;
}

/* What the store has of it: a revocation may come on top. */
static int
old_revision(struct port *store, struct slice fingerprint, uint64_t *revision_out, struct error *e)
{
	const struct store_certificate_find request = {
		.by = STORE_BY_NAME, .value = fingerprint, .limit = 1, .without_data = true
	};
	struct store_certificates found;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, BUDGET);
	rc = store_certificate_find(store, &request, &a, &found, e);
	*revision_out = rc == 0 && found.certificate_count > 0 ? found.certificates[0].revision : 0;
	return rc;
}

/* A CA has one key and one user ID, which is the directory's own. */
static int
put(struct port *store, const struct pgp_cert *cert, struct error *e)
{
	const struct pgp_key *key = cert->primary;
	const struct pgp_component *c = &cert->components[1];
	const struct store_certificate_key one = {
		.fingerprint = slice_of(key->fingerprint.bytes, key->fingerprint.len), .key_id = key->key_id
	};
	struct store_certificate_user user = { .user_id = c->packet.body,
		.address = pgp_user_id_address(c->packet.body),
		.place = (uint32_t)(c->packet.raw.data - cert->raw.data),
		.length = (uint32_t)c->packet.raw.len };
	struct store_certificate in = { .fingerprint = one.fingerprint,
		.version = key->version,
		.created = key->created,
		.keys = &one,
		.key_count = 1,
		.users = &user,
		.user_count = 1,
		.data = cert->raw };
	const struct store_certificate_publish publish = {
		.fingerprint = one.fingerprint, .address = user.address, .how = STORE_HOW_OPERATOR
	};
	struct store_certificate_kept reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc = old_revision(store, one.fingerprint, &in.revision, e);

	arena_init(&a, BUDGET);
	for (size_t i = 0; i < c->part_count; i++)
		user.length += (uint32_t)c->parts[i].raw.len;
	if (rc == 0)
		rc = store_certificate_put(store, &in, &a, &reply, e);
	return rc != 0 ? rc : store_certificate_publish(store, &publish, &a, &reply, e);
}

int
ca_put(struct port *store, struct slice certificate, struct error *e)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(certificate, &cert, &used, e);

	if (rc != 0)
		return rc;
	if (cert->component_count != 2 || cert->components[1].kind != PGP_COMPONENT_USER_ID)
		rc = error_set(e, ERR_SYNTAX, "this is not the certificate of a CA of ours");
	else
		rc = put(store, cert, e);
	pgp_cert_free(cert);
	return rc;
}
