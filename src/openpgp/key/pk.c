/* SPDX-License-Identifier: ISC */
/* The rows, found by number, and fields taken apart by their letters. */
#include "openpgp/key/pk.h"

#include "openpgp/key/curve.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk_internal.h"
#include "openpgp/key/pqc.h"

static const struct pgp_pk *const rows[] = {
	&pgp_pk_rsa,
	&pgp_pk_rsa_encrypt,
	&pgp_pk_rsa_sign,
	&pgp_pk_elgamal,
	&pgp_pk_dsa,
	&pgp_pk_ecdh,
	&pgp_pk_ecdsa,
	&pgp_pk_eddsa_legacy,
	&pgp_pk_x25519,
	&pgp_pk_x448,
	&pgp_pk_ed25519,
	&pgp_pk_ed448,
	&pgp_pk_mldsa65_ed25519,
	&pgp_pk_mldsa87_ed448,
	&pgp_pk_mlkem768_x25519,
	&pgp_pk_mlkem1024_x448,
};

const struct pgp_pk *
pgp_pk_find(uint8_t algorithm)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i]->id == algorithm)
			return rows[i];
	}
	return NULL;
}

const struct pgp_pk *
pgp_pk_of(const struct pgp_key *key)
{
	const struct pgp_pk *pk = key->understood ? pgp_pk_find(key->algorithm) : NULL;

	return pk != NULL && pk->available != NULL && !pk->available() ? NULL : pk;
}

int
pgp_pk_refuse(const struct pgp_key *key, const char *what, struct error *e)
{
	int rc = pgp_pqc_available(key->algorithm, e);

	return rc != 0 ? rc
		       : error_set(e, ERR_UNSUPPORTED, "%s of version %u with %s is not supported", what, key->version,
			     pgp_algorithm_name(key->algorithm));
}

static uint8_t
family(uint8_t algorithm)
{
	return algorithm == PGP_RSA_ENCRYPT || algorithm == PGP_RSA_SIGN ? PGP_RSA : algorithm;
}

bool
pgp_pk_same(uint8_t a, uint8_t b)
{
	return family(a) == family(b);
}

static struct slice
take_field(struct reader *r, char letter, const struct pgp_pk_layout *layout)
{
	switch (letter) {
	case 'm':
		return pgp_mpi_take(r);
	case '1':
		return reader_get(r, layout->octets[0]);
	case '2':
		return reader_get(r, layout->octets[1]);
	default:
		return reader_get(r, reader_get_u8(r));
	}
}

bool
pgp_pk_split(const struct pgp_pk_layout *layout, struct slice in, struct slice *out)
{
	struct reader r = reader_of(in);
	size_t n = 0;

	if (layout->fields == NULL)
		return false;
	for (const char *f = layout->fields; *f != 0; f++)
		out[n++] = take_field(&r, *f, layout);
	return r.err == 0 && reader_left(&r) == 0;
}

size_t
pgp_key_digest_min(const struct pgp_key *key)
{
	const struct pgp_pk *pk = pgp_pk_find(key->algorithm);
	const struct pgp_curve_row *curve = pgp_curve_find(key->curve);

	if (pk == NULL || pk->verify == NULL)
		return 0;
	if (curve != NULL)
		return curve->digest_min;
	/* Section 5.2.3.2: as many bits as the group has. */
	if (key->algorithm == PGP_DSA)
		return (pgp_mpi_bits(key->public[1]) + 7) / 8;
	return pk->digest_min;
}

/* ---- shared by the rows ---- */

struct slice
pgp_native_point(struct slice mpi, uint8_t curve, size_t size)
{
	bool bare = curve == PGP_CURVE_ED448_LIBRE || curve == PGP_CURVE_448_LIBRE;

	if (mpi.len == size + 1 && mpi.data[0] == 0x40)
		return slice_from(mpi, 1);
	return bare && mpi.len == size ? mpi : SLICE_EMPTY;
}

int
pgp_native_unpack(struct secret *s, uint8_t curve, size_t size, struct error *e)
{
	struct reader r = reader_of(secret_slice(s));
	struct slice mpi = pgp_mpi_take(&r);
	struct secret native;
	int rc;

	if (pgp_native_point(mpi, curve, size).len != 0)
		mpi = pgp_native_point(mpi, curve, size);
	if (r.err != 0 || reader_left(&r) != 0 || mpi.len > size)
		return error_set(e, ERR_SYNTAX, "malformed secret key");
	rc = secret_new(&native, size, e);
	if (rc != 0)
		return rc;
	(void)pgp_mpi_octets(mpi, native.data, size);
	secret_done(s);
	*s = native;
	return 0;
}

int
pgp_mpi_secret(struct slice number, struct secret *out, struct error *e)
{
	struct buf wire;
	int rc;

	buf_init(&wire, PGP_KEY_BODY_MAX);
	(void)buf_reserve(&wire, 2 + number.len); /* growing would leave a copy behind */
	rc = pgp_mpi_write(&wire, number) != 0 ? error_nomem(e) : secret_copy(out, buf_slice(&wire), e);
	buf_wipe_done(&wire);
	return rc;
}
