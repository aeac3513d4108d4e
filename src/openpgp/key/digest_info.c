/* SPDX-License-Identifier: ISC */
#include "openpgp/key/digest_info.h"

#include "openpgp/ids.h"

/* All have OIDs of nine octets below 2.16.840.1.101.3.4.2, which differ in their last (RFC 9580 section 5.2.3.1). */
static const struct row {
	uint8_t hash, last, size;
} rows[] = { { PGP_SHA224, 4, 28 }, { PGP_SHA256, 1, 32 }, { PGP_SHA384, 2, 48 }, { PGP_SHA512, 3, 64 },
	{ PGP_SHA3_256, 8, 32 }, { PGP_SHA3_512, 10, 64 } };

int
pgp_digest_info_put(struct buf *out, uint8_t hash, struct slice digest, struct error *e)
{
	const struct row *r = NULL;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].hash == hash)
			r = &rows[i];
	}
	if (r == NULL)
		return error_set(e, ERR_UNSUPPORTED, "no new RSA signatures are made with hash %u", hash);
	if (digest.len != r->size)
		return error_set(e, ERR_USAGE, "a digest of %zu octets is none of this hash", digest.len);
	const uint8_t head[] = { 0x30, (uint8_t)(17 + r->size), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, r->last, 0x05, 0x00, 0x04, r->size };
	(void)buf_put(out, head, sizeof head);
	return buf_put_slice(out, digest) == 0 ? 0 : error_set(e, out->err, "there is no room for a digest");
}
