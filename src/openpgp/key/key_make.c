/* SPDX-License-Identifier: ISC */
#include "openpgp/key/key_make.h"

#include "openpgp/key/pk.h"
#include "openpgp/key/pqc.h"

#define MATERIAL_MAX (16u << 10) /* octets of public values; RSA of 16384 bits has 2 KiB */

void
pgp_fresh_key_done(struct pgp_fresh_key *f)
{
	secret_done(&f->secret);
	buf_done(&f->body);
	*f = (struct pgp_fresh_key){ 0 };
}

static int
find_row(const struct pgp_key_spec *spec, const struct pgp_pk **out, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_find(spec->algorithm);

	if (spec->version != 4 && spec->version != 6)
		return error_set(e, ERR_USAGE, "new keys are of version 4 or 6");
	if (pk == NULL || pk->generate == NULL || (pk->versions & (spec->version == 4 ? PGP_PK_V4 : PGP_PK_V6)) == 0)
		return error_set(e, ERR_USAGE, "no key of version %u with %s is made", spec->version,
		    pgp_algorithm_name(spec->algorithm));
	*out = pk;
	return pgp_pqc_available(spec->algorithm, e);
}

static int
make(const struct pgp_key_spec *spec, const struct pgp_pk *pk, struct pgp_fresh_key *f, struct error *e)
{
	BUF_OWNED struct buf material = { 0 };
	int rc;

	buf_init(&material, MATERIAL_MAX);
	rc = pk->generate(spec, &material, &f->secret, e);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(&f->body, spec->version);
	(void)buf_put_u32(&f->body, spec->created);
	(void)buf_put_u8(&f->body, spec->algorithm);
	if (spec->version == 6)
		(void)buf_put_u32(&f->body, (uint32_t)material.len);
	if (material.err != 0 || buf_put_slice(&f->body, buf_slice(&material)) != 0)
		return error_set(e, material.err != 0 ? material.err : f->body.err, "there is no room for a new key");
	return pgp_key_parse(buf_slice(&f->body), spec->subkey ? PGP_PUBLIC_SUBKEY : PGP_PUBLIC_KEY, &f->key, e);
}

int
pgp_key_make(const struct pgp_key_spec *spec, struct pgp_fresh_key *out, struct error *e)
{
	const struct pgp_pk *pk = NULL;
	int rc;

	*out = (struct pgp_fresh_key){ 0 };
	buf_init(&out->body, PGP_KEY_BODY_MAX);
	rc = find_row(spec, &pk, e);
	if (rc == 0)
		rc = make(spec, pk, out, e);
	if (rc != 0)
		pgp_fresh_key_done(out);
	return rc;
}
