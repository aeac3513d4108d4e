/* SPDX-License-Identifier: ISC */
#include "crypto/rsa_der.h"

#include "base/reader.h"

#define DER_INTEGER 0x02u
#define DER_BITS 0x03u
#define DER_SEQUENCE 0x30u

/* What stands in the element at the front, which must be of that tag, with its length in the shortest form. */
static struct slice
take(struct reader *r, uint8_t tag)
{
	size_t len, octets;

	if (reader_get_u8(r) != tag && r->err == 0)
		r->err = ERR_SYNTAX;
	len = reader_get_u8(r);
	if (len >= 0x80) {
		octets = len - 0x80;
		len = octets == 1 ? reader_get_u8(r) : octets == 2 ? reader_get_u16(r) : 0;
		if ((octets == 1 && len < 0x80) || (octets == 2 && len < 0x100) || octets < 1 || octets > 2)
			r->err = ERR_SYNTAX;
	}
	return r->err != 0 ? SLICE_EMPTY : reader_get(r, len);
}

/* A positive number, shortest form. */
static struct slice
take_number(struct reader *r)
{
	struct slice s = take(r, DER_INTEGER);

	if (s.len == 0 || s.data[0] >= 0x80 || (s.len > 1 && s.data[0] == 0 && s.data[1] < 0x80))
		r->err = r->err != 0 ? r->err : ERR_SYNTAX;
	return s.len > 0 && s.data[0] == 0 ? slice_from(s, 1) : s;
}

static int
parse_key(struct slice der, struct rsa_public *out, struct error *e)
{
	struct reader whole = reader_of(der), r = reader_of(take(&whole, DER_SEQUENCE));
	struct slice n = take_number(&r), exponent = take_number(&r);

	if (whole.err != 0 || r.err != 0 || reader_left(&whole) > 0 || reader_left(&r) > 0 || n.len == 0 ||
	    exponent.len == 0)
		return error_set(e, ERR_SYNTAX, "these octets are no RSA public key");
	*out = (struct rsa_public){ .n = n, .e = exponent };
	return 0;
}

int
rsa_der_parse(struct slice der, struct rsa_public *out, struct error *e)
{
	/* OBJECT IDENTIFIER rsaEncryption and NULL; the NULL is sometimes left out. */
	static const uint8_t algorithm[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
		0x00 };
	struct reader whole = reader_of(der), r = reader_of(take(&whole, DER_SEQUENCE));
	struct slice id, bits;

	if (r.in.len == 0 || r.in.data[0] != DER_SEQUENCE)
		return parse_key(der, out, e);
	id = take(&r, DER_SEQUENCE);
	bits = take(&r, DER_BITS);
	if (whole.err != 0 || r.err != 0 || reader_left(&whole) > 0 || reader_left(&r) > 0 || bits.len < 1 ||
	    bits.data[0] != 0)
		return error_set(e, ERR_SYNTAX, "these octets are no public key");
	if (!slice_eq(id, slice_of(algorithm, sizeof algorithm)) &&
	    !slice_eq(id, slice_of(algorithm, sizeof algorithm - 2)))
		return error_set(e, ERR_UNSUPPORTED, "this public key is not RSA's");
	return parse_key(slice_from(bits, 1), out, e);
}
