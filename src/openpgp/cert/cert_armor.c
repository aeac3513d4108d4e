/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/cert_armor.h"

#include "openpgp/frame/armor.h"

int
pgp_certs_dearmor(struct slice text, struct buf *out, struct error *e)
{
	enum pgp_armor_kind kind;
	size_t at = 0, blocks = 0;
	int rc;

	while ((rc = pgp_armor_parse(text, &at, &kind, out, e)) == 1) {
		if (kind != PGP_ARMOR_PUBLIC_KEY && kind != PGP_ARMOR_PRIVATE_KEY)
			return error_set_at(e, ERR_SYNTAX, at, "an armored block that holds no certificate");
		blocks++;
	}
	if (rc == 0 && blocks == 0)
		return error_set(e, ERR_SYNTAX, "neither an OpenPGP certificate nor armored");
	return rc;
}
